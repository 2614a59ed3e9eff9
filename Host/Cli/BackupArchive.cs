using System.Formats.Tar;

namespace BankingEngine.Host.Cli;

/// <summary>A backup as one file: the folder that it would be, as a tar. Its manifest says what each file in it has to
/// be, so nothing in it is believed.</summary>
internal static class BackupArchive
{
    private const string Ending = ".tar", PartsEnding = ".parts";

    public static bool IsNamed(string path) => path.EndsWith(Ending, StringComparison.OrdinalIgnoreCase);

    /// <summary>Folder in which an archive is put together, or taken apart; what an earlier run left there goes.</summary>
    public static string NewParts(string path)
    {
        var parts = Path.TrimEndingDirectorySeparator(path) + PartsEnding;
        Drop(parts);
        return parts;
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
        Application.Journal.DiskFileLayer.Instance.FlushFolder(Path.GetDirectoryName(target)!);
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
        catch (Exception wrong) when (wrong is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new CommandFailure(ExitCodes.Mismatch, "backup.no_archive", $"{path} is no sound archive: {wrong.Message}");
        }
    }

    public static void Drop(string parts)
    {
        if (Directory.Exists(parts)) Directory.Delete(parts, recursive: true);
    }
}
