using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>
/// The short name of what is counted: an ISO 4217 code for fiat, else as registered. 1 to 16 of A-Z, 0-9, '.', '-'
/// and '_', the first a letter or digit. Ordered as its bytes are. The default value names nothing.
/// </summary>
/// <remarks>Sixteen bytes without padding: the text from the highest byte down, zeros after it.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly struct AssetCode : IEquatable<AssetCode>, IComparable<AssetCode>,
    IComparisonOperators<AssetCode, AssetCode, bool>, IUtf8Text<AssetCode>
{
    private readonly UInt128 letters;

    private AssetCode(UInt128 letters) => this.letters = letters;

    public static int MaxTextLength => 16;

    /// <summary>True of the default value only; it has no text and no event carries it.</summary>
    public bool IsNone => letters == default;

    /// <summary>Letters, 1 to 16; 0 for the default value.</summary>
    public int Length => MaxTextLength - (int)UInt128.TrailingZeroCount(letters) / 8;

    public static bool TryParse(ReadOnlySpan<byte> utf8, out AssetCode value)
    {
        value = default;
        if (utf8.Length is 0 or > 16 || utf8[0] is (byte)'.' or (byte)'-' or (byte)'_') return false;
        foreach (var letter in utf8)
        {
            if (letter is not (>= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9'
                or (byte)'.' or (byte)'-' or (byte)'_'))
                return false;
        }
        Span<byte> padded = stackalloc byte[MaxTextLength];
        padded.Clear();
        utf8.CopyTo(padded);
        value = new(BinaryPrimitives.ReadUInt128BigEndian(padded));
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out AssetCode value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static AssetCode Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<AssetCode>(text);

    /// <summary>Writes the letters and returns their number.</summary>
    /// <exception cref="ArgumentException">The letters do not fit.</exception>
    public int CopyTo(Span<byte> utf8) => TryFormat(utf8, out var written)
        ? written
        : throw new ArgumentException("Too small for the code.", nameof(utf8));

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<byte> padded = stackalloc byte[MaxTextLength];
        BinaryPrimitives.WriteUInt128BigEndian(padded, letters);
        var fits = padded[..Length].TryCopyTo(utf8);
        written = fits ? Length : 0;
        return fits;
    }

    public bool Equals(AssetCode other) => letters == other.letters;
    public override bool Equals(object? obj) => obj is AssetCode other && Equals(other);

    /// <summary>Differs from process to process, so it is never stored and nothing is ordered by it.</summary>
    public override int GetHashCode() => letters.GetHashCode();

    public int CompareTo(AssetCode other) => letters.CompareTo(other.letters);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator ==(AssetCode left, AssetCode right) => left.letters == right.letters;
    public static bool operator !=(AssetCode left, AssetCode right) => left.letters != right.letters;
    public static bool operator <(AssetCode left, AssetCode right) => left.letters < right.letters;
    public static bool operator >(AssetCode left, AssetCode right) => left.letters > right.letters;
    public static bool operator <=(AssetCode left, AssetCode right) => left.letters <= right.letters;
    public static bool operator >=(AssetCode left, AssetCode right) => left.letters >= right.letters;
}

/// <summary>Names a transfer, or the entry it made, for ever: a UUID, of the caller or made from a position.</summary>
/// <param name="Value">The sixteen bytes as a number, first byte highest.</param>
/// <remarks>Source: RFC 9562. Written lower case; read in either case.</remarks>
public readonly record struct TransferId(UInt128 Value) : IComparable<TransferId>, IUtf8Text<TransferId>
{
    private const int LowPositionBits = 62;

    public static int MaxTextLength => Uuid.TextLength;

    /// <inheritdoc cref="Uuid.VersionOf"/>
    public int Version => Uuid.VersionOf(Value);

    /// <inheritdoc cref="Uuid.UnixMillisecondsOf"/>
    public long UnixMilliseconds => Uuid.UnixMillisecondsOf(Value);

    /// <summary>The id of what the book itself began: version 8, unique by book and position.</summary>
    /// <param name="book">Hash of the book's name; its upper 48 bits are kept.</param>
    /// <param name="position">Of the event in its book, from 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The position is not positive.</exception>
    public static TransferId FromPosition(ulong book, long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(position);
        return new(Uuid.Version8(book >> 16, (ulong)position >> LowPositionBits,
            (ulong)position & (1UL << LowPositionBits) - 1));
    }

    /// <summary>The position that <see cref="FromPosition"/> put in for the same book.</summary>
    /// <returns>False where the id is not of that make. A caller may forge one that is: look the position up.</returns>
    public bool TryGetPosition(ulong book, out long position)
    {
        var low = (ulong)(Value & ulong.MaxValue);
        var top = (ulong)(Value >> 64 & 1);
        position = (long)(top << LowPositionBits | low & (1UL << LowPositionBits) - 1);
        if (position > 0 && this == FromPosition(book, position)) return true;
        position = 0;
        return false;
    }

    public static bool TryParse(ReadOnlySpan<byte> utf8, out TransferId value)
    {
        var parsed = Uuid.TryParse(utf8, out var number);
        value = new(number);
        return parsed;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out TransferId value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static TransferId Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<TransferId>(text);

    public bool TryFormat(Span<byte> utf8, out int written) => Uuid.TryFormat(Value, utf8, out written);
    public int CompareTo(TransferId other) => Value.CompareTo(other.Value);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(TransferId left, TransferId right) => left.Value < right.Value;
    public static bool operator >(TransferId left, TransferId right) => left.Value > right.Value;
    public static bool operator <=(TransferId left, TransferId right) => left.Value <= right.Value;
    public static bool operator >=(TransferId left, TransferId right) => left.Value >= right.Value;
}

/// <summary>Names one wish of one caller, so that a repeat is known as one: a UUID, best of version 7.</summary>
/// <param name="Value">The sixteen bytes as a number, first byte highest.</param>
/// <remarks>Source: RFC 9562. The book refuses a version 7 id whose time is older than its memory of ids.</remarks>
public readonly record struct CommandId(UInt128 Value) : IComparable<CommandId>, IUtf8Text<CommandId>
{
    public static int MaxTextLength => Uuid.TextLength;

    /// <inheritdoc cref="Uuid.VersionOf"/>
    public int Version => Uuid.VersionOf(Value);

    /// <inheritdoc cref="Uuid.UnixMillisecondsOf"/>
    public long UnixMilliseconds => Uuid.UnixMillisecondsOf(Value);

    public static bool TryParse(ReadOnlySpan<byte> utf8, out CommandId value)
    {
        var parsed = Uuid.TryParse(utf8, out var number);
        value = new(number);
        return parsed;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out CommandId value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static CommandId Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<CommandId>(text);

    public bool TryFormat(Span<byte> utf8, out int written) => Uuid.TryFormat(Value, utf8, out written);
    public int CompareTo(CommandId other) => Value.CompareTo(other.Value);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(CommandId left, CommandId right) => left.Value < right.Value;
    public static bool operator >(CommandId left, CommandId right) => left.Value > right.Value;
    public static bool operator <=(CommandId left, CommandId right) => left.Value <= right.Value;
    public static bool operator >=(CommandId left, CommandId right) => left.Value >= right.Value;
}
