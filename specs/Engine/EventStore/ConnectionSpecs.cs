using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Specs.Engine.Grpc;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using static BankingEngine.Host.Grpc.EventStore.MemberInfo.Types;

namespace BankingEngine.Specs.Engine.EventStore;

/// <summary>What the connection string's settings do, on real sockets.</summary>
public sealed class ConnectionSpecs
{
    private const string Reads = "/event_store.client.streams.Streams/Read",
        Appends = "/event_store.client.streams.Streams/BatchAppend";

    private static readonly string[] Others = ["follower", "replica"];

    [Theory]
    [InlineData("leader", "leader")]
    [InlineData("follower", "follower")]
    [InlineData("readOnlyReplica", "replica")]
    [InlineData("random", "leader follower replica")]
    public async Task History_is_followed_at_the_preferred_node_and_all_else_is_asked_of_the_leader(string preference, string nodes)
    {
        await using var leader = await StoreFixture.StartAsync();
        await using var follower = await Beside(leader);
        await using var replica = await Beside(leader);
        var leads = Of(leader, VNodeState.Leader);
        foreach (var node in new[] { leader, follower, replica })
            node.Server.Members = [Of(follower, VNodeState.Follower), leads, Of(replica, VNodeState.ReadOnlyReplica)];
        (follower.Server.Leader, replica.Server.Leader) = (leads, leads);
        var at = $"esdb://{follower.Server.Authority},{replica.Server.Authority}?tls=false&nodePreference={preference}";
        using var writer = EventStoreJournal.Create(at, SampleBlocks.Book, StoreFixture.Quick);
        JournalFixture.Append(writer, 4);
        using var reader = EventStoreJournal.Open(at, SampleBlocks.Book.Book, StoreFixture.Quick);
        var servers = new Dictionary<string, EventStoreServer>
        {
            ["leader"] = leader.Server,
            ["follower"] = follower.Server,
            ["replica"] = replica.Server,
        };
        var before = servers.ToDictionary(pair => pair.Key, pair => pair.Value.Calls.GetValueOrDefault(Reads));
        // A reader that is level asks once more, and subscribes where it prefers to.
        for (var look = 0; look < 3; look++) reader.Refresh();
        var last = 4;
        bool Read(string name) => servers[name].Calls.GetValueOrDefault(Reads) > before[name] + (name == "leader" ? 3 : 0);
        EventStoreJournalSpecs.Eventually(() =>
        {
            reader.Refresh();
            return nodes.Split(' ').Any(Read);
        });
        foreach (var batch in (int[])[3, 2])
        {
            JournalFixture.Append(writer, batch);
            EventStoreJournalSpecs.Follow(reader, last += batch);
        }
        foreach (var other in Others.Except(nodes.Split(' ')))
            servers[other].Calls.GetValueOrDefault(Reads).Should().Be(before[other], "{0} is not preferred", other);
        foreach (var other in Others)
            servers[other].Calls.GetValueOrDefault(Appends).Should().Be(0, "only the leader stores");
        JournalFixture.Lines(reader).Should().Equal(JournalFixture.Expected(last));
    }

    [Fact]
    public async Task Where_no_node_is_as_preferred_the_leader_is_followed()
    {
        await using var leader = await StoreFixture.StartAsync();
        var at = $"esdb+discover://{leader.Server.Authority}?tls=false&nodePreference=readOnlyReplica";
        using var writer = EventStoreJournal.Create(at, SampleBlocks.Book, StoreFixture.Quick);
        JournalFixture.Append(writer, 4);
        using var reader = EventStoreJournal.Open(at, SampleBlocks.Book.Book, StoreFixture.Quick);
        for (var look = 0; look < 3; look++) reader.Refresh();
        JournalFixture.Append(writer, 3);
        EventStoreJournalSpecs.Follow(reader, 7);
    }

    [Fact]
    public async Task A_certificate_of_ones_own_is_shown_where_the_server_asks_for_one()
    {
        var (certificate, authority) = GrpcPeer.Certificates();
        var (own, callers) = GrpcPeer.Certificates();
        var (foreign, _) = GrpcPeer.Certificates();
        await using var store = await StoreFixture.StartAsync(
            options => options with { Certificate = certificate, CallersAuthority = callers });
        var folder = Directory.CreateTempSubdirectory("certificate-spec-").FullName;
        var ca = Path.Combine(folder, "ca.pem");
        await File.WriteAllTextAsync(ca, authority.ExportCertificatePem());
        var at = $"esdb://localhost:{store.Server.Address.Port}?defaultDeadline=5000&tlsCaFile={Uri.EscapeDataString(ca)}";

        using (var journal = EventStoreJournal.Create(at + Shown("own", own), SampleBlocks.Book, StoreFixture.Quick))
            JournalFixture.Append(journal, 4);
        foreach (var shown in new[] { "", Shown("foreign", foreign) })
        {
            // Nobody says why: the server ends the connection, as it may for other reasons.
            var refused = FluentActions.Invoking(() => EventStoreJournal.Open(at + shown, SampleBlocks.Book.Book, StoreFixture.Quick))
                .Should().Throw<JournalException>().Which;
            refused.Kind.Should().BeOneOf([JournalFault.Unknown, JournalFault.Refused], "{0}", refused);
            if (shown.Length == 0) refused.Message.Should().Contain("userCertFile");
        }
        Directory.Delete(folder, recursive: true);

        string Shown(string name, System.Security.Cryptography.X509Certificates.X509Certificate2 of)
        {
            var (file, keyFile) = (Path.Combine(folder, name + ".pem"), Path.Combine(folder, name + ".key"));
            File.WriteAllText(file, of.ExportCertificatePem());
            using var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(of)!;
            File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
            return $"&userCertFile={Uri.EscapeDataString(file)}&userKeyFile={Uri.EscapeDataString(keyFile)}";
        }
    }

    [Fact]
    public async Task A_server_that_speaks_TLS_is_told_from_one_that_does_not_answer()
    {
        var (certificate, _) = GrpcPeer.Certificates();
        await using var store = await StoreFixture.StartAsync(options => options with { Certificate = certificate });
        foreach (var scheme in (string[])["esdb", "esdb+discover"])
        {
            var refused = Open($"{scheme}://localhost:{store.Server.Address.Port}");
            refused.Kind.Should().Be(JournalFault.Refused, refused.Message);
            refused.Message.Should().Contain("TLS").And.Contain("leave out tls=false")
                .And.Contain($"localhost:{store.Server.Address.Port}");
        }

        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var closing = Task.Run(async () =>
        {
            while (true) (await mute.AcceptSocketAsync()).Close();
        });
        var unknown = Open($"esdb://{mute.LocalEndpoint}");
        unknown.Kind.Should().Be(JournalFault.Unknown);
        unknown.Message.Should().NotContain("TLS");
        mute.Stop();
        await FluentActions.Awaiting(() => closing).Should().ThrowAsync<SocketException>();

        static JournalException Open(string at) => FluentActions.Invoking(() => EventStoreJournal.Open(
                at + "?tls=false&defaultDeadline=5000&maxDiscoverAttempts=1", SampleBlocks.Book.Book, StoreFixture.Quick))
            .Should().Throw<JournalException>().Which;
    }

    [Fact]
    public async Task A_silent_connection_is_pinged_as_often_as_the_string_says_and_never_with_minus_one()
    {
        await using var store = await StoreFixture.StartAsync();
        using var tap = new PingTap(store.Server.Address);
        using var quiet = new PingTap(store.Server.Address);
        var identity = SampleBlocks.Book;
        using var pinged = EventStorePositions.Open($"esdb://127.0.0.1:{tap.Port}?tls=false&keepAliveInterval=250", identity);
        using var left = EventStorePositions.Open($"esdb://127.0.0.1:{quiet.Port}?tls=false&keepAliveInterval=-1", identity);
        // Each leaves a call for appends open, on which nothing passes.
        foreach (var positions in new[] { pinged, left })
            await positions.AdvanceAsync(new("a", 1, DateTimeOffset.UnixEpoch), default);
        await left.AdvanceAsync(new("b", 1, DateTimeOffset.UnixEpoch), default);
        // What was received last is followed by pings that measure the way.
        var busy = tap.Pings;
        EventStoreJournalSpecs.Eventually(() => tap.Pings >= busy + 3);
        var silent = quiet.Pings;
        EventStoreJournalSpecs.Eventually(() => tap.Pings >= busy + 6);
        quiet.Pings.Should().Be(silent);
    }

    [Fact]
    public async Task A_connection_that_answers_no_ping_is_given_up_and_one_without_pings_waits_on()
    {
        await using var store = await StoreFixture.StartAsync();
        using var wire = new FaultyWire(new IPEndPoint(IPAddress.Loopback, store.Server.Address.Port));
        store.Write("some", "x", "{}");
        using var careful = Channel(TimeSpan.FromMilliseconds(1));
        using var patient = Channel(null);
        var calls = new[] { careful, patient }.Select(channel => channel.Open(EventStoreMethods.Read, null, default)).ToArray();
        foreach (var call in calls)
        {
            await call.RequestAsync(GatewayRequest());
            while ((await call.ReadAsync())!.ContentCase != ReadResp.ContentOneofCase.CaughtUp) { }
        }
        wire.Hang(towardsStore: true, back: true);
        var waiting = calls[1].ReadAsync().AsTask();
        var given = async () => await calls[0].ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        (await given.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.Unavailable);
        waiting.IsCompleted.Should().BeFalse();
        wire.Mend();
        store.Write("some", "x", "{}");
        while ((await waiting)!.ContentCase != ReadResp.ContentOneofCase.Event) waiting = calls[1].ReadAsync().AsTask();
        foreach (var call in calls) await call.DisposeAsync();

        GrpcChannel Channel(TimeSpan? interval) => new(new(new($"http://127.0.0.1:{wire.Port}"))
        {
            KeepAliveInterval = interval,
            KeepAliveTimeout = TimeSpan.FromMilliseconds(1),
        });

        static ReadReq GatewayRequest() => Api.Gateway.GatewayHost.Read("some", o => o.Subscription = new());
    }

    private static Task<StoreFixture> Beside(StoreFixture leader) =>
        StoreFixture.StartAsync(options => options with { Log = leader.Server.Log });

    private static Member Of(StoreFixture store, VNodeState state) => new("127.0.0.1", store.Server.Address.Port, state);

    /// <summary>A wire that counts the pings of the client; what it acknowledges is not one.</summary>
    private sealed class PingTap : IDisposable
    {
        private const int PrefaceBytes = 24, HeadBytes = 9, Ping = 6, Acknowledge = 1;

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Uri _server;
        private int _pings;

        public PingTap(Uri server)
        {
            _server = server;
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Pings => Volatile.Read(ref _pings);

        public void Dispose() => _listener.Stop();

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = ForwardAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
            {
                // The spec is over.
            }
        }

        private async Task ForwardAsync(TcpClient client)
        {
            using var server = new TcpClient();
            using (client)
            {
                await server.ConnectAsync(_server.Host, _server.Port);
                (client.NoDelay, server.NoDelay) = (true, true);
                var back = server.GetStream().CopyToAsync(client.GetStream());
                try
                {
                    await CountAsync(client.GetStream(), server.GetStream());
                }
                catch (IOException)
                {
                    // One of both left.
                }
                server.Close();
                await back.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
            }
        }

        private async Task CountAsync(NetworkStream from, NetworkStream to)
        {
            var bytes = new byte[PrefaceBytes];
            await from.ReadExactlyAsync(bytes);
            await to.WriteAsync(bytes);
            var head = new byte[HeadBytes];
            while (true)
            {
                await from.ReadExactlyAsync(head);
                var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >> 8];
                await from.ReadExactlyAsync(payload);
                if (head[3] == Ping && (head[4] & Acknowledge) == 0) Interlocked.Increment(ref _pings);
                await to.WriteAsync((byte[])[.. head, .. payload]);
            }
        }
    }
}
