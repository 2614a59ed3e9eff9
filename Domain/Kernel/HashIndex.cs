namespace BankingEngine.Domain.Kernel;

/// <summary>The key under which an index files a row.</summary>
/// <returns>False: the row is not in this index.</returns>
/// <remarks>Must depend on the row alone.</remarks>
public delegate bool IndexKey<TRow, TIndexKey>(in TRow row, out TIndexKey key);

/// <summary>A secondary index of a table, kept current by the table alone.</summary>
public abstract class RowIndex<TRow> where TRow : struct
{
    private protected RowIndex()
    {
    }

    /// <summary>Throws when another row than <paramref name="except"/> stands in the way of this one.</summary>
    internal abstract void Check(in TRow row, int except);
    internal abstract void Add(in TRow row, int number);
    internal abstract void Remove(in TRow row, int number);
    internal abstract void Replace(in TRow old, in TRow row, int number);

    /// <summary>Files all rows at once; the index is empty.</summary>
    internal abstract void Fill(IEnumerable<int> numbers, int count);
}

/// <summary>Finds rows by a key that need not be their primary key.</summary>
/// <remarks>
/// What a lookup answers, order included, depends on the table's rows alone: neither on the seed nor on history.
/// The key's type must have no padding.
/// </remarks>
public sealed class HashIndex<TRow, TIndexKey> : RowIndex<TRow>
    where TRow : struct
    where TIndexKey : unmanaged, IEquatable<TIndexKey>
{
    private readonly Segments<TRow> _rows;
    private readonly IndexKey<TRow, TIndexKey> _keyOf;
    private readonly ulong _seed;

    // A unique index hashes; one that is not files (tag, row) in order, because a page of a hash table cannot be split
    // among rows of one key, and because rows of one key must come in the same order on every machine.
    private readonly HashPages? _unique;
    private readonly SortedPages<uint>? _many;

    internal HashIndex(Segments<TRow> rows, IndexKey<TRow, TIndexKey> keyOf, bool unique, ulong seed)
    {
        (_rows, _keyOf, _seed) = (rows, keyOf, seed);
        if (unique) _unique = new HashPages();
        else _many = new SortedPages<uint>();
    }

    /// <summary>The number of the row with this key, or −1.</summary>
    /// <exception cref="InvalidOperationException">The index is not unique: ask for <see cref="Rows"/>.</exception>
    public int Find(in TIndexKey key)
    {
        var unique = _unique ?? throw new InvalidOperationException("Not a unique index: use Rows.");
        return unique.Find(TagOf(key), new Match(this, key));
    }

    /// <summary>The numbers of all rows with this key, ascending.</summary>
    /// <param name="from">The first number to look for.</param>
    /// <exception cref="InvalidOperationException">The index is unique: use <see cref="Find"/>.</exception>
    public Matches Rows(in TIndexKey key, int from = 0)
    {
        var many = _many ?? throw new InvalidOperationException("A unique index: use Find.");
        return new Matches(this, many, key, from);
    }

    internal override void Check(in TRow row, int except)
    {
        if (!_keyOf(in row, out var key) || _unique is null) return;
        var found = Find(in key);
        if (found >= 0 && found != except) throw new InvalidOperationException($"Key {key} is taken by row {found}.");
    }

    internal override void Add(in TRow row, int number)
    {
        if (!_keyOf(in row, out var key)) return;
        if (_unique is { } unique) unique.Add(TagOf(key), number);
        else _many!.Add(new IndexEntry<uint>(TagOf(key), number));
    }

    internal override void Remove(in TRow row, int number)
    {
        if (!_keyOf(in row, out var key)) return;
        if (_unique is { } unique) unique.Remove(TagOf(key), number);
        else _many!.Remove(new IndexEntry<uint>(TagOf(key), number));
    }

    internal override void Replace(in TRow old, in TRow row, int number)
    {
        var was = _keyOf(in old, out var oldKey);
        var stays = _keyOf(in row, out var key);
        if (was == stays && (!was || oldKey.Equals(key))) return;
        Remove(in old, number);
        Add(in row, number);
    }

    internal override void Fill(IEnumerable<int> numbers, int count)
    {
        var entries = new List<IndexEntry<uint>>(_many is null ? 0 : count);
        foreach (var number in numbers)
        {
            if (!_keyOf(in _rows[number], out var key)) continue;
            if (_unique is { } unique) unique.Add(TagOf(key), number);
            else entries.Add(new IndexEntry<uint>(TagOf(key), number));
        }

        _many?.Fill(entries);
    }

    private uint TagOf(in TIndexKey key) => (uint)(Hash128.OfKey(in key, _seed) >> 32);

    private bool Has(int number, in TIndexKey key) => _keyOf(in _rows[number], out var other) && other.Equals(key);

    private readonly struct Match(HashIndex<TRow, TIndexKey> index, TIndexKey key) : IRowMatch
    {
        public bool IsKeyOf(int row) => index.Has(row, in key);
    }

    /// <summary>Row numbers of one key, ascending; a change meanwhile is seen if it lies ahead.</summary>
    public struct Matches
    {
        private readonly HashIndex<TRow, TIndexKey> _index;
        private readonly TIndexKey _key;
        private readonly uint _tag;
        private AscendingEntries<uint> _entries;

        internal Matches(HashIndex<TRow, TIndexKey> index, SortedPages<uint> many, TIndexKey key, int from)
        {
            (_index, _key, _tag) = (index, key, index.TagOf(in key));
            _entries = new AscendingEntries<uint>(many, new IndexEntry<uint>(_tag, from - 1));
        }

        public int Current { get; private set; }
        public readonly Matches GetEnumerator() => this;

        public bool MoveNext()
        {
            while (_entries.MoveNext() && _entries.Current.Key == _tag)
            {
                Current = _entries.Current.Row;
                if (_index.Has(Current, in _key)) return true;
            }

            return false;
        }
    }
}
