using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BankingEngine.Application.Journal;

/// <summary>One file of a backup.</summary>
/// <param name="File">Path below the backup's folder.</param>
/// <param name="Bytes">So many from its start belong to the backup; more are of a run that did not end.</param>
/// <param name="Sha256">Of these bytes, 64 hexadecimal figures.</param>
public sealed record BackupFile(string File, long Bytes, string Sha256);

/// <summary>What a backup holds: written last, whole or not at all, so it never tells of what is not there.</summary>
/// <param name="Block">Number of its last block; 0 where the book had none.</param>
/// <param name="Position">Of its last event.</param>
/// <param name="Root">Of the tree over all its events, 64 hexadecimal figures.</param>
/// <param name="Seal">Checksum of the last block's seal.</param>
/// <param name="RecordedAt">Engine time of its last event; null where there is none.</param>
/// <param name="MadeAt">When the run ended that made it so.</param>
/// <param name="Tree">The tree's right edge, with which the next run goes on verifying.</param>
/// <param name="Files">Segments in their order.</param>
public sealed record BackupManifest(
    JournalIdentity Identity, long Block, long Position, string Root, uint Seal, string? RecordedAt,
    DateTimeOffset MadeAt, ReadOnlyMemory<byte> Tree, IReadOnlyList<BackupFile> Files)
{
    public const string FileName = "manifest.json", Format = "bankingengine.backup.v1";

    /// <summary>A line for each segment of 256 MiB: what is longer is no manifest.</summary>
    public const long MaxBytes = 64L * 1024 * 1024;

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true };

    /// <summary>Of a backup that is being begun.</summary>
    internal static BackupManifest Begun(JournalIdentity identity, DateTimeOffset at) => new(
        identity, 0, 0, Convert.ToHexStringLower(JournalTail.EmptyRoot.Span), 0, null, at,
        new Tree.MerkleFrontier().Save(), []);

    /// <summary>What a folder holds a backup of.</summary>
    /// <exception cref="JournalException">NotFound: there is none; Damaged or NewerFormat.</exception>
    public static BackupManifest Read(string folder, IFileLayer files)
    {
        ArgumentNullException.ThrowIfNull(files);
        try
        {
            return TryRead(folder, files)
                ?? throw new JournalException(JournalFault.NotFound, $"There is no backup in {folder}.");
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, $"The backup in {folder} could not be read");
        }
    }

    /// <returns>Null where there is no manifest.</returns>
    internal static BackupManifest? TryRead(string folder, IFileLayer files)
    {
        var path = Path.Combine(folder, FileName);
        if (!files.Exists(path)) return null;
        using var file = files.Open(path, FileAccess.Read);
        if (file.Length > MaxBytes) throw Damaged(folder, "it is longer than any manifest");
        var content = new byte[file.Length];
        return Parse(content.AsSpan(0, file.Read(content, 0)), folder);
    }

    /// <summary>Reads a manifest that was found elsewhere than in a folder.</summary>
    /// <param name="path">Where the backup lies, folder or file.</param>
    /// <exception cref="JournalException">Damaged or NewerFormat.</exception>
    public static BackupManifest Parse(ReadOnlySpan<byte> content, string path)
    {
        try
        {
            return Parse(JsonNode.Parse(content)!);
        }
        catch (Exception wrong) when (wrong is JsonException or FormatException or InvalidOperationException
            or NullReferenceException or ArgumentException or OverflowException)
        {
            throw Damaged(path, "it is not a manifest");
        }
    }

    internal byte[] Render() => JsonSerializer.SerializeToUtf8Bytes(
        new JsonObject
        {
            ["backup"] = Format,
            ["book"] = Identity.Book,
            ["genesis"] = Convert.ToHexStringLower(Identity.Genesis.Span),
            ["block"] = Block,
            ["position"] = Position,
            ["root"] = Root,
            ["seal"] = Seal.ToString("x8", CultureInfo.InvariantCulture),
            ["recorded_at"] = RecordedAt,
            ["made_at"] = MadeAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["tree"] = Convert.ToBase64String(Tree.Span),
            ["files"] = new JsonArray([.. Files.Select(file => (JsonNode)new JsonObject
            {
                ["file"] = file.File,
                ["bytes"] = file.Bytes,
                ["sha256"] = file.Sha256,
            })]),
        },
        Readable);

    /// <summary>A backup's file that does not say what was backed up.</summary>
    /// <param name="backup">Where the backup lies.</param>
    internal static JournalException Damaged(
        string backup, string what, string file = FileName, long? position = null) =>
        JournalException.OfBackup(backup, new(file, 0, 0, position, what));

    private static BackupManifest Parse(JsonNode said)
    {
        var format = (string)said["backup"]!;
        if (format != Format)
        {
            throw format.StartsWith("bankingengine.backup.", StringComparison.Ordinal)
                ? new JournalException(JournalFault.NewerFormat, $"The backup is of the format {format}.")
                : new FormatException();
        }
        var manifest = new BackupManifest(
            new((string)said["book"]!, Convert.FromHexString((string)said["genesis"]!)),
            (long)said["block"]!, (long)said["position"]!, (string)said["root"]!,
            uint.Parse((string)said["seal"]!, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            (string?)said["recorded_at"],
            DateTimeOffset.Parse((string)said["made_at"]!, CultureInfo.InvariantCulture),
            Convert.FromBase64String((string)said["tree"]!),
            [
                .. said["files"]!.AsArray().Select(file =>
                    new BackupFile((string)file!["file"]!, (long)file["bytes"]!, (string)file["sha256"]!)),
            ]);
        // A name that leads elsewhere would be read or written outside the backup.
        for (var i = 0; i < manifest.Files.Count; i++)
        {
            if (manifest.Files[i].File != JournalFolder.Shown(i + 1) || manifest.Files[i].Bytes < 1)
                throw new FormatException();
        }
        var edge = Journal.Tree.MerkleFrontier.Load(manifest.Tree.Span);
        return edge.Size == manifest.Position && edge.Root().ToString() == manifest.Root
            ? manifest
            : throw new FormatException();
    }
}
