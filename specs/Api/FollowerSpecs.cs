using System.Net;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
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

    [Fact]
    public async Task A_host_that_has_a_book_on_files_leads_it_and_says_so()
    {
        await using var only = await Hosted.StartAsync(JournalAddress.InFolder, "only");

        var health = await only.HealthAsync();
        health.GetProperty("role").GetString().Should().Be("leader");
        health.GetProperty("leader").GetString().Should().Be("only");
    }
}
