using System.Numerics;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>An exact, signed amount of one asset.</summary>
/// <param name="Minor">Smallest units (cents, fils, satoshi). Never scaled, never rounded.</param>
/// <param name="Asset">What they count.</param>
/// <exception cref="OverflowException">Any operator whose result leaves 128 bits.</exception>
/// <exception cref="InvalidOperationException">Any operator given two assets.</exception>
public readonly record struct Amount(Int128 Minor, Asset Asset) :
    IAdditionOperators<Amount, Amount, Amount>,
    ISubtractionOperators<Amount, Amount, Amount>,
    IUnaryNegationOperators<Amount, Amount>,
    IMultiplyOperators<Amount, Int128, Amount>,
    IComparisonOperators<Amount, Amount, bool>,
    IComparable<Amount>
{
    /// <summary>Bytes that hold any amount's figures.</summary>
    public const int MaxTextLength = Digits.LongestNumber;

    /// <summary>The most parts that one amount is divided into at once.</summary>
    public const int MaxShares = 65_536;

    public bool IsZero => Minor == 0;
    public bool IsPositive => Minor > 0;
    public bool IsNegative => Minor < 0;

    public static Amount Zero(Asset asset) => new(0, asset);

    public static Amount operator +(Amount left, Amount right) => new(left.Minor + right.In(left.Asset), left.Asset);
    public static Amount operator -(Amount left, Amount right) => new(left.Minor - right.In(left.Asset), left.Asset);
    public static Amount operator -(Amount value) => new(-value.Minor, value.Asset);
    public static Amount operator *(Amount left, Int128 right) => new(left.Minor * right, left.Asset);
    public static bool operator <(Amount left, Amount right) => left.Minor < right.In(left.Asset);
    public static bool operator >(Amount left, Amount right) => right < left;
    public static bool operator <=(Amount left, Amount right) => !(right < left);
    public static bool operator >=(Amount left, Amount right) => !(left < right);

    /// <summary>The sum, for amounts that a request can choose.</summary>
    /// <returns>False where it leaves 128 bits.</returns>
    public bool TryAdd(Amount other, out Amount sum)
    {
        var fits = WideMath.TryAdd(Minor, other.In(Asset), out var minor);
        sum = new(minor, Asset);
        return fits;
    }

    /// <summary>The difference, for amounts that a request can choose.</summary>
    /// <returns>False where it leaves 128 bits.</returns>
    public bool TrySubtract(Amount other, out Amount difference)
    {
        var fits = WideMath.TrySubtract(Minor, other.In(Asset), out var minor);
        difference = new(minor, Asset);
        return fits;
    }

    public Amount Abs() => IsNegative ? -this : this;

    public int CompareTo(Amount other) => Minor.CompareTo(other.In(Asset));

    /// <summary>Divides evenly without losing a smallest unit: the first shares take the remainder.</summary>
    /// <param name="shares">1 to <see cref="MaxShares"/>.</param>
    public Amount[] Split(int shares)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shares, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shares, MaxShares);
        var (each, remainder) = Int128.DivRem(Minor, shares);
        var larger = (int)WideMath.Magnitude(remainder);
        var parts = new Amount[shares];
        for (var at = 0; at < shares; at++)
            parts[at] = new(at < larger ? each + Int128.Sign(remainder) : each, Asset);
        return parts;
    }

    /// <summary>
    /// Divides in proportion without losing a smallest unit: each share is cut toward zero, and what is left goes one
    /// unit each to the shares that lost most, the first among equals.
    /// </summary>
    /// <param name="weights">One for each share, none negative, not all zero. A weight of zero gets nothing.</param>
    /// <exception cref="ArgumentException">The weights are not so, or not 1 to <see cref="MaxShares"/>.</exception>
    /// <exception cref="OverflowException">The sum of the weights leaves 128 bits.</exception>
    public Amount[] Allocate(ReadOnlySpan<Int128> weights)
    {
        if (weights.Length is 0 or > MaxShares) throw new ArgumentException("1 to 65,536 weights.", nameof(weights));
        Int128 total = 0;
        foreach (var weight in weights)
        {
            if (weight < 0) throw new ArgumentException("A weight is not negative.", nameof(weights));
            total += weight;
        }
        if (total == 0) throw new ArgumentException("Some weight must be positive.", nameof(weights));

        var magnitude = WideMath.Magnitude(Minor);
        var shares = new UInt128[weights.Length];
        var lost = new (UInt128 Lost, int At)[weights.Length];
        var left = magnitude;
        for (var at = 0; at < weights.Length; at++)
        {
            WideMath.TryMulDivRem(magnitude, (UInt128)weights[at], (UInt128)total, out shares[at], out lost[at].Lost);
            lost[at].At = at;
            left -= shares[at];
        }
        if (left > 0) Array.Sort(lost, static (one, other) =>
            one.Lost != other.Lost ? other.Lost.CompareTo(one.Lost) : one.At.CompareTo(other.At));
        for (var rank = 0; rank < (int)left; rank++) shares[lost[rank].At]++;

        var parts = new Amount[weights.Length];
        for (var at = 0; at < parts.Length; at++)
        {
            WideMath.TrySigned(shares[at], IsNegative, out var minor);
            parts[at] = new(minor, Asset);
        }
        return parts;
    }

    /// <summary>
    /// Writes the figures with exactly the scale's places after the point: <c>12.34</c>, <c>-0.05</c>.
    /// </summary>
    /// <returns>False, and nothing written, if they do not fit.</returns>
    public bool TryFormat(Span<byte> utf8, out int written) =>
        Digits.TryWriteNumber(utf8, Minor, Asset.Scale, out written);

    /// <summary>Reads what <see cref="TryFormat"/> wrote; the scale is the number of places after the point.</summary>
    /// <returns>False for any other text, such as a zero with a sign.</returns>
    public static bool TryParseCanonical(ReadOnlySpan<byte> utf8, AssetCode code, out Amount amount)
    {
        amount = default;
        if (Digits.TryReadNumber(utf8, Asset.MaxScale, out var minor, out var scale) != NumberText.Read
            || (minor == 0 && utf8[0] == (byte)'-'))
            return false;
        amount = new(minor, new Asset(code, (byte)scale));
        return true;
    }

    /// <summary>The figures and the asset's code: <c>12.34 USD</c>.</summary>
    public override string ToString()
    {
        Span<byte> utf8 = stackalloc byte[MaxTextLength];
        TryFormat(utf8, out var length);
        return $"{Encoding.ASCII.GetString(utf8[..length])} {Asset.Code}";
    }

    private Int128 In(Asset asset) => Asset == asset
        ? Minor
        : throw new InvalidOperationException($"{Asset} is not {asset}: convert first.");
}

/// <summary>An amount as a channel states it, before the book has said which scale the asset has.</summary>
/// <param name="Asset">As stated; the book may not know it.</param>
/// <param name="Digits">The figures without their point.</param>
/// <param name="Decimals">Figures after the point, 0 to 18.</param>
public readonly record struct StatedAmount(AssetCode Asset, Int128 Digits, byte Decimals)
{
    /// <summary>Reads <c>-?(0|[1-9][0-9]*)(\.[0-9]+)?</c>, of at most 39 figures, 18 of them after the point.</summary>
    public static NumberText TryParse(ReadOnlySpan<byte> utf8, AssetCode asset, out StatedAmount stated)
    {
        var text = Kernel.Digits.TryReadNumber(utf8, Kernel.Asset.MaxScale, out var digits, out var decimals);
        stated = text == NumberText.Read ? new(asset, digits, (byte)decimals) : default;
        return text;
    }

    /// <summary>The amount in smallest units of the asset that the book knows by this code.</summary>
    /// <param name="asset">Of the stated code.</param>
    /// <param name="tooManyDecimals">The figures go below the smallest unit, were they only zeros.</param>
    /// <returns>False where they do, or where the amount leaves 128 bits.</returns>
    /// <exception cref="InvalidOperationException">An asset of another code: a caller's bug.</exception>
    public bool TryResolve(Asset asset, out Amount amount, out bool tooManyDecimals)
    {
        if (asset.Code != Asset) throw new InvalidOperationException($"{Asset} was stated, not {asset.Code}.");
        amount = default;
        tooManyDecimals = Decimals > asset.Scale;
        if (tooManyDecimals) return false;
        var factor = Kernel.Digits.PowerOfTen(asset.Scale - Decimals);
        if (!WideMath.TryMulDiv(Digits, factor, 1, Rounding.TowardZero, out var minor)) return false;
        amount = new(minor, asset);
        return true;
    }
}
