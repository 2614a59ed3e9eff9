using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections;

/// <summary>
/// What was posted on an account in one asset between two dates, and the balances before and after: opening and
/// entries always add up to closing.
/// </summary>
public sealed class Statement
{
    /// <summary>Most entries of one statement; a longer one is asked for in shorter periods.</summary>
    public const int MaxEntries = 1_000_000;

    private Statement(in StatementPeriod period, Asset asset, long position, AccountRange range)
    {
        (Period, Asset, Position, Class) = (period, asset, position, range.Class);
        (Opening, Entries, NotYetValue) = (range.Before, range.Entries, range.NotYetValue);
        foreach (var entry in Entries)
        {
            if (entry.Side == Side.Credit) (Credits, CreditEntries) = (Credits + entry.Minor, CreditEntries + 1);
            else Debits += entry.Minor;
        }
    }

    public StatementPeriod Period { get; }

    public Asset Asset { get; }

    public AccountClass Class { get; }

    /// <summary>Last position that counts.</summary>
    public long Position { get; }

    /// <summary>Credits less debits of all earlier dates, minor units: positive when the bank owes.</summary>
    public Int128 Opening { get; }

    /// <summary>By the date that the statement goes by, then in the order of the journal.</summary>
    public IReadOnlyList<DatedEntry> Entries { get; }

    public Int128 Debits { get; }

    public Int128 Credits { get; }

    /// <summary>How many of the entries are credits; the others are debits.</summary>
    public int CreditEntries { get; }

    /// <summary>Credits booked through the last date that have value only later, minor units.</summary>
    public Int128 NotYetValue { get; }

    public Int128 Closing => Opening + Credits - Debits;

    /// <summary>Makes a statement of a range of entries.</summary>
    /// <param name="range">Of this period, with all its entries.</param>
    public static Statement Of(in StatementPeriod period, Asset asset, long position, AccountRange range)
    {
        ArgumentNullException.ThrowIfNull(range);
        if (range.AreMore) throw new ArgumentException("A statement shows all its entries.", nameof(range));
        return new(period, asset, position, range with { Entries = Sorted(range.Entries, period.Dates) });
    }

    /// <summary>Mostly they are in order already: what is booked back into the past is rare.</summary>
    private static IReadOnlyList<DatedEntry> Sorted(IReadOnlyList<DatedEntry> entries, StatementDates dates)
    {
        for (var i = 1; i < entries.Count; i++)
        {
            if (entries[i].DateBy(dates) < entries[i - 1].DateBy(dates))
                return [.. entries.OrderBy(entry => entry.DateBy(dates))];
        }
        return entries;
    }
}
