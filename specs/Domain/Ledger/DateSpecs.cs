using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.LedgerRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class DateSpecs
{
    private static readonly IssueKey Teller = new(Tag.Of("teller"), 3, 4, Scopes.Transfers, null);
    private static readonly ClosePeriodSoftly SoftFebruary = new(On("2026-02-28"));
    private static readonly ClosePeriod February = new(On("2026-02-28"));

    private static Particulars Booked(string date) => new(BookedOn: On(date));

    private static Particulars Valued(string date) => new(ValueOn: On(date));

    [Fact]
    public void A_posting_is_booked_on_the_business_date_or_before()
    {
        Given().When(Pay("cash", "alice", "5", Booked("2026-03-10"))).ThenAccepted();
        Given().When(Pay("cash", "alice", "5", Booked("2026-01-02"))).ThenAccepted();
        Given().When(Pay("cash", "alice", "5", Booked("2026-03-11"))).ThenRefused(BookedInFuture);
    }

    [Fact]
    public void Without_a_word_it_is_booked_on_the_business_date_not_the_clocks()
    {
        var spec = Given();
        spec.Book.StandAt(Instant.Parse("2026-03-11T00:30:00Z"));
        spec.When(Fund("alice", "5")).Then(Made("cash", "alice", "5.00"));
    }

    [Fact]
    public void The_business_date_moves_at_its_cut_off()
    {
        var spec = Given();
        spec.ThenThat(book => book.MoveTo(Instant.Parse("2026-03-10T23:59:59.999999Z"))).ThenThat(book => book.Today.Should().Be(Today));
        spec.ThenThat(book => book.MoveTo(Instant.Parse("2026-03-11T00:00:00Z"))).ThenThat(book => book.Today.Should().Be(On("2026-03-11")));
    }

    [Fact]
    public void Weekends_and_holidays_are_no_business_dates() =>
        Given(new PublishReference(Tag.Of("daily"), Today, new ReferenceContent.Calendar([6, 7], [On("2026-03-12")]), Tag.Of("board")))
            .OnDay("2026-03-12").ThenThat(book => book.Today.Should().Be(On("2026-03-13")))
            .OnDay("2026-03-14").ThenThat(book => book.Today.Should().Be(On("2026-03-16")));

    [Fact]
    public void A_credit_of_later_value_is_posted_but_not_available_until_its_date()
    {
        var spec = Given(Pay("cash", "alice", "5", Valued("2026-03-12")));
        spec.When(Pay("alice", "bob", "0.01")).ThenRefused(InsufficientFunds).ThenBalance("alice", "5.00").ThenAvailable("alice", "0.00");
        spec.OnDay("2026-03-11").When(Pay("alice", "bob", "0.01")).ThenRefused(InsufficientFunds);
        spec.OnDay("2026-03-12").When(Pay("alice", "bob", "5")).ThenAccepted().ThenAvailable("alice", "0.00");
    }

    [Fact]
    public void A_debit_of_later_value_counts_today() =>
        Given().When(Pay("alice", "bob", "5", Valued("2026-03-12"))).ThenRefused(InsufficientFunds);

    [Fact]
    public void A_value_date_lies_within_a_year_either_way()
    {
        Given().When(Pay("cash", "alice", "5", Valued("2027-03-11"))).ThenAccepted();
        Given().When(Pay("cash", "alice", "5", Valued("2027-03-12"))).ThenRefused(ValueTooFar);
        Given().When(Pay("cash", "alice", "5", Valued("2025-03-09"))).ThenAccepted().ThenAvailable("alice", "5.00");
        Given().When(Pay("cash", "alice", "5", Valued("2025-03-08"))).ThenRefused(ValueTooFar);
    }

    [Fact]
    public void A_value_date_may_lie_in_a_closed_period() =>
        Given(SoftFebruary, February).When(Pay("cash", "alice", "5", Valued("2026-02-10"))).ThenAccepted();

    [Fact]
    public void Credits_of_several_dates_become_available_one_by_one() =>
        Given(Pay("cash", "alice", "5", Valued("2026-03-11")), Pay("cash", "alice", "7", Valued("2026-03-12")), Fund("alice", "1"))
            .When(Pay("cash", "alice", "2", Valued("2026-03-11"))).ThenAccepted().ThenAvailable("alice", "1.00")
            .OnDay("2026-03-11").ThenAvailable("alice", "8.00").OnDay("2026-03-12").ThenAvailable("alice", "15.00")
            .When(Pay("alice", "bob", "15")).ThenAccepted().ThenThat(book => book.Bank.Ledger.Tables.FutureValues.Count.Should().Be(0));

    [Fact]
    public void A_reversal_of_the_same_value_date_takes_back_the_credit_and_not_other_funds()
    {
        var spec = Given(Fund("alice", "50"), Pay("cash", "alice", "20", Valued("2026-03-12")));
        spec.When(new ReverseEntry(spec.Book.Execution.Position,
                [Posted("cash", Side.Debit, "20.00"), Posted("alice", Side.Credit, "20.00")], "error", Valued("2026-03-12")))
            .ThenAccepted().ThenBalance("alice", "50.00").ThenAvailable("alice", "50.00");
        spec.OnDay("2026-03-12").ThenAvailable("alice", "50.00");
    }

    [Fact]
    public void An_entry_of_later_value_is_judged_by_its_net_effect() =>
        Given().When(Entry(Debit("alice", "5"), Credit("alice", "8"), Debit("cash", "3")) with { Particulars = Valued("2026-03-12") })
            .ThenAccepted().ThenBalance("alice", "3.00").ThenAvailable("alice", "0.00");

    [Fact]
    public void Part_of_a_reservation_posted_with_later_value_is_not_yet_the_payees() =>
        Given(Fund("alice", "50"), Reserve(Name(1), "alice", "bob", "50"))
            .When(PostWhole(Name(1)) with { Particulars = Valued("2026-03-12") }).ThenAccepted()
            .ThenBalance("bob", "50.00").ThenAvailable("bob", "0.00").ThenAvailable("alice", "0.00");

    [Fact]
    public void A_softly_closed_period_is_open_to_officers_only()
    {
        var late = Pay("cash", "alice", "5", Booked("2026-02-28"));
        Given(Teller, SoftFebruary).When(late, caller: 1).ThenRefused(PeriodClosedSoftly);
        Given(Teller, SoftFebruary).When(late).ThenAccepted();
        Given(Teller, SoftFebruary).When(Pay("cash", "alice", "5", Booked("2026-03-01")), caller: 1).ThenAccepted();
    }

    [Fact]
    public void A_softly_closed_period_is_reopened()
    {
        var late = Pay("cash", "alice", "5", Booked("2026-02-28"));
        Given(Teller, SoftFebruary, new ReopenPeriod(On("2026-02-28"))).When(late, caller: 1).ThenAccepted();
        Given(Teller, SoftFebruary, new ReopenPeriod(On("2026-02-28")))
            .When(Pay("cash", "alice", "5", Booked("2026-02-27")), caller: 1).ThenRefused(PeriodClosedSoftly);
        Given().When(new ReopenPeriod(On("2026-02-28"))).ThenRefused(BookRejections.NotClosedSoftly);
    }

    [Fact]
    public void A_period_closed_for_good_is_closed_to_everyone()
    {
        Given(SoftFebruary, February).When(Pay("cash", "alice", "5", Booked("2026-02-28"))).ThenRefused(LedgerRejections.PeriodClosed);
        Given(SoftFebruary, February).When(Pay("cash", "alice", "5", Booked("2026-03-01"))).ThenAccepted();
        Given(SoftFebruary, February).When(Import("cash", "alice", "5", Booked("2026-02-28"))).ThenRefused(LedgerRejections.PeriodClosed);
        Given(SoftFebruary, February).When(new ReopenPeriod(On("2026-02-28"))).ThenRefused(BookRejections.AlreadyClosed);
    }

    [Fact]
    public void A_period_closes_softly_first_and_only_when_it_has_ended()
    {
        Given().When(February).ThenRefused(BookRejections.NotClosedSoftly);
        Given(SoftFebruary).When(SoftFebruary).ThenRefused(BookRejections.AlreadyClosed);
        Given(SoftFebruary, February).When(February).ThenRefused(BookRejections.AlreadyClosed);
        Given().When(new ClosePeriodSoftly(On("2026-03-09"))).ThenAccepted();
        Given().When(new ClosePeriodSoftly(On("2026-03-10"))).ThenRefused(BookRejections.InFuture);
    }

    [Fact]
    public void A_reversal_of_a_closed_periods_entry_is_booked_in_the_open_one()
    {
        var spec = Given(Pay("cash", "alice", "5", Booked("2026-02-10")));
        var original = spec.Book.Execution.Position;
        Leg[] legs = [Posted("cash", Side.Debit, "5.00"), Posted("alice", Side.Credit, "5.00")];
        spec.And(SoftFebruary, February).When(Reverse(original, legs) with { Particulars = Booked("2026-02-10") })
            .ThenRefused(LedgerRejections.PeriodClosed);
        spec.When(Reverse(original, legs)).Then(new TransferEvent.Reversed(original, "error", Said)).ThenBalance("alice", "0.00");
    }
}
