using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>Prices in the functional currency, of one version of a price set.</summary>
/// <param name="name">Of the reference data.</param>
public sealed class Prices(Tag name, int version, BusinessDate inForceFrom, Asset functional, IEnumerable<AssetPrice> all)
{
    private readonly Dictionary<AssetCode, Rate> _prices = all.ToDictionary(price => price.Asset, price => price.Price);

    public Tag Name { get; } = name;

    public int Version { get; } = version;

    public BusinessDate InForceFrom { get; } = inForceFrom;

    /// <summary>What the reports are in.</summary>
    public Asset Functional { get; } = functional;

    /// <summary>The price of one whole unit; one for the functional currency itself, null where there is none.</summary>
    public Rate? Of(AssetCode asset) => asset == Functional.Code ? Rate.One
        : _prices.TryGetValue(asset, out var price) ? price : null;
}

/// <summary>One line of a balance sheet or income statement.</summary>
/// <param name="Section">
/// Where it is presented: by sign, gross; <see cref="AccountClass.Memorandum"/> apart.
/// </param>
/// <param name="Class">The class of its accounts.</param>
/// <param name="Minor">
/// In minor units of the asset; positive on the section's own side: debit for assets and expenses and for memorandum
/// accounts in debit, credit for the others.
/// </param>
/// <param name="Price">Null where the price set has none: then there is no value either.</param>
/// <param name="Value">In minor units of the functional currency, rounded half to even, once.</param>
public readonly record struct FinancialLine(
    AccountClass Section, AccountClass Class, Tag Chart, Asset Asset, Int128 Minor, Rate? Price, Int128? Value);

/// <summary>A balance sheet in the functional currency.</summary>
/// <param name="Lines">Assets, liabilities, equity, and the result of years not closed as income and expense.</param>
/// <param name="Memorandum">Client property and commitments, which are not the bank's.</param>
/// <param name="Remainder">
/// What rounding each line left between the two sides: it belongs to equity and liabilities, with its sign.
/// </param>
/// <param name="MissingPrices">Assets without a price: their lines are shown, and are in no total.</param>
public sealed record BalanceSheet(
    IReadOnlyList<FinancialLine> Lines, IReadOnlyList<FinancialLine> Memorandum, Int128 Assets, Int128 Liabilities,
    Int128 Equity, Int128 Result, Int128 Remainder, IReadOnlyList<Asset> MissingPrices);

/// <summary>An income statement in the functional currency.</summary>
/// <param name="MissingPrices">Assets without a price: their lines are shown, and are in no total.</param>
public sealed record IncomeStatement(
    IReadOnlyList<FinancialLine> Lines, Int128 Income, Int128 Expense, IReadOnlyList<Asset> MissingPrices)
{
    public Int128 Result => Income - Expense;
}

/// <summary>The bank's reports in its functional currency, made of balances and a price set.</summary>
public static class FinancialStatements
{
    /// <summary>What stands where: assets equal liabilities, equity, result and the remainder of rounding.</summary>
    /// <param name="balances">All balances at the cut that the sheet is of.</param>
    /// <exception cref="OverflowException">A value leaves 128 bits.</exception>
    public static BalanceSheet Sheet(IEnumerable<AccountBalance> balances, Prices prices)
    {
        ArgumentNullException.ThrowIfNull(balances);
        ArgumentNullException.ThrowIfNull(prices);
        var sums = new Sums();
        foreach (var balance in balances)
        {
            if (balance.Balance.Net == 0) continue;
            var section = Presented(balance.Class, balance.Balance.Net);
            Add(sums, section, balance, balance.Balance.Net, balance.Balance.Net > 0);
        }
        var lines = Valued(sums, prices);
        var own = lines.Where(line => line.Section != AccountClass.Memorandum).ToList();
        var (assets, liabilities, equity) = (
            Total(own, AccountClass.Asset), Total(own, AccountClass.Liability), Total(own, AccountClass.Equity));
        var result = Total(own, AccountClass.Income) - Total(own, AccountClass.Expense);
        return new(
            own, [.. lines.Where(line => line.Section == AccountClass.Memorandum)], assets, liabilities, equity, result,
            assets - liabilities - equity - result, Missing(lines));
    }

    /// <summary>What was earned and spent between two accounting dates, closes of years left out.</summary>
    /// <param name="before">All balances at the cut before the period's first date.</param>
    /// <param name="through">All balances at the cut of its last date.</param>
    /// <param name="carried">What closes of years moved in the period.</param>
    /// <exception cref="OverflowException">A value leaves 128 bits.</exception>
    public static IncomeStatement Income(
        IEnumerable<AccountBalance> before, IEnumerable<AccountBalance> through, IEnumerable<CarriedResult> carried,
        Prices prices)
    {
        ArgumentNullException.ThrowIfNull(prices);
        var sums = new Sums();
        var accounts = new Dictionary<(AccountId, AssetCode), AccountBalance>();
        foreach (var balance in through.Where(IsResult))
        {
            accounts.Add((balance.Account, balance.Balance.Asset.Code), balance);
            Add(sums, balance.Class, balance, balance.Balance.Net, isCredit: false);
        }
        foreach (var balance in before.Where(IsResult))
            Add(sums, balance.Class, balance, -balance.Balance.Net, isCredit: false);
        foreach (var leg in carried)
        {
            var of = accounts[(leg.Account, leg.Asset)];
            Add(sums, of.Class, of, -leg.Net, isCredit: false);
        }
        var lines = Valued(sums, prices);
        return new(lines, Total(lines, AccountClass.Income), Total(lines, AccountClass.Expense), Missing(lines));
    }

    /// <summary>By its sign, gross: an overdrawn deposit is an asset.</summary>
    public static AccountClass Presented(AccountClass @class, Int128 net) => (@class, Int128.Sign(net)) switch
    {
        (AccountClass.Liability, < 0) => AccountClass.Asset,
        (AccountClass.Asset, > 0) => AccountClass.Liability,
        _ => @class,
    };

    /// <param name="isCredit">Keeps debit and credit apart where they are not netted.</param>
    private static void Add(Sums sums, AccountClass section, in AccountBalance balance, Int128 net, bool isCredit)
    {
        var key = (section, balance.Class, balance.Chart, balance.Balance.Asset, isCredit);
        sums[key] = sums.GetValueOrDefault(key) + net;
    }

    private static bool IsResult(AccountBalance balance) =>
        balance.Class is AccountClass.Income or AccountClass.Expense;

    private static List<FinancialLine> Valued(Sums sums, Prices prices)
    {
        var lines = new List<FinancialLine>();
        foreach (var (key, net) in sums.Where(pair => pair.Value != 0).OrderBy(pair => pair.Key.Section)
            .ThenBy(pair => pair.Key.Chart).ThenBy(pair => pair.Key.Class).ThenBy(pair => pair.Key.Asset.Code)
            .ThenBy(pair => pair.Key.IsCredit))
        {
            var isDebit = key.Section is AccountClass.Asset or AccountClass.Expense or AccountClass.Memorandum;
            var amount = new Amount(isDebit ? -net : net, key.Asset);
            var price = prices.Of(key.Asset.Code);
            Int128? value = price is { } known ? known.Apply(amount, prices.Functional, Rounding.HalfEven).Minor : null;
            lines.Add(new(key.Section, key.Class, key.Chart, key.Asset, amount.Minor, price, value));
        }
        return lines;
    }

    private static Int128 Total(List<FinancialLine> lines, AccountClass section) => lines
        .Where(line => line.Section == section && line.Value is not null)
        .Aggregate(Int128.Zero, (sum, line) => sum + line.Value!.Value);

    private sealed class Sums
        : Dictionary<(AccountClass Section, AccountClass Class, Tag Chart, Asset Asset, bool IsCredit), Int128>;

    private static IReadOnlyList<Asset> Missing(List<FinancialLine> lines) =>
        [.. lines.Where(line => line.Price is null).Select(line => line.Asset).Distinct().OrderBy(a => a.Code)];
}
