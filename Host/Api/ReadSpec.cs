using BankingEngine.Application.Engine;

namespace BankingEngine.Host.Api;

/// <summary>A parameter of a query, or a header.</summary>
/// <param name="Schema">Its JSON schema, default and bounds included.</param>
/// <param name="About">One sentence for the API's description.</param>
public sealed record Parameter(string Name, string Schema, string About)
{
    /// <summary>Whether there is no answer without it.</summary>
    public bool Required { get; init; }

    /// <summary>Whether it stands among the headers, not in the query.</summary>
    public bool InHeader { get; init; }
}

/// <summary>
/// What a read takes and answers. It stands beside the route: the door refuses names that are not in it, and the API's
/// description is made from it.
/// </summary>
/// <param name="Area">Under which heading the description shows it.</param>
/// <param name="Answer">What a 200 holds.</param>
public sealed record ReadSpec(string Area, string Answer, params Parameter[] Parameters)
{
    /// <summary>Media type of the answer.</summary>
    public string Type { get; init; } = ResponseBody.JsonType;

    /// <summary>Codes of what is not there; null where nothing can be missing.</summary>
    public string? NotFound { get; init; }

    /// <summary>JSON schema of the body of a question that must not stand in an address; null: there is none.</summary>
    public string? Body { get; init; }

    /// <summary>A body that works, for the API's description; null: none is shown.</summary>
    public string? Example { get; init; }

    /// <summary>The names in braces of a route.</summary>
    public static IEnumerable<string> NamesIn(string route) =>
        route.Split('{').Skip(1).Select(rest => rest[..rest.IndexOf('}', StringComparison.Ordinal)]);

    /// <summary>Whether a query may have this name.</summary>
    public bool Knows(string name) => Array.Exists(Parameters, known => !known.InHeader && known.Name == name);
}

/// <summary>What reads know of parameters: those of the address, and those that several reads share.</summary>
public static class Parameters
{
    private const string
        Name_ = """{"type":"string","maxLength":40}""",
        Tag_ = """{"type":"string","maxLength":16}""",
        Date_ = """{"type":"string","format":"date"}""",
        Instant_ = """{"type":"string","format":"date-time"}""",
        Amount_ = """{"type":"string","maxLength":41}""",
        Position_ = """{"type":"integer","minimum":1}""";

    public static readonly Parameter
        After = new("after", """{"type":"integer","minimum":0,"default":0}""",
            "A position that the answer has to know: of a receipt, so that you read your own write."),
        Cursor = new("cursor", """{"type":"string","maxLength":32}""",
            "The `next` of the page before, with the same query."),
        AsOf = new("as-of", """{"type":"string"}""",
            "As the book knew it at a position (digits) or an instant; default: now."),
        BookedOn = new("booked-on", Date_, "Only what has this accounting date or an earlier one."),
        Asset = new("asset", """{"type":"string","maxLength":16}""", "Only this asset."),
        Class = new("class",
            """{"type":"string","enum":["asset","liability","equity","income","expense","memorandum"]}""",
            "Only accounts of this class."),
        Chart = new("chart", Tag_, "Only accounts with this code in the chart of accounts."),
        Prefix = new("prefix", Name_, "Only accounts whose name begins so."),
        Order = new("order", """{"type":"string","enum":["newest","oldest"],"default":"newest"}""",
            "Which come first."),
        Side = new("side", """{"type":"string","enum":["debit","credit"]}""", "Only this side."),
        BookedFrom = new("booked-from", Date_, "First accounting date."),
        BookedThrough = new("booked-through", Date_, "Last accounting date."),
        RecordedFrom = new("recorded-from", Instant_, "First instant of recording."),
        RecordedThrough = new("recorded-through", Instant_, "Last instant of recording."),
        Code = new("code", Tag_, "Only this code of business."),
        Reference = new("reference", """{"type":"string","maxLength":64}""", "Only what carries this reference."),
        MinAmount = new("min-amount", Amount_, "Least amount, \"12.34\"; needs `asset`."),
        MaxAmount = new("max-amount", Amount_, "Largest amount, \"12.34\"; needs `asset`."),
        By = new("by", """{"type":"string","enum":["chart","class","account"],"default":"chart"}""",
            "What a line stands for."),
        StatementFrom = new("from", Date_, "First date of the period.") { Required = true },
        StatementThrough = new("through", Date_, "Last date of the period.") { Required = true },
        StatementBy = new("dates", """{"type":"string","enum":["booked","value"],"default":"booked"}""",
            "Whether entries are taken in by accounting date or by value date."),
        StatementForm = new("format", """{"type":"string","enum":["json","csv","camt053","html"]}""",
            "In which form; default: by Accept, else JSON. camt053 is camt.053.001.08 of ISO 20022."),
        PriceSet = new("price-set", Tag_, "Name of the price set, reference data of the kind price_set.")
        {
            Required = true,
        },
        PriceVersion = new("price-version", Position_, "Its version; default: the one in force on the last date."),
        ExposedParty = new("party", """{"type":"string","format":"uuid"}""", "Only this party."),
        MetadataKey = new("metadata-key", """{"type":"string","maxLength":32}""",
            "With `metadata-value`: only what carries this pair of metadata, exactly."),
        MetadataValue = new("metadata-value", """{"type":"string","maxLength":256}""", "Of `metadata-key`."),
        On = new("on", Date_, "As in force on this date; default: the business date."),
        Through = new("through", """{"type":"boolean","default":false}""",
            "Whether permissions count that name another one in the key's place."),
        AfterKey = new("after", Tag_, "The `next` of the page before: the last key that it showed."),
        Size = new("size", Position_, "Of the tree of the first so many events; default: all."),
        ProvedPosition = new("position", Position_, "Which event is proved.") { Required = true },
        FromSize = new("from", Position_, "The smaller tree, in events.") { Required = true },
        ToSize = new("to", Position_, "The larger tree, in events; default: all."),
        AskedApprover = new("approver", """{"type":"string","maxLength":57}""",
            "Only what asks for this approval: `ann@active`. Either this or `account` is stated."),
        ProposerAccount = new("account", Name_, "Only what this account proposed."),
        AfterProposal = new("after-proposal", """{"type":"string","format":"uuid"}""",
            "The `next` of the page before: the last proposal that it showed."),
        FirstPosition = new("from", """{"type":"integer","minimum":1,"default":1}""", "First position of the answer."),
        Types = new("type", """{"type":"string"}""",
            "Only these events, by wire name; several with commas, or stated again."),
        Account = new("account", Name_, "Only events that name this account."),
        Consumer = new("consumer", Tag_,
            "A consumer group: begins behind the position that was stored for it, whatever `Last-Event-ID` says; "
            + "`from` counts only while none is stored."),
        Takeover = new("takeover", """{"type":"boolean","default":false}""",
            "Whether the group's reader of now is ended; otherwise a second one is refused."),
        LastEventId = new("Last-Event-ID", """{"type":"integer","minimum":0}""",
            "The last id that was seen; goes on behind it, whatever `from` says.")
        { InHeader = true },
        AccessReason = new("Access-Reason", """{"type":"string","maxLength":140}""",
            "Why you look at a customer: kept with the record that you did. Open text, never personal.")
        { InHeader = true },
        LookedAtParty = new("party", """{"type":"string","format":"uuid"}""", "Only looks at this party."),
        LookedAtAccount = new("account", Name_, "Only looks at this account.");

    /// <summary>What may stand in the address of a read, by name.</summary>
    public static IReadOnlyDictionary<string, Parameter> InPath { get; } = new Parameter[]
    {
        new("account", Name_, "The account's name."),
        new("party", """{"type":"string","format":"uuid"}""", "The party's id."),
        new("transfer", """{"type":"string","format":"uuid"}""",
            "The id of the transfer or entry, as receipts state it."),
        new("signing_key", """{"type":"string","maxLength":69}""", "The key, as authorities state it: k1:, r1: or wa:."),
        new("position", Position_, "Position in the journal."),
        new("proposal", """{"type":"string","format":"uuid"}""", "Id of the command that proposed it."),
        new("name", Tag_, "Name of the reference data."),
        new("webhook", Tag_, "The webhook's id."),
        new("consumer", Tag_, "The group's name."),
        new("number", """{"type":"integer","minimum":1}""", "Number of the statement, counted by account."),
        new("projection", """{"type":"string","maxLength":32}""", "Name of the read model."),
        new("id", """{"type":"string","maxLength":128}""",
            "The Idempotency-Key as you sent it, or `command` of a receipt."),
        new("code", """{"type":"string"}""", "The `code` of a problem."),
    }.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);

    /// <summary>Rows of a page.</summary>
    public static Parameter Limit(int most = ReadsQuery.MaxRows, int usual = ReadsQuery.DefaultRows) => new(
        "limit", $$"""{"type":"integer","minimum":1,"maximum":{{most}},"default":{{int.Min(usual, most)}}}""",
        "Most rows of the page.");

    /// <summary>Of a read of the book's own tables.</summary>
    public static Parameter LimitOfBook { get; } = Limit(BookEngine.MaxRowsRead);

    /// <summary>States what a read takes and answers.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder route, ReadSpec spec) =>
        route.WithTags(spec.Area).WithMetadata(spec);

    /// <summary>The first name of a query that the endpoint does not know.</summary>
    public static Flaw? Unknown(HttpContext context, ReadSpec spec)
    {
        foreach (var name in context.Request.Query.Keys)
        {
            if (!spec.Knows(name)) return new Flaw(EdgeProblems.QueryMalformed, name);
        }
        return null;
    }
}
