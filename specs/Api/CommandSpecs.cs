using System.Net;
using System.Text;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api;

public sealed class CommandSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task A_transfer_answers_with_its_event()
    {
        var reply = await served.Transfer("bank:cash", "customers:alice", "12.34");
        reply.Status.Should().Be(HttpStatusCode.Created);
        reply.Json.GetProperty("type").GetString().Should().Be("transfer.made.v1");
        reply.Json.GetProperty("amount").GetProperty("amount").GetString().Should().Be("12.34");
        reply.Json.GetProperty("position").GetInt64().Should().Be(served.Book.Engine.DurablePosition);
    }

    [Fact]
    public async Task A_repeat_answers_the_same_bytes()
    {
        var first = await served.Transfer("bank:cash", "customers:alice", "1.00", "again");
        var second = await served.Post(
            "/v1/transfers",
            """
            { "amount": {"asset" : "EUR", "amount":"1.00"}, "credit":"customers:alice", "debit":"bank:\u0063ash" }
            """,
            "again");
        second.Text.Should().Be(first.Text);
        second.Status.Should().Be(first.Status);
        (first.IsReplay, second.IsReplay).Should().Be((false, true));
    }

    [Fact]
    public async Task A_refusal_is_recorded_and_repeated()
    {
        var before = served.Book.Engine.DurablePosition;
        var first = await served.Transfer("customers:alice", "customers:bob", "999999.00", "too-much");
        var second = await served.Transfer("customers:alice", "customers:bob", "999999.00", "too-much");
        first.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        first.Code.Should().Be("limit.insufficient_funds");
        first.ContentType.Should().Be("application/problem+json");
        first.Json.GetProperty("position").GetInt64().Should().Be(before + 1);
        second.Text.Should().Be(first.Text);
    }

    [Fact]
    public async Task The_same_id_with_other_content_is_refused()
    {
        await served.Transfer("bank:cash", "customers:alice", "1.00", "reused");
        var reply = await served.Transfer("bank:cash", "customers:alice", "2.00", "reused");
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.UnprocessableEntity, "command.id_reused"));
    }

    [Fact]
    public async Task Two_in_flight_under_one_id_act_once()
    {
        var before = served.Book.Engine.DurablePosition;
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => served.Transfer("bank:cash", "customers:bob", "3.00", "flight")));
        replies.Select(r => r.Text).Distinct().Should().ContainSingle();
        replies.Count(r => !r.IsReplay).Should().Be(1);
        served.Book.Engine.DurablePosition.Should().Be(before + 1);
    }

    [Fact]
    public async Task A_time_ordered_id_names_the_transfer()
    {
        var id = Guid.CreateVersion7(new DateTimeOffset(2026, 1, 5, 11, 59, 0, TimeSpan.Zero)).ToString();
        var reply = await served.Transfer("bank:cash", "customers:alice", "1.00", id);
        reply.Json.GetProperty("id").GetString().Should().Be(id);
        reply.Json.TryGetProperty("remembered_for_commands", out _).Should().BeFalse();
    }

    [Fact]
    public async Task A_reservation_is_posted_in_parts_and_the_rest_released()
    {
        var held = await served.Post(
            "/v1/transfers",
            """
            {"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"10.00"},
             "pending":true,"timeout_seconds":600}
            """);
        held.Json.GetProperty("type").GetString().Should().Be("transfer.reserved.v1");
        var path = $"/v1/transfers/{held.Json.GetProperty("id").GetString()}";
        var part = await served.Post($"{path}/post", """{"amount":{"asset":"EUR","amount":"4.00"},"final":false}""");
        part.Json.GetProperty("remaining").GetProperty("amount").GetString().Should().Be("6.00");
        var last = await served.Post($"{path}/post", """{"amount":{"asset":"EUR","amount":"5.00"}}""");
        last.Json.GetProperty("released").GetProperty("amount").GetString().Should().Be("1.00");
        (await served.Post($"{path}/cancel", "{}")).Code.Should().Be("transfer.not_found");

        var reversal = await served.Post(
            $"{path}/reverse", $$"""{"reason":"wrong","position":{{last.Json.GetProperty("position").GetInt64()}}}""");
        reversal.Json.GetProperty("legs")[0].GetProperty("amount").GetProperty("amount").GetString().Should()
            .Be("5.00");
    }

    [Fact]
    public async Task A_transfer_is_reversed_once_whoever_named_it()
    {
        foreach (
            var id in new[] { served.NewId(),
            Guid.CreateVersion7(new DateTimeOffset(2026, 1, 5, 11, 58, 0, TimeSpan.Zero)).ToString() })
        {
            var made = await served.Transfer("bank:cash", "customers:alice", "7.00", id);
            var path = $"/v1/transfers/{made.Json.GetProperty("id").GetString()}/reverse";
            var reversal = await served.Post(path, """{"reason":"twice"}""");
            reversal.Status.Should().Be(HttpStatusCode.Created);
            reversal.Json.GetProperty("original").GetInt64().Should().Be(made.Json.GetProperty("position").GetInt64());
            (await served.Post(path, """{"reason":"twice"}""")).Code.Should().Be("entry.already_reversed");
        }
    }

    [Fact]
    public async Task A_reversal_of_what_never_was_is_not_found() =>
        (await served.Post($"/v1/transfers/{Guid.NewGuid()}/reverse", """{"reason":"none"}""")).Code.Should()
            .Be("entry.not_found");

    [Fact]
    public async Task What_is_already_so_changes_nothing()
    {
        await served.Post("/v1/accounts/customers:bob/limits", """{"limits":["debits_must_not_exceed_credits"]}""");
        var before = await served.State();
        var reply =
            await served.Post("/v1/accounts/customers:bob/limits", """{"limits":["debits_must_not_exceed_credits"]}""");
        (reply.Status, reply.Json.GetProperty("changed").GetBoolean()).Should().Be((HttpStatusCode.OK, false));
        (await served.State()).Should().Be(before);
    }

    [Fact]
    public async Task An_answer_can_be_asked_for_again()
    {
        var made = await served.Transfer("bank:cash", "customers:alice", "1.50", "ask-me");
        var reply = await served.Get("/v1/commands/ask-me");
        (reply.Status, reply.Text).Should().Be((HttpStatusCode.OK, made.Text));
        (await served.Get($"/v1/commands/{made.Json.GetProperty("command").GetString()}")).Text.Should().Be(made.Text);
        var stranger = await served.KeyWith("transfers");
        (await served.Get($"/v1/commands/{made.Json.GetProperty("command").GetString()}", stranger)).Code.Should()
            .Be("command.not_found");
        var auditor = await served.KeyWith("audit");
        (await served.Get($"/v1/commands/{made.Json.GetProperty("command").GetString()}", auditor)).Text.Should()
            .Be(made.Text);
    }

    [Fact]
    public async Task Every_command_of_the_catalogue_takes_its_own_example()
    {
        foreach (var spec in CommandCatalogue.All)
        {
            if (spec.Name is "clock.advance" or "clock.accept" or "account.close" or "identifier.issue_iban") continue;
            var reply = await served.Post(ServedBook.PathOf(spec), spec.Example);
            ((int)reply.Status).Should().BeOneOf([200, 201, 403, 404, 409, 422], $"{spec.Name} answered {reply.Text}");
            if (reply.Code is not null) reply.IsRecorded.Should().BeTrue($"{spec.Name} answered {reply.Text}");
        }
    }

    [Fact]
    public async Task Answers_survive_a_restart()
    {
        var made = await served.Transfer("bank:cash", "customers:alice", "9.00", "before");
        var refused = await served.Transfer("customers:bob", "customers:alice", "888888.00", "before-no");
        (await served.RestartAsync()).Should().Be(0);
        (await served.Transfer("bank:cash", "customers:alice", "9.00", "before")).Text.Should().Be(made.Text);
        (await served.Transfer("customers:bob", "customers:alice", "888888.00", "before-no")).Text.Should()
            .Be(refused.Text);
    }

    [Fact]
    public async Task Personal_text_is_in_no_file_of_the_book()
    {
        const string Secret = "Fuer Annas Geburtstag";
        var body =
            $$"""
            {"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"1.00"},
             "remittance":"{{Secret}}"}
            """;
        var first = await served.Post("/v1/transfers", body, "gift");
        first.Status.Should().Be(HttpStatusCode.Created);
        (await served.Post("/v1/transfers", body, "gift")).Text.Should()
            .Be(first.Text, "a fresh nonce makes no other content");
        (await served.Post("/v1/transfers", body.Replace("Anna", "Bert", StringComparison.Ordinal), "gift")).Code
            .Should().Be("command.id_reused");
        var note = await served.Post(
            "/v1/accounts/customers:bob/restraints",
            $$"""
            {"reason":"dispute","authority":"desk","scope":"amount","amount":{"asset":"EUR","amount":"0.01"},
             "note":"{{Secret}}"}
            """);
        note.Text.Should().Contain("\"note\":\"sealed\"").And.NotContain(Secret);
        foreach (var file in Directory.EnumerateFiles(served.Folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == "lock") continue;
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(open, Encoding.Latin1);
            (await reader.ReadToEndAsync()).Should().NotContain(Secret, file);
        }
    }

    [Fact]
    public void The_greeting_has_three_lines_that_work() =>
        served.Greeting.Split('\n').Count(line => line.StartsWith("curl ", StringComparison.Ordinal)).Should().Be(3);
}
