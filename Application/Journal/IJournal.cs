using System.Buffers;

namespace BankingEngine.Application.Journal;

/// <summary>The append-only record of one book: blocks of event lines, numbered from 1 without gaps.</summary>
/// <remarks>One thread appends. Any thread may read at the same time; readers see durable blocks only.</remarks>
public interface IJournal : IDisposable
{
    JournalIdentity Identity { get; }

    /// <summary>The last durable block.</summary>
    JournalTail Tail { get; }

    /// <summary>Looks at the store and brings <see cref="Tail"/> up to what is durable there. Does not wait for more to
    /// come. Who alone appends has nothing to look for.</summary>
    /// <returns>Whether the tail moved.</returns>
    /// <exception cref="JournalException">Unknown: the store did not answer. Damaged, Failed or WrongBook: it holds what
    /// it must not.</exception>
    bool Refresh();

    /// <summary>Makes a block durable. When this returns, the block survives the loss of power.</summary>
    /// <param name="block">Follows <see cref="Tail"/> directly; its buffers may be reused after the return.</param>
    /// <exception cref="ArgumentException">The block does not follow the tail or breaks the limits; nothing was
    /// written and the journal is as before.</exception>
    /// <exception cref="JournalException">Fenced, Failed, DiskFull or Unknown: the block was not
    /// acknowledged.</exception>
    void Append(in SealedBlock block);

    /// <summary>Reads whole blocks, beginning with the one that holds <paramref name="fromPosition"/>.</summary>
    /// <param name="fromPosition">1 to the tail's position + 1; the latter waits for the next block.</param>
    JournalReader Read(long fromPosition);

    /// <summary>Writes one event line, without its newline.</summary>
    /// <returns>False where no durable event has this position.</returns>
    /// <exception cref="JournalException">Damaged: the block that holds the line fails its checksum.</exception>
    bool TryReadEvent(long position, IBufferWriter<byte> to);
}

/// <summary>A block ready to be stored.</summary>
/// <param name="Block">Number, from 1.</param>
/// <param name="FirstPosition">Position of its first event, from 1.</param>
/// <param name="Events">1 to <see cref="JournalLimits.BlockEvents"/>.</param>
/// <param name="Lines">The event lines, each ended by one newline, at most <see
/// cref="JournalLimits.BlockBytes"/>.</param>
/// <param name="Root">32 bytes: root of the tree over all events up to and with this block's last.</param>
public readonly record struct SealedBlock(
    long Block, long FirstPosition, int Events, ReadOnlyMemory<byte> Lines, ReadOnlyMemory<byte> Root);

/// <summary>Where a journal ends.</summary>
/// <param name="block">Number of the last durable block; 0 when there is none.</param>
/// <param name="position">Position of its last event; 0 when there is none.</param>
/// <param name="root">32 bytes.</param>
public sealed class JournalTail(long block, long position, ReadOnlyMemory<byte> root)
{
    /// <summary>SHA-256 of nothing: the root of the empty tree (RFC 6962 section 2.1).</summary>
    public static readonly ReadOnlyMemory<byte> EmptyRoot =
        Convert.FromHexString("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

    public static JournalTail Empty { get; } = new(0, 0, EmptyRoot);

    public long Block { get; } = block;
    public long Position { get; } = position;
    public ReadOnlyMemory<byte> Root { get; } = root;
}

/// <summary>Walks durable blocks in order. Not for use by two threads at once.</summary>
public abstract class JournalReader : IDisposable
{
    /// <summary>The block read last. Its memory is valid until the next call of <see cref="MoveNext"/>.</summary>
    public JournalBlock Current { get; protected set; }

    /// <returns>False where no further block is durable now; call again later to see what came since.</returns>
    /// <exception cref="JournalException">Damaged or Failed. The reader stays where it is.</exception>
    public abstract bool MoveNext();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>A block as read: checksum verified, tree root not (recomputing it is the reader's choice).</summary>
/// <param name="starts">Offsets of the lines in <paramref name="lines"/>, then its length: one more than
/// events.</param>
public readonly struct JournalBlock(
    long number, long firstPosition, ReadOnlyMemory<byte> lines, ReadOnlyMemory<int> starts, ReadOnlyMemory<byte> root)
{
    public long Number => number;
    public long FirstPosition => firstPosition;
    public int Events => starts.Length - 1;
    public long LastPosition => firstPosition + Events - 1;

    /// <summary>All event lines, each ended by one newline.</summary>
    public ReadOnlyMemory<byte> Lines => lines;

    /// <summary>Offset of each line in <see cref="Lines"/>, and at the end the length of <see cref="Lines"/>.</summary>
    public ReadOnlySpan<int> Starts => starts.Span;

    /// <summary>32 bytes, as the seal states it.</summary>
    public ReadOnlySpan<byte> Root => root.Span;

    /// <summary>One event line without its newline.</summary>
    /// <param name="index">0 to <see cref="Events"/> − 1; the position is <see cref="FirstPosition"/> + index.</param>
    public ReadOnlySpan<byte> Line(int index)
    {
        var bounds = starts.Span;
        return lines.Span[bounds[index]..(bounds[index + 1] - 1)];
    }
}
