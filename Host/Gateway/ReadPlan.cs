using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Options = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options;

namespace BankingEngine.Host.Gateway;

/// <summary>Where a reader begins.</summary>
public enum ReadFrom
{
    Start,
    End,

    /// <summary>A revision of a stream, or a commit position of all.</summary>
    Mark,
}

/// <summary>What a caller of Streams/Read wants, checked.</summary>
/// <param name="Stream">Null: all.</param>
/// <param name="Mark">With <see cref="ReadFrom.Mark"/>, 0 or more.</param>
/// <param name="Limit">Events wanted; null: a subscription, which has no end.</param>
/// <param name="TellsBounds">Whether the caller knows what to do with first and last positions.</param>
public sealed record ReadPlan(
    string? Stream, bool Forwards, ReadFrom From, long Mark, long? Limit, StreamFilter? Filter, bool ResolveLinks,
    bool StructuredIds, bool TellsBounds)
{
    public bool IsSubscription => Limit is null;

    /// <exception cref="GrpcException">InvalidArgument: it is none of the combinations there are.</exception>
    public static ReadPlan Of(ReadReq request)
    {
        var options = request?.Options ?? throw Wrong("Options are required.");
        if (options.UuidOption is null
            || options.UuidOption.ContentCase == Options.Types.UUIDOption.ContentOneofCase.None)
            throw Wrong("The form of identifiers is required.");
        var (from, mark, stream) = options.StreamOptionCase switch
        {
            Options.StreamOptionOneofCase.Stream => OfStream(options.Stream),
            Options.StreamOptionOneofCase.All => OfAll(options.All),
            _ => throw Wrong("A stream or all is required."),
        };
        var filter = options.FilterOptionCase == Options.FilterOptionOneofCase.Filter ? options.Filter : null;
        if (filter is not null && stream is not null) throw Wrong("A filter is for reading all.");
        long? limit = options.CountOptionCase switch
        {
            Options.CountOptionOneofCase.Count => (long)Math.Min(options.Count, long.MaxValue),
            Options.CountOptionOneofCase.Subscription => null,
            _ => throw Wrong("A count or a subscription is required."),
        };
        var forwards = options.ReadDirection switch
        {
            Options.Types.ReadDirection.Forwards => true,
            Options.Types.ReadDirection.Backwards => false,
            _ => throw Wrong("There is no such direction."),
        };
        if (limit is null && !forwards) throw Wrong("Subscriptions go forwards.");
        return new(
            stream, forwards, from, mark, limit, filter is null ? null : StreamFilter.Of(filter, limit is null), options.ResolveLinks,
            options.UuidOption.ContentCase == Options.Types.UUIDOption.ContentOneofCase.Structured,
            options.ControlOption?.Compatibility >= 1);
    }

    private static (ReadFrom, long, string?) OfStream(Options.Types.StreamOptions stream)
    {
        var length = stream.StreamIdentifier?.StreamName.Length ?? 0;
        if (length is 0 or > EventStoreNames.MaxStreamNameBytes)
            throw Wrong($"A stream's name has 1 to {EventStoreNames.MaxStreamNameBytes} bytes.");
        var name = EventStoreNames.NameOf(stream.StreamIdentifier);
        return stream.RevisionOptionCase switch
        {
            Options.Types.StreamOptions.RevisionOptionOneofCase.Revision =>
                (ReadFrom.Mark, (long)Math.Min(stream.Revision, long.MaxValue - 1), name),
            Options.Types.StreamOptions.RevisionOptionOneofCase.Start => (ReadFrom.Start, 0, name),
            Options.Types.StreamOptions.RevisionOptionOneofCase.End => (ReadFrom.End, 0, name),
            _ => throw Wrong("Where to begin in the stream is required."),
        };
    }

    private static (ReadFrom, long, string?) OfAll(Options.Types.AllOptions all) => all.AllOptionCase switch
    {
        Options.Types.AllOptions.AllOptionOneofCase.Position =>
            (ReadFrom.Mark, (long)Math.Min(all.Position.CommitPosition, long.MaxValue - 1), null),
        Options.Types.AllOptions.AllOptionOneofCase.Start => (ReadFrom.Start, 0, null),
        Options.Types.AllOptions.AllOptionOneofCase.End => (ReadFrom.End, 0, null),
        _ => throw Wrong("Where to begin is required."),
    };

    private static GrpcException Wrong(string why) => new(GrpcCode.InvalidArgument, why);
}
