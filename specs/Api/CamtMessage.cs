using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;
using BankingEngine.Specs.Engine.Cli;

namespace BankingEngine.Specs.Api;

/// <summary>What camt.053.001.08 asks of a message: our rules of it, and the schema where the data sets have it.</summary>
internal static class CamtMessage
{
    public static readonly XNamespace Names = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

    private static readonly Lazy<XmlSchemaSet?> Schema = new(() =>
    {
        var file = Path.Combine(DataFactAttribute.Folder, "iso20022", "xsd", "camt.053.001.08.xsd");
        if (DataFactAttribute.Folder.Length == 0 || !File.Exists(file)) return null;
        var schemas = new XmlSchemaSet();
        schemas.Add(Names.NamespaceName, file);
        schemas.Compile();
        return schemas;
    });

    /// <summary>What the schema says against a message; nothing where it is valid.</summary>
    /// <exception cref="InvalidOperationException">The data sets have no such schema.</exception>
    public static IReadOnlyList<string> Faults(string text)
    {
        var found = new List<string>();
        var settings = new XmlReaderSettings
        {
            ValidationType = ValidationType.Schema,
            Schemas = Schema.Value ?? throw new InvalidOperationException("The data sets have no schema of camt.053."),
            DtdProcessing = DtdProcessing.Prohibit,
        };
        settings.ValidationFlags |= XmlSchemaValidationFlags.ReportValidationWarnings;
        settings.ValidationEventHandler += (_, fault) => found.Add(fault.Message);
        using var reader = XmlReader.Create(new StringReader(text), settings);
        while (reader.Read()) { }
        return found;
    }

    /// <summary>
    /// The rules of camt.053.001.08 as far as the bank uses it: which elements, in which order, how often, of what form.
    /// </summary>
    public static XElement Checked(string text)
    {
        var document = XDocument.Parse(text);
        document.Root!.Name.Should().Be(Names + "Document");
        foreach (var element in document.Root.DescendantsAndSelf())
        {
            element.Name.Namespace.Should().Be(Names);
            var children = string.Join(' ', element.Elements().Select(child => child.Name.LocalName));
            var at = element.Parent is { } parent ? $"{parent.Name.LocalName}/{element.Name.LocalName}" : "Document";
            var rule = Rules.Orders.GetValueOrDefault(at) ?? Rules.Orders.GetValueOrDefault(element.Name.LocalName);
            var form = Rules.Forms.GetValueOrDefault(at) ?? Rules.Forms.GetValueOrDefault(element.Name.LocalName);
            var keeps = element.HasElements
                ? rule is not null && Regex.IsMatch(children, $"^{rule}$")
                : form is not null && Regex.IsMatch(element.Value, $"^{form}$");
            keeps.Should().BeTrue("{0} holds '{1}'", at, element.HasElements ? children : element.Value);
            if (element.Name.LocalName == "Amt" && element.Parent!.Name.LocalName != "TtlNetNtry")
                element.Attribute("Ccy")!.Value.Should().MatchRegex("^[A-Z]{3}$");
        }
        if (Schema.Value is not null) Faults(text).Should().BeEmpty("the schema of ISO 20022 is the last word");
        return document.Root.Element(Names + "BkToCstmrStmt")!.Element(Names + "Stmt")!;
    }

    private static class Rules
    {
        private const string Amount = @"(?=[0-9.]{1,19}$)[0-9]{1,18}(\.[0-9]{1,5})?",
            Max35 = @"[\s\S]{1,35}", Date = @"\d{4}-\d\d-\d\d", Local = @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", Time = Local + @"(\.\d{1,6})?[+-]\d\d:\d\d";

        public static readonly Dictionary<string, string> Orders = new(StringComparer.Ordinal)
        {
            ["Document"] = "BkToCstmrStmt",
            ["BkToCstmrStmt"] = "GrpHdr Stmt",
            ["GrpHdr"] = "MsgId CreDtTm",
            ["Stmt"] = "Id( ElctrncSeqNb LglSeqNb)? CreDtTm FrToDt Acct( Bal){3} TxsSummry( Ntry)*",
            ["FrToDt"] = "FrDtTm ToDtTm",
            ["Acct"] = "Id Ccy( Svcr)?",
            ["Acct/Id"] = "Othr",
            ["Othr"] = "Id",
            ["Svcr"] = "FinInstnId",
            ["FinInstnId"] = "LEI",
            ["Bal"] = "Tp Amt CdtDbtInd Dt",
            ["Tp"] = "CdOrPrtry",
            ["CdOrPrtry"] = "Cd",
            ["Bal/Dt"] = "Dt",
            ["TxsSummry"] = "TtlNtries TtlCdtNtries TtlDbtNtries",
            ["TtlNtries"] = "NbOfNtries Sum TtlNetNtry",
            ["TtlNetNtry"] = "Amt CdtDbtInd",
            ["TtlCdtNtries"] = "NbOfNtries Sum",
            ["TtlDbtNtries"] = "NbOfNtries Sum",
            ["Ntry"] = "NtryRef Amt CdtDbtInd( RvslInd)? Sts BookgDt ValDt AcctSvcrRef BkTxCd( NtryDtls)?",
            ["Sts"] = "Cd",
            ["BookgDt"] = "Dt",
            ["ValDt"] = "Dt",
            ["BkTxCd"] = "Domn( Prtry)?",
            ["Domn"] = "Cd Fmly",
            ["Fmly"] = "Cd SubFmlyCd",
            ["Prtry"] = "Cd",
            ["NtryDtls"] = "TxDtls",
            ["TxDtls"] = "Refs Amt CdtDbtInd( RmtInf)?",
            ["Refs"] = "AcctSvcrRef EndToEndId",
            ["RmtInf"] = "Ustrd( Ustrd)*",
        };

        public static readonly Dictionary<string, string> Forms = new(StringComparer.Ordinal)
        {
            ["MsgId"] = Max35,
            ["Id"] = Max35,
            ["Othr/Id"] = @"[\s\S]{1,34}",
            ["CreDtTm"] = Time,
            ["FrDtTm"] = Local,
            ["ToDtTm"] = Local,
            ["ElctrncSeqNb"] = "[0-9]{1,18}",
            ["LglSeqNb"] = "[0-9]{1,18}",
            ["RvslInd"] = "true",
            ["Ccy"] = "[A-Z]{3}",
            ["LEI"] = "[A-Z0-9]{18}[0-9]{2}",
            ["CdOrPrtry/Cd"] = "OPBD|CLBD|CLAV",
            ["Amt"] = Amount,
            ["Sum"] = Amount,
            ["CdtDbtInd"] = "CRDT|DBIT",
            ["Dt"] = Date,
            ["NbOfNtries"] = "[0-9]{1,15}",
            ["NtryRef"] = Max35,
            ["AcctSvcrRef"] = Max35,
            ["Sts/Cd"] = "BOOK",
            ["Domn/Cd"] = "PMNT",
            ["Fmly/Cd"] = "ICDT|RCDT",
            ["SubFmlyCd"] = "OTHR",
            ["Prtry/Cd"] = Max35,
            ["EndToEndId"] = Max35,
            ["Ustrd"] = @"[\s\S]{1,140}",
        };
    }
}
