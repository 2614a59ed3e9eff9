using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.ProposalBook;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>The maker is never the checker; and what was done without a checker is looked at afterwards.</summary>
public sealed class FourEyesSpecs
{
    private static readonly Command Payment = Pay("treasury", "alice", "10");

    private static readonly Command Lift = new LiftRestraint(Order(1), "order withdrawn");

    private static readonly MakeProposal ByStaff = Propose(Restrain(1, "alice", RestraintScope.Debits)) with
    {
        Declared = [Head],
        Requested = [Head],
    };

    [Fact]
    public void Who_proposed_approves_where_four_eyes_are_not_asked_for_and_not_where_they_are()
    {
        var spec = Given();
        var two = spec.Proposed(Propose(Payment));
        spec.Approved(two, AnnKey);
        var four = spec.Proposed(Propose(Payment) with { FourEyes = true });
        spec.When(Approve(spec, four), caller: AnnKey).ThenRefused(ProposalRejections.MakerIsChecker);
        spec.Approved(four, BenKey, CleoKey).WhenExecuted(four).ThenAccepted();
    }

    [Fact]
    public void With_four_eyes_the_others_have_to_suffice_alone() =>
        Given().When(Propose(Payment) with { FourEyes = true, Requested = [Ann] }, caller: AnnKey)
            .ThenRefused(ProposalRejections.NotAuthorisable, link: 1);

    [Fact]
    public void Nobody_checks_their_own_through_another_accounts_permission()
    {
        var spec = Given().And();
        spec.Book.Engine(new SetPermission(
            Account("ben"), Permissions.Active, Permissions.Owner, new(1, [], [new(Ann, 1), new(Level.Parse("dora@active"), 1)], [])));
        var id = spec.Proposed(Propose(Payment) with { FourEyes = true });
        var approve = Approve(spec, id) with { Level = Ben };
        spec.When(approve, caller: AnnKey).ThenRefused(ProposalRejections.MakerIsChecker);
        spec.Signed(approve, [Ben], KeyOf('a')).Rejection.Should().Be(ProposalRejections.MakerIsChecker);
        spec.Signed(approve, [Ben], KeyOf('d')).Rejection.Should().BeNull("another person stands behind it");
    }

    [Fact]
    public void Nobody_checks_their_own_with_the_same_key_under_another_name()
    {
        var spec = Given();
        spec.Book.Engine(new SetPermission(Account("ben"), Permissions.Active, Permissions.Owner, Authority.Of(KeyOf('a'))));
        var make = Propose(Payment) with { FourEyes = true, Level = Ann };
        var id = spec.Book.NextId();
        var proof = new Proof([Ann], [KeyOf('a')], spec.Book.Now.AddSeconds(60), "{}");
        spec.Book.Execution.Run(new(id, Envelope.Signer, id.Value, proof), spec.Book.Now, make, "spec").Rejection.Should().BeNull();
        spec.Signed(Approve(spec, id) with { Level = Ben }, [Ben], KeyOf('a')).Rejection
            .Should().Be(ProposalRejections.MakerIsChecker);
        spec.Signed(Approve(spec, id) with { Level = Cleo }, [Cleo], KeyOf('c')).Rejection.Should().BeNull();
    }

    [Fact]
    public void Nobody_checks_their_own_through_a_second_account_of_the_same_person()
    {
        var spec = Given();
        PartyId zoe = new(Order(7).Value), yan = new(Order(8).Value);
        spec.And(new RegisterParty(zoe, PartyKind.Person, Tag.Of("de"), "sealed.v1.p.x", Account("ann")),
            new RegisterParty(yan, PartyKind.Person, Tag.Of("de"), "sealed.v1.p.x", Account("cleo")),
            new SetStanding(zoe, Standing.Verified, "papers seen"), new SetStanding(yan, Standing.Verified, "papers seen"),
            new SetHolders(Account("ben"), HolderMode.Several, Survivorship: false, [new(zoe, 0)]));
        var id = spec.Proposed(Propose(Payment) with { FourEyes = true });
        spec.When(Approve(spec, id), caller: BenKey).ThenRefused(ProposalRejections.MakerIsChecker);
        spec.Approved(id, CleoKey);
    }

    [Fact]
    public void What_needs_the_bank_has_always_four_eyes()
    {
        var spec = Given();
        var id = spec.Proposed(ByStaff, by: TellerKey);
        spec.Book.Bank.Proposals.Rows[0].FourEyes.Should().BeTrue();
        spec.WhenExecuted(id, TellerKey).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.When(Approve(spec, id), caller: TellerKey).ThenRefused(ProposalRejections.NotRequested);
        spec.Approved(id, HeadKey).WhenExecuted(id, TellerKey).ThenAccepted();
        spec.When(ByStaff with { Commands = [Lift] }, caller: HeadKey)
            .ThenRefused(ProposalRejections.NotAuthorisable, link: 1);
    }

    [Fact]
    public void The_bank_proposes_for_accounts_that_are_its_to_act_for_and_for_no_others()
    {
        var spec = Given(Fund("alice", "5"));
        var id = spec.Proposed(Propose(Pay("alice", "bob", "5")) with { Declared = [Head], Requested = [Head] }, TellerKey);
        spec.Approved(id, HeadKey).WhenExecuted(id, TellerKey).ThenAccepted().ThenBalance("bob", "5.00");
        spec.When(Propose(Payment) with { Declared = [Head], Requested = [Head] }, caller: TellerKey)
            .ThenRefused(ProposalRejections.NotAuthorisable, link: 1);
    }

    [Fact]
    public void A_key_cannot_approve_for_the_bank_what_it_could_not_send_itself()
    {
        var spec = Given();
        var id = spec.Proposed(ByStaff with { Declared = [Teller], Requested = [Teller] }, by: HeadKey);
        spec.When(Approve(spec, id), caller: TellerKey).ThenRefused(Keys.ScopeMissing);
    }

    [Fact]
    public void Break_glass_does_one_thing_at_once_and_is_reviewed_by_somebody_else()
    {
        var spec = Given();
        spec.When(Glassed(Restrain(1, "alice", RestraintScope.Debits)), caller: HeadKey).ThenRefused(ReviewRejections.NotAllowed);
        spec.When(Glassed(Restrain(1, "alice", RestraintScope.Debits)), caller: AnnKey).ThenRefused(ReviewRejections.NotAllowed);
        var id = spec.Book.NextId();
        spec.When(Glassed(Restrain(1, "alice", RestraintScope.Debits)), id, caller: GlassKey).ThenAccepted();
        spec.Book.Bank.Ledger.Tables.Restraints.Count.Should().Be(1);
        var close = new CloseReview(default, id, Justified: true, "as agreed");
        spec.When(close, caller: GlassKey).ThenRefused(ReviewRejections.MakerIsReviewer);
        spec.When(close, caller: AnnKey).ThenRefused(ReviewRejections.Stranger);
        spec.When(close, caller: HeadKey).Then(new ReviewEvent.Closed(id, Head, Justified: true, "as agreed"));
        spec.When(close, caller: HeadKey).ThenRefused(ReviewRejections.NotFound);
    }

    [Fact]
    public void Break_glass_is_no_way_into_accounts_that_decide_themselves() =>
        Given().When(Glassed(Payment), caller: GlassKey).ThenRefused(ReviewRejections.NotTheBanks, link: 1)
            .When(Glassed(Propose(Payment)), caller: GlassKey).ThenRefused(ProposalRejections.NotProposable)
            .When(Glassed(Pay("alice", "bob", "1")), caller: GlassKey)
            .ThenRefused(LedgerRejections.InsufficientFunds, link: 1);

    [Fact]
    public void A_review_that_nobody_made_in_a_day_is_said_to_be_overdue_once_and_stays_open()
    {
        var spec = Given();
        var id = spec.Book.NextId();
        spec.When(Glassed(Restrain(1, "alice", RestraintScope.Debits)), id, caller: GlassKey).ThenAccepted();
        spec.After(Reviews.SecondsToReview).Book.Bank.Reviews.Rows[0].Overdue.Should().BeTrue();
        spec.Book.Bank.Due(spec.Book.Now).Should().BeNull();
        spec.When(new CloseReview(default, id, Justified: false, "no need"), caller: HeadKey).ThenAccepted();
        spec.Book.Bank.Reviews.Rows.Count.Should().Be(0);
    }

    private static LedgerSpec Given(params Command[] more) => ProposalBook.Given().And(more);

    private static BreakGlass Glassed(Command command) => new(default, "branch system down", "[]", command);
}
