using System.Collections.Immutable;
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
/// Other than there, a permission met again brings the keys that it needed along, so that none of them looks needless.
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

    /// <summary>What is known of a permission.</summary>
    /// <param name="Keys">The keys it needed, a bit each.</param>
    /// <param name="Accounts">Those whose permissions it counted.</param>
    /// <param name="IsTold">Its keys and accounts are among those that were used and counted.</param>
    private readonly record struct Known(
        State State, uint Keys, ImmutableArray<AccountId> Accounts, bool IsTold = false)
    {
        public static Known UnderWay { get; } = new(State.UnderWay, 0, []);
        public static Known Wanting { get; } = new(State.Wanting, 0, []);
        public static Known Provided { get; } = new(State.Satisfied, 0, []);
    }

    /// <summary>Steps that are told.</summary>
    public const int MaxSteps = 1_000;

    /// <summary>
    /// Factors weighed for one command. A tree may grow after it was checked, from the top down; what lies beyond adds
    /// nothing.
    /// </summary>
    public const int MaxWeighed = 32 * Permissions.MaxTree;

    private const int WaitPriority = 3, KeyPriority = 2, AccountPriority = 1;

    private readonly Dictionary<Level, Known> _known = [];
    private readonly List<AccountId> _counted = [];
    private readonly HashSet<AccountId> _met = [];
    private Credentials _credentials = Credentials.None;
    private Instant _now;
    private uint _used;

    /// <summary>
    /// The accounts whose permissions were found satisfied or counted, each once, for those who ask what these people
    /// may.
    /// </summary>
    public IReadOnlyList<AccountId> Counted => _counted;

    /// <summary>Told of every step, up to <see cref="MaxSteps"/>, when somebody wants to know why.</summary>
    public List<WeighingStep>? Trace { get; set; }

    /// <summary>How many factors were weighed since the command began.</summary>
    public int Weighed { get; private set; }

    private bool IsTraced => Trace is { Count: < MaxSteps };

    /// <summary>Whether every key was needed by a permission that was found satisfied.</summary>
    public bool AllKeysUsed => _used == (1u << _credentials.Keys.Count) - 1;

    /// <summary>The keys that were needed.</summary>
    public IEnumerable<SigningKey> UsedKeys => _credentials.Keys.Where((_, i) => (_used & 1u << i) != 0);

    /// <summary>Begins a command: nothing is known and no key is used.</summary>
    /// <param name="credentials">At most <see cref="Proof.MaxSignatures"/> keys.</param>
    public void Begin(Credentials credentials, Instant now)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(credentials.Keys.Count, Proof.MaxSignatures);
        (_credentials, _now, _used, Weighed) = (credentials, now, 0, 0);
        _known.Clear();
        _counted.Clear();
        _met.Clear();
        foreach (var level in credentials.Provided)
        {
            if (permissions.IsThere(level)) _known[level] = Known.Provided;
        }
    }

    public bool IsSatisfied(Level level)
    {
        var known = Ask(level, depth: 0);
        if (known.State != State.Satisfied) return false;
        if (known.IsTold) return true;
        _known[level] = known with { IsTold = true };
        _used |= known.Keys;
        Meet(level.Account);
        foreach (var account in known.Accounts) Meet(account);
        return true;
    }

    /// <summary>Whether a passkey was among the keys that a satisfied permission needed.</summary>
    public bool IsByPasskey(Level level)
    {
        if (!_known.TryGetValue(level, out var known)) return false;
        for (var i = 0; i < _credentials.Keys.Count; i++)
        {
            if ((known.Keys & 1u << i) != 0 && _credentials.Keys[i].Kind == KeyKind.Passkey) return true;
        }
        return false;
    }

    private void Meet(AccountId account)
    {
        if (_met.Add(account)) _counted.Add(account);
    }

    private Known Ask(Level level, int depth)
    {
        if (_known.TryGetValue(level, out var known)) return known;
        if (Weighed >= MaxWeighed) return Known.Wanting;
        if (permissions.TryFind(level, out var authority))
        {
            Weighed += authority.CountFactors();
            _known[level] = Known.UnderWay;
            known = Weigh(level, authority, depth);
        }
        else
        {
            var key = OwnKeyOfWallet(level);
            known = key == 0 ? Known.Wanting : new(State.Satisfied, key, []);
            Note(depth, level, !IsTraced ? "" : level.ToString(), 0, 0, 1, key == 0 ? "unknown" : "satisfied");
        }
        return _known[level] = known;
    }

    private Known Weigh(Level level, Authority authority, int depth)
    {
        var (total, keys) = (0L, 0u);
        List<AccountId>? accounts = null;
        Span<ulong> factors = stackalloc ulong[authority.CountFactors()];
        InOrder(authority, factors);
        foreach (var factor in factors)
        {
            var (weight, priority, index) = Unpack(factor);
            var (name, outcome, needed) = priority switch
            {
                WaitPriority => Wait(authority.Waits[index]),
                KeyPriority => Sign(authority.Keys[index].Key),
                _ => Count(level, authority.Accounts[index].Level, depth, ref accounts),
            };
            if (outcome == Counts)
            {
                total += weight;
                keys |= needed;
            }
            Note(depth, level, name, weight, total, authority.Threshold, outcome);
            if (total < authority.Threshold) continue;
            Note(depth, level, !IsTraced ? "" : level.ToString(), 0, total, authority.Threshold, "satisfied");
            return new(State.Satisfied, keys, accounts is null ? [] : [.. accounts]);
        }
        Note(depth, level, !IsTraced ? "" : level.ToString(), 0, total, authority.Threshold, "falls short");
        return Known.Wanting;
    }

    /// <summary>Heavier first; of the same weight, waits, keys, accounts; of the same kind, as listed.</summary>
    private static void InOrder(Authority authority, Span<ulong> factors)
    {
        var count = 0;
        for (var i = 0; i < authority.Waits.Length; i++)
            factors[count++] = Packed(authority.Waits[i].Weight, WaitPriority, i);
        for (var i = 0; i < authority.Keys.Length; i++)
            factors[count++] = Packed(authority.Keys[i].Weight, KeyPriority, i);
        for (var i = 0; i < authority.Accounts.Length; i++)
            factors[count++] = Packed(authority.Accounts[i].Weight, AccountPriority, i);
        if (count <= 1) return;
        factors.Sort();
        factors.Reverse();
    }

    /// <summary>Weight, priority and, the lower the higher, index: in one number that orders as they do.</summary>
    private static ulong Packed(ushort weight, int priority, int index) =>
        (ulong)weight << 32 | (uint)priority << 16 | (uint)(ushort.MaxValue - index);

    private static (int Weight, int Priority, int Index) Unpack(ulong factor) =>
        ((int)(factor >> 32), (int)(factor >> 16 & ushort.MaxValue), ushort.MaxValue - (int)(factor & ushort.MaxValue));

    private const string Counts = "counts";

    private (string Name, string Outcome, uint Key) Wait(WaitFactor wait) =>
        (!IsTraced ? "" : $"{wait.Seconds} s", _credentials.DelaySeconds >= wait.Seconds ? Counts : "not yet", 0);

    private (string Name, string Outcome, uint Key) Sign(SigningKey key)
    {
        var name = !IsTraced ? "" : key.ToString();
        for (var i = 0; i < _credentials.Keys.Count; i++)
        {
            if (_credentials.Keys[i] == key) return (name, Counts, 1u << i);
        }
        return (name, "not signed", 0);
    }

    private (string Name, string Outcome, uint Key) Count(
        Level within, Level level, int depth, ref List<AccountId>? accounts)
    {
        var name = !IsTraced ? "" : level.ToString();
        if (!counts(within.Account, level, _now)) return (name, "stopped", 0);
        if (depth >= Authority.MaxDepth && !_known.ContainsKey(level)) return (name, "too deep", 0);
        var known = Ask(level, depth + 1);
        if (known.State != State.Satisfied)
            return (name, known.State == State.UnderWay ? "in a cycle" : "not satisfied", 0);
        accounts ??= [];
        accounts.Add(level.Account);
        accounts.AddRange(known.Accounts);
        return (name, Counts, known.Keys);
    }

    /// <summary>A wallet without permissions of its own is its key's: owner and active alike.</summary>
    private uint OwnKeyOfWallet(Level level)
    {
        if (!Wallets.IsWallet(level.Account) || permissions.HasOwn(level.Account)) return 0;
        if (level.Permission != Permissions.Owner && level.Permission != Permissions.Active) return 0;
        for (var i = 0; i < _credentials.Keys.Count; i++)
        {
            if (Wallets.NameOf(_credentials.Keys[i]) == level.Account) return 1u << i;
        }
        return 0;
    }

    private void Note(int depth, Level within, string factor, int weight, long total, uint threshold, string outcome)
    {
        if (IsTraced) Trace!.Add(new(depth, within, factor, weight, total, threshold, outcome));
    }
}
