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
        if (utf8.Length != TextLength) return false;
        ulong high = 0, low = 0;
        for (var at = 0; at < TextLength; at++)
        {
            if (at is 8 or 13 or 18 or 23)
            {
                if (utf8[at] != (byte)'-') return false;
                continue;
            }
            var digit = DigitOf(utf8[at]);
            if (digit < 0) return false;
            if (at < 18) high = high << 4 | (uint)digit;
            else low = low << 4 | (uint)digit;
        }
        value = new UInt128(high, low);
        return true;
    }

    /// <summary>Writes the lower-case hyphenated form.</summary>
    public static bool TryFormat(UInt128 value, Span<byte> utf8, out int written)
    {
        written = 0;
        if (utf8.Length < TextLength) return false;
        ulong high = (ulong)(value >> 64), low = (ulong)(value & ulong.MaxValue);
        for (int at = 0, shift = 60; at < TextLength; at++)
        {
            if (at is 8 or 13 or 18 or 23)
            {
                utf8[at] = (byte)'-';
                continue;
            }
            utf8[at] = "0123456789abcdef"u8[(int)((at < 18 ? high : low) >> shift & 0xF)];
            shift = shift == 0 ? 60 : shift - 4;
        }
        written = TextLength;
        return true;
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

    private static int DigitOf(byte letter) => letter switch
    {
        >= (byte)'0' and <= (byte)'9' => letter - '0',
        >= (byte)'a' and <= (byte)'f' => letter - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => letter - 'A' + 10,
        _ => -1,
    };
}
