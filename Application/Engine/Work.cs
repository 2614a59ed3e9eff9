using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Engine;

/// <summary>The engine did not take the work: the queue is full, or the book is held, fenced or closing.</summary>
/// <param name="code">Stable wire code.</param>
public sealed class EngineUnavailableException(string code, string why) : Exception(why)
{
    public string Code { get; } = code;

    public static EngineUnavailableException QueueFull() => new("engine.busy", "The book's queue is full: try again shortly.");
    public static EngineUnavailableException Closing() => new("engine.closing", "The book is closing.");

    /// <summary>The command may or may not have happened: the same id tells, and is safe to send again.</summary>
    public static EngineUnavailableException OutcomeUnknown() =>
        new("outcome_unknown", "The journal failed before the answer was durable: ask again with the same id.");

    /// <summary>A question had no outcome: it may be asked again.</summary>
    public static EngineUnavailableException JournalUnavailable() =>
        new("journal.unavailable", "The journal's store does not answer: try again shortly.");

    public static EngineUnavailableException Following() =>
        new("book.following", "This host follows the book and decides nothing: send the command to the one that leads.");

    public static EngineUnavailableException ClockHeld() =>
        new("clock.held", "The machine's clock stepped: an operator has to accept it.");
}

/// <summary>The answer to a command, released when it is durable.</summary>
/// <param name="At">Engine time of the decision.</param>
/// <param name="Events">What was journalled; empty for a repeat, whose events stand in the journal.</param>
public readonly record struct Answer(Ended Ended, Instant At, Recorded[] Events);

/// <summary>Something for the writer to do.</summary>
public abstract class WorkItem
{
    /// <summary>Whether only the host that leads the book can do it.</summary>
    internal virtual bool NeedsLead => true;

    /// <summary>What is said where the journal failed before the answer could leave.</summary>
    internal virtual EngineUnavailableException Unanswered() => EngineUnavailableException.OutcomeUnknown();

    /// <summary>Runs on the writer.</summary>
    internal abstract void Run(Writer writer, Instant now);

    /// <summary>Lets the answer leave: what it depends on is durable.</summary>
    internal abstract void Release();

    internal abstract void Fail(Exception why);
}

/// <summary>One command of a channel.</summary>
public sealed class CommandWork(Envelope envelope, Command command, string named) : WorkItem
{
    private readonly TaskCompletionSource<Answer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Answer _answer;

    public Task<Answer> Done => _done.Task;

    internal override void Run(Writer writer, Instant now) => _answer = writer.Execute(envelope, command, named, now);

    internal override void Release() => _done.TrySetResult(_answer);

    internal override void Fail(Exception why) => _done.TrySetException(why);
}

/// <summary>Many commands of one caller, each alone, in order, answered together.</summary>
public sealed class BatchWork(IReadOnlyList<(Envelope Envelope, Command Command, string Named)> commands) : WorkItem
{
    private readonly TaskCompletionSource<Answer[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Answer[] _answers = new Answer[commands.Count];

    public Task<Answer[]> Done => _done.Task;

    internal override void Run(Writer writer, Instant now)
    {
        for (var i = 0; i < commands.Count; i++)
        {
            var (envelope, command, named) = commands[i];
            _answers[i] = writer.Execute(envelope, command, named, now);
        }
    }

    internal override void Release() => _done.TrySetResult(_answers);

    internal override void Fail(Exception why) => _done.TrySetException(why);
}

/// <summary>A question to the book: sees all that was decided before it, and is answered once that is durable.</summary>
/// <param name="read">Visits at most <see cref="BookEngine.MaxRowsRead"/> rows; what visits more is a projection's.</param>
public sealed class ReadWork<T>(Func<Bank, Moment, T> read) : WorkItem
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _answer;
    private Exception? _fault;

    public Task<T> Done => _done.Task;

    internal override bool NeedsLead => false;

    internal override EngineUnavailableException Unanswered() => EngineUnavailableException.JournalUnavailable();

    internal override void Run(Writer writer, Instant now)
    {
        try
        {
            _answer = read(writer.Bank, writer.MomentAt(now));
        }
        catch (Exception fault) when (fault is not StateCorruptException)
        {
            _fault = fault;
        }
    }

    internal override void Release()
    {
        if (_fault is null) _done.TrySetResult(_answer!);
        else _done.TrySetException(_fault);
    }

    internal override void Fail(Exception why) => _done.TrySetException(why);
}

/// <summary>The end of following: the term's first event, and nothing is answered before it is durable.</summary>
internal sealed class LeadWork(ILead lead, string leader) : WorkItem
{
    private readonly TaskCompletionSource<Answer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Answer _answer;

    public ILead Lead => lead;

    public Task<Answer> Done => _done.Task;

    internal override void Run(Writer writer, Instant now)
    {
        // A book is founded under its first lead, which therefore has no event before the genesis.
        if (writer.Bank.Book.IsOpen)
            _answer = writer.Execute(new(default, Envelope.Engine, 0), new TakeLead(leader), "book.take_lead", now);
    }

    internal override void Release() => _done.TrySetResult(_answer);

    internal override void Fail(Exception why) => _done.TrySetException(why);
}
