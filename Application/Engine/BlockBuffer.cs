using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Engine;

/// <summary>A block in the making: event lines, and the answers that leave when it is durable. Two take turns.</summary>
internal sealed class BlockBuffer
{
    private readonly byte[] _lines = new byte[JournalLimits.BlockBytes];
    private readonly Slice[] _slices = new Slice[JournalLimits.BlockEvents];
    private int _length;

    public List<WorkItem> Answers { get; } = [];

    public long FirstPosition { get; private set; }

    public int Events { get; private set; }

    public bool HasWork => Events > 0 || Answers.Count > 0;

    public ReadOnlyMemory<byte> Lines => _lines.AsMemory(0, _length);

    public ReadOnlySpan<Slice> Slices => _slices.AsSpan(0, Events);

    /// <summary>The state's digest after the block's last command.</summary>
    public UInt128 Digest { get; set; }

    public bool Fits(int events, int bytes) =>
        Events + events <= JournalLimits.BlockEvents && _length + bytes <= JournalLimits.BlockBytes;

    /// <summary>Takes over a command's lines, each ended by a newline.</summary>
    /// <param name="ends">Where each line ends in <paramref name="lines"/>, its newline included.</param>
    public void Add(long firstPosition, ReadOnlySpan<byte> lines, ReadOnlySpan<int> ends)
    {
        if (Events == 0) FirstPosition = firstPosition;
        lines.CopyTo(_lines.AsSpan(_length));
        var start = 0;
        foreach (var end in ends)
        {
            _slices[Events++] = new(_length + start, end - start - 1);
            start = end;
        }
        _length += lines.Length;
    }

    public void Clear()
    {
        Answers.Clear();
        (Events, _length, FirstPosition) = (0, 0, 0);
    }
}
