using System.Buffers.Binary;
using System.Globalization;

namespace BankingEngine.Application.Journal;

/// <summary>Names of the files of a journal, relative to the book's folder.</summary>
internal sealed class JournalFolder(string folder, IFileLayer files)
{
    private const string Extension = ".ndjson";

    public IFileLayer Files => files;
    public string Root => folder;
    public string Segments => Path.Combine(folder, "journal");
    public string Lock => Path.Combine(folder, "lock");
    public string Acked => Path.Combine(folder, "acked");

    public static string SegmentName(int segment) => segment.ToString("D10", CultureInfo.InvariantCulture) + Extension;

    public string Segment(int segment) => Path.Combine(Segments, SegmentName(segment));

    public string Index(int segment) => Path.ChangeExtension(Segment(segment), ".index");

    /// <summary>How a segment is named in a finding.</summary>
    public static string Shown(int segment) => "journal/" + SegmentName(segment);

    /// <summary>Numbers of the segments present, ascending.</summary>
    public List<int> ListSegments()
    {
        List<int> found = [];
        foreach (var name in files.List(Segments))
        {
            if (name.Length == 10 + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(0, 10), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                found.Add(number);
        }
        found.Sort();
        return found;
    }

    /// <summary>Writes a small file so that after a crash it is there whole or not at all.</summary>
    public void WriteWhole(string path, ReadOnlyMemory<byte> content)
    {
        using (var file = files.Create(path + ".new"))
        {
            file.Write(content, 0);
            file.Flush();
        }
        files.Rename(path + ".new", path);
        files.FlushFolder(Path.GetDirectoryName(path)!);
    }
}

/// <summary>The last block known to be durable, as the <c>acked</c> file states it.</summary>
/// <param name="Block">0 before the first.</param>
/// <param name="SealCrc">Checksum of that block's seal.</param>
internal readonly record struct AckedMark(long Block, long Position, uint SealCrc);

/// <summary>The <c>acked</c> file: two slots, written in turn, so that a torn write leaves the one before.</summary>
/// <remarks>A slot is 32 bytes, little-endian: block (8), position (8), seal checksum (4), zero (4), <c>ACK1</c> (4),
/// CRC-32C of the 28 bytes before (4). The second slot is a page away: no single sector or page holds both.</remarks>
internal sealed class AckedFile(IFile file) : IDisposable
{
    private const int SlotBytes = 32, SecondSlot = 4096;
    private readonly byte[] slot = new byte[SlotBytes];

    public static byte[] Initial(AckedMark mark)
    {
        var content = new byte[SecondSlot + SlotBytes];
        Render(content, mark);
        Render(content.AsSpan(SecondSlot), mark);
        return content;
    }

    /// <param name="sound">Both slots are readable.</param>
    /// <returns>The higher readable mark, null where neither is readable.</returns>
    public static AckedMark? Read(IFile file, out bool sound)
    {
        var (first, second) = (Parse(file, 0), Parse(file, SecondSlot));
        sound = first is not null && second is not null;
        return first is null || second?.Block > first.Value.Block ? second : first;
    }

    /// <summary>Into the page cache only: it costs no flush, and outlives the process though not the power.</summary>
    public void Write(AckedMark mark)
    {
        Render(slot, mark);
        file.Write(slot, mark.Block % 2 == 0 ? 0 : SecondSlot);
    }

    public void Flush() => file.Flush();

    public void Dispose() => file.Dispose();

    private static void Render(Span<byte> to, AckedMark mark)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, mark.Block);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], mark.Position);
        BinaryPrimitives.WriteUInt32LittleEndian(to[16..], mark.SealCrc);
        to[20..24].Clear();
        "ACK1"u8.CopyTo(to[24..]);
        BinaryPrimitives.WriteUInt32LittleEndian(to[28..], Crc32C.Compute(to[..28]));
    }

    private static AckedMark? Parse(IFile file, long offset)
    {
        Span<byte> from = stackalloc byte[SlotBytes];
        if (file.Read(from, offset) != SlotBytes
            || !from[24..28].SequenceEqual("ACK1"u8)
            || BinaryPrimitives.ReadUInt32LittleEndian(from[28..]) != Crc32C.Compute(from[..28])) return null;
        return new(
            BinaryPrimitives.ReadInt64LittleEndian(from),
            BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[16..]));
    }
}
