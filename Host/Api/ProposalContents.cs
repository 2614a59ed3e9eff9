using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>
/// The content of proposals: commands as one canonical text, members in order and without blanks, personal fields
/// sealed. It becomes the same commands whenever it is read, by the same way that a channel's commands are read.
/// </summary>
internal static class ProposalContents
{
    /// <summary>A content as it is stored, with what it says.</summary>
    /// <param name="Print">Fingerprint, personal text as keyed tokens.</param>
    public readonly record struct Written(string Text, ImmutableArray<Command> Commands, UInt128 Print);

    /// <summary>Reads commands as a channel states them, <c>[{"command":…,"fields":{…}}]</c>, and seals them.</summary>
    public static Flaw? Write(
        IEnumerable<JsonElement> stated, string field, Sealing sealing, out Written written)
    {
        try
        {
            return WriteAll(stated, field, sealing, out written);
        }
        catch (InvalidOperationException)
        {
            // A text that is not UTF-8, or half a surrogate pair.
            written = default;
            return new(EdgeProblems.MalformedJson);
        }
    }

    private static Flaw? WriteAll(
        IEnumerable<JsonElement> stated, string field, Sealing sealing, out Written written)
    {
        written = default;
        var commands = ImmutableArray.CreateBuilder<Command>();
        var print = UInt128.Zero;
        var text = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(text, EventJson.Line);
        json.WriteStartArray();
        foreach (var item in stated)
        {
            // One more than is allowed is enough for the book to say so.
            if (commands.Count > Proposals.MaxCommands) break;
            var number = commands.Count;
            if (Write(item, sealing, json, commands, ref print) is { } flaw)
            {
                var at = FormattableString.Invariant($"{field}[{number}]");
                return flaw with { Field = flaw.Field is null ? at : $"{at}.{flaw.Field}", Link = number + 1 };
            }
        }
        json.WriteEndArray();
        json.Flush();
        written = new(Encoding.UTF8.GetString(text.WrittenSpan), commands.ToImmutable(), print);
        return null;
    }

    /// <summary>The commands of a stored content; null where this program cannot read it.</summary>
    public static ImmutableArray<Command>? Read(string text)
    {
        using var content = JsonDocument.Parse(text);
        var commands = ImmutableArray.CreateBuilder<Command>();
        foreach (var item in content.RootElement.EnumerateArray())
        {
            if (SpecOf(item.GetProperty("command").GetString()) is not { } spec) return null;
            if (Read(spec, item.GetProperty("fields")) is not { } command) return null;
            commands.Add(command);
        }
        return commands.ToImmutable();
    }

    private static Command? Read(CommandSpec spec, JsonElement stored)
    {
        var texts = new List<string>();
        var fields = Replaced(stored, name =>
        {
            if (!IsPersonal(spec, name, stored, out var sealedText)) return null;
            texts.Add(sealedText);
            return FormattableString.Invariant($"{texts.Count - 1}");
        });
        try
        {
            return Build(spec, fields, new(NoKeys.Instance) { Before = texts }, out _).Command;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The content for people: a word in place of each sealed text.</summary>
    public static void Show(Utf8JsonWriter to, string text)
    {
        using var content = JsonDocument.Parse(text);
        Show(to, content.RootElement);
    }

    private static Flaw? Write(
        JsonElement item, Sealing sealing, Utf8JsonWriter to, ImmutableArray<Command>.Builder commands,
        ref UInt128 print)
    {
        if (item.ValueKind != JsonValueKind.Object) return new(EdgeProblems.FieldMalformed);
        foreach (var member in item.EnumerateObject())
        {
            if (member.Name is not ("command" or "fields")) return new(EdgeProblems.UnknownField, member.Name);
        }
        if (item.EnumerateObject().Count() > 2) return new(EdgeProblems.DuplicateField);
        if (!item.TryGetProperty("command", out var name)) return new(EdgeProblems.FieldMissing, "command");
        if (!item.TryGetProperty("fields", out var fields)) return new(EdgeProblems.FieldMissing, "fields");
        if (name.ValueKind != JsonValueKind.String) return new(EdgeProblems.FieldMalformed, "command");
        if (fields.ValueKind != JsonValueKind.Object) return new(EdgeProblems.FieldMalformed, "fields");
        if (CommandCatalogue.Named(name.GetString()!) is null) return new(EdgeProblems.CommandUnknown, "command");
        if (SpecOf(name.GetString()) is not { } spec) return new(EdgeProblems.NotInBatch, "command");
        var personal = new Dictionary<string, string>(StringComparer.Ordinal);
        var telling = sealing.Telling((field, sealedText) => personal[field.Name] = sealedText);
        var built = Build(spec, Encoding.UTF8.GetBytes(fields.GetRawText()), telling, out var part);
        if (built.Flaw is { } flaw)
            return flaw with { Field = flaw.Field is null ? "fields" : $"fields.{flaw.Field}" };
        if (personal.Count > 0 && sealing.IsOfSigned) return new(SigningProblems.PersonalProposed, "fields");
        commands.Add(built.Command!);
        print = Fingerprints.Chained(print, part);
        to.WriteStartObject();
        to.WriteString("command"u8, spec.Name);
        to.WritePropertyName("fields"u8);
        var kept = Replaced(fields, personal.GetValueOrDefault);
        to.WriteRawValue(kept.Span, skipInputValidation: true);
        to.WriteEndObject();
        // What needs the open text besides, as an identifier's token does, could not be made again.
        using var again = JsonDocument.Parse(kept);
        return Read(spec, again.RootElement) is null ? new Flaw(EdgeProblems.NotInBatch, "command") : null;
    }

    /// <summary>A reversal's legs come from the journal: it cannot be made of its fields alone.</summary>
    private static CommandSpec? SpecOf(string? name) =>
        CommandCatalogue.Named(name ?? "") is { InBatch: true } spec && spec.Name != CommandCatalogue.Reversal
            ? spec : null;

    private static Built Build(CommandSpec spec, ReadOnlyMemory<byte> json, Sealing sealing, out UInt128 print)
    {
        print = default;
        var fields = CommandFields.Rent();
        try
        {
            fields.Begin(spec);
            if (fields.ReadBody(json.Span, inBatch: false) is { } flaw) return flaw;
            var built = spec.Build(fields, sealing);
            print = fields.Print();
            return built;
        }
        finally
        {
            fields.Return();
        }
    }

    private static bool IsPersonal(CommandSpec spec, string name, JsonElement fields, out string sealedText)
    {
        sealedText = "";
        if (!Array.Exists(spec.Fields, field => field.Name == name && field.Sensitivity == Sensitivity.Personal))
            return false;
        var value = fields.GetProperty(name);
        sealedText = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return sealedText.StartsWith(SealedText.Prefix, StringComparison.Ordinal);
    }

    /// <summary>Fields in canonical form, the texts of some replaced.</summary>
    private static ReadOnlyMemory<byte> Replaced(JsonElement fields, Func<string, string?> instead)
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        using var to = new Utf8JsonWriter(bytes, EventJson.Line);
        to.WriteStartObject();
        foreach (var member in fields.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            to.WritePropertyName(member.Name);
            if (instead(member.Name) is { } text) to.WriteStringValue(text);
            else Canonical(to, member.Value);
        }
        to.WriteEndObject();
        to.Flush();
        return bytes.WrittenMemory;
    }

    private static void Canonical(Utf8JsonWriter to, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                to.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    to.WritePropertyName(member.Name);
                    Canonical(to, member.Value);
                }
                to.WriteEndObject();
                break;
            case JsonValueKind.Array:
                to.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Canonical(to, item);
                to.WriteEndArray();
                break;
            default: value.WriteTo(to); break;
        }
    }

    private static void Show(Utf8JsonWriter to, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                to.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    to.WritePropertyName(member.Name);
                    Show(to, member.Value);
                }
                to.WriteEndObject();
                break;
            case JsonValueKind.Array:
                to.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Show(to, item);
                to.WriteEndArray();
                break;
            case JsonValueKind.String when value.GetString()!.StartsWith(SealedText.Prefix, StringComparison.Ordinal):
                to.WriteStringValue(Sealing.Shown);
                break;
            default: value.WriteTo(to); break;
        }
    }

    /// <summary>Reading what is stored needs no key, and has none.</summary>
    private sealed class NoKeys : IKeyStore
    {
        public static readonly NoKeys Instance = new();

        public string Seal(string subject, string field, string text) => throw Missing();

        public bool TryOpen(string field, string sealedText, out string text) => throw Missing();

        public bool Destroy(string subject) => throw Missing();

        public UInt128 Token(string field, string text) => throw Missing();

        public byte[] Named(string name, Func<byte[]> make) => throw Missing();

        public void Dispose() { }

        private static NotSupportedException Missing() => new("A stored content holds no text to seal.");
    }
}
