using System.CommandLine;
using System.Globalization;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>journal backup</c> and <c>journal restore</c>.</summary>
internal static class BackupCommand
{
    private const string BackupAbout = """
        Backs up the files of a journal, also beside a running server. Full segments are copied, and of the last one what
        is durable, up to a whole block; what was copied is read back, and its checksums and roots computed again. A
        manifest, written last, tells book, position, root, time and the SHA-256 of each file. Run again into the same
        folder it copies only what came since, after it has seen that the journal still has the history backed up there.

        Personal text is sealed, and its keys are not in the journal: --keys copies them to a folder of their own, which
        belongs on other media under other hands. A key that was destroyed is destroyed there too by the next run, and the
        list of destroyed keys goes into both folders. Where consumer groups and webhooks stand is part of a backup.

        --to takes a file's name too, one that ends with .tar: the whole backup as one file, made anew each time. Only an
        earlier backup of the same book and history is replaced.

          journal backup --data bank-data/demo --to backups/demo --keys vault/demo
          journal backup --data bank-data/demo --to backups/demo.tar
          journal check --data backups/demo --hashes

        A shared journal is backed up with its store's own tools. Exit codes: 2 folder or file hold something else, or lie
        in the book's own folder; 3 the journal or the earlier backup is damaged, or of another book or history; 4 another
        backup is being made there; 5 no journal; 70 the disk is full or failed: what was backed up before still holds.
        """;

    private const string RestoreAbout = """
        Restores a backup into a new folder, whole or up to a point. Every file's hash, every block's checksum and every
        root is verified on the way. A command is restored with all its events or not at all; a block that holds the point
        is sealed anew behind the last whole command, which changes no root, since the tree is over events.

        --to takes a position, or an engine time such as 2026-01-05T12:00:00Z: the last command at or before it. What the
        bank answered after that point is undone: signed checkpoints, receipts and statements of later positions no longer
        hold. Keys come back with --keys, but for those that the backup, the keys' backup or a list given with --destroyed
        says were destroyed, whichever point is restored. Give it the newest list there is; where BANK_KEYS says that the
        keys lie apart, the list there is taken too, and added to. Consumer groups and webhooks go on where they stood
        when the backup was made, and none beyond the point: they may get events again, and miss none.

          journal restore --from backups/demo --to-folder bank-data/again --keys vault/demo
          journal restore --from backups/demo --to-folder bank-data/noon --to 2026-01-05T12:00:00Z --keys vault/demo

        Exit codes: 2 the folder is not empty; 3 the backup is damaged, named by file and position, or of a newer format;
        5 no backup, or it holds no such point. After a restore that was cut short run the same again.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<string>
        To = Common.Required<string>("--to", "Folder of the backup: missing, empty, or with an earlier one; or a file, *.tar."),
        From = Common.Required<string>("--from", "Folder of the backup, or its file, *.tar."),
        ToFolder = Common.Required<string>("--to-folder", "Folder of the restored book: missing or empty.");
    private static readonly Option<string?>
        KeysTo = Common.Optional<string?>("--keys", "Folder to copy the keys to."),
        KeysFrom = Common.Optional<string?>("--keys", "Folder that the keys were copied to."),
        Point = Common.Optional<string?>("--to", "Last position, or last engine time in UTC; default: all.");
    private static readonly Option<string[]> Destroyed = new("--destroyed")
    {
        Description = $"A newer list of destroyed keys, {DestroyedKeys.FileName}; may be said several times.",
        HelpName = "file",
    };

    public static System.CommandLine.Command Build() =>
        new TaughtCommand("backup", BackupAbout) { Data, To, KeysTo }.AtPlace()
            .Does((parsed, terminal, _) => BackupAsync(parsed, terminal));

    public static System.CommandLine.Command BuildRestore() =>
        new TaughtCommand("restore", RestoreAbout) { From, ToFolder, Point, KeysFrom, Destroyed }
            .Does((parsed, terminal, _) => RestoreAsync(parsed, terminal));

    private static async Task<int> BackupAsync(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, Data);
        if (place.IsShared)
            throw new CommandFailure(
                ExitCodes.Refused, "backup.files_only",
                $"A journal in {place.Journal} is backed up with the store's own tools; 'journal copy' makes files of it.");
        var (folder, to, keys) = (place.Folder, parsed.GetValue(To)!, parsed.GetValue(KeysTo));
        var from = KeyBackup.FolderOf(place);
        if (keys is not null && from is null)
            throw new CommandFailure(
                ExitCodes.Refused, "backup.keys_in_database",
                "The keys lie in PostgreSQL, and are backed up with its own tools: leave out --keys.");
        DemandApart(folder, to, keys);
        using var archive = BackupArchive.IsNamed(to) ? new BackupArchive(to) : null;
        var replaced = archive is null ? null : BackupArchive.Earlier(to);
        to = archive?.Parts ?? to;
        var made = terminal.Progress("Copying", BookFolder.BytesOf(folder), progress =>
            JournalBackup.Make(folder, to, DateTimeOffset.UtcNow, DiskFileLayer.Instance, progress, replaced));
        // After the journal: what is sealed in it was sealed with keys that are there by now.
        var destroyed = KeyBackup.DestroyedOf(place, made.Manifest.Identity);
        var copy = keys is null ? default : KeyBackup.Save(from!, keys, made.Manifest.Identity, destroyed);
        destroyed.Take(DestroyedKeys.Of(to));
        destroyed.WriteTo(to);
        var manifest = made.Manifest;
        var positions = await PositionCopy.BetweenFoldersAsync(folder, to, manifest.Position).ConfigureAwait(false);
        archive?.Pack(parsed.GetValue(To)!);
        terminal.Say($"Book {manifest.Identity.Book}: backed up to position {manifest.Position} in {manifest.Files.Count} "
            + $"segments, of which {Terminal.Number(made.Copied)} bytes are new.");
        terminal.Say(keys is null
            ? "The keys of personal text are not part of it: say --keys to copy them elsewhere."
            : $"{copy.Keys} key files are in {keys}; {copy.Destroyed} were destroyed and are not.");
        return terminal.Done(new()
        {
            ["book"] = manifest.Identity.Book,
            ["from"] = made.From,
            ["position"] = manifest.Position,
            ["block"] = manifest.Block,
            ["root"] = manifest.Root,
            ["recorded_at"] = manifest.RecordedAt,
            ["copied_bytes"] = made.Copied,
            ["positions"] = positions,
            ["keys"] = keys is null ? null : copy.Keys,
            ["keys_destroyed"] = keys is null ? null : copy.Destroyed,
        });
    }

    private static async Task<int> RestoreAsync(ParseResult parsed, Terminal terminal)
    {
        var (from, to) = (parsed.GetValue(From)!, parsed.GetValue(ToFolder)!);
        if (!BackupArchive.IsNamed(from) || !File.Exists(from))
            return await RestoreAsync(parsed, terminal, from).ConfigureAwait(false);
        using var archive = new BackupArchive(to);
        archive.Unpack(from);
        try
        {
            return await RestoreAsync(parsed, terminal, archive.Parts).ConfigureAwait(false);
        }
        catch (JournalException damaged) when (damaged.Backup is not null)
        {
            // What was unpacked goes: the file is what people have.
            throw JournalException.OfBackup(from, damaged.Damages[0]);
        }
    }

    private static async Task<int> RestoreAsync(ParseResult parsed, Terminal terminal, string from)
    {
        var (to, keys) = (parsed.GetValue(ToFolder)!, parsed.GetValue(KeysFrom));
        if (!File.Exists(Path.Combine(to, JournalRestore.Marker)) && Directory.Exists(to)
            && Directory.EnumerateFileSystemEntries(to).Any())
            throw new JournalException(JournalFault.NotEmpty, $"{to} is not empty.");
        var point = PointOf(parsed.GetValue(Point));
        var manifest = BackupManifest.Read(from, DiskFileLayer.Instance);
        var list = keys is null ? DestroyedKeys.Of(from) : ListOf(from, keys);
        foreach (var path in parsed.GetValue(Destroyed) ?? []) list.Take(path);
        var place = BookPlace.InFolder(to) with { Keys = Common.KeysStated() };
        list.Take(KeyBackup.DestroyedOf(place, manifest.Identity));
        var copy = default(KeyCopy);
        var made = terminal.Progress("Restoring", point.Position ?? manifest.Position, progress =>
            JournalRestore.Make(
                from, to, point, DiskFileLayer.Instance,
                () =>
                {
                    KeyBackup.AddDestroyed(place, manifest.Identity, list);
                    if (keys is not null) copy = KeyBackup.Restore(keys, to, manifest.Identity, list);
                },
                progress));
        var positions = await PositionCopy.BetweenFoldersAsync(from, to, made.Position).ConfigureAwait(false);
        return TellRestored(terminal, made, to, keys is null ? null : copy, positions);
    }

    private static int TellRestored(Terminal terminal, RestoreResult made, string to, KeyCopy? keys, int positions)
    {
        terminal.Say($"Book {made.Identity.Book}: restored to position {made.Position} ({made.RecordedAt}) in {to}. "
            + "All hashes, checksums and roots hold.");
        if (made.LeftOut > 0)
            terminal.Say($"{Terminal.Number(made.LeftOut)} later events were left out: checkpoints and receipts of them no "
                + "longer hold.");
        terminal.Say(keys is { } copy
            ? $"{copy.Keys} key files were restored; {copy.Destroyed} had been destroyed and stay so."
            : "No keys were restored: what was sealed stays closed until they are brought back with --keys.");
        if (positions > 0)
            terminal.Say($"{positions} positions of consumers and webhooks are restored, none beyond the end.");
        return terminal.Done(new()
        {
            ["book"] = made.Identity.Book,
            ["position"] = made.Position,
            ["block"] = made.Block,
            ["root"] = made.Root,
            ["recorded_at"] = made.RecordedAt,
            ["left_out"] = made.LeftOut,
            ["resealed"] = made.Resealed,
            ["positions"] = positions,
            ["keys"] = keys?.Keys,
            ["keys_destroyed"] = keys?.Destroyed,
        });
    }

    private static DestroyedKeys ListOf(params string[] folders)
    {
        var list = DestroyedKeys.Of(folders[0]);
        foreach (var path in folders.Skip(1).Select(folder => Path.Combine(folder, DestroyedKeys.FileName)))
        {
            if (File.Exists(path)) list.Take(path);
        }
        return list;
    }

    private static RestorePoint PointOf(string? text)
    {
        if (text is null) return RestorePoint.End;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position > 0)
            return new(Position: position);
        return Instant.TryParse(text, out var time)
            ? new(Time: time)
            : throw new CommandFailure(
                ExitCodes.Usage, "usage", $"{text} is neither a position nor a time such as 2026-01-05T12:00:00Z.");
    }

    private static void DemandApart(string data, string to, string? keys)
    {
        var folders = new[] { data, to, keys }.OfType<string>().Select(RealPath).ToList();
        if (folders.Distinct(StringComparer.Ordinal).Count() < folders.Count)
            throw new CommandFailure(
                ExitCodes.Usage, "usage", "The book, its backup and the backup of its keys are folders of their own.");
        var book = folders[0] + Path.DirectorySeparatorChar;
        if (folders.Find(folder => folder.StartsWith(book, StringComparison.Ordinal)) is { } inside)
            throw new CommandFailure(
                ExitCodes.Refused, "backup.inside_book",
                $"{inside} lies in the book's own folder, and would go where the book goes: say a place elsewhere.");
    }

    /// <summary>Where a path leads, links on the way followed; what is not there yet keeps its name.</summary>
    private static string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent) return full;
        var folder = new DirectoryInfo(Path.Combine(RealPath(parent), Path.GetFileName(full)));
        return folder.Exists && folder.ResolveLinkTarget(returnFinalTarget: true) is { } target
            ? target.FullName
            : folder.FullName;
    }
}
