using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>One step of finding out whether a permission is satisfied, for who asks why.</summary>
/// <param name="Depth">0 for the permission that was declared.</param>
/// <param name="Within">Whose authority is being weighed.</param>
/// <param name="Factor">The key, permission or wait; the permission itself where its sum is stated.</param>
/// <param name="Outcome">
/// <c>counts</c>, <c>not signed</c>, <c>not satisfied</c>, <c>in a cycle</c>, <c>too deep</c>, <c>unknown</c>,
/// <c>stopped</c>, <c>not yet</c>; of a permission <c>satisfied</c> or <c>falls short</c>.
/// </param>
public readonly record struct WeighingStep(
    int Depth, Level Within, string Factor, int Weight, long Total, uint Threshold, string Outcome);

/// <summary>What is at hand to satisfy permissions with.</summary>
/// <param name="Keys">Whose signatures hold.</param>
/// <param name="Provided">Levels taken as satisfied: an API key's own, approvals of a proposal.</param>
/// <param name="DelaySeconds">Since the proposal; 0 for what was not proposed.</param>
public sealed record Credentials(
    IReadOnlyList<SigningKey> Keys, IReadOnlyList<Level> Provided, long DelaySeconds = 0)
{
    public static Credentials None { get; } = new([], []);
}

/// <summary>
/// Weighs authorities as Antelope does (AntelopeIO/spring authority_checker.hpp): factors by weight, then waits before
/// keys before accounts; it stops when the threshold is reached; what an authority that falls short had used is free
/// again; a permission under way or found wanting adds nothing, so a cycle never satisfies; a missing one adds nothing.
/// </summary>
/// <param name="counts">Whether a permission in an account's authority counts now; people lose their powers.</param>
public sealed class Satisfaction(Permissions permissions, Func<AccountId, Level, Instant, bool> counts)
{
    private enum State : byte
    {
        UnderWay,
        Satisfied,
        Wanting,
    }

    private readonly record struct Factor(int Weight, int Priority, int Index);

    private const int WaitPriority = 3, KeyPriority = 2, AccountPriority = 1;

    private readonly Dictionary<Level, State> _known = [];
    private readonly List<bool> _used = [];
    private readonly List<AccountId> _counted = [];
    private Credentials _credentials = Credentials.None;
    private Instant _now;

    /// <summary>The accounts whose permissions were counted, for those who ask what these people may.</summary>
    public IReadOnlyList<AccountId> Counted => _counted;

    /// <summary>Told of every step when somebody wants to know why.</summary>
    public List<WeighingStep>? Trace { get; set; }

    /// <summary>Begins a command: nothing is known and no key is used.</summary>
    public void Begin(Credentials credentials, Instant now)
    {
        (_credentials, _now) = (credentials, now);
        _known.Clear();
        _used.Clear();
        _counted.Clear();
        for (var i = 0; i < credentials.Keys.Count; i++) _used.Add(false);
        foreach (var level in credentials.Provided) _known[level] = State.Satisfied;
    }

    /// <summary>Whether every key was needed by a permission that was found satisfied.</summary>
    public bool AllKeysUsed => !_used.Contains(false);

    /// <summary>The keys that were needed.</summary>
    public IEnumerable<SigningKey> UsedKeys => _credentials.Keys.Where((_, i) => _used[i]);

    public bool IsSatisfied(Level level) => IsSatisfied(level, depth: 0);

    private bool IsSatisfied(Level level, int depth)
    {
        if (_known.TryGetValue(level, out var state)) return state == State.Satisfied;
        if (!permissions.TryFind(level, out var authority))
        {
            var holds = IsOwnKeyOfWallet(level);
            _known[level] = holds ? State.Satisfied : State.Wanting;
            Note(depth, level, level.ToString(), 0, 0, 1, holds ? "satisfied" : "unknown");
            return holds;
        }
        _known[level] = State.UnderWay;
        var satisfied = Weigh(level, authority, depth);
        _known[level] = satisfied ? State.Satisfied : State.Wanting;
        return satisfied;
    }

    private bool Weigh(Level level, Authority authority, int depth)
    {
        bool[] before = [.. _used];
        var counted = _counted.Count;
        long total = 0;
        foreach (var factor in InOrder(authority))
        {
            if (Adds(level, authority, factor, depth, total)) total += factor.Weight;
            if (total < authority.Threshold) continue;
            Note(depth, level, level.ToString(), 0, total, authority.Threshold, "satisfied");
            return true;
        }
        for (var i = 0; i < before.Length; i++) _used[i] = before[i];
        _counted.RemoveRange(counted, _counted.Count - counted);
        Note(depth, level, level.ToString(), 0, total, authority.Threshold, "falls short");
        return false;
    }

    /// <summary>Heavier first; of the same weight, waits, keys, accounts; of the same kind, as listed.</summary>
    private static IEnumerable<Factor> InOrder(Authority authority)
    {
        var factors = new List<Factor>(authority.Waits.Length + authority.Keys.Length + authority.Accounts.Length);
        for (var i = 0; i < authority.Waits.Length; i++) factors.Add(new(authority.Waits[i].Weight, WaitPriority, i));
        for (var i = 0; i < authority.Keys.Length; i++) factors.Add(new(authority.Keys[i].Weight, KeyPriority, i));
        for (var i = 0; i < authority.Accounts.Length; i++)
            factors.Add(new(authority.Accounts[i].Weight, AccountPriority, i));
        return factors.OrderByDescending(f => f.Weight).ThenByDescending(f => f.Priority).ThenBy(f => f.Index);
    }

    private bool Adds(Level level, Authority authority, in Factor factor, int depth, long total)
    {
        var (name, outcome) = factor.Priority switch
        {
            WaitPriority => Wait(authority.Waits[factor.Index]),
            KeyPriority => Sign(authority.Keys[factor.Index].Key),
            _ => Ask(level, authority.Accounts[factor.Index].Level, depth),
        };
        var adds = outcome == "counts";
        if (adds && factor.Priority == AccountPriority) _counted.Add(authority.Accounts[factor.Index].Level.Account);
        Note(depth, level, name, factor.Weight, adds ? total + factor.Weight : total, authority.Threshold, outcome);
        return adds;
    }

    private (string Name, string Outcome) Wait(WaitFactor wait) =>
        (Trace is null ? "" : $"{wait.Seconds} s", _credentials.DelaySeconds >= wait.Seconds ? "counts" : "not yet");

    private (string Name, string Outcome) Sign(SigningKey key)
    {
        var name = Trace is null ? "" : key.ToString();
        for (var i = 0; i < _credentials.Keys.Count; i++)
        {
            if (_credentials.Keys[i] != key) continue;
            _used[i] = true;
            return (name, "counts");
        }
        return (name, "not signed");
    }

    private (string Name, string Outcome) Ask(Level within, Level level, int depth)
    {
        var name = Trace is null ? "" : level.ToString();
        if (!counts(within.Account, level, _now)) return (name, "stopped");
        if (_known.TryGetValue(level, out var state))
        {
            return (name, state switch
            {
                State.Satisfied => "counts",
                State.UnderWay => "in a cycle",
                _ => "not satisfied",
            });
        }
        if (depth >= Authority.MaxDepth) return (name, "too deep");
        return (name, IsSatisfied(level, depth + 1) ? "counts" : "not satisfied");
    }

    /// <summary>A wallet without permissions of its own is its key's: owner and active alike.</summary>
    private bool IsOwnKeyOfWallet(Level level)
    {
        if (!Wallets.IsWallet(level.Account) || permissions.HasOwn(level.Account)) return false;
        if (level.Permission != Permissions.Owner && level.Permission != Permissions.Active) return false;
        for (var i = 0; i < _credentials.Keys.Count; i++)
        {
            if (Wallets.NameOf(_credentials.Keys[i]) != level.Account) continue;
            _used[i] = true;
            return true;
        }
        return false;
    }

    private void Note(int depth, Level within, string factor, int weight, long total, uint threshold, string outcome) =>
        Trace?.Add(new(depth, within, factor, weight, total, threshold, outcome));
}
