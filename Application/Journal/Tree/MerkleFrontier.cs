using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>Takes the nodes that an append completed, level by level from the leaves up.</summary>
/// <param name="level">Height: 0 for leaves; a node covers 2^level of them.</param>
/// <param name="first">Index of the first node within its level, from 0.</param>
/// <param name="hashes">32 bytes a node, in order; valid during the call only.</param>
public delegate void CompletedNodes(int level, long first, ReadOnlySpan<byte> hashes);

/// <summary>The right edge of an RFC 6962 tree: all that appending and the root need.</summary>
/// <remarks>
/// A binary counter: where bit L of the size is set, one complete subtree of 2^L leaves waits for its right
/// neighbour. 2 KiB whatever the size. One thread at a time; <see cref="Clone"/> for another reader.
/// </remarks>
public sealed class MerkleFrontier
{
    /// <summary>Most leaves a tree may have.</summary>
    public const long MaximumSize = 1L << 62;

    private const int Hash = Sha256Lanes.HashBytes;
    private const int Levels = 63;

    private readonly byte[] peaks = new byte[Levels * Hash];

    /// <summary>Leaves appended so far.</summary>
    public long Size { get; private set; }

    /// <summary>Appends leaves and all nodes above them that become complete.</summary>
    /// <param name="leafHashes">32 bytes a leaf, in order; may be empty.</param>
    /// <param name="completed">Told of every new node, leaves included. If it throws, this frontier is void.</param>
    /// <param name="path">For comparison only; every path gives the same tree.</param>
    /// <exception cref="ArgumentException">The length is no multiple of 32.</exception>
    /// <exception cref="InvalidOperationException">The tree would exceed <see cref="MaximumSize"/>.</exception>
    public void Append(
        ReadOnlySpan<byte> leafHashes, CompletedNodes? completed = null, Sha256Path path = Sha256Path.Fastest)
    {
        var (fresh, rest) = int.DivRem(leafHashes.Length, Hash);
        if (rest != 0) throw new ArgumentException("A leaf hash has 32 bytes.", nameof(leafHashes));
        if (fresh > MaximumSize - Size)
            throw new InvalidOperationException($"A tree has at most {MaximumSize} leaves.");

        // Both buffers keep their first slot free: the waiting left neighbour goes there, beside the new nodes.
        var nodes = ArrayPool<byte>.Shared.Rent(leafHashes.Length + Hash);
        var parents = ArrayPool<byte>.Shared.Rent(leafHashes.Length + Hash);
        leafHashes.CopyTo(nodes.AsSpan(Hash));
        var size = Size + fresh;
        for (var level = 0; fresh > 0; level++)
        {
            var first = Size >> level;
            completed?.Invoke(level, first, nodes.AsSpan(Hash, fresh * Hash));
            var waits = (first & 1) == 1;
            if (waits) Peak(level).CopyTo(nodes);
            var (pairs, single) = int.DivRem(fresh + (waits ? 1 : 0), 2);
            var start = waits ? 0 : Hash;
            Sha256Lanes.HashNodes(
                nodes.AsSpan(start, 2 * Hash * pairs), parents.AsSpan(Hash, Hash * pairs), path);
            if (single == 1) nodes.AsSpan(start + 2 * Hash * pairs, Hash).CopyTo(Peak(level));
            (nodes, parents, fresh) = (parents, nodes, pairs);
        }
        Size = size;
        ArrayPool<byte>.Shared.Return(nodes);
        ArrayPool<byte>.Shared.Return(parents);
    }

    /// <summary>The Merkle tree hash of all leaves (RFC 6962 §2.1).</summary>
    /// <remarks>One hash a set bit of the size, about half a microsecond each: ask once a block.</remarks>
    public TreeHash Root()
    {
        if (Size == 0) return TreeHash.Empty;
        var root = TreeHash.From(Peak(BitOperations.TrailingZeroCount(Size)));
        for (var higher = Size & (Size - 1); higher != 0; higher &= higher - 1)
            root = TreeHash.OfNode(TreeHash.From(Peak(BitOperations.TrailingZeroCount(higher))), root);
        return root;
    }

    /// <summary>An independent copy.</summary>
    public MerkleFrontier Clone()
    {
        var copy = new MerkleFrontier { Size = Size };
        peaks.CopyTo(copy.peaks, 0);
        return copy;
    }

    /// <summary>The size (8 bytes, big-endian), then the waiting subtrees' hashes, the smallest first.</summary>
    public byte[] Save()
    {
        var saved = new byte[SavedBytes(Size)];
        BinaryPrimitives.WriteInt64BigEndian(saved, Size);
        var at = sizeof(long);
        for (var bits = Size; bits != 0; bits &= bits - 1, at += Hash)
            Peak(BitOperations.TrailingZeroCount(bits)).CopyTo(saved.AsSpan(at));
        return saved;
    }

    /// <summary>What <see cref="Save"/> wrote.</summary>
    /// <exception cref="FormatException">The size is out of range or the length does not fit it.</exception>
    public static MerkleFrontier Load(ReadOnlySpan<byte> saved)
    {
        var size = saved.Length < sizeof(long) ? -1 : BinaryPrimitives.ReadInt64BigEndian(saved);
        if (size is < 0 or > MaximumSize || saved.Length != SavedBytes(size))
            throw new FormatException($"{saved.Length} bytes are no saved frontier.");
        return FromPeaks(size, saved[sizeof(long)..]);
    }

    /// <summary>A frontier of <paramref name="size"/> leaves from its waiting subtrees.</summary>
    /// <param name="peaks">32 bytes for each set bit of the size, the lowest bit first.</param>
    internal static MerkleFrontier FromPeaks(long size, ReadOnlySpan<byte> peaks)
    {
        var frontier = new MerkleFrontier { Size = size };
        for (var bits = size; bits != 0; bits &= bits - 1, peaks = peaks[Hash..])
            peaks[..Hash].CopyTo(frontier.Peak(BitOperations.TrailingZeroCount(bits)));
        return frontier;
    }

    private static int SavedBytes(long size) => sizeof(long) + Hash * BitOperations.PopCount((ulong)size);

    private Span<byte> Peak(int level) => peaks.AsSpan(level * Hash, Hash);
}
