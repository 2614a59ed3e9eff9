using System.Diagnostics;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Benchmarks;

/// <summary>
/// What a restart costs: replay plain and with every hash recomputed, a start from a snapshot of a million accounts and
/// as many ids, and what an account and a remembered id take in memory.
/// </summary>
public static class ReplayBenchmarks
{
    private const int Accounts = 1_000_000;
    private const int Transfers = 2_000_000;

    public static void Run()
    {
        var figures = new Figures("replay");
        Replayed(figures, accounts: 10_000);
        Started(figures);
        figures.Print();
    }

    private static void Replayed(Figures figures, int accounts)
    {
        using var book = BenchmarkBook.Create(accounts);
        Fill(book, accounts, Transfers);
        book.Engine.Dispose();
        using var journal = FileJournal.Open(book.Folder, new(new("bench", new byte[32])), DiskFileLayer.Instance);
        foreach (var (name, verify) in new[] { ("warm_up", false), ("plain", false), ("verified", true), ("plain_again", false), ("verified_again", true) })
        {
            var execution = new Execution(new Bank(1));
            var clock = Stopwatch.StartNew();
            Replay.Run(journal, execution, verify ? new MerkleFrontier() : null, new(Verify: verify));
            var rate = execution.Position / clock.Elapsed.TotalSeconds;
            Figures.Say($"replay {name}, {accounts} accounts: {execution.Position} events, {rate:N0} events/s");
            if (name != "warm_up") figures.Add($"replay_{name}", rate);
        }
    }

    private static void Started(Figures figures)
    {
        using var book = BenchmarkBook.Create(Accounts);
        book.Engine.Dispose();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using (var journal = FileJournal.Open(book.Folder, new(new("bench", new byte[32])), DiskFileLayer.Instance))
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var execution = new Execution(new Bank(1));
            Replay.Run(journal, execution, null, new());
            var all = GC.GetTotalMemory(forceFullCollection: true) - before;
            var ids = execution.Bank.Memory.Count;
            var perId = BytesPerId();
            Figures.Say($"{Accounts} accounts and {ids} ids take {all / 1_048_576.0:F0} MiB: {perId:F1} bytes an id, {(all - ids * perId) / Accounts:F1} an account");
            figures.Add("bytes_per_id", perId);
            figures.Add("bytes_per_account", (all - ids * perId) / Accounts);
            Snapshots.Save(book.Folder, execution, Instant.Parse("2026-01-01T00:00:00Z"), journal);
        }
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            var clock = Stopwatch.StartNew();
            using var engine = BenchmarkBook.Open(book.Folder);
            var ready = clock.Elapsed.TotalSeconds;
            Figures.Say($"start from a snapshot: {ready:F2} s");
            if (i > 0) figures.Add($"start_seconds_{i}", ready);
        }
    }

    private static double BytesPerId()
    {
        const int count = 4_000_000;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var memory = new CommandMemory(new Tables(1));
        for (var i = 0; i < count; i++) memory.Remember(new(Hash128.Of(1, BitConverter.GetBytes(i)), 0, i, 0, 1), count);
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)count;
        GC.KeepAlive(memory);
        return bytes;
    }

    private static void Fill(BenchmarkBook book, int accounts, int transfers)
    {
        var random = new Random(7);
        for (var sent = 0; sent < transfers; sent += 1_000)
        {
            var batch = new (Envelope, Command, string)[1_000];
            for (var i = 0; i < batch.Length; i++) batch[i] = (book.NewEnvelope(), book.Transfer(random, accounts), "transfer.make");
            book.Engine.SendAsync(batch).GetAwaiter().GetResult();
        }
    }
}
