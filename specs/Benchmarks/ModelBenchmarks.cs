using System.Diagnostics;
using System.Globalization;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;

namespace BankingEngine.Benchmarks;

/// <summary>
/// Read models in memory and in PostgreSQL side by side, of the same journal: catching up from the first event,
/// building anew, and reading a long account.
/// </summary>
public static class ModelBenchmarks
{
    private const int Accounts = 10_000, LongAccount = 100_000, BatchSize = 1_000;

    public static void Run()
    {
        var figures = new Figures("models");
        var events = long.Parse(
            Environment.GetEnvironmentVariable("BENCH_EVENTS") ?? "1000000", CultureInfo.InvariantCulture);
        using var book = BenchmarkBook.Create(Accounts);
        Fill(book, events);
        using (var memory = ReadModels.InMemory(book.Engine.Feed)) Measure(book, memory, "memory", figures);
        if (PostgresBenchmarks.PrivateCluster.Binaries is not { } binaries)
        {
            Console.WriteLine("No PostgreSQL server binaries: the tables are not measured.");
            figures.Print();
            return;
        }
        using var cluster = PostgresBenchmarks.PrivateCluster.Start(binaries);
        using (var tables = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "bench"))
            Measure(book, tables, "postgres", figures);
        figures.Print();
    }

    private static void Measure(BenchmarkBook book, ReadModels models, string name, Figures figures)
    {
        var clock = Stopwatch.StartNew();
        var position = book.Engine.DurablePosition;
        Await(models, position);
        Rate("catch_up", clock);
        Read(book, models, name, figures);
        clock.Restart();
        models.RebuildAsync().GetAwaiter().GetResult();
        Rate("rebuild", clock);
        if (models.Tables is { } tables)
        {
            clock.Restart();
            if (tables.VerifyAsync(0).GetAwaiter().GetResult().Any(t => !t.AreEqual))
                throw new InvalidDataException("The tables are not what a rebuild makes.");
            Rate("verify_entries", clock);
        }

        void Rate(string what, Stopwatch since)
        {
            var rate = position / since.Elapsed.TotalSeconds;
            Figures.Say($"{name}: {what} of {position} events in {since.Elapsed.TotalSeconds:F1} s, {rate:N0} events/s");
            figures.Add($"{what}_{name}", rate);
        }
    }

    private static void Await(ReadModels models, long position)
    {
        // A question waits a few seconds at most: the catch-up of a whole book is longer.
        while (models.Lag().Min(lag => lag.Position) < position)
        {
            if (models.Lag().FirstOrDefault(lag => lag.Fault is not null) is { Fault: { } fault })
                throw new InvalidDataException(fault.Reason);
            Thread.Sleep(10);
        }
    }

    private static void Read(BenchmarkBook book, ReadModels models, string name, Figures figures)
    {
        var (rows, account) = (models.AccountsAsync(0).GetAwaiter().GetResult()!, book.Accounts[0]);
        var day = new BusinessDate((int)(DateTime.UtcNow - DateTime.UnixEpoch).TotalDays);
        var period = new StatementPeriod(account, BenchmarkBook.Asset, day.AddDays(-30), day, StatementDates.Booked);
        Time("page_50", () => rows.HistoryAsync(account, EntryFilter.All, true, null, 50).AsTask().GetAwaiter().GetResult());
        Time("balances_as_of", () =>
            rows.BalancesOfAsync(account, new(book.Engine.DurablePosition / 2)).AsTask().GetAwaiter().GetResult());
        Time("balances_booked_on", () =>
            rows.BalancesOfAsync(account, new(null, day)).AsTask().GetAwaiter().GetResult());
        Time("statement_100000", () =>
        {
            var count = rows.RangeOfAsync(period, book.Engine.DurablePosition, Statement.MaxEntries)
                .AsTask().GetAwaiter().GetResult()!.Entries.Count;
            if (count < LongAccount) throw new InvalidDataException($"{count} entries.");
        });

        void Time(string what, Action ask)
        {
            var times = new List<double>();
            for (var i = 0; i < 7; i++)
            {
                var clock = Stopwatch.StartNew();
                ask();
                times.Add(clock.Elapsed.TotalMilliseconds);
            }
            times.Sort();
            Figures.Say($"{name}: {what} median {times[times.Count / 2]:F2} ms");
            figures.Add($"{what}_ms_{name}", times[times.Count / 2]);
        }
    }

    /// <summary>Transfers, the long account in every tenth until it has its entries; one in four carries a
    /// reference.</summary>
    private static void Fill(BenchmarkBook book, long events)
    {
        var random = new Random(7);
        var (sent, onLong) = (0L, 0);
        while (book.Engine.DurablePosition < events || onLong < LongAccount)
        {
            var batch = new (Envelope, Command, string)[BatchSize];
            for (var i = 0; i < batch.Length; i++, sent++)
            {
                var made = book.Transfer(random, Accounts - 1);
                if (sent % 10 == 0 && onLong++ < LongAccount)
                    made = made with { Credit = made.Debit == book.Accounts[0] ? made.Credit : book.Accounts[0] };
                if (sent % 4 == 0) made = made with { Particulars = new(Reference: $"invoice {sent}") };
                batch[i] = (book.NewEnvelope(), made, "transfer.make");
            }
            book.Engine.SendAsync(batch).GetAwaiter().GetResult();
        }
        Figures.Say($"{book.Engine.DurablePosition} events, {onLong} of them on one account");
    }
}
