using System.CommandLine;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>serve</c>, which is also what the program does when nothing is said.</summary>
internal static class ServeCommand
{
    private const string About = """
        Serves the book of a folder over HTTP until it is stopped.

        A folder without a book gets a sandbox with a small demo. It listens on the loopback address alone unless told
        otherwise; certificates and all else of the web server are set as for any ASP.NET Core host.

          serve
          serve --data bank-data/demo --urls http://127.0.0.1:8080 --snapshot-every 100000

        Exit codes: 3 the journal is damaged; 4 the book is open elsewhere; 70 the journal failed while serving.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<string?> Urls = new("--urls")
    {
        Description =
            $"Addresses to listen on, with ';' between them; default: ASPNETCORE_URLS, else {Serve.DefaultUrl}.",
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
        command.Options.Add(Urls);
        command.Options.Add(SnapshotEvery);
        return command.Does((parsed, _, cancellation) => RunAsync(parsed, cancellation));
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (urls, every) = (parsed.GetValue(Urls), parsed.GetValue(SnapshotEvery));
        if (every < 1) throw new CommandFailure(ExitCodes.Usage, "usage", "--snapshot-every is 1 or more.");
        using var logs = LoggerFactory.Create(logging => logging.AddConsole());
        SnapshotSchedule? schedule = null;
        try
        {
            return await Serve.RunAsync(new(parsed.GetValue(Data), urls is null ? [] : ["--urls", urls])
            {
                Stop = cancellation,
                Started = (_, book) => schedule = new(
                    book.Engine, book.Folder, every, ChildProgram.Self, logs.CreateLogger<SnapshotSchedule>()),
            }).ConfigureAwait(false);
        }
        finally
        {
            if (schedule is not null) await schedule.DisposeAsync().ConfigureAwait(false);
        }
    }
}
