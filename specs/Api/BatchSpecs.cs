using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api;

public sealed class BatchSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task Each_item_is_answered_alone_and_in_order()
    {
        var reply = await served.Post(
            "/v1/batch",
            $$"""
            [{{Item("b1", "1.00")}},{{Item("b2", "999999.00", "customers:alice")}},{{Item("b1", "1.00")}},
             {"id":"b3","command":"none"},7]
            """);
        var items = reply.Json.EnumerateArray().ToList();
        items.Select(i => i.GetProperty("status").GetInt32()).Should().Equal(201, 422, 201, 400, 400);
        items[0].GetProperty("receipt").GetRawText().Should().Be(items[2].GetProperty("receipt").GetRawText());
        items[1].GetProperty("problem").GetProperty("code").GetString().Should().Be("limit.insufficient_funds");
        items[3].GetProperty("problem").GetProperty("code").GetString().Should().Be("request.command_unknown");
        items[4].GetProperty("id").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_batch_sent_again_answers_the_same_bytes()
    {
        var body = $"[{Item("r1", "1.00")},{Linked("r2", "1.00", "2.00")}]";
        var first = await served.Post("/v1/batch", body);
        first.Text.Should().NotContain("\"repeat\"");
        (await served.Post("/v1/batch", body)).Text.Replace("\"repeat\":true,", "", StringComparison.Ordinal).Should()
            .Be(first.Text, "the word stands beside the receipt, and nothing else is new");
    }

    [Fact]
    public async Task A_chain_happens_whole_and_names_every_event()
    {
        var receipt =
            (await served.Post("/v1/batch", $"[{Linked("c1", "1.00", "2.00")}]")).Json[0].GetProperty("receipt");
        var events = receipt.GetProperty("events").EnumerateArray().ToList();
        events.Should().HaveCount(2);
        events.Select(e => e.GetProperty("id").GetString()).Distinct()
            .Should().HaveCount(2, "each link has a name of its own");
    }

    [Fact]
    public async Task A_chain_that_breaks_does_nothing_and_names_the_link()
    {
        var before = await Total();
        var problem =
            (await served.Post("/v1/batch", $"[{Linked("c2", "1.00", "1.00", "777777.00")}]")).Json[0].GetProperty(
            "problem");
        problem.GetProperty("code").GetString().Should().Be("limit.insufficient_funds");
        problem.GetProperty("link").GetInt32().Should().Be(3);
        (await Total()).Should().Be(before);
    }

    [Theory]
    [InlineData(
        """{"id":"x","linked":[{"command":"key.issue","key":"a","scopes":["read"]}]}""", "request.not_in_batch", 1)]
    [InlineData(
        """{"id":"x","linked":[{"id":"y","command":"asset.retire","asset":"USD"}]}""", "request.unknown_field", 1)]
    [InlineData(
        """{"id":"x","linked":[{"command":"asset.retire","asset":"USD"},{"command":"asset.retire"}]}""",
        "request.field_missing", 2)]
    [InlineData("""{"id":"x","command":"asset.retire","linked":[]}""", "request.fields_exclude_each_other", 0)]
    [InlineData("""{"command":"asset.retire","asset":"USD"}""", "request.id_missing", 0)]
    [InlineData("""{"id":"x","id":"y","command":"asset.retire","asset":"USD"}""", "request.duplicate_field", 0)]
    [InlineData("""{"id":"x","asset":"USD"}""", "request.field_missing", 0)]
    public async Task A_malformed_item_leaves_nothing(string item, string code, int link)
    {
        var before = await served.State();
        var problem = (await served.Post("/v1/batch", $"[{item}]")).Json[0].GetProperty("problem");
        problem.GetProperty("code").GetString().Should().Be(code);
        if (link > 0) problem.GetProperty("link").GetInt32().Should().Be(link);
        (await served.State()).Should().Be(before);
    }

    [Theory]
    [InlineData("[{", "request.malformed_json")]
    [InlineData("{}", "request.not_an_array")]
    [InlineData("", "request.malformed_json")]
    public async Task A_malformed_array_is_refused_as_a_whole(string body, string code)
    {
        var reply = await served.Post("/v1/batch", body);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.BadRequest, code));
    }

    [Fact]
    public async Task An_array_of_too_many_is_refused_as_a_whole()
    {
        var before = await served.State();
        var body = $"[{string.Join(',', Enumerable.Repeat("{}", Limits.BatchItems + 1))}]";
        (await served.Post("/v1/batch", body)).Code.Should().Be("request.too_many_items");
        (await served.State()).Should().Be(before);
    }

    [Fact]
    public async Task A_reversal_may_follow_what_it_reverses()
    {
        var id = Guid.CreateVersion7(new DateTimeOffset(2026, 1, 5, 11, 57, 0, TimeSpan.Zero));
        var reply = await served.Post(
            "/v1/batch",
            $$"""
            [{{Item(id.ToString(), "5.00")}},
             {"id":"undo","command":"transfer.reverse","transfer":"{{id}}","reason":"oops"}]
            """);
        reply.Json[1].GetProperty("status").GetInt32().Should().Be(201);
    }

    [Fact]
    public async Task A_stream_answers_line_by_line()
    {
        var lines = new StringBuilder();
        for (var i = 0; i < 2_500; i++) lines.Append(Item($"s{i}", "0.01")).Append(i % 2 == 0 ? "\n" : "\r\n");
        lines.Append("{broken\n\n").Append(Item("last", "0.01"));
        var answers = (await Stream(lines.ToString())).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        answers.Should().HaveCount(2_502);
        answers.Take(2_500).Select((line, i) => (line, i))
            .Should().OnlyContain(x => x.line.StartsWith($"{{\"id\":\"s{x.i}\",\"status\":201"));
        answers[2_500].Should().Contain("request.malformed_json");
        answers[2_501].Should().StartWith("{\"id\":\"last\",\"status\":201");
    }

    [Fact]
    public async Task A_stream_sent_again_answers_the_same()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 50).Select(i => Item($"t{i}", "0.01")));
        var first = await Stream(lines);
        (await Stream(lines)).Replace("\"repeat\":true,", "", StringComparison.Ordinal).Should().Be(first);
    }

    [Fact]
    public async Task A_line_that_is_too_long_ends_the_stream()
    {
        var answers =
            (await Stream(Item("l1", "0.01") + "\n{\"id\":\"" + new string('x', Limits.LineBytes + 10))).Split(
            '\n', StringSplitOptions.RemoveEmptyEntries);
        answers[^1].Should().Contain("request.line_too_large");
    }

    [Fact]
    public async Task A_line_that_is_malformed_is_answered_with_its_number()
    {
        var answers = (await Stream(Item("n1", "0.01") + "\n\n{nonsense\n" + Item("n2", "0.01") + "\n"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
        answers.Select(a => a.GetProperty("status").GetInt32()).Should().Equal(201, 400, 201);
        answers[1].GetProperty("line").GetInt32().Should().Be(3);
        answers[0].TryGetProperty("line", out _).Should().BeFalse();
    }

    private static string Item(string id, string amount, string debit = "bank:cash") =>
        $"{{\"id\":\"{id}\",{Fields(amount, debit)}}}";

    private static string Fields(string amount, string debit) =>
        $$"""
        "command":"transfer.make","debit":"{{debit}}","credit":"customers:bob","amount":{{Euros(amount)}}
        """;

    private static string Euros(string amount) => $$"""{"asset":"EUR","amount":"{{amount}}"}""";

    private static string Linked(string id, params string[] amounts)
    {
        var links = amounts.Select(amount => $"{{{Fields(amount, "customers:alice")}}}");
        return $$"""{"id":"{{id}}","linked":[{{string.Join(',', links)}}]}""";
    }

    private Task<Int128> Total() => served.Book.Engine.ReadAsync((bank, _) =>
    {
        var t = bank.Ledger.Tables;
        var account = t.Accounts.Find(AccountId.Parse("customers:alice"));
        return t.Balances[t.FindBalance(account, t.Assets.Find(AssetCode.Parse("EUR")))].Net;
    });

    private async Task<string> Stream(string lines)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(served.Address + "/v1/batch"));
        request.Headers.Authorization = new("Bearer", served.Token);
        request.Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(lines)));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var response = await http.SendAsync(request);
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return await response.Content.ReadAsStringAsync();
    }
}
