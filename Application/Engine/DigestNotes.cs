using System.Globalization;
using System.Text;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>The state's digest after a block, as the writer saw it.</summary>
/// <param name="Schema">The tables it is a digest of: notes of another schema say nothing about this program.</param>
public readonly record struct DigestNote(long Block, long Position, UInt128 Digest, string Schema);

/// <summary>
/// Digests noted beside the journal, a JSON line each. They find errors of the program or the memory: replay compares
/// and stops at the first block where they part. They are not synced; deleting them is safe.
/// </summary>
public sealed class DigestNotes : IDisposable
{
    public const string FileName = "digests.ndjson";
    private readonly FileStream _file;
    private readonly string _schema;

    public DigestNotes(string folder, string schema)
    {
        _schema = schema;
        _file = new(Path.Combine(folder, FileName), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    }

    public void Add(long block, long position, UInt128 digest) => _file.Write(Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"block":{{block}},"position":{{position}},"digest":"{{digest:x32}}","schema":"{{_schema}}"}""") + "\n"));

    /// <summary>The notes of this schema, by position. A line that is torn or makes no sense is passed over.</summary>
    public static SortedDictionary<long, DigestNote> Read(string folder, string schema)
    {
        var notes = new SortedDictionary<long, DigestNote>();
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return notes;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file);
        while (reader.ReadLine() is { } line)
        {
            if (TryParse(line) is { } note && note.Schema == schema) notes[note.Position] = note;
        }
        return notes;
    }

    /// <summary>Leaves out the notes of what a journal no longer holds: other events will come in their place.</summary>
    public static void Forget(string folder, long beyond)
    {
        var path = Path.Combine(folder, FileName);
        var kept = File.ReadLines(path).Where(line => TryParse(line) is { } note && note.Position <= beyond).ToList();
        File.WriteAllLines(path + ".new", kept);
        File.Move(path + ".new", path, overwrite: true);
    }

    public void Dispose() => _file.Dispose();

    private static DigestNote? TryParse(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var note = json.RootElement;
            return new(
                note.GetProperty("block").GetInt64(), note.GetProperty("position").GetInt64(),
                UInt128.Parse(note.GetProperty("digest").GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                note.GetProperty("schema").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException or ArgumentNullException)
        {
            return null;
        }
    }

    /// <summary>Names the tables of a state and the shape of their rows.</summary>
    public static string SchemaOf(Tables tables) => tables.Schema.ToString("x32", CultureInfo.InvariantCulture);
}
