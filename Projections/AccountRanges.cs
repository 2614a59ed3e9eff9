using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections;

/// <summary>One leg of a balance with its dates.</summary>
/// <param name="Minor">Not negative; what side says which total it raised.</param>
/// <param name="Counter">The account on the other side; none where there is not exactly one.</param>
/// <param name="IsReversal">Whether it takes an earlier posting back.</param>
public readonly record struct DatedEntry(
    long Position, Side Side, Int128 Minor, BusinessDate BookedOn, BusinessDate ValueOn, AccountId Counter, Tag Code,
    string? Reference, bool IsReversal)
{
    /// <summary>What it adds to credits less debits.</summary>
    public Int128 Effect => Side == Side.Credit ? Minor : -Minor;

    /// <summary>The date that a statement takes it in by.</summary>
    public BusinessDate DateBy(StatementDates dates) => dates == StatementDates.Booked ? BookedOn : ValueOn;
}

/// <summary>A balance's legs between two dates, and what stood before them.</summary>
/// <param name="Before">Credits less debits of all legs of earlier dates, minor units.</param>
/// <param name="Entries">In the order of the journal.</param>
/// <param name="NotYetValue">
/// Credits that were booked through the last date, and have value only later; minor units.
/// </param>
/// <param name="AreMore">Whether there are more entries than were asked for; then those here are not all.</param>
public sealed record AccountRange(
    AccountClass Class, Int128 Before, IReadOnlyList<DatedEntry> Entries, Int128 NotYetValue, bool AreMore);

/// <summary>An account's legs between two dates: what statements are made of.</summary>
public sealed partial class AccountEntries
{
    /// <summary>Chunks visited before the rows are let go for the feed.</summary>
    private const int ChunksAtOnce = 64;

    /// <summary>The legs of a period, up to a position, and the balance before them.</summary>
    /// <param name="position">Last position that counts.</param>
    /// <param name="most">Entries returned; one more is enough to say that there are more.</param>
    /// <returns>Null where there is no such account.</returns>
    public AccountRange? RangeOf(in StatementPeriod period, long position, int most)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        int chunk, postings;
        AccountClass @class;
        using (var held = Reading())
        {
            var row = _byId.Find(period.Account);
            if (row < 0) return null;
            @class = (AccountClass)_accounts[row].Class;
            postings = PostingsAt(new(position));
            chunk = FirstChunkOf(row, period.Asset);
        }
        var gathered = new Gathered(period, most);
        while (chunk >= 0 && !gathered.AreMore) chunk = Gather(chunk, postings, gathered);
        return new(@class, gathered.Before, gathered.Entries, gathered.NotYetValue, gathered.AreMore);
    }

    private int FirstChunkOf(int account, AssetCode asset)
    {
        var number = _assets.Find(asset);
        for (var b = _accounts[account].FirstBalance; b >= 0 && number >= 0; b = _balances[b].Next)
        {
            if (_balances[b].Asset == number) return _balances[b].FirstChunk;
        }
        return None;
    }

    /// <summary>Gathers a few chunks. Rows that come meanwhile lie behind the last posting that counts.</summary>
    /// <returns>The next chunk; −1 at the end.</returns>
    private int Gather(int chunk, int postings, Gathered into)
    {
        using var held = Reading();
        for (var visited = 0; chunk >= 0 && visited < ChunksAtOnce; visited++, chunk = _chunks[chunk].Next)
        {
            ref var row = ref _chunks[chunk];
            foreach (ref readonly var entry in _entries.Span(row.First, row.Count))
            {
                if (entry.Posting >= postings) return None;
                ref var posting = ref _postings[entry.Posting];
                if (!into.Takes(entry, posting, Unpack(entry.Amount))) continue;
                if (into.AreMore) return None;
                into.Entries.Add(new(
                    posting.Position, entry.IsCredit ? Side.Credit : Side.Debit, Unpack(entry.Amount),
                    new(posting.BookedOn), new(posting.ValueOn),
                    entry.Counter < 0 ? default : _accounts[entry.Counter].Id, _tags[posting.Code],
                    _references.Text(posting.Reference), posting.IsReversal));
            }
        }
        return chunk;
    }

    private sealed class Gathered(in StatementPeriod period, int most)
    {
        private readonly int _from = period.From.Day, _through = period.Through.Day;
        private readonly bool _isBooked = period.Dates == StatementDates.Booked;

        public List<DatedEntry> Entries { get; } = [];
        public Int128 Before { get; private set; }
        public Int128 NotYetValue { get; private set; }
        public bool AreMore { get; private set; }

        /// <summary>Adds up what is not shown, and says whether this one is.</summary>
        public bool Takes(in EntryRow entry, in PostingRow posting, Int128 minor)
        {
            if (entry.IsCredit && posting.BookedOn <= _through && posting.ValueOn > _through) NotYetValue += minor;
            var date = _isBooked ? posting.BookedOn : posting.ValueOn;
            if (date < _from) Before += entry.IsCredit ? minor : -minor;
            if (date < _from || date > _through) return false;
            AreMore = Entries.Count == most;
            return true;
        }
    }
}
