using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Host.Api;

/// <summary>What the text of a field may hold, and so how it is kept.</summary>
public enum Sensitivity
{
    /// <summary>Kept as it is, for ever: never a person's name, number or words.</summary>
    Open,

    /// <summary>Of a person: sealed before the book sees it; destroying the subject's key erases it.</summary>
    Personal,

    /// <summary>Never kept, logged or answered again.</summary>
    Secret,
}

/// <summary>Reads one field's value; the reader stands on its first token and is left on its last.</summary>
public delegate EdgeProblem? FieldReader(ref Utf8JsonReader reader, CommandFields into);

/// <summary>
/// A field that commands may have. The same name means the same thing in every command, but for the reason of a
/// restraint, which is a code, what is final or from when, which go with a period's dates, and the authority that ordered a
/// restraint or suffices for a permission, and commands, which a mandate names and a proposal states.
/// </summary>
/// <param name="Schema">Its JSON schema, for the API's description.</param>
/// <param name="About">One sentence for the API's description.</param>
public sealed record Field(string Name, Sensitivity Sensitivity, string Schema, string About, FieldReader Read)
{
    public JsonEncodedText Encoded { get; } = JsonEncodedText.Encode(Name);

    /// <summary>Tells the field apart in fingerprints: of its name only, so that releases agree.</summary>
    public ulong Tag { get; } = Hash128.Hash64(System.Text.Encoding.ASCII.GetBytes(Name), seed: 0);

    /// <summary>What it may be, where that is one of a few words; null where it is not.</summary>
    public string? Choices { get; } = ChoicesOf(JsonNode.Parse(Schema)!);

    private static string? ChoicesOf(JsonNode schema) => (schema["enum"] ?? schema["items"]?["enum"]) is { } words
        ? $"One of {string.Join(", ", words.AsArray().Select(word => word!.GetValue<string>()))}."
        : null;
}

/// <summary>
/// The fields of one command as the channel stated them: shape checked, meaning not. One a thread, used again for each
/// request, so that a transfer leaves no garbage but its command.
/// </summary>
public sealed partial class CommandFields
{
    [ThreadStatic]
    private static CommandFields? _spare;

    private static readonly JsonReaderOptions Strict = new() { MaxDepth = Limits.JsonDepth };

    private readonly UInt128[] _prints = new UInt128[CommandSpec.MaxFields];
    private ulong _present;
    private CommandSpec _spec = null!;

    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public AccountId Debit, Credit, Account, To;
    public StatedAmount Amount, Limit, ProtectedMinimum, Sold, Bought, Equivalent;
    public TransferId Transfer, Restraint;
    public AssetCode Asset;
    public Tag Code, Chart, Branch, Region, Desk, Reason, Authority, Name, Approver, Key;
    public BusinessDate BookedOn, ValueOn, Through, InForceFrom;
    public Instant From, Until, Originated, Expires;
    public long Number;
    public int Rank, TimeoutSeconds;
    public bool Pending, Final, AnyAsset;
    public Balancing Balancing;
    public AccountClass Class;
    public AccountFlags SetFlags;
    public RestraintScope Scope;
    public Scopes Scopes;
    public ImmutableArray<AssetCode> Assets;
    public ImmutableArray<StatedLeg> Legs;
    public string? Reference, Remittance, Note, Why, Title;
    public Metadata? Metadata;
    public ReferenceContent? Content;
#pragma warning restore CA1051

    /// <summary>Where in a field that has parts something is wrong: <c>[2].amount</c>.</summary>
    internal string? Within { get; set; }

    /// <summary>Room to unescape a short text into.</summary>
    internal byte[] Scratch { get; } = new byte[4 * 1024];

    public static CommandFields Rent()
    {
        var fields = _spare ?? new();
        _spare = null;
        return fields;
    }

    public void Return() => _spare = this;

    public bool Has(Field field)
    {
        var at = _spec.IndexOf(field);
        return at >= 0 && (_present & (1UL << at)) != 0;
    }

    /// <summary>Begins a command: forgets what was read before.</summary>
    public void Begin(CommandSpec spec)
    {
        (_spec, _present) = (spec, 0);
        (Reference, Remittance, Note, Why, Title, Metadata, Content) = (null, null, null, null, null, null, null);
        (Assets, Legs, Code, Desk, Branch, Region, Approver) = ([], [], default, default, default, default, default);
        (Pending, Final, AnyAsset, Rank) = (false, true, false, 0);
        (Balancing, SetFlags) = (Balancing.Exact, AccountFlags.None);
        BeginAuthority();
        BeginParties();
        BeginLimits();
        BeginProposals();
        BeginWebhooks();
    }

    /// <summary>Takes the value of a field that stands in the address.</summary>
    public Flaw? ReadPath(Field field, string? text)
    {
        Span<byte> json = stackalloc byte[CommandSpec.MaxPathText + 2];
        if (text is null || text.Length > CommandSpec.MaxPathText)
            return new Flaw(EdgeProblems.FieldMalformed, field.Name);
        json[0] = json[text.Length + 1] = (byte)'"';
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is < '!' or > '~' or '"' or '\\') return new Flaw(EdgeProblems.FieldMalformed, field.Name);
            json[i + 1] = (byte)text[i];
        }
        json = json[..(text.Length + 2)];
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return Take(ref reader, field, json);
    }

    /// <summary>Reads a command's body.</summary>
    /// <param name="inBatch">Whether the object carries <c>id</c> and <c>command</c> besides.</param>
    public Flaw? ReadBody(ReadOnlySpan<byte> json, bool inBatch)
    {
        try
        {
            if (Read(json, inBatch) is { } flaw) return Diagnose(json) ?? flaw;
            return Missing();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The reader throws the second for text that is not UTF-8 or half a surrogate pair.
            return Diagnose(json) ?? new Flaw(EdgeProblems.MalformedJson);
        }
    }

    /// <summary>
    /// What makes the content this content: the command's name and each field's, whatever their order and blanks;
    /// personal text by its keyed token.
    /// </summary>
    public UInt128 Print()
    {
        Span<(ulong Tag, ulong Filler, UInt128 Print)> parts =
            stackalloc (ulong, ulong, UInt128)[CommandSpec.MaxFields];
        var count = 0;
        for (var i = 0; i < _spec.Fields.Length; i++)
        {
            if ((_present & (1UL << i)) != 0) parts[count++] = (_spec.Fields[i].Tag, 0, _prints[i]);
        }
        return Hash128.Of(_spec.Tag, MemoryMarshal.AsBytes(parts[..count]));
    }

    /// <summary>Replaces a personal field's part of the fingerprint by its token.</summary>
    public void SetPrint(Field field, UInt128 token) => _prints[_spec.IndexOf(field)] = token;

    private Flaw? Read(ReadOnlySpan<byte> json, bool inBatch)
    {
        var reader = new Utf8JsonReader(json, Strict);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return new Flaw(EdgeProblems.NotAnObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (inBatch && (reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("command"u8)))
            {
                reader.Skip();
                continue;
            }
            if (_spec.Find(ref reader) is not { } field) return new Flaw(EdgeProblems.UnknownField, NameAt(ref reader));
            if (Has(field)) return new Flaw(EdgeProblems.DuplicateField, field.Name);
            reader.Read();
            if (Take(ref reader, field, json) is { } flaw) return flaw;
        }
        return reader.Read() ? new Flaw(EdgeProblems.MalformedJson) : null;
    }

    private Flaw? Take(ref Utf8JsonReader reader, Field field, ReadOnlySpan<byte> json)
    {
        var start = (int)reader.TokenStartIndex;
        Within = null;
        if (field.Read(ref reader, this) is { } wrong)
        {
            var detail = wrong == EdgeProblems.FieldMalformed ? field.Choices : null;
            return new Flaw(wrong, field.Name + Within, Detail: detail);
        }
        var at = _spec.IndexOf(field);
        _present |= 1UL << at;
        _prints[at] = Fingerprints.OfValue(json[start..(int)reader.BytesConsumed]);
        return null;
    }

    private Flaw? Missing()
    {
        var missing = _spec.Required & ~_present;
        if (missing == 0) return null;
        return new Flaw(EdgeProblems.FieldMissing, _spec.Fields[BitOperations.TrailingZeroCount(missing)].Name);
    }

    /// <summary>Before anything else is said of a body: whether it is JSON, and not too deep.</summary>
    public static Flaw? Diagnose(ReadOnlySpan<byte> json, int depth = Limits.JsonDepth)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new() { MaxDepth = int.MaxValue });
            var deepest = 0;
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                    deepest = int.Max(deepest, reader.CurrentDepth + 1);
            }
            return deepest > depth ? new Flaw(EdgeProblems.TooDeep) : null;
        }
        catch (JsonException)
        {
            return new Flaw(EdgeProblems.MalformedJson);
        }
    }

    private static string NameAt(ref Utf8JsonReader reader)
    {
        const int Shown = 40;
        var name = reader.GetString() ?? "";
        return name.Length <= Shown ? name : name[..Shown];
    }
}

/// <summary>Fingerprints of what a channel sent.</summary>
public static class Fingerprints
{
    /// <summary>Of commands in order.</summary>
    public static UInt128 Chained(UInt128 before, UInt128 next) =>
        Hash128.Of(0, MemoryMarshal.AsBytes((ReadOnlySpan<UInt128>)[before, next]));

    /// <summary>Of a JSON value: its tokens, so that blanks and escapes make no difference.</summary>
    public static UInt128 OfValue(ReadOnlySpan<byte> json)
    {
        if (json[0] == (byte)'"' && json.IndexOf((byte)'\\') < 0) return Hash128.Of(0, json[1..^1]);
        var reader = new Utf8JsonReader(json);
        var print = UInt128.Zero;
        Span<UInt128> pair = stackalloc UInt128[2];
        while (reader.Read())
        {
            if (reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.String) return OfToken(ref reader);
            pair[0] = print;
            pair[1] = OfToken(ref reader);
            print = Hash128.Of((ulong)reader.TokenType, MemoryMarshal.AsBytes(pair));
        }
        return print;
    }

    private static UInt128 OfToken(ref Utf8JsonReader reader) => reader.ValueIsEscaped
        ? Hash128.Of(0, System.Text.Encoding.UTF8.GetBytes(reader.GetString()!))
        : Hash128.Of(0, reader.ValueSpan);
}
