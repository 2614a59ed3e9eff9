using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Api;

/// <summary>What a newcomer reads of the API is what it does.</summary>
public sealed partial class DescriptionSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task Every_name_in_every_address_is_declared()
    {
        foreach (var (path, method, operation) in await Operations())
        {
            var declared = Names(operation, "path");
            foreach (Match name in InBraces().Matches(path))
                declared.Should().Contain(name.Groups[1].Value, $"{method} {path} has it in its address");
        }
    }

    [Fact]
    public async Task Every_read_declares_its_query_and_its_answers()
    {
        var operations = await Operations();
        operations.Where(o => o.Method == "get").Should().HaveCountGreaterThan(20);
        foreach (var (path, _, operation) in operations.Where(o => o.Method == "get"))
        {
            operation.GetProperty("responses").TryGetProperty("200", out var ok).Should().BeTrue(path);
            ok.GetProperty("content").EnumerateObject().Should().NotBeEmpty(path);
        }
        Names(operations.Single(o => o.Path == "/v1/accounts/{account}/entries" && o.Method == "get").Operation, "query")
            .Should().Contain(["order", "asset", "side", "booked-from", "min-amount", "after", "limit", "cursor"]);
    }

    [Fact]
    public async Task Every_operation_stands_under_a_heading_of_the_bank()
    {
        foreach (var (path, method, operation) in await Operations())
            operation.GetProperty("tags")[0].GetString().Should().NotContain("BankingEngine", $"{method} {path}");
    }

    [Theory]
    [InlineData("/v1/events"), InlineData("/v1/keys"), InlineData("/v1/audit/events"), InlineData("/v1/audit/keys")]
    [InlineData("/v1/audit/checkpoint"), InlineData("/v1/accounts"), InlineData("/v1/periods")]
    [InlineData("/v1/commands/x"), InlineData("/health/live"), InlineData("/problems")]
    public async Task A_name_that_no_read_knows_is_refused_everywhere(string path)
    {
        var reply = await served.Get(path + "?colour=red");
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.BadRequest, "request.query_malformed"));
        reply.Json.GetProperty("field").GetString().Should().Be("colour");
    }

    [Fact]
    public void What_is_explained_is_a_code_of_the_bank() =>
        Explanations.Codes.Should().BeSubsetOf(Problems.All.Keys);

    [Fact]
    public void Every_code_of_the_edge_that_callers_meet_is_explained() =>
        EdgeProblems.ByCode.Keys.Except(Explanations.Codes).Should().BeEquivalentTo(
            "request.refused", "problem.not_found", "reference.not_found");

    [Fact]
    public async Task A_choice_that_is_none_is_told_what_there_is()
    {
        var reply = await served.Post("/v1/keys", """{"key":"k","scopes":["everything"]}""");
        reply.Json.GetProperty("field").GetString().Should().Be("scopes");
        reply.Json.GetProperty("detail").GetString().Should().ContainAll("transfers", "read", "sandbox");
    }

    [Fact]
    public async Task A_leg_that_is_wrong_is_named()
    {
        const string Two = """
            {"legs":[{"account":"bank:cash","side":"debit","amount":{"asset":"EUR","amount":"1.00"}},
                     {"account":"ACCOUNT","side":"credit","amount":{"asset":"EUR","amount":AMOUNT}}]}
            """;
        string With(string account, string amount) => Two.Replace("ACCOUNT", account, StringComparison.Ordinal)
            .Replace("AMOUNT", amount, StringComparison.Ordinal);
        (await served.Post("/v1/entries", With("customers:bob", "1.00"))).Json.GetProperty("field").GetString()
            .Should().Be("legs[1].amount");
        (await served.Post("/v1/entries", With("nobody:here", "\"1.00\""))).Json.GetProperty("detail").GetString()
            .Should().StartWith("Leg 2, nobody:here in EUR: ");
        (await served.Post("/v1/entries", With("customers:bob", "\"1.001\""))).Json.GetProperty("detail").GetString()
            .Should().StartWith("Leg 2, customers:bob in EUR: ");
        (await served.Post("/v1/entries", With("customers:bob", "\"0.75\""))).Json.GetProperty("detail").GetString()
            .Should().Be("Debits exceed credits by 0.25 EUR.");
    }

    [Fact]
    public async Task A_refusal_names_the_account_and_not_its_balance()
    {
        var problem = (await served.Transfer("customers:bob", "customers:alice", "777777.00")).Json;
        problem.GetProperty("title").GetString().Should().Be("Available funds do not cover the debit.");
        problem.GetProperty("detail").GetString().Should()
            .Be("Available funds of customers:bob do not cover the debit in EUR.");
    }

    [Fact]
    public async Task A_reservation_posted_once_is_reversed_without_its_position_and_in_parts_with_it()
    {
        var once = await Reserved("8.00");
        await served.Post($"{once}/post", "{}");
        (await served.Post($"{once}/reverse", """{"reason":"wrong"}""")).Status.Should().Be(HttpStatusCode.Created);

        var parts = await Reserved("8.00");
        var first = await served.Post($"{parts}/post", """{"amount":{"asset":"EUR","amount":"3.00"},"final":false}""");
        await served.Post($"{parts}/post", "{}");
        var id = served.NewId();
        var reply = await served.Post($"{parts}/reverse", """{"reason":"wrong"}""", id);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.UnprocessableEntity, "transfer.posted_in_parts"));
        var position = first.Json.GetProperty("position").GetInt64();
        (await served.Post($"{parts}/reverse", $$"""{"reason":"wrong","position":{{position}}}""", id)).Status.Should()
            .Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_is_no_longer_open_says_what_it_is_now_and_says_it_again()
    {
        var path = await Reserved("2.00");
        var posted = await served.Post($"{path}/post", "{}");
        var first = await served.Post($"{path}/cancel", "{}", "late-cancel");
        (first.Status, first.Code, first.IsRecorded).Should().Be((HttpStatusCode.NotFound, "transfer.not_found", true));
        first.Json.GetProperty("detail").GetString().Should()
            .EndWith($"It was posted at position {posted.Json.GetProperty("position").GetInt64()}.");
        (await served.Post($"{path}/cancel", "{}", "late-cancel")).Text.Should().Be(first.Text);
        (await served.Post($"/v1/transfers/{Guid.NewGuid()}/cancel", "{}")).Json.GetProperty("detail").GetString()
            .Should().Be("No open reservation of this id.");
    }

    [Fact]
    public async Task A_row_of_an_account_says_of_which_event_and_transfer_it_is()
    {
        var made = (await served.Transfer("bank:cash", "customers:alice", "6.66")).Json;
        var row = (await served.Get($"/v1/accounts/customers:alice/entries?after={made.GetProperty("position").GetInt64()}"))
            .Json.GetProperty("entries")[0];
        row.GetProperty("type").GetString().Should().Be("transfer.made.v1");
        row.GetProperty("transfer").GetString().Should().Be(made.GetProperty("id").GetString());
    }

    private async Task<string> Reserved(string amount)
    {
        await served.Transfer("bank:cash", "customers:alice", amount);
        var held = await served.Post(
            "/v1/transfers",
            $$$"""
            {"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"{{{amount}}}"},
             "pending":true}
            """);
        return $"/v1/transfers/{held.Json.GetProperty("id").GetString()}";
    }

    private async Task<List<(string Path, string Method, JsonElement Operation)>> Operations() =>
    [
        .. (await served.Get("/openapi/v1.json", "")).Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(o => (path.Name, o.Name, o.Value))),
    ];

    private static List<string?> Names(JsonElement operation, string place) =>
        operation.TryGetProperty("parameters", out var parameters)
            ? [.. parameters.EnumerateArray().Where(p => p.GetProperty("in").GetString() == place)
                .Select(p => p.GetProperty("name").GetString())]
            : [];

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex InBraces();
}

/// <summary>A book whose clock is not trusted says so and loses nothing.</summary>
public sealed class HeldSpecs
{
    [Fact]
    public async Task A_held_clock_answers_so_until_the_step_is_accepted()
    {
        var time = new SteppingTime();
        await RunAsync(time, async (client, _) =>
        {
            time.Step(3_600);
            (await Pay(client, "before")).Should().Be((HttpStatusCode.ServiceUnavailable, "clock.held"));
            var ready = await client.GetAsync(new Uri("/health/ready", UriKind.Relative));
            ready.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            var step = JsonDocument.Parse(await ready.Content.ReadAsStringAsync()).RootElement
                .GetProperty("clock_step_microseconds").GetInt64();
            (await Post(client, "/v1/clock/accept", $$"""{"step_microseconds":{{step}}}""", "accept")).Status.Should()
                .Be(HttpStatusCode.OK);
            (await Pay(client, "before")).Status.Should().Be(HttpStatusCode.Created, "the same id goes on");
        });
    }

    private static async Task RunAsync(ITimeSource time, Func<HttpClient, RunningBook, Task> then)
    {
        var folder = Directory.CreateTempSubdirectory("bank-held-").FullName;
        using var stop = new CancellationTokenSource();
        var started = new TaskCompletionSource<(string, RunningBook)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var serving = Serve.RunAsync(
            new(folder, ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None"], time)
            {
                Output = TextWriter.Null,
                Stop = stop.Token,
                Started = (address, book) => started.TrySetResult((address, book)),
            });
        if (await Task.WhenAny(started.Task, serving) == serving) await serving;
        var (address, book) = await started.Task;
        using (var client = new HttpClient { BaseAddress = new(address) })
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", SandboxBook.DemoKey(book));
            await then(client, book);
        }
        await stop.CancelAsync();
        (await serving).Should().Be(0);
        Directory.Delete(folder, recursive: true);
    }

    private static Task<(HttpStatusCode Status, string? Code)> Pay(HttpClient client, string id) => Post(
        client, "/v1/transfers",
        """{"debit":"bank:cash","credit":"customers:alice","amount":{"asset":"EUR","amount":"1.00"}}""", id);

    private static async Task<(HttpStatusCode Status, string? Code)> Post(
        HttpClient client, string path, string body, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        request.Headers.Add("Idempotency-Key", id);
        using var response = await client.SendAsync(request);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return (response.StatusCode, json.TryGetProperty("code", out var code) ? code.GetString() : null);
    }

    /// <summary>A machine whose wall clock somebody sets.</summary>
    private sealed class SteppingTime : ITimeSource
    {
        private readonly long _start = Instant.Parse("2026-01-05T12:00:00.000000Z").Microseconds;
        private long _step;

        public long WallMicroseconds() => _start + Volatile.Read(ref _step);
        public long MonotonicMicroseconds() => 1;
        public void Step(long seconds) => Volatile.Write(ref _step, seconds * Instant.MicrosecondsPerSecond);
    }
}
