using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Specs.Simulation.EventStore;
using Google.Protobuf;
using Code = BankingEngine.Host.Grpc.EventStore.Code;
using Options = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options;

namespace BankingEngine.Specs.Engine.Grpc;

/// <summary>The event store that specs bring along, as a journal meets it.</summary>
public sealed class EventStoreServerSpecs : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private readonly string _folder = Directory.CreateTempSubdirectory("bank-eventstore-").FullName;
    private EventStoreServer _server = null!;
    private GrpcChannel _channel = null!;

    public Task InitializeAsync() => StartAsync();

    public void Dispose() => _channel.Dispose();

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_batch_is_appended_whole_repeated_without_effect_and_still_there_after_a_restart()
    {
        var ids = Enumerable.Range(0, 3).Select(_ => Guid.NewGuid()).ToArray();
        (await Batch("a", null, ids)).Success.CurrentRevision.Should().Be(2);
        (await Batch("a", null, ids)).Success.CurrentRevision.Should().Be(2, "the same events with the same expectation are known");
        (await Batch("a", 2, Guid.NewGuid())).Success.CurrentRevision.Should().Be(3);
        var conflict = (await Batch("a", 1, Guid.NewGuid())).Error;
        conflict.Code.Should().Be(Code.AlreadyExists);
        conflict.Details.Unpack<WrongExpectedVersion>().CurrentStreamRevision.Should().Be(3);
        await DisposeServerAsync();
        await StartAsync();
        (await Read(Stream("a", o => o.Stream.Start = new(), count: ulong.MaxValue))).Should().Equal(0, 1, 2, 3);
        (await Batch("a", null, ids)).Success.CurrentRevision.Should().Be(2);
    }

    [Fact]
    public async Task A_record_cut_short_at_the_end_is_cut_off()
    {
        await Batch("a", null, Guid.NewGuid());
        await DisposeServerAsync();
        var file = Path.Combine(_folder, "events.log");
        await using (var to = new FileStream(file, FileMode.Append)) to.Write([1, 0, 0, 1, 0, 7]);
        await StartAsync();
        (await Batch("a", 0, Guid.NewGuid())).Success.CurrentRevision.Should().Be(1);
    }

    [Fact]
    public async Task Streams_and_all_are_read_in_every_combination()
    {
        await Batch("a", null, [.. Enumerable.Range(0, 5).Select(_ => Guid.NewGuid())]);
        await Batch("b", null, Guid.NewGuid());
        (await Read(Stream("a", o => o.Stream.Revision = 1, 2))).Should().Equal(1, 2);
        (await Read(Stream("a", o => o.Stream.Revision = 3, 9, backwards: true))).Should().Equal(3, 2, 1, 0);
        (await Read(Stream("a", o => o.Stream.End = new(), 2, backwards: true))).Should().Equal(4, 3);
        (await Read(Stream("a", o => o.Stream.End = new(), 2))).Should().BeEmpty();
        (await Read(Stream("a", o => o.Stream.Start = new(), 2, backwards: true))).Should().Equal(0);
        (await Read(All(o => o.All.Start = new(), 9))).Should().Equal(0, 1, 2, 3, 4, 0);
        (await Read(All(o => o.All.End = new(), 2, backwards: true))).Should().Equal(0, 4);
        (await Read(All(o => o.All.End = new(), 2))).Should().BeEmpty();
        var missing = await Responses(Stream("c", o => o.Stream.Start = new(), 1));
        missing.Should().ContainSingle(r => r.ContentCase == ReadResp.ContentOneofCase.StreamNotFound);
    }

    [Fact]
    public async Task A_subscription_begins_behind_its_mark_catches_up_and_goes_on_live()
    {
        await Batch("a", null, Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        await using var call = _channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Stream("a", o => o.Stream.Revision = 1, null));
        (await call.ReadAsync())!.ContentCase.Should().Be(ReadResp.ContentOneofCase.Confirmation);
        (await call.ReadAsync())!.Event.Event.StreamRevision.Should().Be(2);
        (await call.ReadAsync())!.ContentCase.Should().Be(ReadResp.ContentOneofCase.CaughtUp);
        await Batch("a", 2, Guid.NewGuid());
        (await call.ReadAsync())!.Event.Event.StreamRevision.Should().Be(3);
    }

    [Fact]
    public async Task Requests_and_answers_are_lost_as_asked_and_connections_cut()
    {
        var id = Guid.NewGuid();
        _server.LosesRequests = 1;
        await Failure(Batch("a", null, id));
        (await Responses(Stream("a", o => o.Stream.Start = new(), 1)))[0].StreamNotFound.Should().NotBeNull();
        _server.LosesAnswers = true;
        await Failure(Batch("a", null, id));
        _server.LosesAnswers = false;
        (await Batch("a", null, id)).Success.CurrentRevision.Should().Be(0, "it was stored before its answer was lost");
        await using var call = _channel.Open(EventStoreMethods.Read, null, default);
        await call.RequestAsync(Stream("a", o => o.Stream.Start = new(), null));
        await call.ReadAsync();
        _server.Cut();
        await Failure(Drain(call));
    }

    [Fact]
    public async Task A_server_that_starts_or_follows_sends_callers_on()
    {
        _server.IsNotReady = true;
        (await Failure(Batch("a", null, Guid.NewGuid()))).Code.Should().Be(GrpcCode.Unavailable);
        _server.IsNotReady = false;
        _server.Leader = new("10.0.0.7", 2114, MemberInfo.Types.VNodeState.Leader);
        (await Failure(Batch("a", null, Guid.NewGuid()))).Leader.Should().Be(("10.0.0.7", 2114));
        _server.Members = [new("10.0.0.7", 2114, MemberInfo.Types.VNodeState.Leader), new("x", 1, MemberInfo.Types.VNodeState.Follower, false)];
        var gossip = await _channel.CallAsync(EventStoreMethods.Gossip, new(), Soon, default);
        gossip.Members.Select(m => (m.HttpEndPoint.Address, m.IsAlive)).Should().Equal(("10.0.0.7", true), ("x", false));
    }

    [Fact]
    public async Task An_append_above_a_mebibyte_is_refused()
    {
        var big = Request("a", null, Guid.NewGuid());
        big.ProposedMessages[0].Data = ByteString.CopyFrom(new byte[EventStoreServer.MaxAppendBytes + 1]);
        var error = (await Send(big)).Error;
        error.Details.Unpack<MaximumAppendSizeExceeded>().MaxAppendSize.Should().Be(EventStoreServer.MaxAppendBytes);
        (await Batch("a", null, Guid.NewGuid())).Success.CurrentRevision.Should().Be(0);
    }

    private async Task StartAsync()
    {
        _server = await EventStoreServer.StartAsync(new(_folder));
        _channel = new(new(_server.Address));
    }

    private async Task DisposeServerAsync()
    {
        _channel.Dispose();
        await _server.DisposeAsync();
    }

    private Task<BatchAppendResp> Batch(string stream, long? expected, params Guid[] ids) => Send(Request(stream, expected, ids));

    private async Task<BatchAppendResp> Send(BatchAppendReq request)
    {
        await using var call = _channel.Open(EventStoreMethods.BatchAppend, Soon, default);
        await call.WriteAsync(request);
        var response = (await call.ReadAsync())!;
        response.CorrelationId.Should().Be(request.CorrelationId);
        return response;
    }

    private static BatchAppendReq Request(string stream, long? expected, params Guid[] ids)
    {
        var options = new BatchAppendReq.Types.Options { StreamIdentifier = EventStoreNames.StreamOf(stream) };
        if (expected is { } revision) options.StreamPosition = (ulong)revision;
        else options.NoStream = new();
        var request = new BatchAppendReq
        {
            CorrelationId = EventStoreNames.UuidOf(Guid.NewGuid(), structured: true),
            Options = options,
            IsFinal = true,
        };
        request.ProposedMessages.Add(ids.Select(id => new BatchAppendReq.Types.ProposedMessage
        {
            Id = EventStoreNames.UuidOf(id, structured: true),
            Metadata = { ["type"] = "spec.v1", ["content-type"] = "application/json" },
            Data = ByteString.CopyFromUtf8("{}"),
        }));
        return request;
    }

    private static ReadReq Stream(string name, Action<Options> from, ulong? count, bool backwards = false)
    {
        var options = new Options { Stream = new() { StreamIdentifier = EventStoreNames.StreamOf(name) } };
        return Completed(options, from, count, backwards);
    }

    private static ReadReq All(Action<Options> from, ulong? count, bool backwards = false) =>
        Completed(new() { All = new() }, from, count, backwards);

    private static ReadReq Completed(Options options, Action<Options> from, ulong? count, bool backwards)
    {
        from(options);
        if (count is { } most) options.Count = most;
        else options.Subscription = new();
        if (backwards) options.ReadDirection = Options.Types.ReadDirection.Backwards;
        (options.UuidOption, options.NoFilter) = (new() { Structured = new() }, new());
        return new() { Options = options };
    }

    private async Task<List<ReadResp>> Responses(ReadReq request)
    {
        await using var call = _channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(request);
        var responses = new List<ReadResp>();
        await foreach (var response in call.ReadAllAsync()) responses.Add(response);
        return responses;
    }

    private async Task<IEnumerable<ulong>> Read(ReadReq request) =>
        (await Responses(request)).Select(response => response.Event.Event.StreamRevision);

    private static async Task Drain(GrpcClientCall<ReadReq, ReadResp> call)
    {
        while (await call.ReadAsync() is not null) { }
    }

    private static async Task<GrpcException> Failure(Task call) =>
        (await call.Awaiting(c => c).Should().ThrowAsync<GrpcException>()).Which;
}
