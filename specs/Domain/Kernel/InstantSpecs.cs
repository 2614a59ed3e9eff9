using System.Globalization;
using BankingEngine.Domain.Kernel;
using FsCheck;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class InstantSpecs
{
    private static readonly Gen<Instant> AnyInstant = Numbers.Wide.Select(number =>
        new Instant((long)(unchecked((ulong)number) % (ulong)(Instant.Last.Microseconds + 1))));

    [Fact]
    public void Every_instant_reads_back_and_agrees_with_the_platform() =>
        Numbers.Holds(AnyInstant, instant =>
        {
            var platform = DateTime.UnixEpoch.AddTicks(instant.Microseconds * 10);
            instant.ToString().Should()
                .Be(platform.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
            Instant.Parse(instant.ToString()).Should().Be(instant);
        });

    [Fact]
    public void The_date_at_an_offset_is_the_date_on_that_clock() =>
        Numbers.Holds(
            from instant in AnyInstant.Where(instant => instant.DateAt(0).Year is > 1970 and < 9999)
            from offset in Gen.Choose(-64_800, 64_800)
            select (instant, offset),
            given =>
            {
                var platform = DateTime.UnixEpoch.AddTicks(given.instant.Microseconds * 10).AddSeconds(given.offset);
                given.instant.DateAt(given.offset).ToString().Should()
                    .Be(platform.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            });

    [Theory]
    [InlineData(-1, "1969-12-31")]
    [InlineData(0, "1970-01-01")]
    [InlineData(86_400, "1970-01-02")]
    public void West_of_Greenwich_the_first_instant_is_still_in_1969(int offset, string date) =>
        Instant.First.DateAt(offset).Should().Be(BusinessDate.Parse(date));

    [Theory]
    [InlineData("2026-11-21T03:37:54.123456Z", "2026-11-21T03:37:54.123456Z")]
    [InlineData("2026-11-21T03:37:54.5Z", "2026-11-21T03:37:54.500000Z")]
    [InlineData("2026-11-21T03:37:54.012Z", "2026-11-21T03:37:54.012000Z")]
    [InlineData("2026-11-21T03:37:54Z", "2026-11-21T03:37:54.000000Z")]
    public void A_fraction_may_be_short_when_read_and_is_whole_when_written(string text, string written) =>
        Instant.Parse(text).ToString().Should().Be(written);

    [Theory]
    [InlineData("2026-11-21T03:37:54.Z")]
    [InlineData("2026-11-21T03:37:54.1234567Z")]
    [InlineData("2026-11-21T03:37:54+00:00")]
    [InlineData("2026-11-21T03:37:54z")]
    [InlineData("2026-11-21 03:37:54Z")]
    [InlineData("2026-11-21T24:00:00Z")]
    [InlineData("2026-11-21T03:60:00Z")]
    [InlineData("2016-12-31T23:59:60Z")]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("2026-11-21T03:37:54,5Z")]
    [InlineData("2026-11-21T03:37Z")]
    [InlineData("")]
    public void Other_notations_of_an_instant_are_refused(string text) =>
        Instant.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void No_operation_leaves_the_range()
    {
        Instant.First.ToString().Should().Be("1970-01-01T00:00:00.000000Z");
        Instant.Last.ToString().Should().Be("9999-12-31T23:59:59.999999Z");
        Instant.Last.TryAdd(1, out _).Should().BeFalse();
        Instant.Last.TryAdd(long.MaxValue, out _).Should().BeFalse();
        Instant.Last.TryAdd(long.MinValue, out _).Should().BeFalse();
        Instant.First.TryAdd(-1, out _).Should().BeFalse();
        Instant.First.AddSeconds(1).Microseconds.Should().Be(1_000_000);
        FluentActions.Invoking(() => Instant.Last.AddMicroseconds(1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Instant(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }
}
