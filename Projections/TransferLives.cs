using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Where in the journal a transfer's or an entry's life stands.</summary>
/// <param name="Positions">Of all its events in order: made or reserved, posted in parts, cancelled, expired.</param>
/// <param name="Reversals">Of the corrections of any of them, with the position that each corrects.</param>
public sealed record TransferLife(
    TransferId Id, ImmutableArray<long> Positions, ImmutableArray<(long Original, long Correction)> Reversals);

/// <summary>A page of transfers that carry one reference.</summary>
/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
public sealed record TransferPage(IReadOnlyList<TransferLife> Transfers, long? Next, long Position);

/// <summary>
/// Which events a transfer's life is made of, what corrects what, and which transfers carry a reference. The events
/// themselves are read from the journal.
/// </summary>
/// <remarks>32 bytes a transfer and 16 for each further event; 24 for a reference, which is kept as a hash
/// only.</remarks>
public sealed class TransferLives : Projection, ITransferLives
{
    private const int None = -1;

    private readonly Pages<TransferRow> _transfers = new();
    private readonly Pages<LaterRow> _later = new();
    private readonly Pages<ReferenceRow> _references = new();
    private readonly RowIndex<UInt128, TransferKeys> _byId;
    private readonly RowIndex<ulong, ReferenceKeys> _byReference;
    private readonly Dictionary<long, long> _corrections = [];

    public TransferLives() : base("transfer_lives", version: 1)
    {
        _byId = new(new(_transfers));
        _byReference = new(new(_references));
    }

    /// <summary>Transfers and entries by name.</summary>
    public int Count => _transfers.Count;

    /// <summary>Bytes of memory that the rows and their indexes take, but for corrections.</summary>
    public long Bytes => _transfers.Bytes + _later.Bytes + _references.Bytes + _byId.Bytes + _byReference.Bytes;

    public override Projection Fresh() => new TransferLives();

    public override UInt128 Digest()
    {
        using var held = Reading();
        var hash = _references.Hash(_later.Hash(_transfers.Hash(0)));
        foreach (var (original, correction) in _corrections)
            hash = unchecked(hash + Hash128.Of((ulong)original, BitConverter.GetBytes(correction)));
        return hash;
    }

    /// <summary>The life of a transfer or entry.</summary>
    /// <returns>Null where there is none of this name.</returns>
    public TransferLife? Find(TransferId id)
    {
        using var held = Reading();
        var row = _byId.Find(id.Value);
        return row < 0 ? null : LifeOf(row);
    }

    /// <summary>The position of the correction of an event, or null.</summary>
    public long? CorrectionOf(long original)
    {
        using var held = Reading();
        return _corrections.TryGetValue(original, out var correction) ? correction : null;
    }

    /// <summary>Transfers that may carry a reference, in the order of the journal.</summary>
    /// <remarks>References are kept as 64-bit hashes: compare with the event before you show it.</remarks>
    /// <param name="from">Where the page before ended; null: from the first.</param>
    public TransferPage WithReference(string reference, long? from, int limit)
    {
        using var held = Reading();
        var found = new List<TransferLife>();
        var row = from is { } next ? (int)next : _byReference.Find(HashOf(reference));
        // A mark that is not of this reference's list finds nothing.
        if (row >= _references.Count || (row >= 0 && _references[row].Hash != HashOf(reference))) row = None;
        for (; row >= 0 && found.Count < limit; row = _references[row].Next)
            found.Add(LifeOf(_references[row].Transfer));
        return new(found, row < 0 ? null : row, Position);
    }

    public ValueTask<TransferLife?> FindAsync(TransferId id) => new(Find(id));

    public ValueTask<(long? Correction, long Position)> CorrectionOfAsync(long original)
    {
        // The position is read first: the answer knows at least that much.
        var position = Position;
        return new((CorrectionOf(original), position));
    }

    public ValueTask<TransferPage> WithReferenceAsync(string reference, long? from, int limit) =>
        new(WithReference(reference, from, limit));

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is TransferEvent.Reversed reversed)
        {
            _corrections.Add(reversed.Original, head.Position);
            return;
        }
        if (PostedLegs.NameOf(@event) is not { } id) return;
        var row = _byId.Find(id.Value);
        if (row >= 0) Append(row, head.Position);
        else _byId.Add(row = _transfers.Add(new(id, head.Position, None, None)));
        if (PostedLegs.Said(@event)?.Reference is { } reference) Refer(row, HashOf(reference));
    }

    private void Append(int transfer, long position)
    {
        var made = _later.Add(new(position, None, 0));
        ref var row = ref _transfers[transfer];
        // A ring, entered at its end: one number leads to the first and to the last.
        if (row.Last < 0)
        {
            _later[made].Next = made;
        }
        else
        {
            _later[made].Next = _later[row.Last].Next;
            _later[row.Last].Next = made;
        }
        row.Last = made;
    }

    /// <summary>Notes that a transfer carries a reference. A part that repeats the reservation's adds
    /// nothing.</summary>
    private void Refer(int transfer, ulong hash)
    {
        ref var row = ref _transfers[transfer];
        if (row.Reference >= 0 && _references[row.Reference].Hash == hash) return;
        var first = _byReference.Find(hash);
        var made = _references.Add(new(hash, transfer, None, None, 0));
        if (row.Reference < 0) row.Reference = made;
        if (first < 0)
        {
            _references[made].Last = made;
            _byReference.Add(made);
            return;
        }
        _references[_references[first].Last].Next = made;
        _references[first].Last = made;
    }

    private TransferLife LifeOf(int transfer)
    {
        ref var row = ref _transfers[transfer];
        var positions = ImmutableArray.CreateBuilder<long>();
        positions.Add(row.First);
        for (var later = row.Last; later >= 0;)
        {
            later = _later[later].Next;
            positions.Add(_later[later].Position);
            if (later == row.Last) break;
        }
        var reversals = ImmutableArray.CreateBuilder<(long, long)>();
        foreach (var position in positions)
        {
            if (_corrections.TryGetValue(position, out var correction)) reversals.Add((position, correction));
        }
        return new(row.Id, positions.ToImmutable(), reversals.ToImmutable());
    }

    private static ulong HashOf(string reference) => Hash128.Hash64(Encoding.UTF8.GetBytes(reference), 1);

    /// <param name="First">Position of its first event.</param>
    /// <param name="Last">Row of its last event, if it has more than one; the rows are a ring.</param>
    /// <param name="Reference">Row of the first reference it was given.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct TransferRow(TransferId Id, long First, int Last, int Reference);

    [StructLayout(LayoutKind.Sequential)]
    private record struct LaterRow(long Position, int Next, int Filler);

    /// <param name="Last">On the first row of a reference: its last row.</param>
    [StructLayout(LayoutKind.Sequential)]
    private record struct ReferenceRow(ulong Hash, int Transfer, int Next, int Last, int Filler);

    private readonly struct TransferKeys(Pages<TransferRow> rows) : IRowKeys<UInt128>
    {
        public ulong HashOf(in UInt128 key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in key)), 0);

        public UInt128 KeyOf(int row) => rows[row].Id.Value;
    }

    private readonly struct ReferenceKeys(Pages<ReferenceRow> rows) : IRowKeys<ulong>
    {
        public ulong HashOf(in ulong key) => key;

        public ulong KeyOf(int row) => rows[row].Hash;
    }
}
