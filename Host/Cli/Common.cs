using System.CommandLine;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Api;

namespace BankingEngine.Host.Cli;

/// <summary>What the commands share: options, and how each is run and ends.</summary>
internal static class Common
{
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "End with one JSON object on standard output.",
        Recursive = true,
    };

    /// <summary>A new option each: a command may be asked for its folder under another default.</summary>
    public static Option<string> Data() => new("--data")
    {
        Description = "Folder of the book.",
        HelpName = "folder",
        DefaultValueFactory = _ => SandboxBook.DefaultFolder,
    };

    public static Option<T> Required<T>(string name, string description) =>
        new(name) { Description = description, Required = true };

    public static Option<T> Optional<T>(string name, string description) => new(name) { Description = description };

    /// <summary>Runs an action, and turns whatever goes wrong into its exit code.</summary>
    public static Command Does(this Command command, Func<ParseResult, Terminal, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = new Terminal(parsed.GetValue(Json));
            try
            {
                return await action(parsed, terminal, cancellation).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                return terminal.Fail(FailureOf(exception));
            }
        });
        return command;
    }

    /// <inheritdoc cref="Does(Command, Func{ParseResult, Terminal, CancellationToken, Task{int}})"/>
    public static Command Does(this Command command, Func<ParseResult, Terminal, int> action) =>
        command.Does((parsed, terminal, _) => Task.FromResult(action(parsed, terminal)));

    /// <summary>
    /// The program's own failures say all there is to say; of the others the trace is part of the finding.
    /// </summary>
    public static CommandFailure FailureOf(Exception exception) => exception switch
    {
        CommandFailure failure => failure,
        JournalException journal => new(ExitOf(journal.Kind), $"journal.{NameOf(journal.Kind)}", Advice(journal)),
        ReplayMismatchException mismatch => new(ExitCodes.Mismatch, "replay.mismatch", mismatch.Message),
        EngineUnavailableException unavailable => new(ExitCodes.Internal, unavailable.Code, unavailable.Message),
        OperationCanceledException => new(ExitCodes.Internal, "command.stopped", "Stopped before it was done."),
        FileNotFoundException or DirectoryNotFoundException =>
            new(ExitCodes.NotFound, "file.not_found", exception.Message),
        IOException or UnauthorizedAccessException => new(ExitCodes.Internal, "file.failed", exception.Message),
        _ => new(ExitCodes.Internal, "internal", exception.ToString()),
    };

    private static int ExitOf(JournalFault fault) => fault switch
    {
        JournalFault.InUse => ExitCodes.InUse,
        JournalFault.NotFound => ExitCodes.NotFound,
        JournalFault.NotEmpty => ExitCodes.Refused,
        JournalFault.Damaged or JournalFault.WrongBook or JournalFault.NewerFormat => ExitCodes.Mismatch,
        _ => ExitCodes.Internal,
    };

    private static string NameOf(JournalFault fault) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.ToString());

    private static string Advice(JournalException journal) => journal.Kind switch
    {
        JournalFault.InUse => $"{journal.Message} Ask that process through its API, or stop it first.",
        JournalFault.Damaged => $"{journal.Message} See 'journal check', then 'journal repair'.",
        _ => journal.Message,
    };
}
