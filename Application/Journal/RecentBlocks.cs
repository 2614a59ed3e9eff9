namespace BankingEngine.Application.Journal;

/// <summary>The newest blocks of a journal in memory, for readers at its tail. Any thread.</summary>
/// <param name="capacity">Bytes held, at least those of one largest block and its seal. Taken when the first block
/// comes.</param>
internal sealed class RecentBlocks(int capacity)
{
    /// <summary>Enough for the blocks of seconds at full speed.</summary>
    public const int DefaultBytes = 16 * 1024 * 1024;

    private readonly record struct Held(WalkPoint At, long Last, int Start, int Lines, int Length);

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Held> _blocks = [];
    private byte[] _ring = [];
    private long _oldest = 1, _newest;
    private int _next;

    /// <param name="at">What the block is. Where it does not follow the newest, those held are forgotten.</param>
    /// <param name="last">Position of its last event.</param>
    public void Add(in WalkPoint at, long last, ReadOnlySpan<byte> lines, ReadOnlySpan<byte> seal)
    {
        lock (_gate)
        {
            if (_ring.Length == 0) _ring = GC.AllocateUninitializedArray<byte>(capacity);
            if (at.Block != _newest + 1)
            {
                _blocks.Clear();
                (_oldest, _next) = (at.Block, 0);
            }
            var length = lines.Length + seal.Length;
            if (_next + length > capacity)
            {
                // The end of the ring stays unused in this round: blocks lie in one piece.
                Evict(_next, capacity);
                _next = 0;
            }
            Evict(_next, _next + length);
            lines.CopyTo(_ring.AsSpan(_next));
            seal.CopyTo(_ring.AsSpan(_next + lines.Length));
            _blocks[at.Block] = new(at, last, _next, lines.Length, length);
            _newest = at.Block;
            _next += length;
        }
    }

    /// <returns>False where the block is not held.</returns>
    public bool TryCopy(long block, StoredBlocks to)
    {
        lock (_gate)
        {
            if (!_blocks.TryGetValue(block, out var held)) return false;
            to.Add(_ring.AsSpan(held.Start, held.Length));
            to.EndBlock(held.Length - held.Lines);
            return true;
        }
    }

    /// <summary>Finds the block that holds a position.</summary>
    public bool TryLocate(long position, out WalkPoint at)
    {
        lock (_gate)
        {
            at = default;
            if (_blocks.Count == 0 || position < _blocks[_oldest].At.Position || position > _blocks[_newest].Last)
                return false;
            var (low, high) = (_oldest, _newest);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_blocks[middle].Last < position) low = middle + 1;
                else high = middle;
            }
            at = _blocks[low].At;
            return true;
        }
    }

    private void Evict(int from, int to)
    {
        while (_blocks.TryGetValue(_oldest, out var held) && held.Start < to && held.Start + held.Length > from)
            _blocks.Remove(_oldest++);
    }
}
