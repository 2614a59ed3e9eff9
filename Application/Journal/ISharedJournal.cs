using BankingEngine.Application.Engine;

namespace BankingEngine.Application.Journal;

/// <summary>
/// A journal that several hosts reach: one leads and appends, the others follow. It outlives the engines that stand on
/// it, and reconnects by itself.
/// </summary>
/// <remarks>
/// Being fenced is a matter of the store: a block number is taken once. A lead is what a leader answers under; it may
/// be lost at any time, and then another's blocks follow. <see cref="IJournal.Append"/> settles an unknown outcome by
/// reading back, for at most <see cref="JournalTimes.Settle"/>: same bytes: done; absent: the same bytes again; other
/// bytes: <see cref="JournalFault.Fenced"/>; no answer: <see cref="JournalFault.Unknown"/>.
/// </remarks>
public interface ISharedJournal : IJournal
{
    /// <summary>Tries to become the one who appends. To be called again and again by a host that follows.</summary>
    /// <param name="leader">Who it is, for people: 1 to 64 printable ASCII characters.</param>
    /// <returns>
    /// Null while another leads, or might. After it is given, what the leader before may still have appended is found by
    /// <see cref="IJournal.Refresh"/>; the lead counts from the durable first event of its term.
    /// </returns>
    /// <exception cref="JournalException">Unknown: the store did not answer.</exception>
    ILead? TryLead(string leader);

    /// <summary>Notes the state's digest in the store, for those who follow; best effort.</summary>
    void Note(in DigestNote note);

    /// <summary>Digests noted after a position, oldest first, at most 1,000.</summary>
    IReadOnlyList<DigestNote> NotesAfter(long position);

    /// <summary>What an operator should know of the store, such as that fail-over there can lose receipts; empty when
    /// all is well.</summary>
    IReadOnlyList<string> Warnings { get; }
}

/// <summary>The right to append and to answer. Disposing gives it up.</summary>
public interface ILead : IDisposable
{
    /// <summary>
    /// Whether the store confirmed the lead within <see cref="JournalTimes.Lease"/>; asks nobody. Counted from when
    /// the question was sent, by the monotonic clock, which a pause of the process does not stop.
    /// </summary>
    bool IsProven { get; }

    /// <summary>Asks the store now; appended blocks and this prolong the lease.</summary>
    /// <returns>False when the lead is lost, for good.</returns>
    bool Prove();
}

/// <summary>Times that leading and following keep to.</summary>
public static class JournalTimes
{
    /// <summary>A leader answers only so long after its last proven contact with the store.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    /// <summary>So long after its last sign of life a leader's place may be taken. More than <see cref="Lease"/>.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    /// <summary>How often a leader proves its lead and gives a sign of life, apart from the writer.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    /// <summary>A follower answers callers with keys only so long after the store last answered it: a key may have been
    /// revoked meanwhile. Long enough for a store that restarts.</summary>
    public static readonly TimeSpan Unheard = TimeSpan.FromSeconds(30);

    /// <summary>How long an append with an unknown outcome may take to be settled.</summary>
    public static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);
}
