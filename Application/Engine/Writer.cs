using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Engine;

/// <summary>
/// The one writer of a book: runs what is due and what is asked, writes event lines into the current block, and hands
/// blocks over to be made durable. All on one thread.
/// </summary>
internal sealed class Writer : IDisposable
{
    /// <summary>Timers that may run between two commands.</summary>
    public const int TimersAtOnce = 64;

    /// <summary>A command's lines have to fit a block, or it could not happen all or not at all.</summary>
    public const int MaxCommandBytes = JournalLimits.BlockBytes;

    private static readonly Rejection TooLarge =
        new("command.too_large", $"What a command journals fits {JournalLimits.BlockEvents} events and {MaxCommandBytes} bytes.");

    /// <summary>Of an operator's word on a step of the clock that is not the one that holds the book.</summary>
    public static readonly Rejection
        NoSuchStep = new("clock.no_such_step", "The book is not held for this step of the clock.", RejectionKind.Conflict);

    private readonly ArrayBufferWriter<byte> _scratch = new(64 * 1024);
    private readonly List<int> _ends = [];
    private readonly Utf8JsonWriter _json;
    private readonly Execution _execution;
    private readonly EngineClock _clock;
    private readonly KeyDirectory _keys;
    private readonly Action _handOver;
    private readonly EngineMeters _meters;

    /// <param name="handOver">Hands the current block over, waiting until the one before is durable.</param>
    public Writer(Execution execution, EngineClock clock, KeyDirectory keys, Action handOver, EngineMeters meters)
    {
        (_execution, _clock, _keys, _handOver, _meters) = (execution, clock, keys, handOver, meters);
        _json = new(_scratch, EventJson.Line);
        execution.Admit = Admit;
    }

    public Bank Bank => _execution.Bank;

    public long Position => _execution.Position;

    public BlockBuffer Current { get; set; } = new();

    /// <summary>Instant of the command at hand, for its lines.</summary>
    private Instant _now;

    public Moment MomentAt(Instant now) => new(now, Bank.Book.Day.Today, Position + 1, default, Scopes.None);

    /// <summary>A due timer runs before whatever is asked at the same instant.</summary>
    /// <returns>Whether more may be due.</returns>
    public bool RunTimers(Instant now)
    {
        for (var i = 0; i < TimersAtOnce; i++)
        {
            if (_clock.IsHeld || Bank.Due(now) is not { } due) return false;
            var answer = Execute(new(default, Envelope.Engine, 0), due, "timer", now);
            if (answer.Ended.Ending is not Ending.Accepted) Park(due, answer, now);
        }
        return true;
    }

    public void Run(WorkItem item, Instant now)
    {
        item.Run(this, now);
        Current.Answers.Add(item);
    }

    public Answer Execute(in Envelope envelope, Command command, string named, Instant now)
    {
        if (_clock.IsHeld && command is not (AcceptClock or TakeLead)) throw EngineUnavailableException.ClockHeld();
        if (command is AcceptClock accept && (accept.StepMicroseconds != _clock.Step || !_clock.IsHeld))
            return new(new(Ending.NotTaken, 0, 0, NoSuchStep), now, []);
        _now = now;
        var ended = _execution.Run(envelope, now, command, named);
        // Here, and not where a full block is handed over: that happens in the middle of the command that no longer fits.
        Current.Digest = Bank.Tables.Digest;
        _meters.Command(named, ended);
        if (ended.Fault is not null) _meters.Fault(ended.Fault, named);
        if (ended.Ending is Ending.Repeated or Ending.NotTaken) return new(ended, now, []);
        Recorded[] events = [.. _execution.Events];
        foreach (var recorded in events) Follow(recorded.Event);
        return new(ended, now, events);
    }

    /// <summary>Writes a command's lines before it is committed, so that one too large for a block can still be undone.</summary>
    private Rejection? Admit(Envelope envelope, long first, IReadOnlyList<Recorded> events)
    {
        try
        {
            _scratch.ResetWrittenCount();
            _ends.Clear();
            var by = Bank.CallerName(envelope.Caller);
            for (var i = 0; i < events.Count; i++)
            {
                _json.Reset();
                var print = i == 0 ? envelope.Fingerprint : default;
                var auth = i == 0 ? envelope.Proof?.Evidence : null;
                EventLine.Write(_json, new(first + i, _now, by, envelope.Id, print, i + 1, events.Count, auth), events[i]);
                _json.Flush();
                _scratch.Write("\n"u8);
                _ends.Add(_scratch.WrittenCount);
            }
        }
        catch (Exception fault)
        {
            throw new StateCorruptException($"Event {first} cannot be written: {fault}");
        }
        if (events.Count > JournalLimits.BlockEvents || _scratch.WrittenCount > MaxCommandBytes) return TooLarge;
        if (!Current.Fits(events.Count, _scratch.WrittenCount)) _handOver();
        Current.Add(first, _scratch.WrittenSpan, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ends));
        return null;
    }

    /// <summary>Applies a block that another host decided.</summary>
    /// <returns>Engine time of its last event.</returns>
    public Instant Apply(ParsedBlock block)
    {
        var last = Instant.First;
        foreach (ref readonly var item in block.Events)
        {
            last = item.Head.At;
            if (item.Head.Position <= Position) continue;
            _execution.Apply(EventLine.StampOf(item.Head, Bank), item.Recorded.Event, item.Recorded.Legs);
            if (item.Recorded.Event is KeyEvent.Issued or KeyEvent.Revoked) Follow(item.Recorded.Event);
        }
        return last;
    }

    /// <summary>Takes up deciding after following.</summary>
    public void TakeUp() => _execution.Resume(Position);

    public void Dispose() => _json.Dispose();

    /// <summary>A timer that the engine cannot run is set aside, and the bank goes on.</summary>
    private void Park(Command due, Answer answer, Instant now)
    {
        var (kind, row) = due switch
        {
            ExpireTransfer e => (TimerKinds.Reservation, e.Id.ToString()),
            LapseRestraint e => (TimerKinds.Restraint, new TransferId(e.Id.Value).ToString()),
            CloseWallet e => (TimerKinds.Wallet, e.Id.ToString()),
            CarryYear => (TimerKinds.Year, ""),
            ExpireProposal e => (TimerKinds.Proposal, e.Proposal.ToString()),
            NoteOverdueReview e => (TimerKinds.Review, e.Review.ToString()),
            _ => (TimerKinds.Day, ""),
        };
        var fault = answer.Ended.Rejection?.Code ?? "engine.fault";
        Execute(new(default, Envelope.Engine, 0), new ParkTimer(kind, row, fault), "timer.park", now);
    }

    /// <summary>Some events move the engine itself.</summary>
    private void Follow(Event @event)
    {
        if (@event is BookEvent.ClockAdvanced advanced) _clock.Advance(advanced.Seconds);
        else if (@event is BookEvent.ClockAccepted) _clock.Accept();
        else if (@event is KeyEvent.Issued issued) _keys.Follow(Bank.Keys, issued.Id);
        else if (@event is KeyEvent.Revoked revoked) _keys.Follow(Bank.Keys, revoked.Id);
    }
}
