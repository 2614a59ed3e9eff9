using System.Collections.Immutable;
using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

/// <summary>One account in one asset.</summary>
/// <param name="Opened">Whether the account was opened for the asset; else only diverted money is here.</param>
/// <param name="ValueAhead">Credits by the date from which they have value; past dates may still be listed.</param>
public sealed record ModelBalance(
    BigInteger DebitsPosted, BigInteger CreditsPosted, BigInteger DebitsPending, BigInteger CreditsPending, bool Opened,
    BigInteger Overdraft, ImmutableSortedDictionary<int, BigInteger> ValueAhead)
{
    public static ModelBalance Empty { get; } =
        new(0, 0, 0, 0, Opened: false, 0, ImmutableSortedDictionary<int, BigInteger>.Empty);

    /// <summary>Posted credits less posted debits, less what open reservations would take.</summary>
    public BigInteger Free => CreditsPosted - DebitsPosted - DebitsPending;
}

public sealed record ModelAccount(
    AccountClass Class, bool DebitsLimited, bool CreditsLimited, bool Closed, bool AnyAsset, bool System,
    ImmutableSortedDictionary<string, ModelBalance> Balances)
{
    public bool IsMemorandum => Class == AccountClass.Memorandum;

    public ModelBalance In(string asset) => Balances.GetValueOrDefault(asset, ModelBalance.Empty);
}

public sealed record ModelAsset(int Scale, bool Retired);

public sealed record ModelReservation(
    string Debit, string Credit, string Asset, BigInteger Remaining, Instant? Expires, BusinessDate? ValueOn);

/// <param name="Placed">Order of placing.</param>
/// <param name="Asset">Empty where the whole account is held.</param>
/// <param name="Caught">With a protected minimum: the most it ever held at a movement.</param>
public sealed record ModelRestraint(
    string Account, long Placed, int Rank, RestraintScope Scope, string Asset, BigInteger Remaining, BigInteger Minimum,
    BigInteger Caught, Instant From, Instant? Until)
{
    public bool StandsAt(Instant now) => From <= now && (Until is null || now < Until);

    /// <summary>What it holds of an amount that is free before it.</summary>
    public BigInteger HoldsOf(BigInteger free)
    {
        if (Minimum == 0) return Remaining;
        var reachable = BigInteger.Max(0, BigInteger.Min(Remaining, free - Minimum));
        return BigInteger.Max(Caught, reachable);
    }
}

/// <summary>A used id: what was asked by whom, and where the answer is.</summary>
public sealed record ModelUse(int Caller, UInt128 Fingerprint, long Position, int Parts);

/// <summary>
/// All that the model knows. Nothing in it changes in place, so that undoing a command is keeping the value from
/// before it.
/// </summary>
public sealed record ModelState
{
    public required ImmutableSortedDictionary<string, ModelAsset> Assets { get; init; }
    public required ImmutableSortedDictionary<string, ModelAccount> Accounts { get; init; }
    public ImmutableDictionary<UInt128, ModelReservation> Reservations { get; init; } =
        ImmutableDictionary<UInt128, ModelReservation>.Empty;
    public ImmutableDictionary<UInt128, ModelRestraint> Restraints { get; init; } =
        ImmutableDictionary<UInt128, ModelRestraint>.Empty;
    public ImmutableHashSet<long> Reversed { get; init; } = [];

    /// <summary>Positions of reversals.</summary>
    public ImmutableHashSet<long> Corrections { get; init; } = [];

    /// <summary>Income and expense not yet carried, by year, account and asset; zeros are left out.</summary>
    public ImmutableDictionary<(int Year, string Account, string Asset), BigInteger> Years { get; init; } =
        ImmutableDictionary<(int, string, string), BigInteger>.Empty;

    public required BusinessDate Today { get; init; }
    public required Instant CutOff { get; init; }
    public BusinessDate ClosedSoftly { get; init; } = BusinessDate.First;
    public BusinessDate Closed { get; init; } = BusinessDate.First;
    public int ClosedYear { get; init; }

    /// <summary>The year whose close is under way; 0 when none is.</summary>
    public int ClosingYear { get; init; }

    public ImmutableDictionary<UInt128, ModelUse> Uses { get; init; } = ImmutableDictionary<UInt128, ModelUse>.Empty;
    public ImmutableQueue<UInt128> UsesInOrder { get; init; } = [];
    public long HorizonMilliseconds { get; init; } = -1;
    public ImmutableHashSet<UInt128> Faulty { get; init; } = [];

    /// <summary>Position of the last event.</summary>
    public long Position { get; init; }

    public ModelState With(string account, ModelAccount row) => this with { Accounts = Accounts.SetItem(account, row) };

    public ModelState With(string account, string asset, ModelBalance balance)
    {
        var row = Accounts[account];
        return With(account, row with { Balances = row.Balances.SetItem(asset, balance) });
    }

    /// <summary>Restraints of an amount in effect on one balance, in the order they are served.</summary>
    public IReadOnlyList<KeyValuePair<UInt128, ModelRestraint>> Served(string account, string asset, Instant now)
    {
        if (Restraints.IsEmpty) return [];
        return [.. Restraints.Where(r => r.Value.Account == account && r.Value.Asset == asset && r.Value.StandsAt(now))
            .OrderBy(r => r.Value.Rank).ThenBy(r => r.Value.Placed)];
    }

    public BigInteger Restrained(string account, string asset, Instant now)
    {
        BigInteger held = 0;
        foreach (var (_, restraint) in Served(account, asset, now))
            held += restraint.HoldsOf(Spendable(account, asset) - held);
        return held;
    }

    /// <summary>Posted − pending debits − credits not yet of value: what restraints can lay hold of.</summary>
    public BigInteger Spendable(string account, string asset)
    {
        var balance = Accounts[account].In(asset);
        var ahead = BigInteger.Zero;
        foreach (var (day, minor) in balance.ValueAhead)
        {
            if (day > Today.Day) ahead += minor;
        }
        return balance.Free - ahead;
    }

    /// <summary>Posted − pending debits − restrained − credits not yet of value + granted overdraft.</summary>
    public BigInteger Available(string account, string asset, Instant now) =>
        Spendable(account, asset) - Restrained(account, asset, now) + Accounts[account].In(asset).Overdraft;
}
