using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Domain.Ledger.TransferRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class ReservationSpecs
{
    private static readonly Command[] HundredHeld = [Fund("alice", "150"), Reserve(Name(1), "alice", "bob", "100", seconds: 60)];

    [Fact]
    public void Reserving_holds_funds_and_moves_nothing() =>
        Given(Fund("alice", "150"))
            .When(Reserve(Name(1), "alice", "bob", "100", seconds: 60))
            .Then(new TransferEvent.Reserved(Name(1), Account("alice"), Account("bob"), Money("100.00"), Later(60), Said))
            .ThenBalance("alice", "150.00").ThenAvailable("alice", "50.00").ThenPendingDebits("alice", "100.00")
            .ThenBalance("bob", "0.00").ThenPendingCredits("bob", "100.00");

    [Fact]
    public void Pending_debits_count_against_available_funds()
    {
        Given(HundredHeld).When(Pay("alice", "bob", "50")).ThenAccepted();
        Given(HundredHeld).When(Pay("alice", "bob", "50.01")).ThenRefused(InsufficientFunds);
        Given(HundredHeld).When(Reserve(null, "alice", "bob", "50.01")).ThenRefused(InsufficientFunds);
    }

    [Fact]
    public void Pending_credits_are_no_funds() =>
        Given(HundredHeld).When(Pay("bob", "cash", "0.01")).ThenRefused(InsufficientFunds);

    [Fact]
    public void Pending_credits_count_against_the_mirrored_limit()
    {
        Command[] paid = [Open("loan", AccountClass.Asset, Mirrored), Pay("loan", "cash", "100"), Reserve(Name(1), "cash", "loan", "80")];
        Given(paid).When(Pay("cash", "loan", "20")).ThenAccepted();
        Given(paid).When(Pay("cash", "loan", "20.01")).ThenRefused(CreditsExceedDebits);
    }

    [Fact]
    public void Pending_debits_are_no_room_under_the_mirrored_limit() =>
        Given(Open("loan", AccountClass.Asset, Mirrored), Reserve(Name(1), "loan", "cash", "80"))
            .When(Pay("cash", "loan", "0.01")).ThenRefused(CreditsExceedDebits);

    [Fact]
    public void Posting_the_whole_resolves_it() =>
        Given(HundredHeld).When(PostWhole(Name(1)))
            .Then(new TransferEvent.Posted(
                Name(1), Account("alice"), Account("bob"), Money("100.00"), Money("0.00"), Money("0.00"), Said))
            .ThenBalance("alice", "50.00").ThenBalance("bob", "100.00").ThenPendingDebits("alice", "0.00").ThenPendingCredits("bob", "0.00");

    [Fact]
    public void Posting_a_last_part_releases_the_rest() =>
        Given(HundredHeld).When(PostLast(Name(1), "60"))
            .Then(new TransferEvent.Posted(
                Name(1), Account("alice"), Account("bob"), Money("60.00"), Money("40.00"), Money("0.00"), Said))
            .ThenBalance("alice", "90.00").ThenAvailable("alice", "90.00").ThenPendingCredits("bob", "0.00");

    [Fact]
    public void Parts_are_posted_one_by_one_until_the_last()
    {
        var parts = Given(HundredHeld).And(PostPart(Name(1), "30"), PostPart(Name(1), "30"));
        parts.ThenAccepted().ThenBalance("alice", "90.00").ThenPendingDebits("alice", "40.00").ThenAvailable("alice", "50.00");
        parts.When(PostLast(Name(1), "10")).ThenAccepted().ThenBalance("alice", "80.00").ThenPendingDebits("alice", "0.00");
        parts.When(PostWhole(Name(1))).ThenRefused(NotFound);
    }

    [Fact]
    public void A_part_that_is_all_that_is_left_resolves_it() =>
        Given(HundredHeld).And(PostPart(Name(1), "30"), PostPart(Name(1), "70")).When(new CancelTransfer(Name(1))).ThenRefused(NotFound);

    [Theory]
    [InlineData("100.01", "transfer.exceeds_reservation")]
    [InlineData("0", "amount.not_positive")]
    [InlineData("-5", "amount.not_positive")]
    [InlineData("5 USD", "transfer.wrong_asset")]
    [InlineData("5.001", "amount.too_many_decimals")]
    public void An_amount_outside_the_reservation_is_refused(string amount, string code) =>
        Given(HundredHeld).When(PostLast(Name(1), amount)).ThenRefused(new(code, ""));

    [Fact]
    public void A_second_part_may_not_exceed_what_is_left() =>
        Given(HundredHeld).And(PostPart(Name(1), "30")).When(PostPart(Name(1), "70.01")).ThenRefused(ExceedsReservation);

    [Fact]
    public void Cancelling_releases_all_that_is_left() =>
        Given(HundredHeld).And(PostPart(Name(1), "30")).When(new CancelTransfer(Name(1)))
            .Then(new TransferEvent.Cancelled(Name(1), Account("alice"), Account("bob"), Money("70.00")))
            .ThenBalance("alice", "120.00").ThenAvailable("alice", "120.00").ThenPendingCredits("bob", "0.00");

    [Fact]
    public void A_reservation_is_posted_up_to_the_instant_before_it_expires() =>
        Given(HundredHeld).ThenThat(book => book.MoveTo(Later(60).AddMicroseconds(-1))).When(PostWhole(Name(1))).ThenAccepted();

    [Fact]
    public void A_reservation_expires_at_its_exact_instant() =>
        Given(HundredHeld).After(60)
            .When(PostWhole(Name(1))).ThenRefused(NotFound)
            .ThenBalance("alice", "150.00").ThenAvailable("alice", "150.00").ThenPendingCredits("bob", "0.00");

    [Fact]
    public void Elapsed_counts_before_the_timer_has_come_to_it()
    {
        var late = new SpecBook();
        var spec = From(late, HundredHeld);
        late.StandAt(Later(60));
        spec.When(PostWhole(Name(1))).ThenRefused(HasExpired);
        spec.When(new CancelTransfer(Name(1))).ThenRefused(HasExpired);
        late.Bank.Due(late.Now).Should().Be(new ExpireTransfer(Name(1)));
    }

    [Fact]
    public void What_was_posted_before_the_expiry_stays_posted() =>
        Given(HundredHeld).And(PostPart(Name(1), "30")).After(60).When(Pay("alice", "bob", "120")).ThenAccepted()
            .ThenBalance("bob", "150.00").ThenPendingCredits("bob", "0.00");

    [Fact]
    public void A_reservation_without_timeout_stays() =>
        Given(Fund("alice", "10"), Reserve(Name(1), "alice", "bob", "10")).OnDay("2027-03-10").When(PostWhole(Name(1))).ThenAccepted();

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(315_360_000, true)]
    [InlineData(315_360_001, false)]
    public void A_timeout_is_one_second_to_ten_years(int seconds, bool accepted)
    {
        var spec = Given().When(Reserve(null, "cash", "bob", "1", seconds));
        if (accepted) spec.ThenAccepted();
        else spec.ThenRefused(TimeoutOutOfRange);
    }

    [Fact]
    public void Posting_does_not_need_the_funds_again() =>
        Given(HundredHeld).And(new GrantOverdraft(Account("alice"), Stated("10")), Pay("alice", "bob", "60"),
                new GrantOverdraft(Account("alice"), Stated("0")))
            .When(PostWhole(Name(1))).ThenAccepted().ThenBalance("alice", "-10.00");

    [Fact]
    public void A_closed_account_has_no_reservation_left_to_post() =>
        Given(HundredHeld).And(Pay("alice", "cash", "50")).When(new CloseAccount(Account("bob"), "moved")).ThenRefused(AccountRejections.NotEmpty);

    [Fact]
    public void A_reservation_that_the_engine_could_not_expire_is_never_posted_but_a_person_may_cancel_it()
    {
        var book = new SpecBook();
        var spec = From(book, HundredHeld);
        book.StandAt(Later(60));
        book.Engine(new ParkTimer(TimerKinds.Reservation, Name(1).ToString(), "engine.fault"));
        book.Bank.Due(book.Now).Should().BeNull("a parked timer is due no more");
        spec.When(PostWhole(Name(1))).ThenRefused(HasExpired);
        spec.When(new CancelTransfer(Name(1))).ThenAccepted().ThenAvailable("alice", "150.00");
    }
}
