using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>What waits for approval, and what waits for a review.</summary>
internal sealed class ReadsProposals(RunningBook book)
{
    private readonly record struct Approval(Level Level, Instant? At, bool Counts);

    private sealed record Shown(ProposalRow Row, List<Approval> Approvals, Rejection? Missing, long Position);

    private readonly record struct Listed(ProposalRow Row, bool? Approved);

    /// <summary>By who is asked, or by whose account proposed.</summary>
    public async Task ListAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (approver, account) = (query.Value<Level>("approver"), query.Value<AccountId>("account"));
        var from = query.Value<CommandId>("after-proposal");
        var limit = query.Limit(BookEngine.MaxRowsRead / 2);
        var flaw = query.Check(book.Engine)
            ?? (approver.HasValue == account.HasValue ? new Flaw(EdgeProblems.QueryMalformed, "approver") : null);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var (rows, position) = await book.Engine.ReadAsync((bank, at) => (approver is { } level
            ? AskedOf(bank.Proposals, level, from, at.Now).Take(limit + 1).ToList()
            : MadeBy(bank.Proposals, account!.Value, from).Take(limit + 1).ToList(), at.Position - 1))
            .ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, position);
            to.WriteStartArray("proposals"u8);
            foreach (var (row, approved) in rows.Take(limit))
            {
                to.WriteStartObject();
                Head(to, row);
                if (approved is { } given) to.WriteBoolean("approved"u8, given);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            to.ValueOrNull("next"u8, rows.Count > limit ? rows[limit - 1].Row.Id : default(CommandId?));
        });
    }

    /// <summary>One proposal: what it says, who approved, and what is missing.</summary>
    public async Task ReadAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var stated = context.Request.RouteValues["proposal"] as string ?? "";
        var found = CommandId.TryParse(stated, out var id)
            ? await book.Engine.ReadAsync((bank, at) => Find(bank.Proposals, id, at)).ConfigureAwait(false) : null;
        if (found is null) await Problems.Answer(context, ReadsProblems.ProposalNotFound).ConfigureAwait(false);
        else Reads.Ok(context, to => Write(to, found));
    }

    public async Task ReviewsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (after, limit) = ((int)(query.Mark()?.Position ?? -1), query.Limit(BookEngine.MaxRowsRead));
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var (rows, position) = await book.Engine.ReadAsync((bank, at) =>
            (ReviewsAfter(bank.Reviews, after).Take(limit).ToList(), at.Position - 1)).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, position);
            to.WriteStartArray("reviews"u8);
            foreach (var (_, row) in rows)
            {
                to.WriteStartObject();
                to.Value("id"u8, row.Id);
                to.Value("level"u8, row.Maker.Level);
                to.Value("key"u8, row.Maker.Key);
                to.WriteString("reason"u8, row.Reason);
                to.Value("hash"u8, row.Hash);
                to.Value("due"u8, row.Due);
                to.WriteBoolean("overdue"u8, row.Overdue);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, rows.Count == limit ? query.CursorAt(rows[^1].Number) : null);
        });
    }

    private static IEnumerable<(int Number, ReviewRow Row)> ReviewsAfter(Reviews reviews, int after)
    {
        foreach (var number in reviews.Rows)
        {
            if (number > after) yield return (number, reviews.Rows[number]);
        }
    }

    private static IEnumerable<Listed> AskedOf(Proposals proposals, Level level, CommandId? from, Instant now)
    {
        foreach (var (key, row) in proposals.ByApprover.From(new(level, from ?? default)))
        {
            if (key.Level != level) yield break;
            if (key.Proposal == from || !proposals.Rows.TryGet(key.Proposal, out var proposal)) continue;
            yield return new(proposal, proposals.Counts(proposals.Requests[row], proposal, now));
        }
    }

    private static IEnumerable<Listed> MadeBy(Proposals proposals, AccountId account, CommandId? from)
    {
        foreach (var (key, row) in proposals.ByMaker.From(new(account, 0, from ?? default)))
        {
            if (key.Account != account) yield break;
            if (key.Proposal != from) yield return new(proposals.Rows[row], null);
        }
    }

    private static Shown? Find(Proposals proposals, CommandId id, in Moment at)
    {
        if (!proposals.Rows.TryGet(id, out var row)) return null;
        var approvals = new List<Approval>();
        foreach (var level in row.Requested)
        {
            proposals.Requests.TryGet(new(level, id), out var request);
            approvals.Add(new(
                level, request.Position > 0 ? request.ApprovedAt : null, proposals.Counts(request, row, at.Now)));
        }
        return new(row, approvals, proposals.Missing(row, at.Now), at.Position - 1);
    }

    private static void Head(Utf8JsonWriter to, in ProposalRow row)
    {
        to.Value("id"u8, row.Id);
        to.Value("proposer"u8, row.Maker.Level);
        to.Value("hash"u8, row.Hash);
        to.WriteBoolean("four_eyes"u8, row.FourEyes);
        to.Value("proposed_at"u8, row.At);
        to.Value("expires"u8, row.Expires);
        to.ValueOrNull("earliest"u8, row.Earliest);
    }

    private static void Write(Utf8JsonWriter to, Shown shown)
    {
        to.WriteNumber("position"u8, shown.Position);
        to.WriteStartObject("proposal"u8);
        Head(to, shown.Row);
        to.WriteNumber("delay_seconds"u8, shown.Row.DelaySeconds);
        to.WriteNumber("approval_seconds"u8, shown.Row.ApprovalSeconds);
        to.WriteStartArray("declared"u8);
        foreach (var level in shown.Row.Declared) to.WriteStringValue(level.ToString());
        to.WriteEndArray();
        to.WritePropertyName("commands"u8);
        ProposalContents.Show(to, shown.Row.Content);
        to.WriteStartArray("approvals"u8);
        foreach (var approval in shown.Approvals)
        {
            to.WriteStartObject();
            to.Value("level"u8, approval.Level);
            to.ValueOrNull("approved_at"u8, approval.At);
            to.WriteBoolean("counts"u8, approval.Counts);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        if (shown.Missing is { } missing)
        {
            to.WriteStartObject("missing"u8);
            to.WriteString("code"u8, missing.Code);
            to.WriteString("why"u8, missing.Why);
            if (missing.Link > 0) to.WriteNumber("link"u8, missing.Link);
            to.WriteEndObject();
        }
        else
        {
            to.WriteNull("missing"u8);
        }
        to.WriteEndObject();
    }
}
