using System.Net;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Api;

/// <summary>Followers of a book over a real socket.</summary>
public sealed class AuditStreamSpecs
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(100);

    private sealed record Message(string? Id, string? Event, string? Data);

    [Fact]
    public async Task A_follower_gets_every_line_from_his_position_on_and_those_that_come_later()
    {
        await using var host = await AuditHost.StartAsync(payments: 3);
        using var client = await host.Client();
        await using var stream = await client.GetStreamAsync("/v1/events?from=4");
        using var reader = new StreamReader(stream);
        var past = host.Lines();
        await host.Pay("7.77");
        await host.Pay("8.88");
        var lines = host.Lines();
        lines.Length.Should().Be(past.Length + 2);
        for (var position = 4; position <= lines.Length; position++)
        {
            var message = await Next(reader);
            message.Data.Should().Be(lines[position - 1]);
            message.Id.Should().Be($"{position}");
            lines[position - 1].Should().Contain($"\"type\":\"{message.Event}\"");
        }
    }

    [Fact]
    public async Task A_follower_who_comes_back_goes_on_behind_the_last_id_he_saw()
    {
        await using var host = await AuditHost.StartAsync(payments: 3);
        using var client = await host.Client();
        client.DefaultRequestHeaders.Add("Last-Event-ID", "5");
        await using var stream = await client.GetStreamAsync("/v1/events?from=2");
        using var reader = new StreamReader(stream);
        (await Next(reader)).Id.Should().Be("6");
    }

    [Fact]
    public async Task A_filter_takes_the_named_types_and_the_events_that_name_the_account()
    {
        await using var host = await AuditHost.StartAsync(payments: 2);
        using var client = await host.Client();
        var lure = new Metadata("{\"account\":\"bob\"}");
        await host.Pay("3.00", Particulars.None with { Reference = "bob", Metadata = lure });
        await host.Send(new OpenAccount(Account("bob"), AccountClass.Liability, Tag.Of("2100"), default, default,
            [AssetCode.Parse("EUR")]));
        await host.Send(new MakeTransfer(Account("alice"), Account("bob"), Eur("1.00"), Particulars.None));
        await host.Send(new MakeTransfer(Account("alice"), Account("cash"), Eur("2.00"), Particulars.None));
        await host.Send(new MakeTransfer(Account("bob"), Account("cash"), Eur("0.50"), Particulars.None));
        var expected = host.Lines()
            .Where(line => line.Contains("\"bob\"", StringComparison.Ordinal))
            .Where(line => !line.Contains("3.00", StringComparison.Ordinal)).ToList();
        expected.Should().HaveCount(3);

        await using var stream = await client.GetStreamAsync("/v1/events?account=bob");
        using var reader = new StreamReader(stream);
        foreach (var line in expected) (await Next(reader)).Data.Should().Be(line);
        await using var narrow =
            await client.GetStreamAsync("/v1/events?account=bob&type=transfer.made.v1,account.closed.v1");
        using var narrowReader = new StreamReader(narrow);
        (await Next(narrowReader)).Data.Should().Be(expected[1]);
    }

    [Fact]
    public async Task A_silent_stream_says_that_it_lives_and_moves_the_id_past_what_the_filter_left_out()
    {
        await using var host = await AuditHost.StartAsync(payments: 3, heartbeat: Soon);
        using var client = await host.Client();
        await using var stream = await client.GetStreamAsync("/v1/events?type=account.closed.v1");
        using var reader = new StreamReader(stream);
        var message = await Next(reader, withData: false);
        message.Should().Be(new Message($"{host.Lines().Length}", null, null));
        (await Next(reader, withData: false)).Should().Be(message);
    }

    [Fact]
    public async Task Streams_end_cleanly_when_the_host_stops()
    {
        await using var host = await AuditHost.StartAsync();
        using var client = await host.Client();
        await using var stream = await client.GetStreamAsync("/v1/events");
        using var reader = new StreamReader(stream);
        await Next(reader);
        var started = Environment.TickCount64;
        var stopping = host.App.StopAsync();
        var rest = async () => await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(5));
        await rest.Should().NotThrowAsync("the answer ends as an answer does");
        await stopping;
        (Environment.TickCount64 - started).Should().BeLessThan(5_000);
    }

    [Fact]
    public async Task One_stream_too_many_is_refused_until_another_ends()
    {
        await using var host = await AuditHost.StartAsync(heartbeat: Soon, streams: 2);
        using var client = await host.Client();
        await using var first = await client.GetStreamAsync("/v1/events");
        var second = await client.GetStreamAsync("/v1/events");
        using (var refused = await client.GetAsync("/v1/events", HttpCompletionOption.ResponseHeadersRead))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.Should().NotBeNull();
            (await refused.Content.ReadAsStringAsync()).Should().Contain("events.too_many_streams");
        }
        await second.DisposeAsync();
        var status = HttpStatusCode.ServiceUnavailable;
        for (var tries = 0; tries < 500 && status != HttpStatusCode.OK; tries++)
        {
            await Task.Delay(20);
            using var again = await client.GetAsync("/v1/events", HttpCompletionOption.ResponseHeadersRead);
            status = again.StatusCode;
        }
        status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_revoked_key_follows_no_longer()
    {
        await using var host = await AuditHost.StartAsync(heartbeat: Soon);
        using var client = await host.Client(Scopes.Audit, "follower");
        await using var stream = await client.GetStreamAsync("/v1/events");
        using var reader = new StreamReader(stream);
        await Next(reader);
        await host.Send(new RevokeKey(Tag.Of("follower"), "Left."));
        await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_slow_follower_holds_no_memory_and_misses_nothing()
    {
        await using var host = await AuditHost.StartAsync();
        using var client = await host.Client();
        await using var stream = await client.GetStreamAsync("/v1/events");
        var filler = new Metadata($"{{\"filler\":\"{new string('x', 250)}\"}}");
        for (var i = 0; i < 3_000; i += 500)
            await Task.WhenAll(Enumerable.Range(0, 500)
                .Select(_ => host.Pay("0.01", Particulars.None with { Metadata = filler })));
        // More than sockets hold lies in the journal by now; what is read late is whole and in order all the same.
        using var reader = new StreamReader(stream);
        for (var position = 1; position <= host.Book.Engine.DurablePosition; position++)
            (await Next(reader)).Id.Should().Be($"{position}");
    }

    [Theory]
    [InlineData("?from=0"), InlineData("?from=x"), InlineData("?type=transfer.made"), InlineData("?type="),
        InlineData("?account=A!")]
    [InlineData("?account=a&account=b")]
    public async Task A_query_that_makes_no_sense_is_a_problem(string query)
    {
        await using var host = await AuditHost.StartAsync();
        using var client = await host.Client();
        using var answer = await client.GetAsync("/v1/events" + query, HttpCompletionOption.ResponseHeadersRead);
        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        using var beyond = await client.GetAsync("/v1/events?from=1000", HttpCompletionOption.ResponseHeadersRead);
        beyond.StatusCode.Should().Be(HttpStatusCode.BadRequest);
    }

    /// <summary>Reads as a browser does: a message ends with a blank line; without data it reaches nobody.</summary>
    private static async Task<Message> Next(StreamReader reader, bool withData = true)
    {
        string? id = null, name = null, data = null;
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
            else if (line.Length == 0
                && (data is not null || (!withData && id is not null))) return new(id, name, data);
            else if (line.Length == 0) (id, name, data) = (null, null, null);
        }
        throw new InvalidOperationException("The stream ended.");
    }
}
