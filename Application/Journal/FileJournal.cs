using System.Buffers;

namespace BankingEngine.Application.Journal;

/// <param name="Identity">The book the journal is, or must be, of.</param>
public sealed record FileJournalOptions(JournalIdentity Identity)
{
    /// <summary>A segment is not begun a block that would take it beyond this; one block always fits. Default 256 MiB.
    /// </summary>
    public long SegmentBytes { get; init; } = 256L * 1024 * 1024;
}

/// <summary>What opening a journal found and did.</summary>
/// <param name="Torn">What was cut off; null where the journal ended cleanly.</param>
/// <param name="Unacknowledged">Sound blocks found above the mark and kept: durable, though perhaps never
/// answered.</param>
/// <param name="Reindexed">Segments read whole because their sidecar was missing or wrong.</param>
public sealed record JournalOpening(TornTail? Torn, long Unacknowledged, int Reindexed);

/// <summary>The journal as NDJSON segments in a folder. FORMAT.md is its public page.</summary>
/// <remarks>Files grow by plain appends and fsync. Overwriting a zero-filled file with fdatasync commits a block of 18 kB
/// in 34 instead of 66 µs (virtual disk, ext4), but writes every byte twice and leaves zeros where people read lines;
/// at 15,000 commits a second the flush does not bound the engine.</remarks>
public sealed class FileJournal : IJournal
{
    private readonly JournalFolder folder;
    private readonly FileJournalOptions options;
    private readonly IFile? held;
    private readonly AckedFile? acked;
    private readonly List<SegmentIndex> segments;
    private readonly Lock gate = new();
    private readonly byte[] seal = new byte[JournalLimits.SealBytes];
    private readonly int[] starts = new int[JournalLimits.BlockEvents + 1];
    private IFile? active;
    private JournalException? failure;
    private bool disposed;

    private FileJournal(
        JournalFolder folder, FileJournalOptions options, IFile held, List<SegmentIndex> segments,
        JournalOpening opening)
    {
        (this.folder, this.options, this.held, this.segments, Opening) = (folder, options, held, segments, opening);
        active = folder.Files.Open(folder.Segment(segments[^1].Segment), FileAccess.ReadWrite);
        acked = new AckedFile(folder.Files.Open(folder.Acked, FileAccess.ReadWrite));
    }

    /// <summary>For reading alone: nothing is held and nothing can be written.</summary>
    private FileJournal(
        JournalFolder folder, JournalIdentity identity, List<SegmentIndex> segments, JournalOpening opening) =>
        (this.folder, options, this.segments, Opening) = (folder, new(identity), segments, opening);

    public JournalIdentity Identity => options.Identity;

    public JournalOpening Opening { get; }

    public JournalTail Tail
    {
        get { lock (gate) return segments[^1].Tail; }
    }

    /// <summary>Begins a book in a folder that is missing or empty. A creation cut short may be repeated.</summary>
    /// <exception cref="JournalException">NotEmpty, InUse, Failed or DiskFull.</exception>
    public static FileJournal Create(string folder, FileJournalOptions options, IFileLayer files)
    {
        ArgumentNullException.ThrowIfNull(options);
        return JournalMaintenance.Locked(folder, files, create: true, (place, held) =>
        {
            JournalMaintenance.DemandEmpty(place);
            place.WriteWhole(place.Acked, AckedFile.Initial(default));
            var start = WriteHeader(place, options.Identity, 1, new WalkPoint(0, 1, 1, 0));
            files.FlushFolder(place.Root);
            if (Path.GetDirectoryName(Path.GetFullPath(folder)) is { } parent) files.FlushFolder(parent);
            return new FileJournal(place, options, held,
                [new SegmentIndex(1, start, JournalTail.Empty)], new JournalOpening(null, 0, 0));
        });
    }

    /// <summary>Opens for appending: cuts a torn tail, saying so in <see cref="Opening"/>, and refuses
    /// damage.</summary>
    /// <exception cref="JournalException">NotFound, InUse, Damaged, WrongBook, NewerFormat, Failed or
    /// DiskFull.</exception>
    public static FileJournal Open(string folder, FileJournalOptions options, IFileLayer files)
    {
        ArgumentNullException.ThrowIfNull(options);
        return JournalMaintenance.Locked(folder, files, create: false, (place, held) =>
        {
            using var scan = new JournalScan(place);
            scan.Run(trustIndexes: true, options.Identity);
            if (scan.Damages.Count > 0) throw new JournalException(scan.Damages);
            var opening = JournalMaintenance.Settle(place, scan);
            return new FileJournal(place, options, held, scan.Segments, opening);
        });
    }

    /// <summary>Opens for reading alone, without the lock, also beside the process that writes: the blocks that were
    /// acknowledged when it was opened, to which <see cref="Refresh"/> adds later ones. Cuts nothing and writes
    /// nothing.</summary>
    /// <exception cref="JournalException">NotFound, Damaged, NewerFormat or Failed.</exception>
    public static FileJournal OpenReadOnly(string folder, IFileLayer files) =>
        JournalMaintenance.Reading(folder, files, place =>
        {
            using var scan = JournalMaintenance.ScanBeside(place);
            var opening = new JournalOpening(scan.Torn, 0, scan.Unindexed.Count);
            return new FileJournal(place, scan.Identity!, scan.Segments, opening);
        });

    /// <summary>Whose journal a folder holds, by the header of its first segment.</summary>
    /// <exception cref="JournalException">NotFound, Damaged, NewerFormat or Failed.</exception>
    public static JournalIdentity Identify(string folder, IFileLayer files) =>
        JournalMaintenance.Reading(folder, files, JournalScan.Identify);

    /// <summary>Verifies every byte without writing one, also of a journal that is open for appending.</summary>
    /// <param name="progress">Receives the bytes of each block verified.</param>
    /// <exception cref="JournalException">NotFound, NewerFormat or Failed. Damage is listed, not thrown.</exception>
    public static JournalCheck Check(string folder, IFileLayer files, IProgress<long>? progress = null) =>
        JournalMaintenance.Reading(folder, files, place =>
        {
            using var scan = new JournalScan(place);
            scan.Run(trustIndexes: false, expected: null, progress);
            var last = scan.Segments[^1].Tail;
            return new JournalCheck(scan.Identity, last.Block, last.Position, scan.Damages, scan.Torn);
        });

    /// <summary>Gives up a position and all after it, moving their bytes to <c>journal/cut-time/</c>.</summary>
    /// <param name="giveUpFrom">1 to the tail + 1; the whole block that holds it goes. The tail + 1 gives up no event
    /// and accepts the journal as it stands, where only the <c>acked</c> file disagrees.</param>
    /// <param name="at">Names the folder, to the second.</param>
    /// <exception cref="JournalException">Damaged: it lies before <paramref name="giveUpFrom"/>, nothing was done;
    /// InUse, NotFound, NewerFormat, Failed or DiskFull.</exception>
    public static JournalRepairResult Repair(string folder, long giveUpFrom, DateTimeOffset at, IFileLayer files) =>
        JournalMaintenance.Locked(folder, files, create: false, (place, held) =>
        {
            using (held) return JournalRepair.Run(place, giveUpFrom, at);
        });

    /// <summary>Of a journal opened for reading alone: reads the last segment again, which takes a second where it is
    /// large.</summary>
    /// <inheritdoc/>
    public bool Refresh()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (active is not null) return false;
        using var scan = JournalMaintenance.Reading(folder.Root, folder.Files, JournalMaintenance.ScanBeside);
        lock (gate)
        {
            if (scan.Segments[^1].Tail.Block <= segments[^1].Tail.Block) return false;
            segments.Clear();
            segments.AddRange(scan.Segments);
            return true;
        }
    }

    public void Append(in SealedBlock block)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (active is null || acked is null)
            throw new InvalidOperationException("The journal was opened for reading alone.");
        if (failure is not null)
            throw new JournalException(JournalFault.Failed, "The journal failed before; reopen it.", failure);
        BlockShape.Demand(block, Tail, starts);
        try
        {
            var at = segments[^1].End;
            if (at.Offset > segments[^1].Start.Offset
                && at.Offset + block.Lines.Length + JournalLimits.SealBytes > options.SegmentBytes)
                at = Rotate(active, acked);
            var length = SegmentFormat.WriteSeal(seal, block, at.Previous, out var crc);
            active.Write(block.Lines, seal.AsMemory(0, length), at.Offset);
            active.Flush();
            var last = block.FirstPosition + block.Events - 1;
            acked.Write(new AckedMark(block.Block, last, crc));
            var end = new WalkPoint(at.Offset + block.Lines.Length + length, block.Block + 1, last + 1, crc);
            var tail = new JournalTail(block.Block, last, block.Root.ToArray());
            lock (gate) segments[^1].Add(end, tail);
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            failure = FileFaults.Wrap(exception, $"Block {block.Block} was not made durable");
            throw failure;
        }
    }

    public JournalReader Read(long fromPosition)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fromPosition, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fromPosition, Tail.Position + 1);
        return new FileJournalReader(this, fromPosition, BlockWalker.SequentialChunk);
    }

    public bool TryReadEvent(long position, IBufferWriter<byte> to)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (position < 1 || position > Tail.Position) return false;
        using var reader = new FileJournalReader(this, position, BlockWalker.LookupChunk);
        if (!reader.MoveNext()) return false;
        to.Write(reader.Current.Line((int)(position - reader.Current.FirstPosition)));
        return true;
    }

    /// <summary>Closes cleanly. After a failure nothing more is written.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        try
        {
            if (failure is null) acked?.Flush();
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            // The blocks are durable without the mark; a stale mark only makes the next opening less sure of the last.
        }
        finally
        {
            active?.Dispose();
            acked?.Dispose();
            held?.Dispose();
        }
    }

    /// <summary>Where a reader that wants a position has to begin.</summary>
    internal (int Segment, WalkPoint Point) Locate(long position)
    {
        lock (gate)
        {
            var (low, high) = (0, segments.Count - 1);
            while (low < high)
            {
                var middle = (low + high + 1) / 2;
                if (segments[middle].Start.Position <= position) low = middle;
                else high = middle - 1;
            }
            return (low, segments[low].Before(position));
        }
    }

    /// <returns>The durable end of a segment, and where the next one begins if there is one.</returns>
    internal (long End, WalkPoint? Next) Bounds(int segment)
    {
        lock (gate)
            return (segments[segment].End.Offset,
                segment + 1 < segments.Count ? segments[segment + 1].Start : null);
    }

    internal JournalFolder Folder => folder;

    internal int SegmentNumber(int index)
    {
        lock (gate) return segments[index].Segment;
    }

    private WalkPoint Rotate(IFile current, AckedFile mark)
    {
        var full = segments[^1];
        mark.Flush();
        var start = WriteHeader(folder, options.Identity, full.Segment + 1, full.End);
        var next = folder.Files.Open(folder.Segment(full.Segment + 1), FileAccess.ReadWrite);
        current.Dispose();
        active = next;
        lock (gate) segments.Add(new SegmentIndex(full.Segment + 1, start, full.Tail));
        JournalMaintenance.WriteIndex(folder, full);
        return start;
    }

    private static WalkPoint WriteHeader(JournalFolder folder, JournalIdentity identity, int segment, WalkPoint follows)
    {
        var line = new byte[JournalLimits.HeaderBytes];
        var length = SegmentFormat.WriteHeader(
            line, identity, segment, follows.Block, follows.Position, follows.Previous);
        folder.WriteWhole(folder.Segment(segment), line.AsMemory(0, length));
        return follows with { Offset = length };
    }
}
