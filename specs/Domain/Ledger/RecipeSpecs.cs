using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>
/// What users of ledgers build from the primitives. The list is that of TigerBeetle's documentation
/// (docs/coding/recipes), each in this book's own commands.
/// </summary>
public sealed class RecipeSpecs
{
    private const string All = "1000000000";

    [Fact]
    public void Balance_bounds_keep_an_account_between_nothing_and_a_ceiling()
    {
        // Its debits stand at the ceiling; what the account has, reserved to it and cancelled, may not exceed them.
        Command[] bounded = [Open("ceiling", AccountClass.Asset, Mirrored), Pay("ceiling", "cash", "100"), Fund("alice", "60")];
        var check = new Command[] { Reserve(Name(1), "alice", "ceiling", All, balancing: Balancing.Debit), new CancelTransfer(Name(1)) };
        Given(bounded).When(Linked([Fund("alice", "40"), .. check])).ThenAccepted().ThenBalance("alice", "100.00").ThenPendingDebits("alice", "0.00");
        Given(bounded).When(Linked([Fund("alice", "40.01"), .. check])).ThenRefused(CreditsExceedDebits, link: 2).ThenBalance("alice", "60.00");
        Given(bounded).When(Pay("alice", "bob", "60.01")).ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void A_balance_condition_lets_a_transfer_through_only_if_another_account_has_enough()
    {
        var conditional = Linked(Reserve(Name(1), "alice", "cash", "100"), new CancelTransfer(Name(1)), Pay("cash", "bob", "5"));
        Given(Fund("alice", "100")).When(conditional).ThenAccepted().ThenBalance("alice", "100.00").ThenBalance("bob", "5.00");
        Given(Fund("alice", "99.99")).When(conditional).ThenRefused(InsufficientFunds, link: 1).ThenBalance("bob", "0.00");
    }

    [Fact]
    public void A_balance_invariant_holds_at_the_end_of_a_batch_though_not_within()
    {
        Command[] unlimited = [Open("desk", AccountClass.Asset, Unlimited), Pay("cash", "desk", "10")];
        Command[] check = [Reserve(Name(1), "desk", "guard", All, balancing: Balancing.Debit), new CancelTransfer(Name(1))];
        Command[] guard = [Open("guard", AccountClass.Asset, Unlimited)];
        Given([.. unlimited, .. guard]).When(Linked([Pay("desk", "bob", "15"), Pay("cash", "desk", "6"), .. check])).ThenAccepted();
        Given([.. unlimited, .. guard]).When(Linked([Pay("desk", "bob", "15"), Pay("cash", "desk", "4"), .. check])).ThenRefused(InsufficientFunds, link: 3);
    }

    [Fact]
    public void An_account_is_emptied_and_closed_in_one_chain()
    {
        var close = new CloseAccount(Account("alice"), "on request");
        Given(Fund("alice", "12.34")).When(Linked(Pay("alice", "bob", All, balancing: Balancing.Debit), close)).ThenAccepted().ThenBalance("bob", "12.34");
        Given(Fund("alice", "12.34"), Reserve(Name(1), "alice", "cash", "2"))
            .When(Linked(Pay("alice", "bob", All, balancing: Balancing.Debit), close)).ThenRefused(AccountRejections.NotEmpty, link: 2);
    }

    [Fact]
    public void A_wrong_transfer_is_corrected_by_its_reversal_and_the_right_one()
    {
        var spec = Given(Pay("cash", "bob", "10"));
        var wrong = spec.Book.Execution.Position;
        spec.When(Linked(Reverse(wrong, Posted("cash", Side.Debit, "10.00"), Posted("bob", Side.Credit, "10.00")), Pay("cash", "alice", "10")))
            .ThenAccepted().ThenBalance("bob", "0.00").ThenBalance("alice", "10.00");
    }

    [Fact]
    public void Currency_is_exchanged_with_a_spread_in_one_chain()
    {
        Command[] customer = [Open("carol", assets: ["EUR", "USD"]), Pay("cash", "carol", "100"), Open("spread", AccountClass.Income, Unlimited)];
        Given(customer).When(Linked(Exchange("carol", "99", "108.90 USD"), Pay("carol", "spread", "1"))).ThenAccepted()
            .ThenBalance("carol", "0.00").ThenBalance("carol", "108.90 USD").ThenBalance("spread", "1.00");
    }

    [Fact]
    public void Many_debits_and_many_credits_are_one_entry() =>
        Given(Fund("alice", "10"), Fund("bob", "20")).When(Entry(Debit("alice", "10"), Debit("bob", "20"), Credit("cash", "30"))).ThenAccepted()
            .ThenBalance("cash", "0.00");

    [Fact]
    public void Requests_are_limited_to_so_many_a_minute_by_reservations_that_expire()
    {
        Command Request() => Reserve(null, "bucket", "meter", "1 XTS", seconds: 60);
        Command[] three =
        [
            Open("bucket", AccountClass.Memorandum, Limited, "XTS"), Open("meter", AccountClass.Memorandum, Unlimited, "XTS"),
            Pay("meter", "bucket", "3 XTS"),
        ];
        Given([new RegisterAsset(AssetCode.Parse("XTS"), 0, "Requests"), .. three, Request(), Request(), Request()])
            .When(Request()).ThenRefused(InsufficientFunds)
            .After(59).When(Request()).ThenRefused(InsufficientFunds)
            .After(1).When(Request()).ThenAccepted();
    }
}
