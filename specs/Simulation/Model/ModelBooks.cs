using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    /// <summary>Ends the business date at its cut-off; the next one is the next day that is no weekend.</summary>
    private string? NextDay(Asked asked)
    {
        if (asked.Now < _s.CutOff) return "day.not_due";
        var next = _s.Today.AddDays(1);
        // 1 January 1970 was a Thursday, ISO day 4.
        while (_founding.Weekend.Contains((next.Day + 3) % 7 + 1)) next = next.AddDays(1);
        _s = _s with { Today = next, CutOff = CutOffOf(next) };
        return Happened();
    }

    private string? CloseSoftly(ClosePeriodSoftly c)
    {
        if (c.Through >= _s.Today) return "period.in_future";
        if (c.Through <= _s.ClosedSoftly) return "period.already_closed";
        _s = _s with { ClosedSoftly = c.Through };
        return Happened();
    }

    private string? OpenPeriodAgain(ReopenPeriod c)
    {
        if (c.Through <= _s.Closed) return "period.already_closed";
        if (c.Through > _s.ClosedSoftly) return "period.not_closed_softly";
        _s = _s with { ClosedSoftly = c.Through.AddDays(-1) };
        return Happened();
    }

    private string? ClosePeriodForGood(ClosePeriod c)
    {
        if (c.Through <= _s.Closed) return "period.already_closed";
        if (c.Through > _s.ClosedSoftly) return "period.not_closed_softly";
        if (_s.Years.Keys.Any(key => new BusinessDate(key.Year, 12, 31) <= c.Through)) return "year.not_closed";
        _s = _s with { Closed = c.Through };
        return Happened();
    }

    /// <summary>
    /// Begins a year's close; the engine then carries it part by part. What was adjusted into a closed year afterwards
    /// can be carried by closing it again, or its period could never close.
    /// </summary>
    private string? BeginYearsClose(CloseYear c)
    {
        var open = _s.Years.Keys.Any(key => key.Year == c.Year);
        if (c.Year < BusinessDate.FirstYear || (c.Year <= _s.ClosedYear && !open)) return "year.already_closed";
        if (c.Year >= _s.Today.Year) return "period.in_future";
        var end = new BusinessDate(c.Year, 12, 31);
        if (end > _s.ClosedSoftly) return "year.period_open";
        if (end <= _s.Closed) return "period.already_closed";
        if (_s.ClosingYear != 0) return "year.is_closing";
        _s = _s with { ClosingYear = c.Year };
        return Happened();
    }

    /// <summary>
    /// Income and expense of the year to retained earnings, 128 balances to an event; then it is closed.
    /// </summary>
    private string? CarryYearOver(Asked asked, CarryYear c)
    {
        var due = _s.Years.Where(item => item.Key.Year == c.Year).ToList();
        if (due.Count > 128) throw new NotSupportedException("Streams have few accounts: no year takes two parts.");
        if (due.Count == 0)
        {
            _s = _s with { ClosedYear = Math.Max(_s.ClosedYear, c.Year), ClosingYear = 0 };
            return Happened();
        }
        var moves = due.SelectMany(item =>
        {
            var (from, to) = item.Value > 0 ? (Side.Debit, Side.Credit) : (Side.Credit, Side.Debit);
            var size = BigInteger.Abs(item.Value);
            return new[]
            {
                LegOf(item.Key.Account, item.Key.Asset, from, size),
                LegOf("bank:retained-earnings", item.Key.Asset, to, size),
            };
        });
        return Happen(asked, null, moves, Guard.Compelled, new(BookedOn: new(c.Year, 12, 31)));
    }

    /// <summary>A part that the law refuses, because a total would leave its range, ends the attempt.</summary>
    private string? GiveUpYearsClose()
    {
        _s = _s with { ClosingYear = 0 };
        return Happened();
    }

    /// <summary>A sandbox clock: by 1 second to 10 years, and never out of the years that dates can name.</summary>
    private string? Advance(Asked asked, AdvanceClock c)
    {
        if (c.Seconds is < 1 or > 315_360_000) return "clock.step_out_of_range";
        return asked.Now.Microseconds / 1_000_000 + c.Seconds > LastSandboxSecond
            ? "clock.step_out_of_range"
            : Happened();
    }

    /// <summary>The start of the year 9900: later than this, ten years of timeout would leave the calendar.</summary>
    private static readonly long LastSandboxSecond = new BusinessDate(9900, 1, 1).Day * 86_400L;

    /// <summary>
    /// The founding says at which second of its date a business date ends; the books here stand in UTC.
    /// </summary>
    private Instant CutOffOf(BusinessDate date) =>
        new((date.Day * 86_400L + _founding.CutOffSeconds) * Instant.MicrosecondsPerSecond);
}
