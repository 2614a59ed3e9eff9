using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.SpendingRejections;

namespace BankingEngine.Domain.Accounts;

/// <remarks>Eighty bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SpendingKey(AssetCode Asset, Level Level) : IComparable<SpendingKey>
{
    public int CompareTo(SpendingKey other) =>
        Level != other.Level ? Level.CompareTo(other.Level) : Asset.CompareTo(other.Asset);
}

/// <summary>A limit of one asset under one permission.</summary>
public readonly record struct SpendingLimitRow(SpendingKey Key, SpendingTerms Terms)
    : IRow<SpendingLimitRow, SpendingKey>
{
    public static void Write(in SpendingLimitRow row, ref RowWriter to)
    {
        to.Value(row.Key);
        to.Value(row.Terms.PerTransaction.HasValue ? 1 : 0);
        to.Value(row.Terms.PerTransaction.GetValueOrDefault());
        to.Value(row.Terms.PerWindow.HasValue ? 1 : 0);
        to.Value(row.Terms.PerWindow.GetValueOrDefault());
        to.Value(row.Terms.WindowSeconds);
        to.Values(row.Terms.Counterparties.AsSpan());
        to.Value(row.Terms.PasskeyAbove.HasValue ? 1 : 0);
        to.Value(row.Terms.PasskeyAbove.GetValueOrDefault());
    }

    public static SpendingLimitRow Read(ref RowReader from)
    {
        var key = from.Value<SpendingKey>();
        var (hasTransaction, perTransaction) = (from.Value<int>(), from.Value<Amount>());
        var (hasWindow, perWindow) = (from.Value<int>(), from.Value<Amount>());
        var (seconds, counterparties) = (from.Value<int>(), from.Values<Counterparty>());
        var (hasPasskey, passkeyAbove) = (from.Value<int>(), from.Value<Amount>());
        return new(key, new(hasTransaction == 0 ? null : perTransaction, hasWindow == 0 ? null : perWindow,
            seconds, [.. counterparties], hasPasskey == 0 ? null : passkeyAbove));
    }
}

/// <summary>
/// What may be spent under each permission, in the book: judged once per entry that a caller asks for, on its net
/// effect on the account that the permission is of. A reservation counts when it is made; what it releases later is not
/// given back to the window.
/// </summary>
public sealed class SpendingLimits
{
    public const int MaxLimits = 256, MaxCounterparties = 64;

    public SpendingLimits(Tables tables)
    {
        Rows = new(tables, "accounts.spending_limits");
        InOrder = Rows.Ordered(
            static (in SpendingLimitRow r, out SpendingKey k) => { k = r.Key; return true; }, unique: true);
        Windows = new(tables);
    }

    public Table<SpendingKey, SpendingLimitRow> Rows { get; }
    public OrderedIndex<SpendingLimitRow, SpendingKey> InOrder { get; }
    public SpendingWindows Windows { get; }

    /// <summary>Whether any limit stands: where none does nothing is looked up.</summary>
    public bool Any => Rows.Count > 0;

    /// <summary>Whether a permission has a limit of some asset.</summary>
    public bool Limits(Level level)
    {
        foreach (var (key, _) in InOrder.From(new(default, level))) return key.Level == level;
        return false;
    }

    /// <summary>The limits of an account, by permission and asset.</summary>
    public IEnumerable<SpendingLimitRow> Of(AccountId account)
    {
        foreach (var (key, row) in InOrder.From(new(default, new(account, default))))
        {
            if (key.Level.Account != account) yield break;
            yield return Rows[row];
        }
    }

    public Decision Decide(LedgerView ledger, Permissions permissions, SetSpendingLimit c)
    {
        var t = ledger.Tables;
        if (t.Accounts.Find(c.Account) < 0) return LedgerRejections.AccountNotFound;
        var level = new Level(c.Account, c.Permission);
        if (!Exists(permissions, level)) return AuthorityRejections.NotFound;
        if (t.Assets.Find(c.Asset) < 0) return LedgerRejections.AssetUnknown;
        if (c.PerTransaction is null && c.PerWindow is null && c.Counterparties.IsEmpty && c.PasskeyAbove is null)
            return Malformed;
        if (c.Counterparties.Length > MaxCounterparties) return TooMany;
        if (Resolve(ledger, c.Asset, c.PerTransaction, out var perTransaction) is { } no) return no;
        if (Resolve(ledger, c.Asset, c.PerWindow, out var perWindow) is { } nor) return nor;
        if (c.PerWindow is null ? c.WindowSeconds != 0 : c.WindowSeconds is < 1 or > SpendingWindows.MaxWindowSeconds)
            return Malformed;
        if (Resolve(ledger, c.Asset, c.PasskeyAbove, out var passkeyAbove) is { } neither) return neither;
        var terms = new SpendingTerms(perTransaction, perWindow, (int)c.WindowSeconds, c.Counterparties, passkeyAbove);
        if (Rows.TryGet(new(c.Asset, level), out var row))
        {
            if (row.Terms.Equals(terms)) return [];
        }
        else if (Of(c.Account).Count() >= MaxLimits)
        {
            return TooMany;
        }
        return new SpendingEvent.LimitSet(c.Account, c.Permission, c.Asset, terms);
    }

    public Decision Decide(RemoveSpendingLimit c) => Rows.Find(new(c.Asset, new(c.Account, c.Permission))) < 0
        ? NotFound : new SpendingEvent.LimitRemoved(c.Account, c.Permission, c.Asset);

    /// <summary>Whether an entry stays within the limits of those who asked for it.</summary>
    /// <param name="acts">Under what the command may run, in the order of its links.</param>
    /// <param name="link">The link that is running, from 1; 0 when the command stands alone.</param>
    /// <param name="spent">Gets what is to be noted of windows when the entry is made.</param>
    public Rejection? Judge(
        LedgerView ledger, Movements movements, IReadOnlyList<Act> acts, int link, Instant now,
        List<SpendingEvent.Spent> spent)
    {
        for (var i = FirstOf(acts, link); i < acts.Count && acts[i].Need.Link == link; i++)
        {
            var (level, need, byPasskey) = acts[i];
            if (!need.Gives || level.Account != need.Account || IsRepeated(acts, i)) continue;
            if (!Rows.TryGet(new(need.Asset, level), out var row)) continue;
            if (Judge(ledger, movements, row, byPasskey, now, spent) is { } no) return no;
        }
        return null;
    }

    public void Evolve(SpendingEvent @event)
    {
        switch (@event)
        {
            case SpendingEvent.LimitSet e:
                var next = new SpendingLimitRow(new(e.Asset, new(e.Account, e.Permission)), e.Terms);
                var row = Rows.Find(next.Key);
                if (row < 0) Rows.Insert(next);
                else Rows.Update(row, next);
                if (e.Terms.PerWindow is null) Windows.Forget(next.Key.Level, e.Asset, Instant.Last);
                break;
            case SpendingEvent.LimitRemoved e:
                var key = new SpendingKey(e.Asset, new(e.Account, e.Permission));
                Rows.Delete(Rows.Find(key));
                Windows.Forget(key.Level, e.Asset, Instant.Last);
                break;
            case SpendingEvent.Spent e: Windows.Evolve(e); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>How much of a limited window is left, and from when on all of it is; none when the window is not
    /// limited.</summary>
    public (Amount Left, Instant WholeFrom)? LeftOf(in SpendingLimitRow row, Instant now)
    {
        if (row.Terms.PerWindow is not { } limit) return null;
        var (spent, wholeFrom) = Windows.Counted(row.Key.Level, row.Key.Asset, row.Terms.WindowSeconds, now);
        return (limit with { Minor = Int128.Max(0, limit.Minor - spent) }, wholeFrom);
    }

    /// <summary>
    /// The refusal of an amount that a window has no room for: which limit, what is left, and when enough is free.
    /// </summary>
    public Rejection TooMuch(Level level, in Amount amount, in Amount limit, int windowSeconds, Instant now)
    {
        var spent = Windows.SpentIn(level, amount.Asset.Code, windowSeconds, now);
        var left = limit with { Minor = Int128.Max(0, limit.Minor - spent) };
        var enough = Windows.FitsFrom(level, amount, limit, windowSeconds, now) is { } from
            ? $"enough is free from {from}" : "this is more than all of it";
        return PerWindow with
        {
            Why = $"{level} may spend {limit} in {windowSeconds} seconds, {left} of it is left: {enough}.",
        };
    }

    private Rejection? Judge(
        LedgerView ledger, Movements movements, in SpendingLimitRow limit, bool byPasskey, Instant now,
        List<SpendingEvent.Spent> spent)
    {
        var t = ledger.Tables;
        var (level, terms) = (limit.Key.Level, limit.Terms);
        var account = t.Accounts.Find(level.Account);
        var asset = t.Assets.Find(limit.Key.Asset);
        var amount = new Amount(SpentBy(t, movements, account, asset), ledger.AssetAt(asset));
        if (amount.Minor <= 0) return null;
        if (terms.PerTransaction is { } most && amount > most)
        {
            return PerTransaction with
            {
                Why = $"{level} may spend {most} by one entry, and this spends {amount}.",
            };
        }
        if (!byPasskey && terms.PasskeyAbove is { } touched && amount > touched)
            return PasskeyMissing with { Why = $"{level} may spend more than {touched} only with a passkey." };
        if (!terms.Counterparties.IsEmpty && Stranger(t, movements, account, asset, terms) is { IsNone: false } other)
            return NotTo with { Why = $"{level} may not pay {other} in {limit.Key.Asset}." };
        if (terms.PerWindow is not { } window) return null;
        if (Windows.SpentIn(level, limit.Key.Asset, terms.WindowSeconds, now) + amount.Minor > window.Minor)
            return TooMuch(level, amount, window, terms.WindowSeconds, now);
        spent.Add(SpendingWindows.Note(level, amount, terms.WindowSeconds, now));
        return null;
    }

    /// <summary>
    /// What an entry takes from an account, net: its debits; of an asset or expense account, which its permission has
    /// to allow both ways, whatever moves.
    /// </summary>
    private static Int128 SpentBy(LedgerTables t, Movements movements, int account, int asset)
    {
        foreach (ref readonly var m in movements.All)
        {
            if (m.Account != account || m.Asset != asset) continue;
            var debits = m.DebitsPosted + m.DebitsPending - m.CreditsPosted;
            return t.Accounts[account].Class is AccountClass.Asset or AccountClass.Expense
                ? Int128.Max(debits, m.CreditsPosted + m.CreditsPending - m.DebitsPosted)
                : debits;
        }
        return 0;
    }

    /// <summary>The first account on the other side that is not among those that may be paid.</summary>
    private static AccountId Stranger(LedgerTables t, Movements movements, int account, int asset, SpendingTerms terms)
    {
        var given = 0;
        for (var i = 0; i < movements.Count; i++)
        {
            ref readonly var m = ref movements[i];
            if (m.Account == account && m.Asset == asset) given = Int128.Sign(Direction(m));
        }
        foreach (ref readonly var m in movements.All)
        {
            if (m.Account == account || m.Asset != asset || Int128.Sign(Direction(m)) != -given) continue;
            if (!terms.Allows(t.Accounts[m.Account].Id)) return t.Accounts[m.Account].Id;
        }
        return default;
    }

    private static Int128 Direction(in Movement m) =>
        m.DebitsPosted + m.DebitsPending - m.CreditsPosted - m.CreditsPending;

    private static bool Exists(Permissions permissions, Level level)
    {
        if (permissions.HasOwn(level.Account)) return permissions.Rows.Find(level) >= 0;
        return Wallets.IsWallet(level.Account)
            ? level.Permission == Permissions.Owner || level.Permission == Permissions.Active
            : level.Permission == Permissions.Channel;
    }

    private static Rejection? Resolve(LedgerView ledger, AssetCode asset, StatedAmount? stated, out Amount? amount)
    {
        amount = null;
        if (stated is not { } given) return null;
        if (given.Asset != asset) return Malformed;
        if (ledger.Resolve(given, out var resolved) is { } no) return no;
        amount = resolved;
        return resolved.IsNegative ? Malformed : null;
    }

    /// <summary>Acts stand in the order of their links.</summary>
    internal static int FirstOf(IReadOnlyList<Act> acts, int link)
    {
        var (low, high) = (0, acts.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (acts[middle].Need.Link < link) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The legs of an entry each need the permission; they are counted together, once.</summary>
    private static bool IsRepeated(IReadOnlyList<Act> acts, int index)
    {
        var (level, need, _) = acts[index];
        for (var i = index - 1; i >= 0 && acts[i].Need.Link == need.Link; i--)
        {
            if (acts[i].Level == level && acts[i].Need.Asset == need.Asset && acts[i].Need.Gives) return true;
        }
        return false;
    }
}
