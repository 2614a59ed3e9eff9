using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;
using Options = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>The audit gateway as any client of the protocol meets it.</summary>
public sealed class GatewaySpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private const string Book = "book-sandbox", Alice = "account-customers:alice";
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private ulong End => (ulong)host.Served.Book.Engine.DurablePosition;

    [Fact]
    public async Task Every_event_has_its_bytes_and_its_place_in_the_tree()
    {
        var events = (await All(Read(Book))).Select(r => r.Event).ToList();
        events.Should().HaveCount((int)End);
        var leaves = new List<TreeHash>();
        foreach (var (read, index) in events.Select((read, index) => (read, index)))
        {
            var (one, line) = (read.Event, new System.Buffers.ArrayBufferWriter<byte>());
            host.Served.Book.Engine.Journal.TryReadEvent(index + 1, line);
            one.Data.ToByteArray().Should().Equal(line.WrittenSpan.ToArray());
            var said = JsonDocument.Parse(one.CustomMetadata.Memory).RootElement;
            leaves.Add(TreeHash.OfLeaf(one.Data.Span));
            said.GetProperty("leaf").GetString().Should().Be(leaves[^1].ToString());
            said.GetProperty("position").GetInt64().Should().Be(index + 1);
            (one.StreamRevision, one.CommitPosition, read.CommitPosition).Should()
                .Be(((ulong)index, (ulong)index + 1, (ulong)index + 1));
            one.Id.String.Should().Be(EventIds.Of(host.Served.Book.Engine.Journal.Identity.Genesis.Span, index + 1).ToString());
            var event_ = JsonDocument.Parse(one.Data.Memory).RootElement;
            one.Metadata["type"].Should().Be(event_.GetProperty("type").GetString());
            one.Metadata["content-type"].Should().Be("application/json");
            DateTime.UnixEpoch.AddTicks(long.Parse(one.Metadata["created"])).Should()
                .Be(event_.GetProperty("at").GetDateTime().ToUniversalTime());
            // At the end of a block its root can be held against all that was read.
            if (said.GetProperty("size").GetInt64() != index + 1) continue;
            var frontier = new MerkleFrontier();
            frontier.Append(TreeHash.AsBytes([.. leaves]));
            said.GetProperty("root").GetString().Should().Be(frontier.Root().ToString());
        }
    }

    [Fact]
    public async Task Reads_begin_with_the_mark_and_all_backwards_before_it()
    {
        (await Revisions(Read(Book, o => (o.Stream.Revision, o.Count) = (3, 2)))).Should().Equal(3, 4);
        (await Revisions(Read(Book, o => (o.Stream.Revision, o.ReadDirection) = (2, Backwards)))).Should().Equal(2, 1, 0);
        (await Revisions(Read(Book, o => (o.Stream.End, o.ReadDirection, o.Count) = (new(), Backwards, 2)))).Should()
            .Equal(End - 1, End - 2);
        (await Revisions(Read(Book, o => o.Stream.Revision = 1_000_000))).Should().BeEmpty();
        (await Revisions(Read(Book, o => o.Stream.Revision = ulong.MaxValue))).Should().BeEmpty();
        (await Revisions(Read(Book, o => (o.Stream.Revision, o.Count, o.ReadDirection) = (ulong.MaxValue, 1, Backwards))))
            .Should().Equal(End - 1);
        (await Revisions(Read(Book, o => o.Count = 0))).Should().BeEmpty();
        (await Revisions(Read(Book, o => (o.Stream.End, o.Count) = (new(), 5)))).Should().BeEmpty();
        (await Revisions(Read(null, o => (o.All.Position, o.Count) = (At(4), 2)))).Should().Equal(3, 4);
        (await Revisions(Read(null, o => (o.All.Position, o.ReadDirection) = (At(4), Backwards)))).Should().Equal(2, 1, 0);
        (await Revisions(Read(null, o => (o.All.End, o.ReadDirection, o.Count) = (new(), Backwards, 1)))).Should().Equal(End - 1);
        (await Revisions(Read(null, o => (o.All.Start, o.ReadDirection) = (new(), Backwards)))).Should().BeEmpty();
        (await Revisions(Read(null))).Should().HaveCount((int)End);
        var known = await All(Read(Book, o => (o.Count, o.ControlOption) = (1, new() { Compatibility = 1 })));
        known.Should().HaveCount(3);
        (known[0].FirstStreamPosition, known[2].LastStreamPosition).Should().Be((0ul, End - 1));
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        foreach (var stream in new[] { "book-other", "account-nobody", "account-A!", "transfer-1", "$streams", "account-",
            $"transfer-{Guid.NewGuid()}" })
        {
            (await All(Read(stream))).Should().ContainSingle()
                .Which.StreamNotFound.StreamIdentifier.StreamName.ToStringUtf8().Should().Be(stream);
        }
    }

    [Fact]
    public async Task Accounts_and_transfers_have_streams_of_links()
    {
        var id = Guid.CreateVersion7(DateTimeOffset.Parse("2026-01-05T12:00:00Z")).ToString();
        (await host.Served.Transfer("customers:alice", "customers:bob", "1.00", id)).Status.Should()
            .Be(System.Net.HttpStatusCode.Created);
        var links = (await All(Read(Alice, o => o.ResolveLinks = true))).Select(r => r.Event).ToList();
        var named = (await All(Read(Book))).Select(r => r.Event.Event)
            .Where(e => e.Data.ToStringUtf8().Contains("\"customers:alice\"", StringComparison.Ordinal)).ToList();
        links.Select(l => l.Event.StreamRevision).Should().Equal(named.Select(e => e.StreamRevision));
        links.Select(l => l.Link.StreamRevision).Should().Equal(Enumerable.Range(0, links.Count).Select(i => (ulong)i));
        var bare = (await All(Read(Alice, o => (o.Stream.Revision, o.Count) = (1, 1))))[0].Event;
        (bare.Event.Metadata["type"], bare.Event.Data.ToStringUtf8()).Should().Be(("$>", $"{named[1].StreamRevision}@{Book}"));
        bare.Link.Should().BeNull();
        (await Revisions(Read(Alice, o => (o.Stream.End, o.ReadDirection) = (new(), Backwards)))).Should()
            .Equal(Enumerable.Range(0, links.Count).Reverse().Select(i => (ulong)i));
        var first = await All(Read($"transfer-{IdOf(named[^1].Data.ToStringUtf8())}", o => o.ResolveLinks = true));
        first.Select(r => r.Event.Event.StreamRevision).Should().Equal(named[^1].StreamRevision);
    }

    [Fact]
    public async Task A_subscription_goes_on_live_with_checkpoints_for_what_its_filter_leaves_out()
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Read(null, o =>
        {
            (o.Subscription, o.All.Position) = (new(), At(End - 1));
            o.Filter = new() { EventType = new() { Prefix = { "transfer." } }, Max = 1, CheckpointIntervalMultiplier = 1 };
        }));
        (await call.ReadAsync())!.ContentCase.Should().Be(ReadResp.ContentOneofCase.Confirmation);
        var before = End;
        await host.Served.Post("/v1/keys", """{"key":"nobody-reads","scopes":["read"]}""");
        await host.Served.Transfer("customers:alice", "customers:bob", "1.00");
        var (checkpoints, events) = (new List<ulong>(), new List<string>());
        while (events.Count == 0 || checkpoints.Count == 0 || checkpoints[^1] < End)
        {
            var response = (await call.ReadAsync().AsTask().WaitAsync(Soon))!;
            if (response.Checkpoint is { } checkpoint) checkpoints.Add(checkpoint.CommitPosition);
            if (response.Event is { } one && one.CommitPosition > before) events.Add(one.Event.Metadata["type"]);
        }
        events.Should().Equal("transfer.made.v1");
        checkpoints.Should().BeInAscendingOrder();
    }

    public static TheoryData<string> Nonsense => [.. Wrong.Keys];

    private static Dictionary<string, Action<Options>> Wrong { get; } = new()
    {
        ["no options"] = o => o.ClearStreamOption(),
        ["no identifiers' form"] = o => o.UuidOption = null,
        ["no count"] = o => o.ClearCountOption(),
        ["no stream"] = o => o.Stream.StreamIdentifier = null,
        ["a name too long"] = o => o.Stream.StreamIdentifier = EventStoreNames.StreamOf(new('a', 2_000)),
        ["no beginning"] = o => o.Stream.ClearRevisionOption(),
        ["a filter of a stream"] = o => o.Filter = new() { EventType = new(), CheckpointIntervalMultiplier = 1 },
        ["a subscription backwards"] = o => (o.Subscription, o.ReadDirection) = (new(), Backwards),
        ["another direction"] = o => o.ReadDirection = (Options.Types.ReadDirection)7,
        ["a filter of nothing"] = o => (o.All, o.Filter) = (new() { Start = new() }, new() { CheckpointIntervalMultiplier = 1 }),
        ["no interval"] = o => (o.All, o.Filter, o.Subscription) = (new() { Start = new() }, new() { EventType = new() }, new()),
        ["a pattern that is none"] = o => OfPattern(o, "("),
        ["a pattern too long"] = o => OfPattern(o, new('a', 600)),
        ["too many prefixes"] = o => OfPrefixes(o, Enumerable.Repeat("a", 65)),
        ["a prefix too long"] = o => OfPrefixes(o, [new('a', 257)]),
    };

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task A_request_that_makes_no_sense_is_refused(string what) =>
        (await Failure(All(Read(Book, Wrong[what])))).Code.Should().Be(GrpcCode.InvalidArgument);

    [Theory]
    [InlineData(Book)]
    [InlineData(Alice)]
    public async Task Identifiers_come_as_two_numbers_where_that_is_asked_for(string stream)
    {
        var texts = await All(Read(stream, o => o.ResolveLinks = true));
        var numbers = await All(Read(stream, o => (o.ResolveLinks, o.UuidOption) = (true, new() { Structured = new() })));
        numbers.SelectMany(r => new[] { Text(r.Event.Event.Id), Text(r.Event.Link?.Id) }).Should()
            .Equal(texts.SelectMany(r => new[] { r.Event.Event.Id.String, r.Event.Link?.Id.String ?? "" }));

        static string Text(UUID? id) => id is null ? ""
            : $"{id.Structured.MostSignificantBits:x16}{id.Structured.LeastSignificantBits:x16}"
                .Insert(20, "-").Insert(16, "-").Insert(12, "-").Insert(8, "-");
    }

    [Fact]
    public async Task A_pattern_made_to_take_for_ever_does_not()
    {
        var read = Read(null, o => OfPattern(o, "^(([a-z])+.)+[A-Z]([a-z])+$"));
        (await All(read).WaitAsync(Soon)).Should().BeEmpty();
    }

    [Fact]
    public async Task All_else_is_unimplemented_and_gossip_names_this_host()
    {
        using var channel = host.Channel();
        var append = await Failure(channel.CallAsync(EventStoreMethods.Append, new(), Soon, default));
        append.Code.Should().Be(GrpcCode.Unimplemented);
        var members = (await channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default)).Members;
        members.Should().ContainSingle().Which.Should().Match<MemberInfo>(m =>
            m.State == MemberInfo.Types.VNodeState.Leader && m.HttpEndPoint.Port == host.Secure.Address.Port);
        var features = await channel.CallAsync(EventStoreMethods.Features, new(), Soon, default);
        features.Methods.Should().ContainSingle().Which.MethodName.Should().Be("read");
        features.EventStoreServerVersion.Should().MatchRegex(@"^\d+\.\d+\.\d+$", "clients read it as a semantic version");
    }

    [Fact]
    public async Task Only_a_key_with_the_scope_audit_reads()
    {
        var (auditor, reader) = (await host.Served.KeyWith("audit"), await host.Served.KeyWith("read"));
        (await Outcome(IdOfKey(auditor), auditor)).Should().Be(GrpcCode.Ok);
        (await Outcome(IdOfKey(reader), reader)).Should().Be(GrpcCode.PermissionDenied);
        (await Outcome(null, "")).Should().Be(GrpcCode.Unauthenticated);
        (await Outcome("demo", auditor)).Should().Be(GrpcCode.Unauthenticated, "the token is another key's");
        (await Outcome(IdOfKey(auditor), auditor + "0")).Should().Be(GrpcCode.Unauthenticated);
        (await Outcome(IdOfKey(auditor), reader)).Should().Be(GrpcCode.Unauthenticated);
    }

    [Fact]
    public async Task A_key_that_is_revoked_loses_its_subscriptions()
    {
        var token = await host.Served.KeyWith("audit");
        using var channel = host.Channel(IdOfKey(token), token);
        await using var call = channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Read(Book, o => (o.Subscription, o.Stream.End) = (new(), new())));
        await call.ReadAsync();
        (await host.Served.Post($"/v1/keys/{IdOfKey(token)}/revoke", """{"reason":"left"}""")).Status.Should()
            .Be(System.Net.HttpStatusCode.OK);
        var reading = async () =>
        {
            while (await call.ReadAsync() is not null) { }
        };
        (await reading.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.Unauthenticated);
    }

    [Fact]
    public async Task Calls_beyond_the_bound_are_refused_and_others_served_again_when_some_end()
    {
        var token = await host.Served.KeyWith("audit");
        using var channel = host.Channel(IdOfKey(token), token);
        var open = new List<GrpcClientCall<ReadReq, ReadResp>>();
        GrpcException? refused = null;
        while (refused is null && open.Count < 100)
        {
            var call = channel.Open(EventStoreMethods.Read, null, default);
            open.Add(call);
            await call.RequestAsync(Read(Book, o => (o.Subscription, o.Stream.End) = (new(), new())));
            try
            {
                await call.ReadAsync();
            }
            catch (GrpcException bound)
            {
                refused = bound;
            }
        }
        (refused!.Code, open.Count).Should().Be((GrpcCode.ResourceExhausted, 49));
        foreach (var call in open) await call.DisposeAsync();
        for (var tries = 0; await Outcome(IdOfKey(token), token) != GrpcCode.Ok && tries < 100; tries++) await Task.Delay(50);
        (await Outcome(IdOfKey(token), token)).Should().Be(GrpcCode.Ok);
    }

    [Fact]
    public async Task It_is_off_by_default_and_lets_nobody_in_by_mistake()
    {
        (await host.StartAsync()).Should().BeNull();
        foreach (var url in new[] { "http://0.0.0.0:0", "http://localhost:0", "http://10.0.0.1:0" })
        {
            var start = () => host.StartAsync(("Gateway:Url", url), ("Gateway:AllowAnonymous", "true"));
            await start.Should().ThrowAsync<GatewayConfigurationException>();
        }
        foreach (var url in new[] { "2113", "ftp://127.0.0.1:0", "https://127.0.0.1:0/books", "https://127.0.0.1:99999" })
        {
            var start = () => host.StartAsync(("Gateway:Url", url));
            await start.Should().ThrowAsync<GatewayConfigurationException>();
        }
        var bare = () => host.StartAsync(("Gateway:Url", "https://127.0.0.1:0"), ("Gateway:Certificate:Path", "/nowhere.pem"));
        await bare.Should().ThrowAsync<GatewayConfigurationException>();
        foreach (var node in new[]
        {
            "bank-1:2113", "=bank-1:2113", "one=bank-1", "one=https://bank-1:2113", "one=bank-1:2113/books", "one=:2113",
            "one=bank-1:0", "two=bank-2:2113;one=",
        })
        {
            var start = () => host.StartAsync(("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:Nodes", node));
            (await start.Should().ThrowAsync<GatewayConfigurationException>()).WithMessage("Gateway:Nodes: *");
        }
    }

    private static Options.Types.ReadDirection Backwards => Options.Types.ReadDirection.Backwards;

    private static Options.Types.Position At(ulong position) => new() { CommitPosition = position, PreparePosition = position };

    private static void OfPattern(Options options, string pattern) => (options.All, options.Filter) = (
        new() { Start = new() }, new() { EventType = new() { Regex = pattern }, CheckpointIntervalMultiplier = 1, Max = 32 });

    private static void OfPrefixes(Options options, IEnumerable<string> prefixes) => (options.All, options.Filter) = (
        new() { Start = new() }, new() { EventType = new() { Prefix = { prefixes } }, CheckpointIntervalMultiplier = 1 });

    private static string IdOf(string line) => JsonDocument.Parse(line).RootElement.GetProperty("data").GetProperty("id").GetString()!;

    private static string IdOfKey(string token) => ApiKeys.TryParse(token, out var id, out _, out _)
        ? id.ToString() : "";

    private async Task<GrpcCode> Outcome(string? user, string token)
    {
        using var channel = host.Channel(user, token);
        try
        {
            await foreach (var _ in Reading(channel, Read(Book, o => o.Count = 1))) { }
            return GrpcCode.Ok;
        }
        catch (GrpcException failure)
        {
            return failure.Code;
        }
    }

    private async Task<List<ReadResp>> All(ReadReq request)
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        var responses = new List<ReadResp>();
        await foreach (var response in Reading(channel, request)) responses.Add(response);
        return responses;
    }

    private static async IAsyncEnumerable<ReadResp> Reading(GrpcChannel channel, ReadReq request)
    {
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(request);
        await foreach (var response in call.ReadAllAsync()) yield return response;
    }

    private async Task<IEnumerable<ulong>> Revisions(ReadReq request) =>
        (await All(request)).Select(response => response.Event.Event.StreamRevision);

    private static async Task<GrpcException> Failure(Task call) =>
        (await call.Awaiting(c => c).Should().ThrowAsync<GrpcException>()).Which;
}
