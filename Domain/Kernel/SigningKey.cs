using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>The curve and form of a key that signs commands.</summary>
public enum KeyKind : byte
{
    /// <summary>ECDSA over secp256k1 with SHA-256 (SEC 2 §2.4.1).</summary>
    Secp256k1 = 1,

    /// <summary>ECDSA over P-256 with SHA-256 (FIPS 186-5).</summary>
    P256,

    /// <summary>A WebAuthn credential over P-256, bound to one relying party (W3C WebAuthn, level 2).</summary>
    Passkey,
}

/// <summary>
/// A public key. Written <c>k1:</c>, <c>r1:</c> or <c>wa:</c> and base64url without padding of the 33-byte compressed
/// point; a passkey's has the first 16 bytes of the SHA-256 of its relying party's id behind the point. Ordered as its
/// text is.
/// </summary>
/// <remarks>Sixty-four bytes without padding. That the point lies on its curve is for who takes the key in.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SigningKey : IComparable<SigningKey>, IUtf8Text<SigningKey>
{
    public const int PointBytes = 33, RelyingPartyBytes = 16;

    private const int PrefixLength = 3;

    private readonly UInt128 xHigh, xLow, relyingParty;
    private readonly ulong form, filler;

    /// <param name="point">33 bytes: 2 or 3, then the abscissa, highest byte first.</param>
    /// <param name="relyingParty">16 bytes of a passkey; empty for other kinds.</param>
    /// <exception cref="ArgumentException">A caller bug: the lengths or the first byte are others.</exception>
    public SigningKey(KeyKind kind, ReadOnlySpan<byte> point, ReadOnlySpan<byte> relyingParty = default)
    {
        if (!IsWellFormed(kind, point, relyingParty))
            throw new ArgumentException("Not a compressed point.", nameof(point));
        xHigh = BinaryPrimitives.ReadUInt128BigEndian(point[1..]);
        xLow = BinaryPrimitives.ReadUInt128BigEndian(point[17..]);
        this.relyingParty = relyingParty.IsEmpty ? default : BinaryPrimitives.ReadUInt128BigEndian(relyingParty);
        form = (ulong)kind << 8 | point[0];
        filler = 0;
    }

    public static int MaxTextLength => PrefixLength + 66;

    public KeyKind Kind => (KeyKind)(form >> 8);

    public bool IsNone => form == 0;

    /// <summary>Writes the 33-byte compressed point.</summary>
    public void CopyPoint(Span<byte> to)
    {
        to[0] = (byte)(form & byte.MaxValue);
        BinaryPrimitives.WriteUInt128BigEndian(to[1..], xHigh);
        BinaryPrimitives.WriteUInt128BigEndian(to[17..], xLow);
    }

    /// <summary>Writes the 16 bytes of a passkey's relying party.</summary>
    public void CopyRelyingParty(Span<byte> to) => BinaryPrimitives.WriteUInt128BigEndian(to, relyingParty);

    public static bool TryParse(ReadOnlySpan<byte> utf8, out SigningKey value)
    {
        value = default;
        if (utf8.Length < PrefixLength + 44 || utf8.Length > MaxTextLength) return false;
        KeyKind? kind = utf8[..PrefixLength] switch
        {
            [(byte)'k', (byte)'1', (byte)':'] => KeyKind.Secp256k1,
            [(byte)'r', (byte)'1', (byte)':'] => KeyKind.P256,
            [(byte)'w', (byte)'a', (byte)':'] => KeyKind.Passkey,
            _ => null,
        };
        var text = utf8[PrefixLength..];
        Span<byte> bytes = stackalloc byte[PointBytes + RelyingPartyBytes];
        if (kind is null || !Base64Url.IsValid(text, out var length) || length > bytes.Length) return false;
        Base64Url.DecodeFromUtf8(text, bytes);
        var relyingParty = bytes[int.Min(PointBytes, length)..length];
        if (length < PointBytes || !IsWellFormed(kind.Value, bytes[..PointBytes], relyingParty)) return false;
        var key = new SigningKey(kind.Value, bytes[..PointBytes], relyingParty);

        // Blanks, padding and spare bits would be a second text of the same key.
        Span<byte> again = stackalloc byte[MaxTextLength];
        if (!key.TryFormat(again, out var written) || !again[..written].SequenceEqual(utf8)) return false;
        value = key;
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out SigningKey value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static SigningKey Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<SigningKey>(text);

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        written = 0;
        Span<byte> bytes = stackalloc byte[PointBytes + RelyingPartyBytes];
        CopyPoint(bytes);
        if (Kind == KeyKind.Passkey) CopyRelyingParty(bytes[PointBytes..]);
        else bytes = bytes[..PointBytes];
        if (utf8.Length < PrefixLength + Base64Url.GetEncodedLength(bytes.Length)) return false;
        (Kind switch { KeyKind.Secp256k1 => "k1:"u8, KeyKind.P256 => "r1:"u8, _ => "wa:"u8 }).CopyTo(utf8);
        written = PrefixLength + Base64Url.EncodeToUtf8(bytes, utf8[PrefixLength..]);
        return true;
    }

    public int CompareTo(SigningKey other)
    {
        Span<byte> left = stackalloc byte[MaxTextLength], right = stackalloc byte[MaxTextLength];
        TryFormat(left, out var leftLength);
        other.TryFormat(right, out var rightLength);
        return left[..leftLength].SequenceCompareTo(right[..rightLength]);
    }

    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(SigningKey left, SigningKey right) => left.CompareTo(right) < 0;
    public static bool operator >(SigningKey left, SigningKey right) => left.CompareTo(right) > 0;
    public static bool operator <=(SigningKey left, SigningKey right) => left.CompareTo(right) <= 0;
    public static bool operator >=(SigningKey left, SigningKey right) => left.CompareTo(right) >= 0;

    private static bool IsWellFormed(KeyKind kind, ReadOnlySpan<byte> point, ReadOnlySpan<byte> relyingParty) =>
        point.Length == PointBytes && point[0] is 2 or 3
        && relyingParty.Length == (kind == KeyKind.Passkey ? RelyingPartyBytes : 0);
}
