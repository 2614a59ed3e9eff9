using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Specs.Api.Webhooks;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Api;

/// <summary>Two processes on one book, of which the first is killed: who followed it goes on at the other.</summary>
public sealed class TakeOverSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task Groups_and_webhooks_go_on_where_they_stood_when_their_host_was_killed(string kind)
    {
        await using var receiver = await Receiver.StartAsync();
        using var store = StoreUnderTest.Named(kind);
        using var book = store.NewBook();
        using var first = await Host(book, 0, receiver);
        using var second = await Host(book, 1, receiver);
        await Until(first, c => c.GetAsync("/health/leading"), a => a.IsSuccessStatusCode);
        await Post(first, "/v1/webhooks", $$"""{"webhook":"hook","url":"{{receiver.Url}}","types":["transfer.made.v1"]}""");
        for (var i = 0; i < 3; i++) await Pay(first);
        var sent = await receiver.Next(3);
        await Until(
            first, c => c.GetAsync("/v1/webhooks"), a => Json(a).GetProperty("webhooks")[0].GetProperty("lag").GetInt64() == 0);

        var done = sent[1].Position;
        await Post(first, "/v1/consumers/ledger/position", $$"""{"position":{{done}}}""");
        var reading = await first.Client.GetStreamAsync("/v1/events?consumer=ledger");
        using (var refused = await Follow(second, ""))
        {
            refused.StatusCode.Should().Be(HttpStatusCode.Conflict, "one reader follows, on whichever host");
            (await refused.Content.ReadAsStringAsync()).Should().Contain("consumer.reading");
            refused.Headers.RetryAfter.Should().NotBeNull();
        }
        var listed = Json(await second.Client.GetAsync("/v1/consumers")).GetProperty("consumers")[0];
        (listed.GetProperty("position").GetInt64(), listed.GetProperty("reading").GetBoolean()).Should().Be((done, true));

        await first.KillAsync();
        using var followed = await Until(second, _ => Follow(second, ""), a => a.StatusCode == HttpStatusCode.OK);
        (await First(followed)).Should().Be(done + 1);
        await Until(second, c => c.GetAsync("/health/leading"), a => a.IsSuccessStatusCode);
        using (var behind = await Send(second, "/v1/consumers/ledger/position", $$"""{"position":{{done - 1}}}"""))
            (await behind.Content.ReadAsStringAsync()).Should().Contain("consumer.position_behind");
        var paid = await Pay(second);
        (await receiver.Next()).Position.Should().Be(paid, "what was noted as sent is not sent again");
        receiver.All.Should().HaveCount(4);
        await reading.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_reader_that_takes_over_on_another_host_ends_the_first_ones_stream(string kind)
    {
        await using var receiver = await Receiver.StartAsync();
        using var store = StoreUnderTest.Named(kind);
        using var book = store.NewBook();
        using var first = await Host(book, 0, receiver);
        using var second = await Host(book, 1, receiver);
        using var taken = await Until(first, _ => Follow(first, ""), a => a.StatusCode == HttpStatusCode.OK);
        using var taking = await Follow(second, "&takeover=true");
        taking.StatusCode.Should().Be(HttpStatusCode.OK);
        var rest = await taken.Content.ReadAsStringAsync().WaitAsync(Patience);
        rest.Should().EndWith("event: consumer.taken_over\ndata: {}\n\n");
        using (var refused = await Follow(first, ""))
            refused.StatusCode.Should().Be(HttpStatusCode.Conflict);
        (await First(taking)).Should().Be(1);
    }

    private static Task<BankProcess> Host(StoreBook book, int host, Receiver receiver) => BankProcess.StartAsync(
        CrashLoop.ProgramBesideThis, $"host-{host}", book.PlaceOf(host) with
        {
            Settings = new Dictionary<string, string>
            {
                ["Webhooks__AllowPrivate"] = "true",
                ["Webhooks__AllowHttp"] = "true",
                ["Webhooks__Ports"] = receiver.Port.ToString(CultureInfo.InvariantCulture),
            },
        });

    private static Task<HttpResponseMessage> Follow(BankProcess host, string more) => host.Client.GetAsync(
        "/v1/events?consumer=ledger" + more, HttpCompletionOption.ResponseHeadersRead);

    private static async Task<long> First(HttpResponseMessage followed)
    {
        using var reader = new StreamReader(await followed.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                return long.Parse(line[4..], CultureInfo.InvariantCulture);
        }
        throw new InvalidOperationException("The stream ended.");
    }

    /// <returns>Its position.</returns>
    private static async Task<long> Pay(BankProcess host) => (await Post(
        host, "/v1/transfers",
        """{"debit":"bank:cash","credit":"customers:alice","amount":{"asset":"EUR","amount":"1.00"}}"""))
        .GetProperty("position").GetInt64();

    private static async Task<JsonElement> Post(BankProcess host, string path, string body)
    {
        using var answer = await Send(host, path, body);
        answer.IsSuccessStatusCode.Should().BeTrue(await answer.Content.ReadAsStringAsync());
        return Json(answer);
    }

    private static async Task<HttpResponseMessage> Send(BankProcess host, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        return await host.Client.SendAsync(request);
    }

    /// <summary>Asks until the answer is as wanted.</summary>
    private static async Task<HttpResponseMessage> Until(
        BankProcess host, Func<HttpClient, Task<HttpResponseMessage>> ask, Func<HttpResponseMessage, bool> isWanted)
    {
        for (var began = Environment.TickCount64; Environment.TickCount64 - began < Patience.TotalMilliseconds;)
        {
            var answer = await ask(host.Client);
            if (isWanted(answer)) return answer;
            answer.Dispose();
            await Task.Delay(100);
        }
        throw new TimeoutException($"It did not come to it: {host.Said}");
    }

    private static JsonElement Json(HttpResponseMessage answer) =>
        JsonDocument.Parse(answer.Content.ReadAsStringAsync().GetAwaiter().GetResult()).RootElement;
}
