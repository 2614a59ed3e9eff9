using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>The hashes of a book's tree on disk, from which proofs are served.</summary>
/// <remarks>
/// Four flat files, <c>0</c>, <c>8</c>, <c>16</c> and <c>24</c>, hold the hashes of all complete subtrees of 1, 2^8,
/// 2^16 and 2^24 leaves, 32 bytes each, in order. Tile N of a level is its 256 hashes from byte 8192 N, the tiles of
/// C2SP's tlog-tiles. 32.13 bytes a leaf. It is a cache: nothing is synced, everything can be computed again from
/// the journal, and deleting it is always safe. One thread appends; any number read meanwhile.
/// </remarks>
public sealed class TreeStore : IDisposable
{
    /// <summary>Hashes in a tile.</summary>
    public const int TileWidth = 1 << LevelsPerTile;

    private const int LevelsPerTile = 8;
    private const int Hash = Sha256Lanes.HashBytes;
    private const int TopLevel = 24;
    private const int FileCount = TopLevel / LevelsPerTile + 1;

    private readonly SafeFileHandle[] files;
    private long size;

    private TreeStore(SafeFileHandle[] files) => this.files = files;

    /// <summary>Leaves that proofs can be made of; never more than the files hold.</summary>
    public long Size => Volatile.Read(ref size);

    /// <summary>Opens or creates the files and cuts what an interrupted append left unequal.</summary>
    /// <param name="folder">Created if missing. Held open for this process alone to write.</param>
    /// <returns>A store whose <see cref="Size"/> may lag the journal: feed it the leaves from there on. After a
    /// crash of the machine, <see cref="Truncate"/> to <see cref="SoundSize"/> first and compare
    /// <see cref="Root"/> when level.</returns>
    /// <exception cref="IOException">The files cannot be opened, or another process has them.</exception>
    public static TreeStore Open(string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new List<SafeFileHandle>();
        try
        {
            for (var level = 0; level <= TopLevel; level += LevelsPerTile)
            {
                var path = Path.Combine(folder, $"{level}");
                files.Add(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
            }
            var store = new TreeStore([.. files]);
            store.size = store.KnownSize();
            store.Truncate(store.size);
            return store;
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Appends leaves to <paramref name="frontier"/> and what becomes complete to the files.</summary>
    /// <param name="frontier">Must stand at <see cref="Size"/>.</param>
    /// <param name="leafHashes">32 bytes a leaf.</param>
    /// <exception cref="InvalidOperationException">The frontier stands elsewhere.</exception>
    /// <exception cref="IOException">The disk refused. Frontier and store are void: open the store again.</exception>
    public void Append(MerkleFrontier frontier, ReadOnlySpan<byte> leafHashes)
    {
        if (frontier.Size != size)
            throw new InvalidOperationException($"The frontier has {frontier.Size} leaves, the store {size}.");
        frontier.Append(leafHashes, Write);
        // Readers go by the size: it moves when every file has what it promises.
        Volatile.Write(ref size, frontier.Size);
    }

    /// <summary>Forgets all leaves from <paramref name="leaves"/> on.</summary>
    /// <remarks>Not while others read.</remarks>
    /// <param name="leaves">0 or more; more than there are changes nothing.</param>
    public void Truncate(long leaves)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(leaves);
        leaves = Math.Min(leaves, size);
        Volatile.Write(ref size, leaves);
        for (var i = 0; i < FileCount; i++)
        {
            var bytes = (leaves >> (i * LevelsPerTile)) * Hash;
            if (RandomAccess.GetLength(files[i]) != bytes) RandomAccess.SetLength(files[i], bytes);
        }
    }

    /// <summary>The hash of one complete subtree.</summary>
    /// <param name="level">Its height, 0 to 62.</param>
    /// <param name="index">Which of its level, from 0.</param>
    /// <remarks>One read and at most 127 hashes up to level 31, 255 at level 32; above, one more a node.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The subtree is not complete at <see cref="Size"/>.</exception>
    public TreeHash Node(int level, long index)
    {
        if (level is < 0 or > 62 || index < 0 || index >= Size >> level)
            throw new ArgumentOutOfRangeException(nameof(index), $"No node {index} of level {level} at {Size} leaves.");
        var stored = Math.Min(level / LevelsPerTile, FileCount - 1);
        var above = level - stored * LevelsPerTile;
        if (above > LevelsPerTile) return TreeHash.OfNode(Node(level - 1, 2 * index), Node(level - 1, 2 * index + 1));
        Span<byte> hashes = stackalloc byte[Hash << above];
        Read(stored, index << above, hashes);
        return RootOfTile(hashes);
    }

    /// <summary>The root over a part of a tile.</summary>
    /// <param name="hashes">1, 2, 4, ... or 256 hashes of 32 bytes.</param>
    /// <exception cref="ArgumentException">Another number of bytes.</exception>
    public static TreeHash RootOfTile(ReadOnlySpan<byte> hashes)
    {
        var (count, rest) = int.DivRem(hashes.Length, Hash);
        if (rest != 0 || count > TileWidth || !BitOperations.IsPow2(count))
            throw new ArgumentException($"{hashes.Length} bytes are no complete subtree of a tile.", nameof(hashes));
        Span<byte> one = stackalloc byte[TileWidth / 2 * Hash];
        Span<byte> other = stackalloc byte[TileWidth / 2 * Hash];
        scoped var nodes = hashes;
        while (nodes.Length > Hash)
        {
            var parents = one[..(nodes.Length / 2)];
            Sha256Lanes.HashNodes(nodes, parents);
            nodes = parents;
            one = other;
            other = parents;
        }
        return TreeHash.From(nodes);
    }

    /// <summary>The root over leaves <paramref name="first"/> to <paramref name="end"/>, exclusive.</summary>
    /// <param name="first">A multiple of the smallest power of two that is not below the number of leaves.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such subtree at <see cref="Size"/>.</exception>
    public TreeHash RootOf(long first, long end)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(first, end);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, Size);
        if ((first & ((long)BitOperations.RoundUpToPowerOf2((ulong)(end - first)) - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(first), $"No subtree has leaves {first} to {end}.");
        TreeHash? root = null;
        for (var bits = end - first; bits != 0; bits &= bits - 1)
        {
            var level = BitOperations.TrailingZeroCount(bits);
            var left = Node(level, (end >> level) - 1);
            root = root is { } right ? TreeHash.OfNode(left, right) : left;
            end -= 1L << level;
        }
        return root!.Value;
    }

    /// <summary>The root when the tree had <paramref name="leaves"/> leaves.</summary>
    public TreeHash Root(long leaves) => leaves == 0 ? TreeHash.Empty : RootOf(0, leaves);

    /// <summary>The frontier when the tree had <paramref name="leaves"/> leaves, to append to.</summary>
    public MerkleFrontier FrontierAt(long leaves)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(leaves);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(leaves, Size);
        var peaks = new List<TreeHash>();
        for (var bits = leaves; bits != 0; bits &= bits - 1)
        {
            var level = BitOperations.TrailingZeroCount(bits);
            peaks.Add(Node(level, (bits >> level) - 1));
        }
        return MerkleFrontier.FromPeaks(leaves, TreeHash.AsBytes([.. peaks]));
    }

    /// <summary>The leaves up to which every full tile agrees with the hash above it: about 60 ns a leaf.</summary>
    /// <remarks>Damage in a last, incomplete tile shows only in <see cref="Root"/>: compare the journal's.</remarks>
    public long SoundSize()
    {
        var sound = Size;
        Span<byte> tile = stackalloc byte[TileWidth * Hash];
        Span<byte> above = stackalloc byte[Hash];
        for (var file = 0; file + 1 < FileCount; file++)
        {
            var span = (file + 1) * LevelsPerTile;
            for (var index = 0L; index < sound >> span; index++)
            {
                Read(file, index * TileWidth, tile);
                Read(file + 1, index, above);
                if (RootOfTile(tile) != TreeHash.From(above)) sound = index << span;
            }
        }
        return sound;
    }

    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }

    /// <summary>The most leaves for which every file holds all it should.</summary>
    private long KnownSize()
    {
        var known = long.MaxValue;
        for (var i = 0; i < FileCount; i++)
        {
            // With n nodes of 2^level leaves, all leaves of the next such node may be known but its last.
            var nodes = RandomAccess.GetLength(files[i]) / Hash;
            known = Math.Min(known, ((nodes + 1) << (i * LevelsPerTile)) - 1);
        }
        return known;
    }

    private void Write(int level, long first, ReadOnlySpan<byte> hashes)
    {
        if (level % LevelsPerTile == 0 && level <= TopLevel)
            RandomAccess.Write(files[level / LevelsPerTile], hashes, first * Hash);
    }

    private void Read(int file, long first, Span<byte> hashes)
    {
        for (var done = 0; done < hashes.Length;)
        {
            var count = RandomAccess.Read(files[file], hashes[done..], first * Hash + done);
            if (count == 0) throw new EndOfStreamException($"Tree file {file * LevelsPerTile} lost what it held.");
            done += count;
        }
    }
}
