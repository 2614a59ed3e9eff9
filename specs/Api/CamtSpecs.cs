using System.Text;
using System.Xml.Linq;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Engine.Cli;
using static BankingEngine.Specs.Api.CamtMessage;

namespace BankingEngine.Specs.Api;

/// <summary>Statements as messages of ISO 20022, of whatever the ledger may hold.</summary>
public sealed class CamtSpecs
{
    private const string Alice = "customers:alice";

    /// <summary>What markup, encodings and the message's own lengths make hard.</summary>
    public static readonly string[] HardTexts =
    [
        "a<b>&\"c\"'d'", "]]>", "<![CDATA[x]]>", "<!--", "&#0;", " ", "  two  blanks ", "NOTPROVIDED", new('x', 35),
        new('x', 36), new('x', 140), new('x', 141), $"{new string('x', 139)}😀", new('é', 35), "Überweisung für Ægir", "日本語の参照", "שלום", "\u202Etxt.exe",
        "😀 pays 👨‍👩‍👧", string.Concat(Enumerable.Repeat("😀", 60)), "e\u0301", "\uFEFFmark", "\uFFFE\uFFFF", "\uFDD0", "tab\tnew\nline\rend",
        "\u0000nul", "\u0001\u0008\u000B\u000C\u001F", "\u007F\u0080\u0085\u009F", "\u2028\u2029",
    ];

    [Fact]
    public async Task Every_statement_is_valid_whatever_its_texts_say()
    {
        await using var bank = await ReadsHost.StartAsync();
        foreach (var text in HardTexts) await Pay(bank, "bank:cash", Alice, "EUR", 1, text);
        var entries = (await Valid(bank, Alice, "EUR")).Elements(Names + "Ntry").ToList();
        foreach (var (entry, text) in entries.TakeLast(HardTexts.Length).Zip(HardTexts))
        {
            var shown = string.Concat(text.EnumerateRunes().Select(Shown));
            if (text.Trim().Length == 0) entry.Elements(Names + "NtryDtls").Should().BeEmpty("blanks are no reference");
            else if (text.Length <= 35) entry.Descendants(Names + "EndToEndId").Single().Value.Should().Be(shown);
            else
            {
                entry.Descendants(Names + "EndToEndId").Single().Value.Should().Be("NOTPROVIDED");
                string.Concat(entry.Descendants(Names + "Ustrd").Select(line => line.Value)).Should().Be(shown);
            }
        }
    }

    [Fact]
    public async Task Statements_of_every_size_sign_and_scale_are_valid()
    {
        await using var bank = await ReadsHost.StartAsync();
        var longest = "c:" + new string('a', 32);
        await Open(bank, longest);
        (await Valid(bank, longest, "EUR")).Elements(Names + "Ntry").Should().BeEmpty();
        foreach (var code in new[] { "KWD", "JPY", "CLF", "USD" })
        {
            await Pay(bank, "bank:vault", longest, code, 1, null);
            (await Valid(bank, longest, code)).Elements(Names + "Ntry").Should().ContainSingle();
            (await Valid(bank, "bank:vault", code)).Elements(Names + "Bal").Last().Element(Names + "CdtDbtInd")!.Value
                .Should().Be("DBIT", "it gave what it did not have");
        }
        await Task.WhenAll(Enumerable.Range(1, 3_000).Select(i => Send(bank, new MakeTransfer(
            AccountId.Parse("bank:vault"), AccountId.Parse(longest), new(AssetCode.Parse("EUR"), i, 2),
            new(Reference: $"payment {i}")))));
        (await Valid(bank, longest, "EUR")).Elements(Names + "Ntry").Should().HaveCount(3_000);
        await Pay(bank, "bank:vault", longest, "JPY", 999_999_999_999_999_998, null);
        (await Valid(bank, longest, "JPY")).Elements(Names + "Bal").Last().Element(Names + "Amt")!.Value
            .Should().Be("999999999999999999");
        await Pay(bank, "bank:vault", longest, "JPY", 1, null);
        (await Refusal(bank, longest, "JPY")).Should().Be((422, "statement.not_in_camt"), "nineteen digits are too many");
    }

    [Fact]
    public async Task A_reversal_is_marked_and_keeps_the_kind_of_what_it_takes_back()
    {
        await using var bank = await ReadsHost.StartAsync();
        var paid = await bank.Pay("5.00", "twice by mistake");
        await bank.Post($"/v1/transfers/{paid.GetProperty("id").GetString()}/reverse", """{"reason":"twice"}""");
        var statement = await Valid(bank, Alice, "EUR");
        var (made, back) = (statement.Elements(Names + "Ntry").ElementAt(^2), statement.Elements(Names + "Ntry").Last());
        made.Elements(Names + "RvslInd").Should().BeEmpty();
        back.Element(Names + "RvslInd")!.Value.Should().Be("true");
        back.Element(Names + "CdtDbtInd")!.Value.Should().Be("CRDT");
        made.Element(Names + "BkTxCd")!.Value.Should().Be("PMNTICDTOTHR").And.Be(back.Element(Names + "BkTxCd")!.Value);
        var json = (await bank.Get(Address(Alice, "EUR", await Today(bank)))).GetProperty("entries");
        json[json.GetArrayLength() - 1].GetProperty("reversal").GetBoolean().Should().BeTrue();
        json[json.GetArrayLength() - 2].TryGetProperty("reversal", out _).Should().BeFalse();
    }

    [Fact]
    public async Task An_issued_statement_is_numbered_for_machines_and_for_the_law_and_stays_valid()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Post($"/v1/accounts/{Alice}/statements",
            $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}","formats":["camt053"]}""");
        var (status, text) = await bank.Ask($"/v1/accounts/{Alice}/statements/1?format=camt053");
        status.Should().Be(200, text);
        var statement = Checked(text);
        statement.Element(Names + "ElctrncSeqNb")!.Value.Should().Be("1");
        statement.Element(Names + "LglSeqNb")!.Value.Should().Be("1");
        statement.Element(Names + "CreDtTm")!.Value.Should().EndWith("+00:00");
        statement.Element(Names + "FrToDt")!.Value.Should().Be($"{today}T00:00:00{today}T23:59:59");
        statement.Elements(Names + "Bal").Select(b => b.Element(Names + "Tp")!.Value).Should().Equal("OPBD", "CLBD", "CLAV");
    }

    [Theory]
    [InlineData("BTC", 8, "more decimals than the message has")]
    [InlineData("USDC", 2, "more letters than the message has")]
    [InlineData("XAU", 4, "a metal, which has no minor unit")]
    [InlineData("QQQ", 2, "no currency at all")]
    public async Task What_is_no_currency_is_refused_in_this_form_and_in_no_other(string code, int scale, string because)
    {
        await using var bank = await ReadsHost.StartAsync();
        await bank.Post("/v1/assets", $$"""{"asset":"{{code}}","scale":{{scale}},"title":"Other"}""");
        (await Refusal(bank, Alice, code)).Should().Be((422, "statement.no_currency"), because);
        var address = Address(Alice, code, await Today(bank));
        foreach (var format in new[] { "json", "csv", "html" })
            (await bank.Ask($"{address}&format={format}")).Status.Should().Be(200);
    }

    [Fact]
    public async Task An_account_with_a_longer_name_than_the_message_takes_is_refused()
    {
        await using var bank = await ReadsHost.StartAsync();
        var longer = "c:" + new string('a', 33);
        await Open(bank, longer);
        (await Refusal(bank, longer, "EUR")).Should().Be((422, "statement.not_in_camt"));
    }

    [DataFact]
    public async Task The_schema_notices_what_is_wrong()
    {
        await using var bank = await ReadsHost.StartAsync();
        var text = (await bank.Ask(Address(Alice, "EUR", await Today(bank)) + "&format=camt053")).Body;
        Faults(text).Should().BeEmpty();
        Faults(text.Replace("<Sts><Cd>BOOK</Cd></Sts>", "", StringComparison.Ordinal)).Should().NotBeEmpty();
        Faults(text.Replace("CRDT", "CRED", StringComparison.Ordinal)).Should().NotBeEmpty();
        Faults(text.Replace("Ccy=\"EUR\"", "Ccy=\"EURO\"", StringComparison.Ordinal)).Should().NotBeEmpty();
        Faults(text.Replace("<Amt Ccy=\"EUR\">", "<Amt Ccy=\"EUR\">-", StringComparison.Ordinal)).Should().NotBeEmpty();
    }

    private static string Shown(Rune rune) => rune.Value switch
    {
        '\t' or '\n' or '\r' => rune.ToString(),
        0xFFFE or 0xFFFF => "\uFFFD",
        _ => Rune.IsControl(rune) ? "\uFFFD" : rune.ToString(),
    };

    private static async Task<XElement> Valid(ReadsHost bank, string account, string asset)
    {
        var (status, text) = await bank.Ask(Address(account, asset, await Today(bank)) + "&format=camt053");
        status.Should().Be(200, text);
        return Checked(text);
    }

    private static async Task<(int, string?)> Refusal(ReadsHost bank, string account, string asset) =>
        await bank.Refusal(Address(account, asset, await Today(bank)) + "&format=camt053");

    private static string Address(string account, string asset, string day) =>
        $"/v1/accounts/{account}/statement?asset={asset}&from={day}&through={day}";

    private static async Task<string> Today(ReadsHost bank) =>
        (await bank.Get("/v1/periods")).GetProperty("business_date").GetString()!;

    private static Task Open(ReadsHost bank, string account) => Send(bank, new OpenAccount(
        AccountId.Parse(account), AccountClass.Liability, Tag.Of("2000"), default, AccountFlags.AnyAsset, []));

    /// <summary>Straight to the engine: a channel's texts are held to printable ASCII, an import's are not.</summary>
    private static async Task Pay(ReadsHost bank, string debit, string credit, string asset, long minor, string? reference)
    {
        var accounts = await bank.Book.Engine.ReadAsync((b, _) => b.Ledger.Tables.Accounts.Find(AccountId.Parse(debit)));
        if (accounts < 0) await Open(bank, debit);
        var scale = await bank.Book.Engine.ReadAsync((b, _) =>
            b.Ledger.Tables.Assets.TryGet(AssetCode.Parse(asset), out var row) ? row.Asset.Scale : (byte)0);
        await Send(bank, new MakeTransfer(
            AccountId.Parse(debit), AccountId.Parse(credit), new(AssetCode.Parse(asset), minor, scale),
            new(Reference: reference)));
    }

    private static async Task Send(ReadsHost bank, Command command)
    {
        var answer = await bank.Book.Engine.SendAsync(new(default, Envelope.Engine, 0), command, "spec");
        answer.Ended.Ending.Should().Be(Ending.Accepted, "{0}", answer.Ended.Rejection?.Code);
    }
}
