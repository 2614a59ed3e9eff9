using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.EntryRejections;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class EntrySpecs
{
    private static readonly Command[] Custody =
    [
        Open("custody:alice", AccountClass.Memorandum, Limited), Open("custody:depot", AccountClass.Memorandum, Unlimited),
    ];

    [Fact]
    public void An_entry_moves_many_to_many() =>
        Given(Fund("alice", "100"), Open("fees", AccountClass.Income, Unlimited))
            .When(Entry(Debit("alice", "12"), Debit("cash", "3"), Credit("bob", "10"), Credit("fees", "5")))
            .Then(new EntryEvent.Posted(default, Said))
            .ThenLegs(Posted("alice", Side.Debit, "12.00"), Posted("cash", Side.Debit, "3.00"), Posted("bob", Side.Credit, "10.00"),
                Posted("fees", Side.Credit, "5.00"))
            .ThenBalance("alice", "88.00").ThenBalance("bob", "10.00").ThenBalance("fees", "5.00");

    [Fact]
    public void Debits_equal_credits_in_each_asset()
    {
        Given().When(Entry(Debit("cash", "5"), Credit("alice", "4.99"))).ThenRefused(Unbalanced);
        Given(Open("fx", AccountClass.Asset, AccountFlags.AnyAsset))
            .When(Entry(Debit("cash", "5"), Credit("fx", "5 USD"))).ThenRefused(Unbalanced);
        Given(Open("fx", AccountClass.Asset, AccountFlags.AnyAsset))
            .When(Entry(Debit("cash", "5"), Credit("fx", "5"), Debit("fx", "7 USD"), Credit("cash", "7 USD"))).ThenAccepted();
    }

    [Fact]
    public void An_entry_has_two_legs_or_more()
    {
        Given().When(Entry(Debit("cash", "5"))).ThenRefused(TooFewLegs);
        Given().When(Entry()).ThenRefused(TooFewLegs);
    }

    [Fact]
    public void An_entry_has_256_legs_at_most()
    {
        StatedLeg[] legs = [.. Enumerable.Range(0, 255).Select(_ => Debit("cash", "0.01")), Credit("alice", "2.55")];
        Given().When(Entry(legs)).ThenAccepted().ThenBalance("alice", "2.55");
        Given().When(Entry([.. legs, Credit("alice", "0.01")])).ThenRefused(TooManyLegs);
    }

    [Fact]
    public void Each_of_256_legs_may_stand_on_an_account_of_its_own()
    {
        Command[] accounts = [.. Enumerable.Range(0, 256).Select(i => Open($"a{i}", AccountClass.Asset, Unlimited))];
        StatedLeg[] legs = [.. Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? Debit($"a{i}", "1") : Credit($"a{i}", "1"))];
        Given(accounts).When(Entry(legs)).ThenAccepted().ThenBalance("a255", "1.00");
    }

    [Fact]
    public void The_greatest_amounts_on_one_account_are_out_of_range_and_no_fault()
    {
        const string greatest = "3323069989462289682259517650700861.44";
        StatedLeg[] legs = [.. Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? Debit("cash", greatest) : Credit("alice", greatest))];
        Given().When(Entry(legs)).ThenRefused(AmountOutOfRange);
    }

    [Fact]
    public void Limits_see_the_net_effect_on_an_account()
    {
        Given(Fund("alice", "10")).When(Entry(Debit("alice", "30"), Credit("alice", "20"), Credit("bob", "10"))).ThenAccepted()
            .ThenBalance("alice", "0.00");
        Given(Fund("alice", "10")).When(Entry(Debit("alice", "30"), Credit("alice", "19.99"), Credit("bob", "10.01")))
            .ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void An_account_may_stand_on_both_sides_without_effect() =>
        Given().When(Entry(Debit("alice", "5"), Credit("alice", "5"))).ThenAccepted().ThenBalance("alice", "0.00");

    [Fact]
    public void Two_assets_washed_on_one_account_are_balanced() =>
        Given().When(Entry(Debit("cash", "5"), Credit("cash", "5"), Debit("cash", "7 USD"), Credit("cash", "7 USD"))).ThenAccepted();

    [Fact]
    public void Restraints_see_the_net_effect_on_an_account()
    {
        Command[] blocked = [Fund("alice", "50"), Restrain(1, "alice", RestraintScope.Debits)];
        Given(blocked).When(Entry(Debit("alice", "5"), Credit("alice", "6"), Debit("cash", "1"))).ThenAccepted();
        Given(blocked).When(Entry(Debit("alice", "6"), Credit("alice", "5"), Credit("cash", "1"))).ThenRefused(RestraintRejections.Debits);
    }

    [Fact]
    public void Client_property_moves_within_itself() =>
        Given(Custody).When(Pay("custody:depot", "custody:alice", "5")).ThenAccepted().ThenBalance("custody:alice", "5.00");

    [Fact]
    public void Client_property_never_meets_the_banks_own()
    {
        Given(Custody).When(Pay("cash", "custody:alice", "5")).ThenRefused(MemorandumMixed);
        Given(Custody).When(Pay("custody:depot", "alice", "5")).ThenRefused(MemorandumMixed);
        Given(Custody).When(Reserve(null, "custody:depot", "alice", "5")).ThenRefused(MemorandumMixed);
        Given(Custody).When(Adjust(Debit("cash", "5"), Credit("custody:alice", "5"))).ThenRefused(MemorandumMixed);
        Given(Custody).When(Import("cash", "custody:alice", "5")).ThenRefused(MemorandumMixed);
    }

    [Fact]
    public void Both_may_stand_in_one_entry_each_balanced()
    {
        Given(Custody).When(Entry(Debit("cash", "5"), Credit("bob", "5"), Debit("custody:depot", "7"), Credit("custody:alice", "7")))
            .ThenAccepted();
        Given(Custody).When(Entry(Debit("cash", "5"), Credit("bob", "7"), Debit("custody:depot", "7"), Credit("custody:alice", "5")))
            .ThenRefused(MemorandumMixed);
    }

    [Fact]
    public void An_adjustment_goes_beyond_limits_and_restraints_and_says_why() =>
        Given(Restrain(1, "alice", RestraintScope.Both)).When(Adjust(Debit("alice", "5"), Credit("cash", "5")))
            .Then(new EntryEvent.Adjusted(default, "correction", Said)).ThenBalance("alice", "-5.00").ThenAvailable("alice", "-5.00");

    [Fact]
    public void But_not_into_a_closed_account_nor_an_asset_it_was_not_opened_for()
    {
        Given(new CloseAccount(Account("bob"), "moved")).When(Adjust(Debit("cash", "5"), Credit("bob", "5"))).ThenRefused(AccountClosed);
        Given().When(Adjust(Debit("cash", "5 USD"), Credit("bob", "5 USD"))).ThenRefused(AssetNotOpened);
    }

    [Fact]
    public void An_adjustment_balances_like_any_entry() =>
        Given().When(Adjust(Debit("alice", "5"), Credit("cash", "6"))).ThenRefused(Unbalanced);

    [Fact]
    public void A_reversal_mirrors_the_legs_and_names_what_it_corrects()
    {
        var spec = Given(Pay("cash", "alice", "5"));
        var original = spec.Book.Execution.Position;
        spec.When(Reverse(original, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00")))
            .Then(new TransferEvent.Reversed(original, "error", Said))
            .ThenLegs(Posted("cash", Side.Credit, "5.00"), Posted("alice", Side.Debit, "5.00"))
            .ThenBalance("alice", "0.00").ThenBalance("cash", "0.00");
        spec.When(Reverse(original, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00"))).ThenRefused(AlreadyReversed);
    }

    [Fact]
    public void A_reversal_cannot_be_reversed()
    {
        var spec = Given(Pay("cash", "alice", "5"));
        var original = spec.Book.Execution.Position;
        spec.And(Reverse(original, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00")));
        spec.When(Reverse(original + 1, Posted("cash", Side.Credit, "5.00"), Posted("alice", Side.Debit, "5.00"))).ThenRefused(NotReversible);
    }

    [Fact]
    public void What_posted_nothing_or_is_yet_to_come_cannot_be_reversed()
    {
        var spec = Given(Reserve(Name(1), "cash", "alice", "5"));
        spec.When(Reverse(spec.Book.Execution.Position)).ThenRefused(NotReversible);
        spec.When(Reverse(10_000, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00"))).ThenRefused(NotReversible);
        spec.When(Reverse(0)).ThenRefused(NotFound);
    }

    [Fact]
    public void A_reversal_takes_back_money_that_was_spent_meanwhile()
    {
        var spec = Given(Pay("cash", "alice", "5"));
        var original = spec.Book.Execution.Position;
        spec.And(Pay("alice", "bob", "5"))
            .When(Reverse(original, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00"))).ThenAccepted()
            .ThenBalance("alice", "-5.00");
    }

    [Fact]
    public void A_posted_part_of_a_reservation_is_reversed_by_itself()
    {
        var spec = Given(Fund("alice", "100"), Reserve(Name(1), "alice", "bob", "50"), PostPart(Name(1), "20"));
        spec.When(Reverse(spec.Book.Execution.Position, Posted("alice", Side.Debit, "20.00"), Posted("bob", Side.Credit, "20.00")))
            .ThenAccepted().ThenBalance("alice", "100.00").ThenPendingDebits("alice", "30.00").ThenAvailable("alice", "70.00");
    }

    [Fact]
    public void The_account_of_a_reversal_must_be_open()
    {
        var spec = Given(Pay("cash", "alice", "5"));
        var original = spec.Book.Execution.Position;
        spec.And(Pay("alice", "cash", "5"), new CloseAccount(Account("alice"), "moved"))
            .When(Reverse(original, Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00"))).ThenRefused(AccountClosed);
    }
}
