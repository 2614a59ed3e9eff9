using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

public enum BookMode : byte
{
    Live = 1,

    /// <summary>Has simulation endpoints and a clock that can be advanced. For ever.</summary>
    Sandbox,
}

/// <summary>What a book's genesis fixes for ever.</summary>
/// <param name="Name">Names the journal, the checkpoints and the ids of the book.</param>
/// <param name="Entity">LEI of the legal entity (ISO 17442), 20 characters.</param>
/// <param name="Functional">The currency in which the entity measures itself.</param>
/// <param name="Zone">Name of the reference data of the home time zone.</param>
/// <param name="Calendar">Name of the reference data of the home calendar.</param>
/// <param name="Jurisdiction">ISO 3166-1 alpha-2, lower case.</param>
/// <param name="CutOffSeconds">Seconds of the business date, in the home zone, at which it ends: 1 to 86,400.</param>
/// <param name="IdMemory">How many command ids are remembered.</param>
public sealed record Genesis(
    Tag Name, BookMode Mode, string Entity, AssetCode Functional, Tag Zone, Tag Calendar, Tag Jurisdiction,
    int CutOffSeconds, int IdMemory)
{
    public const int DefaultIdMemory = 20_000_000;

    /// <summary>A chain of a thousand links, each with a name of its own, has to fit.</summary>
    public const int MinIdMemory = 2_000;
}

public abstract record BookEvent : Event
{
    private BookEvent() { }

    /// <summary>The first event of a journal.</summary>
    /// <param name="Assets">
    /// The fiat currencies of ISO 4217 as they stood, so that a later list changes no past.
    /// </param>
    public sealed record Opened(Genesis Genesis, BusinessDate Today, ImmutableArray<Asset> Assets) : BookEvent
    {
        public bool Equals(Opened? other) => other is not null && Genesis == other.Genesis && Today == other.Today
            && Assets.AsSpan().SequenceEqual(other.Assets.AsSpan());

        public override int GetHashCode() => Genesis.GetHashCode();
    }

    /// <summary>The business date moved at its cut-off.</summary>
    /// <param name="NextCutOff">When the new date ends.</param>
    public sealed record DayAdvanced(BusinessDate Ended, BusinessDate Today, Instant NextCutOff) : BookEvent;

    /// <summary>Only callers who may adjust post on this date or before.</summary>
    public sealed record PeriodClosedSoftly(BusinessDate Through) : BookEvent;

    public sealed record PeriodReopened(BusinessDate Through) : BookEvent;

    /// <summary>Nobody posts on this date or before, ever.</summary>
    public sealed record PeriodClosed(BusinessDate Through) : BookEvent;

    /// <summary>The year is being closed: part by part, each an entry of its own.</summary>
    public sealed record YearClosing(int Year) : BookEvent;

    /// <summary>Income and expense of the year stand at zero, their sum on retained earnings.</summary>
    public sealed record YearClosed(int Year) : BookEvent;

    /// <summary>A sandbox book's clock was advanced.</summary>
    public sealed record ClockAdvanced(long Seconds) : BookEvent;

    /// <summary>An operator accepted a step of the machine's clock that the engine did not trust.</summary>
    public sealed record ClockAccepted(long StepMicroseconds) : BookEvent;

    /// <summary>Checkpoints are signed with this key from now on.</summary>
    /// <param name="PublicKey">SubjectPublicKeyInfo, base64.</param>
    public sealed record CheckpointKeyAnnounced(string Name, string PublicKey) : BookEvent;

    /// <summary>A timer whose command failed inside the engine was set aside for a person.</summary>
    public sealed record TimerParked(string Kind, string Row, string Fault) : BookEvent;

    /// <summary>A host leads the book from here on; nothing was answered in this term before.</summary>
    /// <param name="Term">1 for the first, one more each time.</param>
    /// <param name="Leader">Which host, as it named itself; for people.</param>
    public sealed record Led(long Term, string Leader) : BookEvent;
}

public sealed record OpenBook(Genesis Genesis, BusinessDate Today) : Command;

public sealed record AdvanceDay : Command;

public sealed record ClosePeriodSoftly(BusinessDate Through) : Command;

public sealed record ReopenPeriod(BusinessDate Through) : Command;

public sealed record ClosePeriod(BusinessDate Through) : Command;

public sealed record CloseYear(int Year) : Command;

/// <summary>The engine's own: the next part of a year's close, or its end when nothing is left to carry.</summary>
public sealed record CarryYear(int Year) : Command;

public sealed record AdvanceClock(long Seconds) : Command;

public sealed record AcceptClock(long StepMicroseconds) : Command;

public sealed record AnnounceCheckpointKey(string Name, string PublicKey) : Command;

/// <summary>The engine's own, for a timer whose command failed inside the engine.</summary>
public sealed record ParkTimer(string Kind, string Row, string Fault) : Command;

/// <summary>The engine's own: begins a term on a journal that several hosts reach.</summary>
public sealed record TakeLead(string Leader) : Command;

public static class BookRejections
{
    public static readonly Rejection
        AlreadyOpen = new("book.already_open", "A book is opened once.", RejectionKind.Conflict),
        FunctionalUnknown = new("book.functional_unknown", "The functional currency is a fiat currency of ISO 4217."),
        GenesisMalformed = new(
            "book.genesis_malformed",
            "An LEI has 20 characters, a cut-off 1 to 86,400 seconds, a memory 2,000 ids or more."),
        NotDue = new("day.not_due", "The business date has not reached its cut-off.", RejectionKind.Conflict),
        InFuture = new("period.in_future", "Only a period that has ended can be closed."),
        AlreadyClosed = new("period.already_closed", "The period is closed already.", RejectionKind.Conflict),
        NotClosedSoftly = new("period.not_closed_softly", "The period is not closed softly.", RejectionKind.Conflict),
        YearNotClosed = new(
            "year.not_closed", "Income and expense of an ended year stand open: close the year first.",
            RejectionKind.Conflict),
        YearOpen = new("year.period_open", "Close the year's last day softly before the year.", RejectionKind.Conflict),
        YearAlreadyClosed = new("year.already_closed", "The year is closed already.", RejectionKind.Conflict),
        YearIsClosing = new("year.is_closing", "A year is being closed.", RejectionKind.Conflict),
        NotSandbox = new("book.not_sandbox", "Only a sandbox book simulates.", RejectionKind.Forbidden),
        ClockStep = new(
            "clock.step_out_of_range", "A sandbox clock advances by 1 second to 10 years, to the year 9900 at most."),
        LeaderMalformed = new("book.leader_malformed", "A leader's name is 1 to 64 printable ASCII characters.");
}
