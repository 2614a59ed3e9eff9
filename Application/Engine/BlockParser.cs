using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;

namespace BankingEngine.Application.Engine;

/// <summary>
/// The blocks of a journal in order, as events: read by the caller's thread, parsed (and hashed) side by side on
/// others. The caller lends a hand when it would have to wait. For replay, projections and processes alike.
/// </summary>
/// <remarks>Not for use by two threads at once.</remarks>
/// <param name="from">Position of the first event wanted; its block may begin earlier.</param>
/// <param name="hash">Fill <see cref="ParsedBlock.Leaves"/> too.</param>
/// <param name="through">No block that begins after this position is read.</param>
public sealed class BlockParser(IJournal journal, long from, bool hash = false, long through = long.MaxValue) : IDisposable
{
    /// <summary>Blocks read ahead of the one in use.</summary>
    private const int Ahead = 6;

    private readonly JournalReader _reader = journal.Read(from);
    private readonly Queue<Task<ParsedBlock>> _ahead = new();
    private readonly Stack<ParsedBlock> _spare = new();
    private ParsedBlock? _lent;
    private bool _ended;

    /// <summary>The next block; valid until the next call.</summary>
    /// <returns>Null where no further block is durable now: call again later.</returns>
    /// <exception cref="JournalException">The journal is damaged or failed.</exception>
    /// <exception cref="System.Text.Json.JsonException">A line is not an event of this program's catalogue.</exception>
    public ParsedBlock? Next()
    {
        if (_lent is not null) _spare.Push(_lent);
        _lent = null;
        while (!_ended && _ahead.Count < Ahead && _reader.MoveNext())
        {
            _ended = _reader.Current.FirstPosition > through;
            if (_ended) break;
            var block = _spare.Count > 0 ? _spare.Pop() : new ParsedBlock();
            block.Take(_reader.Current);
            _ahead.Enqueue(Task.Run(() => block.Parse(hash)));
        }
        // Waiting on a task that has not begun runs it here: no core stands idle.
        if (_ahead.TryDequeue(out var next)) _lent = next.GetAwaiter().GetResult();
        return _lent;
    }

    public void Dispose() => _reader.Dispose();
}

/// <summary>A block on its way from bytes to events. Used again for later blocks.</summary>
public sealed class ParsedBlock
{
    private readonly Slice[] _slices = new Slice[JournalLimits.BlockEvents];
    private readonly (LineHead Head, Recorded Recorded)[] _events = new (LineHead, Recorded)[JournalLimits.BlockEvents];
    private readonly byte[] _root = new byte[JournalLimits.RootBytes];
    private byte[] _lines = [];
    private byte[] _leaves = [];

    public int Count { get; private set; }
    public long Number { get; private set; }
    public long FirstPosition { get; private set; }
    public long LastPosition => FirstPosition + Count - 1;

    public ReadOnlySpan<(LineHead Head, Recorded Recorded)> Events => _events.AsSpan(0, Count);

    /// <summary>32 bytes for each event; empty unless hashes were asked for.</summary>
    public ReadOnlySpan<byte> Leaves => _leaves.AsSpan(0, _leaves.Length == 0 ? 0 : Count * Sha256Lanes.HashBytes);

    /// <summary>32 bytes, as the seal states it.</summary>
    public ReadOnlySpan<byte> Root => _root;

    internal void Take(in JournalBlock block)
    {
        if (_lines.Length < block.Lines.Length) _lines = new byte[JournalLimits.BlockBytes];
        block.Lines.Span.CopyTo(_lines);
        block.Root.CopyTo(_root);
        (Count, Number, FirstPosition) = (block.Events, block.Number, block.FirstPosition);
        for (var i = 0; i < Count; i++) _slices[i] = new(block.Starts[i], block.Starts[i + 1] - 1 - block.Starts[i]);
    }

    internal ParsedBlock Parse(bool hash)
    {
        for (var i = 0; i < Count; i++) _events[i] = EventLine.Read(_lines.AsSpan(_slices[i].Start, _slices[i].Length));
        if (!hash) return this;
        if (_leaves.Length == 0) _leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
        Sha256Lanes.HashLeaves(_lines, _slices.AsSpan(0, Count), _leaves.AsSpan(0, Count * Sha256Lanes.HashBytes));
        return this;
    }
}
