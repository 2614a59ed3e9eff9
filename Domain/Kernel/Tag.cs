using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>
/// A short lower-case code of the bank's own: chart code, dimension, key id, transfer code. 1 to 16 characters of
/// <c>a-z 0-9 . _ -</c>, held inline so that rows stay free of references. <c>default</c> is "none".
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Tag : IEquatable<Tag>, IComparable<Tag>
{
    public const int MaxLength = 16;

    // Characters left-aligned, most significant byte first: numeric order is text order.
    private readonly UInt128 _packed;

    private Tag(UInt128 packed) => _packed = packed;

    public bool IsNone => _packed == UInt128.Zero;

    public int Length => MaxLength - (int)UInt128.TrailingZeroCount(_packed) / 8;

    /// <exception cref="FormatException">
    /// A caller bug: check text of outsiders with <see cref="TryParse(ReadOnlySpan{byte}, out Tag)"/>.
    /// </exception>
    public static Tag Of(string text) =>
        TryParse(Encoding.UTF8.GetBytes(text), out var tag) ? tag : throw new FormatException($"Not a tag: {text}");

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Tag tag)
    {
        tag = default;
        if (utf8.Length is 0 or > MaxLength) return false;
        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        utf8.CopyTo(padded);
        foreach (var c in utf8)
        {
            if (!IsAllowed(c)) return false;
        }
        tag = new(BinaryPrimitives.ReadUInt128BigEndian(padded));
        return true;
    }

    /// <summary>Writes the characters and returns how many.</summary>
    public int CopyTo(Span<byte> utf8)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt128BigEndian(padded, _packed);
        var length = Length;
        padded[..length].CopyTo(utf8);
        return length;
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(text[..CopyTo(text)]);
    }

    public bool Equals(Tag other) => _packed == other._packed;
    public override bool Equals(object? obj) => obj is Tag other && Equals(other);
    public override int GetHashCode() => _packed.GetHashCode();
    public int CompareTo(Tag other) => _packed.CompareTo(other._packed);
    public static bool operator ==(Tag left, Tag right) => left.Equals(right);
    public static bool operator !=(Tag left, Tag right) => !left.Equals(right);
    public static bool operator <(Tag left, Tag right) => left.CompareTo(right) < 0;
    public static bool operator >(Tag left, Tag right) => left.CompareTo(right) > 0;
    public static bool operator <=(Tag left, Tag right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Tag left, Tag right) => left.CompareTo(right) >= 0;

    private static bool IsAllowed(byte c) =>
        c is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'.' or (byte)'_' or (byte)'-';
}
