using System.CommandLine;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

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

    public static readonly Option<string?> Journal = new AddressOption("--journal")
    {
        Description = "Where the journal lies: file:<folder>, postgres:<connection string>, esdb://… or kurrentdb://…; "
            + $"default: the variable {JournalAddress.Variable}, else the folder of the book.",
        HelpName = "address",
    };

    private static readonly Option<string?> Book = new("--book")
    {
        Description = $"Name of the book in a store of several; default: {BookPlace.DefaultBook}.",
        HelpName = "name",
    };

    /// <summary>Lets a command be told of a journal that lies elsewhere than in the book's folder.</summary>
    public static Command AtPlace(this Command command)
    {
        command.Options.Add(Journal);
        command.Options.Add(Book);
        return command;
    }

    /// <summary>Where the book lies that a command is about.</summary>
    /// <exception cref="CommandFailure">The address is none, or is that of a backup in one file.</exception>
    /// <exception cref="JournalException">WrongBook: the folder is a book on files, and the journal lies
    /// elsewhere.</exception>
    public static BookPlace PlaceOf(ParseResult parsed, Option<string> data) =>
        PlaceOf(parsed, parsed.GetValue(data)!, parsed.GetResult(data) is { Implicit: false }, parsed.GetValue(Book));

    /// <inheritdoc cref="PlaceOf(ParseResult, Option{string})"/>
    /// <param name="isNamed">Whether the folder was said, and is not the default.</param>
    public static BookPlace PlaceOf(ParseResult parsed, string folder, bool isNamed, string? book)
    {
        try
        {
            var address = JournalAddress.Parse(
                parsed.GetValue(Journal) ?? Environment.GetEnvironmentVariable(JournalAddress.Variable));
            address.Check();
            var name = book ?? BookPlace.DefaultBook;
            if (!JournalIdentity.IsBookName(name))
                throw new FormatException("A book's name is 1 to 64 of a-z, 0-9, '.' and '-'.");
            var keys = KeysStated();
            if (!address.IsShared)
            {
                var files = address.Text.Length > 0 ? address.Text : folder;
                BackupArchive.DemandNone(files);
                return new(files, JournalAddress.InFolder, name) { Keys = keys };
            }
            var place = new BookPlace(isNamed ? folder : Path.Combine("bank-data", $"{name}.cache"), address, name)
            {
                Keys = keys,
            };
            place.DemandNoFiles();
            return place;
        }
        catch (FormatException wrong)
        {
            throw new CommandFailure(ExitCodes.Usage, "usage", wrong.Message);
        }
    }

    /// <summary>Where BANK_KEYS says that the keys lie; null where it says nothing.</summary>
    public static JournalAddress? KeysStated()
    {
        var stated = Environment.GetEnvironmentVariable(JournalAddress.KeysVariable);
        if (string.IsNullOrEmpty(stated)) return null;
        try
        {
            var keys = JournalAddress.Parse(stated);
            keys.Check();
            if (keys.Kind != JournalKind.EventStore) return keys;
        }
        catch (FormatException wrong)
        {
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{JournalAddress.KeysVariable}: {wrong.Message}");
        }
        throw new CommandFailure(
            ExitCodes.Usage, "usage", "Keys lie in a folder or in PostgreSQL: what is in a stream cannot be destroyed.");
    }

    /// <summary>Where the option says that the large read models lie; null where it says nothing.</summary>
    /// <exception cref="CommandFailure">It is none, or has a typing error.</exception>
    public static string? ModelsOf(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } models) return null;
        if (!ReadModels.IsAddress(models))
            throw new CommandFailure(
                ExitCodes.Usage, "usage", $"{option.Name} is memory, or postgres: and a connection string.");
        try
        {
            if (models != ReadModels.Memory) JournalAddress.Parse(models).Check();
            return models;
        }
        catch (FormatException wrong)
        {
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{option.Name}: {wrong.Message}");
        }
    }

    /// <summary>Required; the address of a store.</summary>
    public static Option<string?> Address(string name, string description) =>
        new AddressOption(name) { Description = description, Required = true };

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
        PositionsUnavailableException positions => new(
            ExitCodes.Internal, "positions.unavailable",
            $"The journal was copied; where consumers and webhooks stand was not. {positions.Message}"),
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
        JournalFault.NotEmpty or JournalFault.Refused => ExitCodes.Refused,
        JournalFault.Damaged or JournalFault.WrongBook or JournalFault.NewerFormat => ExitCodes.Mismatch,
        _ => ExitCodes.Internal,
    };

    private static string NameOf(JournalFault fault) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.ToString());

    private static string Advice(JournalException journal) => journal.Kind switch
    {
        JournalFault.InUse => $"{journal.Message} Ask that process through its API, or stop it first.",
        JournalFault.Damaged when journal.Backup is not null =>
            $"{journal.Message} The book itself was not touched: back it up elsewhere, and restore from another backup.",
        JournalFault.Damaged when journal.Damages.Any(damage => damage.IsInStore) =>
            $"{journal.Message} Restore the store from a backup, or copy the book back with 'journal copy'.",
        JournalFault.Damaged => $"{journal.Message} See 'journal check', then 'journal repair'.",
        _ => journal.Message,
    };
}
