namespace BankingEngine.Domain.Kernel;

/// <summary>Finds rows in the order of a key; rows of one key come in the order of their numbers.</summary>
/// <remarks>
/// What a scan answers depends on the table's rows alone. A scan goes on after the entry it returned last, whatever
/// changed meanwhile, so rows may be updated and deleted while scanning; one that is moved ahead is met again.
/// </remarks>
public sealed class OrderedIndex<TRow, TIndexKey> : RowIndex<TRow>
    where TRow : struct
    where TIndexKey : unmanaged, IComparable<TIndexKey>
{
    private readonly Segments<TRow> _rows;
    private readonly IndexKey<TRow, TIndexKey> _keyOf;
    private readonly bool _unique;
    private readonly SortedPages<TIndexKey> _entries = new();

    internal OrderedIndex(Segments<TRow> rows, IndexKey<TRow, TIndexKey> keyOf, bool unique) =>
        (_rows, _keyOf, _unique) = (rows, keyOf, unique);

    /// <summary>Number of rows in this index.</summary>
    public int Count => _entries.Count;

    /// <summary>The entry with the smallest key.</summary>
    /// <returns>False: the index is empty.</returns>
    public bool TryFirst(out TIndexKey key, out int row)
    {
        var entries = Ascending();
        var any = entries.MoveNext();
        (key, row) = any ? entries.Current : new IndexEntry<TIndexKey>(default, -1);
        return any;
    }

    /// <summary>The lowest row with exactly this key, or −1.</summary>
    public int Find(in TIndexKey key)
    {
        var entries = From(key);
        return entries.MoveNext() && entries.Current.Key.CompareTo(key) == 0 ? entries.Current.Row : -1;
    }

    /// <summary>All entries, ascending.</summary>
    public AscendingEntries<TIndexKey> Ascending() => new(_entries, after: null);

    /// <summary>Entries from this key on, inclusive, ascending.</summary>
    public AscendingEntries<TIndexKey> From(in TIndexKey key) => new(_entries, new IndexEntry<TIndexKey>(key, -1));

    /// <summary>All entries, descending.</summary>
    public DescendingEntries<TIndexKey> Descending() => new(_entries, before: null);

    /// <summary>Entries from this key down, inclusive, descending.</summary>
    public DescendingEntries<TIndexKey> Descending(in TIndexKey from) =>
        new(_entries, new IndexEntry<TIndexKey>(from, int.MaxValue));

    internal override void Check(in TRow row, int except)
    {
        if (!_keyOf(in row, out var key) || !_unique) return;
        var found = Find(in key);
        if (found >= 0 && found != except) throw new InvalidOperationException($"Key {key} is taken by row {found}.");
    }

    internal override void Add(in TRow row, int number)
    {
        if (_keyOf(in row, out var key)) _entries.Add(new IndexEntry<TIndexKey>(key, number));
    }

    internal override void Remove(in TRow row, int number)
    {
        if (_keyOf(in row, out var key)) _entries.Remove(new IndexEntry<TIndexKey>(key, number));
    }

    internal override void Replace(in TRow old, in TRow row, int number)
    {
        var was = _keyOf(in old, out var oldKey);
        var stays = _keyOf(in row, out var key);
        if (was == stays && (!was || oldKey.CompareTo(key) == 0)) return;
        if (was) _entries.Remove(new IndexEntry<TIndexKey>(oldKey, number));
        if (stays) _entries.Add(new IndexEntry<TIndexKey>(key, number));
    }

    internal override void Fill(IEnumerable<int> numbers, int count)
    {
        var entries = new List<IndexEntry<TIndexKey>>(count);
        foreach (var number in numbers)
        {
            if (_keyOf(in _rows[number], out var key)) entries.Add(new IndexEntry<TIndexKey>(key, number));
        }

        _entries.Fill(entries);
    }
}

/// <summary>A key of an ordered index and the number of the row it was made from.</summary>
public readonly record struct IndexEntry<TIndexKey>(TIndexKey Key, int Row)
    where TIndexKey : unmanaged, IComparable<TIndexKey>
{
    internal int CompareTo(in IndexEntry<TIndexKey> other)
    {
        var order = Key.CompareTo(other.Key);
        return order != 0 ? order : Row.CompareTo(other.Row);
    }
}

/// <summary>A scan upwards; stays valid when the index changes under it.</summary>
public struct AscendingEntries<TIndexKey> where TIndexKey : unmanaged, IComparable<TIndexKey>
{
    private readonly SortedPages<TIndexKey> _pages;
    private IndexEntry<TIndexKey>? _after;
    private SortedPosition _next;
    private long _version = -1;

    internal AscendingEntries(SortedPages<TIndexKey> pages, IndexEntry<TIndexKey>? after) =>
        (_pages, _after) = (pages, after);

    public readonly IndexEntry<TIndexKey> Current => _after.GetValueOrDefault();
    public readonly AscendingEntries<TIndexKey> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_version != _pages.Version)
        {
            _next = _after is { } after ? _pages.PositionAfter(after) : default;
            _version = _pages.Version;
        }

        if (!_pages.TryFollowing(ref _next, out var entry)) return false;
        _after = entry;
        return true;
    }
}

/// <summary>A scan downwards; stays valid when the index changes under it.</summary>
public struct DescendingEntries<TIndexKey> where TIndexKey : unmanaged, IComparable<TIndexKey>
{
    private readonly SortedPages<TIndexKey> _pages;
    private IndexEntry<TIndexKey>? _before;
    private SortedPosition _end;
    private long _version = -1;

    internal DescendingEntries(SortedPages<TIndexKey> pages, IndexEntry<TIndexKey>? before) =>
        (_pages, _before) = (pages, before);

    public readonly IndexEntry<TIndexKey> Current => _before.GetValueOrDefault();
    public readonly DescendingEntries<TIndexKey> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_version != _pages.Version)
        {
            _end = _before is { } before ? _pages.PositionOf(before) : _pages.End;
            _version = _pages.Version;
        }

        if (!_pages.TryPreceding(ref _end, out var entry)) return false;
        _before = entry;
        return true;
    }
}
