using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.ProposalBook;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Proposals, rule by rule as eosio.msig has them, and where the bank is harder.</summary>
public sealed class ProposalSpecs
{
    private static readonly Command Payment = Pay("treasury", "alice", "10");

    public static TheoryData<string, Func<MakeProposal, MakeProposal>> Malformed => new()
    {
        { "proposal.expiry_out_of_range", p => p with { Expires = SpecBook.Start } },
        { "proposal.expiry_out_of_range", p => p with { Expires = Later(Proposals.MaxSeconds + 1) } },
        { "proposal.delay_out_of_range", p => p with { DelaySeconds = -1 } },
        { "proposal.delay_out_of_range", p => p with { DelaySeconds = Proposals.MaxSeconds + 1 } },
        { "proposal.approval_out_of_range", p => p with { ApprovalSeconds = 0 } },
        { "proposal.approval_out_of_range", p => p with { ApprovalSeconds = Proposals.MaxSeconds + 1 } },
        { "proposal.commands_out_of_range", p => p with { Commands = [] } },
        { "proposal.commands_out_of_range", p => p with { Commands = [.. Enumerable.Repeat(Payment, 65)] } },
        { "proposal.content_too_large", p => p with { Content = new('x', Proposals.MaxContent + 1) } },
        { "proposal.requested_malformed", p => p with { Requested = [] } },
        { "proposal.requested_malformed", p => p with { Requested = [Ben, Ann] } },
        { "proposal.requested_malformed", p => p with { Requested = [Ann, Ann] } },
        { "proposal.requested_malformed", p => p with { Requested = [.. Many(65)] } },
        { "proposal.declared_malformed", p => p with { Declared = [] } },
        { "proposal.declared_malformed", p => p with { Declared = [Treasury, Ann] } },
        { "proposal.declared_malformed", p => p with { Declared = [.. Many(17)] } },
        { "proposal.not_proposable", p => p with { Commands = [Linked(Payment)] } },
        { "proposal.not_proposable", p => p with { Commands = [new CancelProposal(Ann, default)] } },
        { "proposal.not_proposable", p => p with { Commands = [new AdvanceClock(1)] } },
        { "proposal.not_proposable", p => p with { Commands = [new AcceptClock(1)] } },
        { "proposal.not_proposable", p => p with { Commands = [new IssueKey(Tag.Of("x"), 1, 1, Scopes.All, null)] } },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_malformed_is_not_proposed(string code, Func<MakeProposal, MakeProposal> wrong) =>
        Given().When(wrong(Propose(Payment)), caller: AnnKey).ThenRefused(new(code, "."));

    [Fact]
    public void The_bounds_of_what_may_be_proposed_are_taken()
    {
        Given().Proposed(Propose(Payment) with { Expires = Later(Proposals.MaxSeconds), DelaySeconds = Proposals.MaxSeconds });
        Given().Proposed(Propose(Payment) with { Expires = SpecBook.Start.AddMicroseconds(1), ApprovalSeconds = 1 });
        Given().Proposed(Propose([.. Enumerable.Repeat(Pay("treasury", "alice", "0.01"), 64)]));
        var many = Many(61).Concat([Ann, Ben, Cleo]).Order();
        Given().Proposed(Propose(Payment) with { Requested = [.. many] });
    }

    [Fact]
    public void Who_is_asked_has_to_suffice()
    {
        Given().When(Propose(Payment) with { Requested = [Level.Parse("dora@active")] }, caller: AnnKey)
            .ThenRefused(ProposalRejections.NotAuthorisable, link: 1);
        Given().Proposed(Propose(Payment) with { Requested = [Ann] });
        Given().When(Propose(Payment, Pay("dora", "alice", "1")), caller: AnnKey)
            .ThenRefused(ProposalRejections.NotAuthorisable, link: 2);
        Given().When(Propose(Payment) with { Declared = [Ann, Treasury] }, caller: AnnKey)
            .ThenRefused(ProposalRejections.NotAuthorisable);
    }

    [Fact]
    public void What_suffices_happens_once()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        spec.WhenExecuted(id).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.Approved(id, AnnKey).WhenExecuted(id).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.Approved(id, BenKey).WhenExecuted(id).ThenAccepted().ThenBalance("alice", "10.00").ThenBalance("treasury", "90.00");
        var executed = spec.Book.Execution.Events[0].Event.Should().BeOfType<ProposalEvent.Executed>().Subject;
        executed.Counted.Should().Equal(Ann, Ben);
        spec.WhenExecuted(id).ThenRefused(ProposalRejections.NotFound);
        spec.Book.Bank.Proposals.Requests.Count.Should().Be(0);
    }

    [Fact]
    public void The_order_of_approvals_does_not_matter()
    {
        int[][] orders = [[AnnKey, BenKey, CleoKey], [CleoKey, BenKey, AnnKey], [BenKey, AnnKey, CleoKey], [CleoKey, AnnKey, BenKey]];
        var states = orders.Select(order =>
        {
            var spec = Given();
            spec.WhenExecuted(spec.AlsoApproved(order)).ThenAccepted();
            return spec.Book.DigestsButMemory();
        }).ToList();
        states.Should().OnlyContain(state => state.SequenceEqual(states[0]));
    }

    [Fact]
    public void Only_who_was_asked_approves_and_only_what_was_read()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        var approve = Approve(spec, id);
        spec.When(approve, caller: StrangerKey).ThenRefused(ProposalRejections.NotRequested);
        spec.When(approve with { Hash = Hash256.Of("other") }, caller: BenKey).ThenRefused(ProposalRejections.ContentChanged);
        spec.When(approve with { Proposal = spec.Book.NextId() }, caller: BenKey).ThenRefused(ProposalRejections.NotFound);
        spec.When(approve with { Level = Ann }, caller: BenKey).ThenRefused(AuthorityRejections.NotSatisfied);
        spec.When(approve, caller: BenKey).ThenAccepted();
        spec.When(approve, caller: BenKey).ThenNothing();
    }

    [Fact]
    public void A_signature_approves_as_a_key_does()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        var approve = Approve(spec, id);
        spec.Signed(approve with { Level = Ben }, [Ben], KeyOf('b')).Rejection.Should().BeNull();
        spec.Signed(approve with { Level = Cleo }, [Cleo], KeyOf('b')).Rejection!.Code.Should().Be(AuthorityRejections.NotSatisfied.Code);
        spec.Signed(approve, [Cleo], KeyOf('c')).Rejection.Should().BeNull("the one permission it was signed under speaks");
        spec.WhenExecuted(id).ThenAccepted().ThenBalance("alice", "10.00");
    }

    [Fact]
    public void A_withdrawn_approval_does_not_count()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        spec.Approved(id, AnnKey, BenKey).When(new WithdrawApproval(default, id), caller: BenKey)
            .Then(new ProposalEvent.ApprovalWithdrawn(id, Ben, null));
        spec.When(new WithdrawApproval(default, id), caller: BenKey).ThenNothing();
        spec.When(new WithdrawApproval(default, id), caller: StrangerKey).ThenRefused(ProposalRejections.NotRequested);
        spec.WhenExecuted(id).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.Approved(id, CleoKey).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void Approvals_before_an_invalidation_do_not_count_in_any_proposal()
    {
        var spec = Given();
        var (one, two) = (spec.Proposed(Propose(Payment)), spec.Proposed(Propose(Pay("treasury", "bob", "1"))));
        spec.Approved(one, AnnKey, BenKey).Approved(two, AnnKey, BenKey);
        spec.When(new InvalidateApprovals(Account("ben")), caller: BenKey)
            .Then(new ProposalEvent.ApprovalsInvalidated(Account("ben")));
        spec.WhenExecuted(one).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.WhenExecuted(two).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.Approved(one, BenKey).WhenExecuted(one).ThenAccepted();
        spec.WhenExecuted(two).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.When(new InvalidateApprovals(Account("ben")), caller: AnnKey).ThenRefused(AuthorityRejections.NotFound);
    }

    [Fact]
    public void The_delay_runs_from_the_approval_that_first_sufficed()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment) with { DelaySeconds = 3_600 });
        spec.Approved(id, AnnKey).After(100).Approved(id, BenKey).After(100).Approved(id, CleoKey);
        spec.After(3_499).WhenExecuted(id).ThenRefused(ProposalRejections.TooEarly);
        spec.After(1).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void A_withdrawal_that_leaves_too_little_begins_the_delay_anew()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment) with { DelaySeconds = 3_600 });
        spec.Approved(id, AnnKey, BenKey).After(3_000).When(new WithdrawApproval(default, id), caller: BenKey).ThenAccepted();
        spec.Approved(id, CleoKey).After(3_599).WhenExecuted(id).ThenRefused(ProposalRejections.TooEarly);
        spec.After(1).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void Time_since_the_proposal_counts_as_a_wait()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        spec.Approved(id, AnnKey).After(Day - 1).WhenExecuted(id).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.After(1).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void Where_waiting_sufficed_at_last_the_delay_runs_from_there()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment) with { DelaySeconds = 3_600 });
        spec.Approved(id, AnnKey).After(Day + 3_599).WhenExecuted(id).ThenRefused(ProposalRejections.TooEarly);
        spec.After(1).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void An_approval_counts_for_its_time_and_no_longer()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment) with { ApprovalSeconds = 1_000 });
        spec.Approved(id, AnnKey).After(999).Approved(id, BenKey);
        spec.After(1).WhenExecuted(id).ThenRefused(ProposalRejections.NotApproved, link: 1);
        spec.Approved(id, AnnKey).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void It_expires_at_the_exact_instant_by_itself()
    {
        var spec = Given();
        var id = spec.AlsoApproved(AnnKey, BenKey);
        spec.Book.MoveTo(NextWeek.AddMicroseconds(-1));
        spec.Book.Bank.Proposals.Rows.Count.Should().Be(1);
        spec.Book.StandAt(NextWeek);
        spec.WhenExecuted(id).ThenRefused(ProposalRejections.HasExpired);
        spec.When(Approve(spec, id), caller: CleoKey).ThenRefused(ProposalRejections.HasExpired);
        spec.Book.MoveTo(NextWeek);
        spec.Book.Bank.Proposals.Rows.Count.Should().Be(0);
        spec.WhenExecuted(id).ThenRefused(ProposalRejections.NotFound);
    }

    [Fact]
    public void At_its_last_instant_it_is_still_executed()
    {
        var spec = Given();
        var id = spec.AlsoApproved(AnnKey);
        spec.Book.MoveTo(NextWeek.AddMicroseconds(-1));
        spec.Approved(id, AnnKey, BenKey).WhenExecuted(id).ThenAccepted();
    }

    [Fact]
    public void The_proposer_cancels_at_any_time_and_others_once_it_has_expired()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment));
        spec.When(new CancelProposal(default, id), caller: BenKey).ThenRefused(ProposalRejections.NotYetExpired);
        spec.When(new CancelProposal(default, id), caller: StrangerKey).ThenRefused(ProposalRejections.Stranger);
        spec.When(new CancelProposal(default, id), caller: AnnKey).Then(new ProposalEvent.Cancelled(id, Ann));
        spec.When(new CancelProposal(default, id), caller: AnnKey).ThenRefused(ProposalRejections.NotFound);
        id = spec.Proposed(Propose(Payment));
        spec.Book.StandAt(NextWeek);
        spec.When(new CancelProposal(default, id), caller: StrangerKey).ThenRefused(ProposalRejections.Stranger);
        spec.When(new CancelProposal(default, id), caller: BenKey).ThenAccepted();
    }

    [Fact]
    public void Who_has_nothing_to_do_with_it_does_not_execute_it()
    {
        foreach (var (key, may) in new[] { (AnnKey, true), (CleoKey, true), (SpecBook.FirstKey, true), (StrangerKey, false) })
        {
            var spec = Given();
            var id = spec.AlsoApproved(AnnKey, BenKey);
            if (may) spec.WhenExecuted(id, key).ThenAccepted();
            else spec.WhenExecuted(id, key).ThenRefused(ProposalRejections.Stranger);
        }
    }

    [Fact]
    public void One_refused_command_undoes_all_and_it_can_be_tried_again()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Payment, Pay("treasury", "bob", "100")));
        spec.Approved(id, AnnKey, BenKey).WhenExecuted(id).ThenRefused(LedgerRejections.InsufficientFunds, link: 2);
        spec.And(Fund("treasury", "10")).WhenExecuted(id).ThenAccepted()
            .ThenBalance("alice", "10.00").ThenBalance("bob", "100.00").ThenBalance("treasury", "0.00");
    }

    [Fact]
    public void Each_command_sees_what_those_before_it_did()
    {
        var spec = Given();
        var id = spec.Proposed(Propose(Pay("treasury", "ann", "60"), new SetPermission(
            Account("treasury"), Tag.Of("petty"), Permissions.Active, Authority.Of(Ann))));
        spec.Approved(id, AnnKey, BenKey).WhenExecuted(id).ThenAccepted().ThenBalance("ann", "60.00");
        spec.Book.Bank.Permissions.Rows.Find(Level.Parse("treasury@petty")).Should().BeGreaterThanOrEqualTo(0);
    }

    [Fact]
    public void A_command_about_proposals_stands_alone() =>
        Given().When(Linked(Propose(Payment) with { Level = Ann })).ThenRefused(ProposalRejections.InChain);

    [Fact]
    public void A_hash_with_the_execution_has_to_be_that_of_the_content()
    {
        var spec = Given();
        var proposal = Propose(Payment);
        var id = spec.Proposed(proposal);
        spec.Approved(id, AnnKey, BenKey).When(new ExecuteProposal(default, id, Hash256.Of("other")), caller: AnnKey)
            .ThenRefused(ProposalRejections.ContentChanged);
        spec.When(new ExecuteProposal(default, id, HashOf(proposal)), caller: AnnKey).ThenAccepted();
    }

    private static IEnumerable<Level> Many(int count) =>
        Enumerable.Range(100, count).Select(i => Level.Parse($"p{i}@active")).Order();
}

internal static class MoreProposals
{
    /// <summary>Ann proposed a payment of the treasury, and these approved.</summary>
    public static CommandId AlsoApproved(this LedgerSpec spec, params int[] keys)
    {
        var id = spec.Proposed(Propose(Pay("treasury", "alice", "10")));
        spec.Approved(id, keys);
        return id;
    }
}
