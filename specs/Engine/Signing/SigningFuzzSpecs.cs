using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Api;
using Xunit.Abstractions;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>Whatever bytes come in the place of signed ones: an answer, never an exception.</summary>
public sealed class SigningFuzzSpecs(ITestOutputHelper output)
{
    private const int Rounds = 40_000;

    private static readonly string[] Pieces =
        ["{", "}", "[", "]", "\"", ":", ",", "null", "-0", "\\u0000", "\\ud800", "\u00ff", "\"as\":", "\"id\":\"x\",",
            "9999999999999999", "\u0001", "\"type\":\"webauthn.get\",", "\\", "true", "0\u0080", "\"chain\":["];

    [Fact]
    public void No_signed_bytes_make_the_reader_fail()
    {
        using var _ = new SignatureVerifier();
        Run(Encoding.UTF8.GetBytes(Samples.Command()), broken =>
        {
            var flaw = SignedCommand.TryRead(broken, out var read);
            if (flaw.IsNone) CanonicalJson.IsCanonical(broken).Should().BeTrue();
            (read is null).Should().Be(!flaw.IsNone);
            SignedRead.TryRead(broken, out var _);
        });
    }

    [Fact]
    public void No_chain_makes_the_reader_fail() =>
        Run(Encoding.UTF8.GetBytes(Samples.Chain()), broken => SignedCommand.TryRead(broken, out _));

    [Fact]
    public void No_der_makes_the_reader_fail()
    {
        using var ecdsa = ECDsa.Create(Curve.P256.Named);
        var der = ecdsa.SignHash(SHA256.HashData("x"u8), DSASignatureFormat.Rfc3279DerSequence);
        var signature = new byte[EcSignature.Bytes];
        Run(der, broken =>
        {
            if (EcSignature.TryFromDer(KeyKind.P256, broken, signature))
                EcSignature.Check(KeyKind.P256, signature).Should().Be(SigningFault.None);
        });
    }

    [Fact]
    public void No_client_data_make_the_reader_fail()
    {
        var hash = SHA256.HashData("x"u8);
        var key = Samples.PasskeyOf(new byte[16]);
        var data = new byte[37];
        Run(Encoding.UTF8.GetBytes(Samples.ClientData(hash)), broken =>
            Passkeys.Check(key, data, broken, hash, new PasskeyOrigins()));
    }

    [Fact]
    public void No_evidence_makes_the_reader_fail()
    {
        var evidence = new Evidence(Encoding.UTF8.GetBytes(Samples.Command()),
            [new(Samples.PasskeyOf(new byte[16]), new byte[64], new byte[37], "{}"u8.ToArray())],
            [("remittance", "sealed.v1.x.AAAA")]);
        Evidence.TryRead(Encoding.UTF8.GetBytes(evidence.ToJson()), out var again).Should().BeTrue();
        again.ToJson().Should().Be(evidence.ToJson());
        Run(Encoding.UTF8.GetBytes(evidence.ToJson()), broken => Evidence.TryRead(broken, out _));
    }

    private void Run(byte[] good, Action<byte[]> read)
    {
        var seed = Environment.TickCount;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var random = new Random(seed);
        for (var i = 0; i < Rounds; i++)
        {
            var broken = Fuzz.Break(good, Pieces, random);
            var failure = Record.Exception(() => read(broken));
            failure.Should().BeNull($"seed {seed} round {i}: {Convert.ToHexString(broken)}");
        }
    }
}
