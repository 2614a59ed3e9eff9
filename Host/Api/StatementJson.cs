using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>A statement as JSON: its canonical form, which every issued one has.</summary>
internal static class StatementJson
{
    /// <summary>Raised whenever the bytes of a statement change.</summary>
    public const int Edition = 1;

    private static readonly JsonEncodedText
        Position = Name("position"), BookedOn = Name("booked_on"), ValueOn = Name("value_on"), Side = Name("side"),
        Amount = Name("amount"), Balance = Name("balance"), Debit = Name("debit"), Credit = Name("credit"),
        CounterAccount = Name("counter_account"), Code = Name("code"), Reference = Name("reference"),
        Reversal = Name("reversal");

    public static IEnumerable<ReadOnlyMemory<byte>> Parts(StatementPaper paper)
    {
        var bytes = new ArrayBufferWriter<byte>(2 * StatementForms.PartBytes);
        using var to = new Utf8JsonWriter(bytes, EventJson.Line);
        Begin(to, paper);
        var balance = paper.Statement.Opening;
        foreach (var entry in paper.Statement.Entries)
        {
            balance += entry.Effect;
            Write(to, paper, entry, balance);
            if (to.BytesPending < StatementForms.PartBytes) continue;
            to.Flush();
            yield return bytes.WrittenMemory;
            bytes.ResetWrittenCount();
        }
        End(to, paper);
        to.Flush();
        yield return bytes.WrittenMemory;
    }

    private static void Begin(Utf8JsonWriter to, StatementPaper paper)
    {
        var (statement, period) = (paper.Statement, paper.Period);
        to.WriteStartObject();
        to.WriteString("book"u8, paper.Book.Name.ToString());
        to.WriteString("entity"u8, paper.Book.Entity);
        to.Value("account"u8, period.Account);
        to.WriteString("class"u8, ReadsJson.NameOf(statement.Class));
        to.Value("asset"u8, period.Asset);
        to.WriteString("dates"u8, ReadsJson.NameOf(period.Dates));
        to.Value("from"u8, period.From);
        to.Value("through"u8, period.Through);
        if (paper.Number is { } number) to.WriteNumber("number"u8, number);
        else to.WriteNull("number"u8);
        to.WriteNumber("position"u8, statement.Position);
        to.Value("recorded_at"u8, paper.RecordedAt);
        to.Figures("opening"u8, statement.Opening, statement.Asset);
        to.WriteStartArray("entries"u8);
    }

    private static void Write(Utf8JsonWriter to, StatementPaper paper, in DatedEntry entry, Int128 balance)
    {
        var asset = paper.Statement.Asset;
        to.WriteStartObject();
        to.WriteNumber(Position, entry.Position);
        Value(to, BookedOn, entry.BookedOn);
        Value(to, ValueOn, entry.ValueOn);
        to.WriteString(Side, entry.Side == Domain.Ledger.Side.Debit ? Debit : Credit);
        Value(to, Amount, new Domain.Kernel.Amount(entry.Minor, asset));
        Value(to, Balance, new Domain.Kernel.Amount(balance, asset));
        if (!entry.Counter.IsNone) Value(to, CounterAccount, entry.Counter);
        if (!entry.Code.IsNone) to.WriteString(Code, entry.Code.ToString());
        if (entry.Reference is not null) to.WriteString(Reference, entry.Reference);
        if (entry.IsReversal) to.WriteBoolean(Reversal, true);
        to.WriteEndObject();
    }

    private static void Value<T>(Utf8JsonWriter to, JsonEncodedText name, T value) where T : struct, IUtf8Text<T>
    {
        Span<byte> text = stackalloc byte[Utf8Text.LongestText];
        value.TryFormat(text, out var length);
        to.WriteString(name, text[..length]);
    }

    private static void Value(Utf8JsonWriter to, JsonEncodedText name, Domain.Kernel.Amount amount)
    {
        Span<byte> text = stackalloc byte[Domain.Kernel.Amount.MaxTextLength];
        amount.TryFormat(text, out var length);
        to.WriteString(name, text[..length]);
    }

    private static JsonEncodedText Name(string name) => JsonEncodedText.Encode(name);

    private static void End(Utf8JsonWriter to, StatementPaper paper)
    {
        var statement = paper.Statement;
        to.WriteEndArray();
        to.Figures("debits"u8, statement.Debits, statement.Asset);
        to.Figures("credits"u8, statement.Credits, statement.Asset);
        to.Figures("closing"u8, statement.Closing, statement.Asset);
        to.WriteEndObject();
    }
}
