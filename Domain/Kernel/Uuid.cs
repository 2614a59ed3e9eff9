using System.Buffers.Binary;

namespace BankingEngine.Domain.Kernel;

/// <summary>
/// The text and fields of a UUID, kept as the number that its sixteen bytes spell, first byte highest.
/// </summary>
/// <remarks>Source: RFC 9562, sections 4 (text), 4.2 (version), 5.7 (version 7) and 5.8 (version 8).</remarks>
internal static class Uuid
{
    /// <summary>Eight, four, four, four and twelve hexadecimal digits, hyphens between.</summary>
    public const int TextLength = 36;

    private const int VersionShift = 76, VariantShift = 62, TimeShift = 80;

    /// <summary>
    /// Reads the hyphenated form, its letters in either case; braces, prefixes and bare digits are refused.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out UInt128 value)
    {
        value = default;
        if (utf8.Length != TextLength || utf8[8] != (byte)'-' || utf8[13] != (byte)'-' || utf8[18] != (byte)'-'
            || utf8[23] != (byte)'-') return false;
        var wrong = 0;
        var high = Read(utf8[..8], ref wrong) << 32
            | Read(utf8[9..13], ref wrong) << 16 | Read(utf8[14..18], ref wrong);
        var low = Read(utf8[19..23], ref wrong) << 48 | Read(utf8[24..], ref wrong);
        if (wrong < 0) return false;
        value = new UInt128(high, low);
        return true;
    }

    /// <summary>Writes the lower-case hyphenated form.</summary>
    public static bool TryFormat(UInt128 value, Span<byte> utf8, out int written)
    {
        written = 0;
        if (utf8.Length < TextLength) return false;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new Guid(bytes, bigEndian: true).TryFormat(utf8, out written, "D");
    }

    /// <summary>The four version bits, 0 to 15; meaningful only if <see cref="HasStandardVariant"/>.</summary>
    public static int VersionOf(UInt128 value) => (int)((ulong)(value >> VersionShift & 0xF));

    /// <summary>Whether the variant bits are those of RFC 9562.</summary>
    public static bool HasStandardVariant(UInt128 value) => (ulong)(value >> VariantShift & 3) == 2;

    /// <summary>Milliseconds since 1970, or -1 where the value is not of version 7.</summary>
    public static long UnixMillisecondsOf(UInt128 value) =>
        VersionOf(value) == 7 && HasStandardVariant(value) ? (long)(ulong)(value >> TimeShift) : -1;

    /// <summary>A version 8 value: 48 bits, then 12, then 62 of one's own.</summary>
    public static UInt128 Version8(ulong first48, ulong middle12, ulong last62) =>
        (UInt128)first48 << TimeShift | (UInt128)8 << VersionShift | (UInt128)middle12 << 64
        | (UInt128)2 << VariantShift | last62;

    /// <summary>
    /// Reads digits without a branch for each: <paramref name="wrong"/> turns negative at any other letter.
    /// </summary>
    private static ulong Read(ReadOnlySpan<byte> digits, ref int wrong)
    {
        var values = Values;
        var sum = 0UL;
        foreach (var letter in digits)
        {
            int value = values[letter];
            wrong |= value;
            sum = sum << 4 | unchecked((uint)value & 0xF);
        }
        return sum;
    }

    private static readonly sbyte[] Values = MakeValues();

    private static sbyte[] MakeValues()
    {
        var values = new sbyte[256];
        Array.Fill(values, (sbyte)-1);
        for (var digit = 0; digit < 16; digit++)
        {
            values["0123456789abcdef"[digit]] = (sbyte)digit;
            values["0123456789ABCDEF"[digit]] = (sbyte)digit;
        }
        return values;
    }
}
