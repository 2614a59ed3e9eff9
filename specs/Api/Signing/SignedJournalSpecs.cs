using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>An auditor repeats every signature from the journal alone.</summary>
public sealed class SignedJournalSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task An_honest_journal_holds_and_says_how_much_was_signed()
    {
        await Signed();
        var report = Verifier.Journal(served.Folder, [], null);
        report.Findings.Should().BeEmpty();
        report.SignedCommands.Should().BeGreaterThanOrEqualTo(4);
        report.Signatures.Should().BeGreaterThanOrEqualTo(5);
        Verify(Lines()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_journal_without_signatures_says_nothing_of_them()
    {
        using var book = await Engine.TestBook.FoundAsync();
        var report = Verifier.Journal(book.Folder, [], null);
        (report.SignedCommands, report.Signatures, report.Holds).Should().Be((0, 0, true));
    }

    [Theory]
    [InlineData("for another book", "genesis")]
    [InlineData("of another command", "command")]
    [InlineData("the fingerprint is not", "print")]
    [InlineData("had expired", "at")]
    [InlineData("what was signed is missing", "auth")]
    [InlineData("cannot be read", "evidence")]
    [InlineData("are no command", "bytes")]
    [InlineData("does not hold: NotValid", "signature")]
    [InlineData("does not hold: HighS", "high s")]
    [InlineData("stands twice", "twice")]
    [InlineData("another account was debited", "debit")]
    [InlineData("another account was credited", "credit")]
    [InlineData("another amount was moved", "amount")]
    [InlineData("another asset was moved", "asset")]
    public async Task What_was_changed_is_named_with_its_position(string finding, string what)
    {
        var position = await Signed();
        var lines = Lines();
        if (what == "genesis") lines[0] = lines[0].Replace("SANDBX", "SANDBY", StringComparison.Ordinal);
        else lines[position - 1] = Changed(lines[position - 1], what);
        var found = Verify(lines);
        found.Should().NotBeEmpty();
        found.Should().OnlyContain(f => f.Kind == FindingKind.SignedCommandInvalid);
        found.Should().Contain(f => f.From == position && f.What.Contains(finding, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_passkeys_challenge_is_held_against_the_signed_bytes()
    {
        await Signed();
        var lines = Lines();
        var position = Array.FindIndex(lines, line => line.Contains("client_data", StringComparison.Ordinal)) + 1;
        lines[position - 1] = Changed(lines[position - 1], "challenge");
        Verify(lines).Should().ContainSingle().Which.What.Should().Contain("ChallengeDiffers");
    }

    private static string Changed(string text, string what)
    {
        var line = JsonNode.Parse(text)!.AsObject();
        var given = (JsonObject)line["auth"]!["signatures"]![0]!;
        string Bytes(JsonNode of, Func<byte[], byte[]> change) => System.Buffers.Text.Base64Url.EncodeToString(
            change(System.Buffers.Text.Base64Url.DecodeFromChars(of.GetValue<string>())));
        switch (what)
        {
            case "command": line["data"]!["id"] = Guid.CreateVersion7().ToString(); break;
            case "print": line["print"] = new string('0', 32); break;
            case "at": line["at"] = "2027-01-01T00:00:00.000000Z"; break;
            case "auth": line.Remove("auth"); break;
            case "evidence": given["key"] = "r1:x"; break;
            case "bytes": line["auth"]!["signed"] = "e30"; break;
            case "signature": given["signature"] = Bytes(given["signature"]!, s => [.. s[..10], (byte)(s[10] ^ 1), .. s[11..]]); break;
            case "high s":
                given["signature"] = Bytes(given["signature"]!, s =>
                {
                    Application.Signing.Curve.P256.Negate(s.AsSpan(32));
                    return s;
                });
                break;
            case "twice": line["auth"]!["signatures"]!.AsArray().Add(given.DeepClone()); break;
            case "challenge":
                given["client_data"] = Bytes(given["client_data"]!, s => Encoding.UTF8.GetBytes(
                    Encoding.UTF8.GetString(s).Replace("challenge\":\"", "challenge\":\"A", StringComparison.Ordinal)));
                break;
            case "debit" or "credit": line["data"]![what] = "bank:fees"; break;
            default: line["data"]!["amount"]![what] = what == "asset" ? "USD" : "1.01"; break;
        }
        return line.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>A payment of each kind of key, one of two keys, and a refusal.</summary>
    /// <returns>Position of the first payment.</returns>
    private async Task<int> Signed()
    {
        using var r1 = new Signer(KeyKind.P256);
        using var k1 = new Signer(KeyKind.Secp256k1);
        using var passkey = new Signer(KeyKind.Passkey);
        var account = await served.Owned(r1.Authority);
        var first = await served.Pay(r1, account).Send();
        first.Status.Should().Be(HttpStatusCode.Created, first.Text);
        foreach (var signer in new[] { k1, passkey })
            (await served.Pay(signer, await served.Owned(signer.Authority)).Send()).Status.Should().Be(HttpStatusCode.Created);
        var refused = served.Pay(r1, account) with { Fields = SignedAccounts.Fields(account, "5000") };
        (await refused.Send()).IsRecorded.Should().BeTrue();
        var short_ = served.Pay(r1, account) with { Fields = SignedAccounts.Fields(account, "2") };
        (await short_.Send()).Status.Should().Be(HttpStatusCode.Created, "fewer decimals than the asset has say the same");
        return (int)first.Json.GetProperty("position").GetInt64();
    }

    private static IReadOnlyList<Finding> Verify(IEnumerable<string> lines)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));
        return Verifier.Export(stream, "export", [], null).Findings;
    }

    private string[] Lines()
    {
        var lines = new List<string>();
        for (var position = 1L; ; position++)
        {
            var line = new ArrayBufferWriter<byte>();
            if (!served.Book.Engine.Journal.TryReadEvent(position, line)) return [.. lines];
            lines.Add(Encoding.UTF8.GetString(line.WrittenSpan));
        }
    }
}
