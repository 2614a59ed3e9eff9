using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Api.Signing;

namespace BankingEngine.Specs.Api;

/// <summary>Who may act for accounts, who did, and why a command would be allowed: asked over the wire.</summary>
public sealed class PermissionReadsSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task An_account_without_permissions_of_its_own_says_who_acts_for_it()
    {
        var alice = (await served.Get("/v1/accounts/customers:alice/permissions")).Json;
        alice.GetProperty("own").GetBoolean().Should().BeFalse();
        alice.GetProperty("acts").GetString().Should().Be("bank");
        var nobody = await served.Get("/v1/accounts/nobody/permissions");
        (nobody.Status, nobody.Code).Should().Be((HttpStatusCode.NotFound, "account.not_found"));
        (await served.Get("/v1/accounts/nobody/authorisations")).Code.Should().Be("account.not_found");
        (await served.Get("/v1/accounts/customers:alice/permissions?limit=91")).Code.Should()
            .Be("request.query_malformed", "a read of the book visits a hundred rows");
    }

    [Fact]
    public async Task The_tree_is_shown_with_its_links_and_its_rule_page_by_page()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        await Do(owner, account, "permission.set",
            $$$"""
            {"account":"{{{account}}}","permission":"pay","parent":"active","authority":{"threshold":2,
             "accounts":[{"level":"bank@staff","weight":1}],"keys":[{"key":"{{{owner.Key}}}","weight":1}],
             "waits":[{"seconds":60,"weight":1}]}}
            """);
        await Do(owner, account, "permission.link",
            $$"""{"account":"{{account}}","command_name":"transfer.make","asset":"EUR","permission":"pay"}""");
        await Do(owner, account, "permissions.limit_changes", $$"""{"account":"{{account}}","allow":["owner"]}""");
        var tree = (await served.Get($"/v1/accounts/{account}/permissions")).Json;
        Names(tree).Should().Equal("active under owner", "owner under ", "pay under active");
        var pay = tree.GetProperty("permissions")[2].GetProperty("authority");
        pay.GetProperty("threshold").GetInt32().Should().Be(2);
        pay.GetProperty("keys")[0].GetProperty("key").GetString().Should().Be(owner.Key.ToString());
        pay.GetProperty("accounts")[0].GetProperty("level").GetString().Should().Be("bank@staff");
        pay.GetProperty("waits")[0].GetProperty("seconds").GetInt32().Should().Be(60);
        var link = tree.GetProperty("links").EnumerateArray().Should().ContainSingle().Subject;
        link.GetProperty("command_name").GetString().Should().Be("transfer.make");
        link.GetProperty("asset").GetString().Should().Be("EUR");
        tree.GetProperty("change_limits").GetProperty("allow")[0].GetString().Should().Be("owner");

        var (names, links) = (new List<string>(), 0);
        for (string? next = ""; next is not null;)
        {
            var page = (await served.Get(
                $"/v1/accounts/{account}/permissions?limit=1{(next.Length == 0 ? "" : "&cursor=" + next)}")).Json;
            names.AddRange(Names(page));
            links += page.GetProperty("links").GetArrayLength();
            next = page.GetProperty("next").GetString();
        }
        names.Should().Equal(Names(tree));
        links.Should().Be(1);
    }

    [Fact]
    public async Task Where_the_channel_goes_on_acting_its_payments_are_shown_as_linked()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Opened("channel");
        await served.Post($"/v1/accounts/{account}/permissions",
            $$"""{"owner":{{owner.Authority}},"active":{{owner.Authority}}}""");
        var links = (await served.Get($"/v1/accounts/{account}/permissions")).Json.GetProperty("links");
        links.EnumerateArray().Select(link => link.GetProperty("command_name").GetString()).Should().Equal(
            "entry.post", "exchange.make", "transfer.cancel", "transfer.make", "transfer.post", "transfer.reserve");
        links.EnumerateArray().Should().OnlyContain(link => link.GetProperty("implied").GetBoolean()
            && link.GetProperty("permission").GetString() == "channel");
    }

    [Fact]
    public async Task A_signing_key_knows_its_accounts_and_those_it_leads_to()
    {
        using var one = new Signer(KeyKind.Secp256k1);
        var first = await served.Owned(one.Authority);
        var second = await served.Owned(
            $$"""{"threshold":1,"accounts":[{"level":"{{first}}@active","weight":1}]}""");
        var address = $"/v1/signing-keys/{one.Key}/accounts?after={await Last()}";
        var direct = (await served.Get(address)).Json;
        Uses(direct).Should().Equal($"{first}@owner", $"{first}@active");
        direct.GetProperty("wallet").ValueKind.Should().Be(JsonValueKind.Null);
        Uses((await served.Get(address + "&through=true")).Json).Should()
            .Equal($"{first}@owner", $"{first}@active", $"{second}@owner", $"{second}@active");
        var page = (await served.Get(address + "&through=true&limit=3")).Json;
        Uses((await served.Get($"{address}&through=true&limit=3&cursor={page.GetProperty("next").GetString()}")).Json)
            .Should().Equal($"{second}@active");
        var wrong = await served.Get("/v1/signing-keys/k1:nothing/accounts");
        (wrong.Status, wrong.Code).Should().Be((HttpStatusCode.BadRequest, "request.field_malformed"));
        (await served.Get(address + "&through=perhaps")).Code.Should().Be("request.query_malformed");
    }

    [Fact]
    public async Task The_history_tells_who_did_what_for_an_account_channel_and_customer_apart()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Opened("history");
        await served.Transfer("bank:cash", account, "100.00");
        await served.Transfer(account, "customers:bob", "1.00");
        await served.Post($"/v1/accounts/{account}/permissions",
            $$"""{"owner":{{owner.Authority}},"active":{{owner.Authority}},"channel":false}""");
        await served.Pay(owner, account).Send();
        var channel = await served.KeyWith("read");
        await (served.Pay(owner, account) with
        {
            Chain = $$"""
                [{"command":"transfer.make","fields":{{SignedAccounts.Fields(account, "2.00")}}},
                 {"command":"transfer.make","fields":{{SignedAccounts.Fields(account, "3.00")}}}]
                """,
        }).Send(channel);
        await Do(owner, account, "transfer.make", SignedAccounts.Fields(account, "4.00").TrimEnd('}')
            + "},\"pending\":true}", "active");
        var whole = (await served.Get($"/v1/accounts/{account}/authorisations?after={await Last()}")).Json;
        var acts = whole.GetProperty("authorisations").EnumerateArray().ToList();
        acts.Select(act => act.GetProperty("type").GetString()).Should().Equal(
            "transfer.reserved.v1", "transfer.made.v1", "transfer.made.v1", "transfer.made.v1", "permissions.created.v1",
            "transfer.made.v1");
        acts.Select(act => act.GetProperty("by").GetString()).Should().Equal(
            "signed", channel.Split('.')[1], channel.Split('.')[1], "signed", "demo", "demo");
        foreach (var act in acts[..4])
        {
            act.GetProperty("as")[0].GetString().Should().Be($"{account}@active");
            act.GetProperty("keys")[0].GetString().Should().Be(owner.Key.ToString());
        }
        acts[4..].Should().OnlyContain(act =>
            act.GetProperty("as").GetArrayLength() == 0 && act.GetProperty("keys").GetArrayLength() == 0);

        var positions = new List<long>();
        for (string? next = ""; next is not null;)
        {
            var page = (await served.Get(
                $"/v1/accounts/{account}/authorisations?limit=1{(next.Length == 0 ? "" : "&cursor=" + next)}")).Json;
            positions.AddRange(page.GetProperty("authorisations").EnumerateArray()
                .Select(act => act.GetProperty("position").GetInt64()));
            next = page.GetProperty("next").GetString();
        }
        positions.Should().Equal(acts.Select(act => act.GetProperty("position").GetInt64()));
    }

    [Fact]
    public async Task Keys_say_what_they_stand_for()
    {
        await served.KeyWith("read");
        var keys = (await served.Get("/v1/keys")).Json.GetProperty("keys");
        keys.EnumerateArray().Should().OnlyContain(key => key.GetProperty("provides").GetString() == "bank@channel"
            && key.GetProperty("exercises").GetString() == "channel");
        var bound = await served.Post("/v1/keys", """{"key":"mobile","scopes":["transfers"]}""");
        bound.Status.Should().Be(HttpStatusCode.Created);
        (await served.Post("/v1/keys/mobile/binding", """{"provides":"bank@mobile","exercises":"app"}""")).Status
            .Should().Be(HttpStatusCode.OK);
        var mobile = (await served.Get("/v1/keys")).Json.GetProperty("keys").EnumerateArray()
            .Single(key => key.GetProperty("key").GetString() == "mobile");
        mobile.GetProperty("provides").GetString().Should().Be("bank@mobile");
        mobile.GetProperty("exercises").GetString().Should().Be("app");
        await served.Post("/v1/keys/mobile/binding", """{"provides":"bank@channel","exercises":"channel"}""");
    }

    [Fact]
    public async Task It_is_explained_step_by_step_why_a_command_would_be_allowed_or_not()
    {
        using var one = new Signer(KeyKind.P256);
        using var two = new Signer(KeyKind.Passkey);
        var factors = string.Join(",", new[] { one, two }.OrderBy(signer => signer.Key)
            .Select(signer => $$"""{"key":"{{signer.Key}}","weight":1}"""));
        var account = await served.Owned(
            $$"""{"threshold":2,"keys":[{{factors}}],"waits":[{"seconds":60,"weight":1}]}""");
        var question = Question(account, "1.00", [$"{account}@active"], [one]);
        var state = await served.State();
        var no = await Explain(question);
        (no.GetProperty("allowed").GetBoolean(), no.GetProperty("code").GetString())
            .Should().Be((false, "authority.not_satisfied"));
        Steps(no).Should().BeEquivalentTo(
            "0 60 s not yet 0/2", $"0 {one.Key} counts 1/2", $"0 {two.Key} not signed 1/2",
            $"0 {account}@active falls short 1/2");
        var need = no.GetProperty("needs").EnumerateArray().Should().ContainSingle().Subject;
        need.GetProperty("kind").GetString().Should().Be("gives");
        need.GetProperty("account").GetString().Should().Be(account);
        need.GetProperty("asset").GetString().Should().Be("EUR");
        need.GetProperty("minimum").GetString().Should().Be("active");

        question["delay_seconds"] = 60;
        var later = await Explain(question);
        later.GetProperty("allowed").GetBoolean().Should().BeTrue();
        later.GetProperty("under")[0].GetString().Should().Be($"{account}@active");
        var both = await Explain(Question(account, "1.00", [$"{account}@active"], [one, two]));
        both.GetProperty("allowed").GetBoolean().Should().BeTrue();
        var approved = Question(account, "1.00", [$"{account}@active"], []);
        approved["approvals"] = new JsonArray($"{account}@active");
        (await Explain(approved)).GetProperty("allowed").GetBoolean().Should().BeTrue();
        (await served.State()).Should().Be(state, "a question changes nothing");
    }

    [Fact]
    public async Task An_explanation_is_what_the_book_then_says()
    {
        using var owner = new Signer(KeyKind.P256);
        using var stranger = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        (string[] As, Signer[] Keys)[] tries =
        [
            ([$"{account}@active"], [owner]), ([$"{account}@owner"], [owner]), ([$"{account}@pay"], [owner]),
            (["customers:bob@active"], [owner]), ([$"{account}@active", "bank@staff"], [owner]),
        ];
        foreach (var (levels, keys) in tries)
        {
            string[] sorted = [.. levels.Order(StringComparer.Ordinal)];
            var explained = await Explain(Question(account, "1.00", sorted, keys));
            var done = await (served.Pay(owner, account) with { As = sorted, Signers = keys }).Send();
            explained.GetProperty("code").GetString().Should().Be(done.Code, string.Join(' ', levels));
        }
        var other = await served.Owned(stranger.Authority);
        var needless = (Question(account, "1.00", [$"{account}@active"], [owner, stranger]),
            served.Pay(owner, account) with { Signers = [owner, stranger] });
        (await needless.Item2.Send()).Code.Should().Be("authority.unused_signature");
        (await Explain(needless.Item1)).GetProperty("code").GetString().Should().Be("authority.unused_signature");
        (await Explain(Question(other, "99999.00", [$"{other}@active"], [stranger]))).GetProperty("allowed").GetBoolean()
            .Should().BeTrue("whether the money is there is not asked");
    }

    [Fact]
    public async Task A_key_is_explained_as_a_channel_or_its_lack_of_a_scope()
    {
        using var owner = new Signer(KeyKind.P256);
        var own = await served.Owned(owner.Authority);
        var token = await served.KeyWith("read");
        async Task<string?> CodeOf(string account, string? key)
        {
            var question = Question(account, "1.00", [], []);
            if (key is not null) question["api_key"] = key;
            return (await Explain(question)).GetProperty("code").GetString();
        }
        (await CodeOf("customers:alice", "demo")).Should().BeNull();
        (await CodeOf(own, "demo")).Should().Be("permission.not_found", "it has no permission named channel");
        (await CodeOf("customers:alice", token.Split('.')[1])).Should().Be("key.scope_missing");
        (await CodeOf("customers:alice", "nobody")).Should().Be("key.not_found");
        (await CodeOf("customers:alice", null)).Should().Be("authority.missing");
    }

    [Theory]
    [InlineData("""{"fields":{}}""", "request.field_missing", "command")]
    [InlineData("""{"command":"transfer.make"}""", "request.field_missing", "fields")]
    [InlineData("""{"command":"transfer.make","fields":{}}""", "request.field_missing", "debit")]
    [InlineData("""{"command":"transfer.make","fields":{"debit":"A"}}""", "request.field_malformed", "debit")]
    [InlineData("""{"command":"transfer.make","fields":{"colour":"red"}}""", "request.unknown_field", "colour")]
    [InlineData("""{"command":"transfer.dream","fields":{}}""", "request.command_unknown", "command")]
    [InlineData("""{"command":"transfer.make","fields":{},"fields":{}}""", "request.duplicate_field", "fields")]
    [InlineData("""{"command":"transfer.make","fields":[]}""", "request.field_malformed", "fields")]
    [InlineData("""{"command":"account.close","fields":{},"colour":1}""", "request.unknown_field", "colour")]
    [InlineData("""{"command":"account.close","fields":{},"as":["alice"]}""", "request.field_malformed", "as")]
    [InlineData("""{"command":"account.close","fields":{},"as":["a@x","a@y"]}""", "signed.levels_malformed", "as")]
    [InlineData("""{"command":"account.close","fields":{},"keys":["k1:x"]}""", "request.field_malformed", "keys")]
    [InlineData("""{"command":"account.close","fields":{},"delay_seconds":-1}""", "request.field_malformed", "delay_seconds")]
    [InlineData("""{"command":"account.close","fields":{},"delay_seconds":3888001}""", "request.field_malformed", "delay_seconds")]
    [InlineData("""{"command":"account.close","fields":{},"api_key":""}""", "request.field_malformed", "api_key")]
    [InlineData("""{"command":""", "request.malformed_json", null)]
    [InlineData("[]", "request.not_an_object", null)]
    public async Task A_question_that_is_none_is_refused_by_name(string body, string code, string? field)
    {
        var reply = await served.Send(HttpMethod.Post, "/v1/authorisations/explain",
            System.Text.Encoding.UTF8.GetBytes(body), id: null);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.BadRequest, code), reply.Text);
        if (field is not null) reply.Json.GetProperty("field").GetString().Should().Be(field);
    }

    private static JsonObject Question(string account, string amount, string[] levels, Signer[] keys) => new()
    {
        ["command"] = "transfer.make",
        ["fields"] = JsonNode.Parse(SignedAccounts.Fields(account, amount)),
        ["as"] = new JsonArray([.. levels.Select(level => (JsonNode)level)]),
        ["keys"] = new JsonArray([.. keys.Select(signer => (JsonNode)signer.Key.ToString())]),
    };

    private async Task<JsonElement> Explain(JsonObject question)
    {
        var reply = await served.Send(HttpMethod.Post, "/v1/authorisations/explain",
            System.Text.Encoding.UTF8.GetBytes(question.ToJsonString()), id: null);
        reply.Status.Should().Be(HttpStatusCode.OK, reply.Text);
        return reply.Json;
    }

    private async Task Do(Signer owner, string account, string command, string fields, string under = "owner")
    {
        var reply = await new SignedCall(served)
        {
            As = [$"{account}@{under}"],
            Command = command,
            Fields = fields,
            Signers = [owner],
        }.Send();
        ((int)reply.Status).Should().BeLessThan(300, reply.Text);
    }

    private async Task<string> Opened(string name)
    {
        var reply = await served.Post("/v1/accounts",
            $$"""{"account":"reads:{{name}}","class":"liability","chart":"2000","assets":["EUR"]}""");
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
        return $"reads:{name}";
    }

    private async Task<long> Last() => (await served.State()).Position - 1;

    private static IEnumerable<string> Names(JsonElement tree) => tree.GetProperty("permissions").EnumerateArray()
        .Select(p => $"{p.GetProperty("name").GetString()} under {p.GetProperty("parent").GetString()}");

    private static IEnumerable<string> Uses(JsonElement page) => page.GetProperty("accounts").EnumerateArray()
        .Select(u => $"{u.GetProperty("account").GetString()}@{u.GetProperty("permission").GetString()}");

    private static IEnumerable<string> Steps(JsonElement explained) => explained.GetProperty("steps").EnumerateArray()
        .Select(s => $"{s.GetProperty("depth").GetInt32()} {s.GetProperty("factor").GetString()} "
            + $"{s.GetProperty("outcome").GetString()} {s.GetProperty("total").GetInt32()}/{s.GetProperty("threshold").GetInt32()}");
}
