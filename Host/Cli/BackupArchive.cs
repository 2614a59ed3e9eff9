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
        catch (Exception wrong) when (wrong is InvalidDataException or EndOfStreamException or FormatException)
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
}
