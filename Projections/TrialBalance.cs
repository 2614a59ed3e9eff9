using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using TrialKey = (
    BankingEngine.Domain.Ledger.AccountClass, BankingEngine.Domain.Ledger.AccountClass, BankingEngine.Domain.Kernel.Tag,
    BankingEngine.Domain.Kernel.AssetCode, bool);

namespace BankingEngine.Projections;

/// <summary>What the lines of a trial balance stand for.</summary>
public enum TrialBy
{
    Class,
    Chart,
    Account,
}

/// <summary>One line: what was posted in one asset, and where it stands.</summary>
/// <param name="Presented">
/// The class it is shown under: by its sign, gross. A liability in debit is an asset, an asset in credit a liability.
/// </param>
/// <param name="Chart">None by class.</param>
/// <param name="Account">None but by account.</param>
/// <param name="Debits">Turnover: all debits posted, minor units.</param>
/// <param name="DebitBalance">Sum of the balances in debit; one of the two balances is zero.</param>
public readonly record struct TrialLine(
    AccountClass Class, AccountClass Presented, Tag Chart, AccountId Account, Asset Asset, Int128 Debits,
    Int128 Credits, Int128 DebitBalance, Int128 CreditBalance)
{
    /// <summary>What a line is called that stands under another class than its own; null for all others.</summary>
    public string? Heading => (Class, Presented) switch
    {
        (AccountClass.Liability, AccountClass.Asset) => "overdrawn customers",
        (AccountClass.Asset, AccountClass.Liability) => "assets in credit",
        _ => null,
    };
}

/// <summary>The sums of one asset, the balance sheet and the memorandum accounts apart.</summary>
public readonly record struct TrialTotal(Asset Asset, bool IsMemorandum, Int128 Debits, Int128 Credits)
{
    /// <summary>Zero in a book that balances.</summary>
    public Int128 Difference => Debits - Credits;
}

/// <summary>Shows all balances at one position so that anyone can see that they balance. Read once, to the
/// end.</summary>
/// <param name="through">Last position that counts.</param>
/// <param name="bookedThrough">Last accounting date that counts; null: all.</param>
public sealed class TrialBalance(IAccountEntries entries, TrialBy by, long through, BusinessDate? bookedThrough)
{
    private readonly SortedDictionary<(AssetCode, bool), TrialTotal> _totals = [];

    /// <summary>Last position that counts.</summary>
    public long Position => through;

    /// <summary>The totals of the lines read so far; of all, when the lines are read to the end.</summary>
    public IReadOnlyCollection<TrialTotal> Totals => _totals.Values;

    /// <summary>By account as the accounts were first used, and not gathered; else by class, chart code and
    /// asset.</summary>
    public async IAsyncEnumerable<TrialLine> LinesAsync()
    {
        _totals.Clear();
        var groups = new SortedDictionary<TrialKey, TrialLine>();
        await foreach (var balance in entries.BalancesAsync(through, bookedThrough).ConfigureAwait(false))
        {
            if (balance.Balance.Debits == 0 && balance.Balance.Credits == 0) continue;
            var line = LineOf(balance);
            if (by == TrialBy.Account) yield return line;
            else Group(groups, line);
        }
        foreach (var line in groups.Values) yield return line;
    }

    private TrialLine LineOf(AccountBalance b)
    {
        var net = b.Balance.Net;
        var presented = (b.Class, Int128.Sign(net)) switch
        {
            (AccountClass.Liability, < 0) => AccountClass.Asset,
            (AccountClass.Asset, > 0) => AccountClass.Liability,
            _ => b.Class,
        };
        Add(b);
        return new(
            b.Class, presented, by == TrialBy.Class ? default : b.Chart, by == TrialBy.Account ? b.Account : default,
            b.Balance.Asset, b.Balance.Debits, b.Balance.Credits, Int128.Max(-net, 0), Int128.Max(net, 0));
    }

    private void Add(AccountBalance b)
    {
        var memorandum = b.Class == AccountClass.Memorandum;
        var key = (b.Balance.Asset.Code, memorandum);
        var sum = _totals.GetValueOrDefault(key, new(b.Balance.Asset, memorandum, 0, 0));
        _totals[key] = sum with { Debits = sum.Debits + b.Balance.Debits, Credits = sum.Credits + b.Balance.Credits };
    }

    private static void Group(SortedDictionary<TrialKey, TrialLine> groups, in TrialLine line)
    {
        // Equity, income and expense keep their class whatever their sign: gross means the signs are not netted.
        var key = (line.Presented, line.Class, line.Chart, line.Asset.Code, line.CreditBalance > 0);
        groups[key] = groups.TryGetValue(key, out var sum)
            ? sum with
            {
                Debits = sum.Debits + line.Debits,
                Credits = sum.Credits + line.Credits,
                DebitBalance = sum.DebitBalance + line.DebitBalance,
                CreditBalance = sum.CreditBalance + line.CreditBalance,
            }
            : line;
    }
}
