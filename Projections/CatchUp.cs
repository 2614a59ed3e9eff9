using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;

namespace BankingEngine.Projections;

/// <summary>
/// Keeps projections level with a book: one thread follows the journal, parses each block once and feeds all. A
/// projection that stops holds up none of the others.
/// </summary>
public sealed class CatchUp : IDisposable
{
    /// <summary>The longest a question waits for a read model to reach the position it asks for.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly JournalFeed _book;
    private readonly Projection[] _live;
    private readonly Projection?[] _rebuilding;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Queue<Rebuild> _rebuilt = new();
    private readonly Thread _thread;
    private CancellationTokenSource _woken = new();
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _fed;

    /// <param name="projections">Empty, or as they were stored; each with another name.</param>
    public CatchUp(JournalFeed book, params IReadOnlyList<Projection> projections)
    {
        (_book, _live) = (book, [.. projections]);
        _rebuilding = new Projection?[_live.Length];
        _fed = _live.Length == 0 ? 0 : _live.Min(p => p.Position);
        _thread = new(Follow) { Name = "projections", IsBackground = true, Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    /// <summary>The projection that answers now.</summary>
    public Projection Live(int index) => Volatile.Read(ref _live[index]);

    /// <summary>Where each stands.</summary>
    public IReadOnlyList<ProjectionLag> Lag()
    {
        var lags = new ProjectionLag[_live.Length];
        for (var i = 0; i < lags.Length; i++)
        {
            var live = Live(i);
            var (position, durable) = (live.Position, _book.DurablePosition);
            lags[i] = new(live.Name, live.Version, position, durable, position < durable ? live.At : null, live.Fault,
                Volatile.Read(ref _rebuilding[i])?.Position);
        }
        return lags;
    }

    /// <summary>Waits until a projection has the rows of a position.</summary>
    /// <param name="timeout">At most <see cref="LongestWait"/>.</param>
    /// <returns>False when the time is over.</returns>
    /// <exception cref="ProjectionStoppedException">It stopped before that position.</exception>
    public async Task<bool> WaitForAsync(int index, long position, TimeSpan timeout)
    {
        var until = Environment.TickCount64
            + (long)TimeSpan.FromTicks(Math.Min(timeout.Ticks, LongestWait.Ticks)).TotalMilliseconds;
        while (true)
        {
            Task next;
            lock (_gate) next = _advanced.Task;
            var live = Live(index);
            if (live.Position >= position) return true;
            if (live.Fault is { } fault) throw new ProjectionStoppedException(live.Name, fault);
            var left = until - Environment.TickCount64;
            if (left <= 0 || _stop.IsCancellationRequested) return false;
            await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(left))).ConfigureAwait(false);
        }
    }

    /// <summary>Builds a projection anew from the first event, beside the one that answers, and lets it take
    /// over.</summary>
    /// <returns>Completes when the new one answers.</returns>
    /// <exception cref="ProjectionStoppedException">It met an event that it cannot take; the old one goes on.</exception>
    public Task RebuildAsync(int index)
    {
        var rebuild = new Rebuild(index, Live(index).Fresh());
        Volatile.Write(ref _rebuilding[index], rebuild.Fresh);
        var reader = new Thread(() => Build(rebuild))
        {
            Name = $"rebuild {rebuild.Fresh.Name}",
            IsBackground = true,
            Priority = ThreadPriority.BelowNormal,
        };
        reader.Start();
        return rebuild.Done.Task;
    }

    /// <summary>Stops following. To be called before the book is closed.</summary>
    public void Dispose()
    {
        if (_stop.IsCancellationRequested) return;
        _stop.Cancel();
        _thread.Join();
        lock (_gate)
        {
            foreach (var left in _rebuilt) left.Done.TrySetCanceled();
            _advanced.TrySetResult();
            _stop.Dispose();
            _woken.Dispose();
        }
    }

    private void Follow()
    {
        try
        {
            Niceness.Lower(Niceness.Following);
            using var blocks = new BlockParser(_book.Journal, _fed + 1, ahead: false);
            while (!_stop.IsCancellationRequested)
            {
                Adopt();
                if (blocks.Next() is { } block) Feed(block);
                else Wait();
            }
        }
        catch (Exception closed) when (closed is EngineUnavailableException or ObjectDisposedException)
        {
            // The book closed or failed; there is nothing more to follow.
        }
#pragma warning disable CA1031 // What cannot be read concerns every read model, each says so for itself; the bank goes on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            for (var i = 0; i < _live.Length; i++) Live(i).Stop(new(_fed + 1, $"{fault.GetType().Name}: {fault.Message}"));
            Advance();
        }
    }

    private void Feed(ParsedBlock block)
    {
        for (var i = 0; i < _live.Length; i++) Live(i).Feed(block);
        _fed = block.LastPosition;
        Advance();
    }

    private void Advance()
    {
        TaskCompletionSource reached;
        lock (_gate) (reached, _advanced) = (_advanced, new(TaskCreationOptions.RunContinuationsAsynchronously));
        reached.TrySetResult();
    }

    /// <summary>Under load blocks come faster than this: a short wait takes several at once, and far fewer wakes.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(2);

    /// <summary>Sleeps until an event is durable beyond what was fed, or a rebuilt projection wants in, or the
    /// end.</summary>
    private void Wait()
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _woken.Token);
        try
        {
            _book.WaitBeyondAsync(_fed, either.Token).GetAwaiter().GetResult();
            either.Token.WaitHandle.WaitOne(Linger);
        }
        catch (OperationCanceledException) { }
    }

    /// <summary>Brings rebuilt projections level with the others and puts them in their places.</summary>
    private void Adopt()
    {
        while (true)
        {
            Rebuild rebuild;
            lock (_gate)
            {
                if (_woken.IsCancellationRequested) _woken = new();
                if (!_rebuilt.TryDequeue(out rebuild!)) return;
            }
            Fill(rebuild.Fresh, _fed);
            var stopped = rebuild.Fresh.Fault;
            // One that stopped answers nothing: whatever answers now goes on.
            if (stopped is null) Volatile.Write(ref _live[rebuild.Index], rebuild.Fresh);
            Interlocked.CompareExchange(ref _rebuilding[rebuild.Index], null, rebuild.Fresh);
            Advance();
            if (stopped is null) rebuild.Done.TrySetResult();
            else rebuild.Done.TrySetException(new ProjectionStoppedException(rebuild.Fresh.Name, stopped));
        }
    }

    private void Build(Rebuild rebuild)
    {
        try
        {
            Niceness.Lower(Niceness.Following);
            Fill(rebuild.Fresh, Volatile.Read(ref _fed));
            lock (_gate)
            {
                if (_stop.IsCancellationRequested)
                {
                    rebuild.Done.TrySetCanceled();
                    return;
                }
                _rebuilt.Enqueue(rebuild);
                _woken.Cancel();
            }
        }
        catch (ObjectDisposedException)
        {
            // The book was closed meanwhile.
            rebuild.Done.TrySetCanceled();
        }
#pragma warning disable CA1031 // Whoever asked for the rebuild is told; the live one goes on.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _rebuilding[rebuild.Index], null, rebuild.Fresh);
            rebuild.Done.TrySetException(fault);
        }
    }

    private void Fill(Projection fresh, long through)
    {
        using var blocks = new BlockParser(_book.Journal, fresh.Position + 1, hash: false, through, ahead: false);
        while (fresh.Position < through && fresh.Fault is null && !_stop.IsCancellationRequested
            && blocks.Next() is { } block)
            fresh.Feed(block);
    }

    private sealed record Rebuild(int Index, Projection Fresh)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
