using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Engine.Grpc;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>A gateway before its books are open, while its readers are silent, and at its end.</summary>
public sealed class LifeSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly (string, string)[] ForAnyone =
        [("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true")];

    [Fact]
    public async Task Until_its_books_are_open_it_says_that_it_starts()
    {
        await using var gateway = (await AuditGateway.StartAsync(Settings(ForAnyone)))!;
        using var channel = new GrpcChannel(new(gateway.Address));
        (await Ended(channel, Read("book-sandbox"))).Code.Should().Be(GrpcCode.Unavailable);
        (await channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default)).Members.Should().ContainSingle()
            .Which.State.Should().Be(MemberInfo.Types.VNodeState.Initializing);
        gateway.Open([host.Served.Book]);
        (await channel.CallAsync(EventStoreMethods.Read, Read("book-none"), Soon, default)).ContentCase.Should()
            .Be(ReadResp.ContentOneofCase.StreamNotFound);
        (await channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default)).Members.Should().ContainSingle()
            .Which.State.Should().Be(MemberInfo.Types.VNodeState.Leader);
    }

    [Fact]
    public async Task At_its_end_subscriptions_are_unavailable_and_connections_told_to_go()
    {
        var gateway = (await host.StartAsync(ForAnyone))!;
        await using var raw = await RawHttp2.ConnectAsync(gateway.Address);
        await raw.CallAsync(1, EventStoreMethods.Read.Path, GrpcSpecs.Frame(Following()));
        await RawHttp2.Until(() => raw.Of(1).Bytes > 0, "it is served");
        using var channel = new GrpcChannel(new(gateway.Address));
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Following());
        await call.ReadAsync();
        var reading = async () =>
        {
            while (await call.ReadAsync() is not null) { }
        };
        var told = reading.Should().ThrowAsync<GrpcException>();
        await gateway.DisposeAsync();
        (await told).Which.Should().Match<GrpcException>(e =>
            e.Code == GrpcCode.Unavailable && e.Detail == "The server is about to end.");
        await RawHttp2.Until(() => raw.WasToldToGo && raw.Of(1).IsEnded, "its call is ended and it is told to go");
    }

    [Fact]
    public async Task A_silent_connection_is_pinged_and_closed_when_it_does_not_answer()
    {
        var gateway = (await host.StartAsync(new ReadLimits { PingAfter = TimeSpan.FromSeconds(1) }, ForAnyone))!;
        await using var polite = await RawHttp2.ConnectAsync(gateway.Address);
        await using var mute = await RawHttp2.ConnectAsync(gateway.Address);
        mute.AnswersPings = false;
        foreach (var raw in new[] { polite, mute })
            await raw.CallAsync(1, EventStoreMethods.Read.Path, GrpcSpecs.Frame(Following()));
        await RawHttp2.Until(() => mute.IsOver, "who is silent is closed");
        mute.Pings.Should().BePositive();
        await RawHttp2.Until(() => polite.Pings >= 3, "who answers is pinged again");
        polite.IsOver.Should().BeFalse();
    }

    private static ReadReq Following() => Read("book-sandbox", o => (o.Subscription, o.Stream.End) = (new(), new()));

    private static async Task<GrpcException> Ended(GrpcChannel channel, ReadReq request)
    {
        var call = () => channel.CallAsync(EventStoreMethods.Read, request, Soon, default);
        return (await call.Should().ThrowAsync<GrpcException>()).Which;
    }
}
