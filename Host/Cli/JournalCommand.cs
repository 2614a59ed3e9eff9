using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>journal check</c> and <c>journal repair</c>; what else a journal is asked has files of its own.</summary>
internal static class JournalCommand
{
    private const string About =
        "Checks, repairs, backs up, restores, copies or exports a journal. No state is built, but where it is said.";

    private const string CheckAbout = """
        Reads every byte of the journal and verifies seals, checksums, numbers and the acked mark; with --hashes the
        hash of every event and the root of every block too. Writes nothing, and works beside a running server: a block
        that is being written then shows as a torn tail, which is no damage.

          journal check --data bank-data/demo --hashes
          journal check --journal "postgres:Host=db;Username=bank;Database=bank" --book demo

        Of a journal that several hosts reach, every block's checksum, numbers and root are verified as the store gives
        them back. Exit codes: 3 damage, each place named by file, line and position; 5 no journal.
        """;

    private const string RepairAbout = """
        Gives up a position and all after it. Nothing is deleted: every byte given up is moved to a folder beside the
        journal's segments, with the snapshots and digests that were made of it. Without --yes it only says what it
        would do.

          journal repair --data bank-data/demo --give-up-from 120001
          journal repair --data bank-data/demo --give-up-from 120001 --yes

        Only files are repaired. A shared journal is restored by its store's own means, or copied anew from a backup.

        Exit codes: 2 not done for want of --yes; 3 there is damage before that position; 4 the book is open elsewhere;
        5 no journal, or no such position.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<bool>
        Hashes = Common.Optional<bool>("--hashes", "Hash every event again and compare every block's root."),
        Yes = Common.Optional<bool>("--yes", "Do it.");
    private static readonly Option<long> GiveUpFrom = Common.Required<long>(
        "--give-up-from",
        "First position to give up; its whole block goes. One past the end accepts the journal as it stands.");

    public static Command Build() => new TaughtCommand("journal", About)
    {
        new TaughtCommand("check", CheckAbout) { Data, Hashes }.AtPlace().Does(Check),
        new TaughtCommand("repair", RepairAbout) { Data, GiveUpFrom, Yes }.AtPlace().Does((parsed, terminal, _) => RepairAsync(parsed, terminal)),
        BackupCommand.Build(),
        BackupCommand.BuildRestore(),
        CopyCommand.Build(),
        ExportCommand.Build(),
    };

    private static int Check(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, Data);
        if (place.IsShared) return CheckShared(place, terminal);
        var folder = place.Folder;
        var started = Stopwatch.GetTimestamp();
        var check = terminal.Progress("Checking", BookFolder.BytesOf(folder), progress =>
            FileJournal.Check(folder, DiskFileLayer.Instance, progress is null ? null : new Sum(progress)));
        var result = new JsonObject
        {
            ["book"] = check.Identity?.Book,
            ["blocks"] = check.Block,
            ["position"] = check.Position,
            ["torn_events"] = check.Torn?.Events ?? 0,
            ["damages"] = new JsonArray([.. check.Damages.Select(JsonOf)]),
        };
        foreach (var damage in check.Damages) terminal.Say(damage.ToString());
        if (check.Torn is { } torn)
            terminal.Say(
                $"{torn.File} (byte {torn.Offset}): {torn.Bytes} bytes behind the last block, torn or being written.");
        if (check.Damages.Count > 0)
        {
            terminal.Say($"{check.Damages.Count} places are damaged; "
                + $"what lies before position {FirstDamage(check)} can be vouched for.");
            return terminal.Done(result, ExitCodes.Mismatch);
        }
        if (parsed.GetValue(Hashes)) result["root"] = RootOf(folder, terminal);
        terminal.Say($"Book {check.Identity!.Book}: {Terminal.Number(check.Position)} events in "
            + $"{Terminal.Number(check.Block)} blocks, all sound "
            + $"({Terminal.Seconds(Stopwatch.GetElapsedTime(started))} s).");
        return terminal.Done(result);
    }

    /// <summary>The reader verifies checksums and numbers of what the store gives back, the walk every root.</summary>
    private static int CheckShared(BookPlace place, Terminal terminal)
    {
        var started = Stopwatch.GetTimestamp();
        using var journal = SharedStores.Open(place.Journal, place.Book);
        var root = RootOf(journal, terminal);
        terminal.Say($"Book {journal.Identity.Book}: {Terminal.Number(journal.Tail.Position)} events in "
            + $"{Terminal.Number(journal.Tail.Block)} blocks, all sound "
            + $"({Terminal.Seconds(Stopwatch.GetElapsedTime(started))} s).");
        return terminal.Done(new()
        {
            ["book"] = journal.Identity.Book,
            ["blocks"] = journal.Tail.Block,
            ["position"] = journal.Tail.Position,
            ["damages"] = new JsonArray(),
            ["root"] = root,
        });
    }

    private static string RootOf(string folder, Terminal terminal)
    {
        using var journal = FileJournal.OpenReadOnly(folder, DiskFileLayer.Instance);
        return RootOf(journal, terminal);
    }

    /// <summary>Every event's hash computed again, and every block's root compared.</summary>
    private static string RootOf(IJournal journal, Terminal terminal)
    {
        var frontier = new MerkleFrontier();
        terminal.Progress("Hashing", journal.Tail.Position, progress =>
        {
            BlockHashes.Walk(journal, leaves => frontier.Append(leaves.Span), frontier.Root, progress);
            return frontier.Size;
        });
        terminal.Say($"Every hash was computed again; the root of {frontier.Size} events is {frontier.Root()}.");
        return frontier.Root().ToString();
    }

    private static async Task<int> RepairAsync(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, Data);
        if (place.IsShared)
            throw new CommandFailure(
                ExitCodes.Refused, "repair.files_only",
                $"A journal in {place.Journal} is not repaired here: restore it by the store's own means, or copy it anew "
                + "from a sound journal with 'journal copy'.");
        var folder = place.Folder;
        var from = parsed.GetValue(GiveUpFrom);
        var check = FileJournal.Check(folder, DiskFileLayer.Instance);
        if (from < 1 || (check.Damages.Count == 0 && from > check.Position + 1))
            throw new CommandFailure(
                ExitCodes.NotFound, "position.beyond_end", $"The journal ends at position {check.Position}.");
        if (!parsed.GetValue(Yes))
            throw new CommandFailure(ExitCodes.Refused, "repair.not_confirmed",
                $"Positions {from} to {check.Position} would be given up, "
                + "with whatever else their first block holds. Say --yes to do it.");
        var given = FileJournal.Repair(folder, from, DateTimeOffset.UtcNow, DiskFileLayer.Instance);
        SetAsideCaches(folder, given);
        // Other events come behind the end: whoever had seen those that are gone must not pass them over.
        await PositionCopy.BetweenFoldersAsync(folder, folder, given.FromPosition - 1).ConfigureAwait(false);
        terminal.Say($"The journal now ends at position {given.FromPosition - 1}. "
            + $"{given.Bytes} bytes were moved to {given.MovedTo}.");
        return terminal.Done(new()
        {
            ["from"] = given.FromPosition,
            ["position"] = given.FromPosition - 1,
            ["moved_to"] = given.MovedTo,
            ["bytes"] = given.Bytes,
        });
    }

    /// <summary>
    /// A snapshot or digest of what was given up would be taken for one of the events that come to stand there instead.
    /// The tree is cut when the book is opened, before anything can stand there.
    /// </summary>
    private static void SetAsideCaches(string folder, JournalRepairResult given)
    {
        var notes = Path.Combine(folder, DigestNotes.FileName);
        if (File.Exists(notes)) File.Move(notes, Path.Combine(given.MovedTo, DigestNotes.FileName), overwrite: true);
        foreach (var path in Snapshots.Newest(folder))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (!long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                || position >= given.FromPosition)
                File.Move(path, Path.Combine(given.MovedTo, Path.GetFileName(path)), overwrite: true);
        }
    }

    private static long FirstDamage(JournalCheck check) =>
        check.Damages.Min(damage => damage.Position) ?? check.Position + 1;

    private static JsonNode JsonOf(JournalDamage damage) => new JsonObject
    {
        ["file"] = damage.File,
        ["line"] = damage.Line,
        ["offset"] = damage.Offset,
        ["position"] = damage.Position,
        ["what"] = damage.What,
    };

    /// <summary>The check tells the bytes of each block, the bar wants those of all.</summary>
    private sealed class Sum(IProgress<long> all) : IProgress<long>
    {
        private long _sum;

        public void Report(long value) => all.Report(_sum += value);
    }
}
