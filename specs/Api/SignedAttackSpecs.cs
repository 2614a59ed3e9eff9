using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Api.Signing;

namespace BankingEngine.Specs.Api;

/// <summary>What an attack on signed commands, proposals and questions found, held shut.</summary>
public sealed class SignedAttackSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Theory]
    [InlineData("account.grant_overdraft", """{"account":"OWN","limit":{"asset":"EUR","amount":"1000000.00"}}""")]
    [InlineData("account.set_limits", """{"account":"OWN","limits":[]}""")]
    [InlineData("account.close", """{"account":"customers:bob","reason":"mine now"}""")]
    [InlineData("key.revoke", """{"key":"demo","reason":"mine now"}""")]
    [InlineData("reference.publish",
        """{"name":"tariff","in_force_from":"2030-01-01","content":{"document":{"text":"Transfers are free."}}}""")]
    public async Task A_channel_that_forwards_a_payment_does_not_allow_what_is_the_banks_beside_it(
        string command, string fields)
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        var reply = await (served.Pay(owner, account) with
        {
            Chain = $$"""
                [{"command":"transfer.make","fields":{{SignedAccounts.Fields(account, "1.00")}}},
                 {"command":"{{command}}","fields":{{fields.Replace("OWN", account, StringComparison.Ordinal)}}}]
                """,
        }).Send(served.Token);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.Forbidden, "authority.missing"), reply.Text);
        reply.Json.GetProperty("link").GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task A_channel_that_forwards_a_payment_may_still_allow_its_dates()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        var dated = served.Pay(owner, account) with
        {
            Fields = $$"""{"value_on":"2026-01-06",{{SignedAccounts.Fields(account, "1.00")[1..]}}""",
        };
        (await dated.Send()).Code.Should().Be("authority.missing", "who is not the bank takes today's");
        var reply = await dated.Send(served.Token);
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
    }

    [Fact]
    public async Task The_same_bytes_are_answered_the_same_whoever_brings_them()
    {
        using var owner = new Signer(KeyKind.P256);
        var call = served.Pay(owner, await served.Owned(owner.Authority));
        var request = call.Request().ToJsonString();
        var channel = await served.KeyWith("read");
        var first = await call.Send(request, "");
        var before = await served.State();
        var again = await call.Send(request, channel);
        (again.Status, again.Text, again.IsReplay).Should().Be((first.Status, first.Text, true));
        (await served.State()).Should().Be(before);
    }

    [Fact]
    public async Task Other_bytes_under_an_id_that_was_used_are_refused_whoever_brings_them()
    {
        using var owner = new Signer(KeyKind.P256);
        var call = served.Pay(owner, await served.Owned(owner.Authority));
        call = call with { Id = call.NewId() };
        (await call.Send()).Status.Should().Be(HttpStatusCode.Created);
        var other = call with { Fields = call.Fields.Replace("1.00", "2.00", StringComparison.Ordinal) };
        (await other.Send(served.Token)).Code.Should().Be("command.id_taken");
    }

    [Fact]
    public async Task A_party_that_was_proposed_is_the_one_whose_key_seals_its_name()
    {
        var (maker, head) = (await Bound("pmaker", "bank@pmaker"), await Bound("phead", "bank@phead"));
        var made = await served.Post("/v1/proposals",
            """
            {"declared":["bank@phead"],"requested":["bank@phead"],"expires":"2026-01-12T12:00:00.000000Z","commands":[
              {"command":"party.register","fields":{"kind":"person","jurisdiction":"de","name":"Ada Example"}}]}
            """, token: maker);
        made.Status.Should().Be(HttpStatusCode.Created, made.Text);
        var (id, hash) = (made.Json.GetProperty("id").GetString(), made.Json.GetProperty("hash").GetString());
        await served.Post($"/v1/proposals/{id}/approvals", $$"""{"hash":"{{hash}}"}""", token: head);
        var done = await served.Post($"/v1/proposals/{id}/execute", "{}", token: maker);
        done.Status.Should().Be(HttpStatusCode.OK, done.Text);
        var registered = Line(done.Json.GetProperty("position").GetInt64() + 1).GetProperty("data");
        SealedText.SubjectOf(registered.GetProperty("name").GetString()!).Should()
            .Be($"p:{registered.GetProperty("id").GetString()}", "or destroying the party's key would not erase its name");
    }

    [Fact]
    public async Task What_cannot_be_proposed_is_named_by_its_own_number()
    {
        var maker = await Bound("nmaker", "bank@nmaker");
        var reply = await served.Post("/v1/proposals",
            """
            {"declared":["bank@nmaker"],"requested":["bank@nmaker"],"expires":"2026-01-12T12:00:00.000000Z","commands":[
              {"command":"asset.retire","fields":{"asset":"BTC"}},
              {"command":"identifier.add","fields":{"account":"customers:alice","kind":"alias","text":"ada@example"}}]}
            """, token: maker);
        (reply.Code, reply.Json.GetProperty("field").GetString(), reply.Json.GetProperty("link").GetInt32())
            .Should().Be(("request.not_in_batch", "commands[1].command", 2));
    }

    [Fact]
    public async Task Who_may_not_see_keys_asks_of_their_own_only()
    {
        var token = await served.KeyWith("read");
        async Task<string?> CodeOf(string key) => (await served.Send(
            HttpMethod.Post, "/v1/authorisations/explain",
            Encoding.UTF8.GetBytes(
                $$$"""{"command":"transfer.make","fields":{{{SignedAccounts.Fields("customers:alice", "1.00")}}},"api_key":"{{{key}}}"}"""),
            id: null, token)).Code;
        (await CodeOf("demo")).Should().Be("key.scope_missing");
        (await CodeOf("nobody")).Should().Be("key.scope_missing", "whether there is such a key is not said either");
        (await CodeOf(token.Split('.')[1])).Should().Be("key.scope_missing", "it may not pay");
    }

    [Fact]
    public async Task A_wallet_opens_no_accounts_below_it()
    {
        using var owner = new Signer(KeyKind.P256);
        await Wallet(owner);
        (await Signed(owner, "permissions.create",
            $$"""{"account":"{{owner.Wallet}}","owner":{{owner.Authority}},"active":{{owner.Authority}}}""")).Status
            .Should().Be(HttpStatusCode.Created);
        var opened = await Signed(owner, "account.open",
            $$"""
            {"account":"s1.{{owner.Wallet}}","class":"memorandum","chart":"9100","assets":["EUR"],
             "limits":["debits_must_not_exceed_credits"]}
            """);
        (opened.Status, opened.Code).Should().Be((HttpStatusCode.Forbidden, "authority.missing"), opened.Text);
    }

    [Fact]
    public async Task A_wallet_has_few_open_proposals()
    {
        using var owner = new Signer(KeyKind.P256);
        await Wallet(owner);
        var level = $"{owner.Wallet}@active";
        var fields = $$$"""
            {"declared":["{{{level}}}"],"requested":["{{{level}}}"],"expires":"2026-01-12T12:00:00.000000Z","commands":[
              {"command":"transfer.make","fields":{"debit":"{{{owner.Wallet}}}","credit":"points:shop",
               "amount":{"asset":"PTS","amount":"1.00"} } }]}
            """;
        for (var i = 0; i < Proposals.MaxOpenOfWallet; i++)
            (await Signed(owner, "proposal.make", fields)).Status.Should().Be(HttpStatusCode.Created);
        (await Signed(owner, "proposal.make", fields)).Code.Should().Be("proposal.too_many_of_account");
    }

    /// <summary>Points that wallets may hold, and one that does.</summary>
    private async Task Wallet(Signer owner)
    {
        await served.Post("/v1/assets", """{"asset":"PTS","scale":2,"title":"Points"}""");
        foreach (var name in new[] { "vault", "shop" })
        {
            await served.Post("/v1/accounts",
                $$"""{"account":"points:{{name}}","class":"memorandum","chart":"9100","assets":["PTS"]}""");
        }
        await served.Post("/v1/reference",
            """
            {"name":"wallet-rule","in_force_from":"2026-01-05","content":{"wallet_rule":{"window_seconds":86400,
             "emptied_seconds":172800,"assets":[{"opening_minimum":{"asset":"PTS","amount":"1"},
             "per_transaction":{"asset":"PTS","amount":"5"},"per_window":{"asset":"PTS","amount":"8"},
             "max_balance":{"asset":"PTS","amount":"100"}}]}}}
            """);
        var given = await served.Post("/v1/transfers",
            $$$"""{"debit":"points:vault","credit":"{{{owner.Wallet}}}","amount":{"asset":"PTS","amount":"50.00"} }""");
        given.Status.Should().Be(HttpStatusCode.Created, given.Text);
    }

    private Task<Reply> Signed(Signer owner, string command, string fields) => new SignedCall(served)
    {
        As = [$"{owner.Wallet}@active"],
        Signers = [owner],
        Command = command,
        Fields = fields,
    }.Send();

    private async Task<string> Bound(string id, string provides)
    {
        var issued = await served.Post(
            "/v1/keys", $$"""{"key":"{{id}}","scopes":["proposals","parties","read","reference"]}""");
        var token = issued.Json.GetProperty("token").GetString()!;
        var bound = await served.Post($"/v1/keys/{id}/binding", $$"""{"provides":"{{provides}}"}""");
        bound.Status.Should().Be(HttpStatusCode.OK, bound.Text);
        return token;
    }

    private JsonElement Line(long position)
    {
        var line = new ArrayBufferWriter<byte>();
        served.Book.Engine.Journal.TryReadEvent(position, line).Should().BeTrue();
        return JsonDocument.Parse(Encoding.UTF8.GetString(line.WrittenSpan)).RootElement;
    }
}
