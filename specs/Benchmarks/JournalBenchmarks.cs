using System.Diagnostics;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;

namespace BankingEngine.Benchmarks;

/// <summary>
/// The engine in process on each journal, every command durable, side by side: in turns on the same machine in one run,
/// so that what else it does falls on all alike. The median of the rounds counts.
/// </summary>
public static class JournalBenchmarks
{
    private const int Accounts = 10_000, Rounds = 5, Seconds = 3, Callers = 256;

    public static void Run()
    {
        var figures = new Figures("journals");
        using var files = new Contender("file", () => BenchmarkBook.Create(Accounts));
        if (PostgresCluster.Binaries is null)
        {
            Console.WriteLine("""{"benchmark":"journals","skipped":"no PostgreSQL server binaries"}""");
            return;
        }
        using var cluster = PostgresCluster.New("-c shared_buffers=1GB -c max_wal_size=8GB");
        using var postgres = Shared("postgres", PostgresJournal.Create(cluster.NewDatabase(), BenchmarkBook.Identity));
        using var server = EventStoreProcess.Start();
        using var eventStore = Shared("eventstore", EventStoreJournal.Create(server.Address, BenchmarkBook.Identity));
        Contender[] all = [files, postgres, eventStore];
        foreach (var contender in all) EngineBenchmarks.Bulk(contender.Book, Accounts, warmUp: true, Seconds);
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var contender in all) contender.Run();
        }
        foreach (var contender in all)
        {
            figures.Add($"bulk_{contender.Name}", contender.Bulk);
            figures.Add($"callers_{Callers}_{contender.Name}", contender.Single);
        }
        foreach (var contender in all.Skip(1))
        {
            figures.Add($"bulk_{contender.Name}_of_file", contender.Bulk / files.Bulk);
            figures.Add($"callers_{Callers}_{contender.Name}_of_file", contender.Single / files.Single);
        }
        figures.Print();
    }

    private static Contender Shared(string name, ISharedJournal journal)
    {
        var lead = journal.TryLead("bench") ?? throw new InvalidOperationException($"{name} gave no lead.");
        return new(name, () => BenchmarkBook.Create(Accounts, journal, lead), lead, journal);
    }

    /// <summary>A journal in the race, with the book that stands on it and, where it has one, the lead kept alive.
    /// </summary>
    private sealed class Contender(
        string name, Func<BenchmarkBook> make, ILead? lead = null, ISharedJournal? journal = null) : IDisposable
    {
        private readonly List<double> _bulk = [], _single = [];
        // Begins before the book is made, which may take longer than a lead lasts.
        private readonly Timer _beat = new(_ => lead?.Prove(), null, JournalTimes.Beat, JournalTimes.Beat);

        public string Name => name;

        public BenchmarkBook Book { get; } = make();

        public double Bulk => Median(_bulk);

        public double Single => Median(_single);

        public void Run()
        {
            Figures.Say($"{name}:");
            _bulk.Add(EngineBenchmarks.Bulk(Book, Accounts, warmUp: false, Seconds));
            _single.Add(EngineBenchmarks.Callers(Book, Accounts, Callers, Seconds));
        }

        public void Dispose()
        {
            _beat.Dispose();
            Book.Dispose();
            lead?.Dispose();
            journal?.Dispose();
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}

/// <summary>The specs' event store as a process of its own, which flushes each append to its file.</summary>
internal sealed class EventStoreProcess(Process process, string folder, string address) : IDisposable
{
    /// <summary>For a journal's connection string.</summary>
    public string Address => address;

    public static EventStoreProcess Start()
    {
        var folder = Directory.CreateTempSubdirectory("bench-store-").FullName;
        var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { typeof(EventStoreServer).Assembly.Location, "eventstore", "--port", "0", "--folder", folder },
            RedirectStandardOutput = true,
        })!;
        var said = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The event store ended.");
        return new(process, folder, $"esdb://{new Uri(said[(said.LastIndexOf(' ') + 1)..]).Authority}?tls=false");
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
