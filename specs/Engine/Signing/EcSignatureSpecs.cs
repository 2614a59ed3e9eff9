using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>Signatures and keys against published vectors, and every form that they must not have.</summary>
public sealed class EcSignatureSpecs
{
    private const string
        Zero = "0000000000000000000000000000000000000000000000000000000000000000",
        One = "0000000000000000000000000000000000000000000000000000000000000001",
        OrderR1 = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        HalfR1 = "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8",
        OverHalfR1 = "7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A9",
        OrderK1 = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
        HalfK1 = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0",
        OverHalfK1 = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A1";

    /// <summary>RFC 6979 §A.2.5: the abscissa; the ordinate is odd.</summary>
    private const string Rfc6979Key = "0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6";

    /// <summary>The secret 1: the generator itself (SEC 2 §2.4.1).</summary>
    private const string GeneratorK1 = "0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798";

    [Theory]
    [InlineData(KeyKind.P256, Rfc6979Key, "test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
        + "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083", SigningFault.None)]
    [InlineData(KeyKind.P256, Rfc6979Key, "sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        + "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", SigningFault.HighS)]
    [InlineData(KeyKind.Secp256k1, GeneratorK1, "Satoshi Nakamoto",
        "934B1EA10A4B3C1757E2B0C017D0B6143CE3C9A7E6A4A49860D7A6AB210EE3D8"
        + "2442CE9D2B916064108014783E923EC36B49743E2FFA1C4496F01A512AAFD9E5", SigningFault.None)]
    [InlineData(KeyKind.Secp256k1, GeneratorK1, "satoshi nakamoto",
        "934B1EA10A4B3C1757E2B0C017D0B6143CE3C9A7E6A4A49860D7A6AB210EE3D8"
        + "2442CE9D2B916064108014783E923EC36B49743E2FFA1C4496F01A512AAFD9E5", SigningFault.NotValid)]
    public void Published_signatures_hold(KeyKind kind, string point, string text, string signature, SigningFault fault)
    {
        using var verifier = new SignatureVerifier();
        var key = new SigningKey(kind, Convert.FromHexString(point));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        verifier.Verify(new SignatureEvidence(key, Convert.FromHexString(signature)), hash, null).Should().Be(fault);
    }

    [Fact]
    public void A_high_one_holds_once_it_is_brought_to_the_lower_half()
    {
        using var verifier = new SignatureVerifier();
        var signature = Convert.FromHexString(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            + "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
        EcSignature.MakeLow(KeyKind.P256, signature);
        verifier.Verify(
            new SigningKey(KeyKind.P256, Convert.FromHexString(Rfc6979Key)), SHA256.HashData("sample"u8), signature)
            .Should().Be(SigningFault.None);
    }

    [Theory]
    [InlineData(KeyKind.P256, One, One, SigningFault.None)]
    [InlineData(KeyKind.P256, Zero, One, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.P256, One, Zero, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.P256, OrderR1, One, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.P256, One, OrderR1, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.P256, One, HalfR1, SigningFault.None)]
    [InlineData(KeyKind.P256, One, OverHalfR1, SigningFault.HighS)]
    [InlineData(KeyKind.Secp256k1, OrderK1, One, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.Secp256k1, One, OrderK1, SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.Secp256k1, OrderR1, One, SigningFault.None)]
    [InlineData(KeyKind.Secp256k1, One, HalfK1, SigningFault.None)]
    [InlineData(KeyKind.Secp256k1, One, OverHalfK1, SigningFault.HighS)]
    [InlineData(KeyKind.P256, One, "01", SigningFault.SignatureMalformed)]
    [InlineData(KeyKind.P256, One, One + "00", SigningFault.SignatureMalformed)]
    public void Numbers_lie_in_range_and_the_second_in_the_lower_half(
        KeyKind kind, string r, string s, SigningFault fault) =>
        EcSignature.Check(kind, Convert.FromHexString(r + s)).Should().Be(fault);

    [Theory]
    [InlineData(KeyKind.Secp256k1, GeneratorK1, true)]
    [InlineData(KeyKind.Secp256k1, "020000000000000000000000000000000000000000000000000000000000000005", false)]
    [InlineData(KeyKind.Secp256k1, "02FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC30", false)]
    [InlineData(KeyKind.P256, Rfc6979Key, true)]
    [InlineData(KeyKind.P256, "020000000000000000000000000000000000000000000000000000000000000001", false)]
    [InlineData(KeyKind.P256, "03FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF", false)]
    public void A_point_lies_on_the_curve_of_its_key_or_is_none(KeyKind kind, string point, bool lies)
    {
        var key = new SigningKey(kind, Convert.FromHexString(point));
        Curve.TryPoint(key, out _).Should().Be(lies);
        using var verifier = new SignatureVerifier();
        verifier.Verify(key, new byte[32], Convert.FromHexString(One + One)).Should()
            .Be(lies ? SigningFault.NotValid : SigningFault.WrongCurve);
    }

    [Fact]
    public void The_ordinate_is_the_one_that_was_pressed_out_of_the_point()
    {
        Curve.TryPoint(new(KeyKind.P256, Convert.FromHexString(Rfc6979Key)), out var point).Should().BeTrue();
        Convert.ToHexString(point.Y!).Should().Be("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    }

    [Theory]
    [InlineData("3006020101020101", true)]
    [InlineData("300702010102020080", true)]
    [InlineData("30070201010202007F", false)]
    [InlineData("3006020101020180", false)]
    [InlineData("3006020101020100", false)]
    [InlineData("300702010102020000", false)]
    [InlineData("30060201010201", false)]
    [InlineData("300602010102010100", false)]
    [InlineData("3007020101020101", false)]
    [InlineData("300602010102010101", false)]
    [InlineData("308106020101020101", false)]
    [InlineData("3005020101020101", false)]
    [InlineData("3106020101020101", false)]
    [InlineData("3006030101020101", false)]
    [InlineData("3006020101030101", false)]
    [InlineData("3080020101020101", false)]
    [InlineData("30050200020101", false)]
    [InlineData("30060202000102", false)]
    [InlineData("3025020101022001FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", false)]
    [InlineData("30260201010221" + "00" + OrderR1, false)]
    [InlineData("30260201010221" + "01" + Zero, false)]
    [InlineData("30260201010221" + "00" + "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550", true)]
    [InlineData("", false)]
    [InlineData("30", false)]
    public void Only_strict_der_is_a_signature(string der, bool taken)
    {
        var signature = new byte[EcSignature.Bytes];
        EcSignature.TryFromDer(KeyKind.P256, Convert.FromHexString(der), signature).Should().Be(taken);
        if (taken) EcSignature.Check(KeyKind.P256, signature).Should().Be(SigningFault.None, "it is brought to the lower half");
    }

    [Theory]
    [InlineData(KeyKind.Secp256k1)]
    [InlineData(KeyKind.P256)]
    public void What_this_machine_signs_in_der_is_read_and_holds(KeyKind kind)
    {
        using var verifier = new SignatureVerifier();
        for (var i = 0; i < 20; i++)
        {
            using var ecdsa = ECDsa.Create(Curve.Of(kind).Named);
            var hash = RandomNumberGenerator.GetBytes(32);
            var signature = new byte[EcSignature.Bytes];
            EcSignature.TryFromDer(kind, ecdsa.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence), signature).Should()
                .BeTrue();
            var key = Curve.KeyOf(ecdsa, kind);
            verifier.Verify(key, hash, signature).Should().Be(SigningFault.None);
            hash[i] ^= 1;
            verifier.Verify(key, hash, signature).Should().Be(SigningFault.NotValid);
        }
    }

    [Fact]
    public void A_key_of_another_curve_is_no_key_of_this_kind()
    {
        using var ecdsa = ECDsa.Create(Curve.P256.Named);
        var making = () => Curve.KeyOf(ecdsa, KeyKind.Secp256k1);
        making.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Many_threads_and_more_keys_than_are_kept_verify_the_same()
    {
        const int Keys = 24;
        using var verifier = new SignatureVerifier();
        var hash = SHA256.HashData("many"u8);
        var given = Enumerable.Range(0, Keys).Select(i =>
        {
            using var ecdsa = ECDsa.Create(Curve.P256.Named);
            var signature = ecdsa.SignHash(hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            return (Key: Curve.KeyOf(ecdsa, KeyKind.P256), Signature: signature);
        }).ToList();
        var wrong = 0;
        Parallel.For(0, 4_000, new() { MaxDegreeOfParallelism = 8 }, i =>
        {
            var (key, signature) = given[i % 7 == 0 ? 0 : i % Keys];
            var other = given[(i + 1) % Keys].Key;
            if (verifier.Verify(key, hash, signature) != SigningFault.None) Interlocked.Increment(ref wrong);
            if (i % 10 == 0 && other != key && verifier.Verify(other, hash, signature) != SigningFault.NotValid)
                Interlocked.Increment(ref wrong);
        });
        wrong.Should().Be(0);
    }

    [Fact]
    public void A_key_that_made_room_is_known_again_when_it_comes_back()
    {
        using var verifier = new SignatureVerifier();
        using var ecdsa = ECDsa.Create(Curve.Secp256k1.Named);
        var hash = SHA256.HashData("room"u8);
        var signature = new byte[EcSignature.Bytes];
        EcSignature.TryFromDer(
            KeyKind.Secp256k1, ecdsa.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence), signature);
        var key = Curve.KeyOf(ecdsa, KeyKind.Secp256k1);
        verifier.Verify(key, hash, signature).Should().Be(SigningFault.None);
        var point = new byte[SigningKey.PointBytes];
        point[0] = 2;
        for (var (made, x) = (0, 1); made <= SignatureVerifier.MaxKeys; x++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(point.AsSpan(29), x);
            if (verifier.Verify(new SigningKey(KeyKind.Secp256k1, point), hash, signature) == SigningFault.NotValid) made++;
        }
        verifier.Verify(key, hash, signature).Should().Be(SigningFault.None);
    }
}
