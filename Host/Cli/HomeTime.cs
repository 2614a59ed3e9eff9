using System.Text;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Cli;

/// <summary>
/// A book's home in time, as its founder states it. The machine's time-zone tables are read here, once: from then on
/// the book has its own, as reference data.
/// </summary>
internal sealed class HomeTime
{
    public const string Weekdays = "weekdays", EveryDay = "every-day";

    /// <summary>How far the changes of the zone are written out.</summary>
    private const int YearsAhead = 30;

    private readonly TimeZoneInfo _zone;

    private HomeTime(TimeZoneInfo zone, string calendar, int cutOffSeconds)
    {
        _zone = zone;
        ZoneName = NameOf(zone.Id);
        CalendarName = Tag.Of(calendar);
        Calendar = calendar == Weekdays ? new([(int)Weekday.Saturday, (int)Weekday.Sunday], []) : new([], []);
        CutOffSeconds = cutOffSeconds;
        Transitions = TransitionsOf(zone, DateTime.UtcNow.Date.AddYears(-1), DateTime.UtcNow.Date.AddYears(YearsAhead));
    }

    public Tag ZoneName { get; }

    public Tag CalendarName { get; }

    public ReferenceContent.Calendar Calendar { get; }

    public int CutOffSeconds { get; }

    /// <summary>The zone's offsets; the first from 1970 on, for the book needs none of before its founding.</summary>
    public IReadOnlyList<ZoneTransition> Transitions { get; }

    /// <exception cref="CommandFailure">No such zone, or no such time of day.</exception>
    public static HomeTime Of(string zone, string calendar, string cutOff)
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found))
            throw new CommandFailure(
                ExitCodes.Refused, "init.zone_invalid", $"This machine knows no time zone {zone}.");
        if (!TryReadTime(cutOff, out var seconds))
            throw new CommandFailure(
                ExitCodes.Refused, "init.cut_off_invalid", $"{cutOff} is not a time from 00:01 to 24:00.");
        return new(found, calendar, seconds);
    }

    /// <summary>
    /// The business date at an instant: past its cut-off a day belongs to the next business day, as a free day does.
    /// </summary>
    public BusinessDate Today(Instant now)
    {
        var clock = DateTimeOffset.FromUnixTimeMilliseconds(now.Microseconds / 1_000);
        var local = now.AddSeconds((long)_zone.GetUtcOffset(clock).TotalSeconds);
        var date = local.DateAt(0);
        var second = local.Microseconds / Instant.MicrosecondsPerSecond % 86_400;
        if (second >= CutOffSeconds) date = date.AddDays(1);
        while (Calendar.Weekend.Contains((int)date.Weekday)) date = date.AddDays(1);
        return date;
    }

    /// <summary>Every change of the offset to UTC, to the second, found by halving the day in which it lies.</summary>
    internal static List<ZoneTransition> TransitionsOf(TimeZoneInfo zone, DateTime from, DateTime to)
    {
        var offset = OffsetAt(zone, from);
        var transitions = new List<ZoneTransition> { new(Instant.First, offset) };
        for (var day = from; day < to; day = day.AddDays(1))
        {
            if (OffsetAt(zone, day.AddDays(1)) == offset) continue;
            var (before, after) = (day, day.AddDays(1));
            while (after - before > TimeSpan.FromSeconds(1))
            {
                var middle = before.AddSeconds((long)((after - before).TotalSeconds / 2));
                if (OffsetAt(zone, middle) == offset) before = middle;
                else after = middle;
            }
            offset = OffsetAt(zone, after);
            transitions.Add(new(new((after - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond), offset));
        }
        return transitions;
    }

    private static int OffsetAt(TimeZoneInfo zone, DateTime utc) =>
        (int)zone.GetUtcOffset(DateTime.SpecifyKind(utc, DateTimeKind.Utc)).TotalSeconds;

    /// <summary>A zone's place, as reference data can be named: <c>Europe/Berlin</c> is <c>berlin</c>.</summary>
    private static Tag NameOf(string zone)
    {
        var place = zone[(zone.LastIndexOf('/') + 1)..].ToLowerInvariant().Replace('+', '.');
        return Tag.TryParse(Encoding.UTF8.GetBytes(place[..int.Min(place.Length, Tag.MaxLength)]), out var tag)
            ? tag
            : Tag.Of("home");
    }

    private static bool TryReadTime(string text, out int seconds)
    {
        seconds = 0;
        if (text.Length != 5 || text[2] != ':' || !text.Where((_, at) => at != 2).All(char.IsAsciiDigit)) return false;
        var hour = (text[0] - '0') * 10 + (text[1] - '0');
        var minute = (text[3] - '0') * 10 + (text[4] - '0');
        seconds = hour * 3_600 + minute * 60;
        return minute < 60 && seconds is > 0 and <= 86_400;
    }
}
