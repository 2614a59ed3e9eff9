using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Benchmarks;

/// <summary>What hashing a book's tree costs, on every path this processor has.</summary>
/// <remarks>One thread, 262-byte lines, the median of seven rounds. Nothing else should run meanwhile.</remarks>
public static class TreeBenchmarks
{
    private const int LineBytes = 262;
    private const int Rounds = 7;

    public static void Run()
    {
        var figures = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var path in Enum.GetValues<Sha256Path>().Where(Sha256Lanes.IsSupported))
        {
            foreach (var count in new[] { 1, 2, 3, 4, 20, 64, 2_000 })
                figures[$"leaf_ns_{path}_batch_{count}"] = LeafNanoseconds(count, path);
            foreach (var count in new[] { 2, 20, 1_000 })
                figures[$"node_ns_{path}_batch_{count}"] = NodeNanoseconds(count, path);
        }
        foreach (var (name, value) in figures) Console.WriteLine($"{name,-40} {value,10:F1}");
        Console.WriteLine(JsonSerializer.Serialize(figures));
    }

    private static double LeafNanoseconds(int count, Sha256Path path)
    {
        var buffer = RandomBytes(count * LineBytes);
        var slices = Enumerable.Range(0, count).Select(i => new Slice(i * LineBytes, LineBytes)).ToArray();
        var hashes = new byte[32 * count];
        return NanosecondsEach(count, () => Sha256Lanes.HashLeaves(buffer, slices, hashes, path));
    }

    private static double NodeNanoseconds(int count, Sha256Path path)
    {
        var pairs = RandomBytes(64 * count);
        var hashes = new byte[32 * count];
        return NanosecondsEach(count, () => Sha256Lanes.HashNodes(pairs, hashes, path));
    }

    private static double NanosecondsEach(int items, Action action)
    {
        var repeats = Math.Max(1, 20_000 / items);
        for (var i = 0; i < repeats; i++) action();
        return Median(Enumerable.Range(0, Rounds).Select(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < repeats; i++) action();
            return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)repeats * items);
        }));
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
