using System.Collections.Immutable;

namespace BankingEngine.Domain.Kernel;

/// <summary>Where a date goes that is no business day. Source: 2006 ISDA Definitions, section 4.12.</summary>
public enum DayAdjustment
{
    /// <summary>It stays.</summary>
    None,

    /// <summary>To the next business day.</summary>
    Following,

    /// <summary>To the next business day, unless that is in the next month: then to the one before.</summary>
    ModifiedFollowing,

    /// <summary>To the business day before.</summary>
    Preceding,

    /// <summary>To the business day before, unless that is in the month before: then to the next.</summary>
    ModifiedPreceding,
}

/// <summary>The business days of a place: all days but its weekends and holidays.</summary>
/// <remarks>Reference data: what lies beyond the last holiday that was declared knows weekends only.</remarks>
public sealed class BusinessCalendar
{
    public const int MaxHolidays = 20_000;

    /// <summary>The most business days that are counted off at once, about forty years.</summary>
    public const int MaxBusinessDays = 10_000;

    /// <summary>
    /// The longest run of days without a business day; a search that passes it has found a faulty calendar.
    /// </summary>
    public const int MaxClosedDays = 366;

    private const int DaysPerWeek = 7;

    private readonly byte weekends;

    /// <param name="name">As registered.</param>
    /// <param name="weekend">Days that are never business days; at most six.</param>
    /// <param name="holidays">In ascending order, no date twice, at most <see cref="MaxHolidays"/>.</param>
    /// <exception cref="ArgumentException">The holidays or the weekend are not so.</exception>
    public BusinessCalendar(string name, ReadOnlySpan<Weekday> weekend, ImmutableArray<BusinessDate> holidays)
    {
        if (holidays.Length > MaxHolidays) throw new ArgumentException("Too many holidays.", nameof(holidays));
        for (var at = 1; at < holidays.Length; at++)
            if (holidays[at] <= holidays[at - 1]) throw new ArgumentException("Out of order.", nameof(holidays));
        foreach (var day in weekend) weekends |= BitOf(day);
        if (weekends == (1 << DaysPerWeek) - 1) throw new ArgumentException("No day is left.", nameof(weekend));
        Name = name;
        Holidays = holidays;
    }

    public string Name { get; }

    public ImmutableArray<BusinessDate> Holidays { get; }

    public bool IsWeekend(BusinessDate date) => (weekends & BitOf(date.Weekday)) != 0;

    public bool IsBusinessDay(BusinessDate date) => !IsWeekend(date) && Holidays.BinarySearch(date) < 0;

    /// <summary>The first business day after the date.</summary>
    /// <exception cref="InvalidOperationException">None within <see cref="MaxClosedDays"/>.</exception>
    public BusinessDate Next(BusinessDate date) => Search(date, 1);

    /// <summary>The last business day before the date.</summary>
    /// <exception cref="InvalidOperationException">None within <see cref="MaxClosedDays"/>.</exception>
    public BusinessDate Previous(BusinessDate date) => Search(date, -1);

    /// <summary>The date itself if it is a business day, else where the adjustment moves it.</summary>
    public BusinessDate Adjust(BusinessDate date, DayAdjustment adjustment)
    {
        if (adjustment == DayAdjustment.None || IsBusinessDay(date)) return date;
        var moved = adjustment switch
        {
            DayAdjustment.Following or DayAdjustment.ModifiedFollowing => Next(date),
            DayAdjustment.Preceding or DayAdjustment.ModifiedPreceding => Previous(date),
            _ => throw new ArgumentOutOfRangeException(nameof(adjustment), adjustment, "No such adjustment."),
        };
        if (moved.Month == date.Month) return moved;
        return adjustment switch
        {
            DayAdjustment.ModifiedFollowing => Previous(date),
            DayAdjustment.ModifiedPreceding => Next(date),
            _ => moved,
        };
    }

    /// <summary>
    /// So many business days later, earlier if negative; for none the date itself, business day or not.
    /// </summary>
    /// <param name="days">At most <see cref="MaxBusinessDays"/> either way.</param>
    public BusinessDate AddBusinessDays(BusinessDate date, int days)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(days, MaxBusinessDays);
        ArgumentOutOfRangeException.ThrowIfLessThan(days, -MaxBusinessDays);
        var step = Math.Sign(days);
        for (var left = Math.Abs(days); left > 0; left--) date = Search(date, step);
        return date;
    }

    private BusinessDate Search(BusinessDate date, int step)
    {
        for (var tried = 0; tried < MaxClosedDays; tried++)
        {
            date = date.AddDays(step);
            if (IsBusinessDay(date)) return date;
        }
        throw new InvalidOperationException($"Calendar {Name} has no business day within a year of {date}.");
    }

    private static byte BitOf(Weekday day) => (byte)(1 << (int)day - 1);
}

/// <summary>A change of a zone's clock.</summary>
/// <param name="At">First instant at which the offset holds.</param>
/// <param name="OffsetSeconds">Seconds ahead of UTC; within <see cref="ZoneRule.MaxOffsetSeconds"/> either way.</param>
public readonly record struct ZoneTransition(Instant At, int OffsetSeconds);

/// <summary>
/// A zone's clock as a list of its changes, declared by event, so that replay asks no machine's tables.
/// </summary>
/// <remarks>After the last change its offset goes on: declare the coming years' changes in time.</remarks>
public sealed class ZoneRule
{
    public const int MaxTransitions = 4_096;

    /// <summary>Eighteen hours.</summary>
    public const int MaxOffsetSeconds = 64_800;

    private const int SecondsPerDay = 86_400;

    /// <param name="name">As registered, by habit of the IANA database: <c>Asia/Kuwait</c>.</param>
    /// <param name="transitions">In ascending order, the first at <see cref="Instant.First"/>.</param>
    /// <exception cref="ArgumentException">
    /// The transitions are not so, or more than <see cref="MaxTransitions"/>.
    /// </exception>
    public ZoneRule(string name, ImmutableArray<ZoneTransition> transitions)
    {
        if (transitions.Length is 0 or > MaxTransitions || transitions[0].At != Instant.First)
            throw new ArgumentException("1 to 4,096 transitions, the first in 1970.", nameof(transitions));
        for (var at = 0; at < transitions.Length; at++)
        {
            if (at > 0 && transitions[at].At <= transitions[at - 1].At)
                throw new ArgumentException("Out of order.", nameof(transitions));
            if (transitions[at].OffsetSeconds is > MaxOffsetSeconds or < -MaxOffsetSeconds)
                throw new ArgumentException("No clock is so far from UTC.", nameof(transitions));
        }
        Name = name;
        Transitions = transitions;
    }

    public string Name { get; }

    public ImmutableArray<ZoneTransition> Transitions { get; }

    /// <summary>Seconds that the zone's clock is ahead of UTC.</summary>
    public int OffsetAt(Instant instant) => Transitions[IndexAt(instant.Microseconds)].OffsetSeconds;

    public BusinessDate DateAt(Instant instant) => instant.DateAt(OffsetAt(instant));

    /// <summary>When the zone's clock shows that date and time.</summary>
    /// <param name="secondsOfDay">Since midnight by the clock, 0 to 86,399.</param>
    /// <returns>
    /// Where the clock shows it twice, the first time. Where the clock skips it, as long after the skip as the time
    /// lies after the skip's beginning: 02:30 becomes 03:30. In both the offset before the change decides.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// No such time of day, or no <see cref="Instant"/> in UTC.
    /// </exception>
    public Instant InstantOf(BusinessDate date, int secondsOfDay)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondsOfDay);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(secondsOfDay, SecondsPerDay);
        var shown = (date.Day * (long)SecondsPerDay + secondsOfDay) * Instant.MicrosecondsPerSecond;
        // No clock is further ahead than the maximum, so none of the periods before this one can show the time.
        for (var at = IndexAt(shown - Microseconds(MaxOffsetSeconds)); ; at++)
        {
            var instant = shown - Microseconds(Transitions[at].OffsetSeconds);
            if (at + 1 < Transitions.Length && instant >= Transitions[at + 1].At.Microseconds) continue;
            var skipped = at > 0 && instant < Transitions[at].At.Microseconds;
            return new(skipped ? shown - Microseconds(Transitions[at - 1].OffsetSeconds) : instant);
        }
    }

    private static long Microseconds(int seconds) => seconds * Instant.MicrosecondsPerSecond;

    // The last change at or before the instant; the first where there is none.
    private int IndexAt(long microseconds)
    {
        int low = 0, high = Transitions.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Transitions[middle].At.Microseconds <= microseconds) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
