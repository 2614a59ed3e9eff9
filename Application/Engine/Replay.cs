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
/// thread.
/// </summary>
public static class Replay
{
    /// <returns>Engine time of the last event applied, or the start.</returns>
    /// <exception cref="ReplayMismatchException">A root or digest differs; the message names the block. Or the journal
    /// gave less than it said it has.</exception>
    public static Instant Run(IJournal journal, Execution execution, MerkleFrontier? frontier, ReplayOptions options)
    {
        var last = Instant.First;
        var end = Math.Min(options.Through, journal.Tail.Position);
        using var blocks = new BlockParser(journal, execution.Position + 1, options.Verify, options.Through);
        while (blocks.Next() is { } parsed)
        {
            last = Apply(parsed, execution, options, last);
            if (options.Verify && frontier is not null) Compare(parsed, frontier);
            if (options.Notes is not null) Compare(parsed, execution, options.Notes);
            options.Progress?.Report(execution.Position);
        }
        return execution.Position >= end
            ? last
            : throw new ReplayMismatchException(
                $"The journal reaches position {end}, and its events ended at {execution.Position}.");
    }

    private static Instant Apply(ParsedBlock block, Execution execution, ReplayOptions options, Instant last)
    {
        foreach (ref readonly var item in block.Events)
        {
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
        frontier.Append(block.Leaves);
        if (!block.Root.SequenceEqual(frontier.Root().ToArray()))
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
}
