using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Which legs of an account are wanted; what is null does not matter.</summary>
/// <param name="BookedFrom">Inclusive, as all bounds here.</param>
/// <param name="Least">Smallest amount in minor units of <paramref name="Asset"/>.</param>
public sealed record EntryFilter(
    AssetCode? Asset = null, Side? Side = null, BusinessDate? BookedFrom = null, BusinessDate? BookedThrough = null,
    Instant? RecordedFrom = null, Instant? RecordedThrough = null, Tag? Code = null, string? Reference = null,
    Int128? Least = null, Int128? Most = null)
{
    public static EntryFilter All { get; } = new();
}

/// <summary>Where a page of an account's history ended.</summary>
/// <param name="Position">Of the last leg visited.</param>
/// <param name="Skip">How many of the account's legs at that position were visited.</param>
public readonly record struct EntryMark(long Position, int Skip);

/// <summary>One leg of an account's history.</summary>
/// <param name="Balance">Credits less debits of the account in this asset after the leg.</param>
/// <param name="Counter">The account on the other side; none where there is not exactly one.</param>
public readonly record struct AccountEntry(
    long Position, Instant At, Side Side, Amount Amount, BusinessDate BookedOn, BusinessDate ValueOn, Amount Balance,
    AccountId Counter, Tag Code, string? Reference);

/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record EntryPage(IReadOnlyList<AccountEntry> Entries, EntryMark? Next, long Position);

/// <summary>The history of an account, page by page.</summary>
public sealed partial class AccountEntries
{
    /// <inheritdoc cref="IAccountEntries.MaxVisited"/>
    public const int MaxVisited = IAccountEntries.MaxVisited;

    /// <summary>A page of an account's legs, over all its assets, in the order of the journal or against it.</summary>
    /// <param name="after">Where the page before ended; null: from the beginning of the order.</param>
    /// <param name="limit">Most legs returned; 1 or more.</param>
    /// <returns>Null where there is no such account.</returns>
    public EntryPage? History(AccountId account, EntryFilter filter, bool newestFirst, EntryMark? after, int limit)
    {
        ArgumentNullException.ThrowIfNull(filter);
        using var held = Reading();
        var row = _byId.Find(account);
        if (row < 0) return null;
        var walk = Walk(row, filter, newestFirst, after);
        var found = new List<AccountEntry>();
        var mark = after ?? default;
        var visited = 0;
        while (found.Count < limit && visited < MaxVisited && Foremost(walk, newestFirst) is { } at)
        {
            ref var posting = ref _postings[at.Posting];
            if (IsPast(posting, filter, newestFirst)) return new(found, null, Position);
            if (posting.Position != mark.Position) mark = new(posting.Position, 0);
            mark = mark with { Skip = mark.Skip + 1 };
            if (Matches(at, posting, filter)) found.Add(Shown(at, posting));
            at.Step(newestFirst);
            visited++;
        }
        return new(found, Foremost(walk, newestFirst) is null ? null : mark, Position);
    }

    /// <summary>A walker for each balance that may have wanted legs, on the first one not yet visited.</summary>
    private List<Walker> Walk(int account, EntryFilter filter, bool newestFirst, EntryMark? after)
    {
        var walk = new List<Walker>();
        var start = Start(filter, newestFirst, after);
        var only = filter.Asset is { } code ? _assets.Find(code) : (int?)null;
        for (var b = _accounts[account].FirstBalance; b >= 0; b = _balances[b].Next)
        {
            if (only is not null && _balances[b].Asset != only) continue;
            var walker = new Walker(this, b, start);
            if (!newestFirst) walker.Step(newestFirst: false);
            walk.Add(walker);
        }
        if (after is not { } mark) return walk;
        for (var skip = 0; skip < mark.Skip && Foremost(walk, newestFirst) is { } at
            && _postings[at.Posting].Position == mark.Position; skip++)
            at.Step(newestFirst);
        return walk;
    }

    /// <summary>How many postings lie before the first leg to visit (newest first: up to and with it).</summary>
    private int Start(EntryFilter filter, bool newestFirst, EntryMark? after)
    {
        if (newestFirst)
        {
            var last = after is { } mark ? PostingsUntil(p => p.Position <= mark.Position) : _postings.Count;
            return filter.RecordedThrough is { } through
                ? Math.Min(last, PostingsUntil(p => p.At <= through.Microseconds))
                : last;
        }
        var first = after is { } ended ? PostingsUntil(p => p.Position < ended.Position) : 0;
        return filter.RecordedFrom is { } from ? Math.Max(first, PostingsUntil(p => p.At < from.Microseconds)) : first;
    }

    private static Walker? Foremost(List<Walker> walk, bool newestFirst)
    {
        Walker? foremost = null;
        foreach (var walker in walk)
        {
            if (walker.IsDone) continue;
            if (foremost is null
                || (newestFirst ? walker.Posting > foremost.Posting : walker.Posting < foremost.Posting))
                foremost = walker;
        }
        return foremost;
    }

    /// <summary>Whether no wanted leg can follow: what is recorded is recorded in order.</summary>
    private static bool IsPast(in PostingRow posting, EntryFilter filter, bool newestFirst) => newestFirst
        ? posting.At < filter.RecordedFrom?.Microseconds
        : posting.At > filter.RecordedThrough?.Microseconds;

    private bool Matches(Walker at, in PostingRow posting, EntryFilter filter)
    {
        if (filter.Side is { } side && side != at.Side) return false;
        if (posting.BookedOn < filter.BookedFrom?.Day || posting.BookedOn > filter.BookedThrough?.Day) return false;
        if (posting.At < filter.RecordedFrom?.Microseconds
            || posting.At > filter.RecordedThrough?.Microseconds) return false;
        if (filter.Code is { } code && _tags[posting.Code] != code) return false;
        if (at.Amount < filter.Least || at.Amount > filter.Most) return false;
        return filter.Reference is null
            || (posting.Reference != Texts.None && _references.Text(posting.Reference) == filter.Reference);
    }

    private AccountEntry Shown(Walker at, in PostingRow posting) => new(
        posting.Position, new(posting.At), at.Side, new(at.Amount, at.Asset), new(posting.BookedOn),
        new(posting.ValueOn), new(at.Net, at.Asset), at.Counter < 0 ? default : _accounts[at.Counter].Id, _tags[posting.Code],
        _references.Text(posting.Reference));

    /// <summary>Stands on one leg of a balance and knows the balance after it.</summary>
    private sealed class Walker
    {
        private readonly AccountEntries _rows;
        private readonly int _balance;
        private int _chunk, _index;
        private bool _isBefore;

        /// <summary>Stands on the last leg among the first so many postings, or before the first leg.</summary>
        public Walker(AccountEntries rows, int balance, int postings)
        {
            (_rows, _balance) = (rows, balance);
            Asset = rows._scaled[rows._balances[balance].Asset];
            _chunk = rows.LastChunkBefore(rows._balances[balance].LastChunk, postings);
            _isBefore = _chunk < 0;
            if (_isBefore) return;
            var totals = rows.TotalsAt(balance, postings, bookedThrough: null);
            Net = totals.Net;
            _index = -1;
            ref var chunk = ref rows._chunks[_chunk];
            foreach (ref readonly var entry in rows._entries.Span(chunk.First, chunk.Count))
            {
                if (entry.Posting >= postings) break;
                _index++;
            }
        }

        public Asset Asset { get; }
        public Int128 Net { get; private set; }
        public bool IsDone => _isBefore || _chunk < 0;
        public int Posting => Entry.Posting;
        public Side Side => Entry.IsCredit ? Side.Credit : Side.Debit;
        public Int128 Amount => _rows.Unpack(Entry.Amount);
        public int Counter => Entry.Counter;

        private EntryRow Entry => _rows._entries[_rows._chunks[_chunk].First + _index];

        private Int128 Effect => Side == Side.Credit ? Amount : -Amount;

        public void Step(bool newestFirst)
        {
            if (newestFirst) Back();
            else Forward();
        }

        private void Back()
        {
            Net -= Effect;
            if (--_index >= 0) return;
            _chunk = _rows._chunks[_chunk].Previous;
            if (_chunk >= 0) _index = _rows._chunks[_chunk].Count - 1;
        }

        private void Forward()
        {
            if (_isBefore)
            {
                _isBefore = false;
                (_chunk, _index) = (_rows._balances[_balance].FirstChunk, 0);
            }
            else if (++_index == _rows._chunks[_chunk].Count)
            {
                (_chunk, _index) = (_rows._chunks[_chunk].Next, 0);
            }
            if (_chunk >= 0) Net += Effect;
        }
    }
}
