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

    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(150);

    public static void Run()
    {
        var figures = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var path in Enum.GetValues<Sha256Path>().Where(Sha256Lanes.IsSupported))
        {
            foreach (var count in new[] { 1, 2, 3, 4, 20, 64, 2_000 })
                figures[$"leaf_ns_{path}_batch_{count}"] = LeafNanoseconds(count, path);
            foreach (var count in new[] { 2, 20, 1_000 })
                figures[$"node_ns_{path}_batch_{count}"] = NodeNanoseconds(count, path);
            foreach (var count in new[] { 20, 2_000 })
                figures[$"append_ns_a_leaf_{path}_batch_{count}"] = AppendNanoseconds(count, path);
        }
        Stored(figures);
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

    /// <summary>The frontier alone: all nodes above, without the leaves' own hashes and without a root.</summary>
    private static double AppendNanoseconds(int count, Sha256Path path)
    {
        var frontier = new MerkleFrontier();
        var leaves = RandomBytes(32 * count);
        return NanosecondsEach(count, () => frontier.Append(leaves, path: path));
    }

    /// <summary>A tree of 1,048,575 leaves on disk, 20 bits all set: appending, sealing, proving, checking.</summary>
    private static void Stored(SortedDictionary<string, double> figures)
    {
        var folder = Directory.CreateTempSubdirectory("tree-benchmark-").FullName;
        try
        {
            using var store = TreeStore.Open(folder);
            var frontier = new MerkleFrontier();
            var leaves = RandomBytes(32 * 2_000);
            const long size = (1 << 20) - 1;
            var start = Stopwatch.GetTimestamp();
            while (size - store.Size >= 2_000) store.Append(frontier, leaves);
            store.Append(frontier, leaves.AsSpan(0, (int)(size - store.Size) * 32));
            figures["store_append_ns_a_leaf_batch_2000"] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / size;
            figures["root_us_of_20_peaks"] = NanosecondsEach(1, () => frontier.Root(), 2_000) / 1_000;
            figures["inclusion_proof_us"] =
                NanosecondsEach(1, () => Proofs.Inclusion(store, Random.Shared.NextInt64(size), size), 500) / 1_000;
            figures["consistency_proof_us"] =
                NanosecondsEach(1, () => Proofs.Consistency(store, Random.Shared.NextInt64(1, size), size), 500) / 1_000;
            start = Stopwatch.GetTimestamp();
            if (store.SoundSize() != size) throw new InvalidDataException("The tree disagrees with itself.");
            figures["sound_size_ns_a_leaf"] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / size;
            var small = new MerkleFrontier();
            store.Truncate(0);
            figures["store_append_ns_a_leaf_batch_20"] =
                NanosecondsEach(20, () => store.Append(small, leaves.AsSpan(0, 32 * 20)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double NanosecondsEach(int items, Action action, int total = 20_000)
    {
        var repeats = Math.Max(1, total / items);
        // Long enough for the compiler's last tier to be in place.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;) action();
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
