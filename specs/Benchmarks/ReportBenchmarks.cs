using System.Diagnostics;
using System.Globalization;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;

namespace BankingEngine.Benchmarks;

/// <summary>
/// Read models: catching up with all of them from nothing, each alone, and statements of an account with 100,000
/// entries, found in memory and in PostgreSQL and sent in every form. BENCH_EVENTS says of how many events; default two
/// million.
/// </summary>
public static class ReportBenchmarks
{
    private const int Accounts = 10_000, HotEntries = 100_000, Rounds = 15;

    public static void Run()
    {
        var figures = new Figures("reports");
        var events = int.TryParse(
            Environment.GetEnvironmentVariable("BENCH_EVENTS"), CultureInfo.InvariantCulture, out var more) ? more : 2_000_000;
        using var book = BenchmarkBook.Create(Accounts);
        var hot = new Random(3);
        Send(book, HotEntries, () => new MakeTransfer(
            book.Accounts[hot.Next(1, Accounts)], book.Accounts[0], new(AssetCode.Parse("USD"), hot.Next(1, 99), 2),
            new(Reference: $"invoice-{hot.Next():D10}")));
        var random = new Random(7);
        Send(book, Math.Max(0, events - HotEntries), () => book.Transfer(random, Accounts));
        CatchUp(figures, book, "all", ReadModels.Fresh(), book.Engine.DurablePosition);
        foreach (var model in ReadModels.Fresh())
            CatchUp(figures, book, model.Name, [model], book.Engine.DurablePosition);
        book.Engine.Dispose();
        Statements(figures, book, "memory");
        if (PostgresBenchmarks.PrivateCluster.Binaries is { } binaries)
        {
            using var cluster = PostgresBenchmarks.PrivateCluster.Start(binaries);
            Statements(figures, book, "postgres", "--read-models", $"postgres:{cluster.ConnectionString}");
        }
        else Console.WriteLine("No PostgreSQL server binaries: statements of the tables are not measured.");
        figures.Print();
    }

    private static void CatchUp(Figures figures, BenchmarkBook book, string name, Projection[] models, long through)
    {
        var clock = Stopwatch.StartNew();
        using (var follower = new CatchUp(book.Engine.Feed, models))
        {
            for (var i = 0; i < models.Length; i++)
            {
                while (!follower.WaitForAsync(i, through, Projections.CatchUp.LongestWait).GetAwaiter().GetResult()) { }
            }
        }
        var rate = through / clock.Elapsed.TotalSeconds;
        Figures.Say($"catch-up into memory, {name}: {through:N0} events in {clock.Elapsed.TotalSeconds:F1} s, {rate:N0} a second");
        figures.Add($"catch_up_{name}", rate);
    }

    /// <summary>Over HTTP, from the request to the last byte, by a host of its own.</summary>
    private static void Statements(Figures figures, BenchmarkBook book, string models, params string[] options)
    {
        using var host = BenchmarkHost.Start(book.Folder, options);
        host.AwaitReadModels(book.Token);
        using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{host.Port}") };
        client.DefaultRequestHeaders.Authorization = new("Bearer", book.Token);
        foreach (var format in new[] { "json", "csv", "camt053", "html" })
        {
            var took = new List<double>();
            var bytes = 0;
            var used = host.ProcessorTime;
            for (var i = 0; i < Rounds; i++)
            {
                var clock = Stopwatch.StartNew();
                bytes = client.GetByteArrayAsync(new Uri(
                    $"/v1/accounts/{book.Accounts[0]}/statement?asset=USD&from=2000-01-01&through=2200-01-01&format={format}",
                    UriKind.Relative)).GetAwaiter().GetResult().Length;
                took.Add(clock.Elapsed.TotalMilliseconds);
            }
            var processor = (host.ProcessorTime - used).TotalMilliseconds / Rounds;
            var first = took[0];
            took.Sort();
            Figures.Say($"statement of {HotEntries:N0} entries as {format} over HTTP, {models}: median {took[Rounds / 2]:F0} ms of {Rounds}, first {first:F0}, worst {took[^1]:F0}; {processor:F0} ms of the host's processors each; {bytes:N0} bytes");
            figures.Add($"statement_ms_{models}_{format}", took[Rounds / 2]);
            figures.Add($"statement_processor_ms_{models}_{format}", processor);
        }
    }

    private static void Send(BenchmarkBook book, int count, Func<Command> next)
    {
        for (var sent = 0; sent < count; sent += 1_000)
        {
            var batch = new (Envelope, Command, string)[Math.Min(1_000, count - sent)];
            for (var i = 0; i < batch.Length; i++) batch[i] = (book.NewEnvelope(), next(), "transfer.make");
            book.Engine.SendAsync(batch).GetAwaiter().GetResult();
        }
    }
}
