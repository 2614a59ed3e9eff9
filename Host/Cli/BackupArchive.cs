using System.Formats.Tar;
using BankingEngine.Application.Journal;

namespace BankingEngine.Host.Cli;

/// <summary>A backup as one file: the folder that it would be, as a tar. Its manifest says what each file in it has to
/// be, so nothing in it is believed.</summary>
/// <remarks>It is put together, or taken apart, in a folder beside, by one run at a time: another would pack what is half
/// copied. No book's name has the folder's ending.</remarks>
internal sealed class BackupArchive : IDisposable
{
    private const string Ending = ".tar", PartsEnding = "~parts";

    private readonly string _lock;
    private readonly IFile _held;

    /// <summary>The folder; what an earlier run left there is gone.</summary>
    public string Parts { get; }

    /// <param name="path">Beside which the folder is.</param>
    /// <exception cref="JournalException">InUse: another run is at it.</exception>
    public BackupArchive(string path)
    {
        Parts = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) + PartsEnding;
        _lock = Parts + ".lock";
        Directory.CreateDirectory(Path.GetDirectoryName(Parts)!);
        _held = DiskFileLayer.Instance.TryLock(_lock)
            ?? throw new JournalException(JournalFault.InUse, $"Another run is at {Parts}.");
        Drop();
    }

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

    /// <summary>Makes the archive of the folder. It has its name only when it is on the disk.</summary>
    public void Pack(string path)
    {
        var target = Path.GetFullPath(path);
        using (var file = new FileStream(target + ".new", FileMode.Create, FileAccess.Write))
        {
            TarFile.CreateFromDirectory(Parts, file, includeBaseDirectory: false);
            file.Flush(flushToDisk: true);
        }
        File.Move(target + ".new", target, overwrite: true);
        DiskFileLayer.Instance.FlushFolder(Path.GetDirectoryName(target)!);
    }

    /// <exception cref="CommandFailure">It is no archive, or holds what no backup does.</exception>
    public void Unpack(string path)
    {
        Directory.CreateDirectory(Parts);
        try
        {
            using var file = File.OpenRead(path);
            using var archive = new TarReader(file);
            while (archive.GetNextEntry() is { } entry) Take(entry);
        }
        catch (Exception wrong) when (IsNoArchive(wrong))
        {
            throw new CommandFailure(ExitCodes.Mismatch, "backup.no_archive", $"{path} is no sound archive: {wrong.Message}");
        }
    }

    public void Dispose()
    {
        Drop();
        // While it is held: whoever comes next makes his own.
        File.Delete(_lock);
        _held.Dispose();
    }

    /// <summary>Files and folders alone: a link leads elsewhere, and a pipe keeps whoever opens it waiting.</summary>
    private void Take(TarEntry entry)
    {
        if (entry.EntryType is TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes) return;
        var target = Path.GetFullPath(Path.Combine(Parts, entry.Name));
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)
            || !target.StartsWith(Parts + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            || Path.Exists(target))
            throw new InvalidDataException($"it holds {entry.Name}, which is no file of a backup.");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        entry.ExtractToFile(target, overwrite: false);
    }

    private void Drop()
    {
        if (Directory.Exists(Parts)) Directory.Delete(Parts, recursive: true);
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
