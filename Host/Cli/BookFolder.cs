using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Host.Cli;

/// <summary>The book of a folder, as the command line opens it: to write, or beside a writer to read.</summary>
internal static class BookFolder
{
    /// <summary>How long a command waits to lead a book that other hosts may lead.</summary>
    private static readonly TimeSpan LeadTimeout = TimeSpan.FromSeconds(8);

    /// <summary>Opens the book in this process, to write to it.</summary>
    /// <exception cref="JournalException">InUse where a server, or another command, has it open.</exception>
    public static Task<LedBook> OpenAsync(BookPlace place) =>
        // A fatal failure fails whatever waits for an answer, and that ends the command.
        RunningBook.LeadAsync(place, new(NullLogger.Instance, _ => { }), LeadTimeout);

    /// <summary>
    /// The state at a position, from the newest snapshot before it or from the start; writes nothing.
    /// </summary>
    /// <param name="through">0 to the journal's end.</param>
    /// <exception cref="ReplayMismatchException">The state's digest is not the one noted when it was live.</exception>
    public static Execution StateAt(IJournal journal, string folder, long through, IProgress<long>? progress = null)
    {
        var execution = Snapshots.Load(folder, through, journal, () => new Bank(), _ => { })?.Execution
            ?? new Execution(new Bank());
        Replay.Run(
            journal, execution, frontier: null,
            new(Through: through, Notes: NotesOf(execution, folder), Progress: progress));
        return execution;
    }

    public static SortedDictionary<long, DigestNote> NotesOf(Execution execution, string folder) =>
        DigestNotes.Read(folder, DigestNotes.SchemaOf(execution.Bank.Tables));

    /// <summary>A position that was asked for, or the journal's end.</summary>
    /// <exception cref="CommandFailure">It lies beyond the end.</exception>
    public static long Through(IJournal journal, long? asked)
    {
        var end = journal.Tail.Position;
        if (asked is < 1) throw new CommandFailure(ExitCodes.Usage, "position.out_of_range", "Positions begin at 1.");
        return asked is { } position && position > end
            ? throw new CommandFailure(
                ExitCodes.NotFound, "position.beyond_end", $"The journal ends at position {end}.")
            : asked ?? end;
    }

    /// <summary>Runs one command as the engine itself: who may write to the folder may do all.</summary>
    /// <exception cref="CommandFailure">The book refused it.</exception>
    public static async Task<Answer> SendAsync(BookEngine engine, Domain.Kernel.Command command, string named)
    {
        var answer = await engine.SendAsync(new(default, Envelope.Engine, 0), command, named).ConfigureAwait(false);
        if (answer.Ended.Ending == Ending.Accepted) return answer;
        if (answer.Ended.Rejection is not { } no)
            throw new CommandFailure(
                ExitCodes.Internal, "engine.fault", answer.Ended.Fault?.ToString() ?? "The engine failed on it.");
        var exit = no.Kind == RejectionKind.NotFound ? ExitCodes.NotFound : ExitCodes.Refused;
        throw new CommandFailure(exit, no.Code, no.Why);
    }

    /// <summary>Bytes of the journal's segments; 0 where there are none.</summary>
    public static long BytesOf(string folder)
    {
        var segments = new DirectoryInfo(Path.Combine(folder, "journal"));
        return segments.Exists ? segments.EnumerateFiles("*.ndjson").Sum(file => file.Length) : 0;
    }
}
