using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>
/// Every account with all that was ever posted on it: pages of its history, balances as they were, and the trial
/// balance are questions to these rows.
/// </summary>
/// <remarks>
/// What all legs of an event share lies once, in 32 bytes; a leg takes 16. The legs of a balance lie in chunks, in the
/// order of the journal; a chunk knows the totals before it, so that any earlier balance is found by visiting one
/// chunk, and the accounting dates it spans, so that most chunks need no visit when a date is asked for.
/// </remarks>
public sealed partial class AccountEntries : Projection, IAccountEntries
{
    private const int FirstChunk = 4, LargestChunk = 512;
    private const uint CreditBit = 1u << 31;
    private const int None = -1;

    private readonly Pages<AccountRow> _accounts = new();
    private readonly Pages<BalanceRow> _balances = new();
    private readonly Pages<ChunkRow> _chunks = new();
    private readonly Pages<EntryRow> _entries = new();
    private readonly Pages<PostingRow> _postings = new();
    private readonly Pages<Int128> _wide = new();
    private readonly Texts _references = new();
    private readonly RowIndex<AccountId, AccountKeys> _byId;
    private readonly Names<AssetCode> _assets = new();
    private readonly Names<Tag> _tags = new();
    private readonly List<Asset> _scaled = [];
    private readonly List<Leg> _legs = [];

    public AccountEntries() : base("account_entries", version: 2) => _byId = new(new(_accounts));

    /// <summary>Legs that were posted.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of memory that the rows and their index take.</summary>
    public long Bytes =>
        _accounts.Bytes + _balances.Bytes + _chunks.Bytes + _entries.Bytes + _postings.Bytes + _wide.Bytes
        + _references.Bytes + _byId.Bytes;

    public override Projection Fresh() => new AccountEntries();

    public override UInt128 Digest()
    {
        using var held = Reading();
        var hash = _postings.Hash(_entries.Hash(_chunks.Hash(_balances.Hash(_accounts.Hash(0)))));
        return _references.Hash(_wide.Hash(hash));
    }

    public ValueTask<long> PositionAtAsync(Instant at) => new(PositionAt(at));

    public ValueTask<AccountPage> ListAsync(AccountClass? @class, Tag? chart, string prefix, int from, int limit) =>
        new(List(@class, chart, System.Text.Encoding.ASCII.GetBytes(prefix), from, limit));

    public ValueTask<EntryPage?> HistoryAsync(
        AccountId account, EntryFilter filter, bool newestFirst, EntryMark? after, int limit) =>
        new(History(account, filter, newestFirst, after, limit));

    public ValueTask<IReadOnlyList<BalanceAt>?> BalancesOfAsync(AccountId account, Cut cut) =>
        new(BalancesOf(account, cut));

    public ValueTask<AccountRange?> RangeOfAsync(StatementPeriod period, long position, int most) =>
        new(RangeOf(period, position, most));

    public IAsyncEnumerable<AccountBalance> BalancesAsync(long through, BusinessDate? bookedThrough) =>
        Balances(through, bookedThrough).ToAsyncEnumerable();

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is AccountEvent.Opened opened)
        {
            Open(opened);
            return;
        }
        PostedLegs.Gather(@event, legs, _legs);
        if (_legs.Count == 0) return;
        var (booked, value) = PostedLegs.Dates(@event);
        var said = PostedLegs.Said(@event);
        var marked = _tags.NumberOf(said?.Code ?? default) | (PostedLegs.IsReversal(@event) ? int.MinValue : 0);
        var posting = _postings.Add(new(
            head.Position, head.At.Microseconds, booked.Day, value.Day, marked, _references.Add(said?.Reference)));
        foreach (var leg in CollectionsMarshal.AsSpan(_legs)) Post(posting, booked.Day, leg);
    }

    private void Open(AccountEvent.Opened e)
    {
        if (_byId.Find(e.Id) >= 0) throw new InvalidOperationException($"{e.Id} was opened before.");
        _byId.Add(_accounts.Add(new(e.Id, _tags.NumberOf(e.Chart), (int)e.Class, None, None)));
    }

    private void Post(int posting, int booked, in Leg leg)
    {
        var account = _byId.Find(leg.Account);
        if (account < 0) throw new InvalidOperationException($"{leg.Account} was never opened.");
        var balance = BalanceOf(account, leg.Amount.Asset);
        var chunk = ChunkFor(balance);
        ref var into = ref _chunks[chunk];
        into.EarliestBooked = Math.Min(into.EarliestBooked, booked);
        into.LatestBooked = Math.Max(into.LatestBooked, booked);
        _entries[into.First + into.Count++] = new(
            (uint)posting | (leg.Side == Side.Credit ? CreditBit : 0), CounterOf(leg), Pack(leg.Amount.Minor));
        ref var totals = ref _balances[balance];
        if (leg.Side == Side.Debit) totals.Debits += leg.Amount.Minor;
        else totals.Credits += leg.Amount.Minor;
        totals.Count++;
        Count++;
    }

    /// <summary>The account on the other side, where there is exactly one leg there.</summary>
    private int CounterOf(in Leg leg)
    {
        var counter = None;
        foreach (var other in CollectionsMarshal.AsSpan(_legs))
        {
            if (other.Side == leg.Side || other.Amount.Asset != leg.Amount.Asset) continue;
            if (counter != None) return None;
            counter = _byId.Find(other.Account);
        }
        return counter;
    }

    private int BalanceOf(int account, Asset asset)
    {
        var number = _assets.NumberOf(asset.Code);
        if (number == _scaled.Count) _scaled.Add(asset);
        for (var b = _accounts[account].FirstBalance; b >= 0; b = _balances[b].Next)
        {
            if (_balances[b].Asset == number) return b;
        }
        var made = _balances.Add(
            new() { Account = account, Asset = number, Next = None, FirstChunk = None, LastChunk = None });
        ref var row = ref _accounts[account];
        if (row.LastBalance < 0) row.FirstBalance = made;
        else _balances[row.LastBalance].Next = made;
        row.LastBalance = made;
        return made;
    }

    /// <summary>The chunk that takes the next leg. Each holds half of what lies before it, so little room stays
    /// empty.</summary>
    private int ChunkFor(int balance)
    {
        ref var row = ref _balances[balance];
        if (row.LastChunk >= 0 && _chunks[row.LastChunk].Count < _chunks[row.LastChunk].Capacity) return row.LastChunk;
        var capacity = (int)Math.Clamp(row.Count / 2, FirstChunk, LargestChunk);
        var made = _chunks.Add(new()
        {
            DebitsBefore = Pack(row.Debits),
            CreditsBefore = Pack(row.Credits),
            First = _entries.Run(capacity),
            Previous = row.LastChunk,
            Next = None,
            Capacity = (short)capacity,
            EarliestBooked = int.MaxValue,
            LatestBooked = int.MinValue,
        });
        if (row.LastChunk >= 0) _chunks[row.LastChunk].Next = made;
        else row.FirstChunk = made;
        return row.LastChunk = made;
    }

    /// <summary>Amounts of more than 63 bits are rare: they lie apart, and their number stands here below
    /// zero.</summary>
    private long Pack(Int128 amount) => amount <= long.MaxValue ? (long)amount : -1L - _wide.Add(amount);

    private Int128 Unpack(long packed) => packed >= 0 ? packed : _wide[(int)(-1L - packed)];

    [StructLayout(LayoutKind.Sequential)]
    private record struct AccountRow(AccountId Id, int Chart, int Class, int FirstBalance, int LastBalance);

    /// <param name="Count">Legs.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct BalanceRow(
        Int128 Debits, Int128 Credits, long Count, int Account, int Asset, int Next, int FirstChunk, int LastChunk,
        int Filler);

    /// <param name="DebitsBefore">Packed totals of the balance before the chunk's first leg.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct ChunkRow(
        long DebitsBefore, long CreditsBefore, int First, int Previous, int Next, int EarliestBooked, int LatestBooked,
        short Count, short Capacity);

    /// <param name="Leg">Number of the posting; the highest bit says credit.</param>
    /// <param name="Counter">Account on the other side; −1 where there is not exactly one.</param>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct EntryRow(uint Leg, int Counter, long Amount)
    {
        public int Posting => (int)(Leg & ~CreditBit);
        public bool IsCredit => (Leg & CreditBit) != 0;
    }

    /// <param name="Marked">Number of the code; the highest bit says that it takes an earlier posting back.</param>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct PostingRow(
        long Position, long At, int BookedOn, int ValueOn, int Marked, int Reference)
    {
        public int Code => Marked & int.MaxValue;
        public bool IsReversal => Marked < 0;
    }

    private readonly struct AccountKeys(Pages<AccountRow> rows) : IRowKeys<AccountId>
    {
        public ulong HashOf(in AccountId key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<AccountId>(in key)), 0);

        public AccountId KeyOf(int row) => rows[row].Id;
    }

    /// <summary>A few names that many rows share, numbered in order of first use.</summary>
    private sealed class Names<T> where T : struct, IEquatable<T>
    {
        private readonly Dictionary<T, int> _numbers = [];
        private readonly List<T> _names = [];

        public T this[int number] => _names[number];

        public int NumberOf(T name)
        {
            if (_numbers.TryGetValue(name, out var number)) return number;
            _numbers.Add(name, number = _names.Count);
            _names.Add(name);
            return number;
        }

        public int Find(T name) => _numbers.GetValueOrDefault(name, None);
    }
}
