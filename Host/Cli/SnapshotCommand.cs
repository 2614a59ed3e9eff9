using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Cli;

/// <summary><c>snapshot</c>: a state at a position, made from sealed blocks in a process of its own.</summary>
internal static class SnapshotCommand
{
    public const string Name = "snapshot";

    private const string About = """
        Makes a snapshot of the book's state, so that a start need not replay the whole journal: the newest snapshot and
        the blocks since, up to the last digest that was noted when the book was live. It is kept only if it has that
        digest. Reads only, at low priority, so it works beside a running server, which starts it by itself from time to
        time.

        A snapshot is a cache: deleting it is always safe. The newest two are kept.

          snapshot --data bank-data/demo

        Exit codes: 0 also where no digest was noted since the newest snapshot, so that there is nothing to make;
        3 the journal is damaged, or does not give the state that was noted; 5 no journal.
        """;

    /// <summary>POSIX setpriority(2): a process, and how nice it is; 10 of 19.</summary>
    private const int PriorityOfProcess = 0, Nice = 10;

    private static readonly Option<string> Data = Common.Data();

    public static System.CommandLine.Command Build() => new TaughtCommand(Name, About) { Data }.AtPlace().Does(Run);

    private static int Run(ParseResult parsed, Terminal terminal)
    {
        LowerPriority();
        var place = Common.PlaceOf(parsed, Data);
        var folder = place.Folder;
        using var journal = place.OpenToRead();
        var (end, at) = (journal.Tail.Position, Instant.First);
        var execution = Begin(journal, folder, end, terminal, ref at);
        var from = execution.Position;
        var notes = BookFolder.NotesOf(execution, folder);
        var through = notes.Keys.LastOrDefault(position => position <= end);
        if (through <= from)
        {
            terminal.Say($"No digest was noted after position {from}: there is nothing to make.");
            return terminal.Done(new() { ["made"] = false, ["position"] = from });
        }
        var started = Stopwatch.GetTimestamp();
        at = terminal.Progress("Replaying", through, progress =>
            Replay.Run(journal, execution, frontier: null, new(Through: through, Notes: notes, Progress: progress)));
        var digest = execution.Bank.Tables.Digest;
        // Replay compares at the end of each block only: a note that lies inside one was not compared.
        if (execution.Position != through || digest != notes[through].Digest)
            throw new ReplayMismatchException(
                $"At position {execution.Position} the state has not the digest that was noted at {through}.");
        execution.Resume(execution.Position);
        var path = Snapshots.Save(folder, execution, at, journal);
        var time = Stopwatch.GetElapsedTime(started);
        terminal.Say(
            $"Snapshot {Path.GetFileName(path)}: {Terminal.Number(through - from)} events after position {from}, "
            + $"in {Terminal.Seconds(time)} s; its digest is the one noted when live.");
        return terminal.Done(new()
        {
            ["made"] = true,
            ["position"] = through,
            ["digest"] = digest.ToString("x32", CultureInfo.InvariantCulture),
            ["file"] = Path.GetFileName(path),
            ["bytes"] = new FileInfo(path).Length,
            ["seconds"] = Math.Round(time.TotalSeconds, 3),
        });
    }

    private static Execution Begin(
        IJournal journal, string folder, long end, Terminal terminal, ref Instant at)
    {
        if (Snapshots.Load(folder, end, journal, () => new Bank(), terminal.Say) is not { } loaded) return new(new Bank());
        at = loaded.At;
        return loaded.Execution;
    }

    /// <summary>
    /// The writer comes first. Linux keeps the priority by thread, and a new thread takes that of the one that begins
    /// it, so all there are now are lowered. Where the machine does not allow it, the snapshot is made all the same.
    /// </summary>
    private static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
        {
            foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
                _ = SetPriority(
                    PriorityOfProcess, int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), Nice);
            return;
        }
        using var self = Process.GetCurrentProcess();
        self.PriorityClass = ProcessPriorityClass.BelowNormal;
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetPriority(int which, int who, int priority);
}
