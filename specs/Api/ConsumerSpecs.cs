using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Ports;

namespace BankingEngine.Specs.Api;

/// <summary>Consumer groups of the event stream, over real sockets.</summary>
public sealed class ConsumerSpecs
{
    [Fact]
    public async Task A_group_begins_behind_what_it_is_done_with_whatever_else_it_says()
    {
        await using var host = await AuditHost.StartAsync(payments: 5);
        using var client = await host.Client();
        (await First(client, "/v1/events?consumer=ledger&from=3")).Should().Be("3", "nothing is stored yet");
        await Commit(client, "ledger", 4);
        client.DefaultRequestHeaders.Add("Last-Event-ID", "7");
        (await First(client, "/v1/events?consumer=ledger&from=2")).Should().Be("5");
        (await First(client, "/v1/events?consumer=other")).Should().Be("1");
        (await First(client, "/v1/events")).Should().Be("8", "without a group the header counts");
    }

    [Fact]
    public async Task Positions_survive_a_restart()
    {
        await using var host = await AuditHost.StartAsync(payments: 3);
        using (var client = await host.Client()) await Commit(client, "ledger", 5);
        await host.RestartAsync();
        using var again = await host.Client();
        (await First(again, "/v1/events?consumer=ledger")).Should().Be("6");
    }

    [Fact]
    public async Task A_position_only_advances_unless_it_is_reset()
    {
        await using var host = await AuditHost.StartAsync(payments: 3);
        using var client = await host.Client();
        await Commit(client, "ledger", 5);
        await Commit(client, "ledger", 5);
        var (status, json) = await Post(client, "ledger", """{"position":4}""");
        (status, json.GetProperty("code").GetString()).Should().Be((HttpStatusCode.Conflict, "consumer.position_behind"));
        json.GetProperty("detail").GetString().Should().Be("It is at 5.");
        (status, json) = await Post(client, "ledger", """{"position":0,"reset":true}""");
        (status, json.GetProperty("position").GetInt64()).Should().Be((HttpStatusCode.OK, 0));
        (await First(client, "/v1/events?consumer=ledger")).Should().Be("1");
    }

    [Fact]
    public async Task Many_commits_at_once_leave_the_furthest()
    {
        await using var host = await AuditHost.StartAsync(payments: 30);
        using var client = await host.Client();
        await Task.WhenAll(Enumerable.Range(1, 30).Select(i => Post(client, "ledger", $$"""{"position":{{i}}}""")));
        (await List(client)).Single().GetProperty("position").GetInt64().Should().Be(30);
    }

    [Fact]
    public async Task The_list_tells_how_far_behind_each_is_and_who_is_removed_begins_anew()
    {
        await using var host = await AuditHost.StartAsync(payments: 4);
        using var client = await host.Client();
        await Commit(client, "b", 2);
        await Commit(client, "a", 3);
        var end = host.Book.Engine.DurablePosition;
        await using (var stream = await client.GetStreamAsync("/v1/events?consumer=a"))
        {
            var listed = await List(client);
            listed.Select(c => (c.GetProperty("consumer").GetString(), c.GetProperty("lag").GetInt64(),
                c.GetProperty("reading").GetBoolean())).Should().Equal(("a", end - 3, true), ("b", end - 2, false));
        }
        (await client.DeleteAsync("/v1/consumers/b")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await client.DeleteAsync("/v1/consumers/b")).StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await First(client, "/v1/events?consumer=b")).Should().Be("1");
    }

    [Fact]
    public async Task A_second_reader_is_refused_unless_it_takes_over()
    {
        await using var host = await AuditHost.StartAsync(payments: 2);
        using var client = await host.Client();
        await using var first = await client.GetStreamAsync("/v1/events?consumer=ledger");
        using (var refused = await client.GetAsync("/v1/events?consumer=ledger", HttpCompletionOption.ResponseHeadersRead))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.Conflict);
            (await refused.Content.ReadAsStringAsync()).Should().Contain("consumer.reading");
        }
        await using var other = await client.GetStreamAsync("/v1/events?consumer=other");
        await using var second = await client.GetStreamAsync("/v1/events?consumer=ledger&takeover=true");
        using var reader = new StreamReader(first);
        var rest = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(10));
        rest.Should().EndWith("event: consumer.taken_over\ndata: {}\n\n");
        using var live = new StreamReader(second);
        await host.Pay("9.99");
        var last = $"id: {host.Book.Engine.DurablePosition}";
        while (await live.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)) is { } line && line != last) { }
        (await List(client)).Should().BeEmpty("nobody said that he was done with anything");
    }

    [Fact]
    public async Task A_reader_that_left_makes_room()
    {
        await using var host = await AuditHost.StartAsync(heartbeat: TimeSpan.FromMilliseconds(50));
        using var client = await host.Client();
        await (await client.GetStreamAsync("/v1/events?consumer=ledger")).DisposeAsync();
        var status = HttpStatusCode.Conflict;
        for (var tries = 0; tries < 200 && status != HttpStatusCode.OK; tries++)
        {
            await Task.Delay(20);
            using var again = await client.GetAsync("/v1/events?consumer=ledger", HttpCompletionOption.ResponseHeadersRead);
            status = again.StatusCode;
        }
        status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_reader_whose_hold_cannot_be_renewed_loses_its_stream()
    {
        await using var host = await AuditHost.StartAsync(payments: 2);
        using var client = await host.Client();
        await using var stream = await client.GetStreamAsync("/v1/events?consumer=ledger");
        await using var without = await client.GetStreamAsync("/v1/events");
        var positions = host.Book.Positions;
        host.Book.Positions = new NoPositions();
        using var reader = new StreamReader(stream);
        var rest = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        rest.Should().Contain("id: 1").And.NotContain("consumer.taken_over", "nobody did");
        host.Book.Positions = positions;
        using var other = new StreamReader(without);
        await host.Pay("1.00");
        var last = $"id: {host.Book.Engine.DurablePosition}";
        while (await other.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)) is { } line && line != last) { }
    }

    [Theory]
    [InlineData("?consumer="), InlineData("?consumer=UPPER"), InlineData("?consumer=seventeen.letters")]
    [InlineData("?consumer=a&consumer=b"), InlineData("?takeover=true"), InlineData("?consumer=a&takeover=yes")]
    public async Task A_query_that_makes_no_sense_is_a_problem(string query)
    {
        await using var host = await AuditHost.StartAsync();
        using var client = await host.Client();
        using var answer = await client.GetAsync("/v1/events" + query, HttpCompletionOption.ResponseHeadersRead);
        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("{}", "request.field_missing"), InlineData("[]", "request.not_an_object")]
    [InlineData("{", "request.malformed_json"), InlineData("""{"position":-1}""", "request.field_malformed")]
    [InlineData("""{"position":"5"}""", "request.field_malformed")]
    [InlineData("""{"position":1,"position":2}""", "request.duplicate_field")]
    [InlineData("""{"position":1,"reset":1}""", "request.field_malformed")]
    [InlineData("""{"position":1,"consumer":"b"}""", "request.duplicate_field")]
    [InlineData("""{"position":99999}""", "position.beyond_end")]
    public async Task A_commit_that_is_malformed_stores_nothing(string body, string code)
    {
        await using var host = await AuditHost.StartAsync();
        using var client = await host.Client();
        var (status, json) = await Post(client, "ledger", body);
        (status, json.GetProperty("code").GetString()).Should().Be((HttpStatusCode.BadRequest, code));
        (await List(client)).Should().BeEmpty();
        (await Post(client, "UPPER", """{"position":1}""")).Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_said_and_the_stream_without_it_goes_on()
    {
        await using var host = await AuditHost.StartAsync(payments: 1);
        host.Book.Positions = new NoPositions();
        using var client = await host.Client();
        var (status, json) = await Post(client, "ledger", """{"position":1}""");
        (status, json.GetProperty("code").GetString()).Should()
            .Be((HttpStatusCode.ServiceUnavailable, "positions.unavailable"));
        using var stream = await client.GetAsync("/v1/events?consumer=ledger", HttpCompletionOption.ResponseHeadersRead);
        stream.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await First(client, "/v1/events")).Should().Be("1");
    }

    private static async Task Commit(HttpClient client, string group, long position)
    {
        var (status, json) = await Post(client, group, $$"""{"position":{{position}}}""");
        (status, json.GetProperty("position").GetInt64()).Should().Be((HttpStatusCode.OK, position));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Json)> Post(HttpClient client, string group, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync($"/v1/consumers/{group}/position", content);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private static async Task<List<JsonElement>> List(HttpClient client) =>
        [.. JsonDocument.Parse(await client.GetStringAsync("/v1/consumers")).RootElement.GetProperty("consumers").EnumerateArray()];

    /// <summary>The id of the first message of a stream; another reader of the group may be leaving still.</summary>
    private static async Task<string?> First(HttpClient client, string path)
    {
        var over = path.Contains("consumer=", StringComparison.Ordinal) ? "&takeover=true" : "";
        await using var stream = await client.GetStreamAsync(path + over);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) return line[4..];
        }
        return null;
    }

    /// <summary>A store that is away.</summary>
    private sealed class NoPositions : IPositions
    {
        public Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation) => throw Away();
        public Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation) => throw Away();
        public Task ResetAsync(StoredPosition to, CancellationToken cancellation) => throw Away();
        public Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation) => throw Away();
        public Task<bool> RemoveAsync(string name, CancellationToken cancellation) => throw Away();
        public Task<bool> HoldAsync(string name, Guid holder, bool takeover, CancellationToken cancellation) => throw Away();
        public Task ReleaseAsync(string name, Guid holder, CancellationToken cancellation) => throw Away();
        public Task<IReadOnlySet<string>> HeldAsync(string prefix, CancellationToken cancellation) => throw Away();
        private static PositionsUnavailableException Away() => new("Away.");
    }
}
