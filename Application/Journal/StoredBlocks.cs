using System.Buffers;

namespace BankingEngine.Application.Journal;

/// <summary>
/// Blocks as a store gives them, not yet verified: the lines of each and directly behind them its seal line, in one
/// buffer that is used again.
/// </summary>
/// <remarks>A store asks for <see cref="Room"/>, fills it, says how much by <see cref="Advance"/>, and ends each block
/// with <see cref="EndBlock"/>. Bytes after the last end count for nothing.</remarks>
public sealed class StoredBlocks : IDisposable
{
    private const int FirstBytes = 64 * 1024;

    private readonly List<(int Start, int Lines, int Length)> _blocks = [];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _filled, _open, _before;

    public int Count => _blocks.Count;

    /// <summary>Bytes of all blocks that were ended.</summary>
    public int Bytes => _open;

    /// <summary>The seal line of the block before the first; empty where the store has none.</summary>
    public ReadOnlySpan<byte> Before => _bytes.AsSpan(0, _before);

    public void Clear()
    {
        _blocks.Clear();
        (_filled, _open, _before) = (0, 0, 0);
    }

    /// <summary>Room behind what was filled, at least so many bytes.</summary>
    public Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _filled < bytes)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(2 * _bytes.Length, _filled + bytes));
            _bytes.AsSpan(0, _filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        return _bytes.AsSpan(_filled);
    }

    /// <summary>So many bytes of the room are filled.</summary>
    public void Advance(int bytes) => _filled += bytes;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>What was filled is <see cref="Before"/>. Comes before the first block.</summary>
    public void EndBefore() => (_before, _open) = (_filled, _filled);

    /// <summary>What was filled since the last end is a block.</summary>
    /// <param name="seal">Bytes of its seal line, the last that were filled.</param>
    public void EndBlock(int seal)
    {
        _blocks.Add((_open, _filled - _open - seal, _filled - _open));
        _open = _filled;
    }

    public void Dispose()
    {
        if (_bytes.Length == 0) return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        Clear();
    }

    /// <summary>Lines and seal of a block, and how many of the bytes are lines.</summary>
    internal ReadOnlyMemory<byte> Stored(int index, out int lines)
    {
        var (start, count, length) = _blocks[index];
        lines = count;
        return _bytes.AsMemory(start, length);
    }
}
