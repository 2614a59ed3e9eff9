using System.Net;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Api;

/// <summary>A payment of the treasury, from the proposal to the money, with API keys that stand for permissions.</summary>
public sealed class ProposalEndpointsSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private const string Secret = "Zu Annas Abschied",
        Expires = "2026-01-12T12:00:00.000000Z",
        Bonus = $$$"""
            {"command":"transfer.make","fields":{"remittance":"{{{Secret}}}","debit":"treasury","credit":"customers:bob",
             "amount":{"asset":"EUR","amount":"40.00"} } }
            """;

    private static readonly Dictionary<string, string> Tokens = [];

    [Fact]
    public async Task A_payment_of_the_treasury_needs_two_of_its_officers()
    {
        await Treasury();
        var made = await Propose(Bonus);
        made.Status.Should().Be(HttpStatusCode.Created, made.Text);
        var (id, hash) = (Id(made), made.Json.GetProperty("hash").GetString());
        made.Json.GetProperty("content").GetString().Should().Contain("\"remittance\":\"sealed\"").And.NotContain("sealed.v1");

        (await Execute(id, "maker")).Code.Should().Be("proposal.not_approved");
        (await Approve(id, new('0', 64), "first")).Code.Should().Be("proposal.content_changed");
        (await Approve(id, hash!, "maker")).Code.Should().Be("proposal.not_requested");
        (await Approve(id, hash!, "first")).Status.Should().Be(HttpStatusCode.Created);
        var shown = await Shown(id);
        shown.GetProperty("missing").GetProperty("code").GetString().Should().Be("authority.not_satisfied");
        shown.GetProperty("commands")[0].GetProperty("fields").GetProperty("remittance").GetString().Should().Be("sealed");
        shown.GetProperty("approvals").EnumerateArray().Select(a => a.GetProperty("counts").GetBoolean())
            .Should().Equal(true, false);
        (await Approve(id, hash!, "second")).Status.Should().Be(HttpStatusCode.Created);
        (await Shown(id)).GetProperty("missing").ValueKind.Should().Be(JsonValueKind.Null);

        var before = await Balance("treasury");
        var done = await Execute(id, "maker");
        done.Status.Should().Be(HttpStatusCode.OK, done.Text);
        done.Json.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("type").GetString())
            .Should().Equal("proposal.executed.v1", "transfer.made.v1");
        done.Text.Should().NotContain("sealed.v1");
        (await Balance("treasury")).Should().Be(before - 40);
        (await served.Get($"/v1/proposals/{id}", Tokens["maker"])).Code.Should().Be("proposal.not_found");
        (await Hashed(made)).Should().Be(hash, "the hash is of the content as the journal has it");
        var position = done.Json.GetProperty("events")[1].GetProperty("position").GetInt64();
        var act = (await served.Get($"/v1/accounts/treasury/authorisations?after={position}")).Json
            .GetProperty("authorisations").EnumerateArray().First(a => a.GetProperty("position").GetInt64() == position);
        act.GetProperty("proposal").GetString().Should().Be(id);
        act.GetProperty("approvals").EnumerateArray().Should().HaveCount(2);
    }

    [Fact]
    public async Task What_is_personal_in_a_proposal_is_in_no_file_and_makes_no_other_content()
    {
        await Treasury();
        var first = await Propose(Bonus, "sealed-twice");
        var again = await Propose(Bonus, "sealed-twice");
        (again.IsReplay, again.Text).Should().Be((true, first.Text));
        (await Propose(Bonus.Replace(Secret, "Anderes", StringComparison.Ordinal), "sealed-twice")).Code
            .Should().Be("command.id_reused");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(served.Folder, "journal")))
        {
            using var reader =
                new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            (await reader.ReadToEndAsync()).Should().NotContain(Secret, file);
        }
    }

    [Fact]
    public async Task What_a_proposal_makes_carries_the_text_that_was_approved()
    {
        await Treasury();
        var made = await Propose(Bonus);
        var (id, hash) = (Id(made), made.Json.GetProperty("hash").GetString()!);
        await Approve(id, hash, "first");
        await Approve(id, hash, "second");
        var done = await Execute(id, "first");
        var proposed = JsonDocument.Parse(await Content(made)).RootElement[0].GetProperty("fields")
            .GetProperty("remittance").GetString()!;
        var line = await Line(done.Json.GetProperty("position").GetInt64() + 1);
        line.Should().Contain(proposed);
        served.Book.KeyStore.TryOpen("remittance", proposed, out var text).Should().BeTrue();
        text.Should().Be(Secret);
    }

    [Fact]
    public async Task A_proposal_is_found_by_who_is_asked_and_by_who_proposed()
    {
        await Treasury();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++) ids.Add(Id(await Propose(Bonus)));
        var asked = await All("approver=bank@second");
        asked.Should().Contain(ids);
        (await All("account=bank")).Should().Contain(ids);
        (await All("account=treasury")).Should().BeEmpty();
        (await All("approver=bank@nobody")).Should().BeEmpty();
        (await served.Get("/v1/proposals", Tokens["maker"])).Code.Should().Be("request.query_malformed");
        foreach (var id in ids)
        {
            (await served.Post($"/v1/proposals/{id}/cancel", "{}", token: Tokens["first"])).Code
                .Should().Be("proposal.not_yet_expired");
            (await served.Post($"/v1/proposals/{id}/cancel", "{}", token: Tokens["maker"])).Status.Should()
                .Be(HttpStatusCode.OK);
        }
        (await All("approver=bank@second")).Should().NotContain(ids);
    }

    [Theory]
    [InlineData("""{"command":"key.issue","fields":{"key":"x","scopes":["read"]}}""", "request.not_in_batch", "commands[0].command")]
    [InlineData("""{"command":"transfer.reverse","fields":{}}""", "request.not_in_batch", "commands[0].command")]
    [InlineData("""{"command":"statement.issue","fields":{"account":"customers:alice","asset":"EUR","from":"2026-01-01","through":"2026-01-05"}}""",
        "request.not_in_batch", "commands[0].command")]
    [InlineData("""{"command":"nothing","fields":{}}""", "request.command_unknown", "commands[0].command")]
    [InlineData("""{"command":"asset.retire","fields":{}}""", "request.field_missing", "commands[0].fields.asset")]
    [InlineData("""{"command":"asset.retire","fields":{"asset":"?"}}""", "request.field_malformed", "commands[0].fields.asset")]
    [InlineData("""{"command":"asset.retire","fields":{"asset":"BTC","x":1}}""", "request.unknown_field", "commands[0].fields.x")]
    [InlineData("""{"command":"asset.retire"}""", "request.field_missing", "commands[0].fields")]
    [InlineData("""{"command":"asset.retire","fields":{},"id":"x"}""", "request.unknown_field", "commands[0].id")]
    [InlineData("""{"command":"asset.retire","fields":[]}""", "request.field_malformed", "commands[0].fields")]
    [InlineData("17", "request.field_malformed", "commands[0]")]
    public async Task What_cannot_be_proposed_is_named_and_leaves_nothing(string command, string code, string field)
    {
        await Treasury();
        var before = await served.State();
        var reply = await Propose(command);
        (reply.Code, reply.Json.GetProperty("field").GetString()).Should().Be((code, field));
        (await served.State()).Should().Be(before);
    }

    [Theory]
    [InlineData("""{"command":"proposal.cancel","fields":{"proposal":"019b8e2c-7a00-7000-8000-00000000002d"}}""")]
    [InlineData("""{"command":"clock.advance","fields":{"seconds":1}}""")]
    public async Task What_the_book_does_not_let_be_proposed_is_refused(string command)
    {
        await Treasury();
        (await Propose(command)).Code.Should().Be("proposal.not_proposable");
    }

    [Fact]
    public async Task Break_glass_waits_for_its_review()
    {
        await Treasury();
        await Key("glass", "bank@breakglass", "proposals", "restraints", "read");
        var body = """
            {"reason":"branch system down","run":{"command":"restraint.place","fields":{"account":"customers:alice",
             "reason":"dispute","authority":"head","scope":"debits"}}}
            """;
        (await served.Post("/v1/break-glass", body, token: Tokens["maker"])).Code.Should().Be("breakglass.not_allowed");
        var used = await served.Post("/v1/break-glass", body, token: Tokens["glass"]);
        used.Status.Should().Be(HttpStatusCode.Created, used.Text);
        var id = used.Json.GetProperty("events")[0].GetProperty("id").GetString();
        var review = (await served.Get("/v1/reviews", Tokens["glass"])).Json.GetProperty("reviews").EnumerateArray()
            .Single(row => row.GetProperty("id").GetString() == id);
        review.GetProperty("reason").GetString().Should().Be("branch system down");
        const string Found = """{"justified":true,"reason":"as the runbook says"}""";
        (await served.Post($"/v1/reviews/{id}/close", Found, token: Tokens["glass"])).Code.Should()
            .Be("review.maker_is_reviewer");
        (await served.Post($"/v1/reviews/{id}/close", Found, token: Tokens["first"])).Status.Should().Be(HttpStatusCode.OK);
        var restraint = used.Json.GetProperty("events")[1].GetProperty("id").GetString();
        await served.Post($"/v1/restraints/{restraint}/lift", """{"reason":"over"}""");
    }

    [Fact]
    public async Task What_was_proposed_survives_a_restart()
    {
        await Treasury();
        var made = await Propose(Bonus);
        var (id, hash) = (Id(made), made.Json.GetProperty("hash").GetString()!);
        await Approve(id, hash, "first");
        (await served.RestartAsync()).Should().Be(0);
        (await Approve(id, hash, "second")).Status.Should().Be(HttpStatusCode.Created);
        (await Execute(id, "maker")).Status.Should().Be(HttpStatusCode.OK);
    }

    private async Task Treasury()
    {
        if (Tokens.Count > 0) return;
        await served.Post("/v1/accounts",
            """{"account":"treasury","class":"liability","chart":"2000","assets":["EUR"],"limits":["debits_must_not_exceed_credits"]}""");
        await served.Transfer("bank:cash", "treasury", "1000.00");
        await Key("first", "bank@first", "proposals", "transfers", "read");
        await Key("second", "bank@second", "proposals", "transfers", "read");
        await Key("maker", "bank@maker", "proposals", "read");
        const string Two = """
            {"threshold":2,"accounts":[{"level":"bank@first","weight":1},{"level":"bank@second","weight":1}]}
            """;
        var made = await served.Post("/v1/accounts/treasury/permissions",
            $$"""{"owner":{{Two}},"active":{{Two}},"channel":false}""");
        made.Status.Should().Be(HttpStatusCode.Created, made.Text);
    }

    private async Task Key(string id, string provides, params string[] scopes)
    {
        var issued = await served.Post("/v1/keys", $$"""{"key":"{{id}}","scopes":["{{string.Join("\",\"", scopes)}}"]}""");
        Tokens[id] = issued.Json.GetProperty("token").GetString()!;
        (await served.Post($"/v1/keys/{id}/binding", $$"""{"provides":"{{provides}}"}""")).Status.Should()
            .Be(HttpStatusCode.OK);
    }

    private Task<Reply> Propose(string command, string? id = null) => served.Post("/v1/proposals",
        $$"""
        {"declared":["treasury@active"],"requested":["bank@first","bank@second"],"expires":"{{Expires}}","commands":[{{command}}]}
        """, id, Tokens["maker"]);

    private Task<Reply> Approve(string id, string hash, string key) =>
        served.Post($"/v1/proposals/{id}/approvals", $$"""{"hash":"{{hash}}"}""", token: Tokens[key]);

    private Task<Reply> Execute(string id, string key) =>
        served.Post($"/v1/proposals/{id}/execute", "{}", token: Tokens[key]);

    private async Task<JsonElement> Shown(string id) =>
        (await served.Get($"/v1/proposals/{id}", Tokens["maker"])).Json.GetProperty("proposal");

    private static string Id(Reply made) => made.Json.GetProperty("id").GetString()!;

    private async Task<List<string>> All(string query)
    {
        var ids = new List<string>();
        string? next = null;
        do
        {
            var page = (await served.Get(
                $"/v1/proposals?limit=2&{query}{(next is null ? "" : $"&after-proposal={next}")}", Tokens["maker"])).Json;
            ids.AddRange(page.GetProperty("proposals").EnumerateArray().Select(p => p.GetProperty("id").GetString()!));
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
        return ids;
    }

    private async Task<decimal> Balance(string account) => decimal.Parse(
        (await served.Get($"/v1/accounts/{account}/balances")).Json.GetProperty("balances")[0].GetProperty("posted")
            .GetProperty("balance").GetString()!, System.Globalization.CultureInfo.InvariantCulture);

    private async Task<string> Hashed(Reply made) => Hash256.Of(await Content(made)).ToString();

    private async Task<string> Content(Reply made) =>
        JsonDocument.Parse(await Line(made.Json.GetProperty("position").GetInt64())).RootElement.GetProperty("data")
            .GetProperty("content").GetString()!;

    private async Task<string> Line(long position)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        await Task.Yield();
        served.Book.Engine.Journal.TryReadEvent(position, buffer).Should().BeTrue();
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
