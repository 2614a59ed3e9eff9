using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.BookRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class YearSpecs
{
    private static readonly ClosePeriodSoftly Softly2025 = new(On("2025-12-31"));
    private static readonly ClosePeriod Period2025 = new(On("2025-12-31"));
    private static readonly CloseYear Year2025 = new(2025);
    private static readonly Particulars In2025 = new(BookedOn: On("2025-11-30"));

    private static readonly Command[] Traded =
    [
        Open("fees", AccountClass.Income, Unlimited, "EUR", "USD"), Open("rent", AccountClass.Expense, Unlimited, "EUR", "USD"),
        Pay("cash", "fees", "100", In2025), Pay("rent", "cash", "30", In2025), Pay("cash", "fees", "7 USD", In2025), Pay("cash", "fees", "11"),
    ];

    [Fact]
    public void A_years_income_and_expense_go_to_retained_earnings_and_the_next_years_stay() =>
        Given([.. Traded, Softly2025]).When(Year2025).ThenAccepted().After(0)
            .ThenBalance("fees", "11.00").ThenBalance("fees", "0.00 USD").ThenBalance("rent", "0.00")
            .ThenBalance("bank:retained-earnings", "70.00").ThenBalance("bank:retained-earnings", "7.00 USD").ThenBalance("cash", "-81.00");

    [Fact]
    public void The_year_is_closed_once() => Given([.. Traded, Softly2025, Year2025]).When(Year2025).ThenRefused(YearAlreadyClosed);

    [Fact]
    public void A_year_without_income_is_closed_too()
    {
        Given(Softly2025).When(Year2025).Then(new BookEvent.YearClosing(2025)).After(0)
            .ThenThat(book => book.Bank.Book.Day.ClosedYear.Should().Be(2025));
        Given(Softly2025, Year2025).When(Year2025).ThenRefused(YearAlreadyClosed);
    }

    [Fact]
    public void What_an_officer_books_into_a_closed_year_is_carried_by_closing_it_again() =>
        Given([.. Traded, Softly2025, Year2025, Pay("cash", "fees", "5", In2025)]).When(Year2025).ThenAccepted().After(0)
            .ThenBalance("fees", "11.00").ThenBalance("bank:retained-earnings", "75.00")
            .When(Period2025).ThenAccepted();

    [Fact]
    public void A_year_closes_when_its_last_day_is_closed_softly_and_before_it_is_closed_for_good()
    {
        Given(Traded).When(Year2025).ThenRefused(YearOpen);
        Given([.. Traded, new ClosePeriodSoftly(On("2025-12-30"))]).When(Year2025).ThenRefused(YearOpen);
        Given([.. Traded, Softly2025]).When(Period2025).ThenRefused(YearNotClosed);
        Given([.. Traded, Softly2025]).When(new ClosePeriod(On("2025-12-30"))).ThenAccepted();
        Given([.. Traded, Softly2025, Year2025]).When(Period2025).ThenAccepted();
        Given().When(new CloseYear(2026)).ThenRefused(InFuture);
        Given([.. Traded, Softly2025]).When(Year2025).ThenAccepted().When(Year2025).ThenRefused(YearIsClosing);
        Given(Softly2025, Period2025).When(Year2025).ThenRefused(AlreadyClosed);
    }

    [Fact]
    public void More_balances_than_one_entry_holds_are_carried_in_parts()
    {
        Command[] accounts = [.. Enumerable.Range(0, 129).Select(i => Open($"fee{i}", AccountClass.Income, Unlimited))];
        Command[] earned = [.. Enumerable.Range(0, 129).Select(i => Pay("cash", $"fee{i}", "1", In2025))];
        var spec = Given([.. accounts, .. earned, Softly2025]).When(Year2025).ThenAccepted();
        int Carried()
        {
            spec.Book.Engine(spec.Book.Bank.Due(spec.Book.Now)!).Ending.Should().Be(Ending.Accepted);
            return spec.Book.Execution.Events[0].Legs.Length;
        }
        new[] { Carried(), Carried(), Carried() }.Should().Equal(256, 2, 0);
        spec.ThenBalance("bank:retained-earnings", "129.00").ThenThat(book => book.Bank.Due(book.Now).Should().BeNull());
    }

    [Fact]
    public void A_years_close_goes_through_whatever_limits_and_restraints_stand() =>
        Given([.. Traded, new SetLimits(Account("rent"), Mirrored), Restrain(1, "fees", RestraintScope.Both), Softly2025]).When(Year2025)
            .ThenAccepted().After(0).ThenBalance("bank:retained-earnings", "70.00");

    [Fact]
    public void An_account_with_income_of_an_open_year_is_not_closed_though_its_balance_is_zero()
    {
        Command[] zero = [Open("fees", AccountClass.Income, Unlimited), Pay("cash", "fees", "5", In2025), Pay("fees", "cash", "5")];
        Given(zero).When(new CloseAccount(Account("fees"), "merged")).ThenRefused(AccountRejections.YearStands);
        Given([.. zero, Softly2025]).When(Year2025).ThenAccepted().After(0).ThenBalance("fees", "-5.00");
    }

    [Fact]
    public void Closing_a_later_year_first_leaves_the_earlier_one_to_be_closed()
    {
        Command[] both = [Open("fees", AccountClass.Income, Unlimited), Pay("cash", "fees", "5", new(BookedOn: On("2024-05-05"))),
            Pay("cash", "fees", "7", In2025), Softly2025, Year2025];
        Given(both).When(new CloseYear(2024)).ThenAccepted().After(0).ThenBalance("bank:retained-earnings", "12.00")
            .ThenThat(book => book.Bank.Book.Day.ClosedYear.Should().Be(2025));
    }

    [Fact]
    public void A_genesis_is_an_entity_a_currency_and_a_cut_off()
    {
        var bank = new Bank();
        var execution = new Execution(bank);
        foreach (var (genesis, code) in new[]
        {
            (Words.Genesis with { Functional = AssetCode.Parse("XAU") }, FunctionalUnknown), (Words.Genesis with { Entity = "SHORT" }, GenesisMalformed),
            (Words.Genesis with { CutOffSeconds = 0 }, GenesisMalformed), (Words.Genesis with { CutOffSeconds = 86_401 }, GenesisMalformed),
            (Words.Genesis with { IdMemory = 1_999 }, GenesisMalformed),
        })
            bank.Decide(new(SpecBook.Start, default, 1, default, Scopes.All), Envelope.Engine, new OpenBook(genesis, Today)).Rejected.Should().Be(code);
        execution.Position.Should().Be(0);
    }
}
