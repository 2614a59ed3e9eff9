using BankingEngine.Application.Engine;

namespace BankingEngine.Application.Journal;

/// <summary>
/// A journal and how far it is durable, for all who follow it: read models, streams, webhooks. It outlives the engines
/// that decide, so that a follower goes on where it was when the lead changes hands.
/// </summary>
/// <param name="journal">Not owned.</param>
/// <param name="isBeside">No engine of this process stands on the journal, so nobody says how far it is durable: who
/// waits has to <see cref="Look"/>.</param>
public sealed class JournalFeed(IJournal journal, bool isBeside = false)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _durable = journal.Tail.Position;
    private bool _closed;

    public IJournal Journal => journal;

    /// <summary>The last position that is durable and known here.</summary>
    public long DurablePosition => Volatile.Read(ref _durable);

    /// <summary>Completes when an event beyond a position is durable.</summary>
    /// <exception cref="EngineUnavailableException">The book is closing.</exception>
    public async Task WaitBeyondAsync(long position, CancellationToken cancellation)
    {
        while (DurablePosition <= position)
        {
            Task next;
            lock (_gate)
            {
                if (_closed) throw EngineUnavailableException.Closing();
                next = _advanced.Task;
            }
            if (DurablePosition > position) return;
            await next.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Looks at the store for what another process has made durable, where no engine of this one does.</summary>
    /// <returns>Whether there was anything new.</returns>
    /// <inheritdoc cref="IJournal.Refresh" path="/exception"/>
    public bool Look()
    {
        if (!isBeside || !journal.Refresh()) return false;
        Advance(journal.Tail.Position);
        return true;
    }

    /// <summary>Says that events up to a position are durable, and wakes who waits.</summary>
    public void Advance(long position)
    {
        if (position <= DurablePosition) return;
        TaskCompletionSource reached;
        lock (_gate)
        {
            if (position <= DurablePosition) return;
            Volatile.Write(ref _durable, position);
            (reached, _advanced) = (_advanced, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        reached.TrySetResult();
    }

    /// <summary>Nothing more will come: who waits is told.</summary>
    public void Close()
    {
        lock (_gate) _closed = true;
        _advanced.TrySetResult();
    }
}
