using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

public sealed class FinancialStatementsSpecs
{
    private static readonly BusinessDate Monday = BusinessDate.Parse("2026-01-05");
    private static readonly Asset Euro = Asset.Of("EUR", 2), Dollar = Asset.Of("USD", 2), Coin = Asset.Of("BTC", 8);

    [Fact]
    public async Task A_balance_sheet_before_prices_is_the_trial_balance_by_sign()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 31).RunAsync(300);
        var entries = await AccountEntriesSpecs.Level(book, models);
        var trial = await new TrialBalance(entries, TrialBy.Chart, entries.Position, null).LinesAsync()
            .Where(line => line.Class != AccountClass.Memorandum).ToListAsync();
        var sheet = FinancialStatements.Sheet(entries.Balances(entries.Position, null), Prices());
        Sum(sheet.Lines.Where(l => l.Section == AccountClass.Asset)).Should().Be(
            trial.Where(l => l.Presented == AccountClass.Asset).Aggregate(Int128.Zero, (s, l) => s + l.DebitBalance));
        Sum(sheet.Lines.Where(l => l.Section == AccountClass.Liability)).Should().Be(
            trial.Where(l => l.Presented == AccountClass.Liability).Aggregate(Int128.Zero, (s, l) => s + l.CreditBalance));
        sheet.Assets.Should().Be(sheet.Liabilities + sheet.Equity + sheet.Result);
        sheet.Remainder.Should().Be(Int128.Zero);
        sheet.Lines.Should().Contain(l => l.Section == AccountClass.Asset && l.Class == AccountClass.Liability,
            "an overdrawn deposit is an asset");
        sheet.Memorandum.Should().NotBeEmpty();
        Sum(sheet.Memorandum).Should().Be(Int128.Zero);
    }

    [Fact]
    public void Rounding_is_per_line_half_to_even_and_what_it_leaves_is_shown()
    {
        AccountBalance[] balances =
        [
            Of("vault", AccountClass.Asset, Coin, -300), Of("a", AccountClass.Liability, Coin, 100),
            Of("b", AccountClass.Equity, Coin, 100), Of("fee", AccountClass.Income, Coin, 100),
        ];
        // A hundred-millionth coin is worth half a cent: lines of 0.5 cents go to the even cent, the whole to 1.5, so 2.
        var sheet = FinancialStatements.Sheet(balances, Prices((Coin, "5000")));
        sheet.Lines.Select(l => (long)l.Value!.Value).Should().Equal(2, 0, 0, 0);
        (sheet.Assets, sheet.Remainder).Should().Be(((Int128)2, (Int128)2));
        (sheet.Liabilities + sheet.Equity + sheet.Result + sheet.Remainder).Should().Be(sheet.Assets);
    }

    [Fact]
    public void An_asset_without_a_price_is_named_and_never_counted_as_nothing()
    {
        AccountBalance[] balances =
        [
            Of("cash", AccountClass.Asset, Euro, -100), Of("a", AccountClass.Liability, Euro, 100),
            Of("vault", AccountClass.Asset, Coin, -5), Of("b", AccountClass.Liability, Coin, 5),
        ];
        var sheet = FinancialStatements.Sheet(balances, Prices((Dollar, "0.9")));
        sheet.MissingPrices.Should().Equal(Coin);
        sheet.Lines.Where(l => l.Asset == Coin).Should().HaveCount(2).And.OnlyContain(l => l.Value == null && l.Minor == 5);
        (sheet.Assets, sheet.Liabilities).Should().Be(((Int128)100, (Int128)100));
        FinancialStatements.Sheet(balances, Prices((Coin, "0"))).MissingPrices.Should().BeEmpty("zero is a price");
    }

    [Fact]
    public async Task An_income_statement_is_of_its_period_and_survives_the_close_of_the_year()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var december = BusinessDate.Parse("2025-12-15");
        await Fee(book, "10", december);
        await Fee(book, "3", december.AddDays(1));
        await Fee(book, "4", Monday);
        (await Statement(book, models, december, december)).Income.Should().Be(10_00);
        (await Statement(book, models, december, BusinessDate.Parse("2025-12-31"))).Result.Should().Be(13_00);
        await book.Send(new ClosePeriodSoftly(BusinessDate.Parse("2025-12-31")));
        await book.Send(new CloseYear(2025));
        book.Time.Advance(1);
        await book.Send(new SetLimits(Account("bob"), AccountFlags.None));
        var entries = await AccountEntriesSpecs.Level(book, models);
        entries.BalancesOf(Account("bank:fees"), default)!.Single().Net.Should().Be(4_00, "the year was carried");
        (await Statement(book, models, december, BusinessDate.Parse("2025-12-31"))).Result.Should().Be(13_00);
        (await Statement(book, models, BusinessDate.Parse("2026-01-01"), Monday)).Result.Should().Be(4_00);
        var sheet = FinancialStatements.Sheet(entries.Balances(entries.Position, null), Prices());
        (sheet.Equity, sheet.Result).Should().Be(((Int128)13_00, (Int128)4_00));
    }

    [Fact]
    public async Task A_desk_that_buys_dollars_of_customers_is_long_and_has_paid_for_them()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await book.Send(new AddAsset(Account("alice"), Dollar.Code));
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Usd("100"), Particulars.None));
        await book.Send(new ExchangeAssets(Account("alice"), Usd("40"), Eur("36"), null, Tag.Of("fx"), Particulars.None));
        await book.Send(new ExchangeAssets(Account("alice"), Eur("10"), Usd("11"), null, Tag.Of("spot"), Particulars.None));
        var entries = await AccountEntriesSpecs.Level(book, models);
        Exposures.Positions(entries.Balances(entries.Position, null), Euro.Code).Should().Equal(
            new CurrencyPosition(Tag.Of("fx"), Dollar, 40_00, 36_00),
            new CurrencyPosition(Tag.Of("spot"), Dollar, -11_00, -10_00));
    }

    [Fact]
    public void What_else_was_booked_on_a_position_account_is_not_added_to_its_asset()
    {
        AccountBalance[] balances =
        [
            Of("pos:fx:usd", AccountClass.Liability, Dollar, 40_00),
            Of("pos:fx:usd", AccountClass.Liability, Euro, 5_00),
            Of("eqv:fx:usd", AccountClass.Liability, Euro, -36_00),
            Of("eqv:fx:usd", AccountClass.Liability, Dollar, -7_00),
        ];
        Exposures.Positions(balances, Euro.Code).Should().Equal(
            new CurrencyPosition(Tag.Of("fx"), Euro, 5_00, 0),
            new CurrencyPosition(Tag.Of("fx"), Dollar, 40_00, 36_00));
    }

    [Theory]
    [InlineData(100, "500000 500000", "50 50")]
    [InlineData(101, "500000 500000", "51 50")]
    [InlineData(-101, "500000 500000", "-51 -50")]
    [InlineData(100, "333333 333333 333334", "34 33 33")]
    [InlineData(100, "0 0 0", "34 33 33")]
    [InlineData(1, "1 999999", "1 0")]
    [InlineData(0, "0", "0")]
    public void Shares_lose_no_unit_and_the_first_holders_take_what_is_left(int minor, string ppm, string parts)
    {
        Holder[] holders = [.. ppm.Split(' ').Select(share => new Holder(default, int.Parse(share)))];
        string.Join(' ', Exposures.Shared(minor, holders)).Should().Be(parts);
    }

    [Fact]
    public async Task A_party_is_exposed_by_its_shares_of_what_its_accounts_hold_and_owe()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        PartyId anna = await Party(book, 1), ben = await Party(book, 2);
        await book.Send(new SetHolders(Account("alice"), HolderMode.Several, false, [new(anna, 750_000), new(ben, 250_000)]));
        await book.Send(new SetHolders(Account("bob"), HolderMode.Several, false, [new(ben, 0)]));
        await book.Send(new MakeTransfer(Account("bob"), Account("alice"), Eur("10.01"), Particulars.None));
        var entries = await AccountEntriesSpecs.Level(book, models);
        var holders = (await models.HoldersAfterAsync(book.Engine.DurablePosition))!;
        var balances = entries.Balances(entries.Position, null).ToList();
        Exposures.ByParty(balances, holders, book.Engine.DurablePosition, anna).Should().Equal(new Exposure(anna, Euro, false, 7_51, 0));
        Exposures.ByParty(balances, holders, book.Engine.DurablePosition, ben).Should().Equal(new Exposure(ben, Euro, false, 2_50, 10_01));
        Exposures.ByAsset(balances).Should().Equal(new Exposure(default, Euro, false, 10_01, 10_01));
        await book.Send(new SetHolders(Account("alice"), HolderMode.Several, false, [new(ben, 1_000_000)]));
        holders = (await models.HoldersAfterAsync(book.Engine.DurablePosition))!;
        Exposures.ByParty(balances, holders, book.Engine.DurablePosition, anna).Should().BeEmpty("she is holder no more");
    }

    [Fact]
    public async Task Transfers_are_found_by_a_pair_of_metadata_each_once()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var said = new Particulars(Metadata: new("""{"channel":"branch","order":"7"}"""));
        var held = await book.Send(new ReserveTransfer(Account("alice"), Account("bob"), Eur("10"), null, said));
        var id = ((TransferEvent.Reserved)held.Events[0].Event).Id;
        await book.Send(new PostTransfer(id, Eur("4"), IsFinal: false, said));
        for (var i = 0; i < 3; i++) await book.Send(new MakeTransfer(Account("alice"), Account("bob"), Eur("1"), said));
        await book.Send(new PostTransfer(id, Eur("6"), IsFinal: true, said));
        var metadata = (await models.MetadataAfterAsync(book.Engine.DurablePosition))!;
        metadata.With("order", "7", null, 10).Transfers.Should().HaveCount(4).And.OnlyHaveUniqueItems().And.Contain(id);
        metadata.With("order", "8", null, 10).Transfers.Should().BeEmpty();
        metadata.With("channel", "7", null, 10).Transfers.Should().BeEmpty();
        var first = metadata.With("order", "7", null, 3);
        metadata.With("order", "7", first.Next, 3).Transfers.Should().ContainSingle().And.NotContain(first.Transfers);
        metadata.With("channel", "branch", first.Next, 3).Transfers.Should().BeEmpty("the mark is of another pair");
    }

    [Fact]
    public async Task Counters_tell_what_was_done_what_was_refused_and_how_much_moved()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("7"), Particulars.None));
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("nobody"), Eur("7"), Particulars.None));
        var report = (await models.CountersAfterAsync(book.Engine.DurablePosition))!.Report();
        report.Commands.Should().Contain(new CommandCount("transfer.made.v1", "accepted", 2))
            .And.Contain(c => c.Kind == "MakeTransfer" && c.Outcome.EndsWith("not_found") && c.Count == 1);
        report.Events.Should().Contain(("transfer.made.v1", 2)).And.Contain(("command.refused.v1", 1));
        report.Volumes.Should().Equal(new DayVolume(Monday, Euro, 2, 12_00));
        report.Position.Should().Be(book.Engine.DurablePosition);
    }

    [Fact]
    public async Task Every_read_model_built_anew_has_the_rows_of_the_one_that_grew()
    {
        using var book = await Activity.FoundAsync();
        await new Activity(book, seed: 33).RunAsync(200);
        await Party(book, 1);
        var (grown, anew) = (ReadModels.Fresh(), ReadModels.Fresh());
        using (var followers = new CatchUp(book.Engine.Feed, grown))
        {
            await new Activity(book, seed: 34).RunAsync(100);
            for (var i = 0; i < grown.Length; i++)
                (await followers.WaitForAsync(i, book.Engine.DurablePosition, CatchUp.LongestWait)).Should().BeTrue();
        }
        using (var followers = new CatchUp(book.Engine.Feed, anew))
        {
            for (var i = 0; i < anew.Length; i++)
                (await followers.WaitForAsync(i, book.Engine.DurablePosition, CatchUp.LongestWait)).Should().BeTrue();
        }
        anew.Select(p => (p.Name, p.Position, p.Digest())).Should().Equal(grown.Select(p => (p.Name, p.Position, p.Digest())));
        grown.Select(p => p.Name).Should().OnlyHaveUniqueItems();
    }

    private static Task<Answer> Fee(TestBook book, string amount, BusinessDate on) => book.Send(
        new MakeTransfer(Account("alice"), Account("bank:fees"), Eur(amount), new(BookedOn: on)));

    private static async Task<IncomeStatement> Statement(
        TestBook book, ReadModels models, BusinessDate from, BusinessDate through)
    {
        var entries = await AccountEntriesSpecs.Level(book, models);
        var carried = (await models.CarriedAfterAsync(entries.Position))!;
        return FinancialStatements.Income(
            entries.Balances(entries.Position, from.AddDays(-1)), entries.Balances(entries.Position, through),
            carried.Between(from, through, entries.Position), Prices());
    }

    private static async Task<PartyId> Party(TestBook book, int number)
    {
        var id = PartyId.Parse($"019b8e2c-7a00-7000-8000-0000000000a{number}");
        var answer = await book.Send(new RegisterParty(id, PartyKind.Person, Tag.Of("de"), "sealed.v1.party.cGF5ZWU", default));
        answer.Ended.Rejection.Should().BeNull();
        return id;
    }

    private static Int128 Sum(IEnumerable<FinancialLine> lines) => lines.Aggregate(Int128.Zero, (sum, l) => sum + l.Minor);

    private static AccountBalance Of(string name, AccountClass @class, Asset asset, int net) => new(
        Account(name), @class, Tag.Of("1000"), new(asset, Int128.Max(-net, 0), Int128.Max(net, 0)));

    private static Prices Prices(params (Asset Asset, string Price)[] prices) => new(
        Tag.Of("close"), 1, Monday, Euro, prices.Select(p => new AssetPrice(p.Asset.Code, Rate.Parse(p.Price))));

    private static StatedAmount Usd(string amount) =>
        StatedAmount.TryParse(System.Text.Encoding.ASCII.GetBytes(amount), Dollar.Code, out var stated) == NumberText.Read
            ? stated
            : throw new FormatException(amount);
}
