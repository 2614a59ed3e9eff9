using System.Numerics;
using System.Text;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;
using BankingEngine.Specs.Engine.Journal;
using Npgsql;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>What whoever reads the database finds there, row by row, is what the program's own reports say.</summary>
public sealed class TableReportsSpecs
{
    private static readonly Asset Euro = Asset.Of("EUR", 2);
    private static readonly BusinessDate December = BusinessDate.Parse("2025-12-15"),
        January = BusinessDate.Parse("2026-01-01"), Monday = BusinessDate.Parse("2026-01-05");

    [PostgresFact]
    public async Task Views_and_tables_say_what_the_programs_own_reports_say()
    {
        using var book = await Activity.FoundAsync();
        using var memory = ReadModels.InMemory(book.Engine.Feed);
        using var tables = ReadModels.Postgres(book.Engine.Feed, PostgresFixture.Database, "figures");
        var activity = new Activity(book, seed: 51);
        await activity.RunAsync(100);
        await SameAsync(book, memory, tables);
        await BusinessAsync(book);
        await activity.RunAsync(60);
        await SameAsync(book, memory, tables);
        await book.Send(new ClosePeriodSoftly(BusinessDate.Parse("2025-12-31")));
        await book.Send(new CloseYear(2025));
        book.Time.Advance(1);
        await activity.RunAsync(40);
        await book.Send(new SetHolders(Account("alice"), HolderMode.Joint, true, [new(Party(3), 1_000_000)]));
        await SameAsync(book, memory, tables);
        Ask("select count(*) from bank_figures.carried_results").Should().NotEqual(["0"], "the year was carried");
        await tables.RebuildAsync();
        await SameAsync(book, memory, tables);
        for (var model = 0; model < tables.Tables!.Names.Count; model++)
            (await tables.Tables!.VerifyAsync(model)).Should().OnlyContain(t => t.AreEqual).And.NotBeEmpty();
    }

    [PostgresFact]
    public async Task Every_table_view_and_column_says_what_it_means()
    {
        using var book = await Activity.FoundAsync();
        using var tables = ReadModels.Postgres(book.Engine.Feed, PostgresFixture.Database, "said");
        await LevelAsync(tables, book.Engine.DurablePosition);
        Ask("""
            select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
            where c.relnamespace = 'bank_said'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
              and c.relname not in ('book', 'projections')
              and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)
            """).Should().BeEmpty();
        var page = await File.ReadAllTextAsync(SchemaPage());
        foreach (var name in Ask("""
            select relname from pg_class where relnamespace = 'bank_said'::regnamespace and relkind in ('r', 'v')
            union select proname from pg_proc where pronamespace = 'bank_said'::regnamespace
            """))
            page.Should().Contain($"`{name}", "SCHEMA.md describes it");
    }

    /// <summary>Several assets, desks, holders and years, and figures that no machine number holds.</summary>
    private static async Task BusinessAsync(TestBook book)
    {
        var (alice, bob, cash) = (Account("alice"), Account("bob"), Account("bank:cash"));
        await Done(book, new RegisterAsset(AssetCode.Parse("WEI"), 18, "Wei"));
        await Done(book, new OpenAccount(
            Account("bank:costs"), AccountClass.Expense, Tag.Of("6000"), default, AccountFlags.AnyAsset, []));
        await Done(book, new OpenAccount(
            Account("loans"), AccountClass.Asset, default, default, AccountFlags.AnyAsset, []));
        foreach (var asset in new[] { "USD", "WEI" }) await Done(book, new AddAsset(alice, AssetCode.Parse(asset)));
        await Move(book, "bank:cash", "alice", "WEI", "12345678901234567.123456789012345679");
        await Move(book, "alice", "bank:fees", "WEI", "0.000000000000000001");
        await Move(book, "bank:cash", "alice", "USD", "100.05");
        await Move(book, "alice", "bank:fees", "USD", "0.35");
        await Move(book, "bank:fees", "loans", "USD", "0.02");
        await Move(book, "bank:cash", "bank:fees", "JPY", "7");
        await Move(book, "bank:costs", "bank:cash", "EUR", "12.34", December);
        await Move(book, "alice", "bank:fees", "EUR", "10.01", December);
        await Move(book, "alice", "bank:fees", "USD", "0.11", December.AddDays(3));
        await Move(book, "loans", "bank:cash", "EUR", "3.00");
        await Move(book, "bob", "loans", "EUR", "9.00");
        await Done(book, new ExchangeAssets(alice, Of("USD", "40"), Eur("36"), null, Tag.Of("fx"), Particulars.None));
        await Done(book, new ExchangeAssets(alice, Eur("10"), Of("USD", "11"), null, Tag.Of("spot"), Particulars.None));
        await Done(book, new AddAsset(Account("pos:fx:usd"), Euro.Code));
        await Done(book, new AdjustEntry(
            [new(cash, Side.Debit, Eur("5")), new(Account("pos:fx:usd"), Side.Credit, Eur("5"))], "correction", Particulars.None));
        for (var i = 1; i <= 3; i++)
            await Done(book, new RegisterParty(Party(i), PartyKind.Person, Tag.Of("de"), "sealed.v1.party.cGF5ZWU", default));
        await Done(book, new SetHolders(
            alice, HolderMode.Several, false, [new(Party(1), 333_333), new(Party(2), 333_333), new(Party(3), 333_334)]));
        await Done(book, new SetHolders(bob, HolderMode.Joint, true, [new(Party(2), 0), new(Party(1), 0), new(Party(3), 0)]));
        await Done(book, new SetHolders(Account("custody:coins"), HolderMode.Several, false, [new(Party(2), 1_000_000)]));
        await Publish(book, "close", ("USD", "0.5"), ("EUR", "2"), ("WEI", "0.000123456789"));
        await Publish(book, "close", ("USD", "0.915"), ("WEI", "1.000000000000000001"), ("JPY", "0"));
        await Publish(book, "other", ("BTC", "50000"));
        (await book.Send(new MakeTransfer(cash, Account("nobody"), Eur("7"), Particulars.None))).Ended.Rejection
            .Should().NotBeNull();
        foreach (var number in new[] { 1, 2 })
            await Done(book, new IssueStatement(
                new(alice, Euro.Code, December, Monday.AddDays(-number), StatementDates.Value), number,
                book.Engine.DurablePosition, [new(StatementFormat.Json, Hash256.Of("x"), 1), new(StatementFormat.Camt053, Hash256.Of("y"), 2)],
                false));
    }

    private static async Task SameAsync(TestBook book, ReadModels memory, ReadModels tables)
    {
        var position = book.Engine.DurablePosition;
        await LevelAsync(tables, position);
        var rows = (await memory.AccountsAsync(position))!;
        var balances = await rows.BalancesAsync(position, null).ToListAsync();
        await SameTrial(rows, position);
        SameExposures(balances, (await memory.HoldersAfterAsync(position))!);
        var sets = await book.Engine.ReadAsync((bank, _) => bank.Book.References.Rows.Count == 0
            ? []
            : Enumerable.Range(0, bank.Book.References.Rows.Count).Select(i => bank.Book.References.Rows[i].Published)
                .Where(p => p.Content is ReferenceContent.PriceSet).ToList());
        foreach (var set in sets)
        {
            var prices = new Prices(
                set.Name, set.Version, set.InForceFrom, Euro, ((ReferenceContent.PriceSet)set.Content).Prices);
            SameSheet(FinancialStatements.Sheet(balances, prices), prices);
            var carried = (await memory.CarriedAfterAsync(position))!;
            foreach (var (from, through) in Periods())
            {
                var income = FinancialStatements.Income(
                    await rows.BalancesAsync(position, from.AddDays(-1)).ToListAsync(),
                    await rows.BalancesAsync(position, through).ToListAsync(),
                    carried.Between(from, through, position), prices);
                SameIncome(income, prices, from, through);
            }
        }
        await SameFacts(book, memory, position);
        foreach (var view in new[] { "trial_balance", "exposures", "balance_sheet", "income_by_day", "party_exposures" })
            Ask($"select distinct position from bank_figures.{view}").Should().BeSubsetOf([$"{position}"], view);
    }

    private static async Task SameTrial(IAccountEntries rows, long position)
    {
        const string figures = "sum(debits), sum(credits), sum(debit_balance), sum(credit_balance)";
        Same(
            await Trial(TrialBy.Chart, l => $"{Word(l.Presented)}|{Word(l.Class)}|{Named(l.Chart)}|{l.Asset.Code}|{l.Heading ?? "-"}"),
            $"select presented, class, chart, asset, heading, debits, credits, debit_balance, credit_balance "
            + "from bank_figures.trial_balance");
        Same(
            await Trial(TrialBy.Class, l => $"{Word(l.Presented)}|{Word(l.Class)}|{l.Asset.Code}"),
            $"select presented, class, asset, {figures} from bank_figures.trial_balance "
            + "group by presented, class, asset, credit_balance > 0");
        Same(
            await Trial(TrialBy.Account, l => $"{l.Account}|{Word(l.Presented)}|{Word(l.Class)}|{Named(l.Chart)}|{l.Asset.Code}"),
            "select account, presented, class, chart, asset, debits, credits, debit_balance, credit_balance "
            + "from bank_figures.account_balances");

        async Task<List<string>> Trial(TrialBy by, Func<TrialLine, string> key) =>
            await new TrialBalance(rows, by, position, null).LinesAsync().Select(l => $"{key(l)}|{Units(l.Debits, l.Asset)}|"
                + $"{Units(l.Credits, l.Asset)}|{Units(l.DebitBalance, l.Asset)}|{Units(l.CreditBalance, l.Asset)}").ToListAsync();
    }

    private static void SameExposures(List<AccountBalance> balances, AccountHolders holders)
    {
        Same(
            Exposures.ByAsset(balances).Select(Line),
            "select asset, is_memorandum, holds, owes, net from bank_figures.exposures");
        Same(
            Exposures.ByParty(balances, holders, long.MaxValue, null).Select(e => $"{e.Party}|{Line(e)}"),
            "select party, asset, is_memorandum, holds, owes, net from bank_figures.party_exposures");
        Same(
            Exposures.Positions(balances, Euro.Code)
                .Select(p => $"{p.Desk}|{p.Asset.Code}|{Units(p.Position, p.Asset)}|{Units(p.Cost, Euro)}"),
            "select desk, asset, open, cost from bank_figures.currency_positions");

        static string Line(Exposure e) => $"{e.Asset.Code}|{(e.IsMemorandum ? "true" : "false")}|{Units(e.Holds, e.Asset)}|"
            + $"{Units(e.Owes, e.Asset)}|{Units(e.Net, e.Asset)}";
    }

    private static void SameSheet(BalanceSheet sheet, Prices prices)
    {
        var of = $"where price_set = '{prices.Name}' and price_version = {prices.Version}";
        Same(
            sheet.Lines.Concat(sheet.Memorandum).Select(l => $"{Word(l.Section)}|{Line(l)}"),
            $"select presented, class, chart, asset, amount, price, value from bank_figures.balance_sheet {of}");
        Int128[] totals = [sheet.Assets, sheet.Liabilities, sheet.Equity, sheet.Result, sheet.Remainder];
        Same(
            [$"EUR|{string.Join('|', totals.Select(t => Units(t, Euro)))}|{sheet.MissingPrices.Count}"],
            "select functional_currency, assets, liabilities, equity, result, rounding_remainder, assets_without_price "
            + $"from bank_figures.balance_sheet_totals {of}");
    }

    private static void SameIncome(IncomeStatement income, Prices prices, BusinessDate from, BusinessDate through)
    {
        var lines = income.Lines.Select(Line).ToList();
        const string figures = "select class, chart, asset, amount, price, value from bank_figures.";
        Same(lines, $"{figures}income_statement('{prices.Name}', {prices.Version}, '{from}', '{through}')");
        if (from.DayOfMonth != 1 || through != from.AddDays(30)) return;
        Same(lines, $"{figures}income_by_month where price_set = '{prices.Name}' and price_version = {prices.Version} "
            + $"and month = '{from}'");
    }

    private static string Line(FinancialLine l) => $"{Word(l.Class)}|{Named(l.Chart)}|{l.Asset.Code}|{Units(l.Minor, l.Asset)}|"
        + $"{l.Price?.ToString() ?? "-"}|{(l.Value is { } value ? Units(value, Euro) : "-")}";

    /// <summary>Two months of 31 days, parts of them, all there is, and a day without business.</summary>
    private static IEnumerable<(BusinessDate From, BusinessDate Through)> Periods() =>
    [
        (BusinessDate.Parse("2025-12-01"), BusinessDate.Parse("2025-12-31")), (January, January.AddDays(30)),
        (December, December), (December.AddDays(1), January.AddDays(2)), (BusinessDate.Parse("2020-01-01"), January.AddDays(30)),
        (BusinessDate.Parse("2025-06-01"), BusinessDate.Parse("2025-06-01")),
    ];

    private static async Task SameFacts(TestBook book, ReadModels memory, long position)
    {
        var report = (await memory.CountersAfterAsync(position))!.Report();
        Same(
            report.Commands.Select(c => $"{c.Kind}|{c.Outcome}|{c.Count}"),
            "select kind, outcome, count from bank_figures.command_counts");
        Same(report.Events.Select(e => $"{e.Type}|{e.Count}"), "select type, count from bank_figures.event_counts");
        Same(
            report.Volumes.Select(v => $"{v.BookedOn}|{v.Asset.Code}|{v.Postings}|{Units(v.Volume, v.Asset)}|{v.Volume}"),
            "select booked_on, asset, postings, volume, volume_minor from bank_figures.daily_volumes");
        var issued = (await memory.IssuedAfterAsync(position))!.Of(Account("alice"), null, 10).Statements;
        Same(
            issued.Select(s => $"alice|{s.Number}|{s.Position}"),
            "select account, number, position from bank_figures.issued_statements");
        Same(
            issued.SelectMany(s => new[] { ("json", "x", 1), ("camt053", "y", 2) }.Select(c => $"{s.Number}|{c.Item1}|{Hash256.Of(c.Item2)}|{c.Item3}")),
            "select number, format, sha256, edition from bank_figures.statement_copies");
        var (holders, of) = ((await memory.HoldersAfterAsync(position))!, new List<Holder>());
        Same(
            Activity.Customers.Append("custody:coins").SelectMany(name =>
            {
                holders.Gather(Account(name), long.MaxValue, of);
                return of.Select((holder, i) => $"{name}|{i}|{holder.Party}|{holder.SharePpm}").ToList();
            }),
            "select account, holder_no, party, share_ppm from bank_figures.account_holders");
        var carried = (await memory.CarriedAfterAsync(position))!.Between(BusinessDate.Parse("2000-01-01"), Monday, position);
        Same(
            carried.Select(c => $"{c.Account}|{c.Asset}|{c.BookedOn}|{c.Net}"),
            "select account, asset, booked_on, amount_minor from bank_figures.carried_results");
        book.Faults.Should().BeEmpty();
    }

    private static void Same(IEnumerable<string> expected, string sql) =>
        Ask(sql).Should().Equal(expected.Order(StringComparer.Ordinal), sql);

    /// <summary>The rows as text, in order; numbers without zeros at the end.</summary>
    private static List<string> Ask(string sql)
    {
        using var connection = new NpgsqlConnection(PostgresFixture.Database);
        connection.Open();
        using var command = new NpgsqlCommand($"select row_to_json(r)::text from ({sql}) r({Names(sql)})", connection);
        using var row = command.ExecuteReader();
        var found = new List<string>();
        while (row.Read())
        {
            using var fields = System.Text.Json.JsonDocument.Parse(row.GetString(0));
            found.Add(string.Join('|', fields.RootElement.EnumerateObject().Select(f => Text(f.Value))));
        }
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    /// <summary>Two sums of one query would have one name.</summary>
    private static string Names(string sql)
    {
        using var connection = new NpgsqlConnection(PostgresFixture.Database);
        connection.Open();
        using var command = new NpgsqlCommand($"select * from ({sql}) r limit 0", connection);
        using var row = command.ExecuteReader();
        return string.Join(", ", Enumerable.Range(0, row.FieldCount).Select(i => $"c{i}"));
    }

    private static string Text(System.Text.Json.JsonElement field) => field.ValueKind switch
    {
        System.Text.Json.JsonValueKind.Null => "-",
        System.Text.Json.JsonValueKind.String => field.GetString()!,
        System.Text.Json.JsonValueKind.Number when field.GetRawText() is var number && number.Contains('.') =>
            number.TrimEnd('0').TrimEnd('.'),
        _ => field.GetRawText(),
    };

    private static string Units(Int128 minor, Asset asset)
    {
        var digits = BigInteger.Abs((BigInteger)minor).ToString().PadLeft(asset.Scale + 1, '0');
        var text = digits[..^asset.Scale] + "." + digits[^asset.Scale..];
        return (minor < 0 ? "-" : "") + text.TrimEnd('0').TrimEnd('.');
    }

    private static string Word(AccountClass @class) => @class.ToString().ToLowerInvariant();

    private static string Named(Tag chart) => chart.IsNone ? "-" : chart.ToString();

    private static PartyId Party(int number) => PartyId.Parse($"019b8e2c-7a00-7000-8000-0000000000a{number}");

    private static StatedAmount Of(string asset, string amount) =>
        StatedAmount.TryParse(Encoding.ASCII.GetBytes(amount), AssetCode.Parse(asset), out var stated) == NumberText.Read
            ? stated
            : throw new FormatException(amount);

    private static Task Move(TestBook book, string from, string to, string asset, string amount, BusinessDate? on = null) =>
        Done(book, new MakeTransfer(Account(from), Account(to), Of(asset, amount), new(BookedOn: on)));

    private static Task Publish(TestBook book, string name, params (string Asset, string Price)[] prices) => Done(
        book, new PublishReference(
            Tag.Of(name), Monday, new ReferenceContent.PriceSet(
                [.. prices.Select(p => new AssetPrice(AssetCode.Parse(p.Asset), Rate.Parse(p.Price)))]), Tag.Of("board")));

    private static async Task Done(TestBook book, Command command) =>
        (await book.Send(command)).Ended.Rejection.Should().BeNull("{0}", command);

    private static async Task LevelAsync(ReadModels tables, long position)
    {
        for (var model = 0; model < tables.Tables!.Names.Count; model++)
        {
            for (var i = 0; !await tables.Tables.WaitForAsync(model, position, CatchUp.LongestWait); i++)
                i.Should().BeLessThan(12, "{0}", tables.Lag()[model]);
        }
    }

    private static string SchemaPage([System.Runtime.CompilerServices.CallerFilePath] string here = "") => Path.Combine(
        Path.GetDirectoryName(here)!, "..", "..", "..", "Projections", "Stores", "Postgres", "SCHEMA.md");
}
