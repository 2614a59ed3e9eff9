using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine.EventStore;
using BankingEngine.Specs.Engine.Journal;

namespace BankingEngine.Specs.Api;

/// <summary>Two hosts of one book, as callers meet them.</summary>
public sealed class FollowerSpecs
{
    [PostgresFact]
    public async Task A_host_that_follows_answers_reads_takes_no_command_and_goes_on_where_the_other_ended()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        var key = SandboxBook.DemoKey(first.Book)!;
        await using var second = await Hosted.StartAsync(database, "second");

        var paid = await first.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        paid.Status.Should().Be(HttpStatusCode.Created);
        var position = JsonDocument.Parse(paid.Body).RootElement.GetProperty("position").GetInt64();

        (await first.HealthAsync()).GetProperty("leader").GetString().Should().Be("first", "it founded the book");
        var refused = await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        refused.Body.Should().Contain("book.following");
        var read = await second.Send(
            HttpMethod.Get, $"/v1/accounts/customers:bob/balances?after={position}", key, null);
        read.Status.Should().Be(HttpStatusCode.OK);
        read.Role.Should().Be("follower");
        JsonDocument.Parse(read.Body).RootElement.GetProperty("position").GetInt64()
            .Should().BeGreaterThanOrEqualTo(position);
        (await second.HealthAsync()).GetProperty("leader").GetString().Should().Be("first");
        (await second.Send(HttpMethod.Get, "/health/leading", null, null)).Status
            .Should().Be(HttpStatusCode.ServiceUnavailable);

        await first.DisposeAsync();
        await second.Book.WaitForLeadAsync(TimeSpan.FromSeconds(20));
        (await second.HealthAsync()).GetProperty("leader").GetString().Should().Be("second");
        var again = await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        again.Status.Should().Be(HttpStatusCode.Created);
        again.Body.Should().Be(paid.Body, "the same id has the same answer, whichever host gives it");
        again.Role.Should().BeNull();
        (await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-2")).Status.Should().Be(HttpStatusCode.Created);
    }

    [PostgresFact]
    public async Task A_position_that_the_leader_gave_a_moment_ago_is_none_too_far_for_a_host_that_follows()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        var key = SandboxBook.DemoKey(first.Book)!;
        await using var second = await Hosted.StartAsync(database, "second");
        var refused = new List<string>();

        for (var i = 0; i < 3; i++)
        {
            foreach (var (name, ask) in Feeds)
            {
                var paid = await first.PayAsync(key, $"{i} {name}");
                using var answer = await second.BeginAsync(ask(paid!.Value, $"group-{i}"), key);
                if (!answer.IsSuccessStatusCode) refused.Add($"{name}: {await answer.Content.ReadAsStringAsync()}");
                else answer.Headers.GetValues("Bank-Position").Should().ContainSingle()
                    .Which.Should().Match(said => long.Parse(said, CultureInfo.InvariantCulture) >= paid);
            }
            var done = await first.PayAsync(key, $"{i} group");
            using (await first.BeginAsync(Done(done!.Value, $"read-{i}"), key)) { }
            using var behind = await second.BeginAsync(new(HttpMethod.Get, $"/v1/events?consumer=read-{i}"), key);
            if (!behind.IsSuccessStatusCode) refused.Add($"consumer: {await behind.Content.ReadAsStringAsync()}");
        }

        refused.Should().BeEmpty();
    }

    [PostgresFact]
    public async Task A_host_that_follows_does_not_say_that_there_is_no_position_which_it_has_not_seen()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        var key = SandboxBook.DemoKey(first.Book)!;
        await using var second = await Hosted.StartAsync(database, "second");

        async Task<(string, int, string?, bool)> Ask(Hosted host, string name, HttpRequestMessage request)
        {
            using var answer = await host.BeginAsync(request, key);
            var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
            return (name, (int)answer.StatusCode, problem.GetProperty("code").GetString(),
                answer.Headers.RetryAfter is not null);
        }

        (await Task.WhenAll(Feeds.Select(feed => Ask(first, feed.Name, feed.Ask(999_999, "far")))))
            .Should().Equal(Feeds.Select(feed => (feed.Name, 400, (string?)"position.beyond_end", false)));
        (await Task.WhenAll(Feeds.Select(feed => Ask(second, feed.Name, feed.Ask(999_999, "far")))))
            .Should().Equal(Feeds.Select(feed => (feed.Name, 503, (string?)"projection.behind", true)));
    }

    /// <summary>All that takes the position of a receipt.</summary>
    private static readonly (string Name, Func<long, string, HttpRequestMessage> Ask)[] Feeds =
    [
        ("Last-Event-ID", (position, _) => new(HttpMethod.Get, "/v1/events")
        {
            Headers = { { "Last-Event-ID", $"{position}" } },
        }),
        ("events", (position, _) => new(HttpMethod.Get, $"/v1/events?from={position + 1}")),
        ("commit", Done),
        ("lines", (position, _) => new(HttpMethod.Get, $"/v1/audit/events?from={position + 1}")),
        ("checkpoint", (position, _) => new(HttpMethod.Get, $"/v1/audit/checkpoint?size={position}")),
        ("inclusion", (position, _) => new(HttpMethod.Get, $"/v1/audit/proofs/inclusion?position={position}")),
        ("inclusion in", (position, _) =>
            new(HttpMethod.Get, $"/v1/audit/proofs/inclusion?position=1&size={position}")),
        ("consistency", (position, _) => new(HttpMethod.Get, $"/v1/audit/proofs/consistency?from={position}")),
        ("consistency to", (position, _) => new(HttpMethod.Get, $"/v1/audit/proofs/consistency?from=1&to={position}")),
        ("entry", (position, _) => new(HttpMethod.Get, $"/v1/entries/{position}")),
        ("as of", (position, _) => new(HttpMethod.Get, $"/v1/accounts/customers:bob/balances?as-of={position}")),
    ];

    private static HttpRequestMessage Done(long position, string group) =>
        new(HttpMethod.Post, $"/v1/consumers/{group}/position")
        {
            Content = new StringContent($$"""{"position":{{position}}}""", Encoding.UTF8, "application/json"),
        };

    [Fact]
    public async Task A_host_whose_user_and_password_stay_here_for_want_of_TLS_says_so_once_as_it_starts()
    {
        await using var store = await StoreFixture.StartAsync();
        var address = JournalAddress.Parse(store.At.Replace("esdb://", "esdb://ops:hunter2@", StringComparison.Ordinal));
        await using var said = new StringWriter();
        await using (await Hosted.StartAsync(address, "first", output: said))
        {
        }
        said.ToString().Split('\n').Should().ContainSingle(line => line.Contains("User and password are not sent"));
        said.ToString().Should().NotContain("hunter2");
    }

    [Fact]
    public async Task A_host_that_has_a_book_on_files_leads_it_and_says_so()
    {
        await using var only = await Hosted.StartAsync(JournalAddress.InFolder, "only");

        var health = await only.HealthAsync();
        health.GetProperty("role").GetString().Should().Be("leader");
        health.GetProperty("leader").GetString().Should().Be("only");
    }
}
