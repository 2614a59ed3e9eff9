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
          serve --journal "postgres:Host=db;Username=bank;Database=bank" --book main --node bank-1
          serve --data bank-data/retail --data bank-data/custody

        On a journal that several hosts reach, one of them leads and the others follow: they serve reads, and take over
        when it goes. Several books (several folders; with --journal several names) are served by one host: the first at
        the root of the address, the others below /books/<name>. One --gateway serves auditors of all: each reads the book
        that his key is of.

        When it ends it says the position and the digest of the state there, which replay has to find again.

        Exit codes: 3 the journal is damaged; 4 the book is open elsewhere, or an address is in use; 5 no book in the
        folder; 70 the journal failed while serving.
        """;

    private static readonly Option<string[]> Data = new("--data")
    {
        Description = "Folder of the book; of a journal elsewhere, of its caches. May be said several times.",
        HelpName = "folder",
        DefaultValueFactory = _ => [SandboxBook.DefaultFolder],
    };

    private static readonly Option<string[]> Books = new("--book")
    {
        Description = $"Name of the book in a store of several; default: {BookPlace.DefaultBook}. May be said several times.",
        HelpName = "name",
        DefaultValueFactory = _ => [BookPlace.DefaultBook],
    };

    private static readonly Option<string?> Models = new AddressOption("--read-models")
    {
        Description = "Where entries and transfers lie for reports: memory, or postgres:<connection string>; default: with a "
            + "journal in PostgreSQL there too, else in memory.",
    };

    private static readonly Option<string?> Node = Common.Optional<string?>(
        "--node", "How this host names itself in the book when it leads; default: machine and process.");

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
        command.Options.Add(Common.Journal);
        command.Options.Add(Books);
        command.Options.Add(Node);
        command.Options.Add(Models);
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
        if (urls is not null && !urls.Split(';', StringSplitOptions.RemoveEmptyEntries).All(IsUrl))
            throw new CommandFailure(
                ExitCodes.Usage, "usage", "--urls is http://host:port or https://host:port, several with ';' between them.");
        string[] arguments = urls is null ? [] : ["--urls", urls];
        if (parsed.GetValue(Gateway) is { } gateway) arguments = [.. arguments, "--Gateway:Url", gateway];
        var isNamed = parsed.GetResult(Data) is { Implicit: false };
        var places = PlacesOf(parsed, isNamed);
        ILoggerFactory? logs = null;
        var schedules = new List<SnapshotSchedule>();
        try
        {
            return await Serve.RunAsync(new(null, arguments)
            {
                Places = places,
                Node = parsed.GetValue(Node),
                MustExist = (isNamed || places[0].IsShared) && !parsed.GetValue(Demo),
                Stop = cancellation,
                Configure = builder => logs = Serve.LogsOf(builder.Configuration),
                Started = (_, book) => schedules.Add(new(
                    book.Feed, book.Place, every, ChildProgram.Self, logs!.CreateLogger<SnapshotSchedule>())),
            }).ConfigureAwait(false);
        }
        catch (JournalException missing) when (missing.Kind == JournalFault.NotFound)
        {
            throw new CommandFailure(
                ExitCodes.NotFound, "journal.not_found",
                $"{missing.Message} Make one with 'init' and what else it asks for, or say --demo for a sandbox with a "
                + "demo.");
        }
        catch (GatewayConfigurationException taken) when (taken.IsAddressInUse)
        {
            throw new CommandFailure(
                ExitCodes.InUse, "serve.address_in_use",
                $"{taken.Message}. Stop what listens there, or say another: --gateway https://127.0.0.1:2114");
        }
        catch (GatewayConfigurationException wrong)
        {
            throw new CommandFailure(
                ExitCodes.Usage, "serve.gateway",
                $"{wrong.Message.TrimEnd('.')}. Nothing is served: mend what --gateway needs, or leave it out.");
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            throw new CommandFailure(
                ExitCodes.InUse, "serve.address_in_use",
                $"{taken.Message.TrimEnd('.')}. Stop what listens there, or say another: --urls http://127.0.0.1:5081");
        }
        finally
        {
            foreach (var schedule in schedules) await schedule.DisposeAsync().ConfigureAwait(false);
            logs?.Dispose();
        }
    }

    /// <summary>As the web server reads it, which takes * and + for a host.</summary>
    private static bool IsUrl(string url)
    {
        try
        {
            return BindingAddress.Parse(url).Scheme.ToLowerInvariant() is "http" or "https";
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static List<BookPlace> PlacesOf(ParseResult parsed, bool isNamed)
    {
        var (folders, names) = (parsed.GetValue(Data)!, parsed.GetValue(Books)!);
        var places = names.Length > 1 && folders.Length == 1
            ? names.Select(name => Common.PlaceOf(
                parsed, isNamed ? Path.Combine(folders[0], name) : folders[0], isNamed, name)).ToList()
            : folders.Select((folder, i) => Common.PlaceOf(parsed, folder, isNamed, names[int.Min(i, names.Length - 1)]))
                .ToList();
        var models = Common.ModelsOf(parsed, Models);
        for (var i = 0; i < places.Count; i++)
            places[i] = places[i] with { Folder = Path.GetFullPath(places[i].Folder), ReadModels = models };
        return places.DistinctBy(place => place.Folder).Count() == places.Count
            ? places
            : throw new CommandFailure(ExitCodes.Usage, "usage", "Each book has a folder of its own.");
    }
}
