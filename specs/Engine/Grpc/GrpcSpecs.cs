using System.Net;
using System.Net.Http.Headers;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;
using static BankingEngine.Host.Grpc.EventStoreMethods;

namespace BankingEngine.Specs.Engine.Grpc;

/// <summary>The two sides of gRPC over HTTP/2 on a real socket.</summary>
public sealed class GrpcSpecs
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly byte[] Hello = Frame(new AppendReq { ProposedMessage = new() { Data = ByteString.CopyFromUtf8("x") } });

    [Fact]
    public async Task One_message_is_answered_with_one()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Features, async call =>
        {
            await call.RequestAsync();
            await call.SendAsync(new() { EventStoreServerVersion = "7" });
        }));
        using var channel = peer.Channel();
        for (var i = 0; i < 3; i++)
            (await channel.CallAsync(Features, new(), Soon, default)).EventStoreServerVersion.Should().Be("7");
    }

    [Fact]
    public async Task Many_messages_come_one_by_one_and_the_caller_may_stop_listening()
    {
        var left = new TaskCompletionSource();
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Read, async call =>
        {
            try
            {
                for (ulong i = 0; ; i++) await call.SendAsync(new() { FirstStreamPosition = i });
            }
            finally
            {
                left.TrySetResult();
            }
        }));
        using var channel = peer.Channel();
        await using (var call = channel.Open(Read, null, default))
        {
            await call.RequestAsync(new());
            for (ulong i = 0; i < 1_000; i++) (await call.ReadAsync())!.FirstStreamPosition.Should().Be(i);
        }
        await left.Task.WaitAsync(Soon);
    }

    [Fact]
    public async Task Messages_go_both_ways_on_one_call()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(BatchAppend, async call =>
        {
            await call.StartAsync();
            while (await call.ReadAsync() is { } asked) await call.SendAsync(new() { CorrelationId = asked.CorrelationId });
        }));
        using var channel = peer.Channel();
        await using var call = channel.Open(BatchAppend, Soon, default);
        for (var i = 0; i < 50; i++)
        {
            await call.WriteAsync(new() { CorrelationId = new() { String = $"{i}" } });
            (await call.ReadAsync())!.CorrelationId.String.Should().Be($"{i}");
        }
        call.Complete();
        (await call.ReadAsync()).Should().BeNull();
    }

    [Fact]
    public async Task Messages_of_a_mebibyte_go_both_ways()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(BatchAppend, async call =>
        {
            while (await call.ReadAsync() is { } asked)
                await call.SendAsync(new() { StreamIdentifier = new() { StreamName = asked.ProposedMessages[0].Data } });
        }));
        using var channel = peer.Channel();
        await using var call = channel.Open(BatchAppend, Soon, default);
        var data = ByteString.CopyFrom(new byte[1024 * 1024]);
        for (var i = 0; i < 4; i++)
        {
            await call.WriteAsync(new() { ProposedMessages = { new BatchAppendReq.Types.ProposedMessage { Data = data } } });
            (await call.ReadAsync())!.StreamIdentifier.StreamName.Length.Should().Be(data.Length);
        }
    }

    [Fact]
    public async Task A_failure_comes_with_its_reason_before_and_after_messages()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Read, async call =>
        {
            if ((await call.RequestAsync()).Options is not null) await call.SendAsync(new() { LastStreamPosition = 1 });
            throw GrpcException.Named(
                GrpcCode.NotFound, GrpcException.NotLeader, "Zweiter – 50 %", (GrpcException.LeaderHostTrailer, "other"),
                (GrpcException.LeaderPortTrailer, "2113"));
        }));
        using var channel = peer.Channel();
        foreach (var options in new[] { null, new ReadReq.Types.Options() })
        {
            await using var call = channel.Open(Read, Soon, default);
            await call.RequestAsync(new() { Options = options });
            if (options is not null) (await call.ReadAsync())!.LastStreamPosition.Should().Be(1);
            var failure = (await call.Awaiting(c => c.ReadAsync().AsTask()).Should().ThrowAsync<GrpcException>()).Which;
            (failure.Code, failure.Detail, failure.Leader).Should().Be((GrpcCode.NotFound, "Zweiter – 50 %", ("other", 2113)));
        }
    }

    [Fact]
    public async Task An_unknown_method_is_unimplemented_and_a_fault_says_nothing_of_the_inside()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Gossip, _ => throw new FormatException("secret")));
        using var channel = peer.Channel();
        (await Failure(channel.CallAsync(Features, new(), Soon, default))).Code.Should().Be(GrpcCode.Unimplemented);
        var fault = await Failure(channel.CallAsync(Gossip, new(), Soon, default));
        (fault.Code, fault.Detail.Contains("secret", StringComparison.Ordinal)).Should().Be((GrpcCode.Unknown, false));
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        var ended = new TaskCompletionSource();
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Gossip, async call =>
        {
            await call.RequestAsync();
            await Task.Delay(Soon, call.Cancellation).ContinueWith(_ => ended.TrySetResult(), TaskScheduler.Default);
            call.Cancellation.ThrowIfCancellationRequested();
        }));
        using var channel = peer.Channel();
        var failure = await Failure(channel.CallAsync(Gossip, new(), TimeSpan.FromMilliseconds(50), default));
        failure.Code.Should().Be(GrpcCode.DeadlineExceeded);
        await ended.Task.WaitAsync(Soon);
        var (status, _) = await Raw(peer, Gossip.Path, Frame(new Empty()), "50m");
        status.Should().Be("4");
    }

    [Fact]
    public async Task A_caller_who_cancels_is_told_so()
    {
        using var stop = new CancellationTokenSource();
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Gossip, async call =>
        {
            stop.Cancel();
            await Task.Delay(Soon, call.Cancellation);
        }));
        using var channel = peer.Channel();
        (await Failure(channel.CallAsync(Gossip, new(), null, stop.Token))).Code.Should().Be(GrpcCode.Cancelled);
    }

    [Theory]
    [InlineData("", 13, "no message")]
    [InlineData("00", 13, "cut short")]
    [InlineData("00000000FF01", 13, "cut short")]
    [InlineData("0100000000", 13, "compressed")]
    [InlineData("00FFFFFFFF", 8, "bytes")]
    [InlineData("0001100001", 8, "bytes")]
    [InlineData("0000000002FFFF", 13, "form")]
    [InlineData("00000000020A05", 13, "form")]
    public async Task A_bad_frame_is_a_clean_status(string hex, int code, string says)
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Append, async call =>
        {
            await call.RequestAsync();
            await call.SendAsync(new());
        }));
        var (status, message) = await Raw(peer, Append.Path, Convert.FromHexString(hex));
        (status, message).Should().Match<(string? Code, string Says)>(s => s.Code == $"{code}" && s.Says.Contains(says));
        (await Raw(peer, Append.Path, Hello)).Status.Should().Be("0", "the next call is as good as ever");
    }

    [Theory]
    [InlineData("gzip", null, "12")]
    [InlineData("identity", null, "0")]
    [InlineData(null, "1", "13")]
    [InlineData(null, "m", "13")]
    [InlineData(null, "-5S", "13")]
    [InlineData(null, "123456789S", "13")]
    [InlineData(null, "99999999H", "0")]
    [InlineData(null, "99999999n", "0")]
    public async Task Encodings_and_deadlines_are_taken_as_the_protocol_spells_them(string? encoding, string? timeout, string status)
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Append, async call =>
        {
            await call.RequestAsync();
            await call.SendAsync(new());
        }));
        (await Raw(peer, Append.Path, Hello, timeout, encoding)).Status.Should().Be(status);
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused_and_credentials_travel_over_tls_only()
    {
        var (certificate, authority) = GrpcPeer.Certificates();
        string? seen = null;
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Gossip, async call =>
        {
            seen = call.Context.Request.Headers.Authorization + call.Context.Request.Headers["connection-name"]
                + call.Context.Request.Headers["requires-leader"];
            await call.SendAsync(new());
        }), certificate);
        using var stranger = peer.Channel();
        (await Failure(stranger.CallAsync(Gossip, new(), Soon, default))).Code.Should().Be(GrpcCode.Unavailable);
        using var channel = peer.Channel(options => options with
        {
            Authorities = [authority],
            Credentials = new("ops", "secret"),
            ConnectionName = "one",
            RequiresLeader = true,
        });
        await channel.CallAsync(Gossip, new(), Soon, default);
        seen.Should().Be("Basic " + Convert.ToBase64String("ops:secret"u8) + "onetrue");
        using var careless = peer.Channel(options => options with { VerifiesCertificate = false });
        await careless.CallAsync(Gossip, new(), Soon, default);
        var open = () => new GrpcChannel(new(new("http://127.0.0.1:1")) { Credentials = new("a", "b") });
        open.Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task A_peer_that_is_not_there_or_speaks_otherwise_is_named()
    {
        await using var peer = await GrpcPeer.StartAsync(_ => { });
        var address = peer.Address;
        using (var channel = peer.Channel())
            (await Failure(channel.CallAsync(Gossip, new(), Soon, default))).Code.Should().Be(GrpcCode.Unimplemented);
        await peer.DisposeAsync();
        using var gone = new GrpcChannel(new(address));
        (await Failure(gone.CallAsync(Gossip, new(), Soon, default))).Code.Should().Be(GrpcCode.Unavailable);
    }

    [Fact]
    public async Task A_connection_that_is_cut_ends_the_call_as_unavailable()
    {
        await using var peer = await GrpcPeer.StartAsync(routes => routes.MapGrpc(Read, async call =>
        {
            await call.SendAsync(new() { LastStreamPosition = 1 });
            call.Context.Abort();
        }));
        using var channel = peer.Channel();
        await using var call = channel.Open(Read, Soon, default);
        await call.RequestAsync(new());
        var reading = async () =>
        {
            while (await call.ReadAsync() is not null) { }
        };
        var cut = (await reading.Should().ThrowAsync<GrpcException>()).Which;
        cut.Code.Should()
            .BeOneOf([GrpcCode.Unavailable, GrpcCode.Cancelled], "{0}", cut);
    }

    private static async Task<GrpcException> Failure(Task call) =>
        (await call.Awaiting(c => c).Should().ThrowAsync<GrpcException>()).Which;

    internal static byte[] Frame(IMessage message)
    {
        var to = new System.Buffers.ArrayBufferWriter<byte>();
        GrpcFrames.Write(to, message);
        return to.WrittenSpan.ToArray();
    }

    /// <summary>Any bytes as the body of a call, as no client of ours would send them.</summary>
    private static async Task<(string? Status, string Message)> Raw(
        GrpcPeer peer, string path, byte[] body, string? timeout = null, string? encoding = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(peer.Address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        if (timeout is not null) request.Headers.TryAddWithoutValidation("grpc-timeout", timeout);
        if (encoding is not null) request.Headers.TryAddWithoutValidation("grpc-encoding", encoding);
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        string? Of(string name) => response.TrailingHeaders.TryGetValues(name, out var values)
            || response.Headers.TryGetValues(name, out values) ? string.Concat(values) : null;
        return (Of("grpc-status"), Of("grpc-message") ?? "");
    }
}
