using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Domain.Ledger.TransferRejections;

namespace BankingEngine.Domain.Ledger;

/// <summary>How much a transfer takes when the stated amount is not there in full.</summary>
[Flags]
public enum Balancing : byte
{
    /// <summary>The amount as stated, or nothing.</summary>
    Exact = 0,

    /// <summary>As much as the debit account has available, up to the amount.</summary>
    Debit = 1,

    /// <summary>As much as the credit account's debits leave room for, up to the amount.</summary>
    Credit = 2,
}

/// <param name="Id">
/// Names the transfer; default: the command's id where it is a UUIDv7, else one made of the position.
/// </param>
public sealed record MakeTransfer(
    AccountId Debit, AccountId Credit, StatedAmount Amount, Particulars Particulars,
    TransferId? Id = null, Balancing Balancing = Balancing.Exact) : Command;

/// <param name="TimeoutSeconds">From engine time of the decision; null: never expires.</param>
public sealed record ReserveTransfer(
    AccountId Debit, AccountId Credit, StatedAmount Amount, int? TimeoutSeconds, Particulars Particulars,
    TransferId? Id = null, Balancing Balancing = Balancing.Exact) : Command;

/// <param name="Amount">Null: all that is still held.</param>
/// <param name="IsFinal">
/// Whether the rest is released; a reservation posted in parts stays open until its final part.
/// </param>
public sealed record PostTransfer(TransferId Id, StatedAmount? Amount, bool IsFinal, Particulars Particulars) : Command;

public sealed record CancelTransfer(TransferId Id) : Command;

/// <summary>The engine's own, when a reservation's time has come.</summary>
public sealed record ExpireTransfer(TransferId Id) : Command;

/// <summary>Books what already happened elsewhere: bound by fact, so no limit refuses it.</summary>
public sealed record ImportTransfer(
    AccountId Debit, AccountId Credit, StatedAmount Amount, Instant Originated, Particulars Particulars,
    TransferId? Id = null) : Command;

public static class TransferRejections
{
    public static readonly Rejection
        NotFound = new("transfer.not_found", "No open reservation of this id.", RejectionKind.NotFound),
        AlreadyExists = new(
            "transfer.already_exists", "This id already names another transfer.", RejectionKind.Conflict),
        IdNotTimeOrdered = new("transfer.id_not_uuidv7", "A transfer's id is a UUIDv7."),
        ExceedsReservation = new("transfer.exceeds_reservation", "Cannot post more than is still reserved."),
        WrongAsset = new("transfer.wrong_asset", "Post in the asset that was reserved."),
        HasExpired = new("transfer.has_expired", "The reservation has expired.", RejectionKind.Conflict),
        NotYetExpired = new("transfer.not_yet_expired", "The reservation is still running.", RejectionKind.Conflict),
        TimeoutOutOfRange = new("transfer.timeout_out_of_range", "A timeout is 1 second to 10 years."),
        OriginatedInFuture = new("transfer.originated_in_future", "What already happened cannot lie in the future.");
}

/// <summary>Transfers, single and two-phase: reserve, then post some or all, cancel, or let expire.</summary>
public static class Transfers
{
    public const int MaxTimeoutSeconds = 315_360_000;

    /// <summary>The expiry of a reservation that has none.</summary>
    public static readonly Instant Never = Instant.Last;

    public static Decision Decide(LedgerView ledger, in Moment at, MakeTransfer c)
    {
        if (Terms(
                ledger, at, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, c.Balancing,
                out var id, out var amount, out var said) is { } no)
            return no;
        return new TransferEvent.Made(id, c.Debit, c.Credit, amount, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ReserveTransfer c)
    {
        if (c.TimeoutSeconds is < 1 or > MaxTimeoutSeconds) return TimeoutOutOfRange;
        if (Terms(
                ledger, at, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, c.Balancing,
                out var id, out var amount, out var said) is { } no)
            return no;
        Instant? expires = c.TimeoutSeconds is { } seconds ? at.Now.AddSeconds(seconds) : null;
        return new TransferEvent.Reserved(id, c.Debit, c.Credit, amount, expires, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, PostTransfer c)
    {
        if (!ledger.Tables.Reservations.TryGet(c.Id, out var open)) return NotFound;
        if (at.Now >= open.Expires) return HasExpired;
        var (debit, credit, asset) = Parties(ledger, open);
        var amount = new Amount(open.Remaining, asset);
        if (c.Amount is { } stated)
        {
            if (ledger.Resolve(stated, out amount) is { } no) return no;
            if (amount.Asset != asset) return WrongAsset;
            if (amount.Minor <= 0) return AmountNotPositive;
            if (amount.Minor > open.Remaining) return ExceedsReservation;
        }
        // What was reserved for a later value date is of value then, unless its posting says otherwise.
        var inherits = c.Particulars.ValueOn is null && open.ValueDay > at.Today.Day;
        var particulars = inherits ? c.Particulars with { ValueOn = new(open.ValueDay) } : c.Particulars;
        if (ledger.Date(particulars, at, out var said) is { } closed) return closed;
        var left = new Amount(open.Remaining - amount.Minor, asset);
        var none = Amount.Zero(asset);
        return c.IsFinal
            ? new TransferEvent.Posted(c.Id, debit, credit, amount, Released: left, Remaining: none, said)
            : new TransferEvent.Posted(c.Id, debit, credit, amount, Released: none, Remaining: left, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, CancelTransfer c)
    {
        if (!ledger.Tables.Reservations.TryGet(c.Id, out var open)) return NotFound;
        if (at.Now >= open.Expires && open.Parked == 0) return HasExpired;
        var (debit, credit, asset) = Parties(ledger, open);
        return new TransferEvent.Cancelled(c.Id, debit, credit, new(open.Remaining, asset));
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ExpireTransfer c)
    {
        if (!ledger.Tables.Reservations.TryGet(c.Id, out var open)) return NotFound;
        if (at.Now < open.Expires) return NotYetExpired;
        var (debit, credit, asset) = Parties(ledger, open);
        return new TransferEvent.Expired(c.Id, debit, credit, new(open.Remaining, asset));
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ImportTransfer c)
    {
        if (c.Originated > at.Now) return OriginatedInFuture;
        if (Terms(
                ledger, at, c.Id, c.Debit, c.Credit, c.Amount, c.Particulars, Balancing.Exact,
                out var id, out var amount, out var said) is { } no)
            return no;
        return new TransferEvent.Imported(id, c.Debit, c.Credit, amount, c.Originated, said);
    }

    /// <summary>The postings of an import: what the source says; guards divert what cannot stand.</summary>
    public static void Post(TransferEvent.Imported e, List<Leg> legs)
    {
        legs.Add(new(e.Debit, Side.Debit, e.Amount));
        legs.Add(new(e.Credit, Side.Credit, e.Amount));
    }

    public static void Evolve(LedgerTables t, long position, TransferEvent @event)
    {
        switch (@event)
        {
            case TransferEvent.Made or TransferEvent.Imported: break;
            case TransferEvent.Reserved e: Open(t, position, e); break;
            case TransferEvent.Posted { Remaining.IsZero: true } e: Resolve(t, e.Id); break;
            case TransferEvent.Posted e:
                var row = t.Reservations.Find(e.Id);
                t.Reservations.Update(row, t.Reservations[row] with { Remaining = e.Remaining.Minor });
                break;
            case TransferEvent.Cancelled e: Resolve(t, e.Id); break;
            case TransferEvent.Expired e: Resolve(t, e.Id); break;
            case TransferEvent.Reversed e: t.Reversals.Insert(new(e.Original, position)); break;
            default: throw new System.Diagnostics.UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>
    /// What single transfers and reservations check alike: amount, parties, id, dates, then how much there is.
    /// </summary>
    private static Rejection? Terms(
        LedgerView ledger, in Moment at, TransferId? named, AccountId debit, AccountId credit, in StatedAmount stated,
        Particulars particulars, Balancing balancing, out TransferId id, out Amount amount, out Particulars said)
    {
        (id, said) = (default, particulars);
        if (ledger.Resolve(stated, out amount) is { } no) return no;
        if (amount.Minor <= 0) return AmountNotPositive;
        if (debit == credit) return SameAccount;
        if (IdOf(ledger, at, named, out id) is { } taken) return taken;
        var t = ledger.Tables;
        var from = t.Accounts.Find(debit);
        if (from < 0) return DebitAccountNotFound;
        var to = t.Accounts.Find(credit);
        if (to < 0) return CreditAccountNotFound;
        if (ledger.Date(particulars, at, out said) is { } closed) return closed;
        if (t.Assets[t.Assets.Find(stated.Asset)].Retired != 0) return AssetRetired;
        if (balancing == Balancing.Exact) return null;
        amount = amount with { Minor = Int128.Min(amount.Minor, Room(ledger, at, from, to, stated.Asset, balancing)) };
        return amount.Minor > 0 ? null : InsufficientFunds;
    }

    /// <summary>The name of a new transfer, unique among all that are open or remembered.</summary>
    public static Rejection? IdOf(LedgerView ledger, in Moment at, TransferId? named, out TransferId id)
    {
        id = named ?? (at.Command.Version == 7
            ? new(at.Command.Value)
            : TransferId.FromPosition(ledger.Book.Hash, at.Position));
        if (named is { Version: not 7 }) return IdNotTimeOrdered;
        return ledger.Tables.Reservations.Find(id) >= 0 ? AlreadyExists : null;
    }

    /// <summary>The most that a balancing transfer may take; counts pending amounts against both sides.</summary>
    private static Int128 Room(
        LedgerView ledger, in Moment at, int debit, int credit, AssetCode code, Balancing balancing)
    {
        var t = ledger.Tables;
        var asset = t.Assets.Find(code);
        var room = LedgerView.MaxTotal;
        if ((balancing & Balancing.Debit) != 0)
        {
            var row = t.FindBalance(debit, asset);
            room = Int128.Min(room, row < 0 ? 0 : ledger.Available(t.Balances[row], row, at));
        }
        if ((balancing & Balancing.Credit) != 0)
        {
            var row = t.FindBalance(credit, asset);
            var balance = row < 0 ? default : t.Balances[row];
            room = Int128.Min(room, balance.DebitsPosted - balance.CreditsPosted - balance.CreditsPending);
        }
        return Int128.Max(room, 0);
    }

    private static (AccountId Debit, AccountId Credit, Asset Asset) Parties(LedgerView ledger, in ReservationRow open)
    {
        ref readonly var debit = ref ledger.Tables.Balances[open.DebitBalance];
        ref readonly var credit = ref ledger.Tables.Balances[open.CreditBalance];
        return (ledger.NameOf(debit.Account), ledger.NameOf(credit.Account), ledger.AssetAt(debit.Asset));
    }

    private static void Open(LedgerTables t, long position, TransferEvent.Reserved e)
    {
        var asset = t.Assets.Find(e.Amount.Asset.Code);
        t.Reservations.Insert(new(
            e.Amount.Minor, e.Amount.Minor, e.Id, e.Particulars.Code, e.Expires ?? Never, position,
            t.FindBalance(t.Accounts.Find(e.Debit), asset), t.FindBalance(t.Accounts.Find(e.Credit), asset),
            e.Particulars.ValueOn?.Day ?? 0, 0));
    }

    private static void Resolve(LedgerTables t, TransferId id) => t.Reservations.Delete(t.Reservations.Find(id));
}
