using System.Diagnostics;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>The lead of a book whose store knows no locks: signs of life, and a claim in the book's own stream.</summary>
/// <remarks>
/// <para>A standby is given the lead when it has itself seen, by its monotonic clock, no block and no sign of life for
/// <see cref="LeadTimes.Silence"/>: from when an answer came to when a question left that had the same answer. Its claim
/// is the <c>book.led.v1</c> that it appends with the expected revision: of two, one gets through.</para>
/// <para>A leader answers for <see cref="LeadTimes.Lease"/> after a proof, counted from before the proof was begun. A
/// proof is a stored block, or a sign of life that is stored and, after that, a look at the stream that finds nobody
/// else's event. In this order: let a proof begin at t, its sign be stored at b and its look be at r, so t ≤ b ≤ r.
/// When the claim is stored, the new leader looks at the signs of life once more, at v. A sign or block stored before
/// its watch began belongs to a lease that ended before the watch did. One stored after v has r after the claim, so the
/// look finds it and the lead is lost. One stored in between is seen at v, or moved the tail, and then the new leader
/// answers only after a whole lease has passed since v. So no two hosts answer at a time, whatever is delayed: packets,
/// a process (SIGSTOP), or a node of the store that does not know yet that it leads no more: it can store no sign of
/// life, and without one there is no proof.</para>
/// </remarks>
internal sealed class EventStoreLead : SharedLead
{
    private readonly EventStoreJournal _journal;
    private volatile bool _begun, _lost;

    /// <param name="watched">What did not change while the place was watched.</param>
    internal EventStoreLead(EventStoreJournal journal, string leader, Watched watched, LeadTimes times)
        : base(journal, Stopwatch.GetTimestamp() - (long)(2 * times.Lease.TotalSeconds * Stopwatch.Frequency), times.Lease) =>
        (_journal, Leader, Watched) = (journal, leader, watched);

    public string Leader { get; }

    public Watched Watched { get; }

    /// <summary>The claim is stored: the term has begun.</summary>
    public bool HasBegun => _begun;

    /// <summary>Nothing more can come of it.</summary>
    public bool IsOver => _lost;

    /// <summary>The term begins.</summary>
    internal void Begin() => _begun = true;

    /// <summary>Another's event stands where this lead's would.</summary>
    internal void Lose() => _lost = true;

    protected override LeadStanding Ask()
    {
        if (_lost) return LeadStanding.Lost;
        try
        {
            _journal.GiveSign(this, resigned: false);
            // Before the claim the tail is another's anyway: the expected revision decides.
            if (_journal.IsTailOwn() || !_begun) return LeadStanding.Held;
            Lose();
            return LeadStanding.Lost;
        }
        catch (JournalException silent) when (silent.Kind is JournalFault.Unknown or JournalFault.Refused)
        {
            return LeadStanding.Unanswered;
        }
        catch (JournalException)
        {
            // The stream is gone or holds what it must not.
            Lose();
            return LeadStanding.Lost;
        }
    }

    /// <summary>Says that the place is free, so that nobody has to wait for silence.</summary>
    protected override void Dispose(bool disposing)
    {
        if (!_lost)
        {
            try
            {
                _journal.GiveSign(this, resigned: true);
            }
            catch (JournalException)
            {
                // The others find out by silence.
            }
        }
        _lost = true;
    }
}
