using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Where a walk through the events of one account or transfer stands.</summary>
/// <param name="Row">In the index.</param>
/// <param name="Revision">Which of the stream's events it is, from 0.</param>
/// <param name="Position">Of the event in the book.</param>
public readonly record struct StreamMark(int Row, long Revision, long Position);

/// <summary>
/// Which events concern an account, and which a transfer, numbered from 0 in the order of the journal: the streams
/// that the audit gateway serves beside the book's own.
/// </summary>
/// <remarks>
/// 16 bytes for each event of each stream, 72 to 80 for an account and 40 to 48 for a transfer with their places in
/// the index: about 100 for a transfer that is simply made. What concerns an account is what <see cref="NamedAccounts"/>
/// says; a transfer's events are its own and the corrections of them.
/// </remarks>
public sealed class StreamIndex : Projection
{
    private const int None = -1;

    /// <summary>Most events passed in one go on the way to a revision: the feed waits meanwhile.</summary>
    private const int MaxSteps = 4_096;

    private readonly Pages<StreamRow<AccountId>> _accounts = new();
    private readonly Pages<StreamRow<UInt128>> _transfers = new();
    private readonly Pages<EventRow> _events = new();
    private readonly RowIndex<AccountId, Keys<AccountId>> _byAccount;
    private readonly RowIndex<UInt128, Keys<UInt128>> _byTransfer;
    private readonly RowIndex<long, Originals> _byPosition;
    private readonly Pages<OriginalRow> _originals = new();
    private readonly List<AccountId> _named = [];

    public StreamIndex() : base("stream_index", version: 1)
    {
        _byAccount = new(new(_accounts));
        _byTransfer = new(new(_transfers));
        _byPosition = new(new(_originals));
    }

    /// <summary>Bytes of memory that the rows and their indexes take.</summary>
    public long Bytes => _accounts.Bytes + _transfers.Bytes + _events.Bytes + _originals.Bytes + _byAccount.Bytes
        + _byTransfer.Bytes + _byPosition.Bytes;

    public override Projection Fresh() => new StreamIndex();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _originals.Hash(_events.Hash(_transfers.Hash(_accounts.Hash(0))));
    }

    /// <summary>How many events an account's stream has; 0: nothing concerns such an account.</summary>
    public long CountOf(AccountId account)
    {
        using var held = Reading();
        return _byAccount.Find(account) is >= 0 and var row ? _accounts[row].Count : 0;
    }

    /// <summary>How many events a transfer's stream has; 0: there is none of this name.</summary>
    public long CountOf(TransferId transfer)
    {
        using var held = Reading();
        return _byTransfer.Find(transfer.Value) is >= 0 and var row ? _transfers[row].Count : 0;
    }

    /// <summary>An event of an account's stream.</summary>
    /// <returns>Null where the stream has no such revision yet.</returns>
    public StreamMark? Mark(AccountId account, long revision) =>
        Seek(() => _byAccount.Find(account) is >= 0 and var row ? _accounts[row].Ends : default, revision);

    /// <inheritdoc cref="Mark(AccountId, long)"/>
    /// <summary>An event of a transfer's stream.</summary>
    public StreamMark? Mark(TransferId transfer, long revision) =>
        Seek(() => _byTransfer.Find(transfer.Value) is >= 0 and var row ? _transfers[row].Ends : default, revision);

    /// <summary>The events behind a mark, as many as there are room for, or those before it.</summary>
    /// <returns>How many were written.</returns>
    public int Beyond(StreamMark mark, bool forwards, Span<StreamMark> into)
    {
        using var held = Reading();
        var count = 0;
        for (var at = Step(mark, forwards); at is { } next && count < into.Length; at = Step(next, forwards))
            into[count++] = next;
        return count;
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        NamedAccounts.Gather(@event, legs, _named);
        _named.Sort();
        for (var i = 0; i < _named.Count; i++)
        {
            if (i == 0 || _named[i] != _named[i - 1]) Append(_accounts, _byAccount, _named[i], head.Position);
        }
        if (@event is TransferEvent.Reversed reversed)
        {
            var original = _byPosition.Find(reversed.Original);
            if (original >= 0) Append(_transfers, _originals[original].Transfer, head.Position);
            return;
        }
        if (PostedLegs.NameOf(@event) is not { } id) return;
        var transfer = Append(_transfers, _byTransfer, id.Value, head.Position);
        if (@event is not (TransferEvent.Made or TransferEvent.Posted or TransferEvent.Imported or EntryEvent)) return;
        _byPosition.Add(_originals.Add(new(head.Position, transfer, 0)));
    }

    private int Append<T>(Pages<StreamRow<T>> streams, RowIndex<T, Keys<T>> index, in T key, long position)
        where T : unmanaged, IEquatable<T>
    {
        var stream = index.Find(key);
        if (stream < 0) index.Add(stream = streams.Add(new(key, 0, None, None)));
        Append(streams, stream, position);
        return stream;
    }

    private void Append<T>(Pages<StreamRow<T>> streams, int stream, long position) where T : unmanaged, IEquatable<T>
    {
        ref var row = ref streams[stream];
        var made = _events.Add(new(position, row.Last, None));
        if (row.Last >= 0) _events[row.Last].Next = made;
        else row.First = made;
        row.Last = made;
        row.Count++;
    }

    /// <summary>Walks from the nearer end, letting the feed in between.</summary>
    private StreamMark? Seek(Func<(long Count, int First, int Last)> ends, long revision)
    {
        StreamMark? at = null;
        var forwards = true;
        while (true)
        {
            using var held = Reading();
            if (at is null)
            {
                var (count, first, last) = ends();
                if (revision < 0 || revision >= count) return null;
                forwards = revision < count / 2;
                at = forwards ? new(first, 0, _events[first].Position) : new(last, count - 1, _events[last].Position);
            }
            for (var steps = 0; steps < MaxSteps; steps++)
            {
                if (at!.Value.Revision == revision) return at;
                at = Step(at.Value, forwards);
            }
        }
    }

    private StreamMark? Step(StreamMark mark, bool forwards)
    {
        var row = forwards ? _events[mark.Row].Next : _events[mark.Row].Previous;
        return row < 0 ? null : new(row, mark.Revision + (forwards ? 1 : -1), _events[row].Position);
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct StreamRow<T>(T Key, long Count, int First, int Last) where T : unmanaged, IEquatable<T>
    {
        public readonly (long Count, int First, int Last) Ends => (Count, First, Last);
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct EventRow(long Position, int Previous, int Next);

    /// <summary>An event that may be corrected.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct OriginalRow(long Position, int Transfer, int Filler);

    private readonly struct Keys<T>(Pages<StreamRow<T>> rows) : IRowKeys<T> where T : unmanaged, IEquatable<T>
    {
        public ulong HashOf(in T key) => Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in key)), 0);

        public T KeyOf(int row) => rows[row].Key;
    }

    private readonly struct Originals(Pages<OriginalRow> rows) : IRowKeys<long>
    {
        public ulong HashOf(in long key) => Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in key)), 0);

        public long KeyOf(int row) => rows[row].Position;
    }
}
