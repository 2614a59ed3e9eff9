using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Benchmarks;

/// <summary>Nanoseconds of each operation on rows of 80 bytes, at random keys, one thread.</summary>
public static class TableBenchmarks
{
    private const int Operations = 400_000, PerCommand = 4;

    public static void Run()
    {
        var results = new Dictionary<string, object>();
        Measure(10_000);
        foreach (var rows in new[] { 10_000, 1_000_000, 5_000_000 })
        {
            var measured = Measure(rows);
            var figures = string.Join(", ", measured.Select(m => $"{m.Key} {m.Value:N1}"));
            Console.WriteLine($"{rows,10:N0} rows: {figures}");
            results[rows.ToString(CultureInfo.InvariantCulture)] = measured;
        }

        Console.WriteLine(JsonSerializer.Serialize(results));
    }

    private static Dictionary<string, double> Measure(int rows)
    {
        var random = new Random(1);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var tables = new Tables(seed: 42);
        var table = new Table<UInt128, BenchmarkRow>(tables, "rows");
        var keys = new UInt128[rows];
        for (var i = 0; i < rows; i++) keys[i] = new UInt128((ulong)i, (ulong)random.NextInt64());
        var results = new Dictionary<string, double>
        {
            ["insert_ns"] = Timed(rows, i => table.Insert(new BenchmarkRow(keys[i], i))),
        };
        results["bytes_per_row"] = (GC.GetTotalMemory(forceFullCollection: true) - before - (16.0 * rows)) / rows;
        var picks = Enumerable.Range(0, Operations).Select(_ => keys[random.Next(rows)]).ToArray();
        long sum = 0;
        results["find_ns"] = Timed(Operations, i => sum += table.Find(picks[i]));
        results["find_hot_ns"] = Timed(Operations, i => sum += table.Find(picks[i & 15]));
        results["find_missing_ns"] = Timed(Operations, i => sum += table.Find(picks[i] + 1));
        var bytes = new byte[80];
        results["hash128_ns"] = Timed(Operations, i => sum += (long)(Hash128.Of((ulong)i, bytes) & 1));
        results["update_in_command_ns"] = Timed(Operations, i => Change(i, tables.Commit));
        results["update_and_rollback_ns"] = Timed(Operations, i => Change(i, tables.Rollback));
        results["insert_delete_in_command_ns"] = Timed(Operations, i =>
        {
            tables.Begin();
            table.Delete(table.Insert(new BenchmarkRow((UInt128)i, i)));
            tables.Commit();
        });
        Snapshot(tables, results);
        Debug.Assert(sum != 0, "Lookups find rows.");
        return results;

        void Change(int i, Action end)
        {
            if (i % PerCommand == 0) tables.Begin();
            var row = table.Find(picks[i]);
            table.Update(row, table[row].With(i));
            if (i % PerCommand == PerCommand - 1) end();
        }
    }

    private static void Snapshot(Tables tables, Dictionary<string, double> results)
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var to = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                var saving = Stopwatch.StartNew();
                tables.Save(to);
                results["save_ms"] = saving.Elapsed.TotalMilliseconds;
            }

            var other = new Tables(seed: 43);
            _ = new Table<UInt128, BenchmarkRow>(other, "rows");
            using var from = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            var loading = Stopwatch.StartNew();
            other.Load(from);
            results["load_ms"] = loading.Elapsed.TotalMilliseconds;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static double Timed(int count, Action<int> operation)
    {
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < count; i++) operation(i);
        return Math.Round(watch.Elapsed.TotalNanoseconds / count, 1);
    }
}

/// <summary>A 16-byte key and 64 bytes.</summary>
public readonly record struct BenchmarkRow(
    UInt128 Key, long Amount, long Second, UInt128 Third, UInt128 Fourth, UInt128 Fifth) : IRow<BenchmarkRow, UInt128>
{
    public BenchmarkRow(UInt128 key, long amount) : this(key, amount, 0, 0, 0, 0)
    {
    }

    public BenchmarkRow With(long amount) => this with { Amount = amount };
}
