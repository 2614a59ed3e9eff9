using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>
/// An account's name, given once and public for ever: never a person's name or number. 1 to 40 of a-z, 0-9, '.', '-',
/// '_' and ':', beginning and ending in a letter or digit, no two of the others in a row. Ordered as its bytes are.
/// The default value names nothing.
/// </summary>
/// <remarks>
/// Forty bytes without padding: five words, the text from the highest byte of the first down, then zeros.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly struct AccountId : IEquatable<AccountId>, IComparable<AccountId>,
    IComparisonOperators<AccountId, AccountId, bool>, IUtf8Text<AccountId>
{
    private const int WordLength = sizeof(ulong);

    private readonly ulong first, second, third, fourth, fifth;

    private AccountId(ReadOnlySpan<byte> padded)
    {
        first = BinaryPrimitives.ReadUInt64BigEndian(padded);
        second = BinaryPrimitives.ReadUInt64BigEndian(padded[WordLength..]);
        third = BinaryPrimitives.ReadUInt64BigEndian(padded[(2 * WordLength)..]);
        fourth = BinaryPrimitives.ReadUInt64BigEndian(padded[(3 * WordLength)..]);
        fifth = BinaryPrimitives.ReadUInt64BigEndian(padded[(4 * WordLength)..]);
    }

    public static int MaxTextLength => 5 * WordLength;

    /// <summary>True of the default value only; it has no text and no event carries it.</summary>
    public bool IsNone => first == 0;

    /// <summary>Letters, 1 to 40; 0 for the default value.</summary>
    public int Length =>
        fifth != 0 ? LengthIn(fifth, 4) : fourth != 0 ? LengthIn(fourth, 3) : third != 0 ? LengthIn(third, 2)
        : second != 0 ? LengthIn(second, 1) : LengthIn(first, 0);

    public static bool TryParse(ReadOnlySpan<byte> utf8, out AccountId value)
    {
        value = default;
        if (utf8.Length is 0 or > 5 * WordLength) return false;
        var afterLetter = false;
        foreach (var letter in utf8)
        {
            if (letter is >= (byte)'a' and <= (byte)'z' or >= (byte)'0' and <= (byte)'9') afterLetter = true;
            else if (afterLetter && letter is (byte)'.' or (byte)'-' or (byte)'_' or (byte)':') afterLetter = false;
            else return false;
        }
        if (!afterLetter) return false;
        Span<byte> padded = stackalloc byte[5 * WordLength];
        padded.Clear();
        utf8.CopyTo(padded);
        value = new(padded);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out AccountId value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static AccountId Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<AccountId>(text);

    /// <summary>Writes the letters and returns their number.</summary>
    /// <exception cref="ArgumentException">The letters do not fit.</exception>
    public int CopyTo(Span<byte> utf8) => TryFormat(utf8, out var written)
        ? written
        : throw new ArgumentException("Too small for the name.", nameof(utf8));

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<byte> padded = stackalloc byte[5 * WordLength];
        BinaryPrimitives.WriteUInt64BigEndian(padded, first);
        BinaryPrimitives.WriteUInt64BigEndian(padded[WordLength..], second);
        BinaryPrimitives.WriteUInt64BigEndian(padded[(2 * WordLength)..], third);
        BinaryPrimitives.WriteUInt64BigEndian(padded[(3 * WordLength)..], fourth);
        BinaryPrimitives.WriteUInt64BigEndian(padded[(4 * WordLength)..], fifth);
        var length = Length;
        var fits = padded[..length].TryCopyTo(utf8);
        written = fits ? length : 0;
        return fits;
    }

    public bool Equals(AccountId other) =>
        first == other.first && second == other.second && third == other.third && fourth == other.fourth
        && fifth == other.fifth;

    public override bool Equals(object? obj) => obj is AccountId other && Equals(other);

    /// <summary>Differs from process to process, so it is never stored and nothing is ordered by it.</summary>
    public override int GetHashCode() => HashCode.Combine(first, second, third, fourth, fifth);

    public int CompareTo(AccountId other) =>
        first != other.first ? first.CompareTo(other.first)
        : second != other.second ? second.CompareTo(other.second)
        : third != other.third ? third.CompareTo(other.third)
        : fourth != other.fourth ? fourth.CompareTo(other.fourth)
        : fifth.CompareTo(other.fifth);

    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator ==(AccountId left, AccountId right) => left.Equals(right);
    public static bool operator !=(AccountId left, AccountId right) => !left.Equals(right);
    public static bool operator <(AccountId left, AccountId right) => left.CompareTo(right) < 0;
    public static bool operator >(AccountId left, AccountId right) => left.CompareTo(right) > 0;
    public static bool operator <=(AccountId left, AccountId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(AccountId left, AccountId right) => left.CompareTo(right) >= 0;

    private static int LengthIn(ulong word, int wordsBefore) =>
        (wordsBefore + 1) * WordLength - BitOperations.TrailingZeroCount(word) / 8;
}
