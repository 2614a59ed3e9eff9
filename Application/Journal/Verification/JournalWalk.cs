using System.Buffers.Text;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Journal.Verification;

/// <summary>
/// Goes over all lines of a journal once, recomputing the tree, and holds it against the seals and the checkpoints.
/// </summary>
/// <remarks>
/// After a first finding about positions or roots the tree means nothing any more: from there on only positions are
/// looked at. Memory is one block and the tree's frontier, whatever the journal.
/// </remarks>
internal sealed class JournalWalk : IDisposable
{
    private const int LongestLine = JournalLimits.BlockBytes;

    private readonly SignatureAudit signatures = new();
    private readonly List<Finding> findings;
    private readonly List<Checkpoint> wanted;
    private readonly MerkleFrontier frontier = new();
    private readonly byte[] lines = new byte[JournalLimits.BlockBytes];
    private readonly Slice[] slices = new Slice[JournalLimits.BlockEvents];
    private readonly byte[] leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
    private readonly byte[] root = new byte[JournalLimits.RootBytes];

    private JournalIdentity? identity;
    private string file = "";
    private long line, expected = 1, block = 1, agreed;
    private int events, bytes, compared;
    private bool broken;

    /// <param name="checkpoints">Their signatures hold.</param>
    /// <param name="findings">Gathers what is found, besides what it holds already.</param>
    public JournalWalk(IEnumerable<Checkpoint> checkpoints, List<Finding> findings)
    {
        wanted = [.. checkpoints.OrderBy(checkpoint => checkpoint.Size)];
        this.findings = findings;
        Compare();
    }

    private bool Enough => findings.Count >= VerificationReport.MaxFindings;

    /// <summary>The position that an event line begins with.</summary>
    public static bool TryPosition(ReadOnlySpan<byte> text, out long position)
    {
        position = 0;
        var lead = "{\"position\":"u8;
        return text.StartsWith(lead) && text[lead.Length] != '0'
            && Utf8Parser.TryParse(text[lead.Length..], out position, out var digits) && position > 0
            && text.Length > lead.Length + digits && text[lead.Length + digits] == ',';
    }

    /// <summary>Takes all whole lines of a file.</summary>
    /// <returns><paramref name="before"/> and the bytes read.</returns>
    public long Read(Stream from, string name, long before, IProgress<long>? progress)
    {
        (file, line) = (name, 0);
        var buffer = new byte[2 * (LongestLine + JournalLimits.SealBytes)];
        var filled = 0;
        for (int count; !Enough && (count = from.Read(buffer, filled, buffer.Length - filled)) > 0;)
        {
            filled += count;
            before += count;
            var start = 0;
            while (!Enough && buffer.AsSpan(start, filled - start).IndexOf((byte)'\n') is >= 0 and var length)
            {
                Take(buffer.AsSpan(start, length));
                start += length + 1;
            }
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            progress?.Report(before);
            if (filled < buffer.Length) continue;
            Add(FindingKind.Unreadable, "a line is longer than any line of a journal");
            return before;
        }
        if (filled > 0 && identity is null) Add(FindingKind.Unreadable, "the last line has no end");
        return before;
    }

    /// <summary>Takes all blocks of a journal, whatever store it lies in.</summary>
    /// <param name="progress">Told the last position of each block.</param>
    public void Read(IJournal journal, IProgress<long>? progress)
    {
        identity = journal.Identity;
        DemandOrigins();
        try
        {
            using var reader = journal.Read(1);
            while (!Enough && reader.MoveNext())
            {
                var read = reader.Current;
                for (var index = 0; index < read.Events; index++) TakeEvent(read.Line(index));
                read.Root.CopyTo(root);
                TakeSeal(new Seal(read.Number, read.FirstPosition, read.Events, read.LastPosition, 0, 0, 0));
                progress?.Report(read.LastPosition);
            }
        }
        catch (JournalException damaged) when (damaged.Kind == JournalFault.Damaged)
        {
            BreakHere(FindingKind.Unreadable, damaged.Message);
        }
    }

    /// <summary>Says what was found; nothing can be taken afterwards.</summary>
    public VerificationReport Finish()
    {
        var unsealed = identity is null ? 0 : events;
        if (unsealed == 0) Hash();
        foreach (var checkpoint in wanted.Skip(compared))
        {
            if (broken || Enough) break;
            findings.Add(new(FindingKind.TooShort,
                $"The checkpoint is of {checkpoint.Size} events; the journal ends at {frontier.Size}.",
                From: frontier.Size + 1, To: checkpoint.Size));
        }
        var origin = identity is null ? wanted.FirstOrDefault()?.Origin : OriginOf(identity);
        return new(origin, frontier.Size, broken ? null : frontier.Root(), findings)
        {
            UnsealedLines = unsealed,
            SignedCommands = signatures.Commands,
            Signatures = signatures.Signatures,
        };
    }

    public void Dispose() => signatures.Dispose();

    private void Take(ReadOnlySpan<byte> text)
    {
        line++;
        if (text.StartsWith("{\"position\":"u8)) TakeEvent(text);
        else if (text.StartsWith(SegmentFormat.SealLead)) TakeSeal(text);
        else if (text.StartsWith("{\"journal\":"u8)) TakeHeader(text);
        else BreakHere(FindingKind.Unreadable, $"neither an event nor a seal; position {expected} was due");
    }

    private void TakeEvent(ReadOnlySpan<byte> text)
    {
        if (!TryPosition(text, out var position))
        {
            BreakHere(FindingKind.Unreadable, $"the line has no position; position {expected} was due");
            return;
        }
        if (position < expected)
            Break(FindingKind.PositionRepeated, $"position {position} is behind {expected - 1}", position, position);
        else if (position > expected)
            Break(FindingKind.PositionMissing, Missing(expected, position - 1), expected, position - 1);
        expected = Math.Max(expected, position + 1);
        if (broken) return;
        if (events == slices.Length || bytes + text.Length > lines.Length)
        {
            // An export has no blocks of its own; a journal's block cannot be larger than this.
            if (identity is null) Hash();
            else Break(FindingKind.SealDiffers, "no seal stands where a block has to end", position, position);
        }
        if (broken || text.Length > lines.Length) return;
        if (position == 1) signatures.Begin(text);
        text.CopyTo(lines.AsSpan(bytes));
        slices[events++] = new(bytes, text.Length);
        bytes += text.Length;
    }

    private void TakeSeal(ReadOnlySpan<byte> text)
    {
        if (broken) return;
        byte[] whole = [.. text, (byte)'\n'];
        if (!SegmentFormat.TryParseSeal(whole, root, out var seal))
        {
            Break(FindingKind.Unreadable, "the seal is not well formed", expected - events, expected - 1);
            return;
        }
        TakeSeal(seal);
    }

    /// <param name="seal">Its root is in <see cref="root"/>.</param>
    private void TakeSeal(in Seal seal)
    {
        if (broken) return;
        if (seal.Block == block && seal.Size >= expected)
        {
            TakeGap(seal.Size + 1);
            return;
        }
        if (seal.Size != expected - 1 || seal.Events != events || seal.First != expected - events
            || seal.Block != block)
        {
            Break(FindingKind.SealDiffers,
                $"the seal is of block {seal.Block} with {seal.Events} events up to {seal.Size}; "
                + $"here ends block {block} with {events} up to {expected - 1}", expected - events, expected - 1);
            return;
        }
        Hash();
        block++;
        if (broken || frontier.Root() == TreeHash.From(root)) return;
        Break(FindingKind.RootDiffers, $"the root of block {seal.Block} is not the one its seal states: a line at "
            + $"position {seal.First} to {seal.Size} was changed", seal.First, seal.Size);
    }

    private void TakeHeader(ReadOnlySpan<byte> text)
    {
        byte[] whole = [.. text, (byte)'\n'];
        if (SegmentFormat.ParseHeader(whole, out var newer) is not { } header)
        {
            BreakHere(FindingKind.Unreadable, newer ? "the journal is of a newer format" : "the header is damaged");
            return;
        }
        if (identity is not null && !identity.IsSameAs(header.Identity))
            BreakHere(FindingKind.WrongBook, $"the segment is of {header.Identity}, the one before of {identity}");
        identity ??= header.Identity;
        if (header.FirstPosition > expected) TakeGap(header.FirstPosition);
        if (line == 1 && expected == 1) DemandOrigins();
    }

    private void DemandOrigins()
    {
        foreach (var checkpoint in wanted.Where(checkpoint => checkpoint.Origin != OriginOf(identity!)))
            Add(FindingKind.WrongBook,
                $"the journal is of {OriginOf(identity!)}, the checkpoint of {checkpoint.Origin}");
    }

    private void TakeGap(long first)
    {
        Break(FindingKind.PositionMissing, Missing(expected, first - 1), expected, first - 1);
        expected = first;
    }

    /// <summary>
    /// Adds the waiting lines to the tree, stopping at every size of which there is a checkpoint, and repeats their
    /// signatures.
    /// </summary>
    private void Hash()
    {
        if (!broken)
        {
            findings.AddRange(signatures.Check(lines, slices.AsSpan(0, events), file)
                .Take(VerificationReport.MaxFindings - findings.Count));
        }
        for (var done = 0; done < events && !broken;)
        {
            var until = compared < wanted.Count ? wanted[compared].Size - frontier.Size : long.MaxValue;
            var count = (int)Math.Min(events - done, until);
            var hashes = leaves.AsSpan(0, count * Sha256Lanes.HashBytes);
            Sha256Lanes.HashLeaves(lines, slices.AsSpan(done, count), hashes);
            frontier.Append(hashes);
            done += count;
            Compare();
        }
        (events, bytes) = (0, 0);
    }

    private void Compare()
    {
        for (; compared < wanted.Count && wanted[compared].Size == frontier.Size && !broken; compared++)
        {
            if (frontier.Root() == wanted[compared].Root) agreed = frontier.Size;
            else Break(FindingKind.RootDiffers,
                $"the events up to {frontier.Size} have another root than the checkpoint: a line at "
                + $"position {agreed + 1} to {frontier.Size} was changed", agreed + 1, frontier.Size);
        }
    }

    private static string Missing(long from, long to) =>
        from == to ? $"position {from} is missing" : $"positions {from} to {to} are missing";

    private static string OriginOf(JournalIdentity of) => Checkpoint.OriginOf(of.Book);

    private void BreakHere(FindingKind kind, string what) => Break(kind, what, expected, expected);

    private void Break(FindingKind kind, string what, long from, long to)
    {
        Add(kind, what, from, to);
        broken = true;
    }

    private void Add(FindingKind kind, string what, long from = 0, long to = 0)
    {
        if (!Enough) findings.Add(new(kind, what, file.Length == 0 ? null : file, line, from, to));
    }
}
