using System.Buffers.Binary;

namespace BankingEngine.Application.Journal;

/// <summary>Where the blocks of one segment are: a point about every 64 KiB, from which a walk finds the
/// rest.</summary>
/// <remarks>Kept beside a full segment as <c>*.index</c>, so that opening a long journal reads only its last segment.
/// It is a cache: its own checksum and the segment's length decide whether it is believed; deleting it is
/// safe.</remarks>
internal sealed class SegmentIndex
{
    private const int PointEvery = 64 * 1024;
    private const int PointBytes = 28;
    private const int EndAt = 24, RootAt = EndAt + PointBytes, PointsAt = RootAt + JournalLimits.RootBytes;
    private static ReadOnlySpan<byte> Magic => "BEIDX01\n"u8;

    private readonly List<WalkPoint> points = [];

    /// <param name="start">The first block's point.</param>
    /// <param name="tail">The journal's tail before this segment.</param>
    public SegmentIndex(int segment, WalkPoint start, JournalTail tail)
    {
        Segment = segment;
        (Start, End, Tail) = (start, start, tail);
        points.Add(start);
    }

    public int Segment { get; }

    /// <summary>The first block of the segment.</summary>
    public WalkPoint Start { get; }

    /// <summary>Behind the last block.</summary>
    public WalkPoint End { get; private set; }

    /// <summary>The last block of the segment, or of the one before where it has none yet.</summary>
    public JournalTail Tail { get; private set; }

    /// <summary>A block was found or written at <see cref="End"/>.</summary>
    public void Add(WalkPoint end, JournalTail tail)
    {
        if (End.Offset - points[^1].Offset >= PointEvery) points.Add(End);
        (End, Tail) = (end, tail);
    }

    /// <summary>The last known point at or before the block that holds a position.</summary>
    public WalkPoint Before(long position)
    {
        var (low, high) = (0, points.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (points[middle].Position <= position) low = middle;
            else high = middle - 1;
        }
        return points[low];
    }

    /// <summary>Goes on behind damage, for a check that wants to find all of it.</summary>
    public void SkipTo(WalkPoint end) => End = end;

    /// <summary>The sidecar's content: magic (8), segment (8), points (8), end (28), root (32), the points (28 each),
    /// CRC-32C of all before (4); little-endian.</summary>
    public byte[] Render()
    {
        var content = new byte[PointsAt + PointBytes * points.Count + sizeof(uint)];
        Magic.CopyTo(content);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(8), Segment);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(16), points.Count);
        WritePoint(content.AsSpan(EndAt), End);
        Tail.Root.Span.CopyTo(content.AsSpan(RootAt));
        for (var index = 0; index < points.Count; index++)
            WritePoint(content.AsSpan(PointsAt + PointBytes * index), points[index]);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(^sizeof(uint)..), Crc32C.Compute(content.AsSpan(..^4)));
        return content;
    }

    /// <param name="start">What the segment's header and the segment before demand.</param>
    /// <param name="length">Of the segment's file.</param>
    /// <returns>Null where the sidecar is not one of this very segment, so that it has to be rebuilt.</returns>
    public static SegmentIndex? Parse(ReadOnlySpan<byte> content, int segment, WalkPoint start, long length)
    {
        if (content.Length < PointsAt + PointBytes + sizeof(uint)
            || !content.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(content[^sizeof(uint)..]) != Crc32C.Compute(content[..^4])
            || BinaryPrimitives.ReadInt64LittleEndian(content[8..]) != segment) return null;
        var count = BinaryPrimitives.ReadInt64LittleEndian(content[16..]);
        var end = ReadPoint(content[EndAt..]);
        if (count != (content.Length - PointsAt - sizeof(uint)) / PointBytes
            || end.Offset != length || ReadPoint(content[PointsAt..]) != start) return null;

        var root = content.Slice(RootAt, JournalLimits.RootBytes).ToArray();
        var tail = new JournalTail(end.Block - 1, end.Position - 1, root);
        var index = new SegmentIndex(segment, start, tail) { End = end };
        for (var point = 1; point < count; point++)
            index.points.Add(ReadPoint(content[(PointsAt + PointBytes * point)..]));
        return index;
    }

    private static void WritePoint(Span<byte> to, WalkPoint point)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, point.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], point.Block);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], point.Position);
        BinaryPrimitives.WriteUInt32LittleEndian(to[24..], point.Previous);
    }

    private static WalkPoint ReadPoint(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadInt64LittleEndian(from),
        BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(from[24..]));
}
