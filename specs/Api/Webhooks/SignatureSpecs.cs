using System.Text;
using System.Text.Json;
using BankingEngine.Host.Webhooks;
using BankingEngine.Specs.Contracts;
using BankingEngine.Specs.Engine.Cli;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>A spec that runs the library of Standard Webhooks, where Node and the package are.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PeerFactAttribute : FactAttribute
{
    public PeerFactAttribute()
    {
        var runs = new Signing.ProgramTheoryAttribute("node", "--version");
        Skip = runs.Skip
            ?? (Directory.Exists(Path.Combine(SignatureSpecs.Peer, "node_modules"))
                ? null : "Run npm ci in specs/Api/Webhooks/peer first.");
    }
}

/// <summary>Who receives verifies with the library of the standard, not with ours.</summary>
public sealed class SignatureSpecs
{
    private const string
        Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        Id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
        Body = """{"test": 2432232314}""",
        Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    private const long At = 1_614_265_330;

    public static string Peer => Path.Combine(EventContractSpecs.Repository(), "specs", "Api", "Webhooks", "peer");

    [Fact]
    public void The_example_of_the_standard_has_its_signature() =>
        WebhookSignature.Sign(Id, DateTimeOffset.FromUnixTimeSeconds(At), Encoding.UTF8.GetBytes(Body), Secret)
            .Should().Be(Signature);

    [Fact]
    public void Two_secrets_make_two_signatures()
    {
        var other = WebhookSignature.NewSecret();
        Convert.FromBase64String(other["whsec_".Length..]).Should().HaveCount(32);
        WebhookSignature.NewSecret().Should().NotBe(other);
        var both = WebhookSignature.Sign(
            Id, DateTimeOffset.FromUnixTimeSeconds(At), Encoding.UTF8.GetBytes(Body), other, Secret).Split(' ');
        both.Should().HaveCount(2);
        both[1].Should().Be(Signature);
    }

    [PeerFact]
    public async Task The_library_of_the_standard_signs_its_example_the_same()
    {
        var said = await Shell.RunAsync(
            "node", [Path.Combine(Peer, "sign.mjs"), Secret, Id, $"{At}", Body], Path.GetTempPath());
        said.Output.Trim().Should().Be(Signature, said.Error);
    }

    [PeerFact]
    public async Task Messages_are_verified_by_the_library_with_the_secret_before_and_the_new_one_while_both_count()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        var first = await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("12.34");
        var before = await receiver.Next();
        var second = await hooked.Rotate();
        await hooked.Host.Pay("5.00");
        var between = await receiver.Next();
        var third = await hooked.Rotate(overlap: 0);
        await hooked.Host.Pay("6.00");
        var after = await receiver.Next();
        var forged = before with { Body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(before.Body).Replace("12.34", "99.99")) };
        var stranger = before with { Headers = between.Headers };

        var said = await Verify(
            (first, before), (first, between), (second, between), (second, after), (third, after), (first, forged),
            (first, stranger));
        said.Select(line => line[..8]).Should().Equal(
            "verified", "verified", "verified", "refused ", "verified", "refused ", "refused ");
        JsonDocument.Parse(said[0][9..]).RootElement.GetProperty("data").GetProperty("data").GetProperty("amount")
            .GetProperty("amount").GetString().Should().Be("12.34");
        between.Headers["webhook-signature"].Split(' ').Should().HaveCount(2);
    }

    [Fact]
    public async Task No_secret_stands_in_the_journal()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        var secret = await hooked.Subscribe(receiver.Url);
        var rotated = await hooked.Rotate();
        hooked.Host.Lines().Should().NotContain(line =>
            line.Contains(secret, StringComparison.Ordinal) || line.Contains(rotated, StringComparison.Ordinal)
            || line.Contains("whsec_", StringComparison.Ordinal));
        (await hooked.Row()).Secret.Should().StartWith("sealed.v1.webhook:hook:");
    }

    private static async Task<string[]> Verify(params (string Secret, Delivered Message)[] messages)
    {
        var folder = Directory.CreateTempSubdirectory("bank-peer-").FullName;
        var file = Path.Combine(folder, "messages.ndjson");
        await File.WriteAllLinesAsync(file, messages.Select(m => JsonSerializer.Serialize(new
        {
            secret = m.Secret,
            headers = m.Message.Headers,
            body = Encoding.UTF8.GetString(m.Message.Body),
        })));
        var said = await Shell.RunAsync("node", [Path.Combine(Peer, "verify.mjs"), file], folder);
        said.Exit.Should().Be(0, said.Error);
        Directory.Delete(folder, recursive: true);
        return said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
