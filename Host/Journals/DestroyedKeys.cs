using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Journals;

/// <summary>A key that was destroyed.</summary>
/// <param name="Subject">Whose it was; empty where a list does not say.</param>
/// <param name="Print">SHA-256 of its bytes, hexadecimal in small letters.</param>
/// <param name="At">When; the Unix epoch where a list does not say.</param>
public readonly record struct DestroyedKey(string Subject, string Print, DateTimeOffset At);

/// <summary>
/// Which keys were destroyed: a line each, beside the journal and not beside the keys, so that every copy of the journal
/// brings it along and a key that an old copy of the keys still holds does not come back to life.
/// </summary>
/// <remarks>A line is on the disk before its key is destroyed. It names a key by the SHA-256 of its 32 random bytes, which
/// says nothing of them, and not by its subject alone: a subject that was erased may be spoken of again under a new key.
/// A journal in PostgreSQL has the list as a table.
/// </remarks>
public sealed class DestroyedKeys
{
    public const string FileName = "destroyed-keys.ndjson";

    private readonly HashSet<string> _prints = new(StringComparer.Ordinal);
    private readonly List<DestroyedKey> _keys = [];

    /// <summary>Bytes of the folder's list that were read, or written, here.</summary>
    private long _known;

    public int Count => _keys.Count;

    /// <summary>All of them, in the order in which they came.</summary>
    public IReadOnlyList<DestroyedKey> Keys => _keys;

    /// <summary>What a folder's list says; empty where it has none.</summary>
    public static DestroyedKeys Of(string folder)
    {
        var list = new DestroyedKeys { _known = LengthIn(folder) };
        if (list._known > 0) list.Take(Path.Combine(folder, FileName));
        return list;
    }

    /// <summary>Whether a folder's list, which only grows, has more than was read or written here: another host destroyed
    /// a key.</summary>
    public bool IsOutdated(string folder) => LengthIn(folder) != _known;

    /// <summary>Whether this very key was destroyed.</summary>
    public bool Holds(ReadOnlySpan<byte> key) => Count > 0 && _prints.Contains(PrintOf(key));

    /// <summary>Adds what another list says.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public void Take(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            if (KeyIn(line) is { } key) Take(key);
        }
    }

    /// <summary>Adds what another list says.</summary>
    public void Take(DestroyedKeys other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var key in other.Keys) Take(key);
    }

    /// <summary>Adds a key, but not on the disk.</summary>
    /// <returns>False where it stood there before.</returns>
    public bool Take(in DestroyedKey key)
    {
        if (!_prints.Add(key.Print)) return false;
        _keys.Add(key);
        return true;
    }

    /// <summary>Puts a key on a folder's list. It is on the disk when this returns.</summary>
    public void Add(string folder, string subject, ReadOnlySpan<byte> key, DateTimeOffset at)
    {
        var destroyed = new DestroyedKey(subject, PrintOf(key), at);
        if (_prints.Contains(destroyed.Print)) return;
        using (var file = new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite))
        {
            var before = file.Seek(0, SeekOrigin.End);
            // A line that a crash cut short: its key was not destroyed then.
            var torn = before > 0 && LastByte(file) != '\n' ? "\n" : "";
            file.Write(Encoding.UTF8.GetBytes($"{torn}{LineOf(destroyed)}\n"));
            file.Flush(flushToDisk: true);
            if (before == _known) _known = file.Length;
        }
        DiskFileLayer.Instance.FlushFolder(folder);
        // Not before: a key that is known here is destroyed on sight.
        Take(destroyed);
    }

    /// <summary>Writes the list whole, where it says anything.</summary>
    public void WriteTo(string folder)
    {
        if (Count == 0) return;
        var path = Path.Combine(folder, FileName);
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            foreach (var key in _keys) file.Write(Encoding.UTF8.GetBytes(LineOf(key) + "\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
        DiskFileLayer.Instance.FlushFolder(folder);
    }

    private static long LengthIn(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, FileName));
        return file.Exists ? file.Length : 0;
    }

    private static int LastByte(FileStream file)
    {
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte();
    }

    private static string PrintOf(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(SHA256.HashData(key));

    private static string LineOf(in DestroyedKey key) => new JsonObject
    {
        ["subject"] = key.Subject,
        ["key"] = key.Print,
        ["at"] = key.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
    }.ToJsonString();

    private static DestroyedKey? KeyIn(string line)
    {
        try
        {
            if (JsonNode.Parse(line) is not JsonObject said || (string?)said["key"] is not { } print) return null;
            var at = DateTimeOffset.TryParse(
                (string?)said["at"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? time : DateTimeOffset.UnixEpoch;
            return new((string?)said["subject"] ?? "", print, at);
        }
        catch (Exception torn) when (torn is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
