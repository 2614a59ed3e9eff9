using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>The bank's values in answers, each in its one form.</summary>
internal static class ReadsJson
{
    /// <summary>The name of a case on the wire.</summary>
    public static string NameOf<T>(T value) where T : struct, Enum =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static void Value<T>(this Utf8JsonWriter to, ReadOnlySpan<byte> name, T value) where T : struct, IUtf8Text<T>
    {
        Span<byte> text = stackalloc byte[Utf8Text.LongestText];
        value.TryFormat(text, out var length);
        to.WriteString(name, text[..length]);
    }

    /// <summary>Null in the answer where there is none.</summary>
    public static void ValueOrNull<T>(this Utf8JsonWriter to, ReadOnlySpan<byte> name, T? value)
        where T : struct, IUtf8Text<T>
    {
        if (value is { } some) to.Value(name, some);
        else to.WriteNull(name);
    }

    public static void Value(this Utf8JsonWriter to, ReadOnlySpan<byte> name, Tag tag)
    {
        if (tag.IsNone) to.WriteNull(name);
        else to.WriteString(name, tag.ToString());
    }

    public static void Value(this Utf8JsonWriter to, ReadOnlySpan<byte> name, Amount amount)
    {
        to.WritePropertyName(name);
        EventLine.WriteAmount(to, amount);
    }

    /// <summary>The figures alone, where the asset stands beside.</summary>
    public static void Figures(this Utf8JsonWriter to, ReadOnlySpan<byte> name, Int128 minor, Asset asset)
    {
        Span<byte> text = stackalloc byte[Amount.MaxTextLength];
        new Amount(minor, asset).TryFormat(text, out var length);
        to.WriteString(name, text[..length]);
    }

    /// <summary>The figures of an amount, with as many decimals as its asset has.</summary>
    public static string FiguresOf(Int128 minor, Asset asset)
    {
        Span<byte> text = stackalloc byte[Amount.MaxTextLength];
        new Amount(minor, asset).TryFormat(text, out var length);
        return System.Text.Encoding.ASCII.GetString(text[..length]);
    }

    /// <summary>Debits, credits and the balance as a caller reads them: credits less debits.</summary>
    public static void Posted(this Utf8JsonWriter to, in BalanceAt balance)
    {
        to.WriteStartObject("posted"u8);
        to.Figures("debits"u8, balance.Debits, balance.Asset);
        to.Figures("credits"u8, balance.Credits, balance.Asset);
        to.Figures("balance"u8, balance.Net, balance.Asset);
        to.WriteEndObject();
    }

    /// <summary>Reads an event from the journal.</summary>
    /// <returns>False where there is none.</returns>
    public static bool TryRead(BookEngine book, long position, out ReadOnlyMemory<byte> line)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        var found = position > 0 && book.Journal.TryReadEvent(position, buffer);
        line = buffer.WrittenMemory;
        return found;
    }

    /// <summary>An event as its line has it, flattened, its sealed text covered, with what it posted as legs.</summary>
    /// <param name="correction">Position of the event that reversed it.</param>
    public static void Event(this Utf8JsonWriter to, ReadOnlyMemory<byte> line, long? correction)
    {
        var (head, recorded) = EventLine.Read(line.Span);
        using var document = JsonDocument.Parse(line);
        to.WriteStartObject();
        to.WriteNumber("position"u8, head.Position);
        to.Value("recorded_at"u8, head.At);
        to.WriteString("type"u8, document.RootElement.GetProperty("type"u8).GetString());
        foreach (var member in document.RootElement.GetProperty("data"u8).EnumerateObject()) Member(to, member);
        var legs = new List<Leg>();
        PostedLegs.Gather(recorded.Event, recorded.Legs, legs);
        if (legs.Count > 0) EventLine.WriteLegs(to, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(legs));
        if (correction is { } by) to.WriteNumber("reversed_by"u8, by);
        to.WriteEndObject();
    }

    private static void Member(Utf8JsonWriter to, JsonProperty member)
    {
        if (member.Value.ValueKind == JsonValueKind.Object)
        {
            to.WriteStartObject(member.Name);
            foreach (var inner in member.Value.EnumerateObject()) Member(to, inner);
            to.WriteEndObject();
        }
        else if (member.Value.ValueKind == JsonValueKind.String
            && member.Value.GetString()!.StartsWith(SealedText.Prefix, StringComparison.Ordinal))
        {
            to.WriteString(member.Name, "sealed"u8);
        }
        else
        {
            member.WriteTo(to);
        }
    }
}
