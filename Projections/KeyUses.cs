using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>A permission that a key has a part in.</summary>
/// <param name="Depth">0 where its authority names the key, else through how many other permissions it leads there.</param>
/// <param name="Through">The permission that it names in the key's place; none where it names the key.</param>
/// <param name="Weight">Of the key, or of <paramref name="Through"/>, in its authority.</param>
public readonly record struct KeyUse(Level Level, int Depth, Level Through, int Weight, uint Threshold);

/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
/// <param name="AreMore">Whether there are more than are looked for.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record KeyUsePage(IReadOnlyList<KeyUse> Uses, int? Next, bool AreMore, long Position);

/// <summary>Which permissions name a key, and which permissions name those: a mirror of all authorities, turned.</summary>
/// <remarks>80 bytes for a permission and for a key, 24 for each time that one is named.</remarks>
public sealed class KeyUses : Projection
{
    /// <summary>Most permissions that one question looks for.</summary>
    public const int MaxFound = 10_000;

    private const int None = -1;

    private static readonly Authority ByBankChannel = Authority.Of(Permissions.BankChannel);

    private readonly Pages<FactorRow<Level>> _levels = new();
    private readonly Pages<FactorRow<SigningKey>> _keys = new();
    private readonly Pages<UseRow> _uses = new();
    private readonly RowIndex<Level, FactorKeys<Level>> _byLevel;
    private readonly RowIndex<SigningKey, FactorKeys<SigningKey>> _byKey;
    private int _free = None;

    public KeyUses() : base("key_uses", version: 1) => (_byLevel, _byKey) = (new(new(_levels)), new(new(_keys)));

    /// <summary>Bytes of memory that the rows and their indexes take.</summary>
    public long Bytes => _levels.Bytes + _keys.Bytes + _uses.Bytes + _byLevel.Bytes + _byKey.Bytes;

    public override Projection Fresh() => new KeyUses();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _uses.Hash(_keys.Hash(_levels.Hash(0)));
    }

    /// <summary>
    /// The permissions that name a key, in the order in which they were made so; then, if wanted, those that name these,
    /// and so on, as deep as permissions are weighed.
    /// </summary>
    /// <param name="from">How many stood on the pages before.</param>
    public KeyUsePage Of(SigningKey key, bool through, int from, int limit)
    {
        using var held = Reading();
        var found = new List<KeyUse>();
        var seen = new HashSet<int>();
        var most = (int)long.Min((long)from + limit + 1, MaxFound);
        var factor = _byKey.Find(key);
        if (factor >= 0) Gather(_keys[factor].First, 0, default, most, found, seen);
        if (through) GatherThrough(key, most, found, seen);
        var page = found.Skip(from).Take(limit).ToList();
        var isMore = found.Count > from + limit;
        return new(page, isMore ? from + limit : null, !isMore && found.Count == MaxFound, Position);
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        switch (@event)
        {
            case PermissionEvent.Created e:
                Put(new(e.Account, Permissions.Owner), e.Owner);
                Put(new(e.Account, Permissions.Active), e.Active);
                if (e.Channel) Put(new(e.Account, Permissions.Channel), ByBankChannel);
                break;
            case PermissionEvent.Set e: Put(new(e.Account, e.Name), e.Authority); break;
            case PermissionEvent.Removed e: Clear(_byLevel.Find(new(e.Account, e.Name))); break;
            default: break;
        }
    }

    /// <summary>Level by level of depth; a permission is shown where it stands nearest to the key.</summary>
    private void GatherThrough(SigningKey key, int most, List<KeyUse> found, HashSet<int> seen)
    {
        foreach (var name in new[] { Permissions.Owner, Permissions.Active })
        {
            var own = new Level(Wallets.NameOf(key), name);
            if (!IsWalletsAlone(own.Account) || _byLevel.Find(own) is not (>= 0 and var row)) continue;
            Gather(_levels[row].First, 1, own, most, found, seen);
        }
        for (var at = 0; at < found.Count && found.Count < most; at++)
        {
            var (level, depth, _, _, _) = found[at];
            if (depth < Authority.MaxDepth)
                Gather(_levels[_byLevel.Find(level)].First, depth + 1, level, most, found, seen);
        }
    }

    /// <summary>A wallet without permissions of its own is its key's.</summary>
    private bool IsWalletsAlone(AccountId wallet) =>
        _byLevel.Find(new(wallet, Permissions.Owner)) is var row && (row < 0 || _levels[row].Threshold == 0);

    private void Gather(int use, int depth, Level through, int most, List<KeyUse> found, HashSet<int> seen)
    {
        for (; use >= 0 && found.Count < most; use = _uses[use].Next)
        {
            var row = _uses[use];
            if (!seen.Add(row.Level)) continue;
            ref var level = ref _levels[row.Level];
            found.Add(new(level.Name, depth, through, row.Weight, level.Threshold));
        }
    }

    private void Put(Level level, Authority authority)
    {
        var row = _byLevel.Find(level);
        if (row < 0) row = Add(_levels, _byLevel, level);
        Clear(row);
        _levels[row].Threshold = authority.Threshold;
        foreach (var (key, weight) in authority.Keys)
        {
            var factor = _byKey.Find(key);
            if (factor < 0) factor = Add(_keys, _byKey, key);
            Use(_keys, factor, row, ~factor, weight);
        }
        foreach (var (other, weight) in authority.Accounts)
        {
            var factor = _byLevel.Find(other);
            if (factor < 0) factor = Add(_levels, _byLevel, other);
            Use(_levels, factor, row, factor, weight);
        }
    }

    private static int Add<T>(Pages<FactorRow<T>> rows, RowIndex<T, FactorKeys<T>> index, T name)
        where T : unmanaged, IEquatable<T>
    {
        var made = rows.Add(new() { Name = name, First = None, Last = None, Parts = None });
        index.Add(made);
        return made;
    }

    /// <summary>Notes that a permission names a factor: at the end of the factor's list, and in the permission's own.</summary>
    private void Use<T>(Pages<FactorRow<T>> rows, int factor, int level, int part, ushort weight) where T : unmanaged
    {
        ref var named = ref rows[factor];
        var use = new UseRow(level, part, named.Last, None, _levels[level].Parts, weight);
        var made = _free;
        if (made >= 0)
        {
            _free = _uses[made].Next;
            _uses[made] = use;
        }
        else
        {
            made = _uses.Add(use);
        }
        if (named.Last < 0) named.First = made;
        else _uses[named.Last].Next = made;
        named.Last = made;
        _levels[level].Parts = made;
    }

    /// <summary>Forgets what a permission names.</summary>
    private void Clear(int level)
    {
        for (var use = _levels[level].Parts; use >= 0;)
        {
            var row = _uses[use];
            if (row.Part < 0) Unlink(_keys, ~row.Part, row);
            else Unlink(_levels, row.Part, row);
            _uses[use] = new(None, None, None, _free, None, 0);
            (_free, use) = (use, row.NextPart);
        }
        (_levels[level].Parts, _levels[level].Threshold) = (None, 0);
    }

    private void Unlink<T>(Pages<FactorRow<T>> rows, int factor, in UseRow use) where T : unmanaged
    {
        ref var named = ref rows[factor];
        if (use.Previous < 0) named.First = use.Next;
        else _uses[use.Previous].Next = use.Next;
        if (use.Next < 0) named.Last = use.Previous;
        else _uses[use.Next].Previous = use.Previous;
    }

    /// <summary>A key, or a permission whether it exists or is only named.</summary>
    /// <param name="First">The first use that names it.</param>
    /// <param name="Parts">Of a permission: the use it made last; the others follow.</param>
    /// <param name="Threshold">0 of a key, and of a permission that is not there.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct FactorRow<T>(T Name, int First, int Last, int Parts, uint Threshold) where T : unmanaged;

    /// <param name="Level">Whose authority names.</param>
    /// <param name="Part">The permission that is named; of a key the complement of its row.</param>
    /// <param name="Next">In the list of what is named; of a free row the next free one.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct UseRow(int Level, int Part, int Previous, int Next, int NextPart, int Weight);

    private readonly struct FactorKeys<T>(Pages<FactorRow<T>> rows) : IRowKeys<T>
        where T : unmanaged, IEquatable<T>
    {
        public ulong HashOf(in T key) => Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in key)), 0);

        public T KeyOf(int row) => rows[row].Name;
    }
}
