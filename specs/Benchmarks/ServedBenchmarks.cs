using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Benchmarks;

/// <summary>
/// Hosts in processes of their own on each journal, the store and the load generator on the same cores: single and bulk
/// transfers over HTTP, how far a standby is behind at a steady rate, and how long after a kill it leads.
/// </summary>
public static class ServedBenchmarks
{
    private const int Accounts = 10_000, Connections = 256, Seconds = 8, Rate = 20_000, Kills = 3;

    public static void Run()
    {
        var figures = new Figures("served");
        using (var book = BenchmarkBook.Create(Accounts))
        {
            book.Engine.Dispose();
            using var host = BenchmarkHost.Start(book.Folder);
            Load(figures, "file", host, book.Token);
        }
        if (PostgresCluster.Binaries is not null)
        {
            using var cluster = PostgresCluster.New("-c shared_buffers=1GB -c max_wal_size=8GB");
            foreach (var models in (string[])["memory", "tables"])
            {
                var database = cluster.NewDatabase();
                Shared(
                    figures, $"postgres_models_in_{models}", PostgresJournal.Create(database, BenchmarkBook.Identity),
                    ["--journal", $"postgres:{database}", .. models == "memory" ? (string[])["--read-models", "memory"] : []]);
            }
        }
        using var server = EventStoreProcess.Start();
        Shared(
            figures, "eventstore", EventStoreJournal.Create(server.Address, BenchmarkBook.Identity),
            ["--journal", server.Address]);
        figures.Print();
    }

    private static void Shared(Figures figures, string name, ISharedJournal journal, string[] arguments)
    {
        string token, first;
        using (journal)
        using (var lead = journal.TryLead("bench") ?? throw new InvalidOperationException($"{name} gave no lead."))
        using (new Timer(_ => lead.Prove(), null, JournalTimes.Beat, JournalTimes.Beat))
        {
            var book = BenchmarkBook.Create(Accounts, journal, lead);
            (token, first) = (book.Token, book.Folder);
            book.Engine.Dispose();
        }
        string[] all = [.. arguments, "--book", BenchmarkBook.Identity.Book];
        var second = Directory.CreateTempSubdirectory("bank-bench-").FullName;
        var leader = BenchmarkHost.Start(first, all);
        AwaitLead(leader);
        Load(figures, name, leader, token);
        var follower = BenchmarkHost.Start(second, all);
        Lag(figures, name, leader, follower, token);
        var times = new List<double>();
        for (var i = 0; i < Kills; i++)
        {
            leader.Kill();
            times.Add(AwaitLead(follower).TotalSeconds);
            leader.Dispose();
            (first, second) = (second, first);
            (leader, follower) = (follower, BenchmarkHost.Start(second, all));
        }
        Figures.Say($"{name}: another leads {string.Join(", ", times.Select(t => $"{t:F2}"))} s after a kill");
        figures.Add($"take_over_s_{name}", times.Max());
        leader.Dispose();
        follower.Dispose();
        Directory.Delete(first, recursive: true);
        Directory.Delete(second, recursive: true);
    }

    private static void Load(Figures figures, string name, BenchmarkHost host, string token)
    {
        host.AwaitReadModels(token);
        var single = BenchmarkHost.Load(new(host.Port, token, Accounts, Connections, Seconds, 0, Hot: false, Batch: 1));
        Figures.Say($"{name}: {single.PerSecond:N0}/s, p50 {single.P50:F2} ms, p99 {single.P99:F2}, max {single.Max:F1}");
        var bulk = BenchmarkHost.Load(new(host.Port, token, Accounts, 4, Seconds, 0, Hot: false, Batch: 1_000));
        Figures.Say($"{name}: bulk {bulk.PerSecond:N0}/s");
        figures.Add($"http_{name}", single.PerSecond);
        figures.Add($"http_{name}_p99_ms", single.P99);
        figures.Add($"http_bulk_{name}", bulk.PerSecond);
    }

    /// <summary>Both are asked at the same moment; what lies between their positions is time at this rate.</summary>
    private static void Lag(Figures figures, string name, BenchmarkHost leader, BenchmarkHost follower, string token)
    {
        var behind = new List<double>();
        using var client = new HttpClient();
        var load = Task.Run(() => BenchmarkHost.Load(
            new(leader.Port, token, Accounts, Connections, Seconds, Rate, Hot: false, Batch: 1)));
        while (!load.IsCompleted)
        {
            var asked = new[] { follower, leader }.Select(host => PositionAsync(client, host)).ToArray();
            Task.WaitAll(asked);
            behind.Add(Math.Max(0, asked[1].Result - asked[0].Result) * 1_000.0 / Rate);
            Thread.Sleep(50);
        }
        behind.Sort();
        var (p50, p99) = (behind[behind.Count / 2], behind[behind.Count * 99 / 100]);
        Figures.Say($"{name}: at {load.Result.PerSecond:N0}/s a standby is p50 {p50:F1}, p99 {p99:F1} ms behind");
        figures.Add($"standby_behind_ms_p50_{name}", p50);
        figures.Add($"standby_behind_ms_p99_{name}", p99);
    }

    private static async Task<long> PositionAsync(HttpClient client, BenchmarkHost host)
    {
        using var said = JsonDocument.Parse(
            await client.GetStringAsync(new Uri($"http://127.0.0.1:{host.Port}/health/live")).ConfigureAwait(false));
        return said.RootElement.GetProperty("position").GetInt64();
    }

    private static TimeSpan AwaitLead(BenchmarkHost host)
    {
        var started = Stopwatch.GetTimestamp();
        using var client = new HttpClient();
        var leading = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{host.Port}/health/leading"));
        while (true)
        {
            using var said = client.GetAsync(leading).GetAwaiter().GetResult();
            if (said.StatusCode == HttpStatusCode.OK) return Stopwatch.GetElapsedTime(started);
            Thread.Sleep(20);
        }
    }
}
