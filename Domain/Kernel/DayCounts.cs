namespace BankingEngine.Domain.Kernel;

/// <summary>How days become a part of a year. References are to the 2006 ISDA Definitions.</summary>
public enum DayCount
{
    /// <summary>Actual/Actual (ISDA), section 4.16(b): days in leap years over 366, the others over 365.</summary>
    ActualActualIsda,

    /// <summary>Actual/365 (Fixed), section 4.16(d): leap days count, the divisor stays 365.</summary>
    Actual365Fixed,

    /// <summary>Actual/360, section 4.16(e): usual in money markets.</summary>
    Actual360,

    /// <summary>
    /// 30/360, Bond Basis, section 4.16(f): a 31st is a 30th; at the end only if the start is a 30th or 31st.
    /// </summary>
    Thirty360BondBasis,

    /// <summary>30E/360, Eurobond Basis, section 4.16(g): every 31st is a 30th.</summary>
    Thirty360European,

    /// <summary>
    /// 30E/360 (ISDA), section 4.16(h): as 30E/360, and the last day of February too, but not at maturity.
    /// </summary>
    Thirty360EuropeanIsda,
}

/// <summary>
/// A part of a year, exact. Not reduced: parts under one convention share a denominator and can be added.
/// </summary>
/// <param name="Numerator">Zero or more.</param>
/// <param name="Denominator">360, 365, or 365 × 366 under Actual/Actual.</param>
public readonly record struct DayFraction(long Numerator, long Denominator);

/// <summary>Parts of a year between two dates; the first day counts, the last does not.</summary>
public static class DayCounts
{
    private const int DaysOf360 = 360, DaysOfMonth = 30, DaysOfCommonYear = 365, DaysOfLeapYear = 366;

    /// <summary>The part of a year from <paramref name="from"/> to <paramref name="to"/>.</summary>
    /// <param name="to">Not before <paramref name="from"/>.</param>
    /// <param name="maturity">The contract's last day; only 30E/360 (ISDA) looks at it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dates are in the wrong order: a caller's bug.</exception>
    public static DayFraction YearFraction(DayCount dayCount, BusinessDate from, BusinessDate to, BusinessDate maturity)
    {
        if (to < from) throw new ArgumentOutOfRangeException(nameof(to), to, $"Before {from}.");
        return dayCount switch
        {
            DayCount.ActualActualIsda => ActualActual(from, to),
            DayCount.Actual365Fixed => new(to.DaysSince(from), DaysOfCommonYear),
            DayCount.Actual360 => new(to.DaysSince(from), DaysOf360),
            DayCount.Thirty360BondBasis => BondBasis(from, to),
            DayCount.Thirty360European => Thirty360(from, to, Least30(from), Least30(to)),
            DayCount.Thirty360EuropeanIsda => Thirty360(from, to,
                from.IsEndOfMonth ? DaysOfMonth : from.DayOfMonth,
                to.IsEndOfMonth && !(to.Month == 2 && to == maturity) ? DaysOfMonth : to.DayOfMonth),
            _ => throw new ArgumentOutOfRangeException(nameof(dayCount), dayCount, "No such day count."),
        };
    }

    /// <inheritdoc cref="YearFraction(DayCount, BusinessDate, BusinessDate, BusinessDate)"/>
    /// <remarks>For periods that do not end at maturity on the last day of February.</remarks>
    public static DayFraction YearFraction(DayCount dayCount, BusinessDate from, BusinessDate to) =>
        YearFraction(dayCount, from, to, BusinessDate.First);

    private static DayFraction ActualActual(BusinessDate from, BusinessDate to)
    {
        long leapDays = LeapYearDaysBefore(to) - LeapYearDaysBefore(from);
        long commonDays = to.DaysSince(from) - leapDays;
        return new(leapDays * DaysOfCommonYear + commonDays * DaysOfLeapYear, DaysOfCommonYear * DaysOfLeapYear);
    }

    // Counted in closed form, so that the cost does not depend on the period.
    private static int LeapYearDaysBefore(BusinessDate date)
    {
        var year = date.Year;
        var past = year - 1;
        var leapYears = past / 4 - past / 100 + past / 400;
        var inYear = BusinessDate.IsLeapYear(year) ? date.DaysSince(new BusinessDate(year, 1, 1)) : 0;
        return leapYears * DaysOfLeapYear + inYear;
    }

    private static DayFraction BondBasis(BusinessDate from, BusinessDate to)
    {
        var first = Least30(from);
        return Thirty360(from, to, first, first == DaysOfMonth ? Least30(to) : to.DayOfMonth);
    }

    private static DayFraction Thirty360(BusinessDate from, BusinessDate to, int firstDay, int lastDay) =>
        new(DaysOf360 * (to.Year - from.Year) + DaysOfMonth * (to.Month - from.Month) + lastDay - firstDay, DaysOf360);

    private static int Least30(BusinessDate date) => Math.Min(date.DayOfMonth, DaysOfMonth);
}
