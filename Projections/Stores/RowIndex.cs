namespace BankingEngine.Projections.Stores;

/// <summary>Says whether a row has the key that is looked for, and what any row's key hashes to.</summary>
internal interface IRowKeys<TKey>
{
    ulong HashOf(in TKey key);

    TKey KeyOf(int row);
}

/// <summary>
/// Finds rows by key: row numbers by open addressing in 256 shards, each of which doubles by itself, so that growing
/// never stops the feed for long. Keys stay in the rows. Eight to sixteen bytes a row.
/// </summary>
internal sealed class RowIndex<TKey, TRows>(TRows rows) where TKey : IEquatable<TKey> where TRows : IRowKeys<TKey>
{
    private const int Shards = 256, FirstSlots = 4;

    // A slot holds a row's number plus one; zero is free.
    private readonly int[][] _slots = new int[Shards][];
    private readonly int[] _used = new int[Shards];

    internal long Bytes => _slots.Sum(s => s is null ? 0L : s.Length * sizeof(int));

    /// <summary>The row with this key, or −1.</summary>
    internal int Find(in TKey key)
    {
        var hash = rows.HashOf(key);
        if (_slots[hash >> 56] is not { } slots) return -1;
        for (var at = Start(hash, slots); slots[at] != 0; at = (at + 1) & (slots.Length - 1))
        {
            if (rows.KeyOf(slots[at] - 1).Equals(key)) return slots[at] - 1;
        }
        return -1;
    }

    /// <summary>Adds a row whose key is not there yet.</summary>
    internal void Add(int row)
    {
        var hash = rows.HashOf(rows.KeyOf(row));
        var shard = (int)(hash >> 56);
        var slots = _slots[shard] ??= new int[FirstSlots];
        // Three quarters full at most: probes stay short.
        if (4 * (_used[shard] + 1) > 3 * slots.Length) slots = _slots[shard] = Doubled(slots);
        Put(slots, hash, row);
        _used[shard]++;
    }

    private int[] Doubled(int[] slots)
    {
        var wider = new int[slots.Length * 2];
        foreach (var slot in slots)
        {
            if (slot != 0) Put(wider, rows.HashOf(rows.KeyOf(slot - 1)), slot - 1);
        }
        return wider;
    }

    private static void Put(int[] slots, ulong hash, int row)
    {
        var at = Start(hash, slots);
        while (slots[at] != 0) at = (at + 1) & (slots.Length - 1);
        slots[at] = row + 1;
    }

    private static int Start(ulong hash, int[] slots) => (int)(hash & (ulong)(slots.Length - 1));
}
