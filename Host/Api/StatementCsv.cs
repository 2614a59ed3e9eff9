using System.Buffers;
using System.Text;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>A statement as RFC 4180 lines: the opening balance, the entries, the closing balance.</summary>
/// <remarks>
/// A text that a spreadsheet would take for a formula gets an apostrophe before it, whatever blanks or quotes it hides
/// behind. Figures are the bank's own and stay as they are.
/// </remarks>
internal static class StatementCsv
{
    /// <summary>Raised whenever the bytes of a statement change.</summary>
    public const int Edition = 1;

    private const string End = "\r\n", FormulaSigns = "=+-@\uFF1D\uFF0B\uFF0D\uFF20";

    private static readonly SearchValues<char> Quotable = SearchValues.Create(",\"\r\n");

    public static IEnumerable<StringBuilder> Texts(StatementPaper paper)
    {
        var (statement, period) = (paper.Statement, paper.Period);
        var text = new StringBuilder(
            "row,account,asset,position,booked_on,value_on,side,amount,balance,counter_account,code,reference" + End);
        var begin = $",{period.Account},{period.Asset},";
        text.Append("opening").Append(begin).Append(",,").Append(period.From).Append(",,,")
            .Append(paper.Figures(statement.Opening)).Append(",,,")
            .Append(paper.Number is { } number ? $"statement {number}" : "").Append(End);
        var balance = statement.Opening;
        foreach (var entry in statement.Entries)
        {
            balance += entry.Effect;
            Write(text.Append("entry").Append(begin), paper, entry, balance);
            if (text.Length < StatementForms.PartBytes) continue;
            yield return text;
        }
        text.Append("closing").Append(begin).Append(statement.Position).Append(",,").Append(period.Through)
            .Append(",,,").Append(paper.Figures(statement.Closing)).Append(",,,").Append(End);
        yield return text;
    }

    private static void Write(StringBuilder to, StatementPaper paper, in DatedEntry entry, Int128 balance)
    {
        to.Append(entry.Position).Append(',').Append(entry.BookedOn).Append(',').Append(entry.ValueOn).Append(',')
            .Append(entry.Side == Side.Debit ? "debit," : "credit,").Append(paper.Figures(entry.Minor)).Append(',')
            .Append(paper.Figures(balance)).Append(',');
        if (!entry.Counter.IsNone) to.Append(entry.Counter);
        to.Append(',');
        Quoted(to, entry.Code.IsNone ? null : entry.Code.ToString()).Append(',');
        Quoted(to, entry.Reference).Append(End);
    }

    private static StringBuilder Quoted(StringBuilder to, string? text)
    {
        if (string.IsNullOrEmpty(text)) return to;
        var apostrophe = IsFormula(text) ? "'" : "";
        return text.AsSpan().ContainsAny(Quotable) || text[0] == ' ' || text[^1] == ' '
            ? to.Append('"').Append(apostrophe).Append(text.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"')
            : to.Append(apostrophe).Append(text);
    }

    /// <summary>Signs that begin a formula, in both widths, and blanks that some programs drop before them.</summary>
    private static bool IsFormula(string text) => text[0] is '\t' or '\r' or '\n'
        || text.TrimStart().TrimStart('"').TrimStart() is [var sign, ..] && FormulaSigns.Contains(sign);
}
