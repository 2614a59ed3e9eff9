using System.Globalization;
using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class BusinessDateSpecs
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    [Fact]
    public void Every_date_agrees_with_the_platform() =>
        Numbers.Holds(Numbers.AnyDate, AgreesWithThePlatform);

    [Fact]
    public void The_days_around_each_new_year_and_each_leap_day_agree_with_the_platform()
    {
        for (var year = BusinessDate.FirstYear; year <= BusinessDate.LastYear; year++)
        {
            AgreesWithThePlatform(new(year, 1, 1));
            AgreesWithThePlatform(new(year, 2, 28));
            AgreesWithThePlatform(new(year, 3, 1));
            AgreesWithThePlatform(new(year, 12, 31));
            if (BusinessDate.IsLeapYear(year)) AgreesWithThePlatform(new(year, 2, 29));
        }
    }

    [Fact]
    public void Months_and_years_are_added_as_the_platform_adds_them() =>
        Numbers.Holds(
            from date in Numbers.AnyDate.Where(date => date.Year is > 1950 and < 9950)
            from months in Gen.Choose(-600, 600)
            select (date, months),
            given =>
            {
                var platform = DateOnly.FromDayNumber(Epoch.DayNumber + given.date.Day);
                given.date.AddMonths(given.months).Day.Should()
                    .Be(platform.AddMonths(given.months).DayNumber - Epoch.DayNumber);
                given.date.AddYears(given.months / 12).Day.Should()
                    .Be(platform.AddYears(given.months / 12).DayNumber - Epoch.DayNumber);
            });

    [Theory]
    [InlineData("2024-01-31", 1, "2024-02-29")]
    [InlineData("2023-01-31", 1, "2023-02-28")]
    [InlineData("2024-02-29", 12, "2025-02-28")]
    [InlineData("2024-03-31", -1, "2024-02-29")]
    [InlineData("1900-02-01", -1, "1900-01-01")]
    [InlineData("9999-11-30", 1, "9999-12-30")]
    public void A_month_on_is_the_same_day_or_the_last(string from, int months, string to) =>
        BusinessDate.Parse(from).AddMonths(months).Should().Be(BusinessDate.Parse(to));

    [Fact]
    public void No_operation_leaves_the_range()
    {
        BusinessDate.First.ToString().Should().Be("1900-01-01");
        BusinessDate.Last.ToString().Should().Be("9999-12-31");
        FluentActions.Invoking(() => BusinessDate.First.AddDays(-1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => BusinessDate.Last.AddDays(1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => BusinessDate.First.AddMonths(-1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => BusinessDate.Last.AddMonths(1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("2023-02-29")]
    [InlineData("1899-12-31")]
    [InlineData("2023-13-01")]
    [InlineData("2023-00-01")]
    [InlineData("2023-04-31")]
    [InlineData("2023-04-00")]
    [InlineData("2023-4-01")]
    [InlineData("2023/04/01")]
    [InlineData("2023-04-1x")]
    [InlineData("")]
    public void What_is_no_date_is_refused(string text) => BusinessDate.TryParse(text, out _).Should().BeFalse();

    private static void AgreesWithThePlatform(BusinessDate date)
    {
        var platform = DateOnly.FromDayNumber(Epoch.DayNumber + date.Day);
        date.Parts().Should().Be((platform.Year, platform.Month, platform.Day));
        ((int)date.Weekday % 7).Should().Be((int)platform.DayOfWeek);
        date.ToString().Should().Be(platform.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        BusinessDate.Parse(date.ToString()).Should().Be(date);
        new BusinessDate(platform.Year, platform.Month, platform.Day).Should().Be(date);
        date.IsEndOfMonth.Should().Be(platform.Day == DateTime.DaysInMonth(platform.Year, platform.Month));
    }
}
