using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class DayCountSpecs
{
    private static readonly BusinessDate Maturity = new(2009, 2, 28);

    // ISDA, "30/360 day count conventions", the calculation examples for the 2006 Definitions: start, end and the days
    // under Bond Basis, 30E/360, 30E/360 (ISDA) with maturity on 28 February 2009, and Actual/360.
    [Theory]
    [InlineData("2007-01-15", "2007-01-30", 15, 15, 15, 15)]
    [InlineData("2007-01-15", "2007-02-15", 30, 30, 30, 31)]
    [InlineData("2007-01-15", "2007-07-15", 180, 180, 180, 181)]
    [InlineData("2007-09-30", "2008-03-31", 180, 180, 180, 183)]
    [InlineData("2007-09-30", "2007-10-31", 30, 30, 30, 31)]
    [InlineData("2007-09-30", "2008-09-30", 360, 360, 360, 366)]
    [InlineData("2007-01-15", "2007-01-31", 16, 15, 15, 16)]
    [InlineData("2007-01-31", "2007-02-28", 28, 28, 30, 28)]
    [InlineData("2007-02-28", "2007-03-31", 33, 32, 30, 31)]
    [InlineData("2006-08-31", "2007-02-28", 178, 178, 180, 181)]
    [InlineData("2007-02-28", "2007-08-31", 183, 182, 180, 184)]
    [InlineData("2007-02-14", "2007-02-28", 14, 14, 16, 14)]
    [InlineData("2007-02-26", "2008-02-29", 363, 363, 364, 368)]
    [InlineData("2008-02-29", "2009-02-28", 359, 359, 358, 365)]
    [InlineData("2008-02-29", "2008-03-30", 31, 31, 30, 30)]
    [InlineData("2008-02-29", "2008-03-31", 32, 31, 30, 31)]
    [InlineData("2007-02-28", "2007-03-05", 7, 7, 5, 5)]
    [InlineData("2007-10-31", "2007-11-28", 28, 28, 28, 28)]
    [InlineData("2007-08-31", "2008-02-29", 179, 179, 180, 182)]
    [InlineData("2008-02-29", "2008-08-31", 182, 181, 180, 184)]
    [InlineData("2008-08-31", "2009-02-28", 178, 178, 178, 181)]
    [InlineData("2009-02-28", "2009-08-31", 183, 182, 180, 184)]
    public void The_published_examples_come_out(
        string from, string to, int bondBasis, int european, int europeanIsda, int actual)
    {
        DaysOf(DayCount.Thirty360BondBasis, from, to).Should().Be(new DayFraction(bondBasis, 360));
        DaysOf(DayCount.Thirty360European, from, to).Should().Be(new DayFraction(european, 360));
        DaysOf(DayCount.Thirty360EuropeanIsda, from, to).Should().Be(new DayFraction(europeanIsda, 360));
        DaysOf(DayCount.Actual360, from, to).Should().Be(new DayFraction(actual, 360));
        DaysOf(DayCount.Actual365Fixed, from, to).Should().Be(new DayFraction(actual, 365));
    }

    // ISDA, "The Actual/Actual Day Count Fraction" (1999): 61/365 + 121/366, and the other worked cases.
    [Theory]
    [InlineData("2003-11-01", "2004-05-01", 61, 121)]
    [InlineData("1999-02-01", "1999-07-01", 150, 0)]
    [InlineData("1999-07-01", "2000-07-01", 184, 182)]
    [InlineData("2002-08-15", "2003-07-15", 334, 0)]
    [InlineData("1999-07-30", "2000-01-30", 155, 29)]
    [InlineData("2000-01-30", "2000-06-30", 0, 152)]
    public void Days_in_leap_years_and_in_others_are_divided_apart(string from, string to, int common, int leap) =>
        DaysOf(DayCount.ActualActualIsda, from, to)
            .Should().Be(new DayFraction(common * 366L + leap * 365L, 365 * 366));

    [Fact]
    public void Actual_days_of_two_periods_in_a_row_add_up() =>
        Numbers.Holds(Numbers.AnyDate.Three(), given =>
        {
            var dates = new[] { given.Item1, given.Item2, given.Item3 }.Order().ToArray();
            foreach (var dayCount in new[] { DayCount.ActualActualIsda, DayCount.Actual360, DayCount.Actual365Fixed })
            {
                var whole = DayCounts.YearFraction(dayCount, dates[0], dates[2]);
                var first = DayCounts.YearFraction(dayCount, dates[0], dates[1]);
                var second = DayCounts.YearFraction(dayCount, dates[1], dates[2]);
                (first.Numerator + second.Numerator).Should().Be(whole.Numerator);
            }
        });

    [Fact]
    public void A_calendar_year_is_exactly_one_under_actual_actual() =>
        Numbers.Holds(Gen.Choose(1900, 9998), year =>
        {
            var fraction = DayCounts.YearFraction(DayCount.ActualActualIsda, new(year, 1, 1), new(year + 1, 1, 1));
            fraction.Numerator.Should().Be(fraction.Denominator);
        });

    [Fact]
    public void A_period_that_ends_before_it_begins_is_a_fault_of_the_caller() =>
        FluentActions.Invoking(() => DaysOf(DayCount.Actual360, "2024-01-02", "2024-01-01"))
            .Should().Throw<ArgumentOutOfRangeException>();

    private static DayFraction DaysOf(DayCount dayCount, string from, string to) =>
        DayCounts.YearFraction(dayCount, BusinessDate.Parse(from), BusinessDate.Parse(to), Maturity);
}
