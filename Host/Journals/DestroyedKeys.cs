using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Journals;

/// <summary>
/// Which keys were destroyed: a line each, beside the journal and not beside the keys, so that every copy of the journal
/// brings it along and a key that an old copy of the keys still holds does not come back to life.
/// </summary>
/// <remarks>A line is on the disk before its key is destroyed. It names a key by the SHA-256 of its 32 random bytes, which
/// says nothing of them, and not by its subject alone: a subject that was erased may be spoken of again under a new key.
/// </remarks>
public sealed class DestroyedKeys
{
    public const string FileName = "destroyed-keys.ndjson";

    private readonly HashSet<string> _prints = new(StringComparer.Ordinal);
    private readonly List<string> _lines = [];

    public int Count => _lines.Count;

    /// <summary>What a folder's list says; empty where it has none.</summary>
    public static DestroyedKeys Of(string folder)
    {
        var list = new DestroyedKeys();
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path)) list.Take(path);
        return list;
    }

    /// <summary>Whether this very key was destroyed.</summary>
    public bool Holds(ReadOnlySpan<byte> key) => Count > 0 && _prints.Contains(PrintOf(key));

    /// <summary>Adds what another list says.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public void Take(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            if (PrintIn(line) is { } print && _prints.Add(print)) _lines.Add(line);
        }
    }

    /// <summary>Puts a key on a folder's list. It is on the disk when this returns.</summary>
    public void Add(string folder, string subject, ReadOnlySpan<byte> key, DateTimeOffset at)
    {
        var print = PrintOf(key);
        if (!_prints.Add(print)) return;
        var line = new JsonObject
        {
            ["subject"] = subject,
            ["key"] = print,
            ["at"] = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        }.ToJsonString();
        _lines.Add(line);
        using (var file = new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite))
        {
            file.Seek(0, SeekOrigin.End);
            // A line that a crash cut short: its key was not destroyed then.
            var torn = file.Length > 0 && LastByte(file) != '\n' ? "\n" : "";
            file.Write(Encoding.UTF8.GetBytes($"{torn}{line}\n"));
            file.Flush(flushToDisk: true);
        }
        DiskFileLayer.Instance.FlushFolder(folder);
    }

    /// <summary>Writes the list whole, where it says anything.</summary>
    public void WriteTo(string folder)
    {
        if (Count == 0) return;
        var path = Path.Combine(folder, FileName);
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            foreach (var line in _lines) file.Write(Encoding.UTF8.GetBytes(line + "\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
        DiskFileLayer.Instance.FlushFolder(folder);
    }

    private static int LastByte(FileStream file)
    {
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte();
    }

    private static string PrintOf(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(SHA256.HashData(key));

    private static string? PrintIn(string line)
    {
        try
        {
            return JsonNode.Parse(line) is JsonObject said ? (string?)said["key"] : null;
        }
        catch (Exception torn) when (torn is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
