using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Transfers and entries by name, what became of them, and what corrects what, as tables.</summary>
/// <remarks>While the tables are built anew without indexes, open reservations are held back in memory.</remarks>
internal sealed partial class TransfersModel() : TableModel("transfer_lives", version: 1)
{
    private readonly CopyRows _transferRows = new(Transfers.Columns.Length);
    private readonly CopyRows _partRows = new(Parts.Columns.Length);
    private readonly CopyRows _referenceRows = new(References.Columns.Length);
    private readonly CopyRows _metadataRows = new(Pairs.Columns.Length);
    private readonly CopyRows _correctionRows = new(Corrections.Columns.Length);
    private readonly CopyRows _changeRows = new(ChangeColumns);

    /// <summary>Transfers whose row is not yet written, in order.</summary>
    private readonly Dictionary<TransferId, Life> _pending = [];

    /// <summary>Changes of transfers whose row is in the table.</summary>
    private readonly Dictionary<TransferId, Life> _changed = [];
    private readonly List<(TransferId Id, string Reference)> _referred = [];
    private long _nextReference = -1;

    public override ImmutableArray<TableShape> Tables => [Transfers, Parts, References, Pairs, Corrections];

    public override TableModel Fresh() => new TransfersModel();

    public override void Prepare(TableTarget target) => target.Run(
        """
        create temporary table if not exists changed_transfers (transfer uuid, status text, posted numeric,
          released numeric, reference text, last_position bigint) on commit delete rows
        """);

    public override void Take(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is TransferEvent.Reversed reversed)
        {
            _correctionRows.Begin();
            _correctionRows.Int8(reversed.Original);
            _correctionRows.Int8(head.Position);
            _correctionRows.Time(head.At);
            return;
        }
        if (PostedLegs.NameOf(@event) is not { } id) return;
        if (@event is TransferEvent.Posted or TransferEvent.Cancelled or TransferEvent.Expired)
            Continue(id, @event, head);
        else if (!_pending.TryAdd(id, new(head.Position, head.At, @event)))
            throw new InvalidOperationException($"{id} was made before.");
        if (PostedLegs.Said(@event) is not { } said) return;
        if (said.Reference is { } reference) _referred.Add((id, reference));
        if (said.Metadata is { } metadata) Gather(id, head.Position, metadata);
    }

    public override void Write(TableTarget target)
    {
        Refer(target);
        List<TransferId>? held = null;
        foreach (var (id, life) in _pending)
        {
            if (target.IsFresh && life.Status == Reserved) (held ??= []).Add(id);
            else WriteRow(id, life);
        }
        Send(target);
        Change(target);
        if (held is null) _pending.Clear();
        else Keep(held);
        Done();
    }

    public override void Finish(TableTarget target)
    {
        foreach (var (id, life) in _pending) WriteRow(id, life);
        target.Send(_transferRows, Transfers);
        _pending.Clear();
    }

    public override void Forget()
    {
        _nextReference = -1;
        _pending.Clear();
        CopyRows[] all =
            [_transferRows, _partRows, _referenceRows, _metadataRows, _correctionRows, _changeRows];
        foreach (var rows in all) rows.Clear();
        Done();
    }

    private void Done()
    {
        _changed.Clear();
        _referred.Clear();
    }

    private void Keep(List<TransferId> held)
    {
        var kept = held.ConvertAll(id => (id, _pending[id]));
        _pending.Clear();
        foreach (var (id, life) in kept) _pending.Add(id, life);
    }

    /// <summary>A later event of a reservation: a row of its own, and a change of the transfer's.</summary>
    private void Continue(TransferId id, Event @event, in LineHead head)
    {
        if (!_pending.TryGetValue(id, out var life) && !_changed.TryGetValue(id, out life))
            _changed.Add(id, life = new(head.Position, head.At, null));
        (Amount? posted, Amount released, life.Status) = @event switch
        {
            TransferEvent.Posted e => (e.Amount, e.Released, e.Remaining.IsZero ? "posted" : Reserved),
            TransferEvent.Cancelled e => ((Amount?)null, e.Released, "cancelled"),
            TransferEvent.Expired e => (null, e.Released, "expired"),
            _ => throw new System.Diagnostics.UnreachableException(@event.GetType().Name),
        };
        life.Asset = released.Asset;
        life.Posted += posted?.Minor ?? 0;
        life.Released += released.Minor;
        life.LastPosition = head.Position;
        _partRows.Begin();
        _partRows.Uuid(id.Value);
        _partRows.Int8(head.Position);
        _partRows.Text(posted is null ? life.Status : "posted");
        _partRows.Major(posted);
        _partRows.Major(released);
        _partRows.Time(head.At);
    }

    private void Gather(TransferId id, long position, Metadata metadata)
    {
        using var pairs = JsonDocument.Parse(metadata.Json);
        foreach (var pair in pairs.RootElement.EnumerateObject())
        {
            _metadataRows.Begin();
            _metadataRows.Uuid(id.Value);
            _metadataRows.Int8(position);
            _metadataRows.Text(pair.Name);
            _metadataRows.Text(pair.Value.GetString());
        }
    }

    /// <summary>Numbers the references in the order of the journal. A part that repeats the transfer's first adds
    /// nothing.</summary>
    private void Refer(TableTarget target)
    {
        if (_referred.Count == 0) return;
        if (_nextReference < 0) _nextReference = target.IsFresh ? 0 : NextReference(target);
        RecallReferences(target);
        foreach (var (id, reference) in _referred)
        {
            if (!_pending.TryGetValue(id, out var life)) life = _changed[id];
            if (life.Reference == reference) continue;
            life.Reference ??= reference;
            _referenceRows.Begin();
            _referenceRows.Int8(_nextReference++);
            _referenceRows.Text(reference);
            _referenceRows.Uuid(id.Value);
        }
    }

    /// <summary>Reads the first references of transfers that a later part refers to.</summary>
    private void RecallReferences(TableTarget target)
    {
        var wanted = _referred.Where(r => !_pending.ContainsKey(r.Id)).Select(r => GuidOf(r.Id)).Distinct().ToArray();
        if (wanted.Length == 0) return;
        using var command = target.Command(
            $"""
            select transfer, reference from {target.Schema}.transfers where transfer = any($1) and reference is not null
            """, new NpgsqlParameter { Value = wanted });
        using var row = command.ExecuteReader();
        while (row.Read()) _changed[IdOf(row.GetGuid(0))].Reference = row.GetString(1);
    }

    private static long NextReference(TableTarget target)
    {
        using var command =
            target.Command($"select coalesce(max(reference_no) + 1, 0) from {target.Schema}.transfer_references");
        return (long)command.ExecuteScalar()!;
    }

    private void Send(TableTarget target)
    {
        target.Send(_transferRows, Transfers);
        target.Send(_partRows, Parts);
        target.Send(_referenceRows, References);
        target.Send(_metadataRows, Pairs);
        target.Send(_correctionRows, Corrections);
    }

    private void Change(TableTarget target)
    {
        if (_changed.Count == 0) return;
        foreach (var (id, life) in _changed)
        {
            if (target.IsFresh) throw new PoisonException(life.First, $"{id} was never reserved.");
            _changeRows.Begin();
            _changeRows.Uuid(id.Value);
            _changeRows.Text(life.Status);
            _changeRows.Major(new Amount(life.Posted, life.Asset));
            _changeRows.Major(new Amount(life.Released, life.Asset));
            _changeRows.Text(life.Reference);
            _changeRows.Int8(life.LastPosition);
        }
        target.SendChanges(
            _changeRows, "changed_transfers", "transfer, status, posted, released, reference, last_position");
        var found = target.Run(
            $"""
            update {target.Schema}.transfers t set status = c.status, posted = t.posted + c.posted,
              released = t.released + c.released, remaining = t.remaining - c.posted - c.released,
              reference = coalesce(t.reference, c.reference), last_position = c.last_position
            from pg_temp.changed_transfers c where t.transfer = c.transfer
            """);
        if (found != _changed.Count)
            throw new StoreMismatchException($"{_changed.Count - found} transfers are missing in the store.");
    }

    /// <summary>What is known of a transfer whose row is to be written or changed.</summary>
    /// <param name="opening">Its first event; null where its row is in the table.</param>
    private sealed class Life(long first, Instant at, Event? opening)
    {
        public long First { get; } = first;
        public Instant At { get; } = at;
        public Event? Opening { get; } = opening;
        public string Status { get; set; } = opening is TransferEvent.Reserved ? Reserved : "posted";
        public Asset Asset { get; set; }
        public Int128 Posted { get; set; }
        public Int128 Released { get; set; }
        public string? Reference { get; set; }
        public long LastPosition { get; set; } = first;
    }

    internal static Guid GuidOf(TransferId id)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, id.Value);
        return new(bytes, bigEndian: true);
    }

    internal static TransferId IdOf(Guid guid)
    {
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        return new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }
}
