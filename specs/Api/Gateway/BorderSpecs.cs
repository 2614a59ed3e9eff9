using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using BankingEngine.Host.Grpc;
using BankingEngine.Specs.Engine.Grpc;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>A live gateway, and what nobody should send it: each is answered in the protocol's words, and the next
/// reader is served.</summary>
public sealed class BorderSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private const string Path = "/event_store.client.streams.Streams/Read";

    private static readonly byte[] Sound = GrpcSpecs.Frame(GatewayHost.Read("book-sandbox", o => o.Count = 3));

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpcx")]
    [InlineData("text/plain; charset=utf-8")]
    public async Task What_is_not_grpc_is_told_so_by_http(string type) =>
        (await Send(Path, Sound, r => r.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(type)))
            .Status.Should().Be("HTTP 415");

    [Theory]
    [InlineData("application/grpc+proto")]
    [InlineData("application/grpc;charset=utf-8")]
    [InlineData("Application/GRPC")]
    public async Task Grpc_may_be_spelled_as_it_may(string type) =>
        (await Send(Path, Sound, r =>
        {
            r.Content!.Headers.Remove("Content-Type");
            r.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        })).Status.Should().Be("0");

    [Theory]
    [InlineData("/")]
    [InlineData("/event_store.client.streams.Streams/Append")]
    [InlineData("/event_store.client.streams.Streams/BatchAppend")]
    [InlineData("/event_store.client.streams.Streams/Delete")]
    [InlineData("/event_store.client.streams.Streams/Tombstone")]
    [InlineData("/event_store.client.streams.Streams/")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/Create")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/Update")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/Delete")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/Read")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/GetInfo")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/ReplayParked")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/List")]
    [InlineData("/event_store.client.persistent_subscriptions.PersistentSubscriptions/RestartSubsystem")]
    [InlineData("/event_store.client.operations.Operations/StartScavenge")]
    [InlineData("/event_store.client.operations.Operations/Shutdown")]
    [InlineData("/event_store.client.operations.Operations/ResignNode")]
    [InlineData("/event_store.client.projections.Projections/Create")]
    [InlineData("/event_store.client.projections.Projections/Statistics")]
    [InlineData("/event_store.client.users.Users/Create")]
    [InlineData("/event_store.client.users.Users/Details")]
    [InlineData("/event_store.client.monitoring.Monitoring/Stats")]
    [InlineData("/..%2f..%2fetc/passwd")]
    public async Task A_method_that_is_not_here_is_unimplemented(string path) =>
        (await Send(path, Sound)).Status.Should().Be("12");

    [Fact]
    public async Task Another_verb_reads_nothing()
    {
        foreach (var verb in new[] { HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options })
            (await Send(Path, Sound, r => r.Method = verb)).Status.Should().BeOneOf("HTTP 405", "HTTP 404", "12");
    }

    [Theory]
    [InlineData("", "13")]
    [InlineData("S", "13")]
    [InlineData("1", "13")]
    [InlineData("1.5S", "13")]
    [InlineData("-1S", "13")]
    [InlineData("+1S", "13")]
    [InlineData("1 S", "13")]
    [InlineData("1s", "13")]
    [InlineData("123456789S", "13")]
    [InlineData("99999999999999999999S", "13")]
    [InlineData("0n", "4")]
    [InlineData("99n", "4")]
    [InlineData("99999999H", "0")]
    [InlineData("20S", "0")]
    public async Task A_deadline_is_eight_digits_and_a_unit_or_the_call_is_refused(string timeout, string status) =>
        (await Send(Path, Sound, r => r.Headers.TryAddWithoutValidation("grpc-timeout", timeout))).Status.Should().Be(status);

    [Theory]
    [InlineData("gzip"), InlineData("deflate"), InlineData("identity, gzip"), InlineData("x")]
    public async Task Compressed_messages_are_not_taken(string encoding) =>
        (await Send(Path, Sound, r => r.Headers.TryAddWithoutValidation("grpc-encoding", encoding))).Status.Should().Be("12");

    [Theory]
    [InlineData("", "13")]
    [InlineData("00", "13")]
    [InlineData("0000000010", "13")]
    [InlineData("00000000050A03", "13")]
    [InlineData("0100000000", "13")]
    [InlineData("FF00000000", "13")]
    [InlineData("00FFFFFFFF", "8")]
    [InlineData("007FFFFFFF", "8")]
    [InlineData("0000010001", "8")]
    [InlineData("0000000002FFFF", "13")]
    [InlineData("000000000A0AFFFFFFFFFFFFFFFF7F", "13")]
    [InlineData("00000000020A05", "13")]
    [InlineData("0000000000", "3")]
    [InlineData("00000000020A00", "3")]
    public async Task A_frame_that_is_none_is_a_status(string hex, string status) =>
        (await Send(Path, Convert.FromHexString(hex))).Status.Should().Be(status);

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic !!!!")]
    [InlineData("Basic bm9jb2xvbg==")]
    [InlineData("Basic //79/A==")]
    [InlineData("Bearer bk.demo.x")]
    [InlineData("Negotiate YII=")]
    public async Task Credentials_that_are_none_are_refused_though_nobody_needs_any(string header) =>
        (await Send(Path, Sound, r => r.Headers.TryAddWithoutValidation("Authorization", header))).Status.Should().Be("16");

    [Fact]
    public async Task Requests_spoilt_anywhere_end_in_a_status_and_the_gateway_goes_on()
    {
        var requests = new[]
        {
            Sound,
            GrpcSpecs.Frame(GatewayHost.Read(null, o =>
            {
                (o.Count, o.NoFilter) = (2, null);
                o.Filter = new() { EventType = new() { Regex = "^a(b|c)*$" }, Max = 32, CheckpointIntervalMultiplier = 3 };
            })),
            GrpcSpecs.Frame(GatewayHost.Read("account-customers:alice", o => (o.Count, o.ResolveLinks) = (5, true))),
        };
        var seed = Random.Shared.Next();
        var chance = new Random(seed);
        for (var round = 0; round < 600; round++)
        {
            var bytes = (byte[])requests[chance.Next(requests.Length)].Clone();
            for (var edits = chance.Next(1, 5); edits > 0; edits--)
                bytes[chance.Next(chance.Next(2) == 0 ? GrpcFrames.HeaderBytes : 0, bytes.Length)] ^= (byte)chance.Next(1, 256);
            if (chance.Next(6) == 0) bytes = bytes[..chance.Next(bytes.Length)];
            if (chance.Next(6) == 0) bytes = [.. bytes, .. bytes[..chance.Next(bytes.Length)]];
            // A spoilt request may well be a subscription, which has no end but this.
            var (status, _) = await Send(Path, bytes, r => r.Headers.TryAddWithoutValidation("grpc-timeout", "300m"));
            status.Should().BeOneOf(["0", "3", "4", "8", "13"], "of seed {0}, round {1}: {2}", seed, round, Convert.ToHexString(bytes));
        }
        (await Send(Path, Sound)).Status.Should().Be("0");
    }

    [Fact]
    public async Task Bytes_that_are_no_http2_end_their_connection_and_no_other()
    {
        var seed = Random.Shared.Next();
        var chance = new Random(seed);
        await using var beside = await RawHttp2.ConnectAsync(host.Open.Address);
        for (var round = 0; round < 60; round++)
        {
            await using var raw = await RawHttp2.ConnectAsync(host.Open.Address);
            try
            {
                if (round == 0) await raw.CallAsync(1, null, Sound);
                else if (round == 1) await raw.CallAsync(1, Path, Sound, ("content-type", "application/grpc"), ("te", "gzip"), ("connection", "close"));
                else if (round == 2) await raw.CallAsync(2, Path, Sound);
                else if (round == 3) await raw.CallAsync(1, new('a', 200), Sound);
                else
                {
                    var noise = new byte[chance.Next(9, 200)];
                    chance.NextBytes(noise);
                    // Half of them as a frame of some kind, with a length that is true.
                    if (chance.Next(2) == 0) await raw.FrameAsync((byte)chance.Next(0, 12), noise[0], chance.Next(0, 6), noise);
                    else await raw.BytesAsync(noise);
                }
            }
            catch (Exception closed) when (closed is IOException or SocketException)
            {
                // The gateway hung up in the middle.
            }
        }
        await beside.CallAsync(1, Path, Sound);
        await RawHttp2.Until(() => beside.Of(1).IsEnded, $"who was connected before is served (seed {seed})");
        beside.Of(1).Bytes.Should().BePositive();
        (await Send(Path, Sound)).Status.Should().Be("0");
    }

    [Fact]
    public async Task A_request_without_a_path_and_one_of_http1_reach_nothing()
    {
        await using (var raw = await RawHttp2.ConnectAsync(host.Open.Address))
        {
            await raw.CallAsync(1, null, Sound);
            await RawHttp2.Until(() => raw.Of(1).ResetWith is not null || raw.Of(1).IsEnded || raw.IsOver, "it is refused");
            raw.Of(1).Bytes.Should().Be(0);
        }
        using var client = new TcpClient();
        await client.ConnectAsync(host.Open.Address.Host, host.Open.Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST {Path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
        using var reader = new StreamReader(client.GetStream());
        var answer = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20));
        answer.Should().NotContain("grpc-status").And.NotContain("200 OK");
        (await Send(Path, Sound)).Status.Should().Be("0");
    }

    /// <returns>The gRPC status, or the HTTP status where there is none.</returns>
    private async Task<(string Status, string Message)> Send(
        string path, byte[] body, Action<HttpRequestMessage>? with = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(host.Open.Address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        with?.Invoke(request);
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        string? Of(string name) => response.TrailingHeaders.TryGetValues(name, out var values)
            || response.Headers.TryGetValues(name, out values) ? string.Concat(values) : null;
        return (Of("grpc-status") ?? $"HTTP {(int)response.StatusCode}", Of("grpc-message") ?? "");
    }
}
