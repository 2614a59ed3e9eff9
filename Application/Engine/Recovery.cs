using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>A book as recovery left it: state level with the journal, tree level with the journal.</summary>
/// <param name="LastAt">Engine time of the last event.</param>
public sealed record OpenedBook(
    JournalFeed Feed, TreeStore? Tree, MerkleFrontier Frontier, Execution Execution, DigestNotes? Notes, Instant LastAt);

/// <summary>Brings a book up: newest usable snapshot, then the journal's tail, then the tree.</summary>
public static class Recovery
{
    public const string TreeFolder = "tree";

    /// <param name="folder">Where the caches lie: snapshots, tree, digests.</param>
    /// <param name="say">Told what was found and done.</param>
    /// <exception cref="ReplayMismatchException">The journal does not give the state or the root it should.</exception>
    public static OpenedBook Open(IJournal journal, string folder, Action<string> say, ReplayOptions? options = null) =>
        Open(new JournalFeed(journal), folder, say, options);

    /// <inheritdoc cref="Open(IJournal, string, Action{string}, ReplayOptions?)"/>
    /// <param name="feed">Of a journal that outlives the engine.</param>
    public static OpenedBook Open(JournalFeed feed, string folder, Action<string> say, ReplayOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(feed);
        var journal = feed.Journal;
        var seed = unchecked((ulong)Random.Shared.NextInt64());
        var tail = journal.Tail.Position;
        var (execution, at) = Snapshots.Load(folder, tail, journal, () => new Bank(seed), say)
            ?? (new Execution(new Bank(seed)), Instant.First);
        var from = execution.Position;
        var schema = DigestNotes.SchemaOf(execution.Bank.Tables);
        var notes = DigestNotes.Read(folder, schema);
        if (notes.Keys.LastOrDefault() is var seen && seen > tail)
        {
            say($"Position {seen} was durable here once, and the journal ends at {tail}: what came behind that is lost.");
            DigestNotes.Forget(folder, beyond: tail);
        }
        var last = Replay.Run(journal, execution, frontier: null, (options ?? new()) with { Notes = notes });
        if (execution.Position > from)
            say($"{execution.Position - from} events replayed after position {from}; digest {execution.Bank.Tables.Digest:x32}.");
        if (execution.Position > 0) execution.Resume(execution.Position);
        var (tree, frontier) = OpenTree(journal, Path.Combine(folder, TreeFolder), say);
        return new(feed, tree, frontier, execution, new(folder, schema), last > at ? last : at);
    }

    /// <summary>Levels the tree with the journal; a tree that disagrees is made anew, since it is only a cache.</summary>
    private static (TreeStore, MerkleFrontier) OpenTree(IJournal journal, string folder, Action<string> say)
    {
        var tree = TreeStore.Open(folder);
        var tail = journal.Tail;
        if (tree.Size > tail.Position) tree.Truncate(tail.Position);
        var frontier = Fill(tree, journal);
        if (Agrees(frontier, tail)) return (tree, frontier);
        say("The tree beside the journal disagrees with it and is made anew.");
        tree.Truncate(0);
        frontier = Fill(tree, journal);
        return Agrees(frontier, tail)
            ? (tree, frontier)
            : throw new ReplayMismatchException($"The events up to {tail.Position} do not have the root that block {tail.Block} states.");
    }

    private static bool Agrees(MerkleFrontier frontier, JournalTail tail) =>
        frontier.Root().ToArray().AsSpan().SequenceEqual(tail.Root.Span);

    private static MerkleFrontier Fill(TreeStore tree, IJournal journal)
    {
        var frontier = tree.FrontierAt(tree.Size);
        using var reader = journal.Read(tree.Size + 1);
        var slices = new Slice[JournalLimits.BlockEvents];
        var leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
        while (reader.MoveNext())
        {
            var block = reader.Current;
            var count = 0;
            for (var i = 0; i < block.Events; i++)
            {
                if (block.FirstPosition + i <= tree.Size) continue;
                slices[count++] = new(block.Starts[i], block.Starts[i + 1] - 1 - block.Starts[i]);
            }
            var hashes = leaves.AsSpan(0, count * Sha256Lanes.HashBytes);
            Sha256Lanes.HashLeaves(block.Lines.Span, slices.AsSpan(0, count), hashes);
            tree.Append(frontier, hashes);
        }
        return frontier;
    }
}
