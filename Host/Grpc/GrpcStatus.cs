namespace BankingEngine.Host.Grpc;

/// <summary>How a call ended; the numbers are gRPC's.</summary>
public enum GrpcCode
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>A call that did not end well: thrown by a handler to end it so, and by a client that was told so.</summary>
/// <param name="code">Never <see cref="GrpcCode.Ok"/>.</param>
/// <param name="detail">One sentence for humans.</param>
/// <param name="trailers">What came, or is to be sent, beside the status; names in lower case.</param>
public sealed class GrpcException(
    GrpcCode code, string detail, IReadOnlyDictionary<string, string>? trailers = null, Exception? inner = null)
    : Exception($"{code}: {detail}", inner)
{
    /// <summary>Trailers of the EventStoreDB protocol: why, and where the leader listens.</summary>
    public const string
        ReasonTrailer = "exception", LeaderHostTrailer = "leader-endpoint-host",
        LeaderPortTrailer = "leader-endpoint-port";

    public const string NotLeader = "not-leader";

    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();

    public GrpcCode Code { get; } = code;

    public string Detail { get; } = detail;

    public IReadOnlyDictionary<string, string> Trailers { get; } = trailers ?? None;

    /// <summary>What the protocol names the failure, as <c>not-leader</c>; null where it has no name.</summary>
    public string? Reason => Trailers.GetValueOrDefault(ReasonTrailer);

    /// <summary>Host and port of the member to ask instead; null where the answer names none.</summary>
    public (string Host, int Port)? Leader =>
        Reason == NotLeader && Trailers.TryGetValue(LeaderHostTrailer, out var host)
            && Trailers.TryGetValue(LeaderPortTrailer, out var text) && ushort.TryParse(text, out var port)
            ? (host, port)
            : null;

    /// <summary>A failure that the EventStoreDB protocol has a name for.</summary>
    public static GrpcException Named(
        GrpcCode code, string reason, string detail, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var trailers = new Dictionary<string, string> { [ReasonTrailer] = reason };
        foreach (var (name, value) in more) trailers[name] = value;
        return new(code, detail, trailers);
    }
}
