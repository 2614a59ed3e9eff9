namespace BankingEngine.Domain.Kernel;

/// <summary>Days of the week, numbered as ISO 8601 does: Monday is 1.</summary>
public enum Weekday
{
    Monday = 1,
    Tuesday = 2,
    Wednesday = 3,
    Thursday = 4,
    Friday = 5,
    Saturday = 6,
    Sunday = 7,
}

/// <summary>A date without time or zone, in the Gregorian calendar, from 1900-01-01 to 9999-12-31.</summary>
/// <param name="Day">Days since 1970-01-01, negative before; -25,567 to 2,932,896.</param>
/// <exception cref="ArgumentOutOfRangeException">Any operation whose result leaves that range.</exception>
public readonly record struct BusinessDate(int Day) : IComparable<BusinessDate>, IUtf8Text<BusinessDate>
{
    public const int FirstYear = 1900, LastYear = 9999;

    private const int FirstDay = -25_567, LastDay = 2_932_896, MonthsPerYear = 12, DaysPerWeek = 7;

    // The calendar repeats every 400 years. Counting years from March puts the leap day last, so that the days before
    // a month do not depend on the year.
    private const int DaysPerEra = 146_097, DaysPerCentury = 36_524, DaysPerFourYears = 1_461, DaysPerYear = 365;
    private const int DaysFromMarchOfYear0To1970 = 719_468;

    /// <summary>A date by its parts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such date, or its year leaves 1900 to 9999.
    /// </exception>
    public BusinessDate(int year, int month, int dayOfMonth) : this(DayOf(year, month, dayOfMonth)) { }

    public int Day { get; init; } = InRange(Day);

    public static BusinessDate First => new(FirstDay);
    public static BusinessDate Last => new(LastDay);
    public static int MaxTextLength => 10;

    public int Year => Parts().Year;

    /// <summary>1 to 12.</summary>
    public int Month => Parts().Month;

    /// <summary>1 to 31.</summary>
    public int DayOfMonth => Parts().DayOfMonth;

    // 1970-01-01 was a Thursday; the offset keeps the dividend positive.
    public Weekday Weekday => (Weekday)((Day - FirstDay + (int)Weekday.Monday - 1) % DaysPerWeek + 1);

    public bool IsEndOfMonth
    {
        get
        {
            var (year, month, dayOfMonth) = Parts();
            return dayOfMonth == DaysInMonth(year, month);
        }
    }

    public static bool IsLeapYear(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    /// <summary>28 to 31.</summary>
    /// <param name="month">1 to 12.</param>
    public static int DaysInMonth(int year, int month) => month switch
    {
        2 => IsLeapYear(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        >= 1 and <= MonthsPerYear => 31,
        _ => throw new ArgumentOutOfRangeException(nameof(month), month, "Months are 1 to 12."),
    };

    /// <summary>Year, month and day of the month at once: cheaper than one by one.</summary>
    public (int Year, int Month, int DayOfMonth) Parts()
    {
        var day = Day + DaysFromMarchOfYear0To1970;
        var (era, inEra) = Math.DivRem(day, DaysPerEra);
        var century = Math.Min(inEra / DaysPerCentury, 3);
        var inCentury = inEra - century * DaysPerCentury;
        var (fourYears, inFourYears) = Math.DivRem(inCentury, DaysPerFourYears);
        var yearOfFour = Math.Min(inFourYears / DaysPerYear, 3);
        var inYear = inFourYears - yearOfFour * DaysPerYear;
        var marchMonth = MarchMonthOf(inYear);
        var year = era * 400 + century * 100 + fourYears * 4 + yearOfFour + (marchMonth >= 10 ? 1 : 0);
        var month = marchMonth >= 10 ? marchMonth - 9 : marchMonth + 3;
        return (year, month, inYear - DaysBeforeMarchMonth(marchMonth) + 1);
    }

    public BusinessDate AddDays(int days) => new(Day + days);

    /// <summary>The same day so many months on, or the month's last day where it is shorter.</summary>
    public BusinessDate AddMonths(int months)
    {
        var (year, month, dayOfMonth) = Parts();
        var (newYear, newMonth) = Math.DivRem(year * MonthsPerYear + month - 1 + months, MonthsPerYear);
        return newYear is < FirstYear or > LastYear || newMonth < 0
            ? throw new ArgumentOutOfRangeException(nameof(months), months, "Leaves the years 1900 to 9999.")
            : new(newYear, newMonth + 1, Math.Min(dayOfMonth, DaysInMonth(newYear, newMonth + 1)));
    }

    /// <summary>The same day so many years on; 29 February becomes the 28th in a common year.</summary>
    public BusinessDate AddYears(int years) => AddMonths(years * MonthsPerYear);

    public BusinessDate EndOfMonth()
    {
        var (year, month, dayOfMonth) = Parts();
        return AddDays(DaysInMonth(year, month) - dayOfMonth);
    }

    /// <summary>Days from <paramref name="other"/> to this date, negative where it is later.</summary>
    public int DaysSince(BusinessDate other) => Day - other.Day;

    /// <summary>Reads <c>2026-11-21</c>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out BusinessDate value)
    {
        value = default;
        if (utf8.Length != MaxTextLength || utf8[4] != (byte)'-' || utf8[7] != (byte)'-'
            || !Digits.TryRead(utf8[..4], out var year) || year is < FirstYear or > LastYear
            || !Digits.TryRead(utf8[5..7], out var month) || month is < 1 or > MonthsPerYear
            || !Digits.TryRead(utf8[8..], out var dayOfMonth) || dayOfMonth < 1
            || dayOfMonth > DaysInMonth(year, month))
            return false;
        value = new(year, month, dayOfMonth);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out BusinessDate value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static BusinessDate Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<BusinessDate>(text);

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        written = 0;
        if (utf8.Length < MaxTextLength) return false;
        var (year, month, dayOfMonth) = Parts();
        Digits.Write(utf8[..4], year);
        utf8[4] = (byte)'-';
        Digits.Write(utf8[5..7], month);
        utf8[7] = (byte)'-';
        Digits.Write(utf8[8..10], dayOfMonth);
        written = MaxTextLength;
        return true;
    }

    public int CompareTo(BusinessDate other) => Day.CompareTo(other.Day);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(BusinessDate left, BusinessDate right) => left.Day < right.Day;
    public static bool operator >(BusinessDate left, BusinessDate right) => left.Day > right.Day;
    public static bool operator <=(BusinessDate left, BusinessDate right) => left.Day <= right.Day;
    public static bool operator >=(BusinessDate left, BusinessDate right) => left.Day >= right.Day;

    private static int DayOf(int year, int month, int dayOfMonth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(year, FirstYear);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(year, LastYear);
        ArgumentOutOfRangeException.ThrowIfLessThan(dayOfMonth, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dayOfMonth, DaysInMonth(year, month));
        var (marchYear, marchMonth) = month <= 2 ? (year - 1, month + 9) : (year, month - 3);
        return marchYear * DaysPerYear + marchYear / 4 - marchYear / 100 + marchYear / 400
            + DaysBeforeMarchMonth(marchMonth) + dayOfMonth - 1 - DaysFromMarchOfYear0To1970;
    }

    // From March the months run 31, 30, 31, 30, 31 and again: 153 days in five, which these two lines interpolate.
    private static int DaysBeforeMarchMonth(int marchMonth) => (153 * marchMonth + 2) / 5;
    private static int MarchMonthOf(int dayFromMarch) => (5 * dayFromMarch + 2) / 153;

    private static int InRange(int day) => day is >= FirstDay and <= LastDay
        ? day
        : throw new ArgumentOutOfRangeException(nameof(day), day, "Leaves the years 1900 to 9999.");
}
