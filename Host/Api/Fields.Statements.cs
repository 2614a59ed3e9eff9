using System.Collections.Immutable;
using BankingEngine.Domain.Statements;
using static BankingEngine.Host.Api.FieldValues;

namespace BankingEngine.Host.Api;

/// <summary>Fields of statements.</summary>
public static partial class Fields
{
    public static readonly Field
        StatementFrom = Of("from", Date_, "First date of the period.",
            static (ref r, f) => Value(ref r, f, out f.BookedOn)),
        StatementBy = Of("dates", """{"type":"string","enum":["booked","value"],"default":"booked"}""",
            "Whether entries are taken in by accounting date or by value date.",
            static (ref r, f) => Choice(ref r, StatementDatesNames, out f.Dates)),
        StatementFormats = Of("formats",
            """{"type":"array","items":{"type":"string","enum":["json","csv","camt053","html"]}}""",
            "The forms that are delivered, and can be reprinted; JSON is always one of them.",
            static (ref r, f) =>
        {
            var wrong = Flags<FormatFlags>(ref r, FormatNames, out var bits);
            f.Formats = [.. Enum.GetValues<StatementFormat>().Where(format => (bits >> (int)format & 1) != 0)];
            return wrong;
        }),
        Anew = Of("anew", """{"type":"boolean","default":false}""",
            "Whether a period that was issued before is issued again, under a new number.",
            static (ref r, f) => Boolean(ref r, out f.Final));

    private static readonly (string, StatementDates)[] StatementDatesNames =
        [.. Enum.GetValues<StatementDates>().Select(Named)];

    private static readonly (string, FormatFlags)[] FormatNames =
        [.. Enum.GetValues<StatementFormat>().Select(f => (Named(f).Item1, (FormatFlags)(1 << (int)f)))];

    [Flags]
    private enum FormatFlags
    {
        None = 0,
    }
}

public sealed partial class CommandFields
{
    // Fields, because the readers fill them by reference.
#pragma warning disable CA1051
    public StatementDates Dates;
    public ImmutableArray<StatementFormat> Formats;
#pragma warning restore CA1051
}
