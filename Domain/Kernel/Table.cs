using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>Rows of one kind, found by a unique primary key and by secondary indexes.</summary>
/// <remarks>
/// A row keeps its number until it is deleted; the number deleted last is given out first. Growing moves no row, so a
/// reference to a row stays valid and shows later updates. Changes during a command are undone by the tables'
/// <see cref="Tables.Rollback"/>; a change outside a command is final.
/// </remarks>
public sealed partial class Table<TKey, TRow> : ITable, ITableState
    where TKey : unmanaged, IEquatable<TKey>
    where TRow : struct, IRow<TRow, TKey>
{
    private readonly Tables _tables;
    private readonly ulong _seed;
    private readonly Segments<TRow> _rows = new();
    private readonly Segments<ulong> _live = new();
    private readonly Segments<int> _free = new();
    private readonly Segments<Undo> _undo = new();
    private readonly HashPages _primary = new();
    private readonly List<RowIndex<TRow>> _indexes = [];
    private byte[] _scratch = [];
    private int _used, _freeCount, _undoCount;

    /// <exception cref="InvalidOperationException">The tables have one of this name.</exception>
    /// <exception cref="PlatformNotSupportedException">A big-endian machine: rows are hashed as they lie.</exception>
    public Table(Tables tables, string name)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Rows are little-endian.");
        (_tables, _seed, Name, Id) = (tables, tables.Seed, name, Hash128.Hash64(Encoding.UTF8.GetBytes(name), 0));
        tables.Register(this);
    }

    public string Name { get; }
    public ulong Id { get; }
    public int Count => _used - _freeCount;

    /// <summary>The row; of a deleted one, the default. Valid until the table is discarded.</summary>
    public ref readonly TRow this[int row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (unchecked((uint)row) >= (uint)_used) ThrowNoRow(row);
            return ref _rows[row];
        }
    }

    /// <summary>Adds a unique or a plain index by equality; before the first row.</summary>
    public HashIndex<TRow, TIndexKey> Hashed<TIndexKey>(IndexKey<TRow, TIndexKey> keyOf, bool unique)
        where TIndexKey : unmanaged, IEquatable<TIndexKey>
    {
        var index = new HashIndex<TRow, TIndexKey>(_rows, keyOf, unique, _seed);
        Attach(index);
        return index;
    }

    /// <summary>Adds a unique or a plain index by order; before the first row.</summary>
    public OrderedIndex<TRow, TIndexKey> Ordered<TIndexKey>(IndexKey<TRow, TIndexKey> keyOf, bool unique)
        where TIndexKey : unmanaged, IComparable<TIndexKey>
    {
        var index = new OrderedIndex<TRow, TIndexKey>(_rows, keyOf, unique);
        Attach(index);
        return index;
    }

    /// <summary>The number of the row with this key, or −1.</summary>
    public int Find(in TKey key) => _primary.Find(TagOf(in key), new Match(_rows, key));

    public bool TryGet(in TKey key, out TRow row)
    {
        var number = Find(in key);
        row = number < 0 ? default : _rows[number];
        return number >= 0;
    }

    /// <summary>Adds a row.</summary>
    /// <returns>Its number.</returns>
    /// <exception cref="InvalidOperationException">Its key, or a unique secondary one, is taken.</exception>
    public int Insert(in TRow row)
    {
        if (Find(row.Key) >= 0) throw new InvalidOperationException($"{Name} has a row with key {row.Key}.");
        foreach (var index in _indexes) index.Check(in row, -1);
        var hash = HashOf(in row);
        var reused = _freeCount > 0;
        var number = reused ? _free[_freeCount - 1] : _used;
        _rows.Reserve(number + 1);
        _live.Reserve((number >> 6) + 1);
        if (_tables.InCommand) Log(number, reused ? Change.Reused : Change.Inserted);
        if (reused) _freeCount--;
        else _used++;
        Put(number, in row, hash);
        return number;
    }

    /// <summary>Replaces a row.</summary>
    /// <exception cref="InvalidOperationException">There is no such row, the primary key differs, or a unique secondary
    /// key is taken; nothing changed.</exception>
    public void Update(int row, in TRow value)
    {
        ThrowIfDead(row);
        ref var current = ref _rows[row];
        if (!current.Key.Equals(value.Key)) throw new InvalidOperationException($"{Name}: the primary key differs.");
        foreach (var index in _indexes) index.Check(in value, row);
        var hash = HashOf(in value);
        if (_tables.InCommand) Log(row, Change.Updated) = current;
        Set(row, in value, hash);
    }

    /// <summary>Removes a row; its number is the next to be given out.</summary>
    /// <exception cref="InvalidOperationException">There is no such row.</exception>
    public void Delete(int row)
    {
        ThrowIfDead(row);
        if (_tables.InCommand) Log(row, Change.Deleted) = _rows[row];
        Take(row);
        Free(row);
    }

    /// <summary>The numbers of all rows, ascending; a change meanwhile is seen if it lies ahead.</summary>
    public Enumerator GetEnumerator() => new(this);

    public UInt128 DigestOfRows()
    {
        UInt128 sum = 0;
        foreach (var row in this) sum = unchecked(sum + HashOf(in _rows[row]));
        return sum;
    }

    private void Attach(RowIndex<TRow> index)
    {
        if (_used > 0) throw new InvalidOperationException($"{Name} has rows: attach indexes before the first one.");
        _indexes.Add(index);
    }

    private void Put(int number, in TRow row, UInt128 hash)
    {
        _rows[number] = row;
        _live[number >> 6] |= 1ul << number;
        _primary.Add(TagOf(row.Key), number);
        foreach (var index in _indexes) index.Add(in row, number);
        _tables.Replace(0, hash);
    }

    private void Set(int number, in TRow row, UInt128 hash)
    {
        ref var current = ref _rows[number];
        foreach (var index in _indexes) index.Replace(in current, in row, number);
        _tables.Replace(HashOf(in current), hash);
        current = row;
    }

    private void Take(int number)
    {
        ref var current = ref _rows[number];
        _primary.Remove(TagOf(current.Key), number);
        foreach (var index in _indexes) index.Remove(in current, number);
        _tables.Replace(HashOf(in current), 0);
        _live[number >> 6] &= ~(1ul << number);
        current = default;
    }

    private void Free(int number)
    {
        _free.Reserve(_freeCount + 1);
        _free[_freeCount++] = number;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint TagOf(in TKey key) => unchecked((uint)(Hash128.OfKey(in key, _seed) >> 32));

    private UInt128 HashOf(in TRow row)
    {
        if (!RuntimeHelpers.IsReferenceOrContainsReferences<TRow>())
        {
            return Hash128.Of(Id, MemoryMarshal.AsBytes(new ReadOnlySpan<TRow>(in row)));
        }

        var writer = new RowWriter(_scratch);
        TRow.Write(in row, ref writer);
        _scratch = writer.Buffer;
        return Hash128.Of(Id, writer.Written);
    }

    private bool IsLive(int row) => unchecked((uint)row) < (uint)_used && (_live[row >> 6] >> row & 1) != 0;

    private void ThrowIfDead(int row)
    {
        if (!IsLive(row)) throw new InvalidOperationException($"{Name} has no row {row}.");
    }

    private void ThrowNoRow(int row) =>
        throw new ArgumentOutOfRangeException(nameof(row), row, $"{Name} has no such row.");

    private readonly struct Match(Segments<TRow> rows, TKey key) : IRowMatch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool IsKeyOf(int row) => rows[row].Key.Equals(key);
    }

    /// <summary>Numbers of live rows, ascending.</summary>
    public struct Enumerator(Table<TKey, TRow> table)
    {
        public int Current { get; private set; } = -1;

        public bool MoveNext()
        {
            for (var next = Current + 1; next < table._used; next = (next | 63) + 1)
            {
                var ahead = table._live[next >> 6] >> next;
                if (ahead == 0) continue;
                Current = next + BitOperations.TrailingZeroCount(ahead);
                return true;
            }

            Current = table._used;
            return false;
        }
    }
}
