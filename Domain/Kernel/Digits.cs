namespace BankingEngine.Domain.Kernel;

/// <summary>What reading a number found.</summary>
public enum NumberText
{
    /// <summary>The number is read.</summary>
    Read,

    /// <summary>Not a number in the one notation that is taken.</summary>
    Malformed,

    /// <summary>A number, but with more figures, or more of them after the point, than can be kept.</summary>
    TooManyDigits,
}

/// <summary>Figures in ASCII: fixed fields of dates, and signed numbers with a point.</summary>
internal static class Digits
{
    /// <summary>A sign, 39 figures and a point.</summary>
    public const int LongestNumber = 41;

    /// <summary>The largest power of ten that <see cref="PowerOfTen"/> gives.</summary>
    public const int HighestPower = 38;

    private const int MostFigures = 39, FiguresOfUInt64 = 19;
    private const ulong TenTo19 = 10_000_000_000_000_000_000;

    private static readonly UInt128 MostBeforeLastFigure = (UInt128)Int128.MaxValue / 10;
    private static readonly Int128[] Powers = MakePowers();

    /// <param name="exponent">0 to 38.</param>
    public static Int128 PowerOfTen(int exponent) => Powers[exponent];

    /// <summary>Reads one to nine figures and nothing else.</summary>
    public static bool TryRead(ReadOnlySpan<byte> utf8, out int value)
    {
        value = 0;
        if (utf8.Length is 0 or > 9) return false;
        foreach (var letter in utf8)
        {
            if (letter is < (byte)'0' or > (byte)'9') return false;
            value = value * 10 + (letter - '0');
        }
        return true;
    }

    /// <summary>Fills the span with the value's figures, zeros in front.</summary>
    public static void Write(Span<byte> utf8, int value)
    {
        for (var at = utf8.Length - 1; at >= 0; at--, value /= 10) utf8[at] = (byte)('0' + value % 10);
    }

    /// <summary>
    /// Reads <c>-?(0|[1-9][0-9]*)(\.[0-9]+)?</c>. The value is <paramref name="digits"/> divided by ten to the power
    /// of <paramref name="decimals"/>.
    /// </summary>
    public static NumberText TryReadNumber(
        ReadOnlySpan<byte> utf8, int mostDecimals, out Int128 digits, out int decimals)
    {
        digits = 0;
        decimals = 0;
        var negative = !utf8.IsEmpty && utf8[0] == (byte)'-';
        var figures = negative ? utf8[1..] : utf8;
        var whole = figures.IndexOf((byte)'.');
        decimals = whole < 0 ? 0 : figures.Length - whole - 1;
        if (whole < 0) whole = figures.Length;
        else if (decimals == 0) return NumberText.Malformed;
        if (whole == 0 || (whole > 1 && figures[0] == (byte)'0')
            || figures[..whole].ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || (decimals > 0 && figures[(whole + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9')))
            return NumberText.Malformed;
        if (decimals > mostDecimals || whole + decimals > MostFigures) return NumberText.TooManyDigits;

        ulong low = 0;
        UInt128 magnitude = 0;
        var read = 0;
        foreach (var letter in figures)
        {
            if (letter == (byte)'.') continue;
            if (++read == MostFigures && magnitude > MostBeforeLastFigure) return NumberText.TooManyDigits;
            if (read < FiguresOfUInt64) low = low * 10 + (uint)(letter - '0');
            else magnitude = (read == FiguresOfUInt64 ? low : magnitude) * 10 + (uint)(letter - '0');
        }
        if (read < FiguresOfUInt64) magnitude = low;
        return WideMath.TrySigned(magnitude, negative, out digits) ? NumberText.Read : NumberText.TooManyDigits;
    }

    /// <summary>
    /// Writes digits / 10^decimals with exactly so many figures after the point, none and no point for 0.
    /// </summary>
    public static bool TryWriteNumber(Span<byte> utf8, Int128 digits, int decimals, out int written)
    {
        written = 0;
        Span<byte> backward = stackalloc byte[LongestNumber];
        var at = LongestNumber;
        var left = WideMath.Magnitude(digits);
        if (left <= ulong.MaxValue && decimals < FiguresOfUInt64)
        {
            // Nearly every amount is this small, and dividing 64 bits is many times faster than 128.
            var small = (ulong)left;
            for (var figures = 0; small != 0 || figures <= decimals; figures++, small /= 10)
            {
                if (figures == decimals && decimals > 0) backward[--at] = (byte)'.';
                backward[--at] = (byte)('0' + small % 10);
            }
        }
        else
        {
            at = WriteLong(backward, at, left, decimals);
        }
        if (digits < 0) backward[--at] = (byte)'-';
        if (!backward[at..].TryCopyTo(utf8)) return false;
        written = LongestNumber - at;
        return true;
    }

    private static int WriteLong(Span<byte> backward, int at, UInt128 left, int decimals)
    {
        for (var figures = 0; left != 0 || figures <= decimals;)
        {
            (left, var group) = UInt128.DivRem(left, TenTo19);
            var low = (ulong)group;
            for (var inGroup = 0; inGroup < FiguresOfUInt64; inGroup++, figures++, low /= 10)
            {
                if (low == 0 && left == 0 && figures > decimals) break;
                if (figures == decimals && decimals > 0) backward[--at] = (byte)'.';
                backward[--at] = (byte)('0' + low % 10);
            }
        }
        return at;
    }

    private static Int128[] MakePowers()
    {
        var powers = new Int128[HighestPower + 1];
        powers[0] = 1;
        for (var exponent = 1; exponent <= HighestPower; exponent++) powers[exponent] = powers[exponent - 1] * 10;
        return powers;
    }
}
