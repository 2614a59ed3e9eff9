using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;

namespace BankingEngine.Host.Cli;

/// <summary><c>replay</c>: the state out of nothing but the journal.</summary>
internal static class ReplayCommand
{
    private const string About = """
        Applies the journal's events to an empty state and tells the digest of what results. Reads only, so it works
        beside a running server, whose digest at the same position has to be the same. The last line is the
        position and the digest there, as serve says them when it ends.

        On the way the digest is compared with those noted when the book was live; with --verify every event is hashed
        again too, and every block's root compared. The first block where they part is named.

          replay --data bank-data/demo --verify
          replay --data bank-data/demo --through 120000 --json
          replay --data bank-data/demo --from-snapshot

        Exit codes: 3 a digest, root or checksum does not hold; 5 no journal, or no such position.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<bool>
        Verify = Common.Optional<bool>("--verify", "Hash every event again and compare every block's root."),
        FromSnapshot =
            Common.Optional<bool>("--from-snapshot", "Begin with the newest usable snapshot instead of nothing.");
    private static readonly Option<long?> Through =
        Common.Optional<long?>("--through", "Last position to apply; default: the end.");

    public static System.CommandLine.Command Build() =>
        new TaughtCommand("replay", About) { Data, Verify, FromSnapshot, Through }.AtPlace().Does(Run);

    private static int Run(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, Data);
        var folder = place.Folder;
        var verify = parsed.GetValue(Verify);
        if (verify && parsed.GetValue(FromSnapshot))
            throw new CommandFailure(
                ExitCodes.Usage, "usage", "--verify hashes from the first event: leave out --from-snapshot.");
        using var journal = place.OpenToRead();
        var through = BookFolder.Through(journal, parsed.GetValue(Through));
        var execution = parsed.GetValue(FromSnapshot)
            ? FromNewest(journal, folder, through, terminal)
            : new Execution(new Bank());
        var from = execution.Position;
        var notes = BookFolder.NotesOf(execution, folder);
        var frontier = verify ? new MerkleFrontier() : null;
        var started = Stopwatch.GetTimestamp();
        terminal.Progress("Replaying", through, progress =>
            Replay.Run(journal, execution, frontier, new(verify, through, notes, progress)));
        var time = Stopwatch.GetElapsedTime(started);
        return Tell(
            terminal, journal, execution, from, time, frontier,
            notes.Keys.Count(position => position > from && position <= through));
    }

    private static Execution FromNewest(IJournal journal, string folder, long through, Terminal terminal)
    {
        if (Snapshots.Load(folder, through, journal, () => new Bank(), terminal.Say) is { } loaded) return loaded.Execution;
        terminal.Say("No usable snapshot: replaying from the start.");
        return new(new Bank());
    }

    private static int Tell(
        Terminal terminal, IJournal journal, Execution execution, long from, TimeSpan time,
        MerkleFrontier? frontier, int compared)
    {
        var events = execution.Position - from;
        var digest = execution.Bank.Tables.Digest.ToString("x32", CultureInfo.InvariantCulture);
        terminal.Say(
            $"Book {journal.Identity.Book}: {Terminal.Number(events)} events after position {Terminal.Number(from)}, "
            + $"in {Terminal.Seconds(time)} s ({Terminal.Number(Terminal.Rate(events, time))} a second).");
        var root = frontier is null ? null : Convert.ToBase64String(frontier.Root().ToArray());
        if (frontier is not null)
        {
            terminal.Say($"Every hash was computed again; the root of {Terminal.Number(frontier.Size)} events is");
            terminal.Say($"  {frontier.Root()}, which is");
            terminal.Say($"  {root} in base64, as checkpoints have it.");
        }
        terminal.Say(compared switch
        {
            0 => "No digest was noted here when the book was live: compare with what serve said when it ended.",
            1 => "The one digest noted when the book was live agrees.",
            _ => $"All {Terminal.Number(compared)} digests noted when the book was live agree.",
        });
        terminal.Say($"Position {execution.Position}, digest {digest}.");
        return terminal.Done(new()
        {
            ["book"] = journal.Identity.Book,
            ["position"] = execution.Position,
            ["digest"] = digest,
            ["events"] = events,
            ["seconds"] = Math.Round(time.TotalSeconds, 3),
            ["events_per_second"] = Terminal.Rate(events, time),
            ["digests_compared"] = compared,
            ["verified"] = frontier is not null,
            ["root"] = frontier?.Root().ToString(),
            ["root_base64"] = root,
        });
    }
}
