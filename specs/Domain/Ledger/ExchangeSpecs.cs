using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.EntryRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class ExchangeSpecs
{
    private static readonly Command[] Customer =
    [
        Open("carol", assets: ["EUR", "USD", "JPY"]), Pay("cash", "carol", "100"), Pay("cash", "carol", "100 USD"),
    ];

    [Fact]
    public void The_functional_side_is_its_own_equivalent() =>
        Given(Customer).When(Exchange("carol", "50", "55 USD"))
            .ThenAccepted()
            .ThenLegs(
                Posted("carol", Side.Debit, "50.00"), Posted("carol", Side.Credit, "55.00 USD"),
                Posted("pos:fx:usd", Side.Debit, "55.00 USD"), Posted("eqv:fx:usd", Side.Credit, "50.00"))
            .ThenBalance("carol", "50.00").ThenBalance("carol", "155.00 USD")
            .ThenBalance("pos:fx:usd", "-55.00 USD").ThenBalance("eqv:fx:usd", "50.00");

    [Fact]
    public void Neither_side_functional_needs_an_equivalent_which_the_positions_share()
    {
        Given(Customer).When(Exchange("carol", "50 USD", "7500 JPY")).ThenRefused(EquivalentMissing);
        Given(Customer).When(Exchange("carol", "50 USD", "7500 JPY", "45")).ThenAccepted()
            .ThenBalance("pos:fx:usd", "50.00 USD").ThenBalance("eqv:fx:usd", "-45.00")
            .ThenBalance("pos:fx:jpy", "-7500 JPY").ThenBalance("eqv:fx:jpy", "45.00");
    }

    [Fact]
    public void Position_accounts_are_opened_as_the_first_exchange_needs_them_and_once()
    {
        var spec = Given(Customer).When(Exchange("carol", "10", "11 USD")).ThenAccepted();
        spec.Book.Execution.Events.Select(e => e.Event.GetType().Name).Should().Equal("Opened", "Opened", "Exchanged");
        spec.When(Exchange("carol", "10", "11 USD")).ThenAccepted();
        spec.Book.Execution.Events.Select(e => e.Event.GetType().Name).Should().Equal("Exchanged");
    }

    [Fact]
    public void An_exchange_is_named_by_its_command_also_when_positions_had_to_be_opened()
    {
        var spec = Given(Customer).When(Exchange("carol", "10", "11 USD"), id: new(Name(4).Value)).ThenAccepted();
        spec.Book.Execution.Events[^1].Event.Should().BeOfType<EntryEvent.Exchanged>().Which.Id.Should().Be(Name(4));
    }

    [Fact]
    public void A_first_exchange_under_a_free_text_key_is_accepted() =>
        Given(Customer).When(Exchange("carol", "10", "11 USD"), id: new(((UInt128)8 << 76) | ((UInt128)2 << 62) | 5)).ThenAccepted();

    [Fact]
    public void A_first_exchange_can_be_a_link() => Given(Customer).When(Linked(Exchange("carol", "10", "11 USD"))).ThenAccepted();

    [Fact]
    public void More_follow_ups_than_a_command_may_bring_are_refused_and_no_fault()
    {
        Chain first(int desks) => Linked([.. Enumerable.Range(0, desks).Select(i => Exchange("carol", "1", "1 USD", desk: $"desk{i}"))]);
        Given(Customer).When(first(21)).ThenAccepted();
        Given(Customer).When(first(22)).ThenRefused(Execution.TooManyFollowUps, link: 22);
    }

    [Theory]
    [InlineData("0", "5 USD", null, "amount.not_positive")]
    [InlineData("5", "0 USD", null, "amount.not_positive")]
    [InlineData("5", "5", null, "exchange.same_asset")]
    [InlineData("5", "5 USD", "4.99", "exchange.equivalent_differs")]
    [InlineData("5 USD", "700 JPY", "5 USD", "exchange.equivalent_differs")]
    [InlineData("5 USD", "700 JPY", "0", "amount.not_positive")]
    [InlineData("100.01", "90 USD", null, "limit.insufficient_funds")]
    [InlineData("5", "5 CHF", null, "account.asset_not_opened")]
    public void What_does_not_make_sense_is_refused(string sold, string bought, string? equivalent, string code) =>
        Given(Customer).When(Exchange("carol", sold, bought, equivalent)).ThenRefused(new(code, ""));

    [Theory]
    [InlineData("fx.")]
    [InlineData("-fx")]
    [InlineData("f..x")]
    public void A_desk_that_makes_no_account_name_is_refused_and_no_fault(string desk) =>
        Given(Customer).When(Exchange("carol", "5", "5 USD", desk: desk)).ThenRefused(DeskUnnameable);

    [Fact]
    public void An_exchange_names_a_desk() =>
        Given(Customer).When(Exchange("carol", "5", "5 USD") with { Desk = default }).ThenRefused(DeskUnnameable);

    [Fact]
    public void An_exchange_is_reversed_in_both_assets_and_the_position_closes()
    {
        var spec = Given(Customer).When(Exchange("carol", "50", "55 USD")).ThenAccepted();
        var legs = spec.Book.Execution.Events[^1].Legs;
        spec.When(new ReverseEntry(spec.Book.Execution.Position, legs, "error", Particulars.None)).ThenAccepted()
            .ThenBalance("carol", "100.00").ThenBalance("carol", "100.00 USD").ThenBalance("pos:fx:usd", "0.00 USD").ThenBalance("eqv:fx:usd", "0.00");
    }

    [Theory]
    [InlineData("pos:fx:usd", "cash", "1 USD")]
    [InlineData("cash", "pos:fx:usd", "1 USD")]
    [InlineData("eqv:fx:usd", "cash", "1")]
    [InlineData("cash", "eqv:fx:usd", "1")]
    public void A_position_and_its_equivalent_are_moved_by_exchanges_alone(string debit, string credit, string amount)
    {
        var spec = Given([.. Customer, Exchange("carol", "50", "55 USD")]);
        var apart = LedgerRejections.CurrencyPosition;
        spec.When(Pay(debit, credit, amount)).ThenRefused(apart);
        spec.When(Reserve(null, debit, credit, amount)).ThenRefused(apart);
        spec.When(Entry(Debit(debit, amount), Credit(credit, amount))).ThenRefused(apart);
        spec.When(Linked(Pay("cash", "carol", "1"), Pay(debit, credit, amount))).ThenRefused(apart, link: 2);
        spec.When(Adjust(Debit(debit, amount), Credit(credit, amount))).ThenAccepted();
    }

    [Fact]
    public void A_position_is_nobodys_customer()
    {
        var spec = Given([.. Customer, Exchange("carol", "50", "55 USD")]);
        spec.When(Exchange("pos:fx:usd", "5 USD", "4")).ThenRefused(LedgerRejections.CurrencyPosition);
        spec.When(Exchange("eqv:fx:usd", "5", "4 USD")).ThenRefused(LedgerRejections.CurrencyPosition);
    }

    [Fact]
    public void A_position_is_not_seized()
    {
        var spec = Given([.. Customer, Exchange("carol", "50 USD", "45")])
            .When(Restrain(1, "pos:fx:usd", RestraintScope.Amount, "5 USD")).ThenAccepted();
        spec.When(SeizeFor(1, "cash", "5 USD")).ThenRefused(LedgerRejections.CurrencyPosition);
    }

    [Fact]
    public void What_is_imported_onto_a_position_goes_to_suspense_and_says_why() =>
        Given([.. Customer, Exchange("carol", "50", "55 USD")])
            .When(Import("cash", "pos:fx:usd", "5 USD")).ThenAccepted()
            .ThenBalance("pos:fx:usd", "-55.00 USD").ThenBalance("bank:suspense", "5.00 USD");

    [Fact]
    public void What_an_older_journal_booked_on_a_position_is_applied_as_it_stands()
    {
        var spec = Given([.. Customer, Exchange("carol", "50", "55 USD")]);
        var execution = spec.Book.Execution;
        execution.Apply(
            new(execution.Position + 1, spec.Book.Now, default, 1, 1), Made("cash", "pos:fx:usd", "5.00 USD"), []);
        spec.ThenBalance("pos:fx:usd", "-50.00 USD");
    }

    [Fact]
    public void Client_property_is_not_exchanged_against_the_banks_position() =>
        Given(Open("custody", AccountClass.Memorandum, Unlimited, "EUR", "USD"))
            .When(Exchange("custody", "5", "5 USD")).ThenRefused(LedgerRejections.MemorandumMixed);

    [Fact]
    public void A_chart_in_force_does_not_stop_the_books_own_accounts() =>
        Given([.. Customer, new PublishReference(Tag.Of("chart"), Today,
                new ReferenceContent.Chart([new(Tag.Of("2100"), "liability", "Deposits")]), Tag.Of("board"))])
            .When(Exchange("carol", "5", "5 USD")).ThenAccepted();
}
