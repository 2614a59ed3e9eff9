using System.Net;
using System.Text.Json.Nodes;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>Wallets, limits and recovery over the wire.</summary>
public sealed class WalletsSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private const string Rule = """
        {"name":"wallet-rule","in_force_from":"2030-01-01","content":{"wallet_rule":{"window_seconds":86400,
         "emptied_seconds":172800,"assets":[{"opening_minimum":{"asset":"PTS","amount":"1"},
         "per_transaction":{"asset":"PTS","amount":"5"},"per_window":{"asset":"PTS","amount":"8"},
         "max_balance":{"asset":"PTS","amount":"100"}}]}}}
        """;

    [Fact]
    public async Task A_wallet_lives_from_its_first_credit_by_its_key_alone()
    {
        await Agent();
        using var owner = new Signer(KeyKind.Secp256k1);
        (await Pay(owner, "1.00")).Code.Should().Be("signature.key_unknown", "nobody checks what a stranger signs");
        (await Give(owner, "0.99")).Code.Should().Be("wallet.below_opening_minimum");
        (await Give(owner, "50.00")).Status.Should().Be(HttpStatusCode.Created);
        (await Pay(owner, "5.00")).Status.Should().Be(HttpStatusCode.Created);
        (await Pay(owner, "5.01")).Code.Should().Be("limit.per_transaction");
        var refused = await Pay(owner, "3.01");
        refused.Code.Should().Be("limit.per_window");
        refused.Text.Should().Contain("3.00 PTS of it is left").And.Contain("enough is free from 2026-01-06T");
        var balance = (await served.Get($"/v1/accounts/{owner.Wallet}/balances")).Json.GetProperty("balances")[0];
        balance.GetProperty("posted").GetProperty("balance").GetString().Should().Be("45.00");
    }

    [Fact]
    public async Task A_wallet_asks_to_be_verified_with_a_statement_that_is_sealed()
    {
        await Agent();
        using var owner = new Signer(KeyKind.P256);
        await Give(owner, "2.00");
        byte[] salt = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
        var reply = await new SignedCall(served)
        {
            As = [$"{owner.Wallet}@active"],
            Signers = [owner],
            Command = "wallet.verify",
            Fields = $$"""{"account":"{{owner.Wallet}}","statement":"{{PersonalParts.HashOf(salt, "I am Anna.")}}"}""",
            Personal = new()
            {
                ["statement"] = new JsonObject
                {
                    ["text"] = "I am Anna.",
                    ["salt"] = System.Buffers.Text.Base64Url.EncodeToString(salt),
                },
            },
        }.Send();
        reply.Text.Should().Contain("\"statement\":\"sealed\"").And.NotContain("Anna");
        reply.Json.GetProperty("type").GetString().Should().Be("wallet.verification_requested.v1");
    }

    [Fact]
    public async Task What_is_left_of_a_limit_and_when_it_is_whole_is_read()
    {
        await served.Post("/v1/accounts/customers:bob/spending-limits",
            """
            {"permission":"channel","asset":"EUR","per_window":{"asset":"EUR","amount":"20.00"},"window_seconds":86400,
             "counterparties":["customers:"]}
            """);
        (await served.Transfer("customers:bob", "customers:alice", "7.50")).Status.Should().Be(HttpStatusCode.Created);
        (await served.Transfer("customers:bob", "bank:fees", "1.00")).Code.Should().Be("limit.counterparty");
        (await served.Transfer("customers:bob", "customers:alice", "12.51")).Code.Should().Be("limit.per_window");
        var limit = (await served.Get("/v1/accounts/customers:bob/limits")).Json.GetProperty("limits")[0];
        limit.GetProperty("left").GetProperty("amount").GetString().Should().Be("12.50");
        limit.GetProperty("whole_from").GetString().Should().StartWith("2026-01-06T13:30:00");
        limit.GetProperty("counterparties")[0].GetString().Should().Be("customers:");
        (await served.Get("/v1/accounts/nobody/limits")).Code.Should().Be("account.not_found");
        (await served.Post("/v1/accounts/customers:bob/spending-limits/remove", """{"permission":"channel","asset":"EUR"}"""))
            .Status.Should().Be(HttpStatusCode.OK);
        (await served.Get("/v1/accounts/customers:bob/limits")).Json.GetProperty("limits").GetArrayLength().Should().Be(0);
    }

    [Fact]
    public async Task A_recovery_that_runs_is_read()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        (await served.Get($"/v1/accounts/{account}/recovery")).Json.GetProperty("allowed").GetBoolean().Should().BeFalse();
        Task<Reply> Send(string command, string fields) => new SignedCall(served)
        {
            As = [$"{account}@owner"],
            Signers = [owner],
            Command = command,
            Fields = $$"""{"account":"{{account}}"{{fields}}}""",
        }.Send();
        await Send("permission.set", $$""","permission":"recovery","parent":"owner","authority":{{owner.Authority}}""");
        (await Send("recovery.allow", ""","delay_seconds":86400""")).Status.Should().Be(HttpStatusCode.OK);
        var read = (await served.Get($"/v1/accounts/{account}/recovery")).Json;
        (read.GetProperty("allowed").GetBoolean(), read.GetProperty("running").GetBoolean()).Should().Be((true, false));
        (await Send("recovery.veto", "")).Code.Should().Be("recovery.not_running");
    }

    [Theory]
    [InlineData("""{"assets":[],"window_seconds":86400}""", "wallet.rule_malformed")]
    [InlineData("""{"window_seconds":86400,"emptied_seconds":86400}""", "request.field_malformed")]
    [InlineData("""{"assets":[{}],"window_seconds":86400,"emptied_seconds":86400}""", "request.field_malformed")]
    [InlineData("""{"assets":[null],"window_seconds":86400,"emptied_seconds":86400}""", "request.field_malformed")]
    [InlineData("""{"assets":[],"window_seconds":86400,"emptied_seconds":86400,"tier":0}""", "request.field_malformed")]
    public async Task A_rule_is_read_strictly(string rule, string code) =>
        (await served.Post("/v1/reference",
            $$$"""{"name":"wallet-rule","in_force_from":"2030-01-01","content":{"wallet_rule":{{{rule}}}}}""")).Code.Should().Be(code);

    /// <summary>The bank holds points for others, and a rule lets wallets hold some.</summary>
    private async Task Agent()
    {
        await served.Post("/v1/assets", """{"asset":"PTS","scale":2,"title":"Points"}""");
        foreach (var name in new[] { "vault", "merchant" })
        {
            await served.Post("/v1/accounts",
                $$"""{"account":"points:{{name}}","class":"memorandum","chart":"9100","assets":["PTS"]}""");
        }
        var rule = Rule.Replace("2030-01-01", "2026-01-05", StringComparison.Ordinal);
        (await served.Post("/v1/reference", rule)).Status.Should().Be(HttpStatusCode.Created);
    }

    private Task<Reply> Give(Signer owner, string amount) => served.Post("/v1/transfers",
        $$$"""{"debit":"points:vault","credit":"{{{owner.Wallet}}}","amount":{"asset":"PTS","amount":"{{{amount}}}"}}""");

    private Task<Reply> Pay(Signer owner, string amount) => new SignedCall(served)
    {
        As = [$"{owner.Wallet}@active"],
        Signers = [owner],
        Fields = $$$"""{"debit":"{{{owner.Wallet}}}","credit":"points:merchant","amount":{"asset":"PTS","amount":"{{{amount}}}"}}""",
    }.Send();
}
