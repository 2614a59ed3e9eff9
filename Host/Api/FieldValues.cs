using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Host.Api.EdgeProblems;

namespace BankingEngine.Host.Api;

/// <summary>Reads the values of fields: every form that a channel can state something in.</summary>
internal static class FieldValues
{
    /// <summary>The bytes of a text, unescaped; empty when it is no text or too long to be any value.</summary>
    public static ReadOnlySpan<byte> Text(ref Utf8JsonReader reader, byte[] scratch)
    {
        if (reader.TokenType != JsonTokenType.String) return [];
        if (!reader.ValueIsEscaped) return reader.ValueSpan;
        return reader.ValueSpan.Length > scratch.Length ? [] : scratch.AsSpan(0, reader.CopyString(scratch));
    }

    public static EdgeProblem? Value<T>(ref Utf8JsonReader reader, CommandFields into, out T value)
        where T : struct, IUtf8Text<T> =>
        T.TryParse(Text(ref reader, into.Scratch), out value) ? null : FieldMalformed;

    public static EdgeProblem? Tag(ref Utf8JsonReader reader, CommandFields into, out Tag value) =>
        Domain.Kernel.Tag.TryParse(Text(ref reader, into.Scratch), out value) ? null : FieldMalformed;

    /// <summary>Text for people: 1 to so many characters, none of them a control character.</summary>
    public static EdgeProblem? Words(ref Utf8JsonReader reader, int most, out string? value)
    {
        value = reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length <= most * 12
            ? reader.GetString()
            : null;
        return value is { Length: > 0 } text && text.Length <= most && !text.Any(char.IsControl)
            ? null
            : FieldMalformed;
    }

    /// <summary>Text for machines: 1 to so many printable ASCII characters.</summary>
    public static EdgeProblem? Printable(ref Utf8JsonReader reader, CommandFields into, int most, out string? value)
    {
        value = null;
        var text = Text(ref reader, into.Scratch);
        if (text.IsEmpty || text.Length > most || text.IndexOfAnyExceptInRange((byte)' ', (byte)'~') >= 0)
            return FieldMalformed;
        value = Encoding.ASCII.GetString(text);
        return null;
    }

    public static EdgeProblem? Integer(ref Utf8JsonReader reader, long least, long most, out long value)
    {
        value = 0;
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out value)) return FieldMalformed;
        return value < least || value > most ? FieldMalformed : null;
    }

    public static EdgeProblem? Integer(ref Utf8JsonReader reader, out int value)
    {
        var wrong = Integer(ref reader, int.MinValue, int.MaxValue, out var wide);
        value = wrong is null ? (int)wide : 0;
        return wrong;
    }

    public static EdgeProblem? Boolean(ref Utf8JsonReader reader, out bool value)
    {
        value = reader.TokenType == JsonTokenType.True;
        return reader.TokenType is JsonTokenType.True or JsonTokenType.False ? null : FieldMalformed;
    }

    /// <summary>One of a few names.</summary>
    public static EdgeProblem? Choice<T>(
        ref Utf8JsonReader reader, ReadOnlySpan<(string Name, T Value)> choices, out T value)
        where T : struct
    {
        value = default;
        if (reader.TokenType != JsonTokenType.String) return FieldMalformed;
        foreach (var (name, choice) in choices)
        {
            if (!reader.ValueTextEquals(name)) continue;
            value = choice;
            return null;
        }
        return FieldMalformed;
    }

    /// <summary><c>{"asset":"EUR","amount":"12.34"}</c></summary>
    public static EdgeProblem? Amount(ref Utf8JsonReader reader, CommandFields into, out StatedAmount value)
    {
        value = default;
        if (reader.TokenType == JsonTokenType.Number) return AmountIsNumber;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        AssetCode asset = default;
        Span<byte> digits = stackalloc byte[Domain.Kernel.Amount.MaxTextLength];
        var length = -1;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("asset"u8))
            {
                if (!asset.IsNone) return DuplicateField;
                reader.Read();
                if (Value(ref reader, into, out asset) is { } wrong) return wrong;
            }
            else if (reader.ValueTextEquals("amount"u8))
            {
                if (length >= 0) return DuplicateField;
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number) return AmountIsNumber;
                if (reader.TokenType != JsonTokenType.String) return AmountMalformed;
                var text = Text(ref reader, into.Scratch);
                if (text.Length > digits.Length) return IsDigits(text) ? AmountTooManyDigits : AmountMalformed;
                text.CopyTo(digits);
                length = text.Length;
            }
            else return UnknownField;
        }
        if (asset.IsNone || length < 0) return FieldMissing;
        return StatedAmount.TryParse(digits[..length], asset, out value) switch
        {
            NumberText.Read => null,
            NumberText.TooManyDigits => AmountTooManyDigits,
            _ => AmountMalformed,
        };
    }

    public static EdgeProblem? Legs(ref Utf8JsonReader reader, CommandFields into, out ImmutableArray<StatedLeg> value)
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var legs = ImmutableArray.CreateBuilder<StatedLeg>();
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (Leg(ref reader, into, out var leg) is { } wrong)
            {
                into.Within = $"[{count}]{into.Within}";
                return wrong;
            }

            // One more than is allowed is enough for the book to say so.
            if (legs.Count <= Movements.MaxLegs) legs.Add(leg);
            count++;
        }
        value = legs.ToImmutable();
        return null;
    }

    public static EdgeProblem? List<T>(
        ref Utf8JsonReader reader, CommandFields into, int most, out ImmutableArray<T> value)
        where T : struct, IUtf8Text<T>
    {
        value = [];
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        var items = ImmutableArray.CreateBuilder<T>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (Value(ref reader, into, out T item) is { } wrong) return wrong;
            if (items.Count <= most) items.Add(item);
        }
        value = items.ToImmutable();
        return null;
    }

    /// <summary>A set of flags as an array of their names.</summary>
    public static EdgeProblem? Flags<T>(
        ref Utf8JsonReader reader, ReadOnlySpan<(string Name, T Value)> choices, out ulong bits)
        where T : struct, Enum
    {
        bits = 0;
        if (reader.TokenType != JsonTokenType.StartArray) return FieldMalformed;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (Choice(ref reader, choices, out var flag) is { } wrong) return wrong;
            bits |= Convert.ToUInt64(flag, System.Globalization.CultureInfo.InvariantCulture);
        }
        return null;
    }

    /// <summary>A flat object of texts, brought to its canonical form.</summary>
    public static EdgeProblem? Metadata(ref Utf8JsonReader reader, CommandFields into, out Metadata? value)
    {
        value = null;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        var pairs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (key.Length is 0 or > Domain.Ledger.Metadata.MaxKeyLength
                || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                return FieldMalformed;
            reader.Read();
            if (Words(ref reader, Domain.Ledger.Metadata.MaxValueLength, out var text) is { } wrong) return wrong;
            if (!pairs.TryAdd(key, text!)) return DuplicateField;
            if (pairs.Count > Domain.Ledger.Metadata.MaxPairs) return FieldMalformed;
        }
        var bytes = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(bytes, EventJson.Line))
        {
            json.WriteStartObject();
            foreach (var (key, text) in pairs) json.WriteString(key, text);
            json.WriteEndObject();
        }
        value = pairs.Count == 0 ? null : new(Encoding.UTF8.GetString(bytes.WrittenSpan));
        return null;
    }

    /// <summary>Reference content under the name of its kind.</summary>
    public static EdgeProblem? Content(ref Utf8JsonReader reader, out ReferenceContent? value)
    {
        value = null;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        try
        {
            value =
                new ReferenceContentConverter().Read(ref reader, typeof(ReferenceContent), EventJson.Default.Options);
            return IsWhole(value) ? null : FieldMalformed;
        }
        catch (JsonException)
        {
            return FieldMalformed;
        }
    }

    private static bool IsWhole(ReferenceContent content) => content switch
    {
        ReferenceContent.Chart c => !c.Lines.IsDefault
            && c.Lines.All(line => !line.Code.IsNone && line.Class is not null && line.Title is not null),
        ReferenceContent.Calendar c => !c.Weekend.IsDefault && !c.Holidays.IsDefault,
        ReferenceContent.Zone z => !z.Transitions.IsDefault,
        ReferenceContent.WalletRule w => !w.Assets.IsDefault && w.Assets.All(IsWhole),
        ReferenceContent.Document d => d.Text is not null,
        ReferenceContent.PriceSet s => !s.Prices.IsDefault && s.Prices.All(price => !price.Asset.IsNone),
        _ => false,
    };

    private static bool IsWhole(WalletAsset? terms) => terms is not null
        && !terms.OpeningMinimum.Asset.Code.IsNone && !terms.PerTransaction.Asset.Code.IsNone
        && !terms.PerWindow.Asset.Code.IsNone && !terms.MaxBalance.Asset.Code.IsNone;

    private static EdgeProblem? Leg(ref Utf8JsonReader reader, CommandFields into, out StatedLeg leg)
    {
        leg = default;
        if (reader.TokenType != JsonTokenType.StartObject) return FieldMalformed;
        var (account, side, amount) = (default(AccountId), default(Side), default(StatedAmount));
        var sided = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            EdgeProblem? wrong;
            string member;
            if (reader.ValueTextEquals("account"u8))
            {
                member = ".account";
                reader.Read();
                wrong = account.IsNone ? Value(ref reader, into, out account) : DuplicateField;
            }
            else if (reader.ValueTextEquals("side"u8))
            {
                member = ".side";
                reader.Read();
                wrong = sided ? DuplicateField : Choice(ref reader, Sides, out side);
                sided = true;
            }
            else if (reader.ValueTextEquals("amount"u8))
            {
                member = ".amount";
                reader.Read();
                wrong = amount.Asset.IsNone ? Amount(ref reader, into, out amount) : DuplicateField;
            }
            else return UnknownField;
            if (wrong is null) continue;
            into.Within = member;
            return wrong;
        }
        leg = new(account, side, amount);
        return account.IsNone || !sided || amount.Asset.IsNone ? FieldMissing : null;
    }

    private static readonly (string, Side)[] Sides = [("debit", Side.Debit), ("credit", Side.Credit)];

    private static bool IsDigits(ReadOnlySpan<byte> text)
    {
        if (text.Length > 0 && text[0] == (byte)'-') text = text[1..];
        return text.IndexOfAnyExcept(Figures) < 0;
    }

    private static readonly SearchValues<byte> Figures = SearchValues.Create("0123456789."u8);
}
