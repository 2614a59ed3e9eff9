using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>Holds back an account, in whole or an amount of it.</summary>
/// <param name="Id">Given by the caller, so that lifting and seizing can name it.</param>
public sealed record PlaceRestraint(
    RestraintId? Id, AccountId Account, Tag Reason, Tag Authority, int Rank, RestraintScope Scope, StatedAmount? Amount,
    StatedAmount? ProtectedMinimum, Instant? From, Instant? Until, string? Note) : Command;

public sealed record LiftRestraint(RestraintId Id, string Reason) : Command;

/// <summary>The engine's own, when a restraint's end has come.</summary>
public sealed record LapseRestraint(RestraintId Id) : Command;

/// <summary>Takes restrained money: by law, against the restraint that held it.</summary>
public sealed record Seize(RestraintId Id, AccountId To, StatedAmount Amount, Particulars Particulars) : Command;

public static class RestraintRejections
{
    public static readonly Rejection
        NotFound = new("restraint.not_found", "No restraint of this id stands.", RejectionKind.NotFound),
        AlreadyExists = new("restraint.already_exists", "This id already names a restraint.", RejectionKind.Conflict),
        TooMany = new("restraint.too_many", $"An account carries at most {Restraints.MaxPerAccount} restraints."),
        AmountMissing = new(
            "restraint.amount_missing", "A restraint of an amount states the amount, and no other does."),
        WrongAsset = new("restraint.wrong_asset", "The protected minimum is stated in the asset of the amount."),
        PeriodEmpty = new("restraint.period_empty", "A restraint ends after it begins."),
        NotAnAmount = new("restraint.not_an_amount", "Only a restraint of an amount can be seized against."),
        ExceedsRestraint = new("restraint.exceeds_restraint", "More than the restraint holds back cannot be seized."),
        NotInEffect = new("restraint.not_in_effect", "The restraint is not in effect now."),
        Debits = new("restraint.debits", "A restraint stands on debits of this account."),
        Credits = new("restraint.credits", "A restraint stands on credits of this account.");
}

/// <summary>A standing restraint.</summary>
/// <param name="Placed">Position of its placing: among equal ranks the earlier is served first.</param>
/// <param name="Remaining">Of a restraint of an amount: what is not yet seized.</param>
/// <param name="Captured">
/// With a protected minimum: the most that was ever held back. It never falls by spending, so money left free once
/// stays free, and what was caught stays caught.
/// </param>
/// <param name="Parked">
/// Its lapse failed inside the engine and waits for a person; it has no effect all the same.
/// </param>
public readonly record struct RestraintRow(
    RestraintId Id, long Placed, int Account, int Asset, Int128 Remaining, Int128 Captured, bool Parked,
    RestraintTerms Terms)
    : IRow<RestraintRow, RestraintId>
{
    public RestraintId Key => Id;

    public bool InEffect(Instant now) => Terms.From <= now && (Terms.Until is not { } until || now < until);

    /// <summary>What is held back of a balance.</summary>
    /// <param name="free">
    /// Posted credits less debits, less what is pending, not yet of value, and held back by earlier ranks.
    /// </param>
    public Int128 HeldOf(Int128 free)
    {
        if (Terms.ProtectedMinimum is not { Minor: var floor } || floor == 0) return Remaining;
        return Int128.Max(Captured, Int128.Clamp(free - floor, 0, Remaining));
    }

    public static void Write(in RestraintRow row, ref RowWriter to)
    {
        to.Value(new Fixed(
            row.Id.Value, row.Remaining, row.Captured, row.Terms.Amount?.Minor ?? 0,
            row.Terms.ProtectedMinimum?.Minor ?? -1,
            row.Terms.Reason, row.Terms.Authority, row.Terms.Amount?.Asset.Code ?? default, row.Terms.From,
            row.Terms.Until ?? Instant.Last, row.Account, row.Asset, row.Terms.Rank, row.Terms.Amount?.Asset.Scale ?? 0,
            (int)row.Terms.Scope, row.Parked ? 1 : 0, row.Placed));
        to.Text(row.Terms.Note ?? "");
    }

    public static RestraintRow Read(ref RowReader from)
    {
        var f = from.Value<Fixed>();
        var note = from.Text();
        var asset = new Asset(f.Code, (byte)f.Scale);
        return new(new(f.Id), f.Placed, f.Account, f.AssetRow, f.Remaining, f.Captured, f.Parked != 0, new(
            f.Reason, f.Authority, f.Rank, (RestraintScope)f.Scope, f.Code.IsNone ? null : new Amount(f.Amount, asset),
            f.Floor < 0 ? null : new Amount(f.Floor, asset), f.From, f.Until == Instant.Last ? null : f.Until,
            note.Length == 0 ? null : note));
    }

    /// <summary>What of a row has a fixed size, as it is hashed and stored.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Fixed(
        UInt128 Id, Int128 Remaining, Int128 Captured, Int128 Amount, Int128 Floor, Tag Reason, Tag Authority,
        AssetCode Code, Instant From, Instant Until, int Account, int AssetRow, int Rank, int Scale, int Scope,
        int Parked, long Placed);
}

/// <summary>Restraints: any number on an account; lifting one leaves the others.</summary>
public static class Restraints
{
    public const int MaxPerAccount = 1_000;

    public static Decision Decide(LedgerView ledger, in Moment at, PlaceRestraint c)
    {
        var t = ledger.Tables;
        var id = c.Id ?? new(at.Command.Value);
        var account = t.Accounts.Find(c.Account);
        if (account < 0) return LedgerRejections.AccountNotFound;
        if (t.Restraints.Find(id) >= 0) return RestraintRejections.AlreadyExists;
        if (t.Accounts[account].Restraints >= MaxPerAccount) return RestraintRejections.TooMany;
        if ((c.Scope == RestraintScope.Amount) != c.Amount.HasValue) return RestraintRejections.AmountMissing;
        if (c.ProtectedMinimum.HasValue && !c.Amount.HasValue) return RestraintRejections.AmountMissing;
        var from = c.From ?? at.Now;
        if (c.Until is { } until && until <= from) return RestraintRejections.PeriodEmpty;
        Amount? amount = null, floor = null;
        if (c.Amount is { } stated)
        {
            if (ledger.Resolve(stated, out var resolved) is { } no) return no;
            if (resolved.Minor <= 0) return LedgerRejections.AmountNotPositive;
            amount = resolved;
        }
        if (c.ProtectedMinimum is { } minimum)
        {
            if (ledger.Resolve(minimum, out var resolved) is { } no) return no;
            if (resolved.Minor < 0) return LedgerRejections.AmountNotPositive;
            if (resolved.Asset != amount!.Value.Asset) return RestraintRejections.WrongAsset;
            floor = resolved;
        }
        return new RestraintEvent.Placed(id, c.Account, new(
            c.Reason, c.Authority, c.Rank, c.Scope, amount, floor, from, c.Until == Instant.Last ? null : c.Until,
            c.Note is { Length: > 0 } ? c.Note : null));
    }

    public static Decision Decide(LedgerView ledger, LiftRestraint c)
    {
        var row = ledger.Tables.Restraints.Find(c.Id);
        if (row < 0) return RestraintRejections.NotFound;
        return new RestraintEvent.Lifted(c.Id, ledger.NameOf(ledger.Tables.Restraints[row].Account), c.Reason);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, LapseRestraint c)
    {
        if (!ledger.Tables.Restraints.TryGet(c.Id, out var row)) return RestraintRejections.NotFound;
        if (row.Terms.Until is not { } until || at.Now < until) return RestraintRejections.NotInEffect;
        return new RestraintEvent.Lapsed(c.Id, ledger.NameOf(row.Account));
    }

    public static Decision Decide(LedgerView ledger, in Moment at, Seize c)
    {
        var t = ledger.Tables;
        if (!t.Restraints.TryGet(c.Id, out var row)) return RestraintRejections.NotFound;
        if (row.Terms.Amount is not { } held) return RestraintRejections.NotAnAmount;
        if (!row.InEffect(at.Now)) return RestraintRejections.NotInEffect;
        if (ledger.Resolve(c.Amount, out var amount) is { } no) return no;
        if (amount.Minor <= 0) return LedgerRejections.AmountNotPositive;
        if (amount.Asset != held.Asset) return RestraintRejections.WrongAsset;
        if (t.Accounts.Find(c.To) < 0) return LedgerRejections.CreditAccountNotFound;
        if (t.Accounts.Find(c.To) == row.Account) return LedgerRejections.SameAccount;
        if (amount.Minor > ledger.HeldBy(row, at)) return RestraintRejections.ExceedsRestraint;
        if (ledger.Date(c.Particulars, at, out var particulars) is { } closed) return closed;
        return new RestraintEvent.Seized(c.Id, ledger.NameOf(row.Account), c.To, amount, particulars);
    }

    /// <summary>The postings of restraints: a seizure moves money from the account to where the order says.</summary>
    public static void Post(RestraintEvent.Seized e, List<Leg> legs)
    {
        legs.Add(new(e.Account, Side.Debit, e.Amount));
        legs.Add(new(e.To, Side.Credit, e.Amount));
    }

    public static void Evolve(LedgerTables t, long position, RestraintEvent @event)
    {
        switch (@event)
        {
            case RestraintEvent.Placed e: Place(t, position, e); break;
            case RestraintEvent.Lifted e: Lift(t, e.Id); break;
            case RestraintEvent.Lapsed e: Lift(t, e.Id); break;
            case RestraintEvent.Seized e: Reduce(t, e); break;
            default: throw new System.Diagnostics.UnreachableException(@event.GetType().Name);
        }
    }

    private static void Place(LedgerTables t, long position, RestraintEvent.Placed e)
    {
        var account = t.Accounts.Find(e.Account);
        var asset = e.Terms.Amount is { } amount ? t.Assets.Find(amount.Asset.Code) : -1;
        t.Restraints.Insert(new(e.Id, position, account, asset, e.Terms.Amount?.Minor ?? 0, 0, Parked: false, e.Terms));
        var row = t.Accounts[account];
        t.Accounts.Update(account, row with { Restraints = (ushort)(row.Restraints + 1) });
        if (asset < 0) return;
        var balance = Postings.BalanceFor(t, account, asset);
        var held = t.Balances[balance];
        t.Balances.Update(balance, held with { Flags = held.Flags | BalanceFlags.HasRestrainedAmount });
    }

    private static void Lift(LedgerTables t, RestraintId id)
    {
        var index = t.Restraints.Find(id);
        var (account, asset) = (t.Restraints[index].Account, t.Restraints[index].Asset);
        t.Restraints.Delete(index);
        var row = t.Accounts[account];
        t.Accounts.Update(account, row with { Restraints = (ushort)(row.Restraints - 1) });
        if (asset < 0) return;
        foreach (var other in t.RestraintsByAccount.Rows(account))
        {
            if (t.Restraints[other].Asset == asset) return;
        }
        var balance = t.FindBalance(account, asset);
        var free = t.Balances[balance];
        t.Balances.Update(balance, free with { Flags = free.Flags & ~BalanceFlags.HasRestrainedAmount });
    }

    /// <summary>What was seized is held back no longer; a restraint of which nothing remains is done.</summary>
    private static void Reduce(LedgerTables t, RestraintEvent.Seized e)
    {
        var index = t.Restraints.Find(e.Id);
        var row = t.Restraints[index];
        if (row.Remaining == e.Amount.Minor)
        {
            Lift(t, e.Id);
            return;
        }
        t.Restraints.Update(index, row with
        {
            Remaining = row.Remaining - e.Amount.Minor,
            Captured = Int128.Max(0, row.Captured - e.Amount.Minor),
        });
    }
}
