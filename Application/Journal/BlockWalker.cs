using System.Buffers;

namespace BankingEngine.Application.Journal;

internal enum WalkStep
{
    /// <summary>A sound block is in <see cref="BlockWalker.Block"/>.</summary>
    Block,

    /// <summary>The walk stands exactly at the end it was given.</summary>
    End,

    /// <summary>What stands here is no sound block: see <see cref="BlockWalker.Fault"/>.</summary>
    Broken,
}

/// <summary>Where a walk stands: what the next block has to be.</summary>
/// <param name="Offset">In the segment's file.</param>
/// <param name="Block">Number of the next block.</param>
/// <param name="Position">Position of its first event.</param>
/// <param name="Previous">Checksum of the seal before it.</param>
internal readonly record struct WalkPoint(long Offset, long Block, long Position, uint Previous);

/// <summary>Reads one segment block by block into one pooled buffer and verifies each: seal, chain, checksum, shape.
/// </summary>
/// <param name="chunk">Most bytes read at a time: small for a look-up, large for a walk.</param>
internal sealed class BlockWalker(int chunk) : IDisposable
{
    /// <summary>Two of the largest blocks: at most half the buffer moves when it is refilled.</summary>
    private const int BufferBytes = 2 * (JournalLimits.BlockBytes + JournalLimits.SealBytes);

    public const int SequentialChunk = 256 * 1024, LookupChunk = 64 * 1024;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int[] starts = ArrayPool<int>.Shared.Rent(JournalLimits.BlockEvents + 1);
    private readonly byte[] root = new byte[JournalLimits.RootBytes];
    private IFile? file;
    private long bufferOffset;
    private int cursor, filled;

    /// <summary>Where the next block is expected.</summary>
    public WalkPoint At { get; private set; }

    /// <summary>Valid after <see cref="WalkStep.Block"/>, until the next step.</summary>
    public JournalBlock Block { get; private set; }

    /// <summary>What <see cref="WalkStep.Broken"/> found.</summary>
    public string Fault { get; private set; } = "";

    /// <param name="from">The file stays the caller's to dispose.</param>
    public void Start(IFile from, WalkPoint at)
    {
        (file, At) = (from, at);
        (bufferOffset, cursor, filled) = (at.Offset, 0, 0);
    }

    /// <param name="end">First byte offset that must not be looked at.</param>
    public WalkStep Step(long end)
    {
        if (At.Offset >= end) return WalkStep.End;
        var seal = FindSeal(end, out var line);
        if (seal < 0) return Broken("no seal line ends the block");
        var lines = buffer.AsMemory(cursor, seal - cursor);
        var fault = BlockShape.Fault(
            buffer.AsSpan(cursor, lines.Length + line), lines.Length, At, root, starts, out var stated);
        if (fault is not null) return Broken(fault);

        Block = new JournalBlock(stated.Block, stated.First, lines, starts.AsMemory(0, (int)stated.Events + 1), root);
        cursor = seal + line;
        At = new WalkPoint(bufferOffset + cursor, stated.Block + 1, stated.Size + 1, stated.Crc);
        return WalkStep.Block;
    }

    /// <summary>After <see cref="WalkStep.Broken"/>: goes on behind the next seal line that can be read.</summary>
    /// <param name="passed">That seal.</param>
    /// <returns>False where there is none before <paramref name="end"/>.</returns>
    public bool Resume(long end, out Seal passed)
    {
        while (true)
        {
            var seal = FindSeal(end, out var line);
            if (seal >= 0 && SegmentFormat.TryParseSeal(buffer.AsSpan(seal, line), root, out passed))
            {
                cursor = seal + line;
                At = new WalkPoint(bufferOffset + cursor, passed.Block + 1, passed.Size + 1, passed.Crc);
                return true;
            }
            // Forward by a line or by a full buffer: every round moves, so the walk ends.
            cursor = seal >= 0 ? seal + line : Math.Max(cursor + 1, filled - JournalLimits.SealBytes);
            At = At with { Offset = bufferOffset + cursor };
            passed = default;
            if (cursor >= filled && !Fill(end)) return false;
            if (seal < 0 && bufferOffset + filled >= end) return false;
        }
    }

    public void Dispose()
    {
        if (buffer.Length == 0) return;
        ArrayPool<byte>.Shared.Return(buffer);
        ArrayPool<int>.Shared.Return(starts);
        (buffer, starts, Block) = ([], [], default);
    }

    private WalkStep Broken(string fault)
    {
        Fault = fault;
        return WalkStep.Broken;
    }

    /// <summary>Finds the first seal line from the cursor on: a line beginning as only seals do.</summary>
    /// <param name="line">Its length with newline; as far as it goes where the newline is missing.</param>
    /// <returns>Its index in the buffer; −1 where none begins within the bounds of a block.</returns>
    private int FindSeal(long end, out int line)
    {
        var scanned = 0; // relative to the cursor, which moves when the buffer is refilled
        line = 0;
        while (true)
        {
            var found = IndexOfSeal(buffer.AsSpan(cursor, filled - cursor), scanned);
            if (found >= 0)
            {
                while ((line = buffer.AsSpan(cursor + found, filled - cursor - found).IndexOf((byte)'\n') + 1) == 0
                    && filled - cursor - found < JournalLimits.SealBytes && Fill(end)) { }
                if (line == 0) line = filled - cursor - found;
                return cursor + found;
            }
            scanned = Math.Max(0, filled - cursor - SegmentFormat.SealLead.Length);
            if (filled - cursor > JournalLimits.BlockBytes + JournalLimits.SealBytes || !Fill(end)) return -1;
        }
    }

    /// <returns>Index of the first line that begins as only seals do; −1 if there is none.</returns>
    /// <param name="from">0, or where the search goes on; a line that begins just there is found only at 0.</param>
    public static int IndexOfSeal(ReadOnlySpan<byte> bytes, int from)
    {
        if (from == 0 && bytes.StartsWith(SegmentFormat.SealLead)) return 0;
        var found = bytes[from..].IndexOf("\n{\"block\":"u8);
        return found < 0 ? -1 : from + found + 1;
    }

    /// <returns>False where nothing more is to be had before <paramref name="end"/>.</returns>
    private bool Fill(long end)
    {
        if (buffer.Length - filled < chunk && cursor > 0)
        {
            buffer.AsSpan(cursor, filled - cursor).CopyTo(buffer);
            (bufferOffset, filled, cursor) = (bufferOffset + cursor, filled - cursor, 0);
        }
        var wanted = (int)Math.Min(Math.Min(chunk, buffer.Length - filled), end - bufferOffset - filled);
        if (wanted <= 0) return false;
        var read = file!.Read(buffer.AsSpan(filled, wanted), bufferOffset + filled);
        filled += read;
        return read > 0;
    }
}
