using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>Class bound: what already happened is never refused by a guard, and what does not fit is visible.</summary>
public sealed class ImportSpecs
{
    [Fact]
    public void What_happened_is_booked_with_the_time_it_happened() =>
        Given().When(Import("cash", "alice", "5"))
            .Then(new TransferEvent.Imported(default, Account("cash"), Account("alice"), Money("5.00"), SpecBook.Start.AddSeconds(-86_400), Said))
            .ThenLegs(Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00"));

    [Fact]
    public void What_has_yet_to_happen_is_no_import()
    {
        Given().When(Import("cash", "alice", "5") with { Originated = SpecBook.Start }).ThenAccepted();
        Given().When(Import("cash", "alice", "5") with { Originated = SpecBook.Start.AddMicroseconds(1) })
            .ThenRefused(TransferRejections.OriginatedInFuture);
    }

    [Fact]
    public void A_debit_beyond_the_limit_is_posted_and_says_so() =>
        Given().When(Import("alice", "bob", "5")).ThenAccepted()
            .ThenLegs(Posted("alice", Side.Debit, "5.00") with { Because = "limit.insufficient_funds" }, Posted("bob", Side.Credit, "5.00"))
            .ThenBalance("alice", "-5.00").ThenAvailable("alice", "-5.00");

    [Fact]
    public void A_credit_beyond_the_mirrored_limit_is_posted_and_says_so() =>
        Given(Open("loan", AccountClass.Asset, Mirrored)).When(Import("cash", "loan", "5")).ThenAccepted()
            .ThenLegs(Posted("cash", Side.Debit, "5.00"), Posted("loan", Side.Credit, "5.00") with { Because = "limit.credits_exceed_debits" });

    [Fact]
    public void A_leg_that_its_account_cannot_take_goes_to_suspense()
    {
        Given(new CloseAccount(Account("bob"), "moved")).When(Import("cash", "bob", "5")).ThenAccepted()
            .ThenLegs(Posted("cash", Side.Debit, "5.00"), Diverted("bank:suspense", Side.Credit, "5.00", "account.closed", "bob"))
            .ThenBalance("bank:suspense", "5.00");
        Given().When(Import("cash", "bob", "5 USD")).ThenAccepted()
            .ThenLegs(Posted("cash", Side.Debit, "5.00 USD"), Diverted("bank:suspense", Side.Credit, "5.00 USD", "account.asset_not_opened", "bob"));
    }

    [Fact]
    public void A_leg_that_a_restraint_blocks_goes_to_blocked_funds() =>
        Given(Restrain(1, "bob", RestraintScope.Credits)).When(Import("cash", "bob", "5")).ThenAccepted()
            .ThenLegs(Posted("cash", Side.Debit, "5.00"), Diverted("bank:blocked-funds", Side.Credit, "5.00", "restraint.credits", "bob"))
            .ThenBalance("bob", "0.00").ThenBalance("bank:blocked-funds", "5.00");

    [Fact]
    public void Client_property_goes_to_a_suspense_of_its_own() =>
        Given(Open("depot", AccountClass.Memorandum, Unlimited), Open("client", AccountClass.Memorandum), new CloseAccount(Account("client"), "gone"))
            .When(Import("depot", "client", "5")).ThenAccepted().ThenBalance("client:suspense", "5.00").ThenBalance("depot", "-5.00");

    [Fact]
    public void Both_legs_in_suspense_cancel_out_and_stay_visible() =>
        Given(new CloseAccount(Account("alice"), "moved"), new CloseAccount(Account("bob"), "moved")).When(Import("alice", "bob", "5")).ThenAccepted()
            .ThenLegs(
                Diverted("bank:suspense", Side.Debit, "5.00", "account.closed", "alice"),
                Diverted("bank:suspense", Side.Credit, "5.00", "account.closed", "bob"))
            .ThenBalance("bank:suspense", "0.00");

    [Fact]
    public void The_ledgers_own_law_holds_all_the_same()
    {
        Given().When(Import("alice", "alice", "5")).ThenRefused(LedgerRejections.SameAccount);
        Given().When(Import("cash", "nobody", "5")).ThenRefused(LedgerRejections.CreditAccountNotFound);
        Given(new RetireAsset(AssetCode.Parse("USD"))).When(Import("cash", "bob", "5 USD")).ThenRefused(LedgerRejections.AssetRetired);
        Given(Pay("cash", "alice", "3323069989462289682259517650700861.44")).When(Import("cash", "bob", "0.01"))
            .ThenRefused(LedgerRejections.AmountOutOfRange);
    }

    [Fact]
    public void Credits_of_later_value_are_imported_as_such() =>
        Given().When(Import("cash", "bob", "5", new(ValueOn: On("2026-03-11")))).ThenAccepted().ThenAvailable("bob", "0.00");

    [Fact]
    public void Several_legs_on_one_account_are_judged_by_their_net_effect()
    {
        var interestLessTax = Divert(Leg("bob", Side.Credit, "100.00"), Leg("bob", Side.Debit, "25.00"), Leg("cash", Side.Debit, "75.00"));
        interestLessTax(Given().Book).Should().OnlyContain(leg => leg.Because == null);
        var feeLessRefund = Divert(Leg("bob", Side.Debit, "100.00"), Leg("bob", Side.Credit, "25.00"), Leg("cash", Side.Credit, "75.00"));
        feeLessRefund(Given().Book).Select(leg => leg.Because).Should().Equal("limit.insufficient_funds", null, null);
    }

    [Fact]
    public void Of_several_legs_those_on_the_blocked_side_go_to_blocked_funds()
    {
        var book = Given(Fund("bob", "500"), Restrain(1, "bob", RestraintScope.Debits)).Book;
        Divert(Leg("bob", Side.Credit, "100.00"), Leg("bob", Side.Debit, "25.00"), Leg("cash", Side.Debit, "75.00"))(book)
            .Should().OnlyContain(leg => leg.Because == null);
        Divert(Leg("bob", Side.Debit, "100.00"), Leg("bob", Side.Credit, "25.00"), Leg("cash", Side.Credit, "75.00"))(book)
            .Select(leg => leg.Account.ToString()).Should().Equal("bank:blocked-funds", "bob", "cash");
    }

    private static Leg Leg(string account, Side side, string amount) => Posted(account, side, amount);

    private static Leg Diverted(string to, Side side, string amount, string because, string intended) =>
        Posted(to, side, amount) with { Because = because, Intended = Account(intended) };

    private static Func<SpecBook, List<Leg>> Divert(params Leg[] legs) => book =>
    {
        List<Leg> diverted = [.. legs];
        var movements = new Movements();
        Postings.Gather(book.Bank.Ledger.Tables, legs, movements);
        Guards.Divert(book.Bank.Ledger, new(book.Now, book.Today, 1, default, Scopes.None), diverted, movements, valueOn: null);
        return diverted;
    };
}
