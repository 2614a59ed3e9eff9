using System.Formats.Tar;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Cli;

/// <summary>A backup as one file: the folder that it would be, as a tar. Its manifest says what each file in it has to
/// be, so nothing in it is believed.</summary>
internal static class BackupArchive
{
    private const string Ending = ".tar", PartsEnding = ".parts";

    public static bool IsNamed(string path) => path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase);

    /// <summary>Says of a backup in one file that it is no book that can be read, nor written, where it lies.</summary>
    /// <exception cref="CommandFailure">NotFound: there is such a file.</exception>
    public static void DemandNone(string folder)
    {
        if (IsNamed(folder) && File.Exists(folder))
            throw new CommandFailure(
                ExitCodes.NotFound, "journal.in_one_file",
                $"{Path.GetFullPath(folder)} is a backup in one file: restore it first, with 'journal restore --from {folder} "
                + "--to-folder <folder>', and say that folder.");
    }

    /// <summary>Folder in which an archive is put together, or taken apart; what an earlier run left there goes.</summary>
    public static string NewParts(string path)
    {
        var parts = Path.TrimEndingDirectorySeparator(path) + PartsEnding;
        Drop(parts);
        return parts;
    }

    /// <summary>The backup that a new one of this name would replace; null where there is none.</summary>
    /// <exception cref="JournalException">NotEmpty: something else lies there; Damaged or NewerFormat: its manifest.
    /// </exception>
    public static ReplacedBackup? Earlier(string path)
    {
        var full = Path.GetFullPath(path);
        if (!Path.Exists(full)) return null;
        try
        {
            if (File.Exists(full) && ManifestOf(full) is { } content) return new(full, BackupManifest.Parse(content, full));
        }
        catch (Exception wrong) when (IsNoArchive(wrong))
        {
            throw NoBackup(full, wrong);
        }
        throw NoBackup(full, null);
    }

    /// <summary>Makes the archive of a folder, which then goes. The archive has its name only when it is on the disk.
    /// </summary>
    public static void Pack(string parts, string path)
    {
        var target = Path.GetFullPath(path);
        using (var file = new FileStream(target + ".new", FileMode.Create, FileAccess.Write))
        {
            TarFile.CreateFromDirectory(parts, file, includeBaseDirectory: false);
            file.Flush(flushToDisk: true);
        }
        File.Move(target + ".new", target, overwrite: true);
        DiskFileLayer.Instance.FlushFolder(Path.GetDirectoryName(target)!);
        Drop(parts);
    }

    /// <exception cref="CommandFailure">It is no archive.</exception>
    public static void Unpack(string path, string parts)
    {
        Directory.CreateDirectory(parts);
        try
        {
            TarFile.ExtractToDirectory(path, parts, overwriteFiles: false);
        }
        catch (Exception wrong) when (IsNoArchive(wrong))
        {
            throw new CommandFailure(ExitCodes.Mismatch, "backup.no_archive", $"{path} is no sound archive: {wrong.Message}");
        }
    }

    public static void Drop(string parts)
    {
        if (Directory.Exists(parts)) Directory.Delete(parts, recursive: true);
    }

    private static byte[]? ManifestOf(string path)
    {
        using var file = File.OpenRead(path);
        using var archive = new TarReader(file);
        while (archive.GetNextEntry() is { } entry)
        {
            if (entry.Name is not (BackupManifest.FileName or "./" + BackupManifest.FileName)) continue;
            if (entry.DataStream is not { Length: <= BackupManifest.MaxBytes } data) return null;
            var content = new byte[data.Length];
            data.ReadExactly(content);
            return content;
        }
        return null;
    }

    private static bool IsNoArchive(Exception wrong) =>
        wrong is InvalidDataException or EndOfStreamException or FormatException;

    private static JournalException NoBackup(string path, Exception? why) => new(
        JournalFault.NotEmpty, $"{path} is there and is no backup in one file: it is not replaced. Say another name.", why);
}
