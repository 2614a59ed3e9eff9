using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>A command and what is assumed to authorise it.</summary>
internal sealed class ExplainRequest
{
    public const string
        Schema = """
            {"type":"object","required":["command","fields"],"additionalProperties":false,"properties":{
              "command":{"type":"string"},"fields":{"type":"object"},
              "as":{"type":"array","items":{"type":"string"},"maxItems":16},
              "keys":{"type":"array","items":{"type":"string"},"maxItems":16},
              "approvals":{"type":"array","items":{"type":"string"},"maxItems":64},
              "delay_seconds":{"type":"integer","minimum":0,"maximum":3888000},
              "api_key":{"type":"string","maxLength":16}}}
            """,
        Example = """
            {"command":"transfer.make","fields":{"debit":"customers:alice","credit":"customers:bob",
             "amount":{"asset":"EUR","amount":"12.34"}},"as":["customers:alice@active"],
             "keys":["r1:A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW"]}
            """;

    /// <summary>Levels whose approval may be assumed.</summary>
    public const int MaxApprovals = 64;

    private static readonly Sealing Unsealed = new(new NoKeys());

    private string? _command;
    private byte[]? _fields;
    private readonly HashSet<string> _stated = new(StringComparer.Ordinal);

    /// <summary>The permissions that it is to run under.</summary>
    public List<Level> As { get; } = [];

    /// <summary>Signing keys that are assumed to have signed.</summary>
    public List<SigningKey> Keys { get; } = [];

    /// <summary>Permissions that are assumed to have approved.</summary>
    public List<Level> Approvals { get; } = [];

    public long DelaySeconds { get; private set; }

    /// <summary>The API key that brings it; null: none.</summary>
    public Tag? ApiKey { get; private set; }

    /// <summary>Reads a body; forms and ranges are checked.</summary>
    public static Flaw? TryRead(HttpContext context, in ReadOnlySequence<byte> body, out ExplainRequest request)
    {
        request = new();
        if (!RequestBodies.Is(context, ResponseBody.JsonType)) return RequestBodies.NotOf(ResponseBody.JsonType);
        var json = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var fields = CommandFields.Rent();
        try
        {
            var flaw = request.Read(json, fields);
            return flaw is null ? null : CommandFields.Diagnose(json, Limits.BatchDepth) ?? flaw;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The reader throws the second for text that is not UTF-8 or half a surrogate pair.
            return CommandFields.Diagnose(json, Limits.BatchDepth) ?? new Flaw(EdgeProblems.MalformedJson);
        }
        finally
        {
            fields.Return();
        }
    }

    /// <summary>Makes the command as a batch makes its own, but that personal text is forgotten and not sealed.</summary>
    public Flaw? Build(out Command command)
    {
        var (built, _, _) = CommandBuilds.Of(_fields, _command, inBatch: false, inChain: false, Unsealed, caller: null);
        command = built.Command!;
        return built.Flaw;
    }

    private Flaw? Read(ReadOnlySpan<byte> json, CommandFields fields)
    {
        var reader = new Utf8JsonReader(json, new() { MaxDepth = Limits.BatchDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return new(EdgeProblems.NotAnObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!_stated.Add(name)) return new(EdgeProblems.DuplicateField, name);
            reader.Read();
            var wrong = name switch
            {
                "command" => FieldValues.Printable(ref reader, fields, CommandName.MaxLength, out _command),
                "fields" => ReadFields(ref reader, json),
                "as" => List(ref reader, fields, As, Proof.MaxDeclared),
                "keys" => List(ref reader, fields, Keys, Proof.MaxSignatures),
                "approvals" => List(ref reader, fields, Approvals, MaxApprovals),
                "delay_seconds" => ReadDelay(ref reader),
                "api_key" => ReadKey(ref reader, fields),
                _ => EdgeProblems.UnknownField,
            };
            if (wrong is not null) return new(wrong, name.Length <= 40 ? name : name[..40]);
        }
        if (reader.Read()) return new(EdgeProblems.MalformedJson);
        if (_command is null) return new(EdgeProblems.FieldMissing, "command");
        if (_fields is null) return new(EdgeProblems.FieldMissing, "fields");
        return As.DistinctBy(level => level.Account).Count() < As.Count ? new Flaw(SigningProblems.LevelsMalformed, "as")
            : Keys.Distinct().Count() < Keys.Count ? new Flaw(SigningProblems.DuplicateKey, "keys") : null;
    }

    private EdgeProblem? ReadFields(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType != JsonTokenType.StartObject) return EdgeProblems.FieldMalformed;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        _fields = json[start..(int)reader.BytesConsumed].ToArray();
        return null;
    }

    private EdgeProblem? ReadDelay(ref Utf8JsonReader reader)
    {
        var wrong = FieldValues.Integer(ref reader, 0, Authority.MaxWaitSeconds, out var seconds);
        DelaySeconds = seconds;
        return wrong;
    }

    private EdgeProblem? ReadKey(ref Utf8JsonReader reader, CommandFields fields)
    {
        var wrong = FieldValues.Tag(ref reader, fields, out var key);
        ApiKey = key;
        return wrong;
    }

    private static EdgeProblem? List<T>(ref Utf8JsonReader reader, CommandFields fields, List<T> into, int most)
        where T : struct, IUtf8Text<T>
    {
        if (FieldValues.List<T>(ref reader, fields, most, out var items) is { } wrong) return wrong;
        into.AddRange(items);
        return items.Length > most ? EdgeProblems.FieldMalformed : null;
    }

    /// <summary>Keeps no key and no text: a question leaves nothing.</summary>
    private sealed class NoKeys : IKeyStore
    {
        public string Seal(string subject, string field, string text) => $"{SealedText.Prefix}{subject}.";

        public bool TryOpen(string field, string sealedText, out string text)
        {
            text = "";
            return false;
        }

        public bool Destroy(string subject) => false;

        public UInt128 Token(string field, string text) => default;

        public byte[] Named(string name, Func<byte[]> make) => make();

        public void Dispose() { }
    }
}
