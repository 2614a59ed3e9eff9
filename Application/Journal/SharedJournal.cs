using System.Buffers;
using System.Diagnostics;
using BankingEngine.Application.Engine;

namespace BankingEngine.Application.Journal;

/// <summary>
/// What every store of a shared journal has in common: the tail and its chain of seals (those of FORMAT.md, so that a
/// book keeps its seals when it moves), the newest blocks in memory, verified reading, and the settling of an append
/// whose outcome is not known. A store adds how one block is stored under its fence, and how blocks are fetched.
/// </summary>
/// <remarks>Reading, <see cref="Tail"/> and notes: any thread. Appending and refreshing: one at a time, which this class
/// sees to. Stores throw <see cref="JournalException"/> only: Unknown where there was no answer, which
/// has to come within the time given.</remarks>
public abstract class SharedJournal(JournalIdentity identity) : ISharedJournal
{
    /// <summary>Blocks that one look at the store brings.</summary>
    private const int NewsBlocks = 64;

    /// <summary>Looks that bring blocks; who is farther behind moves to the tail and reads.</summary>
    private const int NewsRounds = 4;

    /// <summary>Between two questions to a store that did not answer.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>A store gets no less than this for an answer, however little time is left.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(500);

    /// <summary>Where the journal ends: <paramref name="Seal"/> is the tail's seal line, empty before the first
    /// block.</summary>
    private sealed record End(JournalTail Tail, uint Crc, byte[] Seal);

    private readonly Lock _moving = new();
    private readonly StoredBlocks _news = new();
    private readonly byte[] _seal = new byte[JournalLimits.SealBytes];
    private readonly byte[] _root = new byte[JournalLimits.RootBytes];
    private readonly int[] _starts = new int[JournalLimits.BlockEvents + 1];
    private volatile End _end = new(JournalTail.Empty, 0, []);
    private long _contact;

    public JournalIdentity Identity { get; } = identity;

    public JournalTail Tail => _end.Tail;

    /// <inheritdoc/>
    public abstract IReadOnlyList<string> Warnings { get; }

    /// <summary><see cref="Stopwatch"/> timestamp: when the last append was sent that the store took under this host's
    /// lead.</summary>
    public long LastContact => Volatile.Read(ref _contact);

    internal RecentBlocks Recent { get; } = new(RecentBlocks.DefaultBytes);

    public void Append(in SealedBlock block)
    {
        lock (_moving)
        {
            var end = _end;
            BlockShape.Demand(block, end.Tail, _starts);
            var length = SegmentFormat.WriteSeal(_seal, block, end.Crc, out var crc);
            StoreOrSettle(block, _seal.AsMemory(0, length), end);
            Stored(block, end.Tail);
            var last = block.FirstPosition + block.Events - 1;
            Recent.Add(
                new(0, block.Block, block.FirstPosition, end.Crc), last, block.Lines.Span, _seal.AsSpan(0, length));
            _end = new(new(block.Block, last, block.Root.ToArray()), crc, _seal.AsSpan(0, length).ToArray());
        }
    }

    public bool Refresh()
    {
        lock (_moving)
        {
            var before = _end;
            for (var round = 0; round < NewsRounds; round++)
            {
                _news.Clear();
                FetchNews(_end.Tail.Block, _end.Tail.Position, NewsBlocks, _news);
                DemandUnchanged();
                for (var index = 0; index < _news.Count; index++) Follow(index, _end);
                if (_news.Count < NewsBlocks) return _end != before;
            }
            MoveToTail();
            return true;
        }
    }

    public JournalReader Read(long fromPosition)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fromPosition, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fromPosition, Tail.Position + 1);
        return new SharedJournalReader(this, fromPosition, SharedJournalReader.FirstBlocks);
    }

    public bool TryReadEvent(long position, IBufferWriter<byte> to)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (position < 1 || position > Tail.Position) return false;
        using var reader = new SharedJournalReader(this, position, most: 1);
        if (!reader.MoveNext()) return false;
        to.Write(reader.Current.Line((int)(position - reader.Current.FirstPosition)));
        return true;
    }

    public abstract ILead? TryLead(string leader);

    public abstract void Note(in DigestNote note);

    public abstract IReadOnlyList<DigestNote> NotesAfter(long position);

    public void Dispose()
    {
        Dispose(disposing: true);
        _news.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>Stores one block durably, if the store ends with the block before it.</summary>
    /// <param name="seal">The block's seal line with its newline.</param>
    /// <param name="before">The block that has to be the store's last, with this root.</param>
    /// <param name="wait">Most time to wait for the answer.</param>
    /// <returns>False where the fence held it off: nothing of it is stored.</returns>
    /// <exception cref="JournalException">Unknown: it may be stored, now or later. Any other kind: it is
    /// not.</exception>
    protected abstract bool TryStore(
        in SealedBlock block, ReadOnlyMemory<byte> seal, JournalTail before, TimeSpan wait);

    /// <summary>Fetches the seal of a block, where it is not 0, and the blocks that follow it.</summary>
    /// <param name="block">0, or the number of the block before the first one wanted.</param>
    /// <param name="position">Position of that block's last event.</param>
    /// <param name="most">Blocks to fetch, 1 or more.</param>
    /// <param name="to">Empty.</param>
    protected abstract void Fetch(long block, long position, int most, StoredBlocks to);

    /// <summary>As <see cref="Fetch"/>, for a follower's look at what came since, where a store can be cheaper about
    /// it.</summary>
    protected virtual void FetchNews(long block, long position, int most, StoredBlocks to) =>
        Fetch(block, position, most, to);

    /// <summary>Demands that a block that was read back is as durable as one that the store acknowledged, where it can
    /// be seen before it is.</summary>
    /// <exception cref="JournalException">Unknown: the store does not say so.</exception>
    protected virtual void DemandDurable(in SealedBlock block)
    {
    }

    /// <summary>A block is stored, as the store said or as was read back; nothing was answered yet.</summary>
    /// <param name="before">The tail before it.</param>
    protected virtual void Stored(in SealedBlock block, JournalTail before)
    {
    }

    /// <summary>Fetches the seal line of the block that holds a position, as the one before the first.</summary>
    /// <param name="to">Empty; stays so where there is no such block.</param>
    protected abstract void FetchSeal(long position, StoredBlocks to);

    /// <summary>Fetches the seal line of the last block, as the one before the first.</summary>
    /// <param name="to">Empty; stays so where there is no block.</param>
    protected abstract void FetchLastSeal(StoredBlocks to);

    /// <summary>To be called when the store is open: finds the tail and verifies its block.</summary>
    protected void Open()
    {
        lock (_moving) MoveToTail();
    }

    /// <summary>The store took a block under this host's lead.</summary>
    /// <param name="sent"><see cref="Stopwatch"/> timestamp taken before it was sent.</param>
    private void Contacted(long sent) => Volatile.Write(ref _contact, sent);

    internal void FetchAfter(long block, long position, int most, StoredBlocks to) => Fetch(block, position, most, to);

    /// <summary>Where a reader begins, if that is known here; else it is to be located.</summary>
    internal WalkPoint? StartAt(long position)
    {
        var end = _end;
        return position == 1 ? new(0, 1, 1, 0)
            : position == end.Tail.Position + 1 ? new(0, end.Tail.Block + 1, position, end.Crc)
            : Recent.TryLocate(position, out var at) ? at
            : null;
    }

    /// <summary>Finds the block that holds a durable position.</summary>
    /// <param name="scratch">Empty before and after.</param>
    internal WalkPoint Locate(long position, StoredBlocks scratch)
    {
        scratch.Clear();
        FetchSeal(position, scratch);
        var root = new byte[JournalLimits.RootBytes];
        var isSeal = SegmentFormat.TryParseSeal(scratch.Before, root, out var seal);
        scratch.Clear();
        return isSeal && seal.First <= position && position <= seal.Size
            ? new(0, seal.Block, seal.First, seal.Previous)
            : throw Damaged(new(0, seal.Block, position, 0), "no sound seal tells which block holds the position");
    }

    internal JournalException Damaged(in WalkPoint at, string what) =>
        new(JournalDamage.InStore(Identity.Book, at.Block, at.Position, what));

    /// <summary>Asks again where the store does not answer, for at most <see cref="JournalTimes.Settle"/>.</summary>
    internal static T Patiently<T>(Func<T> ask)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return ask();
            }
            catch (JournalException silent) when (silent.Kind == JournalFault.Unknown
                && Stopwatch.GetElapsedTime(started) < JournalTimes.Settle)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    private void StoreOrSettle(in SealedBlock block, ReadOnlyMemory<byte> seal, End end)
    {
        var started = Stopwatch.GetTimestamp();
        JournalException? silent = null;
        while (true)
        {
            try
            {
                if (silent is not null && IsStored(block, seal.Span, end))
                {
                    DemandDurable(block);
                    return;
                }
                var left = JournalTimes.Settle - Stopwatch.GetElapsedTime(started);
                if (silent is not null && left <= TimeSpan.Zero) throw silent;
                var sent = Stopwatch.GetTimestamp();
                if (TryStore(block, seal, end.Tail, left > ShortestWait ? left : ShortestWait))
                {
                    Contacted(sent);
                    return;
                }
                if (silent is null) throw Fenced(block);
            }
            catch (JournalException unknown) when (unknown.Kind == JournalFault.Unknown)
            {
                // The first says what happened; those after it, that the store is away.
                silent ??= unknown;
                if (Stopwatch.GetElapsedTime(started) > JournalTimes.Settle) throw silent;
            }
            Thread.Sleep(Pause);
        }
    }

    /// <returns>False where nothing follows the end.</returns>
    /// <exception cref="JournalException">Fenced: another block does.</exception>
    private bool IsStored(in SealedBlock block, ReadOnlySpan<byte> seal, End end)
    {
        _news.Clear();
        Fetch(end.Tail.Block, end.Tail.Position, 1, _news);
        DemandUnchanged();
        if (_news.Count == 0) return false;
        var stored = _news.Stored(0, out var lines).Span;
        return stored[..lines].SequenceEqual(block.Lines.Span) && stored[lines..].SequenceEqual(seal)
            ? true
            : throw TakenBy(block);
    }

    /// <summary>Tells why a store held a block off that was certainly not stored before.</summary>
    private JournalException Fenced(in SealedBlock block)
    {
        var end = _end;
        try
        {
            _news.Clear();
            Fetch(end.Tail.Block, end.Tail.Position, 1, _news);
            DemandUnchanged();
        }
        catch (JournalException silent) when (silent.Kind == JournalFault.Unknown)
        {
            // That nothing was stored is known already.
        }
        return TakenBy(block);
    }

    private JournalException TakenBy(in SealedBlock block) => new(
        JournalFault.Fenced,
        $"Another writer has taken book {Identity.Book} over: block {block.Block} is not this one's.");

    /// <summary>What was read or written before must still be there.</summary>
    private void DemandUnchanged()
    {
        if (_news.Before.SequenceEqual(_end.Seal)) return;
        var tail = _end.Tail;
        throw Damaged(new(0, tail.Block, tail.Position, 0), _news.Before.IsEmpty
            ? $"block {tail.Block} was durable and is gone: history was cut off"
            : $"block {tail.Block} is another than the one that was durable: history was written anew");
    }

    /// <summary>Verifies a block of the news and moves the end behind it.</summary>
    private void Follow(int index, End end)
    {
        var at = new WalkPoint(0, end.Tail.Block + 1, end.Tail.Position + 1, end.Crc);
        var stored = _news.Stored(index, out var lines).Span;
        if (BlockShape.Fault(stored, lines, at, _root, _starts, out var seal) is { } fault) throw Damaged(at, fault);
        Recent.Add(at, seal.Size, stored[..lines], stored[lines..]);
        _end = new(new(seal.Block, seal.Size, _root.ToArray()), seal.Crc, stored[lines..].ToArray());
    }

    private void MoveToTail()
    {
        _news.Clear();
        FetchLastSeal(_news);
        if (_news.Before.IsEmpty) return;
        if (!SegmentFormat.TryParseSeal(_news.Before, _root, out var seal))
        {
            var at = new WalkPoint(0, _end.Tail.Block + 1, _end.Tail.Position + 1, 0);
            throw Damaged(at, "the last seal line is not well formed");
        }
        _news.Clear();
        Fetch(seal.Block - 1, seal.First - 1, 1, _news);
        if (_news.Count == 0) throw Damaged(new(0, seal.Block, seal.First, 0), "the last block is missing");
        Follow(0, new(new(seal.Block - 1, seal.First - 1, JournalTail.EmptyRoot), seal.Previous, []));
    }
}
