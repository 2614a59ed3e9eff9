using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Accounts, their balances, and every leg that was posted on them, as tables.</summary>
/// <remarks>
/// A leg's row holds the totals after it, so the balances of accounts that are posted on stay in memory between
/// batches, at most <see cref="MaxRemembered"/> accounts; the others are read from the tables.
/// </remarks>
internal sealed partial class EntriesModel() : TableModel("account_entries", version: 2)
{
    /// <summary>Accounts whose totals stay in memory: about 200 bytes each.</summary>
    private const int MaxRemembered = 200_000;

    private readonly CopyRows _accountRows = new(Accounts.Columns.Length);
    private readonly CopyRows _balanceRows = new(Balances.Columns.Length);
    private readonly CopyRows _changedRows = new(Balances.Columns.Length);
    private readonly CopyRows _entryRows = new(Entries.Columns.Length);
    private readonly Dictionary<AccountId, Holder> _holders = [];
    private readonly List<Posting> _postings = [];
    private readonly List<Leg> _legs = [];
    private readonly List<Leg> _gathered = [];
    private readonly List<Opening> _opened = [];
    private readonly List<(AccountId Account, string Status)> _changed = [];
    private readonly List<Total> _touched = [];
    private int _nextAccount = -1;

    public override ImmutableArray<TableShape> Tables => [Accounts, Balances, Entries];

    public override TableModel Fresh() => new EntriesModel();

    public override void Prepare(TableTarget target) => target.Run(
        $"create temporary table if not exists changed_balances (like {target.Schema}.balances) on commit delete rows");

    public override void Take(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        switch (@event)
        {
            case AccountEvent.Opened e: _opened.Add(new(e, head.Position, head.At)); return;
            case AccountEvent.Closed e: _changed.Add((e.Id, "closed")); return;
            case AccountEvent.Reopened e: _changed.Add((e.Id, "open")); return;
            case Domain.Accounts.WalletEvent.Opened e: _changed.Add((e.Wallet, "open")); return;
            case Domain.Accounts.WalletEvent.Closed e: _changed.Add((e.Wallet, "closed")); return;
            default: break;
        }
        PostedLegs.Gather(@event, legs, _gathered);
        if (_gathered.Count == 0) return;
        var (booked, value) = PostedLegs.Dates(@event);
        var said = PostedLegs.Said(@event);
        _postings.Add(new(head.Position, head.At, booked, value, said?.Code ?? default, said?.Reference,
            PostedLegs.IsReversal(@event), _legs.Count, _gathered.Count));
        _legs.AddRange(_gathered);
    }

    public override void Write(TableTarget target)
    {
        Open(target);
        if (!target.IsFresh) Recall(target);
        foreach (ref readonly var posting in CollectionsMarshal.AsSpan(_postings)) Post(posting);
        target.Send(_entryRows, Entries);
        if (!target.IsFresh) WriteTotals(target);
        foreach (var (account, status) in _changed)
        {
            if (_holders.TryGetValue(account, out var holder)) holder.Status = status;
            if (!target.IsFresh) target.Run($"update {target.Schema}.accounts set status = $1 where account = $2",
                new() { Value = status }, new() { Value = account.ToString() });
        }
        Done();
        if (!target.IsFresh && _holders.Count > MaxRemembered) _holders.Clear();
    }

    public override void Finish(TableTarget target)
    {
        foreach (var (id, holder) in _holders)
        {
            Write(holder.Opening!.Value, holder.Number, holder.Status);
            foreach (var total in holder.Totals)
            {
                Write(_balanceRows, id, total);
                (total.IsStored, total.IsTouched) = (true, false);
            }
            holder.Opening = null;
        }
        target.Send(_accountRows, Accounts);
        target.Send(_balanceRows, Balances);
    }

    public override void Forget()
    {
        _holders.Clear();
        _nextAccount = -1;
        foreach (var rows in new[] { _accountRows, _balanceRows, _changedRows, _entryRows }) rows.Clear();
        Done();
    }

    private void Done()
    {
        _postings.Clear();
        _legs.Clear();
        _opened.Clear();
        _changed.Clear();
        _touched.Clear();
    }

    private void Open(TableTarget target)
    {
        if (_opened.Count == 0) return;
        if (_nextAccount < 0 && target.IsFresh) _nextAccount = 0;
        if (_nextAccount < 0)
        {
            using var command =
                target.Command($"select coalesce(max(account_no) + 1, 0) from {target.Schema}.accounts");
            _nextAccount = (int)command.ExecuteScalar()!;
        }
        foreach (var opening in _opened)
        {
            var holder = new Holder { Number = _nextAccount++, Opening = target.IsFresh ? opening : null };
            if (!_holders.TryAdd(opening.Event.Id, holder))
                throw new PoisonException(opening.Position, $"{opening.Event.Id} was opened before.");
            if (!target.IsFresh) Write(opening, holder.Number, holder.Status);
        }
        target.Send(_accountRows, Accounts);
    }

    /// <summary>Reads the totals of the accounts that are posted on and not remembered.</summary>
    private void Recall(TableTarget target)
    {
        var wanted = new HashSet<string>();
        foreach (ref readonly var leg in CollectionsMarshal.AsSpan(_legs))
        {
            if (!_holders.ContainsKey(leg.Account)) wanted.Add(leg.Account.ToString());
        }
        if (wanted.Count == 0) return;
        using var command = target.Command(
            $"""
            select a.account, a.account_no, b.asset, b.scale, b.balance_no, b.debits_minor, b.credits_minor, b.legs
            from {target.Schema}.accounts a left join {target.Schema}.balances b on b.account = a.account
            where a.account = any($1) order by a.account_no, b.balance_no
            """, new NpgsqlParameter { Value = wanted.ToArray() });
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            var account = AccountId.Parse(row.GetString(0));
            if (!_holders.TryGetValue(account, out var holder))
                _holders.Add(account, holder = new() { Number = row.GetInt32(1) });
            if (row.IsDBNull(2)) continue;
            holder.Totals.Add(new(Asset.Of(row.GetString(2), (byte)row.GetInt16(3)), row.GetInt32(4))
            {
                Debits = (Int128)row.GetFieldValue<BigInteger>(5),
                Credits = (Int128)row.GetFieldValue<BigInteger>(6),
                Legs = row.GetInt64(7),
                IsStored = true,
            });
        }
    }

    private void Post(in Posting posting)
    {
        var legs = CollectionsMarshal.AsSpan(_legs).Slice(posting.FirstLeg, posting.Legs);
        for (var i = 0; i < legs.Length; i++)
        {
            ref readonly var leg = ref legs[i];
            if (!_holders.TryGetValue(leg.Account, out var holder))
                throw new PoisonException(posting.Position, $"{leg.Account} was never opened.");
            var total = holder.TotalOf(leg.Amount.Asset);
            if (leg.Side == Side.Debit) total.Debits += leg.Amount.Minor;
            else total.Credits += leg.Amount.Minor;
            if (total.Legs++ == 0) (total.FirstPosition, total.FirstLeg) = (posting.Position, i);
            total.LastPosition = posting.Position;
            if (!total.IsTouched)
            {
                (total.IsTouched, total.Account) = (true, leg.Account);
                _touched.Add(total);
            }
            Write(posting, i, leg, total, CounterOf(legs, leg));
        }
    }

    /// <summary>The account on the other side, where there is exactly one leg there.</summary>
    private static AccountId CounterOf(ReadOnlySpan<Leg> legs, in Leg leg)
    {
        var counter = default(AccountId);
        foreach (ref readonly var other in legs)
        {
            if (other.Side == leg.Side || other.Amount.Asset != leg.Amount.Asset) continue;
            if (!counter.IsNone) return default;
            counter = other.Account;
        }
        return counter;
    }

    private void WriteTotals(TableTarget target)
    {
        foreach (var total in _touched)
        {
            Write(total.IsStored ? _changedRows : _balanceRows, total.Account, total);
            (total.IsStored, total.IsTouched) = (true, false);
        }
        target.Send(_balanceRows, Balances);
        if (_changedRows.Count == 0) return;
        var changed = _changedRows.Count;
        target.SendChanges(_changedRows, "changed_balances", Balances.Names);
        var found = target.Run(
            $"""
            update {target.Schema}.balances b set debits = c.debits, credits = c.credits, balance = c.balance,
              debits_minor = c.debits_minor, credits_minor = c.credits_minor, legs = c.legs,
              last_position = c.last_position
            from pg_temp.changed_balances c where b.account = c.account and b.asset = c.asset
            """);
        if (found != changed) throw new StoreMismatchException($"{changed - found} balances are missing in the store.");
    }

    private readonly record struct Opening(AccountEvent.Opened Event, long Position, Instant At);

    private readonly record struct Posting(
        long Position, Instant At, BusinessDate BookedOn, BusinessDate ValueOn, Tag Code, string? Reference,
        bool IsReversal, int FirstLeg, int Legs);

    /// <summary>What is remembered of an account.</summary>
    private sealed class Holder
    {
        public int Number { get; init; }

        /// <summary>Held back while the tables are built anew.</summary>
        public Opening? Opening { get; set; }

        public string Status { get; set; } = "open";

        public List<Total> Totals { get; } = new(1);

        public Total TotalOf(Asset asset)
        {
            foreach (var total in Totals)
            {
                if (total.Asset == asset) return total;
            }
            var made = new Total(asset, Totals.Count);
            Totals.Add(made);
            return made;
        }
    }

    private sealed class Total(Asset asset, int number)
    {
        public Asset Asset => asset;
        public int Number => number;
        public AccountId Account { get; set; }
        public Int128 Debits { get; set; }
        public Int128 Credits { get; set; }
        public long Legs { get; set; }
        public long FirstPosition { get; set; }
        public int FirstLeg { get; set; }
        public long LastPosition { get; set; }
        public bool IsStored { get; set; }
        public bool IsTouched { get; set; }
    }
}
