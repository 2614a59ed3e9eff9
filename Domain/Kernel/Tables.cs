using System.Buffers.Binary;
using System.Text;

namespace BankingEngine.Domain.Kernel;

/// <summary>What can be asked of a table without knowing its rows.</summary>
public interface ITable
{
    string Name { get; }

    /// <summary>Hash of the name; part of every row's hash.</summary>
    ulong Id { get; }

    int Count { get; }

    /// <summary>The table's part of <see cref="Tables.Digest"/>, computed anew from all rows.</summary>
    UInt128 DigestOfRows();
}

/// <summary>What <see cref="Tables"/> asks of each table.</summary>
internal interface ITableState : ITable
{
    string Schema { get; }
    bool IsUntouched { get; }
    void Commit();
    void Rollback();
    void Save(Stream to);
    void Load(Stream from);
}

/// <summary>All state of one book that a command can touch, changed and undone as one, with a running digest.</summary>
/// <remarks>For one thread at a time. Rows keep their numbers across undo, snapshots and replay.</remarks>
/// <param name="seed">Randomises where hash indexes put keys; never what a lookup answers, never the digest.</param>
public sealed class Tables(ulong seed = 0)
{
    /// <summary>Format of snapshots; one of another version is refused.</summary>
    public const uint SnapshotVersion = 1;

    private const ulong SnapshotMark = 0x3130454C42415442;
    private const ulong SchemaId = 0x534348454D413031;
    private const int HeaderSize = 48;

    private readonly List<ITableState> _tables = [];
    private readonly List<ITableState> _dirty = [];
    private UInt128 _digestAtBegin;

    /// <summary>The sum modulo 2¹²⁸ of <see cref="Hash128"/> of (table id, row) over all rows of all tables.</summary>
    public UInt128 Digest { get; private set; }

    /// <summary>True from <see cref="Begin"/> until <see cref="Commit"/> or <see cref="Rollback"/>.</summary>
    public bool InCommand { get; private set; }

    /// <summary>All tables, in the order they were made.</summary>
    public IReadOnlyList<ITable> All => _tables;

    internal ulong Seed => seed;

    /// <summary>From here on every change keeps what it replaced.</summary>
    /// <exception cref="InvalidOperationException">A command is open already; there is one level.</exception>
    public void Begin()
    {
        if (InCommand) throw new InvalidOperationException("A command is open already.");
        (_digestAtBegin, InCommand) = (Digest, true);
    }

    /// <summary>Keeps all changes since <see cref="Begin"/>. Costs only for tables that were changed.</summary>
    public void Commit()
    {
        ThrowIfNoCommand();
        foreach (var table in _dirty) table.Commit();
        _dirty.Clear();
        InCommand = false;
    }

    /// <summary>Undoes all changes since <see cref="Begin"/>, row numbers and free lists included.</summary>
    /// <exception cref="StateCorruptException">The digest is not what it was: nothing can be trusted.</exception>
    public void Rollback()
    {
        ThrowIfNoCommand();
        foreach (var table in _dirty) table.Rollback();
        _dirty.Clear();
        InCommand = false;
        if (Digest != _digestAtBegin) throw new StateCorruptException("The digest differs after an undo.");
    }

    /// <summary>The digest computed anew from all rows; equal to <see cref="Digest"/> in sound memory.</summary>
    public UInt128 DigestOfRows()
    {
        UInt128 sum = 0;
        foreach (var table in _tables) sum = unchecked(sum + table.DigestOfRows());
        return sum;
    }

    /// <summary>Names the tables and the shape of their rows: states of another schema cannot be compared.</summary>
    public UInt128 Schema =>
        Hash128.Of(SchemaId, Encoding.UTF8.GetBytes(string.Join('\n', ByName().Select(t => t.Schema))));

    /// <summary>Writes a snapshot: rows, their numbers and free lists, so that later behaviour is the same.</summary>
    /// <exception cref="InvalidOperationException">A command is open.</exception>
    public void Save(Stream to)
    {
        if (InCommand) throw new InvalidOperationException("A command is open: its changes may yet be undone.");
        Span<byte> header = stackalloc byte[HeaderSize];
        WriteHeader(header);
        to.Write(header);
        foreach (var table in ByName()) table.Save(to);
    }

    /// <summary>Reads a snapshot into these tables, which have never had a row.</summary>
    /// <exception cref="InvalidOperationException">A table has or had rows, or a command is open.</exception>
    /// <exception cref="SnapshotRefusedException">Another format or schema, cut short, or not what its digest says.
    /// The tables are then half filled: discard them.</exception>
    public void Load(Stream from)
    {
        if (InCommand || _tables.Exists(t => !t.IsUntouched))
            throw new InvalidOperationException("Load into new tables.");
        Span<byte> found = stackalloc byte[HeaderSize], expected = stackalloc byte[HeaderSize];
        try
        {
            from.ReadExactly(found);
            WriteHeader(expected);
            if (!found[..8].SequenceEqual(expected[..8])) throw new SnapshotRefusedException("Not a snapshot.");
            if (!found[..16].SequenceEqual(expected[..16])) throw new SnapshotRefusedException("Another format.");
            if (!found[..32].SequenceEqual(expected[..32])) throw new SnapshotRefusedException("Another schema.");
            foreach (var table in ByName()) table.Load(from);
        }
        catch (EndOfStreamException fault)
        {
            throw new SnapshotRefusedException("The snapshot was cut short.", fault);
        }

        var digest = BinaryPrimitives.ReadUInt128LittleEndian(found[32..]);
        if (digest != Digest) throw new SnapshotRefusedException("The snapshot is not what its digest says.");
    }

    internal void Register(ITableState table)
    {
        if (_tables.Exists(t => t.Id == table.Id))
            throw new InvalidOperationException($"Two tables named {table.Name}.");
        _tables.Add(table);
    }

    internal void Touch(ITableState table) => _dirty.Add(table);

    internal void Replace(UInt128 old, UInt128 hash) => Digest = unchecked(Digest - old + hash);

    private void WriteHeader(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(header, SnapshotMark);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], SnapshotVersion);
        BinaryPrimitives.WriteUInt128LittleEndian(header[16..], Schema);
        BinaryPrimitives.WriteUInt128LittleEndian(header[32..], Digest);
    }

    private IOrderedEnumerable<ITableState> ByName() => _tables.OrderBy(t => t.Name, StringComparer.Ordinal);

    private void ThrowIfNoCommand()
    {
        if (!InCommand) throw new InvalidOperationException("No command is open.");
    }
}
