using System.Numerics;
using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class WideMathSpecs
{
    [Fact]
    public void A_product_divided_equals_the_same_in_unbounded_numbers() =>
        Numbers.Holds(
            from a in Numbers.Wide
            from b in Numbers.Wide
            from c in Numbers.Wide.Where(value => value != 0)
            from rounding in Numbers.AnyRounding
            select (a, b, c, rounding),
            given =>
            {
                var expected = Rounded(
                    Numbers.Big(given.a) * Numbers.Big(given.b), Numbers.Big(given.c), given.rounding);
                var fits = WideMath.TryMulDiv(given.a, given.b, given.c, given.rounding, out var actual);
                fits.Should().Be(expected >= Numbers.Big(Int128.MinValue) && expected <= Numbers.Big(Int128.MaxValue));
                if (fits) Numbers.Big(actual).Should().Be(expected);
            });

    [Fact]
    public void Quotient_and_remainder_together_make_the_product_again() =>
        Numbers.Holds(
            from a in Numbers.Wide
            from b in Numbers.Wide
            from c in Numbers.Wide.Where(value => value != 0)
            select (A: unchecked((UInt128)a), B: unchecked((UInt128)b), C: unchecked((UInt128)c)),
            given =>
            {
                var product = (BigInteger)given.A * given.B;
                var fits = WideMath.TryMulDivRem(given.A, given.B, given.C, out var quotient, out var remainder);
                fits.Should().Be(product / given.C <= UInt128.MaxValue);
                if (!fits) return;
                ((BigInteger)quotient * given.C + remainder).Should().Be(product);
                remainder.Should().BeLessThan(given.C);
            });

    [Fact]
    public void Sums_and_differences_say_when_they_leave_128_bits() =>
        Numbers.Holds(Numbers.Wide.Two(), given =>
        {
            var (a, b) = given;
            var sum = Numbers.Big(a) + Numbers.Big(b);
            var difference = Numbers.Big(a) - Numbers.Big(b);
            WideMath.TryAdd(a, b, out var added).Should().Be(InRange(sum));
            WideMath.TrySubtract(a, b, out var subtracted).Should().Be(InRange(difference));
            Numbers.Big(added).Should().Be(InRange(sum) ? sum : 0);
            Numbers.Big(subtracted).Should().Be(InRange(difference) ? difference : 0);
        });

    [Theory]
    [InlineData(7, 2, Rounding.Floor, 3)]
    [InlineData(-7, 2, Rounding.Floor, -4)]
    [InlineData(7, 2, Rounding.Ceiling, 4)]
    [InlineData(-7, 2, Rounding.Ceiling, -3)]
    [InlineData(-7, 2, Rounding.TowardZero, -3)]
    [InlineData(-7, 2, Rounding.AwayFromZero, -4)]
    [InlineData(5, 2, Rounding.HalfEven, 2)]
    [InlineData(7, 2, Rounding.HalfEven, 4)]
    [InlineData(-5, 2, Rounding.HalfEven, -2)]
    [InlineData(5, 2, Rounding.HalfAwayFromZero, 3)]
    [InlineData(-5, 2, Rounding.HalfAwayFromZero, -3)]
    [InlineData(5, 4, Rounding.HalfAwayFromZero, 1)]
    [InlineData(7, 4, Rounding.HalfEven, 2)]
    [InlineData(8, 4, Rounding.AwayFromZero, 2)]
    public void Each_rounding_goes_where_its_name_says(int dividend, int divisor, Rounding rounding, int expected) =>
        WideMath.Divide(dividend, divisor, rounding).Should().Be(expected);

    [Fact]
    public void The_smallest_number_survives_and_its_negation_does_not()
    {
        WideMath.MulDiv(Int128.MinValue, Int128.MinValue, Int128.MinValue, Rounding.HalfEven)
            .Should().Be(Int128.MinValue);
        WideMath.MulDiv(Int128.MinValue, Int128.MaxValue, Int128.MaxValue, Rounding.Floor).Should().Be(Int128.MinValue);
        FluentActions.Invoking(() => WideMath.MulDiv(Int128.MinValue, 1, -1, Rounding.Floor))
            .Should().Throw<OverflowException>();
    }

    [Fact]
    public void Division_by_zero_is_a_fault_of_the_caller() =>
        FluentActions.Invoking(() => WideMath.TryMulDiv(1, 1, 0, Rounding.Floor, out _))
            .Should().Throw<DivideByZeroException>();

    // Divisors whose first guessed figure is one or two too large, where a wrong correction loop shows.
    [Theory]
    [InlineData(0x8000000000000000, 0xFFFFFFFFFFFFFFFF)]
    [InlineData(0x8000000000000000, 0x0000000000000001)]
    [InlineData(0xFFFFFFFFFFFFFFFF, 0x0000000000000000)]
    [InlineData(0x0000000000000001, 0xFFFFFFFFFFFFFFFF)]
    public void Divisors_that_mislead_the_guess_are_divided_exactly(ulong high, ulong low)
    {
        var divisor = new UInt128(high, low);
        foreach (var factor in new[] { UInt128.MaxValue, divisor, divisor - 1, UInt128.MaxValue << 64 })
        {
            var product = (BigInteger)factor * (divisor - 1);
            WideMath.TryMulDivRem(factor, divisor - 1, divisor, out var quotient, out var remainder).Should().BeTrue();
            ((BigInteger)quotient).Should().Be(product / divisor);
            ((BigInteger)remainder).Should().Be(product % divisor);
        }
    }

    private static bool InRange(BigInteger value) =>
        value >= Numbers.Big(Int128.MinValue) && value <= Numbers.Big(Int128.MaxValue);

    private static BigInteger Rounded(BigInteger dividend, BigInteger divisor, Rounding rounding)
    {
        if (divisor < 0) (dividend, divisor) = (-dividend, -divisor);
        var toZero = BigInteger.DivRem(dividend, divisor, out var rest);
        if (rest == 0) return toZero;
        var away = toZero + dividend.Sign;
        var twice = (2 * BigInteger.Abs(rest)).CompareTo(divisor);
        return rounding switch
        {
            Rounding.Floor => BigInteger.Min(toZero, away),
            Rounding.Ceiling => BigInteger.Max(toZero, away),
            Rounding.TowardZero => toZero,
            Rounding.AwayFromZero => away,
            Rounding.HalfEven => twice > 0 || (twice == 0 && !toZero.IsEven) ? away : toZero,
            _ => twice >= 0 ? away : toZero,
        };
    }
}
