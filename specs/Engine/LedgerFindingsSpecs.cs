using System.Collections.Immutable;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine;

/// <summary>What the reference model found in the ledger, each by its symptom.</summary>
public sealed class LedgerFindingsSpecs
{
    [Fact]
    public async Task An_exchange_on_a_desk_that_makes_no_account_name_is_refused_and_not_a_fault()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "alice", AccountFlags.None);
        var answer = await book.Send(Exchange("fx."));
        (answer.Ended.Ending, Code(answer)).Should().Be((Ending.Refused, "exchange.desk_unnameable"));
    }

    [Fact]
    public async Task Legs_that_add_up_beyond_the_range_on_a_new_balance_are_refused()
    {
        using var book = await TestBook.FoundAsync();
        var most = new StatedAmount(AssetCode.Parse("JPY"), LedgerView.MaxTotal, 0);
        var legs = Enumerable.Range(0, 128).SelectMany(_ => new StatedLeg[]
        {
            new(SystemAccounts.Suspense, Side.Debit, most), new(SystemAccounts.BlockedFunds, Side.Credit, most),
        });
        var answer = await book.Send(new PostEntry([.. legs], Particulars.None));
        (answer.Ended.Ending, Code(answer)).Should().Be((Ending.Refused, "amount.out_of_range"));
    }

    [Fact]
    public async Task A_chain_that_brings_too_many_commands_after_it_is_refused_and_not_a_fault()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "alice", AccountFlags.None);
        var links = Enumerable.Range(0, 30).Select(i => (Command)Exchange($"desk{i}"));
        var answer = await book.Send(new Chain([.. links]));
        (answer.Ended.Ending, Code(answer)).Should().Be((Ending.Refused, "command.too_many_follow_ups"));
    }

    [Fact]
    public async Task A_restraint_that_is_not_in_effect_yet_does_not_cap_an_account_without_limits()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "dave", AccountFlags.None);
        await Open(book, "alice", AccountFlags.None);
        await book.Send(Claim(book, id: 1, "10", from: 3_600));
        var answer = await book.Send(new MakeTransfer(Account("dave"), Account("alice"), Eur("1"), Particulars.None));
        answer.Ended.Ending.Should().Be(Ending.Accepted);
    }

    [Fact]
    public async Task Restraints_of_equal_rank_are_served_in_the_order_of_their_placing()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "dave", AccountFlags.None);
        await Open(book, "alice", AccountFlags.None);
        await book.Send(new MakeTransfer(Account("alice"), Account("dave"), Eur("10"), Particulars.None));
        await book.Send(Claim(book, id: 9, "10"));
        await book.Send(Claim(book, id: 1, "10"));
        var later = await book.Send(new Seize(new(1), Account("alice"), Eur("10"), Particulars.None));
        var earlier = await book.Send(new Seize(new(9), Account("alice"), Eur("10"), Particulars.None));
        (Code(later), earlier.Ended.Ending).Should().Be(("restraint.exceeds_restraint", Ending.Accepted));
    }

    [Fact]
    public async Task An_entry_that_balances_client_property_and_own_books_each_in_itself_is_posted()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "agent:pledge", AccountFlags.None, AccountClass.Memorandum);
        await Open(book, "dave", AccountFlags.None);
        ImmutableArray<StatedLeg> legs =
        [
            new(Account("agent:pledge"), Side.Debit, Eur("5")), new(Account("agent:pledge"), Side.Credit, Eur("5")),
            new(Account("dave"), Side.Debit, Eur("5")), new(Account("dave"), Side.Credit, Eur("5")),
        ];
        (await book.Send(new PostEntry(legs, Particulars.None))).Ended.Ending.Should().Be(Ending.Accepted);
    }

    [Fact]
    public async Task What_was_adjusted_into_a_closed_year_is_carried_by_closing_the_year_again()
    {
        using var book = await TestBook.FoundAsync();
        await Open(book, "fees", AccountFlags.None, AccountClass.Income);
        await Open(book, "dave", AccountFlags.None);
        var end = BusinessDate.Parse("2025-12-31");
        await book.Send(new ClosePeriodSoftly(end));
        await book.Send(new CloseYear(2025));
        await book.Send(new MakeTransfer(Account("dave"), Account("fees"), Eur("7"), new(BookedOn: end)));
        Code(await book.Send(new ClosePeriod(end))).Should().Be("year.not_closed");
        await book.Send(new CloseYear(2025));
        (await book.Send(new ClosePeriod(end))).Ended.Ending.Should().Be(Ending.Accepted);
    }

    [Fact]
    public async Task A_sandbox_clock_is_not_advanced_out_of_the_calendar()
    {
        using var book = await TestBook.FoundAsync();
        var answer = await book.Engine.ReadAsync((bank, at) => bank.Decide(
            at with { Now = Instant.Parse("9899-12-31T00:00:00Z") }, Envelope.Engine, new AdvanceClock(86_401)));
        answer.Rejected!.Code.Should().Be("clock.step_out_of_range");
    }

    private static Task<Application.Engine.Answer> Open(
        TestBook book, string name, AccountFlags flags, AccountClass @class = AccountClass.Liability) =>
        book.Send(new OpenAccount(
            Account(name), @class, Tag.Of("2000"), default, flags, [AssetCode.Parse("EUR"), AssetCode.Parse("USD")]));

    private static ExchangeAssets Exchange(string desk) => new(
        Account("alice"), Eur("1"), new(AssetCode.Parse("USD"), 110, 2), null, Tag.Of(desk), Particulars.None);

    private static PlaceRestraint Claim(TestBook book, uint id, string amount, int from = 0) => new(
        new(id), Account("dave"), Tag.Of("claim"), Tag.Of("court"), 1, RestraintScope.Amount, Eur(amount), null,
        new Instant(book.Time.WallMicroseconds()).AddSeconds(from), null, null);

    private static string? Code(Application.Engine.Answer answer) => answer.Ended.Rejection?.Code;
}
