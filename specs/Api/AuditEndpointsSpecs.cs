using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Engine.Tree;

namespace BankingEngine.Specs.Api;

/// <summary>What auditors get over a real socket, checked by a tree that shares no code with the bank's.</summary>
public sealed class AuditEndpointsSpecs : IAsyncLifetime
{
    private AuditHost host = null!;
    private HttpClient client = null!;

    public async Task InitializeAsync()
    {
        host = await AuditHost.StartAsync(payments: 20);
        client = await host.Client();
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task An_auditor_recomputes_the_root_of_the_checkpoint_from_the_lines_and_checks_its_signature()
    {
        var note = await client.GetStringAsync("/v1/audit/checkpoint");
        var lines = (await client.GetStringAsync("/v1/audit/events")).TrimEnd('\n').Split('\n');
        lines.Should().Equal(host.Lines());
        var body = note.Split("\n\n")[0].Split('\n');
        body[0].Should().Be("book-test");
        body[1].Should().Be($"{lines.Length}");
        body[2].Should().Be(Convert.ToBase64String(NaiveTree.Root(AuditHost.Leaves(lines))));
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(await PublicKey()), out _);
        key.VerifyData(Encoding.UTF8.GetBytes(note.Split("\n\n")[0] + "\n"),
            Convert.FromBase64String(note.TrimEnd().Split(' ')[^1])[4..],
            HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence).Should().BeTrue();
    }

    [Fact]
    public async Task Proof_files_of_the_server_hold_offline()
    {
        VerificationKey.TryParse(await PublicKey(), out var key).Should().BeTrue();
        var (whole, older) = (await client.GetStringAsync("/v1/audit/checkpoint"),
            await client.GetStringAsync("/v1/audit/checkpoint?size=9"));
        var inclusion = await client.GetStringAsync("/v1/audit/proofs/inclusion?position=12");
        Verifier.Proof(inclusion, whole, key!).Findings.Should().BeEmpty();
        Verifier.Proof(await client.GetStringAsync("/v1/audit/proofs/inclusion?position=9&size=9"), older, key!)
            .Findings.Should().BeEmpty();
        var consistency = await client.GetStringAsync("/v1/audit/proofs/consistency?from=9");
        Verifier.Proof(consistency, whole, key!, older).Findings.Should().BeEmpty();
        using var proof = JsonDocument.Parse(inclusion);
        proof.RootElement.GetProperty("hashes").EnumerateArray().Select(hash => hash.GetString())
            .Should().Equal(NaiveTree.Path(11, AuditHost.Leaves(host.Lines())).Select(Convert.ToBase64String));
    }

    [Fact]
    public async Task The_same_checkpoint_is_the_same_text_until_there_is_more()
    {
        var first = await client.GetStringAsync("/v1/audit/checkpoint");
        (await client.GetStringAsync("/v1/audit/checkpoint")).Should().Be(first);
        await host.Pay("1.00");
        (await client.GetStringAsync("/v1/audit/checkpoint")).Should().NotBe(first);
    }

    [Fact]
    public async Task Lines_come_in_pages_that_lead_to_each_other_up_to_an_empty_one()
    {
        var lines = new List<string>();
        var pages = 0;
        for (var at = "/v1/audit/events?limit=7"; ; pages++)
        {
            using var page = await client.GetAsync(at);
            page.Content.Headers.ContentType!.MediaType.Should().Be("application/x-ndjson");
            var text = await page.Content.ReadAsStringAsync();
            if (text.Length == 0) break;
            lines.AddRange(text.TrimEnd('\n').Split('\n'));
            at = page.Headers.GetValues("Link").Single().Split('<', '>')[1];
        }
        lines.Should().Equal(host.Lines());
        pages.Should().Be((lines.Count + 6) / 7);
    }

    [Theory]
    [InlineData("checkpoint?size=1000"), InlineData("events?from=1000"), InlineData("proofs/inclusion?position=1000")]
    [InlineData("proofs/inclusion?position=10&size=9"), InlineData("proofs/consistency?from=10&to=9"),
        InlineData("proofs/consistency?from=1&to=1000")]
    public async Task A_position_beyond_the_end_is_a_problem(string query) =>
        (await Problem(query)).Should().Be((HttpStatusCode.BadRequest, "position.beyond_end"));

    [Theory]
    [InlineData("checkpoint?size=0"), InlineData("checkpoint?size=-1"), InlineData("checkpoint?size=x"),
        InlineData("checkpoint?size=")]
    [InlineData("checkpoint?size=1&size=2"), InlineData("events?from=0"), InlineData("events?limit=0"),
        InlineData("events?limit=10001")]
    [InlineData("proofs/inclusion"), InlineData("proofs/consistency"), InlineData("events?from=99999999999999999999")]
    public async Task A_query_that_makes_no_sense_is_a_problem(string query) =>
        (await Problem(query)).Should().Be((HttpStatusCode.BadRequest, "request.query_malformed"));

    [Theory]
    [InlineData("/v1/audit/checkpoint"), InlineData("/v1/audit/events"), InlineData("/v1/audit/keys"),
        InlineData("/v1/events")]
    [InlineData("/v1/audit/proofs/inclusion?position=1"), InlineData("/v1/audit/proofs/consistency?from=1")]
    public async Task Nobody_reads_the_journal_without_the_audit_scope(string path)
    {
        using var stranger = await host.Client(Scopes.All & ~Scopes.Audit);
        (await stranger.GetAsync(path)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        stranger.DefaultRequestHeaders.Authorization = null;
        (await stranger.GetAsync(path)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_key_is_announced_once_and_a_new_one_after_the_file_was_moved_away()
    {
        var old = await client.GetStringAsync("/v1/audit/checkpoint");
        await host.RestartAsync();
        client = await host.Client();
        using (var keys = JsonDocument.Parse(await client.GetStringAsync("/v1/audit/keys")))
            keys.RootElement.GetProperty("keys").GetArrayLength().Should().Be(1);

        var file = Path.Combine(host.Folder, "keys", "checkpoint.pem");
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(file, file + ".old");
        await host.RestartAsync();
        client = await host.Client();
        using var both = JsonDocument.Parse(await client.GetStringAsync("/v1/audit/keys"));
        var announced = both.RootElement.GetProperty("keys").EnumerateArray().ToList();
        announced.Should().HaveCount(2);
        var lines = host.Lines();
        announced.ForEach(key => lines[key.GetProperty("position").GetInt64() - 1].Should()
            .Contain("book.checkpoint_key_announced.v1").And.Contain(key.GetProperty("public_key").GetString()));
        Holds(old, announced[0]).Should().BeTrue("what the old key signed still holds");
        var now = await client.GetStringAsync("/v1/audit/checkpoint");
        (Holds(now, announced[0]), Holds(now, announced[1])).Should().Be((false, true));
    }

    private static bool Holds(string note, JsonElement key) =>
        VerificationKey.TryParse(key.GetProperty("verifier_key").GetString(), out var read)
            && Verifier.Signature(note, read).Holds;

    private async Task<string> PublicKey()
    {
        using var keys = JsonDocument.Parse(await client.GetStringAsync("/v1/audit/keys"));
        return keys.RootElement.GetProperty("keys")[0].GetProperty("public_key").GetString()!;
    }

    private async Task<(HttpStatusCode, string?)> Problem(string query)
    {
        using var answer = await client.GetAsync("/v1/audit/" + query);
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return (answer.StatusCode, problem.RootElement.GetProperty("code").GetString());
    }
}
