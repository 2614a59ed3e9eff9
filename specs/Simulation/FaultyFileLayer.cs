using BankingEngine.Application.Journal;

namespace BankingEngine.Specs.Simulation;

/// <summary>The machine stopped in the middle of a file operation.</summary>
public sealed class SimulatedCrashException() : Exception("The simulated machine stopped.");

/// <summary>A disk in memory that fails as disks do, by seed.</summary>
/// <remarks>It knows what was written (the page cache) from what was flushed. When the power goes, any subset of the
/// 512-byte sectors written since the last flush survives, a file's length is anywhere between flushed and written, and
/// of the names changed since their folder's flush the first few survive, in order. A flush that fails persists any
/// subset of sectors and then believes all to be clean, as Linux does. Not for two threads.</remarks>
public sealed class FaultyFileLayer(int seed) : IFileLayer
{
    private const int Sector = 512;
    private readonly Random random = new(seed);
    private readonly Dictionary<string, Node> names = [];
    private readonly Dictionary<string, Node> durableNames = [];
    private readonly Dictionary<string, List<(string Path, Node? Node)>> unflushedNames = [];
    private readonly HashSet<string> locks = [];
    private int boot;

    /// <summary>Operations that change something until the machine stops; null: it does not.</summary>
    public int? StopsAfter { get; set; }

    /// <summary>Operations that change something until one fails with EIO; null: none does.</summary>
    public int? FailsAfter { get; set; }

    /// <summary>Bytes the disk still takes before ENOSPC.</summary>
    public long Free { get; set; } = long.MaxValue;

    public IEnumerable<string> Paths => names.Keys.Order(StringComparer.Ordinal);

    /// <summary>Ends every opener; with the power, what was not flushed goes too.</summary>
    public void Restart(bool powerLost)
    {
        boot++;
        locks.Clear();
        (StopsAfter, FailsAfter, Free) = (null, null, long.MaxValue);
        if (!powerLost) return;
        foreach (var (folder, changes) in unflushedNames)
            Persist(changes, random.Next(changes.Count + 1));
        unflushedNames.Clear();
        names.Clear();
        foreach (var (path, node) in durableNames)
        {
            node.LosePower(random);
            names[path] = node;
        }
    }

    /// <summary>Changes one bit of a file that is not empty.</summary>
    /// <param name="last">Only among this many bytes at its end.</param>
    public void FlipBit(string path, int last = int.MaxValue)
    {
        var node = names[path];
        node.Flip(random.NextInt64(Math.Max(0, node.Length - last) * 8L, node.Length * 8L));
    }

    public byte[] Content(string path) => names[path].Content();

    public IFile Open(string path, FileAccess access) => names.TryGetValue(path, out var node)
        ? new OpenFile(this, node, null)
        : throw new FileNotFoundException(path);

    public IFile Create(string path)
    {
        Operate();
        if (names.TryGetValue(path, out var node)) node.Truncate(0);
        else Name(path, node = new Node());
        return new OpenFile(this, node, null);
    }

    public IFile? TryLock(string path)
    {
        if (!locks.Add(path)) return null;
        if (!names.TryGetValue(path, out var node)) Name(path, node = new Node());
        return new OpenFile(this, node, path);
    }

    public bool Exists(string path) => names.ContainsKey(path);

    public IReadOnlyList<string> List(string folder) =>
        [.. names.Keys.Where(path => Path.GetDirectoryName(path) == folder).Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal)];

    public void CreateFolder(string folder) { }

    public void Rename(string from, string to)
    {
        Operate();
        var node = names[from];
        Name(to, node);
        Name(from, null);
    }

    public void Delete(string path)
    {
        Operate();
        Name(path, null);
    }

    public void FlushFolder(string folder)
    {
        Operate();
        if (unflushedNames.Remove(folder, out var changes)) Persist(changes, changes.Count);
    }

    private void Name(string path, Node? node)
    {
        if (node is null) names.Remove(path);
        else names[path] = node;
        var folder = Path.GetDirectoryName(path) ?? "";
        if (!unflushedNames.TryGetValue(folder, out var changes)) unflushedNames[folder] = changes = [];
        changes.Add((path, node));
    }

    private void Persist(List<(string Path, Node? Node)> changes, int count)
    {
        foreach (var (path, node) in changes.Take(count))
        {
            if (node is null) durableNames.Remove(path);
            else durableNames[path] = node;
        }
    }

    /// <summary>Counts an operation that changes something, and stops or fails it when its turn has come.</summary>
    /// <param name="partly">What happens of it nevertheless.</param>
    private void Operate(Action? partly = null)
    {
        if (StopsAfter is { } stop && (StopsAfter = stop - 1) <= 0)
        {
            partly?.Invoke();
            StopsAfter = 0;
            throw new SimulatedCrashException();
        }
        if (FailsAfter is { } fail && (FailsAfter = fail - 1) == 0)
        {
            partly?.Invoke();
            FailsAfter = null;
            throw new IOException("Input/output error", 5);
        }
    }

    private sealed class OpenFile(FaultyFileLayer layer, Node node, string? lockPath) : IFile
    {
        private readonly int boot = layer.boot;

        public long Length => Live().Length;

        public int Read(Span<byte> to, long offset) => Live().Read(to, offset);

        public void Write(ReadOnlyMemory<byte> bytes, long offset) => Write(bytes, default, offset);

        public void Write(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, long offset)
        {
            Live();
            byte[] all = [.. first.Span, .. second.Span];
            layer.Operate(() => node.Write(all.AsSpan(0, layer.random.Next(all.Length + 1)), offset));
            var growth = Math.Max(0, offset + all.Length - node.Length);
            if (growth > layer.Free)
            {
                node.Write(all.AsSpan(0, (int)Math.Max(0, all.Length - growth + layer.Free)), offset);
                layer.Free = 0;
                throw new IOException("No space left on device", FileFaults.NoSpace);
            }
            layer.Free -= growth;
            node.Write(all, offset);
        }

        public void Flush()
        {
            Live();
            layer.Operate(() => node.Flush(sector => layer.random.Next(2) == 0));
            node.Flush(sector => true);
        }

        public void Truncate(long length)
        {
            Live();
            layer.Operate();
            node.Truncate((int)length);
        }

        public void Dispose()
        {
            if (lockPath is not null && boot == layer.boot) layer.locks.Remove(lockPath);
        }

        /// <summary>A process that has ended writes nothing more.</summary>
        private Node Live() => boot == layer.boot ? node : throw new IOException("The process has ended.");
    }

    private sealed class Node
    {
        private readonly HashSet<int> dirty = [];
        private byte[] written = [];
        private byte[] flushed = [];
        private int flushedLength;

        public int Length { get; private set; }

        public byte[] Content() => written[..Length];

        public int Read(Span<byte> to, long offset)
        {
            if (offset >= Length) return 0;
            var read = Math.Min(to.Length, Length - (int)offset);
            written.AsSpan((int)offset, read).CopyTo(to);
            return read;
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            if (bytes.IsEmpty) return;
            var end = (int)offset + bytes.Length;
            Reserve(ref written, end);
            bytes.CopyTo(written.AsSpan((int)offset));
            Length = Math.Max(Length, end);
            for (var sector = (int)offset / Sector; sector <= (end - 1) / Sector; sector++) dirty.Add(sector);
        }

        public void Truncate(int length)
        {
            Reserve(ref written, length);
            if (length < Length) written.AsSpan(length, Length - length).Clear();
            for (var sector = Math.Min(length, Length) / Sector; sector <= Math.Max(length, Length) / Sector; sector++)
                dirty.Add(sector);
            Length = length;
        }

        /// <summary>Afterwards everything passes for flushed, whatever was chosen.</summary>
        public void Flush(Func<int, bool> persists)
        {
            Reserve(ref flushed, written.Length);
            foreach (var sector in dirty.Order().Where(persists))
            {
                var from = sector * Sector;
                if (from < written.Length)
                    written.AsSpan(from, Math.Min(Sector, written.Length - from)).CopyTo(flushed.AsSpan(from));
            }
            dirty.Clear();
            flushedLength = Length;
        }

        public void LosePower(Random random)
        {
            var (low, high) = (Math.Min(flushedLength, Length), Math.Max(flushedLength, Length));
            var length = random.Next(3) switch { 0 => flushedLength, 1 => Length, _ => random.Next(low, high + 1) };
            Flush(sector => random.Next(2) == 0);
            flushed.AsSpan(length).Clear();
            (Length, flushedLength, written) = (length, length, [.. flushed]);
        }

        public void Flip(long bit)
        {
            Reserve(ref flushed, written.Length);
            written[bit / 8] ^= (byte)(1 << (int)(bit % 8));
            flushed[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        }

        private static void Reserve(ref byte[] bytes, int length)
        {
            if (bytes.Length < length) Array.Resize(ref bytes, Math.Max(length, bytes.Length * 2));
        }
    }
}
