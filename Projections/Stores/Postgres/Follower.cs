using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// Keeps the tables of one read model level with the book, on a thread and a connection of its own. Rows and position
/// are one transaction. Of several hosts one writes; the others wait for its lock. When the store is full, slow or
/// gone, it tries again with growing pauses, and the ledger goes on.
/// </summary>
internal sealed class Follower : IDisposable
{
    /// <summary>Most events written in one transaction. The more, the fewer times a balance that moves often is
    /// written; so many take a second, and 30 MB of buffers.</summary>
    public const int MostEvents = 65_536;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100),
        LongestPause = TimeSpan.FromSeconds(10), Beat = TimeSpan.FromSeconds(1),
        BetweenLooks = TimeSpan.FromMilliseconds(2), Ending = TimeSpan.FromSeconds(5);

    private readonly JournalFeed _feed;
    private readonly StoreSchema _schema;
    private readonly string _connectionString;
    private readonly TableModel _model;
    private readonly CancellationTokenSource _stop = new();
    private readonly AutoResetEvent _renewed = new(initialState: false);
    private readonly Lock _gate = new();
    private readonly Thread _thread;
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProjectionFault? _fault;
    private string? _lastError;
    private long _position;
    private int _limit = MostEvents;
    private PoisonException? _poison;

    public Follower(JournalFeed feed, StoreSchema schema, string connectionString, TableModel model)
    {
        (_feed, _schema, _connectionString, _model) = (feed, schema, connectionString, model);
        _thread = new(Run)
        {
            Name = $"read model {model.Name}",
            IsBackground = true,
            Priority = ThreadPriority.BelowNormal,
        };
        _thread.Start();
    }

    public TableModel Model => _model;

    /// <summary>Last event whose rows are in, as far as is known here.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Engine time of that event.</summary>
    public Instant At { get; private set; }

    /// <summary>The event that could not be taken; null while it goes on.</summary>
    public ProjectionFault? Fault => Volatile.Read(ref _fault);

    /// <summary>Why the store could not be written to the last time; null since it could.</summary>
    public string? LastError => Volatile.Read(ref _lastError);

    /// <summary>Whether this host writes; false while another does, or the store is gone.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>Completes when something has moved.</summary>
    public Task NextMove()
    {
        lock (_gate) return _advanced.Task;
    }

    /// <summary>Lets a follower that stopped see that its tables were built anew, and waits until it has.</summary>
    public async Task RenewAsync()
    {
        var until = Environment.TickCount64 + (long)Ending.TotalMilliseconds;
        while (Fault is not null && Environment.TickCount64 < until && !_stop.IsCancellationRequested)
        {
            _renewed.Set();
            await Task.WhenAny(NextMove(), Task.Delay(BetweenLooks)).ConfigureAwait(false);
        }
    }

    /// <summary>Where another host writes, what is known here is what was asked last.</summary>
    public void Learn(StoredState state)
    {
        if (!IsWriting) Moved(state);
    }

    public void Dispose()
    {
        if (_stop.IsCancellationRequested) return;
        _stop.Cancel();
        // A statement under way has its own bound; nothing waits for it longer than this.
        if (_thread.Join(Ending))
        {
            _stop.Dispose();
            _renewed.Dispose();
        }
        Advance();
    }

    private void Run()
    {
        Niceness.Lower(Niceness.Following);
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var session = WriterSession.Open(_connectionString, _schema.LockOf(_model.Name));
                _schema.Ensure(session.Connection);
                if (!Lead(session)) return;
                failures = 0;
                Follow(session, () => failures = 0);
            }
            catch (StateMovedException)
            {
                // Built anew, or written by another: begin again from what is stored.
            }
            catch (Exception closed) when (closed is EngineUnavailableException or ObjectDisposedException)
            {
                return;
            }
#pragma warning disable CA1031 // The store's troubles are shown with the lag; the bank and the other models go on.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                Volatile.Write(ref _lastError, $"{fault.GetType().Name}: {fault.Message}");
                Pause(failures++);
            }
            IsWriting = false;
            _model.Forget();
        }
    }

    /// <summary>Waits for the lock of the one writer.</summary>
    /// <returns>False at the end.</returns>
    private bool Lead(WriterSession session)
    {
        var target = new TableTarget(session.Connection, _schema.Quoted, IsFresh: false);
        while (!_stop.IsCancellationRequested)
        {
            if (session.TryLock(_schema.LockOf(_model.Name))) return true;
            if (_schema.StateOf(target, _model.Name) is { } state) Learn(state);
            _stop.Token.WaitHandle.WaitOne(Beat);
        }
        return false;
    }

    private void Follow(WriterSession session, Action succeeded)
    {
        var target = new TableTarget(session.Connection, _schema.Quoted, IsFresh: false);
        (_poison, _limit) = (null, MostEvents);
        var state = Begin(target);
        _schema.EnsureViews(session.Connection);
        IsWriting = true;
        Moved(state);
        _model.Prepare(target);
        var batch = new Batch(_feed.Journal, _model, state.Position);
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                if (state.Fault is null && TryStep(target, ref batch, ref state))
                {
                    succeeded();
                    Moved(state);
                }
                else if (!Wait(state) && !_stop.IsCancellationRequested)
                {
                    Check(target, state);
                }
            }
        }
        finally
        {
            batch.Dispose();
        }
    }

    /// <summary>Where the model stands; its tables are made where there are none, and anew where they are of an older
    /// version.</summary>
    private StoredState Begin(TableTarget target)
    {
        _schema.EnsureModel(target.Connection, _model);
        var state = _schema.StateOf(target, _model.Name)!;
        if (state.Version > _model.Version)
        {
            throw new StoreMismatchException(
                $"The tables of {_model.Name} have version {state.Version}; this program knows {_model.Version}.");
        }
        else if (state.Version < _model.Version)
        {
            try
            {
                new TableRebuild(_feed, _schema, _connectionString, _model.Fresh()).Swap(null, _stop.Token);
            }
            catch (PoisonException poison)
            {
                // The next attempt would end at the same event.
                return state with { Fault = new(poison.Position, poison.Message) };
            }
        }
        state = _schema.StateOf(target, _model.Name)!;
        return IsOfThisJournal(state)
            ? state
            : state with { Fault = new(state.Position, "The journal is not the one that the tables were made of.") };
    }

    /// <summary>Whether the journal's root at the stored position is the one that was stored.</summary>
    private bool IsOfThisJournal(StoredState state)
    {
        if (state.Position == 0 || state.Root.Length == 0 || _feed.Journal.Tail.Position < state.Position) return true;
        using var blocks = new BlockParser(_feed.Journal, state.Position, ahead: false);
        return blocks.Next() is not { } block || block.LastPosition != state.Position
            || block.Root.SequenceEqual(state.Root);
    }

    /// <summary>Writes one batch, or finds out which event is in its way.</summary>
    /// <returns>False where nothing further is durable.</returns>
    private bool TryStep(TableTarget target, ref Batch batch, ref StoredState state)
    {
        var taken = 0;
        try
        {
            if (_poison?.Position == state.Position + 1)
            {
                state = Stop(target, state, _poison);
                return true;
            }
            taken = batch.Take(_poison is { } known ? Math.Min(_limit, known.Position - 1 - state.Position) : _limit);
            if (taken == 0) return false;
            using var transaction = target.Connection.BeginTransaction();
            // First of all, so that whoever else would write, or has built the tables anew, is met before any row.
            if (!_schema.Advance(target, _model.Name, state, batch.Position, batch.At, batch.Root))
                throw new StateMovedException();
            _model.Write(target);
            transaction.Commit();
            _limit = Math.Min(MostEvents, 2 * _limit);
            state = state with { Position = batch.Position, At = batch.At, Root = batch.Root };
            return true;
        }
        catch (PoisonException poison)
        {
            _poison = poison;
        }
        catch (PostgresException wrong) when (IsAboutData(wrong))
        {
            // Smaller batches find out which event it is.
            if (taken == 1) _poison = new(state.Position + 1, $"{wrong.SqlState}: {wrong.MessageText}");
            _limit = Math.Max(1, taken / 2);
        }
        _model.Forget();
        batch.Dispose();
        batch = new(_feed.Journal, _model, state.Position);
        return true;
    }

    /// <summary>SQLSTATE classes 22 and 23: a value or a key that the tables do not take.</summary>
    private static bool IsAboutData(PostgresException wrong) =>
        wrong.SqlState.StartsWith("22", StringComparison.Ordinal)
        || wrong.SqlState.StartsWith("23", StringComparison.Ordinal);

    private StoredState Stop(TableTarget target, StoredState state, PoisonException poison)
    {
        var fault = new ProjectionFault(poison.Position, poison.Message);
        _schema.Stop(target, _model.Name, fault);
        return state with { Fault = fault };
    }

    /// <summary>Sleeps until an event is durable beyond what is in, or for a beat, or until the end.</summary>
    /// <returns>Whether there is more.</returns>
    private bool Wait(StoredState state)
    {
        if (state.Fault is not null)
        {
            WaitHandle.WaitAny([_stop.Token.WaitHandle, _renewed], Beat);
            return false;
        }
        using var beat = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        beat.CancelAfter(Beat);
        try
        {
            _feed.WaitBeyondAsync(state.Position, beat.Token).GetAwaiter().GetResult();
            _stop.Token.WaitHandle.WaitOne(_model.Linger);
            return true;
        }
        catch (OperationCanceledException)
        {
            return !_stop.IsCancellationRequested && _feed.Look();
        }
    }

    /// <summary>Shows the server that this host is alive, and this host that the tables are still as it left
    /// them.</summary>
    private void Check(TableTarget target, StoredState state)
    {
        var stored = _schema.StateOf(target, _model.Name);
        if (stored?.Generation != state.Generation || stored.Position != state.Position)
            throw new StateMovedException();
    }

    private void Moved(StoredState state)
    {
        At = state.At;
        Volatile.Write(ref _fault, state.Fault);
        Volatile.Write(ref _position, state.Position);
        Volatile.Write(ref _lastError, null);
        Advance();
    }

    private void Advance()
    {
        TaskCompletionSource reached;
        lock (_gate) (reached, _advanced) = (_advanced, new(TaskCreationOptions.RunContinuationsAsynchronously));
        reached.TrySetResult();
    }

    /// <summary>Longer after each failure, and never the same for two hosts.</summary>
    private void Pause(int failures)
    {
        var doubled = FirstPause * Math.Pow(2, Math.Min(failures, 10));
        var longest = doubled < LongestPause ? doubled : LongestPause;
        _stop.Token.WaitHandle.WaitOne(longest * (0.5 + Random.Shared.NextDouble() / 2));
    }

    /// <summary>The tables are not as this session left them.</summary>
    private sealed class StateMovedException : Exception;
}
