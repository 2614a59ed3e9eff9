using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>journal copy</c>: a book moves to another store.</summary>
internal static class CopyCommand
{
    private const string About = """
        Copies a whole book from one journal to another: files, PostgreSQL or EventStoreDB, in any direction. Blocks keep
        their bytes and seals. At the end both journals are compared block by block, every root is computed again, and both
        are replayed: root and digest of the state have to be the same.

        It may begin beside the running server: it copies what is durable, again and again, until little is left, and then
        takes the lock or the lead of the source, so that nothing is written meanwhile. Where that is still held it ends
        with exit code 4, having copied all so far; stop the hosts of the source and run the same line again, which goes
        on where it stopped. The source is not changed. Do not start it again once the target is in use.

          journal copy --from file:bank-data/demo --to "postgres:Host=db;Username=bank;Database=bank"
          journal copy --from "postgres:Host=db;Username=bank;Database=bank" --book demo --to file:bank-data/again

        --keys copies the keys of personal text as well, between folders and PostgreSQL. A stream of EventStoreDB holds no
        keys: they lie where BANK_KEYS says, or in the book's folder, and stay or are moved by hand. Without its keys
        sealed text stays closed; bring them along before the target serves. Keys that lie apart, where BANK_KEYS says,
        stay there. The list of destroyed keys, which holds no secrets, is always copied: from beside the source and
        from where BANK_KEYS says, to beside the target and to where BANK_KEYS says. EventStoreDB holds no such list:
        say with BANK_KEYS where its hosts have their keys, a folder of the book's (file:bank-data/demo.cache) too.

        Where consumer groups and webhooks stand is copied between folders and PostgreSQL.

        Exit codes: 1 no such address, or a typing error in one; 2 the target holds another kind of thing, or is named as a backup in one file,
        *.tar; 3 the target holds another book or history, or something is damaged; 4 the source is in use; 5 no source,
        or a backup in one file, to be restored first; 70 a store failed or did not answer.
        """;

    /// <summary>Rounds beside a running server before its lock is asked for; each is shorter than the one before.</summary>
    private const int MaxRounds = 5;

    private static readonly TimeSpan LeadWait = TimeSpan.FromSeconds(8), LeadPause = TimeSpan.FromMilliseconds(250);

    private static readonly Option<string?>
        From = Common.Address("--from", "Address of the source."),
        To = Common.Address("--to", "Address of the target.");
    private static readonly Option<string?> Book = Common.Optional<string?>(
        "--book", "Name of the book, where the source is a store of several; default: " + BookPlace.DefaultBook + ".");
    private static readonly Option<bool> Keys = Common.Optional<bool>(
        "--keys", "Copy the keys of personal text too; not to or from EventStoreDB.");

    public static System.CommandLine.Command Build() =>
        new TaughtCommand("copy", About) { From, To, Book, Keys }
            .Does((parsed, terminal, _) => RunAsync(parsed, terminal));

    private static async Task<int> RunAsync(ParseResult parsed, Terminal terminal)
    {
        var started = Stopwatch.GetTimestamp();
        var book = parsed.GetValue(Book) ?? BookPlace.DefaultBook;
        var (from, to) = (PlaceOf(parsed.GetValue(From)!, book), PlaceOf(parsed.GetValue(To)!, book));
        DemandSense(from, to, parsed.GetValue(Keys));
        JournalIdentity identity;
        using (var beside = OpenToRead(from)) identity = beside.Identity;
        using var target = OpenTarget(to, identity);
        CopyBeside(from, target, terminal);
        using var source = Held.Take(from, target.Tail.Position);
        Append(source.Journal, target, terminal);
        var root = terminal.Progress("Comparing", source.Journal.Tail.Position, progress =>
            JournalCopy.Compare(source.Journal, target, progress));
        var digest = DigestOf(source.Journal, terminal);
        if (DigestOf(target, terminal) is var other && other != digest)
            throw new ReplayMismatchException($"The source's state has the digest {digest}, the target's {other}.");
        source.Demand();
        var destroyed = KeyBackup.MoveDestroyed(from, to, identity);
        var keys = parsed.GetValue(Keys) ? KeyBackup.Move(from, to, identity) : null;
        var positions = await PositionCopy.MoveAsync(from, to, identity, target.Tail.Position).ConfigureAwait(false);
        return Tell(terminal, target, root, digest, (keys, destroyed, positions), Stopwatch.GetElapsedTime(started));
    }

    private static int Tell(
        Terminal terminal, IJournal target, TreeHash root, string digest,
        (KeyCopy? Copied, int? Destroyed, int Positions) keys, TimeSpan time)
    {
        terminal.Say($"Book {target.Identity.Book}: {Terminal.Number(target.Tail.Position)} events in "
            + $"{Terminal.Number(target.Tail.Block)} blocks, the same in both ({Terminal.Seconds(time)} s).");
        terminal.Say($"Root {root}, digest {digest}.");
        terminal.Say(keys.Copied is { } copy
            ? $"{copy.Keys} keys were copied too."
            : "The keys of personal text were not copied: move them before the target serves.");
        terminal.Say(keys.Destroyed is { } listed
            ? $"{listed} destroyed keys are on the target's list too."
            : "The list of destroyed keys was not copied: EventStoreDB holds none. Say with BANK_KEYS where the keys lie.");
        terminal.Say($"{keys.Positions} positions of consumers and webhooks were copied too.");
        return terminal.Done(new()
        {
            ["book"] = target.Identity.Book,
            ["position"] = target.Tail.Position,
            ["block"] = target.Tail.Block,
            ["root"] = root.ToString(),
            ["digest"] = digest,
            ["keys"] = keys.Copied?.Keys,
            ["destroyed_keys"] = keys.Destroyed,
            ["positions"] = keys.Positions,
        });
    }

    private static void DemandSense(BookPlace from, BookPlace to, bool keys)
    {
        if ((from.IsShared && from.Journal == to.Journal)
            || (!from.IsShared && !to.IsShared && Path.GetFullPath(from.Folder) == Path.GetFullPath(to.Folder)))
            throw Usage("Source and target are the same.");
        if (!from.IsShared) BackupArchive.DemandNone(from.Folder);
        if (!to.IsShared && BackupArchive.IsNamed(to.Folder) && !Directory.Exists(to.Folder))
            throw new CommandFailure(
                ExitCodes.Refused, "copy.into_one_file",
                $"A copy on files is a folder, and {Path.GetFullPath(to.Folder)} is the name of a backup in one file: say a "
                + "folder, or make a backup with 'journal backup --to'.");
        if (keys && from.Keys is not null)
            throw new CommandFailure(
                ExitCodes.Refused, "copy.keys_apart",
                "BANK_KEYS says where the keys lie, and there they stay: leave out --keys.");
        if (keys && (from.Journal.Kind == JournalKind.EventStore || to.Journal.Kind == JournalKind.EventStore))
            throw new CommandFailure(
                ExitCodes.Refused, "copy.keys_in_folder",
                "EventStoreDB holds no keys: leave out --keys, and say where they lie with BANK_KEYS.");
    }

    /// <summary>Beside whoever writes: opened anew each round, since a reader of files sees what was durable then.</summary>
    private static void CopyBeside(BookPlace from, IJournal target, Terminal terminal)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            using var source = OpenToRead(from);
            if (Append(source, target, terminal) == 0) return;
        }
    }

    private static long Append(IJournal source, IJournal target, Terminal terminal) =>
        terminal.Progress("Copying", source.Tail.Position, progress => JournalCopy.Append(source, target, progress));

    private static string DigestOf(IJournal journal, Terminal terminal)
    {
        var execution = new Execution(new Bank());
        terminal.Progress("Replaying", journal.Tail.Position, progress =>
            Replay.Run(journal, execution, frontier: null, new(Progress: progress)));
        return execution.Bank.Tables.Digest.ToString("x32", CultureInfo.InvariantCulture);
    }

    private static IJournal OpenToRead(BookPlace place) =>
        place.IsShared ? SharedStores.Open(place.Journal, place.Book) : place.OpenToRead();

    private static IJournal OpenTarget(BookPlace to, JournalIdentity identity)
    {
        try
        {
            return to.IsShared
                ? SharedStores.Create(to.Journal, identity)
                : FileJournal.Create(to.Folder, new(identity), DiskFileLayer.Instance);
        }
        catch (JournalException begun) when (begun.Kind == JournalFault.NotEmpty)
        {
            // Perhaps a copy that was cut short; whose book it is and what it holds is compared before anything is added.
            return to.IsShared
                ? SharedStores.Open(to.Journal, identity.Book)
                : FileJournal.Open(to.Folder, new(identity), DiskFileLayer.Instance);
        }
    }

    private static BookPlace PlaceOf(string address, string book)
    {
        try
        {
            var at = JournalAddress.Parse(address);
            at.Check();
            if (!JournalIdentity.IsBookName(book)) throw new FormatException($"{book} is not a book's name.");
            var place = at.IsShared
                ? new BookPlace(Path.Combine("bank-data", book), at, book)
                : new BookPlace(at.Text, JournalAddress.InFolder, book);
            return place with { Keys = Common.KeysStated() };
        }
        catch (FormatException wrong)
        {
            throw Usage(wrong.Message);
        }
    }

    private static CommandFailure Usage(string why) => new(ExitCodes.Usage, "usage", why);

    /// <summary>A source that nobody else writes to while it is held.</summary>
    private sealed class Held : IDisposable
    {
        private readonly ILead? _lead;
        private readonly Timer? _beat;

        private Held(IJournal journal, ILead? lead)
        {
            (Journal, _lead) = (journal, lead);
            if (lead is not null) _beat = new(_ => lead.Prove(), null, JournalTimes.Beat, JournalTimes.Beat);
        }

        public IJournal Journal { get; }

        /// <param name="copied">Position up to which the target has it, for the one who has to come back.</param>
        public static Held Take(BookPlace place, long copied)
        {
            try
            {
                if (!place.IsShared)
                    return new(
                        FileJournal.Open(
                            place.Folder, new(FileJournal.Identify(place.Folder, DiskFileLayer.Instance)),
                            DiskFileLayer.Instance),
                        null);
                var journal = SharedStores.Open(place.Journal, place.Book);
                try
                {
                    return new(journal, LeadOf(journal));
                }
                catch
                {
                    journal.Dispose();
                    throw;
                }
            }
            catch (JournalException used) when (used.Kind == JournalFault.InUse)
            {
                throw new CommandFailure(
                    ExitCodes.InUse, "copy.source_in_use",
                    $"Copied up to position {copied}, but the source is still written to: stop its hosts, and run the "
                    + $"same again. {used.Message}");
            }
        }

        /// <exception cref="JournalException">Fenced: it was not held all the time.</exception>
        public void Demand()
        {
            if (_lead is not null && !_lead.Prove())
                throw new JournalException(JournalFault.Fenced, "Another host took the source over meanwhile.");
        }

        public void Dispose()
        {
            _beat?.Dispose();
            _lead?.Dispose();
            Journal.Dispose();
        }

        private static ILead LeadOf(ISharedJournal journal)
        {
            for (var since = Stopwatch.GetTimestamp(); ; Thread.Sleep(LeadPause))
            {
                if (journal.TryLead("journal-copy") is { } lead)
                {
                    while (journal.Refresh()) { }
                    return lead;
                }
                if (Stopwatch.GetElapsedTime(since) > LeadWait)
                    throw new JournalException(JournalFault.InUse, $"Another host leads the book {journal.Identity.Book}.");
            }
        }
    }
}
