using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Domain.Accounts;

namespace BankingEngine.Specs.Api;

/// <summary>People, roles and identifiers over the wire: what is sealed, who sees what, and what is kept of it.</summary>
public sealed class PartiesSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private const string Paper = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private static int _accounts;

    [Fact]
    public async Task A_party_is_registered_and_its_name_opens_for_those_who_may()
    {
        var made = await served.Post("/v1/parties", """{"kind":"person","jurisdiction":"de","name":"Zoë Mustermann"}""");
        made.Status.Should().Be(HttpStatusCode.Created);
        made.Text.Should().Contain("\"name\":\"sealed\"").And.NotContain("Mustermann");
        var path = $"/v1/parties/{made.Json.GetProperty("id").GetString()}";
        (await served.Get(path)).Json.GetProperty("name").GetString().Should().Be("Zoë Mustermann");
        var reader = await served.KeyWith("read");
        (await served.Get(path, reader)).Json.GetProperty("name").GetString().Should().Be("sealed");
        var stranger = await served.KeyWith("parties");
        (await served.Get(path, stranger)).Code.Should().Be("key.scope_missing");
        (await served.Get($"/v1/parties/{Guid.NewGuid()}")).Code.Should().Be("party.not_found");
        (await served.Get("/v1/parties/nobody")).Code.Should().Be("party.not_found");
    }

    [Fact]
    public async Task The_same_name_under_the_same_id_is_the_same_command_and_another_is_not()
    {
        const string Body = """{"kind":"person","jurisdiction":"de","name":"Ada Example"}""";
        var first = await served.Post("/v1/parties", Body, "ada");
        (await served.Post("/v1/parties", Body, "ada")).Text.Should().Be(first.Text);
        (await served.Post("/v1/parties", Body.Replace("Ada", "Eve", StringComparison.Ordinal), "ada")).Code.Should()
            .Be("command.id_reused");
    }

    [Fact]
    public async Task A_name_is_erased_with_its_partys_key()
    {
        var id = await Person("Erased Person");
        served.Book.KeyStore.Destroy($"p:{id}").Should().BeTrue();
        (await served.Get($"/v1/parties/{id}")).Json.GetProperty("name").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task Holders_and_roles_are_set_and_read()
    {
        var (account, ada, ben, carl) = (await Open(), await Person("Ada"), await Person("Ben"), await Person("Carl"));
        (await served.Post($"/v1/accounts/{account}/holders",
            $$$"""{"holders":[{"party":"{{{ada}}}","share_ppm":600000},{"party":"{{{ben}}}","share_ppm":400001}]}""")).Code
            .Should().Be("role.shares_do_not_add_up");
        (await served.Post($"/v1/accounts/{account}/holders",
            $$$"""
            {"holders":[{"party":"{{{ada}}}","share_ppm":600000},{"party":"{{{ben}}}","share_ppm":400000}],"mode":"joint",
             "survivorship":true}
            """)).Status.Should().Be(HttpStatusCode.OK);
        (await served.Post($"/v1/accounts/{account}/roles",
            $$$"""
            {"party":"{{{carl}}}","role":"attorney","for":"{{{ada}}}","commands":["transfer.make"],
             "limit":{"asset":"EUR","amount":"500.00"},"until":"2026-02-01T00:00:00Z"}
            """)).Status.Should().Be(HttpStatusCode.Created);
        var roles = (await served.Get($"/v1/accounts/{account}/roles")).Json;
        (roles.GetProperty("mode").GetString(), roles.GetProperty("survivorship").GetBoolean()).Should().Be(("joint", true));
        roles.GetProperty("roles").EnumerateArray().Select(r => r.GetProperty("role").GetString()).Should()
            .Equal("holder", "holder", "attorney");
        var mandate = roles.GetProperty("roles")[2];
        mandate.GetProperty("commands")[0].GetString().Should().Be("transfer.make");
        mandate.GetProperty("limit").GetProperty("amount").GetString().Should().Be("500.00");
        mandate.GetProperty("in_force").GetBoolean().Should().BeTrue();
        (await served.Post($"/v1/parties/{ada}/death", $$$"""{"on":"2026-01-02","evidence":"{{{Paper}}}"}""")).Status.Should()
            .Be(HttpStatusCode.OK);
        (await served.Get($"/v1/accounts/{account}/roles")).Json.GetProperty("roles")[2].GetProperty("in_force").GetBoolean()
            .Should().BeFalse("who gave the mandate has died");
        (await served.Get($"/v1/parties/{ada}")).Json.GetProperty("died_on").GetString().Should().Be("2026-01-02");
        var held = (await served.Get($"/v1/parties/{carl}/accounts")).Json.GetProperty("roles");
        held[0].GetProperty("account").GetString().Should().Be(account);
        held[0].GetProperty("for").GetString().Should().Be(ada);
        (await served.Get($"/v1/accounts/{account}/roles?limit=2")).Json.GetProperty("next").GetString().Should().NotBeNull();
        var next = (await served.Get($"/v1/accounts/{account}/roles?limit=2")).Json.GetProperty("next").GetString();
        (await served.Get($"/v1/accounts/{account}/roles?limit=2&cursor={next}")).Json.GetProperty("roles")
            .EnumerateArray().Should().ContainSingle();
    }

    [Theory]
    [InlineData("""{"holders":[]}""", "role.holders_missing", null)]
    [InlineData("""{"holders":[{"party":"x"}]}""", "request.field_malformed", "holders[0].party")]
    [InlineData("""{"holders":[{"share_ppm":5}]}""", "request.field_missing", "holders[0]")]
    [InlineData("""{"holders":[{"party":"019b8e2c-7a00-7000-8000-0000000000a1","share_ppm":0}]}""",
        "request.field_malformed", "holders[0].share_ppm")]
    [InlineData("""{"holders":[{"party":"019b8e2c-7a00-7000-8000-0000000000a1"}],"mode":"common"}""", "request.field_malformed", "mode")]
    public async Task Malformed_holders_are_named(string body, string code, string? field)
    {
        var reply = await served.Post("/v1/accounts/customers:alice/holders", body);
        reply.Code.Should().Be(code);
        if (field is not null) reply.Json.GetProperty("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task An_iban_is_issued_from_the_banks_range_shown_once_and_leads_to_its_account()
    {
        await PublishRange();
        var account = await Open();
        var issued = await served.Post($"/v1/accounts/{account}/identifiers/iban", "{}", $"issue-{account}");
        issued.Status.Should().Be(HttpStatusCode.Created);
        var iban = issued.Json.GetProperty("iban").GetString()!;
        Iban.TryRead(iban, out _).Should().BeTrue();
        iban[4..12].Should().Be("50010517");
        issued.Json.GetProperty("text").GetString().Should().Be("sealed");
        var again = await served.Post($"/v1/accounts/{account}/identifiers/iban", "{}", $"issue-{account}");
        (again.IsReplay, again.Json.TryGetProperty("iban", out _)).Should().Be((true, false));
        (await Resolve("iban", iban)).Json.GetProperty("account").GetString().Should().Be(account);
        (await Resolve("virtual_iban", string.Join(' ', iban.Chunk(4).Select(c => new string(c))))).Json
            .GetProperty("account").GetString().Should().Be(account, "one set of names, printed or not");
        var listed = (await served.Get($"/v1/accounts/{account}/identifiers")).Json.GetProperty("identifiers")[0];
        listed.GetProperty("text").GetString().Should().Be(iban);
        (await served.Get($"/v1/accounts/{account}/identifiers", await served.KeyWith("read"))).Text.Should().NotContain(iban);
        (await served.Post("/v1/identifiers/end", $$"""{"kind":"iban","text":"{{iban}}","reason":"moved"}""")).Status.Should()
            .Be(HttpStatusCode.OK);
        (await Resolve("iban", iban)).Code.Should().Be("identifier.not_found");
        (await served.Post("/v1/accounts/customers:bob/identifiers", $$"""{"kind":"iban","text":"{{iban}}"}""")).Code.Should()
            .Be("identifier.taken", "never used again");
        InNoFile(iban);
    }

    [Fact]
    public async Task A_virtual_iban_collects_on_a_sub_account_and_names_what_for()
    {
        await PublishRange();
        var account = await Open();
        (await served.Post($"/v1/accounts/{account}/identifiers/iban", """{"kind":"virtual_iban","reference":"rent"}""")).Code
            .Should().Be("identifier.sub_account_missing");
        var sub = await Open($"rent.{account}");
        var issued = await served.Post($"/v1/accounts/{sub}/identifiers/iban", """{"kind":"virtual_iban","reference":"rent"}""");
        var found = (await Resolve("iban", issued.Json.GetProperty("iban").GetString()!)).Json;
        (found.GetProperty("account").GetString(), found.GetProperty("reference").GetString()).Should().Be((sub, "rent"));
    }

    [Fact]
    public async Task A_given_iban_is_of_the_banks_own_range()
    {
        await PublishRange();
        var account = await Open();
        var own = Iban.Make("DE", "500105179999999999");
        (await Add(account, "iban", own)).Status.Should().Be(HttpStatusCode.Created);
        (await Add(account, "iban", "DE89370400440532013000")).Code.Should().Be("identifier.iban_foreign");
        (await Add(account, "iban", "DE88370400440532013000")).Code.Should().Be("identifier.malformed");
        var batch = await served.Post("/v1/batch", $$"""
            [{"id":"{{served.NewId()}}","command":"identifier.add","account":"{{account}}","kind":"iban","text":"DE89370400440532013000"},
             {"id":"{{served.NewId()}}","command":"identifier.add","account":"{{account}}","kind":"alias","text":"in.batch"}]
            """);
        batch.Json[0].GetProperty("problem").GetProperty("code").GetString().Should().Be("identifier.iban_foreign");
        batch.Json[1].GetProperty("status").GetInt32().Should().Be(201);
    }

    [Fact]
    public async Task An_alias_and_an_address_lead_to_their_account_and_nobody_elses()
    {
        var (account, other) = (await Open(), await Open());
        (await Add(account, "alias", $"ada@{account}")).Status.Should().Be(HttpStatusCode.Created);
        (await Add(account, "alias", $"ada@{account}")).Json.GetProperty("changed").GetBoolean().Should().BeFalse("already so");
        (await Add(other, "alias", $"ada@{account}")).Code.Should().Be("identifier.taken");
        (await Add(account, "alias", "ADA")).Code.Should().Be("identifier.malformed");
        (await Add(account, "chain_address", "bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4")).Status.Should()
            .Be(HttpStatusCode.Created);
        (await Resolve("chain_address", "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")).Json.GetProperty("account")
            .GetString().Should().Be(account);
        (await Resolve("card_token", $"ada@{account}")).Code.Should().Be("identifier.malformed");
        InNoFile($"ada@{account}");
        InNoFile("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
    }

    [Fact]
    public async Task Every_look_at_a_customer_is_kept_before_the_answer_leaves()
    {
        var (id, account) = (await Person("Looked At"), await Open());
        var before = served.Book.Engine.DurablePosition;
        await served.Get($"/v1/parties/{id}");
        served.Book.Engine.DurablePosition.Should().Be(before + 1);
        await served.Get($"/v1/parties/{id}/accounts");
        await served.Get($"/v1/accounts/{account}/roles");
        await served.Get($"/v1/accounts/{account}/identifiers");
        served.Book.Engine.DurablePosition.Should().Be(before + 4);
        await served.Get($"/v1/parties/{id}", await served.KeyWith("read"));
        var log = (await served.Get($"/v1/access-log?party={id}&after={served.Book.Engine.DurablePosition}")).Json;
        log.GetProperty("looks").EnumerateArray().Select(l => l.GetProperty("read").GetString()).Should()
            .Equal("party.accounts", "party.read");
        log.GetProperty("looks")[0].GetProperty("key").GetString().Should().Be("demo");
        var first = (await served.Get($"/v1/access-log?account={account}&limit=1")).Json;
        first.GetProperty("looks")[0].GetProperty("read").GetString().Should().Be("account.identifiers");
        (await served.Get($"/v1/access-log?account={account}&limit=1&cursor={first.GetProperty("next").GetString()}")).Json
            .GetProperty("looks")[0].GetProperty("read").GetString().Should().Be("account.roles");
        var missing = await served.Get("/v1/access-log");
        missing.Code.Should().Be("request.query_malformed");
        missing.Text.Should().Contain("It is missing.");
        (await served.Get($"/v1/access-log?party={id}&account={account}")).Code.Should().Be("request.query_malformed");
        (await served.Get($"/v1/access-log?party={id}", await served.KeyWith("parties", "read"))).Code.Should().Be("key.scope_missing");
    }

    [Theory]
    [InlineData("Call of the customer.", true), InlineData("", false)]
    [InlineData("Far longer than anybody needs to say why a customer is looked at, far longer than anybody needs to say why, "
        + "far longer than anybody needs to say.", false)]
    public async Task Why_somebody_looks_is_kept_in_few_words(string reason, bool taken)
    {
        var id = await Person("Looked At");
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{served.Address}/v1/parties/{id}"));
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {served.Token}");
        request.Headers.TryAddWithoutValidation("Access-Reason", reason);
        using var response = await http.SendAsync(request);
        response.StatusCode.Should().Be(taken ? HttpStatusCode.OK : HttpStatusCode.BadRequest);
        var log = (await served.Get($"/v1/access-log?party={id}&after={served.Book.Engine.DurablePosition}")).Json.GetProperty("looks");
        if (taken) log[0].GetProperty("reason").GetString().Should().Be(reason);
        else log.GetArrayLength().Should().Be(0, "nothing was seen");
    }

    [Theory]
    [InlineData("{}", "request.field_missing"), InlineData("""{"kind":"iban"}""", "request.field_missing")]
    [InlineData("""{"kind":"iban","text":5}""", "request.field_malformed"), InlineData("[]", "request.not_an_object")]
    [InlineData("""{"kind":"iban","text":"x","more":1}""", "request.unknown_field"), InlineData("""{"kind":"iban",""", "request.malformed_json")]
    [InlineData("""{"kind":"iban","text":"x"}""", "identifier.malformed")]
    public async Task A_malformed_question_is_told_so(string body, string code) =>
        (await served.Send(HttpMethod.Post, "/v1/identifiers/resolve", Encoding.UTF8.GetBytes(body), null)).Code.Should().Be(code);

    [Fact]
    public async Task Personal_texts_of_parties_are_in_no_file_of_the_book()
    {
        var id = await Person("Unmistakable Surname");
        await served.Get($"/v1/parties/{id}");
        InNoFile("Unmistakable");
    }

    private async Task PublishRange()
    {
        if ((await served.Get("/v1/reference/iban-range")).Status == HttpStatusCode.OK) return;
        var today = (await served.Get("/v1/periods")).Json.GetProperty("business_date").GetString();
        var reply = await served.Post("/v1/reference", $$$"""
            {"name":"iban-range","in_force_from":"{{{today}}}","content":{"document":
              {"text":"{\"country\":\"DE\",\"bank\":\"50010517\",\"account_digits\":10}"} } }
            """);
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
    }

    private async Task<string> Person(string name)
    {
        var made = await served.Post("/v1/parties", $$"""{"kind":"person","jurisdiction":"de","name":"{{name}}"}""");
        var id = made.Json.GetProperty("id").GetString()!;
        await served.Post($"/v1/parties/{id}/standing", """{"standing":"verified","reason":"papers seen"}""");
        return id;
    }

    private async Task<string> Open(string? name = null)
    {
        name ??= $"p{Interlocked.Increment(ref _accounts)}";
        var reply = await served.Post("/v1/accounts", $$"""{"account":"{{name}}","class":"liability","chart":"2000","assets":["EUR"]}""");
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
        return name;
    }

    private Task<Reply> Add(string account, string kind, string text) =>
        served.Post($"/v1/accounts/{account}/identifiers", $$"""{"kind":"{{kind}}","text":"{{text}}"}""");

    private Task<Reply> Resolve(string kind, string text) => served.Send(
        HttpMethod.Post, "/v1/identifiers/resolve", Encoding.UTF8.GetBytes($$"""{"kind":"{{kind}}","text":"{{text}}"}"""), null);

    private void InNoFile(string secret)
    {
        foreach (var file in Directory.EnumerateFiles(served.Folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == "lock") continue;
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(open, Encoding.Latin1);
            reader.ReadToEnd().Should().NotContain(secret, file);
        }
    }
}
