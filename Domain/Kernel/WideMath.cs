namespace BankingEngine.Domain.Kernel;

/// <summary>Where a result goes that lies between two whole numbers. Every place that rounds names one.</summary>
public enum Rounding
{
    /// <summary>To the lower number.</summary>
    Floor,

    /// <summary>To the higher number.</summary>
    Ceiling,

    /// <summary>To the number nearer to zero: the rest is cut off.</summary>
    TowardZero,

    /// <summary>To the number farther from zero.</summary>
    AwayFromZero,

    /// <summary>To the nearest; from the middle to the even one, so that many roundings do not drift.</summary>
    HalfEven,

    /// <summary>
    /// To the nearest; from the middle away from zero, as taught in school and asked by many tax laws.
    /// </summary>
    HalfAwayFromZero,
}

/// <summary>
/// Products of two 128-bit numbers, divided at once, so that only the final result must fit 128 bits.
/// </summary>
/// <remarks>Exact over the whole range, <see cref="Int128.MinValue"/> included, and rounded once.</remarks>
public static class WideMath
{
    private const int LimbBits = 64;

    /// <summary>a × b / c.</summary>
    /// <exception cref="DivideByZeroException">The divisor is zero: a caller's bug.</exception>
    /// <exception cref="OverflowException">The rounded result leaves 128 bits.</exception>
    public static Int128 MulDiv(Int128 a, Int128 b, Int128 c, Rounding rounding) =>
        TryMulDiv(a, b, c, rounding, out var result)
            ? result
            : throw new OverflowException("The quotient leaves 128 bits.");

    /// <summary>a × b / c, for factors that a request can choose.</summary>
    /// <returns>False where the rounded result leaves 128 bits.</returns>
    /// <exception cref="DivideByZeroException">The divisor is zero: a caller's bug.</exception>
    public static bool TryMulDiv(Int128 a, Int128 b, Int128 c, Rounding rounding, out Int128 result)
    {
        result = 0;
        var negative = Int128.IsNegative(a) ^ Int128.IsNegative(b) ^ Int128.IsNegative(c);
        var divisor = Magnitude(c);
        if (!TryMulDivRem(Magnitude(a), Magnitude(b), divisor, out var quotient, out var remainder)) return false;
        if (RoundsAway(quotient, remainder, divisor, negative, rounding))
        {
            if (quotient == UInt128.MaxValue) return false;
            quotient++;
        }
        return TrySigned(quotient, negative, out result);
    }

    /// <summary>a / c.</summary>
    /// <exception cref="DivideByZeroException">The divisor is zero: a caller's bug.</exception>
    /// <exception cref="OverflowException">The smallest number divided by -1.</exception>
    public static Int128 Divide(Int128 a, Int128 c, Rounding rounding) => MulDiv(a, 1, c, rounding);

    /// <summary>a × b / c without sign, and what is left over.</summary>
    /// <returns>False where the quotient leaves 128 bits; nothing is then left over.</returns>
    /// <exception cref="DivideByZeroException">The divisor is zero: a caller's bug.</exception>
    public static bool TryMulDivRem(
        UInt128 a, UInt128 b, UInt128 c, out UInt128 quotient, out UInt128 remainder)
    {
        if (c == 0) throw new DivideByZeroException("Nothing is divided by zero.");
        Multiply(a, b, out var high, out var low);
        if (high == 0)
        {
            (quotient, remainder) = UInt128.DivRem(low, c);
            return true;
        }
        (quotient, remainder) = (0, 0);
        if (high >= c) return false;
        Divide(high, low, c, out quotient, out remainder);
        return true;
    }

    /// <summary>The sum, or false where it leaves 128 bits.</summary>
    public static bool TryAdd(Int128 a, Int128 b, out Int128 sum)
    {
        sum = unchecked(a + b);
        if (Int128.IsNegative(a) != Int128.IsNegative(b) || Int128.IsNegative(sum) == Int128.IsNegative(a)) return true;
        sum = 0;
        return false;
    }

    /// <summary>The difference, or false where it leaves 128 bits.</summary>
    public static bool TrySubtract(Int128 a, Int128 b, out Int128 difference)
    {
        difference = unchecked(a - b);
        if (Int128.IsNegative(a) == Int128.IsNegative(b) || Int128.IsNegative(difference) == Int128.IsNegative(a))
            return true;
        difference = 0;
        return false;
    }

    /// <summary>The value without its sign; unlike the absolute value it exists for every number.</summary>
    public static UInt128 Magnitude(Int128 value) =>
        unchecked(Int128.IsNegative(value) ? (UInt128)(-value) : (UInt128)value);

    /// <summary>Puts a sign before a magnitude.</summary>
    /// <returns>False where no signed number is so large.</returns>
    public static bool TrySigned(UInt128 magnitude, bool negative, out Int128 value)
    {
        var most = (UInt128)Int128.MaxValue + (negative ? UInt128.One : UInt128.Zero);
        value = magnitude > most ? 0 : unchecked(negative ? -(Int128)magnitude : (Int128)magnitude);
        return magnitude <= most;
    }

    private static bool RoundsAway(
        UInt128 quotient, UInt128 remainder, UInt128 divisor, bool negative, Rounding rounding)
    {
        if (remainder == 0) return false;
        // Against the other part of the divisor, because twice the remainder may not fit.
        var half = remainder.CompareTo(divisor - remainder);
        return rounding switch
        {
            Rounding.Floor => negative,
            Rounding.Ceiling => !negative,
            Rounding.TowardZero => false,
            Rounding.AwayFromZero => true,
            Rounding.HalfEven => half > 0 || (half == 0 && UInt128.IsOddInteger(quotient)),
            Rounding.HalfAwayFromZero => half >= 0,
            _ => throw new ArgumentOutOfRangeException(nameof(rounding), rounding, "No such rounding."),
        };
    }

    private static void Multiply(UInt128 a, UInt128 b, out UInt128 high, out UInt128 low)
    {
        ulong aHigh = High(a), aLow = Low(a), bHigh = High(b), bLow = Low(b);
        var lowest = Math.BigMul(aLow, bLow);
        if ((aHigh | bHigh) == 0)
        {
            (high, low) = (0, lowest);
            return;
        }
        // None of these sums overflows: a product of two limbs leaves room for two limbs more.
        var middle = Math.BigMul(aHigh, bLow) + High(lowest);
        var cross = Math.BigMul(aLow, bHigh) + Low(middle);
        high = Math.BigMul(aHigh, bHigh) + High(middle) + High(cross);
        low = new UInt128(Low(cross), Low(lowest));
    }

    // Schoolbook division in base 2^64 (Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D): the
    // divisor is shifted until its top bit is set, which bounds each guessed figure to at most two above the true one.
    private static void Divide(UInt128 high, UInt128 low, UInt128 divisor, out UInt128 quotient, out UInt128 remainder)
    {
        var shift = (int)UInt128.LeadingZeroCount(divisor);
        if (shift > 0)
        {
            divisor <<= shift;
            high = high << shift | low >> 2 * LimbBits - shift;
            low <<= shift;
        }
        var upper = NextFigure(ref high, High(low), divisor);
        var lower = NextFigure(ref high, Low(low), divisor);
        quotient = new UInt128(upper, lower);
        remainder = high >> shift;
    }

    private static ulong NextFigure(ref UInt128 rest, ulong next, UInt128 divisor)
    {
        unchecked
        {
            ulong top = High(divisor), bottom = Low(divisor);
            var figure = High(rest) >= top ? ulong.MaxValue : (ulong)(rest / top);
            var left = rest - Math.BigMul(figure, top);
            // At most twice, as said above.
            while (High(left) == 0 && Math.BigMul(figure, bottom) > new UInt128(Low(left), next))
            {
                figure--;
                left += top;
            }
            // Figure × divisor may pass 128 bits, but the difference fits, so its low 128 bits are all of it.
            rest = new UInt128(Low(rest), next) - figure * divisor;
            return figure;
        }
    }

    private static ulong High(UInt128 value) => (ulong)(value >> LimbBits);
    private static ulong Low(UInt128 value) => unchecked((ulong)value);
}
