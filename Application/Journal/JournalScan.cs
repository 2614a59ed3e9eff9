namespace BankingEngine.Application.Journal;

/// <summary>What stood behind the last sound block when a journal was opened, and was never acknowledged.</summary>
/// <param name="File">Path below the journal's folder.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="Bytes">Its length, zero bytes of a preallocated file included.</param>
/// <param name="Events">Event lines begun in it.</param>
public sealed record TornTail(string File, long Offset, long Bytes, int Events);

/// <summary>Reads a journal's files and says what is sound, what is torn and what is damaged. Writes nothing.</summary>
internal sealed class JournalScan(JournalFolder folder) : IDisposable
{
    private readonly BlockWalker walker = new(BlockWalker.SequentialChunk);
    private readonly List<JournalDamage> damages = [];
    private IProgress<long>? progress;

    public IReadOnlyList<JournalDamage> Damages => damages;

    /// <summary>All segments, ascending.</summary>
    public List<SegmentIndex> Segments { get; } = [];

    /// <summary>Segments whose sidecar was missing or not to be believed.</summary>
    public List<SegmentIndex> Unindexed { get; } = [];

    public TornTail? Torn { get; private set; }

    /// <summary>Null where the <c>acked</c> file cannot be read; then it is among the damages.</summary>
    public AckedMark? Mark { get; private set; }

    /// <summary>Of the first segment's header.</summary>
    public JournalIdentity? Identity { get; private set; }

    /// <summary>Where the last block of the last segment begins.</summary>
    public WalkPoint LastBlock { get; private set; }

    private bool HasDamagedSegments => damages.Any(damage => damage.Position is not null);

    private bool markSound;

    /// <param name="trustIndexes">Read only the last segment whole: the others' sidecars stand for them.</param>
    /// <param name="expected">Throws WrongBook where the journal is another's; null accepts any.</param>
    /// <param name="reading">Receives bytes read so far.</param>
    public void Run(bool trustIndexes, JournalIdentity? expected, IProgress<long>? reading = null)
    {
        progress = reading;
        ReadMark();
        var numbers = folder.ListSegments();
        if (numbers.Count == 0)
            throw new JournalException(JournalFault.NotFound, $"There is no journal in {folder.Root}.");

        for (var index = 0; index < numbers.Count; index++)
        {
            if (numbers[index] != index + 1 && (index == 0 || numbers[index] != numbers[index - 1] + 1))
                Add(JournalFolder.Shown(numbers[index] - 1), 0, index == 0 ? 1 : Segments[^1].End.Position,
                    "the segment is missing");
            var isLast = index == numbers.Count - 1;
            ReadSegment(numbers[index], isLast, trustIndexes && !isLast, expected);
        }
        CompareEndWithMark(isCheck: !trustIndexes);
    }

    public static JournalIdentity Identify(JournalFolder folder)
    {
        if (folder.ListSegments().Count == 0)
            throw new JournalException(JournalFault.NotFound, $"There is no journal in {folder.Root}.");
        using var scan = new JournalScan(folder);
        using var file = folder.Files.Open(folder.Segment(1), FileAccess.Read);
        scan.ReadHeader(file, 1, expected: null);
        return scan.Identity ?? throw new JournalException(scan.Damages);
    }

    public void Dispose() => walker.Dispose();

    private void ReadMark()
    {
        if (!folder.Files.Exists(folder.Acked))
        {
            Add("acked", 0, null, "the file is missing");
            return;
        }
        using var file = folder.Files.Open(folder.Acked, FileAccess.Read);
        Mark = AckedFile.Read(file, out markSound);
        if (Mark is null) Add("acked", 0, null, "neither slot is readable");
    }

    private void ReadSegment(int number, bool isLast, bool trustIndex, JournalIdentity? expected)
    {
        using var file = folder.Files.Open(folder.Segment(number), FileAccess.Read);
        var length = file.Length;
        var start = ReadHeader(file, number, expected);
        var tail = Segments.Count == 0 ? JournalTail.Empty : Segments[^1].Tail;
        var index = trustIndex ? ReadIndex(number, start, length) : null;
        if (index is not null)
        {
            Segments.Add(index);
            CompareMark(index.End, number);
            return;
        }
        index = new SegmentIndex(number, start, tail);
        Segments.Add(index);
        if (!isLast) Unindexed.Add(index);
        Walk(file, length, index, isLast);
    }

    /// <returns>Where the first block is expected, also where the header is damaged.</returns>
    private WalkPoint ReadHeader(IFile file, int number, JournalIdentity? expected)
    {
        var follows = Segments.Count == 0 ? new WalkPoint(0, 1, 1, 0) : Segments[^1].End;
        var bytes = new byte[JournalLimits.HeaderBytes];
        var start = bytes.AsSpan(0, file.Read(bytes, 0));
        var header = SegmentFormat.ParseHeader(start, out var newer);
        if (newer)
            throw new JournalException(JournalFault.NewerFormat,
                $"{JournalFolder.Shown(number)} was written in a newer format than {SegmentFormat.Version}.");
        if (header is null)
        {
            Add(JournalFolder.Shown(number), 0, follows.Position, "the header line is damaged");
            return follows with { Offset = Math.Max(0, start.IndexOf((byte)'\n') + 1) };
        }

        if (expected is not null && !header.Identity.IsSameAs(expected))
            throw new JournalException(JournalFault.WrongBook,
                $"{JournalFolder.Shown(number)} belongs to {header.Identity}, not to {expected}.");
        Identity ??= header.Identity;
        var stated = new WalkPoint(header.Length, header.FirstBlock, header.FirstPosition, header.Previous);
        var wrong = !header.Identity.IsSameAs(Identity) ? "the segment belongs to another book"
            : header.Segment != number ? $"the header says segment {header.Segment}"
            : stated with { Offset = follows.Offset } != follows ? "the segment does not follow the one before it"
            : null;
        if (wrong is not null) Add(JournalFolder.Shown(number), 0, follows.Position, wrong);
        return stated;
    }

    private SegmentIndex? ReadIndex(int number, WalkPoint start, long length)
    {
        if (!folder.Files.Exists(folder.Index(number))) return null;
        using var file = folder.Files.Open(folder.Index(number), FileAccess.Read);
        // A sidecar has a point for every 64 KiB of its segment; a longer one is not a sidecar.
        var bytes = file.Length;
        if (bytes > length) return null;
        var content = new byte[bytes];
        return SegmentIndex.Parse(content.AsSpan(0, file.Read(content, 0)), number, start, length);
    }

    private void Walk(IFile file, long length, SegmentIndex index, bool isLast)
    {
        walker.Start(file, index.Start);
        while (true)
        {
            var at = walker.At;
            switch (walker.Step(length))
            {
                case WalkStep.End:
                    return;
                case WalkStep.Block:
                    var block = walker.Block;
                    index.Add(walker.At, new JournalTail(block.Number, block.LastPosition, block.Root.ToArray()));
                    LastBlock = at;
                    CompareMark(walker.At, index.Segment);
                    progress?.Report(walker.At.Offset - at.Offset);
                    break;
                default:
                    var fault = walker.Fault;
                    var resumed = walker.Resume(length, out var passed);
                    if (isLast && ReadTorn(file, at, length, resumed ? passed : null) is { } torn)
                    {
                        Torn = torn;
                        return;
                    }
                    Add(JournalFolder.Shown(index.Segment), at.Offset, at.Position, fault);
                    if (!resumed) return;
                    index.SkipTo(walker.At);
                    break;
            }
        }
    }

    /// <summary>A block is written only after the one before it was flushed, so a torn tail is part of one block, above
    /// the mark, with nothing behind it. Anything else is damage.</summary>
    private TornTail? ReadTorn(IFile file, WalkPoint at, long length, Seal? seal)
    {
        if (Mark is not { } mark || !markSound || at.Block <= mark.Block || HasDamagedSegments) return null;
        var content = LastContent(file, at.Offset, length);
        if (content - at.Offset > JournalLimits.BlockBytes + JournalLimits.SealBytes) return null;
        if (seal is { } found && (found.Block != at.Block || content > walker.At.Offset)) return null;

        var bytes = new byte[content - at.Offset];
        var rest = bytes.AsSpan(0, file.Read(bytes, at.Offset));
        if (HasContentBehindSeal(rest)) return null;
        var events = 0;
        while (rest.StartsWith("{\"position\":"u8))
        {
            events++;
            rest = rest[(rest.IndexOf((byte)'\n') is var end && end < 0 ? rest.Length : end + 1)..];
        }
        return new TornTail(JournalFolder.Shown(Segments[^1].Segment), at.Offset, length - at.Offset, events);
    }

    /// <summary>Also a seal that cannot be read any more was the last line of its block.</summary>
    private static bool HasContentBehindSeal(ReadOnlySpan<byte> rest)
    {
        var seal = BlockWalker.IndexOfSeal(rest, 0);
        if (seal < 0) return false;
        var end = rest[seal..].IndexOf((byte)'\n');
        return end >= 0 && rest[(seal + end + 1)..].ContainsAnyExcept((byte)0);
    }

    /// <returns>Offset behind the last byte that is not zero.</returns>
    private static long LastContent(IFile file, long from, long to)
    {
        var chunk = new byte[64 * 1024];
        while (to > from)
        {
            var length = (int)Math.Min(chunk.Length, to - from);
            var last = chunk.AsSpan(0, file.Read(chunk.AsSpan(0, length), to - length)).LastIndexOfAnyExcept((byte)0);
            if (last >= 0) return to - length + last + 1;
            to -= length;
        }
        return from;
    }

    /// <param name="behind">The point behind a block that was found sound.</param>
    private void CompareMark(WalkPoint behind, int segment)
    {
        if (Mark is { } mark && mark.Block == behind.Block - 1
            && (mark.Position != behind.Position - 1 || mark.SealCrc != behind.Previous))
            Add(JournalFolder.Shown(segment), behind.Offset, behind.Position - 1,
                $"block {mark.Block} is not the one that was acknowledged");
    }

    /// <summary>The slot that was being written when the power went may be unreadable, but then its block is there.
    /// </summary>
    private void CompareEndWithMark(bool isCheck)
    {
        var last = Segments[^1];
        if (Mark is { } readable && !markSound && (isCheck || readable.Block >= last.Tail.Block))
            Add("acked", 0, null, $"one of the two slots is not readable; the other says block {readable.Block}");
        if (Mark is { } mark && !HasDamagedSegments && mark.Block >= last.End.Block)
            Add(JournalFolder.Shown(last.Segment), last.End.Offset, last.End.Position,
                $"the journal ends with block {last.End.Block - 1}, but block {mark.Block} was acknowledged");
    }

    private void Add(string file, long offset, long? position, string what)
    {
        const int most = 1_000;
        if (damages.Count < most) damages.Add(new(file, LineAt(file, offset), offset, position, what));
    }

    /// <summary>Counted only when something is wrong: a sound journal is never read twice for line numbers.</summary>
    private long LineAt(string shown, long offset) =>
        LineAt(folder, Path.Combine(folder.Root, shown), offset);

    public static long LineAt(JournalFolder folder, string path, long offset)
    {
        if (!path.EndsWith(".ndjson", StringComparison.Ordinal) || !folder.Files.Exists(path)) return 0;
        using var file = folder.Files.Open(path, FileAccess.Read);
        var chunk = new byte[64 * 1024];
        var line = 1L;
        for (long at = 0; at < offset; at += chunk.Length)
        {
            var read = file.Read(chunk.AsSpan(0, (int)Math.Min(chunk.Length, offset - at)), at);
            line += chunk.AsSpan(0, read).Count((byte)'\n');
        }
        return line;
    }
}
