using System.Text;
using System.Text.Json;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api;

/// <summary>Which form of a statement a caller gets, what each lets through, and where statements end.</summary>
public sealed class StatementFormsSpecs
{
    private const string Alice = "/v1/accounts/customers:alice";

    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("text/csv", "text/csv")]
    [InlineData("text/csv, application/json", "application/json")]
    [InlineData("text/csv, application/json;q=0.5", "text/csv")]
    [InlineData("application/json;q=0, */*", "text/csv")]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html")]
    [InlineData("application/xml", "application/xml")]
    [InlineData("text/*;q=0.1, text/html", "text/html")]
    [InlineData("text/*", "text/csv")]
    [InlineData("this is no header", "application/json")]
    [InlineData("application/pdf", null)]
    [InlineData("application/pdf, image/*;q=0.3", null)]
    [InlineData("*/*;q=0", null)]
    public async Task The_form_is_the_one_that_the_caller_likes_best(string? accept, string? type)
    {
        await using var bank = await ReadsHost.StartAsync();
        var address = await Address(bank);
        using var answer = await Get(bank, address, accept);
        ((int)answer.StatusCode).Should().Be(type is null ? 406 : 200);
        answer.Content.Headers.ContentType!.MediaType.Should().Be(type ?? Problems.ContentType);
        if (type is null) (await CodeOf(answer)).Should().Be("request.not_acceptable");
        using var stated = await Get(bank, address + "&format=csv", accept);
        stated.Content.Headers.ContentType!.MediaType.Should().Be("text/csv", "a format that is stated has the last word");
    }

    [Fact]
    public async Task An_issued_statement_has_no_form_that_nobody_can_take()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Post($"{Alice}/statements", $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}"}""");
        using var none = await Get(bank, $"{Alice}/statements/1", "image/png");
        ((int)none.StatusCode, await CodeOf(none)).Should().Be((406, "request.not_acceptable"));
        using var issued = await Get(bank, $"{Alice}/statements/1", "text/csv");
        ((int)issued.StatusCode, await CodeOf(issued)).Should().Be((404, "statement.format_not_issued"));
    }

    [Theory]
    [InlineData("from=2026-02-01&through=2026-01-31", 400, "request.query_malformed")]
    [InlineData("from=0000-01-01&through=2026-01-31", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=99999-01-01", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=2026-13-01", 400, "request.query_malformed")]
    [InlineData("from=1970-01-01&through=9999-12-31", 200, null)]
    [InlineData("from=1970-01-01&through=1970-01-01", 200, null)]
    [InlineData("from=9999-12-31&through=9999-12-31", 200, null)]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=0", 200, null)]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=1", 200, null)]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=1999-01-01T00:00:00Z", 200, null)]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=999999", 400, "position.beyond_end")]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=2999-01-01T00:00:00Z", 400, "position.beyond_end")]
    [InlineData("from=2026-01-01&through=2026-01-31&as-of=-1", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=2026-01-31&after=999999", 400, "position.beyond_end")]
    [InlineData("from=2026-01-01&through=2026-01-31&format=", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=2026-01-31&format=JSON", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=2026-01-31&format=camt.053", 400, "request.query_malformed")]
    [InlineData("from=2026-01-01&through=2026-01-31&page=2", 400, "request.query_malformed")]
    public async Task Every_question_has_an_answer_and_none_is_a_fault(string query, int status, string? code)
    {
        await using var bank = await ReadsHost.StartAsync();
        foreach (var format in query.Contains("format", StringComparison.Ordinal) ? [""] : new[] { "", "&format=csv", "&format=camt053", "&format=html" })
        {
            var (found, body) = await bank.Ask($"{Alice}/statement?asset=EUR&{query}{format}");
            found.Should().Be(status, body);
            if (code is not null) JsonDocument.Parse(body).RootElement.GetProperty("code").GetString().Should().Be(code);
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("2")]
    [InlineData("-1")]
    [InlineData("01x")]
    [InlineData("2147483647")]
    [InlineData("2147483648")]
    [InlineData("99999999999999999999")]
    [InlineData("%31%20")]
    public async Task A_number_that_was_not_issued_is_not_found(string number)
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Post($"{Alice}/statements", $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}"}""");
        (await bank.Refusal($"{Alice}/statements/{number}")).Should().Be((404, "statement.not_found"));
    }

    [Fact]
    public async Task More_than_a_million_entries_are_refused_and_a_million_are_not()
    {
        await using var bank = await ReadsHost.StartAsync();
        var address = await Address(bank, "bank:vault");
        await Send(bank, new OpenAccount(AccountId.Parse("bank:vault"), AccountClass.Asset, Tag.Of("1000"), default,
            AccountFlags.AnyAsset, []));
        var cent = new StatedAmount(AssetCode.Parse("EUR"), 1, 2);
        var leg = new StatedLeg(AccountId.Parse("bank:vault"), Side.Debit, cent);
        var many = new PostEntry(
            [.. Enumerable.Repeat(leg, 250), new(AccountId.Parse("bank:cash"), Side.Credit, cent with { Digits = 250 })],
            Particulars.None);
        for (var i = 0; i < 4_000; i += 500)
            await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => Send(bank, many)));
        while (await bank.Book.ReadModels.AccountsAsync(bank.Book.Engine.DurablePosition) is null) { }
        using (var whole = await bank.Client.GetAsync(address + "&format=csv", HttpCompletionOption.ResponseHeadersRead))
            ((int)whole.StatusCode).Should().Be(200);
        await Send(bank, new MakeTransfer(
            AccountId.Parse("bank:vault"), AccountId.Parse("bank:cash"), cent, Particulars.None));
        (await bank.Refusal(address)).Should().Be((422, "statement.too_long"));
        var today = await Today(bank);
        var (status, body) = await bank.Send("/v1/accounts/bank:vault/statements",
            $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}"}""");
        (status, body.Contains("statement.too_long", StringComparison.Ordinal)).Should().Be((422, true));
    }

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData(" =1", "\"' =1\"")]
    [InlineData("\"=1\"", "\"'\"\"=1\"\"\"")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("\n1", "\"'\n1\"")]
    [InlineData("＝1", "'＝1")]
    [InlineData("＋1", "'＋1")]
    [InlineData("＠1", "'＠1")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("a\"b", "\"a\"\"b\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("a=b", "a=b")]
    [InlineData("ends ", "\"ends \"")]
    [InlineData("Überweisung", "Überweisung")]
    public async Task A_text_in_csv_is_neither_a_formula_nor_another_field(string text, string field)
    {
        await using var bank = await ReadsHost.StartAsync();
        await Pay(bank, text, "-1");
        using var answer = await Get(bank, await Address(bank) + "&format=csv", null);
        answer.Content.Headers.ContentType!.ToString().Should().Be("text/csv; charset=utf-8; header=present");
        var csv = Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync());
        csv.Should().Contain($",bank:cash,'-1,{field}\r\n").And.EndWith("\r\n");
        foreach (var line in Fields(csv)) line.Should().HaveCount(12);
    }

    [Fact]
    public async Task A_printed_statement_may_show_itself_and_do_nothing_else()
    {
        await using var bank = await ReadsHost.StartAsync();
        await Pay(bank, "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>\u0000\u0085&amp;\"'", "code");
        using var answer = await Get(bank, await Address(bank) + "&format=html", null);
        var page = await answer.Content.ReadAsStringAsync();
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        var style = page.Split("<style>")[1].Split("</style>")[0];
        var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(style)));
        policy.Should().Be($"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'").And.NotContain("unsafe");
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
        answer.Content.Headers.ContentType!.ToString().Should().Be("text/html; charset=utf-8");
        page.Should().Contain("&lt;/td&gt;&lt;/table&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"
            + "\uFFFD\uFFFD&amp;amp;&quot;&#39;").And.NotContain("<script").And.NotContain("<img").And.NotContain("style=");
        page.Should().Contain("@page").And.Contain("@media print").And.Contain("<html lang=\"en\">");
    }

    /// <summary>Reads lines of RFC 4180 as a program would that knows nothing of ours.</summary>
    private static IEnumerable<List<string>> Fields(string csv)
    {
        var (fields, field, isQuoted) = (new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < csv.Length; i++)
        {
            if (isQuoted && csv[i] == '"' && i + 1 < csv.Length && csv[i + 1] == '"') field.Append(csv[i++]);
            else if (csv[i] == '"') isQuoted = !isQuoted;
            else if (!isQuoted && csv[i] == ',') Next();
            else if (!isQuoted && csv[i] == '\r' && csv[i + 1] == '\n')
            {
                Next();
                yield return fields;
                fields = [];
                i++;
            }
            else field.Append(csv[i]);
        }
        (fields.Count, field.Length, isQuoted).Should().Be((0, 0, false), "the last line ends as all do");

        void Next()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
    }

    private static async Task<HttpResponseMessage> Get(ReadsHost bank, string address, string? accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        return await bank.Client.SendAsync(request);
    }

    private static async Task<string?> CodeOf(HttpResponseMessage answer) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString();

    private static async Task<string> Address(ReadsHost bank, string account = "customers:alice")
    {
        var today = await Today(bank);
        return $"/v1/accounts/{account}/statement?asset=EUR&from={today}&through={today}";
    }

    private static async Task<string> Today(ReadsHost bank) =>
        (await bank.Get("/v1/periods")).GetProperty("business_date").GetString()!;

    /// <summary>Straight to the engine: a channel's texts are held to printable ASCII, an import's are not.</summary>
    private static Task Pay(ReadsHost bank, string reference, string code) => Send(bank, new MakeTransfer(
        AccountId.Parse("bank:cash"), AccountId.Parse("customers:alice"), new(AssetCode.Parse("EUR"), 1, 2),
        new(Tag.Of(code), reference)));

    private static async Task Send(ReadsHost bank, Command command)
    {
        var answer = await bank.Book.Engine.SendAsync(new(default, Envelope.Engine, 0), command, "spec");
        answer.Ended.Ending.Should().Be(Ending.Accepted, "{0}", answer.Ended.Rejection?.Code);
    }
}
