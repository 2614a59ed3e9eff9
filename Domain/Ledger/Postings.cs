using System.Diagnostics;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>
/// The only code that changes a balance. Turns an event's legs into movements, and applies movements; the same when
/// deciding and at replay.
/// </summary>
public static class Postings
{
    /// <summary>The movements of an event whose data are its legs.</summary>
    public static void Gather(LedgerTables t, TransferEvent @event, Movements into)
    {
        into.Clear();
        switch (@event)
        {
            case TransferEvent.Made e:
                MovementOf(t, into, e.Debit, e.Amount).DebitsPosted += e.Amount.Minor;
                MovementOf(t, into, e.Credit, e.Amount).CreditsPosted += e.Amount.Minor;
                break;
            case TransferEvent.Reserved e:
                MovementOf(t, into, e.Debit, e.Amount).DebitsPending += e.Amount.Minor;
                MovementOf(t, into, e.Credit, e.Amount).CreditsPending += e.Amount.Minor;
                break;
            case TransferEvent.Posted e:
                ref var debit = ref MovementOf(t, into, e.Debit, e.Amount);
                debit.DebitsPosted += e.Amount.Minor;
                debit.DebitsPending -= e.Amount.Minor + e.Released.Minor;
                ref var credit = ref MovementOf(t, into, e.Credit, e.Amount);
                credit.CreditsPosted += e.Amount.Minor;
                credit.CreditsPending -= e.Amount.Minor + e.Released.Minor;
                break;
            case TransferEvent.Cancelled e: Release(t, into, e.Debit, e.Credit, e.Released); break;
            case TransferEvent.Expired e: Release(t, into, e.Debit, e.Credit, e.Released); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>The movements of legs that stand beside an event's data.</summary>
    public static void Gather(LedgerTables t, ReadOnlySpan<Leg> legs, Movements into)
    {
        into.Clear();
        foreach (ref readonly var leg in legs)
        {
            ref var movement = ref MovementOf(t, into, leg.Account, leg.Amount);
            if (leg.Side == Side.Debit) movement.DebitsPosted += leg.Amount.Minor;
            else movement.CreditsPosted += leg.Amount.Minor;
        }
    }

    /// <summary>Applies movements that the law has passed.</summary>
    public static void Apply(
        LedgerTables t, Movements movements, Instant now, BusinessDate today, BusinessDate bookedOn,
        BusinessDate? valueOn)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            ref var m = ref movements[i];
            if (m.Balance < 0) m.Balance = BalanceFor(t, m.Account, m.Asset);
            var row = t.Balances[m.Balance];
            if (row.Has(BalanceFlags.HasRestrainedAmount)) Capture(t, row, m.Balance, now, today);
            row = row with
            {
                DebitsPosted = row.DebitsPosted + m.DebitsPosted,
                CreditsPosted = row.CreditsPosted + m.CreditsPosted,
                DebitsPending = row.DebitsPending + m.DebitsPending,
                CreditsPending = row.CreditsPending + m.CreditsPending,
            };
            if (row.Has(BalanceFlags.HasFutureValue) || (valueOn is { } value && value > today && m.CreditsPosted > 0))
                row = row with { Flags = MoveValue(t, m, row.Flags, today, valueOn) };
            t.Balances.Update(m.Balance, row);
            if (row.Has(BalanceFlags.HasRestrainedAmount)) Capture(t, row, m.Balance, now, today);
            if (t.Accounts[m.Account].Class is AccountClass.Income or AccountClass.Expense) Year(t, m, bookedOn);
        }
    }

    /// <summary>The balance row of an account in an asset; made, not opened, when there is none.</summary>
    public static int BalanceFor(LedgerTables t, int account, int asset, BalanceFlags flags = BalanceFlags.None)
    {
        var found = t.FindBalance(account, asset);
        if (found >= 0)
        {
            if ((t.Balances[found].Flags & flags) != flags)
                t.Balances.Update(found, t.Balances[found] with { Flags = t.Balances[found].Flags | flags });
            return found;
        }
        var row = t.Accounts[account];
        var made = t.Balances.Insert(new(0, 0, 0, 0, account, asset, flags, row.FirstBalance));
        t.Accounts.Update(account, row with { FirstBalance = made });
        return made;
    }

    /// <summary>Credits of a balance whose value date lies after the business date.</summary>
    public static Int128 NotYetValue(LedgerTables t, in BalanceRow balance, int row, BusinessDate today)
    {
        if (!balance.Has(BalanceFlags.HasFutureValue)) return 0;
        Int128 sum = 0;
        foreach (var (key, index) in t.FutureValuesByBalance.From(new(row, today)))
        {
            if (key.Balance != row) break;
            if (key.From > today) sum += t.FutureValues[index].Minor;
        }
        return sum;
    }

    /// <summary>
    /// What restraints hold together. A thousand of the greatest amounts would leave 128 bits: the sum stops far beyond
    /// what any balance can be.
    /// </summary>
    public static Int128 Together(Int128 held, Int128 more) => Int128.Min(held + more, LedgerView.MaxTotal << 4);

    /// <summary>
    /// The restraints of an amount on one balance, in the order they are served: by rank, then as placed.
    /// </summary>
    public static List<RestraintRow> InRank(LedgerTables t, int account, int asset)
    {
        var rows = new List<RestraintRow>();
        foreach (var index in t.RestraintsByAccount.Rows(account))
        {
            if (t.Restraints[index].Asset == asset) rows.Add(t.Restraints[index]);
        }
        rows.Sort(static (a, b) =>
            a.Terms.Rank != b.Terms.Rank ? a.Terms.Rank.CompareTo(b.Terms.Rank) : a.Placed.CompareTo(b.Placed));
        return rows;
    }

    private static ref Movement MovementOf(LedgerTables t, Movements into, AccountId account, in Amount amount)
    {
        var row = t.Accounts.Find(account);
        var asset = t.Assets.Find(amount.Asset.Code);
        if (row < 0 || asset < 0)
            throw new UnreachableException($"A leg names {account} in {amount.Asset.Code}, which is not there.");
        return ref into.Of(t, row, asset);
    }

    private static void Release(LedgerTables t, Movements into, AccountId debit, AccountId credit, in Amount released)
    {
        MovementOf(t, into, debit, released).DebitsPending -= released.Minor;
        MovementOf(t, into, credit, released).CreditsPending -= released.Minor;
    }

    /// <summary>A restraint with a protected minimum holds on to the most it ever could.</summary>
    private static void Capture(LedgerTables t, in BalanceRow balance, int row, Instant now, BusinessDate today)
    {
        Int128 held = 0;
        var free = balance.Net - balance.DebitsPending - NotYetValue(t, balance, row, today);
        foreach (var restraint in InRank(t, balance.Account, balance.Asset))
        {
            if (!restraint.InEffect(now)) continue;
            var caught = restraint.HeldOf(free - held);
            held = Together(held, caught);
            if (restraint.Terms.ProtectedMinimum is { IsPositive: true } && caught > restraint.Captured)
                t.Restraints.Update(t.Restraints.Find(restraint.Id), restraint with { Captured = caught });
        }
    }

    /// <summary>
    /// Notes credits whose value lies ahead, net of debits of the same value date; forgets those whose day has come.
    /// </summary>
    private static BalanceFlags MoveValue(
        LedgerTables t, in Movement m, BalanceFlags flags, BusinessDate today, BusinessDate? valueOn)
    {
        if (valueOn is { } value && value > today) AddValue(t, new(m.Balance, value), m.CreditsPosted - m.DebitsPosted);
        var left = false;
        var reached = new List<int>();
        foreach (var (key, index) in t.FutureValuesByBalance.From(new(m.Balance, BusinessDate.First)))
        {
            if (key.Balance != m.Balance) break;
            if (key.From <= today) reached.Add(index);
            else left = true;
        }
        foreach (var index in reached) t.FutureValues.Delete(index);
        return left ? flags | BalanceFlags.HasFutureValue : flags & ~BalanceFlags.HasFutureValue;
    }

    /// <summary>
    /// What a date adds to the funds; a debit of that date takes from it, and what it takes beyond is taken today.
    /// </summary>
    private static void AddValue(LedgerTables t, FutureValueKey key, Int128 net)
    {
        var index = t.FutureValues.Find(key);
        var sum = net + (index < 0 ? 0 : t.FutureValues[index].Minor);
        if (index < 0 && sum > 0) t.FutureValues.Insert(new(sum, key, 0));
        else if (index >= 0 && sum > 0) t.FutureValues.Update(index, t.FutureValues[index] with { Minor = sum });
        else if (index >= 0) t.FutureValues.Delete(index);
    }

    /// <summary>Income and expense by the fiscal year of their accounting date, which is the calendar year.</summary>
    private static void Year(LedgerTables t, in Movement m, BusinessDate bookedOn)
    {
        var net = m.CreditsPosted - m.DebitsPosted;
        if (net == 0) return;
        var key = new YearKey(bookedOn.Year, m.Balance);
        var index = t.Years.Find(key);
        if (index < 0)
        {
            t.Years.Insert(new(net, key, 0));
            return;
        }
        var sum = t.Years[index].Net + net;
        if (sum == 0) t.Years.Delete(index);
        else t.Years.Update(index, t.Years[index] with { Net = sum });
    }
}
