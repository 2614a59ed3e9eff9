using System.Globalization;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;

namespace BankingEngine.Host.Journals;

/// <summary>
/// Positions in the file <c>positions</c> beside the journal: one JSON object a line. It is written whole, flushed and
/// put in the place of the one before; what is set while that happens goes into the next writing together. Where hosts
/// share the folder, what another wrote is read when the file is seen to have changed.
/// </summary>
/// <param name="folder">Of the book. Nothing is read before the first question.</param>
public sealed class FilePositions(string folder) : IPositions
{
    public const string FileName = "positions";

    private readonly Lock _gate = new(), _writing = new();
    private SortedDictionary<string, StoredPosition>? _stored;
    private (DateTime At, long Length) _stamp;
    private long _changes, _written;

    public Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation)
    {
        lock (_gate) return Task.FromResult(Stored().TryGetValue(name, out var found) ? found : (StoredPosition?)null);
    }

    public async Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation)
    {
        long change;
        lock (_gate)
        {
            if (Stored().TryGetValue(to.Name, out var before) && before.Position >= to.Position) to = before;
            else Put(to);
            change = _changes;
        }
        await FlushAsync(change, cancellation).ConfigureAwait(false);
        return to;
    }

    public Task ResetAsync(StoredPosition to, CancellationToken cancellation)
    {
        long change;
        lock (_gate)
        {
            Put(to);
            change = _changes;
        }
        return FlushAsync(change, cancellation);
    }

    public Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation)
    {
        lock (_gate)
            return Task.FromResult<IReadOnlyList<StoredPosition>>(
                [.. Stored().Values.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal))]);
    }

    public async Task<bool> RemoveAsync(string name, CancellationToken cancellation)
    {
        long change;
        lock (_gate)
        {
            if (!Stored().Remove(name)) return false;
            change = ++_changes;
        }
        await FlushAsync(change, cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Writes positions whole into a folder that no host serves, in the place of what is there.</summary>
    public static void Keep(string folder, IEnumerable<StoredPosition> positions) =>
        Write(folder, Render(positions.OrderBy(position => position.Name, StringComparer.Ordinal)));

    private void Put(in StoredPosition to)
    {
        if (!PositionNames.IsValid(to.Name)) throw new ArgumentException($"No name of a position: {to.Name}", nameof(to));
        var stored = Stored();
        if (stored.Count >= PositionNames.Most && !stored.ContainsKey(to.Name))
            throw new PositionsUnavailableException($"There are {PositionNames.Most} positions already.");
        stored[to.Name] = to;
        _changes++;
    }

    /// <summary>Completes when a change is on the disk: one writing carries all changes made before it began.</summary>
    private Task FlushAsync(long change, CancellationToken cancellation) => Task.Run(
        () =>
        {
            lock (_writing) Flush(change);
        },
        cancellation);

    private void Flush(long change)
    {
        if (_written >= change) return;
        try
        {
            byte[] content;
            long carried;
            lock (_gate) (content, carried) = (Render(_stored!.Values), _changes);
            Write(folder, content);
            lock (_gate) (_written, _stamp) = (carried, StampNow());
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new PositionsUnavailableException($"{PathOf()} cannot be written: {failed.Message}", failed);
        }
    }

    private static void Write(string folder, byte[] content)
    {
        var path = Path.Combine(folder, FileName);
        using (var file = FileKeyStore.CreateForOwner(path + ".new"))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
        DiskFileLayer.Instance.FlushFolder(folder);
    }

    private static byte[] Render(IEnumerable<StoredPosition> positions)
    {
        using var bytes = new MemoryStream();
        foreach (var position in positions)
        {
            using (var json = new Utf8JsonWriter(bytes))
            {
                json.WriteStartObject();
                json.WriteString("name"u8, position.Name);
                json.WriteNumber("position"u8, position.Position);
                json.WriteString("at"u8, position.At.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
                json.WriteEndObject();
            }
            bytes.WriteByte((byte)'\n');
        }
        return bytes.ToArray();
    }

    private SortedDictionary<string, StoredPosition> Stored()
    {
        var stamp = StampNow();
        if (_stored is not null && (stamp == _stamp || _written < _changes)) return _stored;
        var stored = new SortedDictionary<string, StoredPosition>(StringComparer.Ordinal);
        try
        {
            foreach (var line in File.Exists(PathOf()) ? File.ReadAllLines(PathOf(), Encoding.UTF8) : [])
            {
                var read = Parse(line);
                stored[read.Name] = read;
            }
        }
        catch (Exception spoilt) when (spoilt is JsonException or FormatException or KeyNotFoundException
            or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new PositionsUnavailableException(
                $"{PathOf()} cannot be read: {spoilt.Message} Mend it, or remove it: followers then begin anew.", spoilt);
        }
        (_stored, _stamp) = (stored, stamp);
        return stored;
    }

    private static StoredPosition Parse(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        var read = new StoredPosition(
            root.GetProperty("name").GetString() ?? "", root.GetProperty("position").GetInt64(),
            root.GetProperty("at").GetDateTimeOffset());
        return PositionNames.IsValid(read.Name) && read.Position >= 0
            ? read
            : throw new FormatException("A line is no position.");
    }

    private (DateTime, long) StampNow()
    {
        var file = new FileInfo(PathOf());
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private string PathOf() => Path.Combine(folder, FileName);
}
