using System.Collections.Immutable;
using System.Text.Json;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Journal;

/// <summary>An event as its line holds it: whole.</summary>
/// <param name="By">Id of the caller's key; <c>engine</c> for the engine's own commands.</param>
/// <param name="Command">Id of the command; default for the engine's own.</param>
/// <param name="Print">Fingerprint of the command's content; zero but on a command's first event.</param>
/// <param name="Part">1 for a command's first event.</param>
/// <param name="Parts">How many events the command has; known on its first.</param>
/// <param name="Auth">What was signed, as the JSON object it is; null where nothing was, and but on the first event.</param>
public readonly record struct LineHead(
    long Position, Instant At, Tag By, CommandId Command, UInt128 Print, int Part, int Parts, string? Auth = null);

/// <summary>
/// Writes and reads event lines. The hot events by hand over Utf8JsonWriter and Utf8JsonReader; the rest through the
/// generated JSON. Both write the same bytes.
/// </summary>
public static partial class EventLine
{
    private static readonly JsonEncodedText
        Position = Name("position"), At = Name("at"), Type = Name("type"), By = Name("by"), CommandName = Name("command"),
        Print = Name("print"), Part = Name("part"), Parts = Name("parts"), Data = Name("data"), Legs = Name("legs"),
        Auth = Name("auth"),
        Id = Name("id"), Debit = Name("debit"), Credit = Name("credit"), AmountName = Name("amount"), AssetName = Name("asset"),
        ParticularsName = Name("particulars"), Code = Name("code"), Reference = Name("reference"), Remittance = Name("remittance"),
        MetadataName = Name("metadata"), BookedOn = Name("booked_on"), ValueOn = Name("value_on"), Expires = Name("expires"),
        Originated = Name("originated"), Released = Name("released"), Remaining = Name("remaining"), AccountName = Name("account"), SideName = Name("side"),
        Because = Name("because"), Intended = Name("intended"), DebitSide = Name("debit"), CreditSide = Name("credit");

    /// <summary>Writes one event as a line, without the newline.</summary>
    public static void Write(Utf8JsonWriter to, in LineHead head, in Recorded recorded)
    {
        var type = EventCatalogue.Of(recorded.Event);
        to.WriteStartObject();
        to.WriteNumber(Position, head.Position);
        WriteText(to, At, head.At);
        to.WriteString(Type, type.Encoded);
        WriteTag(to, By, head.By);
        if (head.Command != default && head.Command.Value != IdOf(recorded.Event)) WriteText(to, CommandName, head.Command);
        if (head.Print != default)
        {
            Span<byte> hex = stackalloc byte[32];
            HexConverter.Format(head.Print, hex);
            to.WriteString(Print, hex);
        }
        if (head.Auth is not null)
        {
            to.WritePropertyName(Auth);
            to.WriteRawValue(head.Auth, skipInputValidation: true);
        }
        if (head.Part > 1) to.WriteNumber(Part, head.Part);
        else if (head.Parts > 1) to.WriteNumber(Parts, head.Parts);
        to.WritePropertyName(Data);
        if (!WriteHot(to, recorded.Event)) JsonSerializer.Serialize(to, recorded.Event, type.Info);
        if (!recorded.Legs.IsDefaultOrEmpty) WriteLegs(to, recorded.Legs.AsSpan());
        to.WriteEndObject();
    }

    /// <summary>Reads a line. Members may stand in any order, but the type comes before the data.</summary>
    /// <exception cref="JsonException">The line is not an event of this program's catalogue.</exception>
    public static (LineHead Head, Recorded Recorded) Read(ReadOnlySpan<byte> line)
    {
        if (MadeScan.TryRead(line, out var head, out var made)) return (head, made);
        var reader = new Utf8JsonReader(line);
        head = new LineHead(0, default, default, default, default, 1, 1);
        WireType? type = null;
        Event? @event = null;
        ImmutableArray<Leg> legs = [];
        Begin(ref reader);
        while (NextName(ref reader))
        {
            if (reader.ValueTextEquals("position"u8)) head = head with { Position = Int64(ref reader) };
            else if (reader.ValueTextEquals("at"u8)) head = head with { At = Text<Instant>(ref reader) };
            else if (reader.ValueTextEquals("type"u8)) type = EventCatalogue.Named(TextSpan(ref reader));
            else if (reader.ValueTextEquals("by"u8)) head = head with { By = TagOf(ref reader) };
            else if (reader.ValueTextEquals("print"u8)) head = head with { Print = Hex(ref reader) };
            else if (reader.ValueTextEquals("data"u8)) @event = ReadData(ref reader, type);
            else if (reader.ValueTextEquals("command"u8)) head = head with { Command = Text<CommandId>(ref reader) };
            else if (reader.ValueTextEquals("parts"u8)) head = head with { Parts = (int)Int64(ref reader) };
            else if (reader.ValueTextEquals("part"u8)) head = head with { Part = (int)Int64(ref reader) };
            else if (reader.ValueTextEquals("legs"u8)) legs = ReadLegs(ref reader);
            else if (reader.ValueTextEquals("auth"u8)) head = head with { Auth = RawObject(ref reader) };
            else throw new JsonException($"An event line has no member {reader.GetString()}.");
        }
        if (@event is null || head.Position <= 0) throw new JsonException("An event line has a position, a type and data.");
        if (head.Command == default && head.By != Bank.EngineName) head = head with { Command = new(IdOf(@event)) };
        return (head, new(@event, legs));
    }

    /// <summary>What an event line says, as the state takes it.</summary>
    public static Stamp StampOf(in LineHead head, Bank bank) =>
        new(head.Position, head.At, new(head.Command, bank.CallerOf(head.By), head.Print), head.Part, head.Parts);

    public static void WriteAmount(Utf8JsonWriter to, in Amount amount)
    {
        Span<byte> text = stackalloc byte[64];
        to.WriteStartObject();
        to.WriteString(AssetName, text[..amount.Asset.Code.CopyTo(text)]);
        amount.TryFormat(text, out var length);
        to.WriteString(AmountName, text[..length]);
        to.WriteEndObject();
    }

    public static Amount ReadAmount(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("Not an amount.");
        AssetCode code = default;
        Amount amount = default;
        Span<byte> digits = stackalloc byte[64];
        var length = 0;
        while (NextName(ref reader))
        {
            if (reader.ValueTextEquals("asset"u8)) code = Text<AssetCode>(ref reader);
            else if (reader.ValueTextEquals("amount"u8))
            {
                var text = TextSpan(ref reader);
                if (text.Length > digits.Length) throw new JsonException("Not an amount.");
                text.CopyTo(digits);
                length = text.Length;
            }
            else throw new JsonException("An amount has an asset and an amount.");
        }
        return Amount.TryParseCanonical(digits[..length], code, out amount) ? amount : throw new JsonException("Not an amount.");
    }

    /// <summary>Writes the legs that stand beside an event's data.</summary>
    public static void WriteLegs(Utf8JsonWriter to, ReadOnlySpan<Leg> legs)
    {
        to.WriteStartArray(Legs);
        foreach (ref readonly var leg in legs)
        {
            to.WriteStartObject();
            WriteText(to, AccountName, leg.Account);
            to.WriteString(SideName, leg.Side == Side.Debit ? DebitSide : CreditSide);
            to.WritePropertyName(AmountName);
            WriteAmount(to, leg.Amount);
            if (leg.Because is not null) to.WriteString(Because, leg.Because);
            if (!leg.Intended.IsNone) WriteText(to, Intended, leg.Intended);
            to.WriteEndObject();
        }
        to.WriteEndArray();
    }

    private static ImmutableArray<Leg> ReadLegs(ref Utf8JsonReader reader)
    {
        var legs = ImmutableArray.CreateBuilder<Leg>();
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) throw new JsonException("Legs are an array.");
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var leg = default(Leg);
            while (NextName(ref reader))
            {
                if (reader.ValueTextEquals("account"u8)) leg = leg with { Account = Text<AccountId>(ref reader) };
                else if (reader.ValueTextEquals("side"u8)) leg = leg with { Side = TextSpan(ref reader).SequenceEqual("debit"u8) ? Side.Debit : Side.Credit };
                else if (reader.ValueTextEquals("amount"u8)) leg = leg with { Amount = AmountAt(ref reader) };
                else if (reader.ValueTextEquals("because"u8)) leg = leg with { Because = StringAt(ref reader) };
                else if (reader.ValueTextEquals("intended"u8)) leg = leg with { Intended = Text<AccountId>(ref reader) };
                else throw new JsonException("A leg has an account, a side and an amount.");
            }
            legs.Add(leg);
        }
        return legs.ToImmutable();
    }

    private static Event ReadData(ref Utf8JsonReader reader, WireType? type)
    {
        if (type is null) throw new JsonException("The type of an event comes before its data.");
        if (!reader.Read()) throw new JsonException("An event has data.");
        return ReadHot(ref reader, type.Type)
            ?? (Event?)JsonSerializer.Deserialize(ref reader, type.Info)
            ?? throw new JsonException("An event has data.");
    }

    private static string RawObject(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("What was signed is an object.");
        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.GetRawText();
    }

    private static UInt128 IdOf(Event @event) => @event switch
    {
        TransferEvent.Made e => e.Id.Value,
        TransferEvent.Reserved e => e.Id.Value,
        TransferEvent.Imported e => e.Id.Value,
        EntryEvent.Posted e => e.Id.Value,
        _ => default,
    };

    private static JsonEncodedText Name(string name) => JsonEncodedText.Encode(name);
}
