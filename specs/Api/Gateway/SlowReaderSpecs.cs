using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Engine.Grpc;
using Google.Protobuf;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Readers who open a stream and do not read it, of a store that has no end.</summary>
public sealed class SlowReaderSpecs
{
    private const int EntryBytes = 1_024;

    /// <summary>What a call may hold: two times 64 KiB that are written, and the caller's own window.</summary>
    private const int MostHeld = 256 * 1_024;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_stops_reading_holds_his_window_and_two_buffers_and_keeps_nobody_waiting(bool follows)
    {
        var store = new Endless();
        await using var peer = await Serve(store, new());
        await using var raw = await RawHttp2.ConnectAsync(peer.Address);
        await raw.CallAsync(1, EventStoreMethods.Read.Path, Request(follows, null));
        await RawHttp2.Until(() => raw.Of(1).Bytes == RawHttp2.StreamWindow, "the window is full");
        var (others, seen) = (2, new List<long>());
        for (var other = 0; other < others; other++)
        {
            // Beside him on his own connection, and on another.
            await raw.CallAsync(3 + (2 * other), EventStoreMethods.Read.Path, Request(follows: false, 5));
            (await Count(peer, 1_000)).Should().Be(1_000);
            seen.Add(store.Handed(0));
        }
        await RawHttp2.Until(() => raw.Of(3).IsEnded && raw.Of(5).IsEnded, "the calls beside him end");
        raw.Of(3).Bytes.Should().BeGreaterThan(5 * EntryBytes);
        (seen[^1] * EntryBytes).Should().BeLessThan(MostHeld);
        raw.Of(1).Should().Be(new RawHttp2.Answer(RawHttp2.StreamWindow, false, null), "he is waited for");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_takes_nothing_for_too_long_is_sent_away_alone(bool follows)
    {
        var store = new Endless();
        await using var peer = await Serve(store, new() { StalledFor = TimeSpan.FromMilliseconds(300) });
        await using var raw = await RawHttp2.ConnectAsync(peer.Address);
        await raw.CallAsync(1, EventStoreMethods.Read.Path, Request(follows, null));
        await RawHttp2.Until(() => raw.Of(1).ResetWith is not null, "the call is reset");
        raw.Of(1).ResetWith.Should().Be(GrpcServerCodes.EnhanceYourCalm);
        await RawHttp2.Until(() => store.Closed == 1, "what he held is given back");
        await raw.CallAsync(3, EventStoreMethods.Read.Path, Request(follows: false, 5));
        await RawHttp2.Until(() => raw.Of(3).IsEnded, "his connection goes on");
        raw.IsOver.Should().BeFalse();
    }

    [Fact]
    public async Task Our_own_client_is_told_that_it_read_too_little()
    {
        var store = new Endless();
        await using var peer = await Serve(store, new() { StalledFor = TimeSpan.FromMilliseconds(300) });
        using var channel = peer.Channel();
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(ReadReq.Parser.ParseFrom(Request(follows: true, null).AsSpan(GrpcFrames.HeaderBytes)));
        await RawHttp2.Until(() => store.Closed == 1, "it is sent away");
        var reading = async () =>
        {
            while (await call.ReadAsync() is not null) { }
        };
        (await reading.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.ResourceExhausted);
    }

    [Fact]
    public async Task A_connection_that_takes_nothing_at_all_keeps_nobody_waiting()
    {
        var store = new Endless();
        await using var peer = await Serve(store, new() { StalledFor = TimeSpan.FromMilliseconds(300) });
        await using var raw = await RawHttp2.ConnectAsync(peer.Address, RawHttp2.StreamWindow);
        for (var call = 0; call < 20; call++)
            await raw.CallAsync(1 + (2 * call), EventStoreMethods.Read.Path, Request(follows: true, null));
        await RawHttp2.Until(() => store.Opened == 20, "all calls are open");
        (await Count(peer, 1_000)).Should().Be(1_000);
        await RawHttp2.Until(() => store.Closed == 21, "all that took nothing are sent away");
        Enumerable.Range(0, 20).Max(call => store.Handed(call) * EntryBytes).Should().BeLessThan(MostHeld);
    }

    /// <summary>Known by its number alone: the protocol's, not this project's.</summary>
    private static class GrpcServerCodes
    {
        public const uint EnhanceYourCalm = 0xb;
    }

    private static Task<GrpcPeer> Serve(Endless store, ReadLimits limits)
    {
        var reads = new StreamReads(store, Soon, limits);
        return GrpcPeer.StartAsync(routes => routes.MapGrpc(
            EventStoreMethods.Read, call => reads.ServeAsync(call, () => { })));
    }

    private static async Task<int> Count(GrpcPeer peer, int wanted)
    {
        using var channel = peer.Channel();
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(ReadReq.Parser.ParseFrom(Request(follows: false, wanted).AsSpan(GrpcFrames.HeaderBytes)));
        var count = 0;
        while (await call.ReadAsync() is not null) count++;
        return count;
    }

    private static byte[] Request(bool follows, int? count)
    {
        var options = new ReadReq.Types.Options
        {
            All = new() { Start = new() },
            NoFilter = new(),
            UuidOption = new() { String = new() },
        };
        if (follows) options.Subscription = new();
        else options.Count = (ulong?)count ?? ulong.MaxValue;
        return GrpcSpecs.Frame(new ReadReq { Options = options });
    }

    /// <summary>A store that counts what it hands out to each cursor.</summary>
    private sealed class Endless : IStreamStore
    {
        private readonly List<Cursor> _cursors = [];
        private int _closed;

        public long End => long.MaxValue;

        public int Closed => Volatile.Read(ref _closed);

        public int Opened
        {
            get { lock (_cursors) return _cursors.Count; }
        }

        public long Handed(int cursor)
        {
            lock (_cursors) return _cursors[cursor].Handed;
        }

        public StreamBounds? Find(string stream) => null;

        public IStreamCursor OpenStream(string stream, long revision, bool forwards) => OpenAll(revision, forwards);

        public IStreamCursor OpenAll(long position, bool forwards)
        {
            var cursor = new Cursor(this);
            lock (_cursors) _cursors.Add(cursor);
            return cursor;
        }

        private sealed class Cursor(Endless store) : IStreamCursor, IStreamEntry
        {
            private static readonly ByteString Content = ByteString.CopyFrom(new byte[EntryBytes]);
            private long _handed;

            public long Handed => Volatile.Read(ref _handed);

            public long Position => 1;

            public long Revision => 0;

            public string Stream => "book";

            public string Type => "some";

            public IStreamEntry Next()
            {
                Interlocked.Increment(ref _handed);
                return this;
            }

            public Task WaitAsync(CancellationToken cancellation) => Task.CompletedTask;

            public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) =>
                new() { Event = new() { Data = Content } };

            public void Dispose() => Interlocked.Increment(ref store._closed);
        }
    }
}
