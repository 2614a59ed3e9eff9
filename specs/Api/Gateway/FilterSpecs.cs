using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using static BankingEngine.Specs.Api.Gateway.GatewayHost;
using FilterOptions = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options.Types.FilterOptions;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>Filters as clients of several languages send them.</summary>
public sealed class FilterSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    /// <summary>Tries every way through what it is held against, and finds none.</summary>
    private const string Evil = @"^(?=(.+)+(.+)+(.+)+(.+)+Z)";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_read_needs_no_checkpoint_interval_and_a_subscription_does()
    {
        var filter = new FilterOptions { EventType = new() { Prefix = { "account." } }, Max = 32 };
        (await Types(Read(null, o => o.Filter = filter))).Should().NotBeEmpty().And.OnlyContain(t => t.StartsWith("account."));
        var following = () => Types(Read(null, o => (o.Subscription, o.Filter) = (new(), filter)));
        (await following.Should().ThrowAsync<GrpcException>()).Which.Code.Should().Be(GrpcCode.InvalidArgument);
    }

    [Theory]
    // What Python's client sends where nothing else is asked for.
    [InlineData(@"^(?!(\$.+$|PersistentConfig\d+$))", "")]
    [InlineData(@"^(?!account\.)", "!account.")]
    [InlineData(@"(?<=^account\.)opened", "account.opened.")]
    [InlineData(@"^a(c)\1ount\.", "account.")]
    [InlineData(@"^(?>account)\.", "account.")]
    public async Task Patterns_may_look_around_and_back(string pattern, string expected)
    {
        var all = await Types(Read(null));
        var taken = await Types(Read(null, o => o.Filter = new() { EventType = new() { Regex = pattern }, Max = 32 }));
        taken.Should().NotBeEmpty().And.Equal(all.Where(type => expected.StartsWith('!')
            ? !type.StartsWith(expected[1..], StringComparison.Ordinal)
            : type.StartsWith(expected, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pattern_made_to_look_around_for_ever_ends_the_call(bool follows)
    {
        var read = () => Types(Read(null, o =>
        {
            o.Filter = new() { EventType = new() { Regex = Evil }, Max = 32, CheckpointIntervalMultiplier = 1 };
            if (follows) o.Subscription = new();
        }));
        var ended = (await read.Should().ThrowAsync<GrpcException>()).Which;
        (ended.Code, ended.Detail).Should().Be((GrpcCode.InvalidArgument, "The filter's pattern takes too long."));
    }

    [Fact]
    public void Matches_that_take_their_time_have_a_bound_together()
    {
        var filter = StreamFilter.Of(new() { EventType = new() { Regex = Evil } }, follows: false);
        var takesAll = () =>
        {
            for (var text = 0; text < 100_000; text++) filter.Takes(new Named($"abcdef{text:00000}"));
        };
        takesAll.Should().Throw<GrpcException>().Which.Code.Should().Be(GrpcCode.InvalidArgument);
    }

    [Fact]
    public void A_type_that_was_matched_is_not_matched_again()
    {
        var filter = StreamFilter.Of(new() { EventType = new() { Regex = Evil } }, follows: false);
        for (var again = 0; again < 1_000_000; again++) filter.Takes(new Named("abcdefghij")).Should().BeFalse();
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(0u, 1)]
    [InlineData(0u, 2)]
    public async Task Without_a_window_checkpoints_come_every_thirty_two_events(uint? window, uint multiplier)
    {
        while (host.Served.Book.Engine.DurablePosition < 140) await host.Served.Transfer("customers:alice", "customers:bob", "0.01");
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(Read(null, o =>
        {
            o.Subscription = new();
            o.Filter = new() { EventType = new() { Prefix = { "none." } }, CheckpointIntervalMultiplier = multiplier };
            if (window is { } max) o.Filter.Max = max;
            else o.Filter.Count = new();
        }));
        (await call.ReadAsync())!.ContentCase.Should().Be(ReadResp.ContentOneofCase.Confirmation);
        foreach (var expected in (ulong[])[32, 64])
            (await call.ReadAsync())!.Checkpoint.CommitPosition.Should().Be(expected * multiplier);
    }

    private async Task<List<string>> Types(ReadReq request)
    {
        using var channel = new GrpcChannel(new(host.Open.Address));
        await using var call = channel.Open(EventStoreMethods.Read, Soon, default);
        await call.RequestAsync(request);
        var types = new List<string>();
        while (await call.ReadAsync() is { } response)
        {
            if (response.Event is { } read) types.Add(read.Event.Metadata["type"]);
        }
        return types;
    }

    private sealed record Named(string Type) : IStreamEntry
    {
        public long Position => 1;

        public long Revision => 0;

        public string Stream => "book";

        public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new();
    }
}
