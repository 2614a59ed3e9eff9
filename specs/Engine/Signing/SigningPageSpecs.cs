using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Specs.Contracts;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>What SIGNING.md tells other languages to do holds here.</summary>
public sealed partial class SigningPageSpecs
{
    private static readonly string Page =
        File.ReadAllText(Path.Combine(EventContractSpecs.Repository(), "Application", "Signing", "SIGNING.md"));

    [Fact]
    public void The_vectors_of_the_page_hold()
    {
        var bytes = Encoding.UTF8.GetBytes(
            Page.Split('\n').Single(line => line.StartsWith("{\"as\"", StringComparison.Ordinal) && line.Contains("sha256:")));
        SignedCommand.TryRead(bytes, out var command).IsNone.Should().BeTrue();
        Encoding.UTF8.GetString(command.Links[0].Fields.Span).Should()
            .Contain(PersonalParts.HashOf(new byte[PersonalParts.SaltBytes], "Miete für Mai"));
        Page.Should().Contain(Convert.ToHexStringLower(SHA256.HashData(bytes)));
        using var verifier = new SignatureVerifier();
        var (keys, wallets, signatures) = (Row("key"), Row("wallet"), Row("signature"));
        for (var i = 0; i < keys.Length; i++)
        {
            var key = SigningKey.Parse(keys[i]);
            Wallets.NameOf(key).ToString().Should().Be(wallets[i]);
            SignedText.TryBytes(signatures[i], EcSignature.Bytes, out var signature).Should().BeTrue();
            verifier.Verify(new SignatureEvidence(key, signature), SHA256.HashData(bytes), null).Should()
                .Be(SigningFault.None);
        }
    }

    [Fact]
    public void The_codes_that_the_page_names_are_codes_of_the_bank()
    {
        var named = Code().Matches(Page).Select(match => match.Groups[1].Value).Distinct().ToList();
        named.Should().HaveCountGreaterThan(10);
        named.Should().BeSubsetOf(Problems.All.Keys);
    }

    private static string[] Row(string name) =>
    [
        .. Page.Split('\n').Single(line => line.StartsWith($"| {name} |", StringComparison.Ordinal)).Split('|')[2..4]
            .Select(cell => cell.Trim().Trim('`')),
    ];

    [GeneratedRegex("`((?:signed|signature|passkey|personal|request)\\.[a-z_]+)`")]
    private static partial Regex Code();
}
