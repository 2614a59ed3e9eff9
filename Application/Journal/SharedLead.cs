using System.Diagnostics;

namespace BankingEngine.Application.Journal;

/// <summary>What a store says when it is asked whether a lead still stands.</summary>
public enum LeadStanding
{
    Held,
    Lost,

    /// <summary>The store gave no answer; the lead may stand.</summary>
    Unanswered,
}

/// <summary>The lease of a lead: when the store confirmed it last. What is asked, the store's own lead says.</summary>
/// <param name="journal">Its appended blocks prolong the lease.</param>
/// <param name="proven"><see cref="Stopwatch"/> timestamp taken before the question that gave the lead was
/// sent.</param>
/// <param name="lease">Null: <see cref="JournalTimes.Lease"/>.</param>
public abstract class SharedLead(SharedJournal journal, long proven, TimeSpan? lease = null) : ILead
{
    private readonly Lock _asking = new();
    private readonly TimeSpan _lease = lease ?? JournalTimes.Lease;
    private long _proven = proven;
    private volatile bool _lost;

    public bool IsProven => !_lost
        && Stopwatch.GetElapsedTime(Math.Max(Volatile.Read(ref _proven), journal.LastContact)) < _lease;

    public bool Prove()
    {
        lock (_asking)
        {
            if (_lost) return false;
            var sent = Stopwatch.GetTimestamp();
            var standing = Ask();
            if (standing == LeadStanding.Held) Volatile.Write(ref _proven, sent);
            // Without an answer the lease decides: who may no longer answer does not lead.
            if (standing == LeadStanding.Lost || !IsProven) _lost = true;
            return !_lost;
        }
    }

    public void Dispose()
    {
        lock (_asking) _lost = true;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Asks the store, for well under <see cref="JournalTimes.Lease"/>. Called by one thread at a
    /// time.</summary>
    protected abstract LeadStanding Ask();

    /// <summary>Gives the lead up in the store, where that can still be said.</summary>
    protected abstract void Dispose(bool disposing);
}
