using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about what waits for approvals, and about what did not wait.</summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfProposals() =>
    [
        new("proposal.make", "proposals", Scopes.Proposals, "Propose commands that others have to approve",
            [Declared, Requested, ProposedCommands, ProposalExpires], [As, ProposalDelay, ApprovalSeconds, FourEyes],
            MakeProposal,
            """
            {"declared":["bank@head"],"requested":["bank@head"],"expires":"2026-01-12T12:00:00.000000Z","commands":[
              {"command":"account.close","fields":{"account":"customers:alice","reason":"customer asked"}}]}
            """) { Creates = true },
        new("proposal.approve", "proposals/{proposal}/approvals", Scopes.Proposals, "Approve a proposal's content",
            [Proposal, Hash], [Approval],
            static (f, _) => new ApproveProposal(f.Speaker, f.Proposal, f.Hash),
            """
            {"level":"bank@head","hash":"82a50bb459d642ada1ee44e89f70532221232402c0ee88243f76b2134d347cef"}
            """) { Creates = true },
        new("proposal.unapprove", "proposals/{proposal}/approvals/withdraw", Scopes.Proposals,
            "Take an approval back", [Proposal], [Approval],
            static (f, _) => new WithdrawApproval(f.Speaker, f.Proposal),
            """{"level":"bank@head"}"""),
        new("proposal.cancel", "proposals/{proposal}/cancel", Scopes.Proposals,
            "Cancel a proposal: the proposer at any time, others once it has expired", [Proposal], [As],
            static (f, _) => new CancelProposal(f.Speaker, f.Proposal),
            "{}"),
        new("proposal.execute", "proposals/{proposal}/execute", Scopes.Proposals,
            "Let happen what was approved, all of it or nothing", [Proposal], [As, Hash],
            static (f, _) => new ExecuteProposal(f.Speaker, f.Proposal, f.Has(Hash) ? f.Hash : null),
            """{"hash":"82a50bb459d642ada1ee44e89f70532221232402c0ee88243f76b2134d347cef"}"""),
        new("approvals.invalidate", "accounts/{account}/approvals/invalidate", Scopes.Proposals,
            "Void every approval that the account has given", [Account], [],
            static (f, _) => new InvalidateApprovals(f.Account),
            "{}"),
        new("breakglass.use", "break-glass", Scopes.Proposals,
            "Do at once what others would have to approve, to be reviewed within a day", [OneCommand, Reason], [As],
            BreakGlass,
            """
            {"reason":"branch system down","run":{"command":"account.close","fields":
              {"account":"customers:alice","reason":"customer asked"}}}
            """) { Creates = true },
        new("review.close", "reviews/{review}/close", Scopes.Proposals, "Say what the review of break-glass found",
            [Review, Justified, Reason], [As],
            static (f, _) => new CloseReview(f.Speaker, f.Proposal, f.Justified, f.Why!),
            """{"justified":true,"reason":"as the runbook says"}"""),
    ];

    private static Built MakeProposal(CommandFields f, Sealing sealing)
    {
        var stated = f.Proposed.EnumerateArray();
        if (ProposalContents.Write(stated, ProposedCommands.Name, sealing, out var content) is { } flaw) return flaw;
        f.SetPrint(ProposedCommands, content.Print);
        return new MakeProposal(
            f.Speaker, f.Declared, f.Requested, content.Text, content.Commands, f.Expires, f.ProposalDelay,
            f.ApprovalSeconds, f.FourEyes);
    }

    private static Built BreakGlass(CommandFields f, Sealing sealing)
    {
        if (ProposalContents.Write([f.Proposed], OneCommand.Name, sealing, out var content) is { } flaw)
            return flaw with { Field = flaw.Field?.Replace("[0]", "", StringComparison.Ordinal), Link = 0 };
        f.SetPrint(OneCommand, content.Print);
        return new BreakGlass(f.Speaker, f.Why!, content.Text, content.Commands[0]);
    }
}
