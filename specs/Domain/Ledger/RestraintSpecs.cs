using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.RestraintRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class RestraintSpecs
{
    private static readonly LiftRestraint LiftFirst = new(Order(1), "paid");

    private static Command[] Held(string amount, string? minimum = null) =>
        [Fund("alice", "500"), Restrain(1, "alice", RestraintScope.Amount, amount, minimum)];

    [Fact]
    public void A_restraint_is_kept_with_its_reason_authority_and_rank() =>
        Given().When(new PlaceRestraint(
                Order(1), Account("alice"), Tag.Of("garnishment"), Tag.Of("court.b-mitte"), 3, RestraintScope.Amount, Stated("100"),
                Stated("40"), Later(10), Later(20), "sealed"))
            .Then(new RestraintEvent.Placed(Order(1), Account("alice"), new(
                Tag.Of("garnishment"), Tag.Of("court.b-mitte"), 3, RestraintScope.Amount, Money("100.00"), Money("40.00"), Later(10),
                Later(20), "sealed")));

    [Theory]
    [InlineData(RestraintScope.Debits, false, true)]
    [InlineData(RestraintScope.Credits, true, false)]
    [InlineData(RestraintScope.Both, false, false)]
    public void A_restraint_stops_its_side(RestraintScope scope, bool debits, bool credits)
    {
        Command[] given = [Fund("alice", "50"), Restrain(1, "alice", scope)];
        var debit = Given(given).When(Pay("alice", "bob", "1"));
        var credit = Given(given).When(Pay("cash", "alice", "1"));
        if (debits) debit.ThenAccepted();
        else debit.ThenRefused(RestraintRejections.Debits);
        if (credits) credit.ThenAccepted();
        else credit.ThenRefused(RestraintRejections.Credits);
    }

    [Fact]
    public void A_restraint_stops_reserving_and_posting_but_not_release()
    {
        Command[] given = [Fund("alice", "50"), Reserve(Name(1), "alice", "bob", "10"), Restrain(1, "alice", RestraintScope.Debits)];
        Given(given).When(Reserve(null, "alice", "bob", "1")).ThenRefused(RestraintRejections.Debits);
        Given(given).When(PostWhole(Name(1))).ThenRefused(RestraintRejections.Debits);
        Given(given).When(new CancelTransfer(Name(1))).ThenAccepted();
        Given([.. given, Restrain(2, "bob", RestraintScope.Credits), LiftFirst]).When(PostWhole(Name(1))).ThenRefused(RestraintRejections.Credits);
    }

    [Fact]
    public void An_amount_is_held_back_to_the_cent()
    {
        Given(Held("100")).When(Pay("alice", "bob", "400")).ThenAccepted().ThenAvailable("alice", "0.00").ThenBalance("alice", "100.00");
        Given(Held("100")).When(Pay("alice", "bob", "400.01")).ThenRefused(LedgerRejections.InsufficientFunds);
    }

    [Fact]
    public void An_amount_catches_what_comes_in_later() =>
        Given(Restrain(1, "alice", RestraintScope.Amount, "100"), Fund("alice", "90")).When(Pay("alice", "bob", "0.01"))
            .ThenRefused(LedgerRejections.InsufficientFunds).ThenAvailable("alice", "-10.00");

    [Fact]
    public void An_amount_of_one_asset_leaves_the_others_free() =>
        Given(Restrain(1, "cash", RestraintScope.Amount, "100")).When(Pay("cash", "bob", "1")).ThenRefused(LedgerRejections.InsufficientFunds)
            .And(Open("dollars", AccountClass.Asset, Unlimited, "USD")).When(Pay("cash", "dollars", "1 USD")).ThenAccepted();

    [Fact]
    public void Amounts_add_up() =>
        Given([.. Held("100"), Restrain(2, "alice", RestraintScope.Amount, "50", rank: 2)]).When(Pay("alice", "bob", "350.01"))
            .ThenRefused(LedgerRejections.InsufficientFunds).ThenAvailable("alice", "350.00");

    [Fact]
    public void A_protected_minimum_stays_free()
    {
        Given(Held("450", minimum: "100")).When(Pay("alice", "bob", "100")).ThenAccepted().ThenAvailable("alice", "0.00");
        Given(Held("450", minimum: "100")).When(Pay("alice", "bob", "100.01")).ThenRefused(LedgerRejections.InsufficientFunds);
    }

    [Fact]
    public void What_was_caught_stays_caught_when_the_free_part_is_spent() =>
        Given([.. Held("450", minimum: "100"), Pay("alice", "bob", "100")]).When(Pay("alice", "bob", "0.01"))
            .ThenRefused(LedgerRejections.InsufficientFunds).ThenAvailable("alice", "0.00")
            .ThenThat(book => book.Bank.Ledger.Tables.Restraints[0].Captured.Should().Be((Int128)400_00));

    [Fact]
    public void New_money_first_fills_the_protected_minimum_again() =>
        Given([.. Held("450", minimum: "100"), Pay("alice", "bob", "100")]).And(Fund("alice", "120")).When(Pay("alice", "bob", "100"))
            .ThenAccepted().ThenAvailable("alice", "0.00")
            .ThenThat(book => book.Bank.Ledger.Tables.Restraints[0].Captured.Should().Be((Int128)420_00));

    [Fact]
    public void The_protected_minimum_is_free_although_other_credits_are_not_yet_of_value()
    {
        var tomorrow = new Particulars(ValueOn: On("2026-03-11"));
        Command[] given =
            [Fund("alice", "50"), Pay("cash", "alice", "100", tomorrow), Restrain(1, "alice", RestraintScope.Amount, "60", "40")];
        Given(given).When(Pay("alice", "bob", "40")).ThenAccepted().ThenAvailable("alice", "0.00");
        Given(given).When(Pay("alice", "bob", "40.01")).ThenRefused(LedgerRejections.InsufficientFunds);
        Given(given).When(SeizeFor(1, "cash", "10.01")).ThenRefused(ExceedsRestraint);
        Given(given).OnDay("2026-03-11").When(SeizeFor(1, "cash", "60")).ThenAccepted().ThenBalance("alice", "90.00");
    }

    [Fact]
    public void A_restraint_begins_and_ends_at_its_exact_instants()
    {
        var spec = Given(Fund("alice", "50"), Restrain(1, "alice", RestraintScope.Debits, from: Later(10), until: Later(20)));
        spec.ThenThat(book => book.MoveTo(Later(10).AddMicroseconds(-1))).When(Pay("alice", "bob", "1")).ThenAccepted();
        spec.ThenThat(book => book.MoveTo(Later(10))).When(Pay("alice", "bob", "1")).ThenRefused(RestraintRejections.Debits);
        spec.ThenThat(book => book.MoveTo(Later(20).AddMicroseconds(-1))).When(Pay("alice", "bob", "1")).ThenRefused(RestraintRejections.Debits);
        spec.ThenThat(book => book.StandAt(Later(20))).When(Pay("alice", "bob", "1")).ThenAccepted();
        spec.ThenThat(book => book.MoveTo(Later(20))).ThenThat(book => book.Bank.Ledger.Tables.Restraints.Count.Should().Be(0));
    }

    [Fact]
    public void A_restraint_of_an_amount_that_has_yet_to_begin_limits_nobody()
    {
        Command[] given = [Pay("cash", "alice", "5"), Restrain(1, "cash", RestraintScope.Amount, "10", from: Later(10))];
        Given(given).When(Pay("cash", "bob", "5")).ThenAccepted();
        Given(given).After(10).When(Pay("cash", "bob", "5")).ThenRefused(LedgerRejections.InsufficientFunds);
    }

    [Fact]
    public void Lifting_one_leaves_the_others() =>
        Given(Fund("alice", "50"), Restrain(1, "alice", RestraintScope.Debits), Restrain(2, "alice", RestraintScope.Amount, "20"),
                Restrain(3, "alice", RestraintScope.Amount, "10"), LiftFirst, new LiftRestraint(Order(2), "paid"))
            .When(Pay("alice", "bob", "40")).ThenAccepted().ThenAvailable("alice", "0.00");

    [Fact]
    public void A_restraint_is_lifted_once() =>
        Given(Restrain(1, "alice", RestraintScope.Debits), LiftFirst).When(LiftFirst).ThenRefused(NotFound);

    [Fact]
    public void A_seizure_posts_against_its_own_restraint() =>
        Given(Held("100")).When(SeizeFor(1, "bob", "60"))
            .Then(new RestraintEvent.Seized(Order(1), Account("alice"), Account("bob"), Money("60.00"), Said))
            .ThenLegs(Posted("alice", Side.Debit, "60.00"), Posted("bob", Side.Credit, "60.00"))
            .ThenBalance("alice", "440.00").ThenAvailable("alice", "400.00");

    [Fact]
    public void A_seizure_may_not_exceed_its_restraint()
    {
        Given(Held("100")).When(SeizeFor(1, "bob", "100.01")).ThenRefused(ExceedsRestraint);
        Given(Held("100")).And(SeizeFor(1, "bob", "60")).When(SeizeFor(1, "bob", "40.01")).ThenRefused(ExceedsRestraint);
        Given(Held("100")).And(SeizeFor(1, "bob", "60")).When(SeizeFor(1, "bob", "40")).ThenAccepted().ThenAvailable("alice", "400.00");
        Given(Held("100")).And(SeizeFor(1, "bob", "100")).When(LiftFirst).ThenRefused(NotFound);
    }

    [Fact]
    public void A_seizure_takes_no_more_than_there_is() =>
        Given(Fund("alice", "30"), Restrain(1, "alice", RestraintScope.Amount, "100")).When(SeizeFor(1, "bob", "30.01")).ThenRefused(ExceedsRestraint);

    [Fact]
    public void A_seizure_leaves_the_protected_minimum()
    {
        Given(Held("450", minimum: "100")).When(SeizeFor(1, "bob", "400")).ThenAccepted().ThenAvailable("alice", "100.00");
        Given(Held("450", minimum: "100")).When(SeizeFor(1, "bob", "400.01")).ThenRefused(ExceedsRestraint);
    }

    [Fact]
    public void Lower_ranks_are_served_first()
    {
        Command[] given = [Fund("alice", "100"), Restrain(1, "alice", RestraintScope.Amount, "80", rank: 2),
            Restrain(2, "alice", RestraintScope.Amount, "70", rank: 1)];
        Given(given).When(SeizeFor(2, "bob", "70")).ThenAccepted();
        Given(given).When(SeizeFor(1, "bob", "30.01")).ThenRefused(ExceedsRestraint);
        Given(given).When(SeizeFor(1, "bob", "30")).ThenAccepted();
    }

    [Fact]
    public void Equal_ranks_are_served_as_they_were_placed_whatever_their_names()
    {
        Command[] given = [Fund("alice", "100"), Restrain(9, "alice", RestraintScope.Amount, "80"),
            Restrain(1, "alice", RestraintScope.Amount, "70")];
        Given(given).When(SeizeFor(1, "bob", "20.01")).ThenRefused(ExceedsRestraint);
        Given(given).When(SeizeFor(9, "bob", "80")).ThenAccepted();
    }

    [Fact]
    public void Only_a_restraint_of_an_amount_in_effect_is_seized_against()
    {
        Given(Fund("alice", "5"), Restrain(1, "alice", RestraintScope.Debits)).When(SeizeFor(1, "bob", "1")).ThenRefused(NotAnAmount);
        Given(Fund("alice", "5"), Restrain(1, "alice", RestraintScope.Amount, "5", from: Later(9))).When(SeizeFor(1, "bob", "1"))
            .ThenRefused(NotInEffect);
        Given(Held("100")).When(SeizeFor(1, "alice", "1")).ThenRefused(LedgerRejections.SameAccount);
        Given(Held("100")).When(SeizeFor(1, "bob", "1 USD")).ThenRefused(WrongAsset);
        Given(Held("100")).When(SeizeFor(2, "bob", "1")).ThenRefused(NotFound);
        Given(Held("100")).And(new CloseAccount(Account("bob"), "moved")).When(SeizeFor(1, "bob", "1")).ThenRefused(LedgerRejections.AccountClosed);
    }

    [Fact]
    public void A_seizure_is_not_stopped_by_other_restraints_on_the_account() =>
        Given([.. Held("100"), Restrain(2, "alice", RestraintScope.Both)]).When(SeizeFor(1, "bob", "100")).ThenAccepted();

    [Fact]
    public void A_restraint_says_what_it_means()
    {
        Given().When(Restrain(1, "alice", RestraintScope.Amount)).ThenRefused(AmountMissing);
        Given().When(Restrain(1, "alice", RestraintScope.Debits, "5")).ThenRefused(AmountMissing);
        Given().When(Restrain(1, "alice", RestraintScope.Debits, minimum: "5")).ThenRefused(AmountMissing);
        Given().When(Restrain(1, "alice", RestraintScope.Amount, "5", minimum: "5 USD")).ThenRefused(WrongAsset);
        Given().When(Restrain(1, "alice", RestraintScope.Amount, "0")).ThenRefused(LedgerRejections.AmountNotPositive);
        Given().When(Restrain(1, "alice", RestraintScope.Debits, from: Later(5), until: Later(5))).ThenRefused(PeriodEmpty);
        Given().When(Restrain(1, "nobody", RestraintScope.Debits)).ThenRefused(LedgerRejections.AccountNotFound);
        Given(Restrain(1, "alice", RestraintScope.Debits)).When(Restrain(1, "bob", RestraintScope.Debits)).ThenRefused(AlreadyExists);
    }

    [Fact]
    public void An_account_carries_a_thousand_restraints_and_no_more() =>
        Given([.. Enumerable.Range(0, 1_000).Select(i => Restrain(i, "alice", RestraintScope.Credits))])
            .When(Restrain(1_000, "alice", RestraintScope.Credits)).ThenRefused(TooMany);

    [Fact]
    public void A_parked_lapse_leaves_no_effect_behind()
    {
        var spec = Given(Fund("alice", "50"), Restrain(1, "alice", RestraintScope.Debits, until: Later(20)));
        spec.Book.StandAt(Later(20));
        spec.Book.Engine(new ParkTimer(TimerKinds.Restraint, new TransferId(Order(1).Value).ToString(), "engine.fault"));
        spec.Book.Bank.Due(spec.Book.Now).Should().BeNull();
        spec.When(Pay("alice", "bob", "50")).ThenAccepted();
        spec.When(LiftFirst).ThenAccepted();
    }

    [Fact]
    public void A_day_that_cannot_end_is_parked_and_the_bank_goes_on()
    {
        var spec = Given();
        spec.Book.StandAt(Later(86_400));
        spec.Book.Engine(new ParkTimer(TimerKinds.Day, "", "engine.fault"));
        spec.Book.Bank.Due(spec.Book.Now).Should().BeNull();
        spec.When(Fund("alice", "1")).ThenAccepted();
    }
}
