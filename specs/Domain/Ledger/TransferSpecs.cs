using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Domain.Ledger.TransferRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class TransferSpecs
{
    private static readonly AccountFlags AnyAsset = AccountFlags.AnyAsset;

    [Fact]
    public void Money_moves_from_the_debit_to_the_credit_account() =>
        Given(Fund("alice", "100"))
            .When(Pay("alice", "bob", "40"))
            .Then(Made("alice", "bob", "40.00"))
            .ThenBalance("alice", "60.00").ThenBalance("bob", "40.00").ThenBalance("cash", "-100.00");

    [Theory]
    [InlineData("0")]
    [InlineData("0.00")]
    [InlineData("-1")]
    public void An_amount_must_exceed_zero(string amount) =>
        Given(Fund("alice", "100")).When(Pay("alice", "bob", amount)).ThenRefused(AmountNotPositive);

    [Theory]
    [InlineData("1.234", "amount.too_many_decimals")]
    [InlineData("1.230", "amount.too_many_decimals")]
    [InlineData("1 XAU", "asset.unknown")]
    public void An_amount_fits_its_asset(string amount, string code) =>
        Given(Fund("alice", "100")).When(Pay("alice", "bob", amount)).ThenRefused(new(code, ""));

    [Fact]
    public void One_account_cannot_pay_itself() =>
        Given(Fund("alice", "100")).When(Pay("alice", "alice", "1")).ThenRefused(SameAccount);

    [Fact]
    public void Both_accounts_must_be_there()
    {
        Given().When(Pay("nobody", "bob", "1")).ThenRefused(DebitAccountNotFound);
        Given().When(Pay("cash", "nobody", "1")).ThenRefused(CreditAccountNotFound);
        Given().When(Pay("nobody", "no-one", "1")).ThenRefused(DebitAccountNotFound);
    }

    [Fact]
    public void A_limited_account_spends_its_last_cent() =>
        Given(Fund("alice", "100")).When(Pay("alice", "bob", "100")).ThenAccepted().ThenBalance("alice", "0.00");

    [Fact]
    public void And_not_one_cent_more() =>
        Given(Fund("alice", "100")).When(Pay("alice", "bob", "100.01")).ThenRefused(InsufficientFunds);

    [Fact]
    public void An_unlimited_account_may_go_below_zero() =>
        Given().When(Pay("cash", "alice", "5")).ThenAccepted().ThenBalance("cash", "-5.00");

    [Fact]
    public void The_mirrored_limit_keeps_credits_within_debits()
    {
        var loan = Open("loan", AccountClass.Asset, Mirrored);
        Given(loan, Pay("loan", "alice", "100")).When(Pay("cash", "loan", "100")).ThenAccepted().ThenBalance("loan", "0.00");
        Given(loan, Pay("loan", "alice", "100")).When(Pay("cash", "loan", "100.01")).ThenRefused(CreditsExceedDebits);
    }

    [Fact]
    public void A_granted_overdraft_is_spent_to_the_cent()
    {
        var grant = new GrantOverdraft(Account("alice"), Stated("50"));
        Given(Fund("alice", "10"), grant).When(Pay("alice", "bob", "60")).ThenAccepted().ThenAvailable("alice", "0.00");
        Given(Fund("alice", "10"), grant).When(Pay("alice", "bob", "60.01")).ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void An_asset_the_account_was_not_opened_for_is_refused() =>
        Given().When(Pay("cash", "alice", "5 USD")).ThenRefused(AssetNotOpened);

    [Fact]
    public void An_asset_added_later_is_taken() =>
        Given(new AddAsset(Account("alice"), AssetCode.Parse("USD"))).When(Pay("cash", "alice", "5 USD")).ThenAccepted()
            .ThenBalance("alice", "5.00 USD").ThenBalance("alice", "0.00");

    [Fact]
    public void What_a_channel_says_is_carried()
    {
        var said = new Particulars(Tag.Of("salary"), "E2E-1", "sealed", new("""{"batch":"7"}"""), On("2026-03-09"), On("2026-03-08"));
        Given().When(Pay("cash", "alice", "5", said))
            .Then(new TransferEvent.Made(default, Account("cash"), Account("alice"), Money("5.00"), said));
    }

    [Fact]
    public void A_name_given_by_the_caller_is_kept() =>
        Given().When(Pay("cash", "alice", "5", id: Name(1)))
            .Then(new TransferEvent.Made(Name(1), Account("cash"), Account("alice"), Money("5.00"), Said));

    [Fact]
    public void A_transfer_without_a_name_is_named_by_its_command() =>
        Given().When(Pay("cash", "alice", "5"), id: new(Name(3).Value))
            .Then(new TransferEvent.Made(Name(3), Account("cash"), Account("alice"), Money("5.00"), Said));

    [Fact]
    public void A_name_names_one_transfer_only()
    {
        Given(Pay("cash", "alice", "5", id: Name(1))).When(Pay("cash", "alice", "5", id: Name(1))).ThenRefused(AlreadyExists);
        Given(Pay("cash", "alice", "5", id: Name(1))).When(Reserve(Name(1), "cash", "alice", "5")).ThenRefused(AlreadyExists);
        Given(Reserve(Name(1), "cash", "alice", "5")).When(Pay("cash", "alice", "5", id: Name(1))).ThenRefused(AlreadyExists);
    }

    [Fact]
    public void A_name_is_not_free_again_when_its_reservation_is_resolved() =>
        Given(Reserve(Name(1), "cash", "alice", "5"), new CancelTransfer(Name(1)))
            .When(Reserve(Name(1), "cash", "alice", "5")).ThenRefused(AlreadyExists);

    [Fact]
    public void The_name_of_a_transfer_is_no_longer_free_for_a_command() =>
        Given(Pay("cash", "alice", "5", id: Name(1)))
            .When(Pay("cash", "alice", "5"), id: new(Name(1).Value)).ThenNotTaken(CommandMemory.Reused);

    [Fact]
    public void A_name_is_time_ordered() =>
        Given().When(Pay("cash", "alice", "5", id: new TransferId(5))).ThenRefused(IdNotTimeOrdered);

    [Fact]
    public void A_name_from_the_future_is_refused_for_it_would_make_all_others_too_old() =>
        Given().When(Pay("cash", "alice", "5", id: new TransferId(TimeOrdered(Later(301), 1))))
            .ThenRefused(CommandMemory.FromFuture);

    [Fact]
    public void A_retired_asset_is_used_no_more_but_to_empty_what_is_held()
    {
        Command[] held =
        [
            new RegisterAsset(AssetCode.Parse("GOLD"), 3, "Gold"), Open("vault", AccountClass.Asset, Unlimited, "GOLD"),
            Open("holder", AccountClass.Liability, Limited, "GOLD"), Pay("vault", "holder", "2.000 GOLD"),
            Reserve(Name(1), "holder", "vault", "0.500 GOLD"), new RetireAsset(AssetCode.Parse("GOLD")),
        ];
        Given(held).When(Pay("vault", "holder", "1 GOLD")).ThenRefused(AssetRetired);
        Given(held).When(Reserve(null, "vault", "holder", "1 GOLD")).ThenRefused(AssetRetired);
        Given(held).When(Entry(Debit("vault", "1 GOLD"), Credit("holder", "1 GOLD"))).ThenRefused(AssetRetired);
        Given(held).When(PostWhole(Name(1))).ThenAccepted().ThenBalance("holder", "1.500 GOLD");
        Given(held).When(new CancelTransfer(Name(1))).ThenAccepted().ThenBalance("holder", "2.000 GOLD");
        Given(held).When(Adjust(Debit("holder", "1.5 GOLD"), Credit("vault", "1.5 GOLD"))).ThenAccepted().ThenBalance("holder", "0.500 GOLD");
    }

    [Fact]
    public void Balancing_takes_as_much_as_the_debit_account_has()
    {
        Given(Fund("alice", "30")).When(Pay("alice", "bob", "100", balancing: Balancing.Debit)).Then(Made("alice", "bob", "30.00"));
        Given(Fund("alice", "30")).When(Pay("alice", "bob", "20", balancing: Balancing.Debit)).Then(Made("alice", "bob", "20.00"));
        Given().When(Pay("alice", "bob", "20", balancing: Balancing.Debit)).ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void Balancing_takes_as_much_as_the_credit_account_owes()
    {
        var loan = Open("loan", AccountClass.Asset, Mirrored);
        Given(loan, Pay("loan", "alice", "30")).When(Pay("cash", "loan", "100", balancing: Balancing.Credit)).Then(Made("cash", "loan", "30.00"));
        Given(loan).When(Pay("cash", "loan", "100", balancing: Balancing.Credit)).ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void Balancing_on_both_sides_takes_the_smaller()
    {
        var loan = Open("loan", AccountClass.Asset, Mirrored);
        Given(loan, Pay("loan", "cash", "30"), Fund("alice", "20"))
            .When(Pay("alice", "loan", "100", balancing: Balancing.Debit | Balancing.Credit)).Then(Made("alice", "loan", "20.00"));
        Given(loan, Pay("loan", "cash", "10"), Fund("alice", "20"))
            .When(Pay("alice", "loan", "100", balancing: Balancing.Debit | Balancing.Credit)).Then(Made("alice", "loan", "10.00"));
    }

    [Fact]
    public void Balancing_counts_what_is_pending_and_can_reserve() =>
        Given(Fund("alice", "30"), Reserve(null, "alice", "bob", "10"))
            .When(Reserve(Name(1), "alice", "bob", "100", balancing: Balancing.Debit))
            .Then(new TransferEvent.Reserved(Name(1), Account("alice"), Account("bob"), Money("20.00"), null, Said))
            .ThenAvailable("alice", "0.00");

    [Theory]
    [InlineData("3323069989462289682259517650700861.44", true)]
    [InlineData("3323069989462289682259517650700861.45", false)]
    public void A_stated_amount_ends_at_the_greatest_total(string amount, bool accepted)
    {
        var spec = Given().When(Pay("cash", "alice", amount));
        if (accepted) spec.ThenAccepted();
        else spec.ThenRefused(AmountOutOfRange);
    }

    [Fact]
    public void A_total_ends_where_a_stated_amount_does_on_either_side()
    {
        const string greatest = "3323069989462289682259517650700861.44";
        Given(Pay("cash", "alice", greatest)).When(Pay("cash", "bob", "0.01")).ThenRefused(AmountOutOfRange);
        Given(Pay("cash", "alice", greatest)).When(Reserve(null, "cash", "bob", "0.01")).ThenAccepted();
        Given(Open("sink"), Pay("cash", "alice", greatest), Pay("alice", "bob", greatest))
            .When(Pay("sink", "alice", "0.01")).ThenRefused(AmountOutOfRange);
        Given(Reserve(null, "cash", "alice", greatest)).When(Reserve(null, "cash", "bob", "0.01")).ThenRefused(AmountOutOfRange);
    }

    [Fact]
    public void An_account_of_any_asset_takes_every_asset() =>
        Given(Open("clearing", AccountClass.Asset, AnyAsset)).When(Pay("clearing", "cash", "1 JPY")).ThenAccepted()
            .ThenBalance("clearing", "-1 JPY");

    [Fact]
    public void A_total_of_the_first_entry_is_held_to_the_range_as_well()
    {
        const string half = "2000000000000000000000000000000000";
        Given(Open("a", AccountClass.Asset, AnyAsset), Open("b", AccountClass.Asset, AnyAsset))
            .When(Entry(Debit("a", half), Debit("a", half), Credit("b", half), Credit("b", half))).ThenRefused(AmountOutOfRange);
    }
}
