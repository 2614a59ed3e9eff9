using System.CommandLine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Api;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Connections;

namespace BankingEngine.Host.Cli;

/// <summary><c>serve</c>, which is also what the program does when nothing is said.</summary>
internal static class ServeCommand
{
    private const string About = """
        Serves the book of a folder over HTTP until it is stopped.

        Where --data is not said and there is no book yet, a sandbox with a small demo is founded, and a key with every
        scope. A folder that is named has to hold a book, made with init, or --demo founds the sandbox there. It listens
        on the loopback address alone unless told otherwise; certificates and all else of the web server are set as for
        any ASP.NET Core host.

          serve
          serve --demo --data bank-data/demo
          serve --data bank-data/demo --urls http://127.0.0.1:8080 --snapshot-every 100000

        When it ends it says the position and the digest of the state there, which replay has to find again.

        Exit codes: 3 the journal is damaged; 4 the book is open elsewhere, or an address is in use; 5 no book in the
        folder; 70 the journal failed while serving.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<string?> Urls = new("--urls")
    {
        Description =
            $"Addresses to listen on, with ';' between them; default: ASPNETCORE_URLS, else {Serve.DefaultUrl}.",
    };

    private static readonly Option<bool> Demo = Common.Optional<bool>(
        "--demo", "Found a sandbox with a small demo where the folder holds no book yet.");

    private static readonly Option<string?> Gateway = new("--gateway")
    {
        Description = "Address where auditors read with EventStoreDB clients: https://host:port; default: none.",
    };

    private static readonly Option<long> SnapshotEvery = new("--snapshot-every")
    {
        Description = "Events between two snapshots, each made by a process of its own at low priority.",
        DefaultValueFactory = _ => SnapshotSchedule.DefaultEvery,
    };

    public static Command Build() => Fill(new TaughtCommand("serve", About));

    public static void MakeDefault(RootCommand root) => Fill(root);

    private static Command Fill(Command command)
    {
        command.Options.Add(Data);
        command.Options.Add(Demo);
        command.Options.Add(Urls);
        command.Options.Add(Gateway);
        command.Options.Add(SnapshotEvery);
        return command.Does((parsed, _, cancellation) => RunAsync(parsed, cancellation));
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (urls, every) = (parsed.GetValue(Urls), parsed.GetValue(SnapshotEvery));
        if (every < 1) throw new CommandFailure(ExitCodes.Usage, "usage", "--snapshot-every is 1 or more.");
        string[] arguments = urls is null ? [] : ["--urls", urls];
        if (parsed.GetValue(Gateway) is { } gateway) arguments = [.. arguments, "--Gateway:Url", gateway];
        var (folder, isNamed) = (parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        ILoggerFactory? logs = null;
        SnapshotSchedule? schedule = null;
        try
        {
            return await Serve.RunAsync(new(folder, arguments)
            {
                MustExist = isNamed && !parsed.GetValue(Demo),
                Stop = cancellation,
                Configure = builder => logs = Serve.LogsOf(builder.Configuration),
                Started = (_, book) => schedule = new(
                    book.Engine, book.Folder, every, ChildProgram.Self, logs!.CreateLogger<SnapshotSchedule>()),
            }).ConfigureAwait(false);
        }
        catch (JournalException missing) when (missing.Kind == JournalFault.NotFound)
        {
            throw new CommandFailure(
                ExitCodes.NotFound, "journal.not_found",
                $"There is no book in {folder}: make one with 'init --data {folder}' and what else init asks for, or "
                + $"name an empty folder with 'serve --demo --data {folder}' for a sandbox with a demo.");
        }
        catch (GatewayConfigurationException wrong)
        {
            throw new CommandFailure(ExitCodes.Usage, "serve.gateway", wrong.Message);
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            throw new CommandFailure(
                ExitCodes.InUse, "serve.address_in_use",
                $"{taken.Message.TrimEnd('.')}. Stop what listens there, or say another: --urls http://127.0.0.1:5081");
        }
        finally
        {
            if (schedule is not null) await schedule.DisposeAsync().ConfigureAwait(false);
            logs?.Dispose();
        }
    }
}
