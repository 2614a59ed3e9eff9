using System.Text.Json;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using static BankingEngine.Host.Api.Parameters;

namespace BankingEngine.Host.Api;

/// <summary>Reports in the functional currency, and what is at risk.</summary>
internal sealed class ReadsFinancials(RunningBook book)
{
    private const string Area = "Reports", ByParty = "exposure.by_party";

    /// <summary>Lines of a page of party exposures: a look at each party on it is an event.</summary>
    private const int MaxExposures = 100;

    private readonly ExposurePages _exposures = new(TimeProvider.System);

    public static void Map(IEndpointRouteBuilder routes, RunningBook book)
    {
        var reads = new ReadsFinancials(book);
        Reads.Map(routes, "/v1/balance-sheet", "balance_sheet.read",
            "Balance sheet in the functional currency, at the prices of a named set", reads.SheetAsync,
            new(Area, "Lines by sign, gross; totals; what rounding left; assets without a price.",
                PriceSet, PriceVersion, AsOf, BookedOn, After)
            { NotFound = "price_set.not_found" });
        Reads.Map(routes, "/v1/income-statement", "income_statement.read",
            "Income and expense of a period, closes of years left out, at the prices of a named set",
            reads.IncomeAsync,
            new(Area, "Lines, totals, and assets without a price.",
                PriceSet, PriceVersion, StatementFrom, StatementThrough, AsOf, After)
            { NotFound = "price_set.not_found" });
        Reads.Map(routes, "/v1/currency-positions", "currency_position.list",
            "Open currency positions by desk and asset, and what they cost", reads.PositionsAsync,
            new(Area, "Every position, long or short.", AsOf, BookedOn, After));
        Reads.Map(routes, "/v1/exposures", "exposure.list", "What others hold and owe, by asset", reads.ByAssetAsync,
            new(Area, "A line an asset, client property apart.", AsOf, BookedOn, After));
        Reads.Map(routes, "/v1/party-exposures", ByParty,
            "What parties hold and owe through the accounts they are holders of, by their shares; each look is recorded",
            reads.ByPartyAsync,
            new(Area, "A page of lines, one a party and asset, client property apart; of holders at the position.",
                ExposedParty, AsOf, BookedOn, After, Limit(MaxExposures), Cursor, AccessReason)
            { NotFound = "party.not_found" },
            Scopes.Parties);
        Reads.Map(routes, "/v1/counters", "counter.list",
            "Commands by kind and outcome, events by type, postings by date and asset", reads.CountersAsync,
            new("Operations", "All counters at one position.", After));
    }

    private async Task SheetAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (asOf, bookedOn) = (query.AsOf("as-of"), query.Value<BusinessDate>("booked-on"));
        if (await PricesAsync(context, query, bookedOn).ConfigureAwait(false) is not { } prices) return;
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn)
            .ConfigureAwait(false) is not var (entries, cut)) return;
        var balances = await entries.BalancesAsync(cut.Through!.Value, bookedOn).ToListAsync().ConfigureAwait(false);
        await AnswerAsync(context, () =>
        {
            var sheet = FinancialStatements.Sheet(balances, prices);
            return to =>
            {
                Head(to, prices, cut.Through.Value);
                to.ValueOrNull("booked_on"u8, bookedOn);
                Lines(to, "lines"u8, sheet.Lines, prices);
                to.WriteStartObject("totals"u8);
                to.Figures("assets"u8, sheet.Assets, prices.Functional);
                to.Figures("liabilities"u8, sheet.Liabilities, prices.Functional);
                to.Figures("equity"u8, sheet.Equity, prices.Functional);
                to.Figures("result"u8, sheet.Result, prices.Functional);
                to.Figures("rounding_remainder"u8, sheet.Remainder, prices.Functional);
                to.WriteEndObject();
                Missing(to, sheet.MissingPrices);
                Lines(to, "memorandum"u8, sheet.Memorandum, prices);
            };
        }).ConfigureAwait(false);
    }

    private async Task IncomeAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (asOf, from, through) =
            (query.AsOf("as-of"), query.Value<BusinessDate>("from"), query.Value<BusinessDate>("through"));
        var flaw = ReadsQuery.Malformed(from is null || from == BusinessDate.First, "from")
            ?? ReadsQuery.Malformed(through is null || through < from, "through");
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await PricesAsync(context, query, through).ConfigureAwait(false) is not { } prices) return;
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn: null)
            .ConfigureAwait(false) is not var (entries, cut)) return;
        var position = cut.Through!.Value;
        if (await book.ReadModels.CarriedAfterAsync(position).ConfigureAwait(false) is not { } carried)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        var before = await entries.BalancesAsync(position, from!.Value.AddDays(-1)).ToListAsync().ConfigureAwait(false);
        var after = await entries.BalancesAsync(position, through).ToListAsync().ConfigureAwait(false);
        await AnswerAsync(context, () =>
        {
            var income = FinancialStatements.Income(
                before, after,
                carried.Between(from.Value, through!.Value, position), prices);
            return to =>
            {
                Head(to, prices, position);
                to.Value("from"u8, from.Value);
                to.Value("through"u8, through.Value);
                Lines(to, "lines"u8, income.Lines, prices);
                to.WriteStartObject("totals"u8);
                to.Figures("income"u8, income.Income, prices.Functional);
                to.Figures("expense"u8, income.Expense, prices.Functional);
                to.Figures("result"u8, income.Result, prices.Functional);
                to.WriteEndObject();
                Missing(to, income.MissingPrices);
            };
        }).ConfigureAwait(false);
    }

    private async Task PositionsAsync(HttpContext context)
    {
        if (await BalancesAsync(context).ConfigureAwait(false) is not var (balances, cut)) return;
        var functional = await FunctionalAsync().ConfigureAwait(false);
        var positions = Exposures.Positions(balances, book.Genesis.Functional);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, cut.Through!.Value);
            to.ValueOrNull("booked_on"u8, cut.BookedThrough);
            to.Value("functional_currency"u8, functional.Code);
            to.WriteStartArray("positions"u8);
            foreach (var open in positions)
            {
                to.WriteStartObject();
                to.Value("desk"u8, open.Desk);
                to.Value("asset"u8, open.Asset.Code);
                to.Figures("open"u8, open.Position, open.Asset);
                to.Figures("cost"u8, open.Cost, functional);
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    private async Task ByAssetAsync(HttpContext context)
    {
        if (await BalancesAsync(context).ConfigureAwait(false) is not var (balances, cut)) return;
        var lines = Exposures.ByAsset(balances);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, cut.Through!.Value);
            to.ValueOrNull("booked_on"u8, cut.BookedThrough);
            Write(to, lines);
        });
    }

    private async Task ByPartyAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (party, asOf, bookedOn) =
            (query.Value<PartyId>("party"), query.AsOf("as-of"), query.Value<BusinessDate>("booked-on"));
        var (mark, limit) = (query.Mark(), query.Limit(MaxExposures));
        if ((query.Check(book.Engine) ?? AccessRecords.Reason(context, out _)) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var exists = party is not { } asked || await book.Engine
            .ReadAsync((bank, _) => bank.Parties.Rows.Find(asked) >= 0).ConfigureAwait(false);
        if (!exists)
        {
            await Problems.Answer(context, ReadsProblems.PartyNotFound).ConfigureAwait(false);
            return;
        }
        // Every page is of the position that the first one was.
        if (mark is { } before) asOf = (before.Position, null);
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn)
            .ConfigureAwait(false) is not var (entries, cut)) return;
        var known = Math.Max(cut.Through!.Value, asOf.At is null ? 0 : book.Engine.DurablePosition);
        if (await book.ReadModels.HoldersAfterAsync(known).ConfigureAwait(false) is not { } holders)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        // Of an instant the cut is the last posting before it; holders may have been set since then.
        var through = Math.Max(cut.Through.Value, asOf.At is { } at ? holders.PositionAt(at) : 0);
        var from = mark?.Skip ?? 0;
        var page = await _exposures.PageAsync(new(through, bookedOn, party), from, limit, async () => Exposures.ByParty(
            await entries.BalancesAsync(through, bookedOn).ToListAsync().ConfigureAwait(false), holders, through, party))
            .ConfigureAwait(false);
        await RecordAsync(context, party, page.Lines).ConfigureAwait(false);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, through);
            to.ValueOrNull("booked_on"u8, bookedOn);
            Write(to, page.Lines);
            ReadsAccounts.Next(to, page.AreMore ? query.CursorAt(through, from + page.Lines.Count) : null);
        });
    }

    /// <summary>Keeps a look at each party that the page shows, and at the one that was asked for.</summary>
    private Task RecordAsync(HttpContext context, PartyId? asked, IEnumerable<Exposure> lines)
    {
        var seen = lines.Select(line => line.Party).ToHashSet();
        if (asked is { } party) seen.Add(party);
        AccessRecords.Reason(context, out var reason);
        return AccessRecords.KeepAsync(book, context, ByParty, [.. seen.Select(p => (p, default(AccountId)))], reason);
    }

    private async Task CountersAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var after = query.AfterPosition;
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        if (await book.ReadModels.CountersAfterAsync(after).ConfigureAwait(false) is not { } counters)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        var report = counters.Report();
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, report.Position);
            to.WriteStartArray("commands"u8);
            foreach (var (kind, outcome, count) in report.Commands)
            {
                to.WriteStartObject();
                to.WriteString("kind"u8, kind);
                to.WriteString("outcome"u8, outcome);
                to.WriteNumber("count"u8, count);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            to.WriteStartArray("events"u8);
            foreach (var (type, count) in report.Events)
            {
                to.WriteStartObject();
                to.WriteString("type"u8, type);
                to.WriteNumber("count"u8, count);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            to.WriteStartArray("volumes"u8);
            foreach (var (on, asset, postings, volume) in report.Volumes)
            {
                to.WriteStartObject();
                to.Value("booked_on"u8, on);
                to.Value("asset"u8, asset.Code);
                to.WriteNumber("postings"u8, postings);
                to.Figures("volume"u8, volume, asset);
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    /// <summary>All balances at the cut that the query names.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    private async Task<(IEnumerable<AccountBalance> Balances, Cut Cut)?> BalancesAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (asOf, bookedOn) = (query.AsOf("as-of"), query.Value<BusinessDate>("booked-on"));
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return null;
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn)
            .ConfigureAwait(false) is not var (entries, cut)) return null;
        return (await entries.BalancesAsync(cut.Through!.Value, bookedOn).ToListAsync().ConfigureAwait(false), cut);
    }

    /// <summary>The price set that the query names: of a version, or in force on a date.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    private async Task<Prices?> PricesAsync(HttpContext context, ReadsQuery query, BusinessDate? on)
    {
        var (name, version) = (query.Tag("price-set"), query.Number("price-version", 1, int.MaxValue));
        var flaw = query.Check(book.Engine)
            ?? (name is null ? new Flaw(EdgeProblems.QueryMalformed, "price-set", Detail: "It is required.") : null);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return null;
        }
        var published = await book.Engine.ReadAsync((bank, at) => version is { } number
            ? bank.Book.References.Rows.TryGet(new(name!.Value, number), out var row) ? row.Published : null
            : bank.Book.References.InForce(name!.Value, on ?? at.Today)).ConfigureAwait(false);
        if (published?.Content is ReferenceContent.PriceSet set)
        {
            var functional = await FunctionalAsync().ConfigureAwait(false);
            return new(published.Name, published.Version, published.InForceFrom, functional, set.Prices);
        }
        await Problems.Answer(context, new Flaw(ReadsProblems.PricesNotFound, "price-set")).ConfigureAwait(false);
        return null;
    }

    private Task<Asset> FunctionalAsync() => book.Engine.ReadAsync((bank, _) => AssetNamed(bank, book.Genesis.Functional));

    private static Asset AssetNamed(Bank bank, AssetCode code) =>
        bank.Ledger.Tables.Assets.TryGet(code, out var row)
            ? row.Asset
            : throw new InvalidOperationException($"The book does not know its functional currency {code}.");

    /// <summary>Prices are a publisher's to choose: what they drive out of range is a no.</summary>
    private static async Task AnswerAsync(HttpContext context, Func<Action<Utf8JsonWriter>> make)
    {
        try
        {
            Reads.Ok(context, make());
        }
        catch (OverflowException)
        {
            await Problems.Answer(context, ReadsProblems.ReportOutOfRange).ConfigureAwait(false);
        }
    }

    private static void Head(Utf8JsonWriter to, Prices prices, long position)
    {
        to.WriteNumber("position"u8, position);
        to.Value("functional_currency"u8, prices.Functional.Code);
        to.WriteStartObject("price_set"u8);
        to.Value("name"u8, prices.Name);
        to.WriteNumber("version"u8, prices.Version);
        to.Value("in_force_from"u8, prices.InForceFrom);
        to.WriteEndObject();
        to.WriteString("rounding"u8, "half_even_per_line"u8);
    }

    private static void Lines(
        Utf8JsonWriter to, ReadOnlySpan<byte> name, IReadOnlyList<FinancialLine> lines, Prices prices)
    {
        to.WriteStartArray(name);
        foreach (var line in lines)
        {
            to.WriteStartObject();
            to.WriteString("presented_as"u8, ReadsJson.NameOf(line.Section));
            to.WriteString("class"u8, ReadsJson.NameOf(line.Class));
            to.Value("chart"u8, line.Chart);
            to.Value("asset"u8, line.Asset.Code);
            to.Figures("amount"u8, line.Minor, line.Asset);
            to.ValueOrNull("price"u8, line.Price);
            if (line.Value is { } value) to.Figures("value"u8, value, prices.Functional);
            else to.WriteNull("value"u8);
            to.WriteEndObject();
        }
        to.WriteEndArray();
    }

    private static void Missing(Utf8JsonWriter to, IReadOnlyList<Asset> assets)
    {
        to.WriteStartArray("missing_prices"u8);
        foreach (var asset in assets) to.WriteStringValue(asset.Code.ToString());
        to.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter to, IReadOnlyList<Exposure> lines)
    {
        to.WriteStartArray("exposures"u8);
        foreach (var line in lines)
        {
            to.WriteStartObject();
            if (!line.Party.IsNone) to.Value("party"u8, line.Party);
            to.Value("asset"u8, line.Asset.Code);
            to.WriteString("books"u8, line.IsMemorandum ? "memorandum" : "own");
            to.Figures("holds"u8, line.Holds, line.Asset);
            to.Figures("owes"u8, line.Owes, line.Asset);
            to.Figures("net"u8, line.Net, line.Asset);
            to.WriteEndObject();
        }
        to.WriteEndArray();
    }
}
