using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

public sealed class AccountEntriesSpecs
{
    private const int Commands = 300;
    private static readonly string[] Accounts =
        [.. Activity.Customers, "bank:cash", "bank:fees", "custody:coins", "custody:vault"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_sum_of_an_accounts_entries_is_its_balance_in_the_book(int seed)
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed).RunAsync(Commands);
        var entries = await Level(book, models);
        foreach (var name in Accounts)
        {
            var history = All(entries, name, EntryFilter.All, newestFirst: false);
            var sum = history.Aggregate(Int128.Zero, (total, e) => total + Effect(e));
            var balance = await Net(book, name);
            sum.Should().Be(balance, "seed {0}, {1}", seed, name);
            if (history.Count > 0) history[^1].Balance.Minor.Should().Be(balance);
            entries.BalancesOf(Account(name), default)!.Sum(b => (long)b.Net).Should().Be((long)balance);
        }
    }

    [Fact]
    public async Task Balances_as_of_a_position_are_those_of_a_replay_to_that_position()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 4).RunAsync(Commands);
        var entries = await Level(book, models);
        for (var through = 12L; through <= entries.Position; through += 37)
        {
            var then = new Execution(new Bank());
            Replay.Run(book.Engine.Journal, then, frontier: null, new(Through: through));
            foreach (var name in Accounts)
            {
                var then_ = Net(then.Bank, name);
                entries.BalancesOf(Account(name), new(through))!.Sum(b => (long)b.Net)
                    .Should().Be((long)then_, "as of {0}, {1}", through, name);
            }
        }
    }

    [Fact]
    public async Task A_cut_in_both_times_counts_what_was_known_then_of_what_was_booked_by_then()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 5).RunAsync(Commands);
        var entries = await Level(book, models);
        foreach (var name in Accounts)
        {
            var history = All(entries, name, EntryFilter.All, newestFirst: true);
            for (var day = -4; day <= 0; day++)
            {
                var date = BusinessDate.Parse("2026-01-05").AddDays(day);
                var through = entries.Position * (5 + day) / 5;
                var expected = history
                    .Where(e => e.Position <= through && e.BookedOn <= date).Sum(e => (long)Effect(e));
                entries.BalancesOf(Account(name), new(through, date))!.Sum(b => (long)b.Net).Should().Be(expected);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pages_show_each_entry_once_while_new_ones_arrive(bool newestFirst)
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var activity = new Activity(book, seed: 6);
        await activity.RunAsync(Commands);
        var before = All(await Level(book, models), "alice", EntryFilter.All, newestFirst);
        var shown = new List<AccountEntry>();
        EntryMark? mark = null;
        do
        {
            var page = models.Entries.History(Account("alice"), EntryFilter.All, newestFirst, mark, limit: 7)!;
            shown.AddRange(page.Entries);
            mark = page.Next;
            await activity.StepAsync();
            await Level(book, models);
        }
        while (mark is not null && shown.Count < 10 * before.Count);
        shown.Should().OnlyHaveUniqueItems();
        shown.Take(before.Count).Should().Equal(before);
        if (newestFirst) shown.Should().HaveCount(before.Count);
    }

    [Fact]
    public async Task A_filter_leaves_exactly_the_entries_that_it_names()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 7).RunAsync(Commands);
        var entries = await Level(book, models);
        var all = All(entries, "bob", EntryFilter.All, newestFirst: true);
        var (from, until) = (all[^(all.Count / 4)].At, all[all.Count / 4].At);
        var date = BusinessDate.Parse("2026-01-04");
        Shown(new(Side: Side.Debit)).Should().Equal(all.Where(e => e.Side == Side.Debit)).And.NotBeEmpty();
        Shown(new(BookedFrom: date, BookedThrough: date))
            .Should().Equal(all.Where(e => e.BookedOn == date)).And.NotBeEmpty();
        Shown(new(RecordedFrom: from, RecordedThrough: until))
            .Should().Equal(all.Where(e => e.At >= from && e.At <= until)).And.NotBeEmpty();
        Shown(new(Code: Tag.Of("card"))).Should().Equal(all.Where(e => e.Code == Tag.Of("card"))).And.NotBeEmpty();
        Shown(new(Reference: "ref-3")).Should().Equal(all.Where(e => e.Reference == "ref-3")).And.NotBeEmpty();
        Shown(new(Asset: AssetCode.Parse("EUR"), Least: 10_00, Most: 300_00)).Should()
            .Equal(all.Where(e => e.Amount.Minor is var m && m >= 10_00 && m <= 300_00)).And.NotBeEmpty();
        Shown(new(Asset: AssetCode.Parse("USD"))).Should().BeEmpty();

        List<AccountEntry> Shown(EntryFilter filter) => All(entries, "bob", filter, newestFirst: true);
    }

    [Theory]
    [InlineData(TrialBy.Account)]
    [InlineData(TrialBy.Chart)]
    [InlineData(TrialBy.Class)]
    public async Task A_trial_balance_is_zero_for_each_asset_own_books_and_client_property_apart(TrialBy by)
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 8).RunAsync(Commands);
        var trial = new TrialBalance(await Level(book, models), by, models.Entries.Position, bookedThrough: null);
        var lines = await trial.LinesAsync().ToListAsync();
        trial.Totals.Should().HaveCount(2).And.OnlyContain(t => t.Difference == 0 && t.Debits > 0);
        lines.Aggregate(Int128.Zero, (sum, l) => sum + l.DebitBalance - l.CreditBalance).Should().Be(Int128.Zero);
        lines.Should().Contain(l => l.Heading == "overdrawn customers" && l.Presented == AccountClass.Asset
            && l.DebitBalance > 0);
        lines.Should().NotContain(l => l.Class == AccountClass.Liability && l.Presented == AccountClass.Liability
            && l.DebitBalance > 0);
    }

    [Fact]
    public async Task A_transfers_life_lists_its_events_and_its_reversal()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var said = new Particulars(Reference: "invoice 7");
        var held = await book.Send(new ReserveTransfer(Account("alice"), Account("bob"), Eur("10"), null, said));
        var id = ((TransferEvent.Reserved)held.Events[0].Event).Id;
        var part = await book.Send(new PostTransfer(id, Eur("4"), IsFinal: false, Particulars.None));
        var rest = await book.Send(new CancelTransfer(id));
        var back = await book.Send(new ReverseEntry(part.Ended.Position,
            [new(Account("alice"), Side.Debit, new(4_00, Asset.Of("EUR", 2))),
                new(Account("bob"), Side.Credit, new(4_00, Asset.Of("EUR", 2)))],
            "mistake", Particulars.None));
        await Level(book, models);
        var life = models.Transfers.Find(id)!;
        life.Positions.Should().Equal(held.Ended.Position, part.Ended.Position, rest.Ended.Position);
        life.Reversals.Should().Equal((part.Ended.Position, back.Ended.Position));
        models.Transfers.WithReference("invoice 7", null, 10).Transfers.Should().ContainSingle().Which.Id
            .Should().Be(id);
        models.Transfers.WithReference("invoice 8", null, 10).Transfers.Should().BeEmpty();
    }

    internal static async Task<AccountEntries> Level(TestBook book, ReadModels models)
    {
        await models.TransfersAfterAsync(book.Engine.DurablePosition);
        return await models.EntriesAfterAsync(book.Engine.DurablePosition)
            ?? throw new TimeoutException("The read models did not catch up.");
    }

    private static List<AccountEntry> All(AccountEntries entries, string name, EntryFilter filter, bool newestFirst)
    {
        var all = new List<AccountEntry>();
        EntryMark? mark = null;
        do
        {
            var page = entries.History(Account(name), filter, newestFirst, mark, limit: 100)!;
            all.AddRange(page.Entries);
            mark = page.Next;
        }
        while (mark is not null);
        return all;
    }

    private static Int128 Effect(AccountEntry entry) =>
        entry.Side == Side.Credit ? entry.Amount.Minor : -entry.Amount.Minor;

    private static Task<Int128> Net(TestBook book, string name) => book.Engine.ReadAsync((bank, _) => Net(bank, name));

    private static Int128 Net(Bank bank, string name)
    {
        var t = bank.Ledger.Tables;
        var account = t.Accounts.Find(Account(name));
        var row = account < 0 ? -1 : t.FindBalance(account, t.Assets.Find(AssetCode.Parse("EUR")));
        return row < 0 ? 0 : t.Balances[row].Net;
    }
}
