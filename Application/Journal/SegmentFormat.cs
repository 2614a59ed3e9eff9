using System.Buffers;
using System.Buffers.Text;

namespace BankingEngine.Application.Journal;

/// <summary>A seal line as read.</summary>
/// <param name="Size">Leaves of the tree up to this block: the position of its last event.</param>
/// <param name="Previous">Checksum of the seal before, 0 before the first block.</param>
/// <param name="Covered">Bytes of the line that the checksum covers: up to and with the quote before its value.</param>
internal readonly record struct Seal(
    long Block, long First, long Events, long Size, uint Previous, uint Crc, int Covered);

/// <summary>A segment's first line as read.</summary>
/// <param name="Length">Bytes of the line with its newline: where the first block begins.</param>
internal sealed record SegmentHeader(
    JournalIdentity Identity, int Segment, long FirstBlock, long FirstPosition, uint Previous, int Length);

/// <summary>Renders and parses seal and header lines. There is one spelling of each: fields in this order, no spaces,
/// numbers without leading zeros, hexadecimal in lower case. Anything else is damage. FORMAT.md is the public
/// page.</summary>
internal static class SegmentFormat
{
    /// <summary>Version written, and the highest one read.</summary>
    public const int Version = 1;

    private static ReadOnlySpan<byte> HeaderLead => "{\"journal\":\"bankingengine.v"u8;

    /// <summary>How a seal line, and no event line, begins.</summary>
    public static ReadOnlySpan<byte> SealLead => "{\"block\":"u8;

    /// <returns>Length of the line with its newline.</returns>
    public static int WriteSeal(Span<byte> to, in SealedBlock block, uint previous, out uint crc)
    {
        var line = new LineWriter(to);
        line.Text(SealLead);
        line.Number(block.Block);
        line.Text(",\"first\":"u8);
        line.Number(block.FirstPosition);
        line.Text(",\"events\":"u8);
        line.Number(block.Events);
        line.Text(",\"root\":\""u8);
        line.Hex(block.Root.Span);
        line.Text("\",\"size\":"u8);
        line.Number(block.FirstPosition + block.Events - 1);
        line.Text(",\"previous\":\""u8);
        line.Hex(previous);
        line.Text("\",\"crc\":\""u8);
        crc = Crc32C.Continue(Crc32C.Compute(block.Lines.Span), line.Written);
        line.Hex(crc);
        line.Text("\"}\n"u8);
        return line.Written.Length;
    }

    /// <param name="line">With its newline.</param>
    /// <param name="root">Room for 32 bytes.</param>
    public static bool TryParseSeal(ReadOnlySpan<byte> line, Span<byte> root, out Seal seal)
    {
        var reader = new LineReader(line);
        seal = default;
        if (!(reader.Text(SealLead) && reader.Number(out var block)
            && reader.Text(",\"first\":"u8) && reader.Number(out var first)
            && reader.Text(",\"events\":"u8) && reader.Number(out var events)
            && reader.Text(",\"root\":\""u8) && reader.Hex(root)
            && reader.Text("\",\"size\":"u8) && reader.Number(out var size)
            && reader.Text(",\"previous\":\""u8) && reader.Hex(out var previous)
            && reader.Text("\",\"crc\":\""u8)))
            return false;
        var covered = reader.At;
        if (!(reader.Hex(out var crc) && reader.Text("\"}\n"u8) && reader.At == line.Length)) return false;
        seal = new Seal(block, first, events, size, previous, crc, covered);
        return true;
    }

    /// <returns>Length of the line with its newline.</returns>
    public static int WriteHeader(
        Span<byte> to, JournalIdentity identity, int segment, long firstBlock, long firstPosition, uint previous)
    {
        var line = new LineWriter(to);
        line.Text(HeaderLead);
        line.Number(Version);
        line.Text("\",\"book\":\""u8);
        line.Text(System.Text.Encoding.ASCII.GetBytes(identity.Book));
        line.Text("\",\"genesis\":\""u8);
        line.Hex(identity.Genesis.Span);
        line.Text("\",\"segment\":"u8);
        line.Number(segment);
        line.Text(",\"first_block\":"u8);
        line.Number(firstBlock);
        line.Text(",\"first\":"u8);
        line.Number(firstPosition);
        line.Text(",\"previous\":\""u8);
        line.Hex(previous);
        line.Text("\",\"crc\":\""u8);
        line.Hex(Crc32C.Compute(line.Written));
        line.Text("\"}\n"u8);
        return line.Written.Length;
    }

    /// <param name="start">The beginning of the file, at least <see cref="JournalLimits.HeaderBytes"/> where it has
    /// them.
    /// </param>
    /// <param name="newer">The line is whole and of a version above <see cref="Version"/>: its checksum, whose place no
    /// version changes, holds.</param>
    /// <returns>Null where the line is damaged or <paramref name="newer"/>.</returns>
    public static SegmentHeader? ParseHeader(ReadOnlySpan<byte> start, out bool newer)
    {
        newer = false;
        var end = start.IndexOf((byte)'\n') + 1;
        const int tail = 11; // eight digits, quote, brace, newline
        if (end < tail) return null;
        var check = new LineReader(start[(end - tail)..end]);
        if (!check.Hex(out var crc) || crc != Crc32C.Compute(start[..(end - tail)])) return null;

        var reader = new LineReader(start[..end]);
        if (!(reader.Text(HeaderLead) && reader.Number(out var version))) return null;
        newer = version > Version;
        Span<byte> genesis = stackalloc byte[JournalLimits.RootBytes];
        if (version != Version || !(reader.Text("\",\"book\":\""u8) && reader.Name(out var book)
            && reader.Text("\",\"genesis\":\""u8) && reader.Hex(genesis)
            && reader.Text("\",\"segment\":"u8) && reader.Number(out var segment)
            && reader.Text(",\"first_block\":"u8) && reader.Number(out var firstBlock)
            && reader.Text(",\"first\":"u8) && reader.Number(out var first)
            && reader.Text(",\"previous\":\""u8) && reader.Hex(out var previous)
            && reader.Text("\",\"crc\":\""u8) && reader.At == end - tail))
            return null;
        return segment > int.MaxValue || !JournalIdentity.IsBookName(book)
            ? null
            : new SegmentHeader(new(book, genesis), (int)segment, firstBlock, first, previous, end);
    }
}

internal ref struct LineWriter(Span<byte> to)
{
    private readonly Span<byte> to = to;
    private int length;

    public readonly ReadOnlySpan<byte> Written => to[..length];

    public void Text(ReadOnlySpan<byte> text)
    {
        text.CopyTo(to[length..]);
        length += text.Length;
    }

    public void Number(long value)
    {
        if (!Utf8Formatter.TryFormat(value, to[length..], out var written))
            throw new InvalidOperationException("A journal line outgrew its bound.");
        length += written;
    }

    public void Hex(uint value)
    {
        Utf8Formatter.TryFormat(value, to[length..], out var written, new StandardFormat('x', 8));
        length += written;
    }

    public void Hex(ReadOnlySpan<byte> bytes)
    {
        Convert.TryToHexStringLower(bytes, to[length..], out var written);
        length += written;
    }
}

internal ref struct LineReader(ReadOnlySpan<byte> line)
{
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);
    private readonly ReadOnlySpan<byte> line = line;

    public int At { get; private set; }

    public bool Text(ReadOnlySpan<byte> expected)
    {
        if (!line[At..].StartsWith(expected)) return false;
        At += expected.Length;
        return true;
    }

    /// <summary>1 to 18 digits; no leading zero but in 0 itself.</summary>
    public bool Number(out long value)
    {
        const int mostDigits = 18;
        var rest = line.Slice(At, Math.Min(mostDigits, line.Length - At));
        var digits = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        if (digits < 0) digits = rest.Length;
        value = 0;
        foreach (var digit in rest[..digits]) value = value * 10 + (digit - '0');
        if (digits == 0 || digits > 1 && rest[0] == '0') return false;
        At += digits;
        return true;
    }

    public bool Hex(out uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        var read = Hex(bytes);
        value = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return read;
    }

    public bool Hex(scoped Span<byte> bytes)
    {
        var digits = bytes.Length * 2;
        if (line.Length - At < digits || line.Slice(At, digits).ContainsAnyExcept(HexDigits)) return false;
        Convert.FromHexString(line.Slice(At, digits), bytes, out _, out _);
        At += digits;
        return true;
    }

    public bool Name(out string name)
    {
        var length = line[At..].IndexOf((byte)'"');
        name = length < 0 ? "" : System.Text.Encoding.ASCII.GetString(line.Slice(At, length));
        At += Math.Max(length, 0);
        return length > 0;
    }
}
