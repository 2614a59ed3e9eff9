using System.CommandLine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;

namespace BankingEngine.Host.Cli;

/// <summary>Something that events are written to, one by one, after the state has taken them in.</summary>
internal interface IExport
{
    /// <param name="line">The event's line as the journal holds it.</param>
    void Write(ReadOnlySpan<byte> line, in LineHead head, in Recorded recorded);

    /// <summary>Called once, after the last event.</summary>
    void Finish();
}

/// <summary><c>journal export</c>: the journal for other programs.</summary>
internal static class ExportCommand
{
    private const string About = """
        Writes the journal in a form that other programs read. Reads only, so it works beside a running server.

          jsonl    every event's line, byte for byte: what proofs are about
          csv      every leg of every entry, a line each (RFC 4180)
          hledger  a journal for hledger and ledger: every entry a transaction, reservations left out

          journal export --format jsonl | jq -c 'select(.type == "transfer.made.v1")'
          journal export --format csv --out legs.csv --through 120000
          journal export --format hledger --out book.journal --assert && hledger -f book.journal check --strict

        In hledger's convention debits are positive. Accounts are named class:chart:id, as in liabilities:2100:alice;
        client property stands under memorandum. A transaction's second date is that of its value, or of what was
        imported the date in UTC on which it happened: hledger balance --monthly --date2 tells months by it. --assert
        ends the file with every balance that the book itself has, so that hledger compares them with its own; with
        tens of thousands of accounts that makes hledger's check slow.

        Exit codes: 1 --json without --out; 3 damage, or the state is not what it was when live; 5 no journal or
        position.
        """;

    private static readonly Option<string> Data = Common.Data();
    private static readonly Option<string> Format = Common.Required<string>("--format", "jsonl, csv or hledger.");
    private static readonly Option<string?> Out =
        Common.Optional<string?>("--out", "File to write; default: standard output.");
    private static readonly Option<long?> Through =
        Common.Optional<long?>("--through", "Last position to write; default: the end.");
    private static readonly Option<bool> Assert =
        Common.Optional<bool>("--assert", "hledger: end with all balances, as assertions.");

    public static System.CommandLine.Command Build()
    {
        Format.AcceptOnlyFromAmong("jsonl", "csv", "hledger");
        return new TaughtCommand("export", About) { Data, Format, Out, Through, Assert }.AtPlace().Does(Run);
    }

    private static int Run(ParseResult parsed, Terminal terminal)
    {
        var (place, format, path) = (Common.PlaceOf(parsed, Data), parsed.GetValue(Format)!, parsed.GetValue(Out));
        if (path is null && terminal.IsJson)
            throw new CommandFailure(
                ExitCodes.Usage, "usage", "With --json standard output is the answer's: say --out.");
        if (parsed.GetValue(Assert) && format != "hledger")
            throw new CommandFailure(ExitCodes.Usage, "usage", "--assert goes with --format hledger.");
        using var journal = place.OpenToRead();
        var through = BookFolder.Through(journal, parsed.GetValue(Through));
        if (path is null)
        {
            using var standard = Console.OpenStandardOutput();
            Export(journal, format, through, parsed.GetValue(Assert), standard, progress: null);
            return ExitCodes.Done;
        }
        var making = path + ".new";
        terminal.Progress("Exporting", through, progress =>
        {
            using var file = new FileStream(making, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
            Export(journal, format, through, parsed.GetValue(Assert), file, progress);
            return through;
        });
        File.Move(making, path, overwrite: true);
        terminal.Say($"Positions 1 to {through} of book {journal.Identity.Book} are in {path}, as {format}.");
        return terminal.Done(new()
        {
            ["book"] = journal.Identity.Book,
            ["position"] = through,
            ["format"] = format,
            ["file"] = Path.GetFullPath(path),
            ["bytes"] = new FileInfo(path).Length,
        });
    }

    /// <summary>
    /// Replays from the first event and writes each: class, chart and balances are then those of the book itself.
    /// </summary>
    private static void Export(
        IJournal journal, string format, long through, bool assert, Stream to, IProgress<long>? progress)
    {
        var execution = new Execution(new Bank());
        using var text = new StreamWriter(to, bufferSize: 1 << 16) { NewLine = "\n" };
        IExport export = format switch
        {
            "jsonl" => new LinesExport(text),
            "csv" => new CsvExport(text, execution.Bank),
            _ => new HledgerExport(text, execution.Bank, journal.Identity.Book, assert),
        };
        using var reader = journal.Read(1);
        while (reader.MoveNext() && reader.Current.FirstPosition <= through)
        {
            var block = reader.Current;
            for (var i = 0; i < block.Events && block.FirstPosition + i <= through; i++)
            {
                var (head, recorded) = EventLine.Read(block.Line(i));
                execution.Apply(EventLine.StampOf(head, execution.Bank), recorded.Event, recorded.Legs);
                export.Write(block.Line(i), head, recorded);
            }
            progress?.Report(block.LastPosition);
        }
        export.Finish();
    }
}
