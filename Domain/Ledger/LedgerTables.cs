using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>What an account is in the books; which side its balance normally stands on.</summary>
public enum AccountClass : byte
{
    Asset = 1,
    Liability,
    Equity,
    Income,
    Expense,

    /// <summary>
    /// Client property held as agent, commitments, guarantees, pledges: never mixed with the bank's own.
    /// </summary>
    Memorandum,
}

[Flags]
public enum AccountFlags : byte
{
    None = 0,

    /// <summary>Debits, pending ones included, may not exceed posted credits (a customer's deposit).</summary>
    DebitsMustNotExceedCredits = 1,

    /// <summary>The mirror: credits, pending ones included, may not exceed posted debits.</summary>
    CreditsMustNotExceedDebits = 2,

    /// <summary>Nothing may touch the account but the cancelling or expiry of what is reserved on it.</summary>
    Closed = 4,

    /// <summary>Takes any asset of the book: suspense, clearing and position accounts.</summary>
    AnyAsset = 8,

    /// <summary>Opened by the book for itself; cannot be closed.</summary>
    System = 16,
}

[Flags]
public enum BalanceFlags
{
    None = 0,

    /// <summary>The account was opened for this asset; without it only diverted money reaches the row.</summary>
    Opened = 1,

    /// <summary>
    /// Some credits carry a value date that may lie ahead: see <see cref="LedgerTables.FutureValues"/>.
    /// </summary>
    HasFutureValue = 2,

    /// <summary>See <see cref="LedgerTables.Overdrafts"/>.</summary>
    HasOverdraft = 4,

    /// <summary>A restraint of an amount stands on this balance.</summary>
    HasRestrainedAmount = 8,
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct AssetRow(AssetCode Code, int Scale, int Retired, long Filler) : IRow<AssetRow, AssetCode>
{
    public AssetCode Key => Code;
    public Asset Asset => new(Code, (byte)Scale);
}

/// <summary>Branch, region and desk of an account; shared by all accounts with the same three.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Dimensions(Tag Branch, Tag Region, Tag Desk);

[StructLayout(LayoutKind.Sequential)]
public readonly record struct DimensionsRow(Dimensions Key) : IRow<DimensionsRow, Dimensions>;

[StructLayout(LayoutKind.Sequential)]
public readonly record struct ChartRow(Tag Key) : IRow<ChartRow, Tag>;

/// <summary>56 bytes; one per account.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct AccountRow(
    AccountId Id, int Chart, int Dimensions, int FirstBalance, AccountClass Class, AccountFlags Flags,
    ushort Restraints)
    : IRow<AccountRow, AccountId>
{
    public AccountId Key => Id;
    public bool Has(AccountFlags flags) => (Flags & flags) != 0;
}

/// <summary>Row numbers of an account and an asset.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BalanceKey(int Account, int Asset);

/// <summary>
/// 80 bytes; one per account and asset. Posted totals only grow; what a reservation holds is pending until it is
/// posted, cancelled or expires.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BalanceRow(
    Int128 DebitsPosted, Int128 CreditsPosted, Int128 DebitsPending, Int128 CreditsPending,
    int Account, int Asset, BalanceFlags Flags, int Next) : IRow<BalanceRow, BalanceKey>
{
    /// <summary>The end of an account's list of balances.</summary>
    public const int None = -1;

    public BalanceKey Key => new(Account, Asset);

    /// <summary>Posted credits less posted debits: positive when the bank owes.</summary>
    public Int128 Net => CreditsPosted - DebitsPosted;
    public bool Has(BalanceFlags flags) => (Flags & flags) != 0;
}

/// <summary>A balance row number and the date from which part of its credits have value.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FutureValueKey(int Balance, BusinessDate From) : IComparable<FutureValueKey>
{
    public int CompareTo(FutureValueKey other) =>
        Balance != other.Balance ? Balance.CompareTo(other.Balance) : From.CompareTo(other.From);
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct FutureValueRow(Int128 Minor, FutureValueKey Key, long Filler)
    : IRow<FutureValueRow, FutureValueKey>;

[StructLayout(LayoutKind.Sequential)]
public readonly record struct OverdraftRow(Int128 Limit, long Balance, long Filler) : IRow<OverdraftRow, long>
{
    public long Key => Balance;
}

/// <summary>An open reservation. Resolved ones leave the table; the journal keeps them.</summary>
/// <param name="Expires">
/// First instant at which it can no longer be posted; the last instant there is when it never expires.
/// </param>
/// <param name="Parked">1 when its expiry failed inside the engine: it waits for a person to cancel it.</param>
/// <param name="ValueDay">Value date that its posting has where it states none; 0: none was stated.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ReservationRow(
    Int128 Remaining, Int128 Amount, TransferId Id, Tag Code, Instant Expires, long Position,
    int DebitBalance, int CreditBalance, int ValueDay, int Parked) : IRow<ReservationRow, TransferId>
{
    public TransferId Key => Id;
}

/// <summary>An entry that was reversed, by its position, and the position of its correction: never twice.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ReversalRow(long Original, long Correction) : IRow<ReversalRow, long>
{
    public long Key => Original;
}

/// <summary>Income and expense by fiscal year: what the year's close carries to retained earnings.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct YearKey(int Year, int Balance) : IComparable<YearKey>
{
    public int CompareTo(YearKey other) =>
        Year != other.Year ? Year.CompareTo(other.Year) : Balance.CompareTo(other.Balance);
}

[StructLayout(LayoutKind.Sequential)]
public readonly record struct YearRow(Int128 Net, YearKey Key, long Filler) : IRow<YearRow, YearKey>;

/// <summary>The ledger's state: the only tables that hold money.</summary>
public sealed class LedgerTables
{
    public LedgerTables(Tables tables)
    {
        Assets = new(tables, "ledger.assets");
        Chart = new(tables, "ledger.chart");
        Dimensions = new(tables, "ledger.dimensions");
        Accounts = new(tables, "ledger.accounts");
        Balances = new(tables, "ledger.balances");
        FutureValues = new(tables, "ledger.future_values");
        FutureValuesByBalance = FutureValues.Ordered(
            static (in FutureValueRow r, out FutureValueKey k) => { k = r.Key; return true; }, unique: true);
        Overdrafts = new(tables, "ledger.overdrafts");
        Reservations = new(tables, "ledger.reservations");
        ReservationsByExpiry = Reservations.Ordered(
            static (in ReservationRow r, out Instant k) =>
            {
                k = r.Expires;
                return r.Expires < Transfers.Never && r.Parked == 0;
            },
            unique: false);
        Reversals = new(tables, "ledger.reversals");
        ReversalsByCorrection = Reversals.Hashed(
            static (in ReversalRow r, out long k) => { k = r.Correction; return true; }, unique: true);
        Years = new(tables, "ledger.years");
        YearsInOrder = Years.Ordered(static (in YearRow r, out YearKey k) => { k = r.Key; return true; }, unique: true);
        Restraints = new(tables, "ledger.restraints");
        RestraintsByAccount = Restraints.Hashed(
            static (in RestraintRow r, out int k) => { k = r.Account; return true; }, unique: false);
        RestraintsByEnd = Restraints.Ordered(
            static (in RestraintRow r, out Instant k) =>
            {
                k = r.Terms.Until ?? Instant.Last;
                return r.Terms.Until.HasValue && !r.Parked;
            },
            unique: false);
    }

    public Table<AssetCode, AssetRow> Assets { get; }
    public Table<Tag, ChartRow> Chart { get; }
    public Table<Dimensions, DimensionsRow> Dimensions { get; }
    public Table<AccountId, AccountRow> Accounts { get; }
    public Table<BalanceKey, BalanceRow> Balances { get; }
    public Table<FutureValueKey, FutureValueRow> FutureValues { get; }
    public OrderedIndex<FutureValueRow, FutureValueKey> FutureValuesByBalance { get; }
    public Table<long, OverdraftRow> Overdrafts { get; }
    public Table<TransferId, ReservationRow> Reservations { get; }
    public OrderedIndex<ReservationRow, Instant> ReservationsByExpiry { get; }
    public Table<long, ReversalRow> Reversals { get; }
    public HashIndex<ReversalRow, long> ReversalsByCorrection { get; }
    public Table<YearKey, YearRow> Years { get; }
    public OrderedIndex<YearRow, YearKey> YearsInOrder { get; }
    public Table<RestraintId, RestraintRow> Restraints { get; }
    public HashIndex<RestraintRow, int> RestraintsByAccount { get; }
    public OrderedIndex<RestraintRow, Instant> RestraintsByEnd { get; }

    /// <summary>The balance row of an account in an asset, or −1.</summary>
    public int FindBalance(int account, int asset)
    {
        var first = Accounts[account].FirstBalance;
        if (first >= 0 && Balances[first].Asset == asset) return first;
        return first < 0 ? -1 : Balances.Find(new(account, asset));
    }
}
