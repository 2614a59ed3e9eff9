using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>What can be asked of accounts.</summary>
internal sealed class ReadsAccounts(RunningBook book)
{
    /// <summary>Balances of one page: each may look at restraints besides, and a read of the book is short.</summary>
    internal const int MaxBalances = 32;

    /// <summary>Assets shown of an account, the newest: each is two rows of the book, a balance and an asset.</summary>
    private const int MaxAssetsShown = BookEngine.MaxRowsRead / 2 - 2;

    /// <summary>What one balance is now: the book's own numbers.</summary>
    private readonly record struct BalanceNow(
        BalanceAt Posted, Int128 DebitsPending, Int128 CreditsPending, Int128 Restrained, Int128 NotYetValue,
        Int128 Overdraft, Int128 Available);

    public async Task ListAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (@class, chart, prefix) =
            (query.One<AccountClass>("class"), query.Tag("chart"), query.Text("prefix", AccountId.MaxTextLength));
        var (mark, limit) = (query.Mark(), query.Limit());
        if (await ReadyAsync(context, query).ConfigureAwait(false) is not { } entries) return;
        var page = await entries.ListAsync(
            @class, chart, prefix ?? "", (int)Math.Min(mark?.Position ?? 0, int.MaxValue), limit).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("accounts"u8);
            foreach (var account in page.Accounts)
            {
                to.WriteStartObject();
                to.Value("id"u8, account.Id);
                to.WriteString("class"u8, ReadsJson.NameOf(account.Class));
                to.Value("chart"u8, account.Chart);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            Next(to, page.Next is { } row ? query.CursorAt(row) : null);
        });
    }

    public async Task ReadAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => Describe(bank, at, id)).ConfigureAwait(false)
            : null;
        if (found is not { } account)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, account.Position);
            to.Value("id"u8, id);
            to.WriteString("class"u8, ReadsJson.NameOf(account.Row.Class));
            to.Value("chart"u8, account.Chart);
            to.WriteStartObject("dimensions"u8);
            to.Value("branch"u8, account.Dimensions.Branch);
            to.Value("region"u8, account.Dimensions.Region);
            to.Value("desk"u8, account.Dimensions.Desk);
            to.WriteEndObject();
            to.WriteStartArray("flags"u8);
            foreach (var flag in Enum.GetValues<AccountFlags>())
            {
                if (flag != AccountFlags.None && account.Row.Has(flag)) to.WriteStringValue(ReadsJson.NameOf(flag));
            }
            to.WriteEndArray();
            to.WriteStartArray("assets"u8);
            foreach (var asset in account.Assets) to.WriteStringValue(asset.ToString());
            to.WriteEndArray();
            if (account.AreMore) to.WriteBoolean("more_assets"u8, true);
            to.WriteNumber("restraints"u8, account.Row.Restraints);
        });
    }

    public async Task BalancesAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (asOf, bookedOn, asset) =
            (query.AsOf("as-of"), query.Value<BusinessDate>("booked-on"), query.Value<AssetCode>("asset"));
        var (mark, limit) = (query.Mark(), query.Limit(MaxBalances));
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        if (!Reads.TryAccount(context, out var id))
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
        else if (asOf == default && bookedOn is null)
            await NowAsync(context, query, id, asset, (int)(mark?.Position ?? 0), limit).ConfigureAwait(false);
        else if (await CutAsync(context, book, asOf, bookedOn).ConfigureAwait(false) is var (entries, cut))
            await ThenAsync(context, entries, id, asset, cut).ConfigureAwait(false);
    }

    public async Task EntriesAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var code = query.Value<AssetCode>("asset");
        Asset? asset = code is { } named
            ? await book.Engine.ReadAsync((bank, _) => AssetNamed(bank, named)).ConfigureAwait(false)
            : null;
        var filter = new EntryFilter(
            code, query.One<Side>("side"), query.Value<BusinessDate>("booked-from"),
            query.Value<BusinessDate>("booked-through"), query.Value<Instant>("recorded-from"), query.Value<Instant>("recorded-through"), query.Tag("code"),
            query.Text("reference", 64), query.Minor("min-amount", asset), query.Minor("max-amount", asset));
        var (order, mark, limit) = (query.One<EntryOrder>("order") ?? EntryOrder.Newest, query.Mark(), query.Limit());
        if (await ReadyAsync(context, query).ConfigureAwait(false) is not { } entries) return;
        EntryMark? after = mark is { } m ? new(m.Position, m.Skip) : null;
        var page = Reads.TryAccount(context, out var id)
            ? await entries.HistoryAsync(id, filter, order == EntryOrder.Newest, after, limit).ConfigureAwait(false)
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
            to.WriteStartArray("entries"u8);
            var shown = new HashSet<(long, int)>();
            foreach (var entry in page.Entries) Write(to, id, entry, shown);
            to.WriteEndArray();
            Next(to, page.Next is { } next ? query.CursorAt(next.Position, next.Skip) : null);
        });
    }

    public async Task RestraintsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (from, limit) = ((int)(query.Mark()?.Position ?? 0), query.Limit(BookEngine.MaxRowsRead - 1));
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        var found = Reads.TryAccount(context, out var id)
            ? await book.Engine.ReadAsync((bank, at) => RestraintsOf(bank, at, id, from, limit)).ConfigureAwait(false)
            : null;
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        var mayOpen = context.Caller().May(Scopes.Restraints);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.At.Position - 1);
            to.Value("account"u8, id);
            to.WriteStartArray("restraints"u8);
            foreach (var restraint in page.Rows) Write(to, restraint, page.At.Now, mayOpen);
            to.WriteEndArray();
            Next(to, page.Next is { } row ? query.CursorAt(row) : null);
        });
    }

    /// <summary>Resolves what a question about the past means, and waits until the read model knows that
    /// much.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    internal static async Task<(IAccountEntries Entries, Cut Cut)?> CutAsync(
        HttpContext context, RunningBook book, (long? Position, Instant? At) asOf, BusinessDate? bookedOn)
    {
        var flaw = await Following.ReachAsync(context, book, asOf.Position ?? 0, "as-of").ConfigureAwait(false);
        var now = await book.Engine.ReadAsync((_, at) => at).ConfigureAwait(false);
        var last = now.Position - 1;
        if (asOf.At > now.Now) flaw ??= new Flaw(ReadsProblems.BeyondEnd, "as-of");
        if (flaw is { } beyond)
        {
            await Problems.Answer(context, beyond).ConfigureAwait(false);
            return null;
        }
        if (await book.ReadModels.AccountsAsync(asOf.Position ?? last).ConfigureAwait(false) is not { } entries)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return null;
        }
        var through = asOf.At is { } at ? await entries.PositionAtAsync(at).ConfigureAwait(false) : last;
        return (entries, new(asOf.Position ?? through, bookedOn));
    }

    /// <summary>The accounts' entries, level with what the caller asks for.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    private async Task<IAccountEntries?> ReadyAsync(HttpContext context, ReadsQuery query)
    {
        var after = query.AfterPosition;
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return null;
        var entries = await book.ReadModels.AccountsAsync(after).ConfigureAwait(false);
        if (entries is null) await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
        return entries;
    }

    private async Task NowAsync(HttpContext context, ReadsQuery query, AccountId id, AssetCode? asset, int from,
        int limit)
    {
        var found = await book.Engine.ReadAsync((bank, at) => BalancesNow(bank, at, id, asset, from, limit))
            .ConfigureAwait(false);
        if (found is not { } page)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.Value("account"u8, id);
            to.WriteStartArray("balances"u8);
            foreach (var balance in page.Rows)
            {
                var counted = balance.Posted.Asset;
                to.WriteStartObject();
                to.Value("asset"u8, counted.Code);
                to.Posted(balance.Posted);
                to.WriteStartObject("pending"u8);
                to.Figures("debits"u8, balance.DebitsPending, counted);
                to.Figures("credits"u8, balance.CreditsPending, counted);
                to.WriteEndObject();
                to.Figures("restrained"u8, balance.Restrained, counted);
                to.Figures("not_yet_value"u8, balance.NotYetValue, counted);
                to.Figures("overdraft"u8, balance.Overdraft, counted);
                to.Figures("available"u8, balance.Available, counted);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            Next(to, page.Next is { } next ? query.CursorAt(next) : null);
        });
    }

    private static async Task ThenAsync(HttpContext context, IAccountEntries entries, AccountId id, AssetCode? asset,
        Cut cut)
    {
        if (await entries.BalancesOfAsync(id, cut).ConfigureAwait(false) is not { } balances)
        {
            await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, cut.Through!.Value);
            if (cut.BookedThrough is { } date) to.Value("booked_on"u8, date);
            to.Value("account"u8, id);
            to.WriteStartArray("balances"u8);
            foreach (var balance in balances)
            {
                if (asset is { } only && balance.Asset.Code != only) continue;
                to.WriteStartObject();
                to.Value("asset"u8, balance.Asset.Code);
                to.Posted(balance);
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    private static (AccountRow Row, Tag Chart, Dimensions Dimensions, List<AssetCode> Assets, bool AreMore,
        long Position)? Describe(
        Bank bank, in Moment at, AccountId id)
    {
        var t = bank.Ledger.Tables;
        var number = t.Accounts.Find(id);
        if (number < 0) return null;
        var row = t.Accounts[number];
        var assets = new List<AssetCode>();
        var (balance, visited) = (row.FirstBalance, 0);
        for (; balance >= 0 && visited < MaxAssetsShown; balance = t.Balances[balance].Next, visited++)
        {
            if (t.Balances[balance].Has(BalanceFlags.Opened)) assets.Add(t.Assets[t.Balances[balance].Asset].Code);
        }
        assets.Reverse();
        return (row, t.Chart[row.Chart].Key, t.Dimensions[row.Dimensions].Key, assets, balance >= 0, at.Position - 1);
    }

    private static Asset? AssetNamed(Bank bank, AssetCode code) =>
        bank.Ledger.Tables.Assets.TryGet(code, out var row) ? row.Asset : null;

    private static (List<BalanceNow> Rows, int? Next, long Position)? BalancesNow(
        Bank bank, in Moment at, AccountId id, AssetCode? asset, int from, int limit)
    {
        var t = bank.Ledger.Tables;
        var number = t.Accounts.Find(id);
        if (number < 0) return null;
        var rows = new List<BalanceNow>();
        if (asset is { } only)
        {
            var found = t.Assets.Find(only) is var known and >= 0 ? t.FindBalance(number, known) : -1;
            if (found >= 0) rows.Add(Now(bank, at, found));
            return (rows, null, at.Position - 1);
        }
        // The newest balance stands first in the list, so a page begins at a row and goes on to earlier ones.
        var isMark = from > 0 && from <= t.Balances.Count && t.Balances[from - 1].Account == number;
        var b = isMark ? from - 1 : t.Accounts[number].FirstBalance;
        for (; b >= 0 && rows.Count < limit; b = t.Balances[b].Next) rows.Add(Now(bank, at, b));
        return (rows, b >= 0 ? b + 1 : null, at.Position - 1);
    }

    private static BalanceNow Now(Bank bank, in Moment at, int row)
    {
        var ledger = bank.Ledger;
        var balance = ledger.Tables.Balances[row];
        return new(
            new(ledger.AssetAt(balance.Asset), balance.DebitsPosted, balance.CreditsPosted), balance.DebitsPending,
            balance.CreditsPending, ledger.Restrained(balance, at.Now), ledger.NotYetValue(balance, row, at.Today),
            ledger.Overdraft(balance, row),
            ledger.Available(balance, row, at));
    }

    private static (List<RestraintRow> Rows, int? Next, Moment At)? RestraintsOf(Bank bank, Moment at, AccountId id,
        int from, int limit)
    {
        var t = bank.Ledger.Tables;
        var account = t.Accounts.Find(id);
        if (account < 0) return null;
        var rows = new List<RestraintRow>();
        foreach (var row in t.RestraintsByAccount.Rows(account))
        {
            // The index gives rows in the order of their numbers.
            if (row < from) continue;
            if (rows.Count == limit) return (rows, row, at);
            rows.Add(t.Restraints[row]);
        }
        return (rows, null, at);
    }

    /// <param name="shown">The legs that rows were written of, by position and number in the event.</param>
    private void Write(Utf8JsonWriter to, AccountId account, AccountEntry entry, HashSet<(long, int)> shown)
    {
        if (!ReadsJson.TryRead(book.Engine, entry.Position, out var line))
            throw new InvalidOperationException($"Event {entry.Position} was projected and is not in the journal.");
        var recorded = EventLine.Read(line.Span).Recorded;
        var legs = new List<Leg>();
        PostedLegs.Gather(recorded.Event, recorded.Legs, legs);

        // Legs of the same account, side and amount are told apart by none of these: each is shown once.
        var own = legs.Index().FirstOrDefault(leg =>
            leg.Item.Account == account && leg.Item.Side == entry.Side && leg.Item.Amount == entry.Amount
            && shown.Add((entry.Position, leg.Index))).Item;
        to.WriteStartObject();
        to.WriteNumber("position"u8, entry.Position);
        to.WriteString("type"u8, EventCatalogue.Of(recorded.Event).Name);
        if (PostedLegs.NameOf(recorded.Event) is { } transfer) to.Value("transfer"u8, transfer);
        to.Value("recorded_at"u8, entry.At);
        to.Value("booked_on"u8, entry.BookedOn);
        to.Value("value_on"u8, entry.ValueOn);
        to.WriteString("side"u8, ReadsJson.NameOf(entry.Side));
        to.Value("amount"u8, entry.Amount);
        to.Value("balance"u8, entry.Balance);
        if (!entry.Counter.IsNone) to.Value("counter_account"u8, entry.Counter);
        if (!entry.Code.IsNone) to.Value("code"u8, entry.Code);
        if (entry.Reference is not null) to.WriteString("reference"u8, entry.Reference);
        if (own.Because is { } because) to.WriteString("because"u8, because);
        if (!own.Intended.IsNone) to.Value("intended"u8, own.Intended);
        to.WriteEndObject();
    }

    private void Write(Utf8JsonWriter to, in RestraintRow row, Instant now, bool mayOpen)
    {
        var terms = row.Terms;
        to.WriteStartObject();
        to.Value("id"u8, new TransferId(row.Id.Value));
        to.Value("reason"u8, terms.Reason);
        to.Value("authority"u8, terms.Authority);
        to.WriteNumber("rank"u8, terms.Rank);
        to.WriteString("scope"u8, ReadsJson.NameOf(terms.Scope));
        if (terms.Amount is { } amount)
        {
            to.Value("amount"u8, amount);
            to.Value("remaining"u8, amount with { Minor = row.Remaining });
        }
        if (terms.ProtectedMinimum is { } minimum) to.Value("protected_minimum"u8, minimum);
        to.Value("from"u8, terms.From);
        to.ValueOrNull("until"u8, terms.Until);
        to.WriteBoolean("in_effect"u8, row.InEffect(now));
        to.WriteString("note"u8, terms.Note is { } note && mayOpen ? book.Sealing.Open(Fields.Note, note) : null);
        to.WriteEndObject();
    }

    internal static void Next(Utf8JsonWriter to, string? cursor)
    {
        if (cursor is null) to.WriteNull("next"u8);
        else to.WriteString("next"u8, cursor);
    }

    /// <summary>Which entries come first.</summary>
    private enum EntryOrder
    {
        Newest,
        Oldest,
    }
}
