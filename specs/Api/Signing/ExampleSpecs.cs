using System.Diagnostics;
using System.Net;
using System.Text.Json;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Specs.Engine.Cli;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>A spec that runs a program of another language, where this machine has it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ProgramTheoryAttribute : TheoryAttribute
{
    /// <param name="arguments">Succeeds where the program has what the spec needs.</param>
    public ProgramTheoryAttribute(string program, string arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.WaitForExit();
            if (process.ExitCode != 0) Skip = $"{program} {arguments} does not work here.";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip = $"{program} is not installed.";
        }
    }
}

/// <summary>The examples that the documentation shows, run as it says, against the real host.</summary>
public sealed class ExampleSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "Api", "Signing", "examples");

    [ProgramTheory("node", "--version")]
    [InlineData("r1", "")]
    [InlineData("k1", "")]
    [InlineData("r1", "Miete für Mai €")]
    public Task A_payment_signed_by_node_is_made(string kind, string remittance) =>
        Pays("node", Path.Combine(Folder, "sign.mjs"), kind, remittance);

    [ProgramTheory("python3", "-c \"import cryptography\"")]
    [InlineData("r1", "")]
    [InlineData("k1", "")]
    [InlineData("k1", "Miete für Mai €")]
    public Task A_payment_signed_by_python_is_made(string kind, string remittance) =>
        Pays("python3", Path.Combine(Folder, "sign.py"), kind, remittance);

    [Theory]
    [InlineData("r1")]
    [InlineData("k1")]
    public async Task A_payment_signed_on_the_command_line_is_made(string kind)
    {
        using var shell = new Shell();
        var file = Path.Combine(shell.Folder, "own.pem");
        var made = await shell.RunAsync("keys", "new", "--kind", kind, "--out", file, "--json");
        made.Exit.Should().Be(0, made.Error);
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await shell.RunAsync("keys", "new", "--kind", kind, "--out", file)).Exit.Should().Be(2, "it would be lost");
        var account = await served.Owned(AuthorityOf(made.Text("key")));
        var fields = Path.Combine(shell.Folder, "fields.json");
        File.WriteAllText(fields, SignedAccounts.Fields(account, "1.00").TrimEnd('}') + "},\"remittance\":\"Rent\"}");
        var said = await shell.RunAsync(
            "sign", "--key", file, "--book", served.Book.SigningId, "--as", $"{account}@active", "--command",
            "transfer.make", "--fields", kind == "k1" ? "@" + fields : File.ReadAllText(fields), "--at",
            served.Book.Engine.RoughNow.ToString());
        said.Exit.Should().Be(0, said.Error);
        var reply = await new SignedCall(served).Send(said.Output, "");
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
    }

    [Theory]
    [InlineData("--fields", "[1]")]
    [InlineData("--fields", """{"amount":1.5}""")]
    [InlineData("--as", "nobody")]
    [InlineData("--book", "01")]
    [InlineData("--command", "transfer.undo")]
    public async Task What_cannot_be_signed_is_said_at_once(string option, string value)
    {
        using var shell = new Shell();
        var file = Path.Combine(shell.Folder, "own.pem");
        await shell.RunAsync("keys", "new", "--kind", "r1", "--out", file);
        var options = new Dictionary<string, string>
        {
            ["--key"] = file,
            ["--book"] = served.Book.SigningId,
            ["--as"] = "a@active",
            ["--command"] = "transfer.make",
            ["--fields"] = "{}",
            [option] = value,
        };
        var said = await shell.RunAsync(["sign", .. options.SelectMany(pair => new[] { pair.Key, pair.Value })]);
        (said.Exit, said.Error).Should().Match<(int Exit, string Error)>(s => s.Exit == 1 && s.Error.Contains("usage"));
    }

    private async Task Pays(string program, string script, string kind, string remittance)
    {
        var folder = Directory.CreateTempSubdirectory("bank-sign-").FullName;
        var file = Path.Combine(folder, "own.pem");
        var made = await Shell.RunAsync(program, [script, "new", kind, file], folder);
        made.Exit.Should().Be(0, made.Error);
        var account = await served.Owned(AuthorityOf(made.Output.Trim()));
        string[] arguments = [script, "pay", served.Address, file, account, "customers:bob", "EUR", "1.00"];
        if (remittance.Length > 0) arguments = [.. arguments, remittance];

        // Several, so that both halves of the second number are met.
        for (var i = 0; i < 4; i++)
        {
            var said = await Shell.RunAsync(program, arguments, folder);
            said.Output.Should().StartWith("201 ", said.Error);
            JsonDocument.Parse(said.Output[4..]).RootElement.GetProperty("type").GetString().Should()
                .Be("transfer.made.v1");
        }
        var page = $"/v1/accounts/{account}/entries?limit=1";
        string[] reading = [script, "read", served.Address, file, $"{account}@active", page];
        var read = await Shell.RunAsync(program, reading, folder);
        read.Output.Should().StartWith("200 ", read.Error);
        Verifier.Journal(served.Folder, [], null).Findings.Should().BeEmpty();
        Directory.Delete(folder, recursive: true);
    }

    private static string AuthorityOf(string key) => $$"""{"threshold":1,"keys":[{"key":"{{key}}","weight":1}]}""";
}
