using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;
using BankingEngine.Specs.Engine.Journal;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>The tables in PostgreSQL answer as the rows in memory do, question by question.</summary>
public sealed class TableEqualitySpecs
{
    private static readonly string[] Accounts =
        [.. Activity.Customers, "bank:cash", "bank:fees", "custody:coins", "custody:vault", "nobody"];

    [PostgresFact]
    public async Task Tables_and_memory_give_the_same_answers_to_every_question()
    {
        using var book = await Activity.FoundAsync();
        using var memory = ReadModels.InMemory(book.Engine.Feed);
        using var tables = ReadModels.Postgres(book.Engine.Feed, PostgresFixture.Database, "same");
        var activity = new Activity(book, seed: 21);
        await activity.RunAsync(150);
        await SeveralAssets(book);
        await activity.RunAsync(150);
        var position = book.Engine.DurablePosition;
        var (rows, lives) = (await memory.AccountsAsync(position), await memory.LivesAsync(position));
        var (tableRows, tableLives) = (await tables.AccountsAsync(position), await tables.LivesAsync(position));
        foreach (var filter in await Filters(rows!))
        {
            foreach (var account in Accounts)
            {
                foreach (var newestFirst in new[] { true, false })
                    await SamePages(rows!, tableRows!, Account(account), filter, newestFirst);
            }
        }
        await SameBalances(rows!, tableRows!, position);
        await SameRanges(rows!, tableRows!, position);
        await SameLists(rows!, tableRows!);
        await SameLives(book, lives!, tableLives!);
        for (var model = 0; model < tables.Tables!.Names.Count; model++)
            (await tables.Tables!.VerifyAsync(model)).Should().OnlyContain(t => t.AreEqual).And.NotBeEmpty();
    }

    /// <summary>Accounts with several assets, in entries of several legs on the same account.</summary>
    private static async Task SeveralAssets(TestBook book)
    {
        StatedAmount Of(string asset, string amount)
        {
            StatedAmount.TryParse(System.Text.Encoding.ASCII.GetBytes(amount), AssetCode.Parse(asset), out var stated);
            return stated;
        }

        var (cash, fees, day) = (Account("bank:cash"), Account("bank:fees"), BusinessDate.Parse("2026-01-05"));
        for (var i = 0; i < 12; i++)
        {
            var said = new Particulars(Reference: $"ref-{i % 6}");
            (await book.Send(new PostEntry([
                new(cash, Side.Debit, Of("USD", "3")), new(cash, Side.Debit, Eur("2")),
                new(fees, Side.Credit, Eur("1.50")), new(fees, Side.Credit, Eur("0.50")),
                new(fees, Side.Credit, Of("USD", "3"))], said)))
                .Ended.Ending.Should().Be(Ending.Accepted);
            await book.Send(new MakeTransfer(cash, fees, Of(i % 2 == 0 ? "JPY" : "BHD", $"{i + 1}"), said));
            (await book.Send(new MakeTransfer(cash, fees, Eur($"{i + 1}"), said with { ValueOn = day.AddDays(i - 6) })))
                .Ended.Rejection.Should().BeNull();
            book.Time.Advance(1);
        }
    }

    private static async Task<List<EntryFilter>> Filters(IAccountEntries rows)
    {
        var all = (await rows.HistoryAsync(Account("bob"), EntryFilter.All, true, null, 500))!.Entries;
        var (from, through) = (all[^(all.Count / 4)].At, all[all.Count / 4].At);
        var date = BusinessDate.Parse("2026-01-04");
        return [
            EntryFilter.All, new(Side: Side.Debit), new(BookedFrom: date, BookedThrough: date),
            new(BookedThrough: date),
            new(RecordedFrom: from), new(RecordedThrough: through), new(RecordedFrom: from, RecordedThrough: through),
            new(Code: Tag.Of("card")), new(Reference: "ref-3"), new(Asset: AssetCode.Parse("USD")),
            new(Asset: AssetCode.Parse("EUR"), Least: 10_00, Most: 300_00), new(Asset: AssetCode.Parse("CHF"))];
    }

    private static async Task SamePages(
        IAccountEntries memory, IAccountEntries tables, AccountId account, EntryFilter filter, bool newestFirst)
    {
        EntryMark? mark = null;
        do
        {
            var expected = await memory.HistoryAsync(account, filter, newestFirst, mark, limit: 7);
            var found = await tables.HistoryAsync(account, filter, newestFirst, mark, limit: 7);
            found.Should().BeEquivalentTo(
                expected, o => o.WithStrictOrdering(), "{0} {1} {2} {3}", account, filter, newestFirst, mark);
            mark = expected?.Next;
        }
        while (mark is not null);
    }

    private static async Task SameBalances(IAccountEntries memory, IAccountEntries tables, long position)
    {
        var cuts = new List<Cut> { default };
        for (var through = 0L; through < position + 20; through += 61)
        {
            cuts.Add(new(through));
            cuts.Add(new(through, BusinessDate.Parse("2026-01-03")));
        }
        foreach (var cut in cuts)
        {
            foreach (var account in Accounts)
                (await tables.BalancesOfAsync(Account(account), cut)).Should().Equal(
                    await memory.BalancesOfAsync(Account(account), cut), "{0} at {1}", account, cut);
        }
        foreach (var date in new BusinessDate?[] { null, BusinessDate.Parse("2026-01-03") })
        {
            foreach (var by in Enum.GetValues<TrialBy>())
            {
                var (expected, found) = (new TrialBalance(memory, by, position / 2, date),
                    new TrialBalance(tables, by, position / 2, date));
                (await found.LinesAsync().ToListAsync()).Should().Equal(await expected.LinesAsync().ToListAsync());
                found.Totals.Should().Equal(expected.Totals);
            }
        }
        var first = (await memory.HistoryAsync(Account("bob"), EntryFilter.All, false, null, 500))!.Entries;
        foreach (var at in first.Select(e => e.At).Append(Instant.First).Append(Instant.Last))
            (await tables.PositionAtAsync(at)).Should().Be(await memory.PositionAtAsync(at));
    }

    /// <summary>What statements are made of.</summary>
    private static async Task SameRanges(IAccountEntries memory, IAccountEntries tables, long position)
    {
        var first = BusinessDate.Parse("2026-01-02");
        var (shown, notYet) = (0, new HashSet<StatementDates>());
        foreach (var account in Accounts)
        {
            foreach (var asset in new[] { "EUR", "USD", "BHD", "CHF" })
            {
                foreach (var dates in Enum.GetValues<StatementDates>())
                {
                    for (var day = 0; day < 6; day++)
                    {
                        var period = new StatementPeriod(
                            Account(account), AssetCode.Parse(asset), first.AddDays(day), first.AddDays(day + 1), dates);
                        var (through, most) = (position - day * 40, day == 0 ? 3 : 1_000);
                        var expected = await memory.RangeOfAsync(period, through, most);
                        var found = await tables.RangeOfAsync(period, through, most);
                        found?.Entries.Should().Equal(expected!.Entries, "{0} through {1}", period, through);
                        (found?.Class, found?.AreMore).Should().Be((expected?.Class, expected?.AreMore));
                        // Sums are of all legs, and who shows too many asks no further.
                        if (expected is not { AreMore: false }) continue;
                        (found!.Before, found.NotYetValue).Should().Be((expected.Before, expected.NotYetValue));
                        shown += expected.Entries.Count;
                        if (expected.NotYetValue > 0) notYet.Add(dates);
                    }
                }
            }
        }
        shown.Should().BeGreaterThan(500);
        notYet.Should().HaveCount(2, "credits have value later, by whichever date the period goes");
    }

    private static async Task SameLists(IAccountEntries memory, IAccountEntries tables)
    {
        var questions = new (AccountClass?, Tag?, string)[]
        {
            (null, null, ""), (AccountClass.Liability, null, ""), (null, Tag.Of("9000"), ""), (null, null, "c"),
            (null, Tag.Of("1"), ""),
        };
        foreach (var (@class, chart, prefix) in questions)
        {
            for (int? from = 0; from is { } start;)
            {
                var expected = await memory.ListAsync(@class, chart, prefix, start, limit: 2);
                (await tables.ListAsync(@class, chart, prefix, start, limit: 2)).Should().BeEquivalentTo(expected);
                from = expected.Next;
            }
        }
    }

    private static async Task SameLives(TestBook book, ITransferLives memory, ITransferLives tables)
    {
        foreach (var reference in Enumerable.Range(0, 7).Select(i => $"ref-{i}"))
        {
            for (long? from = 0; from is not null;)
            {
                var mark = from == 0 ? null : from;
                var expected = await memory.WithReferenceAsync(reference, mark, limit: 5);
                var found = await tables.WithReferenceAsync(reference, mark, limit: 5);
                found.Should().BeEquivalentTo(expected, o => o.WithStrictOrdering());
                foreach (var life in expected.Transfers)
                    (await tables.FindAsync(life.Id)).Should().BeEquivalentTo(await memory.FindAsync(life.Id));
                from = expected.Next;
            }
        }
        (await tables.FindAsync(new(12345))).Should().BeNull();
        for (var position = 1L; position <= book.Engine.DurablePosition; position++)
            (await tables.CorrectionOfAsync(position)).Should().Be(await memory.CorrectionOfAsync(position));
    }
}
