using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Journal;

/// <content>The hot events by hand: what a bank writes a thousand times for each of the others.</content>
public static partial class EventLine
{
    private static bool WriteHot(Utf8JsonWriter to, Event @event)
    {
        switch (@event)
        {
            case TransferEvent.Made e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, AmountName, e.Amount);
                WriteParticulars(to, e.Particulars);
                break;
            case TransferEvent.Imported e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, AmountName, e.Amount);
                WriteText(to, Originated, e.Originated);
                WriteParticulars(to, e.Particulars);
                break;
            case TransferEvent.Reserved e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, AmountName, e.Amount);
                if (e.Expires is { } expires) WriteText(to, Expires, expires);
                WriteParticulars(to, e.Particulars);
                break;
            case TransferEvent.Posted e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, AmountName, e.Amount);
                WriteNamed(to, Released, e.Released);
                WriteNamed(to, Remaining, e.Remaining);
                WriteParticulars(to, e.Particulars);
                break;
            case TransferEvent.Cancelled e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, Released, e.Released);
                break;
            case TransferEvent.Expired e:
                WriteParties(to, e.Id, e.Debit, e.Credit);
                WriteNamed(to, Released, e.Released);
                break;
            default: return false;
        }
        to.WriteEndObject();
        return true;
    }

    private static Event? ReadHot(ref Utf8JsonReader reader, Type type)
    {
        if (type == typeof(TransferEvent.Made))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Made(f.Id, f.Debit, f.Credit, f.Amount, f.Particulars);
        }
        if (type == typeof(TransferEvent.Imported))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Imported(f.Id, f.Debit, f.Credit, f.Amount, f.Originated, f.Particulars);
        }
        if (type == typeof(TransferEvent.Reserved))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Reserved(f.Id, f.Debit, f.Credit, f.Amount, f.Expires, f.Particulars);
        }
        if (type == typeof(TransferEvent.Posted))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Posted(f.Id, f.Debit, f.Credit, f.Amount, f.Released, f.Remaining, f.Particulars);
        }
        if (type == typeof(TransferEvent.Cancelled))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Cancelled(f.Id, f.Debit, f.Credit, f.Released);
        }
        if (type == typeof(TransferEvent.Expired))
        {
            var f = ReadFields(ref reader);
            return new TransferEvent.Expired(f.Id, f.Debit, f.Credit, f.Released);
        }
        return null;
    }

    private struct Fields
    {
        public TransferId Id;
        public AccountId Debit, Credit;
        public Amount Amount, Released, Remaining;
        public Instant? Expires;
        public Instant Originated;
        public Particulars Particulars;
    }

    private static Fields ReadFields(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("An event's data are an object.");
        var f = new Fields { Particulars = Particulars.None };
        while (NextName(ref reader))
        {
            if (reader.ValueTextEquals("id"u8)) f.Id = Text<TransferId>(ref reader);
            else if (reader.ValueTextEquals("debit"u8)) f.Debit = Text<AccountId>(ref reader);
            else if (reader.ValueTextEquals("credit"u8)) f.Credit = Text<AccountId>(ref reader);
            else if (reader.ValueTextEquals("amount"u8)) f.Amount = AmountAt(ref reader);
            else if (reader.ValueTextEquals("particulars"u8)) f.Particulars = ReadParticulars(ref reader);
            else if (reader.ValueTextEquals("released"u8)) f.Released = AmountAt(ref reader);
            else if (reader.ValueTextEquals("remaining"u8)) f.Remaining = AmountAt(ref reader);
            else if (reader.ValueTextEquals("originated"u8)) f.Originated = Text<Instant>(ref reader);
            else if (reader.ValueTextEquals("expires"u8)) f.Expires = Text<Instant>(ref reader);
            else throw new JsonException($"A transfer has no member {reader.GetString()}.");
        }
        return f;
    }

    private static void WriteParties(Utf8JsonWriter to, TransferId id, AccountId debit, AccountId credit)
    {
        to.WriteStartObject();
        WriteText(to, Id, id);
        WriteText(to, Debit, debit);
        WriteText(to, Credit, credit);
    }

    private static void WriteNamed(Utf8JsonWriter to, JsonEncodedText name, in Amount amount)
    {
        to.WritePropertyName(name);
        WriteAmount(to, amount);
    }

    private static void WriteParticulars(Utf8JsonWriter to, Particulars p)
    {
        to.WriteStartObject(ParticularsName);
        if (!p.Code.IsNone) WriteTag(to, Code, p.Code);
        if (p.Reference is not null) to.WriteString(Reference, p.Reference);
        if (p.Remittance is not null) to.WriteString(Remittance, p.Remittance);
        if (p.Metadata is not null)
        {
            to.WritePropertyName(MetadataName);
            to.WriteRawValue(p.Metadata.Json, skipInputValidation: true);
        }
        if (p.BookedOn is { } booked) WriteText(to, BookedOn, booked);
        if (p.ValueOn is { } value) WriteText(to, ValueOn, value);
        to.WriteEndObject();
    }

    /// <summary>Lines in a row mostly say the same and nothing but the date: the last such value serves again.</summary>
    [ThreadStatic]
    private static Particulars? _lastPlain;

    private static Particulars ReadParticulars(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("Particulars are an object.");
        Tag code = default;
        string? reference = null, remittance = null;
        Metadata? metadata = null;
        BusinessDate? booked = null, value = null;
        while (NextName(ref reader))
        {
            if (reader.ValueTextEquals("booked_on"u8)) booked = Text<BusinessDate>(ref reader);
            else if (reader.ValueTextEquals("code"u8)) code = TagOf(ref reader);
            else if (reader.ValueTextEquals("reference"u8)) reference = StringAt(ref reader);
            else if (reader.ValueTextEquals("remittance"u8)) remittance = StringAt(ref reader);
            else if (reader.ValueTextEquals("metadata"u8)) metadata = MetadataConverter.Raw(ref reader);
            else if (reader.ValueTextEquals("value_on"u8)) value = Text<BusinessDate>(ref reader);
            else throw new JsonException("Particulars have no such member.");
        }
        if (!code.IsNone || reference is not null || remittance is not null || metadata is not null || value is not null)
            return new(code, reference, remittance, metadata, booked, value);
        if (_lastPlain is null || _lastPlain.BookedOn != booked) _lastPlain = new(BookedOn: booked);
        return _lastPlain;
    }

    private static void WriteText<T>(Utf8JsonWriter to, JsonEncodedText name, T value) where T : struct, IUtf8Text<T>
    {
        Span<byte> text = stackalloc byte[64];
        value.TryFormat(text, out var length);
        to.WriteString(name, text[..length]);
    }

    private static void WriteTag(Utf8JsonWriter to, JsonEncodedText name, Tag value)
    {
        Span<byte> text = stackalloc byte[Tag.MaxLength];
        to.WriteString(name, text[..value.CopyTo(text)]);
    }

    private static void Begin(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("An event line is an object.");
    }

    private static bool NextName(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>The bytes of a text that needs no unescaping: ids, codes, dates and amounts never do.</summary>
    private static ReadOnlySpan<byte> TextSpan(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped) throw new JsonException("Not a plain text.");
        return reader.ValueSpan;
    }

    private static T Text<T>(ref Utf8JsonReader reader) where T : struct, IUtf8Text<T> =>
        T.TryParse(TextSpan(ref reader), out var value) ? value : throw new JsonException($"Not a {typeof(T).Name}.");

    private static Tag TagOf(ref Utf8JsonReader reader) =>
        Tag.TryParse(TextSpan(ref reader), out var tag) ? tag : throw new JsonException("Not a code.");

    private static UInt128 Hex(ref Utf8JsonReader reader) =>
        HexConverter.TryParse(TextSpan(ref reader), out var value) ? value : throw new JsonException("Not 32 hexadecimal digits.");

    private static long Int64(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value)
            ? value
            : throw new JsonException("Not a whole number.");

    private static string StringAt(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString() ?? throw new JsonException("Not a text.");
    }

    private static Amount AmountAt(ref Utf8JsonReader reader)
    {
        reader.Read();
        return ReadAmount(ref reader);
    }
}
