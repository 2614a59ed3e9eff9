using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Command = System.CommandLine.Command;

namespace BankingEngine.Host.Cli;

/// <summary><c>import</c>: books what already happened elsewhere.</summary>
internal static class ImportCommand
{
    private const string About = """
        Books what already happened elsewhere: customers with their opening balances, against the account
        bank:migration, and their payments with the times at which they were made.

        What happened is not refused for lack of funds: it is booked, the leg says which limit it went beyond, and the
        report counts those. All of it is booked on the book's business date of today, as late bookings are; when it
        happened stands in each event's 'originated', and in the second date of journal export --format hledger.

        What could never be booked (an account paying itself, a malformed line) is refused by name. Every line is one
        command under an id of its own, so a second run of the same files changes nothing and says so; the book has to
        remember at least as many ids as the files have lines.

        Format amlsim: a folder with nodes.csv (nodeid, init_balance) and transactions.csv (sourceNodeId, targetNodeId,
        value, time), time in days from --start. Node 7 becomes account aml:7, a deposit that may not be overdrawn.

          import amlsim --data bank-data/demo --from 20K_cycle200 --asset USD --start 2026-01-01

        The book must not be open elsewhere. The commands are those of a key 'import', made when it is missing with a
        secret that nobody has, or of the key named with --as.

        Exit codes: 0 also where lines were refused; 2 the import cannot begin or go on; 3 the trial balance is not zero
        afterwards; 4 the book is open elsewhere; 5 no book, folder, file or key.
        """;

    /// <summary>Refused lines that are shown to people; with --json all are given.</summary>
    private const int ShownRefusals = 20;

    private static readonly Argument<string> Format =
        new("format") { Description = "What the files are: amlsim.", HelpName = "format" };
    private static readonly Option<string>
        Data = Common.Data(),
        From = Common.Required<string>("--from", "Folder of the files."),
        Asset = Common.Required<string>("--asset", "Asset that the amounts are of; the files do not say."),
        Start = Common.Required<string>("--start", "Date of day 0, such as 2026-01-01."),
        As = new("--as") { Description = "Key whose commands these are.", DefaultValueFactory = _ => "import" };

    public static Command Build()
    {
        Format.AcceptOnlyFromAmong(AmlSimSource.Format);
        return new TaughtCommand("import", About) { Format, Data, From, Asset, Start, As }.AtPlace()
            .Does((parsed, terminal, _) => RunAsync(parsed, terminal));
    }

    private static async Task<int> RunAsync(ParseResult parsed, Terminal terminal)
    {
        if (!AssetCode.TryParse(parsed.GetValue(Asset), out var asset))
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{parsed.GetValue(Asset)} is not an asset's code.");
        if (!BusinessDate.TryParse(parsed.GetValue(Start), out var start) || start.Day < 0)
            throw new CommandFailure(
                ExitCodes.Usage, "usage", $"{parsed.GetValue(Start)} is not a date of 1970 or later.");
        var source =
            new AmlSimSource(parsed.GetValue(From)!, asset, new(start.Day * 86_400L * Instant.MicrosecondsPerSecond));
        using var running = await BookFolder.OpenAsync(Common.PlaceOf(parsed, Data)).ConfigureAwait(false);
        var engine = running.Engine;
        var genesis = await engine.ReadAsync((bank, _) => bank.Book.Genesis).ConfigureAwait(false);
        if (genesis.IdMemory < source.Rows)
            throw new CommandFailure(ExitCodes.Refused, "import.memory_too_small",
                $"The book remembers {genesis.IdMemory} ids and "
                + $"the files have {source.Rows} lines: a second run could book twice.");
        var row = await engine.ReadAsync((bank, _) => bank.Ledger.Tables.Assets.Find(asset)).ConfigureAwait(false);
        if (row < 0)
            throw new CommandFailure(
                ExitCodes.NotFound, LedgerRejections.AssetUnknown.Code, $"The book knows no asset {asset}.");
        var caller = await CallerAsync(engine, parsed.GetValue(As)!).ConfigureAwait(false);

        var before = engine.DurablePosition;
        var run = terminal.Progress("Importing", source.Rows, progress =>
        {
            var importing = new ImportRun(engine, caller, source.Terms, progress);
            SendAllAsync(importing, source).GetAwaiter().GetResult();
            return importing;
        });
        return await TellAsync(terminal, engine, run, asset, before).ConfigureAwait(false);
    }

    private static async Task SendAllAsync(ImportRun run, AmlSimSource source)
    {
        await run.SendAsync(source.Accounts()).ConfigureAwait(false);
        // An account that was there already is not one that this import opened, or the book has forgotten that it did.
        var taken = run.Tally.Refused.FirstOrDefault(refused => refused.Code == AccountRejections.AlreadyExists.Code);
        if (taken.Code is not null)
            throw new CommandFailure(ExitCodes.Refused, "import.account_taken",
                $"{taken.Item} names an account that is there but not from this import. No transfer was booked.");
        await run.SendAsync(source.Transfers()).ConfigureAwait(false);
    }

    /// <summary>The key whose commands these are.</summary>
    private static async Task<Caller> CallerAsync(BookEngine engine, string name)
    {
        const Scopes needed = Scopes.Accounts | Scopes.Import;
        if (!Tag.TryParse(Encoding.UTF8.GetBytes(name), out var id))
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{name} is not a key's id.");
        var number = await engine.ReadAsync((bank, _) => bank.Keys.Rows.Find(id)).ConfigureAwait(false);
        if (number < 0)
        {
            if (name != "import")
                throw new CommandFailure(ExitCodes.NotFound, Keys.NotFound.Code, $"The book has no key {name}.");
            ApiKeys.NewToken(id, out var high, out var low);
            await BookFolder.SendAsync(engine, new IssueKey(id, high, low, needed, null), "key.issue")
                .ConfigureAwait(false);
            number = await engine.ReadAsync((bank, _) => bank.Keys.Rows.Find(id)).ConfigureAwait(false);
        }
        var no = await engine.ReadAsync((bank, at) => bank.Keys.Authorise(number, needed, at.Now))
            .ConfigureAwait(false);
        return no is null
            ? new(number, id, needed)
            : throw new CommandFailure(ExitCodes.Refused, no.Code, $"Key {name}: {no.Why}");
    }

    private static async Task<int> TellAsync(
        Terminal terminal, BookEngine engine, ImportRun run, AssetCode code, long before)
    {
        var (tally, time) = (run.Tally, run.Sending);
        var trial = await TrialBalance.OfAsync(engine).ConfigureAwait(false);
        var (digest, position, asset) = await engine.ReadAsync((bank, at) =>
            (bank.Tables.Digest.ToString("x32", CultureInfo.InvariantCulture), at.Position - 1,
                bank.Ledger.Tables.Assets[bank.Ledger.Tables.Assets.Find(code)].Asset)).ConfigureAwait(false);
        var events = engine.DurablePosition - before;
        string Money(Int128 minor) => $"{TrialBalance.Text(asset, minor)} {code}";
        terminal.Say(tally.Repeated == tally.Rows
            ? "Every line was imported before; nothing changed. What the first run did:"
            : $"{Terminal.Number(tally.Rows)} lines read, {Terminal.Number(tally.Repeated)} of them imported before; "
                + $"{Terminal.Number(events)} events in {Terminal.Seconds(time)} s "
                + $"({Terminal.Number(Terminal.Rate(events, time))} a second).");
        terminal.Say($"{Terminal.Number(tally.AccountsOpened)} accounts opened, with {Money(tally.OpenedWith)}; "
            + $"{Terminal.Number(tally.Transfers)} transfers booked, of {Money(tally.Transferred)}.");
        terminal.Say($"{Terminal.Number(tally.BeyondLimits)} of them limits would have refused; "
            + $"{Terminal.Number(tally.Diverted)} went to suspense; {Terminal.Number(tally.Refused.Count)} lines were "
            + "refused:");
        foreach (var (item, why) in tally.Refused.Take(ShownRefusals)) terminal.Say($"  {item}: {why}");
        if (tally.Refused.Count > ShownRefusals)
            terminal.Say($"  and {tally.Refused.Count - ShownRefusals} more; --json lists them all.");
        trial.Tell(terminal);
        terminal.Say(trial.IsZero ? "The trial balance is zero." : "The trial balance is not zero.");
        terminal.Say($"Position {position}, digest {digest}.");
        var result = ResultOf(tally, asset, events, time);
        result["trial_balance"] = trial.ToJson();
        result["trial_balance_is_zero"] = trial.IsZero;
        result["position"] = position;
        result["digest"] = digest;
        var overdrawn =
            trial.Lines.FirstOrDefault(line => line.Asset.Code == code && line.Class == AccountClass.Liability);
        result["overdrawn_accounts"] = overdrawn?.Contrary ?? 0;
        result["overdrawn_sum"] = TrialBalance.Text(asset, overdrawn?.Debits ?? 0);
        return terminal.Done(result, trial.IsZero ? ExitCodes.Done : ExitCodes.Mismatch);
    }

    private static JsonObject ResultOf(ImportTally tally, Asset asset, long events, TimeSpan time) => new()
    {
        ["asset"] = asset.Code.ToString(),
        ["rows"] = tally.Rows,
        ["imported_before"] = tally.Repeated,
        ["changed"] = events > 0,
        ["accounts_opened"] = tally.AccountsOpened,
        ["opening_balances"] = tally.Openings,
        ["opening_sum"] = TrialBalance.Text(asset, tally.OpenedWith),
        ["transfers_booked"] = tally.Transfers,
        ["transfer_sum"] = TrialBalance.Text(asset, tally.Transferred),
        ["beyond_limits"] = tally.BeyondLimits,
        ["diverted"] = tally.Diverted,
        ["refused"] = new JsonArray([.. tally.Refused.Select(refused =>
            (JsonNode)new JsonObject { ["row"] = refused.Item.ToString(), ["code"] = refused.Code })]),
        ["events"] = events,
        ["seconds"] = Math.Round(time.TotalSeconds, 3),
        ["events_per_second"] = Terminal.Rate(events, time),
    };
}
