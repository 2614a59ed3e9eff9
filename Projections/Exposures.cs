using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>What the bank owes and is owed in one asset, on its own books or as client property.</summary>
/// <param name="Party">Whose; none where the sum is over all.</param>
/// <param name="Holds">Sum of the balances in credit, minor units: what others hold with the bank.</param>
/// <param name="Owes">Sum of the balances in debit, minor units: what others owe the bank.</param>
public readonly record struct Exposure(
    PartyId Party, Asset Asset, bool IsMemorandum, Int128 Holds, Int128 Owes)
{
    public Int128 Net => Holds - Owes;
}

/// <summary>An open currency position of a desk.</summary>
/// <param name="Position">
/// What the bank holds more of the asset than it owes by this desk's exchanges, minor units: positive is long.
/// </param>
/// <param name="Cost">What that cost in the functional currency, minor units: positive was paid.</param>
public readonly record struct CurrencyPosition(Tag Desk, Asset Asset, Int128 Position, Int128 Cost);

/// <summary>Risk figures over all balances.</summary>
public static class Exposures
{
    private const string Position = "pos", Equivalent = "eqv";

    /// <summary>
    /// Open currency positions by desk and asset. A desk's position account <c>pos:desk:asset</c> takes the other side
    /// of what customers exchanged, and <c>eqv:desk:asset</c> its equivalent in the functional currency.
    /// </summary>
    /// <remarks>
    /// A customer who sells dollars to the bank credits the desk's position, so credit is long; the equivalent that
    /// was paid for them is debited. What else was booked on a position account is a position in its own asset, and
    /// never added to that of the account's name; an equivalent is in the functional currency or none.
    /// </remarks>
    /// <param name="functional">What the equivalents are in.</param>
    public static IReadOnlyList<CurrencyPosition> Positions(IEnumerable<AccountBalance> balances, AssetCode functional)
    {
        ArgumentNullException.ThrowIfNull(balances);
        var found = new SortedDictionary<(Tag Desk, string Asset), (Asset? Asset, Int128 Position, Int128 Cost)>();
        foreach (var balance in balances)
        {
            if (balance.Account.ToString().Split(':') is not [Position or Equivalent, var desk, var asset] name) continue;
            var held = balance.Balance.Asset;
            var isPosition = name[0] == Position;
            if (!isPosition && held.Code != functional) continue;
            var key = (Tag.Of(desk), isPosition ? held.Code.ToString().ToLowerInvariant() : asset);
            var row = found.GetValueOrDefault(key);
            found[key] = isPosition
                ? (held, row.Position + balance.Balance.Net, row.Cost)
                : (row.Asset, row.Position, row.Cost - balance.Balance.Net);
        }
        return [.. found.Where(pair => pair.Value.Asset is not null).Select(pair => new CurrencyPosition(
            pair.Key.Desk, pair.Value.Asset!.Value, pair.Value.Position, pair.Value.Cost))];
    }

    /// <summary>By asset: customers and counterparties; the bank's equity, income and expense are not exposures.</summary>
    public static IReadOnlyList<Exposure> ByAsset(IEnumerable<AccountBalance> balances)
    {
        ArgumentNullException.ThrowIfNull(balances);
        var sums = new Sums();
        foreach (var balance in balances.Where(IsOfOthers)) sums.Add(default, balance, balance.Balance.Net);
        return sums.InOrder();
    }

    /// <summary>By party and asset, through the accounts that each holds, by shares.</summary>
    /// <param name="through">Whose the accounts were at this position.</param>
    /// <param name="only">Only this party; null: all.</param>
    public static IReadOnlyList<Exposure> ByParty(
        IEnumerable<AccountBalance> balances, AccountHolders holders, long through, PartyId? only)
    {
        ArgumentNullException.ThrowIfNull(balances);
        ArgumentNullException.ThrowIfNull(holders);
        var (sums, of) = (new Sums(), new List<Holder>());
        foreach (var balance in balances.Where(IsOfOthers))
        {
            holders.Gather(balance.Account, through, of);
            if (of.Count == 0) continue;
            var parts = Shared(balance.Balance.Net, of);
            for (var i = 0; i < of.Count; i++)
            {
                if (only is null || of[i].Party == only) sums.Add(of[i].Party, balance, parts[i]);
            }
        }
        return sums.InOrder();
    }

    /// <summary>
    /// Divides an amount by shares in parts per million; equally where shares are not stated. Each part is rounded
    /// towards zero, and the units that are left go one each to the first holders.
    /// </summary>
    /// <param name="holders">1 or more; either all have a share or none.</param>
    public static Int128[] Shared(Int128 minor, IReadOnlyList<Holder> holders)
    {
        ArgumentNullException.ThrowIfNull(holders);
        var whole = holders.Sum(holder => (long)holder.SharePpm);
        var parts = new Int128[holders.Count];
        var left = minor;
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = whole == 0
                ? WideMath.Divide(minor, parts.Length, Rounding.TowardZero)
                : WideMath.MulDiv(minor, holders[i].SharePpm, whole, Rounding.TowardZero);
            left -= parts[i];
        }
        for (var i = 0; left != 0; i++)
        {
            parts[i % parts.Length] += Int128.Sign(left);
            left -= Int128.Sign(left);
        }
        return parts;
    }

    /// <summary>Balances that somebody else holds or owes.</summary>
    private static bool IsOfOthers(AccountBalance balance) =>
        balance.Class is AccountClass.Asset or AccountClass.Liability or AccountClass.Memorandum
        && balance.Balance.Net != 0;

    private sealed class Sums
    {
        private readonly SortedDictionary<(string Party, AssetCode Asset, bool IsMemorandum), Exposure> _rows = [];

        public void Add(PartyId party, in AccountBalance balance, Int128 net)
        {
            var isMemorandum = balance.Class == AccountClass.Memorandum;
            var key = (party.IsNone ? "" : party.ToString(), balance.Balance.Asset.Code, isMemorandum);
            var sum = _rows.GetValueOrDefault(key, new(party, balance.Balance.Asset, isMemorandum, 0, 0));
            _rows[key] = sum with { Holds = sum.Holds + Int128.Max(net, 0), Owes = sum.Owes + Int128.Max(-net, 0) };
        }

        public IReadOnlyList<Exposure> InOrder() => [.. _rows.Values];
    }
}
