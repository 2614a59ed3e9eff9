using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Engine;

/// <summary>What a snapshot is of.</summary>
/// <param name="Last">Leaf of the event at its position, 64 figures: an event line tells its position, its microsecond
/// and its command, so no other history has the same there.</param>
public sealed record SnapshotHead(
    string Format, string Book, long Position, Instant At, UInt128 Digest, string Last);

/// <summary>
/// The state at a position, in a file. A cache: kept only if its digest agrees, ignored when it does not or when the
/// schema changed; deleting it is always safe. One of a history that the journal does not have, as after a database
/// fail-over that lost events, is passed over.
/// </summary>
public static class Snapshots
{
    public const string Format = "bankingengine.snapshot.v2";
    public const string Folder = "snapshots";

    /// <summary>How many are kept: the newest, and one to fall back on.</summary>
    public const int Kept = 2;

    private const int MaxHeadBytes = 512;

    /// <param name="journal">That the state was made of.</param>
    public static string Save(string folder, Execution execution, Instant at, IJournal journal)
    {
        var place = Path.Combine(folder, Folder);
        Directory.CreateDirectory(place);
        var position = execution.Position;
        var path = Path.Combine(place, $"{position.ToString("D18", CultureInfo.InvariantCulture)}.snapshot");
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $$"""{"format":"{{Format}}","book":"{{execution.Bank.Book.Genesis.Name}}","position":{{position}},"at":"{{at}}","digest":"{{execution.Bank.Tables.Digest:x32}}","last":"{{LeafOf(journal, position)}}"}""") + "\n"));
            execution.Bank.Tables.Save(file);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        foreach (var old in Newest(folder).Skip(Kept)) File.Delete(old);
        return path;
    }

    /// <summary>Loads the newest usable snapshot into a fresh bank.</summary>
    /// <param name="limit">Ignore snapshots beyond this position: the journal ends there.</param>
    /// <param name="journal">Whose history it has to be of.</param>
    /// <param name="why">Told of every snapshot that was passed over.</param>
    /// <returns>Null when there is none: replay from the start.</returns>
    public static (Execution Execution, Instant At)? Load(
        string folder, long limit, IJournal journal, Func<Bank> fresh, Action<string> why)
    {
        foreach (var path in Newest(folder))
        {
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
                var head = ReadHead(file);
                if (head.Position > limit) throw new SnapshotRefusedException("it is ahead of the journal");
                if (head.Last != LeafOf(journal, head.Position))
                    throw new SnapshotRefusedException("it is of a history that the journal does not have");
                var bank = fresh();
                bank.Tables.Load(file);
                if (bank.Tables.Digest != head.Digest) throw new SnapshotRefusedException("its digest differs");
                var execution = new Execution(bank);
                execution.Resume(head.Position);
                return (execution, head.At);
            }
            catch (Exception e) when (e is SnapshotRefusedException or IOException or JsonException or FormatException)
            {
                why($"Snapshot {Path.GetFileName(path)} is passed over: {e.Message}");
            }
        }
        return null;
    }

    /// <summary>Paths of the snapshots, newest first.</summary>
    public static IReadOnlyList<string> Newest(string folder)
    {
        var place = Path.Combine(folder, Folder);
        return Directory.Exists(place)
            ? [.. Directory.GetFiles(place, "*.snapshot").OrderByDescending(p => p, StringComparer.Ordinal)]
            : [];
    }

    private static string LeafOf(IJournal journal, long position)
    {
        var line = new ArrayBufferWriter<byte>(1024);
        return journal.TryReadEvent(position, line) ? TreeHash.OfLeaf(line.WrittenSpan).ToString() : "";
    }

    private static SnapshotHead ReadHead(FileStream file)
    {
        Span<byte> head = stackalloc byte[MaxHeadBytes];
        var length = 0;
        for (int next; (next = file.ReadByte()) != '\n'; head[length++] = (byte)next)
        {
            if (next < 0 || length == MaxHeadBytes) throw new SnapshotRefusedException("it has no head");
        }
        using var json = JsonDocument.Parse(Encoding.UTF8.GetString(head[..length]));
        var said = json.RootElement;
        var format = said.GetProperty("format").GetString();
        if (format != Format) throw new SnapshotRefusedException($"its format is {format}");
        return new(format, said.GetProperty("book").GetString()!, said.GetProperty("position").GetInt64(),
            Instant.Parse(said.GetProperty("at").GetString()),
            UInt128.Parse(said.GetProperty("digest").GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            said.GetProperty("last").GetString()!);
    }
}
