using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Api;

public sealed class StatementEndpointSpecs
{
    private const string Alice = "/v1/accounts/customers:alice";
    private static readonly XNamespace Camt = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

    [Fact]
    public async Task A_statement_shows_opening_entries_and_closing_and_they_add_up()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Pay("23.30", "order-1");
        var statement = await bank.Get($"{Alice}/statement?asset=EUR&from={today}&through={today}");
        statement.GetProperty("number").ValueKind.Should().Be(JsonValueKind.Null, "it was not issued");
        var entries = statement.GetProperty("entries").EnumerateArray().ToList();
        var balance = Figure(statement, "opening");
        foreach (var entry in entries)
        {
            balance += (entry.GetProperty("side").GetString() == "credit" ? 1 : -1) * Figure(entry, "amount");
            Figure(entry, "balance").Should().Be(balance);
        }
        Figure(statement, "closing").Should().Be(balance).And.Be(900.00m);
        entries[^1].GetProperty("reference").GetString().Should().Be("order-1");
        entries[^1].GetProperty("counter_account").GetString().Should().Be("customers:bob");
        var before = statement.GetProperty("position").GetInt64() - 1;
        var earlier = await bank.Get($"{Alice}/statement?asset=EUR&from={today}&through={today}&as-of={before}");
        Figure(earlier, "closing").Should().Be(923.30m);
        var later = await bank.Get($"{Alice}/statement?asset=EUR&from=2100-01-01&through=2100-12-31&dates=value");
        (Figure(later, "opening"), later.GetProperty("entries").GetArrayLength()).Should().Be((900.00m, 0));
    }

    [Fact]
    public async Task A_statement_as_csv_guards_against_formulas_and_quotes()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Pay("1.00", "=cmd()");
        await bank.Pay("2.00", "a,\\\"b\\\"");
        var (status, text) = await bank.Ask($"{Alice}/statement?asset=EUR&from={today}&through={today}", "text/csv");
        status.Should().Be(200);
        var lines = text.Split("\r\n");
        lines[0].Should().Be("row,account,asset,position,booked_on,value_on,side,amount,balance,counter_account,code,reference");
        lines[1].Should().Be($"opening,customers:alice,EUR,,,{today},,,0.00,,,");
        lines[^4].Should().EndWith(",debit,1.00,922.30,customers:bob,,'=cmd()");
        lines[^3].Should().EndWith(",debit,2.00,920.30,customers:bob,,\"a,\"\"b\"\"\"");
        lines[^2].Should().StartWith("closing,").And.EndWith(",920.30,,,");
    }

    [Fact]
    public async Task A_printed_statement_is_whole_in_itself_and_shows_no_text_as_markup()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Pay("1.00", "<script>alert('x')</script>&");
        var (status, page) = await bank.Ask($"{Alice}/statement?asset=EUR&from={today}&through={today}&format=html");
        status.Should().Be(200);
        page.Should().Contain("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;").And.NotContain("<script")
            .And.NotContain("http:").And.NotContain("https:").And.NotContain("url(").And.Contain("@media print");
        Regex.Count(page, "Opening balance").Should().Be(2, "in the header and before the entries");
        page.Should().Contain("922.30");
    }

    [Fact]
    public async Task A_statement_as_camt_053_keeps_the_rules_of_the_message()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        await bank.Pay("1.00", "short & sweet");
        await bank.Pay("2.00", new string('x', 36));
        var later = BusinessDate.Parse(today).AddDays(30);
        await bank.Post("/v1/transfers", $$$"""
            {"debit":"bank:cash","credit":"customers:alice","amount":{"asset":"EUR","amount":"7.00"},"value_on":"{{{later}}}"}
            """);
        var address = $"{Alice}/statement?asset=EUR&from={today}&through={today}";
        var (status, text) = await bank.Ask(address, "application/xml");
        status.Should().Be(200, text);
        var statement = CamtMessage.Checked(text);
        Balance(statement, "OPBD").Should().Be(0m);
        Balance(statement, "CLBD").Should().Be(927.30m);
        Balance(statement, "CLAV").Should().Be(920.30m, "seven euros have value only next month");
        var entries = statement.Elements(Camt + "Ntry").ToList();
        entries.Select(Signed).Sum().Should().Be(927.30m);
        entries[^3].Descendants(Camt + "EndToEndId").Single().Value.Should().Be("short & sweet");
        entries[^2].Descendants(Camt + "Ustrd").Single().Value.Should().HaveLength(36);
        entries[^2].Descendants(Camt + "EndToEndId").Single().Value.Should().Be("NOTPROVIDED");
        statement.Elements(Camt + "ElctrncSeqNb").Should().BeEmpty("it was not issued");
        (await bank.Refusal(address + "&format=camt053&dates=value")).Should().Be((422, "statement.not_in_camt"));
        await bank.Post("/v1/assets", """{"asset":"BTC","scale":8,"title":"Bitcoin"}""");
        (await bank.Refusal($"{Alice}/statement?asset=BTC&from={today}&through={today}&format=camt053"))
            .Should().Be((422, "statement.no_currency"));
    }

    [Fact]
    public async Task A_statement_that_was_issued_is_printed_again_with_the_same_bytes()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        var body = $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}","formats":["html","camt053"]}""";
        var receipt = await bank.Post($"{Alice}/statements", body);
        receipt.GetProperty("number").GetInt32().Should().Be(1);
        await bank.Pay("9.00", "after");
        var listed = await bank.Get($"{Alice}/statements?after={receipt.GetProperty("position")}");
        listed.GetProperty("statements").GetArrayLength().Should().Be(1, listed.ToString());
        var copies = listed.GetProperty("statements")[0].GetProperty("copies").EnumerateArray()
            .ToDictionary(c => c.GetProperty("format").GetString()!, c => c.GetProperty("sha256").GetString());
        copies.Keys.Should().Equal("json", "camt053", "html");
        foreach (var (format, sha256) in copies)
        {
            var (status, text) = await bank.Ask($"{Alice}/statements/1?format={format}");
            status.Should().Be(200, text);
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))).Should().Be(sha256, format);
            text.Should().NotContain("after");
        }
        var json = await bank.Get($"{Alice}/statements/1");
        json.GetProperty("number").GetInt32().Should().Be(1);
        CamtMessage.Checked((await bank.Ask($"{Alice}/statements/1?format=camt053")).Body)
            .Element(Camt + "ElctrncSeqNb")!.Value.Should().Be("1");
        (await bank.Refusal($"{Alice}/statements/1?format=csv")).Should().Be((404, "statement.format_not_issued"));
        (await bank.Refusal($"{Alice}/statements/2")).Should().Be((404, "statement.not_found"));
        (await bank.Refusal($"{Alice}/statements/0")).Should().Be((404, "statement.not_found"));
        (await bank.Refusal($"{Alice}/statements/one")).Should().Be((404, "statement.not_found"));
        (await bank.Refusal("/v1/accounts/nobody/statements")).Should().Be((404, "account.not_found"));
        await bank.Book.ReadModels.RebuildAsync();
        (await bank.Ask($"{Alice}/statements/1?format=html")).Status.Should().Be(200, "rebuilt rows give the same bytes");
    }

    [Fact]
    public async Task A_period_is_issued_once_unless_it_is_asked_for_anew_and_a_repeat_is_answered_again()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        var body = $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}"}""";
        var key = Guid.CreateVersion7().ToString();
        var first = await Send(bank, body, key);
        var again = await Send(bank, body, key);
        again.Should().Be(first, "the same id has the same answer, whatever came between");
        (await Send(bank, body)).Should().Match<(int Status, string Body)>(a => a.Status == 409 && a.Body.Contains("statement.already_issued"));
        var anew = await Send(bank, body.Replace("}", ",\"anew\":true}", StringComparison.Ordinal));
        JsonDocument.Parse(anew.Body).RootElement.GetProperty("number").GetInt32().Should().Be(2);
        await Refused(bank, """{"asset":"EUR","from":"2099-01-01","through":"2099-01-31"}""", 422, "statement.period_ahead");
        await Refused(bank, $$"""{"asset":"EUR","from":"{{today}}","through":"2000-01-01"}""", 422, "statement.period_malformed");
        await Refused(bank, $$"""{"asset":"XXX","from":"{{today}}","through":"{{today}}"}""", 404, "asset.unknown");
        await Refused(bank, $$"""{"asset":"EUR","from":"{{today}}"}""", 400, "request.field_missing");
        await Refused(bank, $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}","formats":["pdf"]}""", 400, "request.field_malformed");
        await bank.Post("/v1/assets", """{"asset":"BTC","scale":8,"title":"Bitcoin"}""");
        await Refused(bank, $$"""{"asset":"BTC","from":"{{today}}","through":"{{today}}","formats":["camt053"]}""", 422, "statement.no_currency");
    }

    [Fact]
    public async Task Statements_that_are_issued_at_once_are_all_issued_and_numbered_without_a_gap()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        var body = $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}","formats":["camt053"],"anew":true}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            if (i % 4 == 0) await bank.Pay("0.01", "between");
            return await Send(bank, body);
        }));
        answers.Should().OnlyContain(answer => answer.Status == 201);
        answers.Select(answer => NumberOf(answer.Body)).Should().BeEquivalentTo(Enumerable.Range(1, 16));
        var key = Guid.CreateVersion7().ToString();
        var repeats = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Send(bank, body, key)));
        repeats.Select(answer => answer.Body).Distinct().Should().ContainSingle("one id issues one statement");
        NumberOf(repeats[0].Body).Should().Be(17);
        (await bank.Refusal($"{Alice}/statements/18")).Should().Be((404, "statement.not_found"));
        for (var number = 1; number <= 17; number++)
            (await bank.Ask($"{Alice}/statements/{number}?format=camt053")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Of_one_period_issued_twice_at_once_unasked_one_is_told_so_and_keeps_no_number()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        var body = $$"""{"asset":"EUR","from":"{{today}}","through":"{{today}}"}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Send(bank, body)));
        answers.Count(answer => answer.Status == 201).Should().Be(1);
        answers.Where(answer => answer.Status != 201).Should()
            .OnlyContain(answer => answer.Status == 409 && answer.Body.Contains("statement.already_issued"));
        NumberOf((await Send(bank, body.Replace("}", ",\"anew\":true}", StringComparison.Ordinal))).Body).Should().Be(2);
    }

    [Theory]
    [InlineData("application/json", """[{"id":"s","command":"statement.issue",FIELDS}]""")]
    [InlineData("application/json", """[{"id":"s","linked":[{"command":"statement.issue",FIELDS}]}]""")]
    [InlineData("application/x-ndjson", """{"id":"s","command":"statement.issue",FIELDS}""")]
    public async Task A_statement_is_issued_at_its_own_address_alone(string type, string batch)
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        var before = bank.Book.Engine.DurablePosition;
        var period = $"\"asset\":\"EUR\",\"from\":\"{today}\",\"through\":\"{today}\"";
        var fields = $"\"account\":\"customers:alice\",{period}";
        using var content = new StringContent(batch.Replace("FIELDS", fields, StringComparison.Ordinal) + "\n", Encoding.UTF8, type);
        content.Headers.ContentType = new(type);
        using var answer = await bank.Client.PostAsync("/v1/batch", content);
        var text = await answer.Content.ReadAsStringAsync();
        ((int)answer.StatusCode).Should().Be(200, text);
        var item = JsonDocument.Parse(text).RootElement is { ValueKind: JsonValueKind.Array } array ? array[0]
            : JsonDocument.Parse(text).RootElement;
        item.GetProperty("status").GetInt32().Should().Be(400);
        item.GetProperty("problem").GetProperty("code").GetString().Should().Be("request.not_in_batch");
        bank.Book.Engine.DurablePosition.Should().Be(before);
        await bank.Post($"{Alice}/statements", $"{{{period}}}");
    }

    [Theory]
    [InlineData("?from=2026-01-01&through=2026-01-31", "asset")]
    [InlineData("?asset=eur&from=2026-01-01&through=2026-01-31", "asset")]
    [InlineData("?asset=XXX&from=2026-01-01&through=2026-01-31", "asset")]
    [InlineData("?asset=EUR&through=2026-01-31", "from")]
    [InlineData("?asset=EUR&from=2026-02-01&through=2026-01-31", "through")]
    [InlineData("?asset=EUR&from=2026-02-30&through=2026-03-31", "from")]
    [InlineData("?asset=EUR&from=2026-01-01&through=2026-01-31&dates=trade", "dates")]
    [InlineData("?asset=EUR&from=2026-01-01&through=2026-01-31&format=pdf", "format")]
    [InlineData("?asset=EUR&asset=USD&from=2026-01-01&through=2026-01-31", "asset")]
    public async Task A_question_that_is_not_well_put_is_told_where(string query, string field)
    {
        await using var bank = await ReadsHost.StartAsync();
        var (status, body) = await bank.Ask($"{Alice}/statement{query}");
        status.Should().Be(400, body);
        var problem = JsonDocument.Parse(body).RootElement;
        problem.GetProperty("code").GetString().Should().Be("request.query_malformed");
        problem.GetProperty("field").GetString().Should().Be(field);
        (await bank.Refusal("/v1/accounts/nobody/statement?asset=EUR&from=2026-01-01&through=2026-01-31"))
            .Should().Be((404, "account.not_found"));
    }

    [Fact]
    public async Task Reports_name_their_price_set_and_what_it_does_not_price()
    {
        await using var bank = await ReadsHost.StartAsync();
        var today = await Today(bank);
        (await bank.Refusal("/v1/balance-sheet")).Should().Be((400, "request.query_malformed"));
        (await bank.Refusal("/v1/balance-sheet?price-set=close")).Should().Be((404, "price_set.not_found"));
        await bank.Post("/v1/exchanges", """
            {"account":"customers:alice","sold":{"asset":"EUR","amount":"9.00"},"bought":{"asset":"USD","amount":"10.00"},"desk":"fx"}
            """);
        await Publish(bank, today, """{"price_set":{"prices":[{"asset":"CHF","price":"1.05"}]}}""");
        var blind = await bank.Get("/v1/balance-sheet?price-set=close");
        blind.GetProperty("missing_prices").EnumerateArray().Select(a => a.GetString()).Should().Equal("USD");
        await Publish(bank, today, """{"price_set":{"prices":[{"asset":"USD","price":"0.888"}]}}""");
        var sheet = await bank.Get("/v1/balance-sheet?price-set=close");
        sheet.GetProperty("price_set").GetProperty("version").GetInt32().Should().Be(2);
        sheet.GetProperty("missing_prices").GetArrayLength().Should().Be(0);
        var totals = sheet.GetProperty("totals");
        (Figure(totals, "liabilities") + Figure(totals, "equity") + Figure(totals, "result")
            + Figure(totals, "rounding_remainder")).Should().Be(Figure(totals, "assets"));
        sheet.GetProperty("lines").EnumerateArray().Should().Contain(l => l.GetProperty("asset").GetString() == "USD"
            && l.GetProperty("amount").GetString() == "10.00" && l.GetProperty("value").GetString() == "8.88");
        var first = await bank.Get("/v1/balance-sheet?price-set=close&price-version=1");
        first.GetProperty("price_set").GetProperty("version").GetInt32().Should().Be(1);
        var income = await bank.Get($"/v1/income-statement?price-set=close&from={today}&through={today}");
        income.GetProperty("totals").GetProperty("income").GetString().Should().Be("1.20");
        (await bank.Refusal($"/v1/income-statement?price-set=close&from={today}")).Should().Be((400, "request.query_malformed"));
        var open = (await bank.Get("/v1/currency-positions")).GetProperty("positions")[0];
        (open.GetProperty("desk").GetString(), open.GetProperty("open").GetString(), open.GetProperty("cost").GetString())
            .Should().Be(("fx", "-10.00", "-9.00"));
        await Publish(bank, today, $$$"""{"price_set":{"prices":[{"asset":"USD","price":"{{{new string('9', 20)}}}"}]}}""");
        (await bank.Get("/v1/balance-sheet?price-set=close")).GetProperty("price_set").GetProperty("version").GetInt32().Should().Be(3);
        (await bank.Refusal("/v1/balance-sheet?price-set=no.such")).Should().Be((404, "price_set.not_found"));
    }

    [Fact]
    public async Task What_is_at_risk_is_told_by_asset_to_readers_and_by_party_to_those_who_may_see_parties()
    {
        await using var bank = await ReadsHost.StartAsync();
        var party = (await bank.Post("/v1/parties", """{"kind":"person","jurisdiction":"de","name":"Anna Example"}"""))
            .GetProperty("id").GetString();
        await bank.Post($"{Alice}/holders", $$"""{"mode":"several","holders":[{"party":"{{party}}"}]}""");
        var lines = (await bank.Get("/v1/exposures")).GetProperty("exposures").EnumerateArray().ToList();
        lines.Should().ContainSingle(l => l.GetProperty("asset").GetString() == "EUR" && l.GetProperty("books").GetString() == "own");
        var (status, text) = await bank.Ask($"/v1/party-exposures?party={party}");
        status.Should().Be(200, text);
        text.Should().NotContain("Anna");
        JsonDocument.Parse(text).RootElement.GetProperty("exposures")[0].GetProperty("holds").GetString().Should().Be("923.30");
        (await bank.Refusal("/v1/party-exposures?party=anna")).Should().Be((400, "request.query_malformed"));
        (await bank.Refusal($"/v1/party-exposures?party={Guid.CreateVersion7()}")).Should().Be((404, "party.not_found"));
    }

    [Fact]
    public async Task Who_looks_at_what_parties_hold_is_recorded_for_each_party_that_was_shown()
    {
        await using var bank = await ReadsHost.StartAsync();
        var (anna, ben) = (await Register(bank, "Anna"), await Register(bank, "Ben"));
        await bank.Post($"{Alice}/holders", $$"""{"mode":"several","holders":[{"party":"{{anna}}"}]}""");
        await bank.Post("/v1/accounts/customers:bob/holders", $$"""{"mode":"several","holders":[{"party":"{{ben}}"}]}""");
        await bank.Get("/v1/party-exposures?limit=1");
        (await Looks(bank, anna), await Looks(bank, ben)).Should().Be((1, 0), "Ben stands on the next page");
        await bank.Get("/v1/party-exposures");
        (await Looks(bank, anna), await Looks(bank, ben)).Should().Be((2, 1));
        await bank.Get($"/v1/party-exposures?party={ben}&as-of=1");
        (await Looks(bank, anna), await Looks(bank, ben)).Should().Be((2, 2), "he was looked for, though nothing was found");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/party-exposures?party={anna}");
        request.Headers.Add("Access-Reason", "Credit review.");
        using var answer = await bank.Client.SendAsync(request);
        ((int)answer.StatusCode).Should().Be(200);
        var look = (await bank.Get($"/v1/access-log?party={anna}&after={bank.Book.Engine.DurablePosition}")).GetProperty("looks")[0];
        (look.GetProperty("read").GetString(), look.GetProperty("reason").GetString(), look.GetProperty("key").GetString())
            .Should().Be(("exposure.by_party", "Credit review.", "demo"));
        var before = bank.Book.Engine.DurablePosition;
        (await bank.Refusal("/v1/party-exposures?limit=101")).Should().Be((400, "request.query_malformed"));
        using var wordy = new HttpRequestMessage(HttpMethod.Get, "/v1/party-exposures");
        wordy.Headers.Add("Access-Reason", new string('x', 141));
        using var refused = await bank.Client.SendAsync(wordy);
        ((int)refused.StatusCode, bank.Book.Engine.DurablePosition).Should().Be((400, before), "nobody saw anything");
    }

    [Fact]
    public async Task A_page_that_is_kept_is_for_those_alone_who_may_see_parties_and_is_a_look_each_time()
    {
        await using var bank = await ReadsHost.StartAsync();
        var (anna, ben) = (await Register(bank, "Anna"), await Register(bank, "Ben"));
        await bank.Post($"{Alice}/holders", $$"""{"mode":"several","holders":[{"party":"{{anna}}"},{"party":"{{ben}}"}]}""");
        var reader = (await bank.Post("/v1/keys", """{"key":"reader","scopes":["read"]}""")).GetProperty("token").GetString();
        var first = await bank.Get("/v1/party-exposures?limit=1");
        var second = $"/v1/party-exposures?limit=1&cursor={first.GetProperty("next").GetString()}";
        (await bank.Ask(second, key: reader)).Should().Match<(int Status, string Body)>(
            a => a.Status == 403 && !a.Body.Contains(ben) && !a.Body.Contains("exposures"));
        for (var look = 1; look <= 2; look++)
        {
            Lines(await bank.Get(second)).Should().Equal((ben, "461.65"));
            (await Looks(bank, anna), await Looks(bank, ben)).Should().Be((1, look));
        }
    }

    [Fact]
    public async Task What_parties_held_is_told_of_any_position_time_and_accounting_date_and_page_by_page()
    {
        await using var bank = await ReadsHost.StartAsync();
        var (anna, ben) = (await Register(bank, "Anna"), await Register(bank, "Ben"));
        var none = bank.Book.Engine.DurablePosition;
        var sets = new List<JsonElement>();
        foreach (var party in new[] { anna, ben })
            sets.Add(await bank.Post($"{Alice}/holders", $$"""{"mode":"several","holders":[{"party":"{{party}}"}]}"""));
        await bank.Pay("23.30");
        (await Held(bank, "")).Should().Equal((ben, "900.00"));
        (await Held(bank, $"as-of={none}")).Should().BeEmpty();
        (await Held(bank, $"as-of={Position(sets[0])}")).Should().Equal((anna, "923.30"));
        (await Held(bank, $"as-of={Position(sets[1])}")).Should().Equal((ben, "923.30"));
        (await Held(bank, $"as-of={sets[0].GetProperty("recorded_at")}")).Should().Equal((anna, "923.30"));
        (await Held(bank, $"as-of={sets[1].GetProperty("recorded_at")}")).Should().Equal((ben, "923.30"));
        (await Held(bank, "booked-on=2000-01-01")).Should().BeEmpty();
        (await Held(bank, $"as-of={Position(sets[0])}&party={ben}")).Should().BeEmpty();
        (await bank.Refusal("/v1/party-exposures?as-of=999999")).Should().Be((400, "position.beyond_end"));
        await bank.Post("/v1/accounts/customers:bob/holders",
            $$"""{"mode":"several","holders":[{"party":"{{anna}}","share_ppm":400000},{"party":"{{ben}}","share_ppm":600000}]}""");
        var first = await bank.Get("/v1/party-exposures?limit=1");
        await bank.Pay("100.00");
        var second = await bank.Get($"/v1/party-exposures?limit=1&cursor={first.GetProperty("next").GetString()}");
        second.GetProperty("position").GetInt64().Should().Be(first.GetProperty("position").GetInt64());
        second.GetProperty("next").ValueKind.Should().Be(JsonValueKind.Null);
        Lines(first).Concat(Lines(second)).Should().Equal((anna, "139.52"), (ben, "1109.28"));
        (await bank.Refusal($"/v1/party-exposures?limit=1&party={ben}&cursor={first.GetProperty("next").GetString()}"))
            .Should().Be((400, "cursor.foreign"));
    }

    [Fact]
    public async Task Transfers_are_found_by_metadata_and_a_half_pair_is_refused()
    {
        await using var bank = await ReadsHost.StartAsync();
        var made = await bank.Post("/v1/transfers", """
            {"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"1.00"},"metadata":{"order":"Grüße 7"}}
            """.Replace("ü", "\\u00fc", StringComparison.Ordinal).Replace("ß", "\\u00df", StringComparison.Ordinal));
        var found = await bank.Get($"/v1/transfers?metadata-key=order&metadata-value=Gr%C3%BC%C3%9Fe%207&after={made.GetProperty("position")}");
        found.GetProperty("transfers")[0].GetProperty("id").GetString().Should().Be(made.GetProperty("id").GetString());
        (await bank.Get("/v1/transfers?metadata-key=order&metadata-value=8")).GetProperty("transfers").GetArrayLength().Should().Be(0);
        (await bank.Refusal("/v1/transfers?metadata-key=order")).Should().Be((400, "request.query_malformed"));
        (await bank.Refusal("/v1/transfers?metadata-value=7")).Should().Be((400, "request.query_malformed"));
        (await bank.Refusal("/v1/transfers?reference=a&metadata-key=order&metadata-value=7")).Should().Be((400, "request.query_malformed"));
        (await bank.Refusal("/v1/transfers")).Should().Be((400, "request.query_malformed"));
    }

    [Fact]
    public async Task An_operator_builds_a_read_model_anew_while_it_answers()
    {
        await using var bank = await ReadsHost.StartAsync();
        var entries = bank.Book.ReadModels.Entries;
        var (status, body) = await bank.Send("/v1/projections/account_entries/rebuild", "{}");
        status.Should().Be(200, body);
        for (var i = 0; i < 500 && ReferenceEquals(bank.Book.ReadModels.Entries, entries); i++) await Task.Delay(10);
        bank.Book.ReadModels.Entries.Should().NotBeSameAs(entries);
        bank.Book.ReadModels.Entries.Digest().Should().Be(entries.Digest());
        (await bank.Send("/v1/projections/nothing/rebuild", "{}")).Should()
            .Match<(int Status, string Body)>(a => a.Status == 404 && a.Body.Contains("projection.not_found"));
        var counters = await bank.Get("/v1/counters");
        counters.GetProperty("commands").EnumerateArray().Should().Contain(c => c.GetProperty("kind").GetString() == "transfer.made.v1");
    }

    private static async Task<string> Register(ReadsHost bank, string name) =>
        (await bank.Post("/v1/parties", $$"""{"kind":"person","jurisdiction":"de","name":"{{name}} Example"}"""))
        .GetProperty("id").GetString()!;

    private static async Task<int> Looks(ReadsHost bank, string party) =>
        (await bank.Get($"/v1/access-log?party={party}&after={bank.Book.Engine.DurablePosition}"))
        .GetProperty("looks").GetArrayLength();

    private static async Task<IEnumerable<(string?, string?)>> Held(ReadsHost bank, string query) =>
        Lines(await bank.Get($"/v1/party-exposures?{query}"));

    private static IEnumerable<(string?, string?)> Lines(JsonElement page) => page.GetProperty("exposures").EnumerateArray()
        .Select(line => (line.GetProperty("party").GetString(), line.GetProperty("holds").GetString()));

    private static long Position(JsonElement receipt) => receipt.GetProperty("position").GetInt64();

    private static int NumberOf(string receipt) =>
        JsonDocument.Parse(receipt).RootElement.GetProperty("number").GetInt32();

    private static async Task<(int Status, string Body)> Send(ReadsHost bank, string body, string? key = null) =>
        await bank.Send($"{Alice}/statements", body, key);

    private static async Task Refused(ReadsHost bank, string body, int status, string code)
    {
        var answer = await Send(bank, body);
        answer.Status.Should().Be(status, answer.Body);
        JsonDocument.Parse(answer.Body).RootElement.GetProperty("code").GetString().Should().Be(code);
    }

    private static Task<JsonElement> Publish(ReadsHost bank, string today, string content) => bank.Post("/v1/reference",
        $$"""{"name":"close","in_force_from":"{{today}}","content":{{content}}}""");

    private static async Task<string> Today(ReadsHost bank) =>
        (await bank.Get("/v1/periods")).GetProperty("business_date").GetString()!;

    private static decimal Figure(JsonElement of, string name) =>
        decimal.Parse(of.GetProperty(name).GetString()!, System.Globalization.CultureInfo.InvariantCulture);

    private static decimal Balance(XElement statement, string code) => statement.Elements(Camt + "Bal")
        .Where(b => b.Element(Camt + "Tp")!.Value == code).Select(Signed).Single();

    private static decimal Signed(XElement of) => (of.Element(Camt + "CdtDbtInd")!.Value == "CRDT" ? 1 : -1)
        * decimal.Parse(of.Element(Camt + "Amt")!.Value, System.Globalization.CultureInfo.InvariantCulture);
}
