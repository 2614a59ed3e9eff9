using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Engine.Grpc;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Readers whose filters take nothing, of a store that has no end.</summary>
public sealed class ScanSpecs
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_may_read_no_longer_does_not_scan_on(bool follows)
    {
        var asked = 0;
        var reads = new StreamReads(new Endless(), Soon);
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(
            EventStoreMethods.Read, call => reads.ServeAsync(call, () => ThrowAt(ref asked, 3))));
        using var channel = peer.Channel();
        var scan = async () => await channel.CallAsync(EventStoreMethods.Read, Nothing(follows), Soon, default);
        (await scan.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.PermissionDenied);
        asked.Should().Be(3);
    }

    private static void ThrowAt(ref int asked, int last)
    {
        if (++asked == last) throw new GrpcException(GrpcCode.PermissionDenied, "No longer.");
    }

    /// <summary>Asks for a type that there is not, with checkpoints farther apart than the scan gets.</summary>
    private static ReadReq Nothing(bool follows)
    {
        var options = new ReadReq.Types.Options
        {
            All = new() { Start = new() },
            UuidOption = new() { String = new() },
            Filter = new()
            {
                EventType = new() { Prefix = { "none" } },
                Max = 1_000,
                CheckpointIntervalMultiplier = 1_000_000,
            },
        };
        if (follows) options.Subscription = new();
        else options.Count = 1;
        return new() { Options = options };
    }

    private sealed class Endless : IStreamStore, IStreamCursor, IStreamEntry
    {
        public long End => long.MaxValue;

        public long Position => 1;

        public long Revision => 0;

        public string Stream => "book";

        public string Type => "some";

        public StreamBounds? Find(string stream) => null;

        public IStreamCursor OpenStream(string stream, long revision, bool forwards) => this;

        public IStreamCursor OpenAll(long position, bool forwards) => this;

        public IStreamEntry Next() => this;

        public Task WaitAsync(CancellationToken cancellation) => Task.CompletedTask;

        public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new();

        public void Dispose() { }
    }
}
