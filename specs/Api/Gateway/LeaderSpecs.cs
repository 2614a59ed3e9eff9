using BankingEngine.Host.Api;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Engine.Journal;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;
using State = BankingEngine.Host.Grpc.EventStore.MemberInfo.Types.VNodeState;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>The gateways of two hosts of one book: who leads is told as it is.</summary>
public sealed class LeaderSpecs
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [PostgresFact]
    public async Task A_followers_gateway_says_so_and_sends_to_the_leader_whoever_wants_him()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        await using var second = await Hosted.StartAsync(database, "second");
        await using var leading = await Start(first);
        await using var alone = await Start(second);
        await using var knowing = await Start(second, ("Gateway:Nodes", $"first={leading.Address.Authority};third=bank-3:2113"));

        (await Members(leading)).Should().Equal((State.Leader, leading.Address.Port));
        (await Members(alone)).Should().Equal((State.Follower, alone.Address.Port));
        (await Members(knowing)).Should().Equal(
            (State.Follower, knowing.Address.Port), (State.Leader, leading.Address.Port));

        foreach (var gateway in new[] { leading, alone, knowing })
            (await Outcome(gateway, requiresLeader: false)).Should().BeNull("followers read as well");
        (await Outcome(leading, requiresLeader: true)).Should().BeNull();
        var refused = (await Outcome(alone, requiresLeader: true))!;
        refused.Code.Should().Be(GrpcCode.Unavailable);
        refused.Detail.Should().Contain("nodePreference=follower");
        var sent = (await Outcome(knowing, requiresLeader: true))!;
        (sent.Code, sent.Reason, sent.Leader).Should()
            .Be((GrpcCode.NotFound, "not-leader", ("127.0.0.1", leading.Address.Port)));

        await leading.DisposeAsync();
        await first.DisposeAsync();
        await second.Book.WaitForLeadAsync(Soon);
        (await Members(knowing)).Should().Equal((State.Leader, knowing.Address.Port));
        (await Outcome(alone, requiresLeader: true)).Should().BeNull("it leads now");
    }

    [ClientTheory(needsPostgres: true)]
    [InlineData("eventstore")]
    [InlineData("kurrent")]
    public async Task The_official_clients_find_the_leader_or_read_from_the_follower_they_asked_for(string family)
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        await using var second = await Hosted.StartAsync(database, "second");
        await using var leading = await Start(first);
        await using var knowing = await Start(second, ("Gateway:Nodes", $"first={leading.Address.Authority};third=bank-3:2113"));
        await using var alone = await Start(second);
        var end = first.Book.Engine.DurablePosition;
        foreach (var connection in new[]
        {
            $"esdb+discover://{knowing.Address.Authority}?tls=false",
            $"esdb://{knowing.Address.Authority}?tls=false&nodePreference=follower",
            $"esdb+discover://{knowing.Address.Authority}?tls=false&nodePreference=follower",
            $"esdb://{alone.Address.Authority}?tls=false&nodePreference=follower",
        })
        {
            var seen = await Clients.RunAsync(null, "whose.mjs", family, connection, "book-sandbox", "book-none");
            seen.GetProperty("own").GetInt64().Should().BeGreaterThanOrEqualTo(end, connection);
            seen.GetProperty("other").GetString().Should().Be("stream-not-found", connection);
        }
        var refused = await Clients.RunAsync(
            null, "refused.mjs", family, $"esdb://{alone.Address.Authority}?tls=false", "book-sandbox");
        refused.GetProperty("read").GetString().Should().Be(
            family == "kurrent" ? "unavailable" : "none", "the older client asks for the leader only to write");
    }

    [PostgresFact]
    public async Task A_subscription_that_wants_the_leader_goes_with_the_lead_and_another_stays()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        await using var second = await Hosted.StartAsync(database, "second");
        await using var gateway = await Start(first, ("Gateway:Nodes", "second=bank-2.example:2113"));
        using var wanting = new GrpcChannel(new(gateway.Address) { RequiresLeader = true });
        using var content = new GrpcChannel(new(gateway.Address));
        await using var ends = await Follow(wanting);
        await using var stays = await Follow(content);

        var led = second.Book.WaitForLeadAsync(Soon);
        while (!led.IsCompleted)
        {
            first.Book.Engine.Depose("The spec says so.");
            await Task.WhenAny(led, Task.Delay(20));
        }
        await led;
        var reading = async () =>
        {
            while (await ends.ReadAsync().AsTask().WaitAsync(Soon) is not null) { }
        };
        (await reading.Should().ThrowAsync<GrpcException>()).Which.Code.Should()
            .BeOneOf(GrpcCode.NotFound, GrpcCode.Unavailable);
        var position = await second.PayAsync(SandboxBook.DemoKey(first.Book)!, "paid-to-the-other");
        ReadResp? next;
        do next = await stays.ReadAsync().AsTask().WaitAsync(Soon);
        while (next!.Event?.CommitPosition != (ulong?)position);
    }

    private static async Task<GrpcClientCall<ReadReq, ReadResp>> Follow(GrpcChannel channel)
    {
        var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Read(null, o => (o.Subscription, o.All.End) = (new(), new())));
        await call.ReadAsync();
        return call;
    }

    private static async Task<AuditGateway> Start(Hosted host, params (string, string)[] more)
    {
        var gateway = (await AuditGateway.StartAsync(
            Settings([("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true"), .. more]), TimeSpan.FromMilliseconds(200)))!;
        gateway.Open([host.Book]);
        return gateway;
    }

    private static async Task<IEnumerable<(State, int)>> Members(AuditGateway gateway)
    {
        using var channel = new GrpcChannel(new(gateway.Address));
        return (await channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default))
            .Members.Select(member => (member.State, (int)member.HttpEndPoint.Port));
    }

    /// <returns>Null where it was read to the end.</returns>
    private static async Task<GrpcException?> Outcome(AuditGateway gateway, bool requiresLeader)
    {
        using var channel = new GrpcChannel(new(gateway.Address) { RequiresLeader = requiresLeader });
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(Read("book-sandbox", o => o.Count = 1));
        try
        {
            while (await call.ReadAsync() is not null) { }
            return null;
        }
        catch (GrpcException ended)
        {
            return ended;
        }
    }
}
