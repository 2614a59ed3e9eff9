using System.Numerics;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>
/// Proofs over a book's tree: that a line is in it, and that a later tree only appended to an earlier one.
/// </summary>
/// <remarks>
/// Making follows RFC 6962 §2.1.1 and §2.1.2 and needs the tree; verifying follows RFC 9162 §2.1.3.2 and §2.1.4.2
/// and needs nothing but what the verifier holds. A proof has at most 64 hashes. Size and root belong together and
/// must come from one signed <see cref="Checkpoint"/>: trees of nearby sizes share shapes of proofs.
/// </remarks>
public static class Proofs
{
    /// <summary>Shows that leaf <paramref name="index"/> is in the tree of <paramref name="size"/> leaves.</summary>
    /// <param name="index">From 0: position − 1.</param>
    /// <returns>The siblings from the leaf up; empty for a tree of one leaf.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No such leaf, or the store holds fewer leaves.</exception>
    public static TreeHash[] Inclusion(TreeStore tree, long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, tree.Size);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var siblings = new List<TreeHash>();
        var (first, end) = (0L, size);
        while (end - first > 1)
        {
            var middle = Middle(first, end);
            siblings.Add(index < middle ? tree.RootOf(middle, end) : tree.RootOf(first, middle));
            (first, end) = index < middle ? (first, middle) : (middle, end);
        }
        siblings.Reverse();
        return [.. siblings];
    }

    /// <summary>Shows that the tree of <paramref name="newSize"/> begins with that of <paramref name="oldSize"/>.
    /// </summary>
    /// <returns>Empty where there is nothing to show: equal sizes, or an old tree without leaves.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Sizes negative, shrinking, or beyond the store.</exception>
    public static TreeHash[] Consistency(TreeStore tree, long oldSize, long newSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(newSize, tree.Size);
        if (oldSize == 0) return [];
        var hashes = new List<TreeHash>();
        var (first, end) = (0L, newSize);
        while (end != oldSize)
        {
            var middle = Middle(first, end);
            hashes.Add(oldSize <= middle ? tree.RootOf(middle, end) : tree.RootOf(first, middle));
            (first, end) = oldSize <= middle ? (first, middle) : (middle, end);
        }
        // A verifier already holds the old root; it needs the last subtree only where that is not the old tree.
        if (first != 0) hashes.Add(tree.RootOf(first, end));
        hashes.Reverse();
        return [.. hashes];
    }

    /// <summary>Whether <paramref name="proof"/> shows <paramref name="leaf"/> at <paramref name="index"/>.</summary>
    /// <remarks>Any arguments are allowed; nonsense is false.</remarks>
    public static bool VerifyInclusion(
        TreeHash leaf, long index, long size, ReadOnlySpan<TreeHash> proof, TreeHash root)
    {
        if (index < 0 || index >= size) return false;
        var (node, last, hash) = (index, size - 1, leaf);
        foreach (var sibling in proof)
        {
            if (last == 0) return false;
            if ((node & 1) == 1 || node == last)
            {
                hash = TreeHash.OfNode(sibling, hash);
                // On these levels the rightmost node has no sibling and rises unchanged.
                var skipped = BitOperations.TrailingZeroCount(node);
                (node, last) = (node >> skipped, last >> skipped);
            }
            else
            {
                hash = TreeHash.OfNode(hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && hash == root;
    }

    /// <summary>Whether <paramref name="proof"/> shows that the new tree only appended to the old one.</summary>
    /// <remarks>
    /// Any arguments are allowed; nonsense is false. Equal sizes need equal roots and no proof. Every tree continues
    /// the tree without leaves, whose root must then be <see cref="TreeHash.Empty"/> (RFC 9162 leaves both open).
    /// </remarks>
    public static bool VerifyConsistency(
        long oldSize, long newSize, TreeHash oldRoot, TreeHash newRoot, ReadOnlySpan<TreeHash> proof)
    {
        if (oldSize < 0 || oldSize > newSize) return false;
        if (oldSize == newSize)
            return proof.IsEmpty && oldRoot == newRoot && (oldSize > 0 || oldRoot == TreeHash.Empty);
        if (oldSize == 0) return proof.IsEmpty && oldRoot == TreeHash.Empty;
        if (proof.IsEmpty) return false;

        var wholeOldTree = BitOperations.IsPow2(oldSize);
        var seed = wholeOldTree ? oldRoot : proof[0];
        var rest = wholeOldTree ? proof : proof[1..];
        var shared = BitOperations.TrailingZeroCount(oldSize);
        var (node, last) = ((oldSize - 1) >> shared, (newSize - 1) >> shared);
        var (before, after) = (seed, seed);
        foreach (var hash in rest)
        {
            if (last == 0) return false;
            if ((node & 1) == 1 || node == last)
            {
                before = TreeHash.OfNode(hash, before);
                after = TreeHash.OfNode(hash, after);
                // On these levels the rightmost node has no sibling and rises unchanged.
                var skipped = BitOperations.TrailingZeroCount(node);
                (node, last) = (node >> skipped, last >> skipped);
            }
            else
            {
                after = TreeHash.OfNode(after, hash);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && before == oldRoot && after == newRoot;
    }

    /// <summary>Where RFC 6962 divides: the largest power of two below the number of leaves.</summary>
    private static long Middle(long first, long end) =>
        first + (long)(BitOperations.RoundUpToPowerOf2((ulong)(end - first)) >> 1);
}
