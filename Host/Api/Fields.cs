using System.Buffers.Text;
using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Host.Api.FieldValues;
using static BankingEngine.Host.Api.Sensitivity;

namespace BankingEngine.Host.Api;

/// <summary>Every field that a command of a channel may have: its form, and whose text it is.</summary>
public static partial class Fields
{
    /// <summary>Characters of a personal text.</summary>
    public const int MaxWords = 500;

    public const int MaxReference = 64, MaxReason = 140, MaxTitle = 64;

    private const string
        Account_ = """{"type":"string","pattern":"^[a-z0-9]+([.:_-][a-z0-9]+)*$","maxLength":40}""",
        AssetCode_ = """{"type":"string","pattern":"^[A-Z0-9][A-Z0-9._-]{0,15}$"}""",
        Tag_ = """{"type":"string","pattern":"^[a-z0-9._-]{1,16}$"}""",
        Uuid_ = """{"type":"string","format":"uuid"}""",
        Date_ = """{"type":"string","format":"date"}""",
        Instant_ = """{"type":"string","format":"date-time"}""",
        Amount_ = """
            {"type":"object","required":["asset","amount"],"additionalProperties":false,"properties":{
              "asset":{"type":"string"},"amount":{"type":"string","pattern":"^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$"}}}
            """,
        Leg_ = $$$"""
            {"type":"object","required":["account","side","amount"],"additionalProperties":false,"properties":{
              "account":{{{Account_}}},"side":{"type":"string","enum":["debit","credit"]},"amount":{{{Amount_}}}
            }}
            """;

    public static readonly Field
        Debit = Of("debit", Account_,
            "The account whose debits rise.", static (ref r, f) => Value(ref r, f, out f.Debit)),
        Credit = Of("credit", Account_,
            "The account whose credits rise.", static (ref r, f) => Value(ref r, f, out f.Credit)),
        Account = Of("account", Account_,
            "The account's name: public for ever, never a person's.",
            static (ref r, f) => Value(ref r, f, out f.Account)),
        To = Of("to", Account_, "The account that receives.", static (ref r, f) => Value(ref r, f, out f.To)),
        Amount = Of("amount", Amount_,
            "How much; a text, so that no digit is lost.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.Amount)),
        Limit = Of("limit", Amount_,
            "How far debits may exceed credits; zero takes the grant back.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.Limit)),
        ProtectedMinimum = Of("protected_minimum", Amount_,
            "What the holder keeps free whatever is held back.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.ProtectedMinimum)),
        Sold = Of("sold", Amount_,
            "What the customer gives.", static (ref r, f) => FieldValues.Amount(ref r, f, out f.Sold)),
        Bought = Of("bought", Amount_,
            "What the customer gets.", static (ref r, f) => FieldValues.Amount(ref r, f, out f.Bought)),
        Equivalent = Of("equivalent", Amount_,
            "The value of both sides in the functional currency.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.Equivalent)),
        Transfer = Of("transfer", Uuid_, "The transfer's id.", static (ref r, f) => Value(ref r, f, out f.Transfer)),
        Restraint = Of("restraint", Uuid_,
            "The restraint's id.", static (ref r, f) => Value(ref r, f, out f.Restraint)),
        Asset = Of("asset", AssetCode_, "The asset's code.", static (ref r, f) => Value(ref r, f, out f.Asset)),
        Scale = Of("scale", """{"type":"integer","minimum":0,"maximum":255}""",
            "Decimals of the smallest unit, 0 to 18; never changes.",
            static (ref r, f) => Integer(ref r, 0, 255, out f.Number)),
        Code = Of("code", Tag_,
            "What kind of business it is, in the bank's own codes.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Code)),
        Reference = Of("reference", """{"type":"string","maxLength":64}""",
            "The channel's end-to-end reference: open, printable ASCII, never personal.",
            static (ref r, f) => Printable(ref r, f, MaxReference, out f.Reference)),
        Remittance = new("remittance", Personal, """{"type":"string","maxLength":500}""",
            "Text for the payee; sealed before the book sees it.",
            static (ref r, f) => Words(ref r, MaxWords, out f.Remittance)),
        Note = new("note", Personal, """{"type":"string","maxLength":500}""",
            "Text on the order; sealed before the book sees it.",
            static (ref r, f) => Words(ref r, MaxWords, out f.Note)),
        Metadata = Of("metadata",
            """{"type":"object","maxProperties":16,"additionalProperties":{"type":"string","maxLength":256}}""",
            "Open pairs of text, never personal.", static (ref r, f) => FieldValues.Metadata(ref r, f, out f.Metadata)),
        BookedOn = Of("booked_on", Date_,
            "Accounting date; default: the business date.", static (ref r, f) => Value(ref r, f, out f.BookedOn)),
        ValueOn = Of("value_on", Date_,
            "Interest and availability date; default: the accounting date.",
            static (ref r, f) => Value(ref r, f, out f.ValueOn)),
        Pending = Of("pending", """{"type":"boolean"}""",
            "Reserves instead of moving: post or cancel it later.", static (ref r, f) => Boolean(ref r, out f.Pending)),
        TimeoutSeconds = Of("timeout_seconds", """{"type":"integer","minimum":1}""",
            "After which a reservation expires; absent: never.",
            static (ref r, f) => Integer(ref r, out f.TimeoutSeconds)),
        Balancing = Of("balancing", """{"type":"string","enum":["debit","credit","both"]}""",
            "Takes as much as there is, up to the amount.",
            static (ref r, f) => Choice(ref r, BalancingNames, out f.Balancing)),
        Final = Of("final", """{"type":"boolean","default":true}""",
            "Whether what is left of the reservation is released; false keeps it open for further parts.",
            static (ref r, f) => Boolean(ref r, out f.Final)),
        ForGood = Of("final", """{"type":"boolean","default":false}""",
            "Whether the period is closed for good; it has to be softly closed before, and is never reopened.",
            static (ref r, f) => Boolean(ref r, out f.Final)),
        Originated = Of("originated", Instant_,
            "When it happened, by the source's clock.", static (ref r, f) => Value(ref r, f, out f.Originated)),
        Legs = Of("legs",
            $$$"""{"type":"array","minItems":2,"maxItems":256,"items":{{{Leg_}}} }""",
            "Both sides, balanced in every asset.", static (ref r, f) => FieldValues.Legs(ref r, f, out f.Legs)),
        Adjust = Of("adjust", Reason_,
            "Why limits do not apply; makes it a correction, by its own permission.",
            static (ref r, f) => Words(ref r, MaxReason, out f.Why)),
        Reason = Of("reason", Reason_,
            "Why: open text, never personal.", static (ref r, f) => Words(ref r, MaxReason, out f.Why)),
        ReasonCode = Of("reason", Tag_,
            "Why, as a code: garnishment, sanctions, dispute.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Reason)),
        Authority = Of("authority", Tag_,
            "Who ordered it, as a code of the bank's own.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Authority)),
        Rank = Of("rank", """{"type":"integer"}""",
            "Lower ranks are served first; default 0.", static (ref r, f) => Integer(ref r, out f.Rank)),
        Scope = Of("scope", """{"type":"string","enum":["debits","credits","both","amount"]}""",
            "What is held back.", static (ref r, f) => Choice(ref r, ScopeNames, out f.Scope)),
        From = Of("from", Instant_,
            "First instant of effect; default: now.", static (ref r, f) => Value(ref r, f, out f.From)),
        Until = Of("until", Instant_,
            "First instant without effect; absent: until lifted.", static (ref r, f) => Value(ref r, f, out f.Until)),
        Class = Of("class",
            """{"type":"string","enum":["asset","liability","equity","income","expense","memorandum"]}""",
            "What it is in the books.", static (ref r, f) => Choice(ref r, ClassNames, out f.Class)),
        Chart = Of("chart", Tag_,
            "Its code in the chart of accounts.", static (ref r, f) => FieldValues.Tag(ref r, f, out f.Chart)),
        Branch = Of("branch", Tag_, "Dimension.", static (ref r, f) => FieldValues.Tag(ref r, f, out f.Branch)),
        Region = Of("region", Tag_, "Dimension.", static (ref r, f) => FieldValues.Tag(ref r, f, out f.Region)),
        Desk = Of("desk", Tag_,
            "Dimension; of an exchange, whose currency position it enters.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Desk)),
        Assets = Of("assets", """{"type":"array","items":{"type":"string"}}""",
            "The assets it is opened for.",
            static (ref r, f) => List(ref r, f, LedgerAccounts.MaxAssets, out f.Assets)),
        AnyAsset = Of("any_asset", """{"type":"boolean"}""",
            "Takes any asset of the book: for the bank's own clearing accounts.",
            static (ref r, f) => Boolean(ref r, out f.AnyAsset)),
        LimitsSet = Of("limits",
            """{"type":"array","items":{"type":"string","enum":["debits_must_not_exceed_credits","credits_must_not_exceed_debits"]}}""",
            "Which side the other limits; none: no limit.", static (ref r, f) =>
        {
            var wrong = Flags<AccountFlags>(ref r, LimitNames, out var bits);
            f.SetFlags = (AccountFlags)bits;
            return wrong;
        }),
        Title = Of("title", """{"type":"string","maxLength":64}""",
            "A name for people.", static (ref r, f) => Words(ref r, MaxTitle, out f.Title)),
        Through = Of("through", Date_, "Last date that is closed.",
            static (ref r, f) => Value(ref r, f, out f.Through)),
        ReopenFrom = Of("from", Date_,
            "First date that is open again, with all after it; what is closed for good stays closed.",
            static (ref r, f) => Value(ref r, f, out f.Through)),
        Year = Of("year", """{"type":"integer"}""", "The calendar year.", ReadYear),
        Name = Of("name", Tag_, "What is published.", static (ref r, f) => FieldValues.Tag(ref r, f, out f.Name)),
        InForceFrom = Of("in_force_from", Date_,
            "First business date on which it is in force.", static (ref r, f) => Value(ref r, f, out f.InForceFrom)),
        Content = Of("content", """{"type":"object","minProperties":1,"maxProperties":1}""",
            "One of chart {lines: [{code, class, title}]}, calendar {weekend: [6, 7], holidays: [dates]}, zone "
            + "{transitions: [{at, offset_seconds}]}, wallet_rule {window_seconds, emptied_seconds, assets: "
            + "[{opening_minimum, per_transaction, per_window, max_balance}]}, price_set {prices: [{asset, price}]}, "
            + "each price of one whole unit in the functional currency, document {text}; a JSON document, too, "
            + "is one text.",
            static (ref r, f) => FieldValues.Content(ref r, out f.Content)),
        Approver = Of("approver", Tag_,
            "Who approved it, as a code of the bank's own.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Approver)),
        Key = Of("key", Tag_, "The key's public id.", static (ref r, f) => FieldValues.Tag(ref r, f, out f.Key)),
        ScopesGiven = Of("scopes", $$$"""{"type":"array","items":{"type":"string","enum":[{{{Scopes_()}}}]}}""",
            "What the key may do.", static (ref r, f) =>
        {
            var wrong = Flags<Scopes>(ref r, ScopesNames, out var bits);
            f.Scopes = (Scopes)bits;
            return wrong;
        }),
        Expires = Of("expires", Instant_,
            "First instant at which the key no longer works; absent: never.",
            static (ref r, f) => Value(ref r, f, out f.Expires)),
        Position = Of("position", """{"type":"integer","minimum":1}""",
            "Where the posting stands; needed of a reservation that was posted in several parts.",
            static (ref r, f) => Integer(ref r, 1, long.MaxValue, out f.Number)),
        Seconds = Of("seconds", """{"type":"integer"}""",
            "How far, in seconds.", static (ref r, f) => Integer(ref r, long.MinValue, long.MaxValue, out f.Number)),
        StepMicroseconds = Of("step_microseconds", """{"type":"integer"}""",
            "The step that is accepted, as /health/ready states it.",
            static (ref r, f) => Integer(ref r, long.MinValue, long.MaxValue, out f.Number));

    private const string Reason_ = """{"type":"string","maxLength":140}""";

    private static readonly (string, Balancing)[] BalancingNames =
    [
        ("debit", Domain.Ledger.Balancing.Debit),
        ("credit", Domain.Ledger.Balancing.Credit),
        ("both", Domain.Ledger.Balancing.Debit | Domain.Ledger.Balancing.Credit),
    ];

    private static readonly (string, AccountFlags)[] LimitNames =
        [Named(AccountFlags.DebitsMustNotExceedCredits), Named(AccountFlags.CreditsMustNotExceedDebits)];

    private static readonly (string, RestraintScope)[] ScopeNames = [.. Enum.GetValues<RestraintScope>().Select(Named)];
    private static readonly (string, AccountClass)[] ClassNames = [.. Enum.GetValues<AccountClass>().Select(Named)];
    private static readonly (string, Scopes)[] ScopesNames =
        [.. Enum.GetValues<Scopes>().Where(s => uint.IsPow2((uint)s)).Select(Named)];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Field> All =>
    [
        .. typeof(Fields).GetFields().Select(member => member.GetValue(null)).OfType<Field>(),
    ];

    private static string Scopes_() => string.Join(
        ',', Enum.GetValues<Scopes>().Where(s => uint.IsPow2((uint)s)).Select(s => $"\"{Named(s).Item1}\""));

    /// <summary>The year stands in an address, as digits.</summary>
    private static EdgeProblem? ReadYear(ref Utf8JsonReader reader, CommandFields into)
    {
        if (reader.TokenType == JsonTokenType.Number) return Integer(ref reader, 0, 9_999, out into.Number);
        var text = FieldValues.Text(ref reader, into.Scratch);
        var isYear = Utf8Parser.TryParse(text, out into.Number, out var used) && used == 4 && text.Length == 4;
        return isYear && into.Number >= 0 ? null : EdgeProblems.FieldMalformed;
    }

    private static (string, T) Named<T>(T value) where T : struct, Enum =>
        (JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()), value);

    private static Field Of(string name, string schema, string about, FieldReader read) =>
        new(name, Open, schema, about, read);
}
