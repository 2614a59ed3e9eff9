namespace BankingEngine.Application.Journal;

/// <summary>The shape every store demands of a block: lines that begin with their position, in order.</summary>
public static class BlockShape
{
    private static ReadOnlySpan<byte> Lead => "{\"position\":"u8;

    /// <summary>Finds the lines of a block and checks that each begins <c>{"position":N,</c> with its own N.</summary>
    /// <param name="lines">Event lines, each ended by one newline.</param>
    /// <param name="firstPosition">N of the first line.</param>
    /// <param name="starts">Room for <paramref name="events"/> + 1 offsets.</param>
    /// <param name="fault">What is wrong, null if nothing.</param>
    /// <returns>Index of the first line that is wrong; <paramref name="events"/> if none is.</returns>
    public static int Index(
        ReadOnlySpan<byte> lines, long firstPosition, int events, Span<int> starts, out string? fault)
    {
        Span<byte> expected = stackalloc byte[48];
        Lead.CopyTo(expected);
        var (start, comma) = (0, 0);
        for (var line = 0; line < events; line++)
        {
            starts[line] = start;
            var length = lines[start..].IndexOf((byte)'\n');
            fault = length < 0 ? "fewer lines than the seal counts" : null;
            if (fault is not null) return line;

            // Counting in digits: a number is formatted once for ten lines.
            if (comma > 0 && expected[comma - 1] != '9') expected[comma - 1]++;
            else
            {
                (firstPosition + line).TryFormat(expected[Lead.Length..], out var digits);
                comma = Lead.Length + digits;
                expected[comma] = (byte)',';
            }
            if (!lines.Slice(start, length).StartsWith(expected[..(comma + 1)]))
            {
                fault = $"the line does not begin with position {firstPosition + line}";
                return line;
            }
            start += length + 1;
        }
        starts[events] = start;
        fault = start == lines.Length ? null : "more lines than the seal counts";
        return events;
    }

    /// <summary>Refuses a block that no store may take: what <see cref="IJournal.Append"/> promises.</summary>
    /// <param name="starts">Room for <see cref="JournalLimits.BlockEvents"/> + 1 offsets.</param>
    /// <exception cref="ArgumentException">Names what is wrong.</exception>
    public static void Demand(in SealedBlock block, JournalTail tail, Span<int> starts)
    {
        ArgumentNullException.ThrowIfNull(tail);
        if (block.Block != tail.Block + 1 || block.FirstPosition != tail.Position + 1)
            throw Refuse($"Block {block.Block} from position {block.FirstPosition} does not follow "
                + $"block {tail.Block} and position {tail.Position}.");
        if (block.Events is < 1 or > JournalLimits.BlockEvents)
            throw Refuse($"A block has 1 to {JournalLimits.BlockEvents} events, not {block.Events}.");
        if (block.Lines.Length > JournalLimits.BlockBytes)
            throw Refuse($"A block has at most {JournalLimits.BlockBytes} bytes, not {block.Lines.Length}.");
        if (block.Root.Length != JournalLimits.RootBytes)
            throw Refuse($"A root has {JournalLimits.RootBytes} bytes, not {block.Root.Length}.");
        if (block.FirstPosition + block.Events - 1 > JournalLimits.Highest)
            throw Refuse($"Positions end at {JournalLimits.Highest}.");
        var wrong = Index(block.Lines.Span, block.FirstPosition, block.Events, starts, out var fault);
        if (fault is not null) throw Refuse($"Line {wrong + 1} of block {block.Block}: {fault}.");
    }

    /// <summary>Verifies a block as stored: seal, checksum, chain, numbering, lines.</summary>
    /// <param name="stored">The event lines and, directly behind them, the seal line with its newline.</param>
    /// <param name="lines">Bytes of the event lines.</param>
    /// <param name="at">What the block has to be.</param>
    /// <param name="root">Receives the root that the seal states.</param>
    /// <param name="starts">Room for <see cref="JournalLimits.BlockEvents"/> + 1 offsets.</param>
    /// <returns>What is wrong, null if nothing.</returns>
    internal static string? Fault(
        ReadOnlySpan<byte> stored, int lines, in WalkPoint at, Span<byte> root, Span<int> starts, out Seal seal)
    {
        if (!SegmentFormat.TryParseSeal(stored[lines..], root, out seal)) return "the seal line is not well formed";
        if (Crc32C.Compute(stored[..(lines + seal.Covered)]) != seal.Crc)
            return $"the checksum of block {seal.Block} does not hold";
        if (Mismatch(seal, at) is { } mismatch) return mismatch;
        var wrong = Index(stored[..lines], seal.First, (int)seal.Events, starts, out var fault);
        return fault is null ? null : $"line {wrong + 1} of block {seal.Block}: {fault}";
    }

    private static string? Mismatch(in Seal seal, in WalkPoint at) =>
        seal.Block != at.Block ? $"block {seal.Block} stands where block {at.Block} belongs"
        : seal.First != at.Position ? $"block {seal.Block} begins at position {seal.First}, not {at.Position}"
        : seal.Previous != at.Previous ? $"block {seal.Block} follows another block than the one before it"
        : seal.Events is < 1 or > JournalLimits.BlockEvents ? $"block {seal.Block} states {seal.Events} events"
        : seal.Size != seal.First + seal.Events - 1 ? $"block {seal.Block} states a tree of {seal.Size} leaves"
        : null;

    private static ArgumentException Refuse(string why) => new(why);
}
