using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>
/// What is asked of the book, in the imperative. Carries every fact its decision needs, time excepted.
/// </summary>
public abstract record Command;

/// <summary>What happened, in the past tense, with all numbers needed to apply it again.</summary>
public abstract record Event;

/// <summary>Which guards an event's legs meet. Fixed by event type in the catalogue, never by the caller.</summary>
public enum EventClass : byte
{
    /// <summary>A caller wishes it: every guard, and a "no" refuses the command.</summary>
    Asked,

    /// <summary>
    /// A contract or rail already decided it: never refused; a "no" diverts or is posted beyond the limit, visibly.
    /// </summary>
    Bound,

    /// <summary>Law, correction or write-off: by its own permission and reason.</summary>
    Compelled,
}

/// <summary>What kind of "no" a rejection is; channels derive their status from it.</summary>
public enum RejectionKind : byte
{
    /// <summary>Well-formed, but the rules of the book forbid it.</summary>
    Refused,
    NotFound,

    /// <summary>The state it speaks of has moved on.</summary>
    Conflict,

    /// <summary>The caller lacks the permission.</summary>
    Forbidden,
}

/// <summary>A business "no": expected, documented, safe to show to a client. Never an exception.</summary>
/// <param name="Code">Stable wire code, <c>capability.reason</c>. Never renamed once shipped.</param>
/// <param name="Why">One sentence for humans. May change.</param>
public sealed record Rejection(string Code, string Why, RejectionKind Kind = RejectionKind.Refused)
{
    /// <summary>The link of a chain that broke it, from 1; 0 when the command stood alone.</summary>
    public int Link { get; init; }
}

/// <summary>
/// What a decider answers: events to append and commands to run after them (none of either: already true),
/// or a rejection.
/// </summary>
[CollectionBuilder(typeof(Decision), nameof(Accept))]
public readonly struct Decision
{
    private Decision(ImmutableArray<Event> events, ImmutableArray<Command> followUps, Rejection? rejected) =>
        (Events, FollowUps, Rejected) = (events, followUps, rejected);

    public ImmutableArray<Event> Events { get; }

    /// <summary>Commands the engine runs next, under the same undo, each with its own authority and guards.</summary>
    public ImmutableArray<Command> FollowUps { get; }

    public Rejection? Rejected { get; }

    public static Decision Accept(ReadOnlySpan<Event> events) => new([.. events], [], null);

    public static Decision Accept(Event only) => new([only], [], null);

    /// <summary>The same events, followed by commands for other parts of the book.</summary>
    public Decision Then(params ReadOnlySpan<Command> commands) => new(Events, [.. FollowUps, .. commands], Rejected);

    public static implicit operator Decision(Rejection rejection) => new([], [], rejection);

    public static implicit operator Decision(Event only) => Accept(only);

    public ImmutableArray<Event>.Enumerator GetEnumerator() => Events.GetEnumerator();
}

/// <summary>
/// When and by whom a command is decided: all that a decider may know of the world outside its state.
/// </summary>
/// <param name="Now">Engine time; never goes back.</param>
/// <param name="Today">The book's business date.</param>
/// <param name="Position">The position that the next event would take.</param>
/// <param name="Command">Id of the command; of the chain, when it has links.</param>
/// <param name="Scopes">What the caller may do.</param>
public readonly record struct Moment(Instant Now, BusinessDate Today, long Position, CommandId Command, Scopes Scopes);
