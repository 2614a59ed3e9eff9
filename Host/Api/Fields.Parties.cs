using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.EdgeProblems;
using static BankingEngine.Host.Api.FieldValues;

namespace BankingEngine.Host.Api;

/// <summary>What commands about parties, roles and identifiers say.</summary>
public static partial class Fields
{
    public const int MaxName = 200, MaxIdentifier = 120;

    private const string
        Jurisdiction_ = """{"type":"string","pattern":"^[a-z]{2}$"}""",
        Evidence_ = """{"type":"string","pattern":"^[0-9A-Fa-f]{64}$"}""",
        Holders_ = $$$"""
            {"type":"array","minItems":1,"maxItems":16,"items":{"type":"object","required":["party"],
              "additionalProperties":false,"properties":{
                "party":{{{Uuid_}}},"share_ppm":{"type":"integer","minimum":1,"maximum":1000000} } } }
            """,
        Commands_ = """{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":32}""";

    public static readonly Field
        Party = Of("party", Uuid_, "The party's id; on registering absent: made for it.",
            static (ref r, f) => Value(ref r, f, out f.Party)),
        KindOfParty = Of("kind", """{"type":"string","enum":["person","firm","bank","agent"]}""",
            "What it is.", static (ref r, f) => Choice(ref r, PartyKinds, out f.PartyKind)),
        Jurisdiction = Of("jurisdiction", Jurisdiction_, "Where it lives or has its seat, as ISO 3166-1 alpha-2.",
            static (ref r, f) => FieldValues.Tag(ref r, f, out f.Jurisdiction)),
        PartyName = new("name", Sensitivity.Personal, """{"type":"string","maxLength":200}""",
            "Its name; sealed before the book sees it.", static (ref r, f) => Words(ref r, MaxName, out f.PartyName)),
        Actor = Of("actor", Account_, "The account whose permissions sign for the party; absent: none.",
            static (ref r, f) => Value(ref r, f, out f.Actor)),
        StandingGiven = Of("standing",
            """{"type":"string","enum":["verified","unverified","limited","suspended","blocked"]}""",
            "verified: everything; unverified, limited: no mandates or identifiers; suspended: nothing asked leaves; "
            + "blocked: nothing asked leaves or comes in.",
            static (ref r, f) => Choice(ref r, Standings, out f.Standing)),
        On = Of("on", Date_, "The date it happened; not after the business date.",
            static (ref r, f) => Value(ref r, f, out f.On)),
        EvidenceGiven = Of("evidence", Evidence_, "SHA-256 of the document that shows it.",
            static (ref r, f) => PartyValues.Evidence(ref r, f, out f.Evidence)),
        Holders = Of("holders", Holders_, "All holders; shares, where stated, add up to 1,000,000.",
            static (ref r, f) => PartyValues.Holders(ref r, f, out f.Holders)),
        Mode = Of("mode", """{"type":"string","enum":["several","joint"],"default":"several"}""",
            "Whether each holder acts alone or all together.",
            static (ref r, f) => Choice(ref r, HolderModes, out f.Mode)),
        Survivorship = Of("survivorship", """{"type":"boolean","default":false}""",
            "Whether surviving holders go on with the account.",
            static (ref r, f) => Boolean(ref r, out f.Survivorship)),
        Role = Of("role",
            """{"type":"string","enum":["signatory","attorney","guardian","executor","trustee","beneficiary"]}""",
            "What the party is to the account.", static (ref r, f) => Choice(ref r, Roles, out f.Role)),
        For = Of("for", Uuid_,
            "The holder whom an attorney, guardian or executor acts for; absent with other roles.",
            static (ref r, f) => Value(ref r, f, out f.For)),
        Commands = Of("commands", Commands_, "What an attorney may ask, by wire name.",
            static (ref r, f) => PartyValues.Texts(ref r, f, Mandate.MaxCommands, out f.Commands)),
        MandateLimit = Of("limit", Amount_, "Most that one command of an attorney may move, in no other asset.",
            static (ref r, f) => FieldValues.Amount(ref r, f, out f.Limit)),
        KindOfIdentifier = Of("kind",
            """{"type":"string","enum":["iban","virtual_iban","alias","card_token","chain_address"]}""",
            "What kind of identifier it is.", static (ref r, f) => Choice(ref r, IdentifierKinds, out f.IdentifierKind)),
        KindOfIban = Of("kind", """{"type":"string","enum":["iban","virtual_iban"],"default":"iban"}""",
            "Whether it collects for one purpose, on a sub-account.",
            static (ref r, f) => Choice(ref r, IbanKinds, out f.IdentifierKind)),
        IdentifierText = new("text", Sensitivity.Personal, """{"type":"string","maxLength":120}""",
            "The identifier itself; sealed before the book sees it, which knows a keyed token of it.",
            static (ref r, f) => Words(ref r, MaxIdentifier, out f.Text));

    private static (string, PartyKind)[] PartyKinds { get; } = [.. Enum.GetValues<PartyKind>().Select(Named)];
    private static (string, Standing)[] Standings { get; } = [.. Enum.GetValues<Standing>().Select(Named)];
    private static (string, HolderMode)[] HolderModes { get; } = [.. Enum.GetValues<HolderMode>().Select(Named)];
    private static (string, RoleKind)[] Roles { get; } =
        [.. Enum.GetValues<RoleKind>().Where(role => role != RoleKind.Holder).Select(Named)];
    private static (string, IdentifierKind)[] IdentifierKinds { get; } =
        [.. Enum.GetValues<IdentifierKind>().Select(Named)];
    private static (string, IdentifierKind)[] IbanKinds { get; } =
        [Named(IdentifierKind.Iban), Named(IdentifierKind.VirtualIban)];
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public PartyId Party, For;
    public PartyKind PartyKind;
    public Tag Jurisdiction;
    public AccountId Actor;
    public Standing Standing;
    public BusinessDate On;
    public Evidence Evidence;
    public HolderMode Mode;
    public bool Survivorship;
    public RoleKind Role;
    public IdentifierKind IdentifierKind;
    public ImmutableArray<Holder> Holders;
    public ImmutableArray<string> Commands;
    public string? PartyName, Text;
#pragma warning restore CA1051

    private void BeginParties()
    {
        (PartyName, Text, Actor, For) = (null, null, default, default);
        (Holders, Commands, Mode, Survivorship) = ([], [], HolderMode.Several, false);
        IdentifierKind = IdentifierKind.Iban;
    }
}

/// <summary>Reads what parties are spoken of with.</summary>
internal static class PartyValues
{
    /// <summary>32 bytes as hexadecimal digits.</summary>
    public static EdgeProblem? Evidence(ref Utf8JsonReader reader, CommandFields into, out Evidence value)
    {
        value = default;
        const int half = 32;
        var text = Text(ref reader, into.Scratch);
        if (text.Length != 2 * half || !HexConverter.TryParse(text[..half], out var high)
            || !HexConverter.TryParse(text[half..], out var low)) return FieldMalformed;
        value = new(high, low);
        return null;
    }

    public static EdgeProblem? Texts(
        ref Utf8JsonReader reader, CommandFields into, int most, out ImmutableArray<string> value)
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var texts = ImmutableArray.CreateBuilder<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (Printable(ref reader, into, CommandName.MaxLength, out var text) is { } wrong) return wrong;
            // One more than is allowed is enough for the book to say so.
            if (texts.Count <= most) texts.Add(text!);
        }
        value = texts.ToImmutable();
        return null;
    }

    public static EdgeProblem? Holders(ref Utf8JsonReader reader, CommandFields into, out ImmutableArray<Holder> value)
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var holders = ImmutableArray.CreateBuilder<Holder>();
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (One(ref reader, into, out var holder) is { } wrong)
            {
                into.Within = $"[{count}]{into.Within}";
                return wrong;
            }
            if (holders.Count <= Parties.MaxHolders) holders.Add(holder);
            count++;
        }
        value = holders.ToImmutable();
        return null;
    }

    private static EdgeProblem? One(ref Utf8JsonReader reader, CommandFields into, out Holder holder)
    {
        holder = default;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        var (party, share) = (default(PartyId), 0L);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            EdgeProblem? wrong;
            if (reader.ValueTextEquals("party"u8))
            {
                into.Within = ".party";
                reader.Read();
                wrong = party.IsNone ? Value(ref reader, into, out party) : DuplicateField;
            }
            else if (reader.ValueTextEquals("share_ppm"u8))
            {
                into.Within = ".share_ppm";
                reader.Read();
                wrong = share == 0 ? Integer(ref reader, 1, Parties.WholePpm, out share) : DuplicateField;
            }
            else return UnknownField;
            if (wrong is not null) return wrong;
        }
        into.Within = null;
        holder = new(party, (int)share);
        return party.IsNone ? FieldMissing : null;
    }
}
