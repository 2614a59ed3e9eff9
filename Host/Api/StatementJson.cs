using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>A statement as JSON: its canonical form, which every issued one has.</summary>
internal static class StatementJson
{
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
        to.WriteNumber("position"u8, entry.Position);
        to.Value("booked_on"u8, entry.BookedOn);
        to.Value("value_on"u8, entry.ValueOn);
        to.WriteString("side"u8, entry.Side == Domain.Ledger.Side.Debit ? "debit"u8 : "credit"u8);
        to.Figures("amount"u8, entry.Minor, asset);
        to.Figures("balance"u8, balance, asset);
        if (!entry.Counter.IsNone) to.Value("counter_account"u8, entry.Counter);
        if (!entry.Code.IsNone) to.Value("code"u8, entry.Code);
        if (entry.Reference is not null) to.WriteString("reference"u8, entry.Reference);
        to.WriteEndObject();
    }

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
