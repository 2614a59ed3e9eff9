using System.Runtime.ExceptionServices;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;

namespace BankingEngine.Application.Engine;

/// <summary>
/// The blocks of a journal in order, as events: read, parsed and hashed a few ahead on another thread, while the
/// caller's applies them. For replay, projections and processes alike.
/// </summary>
/// <remarks>Not for use by two threads at once. Reading and parsing takes about as long as applying, so two cores are
/// kept busy.</remarks>
public sealed class BlockParser : IDisposable
{
    /// <summary>Blocks made ready ahead of the one in use.</summary>
    private const int Ahead = 6;

    private readonly object _gate = new();
    private readonly JournalReader _reader;
    private readonly Queue<ParsedBlock> _ready = new();
    private readonly Stack<ParsedBlock> _spare = new();
    private readonly bool _hash;
    private readonly long _through;
    private readonly bool _ahead;
    private ParsedBlock? _lent;
    private ExceptionDispatchInfo? _fault;
    private bool _pumping;
    private bool _stopped;

    /// <param name="from">Position of the first event wanted; its block may begin earlier.</param>
    /// <param name="hash">Fill <see cref="ParsedBlock.Leaves"/> too.</param>
    /// <param name="through">No block that begins after this position is read.</param>
    /// <param name="ahead">Whether another thread works ahead; else all is done by the caller's, in its own time.</param>
    public BlockParser(IJournal journal, long from, bool hash = false, long through = long.MaxValue, bool ahead = true) =>
        (_reader, _hash, _through, _ahead) = (journal.Read(from), hash, through, ahead);

    /// <summary>The next block; valid until the next call.</summary>
    /// <returns>Null where no further block is durable now: call again later.</returns>
    /// <exception cref="JournalException">The journal is damaged or failed.</exception>
    /// <exception cref="System.Text.Json.JsonException">A line is not an event of this program's catalogue.</exception>
    public ParsedBlock? Next()
    {
        if (!_ahead) return NextHere();
        lock (_gate)
        {
            if (_lent is not null) _spare.Push(_lent);
            _lent = null;
            StartPump();
            while (_ready.Count == 0 && _pumping) Monitor.Wait(_gate);
            if (_ready.TryDequeue(out _lent)) StartPump();
            else _fault?.Throw();
            return _lent;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            while (_pumping) Monitor.Wait(_gate);
        }
        _reader.Dispose();
    }

    private ParsedBlock? NextHere()
    {
        if (!_reader.MoveNext() || _reader.Current.FirstPosition > _through) return null;
        _lent ??= new();
        _lent.Take(_reader.Current);
        _lent.Parse(_hash);
        return _lent;
    }

    private void StartPump()
    {
        if (_pumping || _stopped || _fault is not null || _ready.Count >= Ahead) return;
        _pumping = true;
        _ = Task.Run(Pump);
    }

    private void Pump()
    {
        try
        {
            while (RoomOrRest() is { } block)
            {
                if (!_reader.MoveNext() || _reader.Current.FirstPosition > _through)
                {
                    Rest(block, null);
                    return;
                }
                block.Take(_reader.Current);
                block.Parse(_hash);
                lock (_gate)
                {
                    _ready.Enqueue(block);
                    Monitor.PulseAll(_gate);
                }
            }
        }
        catch (Exception fault)
        {
            Rest(null, fault);
        }
    }

    /// <summary>A block to fill; null when enough are ready, and then nobody works ahead any more.</summary>
    /// <remarks>Both in one step: whoever had used up all that was ready in between would take the pause for the end of
    /// the journal.</remarks>
    private ParsedBlock? RoomOrRest()
    {
        lock (_gate)
        {
            if (!_stopped && _ready.Count < Ahead) return _spare.TryPop(out var used) ? used : new();
            _pumping = false;
            Monitor.PulseAll(_gate);
            return null;
        }
    }

    /// <summary>There is nothing further now, or nothing at all after a fault.</summary>
    private void Rest(ParsedBlock? unused, Exception? fault)
    {
        lock (_gate)
        {
            if (unused is not null) _spare.Push(unused);
            if (fault is not null) _fault = ExceptionDispatchInfo.Capture(fault);
            _pumping = false;
            Monitor.PulseAll(_gate);
        }
    }
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

    internal void Parse(bool hash)
    {
        for (var i = 0; i < Count; i++) _events[i] = EventLine.Read(_lines.AsSpan(_slices[i].Start, _slices[i].Length));
        if (!hash) return;
        if (_leaves.Length == 0) _leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
        Sha256Lanes.HashLeaves(_lines, _slices.AsSpan(0, Count), _leaves.AsSpan(0, Count * Sha256Lanes.HashBytes));
    }
}
