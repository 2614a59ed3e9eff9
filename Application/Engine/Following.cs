using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>The part of an engine that follows a shared journal, and takes the lead when it is given one.</summary>
public sealed partial class BookEngine
{
    /// <summary>Blocks applied before questions get their turn.</summary>
    private const int BlocksAtOnce = 16;

    /// <summary>How long a follower that is level waits before it looks at the store again.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>How long it waits when the store does not answer.</summary>
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>How often digests are compared with the leader's.</summary>
    private const int CompareEveryMilliseconds = 1_000;

    /// <summary>Own digests kept until the leader's note of them arrives.</summary>
    private const int MaxKeptDigests = 1_024;

    private readonly SortedDictionary<long, DigestNote> _own = [];
    private ILead? _lead;
    private bool _leading;
    private Instant _lastAt;
    private long _compared;
    private long _comparedAt;
    private string? _unreachable;
    private string? _leader;
    private long _heardAt;

    /// <summary>Whether this host decides; else it follows, and its answers may be older than the book.</summary>
    public bool IsLeading => Volatile.Read(ref _leading);

    /// <summary>
    /// Whether an answer of this host may leave: it follows, and its answers say so, or it leads and the store
    /// confirmed that a moment ago. A host that was paused finds out here.
    /// </summary>
    public bool MayAnswer => Volatile.Read(ref _lead) is not { } lead || lead.IsProven;

    /// <summary>Whether this host follows and its store has not answered for long, so that a key may have been revoked
    /// without its knowing. A host that was paused finds out here.</summary>
    public bool IsCutOff => !IsLeading
        && _time.MonotonicMicroseconds() - Volatile.Read(ref _heardAt) > (long)JournalTimes.Unheard.TotalMicroseconds;

    /// <summary>How the host named itself whose term it is, as far as is known here; null where none had to.</summary>
    public string? Leader => Volatile.Read(ref _leader);

    /// <summary>Why the store could not be followed when it was last asked; null when it could.</summary>
    public string? Unreachable => Volatile.Read(ref _unreachable);

    /// <summary>Ends following: levels the state with the journal, and makes the term's first event durable.</summary>
    /// <param name="lead">Held by this host; stays the caller's to dispose.</param>
    /// <param name="leader">How the host is named in the event.</param>
    /// <exception cref="EngineUnavailableException">It did not come to it: another was faster, or the store
    /// failed.</exception>
    public Task LeadAsync(ILead lead, string leader)
    {
        var work = new LeadWork(lead, leader);
        Enqueue(work);
        return work.Done;
    }

    /// <summary>The lead was lost: what is not durable is void, and who waits learns no outcome.</summary>
    public void Depose(string why) => Fail(new JournalException(JournalFault.Fenced, why));

    /// <returns>The lead that ends it; null when the engine is to close.</returns>
    private LeadWork? Follow(ref List<WorkItem> batch)
    {
        var journal = (ISharedJournal)_journal;
        using var blocks = new BlockParser(_journal, _writer.Position + 1, hash: true);
        while (TakeWhileFollowing(ref batch))
        {
            var isBehind = Apply(blocks, BlocksAtOnce);
            var lead = Answer(batch);
            batch.Clear();
            if (lead is not null) return Level(blocks, journal, lead);
            if (!isBehind) Look(journal);
        }
        return null;
    }

    /// <summary>Applies all that is durable: the leader before may have appended until now.</summary>
    private LeadWork Level(BlockParser blocks, ISharedJournal journal, LeadWork lead)
    {
        try
        {
            while (Apply(blocks, int.MaxValue) || journal.Refresh()) { }
            return lead;
        }
        catch (Exception)
        {
            // It waits in no queue any more, so nobody else would tell it.
            lead.Fail(EngineUnavailableException.OutcomeUnknown());
            throw;
        }
    }

    private bool TakeWhileFollowing(ref List<WorkItem> batch)
    {
        lock (_gate)
        {
            if (_failure is not null) throw _failure;
            (_incoming, batch) = (batch, _incoming);
            return batch.Count > 0 || !_stopping;
        }
    }

    /// <summary>Questions are answered from what is durable; commands are another host's.</summary>
    private LeadWork? Answer(List<WorkItem> batch)
    {
        LeadWork? lead = null;
        var now = _clock.Now();
        foreach (var item in batch)
        {
            if (item is LeadWork asked && lead is null) lead = asked;
            else if (item.NeedsLead) item.Fail(EngineUnavailableException.Following());
            else
            {
                item.Run(_writer, now);
                item.Release();
            }
        }
        return lead;
    }

    /// <returns>Whether there was anything to apply.</returns>
    private bool Apply(BlockParser blocks, int most)
    {
        for (var i = 0; i < most; i++)
        {
            if (blocks.Next() is not { } block) return i > 0;
            // Every root is compared: history that was cut or written anew is not followed.
            var known = (int)(_frontier.Size - block.FirstPosition + 1);
            var leaves = block.Leaves[(known * Sha256Lanes.HashBytes)..];
            if (_tree is null) _frontier.Append(leaves);
            else _tree.Append(_frontier, leaves);
            if (!block.Root.SequenceEqual(_frontier.Root().ToArray()))
                throw new ReplayMismatchException($"The root of block {block.Number} is not that of its events.");
            _lastAt = _writer.Apply(block);
            Volatile.Write(ref _leader, LeaderOf(_writer.Bank));
            if (block.Number % _options.DigestEvery == 0) Keep(block.Number, block.LastPosition);
            Feed.Advance(block.LastPosition);
        }
        return true;
    }

    private void Look(ISharedJournal journal)
    {
        var wait = LookEvery;
        try
        {
            var asked = _time.MonotonicMicroseconds();
            var moved = journal.Refresh();
            Volatile.Write(ref _heardAt, asked);
            Volatile.Write(ref _unreachable, null);
            Compare(journal);
            if (moved) return;
        }
        catch (JournalException silent) when (silent.Kind == JournalFault.Unknown)
        {
            Volatile.Write(ref _unreachable, silent.Message);
            wait = RetryEvery;
        }
        lock (_gate)
        {
            if (_incoming.Count == 0 && !_stopping && _failure is null) Monitor.Wait(_gate, wait);
        }
    }

    private void Keep(long block, long position)
    {
        var note = new DigestNote(block, position, _writer.Bank.Tables.Digest, DigestNotes.SchemaOf(_writer.Bank.Tables));
        _notes?.Add(note.Block, note.Position, note.Digest);
        _own[position] = note;
        if (_own.Count > MaxKeptDigests) _own.Remove(_own.Keys.First());
    }

    /// <summary>Holds the digests of this host against the leader's.</summary>
    /// <exception cref="ReplayMismatchException">They part: the state is void.</exception>
    private void Compare(ISharedJournal journal)
    {
        if (_own.Count == 0 || Environment.TickCount64 - _comparedAt < CompareEveryMilliseconds) return;
        _comparedAt = Environment.TickCount64;
        foreach (var said in journal.NotesAfter(_compared))
        {
            if (said.Position > _writer.Position) return;
            _compared = said.Position;
            if (!_own.Remove(said.Position, out var own) || own.Schema != said.Schema || own.Digest == said.Digest) continue;
            throw new ReplayMismatchException(
                $"After block {said.Block} (position {said.Position}) the state's digest is {own.Digest:x32} here and "
                + $"was {said.Digest:x32} where it was decided.");
        }
    }

    private static string? LeaderOf(Domain.Bank bank) => bank.Book.Term is { Term: > 0 } term ? term.Leader : null;

    private void Begin(LeadWork lead)
    {
        _own.Clear();
        Volatile.Write(ref _lead, lead.Lead);
        var offset = _writer.Bank.Book.IsOpen ? _writer.Bank.Book.Day.ClockOffset : 0;
        _clock.Begin(_lastAt, offset);
        _writer.TakeUp();
        Volatile.Write(ref _leading, true);
        RunItem(lead);
        Volatile.Write(ref _leader, LeaderOf(_writer.Bank));
    }

    /// <summary>No answer leaves after the lease: another may have decided meanwhile.</summary>
    private void DemandLead()
    {
        if (_lead is null || _lead.IsProven || _lead.Prove()) return;
        throw new JournalException(JournalFault.Fenced, "The lead of the book was lost.");
    }

    private void Note(long block, long position, UInt128 digest)
    {
        _notes?.Add(block, position, digest);
        if (_lead is not null)
            ((ISharedJournal)_journal).Note(new(block, position, digest, DigestNotes.SchemaOf(_writer.Bank.Tables)));
    }
}
