using System.Net;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Configuration;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>How much one may ask, and what signatures that fail may cost.</summary>
public sealed class FairUseSpecs
{
    private static readonly IPAddress Near = IPAddress.Parse("192.0.2.1"), Far = IPAddress.Parse("198.51.100.7");
    private readonly HandTime _time = new();

    [Fact]
    public void An_address_may_send_two_seconds_worth_at_once_and_then_so_many_a_second()
    {
        var fair = With("PerAddressPerSecond", 5);
        for (var i = 0; i < 10; i++) fair.Take(Near).Should().BeNull();
        var refused = fair.Take(Near)!.Value;
        (refused.Problem.Code, refused.Field, refused.RetryAfterSeconds).Should().Be(("request.rate_limited", "address", 1));
        refused.Detail.Should().Be("At most 5 a second; it frees in 1 s.");
        fair.Take(Far).Should().BeNull("it is another");
        _time.Advance(TimeSpan.FromMilliseconds(200));
        fair.Take(Near).Should().BeNull();
        fair.Take(Near).Should().NotBeNull();
        _time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 10; i++) fair.Take(Near).Should().BeNull("a rest fills it to the brim and no further");
        fair.Take(Near).Should().NotBeNull();
    }

    [Fact]
    public void A_key_has_no_limit_unless_one_is_set()
    {
        var (one, other) = (new Caller(3, Tag.Of("app"), Scopes.None), new Caller(4, Tag.Of("web"), Scopes.None));
        var free = With("Nothing", 0);
        for (var i = 0; i < 100_000; i++) free.Take(one).Should().BeNull();
        var fair = With("PerKeyPerSecond", 1);
        fair.Take(one).Should().BeNull();
        fair.Take(one).Should().BeNull();
        fair.Take(one)!.Value.Field.Should().Be("key");
        fair.Take(other).Should().BeNull();
    }

    [Fact]
    public void Addresses_of_one_customers_network_are_one()
    {
        Source.Of(IPAddress.Parse("2001:db8:1:2::1")).Should().Be(Source.Of(IPAddress.Parse("2001:db8:1:2:ffff::9")));
        Source.Of(IPAddress.Parse("2001:db8:1:2::1")).Should().NotBe(Source.Of(IPAddress.Parse("2001:db8:1:3::1")));
        Source.Of(IPAddress.Parse("::ffff:192.0.2.1")).Should().Be(Source.Of(Near));
        Source.Of(Near).Should().NotBe(Source.Of(Far));
    }

    [Fact]
    public void More_addresses_than_can_be_remembered_share_one_bucket_until_others_rest()
    {
        var fair = With("PerAddressPerSecond", 1);
        IPAddress Number(int i) => new([10, (byte)(i >> 16), (byte)(i >> 8 & 255), (byte)(i & 255)]);
        for (var i = 0; i < 65_536; i++) fair.Take(Number(i)).Should().BeNull();
        var taken = Enumerable.Range(100_000, 50).Count(i => fair.Take(Number(i)) is null);
        taken.Should().Be(2);
        _time.Advance(TimeSpan.FromSeconds(10));
        Enumerable.Range(200_000, 50).Count(i => fair.Take(Number(i)) is null).Should().Be(50);
    }

    [Fact]
    public void Who_sends_signatures_that_fail_waits_once_they_cost_too_much()
    {
        var fair = With("Nothing", 0);
        var (near, far) = (Source.Of(Near), Source.Of(Far));
        fair.Verified(far, held: true, TimeSpan.FromMilliseconds(1));
        fair.Verified(near, held: false, TimeSpan.FromMilliseconds(790));
        fair.MayVerify(near).Should().BeNull("it is less than two fifths of a core");
        fair.Verified(near, held: false, TimeSpan.FromMilliseconds(20));
        var busy = fair.MayVerify(near)!.Value;
        (busy.Problem.Code, busy.RetryAfterSeconds).Should().Be(("signature.busy", 2));
        fair.MayVerify(far).Should().BeNull("its signatures hold");
        fair.MayVerify(Source.Of(IPAddress.Loopback)).Should().BeNull("nothing is known of it yet");
    }

    [Fact]
    public void From_half_a_core_on_only_those_go_on_whose_signatures_held()
    {
        var fair = With("Nothing", 0);
        var (near, far, new_) = (Source.Of(Near), Source.Of(Far), Source.Of(IPAddress.Loopback));
        fair.Verified(far, held: true, TimeSpan.FromMilliseconds(1));
        fair.Verified(near, held: false, TimeSpan.FromMilliseconds(1_001));
        fair.MayVerify(far).Should().BeNull();
        fair.MayVerify(near).Should().NotBeNull();
        fair.MayVerify(new_).Should().NotBeNull();
        fair.Verified(far, held: false, TimeSpan.Zero);
        fair.MayVerify(far).Should().NotBeNull("one good signature buys no bad ones");
        _time.Advance(TimeSpan.FromSeconds(3));
        fair.MayVerify(near).Should().BeNull("what was long ago costs nothing now");
        fair.MayVerify(new_).Should().BeNull();
    }

    [Fact]
    public async Task Over_the_wire_the_answer_says_which_limit_and_when_it_frees()
    {
        var folder = Directory.CreateTempSubdirectory("bank-fair-").FullName;
        using var stop = new CancellationTokenSource();
        var started = new TaskCompletionSource<(string, RunningBook)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var serving = Serve.RunAsync(new(folder,
            ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None", "--FairUse:PerKeyPerSecond", "1",
                "--FairUse:PerAddressPerSecond", "1"])
        {
            Output = TextWriter.Null,
            Stop = stop.Token,
            Started = (address, book) => started.TrySetResult((address, book)),
        });
        if (await Task.WhenAny(started.Task, serving) == serving) await serving;
        var (address, book) = await started.Task;
        using (var client = new HttpClient { BaseAddress = new(address) })
        {
            await Limited(client, "/v1/book", "address");
            client.DefaultRequestHeaders.Authorization = new("Bearer", SandboxBook.DemoKey(book));
            await Limited(client, "/v1/periods", "key");
        }
        await stop.CancelAsync();
        (await serving).Should().Be(0);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task Limited(HttpClient client, string path, string which)
    {
        for (var i = 0; i < 3; i++)
        {
            using var reply = await client.GetAsync(new Uri(path, UriKind.Relative));
            if (i < 2)
            {
                reply.StatusCode.Should().Be(HttpStatusCode.OK);
                continue;
            }
            ((int)reply.StatusCode).Should().Be(429);
            reply.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(1));
            var said = await reply.Content.ReadAsStringAsync();
            said.Should().Contain("request.rate_limited").And.Contain($"\"field\":\"{which}\"");
        }
    }

    private FairUse With(string setting, int perSecond) => new(
        new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["FairUse:" + setting] = perSecond.ToString(System.Globalization.CultureInfo.InvariantCulture) }).Build(),
        _time);

    /// <summary>Time that stands until it is moved.</summary>
    private sealed class HandTime : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => _ticks;
        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
