using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>The journal does not say what it should: a root or a digest differs.</summary>
public sealed class ReplayMismatchException(string message) : Exception(message);

/// <param name="Verify">Recompute every hash and compare every block's root.</param>
/// <param name="Through">Last position to apply; default: all that is durable.</param>
/// <param name="Notes">Digests to compare with, by position.</param>
/// <param name="Progress">Told the last position after each block.</param>
public sealed record ReplayOptions(
    bool Verify = false, long Through = long.MaxValue, IReadOnlyDictionary<long, DigestNote>? Notes = null,
    IProgress<long>? Progress = null);

/// <summary>
/// Applies stored events to a state: blocks are parsed and hashed side by side, and applied in order by the caller's
/// thread, which lends a hand when it would have to wait.
/// </summary>
public static class Replay
{
    /// <summary>Blocks read ahead of the one being applied.</summary>
    private const int Ahead = 6;

    /// <returns>Engine time of the last event applied, or the start.</returns>
    /// <exception cref="ReplayMismatchException">A root or digest differs; the message names the block.</exception>
    public static Instant Run(IJournal journal, Execution execution, MerkleFrontier? frontier, ReplayOptions options)
    {
        var last = Instant.First;
        using var reader = journal.Read(execution.Position + 1);
        var ahead = new Queue<(Task<ParsedBlock> Task, ParsedBlock Block)>();
        var spare = new Stack<ParsedBlock>();
        var more = true;
        while (true)
        {
            while (more && ahead.Count < Ahead)
            {
                more = reader.MoveNext() && reader.Current.FirstPosition <= options.Through;
                if (!more) break;
                var block = spare.Count > 0 ? spare.Pop() : new ParsedBlock();
                block.Take(reader.Current);
                ahead.Enqueue((Task.Run(() => block.Parse(options.Verify)), block));
            }
            if (ahead.Count == 0) return last;
            // Waiting on a task that has not begun runs it here: no core stands idle.
            var parsed = ahead.Dequeue().Task.GetAwaiter().GetResult();
            last = Apply(parsed, execution, options, last);
            if (options.Verify && frontier is not null) Compare(parsed, frontier);
            if (options.Notes is not null) Compare(parsed, execution, options.Notes);
            options.Progress?.Report(execution.Position);
            spare.Push(parsed);
        }
    }

    private static Instant Apply(ParsedBlock block, Execution execution, ReplayOptions options, Instant last)
    {
        for (var i = 0; i < block.Count; i++)
        {
            ref readonly var item = ref block.Events[i];
            if (item.Head.Position <= execution.Position) continue;
            if (item.Head.Position > options.Through) break;
            execution.Apply(EventLine.StampOf(item.Head, execution.Bank), item.Recorded.Event, item.Recorded.Legs);
            last = item.Head.At;
        }
        return last;
    }

    private static void Compare(ParsedBlock block, MerkleFrontier frontier)
    {
        if (frontier.Size != block.FirstPosition - 1) return;
        frontier.Append(block.Leaves.AsSpan(0, block.Count * Sha256Lanes.HashBytes));
        if (!frontier.Root().ToArray().AsSpan().SequenceEqual(block.Root))
            throw new ReplayMismatchException($"The root of block {block.Number} is not that of its events.");
    }

    private static void Compare(ParsedBlock block, Execution execution, IReadOnlyDictionary<long, DigestNote> notes)
    {
        if (!notes.TryGetValue(execution.Position, out var note)) return;
        if (note.Digest != execution.Bank.Tables.Digest)
            throw new ReplayMismatchException(
                $"After block {block.Number} (position {execution.Position}) the state's digest is "
                + $"{execution.Bank.Tables.Digest:x32}; when it was live it was {note.Digest:x32}.");
    }

    /// <summary>A block on its way from bytes to events. Used again for later blocks.</summary>
    private sealed class ParsedBlock
    {
        private byte[] _lines = [];
        private readonly Slice[] _slices = new Slice[JournalLimits.BlockEvents];

        public (LineHead Head, Recorded Recorded)[] Events { get; } = new (LineHead, Recorded)[JournalLimits.BlockEvents];
        public byte[] Leaves { get; } = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
        public byte[] Root { get; } = new byte[JournalLimits.RootBytes];
        public int Count { get; private set; }
        public long Number { get; private set; }
        public long FirstPosition { get; private set; }

        public void Take(in JournalBlock block)
        {
            if (_lines.Length < block.Lines.Length) _lines = new byte[JournalLimits.BlockBytes];
            block.Lines.Span.CopyTo(_lines);
            block.Root.CopyTo(Root);
            (Count, Number, FirstPosition) = (block.Events, block.Number, block.FirstPosition);
            for (var i = 0; i < Count; i++) _slices[i] = new(block.Starts[i], block.Starts[i + 1] - 1 - block.Starts[i]);
        }

        public ParsedBlock Parse(bool hash)
        {
            for (var i = 0; i < Count; i++) Events[i] = EventLine.Read(_lines.AsSpan(_slices[i].Start, _slices[i].Length));
            if (hash) Sha256Lanes.HashLeaves(_lines, _slices.AsSpan(0, Count), Leaves.AsSpan(0, Count * Sha256Lanes.HashBytes));
            return this;
        }
    }
}
