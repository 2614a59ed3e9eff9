using System.Net;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine;
using BankingEngine.Specs.Engine.EventStore;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Api;

/// <summary>A host that follows, and whose store has gone.</summary>
public sealed class CutOffSpecs
{
    [Fact]
    public async Task A_follower_without_its_store_answers_keys_for_half_a_minute_and_again_when_the_store_is_back()
    {
        await using var store = await StoreFixture.StartAsync();
        var folder = Directory.CreateTempSubdirectory("bank-cut-off-");
        var token = "";
        using var leader = await FoundAsync(folder.FullName, store.At, said => token = said);
        var time = new ManualTime(new Instant(MachineTime.Instance.WallMicroseconds()).ToString());
        using var follower = await RunningBook.OpenAsync(
            Place(folder.FullName, "second", store.At), new(NullLogger.Instance, _ => { }, time, "second"));
        await using var app = await AuditHost.Serve(follower, heartbeat: TimeSpan.FromMilliseconds(50), streams: 1);
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        Task<HttpResponseMessage> Ask() => client.GetAsync("/v1/audit/keys");

        await store.RestartAsync(meanwhile: async () =>
        {
            await UntilAsync(() => follower.Engine.Unreachable is not null);
            using (var soon = await Ask()) soon.StatusCode.Should().Be(HttpStatusCode.OK);
            // From the end on, since what is before it lies in the store.
            using var stream = await client.GetAsync(
                $"/v1/events?from={follower.Engine.DurablePosition + 1}", HttpCompletionOption.ResponseHeadersRead);
            stream.StatusCode.Should().Be(HttpStatusCode.OK);
            time.Advance((long)JournalTimes.Unheard.TotalSeconds + 1);
            using (var late = await Ask())
            {
                late.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
                (await late.Content.ReadAsStringAsync()).Should().Contain("book.cut_off");
            }
            // A stream that was open ends too.
            await stream.Content.ReadAsStringAsync().WaitAsync(TimeSpan.FromSeconds(20));
        });
        await UntilAsync(() => !follower.Engine.IsCutOff);
        using var again = await Ask();
        again.StatusCode.Should().Be(HttpStatusCode.OK);
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

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 2_000 && !isSo(); i++) await Task.Delay(10);
        isSo().Should().BeTrue();
    }
}
