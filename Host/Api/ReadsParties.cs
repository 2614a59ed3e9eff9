using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using static BankingEngine.Host.Api.Parameters;

namespace BankingEngine.Host.Api;

/// <summary>
/// What can be asked of people, their roles and identifiers. Names and texts are opened for keys with the scope
/// parties; what such a key looks at is recorded before the answer leaves.
/// </summary>
internal sealed class ReadsParties(RunningBook book)
{
    /// <summary>Rows of a page: each may look at a mandate besides, and a read of the book is short.</summary>
    private const int MaxRows = BookEngine.MaxRowsRead / 2 - 2;

    /// <summary>How a question about an identifier is read; it is no command, so no catalogue has it.</summary>
    private static readonly CommandSpec Question = new(
        "identifier.resolve", "identifiers/resolve", Scopes.Parties, "", [Fields.KindOfIdentifier, Fields.IdentifierText],
        [], static (_, _) => default, "{}");

    private readonly record struct RolePage(
        AccountRolesRow Account, List<(RoleRow Role, Mandate? Mandate)> Rows, int? Next, Moment At);

    public static void Map(IEndpointRouteBuilder routes, RunningBook book)
    {
        const string NoAccount = "account.not_found", NoParty = "party.not_found";
        var reads = new ReadsParties(book);
        Reads.Map(routes, "/v1/parties/{party}", "party.read", "One party", reads.PartyAsync,
            new("Parties", "The party; its name where the key may see it.", After, AccessReason) { NotFound = NoParty });
        Reads.Map(routes, "/v1/parties/{party}/accounts", "party.accounts", "What a party is to which accounts",
            reads.AccountsAsync,
            new("Parties", "A page of roles, ended ones too.", After, Limit(MaxRows), Cursor, AccessReason) { NotFound = NoParty });
        Reads.Map(routes, "/v1/accounts/{account}/roles", "account.roles", "Who is what to an account", reads.RolesAsync,
            new("Parties", "A page of roles, ended ones too.", After, Limit(MaxRows), Cursor, AccessReason) { NotFound = NoAccount });
        Reads.Map(routes, "/v1/accounts/{account}/identifiers", "account.identifiers", "What an account is called by",
            reads.IdentifiersAsync,
            new("Parties", "A page of identifiers, ended ones too.", After, Limit(MaxRows), Cursor, AccessReason) { NotFound = NoAccount });
        Reads.Map(routes, "/v1/identifiers/resolve", "identifier.resolve", "Where an identifier leads", reads.ResolveAsync,
            new("Parties", "The account.", AccessReason)
            {
                NotFound = "identifier.not_found",
                Body = $$"""
                    {"type":"object","required":["kind","text"],"additionalProperties":false,"properties":{
                      "kind":{{Fields.KindOfIdentifier.Schema}},"text":{{Fields.IdentifierText.Schema}} } }
                    """,
            }, Scopes.Parties);
        Reads.Map(routes, "/v1/access-log", "access.list", "Who looked at a party or an account, newest first",
            reads.LogAsync,
            new("Parties", "A page of looks.", LookedAtParty, LookedAtAccount, After, Limit(MaxRows), Cursor), Scopes.Audit);
    }

    private async Task PartyAsync(HttpContext context)
    {
        if (await BeginAsync(context).ConfigureAwait(false) is not { } asked) return;
        var row = asked.TryParty(out var id)
            ? await book.Engine.ReadAsync((bank, at) => bank.Parties.Rows.TryGet(id, out var found) ? (found, at) : default((PartyRow, Moment)?))
                .ConfigureAwait(false)
            : null;
        if (row is not var (party, at))
        {
            await Problems.Answer(context, ReadsProblems.PartyNotFound).ConfigureAwait(false);
            return;
        }
        await asked.RecordAsync("party.read", id, default).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, at.Position - 1);
            to.Value("id"u8, id);
            to.WriteString("kind"u8, ReadsJson.NameOf(party.Kind));
            to.Value("jurisdiction"u8, party.Jurisdiction);
            var name = (Event(party.Named) as PartyEvent.Registered)?.Name;
            to.WriteString("name"u8, Opened(Fields.PartyName, name, asked.MayOpen));
            to.WriteString("standing"u8, ReadsJson.NameOf(party.Standing));
            if (!party.Actor.IsNone) to.Value("actor"u8, party.Actor);
            if (party.IsDead) to.Value("died_on"u8, party.DiedOn);
            if (party.IsIncapacitated) to.Value("incapacitated_on"u8, party.IncapacitatedOn);
            to.WriteNumber("roles"u8, party.Roles);
        });
    }

    private async Task AccountsAsync(HttpContext context)
    {
        if (await BeginAsync(context).ConfigureAwait(false) is not { } asked) return;
        var found = asked.TryParty(out var id)
            ? await book.Engine.ReadAsync((bank, at) => bank.Parties.Rows.Find(id) < 0
                ? default(RolePage?)
                : PageOf(bank.Parties, at, default, bank.Parties.RolesOfParty.Rows(id, asked.From), asked.Limit)).ConfigureAwait(false)
            : null;
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.PartyNotFound).ConfigureAwait(false);
            return;
        }
        await asked.RecordAsync("party.accounts", id, default).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.At.Position - 1);
            to.Value("party"u8, id);
            Write(to, page, asked.Query, ofParty: true);
        });
    }

    private async Task RolesAsync(HttpContext context)
    {
        if (await BeginAsync(context).ConfigureAwait(false) is not { } asked) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => bank.Ledger.Tables.Accounts.Find(id) < 0
                ? default(RolePage?)
                : PageOf(bank.Parties, at, bank.Parties.Accounts.TryGet(id, out var row) ? row : default,
                    bank.Parties.RolesOfAccount.Rows(id, asked.From), asked.Limit)).ConfigureAwait(false)
            : null;
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        await asked.RecordAsync("account.roles", default, id).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.At.Position - 1);
            to.Value("account"u8, id);
            if (page.Account.Holders > 0)
            {
                to.WriteString("mode"u8, ReadsJson.NameOf(page.Account.Mode));
                to.WriteBoolean("survivorship"u8, page.Account.Survivorship != 0);
            }
            Write(to, page, asked.Query, ofParty: false);
        });
    }

    private async Task IdentifiersAsync(HttpContext context)
    {
        if (await BeginAsync(context).ConfigureAwait(false) is not { } asked) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => IdentifiersOf(bank, at, id, asked.From, asked.Limit)).ConfigureAwait(false)
            : null;
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        await asked.RecordAsync("account.identifiers", default, id).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.At.Position - 1);
            to.Value("account"u8, id);
            to.WriteStartArray("identifiers"u8);
            foreach (var row in page.Rows)
            {
                var added = (IdentifierEvent.Added)Event(row.Added)!;
                to.WriteStartObject();
                to.WriteString("kind"u8, ReadsJson.NameOf(row.Kind));
                to.WriteString("text"u8, Opened(Fields.IdentifierText, added.Text, asked.MayOpen));
                if (added.Reference is { } reference) to.WriteString("reference"u8, reference);
                Write(to, row.From, row.Until, row.InForce(page.At.Now));
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } next ? asked.Query.CursorAt(next) : null);
        });
    }

    private async Task ResolveAsync(HttpContext context)
    {
        if (await BeginAsync(context).ConfigureAwait(false) is not { } asked) return;
        var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
        var (token, flaw) = TokenOf(context, body.ToArray());
        RequestBodies.Done(context, body);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var (row, at) = await book.Engine.ReadAsync((bank, at) =>
            (bank.Identifiers.TryResolve(token, at.Now, out var found) ? found : default, at)).ConfigureAwait(false);
        if (row.Account.IsNone)
        {
            await Problems.Answer(context, ReadsProblems.IdentifierNotFound).ConfigureAwait(false);
            return;
        }
        await asked.RecordAsync("identifier.resolve", default, row.Account).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, at.Position - 1);
            to.Value("account"u8, row.Account);
            to.WriteString("kind"u8, ReadsJson.NameOf(row.Kind));
            if (Event(row.Added) is IdentifierEvent.Added { Reference: { } reference }) to.WriteString("reference"u8, reference);
        });
    }

    private async Task LogAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (party, account) = (query.Value<PartyId>("party"), query.Value<AccountId>("account"));
        var (mark, limit, after) = (query.Mark(), query.Limit(MaxRows), query.AfterPosition);
        Flaw? flaw = query.Check(book.Engine)
            ?? (party is null == account is null ? new Flaw(EdgeProblems.QueryMalformed, "party") : null);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await book.ReadModels.AccessAfterAsync(after).ConfigureAwait(false) is not { } log)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        int? from = mark is { } m ? (int)m.Position : null;
        var page = party is { } id ? log.Of(id, from, limit) : log.Of(account!.Value, from, limit);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("looks"u8);
            foreach (var position in page.Positions) WriteLook(to, position);
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } next ? query.CursorAt(next) : null);
        });
    }

    private void WriteLook(Utf8JsonWriter to, long position)
    {
        if (!ReadsJson.TryRead(book.Engine, position, out var line))
            throw new InvalidOperationException($"Event {position} was projected and is not in the journal.");
        var (head, recorded) = EventLine.Read(line.Span);
        var look = (AccessEvent.Recorded)recorded.Event;
        to.WriteStartObject();
        to.WriteNumber("position"u8, position);
        to.Value("recorded_at"u8, head.At);
        to.Value("key"u8, look.Key);
        to.WriteString("read"u8, look.Read);
        if (!look.Party.IsNone) to.Value("party"u8, look.Party);
        if (!look.Account.IsNone) to.Value("account"u8, look.Account);
        if (look.Reason is { } reason) to.WriteString("reason"u8, reason);
        to.WriteEndObject();
    }

    private (UInt128 Token, Flaw? Flaw) TokenOf(HttpContext context, ReadOnlySpan<byte> body)
    {
        if (!RequestBodies.Is(context, ResponseBody.JsonType)) return (0, RequestBodies.NotOf(ResponseBody.JsonType));
        var fields = CommandFields.Rent();
        try
        {
            fields.Begin(Question);
            if (fields.ReadBody(body, inBatch: false) is { } flaw) return (0, flaw);
            return IdentifierTexts.Read(fields.IdentifierKind, fields.Text!, out var plain) is { } why
                ? (0, new Flaw(EdgeProblems.IdentifierMalformed, Fields.IdentifierText.Name, Detail: why))
                : (book.Sealing.TokenOf(IdentifierTexts.LabelOf(fields.IdentifierKind), plain), null);
        }
        finally
        {
            fields.Return();
        }
    }

    private static RolePage PageOf<TKey>(
        Parties parties, Moment at, AccountRolesRow account, HashIndex<RoleRow, TKey>.Matches rows, int limit)
        where TKey : unmanaged, IEquatable<TKey>
    {
        var page = new List<(RoleRow, Mandate?)>();
        foreach (var row in rows)
        {
            if (page.Count == limit) return new(account, page, row, at);
            var role = parties.Roles[row];
            page.Add((role, parties.Mandates.TryGet(role.Key, out var mandate) ? mandate.Mandate : null));
        }
        return new(account, page, null, at);
    }

    private static (List<IdentifierRow> Rows, int? Next, Moment At)? IdentifiersOf(
        Bank bank, Moment at, AccountId id, int from, int limit)
    {
        if (bank.Ledger.Tables.Accounts.Find(id) < 0) return null;
        var page = new List<IdentifierRow>();
        foreach (var row in bank.Identifiers.OfAccount.Rows(id, from))
        {
            if (page.Count == limit) return (page, row, at);
            page.Add(bank.Identifiers.Rows[row]);
        }
        return (page, null, at);
    }

    private static void Write(Utf8JsonWriter to, in RolePage page, ReadsQuery query, bool ofParty)
    {
        to.WriteStartArray("roles"u8);
        foreach (var (role, mandate) in page.Rows)
        {
            to.WriteStartObject();
            if (ofParty) to.Value("account"u8, role.Key.Account);
            else to.Value("party"u8, role.Key.Party);
            to.WriteString("role"u8, ReadsJson.NameOf(role.Key.Role));
            if (!role.Key.For.IsNone) to.Value("for"u8, role.Key.For);
            if (role.SharePpm > 0) to.WriteNumber("share_ppm"u8, role.SharePpm);
            if (mandate is not null)
            {
                to.WriteStartArray("commands"u8);
                foreach (var command in mandate.Commands) to.WriteStringValue(command);
                to.WriteEndArray();
                if (mandate.Limit is { } limit) to.Value("limit"u8, limit);
            }
            Write(to, role.From, role.Until, role.InForce(page.At.Now));
            to.WriteEndObject();
        }
        to.WriteEndArray();
        ReadsAccounts.Next(to, page.Next is { } next ? query.CursorAt(next) : null);
    }

    private static void Write(Utf8JsonWriter to, Instant from, Instant until, bool inForce)
    {
        to.Value("from"u8, from);
        to.ValueOrNull("until"u8, until == Instant.Last ? default(Instant?) : until);
        to.WriteBoolean("in_force"u8, inForce);
    }

    /// <summary>The text where it may be seen; a word in its place where not; null where it is erased or was none.</summary>
    private string? Opened(Field field, string? sealedText, bool mayOpen) =>
        sealedText is null ? null : mayOpen ? book.Sealing.Open(field, sealedText) : Sealing.Shown;

    private Event? Event(long position)
    {
        var line = new ArrayBufferWriter<byte>(512);
        return book.Engine.Journal.TryReadEvent(position, line) ? EventLine.Read(line.WrittenSpan).Recorded.Event : null;
    }

    /// <summary>Reads what every one of these questions has.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    private async Task<Look?> BeginAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var takes = context.GetEndpoint()!.Metadata.GetMetadata<ReadSpec>()!;
        var from = takes.Knows("cursor") ? query.Mark() : null;
        var limit = takes.Knows("limit") ? query.Limit(MaxRows) : MaxRows;
        Flaw? flaw = takes.Knows("after") ? query.Check(book.Engine) : query.Flaw;
        flaw = AccessRecords.Reason(context, out var reason) is { } why ? flaw ?? why : flaw;
        if (flaw is not { } wrong) return new(book, context, query, (int)(from?.Position ?? 0), limit, reason);
        await Problems.Answer(context, wrong).ConfigureAwait(false);
        return null;
    }

    /// <summary>One question, and who asks it.</summary>
    private sealed record Look(
        RunningBook Book, HttpContext Context, ReadsQuery Query, int From, int Limit, string? Reason)
    {
        /// <summary>Whether the key sees names and texts, and is recorded.</summary>
        public bool MayOpen { get; } = Context.Caller().May(Scopes.Parties);

        public bool TryParty(out PartyId id) =>
            PartyId.TryParse(Context.Request.RouteValues["party"] as string ?? "", out id);

        /// <summary>Keeps that somebody with the scope parties looked; done before the answer leaves.</summary>
        public Task RecordAsync(string read, PartyId party, AccountId account) => MayOpen
            ? AccessRecords.KeepAsync(Book, Context, read, [(party, account)], Reason)
            : Task.CompletedTask;
    }
}
