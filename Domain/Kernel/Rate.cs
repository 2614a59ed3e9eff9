namespace BankingEngine.Domain.Kernel;

/// <summary>A price or ratio, exact to eighteen places after the point.</summary>
/// <param name="Parts">Parts of 10^-18: 3.25 % is 32,500,000,000,000,000.</param>
/// <remarks>
/// As a price it says how many whole units of the target one whole unit of the source is worth, whatever the scales
/// of the two. As a ratio source and target are the same asset.
/// </remarks>
public readonly record struct Rate(Int128 Parts) : IComparable<Rate>, IUtf8Text<Rate>
{
    private const int Scale = 18;
    private const long PartsOfOneMillionth = 1_000_000_000_000;

    public static int MaxTextLength => Digits.LongestNumber;
    public static Rate Zero => default;
    public static Rate One => new(Digits.PowerOfTen(Scale));

    /// <summary>A ratio in parts per million: 3.25 % is 32,500.</summary>
    public static Rate PartsPerMillion(long parts) => new((Int128)parts * PartsOfOneMillionth);

    /// <summary>A ratio in basis points, hundredths of one percent: 3.25 % is 325.</summary>
    public static Rate BasisPoints(long points) => new((Int128)points * 100 * PartsOfOneMillionth);

    /// <summary>A quotient of two numbers, rounded once to eighteen places.</summary>
    /// <exception cref="DivideByZeroException">The divisor is zero: a caller's bug.</exception>
    /// <exception cref="OverflowException">The quotient leaves 128 bits.</exception>
    public static Rate Ratio(Int128 dividend, Int128 divisor, Rounding rounding) =>
        new(WideMath.MulDiv(dividend, Digits.PowerOfTen(Scale), divisor, rounding));

    /// <summary>The price of the target in the source: one divided by this rate.</summary>
    /// <exception cref="DivideByZeroException">The rate is zero.</exception>
    public Rate Inverse(Rounding rounding) =>
        new(WideMath.MulDiv(Digits.PowerOfTen(Scale), Digits.PowerOfTen(Scale), Parts, rounding));

    /// <summary>The amount's worth in the target asset, rounded once to its smallest unit.</summary>
    /// <exception cref="OverflowException">The result leaves 128 bits: see <see cref="TryApply"/>.</exception>
    public Amount Apply(Amount amount, Asset target, Rounding rounding) =>
        TryApply(amount, target, rounding, out var result)
            ? result
            : throw new OverflowException("The amount leaves 128 bits.");

    /// <summary>A part of the amount, rounded once to its smallest unit.</summary>
    /// <exception cref="OverflowException">The result leaves 128 bits.</exception>
    public Amount Of(Amount amount, Rounding rounding) => Apply(amount, amount.Asset, rounding);

    /// <summary>The amount's worth in the target asset, for amounts that a request can choose.</summary>
    /// <returns>False where the result leaves 128 bits.</returns>
    public bool TryApply(Amount amount, Asset target, Rounding rounding, out Amount result)
    {
        // At least zero, because no scale exceeds that of a rate.
        var places = Scale + amount.Asset.Scale - target.Scale;
        var fits = WideMath.TryMulDiv(amount.Minor, Parts, Digits.PowerOfTen(places), rounding, out var minor);
        result = new(minor, target);
        return fits;
    }

    /// <summary>Simple interest at this yearly rate, rounded once to the smallest unit.</summary>
    /// <param name="principal">What bears interest; negative for interest owed by the holder.</param>
    /// <param name="years">From <see cref="DayCounts"/>.</param>
    /// <exception cref="OverflowException">The result leaves 128 bits.</exception>
    public Amount Accrue(Amount principal, DayFraction years, Rounding rounding) =>
        new(WideMath.MulDiv(principal.Minor, Parts * years.Numerator,
            Digits.PowerOfTen(Scale) * years.Denominator, rounding), principal.Asset);

    /// <summary>Reads a number of at most eighteen places after the point.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Rate value)
    {
        value = default;
        if (Digits.TryReadNumber(utf8, Scale, out var digits, out var decimals) != NumberText.Read
            || !WideMath.TryMulDiv(digits, Digits.PowerOfTen(Scale - decimals), 1, Rounding.TowardZero, out var parts))
            return false;
        value = new(parts);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out Rate value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static Rate Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<Rate>(text);

    /// <summary>Writes the shortest form: no zeros at the end, no point without figures after it.</summary>
    public bool TryFormat(Span<byte> utf8, out int written)
    {
        var (digits, decimals) = (Parts, Scale);
        while (decimals > 0 && digits % 10 == 0)
        {
            digits /= 10;
            decimals--;
        }
        return Digits.TryWriteNumber(utf8, digits, decimals, out written);
    }

    public int CompareTo(Rate other) => Parts.CompareTo(other.Parts);
    public override string ToString() => Utf8Text.ToText(this);

    public static Rate operator +(Rate left, Rate right) => new(left.Parts + right.Parts);
    public static Rate operator -(Rate left, Rate right) => new(left.Parts - right.Parts);
    public static Rate operator -(Rate value) => new(-value.Parts);
    public static bool operator <(Rate left, Rate right) => left.Parts < right.Parts;
    public static bool operator >(Rate left, Rate right) => left.Parts > right.Parts;
    public static bool operator <=(Rate left, Rate right) => left.Parts <= right.Parts;
    public static bool operator >=(Rate left, Rate right) => left.Parts >= right.Parts;
}
