using System.Net;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine;
using BankingEngine.Specs.Engine.EventStore;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Api;

/// <summary>What is read of a journal whose store does not answer.</summary>
public sealed class SilentJournalSpecs
{
    [Fact]
    public async Task Whoever_reads_a_journal_that_does_not_answer_is_told_to_come_again()
    {
        await using var store = await StoreFixture.StartAsync();
        var folder = Directory.CreateTempSubdirectory("bank-silent-");
        var token = "";
        using var leader = await FoundAsync(folder.FullName, store.At, said => token = said);
        using var follower = await RunningBook.OpenAsync(
            Place(folder.FullName, "second", store.At), new(NullLogger.Instance, _ => { }, Node: "second"));
        await using var app = ApiHost.Build(
            ApiHost.CreateBuilder(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"]), follower);
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);

        await store.RestartAsync(meanwhile: async () =>
        {
            string[] paths = ["/v1/audit/events", "/v1/audit/proofs/inclusion?position=1", "/v1/events?from=1"];
            foreach (var path in paths)
            {
                using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
                answer.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, path);
                answer.Headers.RetryAfter.Should().NotBeNull(path);
                answer.Headers.Contains("Link").Should().BeFalse(path);
                var said = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
                said.GetProperty("code").GetString().Should().Be("journal.unavailable", path);
            }
        });
        folder.Delete(recursive: true);
    }

    private static Task<RunningBook> FoundAsync(string folder, string store, Action<string> told)
    {
        var genesis = new Genesis(Tag.Of("test"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"),
            Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"), 86_400, 100_000);
        return RunningBook.FoundAsync(
            Place(folder, "first", store), TestBook.Identity, new(NullLogger.Instance, _ => { }, Node: "first"),
            async engine => told(await Founding.FoundAsync(
                engine, genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"))));
    }

    private static BookPlace Place(string folder, string node, string store) =>
        new(Path.Combine(folder, node), JournalAddress.Parse(store), TestBook.Identity.Book);
}
