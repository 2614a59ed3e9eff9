using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>What an account's permissions may still spend, and whether its keys are being replaced.</summary>
internal sealed class ReadsLimits(RunningBook book)
{
    /// <summary>Limits of a page: each looks at the parts of its window besides.</summary>
    public const int MaxLimits = BookEngine.MaxRowsRead / (SpendingWindows.Parts + 3);

    private readonly record struct LimitNow(SpendingLimitRow Row, (Amount Left, Instant WholeFrom)? Window);

    private readonly record struct RecoveryNow(long? DelaySeconds, RecoveryRow? Running, long Position);

    public async Task LimitsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (from, limit) = ((int)(query.Mark()?.Position ?? 0), query.Limit(MaxLimits));
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => LimitsOf(bank, at, id, from, limit)).ConfigureAwait(false)
            : null;
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.Value("account"u8, id);
            to.WriteStartArray("limits"u8);
            foreach (var (row, window) in page.Rows) Write(to, row, window);
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } next ? query.CursorAt(next) : null);
        });
    }

    public async Task RecoveryAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => RecoveryOf(bank, at, id)).ConfigureAwait(false)
            : null;
        if (found is not { } now)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, now.Position);
            to.Value("account"u8, id);
            to.WriteBoolean("allowed"u8, now.DelaySeconds.HasValue);
            if (now.DelaySeconds is { } delay) to.WriteNumber("delay_seconds"u8, delay);
            to.WriteBoolean("running"u8, now.Running.HasValue);
            if (now.Running is { } running) to.Value("completes"u8, running.Completes);
        });
    }

    private static (List<LimitNow> Rows, int? Next, long Position)? LimitsOf(
        Bank bank, in Moment at, AccountId id, int from, int limit)
    {
        if (bank.Ledger.Tables.Accounts.Find(id) < 0) return null;
        var rows = new List<LimitNow>();
        foreach (var row in bank.SpendingLimits.Of(id).Skip(from))
        {
            if (rows.Count == limit) return (rows, from + limit, at.Position - 1);
            rows.Add(new(row, bank.SpendingLimits.LeftOf(row, at.Now)));
        }
        return (rows, null, at.Position - 1);
    }

    private static RecoveryNow? RecoveryOf(Bank bank, in Moment at, AccountId id)
    {
        if (bank.Ledger.Tables.Accounts.Find(id) < 0) return null;
        return new(
            bank.Recovery.Rules.TryGet(id, out var rule) ? rule.DelaySeconds : null,
            bank.Recovery.Rows.TryGet(id, out var running) ? running : null, at.Position - 1);
    }

    private static void Write(Utf8JsonWriter to, in SpendingLimitRow row, (Amount Left, Instant WholeFrom)? window)
    {
        to.WriteStartObject();
        to.Value("permission"u8, row.Key.Level.Permission);
        to.Value("asset"u8, row.Key.Asset);
        if (row.Terms.PerTransaction is { } perTransaction) to.Value("per_transaction"u8, perTransaction);
        if (row.Terms.PerWindow is { } perWindow) to.Value("per_window"u8, perWindow);
        if (row.Terms.PasskeyAbove is { } passkeyAbove) to.Value("passkey_above"u8, passkeyAbove);
        if (window is var (left, wholeFrom))
        {
            to.WriteNumber("window_seconds"u8, row.Terms.WindowSeconds);
            to.Value("left"u8, left);
            to.Value("whole_from"u8, wholeFrom);
        }
        to.WriteStartArray("counterparties"u8);
        foreach (var counterparty in row.Terms.Counterparties) to.WriteStringValue(counterparty.ToString());
        to.WriteEndArray();
        to.WriteEndObject();
    }
}
