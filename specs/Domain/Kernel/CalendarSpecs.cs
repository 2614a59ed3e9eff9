using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class CalendarSpecs
{
    private static readonly BusinessCalendar Target = new("TARGET", [Weekday.Saturday, Weekday.Sunday],
        [.. new[] { "2024-03-29", "2024-04-01", "2024-05-01", "2024-12-25", "2024-12-26" }.Select(BusinessDateOf)]);

    private static readonly BusinessCalendar Kuwait = new("Kuwait", [Weekday.Friday, Weekday.Saturday], []);

    // Central Europe in 2026: ahead on 29 March, back on 25 October, both at 01:00 UTC.
    private static readonly ZoneRule Brussels = new("Europe/Brussels",
    [
        new(Instant.First, 3_600),
        new(Instant.Parse("2026-03-29T01:00:00Z"), 7_200),
        new(Instant.Parse("2026-10-25T01:00:00Z"), 3_600),
    ]);

    [Theory]
    [InlineData("2024-03-30", DayAdjustment.None, "2024-03-30")]
    [InlineData("2024-03-30", DayAdjustment.Following, "2024-04-02")]
    [InlineData("2024-03-30", DayAdjustment.ModifiedFollowing, "2024-03-28")]
    [InlineData("2024-03-30", DayAdjustment.Preceding, "2024-03-28")]
    [InlineData("2024-06-01", DayAdjustment.Preceding, "2024-05-31")]
    [InlineData("2024-06-01", DayAdjustment.ModifiedPreceding, "2024-06-03")]
    [InlineData("2024-06-08", DayAdjustment.ModifiedFollowing, "2024-06-10")]
    [InlineData("2024-06-05", DayAdjustment.Following, "2024-06-05")]
    public void A_date_that_is_no_business_day_moves_as_agreed(string date, DayAdjustment adjustment, string moved) =>
        Target.Adjust(BusinessDateOf(date), adjustment).Should().Be(BusinessDateOf(moved));

    [Theory]
    [InlineData("2024-03-28", 1, "2024-04-02")]
    [InlineData("2024-04-02", -1, "2024-03-28")]
    [InlineData("2024-12-24", 2, "2024-12-30")]
    [InlineData("2024-03-30", 0, "2024-03-30")]
    public void Business_days_are_counted_over_holidays(string date, int days, string reached) =>
        Target.AddBusinessDays(BusinessDateOf(date), days).Should().Be(BusinessDateOf(reached));

    [Fact]
    public void The_weekend_is_what_the_place_says()
    {
        Kuwait.IsBusinessDay(BusinessDateOf("2026-11-20")).Should().BeFalse();
        Kuwait.IsBusinessDay(BusinessDateOf("2026-11-22")).Should().BeTrue();
        Kuwait.Next(BusinessDateOf("2026-11-19")).Should().Be(BusinessDateOf("2026-11-22"));
        Kuwait.Previous(BusinessDateOf("2026-11-22")).Should().Be(BusinessDateOf("2026-11-19"));
    }

    [Fact]
    public void So_many_business_days_on_and_back_is_where_one_began() =>
        Numbers.Holds(
            from day in Gen.Choose(19_000, 21_000)
            from days in Gen.Choose(-300, 300)
            select (Date: Target.Adjust(new BusinessDate(day), DayAdjustment.Following), days),
            given => Target.AddBusinessDays(Target.AddBusinessDays(given.Date, given.days), -given.days)
                .Should().Be(given.Date));

    [Fact]
    public void A_faulty_calendar_is_refused_when_declared_or_found_when_searched()
    {
        FluentActions.Invoking(() => new BusinessCalendar("never", Enum.GetValues<Weekday>(), []))
            .Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new BusinessCalendar("mixed", [], [new(2), new(1)]))
            .Should().Throw<ArgumentException>();
        var closed = new BusinessCalendar(
            "closed", [], [.. Enumerable.Range(0, 400).Select(day => new BusinessDate(day))]);
        FluentActions.Invoking(() => closed.Next(new BusinessDate(0))).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => Target.AddBusinessDays(new(0), BusinessCalendar.MaxBusinessDays + 1))
            .Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData("2026-03-29T00:59:59.999999Z", 3_600)]
    [InlineData("2026-03-29T01:00:00Z", 7_200)]
    [InlineData("2026-10-25T00:59:59.999999Z", 7_200)]
    [InlineData("2026-10-25T01:00:00Z", 3_600)]
    [InlineData("1970-01-01T00:00:00Z", 3_600)]
    public void An_offset_holds_from_its_instant_on(string instant, int offset) =>
        Brussels.OffsetAt(Instant.Parse(instant)).Should().Be(offset);

    [Theory]
    [InlineData("2026-03-29", 1, 59, "2026-03-29T00:59:00Z")]
    [InlineData("2026-03-29", 2, 0, "2026-03-29T01:00:00Z")]
    [InlineData("2026-03-29", 2, 30, "2026-03-29T01:30:00Z")]
    [InlineData("2026-03-29", 3, 0, "2026-03-29T01:00:00Z")]
    [InlineData("2026-10-25", 1, 59, "2026-10-24T23:59:00Z")]
    [InlineData("2026-10-25", 2, 30, "2026-10-25T00:30:00Z")]
    [InlineData("2026-10-25", 3, 0, "2026-10-25T02:00:00Z")]
    public void A_time_shown_twice_is_the_first_and_a_time_skipped_is_later_by_the_skip(
        string date, int hour, int minute, string instant) =>
        Brussels.InstantOf(BusinessDateOf(date), hour * 3600 + minute * 60).Should().Be(Instant.Parse(instant));

    [Fact]
    public void What_the_clock_shows_once_is_found_again() =>
        Numbers.Holds(
            from day in Gen.Choose(20_000, 21_000)
            from second in Gen.Choose(0, 86_399)
            where (day, second / 3600) is not ((20_541, 2) or (20_751, 2))
            select (Date: new BusinessDate(day), second),
            given =>
            {
                var instant = Brussels.InstantOf(given.Date, given.second);
                Brussels.DateAt(instant).Should().Be(given.Date);
                ((instant.Microseconds / 1_000_000 + Brussels.OffsetAt(instant)) % 86_400).Should().Be(given.second);
            });

    [Fact]
    public void A_zone_without_a_beginning_or_out_of_order_is_refused()
    {
        FluentActions.Invoking(() => new ZoneRule("none", [])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new ZoneRule("late", [new(new Instant(1), 0)]))
            .Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new ZoneRule("twice", [new(default, 0), new(default, 0)]))
            .Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new ZoneRule("far", [new(default, 64_801)])).Should().Throw<ArgumentException>();
    }

    private static BusinessDate BusinessDateOf(string text) => BusinessDate.Parse(text);
}
