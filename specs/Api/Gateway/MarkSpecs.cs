using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;
using Options = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Revisions, positions, counts and intervals at the end of what their numbers can say.</summary>
public sealed class MarkSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private const string Book = "book-sandbox", Alice = "account-customers:alice";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20), SomeHeartbeats = TimeSpan.FromMilliseconds(700);

    private static readonly ulong[] Marks =
        [long.MaxValue - 2, long.MaxValue - 1, long.MaxValue, long.MaxValue + 1ul, ulong.MaxValue - 1, ulong.MaxValue];

    public static TheoryData<string?> Streams => [Book, Alice, "account-nobody", "book-other", null];

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_subscription_behind_a_mark_that_will_never_come_waits(string? stream)
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        var waiting = new List<(GrpcClientCall<ReadReq, ReadResp> Call, Task Next)>();
        foreach (var mark in Marks)
        {
            var call = await Opened(channel, Read(stream, o =>
            {
                o.Subscription = new();
                Mark(o, mark);
            }), ReadResp.ContentOneofCase.Confirmation, ReadResp.ContentOneofCase.CaughtUp);
            waiting.Add((call, call.ReadAsync().AsTask()));
        }
        await host.Served.Transfer("customers:alice", "customers:bob", "0.01");
        await Task.Delay(SomeHeartbeats);
        foreach (var (call, next) in waiting)
        {
            next.IsCompleted.Should().BeFalse("there is neither an event nor an end");
            await call.DisposeAsync();
            await next.Awaiting(n => n).Should().ThrowAsync<GrpcException>();
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_read_from_such_a_mark_has_nothing_forwards_and_all_backwards(string? stream)
    {
        var isThere = stream is Book or Alice or null;
        foreach (var mark in Marks)
        {
            (await Events(Read(stream, o => Mark(o, mark)))).Should().Be(0);
            var backwards = await Events(Read(stream, o =>
            {
                (o.ReadDirection, o.Count) = (Options.Types.ReadDirection.Backwards, ulong.MaxValue);
                Mark(o, mark);
            }));
            backwards.Should().Be(isThere ? await Events(Read(stream, o => o.Count = ulong.MaxValue)) : 0);
        }
    }

    [Fact]
    public async Task The_widest_window_and_the_largest_multiplier_are_an_interval_like_another()
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = await Opened(
            channel,
            Read(null, o =>
            {
                o.Subscription = new();
                o.Filter = new()
                {
                    EventType = new() { Prefix = { "none." } },
                    Max = uint.MaxValue,
                    CheckpointIntervalMultiplier = uint.MaxValue,
                };
            }),
            ReadResp.ContentOneofCase.Confirmation, ReadResp.ContentOneofCase.Checkpoint, ReadResp.ContentOneofCase.CaughtUp);
    }

    private static void Mark(Options options, ulong mark)
    {
        if (options.Stream is { } stream) stream.Revision = mark;
        else options.All.Position = new() { CommitPosition = mark, PreparePosition = mark };
    }

    /// <summary>A call that has said what is expected at first.</summary>
    private static async Task<GrpcClientCall<ReadReq, ReadResp>> Opened(
        GrpcChannel channel, ReadReq request, params ReadResp.ContentOneofCase[] expected)
    {
        var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(request);
        foreach (var said in expected)
            (await call.ReadAsync().AsTask().WaitAsync(Soon))!.ContentCase.Should().Be(said);
        return call;
    }

    private async Task<int> Events(ReadReq request)
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(request);
        var count = 0;
        while (await call.ReadAsync() is { } response)
        {
            if (response.Event is not null) count++;
        }
        return count;
    }
}
