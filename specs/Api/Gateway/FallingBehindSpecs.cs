using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Engine.Grpc;
using static BankingEngine.Host.Grpc.EventStore.ReadResp;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Subscriptions are told when they are level with the book, and when they are so no longer.</summary>
public sealed class FallingBehindSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private const ContentOneofCase
        Event = ContentOneofCase.Event, CaughtUp = ContentOneofCase.CaughtUp, FellBehind = ContentOneofCase.FellBehind;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task It_has_fallen_behind_with_more_events_to_come_than_the_limit_and_not_with_as_many()
    {
        var store = new Growing();
        var limits = new ReadLimits { BehindEvents = 5, BehindFor = TimeSpan.MaxValue };
        await using var peer = await Serve(store, limits);
        using var channel = peer.Channel();
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        store.Grow(50);
        await call.RequestAsync(GatewayHost.Read(null, o => o.Subscription = new()));
        await Next(call, ContentOneofCase.Confirmation);
        for (var i = 0; i < 50; i++) await Next(call, Event);
        await Next(call, CaughtUp);
        // Five more behind the next: that is not yet behind.
        store.Grow(6);
        for (var i = 0; i < 6; i++) await Next(call, Event);
        store.Grow(7);
        await Next(call, FellBehind);
        for (var i = 0; i < 7; i++) await Next(call, Event);
        await Next(call, CaughtUp);
        store.Grow(1);
        await Next(call, Event);
    }

    [Fact]
    public async Task It_has_fallen_behind_when_it_was_not_level_for_longer_than_the_limit()
    {
        var store = new Growing();
        await using var peer = await Serve(store, new() { BehindFor = TimeSpan.Zero });
        using var channel = peer.Channel();
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(GatewayHost.Read(null, o => o.Subscription = new()));
        await Next(call, ContentOneofCase.Confirmation);
        await Next(call, CaughtUp);
        store.Grow(2);
        foreach (var expected in (ContentOneofCase[])[FellBehind, Event, Event, CaughtUp]) await Next(call, expected);
    }

    [Fact]
    public async Task Who_waits_long_for_what_does_not_happen_has_not_fallen_behind()
    {
        var store = new Growing();
        await using var peer = await Serve(store, new() { BehindFor = TimeSpan.FromSeconds(1) });
        using var channel = peer.Channel();
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(GatewayHost.Read(null, o => o.Subscription = new()));
        await Next(call, ContentOneofCase.Confirmation);
        await Next(call, CaughtUp);
        await Task.Delay(1_500);
        store.Grow(1);
        await Next(call, Event);
    }

    [Fact]
    public async Task A_live_book_tells_its_followers()
    {
        var gateway = await Eager(host);
        using var channel = new GrpcChannel(new(gateway.Address));
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(GatewayHost.Read("account-customers:alice", o => (o.Subscription, o.Stream.End) = (new(), new())));
        await Next(call, ContentOneofCase.Confirmation);
        await Next(call, CaughtUp);
        await host.Served.Transfer("customers:alice", "customers:bob", "1.00");
        foreach (var expected in (ContentOneofCase[])[FellBehind, Event, CaughtUp]) await Next(call, expected);
    }

    [ClientTheory]
    [InlineData("eventstore")]
    [InlineData("kurrent")]
    public async Task The_official_clients_tell_their_programs(string family)
    {
        var gateway = await Eager(host);
        var seen = await Clients.RunAsync(
            () => host.Served.Transfer("customers:alice", "customers:bob", "1.00"), "behind.mjs", family,
            $"esdb://{gateway.Address.Authority}?tls=false", "book-sandbox");
        seen.Texts("happened").Should().Equal("caughtUp", "fellBehind", "event", "caughtUp");
    }

    /// <summary>A gateway that counts anything as behind, so that one event shows it.</summary>
    private static async Task<AuditGateway> Eager(GatewayHost host) => (await host.StartAsync(
        new ReadLimits { BehindFor = TimeSpan.Zero },
        ("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true")))!;

    private static Task<GrpcPeer> Serve(Growing store, ReadLimits limits)
    {
        var reads = new StreamReads(store, Soon, limits);
        return GrpcPeer.StartAsync(routes => routes.MapGrpc(
            EventStoreMethods.Read, call => reads.ServeAsync(call, () => { })));
    }

    private static async Task Next(GrpcClientCall<ReadReq, ReadResp> call, ContentOneofCase expected) =>
        (await call.ReadAsync().AsTask().WaitAsync(Soon))!.ContentCase.Should().Be(expected);

    /// <summary>A store to which a spec adds events, as many at once as it likes.</summary>
    private sealed class Growing : IStreamStore
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _end;

        public long End => Volatile.Read(ref _end);

        public void Grow(int events)
        {
            lock (_gate)
            {
                Volatile.Write(ref _end, _end + events);
                _grown.TrySetResult();
                _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public StreamBounds? Find(string stream) => null;

        public IStreamCursor OpenStream(string stream, long revision, bool forwards) => OpenAll(revision, forwards);

        public IStreamCursor OpenAll(long position, bool forwards) => new Cursor(this);

        private sealed class Cursor(Growing store) : IStreamCursor, IStreamEntry
        {
            public long Position { get; private set; }

            public long Revision => Position;

            public string Stream => "book";

            public string Type => "some";

            public IStreamEntry? Next()
            {
                if (Position >= store.End) return null;
                Position++;
                return this;
            }

            public Task WaitAsync(CancellationToken cancellation)
            {
                lock (store._gate)
                    return Position < store._end ? Task.CompletedTask : store._grown.Task.WaitAsync(cancellation);
            }

            public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new();

            public void Dispose() { }
        }
    }
}
