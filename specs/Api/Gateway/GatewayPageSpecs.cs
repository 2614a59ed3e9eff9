using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine;
using BankingEngine.Specs.Engine.Grpc;
using Microsoft.Extensions.Logging.Abstractions;
using static BankingEngine.Host.Grpc.EventStore.ReadResp;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>What the gateway's page says besides.</summary>
public sealed class GatewayPageSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_subscription_to_a_stream_that_is_not_there_waits_for_it()
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(GatewayHost.Read("account-customers:late", o => o.Subscription = new()));
        await Next(call, ContentOneofCase.Confirmation);
        await Next(call, ContentOneofCase.CaughtUp);
        await host.Served.Post(
            "/v1/accounts", """{"account":"customers:late","class":"liability","chart":"2100","assets":["EUR"]}""");
        (await Next(call, ContentOneofCase.Event)).Event.Event.StreamRevision.Should().Be(0);
    }

    [Fact]
    public async Task A_read_ends_at_what_was_last_when_it_began()
    {
        var store = new Racing();
        var reads = new StreamReads(store, Soon);
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(
            EventStoreMethods.Read, call => reads.ServeAsync(call, () => { })));
        foreach (var stream in new[] { "book", null })
        {
            using var channel = peer.Channel();
            var (count, end) = (0L, store.End);
            await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
            await call.RequestAsync(GatewayHost.Read(stream));
            while (await call.ReadAsync() is not null) count++;
            count.Should().Be(end + 1);
            store.End.Should().BeGreaterThan(end, "each that is read makes another");
        }
    }

    [Fact]
    public async Task Checkpoints_come_after_as_many_events_as_window_times_multiplier()
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(GatewayHost.Read(null, o =>
        {
            o.Subscription = new();
            o.Filter = new() { EventType = new() { Prefix = { "none." } }, Max = 2, CheckpointIntervalMultiplier = 3 };
        }));
        await Next(call, ContentOneofCase.Confirmation);
        foreach (var expected in (ulong[])[6, 12])
            (await Next(call, ContentOneofCase.Checkpoint)).Checkpoint.CommitPosition.Should().Be(expected);
    }

    [Fact]
    public async Task A_links_id_is_made_of_the_events_and_the_links_stream()
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(GatewayHost.Read("account-customers:alice", o => (o.ResolveLinks, o.Count) = (true, 1)));
        var read = (await call.ReadAsync())!.Event;
        byte[] named = [
            .. Guid.Parse(read.Event.Id.String).ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes("account-customers:alice")];
        var hash = SHA256.HashData(named).AsSpan(0, 16);
        (hash[6], hash[8]) = ((byte)((hash[6] & 0x0f) | 0x80), (byte)((hash[8] & 0x3f) | 0x80));
        read.Link.Id.String.Should().Be(new Guid(hash, bigEndian: true).ToString());
    }

    [Fact]
    public async Task A_token_is_taken_as_bearer_too()
    {
        (await Status(await host.Served.KeyWith("audit"))).Should().Be("0");
        (await Status(await host.Served.KeyWith("read"))).Should().Be("7");

        async Task<string> Status(string token)
        {
            using var http = new HttpClient();
            using var request = new HttpRequestMessage(
                HttpMethod.Post, new Uri(host.Open.Address, EventStoreMethods.Read.Path))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(GrpcSpecs.Frame(GatewayHost.Read("book-sandbox", o => o.Count = 1))),
            };
            request.Content.Headers.ContentType = new("application/grpc");
            request.Headers.Authorization = new("Bearer", token);
            using var response = await http.SendAsync(request);
            await response.Content.ReadAsByteArrayAsync();
            return string.Concat((response.TrailingHeaders.TryGetValues("grpc-status", out var said)
                ? said : response.Headers.GetValues("grpc-status")));
        }
    }

    [Fact]
    public async Task The_rates_of_fair_use_hold()
    {
        var gateway = await host.StartAsync(
            ("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true"), ("FairUse:PerAddressPerSecond", "1"));
        using var channel = new GrpcChannel(new(gateway!.Address));
        var reading = async () =>
        {
            for (var call = 0; call < 100; call++)
            {
                await using var read = channel.Open(EventStoreMethods.Read, Soon, default);
                await read.RequestAsync(GatewayHost.Read("book-sandbox", o => o.Count = 1));
                while (await read.ReadAsync() is not null) { }
            }
        };
        (await reading.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.ResourceExhausted);
    }

    [Fact]
    public async Task The_ordinary_certificate_of_the_host_does_as_well()
    {
        var own = Path.ChangeExtension(host.AuthorityFile, ".own.pem");
        var gateway = await host.StartAsync(
            ("Gateway:Url", "https://127.0.0.1:0"), ("Kestrel:Certificates:Default:Path", own),
            ("Kestrel:Certificates:Default:KeyPath", Path.ChangeExtension(host.AuthorityFile, ".own.key.pem")));
        using var channel = new GrpcChannel(new(gateway!.Address)
        {
            Authorities = [System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(
                await File.ReadAllTextAsync(host.AuthorityFile))],
        });
        (await channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default)).Members.Should().ContainSingle();
    }

    [Fact]
    public async Task A_live_book_lets_nobody_in_without_a_key()
    {
        var folder = Directory.CreateTempSubdirectory("bank-live-").FullName;
        var genesis = new Genesis(
            Tag.Of("test"), BookMode.Live, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"), Tag.Of("daily"),
            Tag.Of("de"), 86_400, 100_000);
        using (var book = await RunningBook.FoundAsync(
            folder, TestBook.Identity, NullLogger.Instance, _ => { }, engine => Founding.FoundAsync(
                engine, genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"))))
        {
            var starting = () => host.StartAsync(
                [book], null, ("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true"));
            (await starting.Should().ThrowAsync<GatewayConfigurationException>()).WithMessage("*live*");
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Calls_of_several_keys_have_a_bound_together_and_connections_one_of_their_own()
    {
        var gateway = (await host.StartAsync(("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true")))!;
        var connections = new List<TcpClient>();
        for (var connection = 0; connection < 256; connection++)
        {
            connections.Add(new());
            await connections[^1].ConnectAsync(IPAddress.Loopback, gateway.Address.Port);
        }
        using var further = new TcpClient();
        await further.ConnectAsync(IPAddress.Loopback, gateway.Address.Port);
        // Which of them it is depends on the order in which the server's threads come to count them.
        var closed = connections.Append(further).Select(IsClosed).ToList();
        await RawHttp2.Until(
            () => closed.Exists(one => one is { IsCompletedSuccessfully: true, Result: true }), "one too many is closed");
        connections.ForEach(connection => connection.Dispose());

        var secure = (await host.Served.KeyWith("audit"), await host.Served.KeyWith("audit"));
        var (first, second) = (await Fill(secure.Item1, 48), await Fill(secure.Item2, 16));
        var one = await Fill(secure.Item2, 1);
        var refused = async () => await one.Calls[0].ReadAsync();
        (await refused.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.ResourceExhausted);
        foreach (var (channel, calls) in new[] { first, second, one })
        {
            foreach (var call in calls) await call.DisposeAsync();
            channel.Dispose();
        }

        async Task<(GrpcChannel Channel, List<GrpcClientCall<ReadReq, ReadResp>> Calls)> Fill(string token, int count)
        {
            ApiKeys.TryParse(token, out var id, out _, out _).Should().BeTrue();
            var (channel, calls) = (host.Channel(id.ToString(), token), new List<GrpcClientCall<ReadReq, ReadResp>>());
            for (var call = 0; call < count; call++)
            {
                calls.Add(channel.Open(EventStoreMethods.Read, null, default));
                await calls[^1].RequestAsync(GatewayHost.Read("book-sandbox", o => (o.Subscription, o.Stream.End) = (new(), new())));
                if (count > 1) await Next(calls[^1], ContentOneofCase.Confirmation);
            }
            return (channel, calls);
        }
    }

    private static async Task<bool> IsClosed(TcpClient client)
    {
        try
        {
            // A server that takes the connection says its settings first.
            return await client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Soon) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task<ReadResp> Next(GrpcClientCall<ReadReq, ReadResp> call, ContentOneofCase expected)
    {
        var response = (await call.ReadAsync().AsTask().WaitAsync(Soon))!;
        response.ContentCase.Should().Be(expected);
        return response;
    }

    /// <summary>A store in which every event that is read makes another.</summary>
    private sealed class Racing : IStreamStore
    {
        private long _end = 9;

        public long End => Volatile.Read(ref _end);

        public StreamBounds? Find(string stream) => new(0, End);

        public IStreamCursor OpenStream(string stream, long revision, bool forwards) => OpenAll(revision, forwards);

        public IStreamCursor OpenAll(long position, bool forwards) => new Cursor(this, position);

        private sealed class Cursor(Racing store, long from) : IStreamCursor, IStreamEntry
        {
            private long _next = from;

            public long Position => _next - 1;

            public long Revision => Position;

            public string Stream => "book";

            public string Type => "some";

            public IStreamEntry Next()
            {
                _next++;
                Interlocked.Increment(ref store._end);
                return this;
            }

            public Task WaitAsync(CancellationToken cancellation) => Task.CompletedTask;

            public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new() { Event = new() };

            public void Dispose() { }
        }
    }
}
