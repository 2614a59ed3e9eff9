using System.Text;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Signing;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using static BankingEngine.Host.Api.Parameters;
using SignedEvidence = BankingEngine.Application.Signing.Evidence;

namespace BankingEngine.Host.Api;

/// <summary>What can be asked of who may act for accounts, and who did.</summary>
internal sealed class ReadsPermissions(RunningBook book)
{
    /// <summary>Acts of one page: each is one event or two of the journal.</summary>
    private const int MaxActs = 100;

    /// <summary>
    /// Permissions and links of one page; besides them the account, its owner, channel and rule are looked at, and the
    /// links of payments.
    /// </summary>
    private const int MaxPermissionRows = BookEngine.MaxRowsRead - 10;

    /// <param name="Implied">Payments that are linked to the channel's permission without a link of their own.</param>
    /// <param name="Rule">Under which permissions these may change; none where the account has no such rule.</param>
    /// <param name="Next">Where the next page begins; null when there is nothing further.</param>
    private sealed record PermissionsNow(
        bool HasOwn, List<PermissionRow> Rows, List<LinkRow> Links, List<string> Implied, ChangeLimitRow? Rule,
        int? Next, long Position);

    public static void Map(IEndpointRouteBuilder routes, RunningBook book)
    {
        const string NoAccount = "account.not_found";
        var reads = new ReadsPermissions(book);
        Reads.Map(routes, "/v1/accounts/{account}/permissions", "permissions.read",
            "Who may act for an account: its permissions, what is linked to them, who may change them",
            reads.PermissionsAsync,
            new("Permissions", "A page of permissions, then of links; or who acts where it has none of its own.", After,
                Limit(MaxPermissionRows), Cursor)
            { NotFound = NoAccount });
        Reads.Map(routes, "/v1/accounts/{account}/authorisations", "authorisation.list",
            "What was done for an account, newest first: by whom, under which permissions, with which keys",
            reads.HistoryAsync,
            new("Permissions", "A page of events that took from the account or changed what it is and who may act.",
                After, Limit(MaxActs), Cursor)
            { NotFound = NoAccount });
        Reads.Map(routes, "/v1/signing-keys/{signing_key}/accounts", "signing_key.accounts",
            "The permissions that name a signing key; through=true, those that lead to it through others",
            reads.KeyAccountsAsync,
            new("Permissions", "A page of permissions, those nearest to the key first.", Through, After, Limit(),
                Cursor));
    }

    /// <summary>The tree of an account's permissions, its links, and who may change them.</summary>
    private async Task PermissionsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (from, limit) = ((int)long.Min(query.Mark()?.Position ?? 0, int.MaxValue), query.Limit(MaxPermissionRows));
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => PermissionsOf(bank, at, id, from, limit)).ConfigureAwait(false)
            : null;
        if (found is null)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, found.Position);
            to.Value("account"u8, id);
            to.WriteBoolean("own"u8, found.HasOwn);
            if (found.HasOwn) Write(to, found, query);
            else to.WriteString("acts"u8, Wallets.IsWallet(id) ? "key"u8 : "bank"u8);
        });
    }

    /// <summary>The permissions that name a signing key.</summary>
    private async Task KeyAccountsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var through = query.One<YesOrNo>("through") == YesOrNo.True;
        var (from, limit, after) =
            ((int)long.Min(query.Mark()?.Position ?? 0, KeyUses.MaxFound), query.Limit(), query.AfterPosition);
        var flaw = query.Check(book.Engine);
        if (!SigningKey.TryParse(context.Request.RouteValues["signing_key"] as string ?? "", out var key))
            flaw ??= new Flaw(EdgeProblems.FieldMalformed, "signing_key");
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await book.ReadModels.KeysAfterAsync(after).ConfigureAwait(false) is not { } uses)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        var wallet = Wallets.NameOf(key);
        var isOpen = await book.Engine.ReadAsync((bank, _) =>
            bank.Ledger.Tables.Accounts.Find(wallet) >= 0 && !bank.Permissions.HasOwn(wallet)).ConfigureAwait(false);
        var page = uses.Of(key, through, from, limit);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.Value("key"u8, key);
            if (isOpen) to.Value("wallet"u8, wallet);
            else to.WriteNull("wallet"u8);
            to.WriteStartArray("accounts"u8);
            foreach (var use in page.Uses) Write(to, use);
            to.WriteEndArray();
            if (page.AreMore) to.WriteBoolean("more_accounts"u8, true);
            ReadsAccounts.Next(to, page.Next is { } next ? query.CursorAt(next) : null);
        });
    }

    /// <summary>What was done for an account, newest first, and who authorised it.</summary>
    private async Task HistoryAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (mark, limit, after) = (query.Mark(), query.Limit(MaxActs), query.AfterPosition);
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var entries = await book.ReadModels.AccountsAsync(after).ConfigureAwait(false);
        var acts = await book.ReadModels.ActsAfterAsync(after).ConfigureAwait(false);
        if (entries is null || acts is null)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        var page = Reads.TryAccount(context, out var id)
            ? await HistoryPage.OfAsync(entries, acts, id, mark, limit).ConfigureAwait(false)
            : null;
        if (page is null)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.Value("account"u8, id);
            to.WriteStartArray("authorisations"u8);
            foreach (var position in page.Positions) WriteAct(to, position);
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is var (last, act) ? query.CursorAt(last, act) : null);
        });
    }

    private static PermissionsNow? PermissionsOf(Bank bank, in Moment at, AccountId id, int from, int limit)
    {
        var p = bank.Permissions;
        var hasOwn = p.HasOwn(id);
        if (!hasOwn && id != Permissions.Bank && bank.Ledger.Tables.Accounts.Find(id) < 0) return null;
        var (rows, links) = (new List<PermissionRow>(), new List<LinkRow>());
        var number = 0;
        var last = at.Position - 1;
        foreach (var (level, row) in p.InOrder.From(new(id, default)))
        {
            if (level.Account != id) break;
            if (number++ < from) continue;
            if (rows.Count == limit) return new(hasOwn, rows, links, [], RuleOf(p, id), number - 1, last);
            rows.Add(p.Rows[row]);
        }
        foreach (var (key, row) in p.LinksInOrder.From(new(default, id, 0)))
        {
            if (key.Account != id) break;
            if (number++ < from) continue;
            if (rows.Count + links.Count == limit) return new(hasOwn, rows, links, [], RuleOf(p, id), number - 1, last);
            links.Add(p.Links[row]);
        }
        return new(hasOwn, rows, links, ImpliedOf(p, id), RuleOf(p, id), null, last);
    }

    private static List<string> ImpliedOf(Permissions permissions, AccountId id) =>
        permissions.Rows.Find(new(id, Permissions.Channel)) < 0 ? []
        : [.. CommandNames.All.Where(CommandNames.IsPayment)
            .Where(name => permissions.Links.Find(new(default, id, name.Hash)) < 0)
            .Select(name => name.Text).Order(StringComparer.Ordinal)];

    private static ChangeLimitRow? RuleOf(Permissions permissions, AccountId id) =>
        permissions.ChangeLimits.TryGet(id, out var rule) ? rule : null;

    private static void Write(Utf8JsonWriter to, PermissionsNow found, ReadsQuery query)
    {
        to.WriteStartArray("permissions"u8);
        foreach (var row in found.Rows)
        {
            to.WriteStartObject();
            to.Value("name"u8, row.Level.Permission);
            to.Value("parent"u8, row.Parent);
            to.WritePropertyName("authority"u8);
            JsonSerializer.Serialize(to, row.Authority, EventJson.Default.Authority);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        to.WriteStartArray("links"u8);
        foreach (var link in found.Links)
            Link(to, CommandNames.TextOf(link.Key.Command), link.Key.Asset, link.Permission, isImplied: false);
        foreach (var name in found.Implied) Link(to, name, default, Permissions.Channel, isImplied: true);
        to.WriteEndArray();
        if (found.Rule is { } rule)
        {
            to.WriteStartObject("change_limits"u8);
            Names(to, "allow"u8, rule.Allow);
            Names(to, "disallow"u8, rule.Disallow);
            to.WriteEndObject();
        }
        else
        {
            to.WriteNull("change_limits"u8);
        }
        ReadsAccounts.Next(to, found.Next is { } next ? query.CursorAt(next) : null);
    }

    private static void Link(Utf8JsonWriter to, string command, AssetCode asset, Tag permission, bool isImplied)
    {
        to.WriteStartObject();
        to.WriteString("command_name"u8, command);
        to.ValueOrNull("asset"u8, asset.IsNone ? (AssetCode?)null : asset);
        to.Value("permission"u8, permission);
        if (isImplied) to.WriteBoolean("implied"u8, true);
        to.WriteEndObject();
    }

    private static void Names(Utf8JsonWriter to, ReadOnlySpan<byte> name, IEnumerable<Tag> permissions)
    {
        to.WriteStartArray(name);
        foreach (var permission in permissions) to.WriteStringValue(permission.ToString());
        to.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter to, in KeyUse use)
    {
        to.WriteStartObject();
        to.Value("account"u8, use.Level.Account);
        to.Value("permission"u8, use.Level.Permission);
        to.WriteNumber("depth"u8, use.Depth);
        if (use.Depth > 0) to.Value("through"u8, use.Through);
        to.WriteNumber("weight"u8, use.Weight);
        to.WriteNumber("threshold"u8, use.Threshold);
        to.WriteEndObject();
    }

    /// <summary>One event; what was signed stands on the first of its command.</summary>
    private void WriteAct(Utf8JsonWriter to, long position)
    {
        var (head, recorded) = EventAt(position);
        var (first, began) = head.Part > 1 ? EventAt(position - head.Part + 1) : (head, recorded);
        to.WriteStartObject();
        to.WriteNumber("position"u8, position);
        to.Value("recorded_at"u8, head.At);
        to.WriteString("type"u8, EventCatalogue.Of(recorded.Event).Name);
        if (PostedLegs.NameOf(recorded.Event) is { } transfer) to.Value("transfer"u8, transfer);
        to.WriteString("by"u8, head.By.ToString());
        var signed = default(SignedCommand);
        var evidence = default(SignedEvidence);
        if (first.Auth is { } auth && SignedEvidence.TryRead(Encoding.UTF8.GetBytes(auth), out evidence)
            && !SignedCommand.TryRead(evidence.Bytes, out signed).IsNone)
            signed = null;
        to.WriteStartArray("as"u8);
        foreach (var level in signed?.Head.As ?? []) to.WriteStringValue(level.ToString());
        to.WriteEndArray();
        to.WriteStartArray("keys"u8);
        foreach (var given in evidence?.Signatures ?? []) to.WriteStringValue(given.Key.ToString());
        to.WriteEndArray();
        if (began.Event is ProposalEvent.Executed executed) WriteApprovals(to, executed);
        to.WriteEndObject();
    }

    /// <summary>What a proposal carried out was allowed by its approvals, not by who executed it.</summary>
    private static void WriteApprovals(Utf8JsonWriter to, ProposalEvent.Executed executed)
    {
        to.WriteString("proposal"u8, executed.Id.ToString());
        to.WriteStartArray("approvals"u8);
        foreach (var level in executed.Counted) to.WriteStringValue(level.ToString());
        to.WriteEndArray();
    }

    private (LineHead Head, Recorded Recorded) EventAt(long position) =>
        ReadsJson.TryRead(book.Engine, position, out var line)
            ? EventLine.Read(line.Span)
            : throw new InvalidOperationException($"Event {position} was projected and is not in the journal.");

    private enum YesOrNo
    {
        False,
        True,
    }

    /// <summary>A page of what posted debits on an account, or was done for it otherwise, newest first.</summary>
    /// <param name="Next">The last position of the page, and the number of the last act that was shown, plus one.</param>
    private sealed record HistoryPage(IReadOnlyList<long> Positions, (long Last, int Act)? Next, long Position)
    {
        private static readonly EntryFilter Debits = new(Side: Domain.Ledger.Side.Debit);

        /// <returns>Null where there is no such account.</returns>
        public static async Task<HistoryPage?> OfAsync(
            IAccountEntries entries, AccountActs acts, AccountId id, (long Last, int Act)? mark, int limit)
        {
            EntryMark? below = mark is var (last, _) ? new(last - 1, 0) : null;
            var posted =
                await entries.HistoryAsync(id, Debits, newestFirst: true, below, limit + 1).ConfigureAwait(false);
            var act = mark is { Act: > 0 } shown ? shown.Act - 1 : (int?)null;
            var done = acts.Of(id, act, mark?.Last ?? long.MaxValue, limit + 1);
            if (posted is null && done is null) return null;
            // Where the search ended before the account's first leg, older acts wait for what it may still find.
            var ended = posted?.Next is { } next ? next.Position : 0;
            var hasEnded = posted?.Next is null;
            var positions = (posted?.Entries ?? []).Select(entry => (entry.Position, Act: (int?)null))
                .Concat((done ?? []).Select(a => (a.Position, Act: (int?)a.Number)))
                .Where(p => p.Position >= ended)
                .GroupBy(p => p.Position).Select(group => (Position: group.Key, Act: group.Max(p => p.Act)))
                .OrderByDescending(p => p.Position).ToList();
            var page = positions.Take(limit).ToList();
            var lastAct = page.LastOrDefault(p => p.Act is not null).Act + 1 ?? mark?.Act ?? 0;
            (long, int)? following = positions.Count > limit ? (page[^1].Position, lastAct)
                : hasEnded ? null
                : (page.Exists(p => p.Position == ended) ? ended : ended + 1, lastAct);
            var known = posted is null ? acts.Position : long.Min(posted.Position, acts.Position);
            return new([.. page.Select(p => p.Position)], following, known);
        }
    }
}
