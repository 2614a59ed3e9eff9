using System.Net;

namespace BankingEngine.Specs.Api;

/// <summary>What an attack on the running bank found, held shut.</summary>
public sealed class AttackSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task Nobody_accepts_a_step_of_the_clock_that_there_is_not()
    {
        var reply = await served.Post("/v1/clock/accept", """{"step_microseconds":-9000000000000000000}""", "no-step");
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.Conflict, "clock.no_such_step"));
    }

    [Fact]
    public async Task No_key_may_be_called_the_engine()
    {
        var reply = await served.Post("/v1/keys", """{"key":"engine","scopes":["read"]}""", "impostor");
        reply.Code.Should().Be("key.reserved_id");
    }

    [Theory]
    [InlineData("/v1/transfers/019a0000-0000-7000-8000-00000000ffff/reverse", "9223372036854775807")]
    [InlineData("/v1/transfers/019a0000-0000-7000-8000-00000000ffff/reverse", "1")]
    public async Task A_reversal_of_a_position_that_is_not_there_finds_nothing(string route, string position)
    {
        var reply = await served.Post(route, $$"""{"reason":"x","position":{{position}}}""", "beyond-" + position);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.NotFound, "entry.not_found"));
    }

    [Fact]
    public async Task What_was_reserved_for_a_later_value_date_cannot_be_spent_before_it()
    {
        var value = DateTime.UtcNow.AddDays(30).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        await Account("later");
        var held = await served.Post(
            "/v1/transfers",
            $$"""{"debit":"bank:cash","credit":"customers:later","amount":{"asset":"EUR","amount":"100.00"},"pending":true,"value_on":"{{value}}"}""",
            "later-1");
        var id = held.Json.GetProperty("id").GetString();
        await served.Post($"/v1/transfers/{id}/post", "{}", "later-2");
        var spend = await served.Transfer("customers:later", "bank:cash", "100.00", "later-3");
        spend.Code.Should().Be("limit.insufficient_funds");
    }

    [Fact]
    public async Task Reversing_a_credit_not_yet_of_value_leaves_the_holders_own_money_free()
    {
        var value = DateTime.UtcNow.AddDays(30).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        await Account("own");
        await served.Transfer("bank:cash", "customers:own", "50.00", "own-1");
        var credit = await served.Post(
            "/v1/transfers",
            $$"""{"debit":"bank:cash","credit":"customers:own","amount":{"asset":"EUR","amount":"100.00"},"value_on":"{{value}}"}""",
            "own-2");
        var id = credit.Json.GetProperty("id").GetString();
        (await served.Post($"/v1/transfers/{id}/reverse", """{"reason":"mistake"}""", "own-3")).Status.Should().Be(HttpStatusCode.Created);
        (await served.Transfer("customers:own", "bank:cash", "50.00", "own-4")).Status.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Restraints_of_the_greatest_amounts_hold_and_do_not_break()
    {
        await Account("held");
        const string greatest = "3323069989462289682259517650700861.44";
        for (var i = 0; i < 40; i++)
        {
            await served.Post(
                "/v1/accounts/customers:held/restraints",
                """{"reason":"garnishment","authority":"court","scope":"amount","amount":{"asset":"EUR","amount":"GREATEST"}}"""
                    .Replace("GREATEST", greatest, StringComparison.Ordinal),
                $"held-{i}");
        }
        (await served.Transfer("bank:cash", "customers:held", "5.00", "held-in")).Status.Should().Be(HttpStatusCode.Created);
        (await served.Transfer("customers:held", "bank:cash", "1.00", "held-out")).Code.Should().Be("limit.insufficient_funds");
    }

    private async Task Account(string name) => await served.Post(
        "/v1/accounts",
        $$"""{"account":"customers:{{name}}","class":"liability","chart":"2000","assets":["EUR"],"limits":["debits_must_not_exceed_credits"]}""",
        "open-" + name);
}
