using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>One side of an entry as a channel states it.</summary>
public readonly record struct StatedLeg(AccountId Account, Side Side, StatedAmount Amount);

/// <summary>Balanced legs of any number, up to <see cref="Movements.MaxLegs"/>.</summary>
public sealed record PostEntry(ImmutableArray<StatedLeg> Legs, Particulars Particulars, TransferId? Id = null)
    : Command;

/// <summary>The same, compelled: limits and restraints do not refuse it, and it says why.</summary>
public sealed record AdjustEntry(
    ImmutableArray<StatedLeg> Legs, string Reason, Particulars Particulars, TransferId? Id = null) : Command;

/// <summary>Corrects an earlier posting by its mirror.</summary>
/// <param name="Original">Position of what is reversed; 0 when the host found none.</param>
/// <param name="Legs">What it posted, as the journal holds it: read by the host, never stated by a caller.</param>
/// <param name="Particulars">
/// While the original's value date lies ahead it is stated again here: then the mirror takes back those very credits.
/// </param>
public sealed record ReverseEntry(long Original, ImmutableArray<Leg> Legs, string Reason, Particulars Particulars)
    : Command;

/// <summary>The bank takes one asset of a customer and gives another.</summary>
/// <param name="Equivalent">What both sides are worth in the book's functional currency, as dealt.</param>
/// <param name="Desk">Whose currency position it enters.</param>
public sealed record ExchangeAssets(
    AccountId Customer, StatedAmount Sold, StatedAmount Bought, StatedAmount? Equivalent, Tag Desk,
    Particulars Particulars, TransferId? Id = null) : Command;

public static class EntryRejections
{
    public static readonly Rejection
        TooFewLegs = new("entry.too_few_legs", "An entry has two legs or more."),
        TooManyLegs = new("entry.too_many_legs", $"An entry has at most {Movements.MaxLegs} legs."),
        NotFound = new("entry.not_found", "No posting of this id, or none at this position.", RejectionKind.NotFound),
        Unbalanced = new("entry.unbalanced", "Debits and credits differ in an asset."),
        AlreadyReversed = new("entry.already_reversed", "This posting was already reversed.", RejectionKind.Conflict),
        NotReversible = new("entry.not_reversible", "Only what was posted can be reversed, and a reversal cannot."),
        SameAsset = new("exchange.same_asset", "An exchange is between two assets."),
        EquivalentMissing = new(
            "exchange.equivalent_missing", "State the equivalent: neither side is the functional currency."),
        EquivalentDiffers = new("exchange.equivalent_differs", "The equivalent is the functional side's own amount."),
        DeskUnnameable = new("exchange.desk_unnameable", "Desk and asset do not make the name of a position account.");
}

public static class Entries
{
    public static Decision Decide(LedgerView ledger, in Moment at, PostEntry c)
    {
        if (Check(ledger, at, c.Legs, c.Particulars, c.Id, out var id, out var said) is { } no) return no;
        foreach (var leg in c.Legs)
        {
            if (IsRetired(ledger, leg.Amount.Asset)) return LedgerRejections.AssetRetired;
        }
        return new EntryEvent.Posted(id, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, AdjustEntry c)
    {
        if (Check(ledger, at, c.Legs, c.Particulars, c.Id, out var id, out var said) is { } no) return no;
        return new EntryEvent.Adjusted(id, c.Reason, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ReverseEntry c)
    {
        if (c.Original <= 0) return EntryRejections.NotFound;
        if (ledger.Tables.Reversals.Find(c.Original) >= 0) return EntryRejections.AlreadyReversed;
        if (c.Legs.IsEmpty || c.Original >= at.Position) return EntryRejections.NotReversible;
        if (ledger.Tables.ReversalsByCorrection.Find(c.Original) >= 0) return EntryRejections.NotReversible;
        if (ledger.Date(c.Particulars, at, out var said) is { } closed) return closed;
        return new TransferEvent.Reversed(c.Original, c.Reason, said);
    }

    public static Decision Decide(LedgerView ledger, in Moment at, ExchangeAssets c)
    {
        if (ledger.Resolve(c.Sold, out var sold) is { } no) return no;
        if (ledger.Resolve(c.Bought, out var bought) is { } nor) return nor;
        if (sold.Minor <= 0 || bought.Minor <= 0) return LedgerRejections.AmountNotPositive;
        if (sold.Asset == bought.Asset) return EntryRejections.SameAsset;
        if (Equivalent(ledger, c.Equivalent, sold, bought, out var equivalent) is { } differs) return differs;
        if (!CanName(ledger, c.Desk, sold.Asset.Code) || !CanName(ledger, c.Desk, bought.Asset.Code))
            return EntryRejections.DeskUnnameable;
        if (Transfers.IdOf(ledger, at, c.Id, out var id) is { } taken) return taken;
        var customer = ledger.Tables.Accounts.Find(c.Customer);
        if (customer < 0) return LedgerRejections.AccountNotFound;
        if (SystemAccounts.IsPosition(ledger.Tables.Accounts[customer])) return LedgerRejections.CurrencyPosition;
        if (ledger.Date(c.Particulars, at, out var said) is { } closed) return closed;
        if (IsRetired(ledger, sold.Asset.Code) || IsRetired(ledger, bought.Asset.Code))
            return LedgerRejections.AssetRetired;
        if (OpenPositions(ledger, c.Desk, sold.Asset, bought.Asset) is { IsEmpty: false } missing)
            return Decision.Accept([]).Then([.. missing, c]);
        return new EntryEvent.Exchanged(id, c.Customer, sold, bought, equivalent, c.Desk, said);
    }

    /// <summary>The postings of stated legs: as stated.</summary>
    public static void Post(LedgerView ledger, ImmutableArray<StatedLeg> stated, List<Leg> legs)
    {
        foreach (var leg in stated)
        {
            if (ledger.Resolve(leg.Amount, out var amount) is { } no)
                throw new System.Diagnostics.UnreachableException(no.Code);
            legs.Add(new(leg.Account, leg.Side, amount));
        }
    }

    /// <summary>The postings of a reversal: each leg on its other side.</summary>
    public static void Post(ImmutableArray<Leg> original, List<Leg> legs)
    {
        foreach (var leg in original)
            legs.Add(new(leg.Account, leg.Side == Side.Debit ? Side.Credit : Side.Debit, leg.Amount));
    }

    /// <summary>
    /// The postings of an exchange. What the bank takes and gives passes through the desk's position in each asset;
    /// where the asset is not the functional currency its equivalent stands beside, so that the open position and its
    /// cost can be read from the ledger alone.
    /// </summary>
    public static void Post(LedgerView ledger, EntryEvent.Exchanged e, List<Leg> legs)
    {
        var functional = ledger.Book.Genesis.Functional;
        legs.Add(new(e.Customer, Side.Debit, e.Sold));
        legs.Add(new(e.Customer, Side.Credit, e.Bought));
        if (e.Sold.Asset.Code != functional)
        {
            legs.Add(new(PositionOf(e.Desk, e.Sold.Asset.Code), Side.Credit, e.Sold));
            legs.Add(new(EquivalentOf(e.Desk, e.Sold.Asset.Code), Side.Debit, e.Equivalent));
        }
        if (e.Bought.Asset.Code != functional)
        {
            legs.Add(new(PositionOf(e.Desk, e.Bought.Asset.Code), Side.Debit, e.Bought));
            legs.Add(new(EquivalentOf(e.Desk, e.Bought.Asset.Code), Side.Credit, e.Equivalent));
        }
    }

    public static AccountId PositionOf(Tag desk, AssetCode asset) => DeskAccount("pos", desk, asset);

    public static AccountId EquivalentOf(Tag desk, AssetCode asset) => DeskAccount("eqv", desk, asset);

    private static AccountId DeskAccount(string kind, Tag desk, AssetCode asset) =>
        SystemAccounts.Name(DeskName(kind, desk, asset));

    private static string DeskName(string kind, Tag desk, AssetCode asset) =>
        $"{kind}:{desk}:{asset.ToString().ToLowerInvariant()}";

    /// <summary>Desks and assets may end in signs that an account's name may not have there.</summary>
    private static bool CanName(LedgerView ledger, Tag desk, AssetCode asset) =>
        asset == ledger.Book.Genesis.Functional || AccountId.TryParse(DeskName("pos", desk, asset), out _);

    private static Rejection? Check(
        LedgerView ledger, in Moment at, ImmutableArray<StatedLeg> legs, Particulars particulars, TransferId? named,
        out TransferId id, out Particulars said)
    {
        (id, said) = (default, particulars);
        if (legs.Length < 2) return EntryRejections.TooFewLegs;
        if (legs.Length > Movements.MaxLegs) return EntryRejections.TooManyLegs;
        for (var i = 0; i < legs.Length; i++)
        {
            if (ledger.Resolve(legs[i].Amount, out var amount) is { } no) return OfLeg(i, legs[i], no);
            if (amount.Minor <= 0) return OfLeg(i, legs[i], LedgerRejections.AmountNotPositive);
        }
        if (Transfers.IdOf(ledger, at, named, out id) is { } taken) return taken;
        for (var i = 0; i < legs.Length; i++)
        {
            if (ledger.Tables.Accounts.Find(legs[i].Account) < 0)
                return OfLeg(i, legs[i], LedgerRejections.AccountNotFound);
        }
        return ledger.Date(particulars, at, out said);
    }

    /// <summary>The same "no", naming the leg, counted from 1, with its account and asset.</summary>
    private static Rejection OfLeg(int index, in StatedLeg leg, Rejection no) =>
        no with { Why = $"Leg {index + 1}, {leg.Account} in {leg.Amount.Asset}: {no.Why}" };

    private static bool IsRetired(LedgerView ledger, AssetCode code) =>
        ledger.Tables.Assets[ledger.Tables.Assets.Find(code)].Retired != 0;

    private static Rejection? Equivalent(
        LedgerView ledger, StatedAmount? stated, Amount sold, Amount bought, out Amount equivalent)
    {
        var functional = ledger.Book.Genesis.Functional;
        Amount? own = sold.Asset.Code == functional ? sold : bought.Asset.Code == functional ? bought : null;
        equivalent = own ?? default;
        if (stated is not { } given) return own is null ? EntryRejections.EquivalentMissing : null;
        if (ledger.Resolve(given, out var resolved) is { } no) return no;
        if (resolved.Minor <= 0) return LedgerRejections.AmountNotPositive;
        if (resolved.Asset.Code != functional || (own is { } side && side != resolved))
            return EntryRejections.EquivalentDiffers;
        equivalent = resolved;
        return null;
    }

    /// <summary>The desk's position accounts that are still to be opened, as commands.</summary>
    private static ImmutableArray<Command> OpenPositions(LedgerView ledger, Tag desk, Asset sold, Asset bought)
    {
        var functional = ledger.Book.Genesis.Functional;
        var missing = ImmutableArray.CreateBuilder<Command>();
        foreach (var asset in new[] { sold.Code, bought.Code })
        {
            if (asset == functional) continue;
            var both = new[] { (PositionOf(desk, asset), asset), (EquivalentOf(desk, asset), functional) };
            foreach (var (name, held) in both)
            {
                if (ledger.Tables.Accounts.Find(name) < 0)
                {
                    var dimensions = new Dimensions(default, default, desk);
                    missing.Add(new OpenAccount(
                        name, AccountClass.Asset, Tag.Of("1900"), dimensions, AccountFlags.System, [held]));
                }
            }
        }
        return missing.ToImmutable();
    }
}
