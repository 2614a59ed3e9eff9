using System.Security.Cryptography;
using System.Text;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>A statement as a page to print: whole in itself, no scripts, nothing loaded from elsewhere.</summary>
internal static class StatementHtml
{
    /// <summary>Raised whenever the bytes of a statement change.</summary>
    public const int Edition = 1;

    private const string Style = """
        body{font:10pt/1.4 sans-serif;color:#111;margin:2rem auto;max-width:60rem;padding:0 1rem}
        h1{font-size:1.3rem;margin:0 0 .5rem}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0 0 1rem}
        dt{color:#555}dd{margin:0}
        table{border-collapse:collapse;width:100%}
        th,td{padding:.2rem .5rem;text-align:left;border-bottom:1px solid #ccc;vertical-align:top}
        th{border-bottom:2px solid #111}
        .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .b td{font-weight:bold}
        .d{white-space:nowrap}
        @page{size:A4;margin:15mm}
        @media print{body{margin:0;max-width:none;padding:0}thead{display:table-header-group}
        tr{break-inside:avoid}}
        """;

    /// <summary>What a browser may do with the page: show it, with this very style, and nothing else.</summary>
    public static string Policy { get; } =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static IEnumerable<StringBuilder> Texts(StatementPaper paper)
    {
        var statement = paper.Statement;
        var text = new StringBuilder(2 * StatementForms.PartBytes);
        Begin(text, paper);
        var balance = statement.Opening;
        foreach (var entry in statement.Entries)
        {
            balance += entry.Effect;
            Write(text, paper, entry, balance);
            if (text.Length < StatementForms.PartBytes) continue;
            yield return text;
        }
        Line(text, "Closing balance", paper.Period.Through.ToString(), paper.Figures(statement.Closing));
        text.Append("</tbody></table></body></html>\n");
        yield return text;
    }

    private static void Begin(StringBuilder to, StatementPaper paper)
    {
        var (statement, period) = (paper.Statement, paper.Period);
        var title = paper.Number is { } number ? $"Statement {number}" : "Statement, not issued";
        to.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .Append("<meta name=\"viewport\" content=\"width=device-width\"><title>").Append(title).Append(" - ")
            .Escaped(period.Account.ToString()).Append("</title><style>").Append(Style)
            .Append("</style></head><body><h1>").Append(title).Append("</h1><dl>");
        Term(to, "Bank", $"{paper.Book.Name}, LEI {paper.Book.Entity}");
        Term(to, "Account", period.Account.ToString());
        Term(to, "Asset", period.Asset.ToString());
        var by = period.Dates == StatementDates.Booked ? "booked" : "of value";
        Term(to, "Period", $"{period.From} to {period.Through}, {by}");
        Term(to, "Opening balance", paper.Figures(statement.Opening));
        Term(to, "Credits", paper.Figures(statement.Credits));
        Term(to, "Debits", paper.Figures(statement.Debits));
        Term(to, "Closing balance", paper.Figures(statement.Closing));
        Term(to, "True at", $"position {statement.Position}, recorded {paper.RecordedAt}");
        to.Append("</dl><table><thead><tr><th>Booked</th><th>Value</th><th>Text</th><th class=\"n\">Debit</th>")
            .Append("<th class=\"n\">Credit</th><th class=\"n\">Balance</th></tr></thead><tbody>");
        Line(to, "Opening balance", period.From.ToString(), paper.Figures(statement.Opening));
    }

    private static void Term(StringBuilder to, string term, string text) =>
        to.Append("<dt>").Append(term).Append("</dt><dd>").Escaped(text).Append("</dd>");

    private static void Line(StringBuilder to, string what, string date, string figures) =>
        to.Append("<tr class=\"b\"><td class=\"d\">").Append(date).Append("</td><td></td><td>").Append(what)
            .Append("</td><td></td><td></td><td class=\"n\">").Append(figures).Append("</td></tr>");

    private static void Write(StringBuilder to, StatementPaper paper, in DatedEntry entry, Int128 balance)
    {
        var amount = paper.Figures(entry.Minor);
        to.Append("<tr><td class=\"d\">").Append(entry.BookedOn).Append("</td><td class=\"d\">").Append(entry.ValueOn)
            .Append("</td><td>");
        if (!entry.Counter.IsNone) to.Escaped(entry.Counter.ToString()).Append(' ');
        if (!entry.Code.IsNone) to.Escaped(entry.Code.ToString()).Append(' ');
        to.Escaped(entry.Reference).Append("</td><td class=\"n\">").Append(entry.Side == Side.Debit ? amount : "")
            .Append("</td><td class=\"n\">").Append(entry.Side == Side.Credit ? amount : "")
            .Append("</td><td class=\"n\">").Append(paper.Figures(balance)).Append("</td></tr>\n");
    }
}
