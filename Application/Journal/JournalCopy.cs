using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Journal;

/// <summary>Moves a book's blocks from one journal to another, whatever stores they lie in, and compares both.</summary>
/// <remarks>Blocks keep their bounds and bytes, and so their seals. What was copied is the beginning of the copy: a run
/// that was cut short is taken up where the target ends.</remarks>
public static class JournalCopy
{
    /// <summary>Appends to the target what it has not yet of the source.</summary>
    /// <param name="progress">Told the last position after each block.</param>
    /// <returns>Blocks that were appended.</returns>
    /// <exception cref="JournalException">WrongBook: the target holds another book, or another history of this one; else
    /// as the journals say.</exception>
    public static long Append(IJournal source, IJournal target, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        DemandBeginning(source, target);
        using var reader = source.Read(target.Tail.Position + 1);
        var copied = 0L;
        while (reader.MoveNext())
        {
            var block = reader.Current;
            target.Append(new(
                block.Number, block.FirstPosition, block.Events, block.Lines, block.Root.ToArray()));
            copied++;
            progress?.Report(block.LastPosition);
        }
        return copied;
    }

    /// <summary>Holds two journals against each other, block by block and byte by byte, and computes every root again.
    /// </summary>
    /// <returns>The root of both.</returns>
    /// <exception cref="JournalException">WrongBook: they part, named by block and position.</exception>
    public static TreeHash Compare(IJournal source, IJournal target, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        using var left = source.Read(1);
        using var right = target.Read(1);
        var frontier = new MerkleFrontier();
        var leaves = new BlockLeaves();
        while (true)
        {
            var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
            if (hasLeft != hasRight)
                throw Parted(frontier.Size + 1, $"the {(hasLeft ? "target" : "source")} ends before it");
            if (!hasLeft) return frontier.Root();
            var block = left.Current;
            if (block.Number != right.Current.Number || block.FirstPosition != right.Current.FirstPosition
                || !block.Root.SequenceEqual(right.Current.Root)
                || !block.Lines.Span.SequenceEqual(right.Current.Lines.Span))
                throw Parted(block.FirstPosition, $"block {block.Number} is another in the target");
            if (!leaves.Append(frontier, block, block.Events))
                throw new JournalException(new JournalDamage(
                    "journal", 0, 0, block.FirstPosition, $"the root of block {block.Number} is not that of its events"));
            progress?.Report(block.LastPosition);
        }
    }

    private static void DemandBeginning(IJournal source, IJournal target)
    {
        if (!target.Identity.IsSameAs(source.Identity))
            throw new JournalException(JournalFault.WrongBook,
                $"The target holds the book {target.Identity}, the source {source.Identity}.");
        var tail = target.Tail;
        if (tail.Position == 0) return;
        if (tail.Position > source.Tail.Position)
            throw Parted(source.Tail.Position + 1, $"the source ends there, the target at {tail.Position}");
        using var reader = source.Read(tail.Position);
        if (!reader.MoveNext() || reader.Current.Number != tail.Block || reader.Current.LastPosition != tail.Position
            || !reader.Current.Root.SequenceEqual(tail.Root.Span))
            throw Parted(tail.Position, $"the target ends with another block {tail.Block}");
    }

    private static JournalException Parted(long position, string what) =>
        new(JournalFault.WrongBook, $"Source and target part at position {position}: {what}.");
}
