using System.Diagnostics;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <param name="QueueLength">Work items that may wait; one more is refused at once.</param>
/// <param name="DigestEvery">Blocks between two notes of the digest.</param>
/// <param name="Following">Begins by following a shared journal, which outlives the engine; decides nothing until it
/// leads.</param>
public sealed record EngineOptions(int QueueLength = 65_536, int DigestEvery = 64, bool Following = false);

/// <summary>
/// A running book: one writer thread, one flusher thread, one block in flight and one being decided. No answer leaves
/// before what it depends on is durable.
/// </summary>
public sealed partial class BookEngine : IDisposable
{
    /// <summary>A read of the book visits at most this many rows.</summary>
    public const int MaxRowsRead = 100;

    private readonly object _gate = new();
    private readonly IJournal _journal;
    private readonly TreeStore? _tree;
    private readonly MerkleFrontier _frontier;
    private readonly DigestNotes? _notes;
    private readonly EngineOptions _options;
    private readonly EngineMeters _meters;
    private readonly ITimeSource _time;
    private readonly EngineClock _clock;
    private readonly Writer _writer;
    private readonly Thread _writerThread;
    private readonly Thread _flusherThread;
    private readonly byte[] _leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];
    private readonly byte[] _root = new byte[Sha256Lanes.HashBytes];

    private List<WorkItem> _incoming = [];
    private BlockBuffer? _inFlight;
    private BlockBuffer? _spare = new();
    private bool _stopping;
    private bool _writerDone;
    private Exception? _failure;

    /// <param name="opened">The book as recovery left it.</param>
    /// <param name="onFatal">Called once, from the thread that failed: the state is void and the process should end.</param>
    public BookEngine(OpenedBook opened, ITimeSource time, EngineOptions options, Action<Exception> onFatal, Action<Exception, string> onFault)
    {
        (Feed, _journal, _tree, _frontier, _notes, _options) =
            (opened.Feed, opened.Feed.Journal, opened.Tree, opened.Frontier, opened.Notes, options);
        (_time, OnFatal) = (time, onFatal);
        _heardAt = time.MonotonicMicroseconds();
        var offset = opened.Execution.Bank.Book.IsOpen ? opened.Execution.Bank.Book.Day.ClockOffset : 0;
        _clock = new(time, opened.LastAt, offset);
        _meters = new(() => QueueDepth, () => DurablePosition, onFault);
        Keys = new(opened.Execution.Bank.Keys);
        _writer = new(opened.Execution, _clock, Keys, HandOver, _meters);
        _lastAt = opened.LastAt;
        Feed.Advance(opened.Execution.Position);
        _leading = !options.Following;
        _leader = LeaderOf(opened.Execution.Bank);
        _writerThread = new(WriterLoop) { Name = "book writer", IsBackground = true };
        _flusherThread = new(FlusherLoop) { Name = "book flusher", IsBackground = true };
        _writerThread.Start();
        _flusherThread.Start();
    }

    /// <summary>The book's keys, for the edge.</summary>
    public KeyDirectory Keys { get; }

    /// <summary>Engine time as the writer last read it; for the edge, which needs it only roughly.</summary>
    public Instant RoughNow => _clock.Last;

    public IJournal Journal => _journal;

    /// <summary>The journal, for those who follow it.</summary>
    public JournalFeed Feed { get; }

    /// <summary>The tree of the book, for proofs; null where none is kept.</summary>
    public TreeStore? Tree => _tree;

    /// <summary>The last position that survives the loss of power.</summary>
    public long DurablePosition => Feed.DurablePosition;

    public bool IsRunning => Volatile.Read(ref _failure) is null && !Volatile.Read(ref _stopping);

    /// <summary>The untrusted step of the machine's clock, in microseconds; 0 when there is none.</summary>
    public long ClockStep => _clock.Step;

    private Action<Exception> OnFatal { get; }

    private int QueueDepth
    {
        get { lock (_gate) return _incoming.Count; }
    }

    /// <exception cref="EngineUnavailableException">The queue is full, or the book is closing or failed.</exception>
    public Task<Answer> SendAsync(in Envelope envelope, Command command, string named)
    {
        var work = new CommandWork(envelope, command, named);
        if (EngineTraces.IsListenedTo) return Traced(work, named);
        Enqueue(work);
        return work.Done;
    }

    /// <exception cref="EngineUnavailableException">The queue is full, or the book is closing or failed.</exception>
    public Task<Answer[]> SendAsync(IReadOnlyList<(Envelope Envelope, Command Command, string Named)> commands)
    {
        var work = new BatchWork(commands);
        Enqueue(work);
        return work.Done;
    }

    /// <summary>Asks the book: linearizable, at most <see cref="MaxRowsRead"/> rows.</summary>
    /// <exception cref="EngineUnavailableException">The queue is full, or the book is closing or failed.</exception>
    public Task<T> ReadAsync<T>(Func<Bank, Moment, T> read)
    {
        var work = new ReadWork<T>(read);
        Enqueue(work);
        return work.Done;
    }

    /// <inheritdoc cref="JournalFeed.WaitBeyondAsync"/>
    public Task WaitBeyondAsync(long position, CancellationToken cancellation) =>
        Feed.WaitBeyondAsync(position, cancellation);

    /// <summary>Stops taking work, finishes what was taken, and closes.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        _writerThread.Join();
        _flusherThread.Join();
        if (!_options.Following) Feed.Close();
        _writer.Dispose();
        _notes?.Dispose();
        _tree?.Dispose();
        if (!_options.Following) _journal.Dispose();
        _meters.Dispose();
    }

    private Task<Answer> Traced(CommandWork work, string named) => EngineTraces.Traced(named, () =>
    {
        Enqueue(work);
        return work.Done;
    });

    private void Enqueue(WorkItem item)
    {
        lock (_gate)
        {
            if (_failure is not null) throw item.Unanswered();
            if (_stopping) throw EngineUnavailableException.Closing();
            if (_incoming.Count >= _options.QueueLength) throw EngineUnavailableException.QueueFull();
            _incoming.Add(item);
            if (_incoming.Count == 1) Monitor.PulseAll(_gate);
        }
    }

    private void WriterLoop()
    {
        var batch = new List<WorkItem>();
        try
        {
            if (!_leading && Follow(ref batch) is { } lead) Begin(lead);
            while (Take(ref batch))
            {
                foreach (var item in batch) RunItem(item);
                batch.Clear();
                while (_writer.Bank.Book.IsOpen && _writer.RunTimers(_clock.Now())) { }
            }
        }
        catch (Exception fatal)
        {
            Fail(fatal);
            Abandon([.. _writer.Current.Answers, .. batch]);
        }
        lock (_gate)
        {
            _writerDone = true;
            batch = [.. _incoming];
            Monitor.PulseAll(_gate);
        }
        Abandon(batch);
    }

    private void RunItem(WorkItem item)
    {
        var now = _clock.Now();
        if (_writer.Bank.Book.IsOpen) _writer.RunTimers(now);
        try
        {
            _writer.Run(item, now);
        }
        catch (EngineUnavailableException unavailable)
        {
            item.Fail(unavailable);
        }
    }

    /// <summary>Waits for work, for the flusher to be free for what is pending, or for a timer.</summary>
    /// <returns>False when the book is to close and nothing is left.</returns>
    private bool Take(ref List<WorkItem> batch)
    {
        lock (_gate)
        {
            while (true)
            {
                if (_failure is not null) throw _failure;
                if (_incoming.Count > 0)
                {
                    (_incoming, batch) = (batch, _incoming);
                    return true;
                }
                if (_inFlight is null && _writer.Current.HasWork) Swap();
                else if (_stopping && !_writer.Current.HasWork) return false;
                else if (!Monitor.Wait(_gate, UntilTimer())) return true;
            }
        }
    }

    /// <summary>Milliseconds until a tick: timers are looked at at least this often.</summary>
    private static TimeSpan UntilTimer() => TimeSpan.FromMilliseconds(50);

    /// <summary>Called by the writer when the current block is full.</summary>
    private void HandOver()
    {
        lock (_gate)
        {
            while (_inFlight is not null && _failure is null) Monitor.Wait(_gate);
            if (_failure is not null) throw _failure;
            Swap();
        }
    }

    private void Swap()
    {
        _inFlight = _writer.Current;
        _writer.Current = _spare!;
        _spare = null;
        Monitor.PulseAll(_gate);
    }

    private void FlusherLoop()
    {
        while (NextBlock() is { } block)
        {
            try
            {
                if (block.Events > 0) MakeDurable(block);
                DemandLead();
            }
            catch (Exception fatal)
            {
                Fail(fatal);
                Abandon(block.Answers);
                return;
            }
            Release(block);
        }
    }

    private BlockBuffer? NextBlock()
    {
        lock (_gate)
        {
            while (_inFlight is null && !_writerDone && _failure is null) Monitor.Wait(_gate);
            return _inFlight;
        }
    }

    /// <summary>Seals the block: leaves and root, off the writer; then the disk.</summary>
    private void MakeDurable(BlockBuffer block)
    {
        var started = Stopwatch.GetTimestamp();
        var leaves = _leaves.AsSpan(0, block.Events * Sha256Lanes.HashBytes);
        Sha256Lanes.HashLeaves(block.Lines.Span, block.Slices, leaves);
        if (_tree is null) _frontier.Append(leaves);
        else _tree.Append(_frontier, leaves);
        _frontier.Root().CopyTo(_root);
        var number = _journal.Tail.Block + 1;
        var hashed = Stopwatch.GetTimestamp();
        _journal.Append(new(number, block.FirstPosition, block.Events, block.Lines, _root));
        var flushed = Stopwatch.GetTimestamp();
        var last = block.FirstPosition + block.Events - 1;
        if (number % _options.DigestEvery == 0) Note(number, last, block.Digest);
        _meters.Block(block.Events, block.Lines.Length, Stopwatch.GetElapsedTime(started, hashed).TotalMilliseconds,
            Stopwatch.GetElapsedTime(hashed, flushed).TotalMilliseconds);
        Feed.Advance(last);
    }

    private void Release(BlockBuffer block)
    {
        foreach (var answer in block.Answers) answer.Release();
        block.Clear();
        lock (_gate)
        {
            _spare = block;
            _inFlight = null;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>State past the last durable block is void, and the book stops; each thread abandons what it holds.</summary>
    private void Fail(Exception fatal)
    {
        lock (_gate)
        {
            if (_failure is not null) return;
            _failure = fatal;
            Monitor.PulseAll(_gate);
        }
        if (!_options.Following) Feed.Close();
        OnFatal(fatal);
    }

    /// <summary>Who waits learns no outcome: the same id will tell, once the book is open again.</summary>
    private static void Abandon(IReadOnlyList<WorkItem> waiting)
    {
        foreach (var item in waiting) item.Fail(item.Unanswered());
    }
}
