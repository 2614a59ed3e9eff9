using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>Which part of history a question is about.</summary>
/// <param name="Through">Last position that counts: what was known. Null: all.</param>
/// <param name="BookedThrough">Last accounting date that counts: what it is about. Null: all.</param>
public readonly record struct Cut(long? Through = null, BusinessDate? BookedThrough = null);

/// <summary>What was posted on one account in one asset.</summary>
/// <param name="Debits">Total of all debits, minor units.</param>
/// <param name="Credits">Total of all credits, minor units.</param>
public readonly record struct BalanceAt(Asset Asset, Int128 Debits, Int128 Credits)
{
    /// <summary>Credits less debits: positive when the bank owes.</summary>
    public Int128 Net => Credits - Debits;
}

/// <summary>An account with one of its balances, for reports over all accounts.</summary>
public readonly record struct AccountBalance(AccountId Account, AccountClass Class, Tag Chart, BalanceAt Balance);

/// <summary>Balances as they were.</summary>
public sealed partial class AccountEntries
{
    /// <summary>Balances visited before the rows are let go for the feed: a report over all of them never stops
    /// it.</summary>
    private const int BalancesAtOnce = 4_096;

    /// <summary>The last position at or before an instant.</summary>
    /// <remarks>Positions that posted nothing are not told apart from the posting before them: the balances
    /// agree.</remarks>
    public long PositionAt(Instant at)
    {
        using var held = Reading();
        var postings = PostingsUntil(p => p.At <= at.Microseconds);
        return postings == 0 ? 0 : _postings[postings - 1].Position;
    }

    /// <summary>An account's balances at a cut, in order of first use.</summary>
    /// <returns>Null where there is no such account.</returns>
    public IReadOnlyList<BalanceAt>? BalancesOf(AccountId account, Cut cut)
    {
        using var held = Reading();
        var row = _byId.Find(account);
        if (row < 0) return null;
        var postings = PostingsAt(cut);
        var balances = new List<BalanceAt>();
        for (var b = _accounts[row].FirstBalance; b >= 0; b = _balances[b].Next)
            balances.Add(TotalsAt(b, postings, cut.BookedThrough));
        return balances;
    }

    /// <summary>All balances at a cut, account by account in order of first use.</summary>
    /// <param name="through">Rows that come while the caller reads do not count.</param>
    public IEnumerable<AccountBalance> Balances(long through, BusinessDate? bookedThrough)
    {
        var cut = new Cut(through, bookedThrough);
        var part = new List<AccountBalance>(BalancesAtOnce);
        for (var from = 0; ; from += BalancesAtOnce)
        {
            part.Clear();
            GatherBalances(from, cut, part);
            if (part.Count == 0) yield break;
            foreach (var balance in part) yield return balance;
        }
    }

    private void GatherBalances(int from, Cut cut, List<AccountBalance> into)
    {
        using var held = Reading();
        var postings = PostingsAt(cut);
        for (var b = from; b < Math.Min(_balances.Count, from + BalancesAtOnce); b++)
        {
            ref var account = ref _accounts[_balances[b].Account];
            into.Add(new(account.Id, (AccountClass)account.Class, _tags[account.Chart],
                TotalsAt(b, postings, cut.BookedThrough)));
        }
    }

    /// <summary>Totals of a balance over the first so many postings, up to an accounting date.</summary>
    private BalanceAt TotalsAt(int balance, int postings, BusinessDate? bookedThrough)
    {
        ref var row = ref _balances[balance];
        var asset = _scaled[row.Asset];
        var chunk = LastChunkBefore(row.LastChunk, postings);
        if (chunk < 0) return new(asset, 0, 0);
        if (bookedThrough is { } date) return BookedTotals(asset, chunk, postings, date.Day);
        ref var last = ref _chunks[chunk];
        if (chunk == row.LastChunk && _entries[last.First + last.Count - 1].Posting < postings)
            return new(asset, row.Debits, row.Credits);
        var (debits, credits) = (Unpack(last.DebitsBefore), Unpack(last.CreditsBefore));
        foreach (ref readonly var entry in _entries.Span(last.First, last.Count))
        {
            if (entry.Posting >= postings) break;
            if (entry.IsCredit) credits += Unpack(entry.Amount);
            else debits += Unpack(entry.Amount);
        }
        return new(asset, debits, credits);
    }

    /// <summary>Chunks that lie wholly on one side of the date are taken or left by their totals alone.</summary>
    private BalanceAt BookedTotals(Asset asset, int chunk, int postings, int date)
    {
        Int128 debits = 0, credits = 0;
        for (var c = chunk; c >= 0; c = _chunks[c].Previous)
        {
            ref var row = ref _chunks[c];
            if (row.EarliestBooked > date) continue;
            if (row.LatestBooked <= date && c != chunk)
            {
                ref var next = ref _chunks[row.Next];
                debits += Unpack(next.DebitsBefore) - Unpack(row.DebitsBefore);
                credits += Unpack(next.CreditsBefore) - Unpack(row.CreditsBefore);
                continue;
            }
            foreach (ref readonly var entry in _entries.Span(row.First, row.Count))
            {
                if (entry.Posting >= postings) break;
                if (_postings[entry.Posting].BookedOn > date) continue;
                if (entry.IsCredit) credits += Unpack(entry.Amount);
                else debits += Unpack(entry.Amount);
            }
        }
        return new(asset, debits, credits);
    }

    /// <summary>The last chunk, from this one back, that has a leg among the first so many postings; or −1.</summary>
    private int LastChunkBefore(int chunk, int postings)
    {
        while (chunk >= 0 && _entries[_chunks[chunk].First].Posting >= postings) chunk = _chunks[chunk].Previous;
        return chunk;
    }

    private int PostingsAt(Cut cut) =>
        cut.Through is { } through ? PostingsUntil(p => p.Position <= through) : _postings.Count;

    /// <summary>How many postings, from the first on, are so; all that are stand before all that are not.</summary>
    private int PostingsUntil(Func<PostingRow, bool> isSo)
    {
        var (low, high) = (0, _postings.Count);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (isSo(_postings[middle])) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
