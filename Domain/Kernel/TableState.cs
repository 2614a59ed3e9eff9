using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <content>Undo, and snapshots: what <see cref="Tables"/> asks of each table.</content>
public sealed partial class Table<TKey, TRow>
{
    private enum Change
    {
        Inserted,
        Reused,
        Updated,
        Deleted,
    }

    string ITableState.Schema =>
        $"{Name}|{typeof(TKey)}|{typeof(TRow)}|{Unsafe.SizeOf<TRow>()}|" +
        (RuntimeHelpers.IsReferenceOrContainsReferences<TRow>() ? "written" : "raw");

    bool ITableState.IsUntouched => _used == 0;

    void ITableState.Commit() => ForgetUndo();

    void ITableState.Rollback()
    {
        while (_undoCount > 0)
        {
            _undoCount--;
            ref var undo = ref _undo[_undoCount];
            switch (undo.Change)
            {
                case Change.Inserted:
                    Take(undo.Row);
                    _used--;
                    break;
                case Change.Reused:
                    Take(undo.Row);
                    Free(undo.Row);
                    break;
                case Change.Updated:
                    Set(undo.Row, in undo.Old, HashOf(in undo.Old));
                    break;
                default:
                    _freeCount--;
                    Put(undo.Row, in undo.Old, HashOf(in undo.Old));
                    break;
            }
        }

        ForgetUndo();
    }

    void ITableState.Save(Stream to)
    {
        Span<byte> counts = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(counts, _used);
        BinaryPrimitives.WriteInt32LittleEndian(counts[4..], _freeCount);
        to.Write(counts);
        foreach (var part in _live.Parts(0, (_used + 63) >> 6)) to.Write(MemoryMarshal.AsBytes(part.AsSpan()));
        foreach (var part in _free.Parts(0, _freeCount)) to.Write(MemoryMarshal.AsBytes(part.AsSpan()));
        Span<byte> numbering = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(numbering, HashOfNumbering());
        to.Write(numbering);
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TRow>()) SaveWritten(to);
        else foreach (var part in _rows.Parts(0, _used)) to.Write(MemoryMarshal.AsBytes(part.AsSpan()));
    }

    void ITableState.Load(Stream from)
    {
        Span<byte> counts = stackalloc byte[8];
        from.ReadExactly(counts);
        var used = BinaryPrimitives.ReadInt32LittleEndian(counts);
        var free = BinaryPrimitives.ReadInt32LittleEndian(counts[4..]);
        if (used < 0 || free < 0 || free > used) throw Damaged();
        LoadInto(_live, (used + 63) >> 6, from);
        LoadInto(_free, free, from);
        (_used, _freeCount) = (used, free);
        Span<byte> numbering = stackalloc byte[16];
        from.ReadExactly(numbering);
        if (BinaryPrimitives.ReadUInt128LittleEndian(numbering) != HashOfNumbering()) throw Damaged();
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TRow>()) LoadWritten(from);
        else LoadRaw(from);
        UInt128 sum = 0;
        foreach (var row in this)
        {
            ref var loaded = ref _rows[row];
            _primary.Add(TagOf(loaded.Key), row);
            sum = unchecked(sum + HashOf(in loaded));
        }

        _tables.Replace(0, sum);
        foreach (var index in _indexes) index.Fill(Numbers(), Count);
    }

    /// <summary>Notes a change of the open command.</summary>
    /// <returns>The place for the old row; an insertion has none and leaves it as it is.</returns>
    private ref TRow Log(int row, Change change)
    {
        if (_undoCount == 0) _tables.Touch(this);
        _undo.Reserve(_undoCount + 1);
        ref var undo = ref _undo[_undoCount++];
        (undo.Row, undo.Change) = (row, change);
        return ref undo.Old;
    }

    private void ForgetUndo()
    {
        _undo.Trim(_undoCount);
        _undoCount = 0;
    }

    private void SaveWritten(Stream to)
    {
        Span<byte> length = stackalloc byte[4];
        foreach (var row in this)
        {
            var writer = new RowWriter(_scratch);
            TRow.Write(in _rows[row], ref writer);
            _scratch = writer.Buffer;
            BinaryPrimitives.WriteInt32LittleEndian(length, writer.Written.Length);
            to.Write(length);
            to.Write(writer.Written);
        }
    }

    private void LoadWritten(Stream from)
    {
        _rows.Reserve(_used);
        Span<byte> length = stackalloc byte[4];
        foreach (var row in this)
        {
            from.ReadExactly(length);
            var count = BinaryPrimitives.ReadInt32LittleEndian(length);
            if (count < 0 || count > LargestRow) throw Damaged();
            if (_scratch.Length < count) _scratch = new byte[count];
            from.ReadExactly(_scratch, 0, count);
            var reader = new RowReader(_scratch.AsSpan(0, count));
            _rows[row] = TRow.Read(ref reader);
            if (!reader.AtEnd) throw Damaged();
        }
    }

    private void LoadRaw(Stream from)
    {
        LoadInto(_rows, _used, from);
        foreach (var part in _free.Parts(0, _freeCount))
        {
            foreach (var row in part)
            {
                var deleted = MemoryMarshal.AsBytes(new ReadOnlySpan<TRow>(in _rows[row]));
                if (deleted.ContainsAnyExcept((byte)0)) throw Damaged();
            }
        }
    }

    private static void LoadInto<T>(Segments<T> segments, int count, Stream from) where T : struct
    {
        for (var loaded = 0; loaded < count;)
        {
            // Memory is taken as bytes arrive, so a damaged count cannot ask for more than the stream holds.
            var next = Math.Min(count, loaded + Segments<T>.SegmentSize);
            segments.Reserve(next);
            foreach (var part in segments.Parts(loaded, next)) from.ReadExactly(MemoryMarshal.AsBytes(part.AsSpan()));
            loaded = next;
        }
    }

    /// <summary>Hash of which numbers are taken and in which order the others are given out again.</summary>
    /// <remarks>The digest leaves row numbers out, so a snapshot needs this beside it.</remarks>
    private UInt128 HashOfNumbering()
    {
        var hash = (UInt128)Id;
        Include(MemoryMarshal.AsBytes<int>([_used, _freeCount]));
        foreach (var part in _live.Parts(0, (_used + 63) >> 6)) Include(MemoryMarshal.AsBytes(part.AsSpan()));
        foreach (var part in _free.Parts(0, _freeCount)) Include(MemoryMarshal.AsBytes(part.AsSpan()));
        return hash;

        void Include(ReadOnlySpan<byte> bytes) => hash ^= Hash128.Of((ulong)(hash & ulong.MaxValue), bytes);
    }

    private IEnumerable<int> Numbers()
    {
        foreach (var row in this) yield return row;
    }

    private SnapshotRefusedException Damaged() => new($"The snapshot's table {Name} is damaged.");

    /// <summary>Bytes of one written row that a snapshot may hold.</summary>
    private const int LargestRow = 64 * 1024 * 1024;

    private struct Undo
    {
        internal TRow Old;
        internal int Row;
        internal Change Change;
    }
}
