using System.Net;
using System.Net.Sockets;

namespace BankingEngine.Specs.Engine.Cli;

/// <summary><c>serve --gateway</c> that cannot be: found before a book is touched.</summary>
public sealed class GatewayCommandSpecs
{
    [Fact]
    public async Task A_gateways_port_that_is_taken_is_one_line_and_no_book_is_founded()
    {
        using var shell = new Shell();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var said = await Serve(shell, $"http://{other.LocalEndpoint}");
        said.Exit.Should().Be(4, said.Error);
        said.Error.TrimEnd().Should().StartWith("serve.address_in_use: ").And.Contain("--gateway").And.NotContain("--urls")
            .And.NotContain("\n");
        said.Output.Should().BeEmpty("nothing was begun, and the log has no trace");
        Directory.Exists(shell.Book).Should().BeFalse();
    }

    [Theory]
    [InlineData("2113")]
    [InlineData("https://127.0.0.1:0/audit")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://192.0.2.1:2113")]
    [InlineData("https://127.0.0.1:0", "Gateway__Certificate__Path=/nowhere/gateway.pem")]
    [InlineData("http://127.0.0.1:0", "Gateway__Nodes=second=bank-2.example")]
    [InlineData("http://0.0.0.0:0", "Gateway__AllowAnonymous=true")]
    public async Task An_address_or_certificate_that_cannot_be_used_is_one_line_and_no_book_is_founded(
        string address, string setting = "Gateway__Certificate__Path=")
    {
        using var shell = new Shell();
        var said = await Serve(shell, address, setting);
        said.Exit.Should().Be(1, said.Error);
        said.Error.TrimEnd().Should().StartWith("serve.gateway: ").And.Contain("--gateway").And.NotContain("\n");
        said.Output.Should().BeEmpty();
        Directory.Exists(shell.Book).Should().BeFalse();
    }

    private static Task<Said> Serve(Shell shell, string gateway, string setting = "Gateway__AllowAnonymous=false") =>
        shell.RunWithAsync(setting, "serve", "--demo", "--data", shell.Book, "--urls", "http://127.0.0.1:0", "--gateway", gateway);
}
