using System.Net;

namespace BankingEngine.Specs.Api;

/// <summary>Many who read the journal while each waits for its store.</summary>
public sealed class JournalReadsSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Only_so_many_wait_for_the_journal_and_the_others_are_told_to_come_again()
    {
        string[] paths = ["/v1/audit/events", "/v1/audit/proofs/inclusion?position=1", "/v1/audit/checkpoint", "/v1/events?from=1"];
        using var store = new SemaphoreSlim(0);
        var reading = Enumerable.Range(0, BankingEngine.Host.Api.JournalReads.Most).Select(_ => Task.Factory.StartNew(
            () => served.Book.JournalReads.ReadAsync(() => { store.Wait(); return true; }, default),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()).ToArray();
        for (var tries = 0; served.Book.JournalReads.Free > 0; tries++)
        {
            tries.Should().BeLessThan(1_000);
            await Task.Delay(10);
        }
        foreach (var path in paths)
        {
            var reply = await served.Get(path).WaitAsync(Patience);
            (reply.Status, reply.Code).Should().Be((HttpStatusCode.ServiceUnavailable, "journal.busy"), path);
        }
        (await served.Get("/health/live")).Status.Should().Be(HttpStatusCode.OK);
        store.Release(reading.Length);
        await Task.WhenAll(reading).WaitAsync(Patience);
        (await served.Get("/v1/audit/proofs/inclusion?position=1")).Status.Should().Be(HttpStatusCode.OK);
    }
}
