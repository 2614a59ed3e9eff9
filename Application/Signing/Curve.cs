using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>A curve that commands are signed on: y² = x³ + ax + b over a prime field.</summary>
/// <remarks>
/// Both primes leave 3 when divided by 4, so a root is one power. Nothing here is secret, so time may depend on it.
/// </remarks>
public sealed class Curve
{
    public const int ScalarBytes = 32;

    private readonly BigInteger _p, _a, _b, _root;
    private readonly byte[] _order, _half;

    private Curve(ECCurve named, string p, int a, string b, string order)
    {
        (Named, _p, _a, _b) = (named, Number(p), a, Number(b));
        _root = (_p + 1) / 4;
        _order = Convert.FromHexString(order);
        _half = BytesOf(Number(order) / 2);
    }

    /// <summary>SEC 2 §2.4.1.</summary>
    public static Curve Secp256k1 { get; } = new(
        ECCurve.CreateFromValue("1.3.132.0.10"),
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F", 0,
        "0000000000000000000000000000000000000000000000000000000000000007",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141");

    /// <summary>SP 800-186 §3.2.1.3.</summary>
    public static Curve P256 { get; } = new(
        ECCurve.NamedCurves.nistP256,
        "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF", -3,
        "5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B",
        "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");

    /// <summary>As the base library knows it.</summary>
    public ECCurve Named { get; }

    public static Curve Of(KeyKind kind) => kind == KeyKind.Secp256k1 ? Secp256k1 : P256;

    /// <summary>The point of a key; false when there is none of this abscissa on the curve.</summary>
    public static bool TryPoint(in SigningKey key, out ECPoint point)
    {
        Span<byte> compressed = stackalloc byte[SigningKey.PointBytes];
        key.CopyPoint(compressed);
        return Of(key.Kind).TryDecompress(compressed, out point);
    }

    /// <summary>The key of a public key that the base library holds.</summary>
    /// <param name="relyingParty">Id of a passkey's relying party: a host name. Null for other kinds.</param>
    /// <exception cref="ArgumentException">The key is on another curve.</exception>
    public static SigningKey KeyOf(ECDsa key, KeyKind kind, string? relyingParty = null)
    {
        ArgumentNullException.ThrowIfNull(key);
        var of = key.ExportParameters(includePrivateParameters: false).Q;
        if (of.X is not { Length: ScalarBytes } x || of.Y is not { Length: ScalarBytes } y)
            throw new ArgumentException("The key is on another curve.", nameof(key));
        byte[] point = [(byte)(2 + (y[^1] & 1)), .. x];
        if (!Of(kind).TryDecompress(point, out var found) || !found.Y.AsSpan().SequenceEqual(y))
            throw new ArgumentException("The key is on another curve.", nameof(key));
        return new(kind, point, relyingParty is null ? [] : RelyingPartyOf(relyingParty));
    }

    /// <summary>What a passkey's key holds of its relying party.</summary>
    public static ReadOnlySpan<byte> RelyingPartyOf(string id) =>
        SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(id)).AsSpan(0, SigningKey.RelyingPartyBytes);

    /// <param name="compressed">33 bytes: 2 or 3, then the abscissa.</param>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, out ECPoint point)
    {
        point = default;
        if (compressed.Length != SigningKey.PointBytes || compressed[0] is not (2 or 3)) return false;
        var x = new BigInteger(compressed[1..], isUnsigned: true, isBigEndian: true);
        if (x >= _p) return false;
        var square = (x * x * x + _a * x + _b) % _p;
        if (square.Sign < 0) square += _p;
        var y = BigInteger.ModPow(square, _root, _p);
        if (y * y % _p != square) return false;
        if (y.IsEven != (compressed[0] == 2)) y = _p - y;
        point = new() { X = BytesOf(x), Y = BytesOf(y) };
        return true;
    }

    /// <summary>Whether a number may stand in a signature: 1 to the order less 1.</summary>
    public bool IsInRange(ReadOnlySpan<byte> scalar) =>
        scalar.Length == ScalarBytes && scalar.IndexOfAnyExcept((byte)0) >= 0 && scalar.SequenceCompareTo(_order) < 0;

    /// <summary>Whether a number in range is at most half the order.</summary>
    public bool IsLow(ReadOnlySpan<byte> scalar) => scalar.SequenceCompareTo(_half) <= 0;

    /// <summary>The order less a number in range.</summary>
    public void Negate(Span<byte> scalar)
    {
        var borrow = 0;
        for (var i = ScalarBytes - 1; i >= 0; i--)
        {
            var left = _order[i] - scalar[i] - borrow;
            borrow = left < 0 ? 1 : 0;
            scalar[i] = (byte)(left + (borrow << 8));
        }
    }

    private static BigInteger Number(string hex) =>
        BigInteger.Parse("0" + hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static byte[] BytesOf(BigInteger number)
    {
        var bytes = new byte[ScalarBytes];
        var least = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        least.CopyTo(bytes, ScalarBytes - least.Length);
        return bytes;
    }
}
