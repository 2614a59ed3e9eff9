using System.Text;
using System.Text.RegularExpressions;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>A statement as the ISO 20022 message camt.053.001.08, BankToCustomerStatement.</summary>
/// <remarks>
/// Balances are opening and closing booked (OPBD, CLBD) of the period, and closing available (CLAV): the closing one
/// less the credits that have value only later. A credit line is not in it, as ISO 20022 has it where no line is stated
/// beside a balance; nor is what was reserved or restrained, since this message is of booked entries only: the account's
/// balances at /v1/accounts/{account}/balances tell those. The dates of the period are the book's own, without an offset.
/// A statement by value is refused, as is an asset that is no ISO 4217 currency in its scale: the message knows no other.
/// The number of an issued statement is counted by account over all its assets, and the same in every form: it is both
/// the electronic and the legal one. The customer's reference is the end-to-end id where it has at most the 35 characters
/// of one, else remittance text. The code of a reversal is that of what it takes back.
/// Source: ISO 20022, camt.053.001.08, message definition report of cash management; specs hold every form to the schema.
/// </remarks>
internal static partial class StatementCamt
{
    /// <summary>Raised whenever the bytes of a statement change.</summary>
    public const int Edition = 1;

    public const string Namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

    /// <summary>Digits of ActiveOrHistoricCurrencyAndAmount and of DecimalNumber.</summary>
    private const int MaxDigits = 18;

    /// <summary>
    /// Characters of an account's id, Max34Text, of other references, Max35Text, and of a line of text, Max140Text.
    /// </summary>
    private const int MaxAccount = 34, MaxReference = 35, MaxLine = 140;

    /// <summary>What stands for an end-to-end id that nobody gave.</summary>
    private const string NotProvided = "NOTPROVIDED";

    private const ulong IdSeed = 53;

    private static readonly Int128 Limit = Int128.Parse("1" + new string('0', MaxDigits));

    /// <summary>What the message cannot say; null where it can say all of it.</summary>
    public static Flaw? Objects(Statement statement)
    {
        if (!Iso4217.TryGet(statement.Asset.Code, out var currency) || currency != statement.Asset)
            return new Flaw(ReadsProblems.NoCurrency, "asset");
        if (statement.Period.Dates != StatementDates.Booked) return new Flaw(ReadsProblems.NotInCamt, "dates");
        if (statement.Period.Account.ToString().Length > MaxAccount)
            return new Flaw(ReadsProblems.NotInCamt, "account", Detail: $"At most {MaxAccount} characters.");
        var largest = Int128.Max(Int128.Abs(statement.Opening), Int128.Abs(statement.Closing));
        largest = Int128.Max(largest, Int128.Abs(Available(statement)));
        return Int128.Max(largest, statement.Debits + statement.Credits) < Limit
            ? null
            : new Flaw(ReadsProblems.NotInCamt, Detail: $"Amounts have at most {MaxDigits} digits.");
    }

    private static Int128 Available(Statement statement) => statement.Closing - statement.NotYetValue;

    public static IEnumerable<StringBuilder> Texts(StatementPaper paper)
    {
        var text = new StringBuilder(2 * StatementForms.PartBytes);
        Begin(text, paper);
        foreach (var entry in paper.Statement.Entries)
        {
            Write(text, paper, entry);
            if (text.Length < StatementForms.PartBytes) continue;
            yield return text;
        }
        text.Append("</Stmt></BkToCstmrStmt></Document>\n");
        yield return text;
    }

    private static void Begin(StringBuilder to, StatementPaper paper)
    {
        var (statement, period) = (paper.Statement, paper.Period);
        var (id, created) = (IdOf(paper), CreatedAt(paper));
        to.Append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"").Append(Namespace)
            .Append("\"><BkToCstmrStmt><GrpHdr><MsgId>").Append(id).Append("</MsgId><CreDtTm>")
            .Append(created).Append("</CreDtTm></GrpHdr><Stmt><Id>").Append(id).Append("</Id>");
        if (paper.Number is { } number)
            to.Append("<ElctrncSeqNb>").Append(number).Append("</ElctrncSeqNb><LglSeqNb>").Append(number)
                .Append("</LglSeqNb>");
        to.Append("<CreDtTm>").Append(created).Append("</CreDtTm><FrToDt><FrDtTm>").Append(period.From)
            .Append("T00:00:00</FrDtTm><ToDtTm>").Append(period.Through).Append("T23:59:59</ToDtTm></FrToDt>")
            .Append("<Acct><Id><Othr><Id>").Append(period.Account).Append("</Id></Othr></Id><Ccy>")
            .Append(period.Asset).Append("</Ccy>");
        if (Lei().IsMatch(paper.Book.Entity))
            to.Append("<Svcr><FinInstnId><LEI>").Append(paper.Book.Entity).Append("</LEI></FinInstnId></Svcr>");
        to.Append("</Acct>");
        Balance(to, paper, "OPBD", statement.Opening, period.From);
        Balance(to, paper, "CLBD", statement.Closing, period.Through);
        Balance(to, paper, "CLAV", Available(statement), period.Through);
        Summary(to, paper);
    }

    private static void Balance(StringBuilder to, StatementPaper paper, string code, Int128 net, BusinessDate on)
    {
        to.Append("<Bal><Tp><CdOrPrtry><Cd>").Append(code).Append("</Cd></CdOrPrtry></Tp>");
        Signed(to, paper, net).Append("<Dt><Dt>").Append(on).Append("</Dt></Dt></Bal>");
    }

    private static void Summary(StringBuilder to, StatementPaper paper)
    {
        var statement = paper.Statement;
        var (credits, all) = (statement.CreditEntries, statement.Entries.Count);
        to.Append("<TxsSummry><TtlNtries><NbOfNtries>").Append(all).Append("</NbOfNtries><Sum>")
            .Append(paper.Figures(statement.Credits + statement.Debits)).Append("</Sum><TtlNetNtry>");
        var net = statement.Credits - statement.Debits;
        to.Append("<Amt>").Append(paper.Figures(Int128.Abs(net))).Append("</Amt>");
        Indicator(to, net < 0).Append("</TtlNetNtry></TtlNtries>");
        to.Append("<TtlCdtNtries><NbOfNtries>").Append(credits).Append("</NbOfNtries><Sum>")
            .Append(paper.Figures(statement.Credits)).Append("</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>")
            .Append(all - credits).Append("</NbOfNtries><Sum>").Append(paper.Figures(statement.Debits))
            .Append("</Sum></TtlDbtNtries></TxsSummry>");
    }

    private static void Write(StringBuilder to, StatementPaper paper, in DatedEntry entry)
    {
        var isDebit = entry.Side == Side.Debit;
        to.Append("<Ntry><NtryRef>").Append(entry.Position).Append("</NtryRef>");
        Amount(to, paper, entry.Minor);
        Indicator(to, isDebit);
        if (entry.IsReversal) to.Append("<RvslInd>true</RvslInd>");
        to.Append("<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>").Append(entry.BookedOn)
            .Append("</Dt></BookgDt><ValDt><Dt>").Append(entry.ValueOn).Append("</Dt></ValDt><AcctSvcrRef>")
            .Append(entry.Position).Append("</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>")
            .Append(isDebit != entry.IsReversal ? "ICDT" : "RCDT").Append("</Cd><SubFmlyCd>OTHR</SubFmlyCd></Fmly></Domn>");
        if (!entry.Code.IsNone) to.Append("<Prtry><Cd>").Append(entry.Code).Append("</Cd></Prtry>");
        to.Append("</BkTxCd>");
        if (entry.Reference is { } reference && !string.IsNullOrWhiteSpace(reference)) Details(to, paper, entry, reference);
        to.Append("</Ntry>");
    }

    private static void Details(StringBuilder to, StatementPaper paper, in DatedEntry entry, string reference)
    {
        var isId = reference.Length <= MaxReference;
        to.Append("<NtryDtls><TxDtls><Refs><AcctSvcrRef>").Append(entry.Position).Append("</AcctSvcrRef>");
        to.Append("<EndToEndId>").Escaped(isId ? reference : NotProvided).Append("</EndToEndId></Refs>");
        Amount(to, paper, entry.Minor);
        Indicator(to, entry.Side == Side.Debit);
        if (!isId) Remittance(to, reference);
        to.Append("</TxDtls></NtryDtls>");
    }

    private static void Remittance(StringBuilder to, string text)
    {
        to.Append("<RmtInf>");
        for (var from = 0; from < text.Length;)
        {
            var length = int.Min(MaxLine, text.Length - from);
            if (from + length < text.Length && char.IsHighSurrogate(text[from + length - 1])) length--;
            to.Append("<Ustrd>").Escaped(text.Substring(from, length)).Append("</Ustrd>");
            from += length;
        }
        to.Append("</RmtInf>");
    }

    private static StringBuilder Signed(StringBuilder to, StatementPaper paper, Int128 net)
    {
        Amount(to, paper, Int128.Abs(net));
        return Indicator(to, net < 0);
    }

    private static void Amount(StringBuilder to, StatementPaper paper, Int128 minor) =>
        to.Append("<Amt Ccy=\"").Append(paper.Period.Asset).Append("\">").Append(paper.Figures(minor)).Append("</Amt>");

    private static StringBuilder Indicator(StringBuilder to, bool isDebit) =>
        to.Append(isDebit ? "<CdtDbtInd>DBIT</CdtDbtInd>" : "<CdtDbtInd>CRDT</CdtDbtInd>");

    /// <summary>An instant with its offset, which payment networks ask for as figures.</summary>
    private static string CreatedAt(StatementPaper paper) => paper.RecordedAt.ToString()[..^1] + "+00:00";

    /// <summary>32 figures: the same for the same statement, another for any other.</summary>
    private static string IdOf(StatementPaper paper)
    {
        var of = $"{paper.Book.Name} {paper.Period} {paper.Statement.Position} {paper.Number}";
        return Hash128.Of(IdSeed, Encoding.ASCII.GetBytes(of))
            .ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("^[A-Z0-9]{18}[0-9]{2}$")]
    private static partial Regex Lei();
}
