using System.Collections.Immutable;
using System.Diagnostics;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Ledger.AccountRejections;
using static BankingEngine.Domain.Ledger.LedgerRejections;

namespace BankingEngine.Domain.Ledger;

public sealed record OpenAccount(
    AccountId Id, AccountClass Class, Tag Chart, Dimensions Dimensions, AccountFlags Flags,
    ImmutableArray<AssetCode> Assets)
    : Command;

public sealed record AddAsset(AccountId Id, AssetCode Asset) : Command;

public sealed record SetLimits(AccountId Id, AccountFlags Limits) : Command;

public sealed record GrantOverdraft(AccountId Id, StatedAmount Limit) : Command;

public sealed record CloseAccount(AccountId Id, string Reason) : Command;

public sealed record ReopenAccount(AccountId Id, string Reason) : Command;

public sealed record RegisterAsset(AssetCode Code, byte Scale, string Title) : Command;

public sealed record RetireAsset(AssetCode Code) : Command;

public static class AccountRejections
{
    public static readonly Rejection
        AlreadyExists = new("account.already_exists", "This name is taken by another account.", RejectionKind.Conflict),
        ReservedName = new(
            "account.reserved_name",
            "Names that begin pos:, eqv: or client: are the book's own, and w: is opened by a credit to a wallet."),
        ChartUnknown = new("account.chart_unknown", "The chart of accounts has no such code of this class."),
        NoAssets = new("account.no_assets", "An account is opened for one asset or more."),
        TooManyAssets = new(
            "account.too_many_assets", $"An account is opened for at most {LedgerAccounts.MaxAssets} assets at once."),
        LimitsExclude = new(
            "account.limits_exclude_each_other", "Only one side of an account can be limited by the other."),
        LimitBroken = new(
            "account.limit_already_broken", "The account stands beyond this limit now.", RejectionKind.Conflict),
        NotEmpty = new(
            "account.not_empty", "A balance, a reservation or a restraint still stands.", RejectionKind.Conflict),
        YearStands = new(
            "account.year_open", "Income or expense of a year not yet closed stands on it.", RejectionKind.Conflict),
        AlreadyClosed = new("account.already_closed", "The account is closed already.", RejectionKind.Conflict),
        NotClosed = new("account.not_closed", "The account is open.", RejectionKind.Conflict),
        SystemAccount = new("account.system", "The book's own accounts stay open."),
        OverdraftNegative = new("account.overdraft_negative", "A granted overdraft is zero or more."),
        AssetExists = new(
            "asset.already_exists", "The book already knows an asset of this code.", RejectionKind.Conflict),
        AssetScale = new("asset.scale_out_of_range", "An asset has 0 to 18 decimals."),
        FunctionalAsset = new("asset.functional", "The functional currency cannot be retired.");
}

public static class LedgerAccounts
{
    public const int MaxAssets = 64;

    /// <summary>The reference data that, once published, lists the chart codes that accounts may have.</summary>
    public static readonly Tag ChartName = Tag.Of("chart");

    private const AccountFlags Limits =
        AccountFlags.DebitsMustNotExceedCredits | AccountFlags.CreditsMustNotExceedDebits;

    public static Decision Decide(LedgerView ledger, in Moment at, OpenAccount c)
    {
        var t = ledger.Tables;
        if ((c.Flags & Limits) == Limits) return LimitsExclude;
        if (c.Assets.IsEmpty != ((c.Flags & AccountFlags.AnyAsset) != 0)) return NoAssets;
        if (c.Assets.Length > MaxAssets) return TooManyAssets;
        if ((c.Flags & AccountFlags.System) == 0 && IsReserved(c.Id)) return ReservedName;
        foreach (var asset in c.Assets)
        {
            var row = t.Assets.Find(asset);
            if (row < 0) return AssetUnknown;
            if (t.Assets[row].Retired != 0) return AssetRetired;
        }
        if ((c.Flags & AccountFlags.System) == 0 && !Lists(ledger.Book.References.InForce(ChartName, at.Today), c))
            return ChartUnknown;
        if (t.Accounts.Find(c.Id) >= 0) return AccountRejections.AlreadyExists;
        ImmutableArray<AssetCode> assets = [.. c.Assets.Distinct()];
        return new AccountEvent.Opened(c.Id, c.Class, c.Chart, c.Dimensions, c.Flags & ~AccountFlags.Closed, assets);
    }

    public static Decision Decide(LedgerView ledger, AddAsset c)
    {
        var t = ledger.Tables;
        var account = t.Accounts.Find(c.Id);
        if (account < 0) return AccountNotFound;
        if (t.Accounts[account].Has(AccountFlags.Closed)) return AccountClosed;
        var asset = t.Assets.Find(c.Asset);
        if (asset < 0) return AssetUnknown;
        if (t.Assets[asset].Retired != 0) return AssetRetired;
        var balance = t.FindBalance(account, asset);
        return balance >= 0 && t.Balances[balance].Has(BalanceFlags.Opened)
            ? [] : new AccountEvent.AssetAdded(c.Id, c.Asset);
    }

    public static Decision Decide(LedgerView ledger, SetLimits c)
    {
        var t = ledger.Tables;
        var account = t.Accounts.Find(c.Id);
        if (account < 0) return AccountNotFound;
        var limits = c.Limits & Limits;
        if (limits == Limits) return LimitsExclude;
        var row = t.Accounts[account];
        if (row.Has(AccountFlags.Closed)) return AccountClosed;
        if ((row.Flags & Limits) == limits) return [];
        for (var b = row.FirstBalance; b >= 0; b = t.Balances[b].Next)
        {
            ref readonly var balance = ref t.Balances[b];
            var beyond = limits == AccountFlags.DebitsMustNotExceedCredits
                ? balance.Net - balance.DebitsPending + ledger.Overdraft(balance, b) < 0
                : limits == AccountFlags.CreditsMustNotExceedDebits && balance.Net + balance.CreditsPending > 0;
            if (beyond) return LimitBroken;
        }
        return new AccountEvent.LimitsSet(c.Id, limits);
    }

    public static Decision Decide(LedgerView ledger, GrantOverdraft c)
    {
        if (ledger.Resolve(c.Limit, out var limit) is { } no) return no;
        if (limit.Minor < 0) return OverdraftNegative;
        var account = ledger.Tables.Accounts.Find(c.Id);
        if (account < 0) return AccountNotFound;
        if (ledger.Tables.Accounts[account].Has(AccountFlags.Closed)) return AccountClosed;
        var balance = ledger.Tables.FindBalance(account, ledger.Tables.Assets.Find(limit.Asset.Code));
        if (balance < 0 || !ledger.Tables.Balances[balance].Has(BalanceFlags.Opened)) return AssetNotOpened;
        return ledger.Overdraft(ledger.Tables.Balances[balance], balance) == limit.Minor
            ? []
            : new AccountEvent.OverdraftGranted(c.Id, limit);
    }

    public static Decision Decide(LedgerView ledger, CloseAccount c)
    {
        var t = ledger.Tables;
        var account = t.Accounts.Find(c.Id);
        if (account < 0) return AccountNotFound;
        var row = t.Accounts[account];
        if (row.Has(AccountFlags.Closed)) return AlreadyClosed;
        if (row.Has(AccountFlags.System)) return SystemAccount;
        if (row.Restraints > 0) return NotEmpty;
        for (var b = row.FirstBalance; b >= 0; b = t.Balances[b].Next)
        {
            ref readonly var balance = ref t.Balances[b];
            if (balance.Net != 0 || balance.DebitsPending != 0 || balance.CreditsPending != 0) return NotEmpty;
        }
        for (var b = row.FirstBalance; b >= 0; b = t.Balances[b].Next)
        {
            if (Books.StandsInYear(t, b)) return YearStands;
        }
        return new AccountEvent.Closed(c.Id, c.Reason);
    }

    public static Decision Decide(LedgerView ledger, ReopenAccount c)
    {
        var account = ledger.Tables.Accounts.Find(c.Id);
        if (account < 0) return AccountNotFound;
        return ledger.Tables.Accounts[account].Has(AccountFlags.Closed)
            ? new AccountEvent.Reopened(c.Id, c.Reason) : NotClosed;
    }

    public static Decision Decide(LedgerView ledger, RegisterAsset c)
    {
        if (c.Scale > 18) return AssetScale;
        return ledger.Tables.Assets.Find(c.Code) >= 0
            ? AssetExists : new AssetEvent.Registered(new(c.Code, c.Scale), c.Title);
    }

    public static Decision Decide(LedgerView ledger, RetireAsset c)
    {
        var row = ledger.Tables.Assets.Find(c.Code);
        if (row < 0) return AssetUnknown;
        if (c.Code == ledger.Book.Genesis.Functional) return FunctionalAsset;
        return ledger.Tables.Assets[row].Retired != 0 ? [] : new AssetEvent.Retired(c.Code);
    }

    public static void Evolve(LedgerTables t, AssetEvent @event)
    {
        switch (@event)
        {
            case AssetEvent.Registered e: t.Assets.Insert(new(e.Asset.Code, e.Asset.Scale, 0, 0)); break;
            case AssetEvent.Retired e:
                var row = t.Assets.Find(e.Code);
                t.Assets.Update(row, t.Assets[row] with { Retired = 1 });
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    public static void Evolve(LedgerTables t, AccountEvent @event)
    {
        switch (@event)
        {
            case AccountEvent.Opened e: Open(t, e); break;
            case AccountEvent.AssetAdded e:
                Postings.BalanceFor(t, t.Accounts.Find(e.Id), t.Assets.Find(e.Asset), BalanceFlags.Opened);
                break;
            case AccountEvent.LimitsSet e: Flag(t, e.Id, clear: Limits, set: e.Limits); break;
            case AccountEvent.OverdraftGranted e: Grant(t, e); break;
            case AccountEvent.Closed e: Flag(t, e.Id, clear: AccountFlags.None, set: AccountFlags.Closed); break;
            case AccountEvent.Reopened e: Flag(t, e.Id, clear: AccountFlags.Closed, set: AccountFlags.None); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>
    /// Before a chart is published every code will do; the book's own accounts have theirs whatever it lists.
    /// </summary>
    private static bool Lists(ReferenceEvent.Published? inForce, OpenAccount c)
    {
        if (inForce?.Content is not ReferenceContent.Chart chart) return true;
        foreach (var line in chart.Lines)
        {
            if (line.Code == c.Chart)
                return string.Equals(line.Class, c.Class.ToString(), StringComparison.OrdinalIgnoreCase);
        }
        return false;
    }

    private static bool IsReserved(AccountId id)
    {
        var name = id.ToString();
        return name.StartsWith("pos:", StringComparison.Ordinal) || name.StartsWith("eqv:", StringComparison.Ordinal)
            || name.StartsWith("client:", StringComparison.Ordinal);
    }

    private static void Open(LedgerTables t, AccountEvent.Opened e)
    {
        var chart = t.Chart.Find(e.Chart);
        if (chart < 0) chart = t.Chart.Insert(new(e.Chart));
        var dimensions = t.Dimensions.Find(e.Dimensions);
        if (dimensions < 0) dimensions = t.Dimensions.Insert(new(e.Dimensions));
        var account = t.Accounts.Insert(new(e.Id, chart, dimensions, BalanceRow.None, e.Class, e.Flags, 0));
        foreach (var asset in e.Assets) Postings.BalanceFor(t, account, t.Assets.Find(asset), BalanceFlags.Opened);
    }

    private static void Flag(LedgerTables t, AccountId id, AccountFlags clear, AccountFlags set)
    {
        var row = t.Accounts.Find(id);
        t.Accounts.Update(row, t.Accounts[row] with { Flags = (t.Accounts[row].Flags & ~clear) | set });
    }

    private static void Grant(LedgerTables t, AccountEvent.OverdraftGranted e)
    {
        var balance = Postings.BalanceFor(t, t.Accounts.Find(e.Id), t.Assets.Find(e.Limit.Asset.Code));
        var row = t.Balances[balance];
        var index = t.Overdrafts.Find(balance);
        if (e.Limit.Minor == 0)
        {
            if (index >= 0) t.Overdrafts.Delete(index);
            t.Balances.Update(balance, row with { Flags = row.Flags & ~BalanceFlags.HasOverdraft });
            return;
        }
        if (index < 0) t.Overdrafts.Insert(new(e.Limit.Minor, balance, 0));
        else t.Overdrafts.Update(index, new(e.Limit.Minor, balance, 0));
        t.Balances.Update(balance, row with { Flags = row.Flags | BalanceFlags.HasOverdraft });
    }
}
