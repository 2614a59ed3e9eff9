using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

public sealed class StatementSpecs
{
    private static readonly BusinessDate Monday = BusinessDate.Parse("2026-01-05");
    private static readonly Asset Euro = Asset.Of("EUR", 2);

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    public async Task Opening_and_entries_always_add_up_to_closing(int seed)
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed).RunAsync(300);
        var entries = await AccountEntriesSpecs.Level(book, models);
        var random = new Random(seed);
        string[] names = [.. Activity.Customers, "bank:cash", "custody:coins"];
        for (var i = 0; i < 100; i++)
        {
            var name = names[random.Next(names.Length)];
            var from = Monday.AddDays(random.Next(-6, 3));
            var through = from.AddDays(random.Next(0, 5));
            var position = random.NextInt64(1, entries.Position + 1);
            var dates = random.Next(2) == 0 ? StatementDates.Booked : StatementDates.Value;
            var statement = Made(entries, new(Account(name), Euro.Code, from, through, dates), position);
            statement.Entries.Should().NotContain(e => e.Position > position
                || e.DateBy(dates) < from || e.DateBy(dates) > through, "seed {0}", seed);
            statement.Entries.Select(e => (e.DateBy(dates), e.Position)).Should().BeInAscendingOrder();
            (statement.Opening + statement.Entries.Aggregate(Int128.Zero, (sum, e) => sum + e.Effect))
                .Should().Be(statement.Closing, "seed {0}, {1} at {2}", seed, name, position);
            if (dates == StatementDates.Value) continue;
            Net(entries, name, new(position, from.AddDays(-1))).Should().Be(statement.Opening);
            Net(entries, name, new(position, through)).Should().Be(statement.Closing);
        }
    }

    [Fact]
    public async Task What_has_value_later_stands_in_the_statement_by_value_of_that_later_date()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        await book.Send(new MakeTransfer(
            Account("bank:cash"), Account("alice"), Eur("7"), new(ValueOn: Monday.AddDays(2))));
        var entries = await AccountEntriesSpecs.Level(book, models);
        var booked = Made(entries, Of(StatementDates.Booked, Monday, Monday), entries.Position);
        booked.Closing.Should().Be(12_00);
        booked.NotYetValue.Should().Be(7_00);
        Made(entries, Of(StatementDates.Value, Monday, Monday), entries.Position).Closing.Should().Be(5_00);
        var later = Made(entries, Of(StatementDates.Value, Monday.AddDays(1), Monday.AddDays(2)), entries.Position);
        (later.Opening, later.Closing).Should().Be(((Int128)5_00, (Int128)12_00));
    }

    [Fact]
    public async Task An_account_without_entries_has_a_statement_and_an_unknown_account_has_none()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var entries = await AccountEntriesSpecs.Level(book, models);
        Made(entries, Of(StatementDates.Booked, Monday, Monday), entries.Position).Should()
            .BeEquivalentTo(new { Opening = Int128.Zero, Closing = Int128.Zero });
        entries.RangeOf(new(Account("nobody"), Euro.Code, Monday, Monday, StatementDates.Booked), 10, 10)
            .Should().BeNull();
    }

    [Fact]
    public async Task More_entries_than_a_statement_takes_are_told_and_not_cut_off_silently()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        for (var i = 0; i < 3; i++)
            await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        var entries = await AccountEntriesSpecs.Level(book, models);
        var period = Of(StatementDates.Booked, Monday, Monday);
        entries.RangeOf(period, entries.Position, most: 3)!.AreMore.Should().BeFalse();
        var range = entries.RangeOf(period, entries.Position, most: 2)!;
        range.AreMore.Should().BeTrue();
        FluentActions.Invoking(() => Statement.Of(period, Euro, entries.Position, range)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task Statements_are_numbered_by_account_without_gaps_and_once_a_period()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        (await Issue(book, 1)).Should().BeNull();
        (await Issue(book, 2)).Should().Be("statement.already_issued");
        (await Issue(book, 1, anew: true)).Should().Be("statement.number_taken");
        (await Issue(book, 3, anew: true)).Should().Be("statement.number_taken");
        var before = book.Engine.DurablePosition;
        (await Issue(book, 2, anew: true)).Should().BeNull();
        (await Issue(book, 3, days: 1, at: 3)).Should().Be("statement.position_stale");
        (await Issue(book, 3, days: 1, at: before + 10_000)).Should().Be("statement.position_ahead");
        (await Issue(book, 3, days: -1)).Should().Be("statement.period_ahead");
        (await Issue(book, 1, "bob")).Should().BeNull("every account counts for itself");
        (await Issue(book, 1, "nobody")).Should().Be("account.not_found");
        (await Issue(book, 3, days: 1, formats: [StatementFormat.Csv])).Should().Be("statement.copies_malformed");
        (await Issue(book, 3, days: 1, formats: [StatementFormat.Json, StatementFormat.Json]))
            .Should().Be("statement.copies_malformed");
        (await Issue(book, 3, days: 1, edition: 0)).Should().Be("statement.copies_malformed", "editions count from 1");
        var issued = (await models.IssuedAfterAsync(book.Engine.DurablePosition))!;
        issued.Of(Account("alice"), below: null, limit: 10).Statements.Select(s => s.Number).Should().Equal(2, 1);
        issued.Of(Account("alice"), below: 2, limit: 10).Statements.Select(s => s.Number).Should().Equal(1);
        var page = issued.Of(Account("alice"), below: null, limit: 1);
        page.Next.Should().Be(2);
        book.Reopen();
        (await Issue(book, 3, days: 1)).Should().BeNull("numbers survive a restart");
    }

    private static async Task<string?> Issue(
        TestBook book, int number, string name = "alice", int days = 0, long? at = null, bool anew = false,
        StatementFormat[]? formats = null, int edition = 1)
    {
        var last = Monday.AddDays(-days);
        StatementCopy[] copies = [.. (formats ?? [StatementFormat.Json]).Select(f => new StatementCopy(f, Hash256.Of("x"), edition))];
        var answer = await book.Send(new IssueStatement(
            new(Account(name), Euro.Code, Monday.AddDays(-9), last, StatementDates.Booked), number,
            at ?? book.Engine.DurablePosition, [.. copies], anew));
        return answer.Ended.Rejection?.Code;
    }

    private static StatementPeriod Of(StatementDates dates, BusinessDate from, BusinessDate through) =>
        new(Account("alice"), Euro.Code, from, through, dates);

    private static Statement Made(AccountEntries entries, StatementPeriod period, long position) =>
        Statement.Of(period, Euro, position, entries.RangeOf(period, position, Statement.MaxEntries)!);

    private static Int128 Net(AccountEntries entries, string name, Cut cut) =>
        entries.BalancesOf(Account(name), cut)!.Aggregate(Int128.Zero, (sum, balance) => sum + balance.Net);
}
