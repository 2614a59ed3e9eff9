using System.Diagnostics;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using static BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types;
using Direction = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options.Types.ReadDirection;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>What a journal asks of the store, with its failures in a journal's words.</summary>
/// <remarks>Any thread. The calls wait: who appends and who follows have threads of their own.</remarks>
internal static class EventStoreStreams
{
    /// <summary>What the server must be able to do beside reading: service, method, feature.</summary>
    private const string Streams = "event_store.client.streams.streams", BatchAppend = "batchappend",
        DeadlineAsDuration = "deadline_duration";

    /// <summary>Reads events of a stream, from one on or backwards from its end.</summary>
    /// <param name="from">Revision of the first; null: backwards from the last.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="history">Of the node that history is read from; else of the leader.</param>
    /// <param name="take">Returns false when it has enough.</param>
    /// <returns>False where there is no such stream.</returns>
    /// <exception cref="JournalException">Unknown: no answer in time. Damaged: the stream was tombstoned.
    /// Refused.</exception>
    public static bool Read(
        this EventStoreCluster cluster, string stream, long? from, long most, bool history, TimeSpan wait,
        Func<RecordedEvent, bool> take) =>
        Wait(cluster.CallAsync(history, wait, async (channel, left) =>
        {
            var call = channel.Open(EventStoreMethods.Read, left, CancellationToken.None);
            await using var ended = call.ConfigureAwait(false);
            var options = Options(stream, from ?? 0);
            if (from is null) (options.Stream.End, options.ReadDirection) = (new(), Direction.Backwards);
            options.Count = (ulong)most;
            await call.RequestAsync(new() { Options = options }).ConfigureAwait(false);
            while (await call.ReadAsync().ConfigureAwait(false) is { } response)
            {
                if (response.ContentCase == ReadResp.ContentOneofCase.StreamNotFound) return false;
                if (response.ContentCase == ReadResp.ContentOneofCase.Event && !take(response.Event.Event)) break;
            }
            return true;
        }), cluster, stream);

    /// <summary>The last event of a stream, from the leader; null where there is no stream.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static RecordedEvent? Last(this EventStoreCluster cluster, string stream, TimeSpan wait)
    {
        RecordedEvent? last = null;
        cluster.Read(stream, from: null, most: 1, history: false, wait, recorded =>
        {
            last = recorded;
            return true;
        });
        return last;
    }

    /// <summary>What a subscription behind a revision asks for.</summary>
    /// <param name="after">The last revision not wanted; below 0: all.</param>
    public static ReadReq Subscription(string stream, long after)
    {
        var options = Options(stream, Math.Max(after, 0));
        if (after < 0) options.Stream.Start = new();
        options.Subscription = new();
        return new() { Options = options };
    }

    /// <summary>Refuses a server that cannot do what a journal needs.</summary>
    /// <exception cref="JournalException">Refused or Unknown.</exception>
    public static void DemandAbilities(this EventStoreCluster cluster, TimeSpan wait)
    {
        SupportedMethods? can;
        try
        {
            can = cluster.CallAsync(history: false, wait, (channel, left) => channel.CallAsync(
                EventStoreMethods.Features, new Empty(), left, CancellationToken.None)).GetAwaiter().GetResult();
        }
        catch (GrpcException old) when (old.Code == GrpcCode.Unimplemented)
        {
            throw Refused($"{old.Detail} The server does not say what it can do: EventStoreDB 22.10 or later is needed, or "
                + "KurrentDB.", old);
        }
        catch (GrpcException failed)
        {
            if (failed.Code == GrpcCode.Unavailable && !cluster.Settings.Tls && IsConnected(failed)
                && TlsProbe.FindAsync(cluster.Settings.Hosts).GetAwaiter().GetResult() is { } at)
                throw Refused($"What answers at {at.Host}:{at.Port} speaks TLS: leave out tls=false.", failed);
            throw Translate(failed, cluster, "");
        }
        var methods = can.Methods.Where(method => method.ServiceName == Streams).ToArray();
        var append = methods.FirstOrDefault(method => method.MethodName == BatchAppend);
        if (append is null)
        {
            throw Refused(methods.Any(method => method.MethodName == "append")
                ? $"The server's version {can.EventStoreServerVersion} is too old: it has no BatchAppend. EventStoreDB 22.10 "
                    + "or later is needed, or KurrentDB."
                : $"The server at {cluster.Settings} (version {can.EventStoreServerVersion}) takes no appends: it is for "
                    + "reading only, as an audit gateway is.", null);
        }
        if (!append.Features.Contains(DeadlineAsDuration))
        {
            throw Refused($"The server's version {can.EventStoreServerVersion} is too old: its BatchAppend takes no "
                + "deadline as a duration. EventStoreDB 22.10 or later is needed, or KurrentDB.", null);
        }
    }

    /// <summary>What a failure means to a journal, and what an operator can do about it.</summary>
    public static JournalException Translate(GrpcException failed, EventStoreCluster cluster, string stream) => failed switch
    {
        { Reason: "stream-deleted" } => new(JournalDamage.InStream(
            stream, null, "it was deleted for good (tombstoned); restore the store from a backup")),
        { Reason: "access-denied" } or { Code: GrpcCode.PermissionDenied or GrpcCode.Unauthenticated } => Refused(
            $"The event store refuses {Who(cluster.Settings)}: {failed.Detail} Check user and password in the connection "
            + $"string, and that the user may read and write {(stream.Length > 0 ? $"stream {stream}" : "streams")}.",
            failed),
        { InnerException: HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } } => Refused(
            $"No secure connection: {failed.Detail} Check the server's certificate and its host name, tlsCaFile, and "
            + "userCertFile where the server asks for one; tls=false only where the server runs insecure.", failed),
        { Code: GrpcCode.Unavailable } when cluster.Settings is { Tls: true, UserCertFile: null } && IsConnected(failed) => new(
            JournalFault.Unknown, $"The event store did not answer: {failed.Detail} Where it ends secure connections at once, "
            + "it may ask for a certificate: say userCertFile and userKeyFile.", failed),
        { Code: GrpcCode.Unimplemented } => Refused(
            $"What answers at {cluster.Settings} is no EventStoreDB or KurrentDB: {failed.Detail}", failed),
        _ => new(JournalFault.Unknown, $"The event store did not answer: {failed.Detail}", failed),
    };

    private static bool IsConnected(GrpcException failed) => failed.InnerException is not HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
    };

    private static string Who(EventStoreSettings settings) =>
        settings.User is not { } user ? "a connection without user"
        : settings.Tls ? $"user '{user}'"
        : $"the connection (user '{user}' is not sent, since tls=false)";

    private static JournalException Refused(string why, Exception? inner) => new(JournalFault.Refused, why, inner);

    private static T Wait<T>(Task<T> task, EventStoreCluster cluster, string stream)
    {
        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (GrpcException failed)
        {
            throw Translate(failed, cluster, stream);
        }
    }

    private static ReadReq.Types.Options Options(string stream, long revision) => new()
    {
        Stream = new() { StreamIdentifier = EventStoreNames.StreamOf(stream), Revision = (ulong)revision },
        ReadDirection = Direction.Forwards,
        NoFilter = new(),
        UuidOption = new() { Structured = new() },
    };
}

/// <summary>Appends to one stream over one long call, one append at a time.</summary>
internal sealed class StreamAppender(EventStoreCluster cluster, string stream) : IDisposable
{
    /// <summary>Expected revisions that are none.</summary>
    public const long NoStream = -1, Any = -2;

    private readonly Lock _gate = new();
    private GrpcClientCall<BatchAppendReq, BatchAppendResp>? _call;
    private GrpcChannel? _on;

    /// <summary>Fills in the messages of an append that has stream and expectation already.</summary>
    public static BatchAppendReq To(string stream, long expected)
    {
        var options = new BatchAppendReq.Types.Options { StreamIdentifier = EventStoreNames.StreamOf(stream) };
        if (expected == Any) options.Any = new();
        else if (expected == NoStream) options.NoStream = new();
        else options.StreamPosition = (ulong)expected;
        return new() { Options = options, IsFinal = true };
    }

    /// <summary>Appends all messages or none.</summary>
    /// <returns>The revision of the last one; null where the stream does not end with the expected one.</returns>
    /// <exception cref="JournalException">Unknown: they may be stored, now or later. Any other kind: they are
    /// not.</exception>
    public long? Append(BatchAppendReq request, TimeSpan wait)
    {
        lock (_gate)
        {
            try
            {
                return cluster.CallAsync(history: false, wait, (channel, left) => SendAsync(channel, request, left))
                    .GetAwaiter().GetResult();
            }
            catch (GrpcException failed)
            {
                throw EventStoreStreams.Translate(failed, cluster, stream);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate) CloseAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task<long?> SendAsync(GrpcChannel channel, BatchAppendReq request, TimeSpan left)
    {
        var started = Stopwatch.GetTimestamp();
        if (!ReferenceEquals(channel, _on)) await CloseAsync().ConfigureAwait(false);
        (_call, _on) = (_call ?? channel.Open(EventStoreMethods.BatchAppend, deadline: null, CancellationToken.None), channel);
        // A new name each time: an answer to an append that was given up is not taken for this one's.
        request.CorrelationId = EventStoreNames.UuidOf(Guid.NewGuid(), structured: true);
        request.Options.Deadline = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(left);
        try
        {
            await _call.WriteAsync(request).AsTask().WaitAsync(left).ConfigureAwait(false);
        }
        catch (GrpcException)
        {
            // Reading says how the call ended.
        }
        catch (TimeoutException late)
        {
            await CloseAsync().ConfigureAwait(false);
            throw new GrpcException(GrpcCode.DeadlineExceeded, "No answer came in time.", null, late);
        }
        try
        {
            while (true)
            {
                var rest = left - Stopwatch.GetElapsedTime(started);
                var response = await _call.ReadAsync().AsTask().WaitAsync(rest > TimeSpan.Zero ? rest : TimeSpan.Zero)
                    .ConfigureAwait(false) ?? throw new GrpcException(GrpcCode.Unavailable, "The node ended the call.");
                if (response.CorrelationId.Equals(request.CorrelationId)) return Outcome(response);
            }
        }
        catch (TimeoutException late)
        {
            await CloseAsync().ConfigureAwait(false);
            throw new GrpcException(GrpcCode.DeadlineExceeded, "No answer came in time.", null, late);
        }
        catch (GrpcException)
        {
            await CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static long? Outcome(BatchAppendResp response)
    {
        if (response.ResultCase == BatchAppendResp.ResultOneofCase.Success) return (long)response.Success.CurrentRevision;
        var error = response.Error ?? throw new GrpcException(GrpcCode.Internal, "The answer says nothing.");
        // Clients go by the name of the details; the code of a conflict is another one than in Append.
        var name = error.Details?.TypeUrl is { } url ? url[(url.LastIndexOf('/') + 1)..] : "";
        if (name == "event_store.client.WrongExpectedVersion") return null;
        throw name switch
        {
            "event_store.client.StreamDeleted" =>
                GrpcException.Named(GrpcCode.FailedPrecondition, "stream-deleted", error.Message),
            "event_store.client.AccessDenied" =>
                GrpcException.Named(GrpcCode.PermissionDenied, "access-denied", error.Message),
            "event_store.client.MaximumAppendSizeExceeded" or "event_store.client.BadRequest" => (Exception)
                new JournalException(JournalFault.Refused, "The event store takes no append of this size or form: "
                    + $"{error.Message} Its MaxAppendSize must be 1 MiB or more."),
            _ => new GrpcException(
                Enum.IsDefined((GrpcCode)error.Code) && error.Code != Code.Ok ? (GrpcCode)error.Code : GrpcCode.Unknown,
                error.Message),
        };
    }

    private async ValueTask CloseAsync()
    {
        var call = _call;
        (_call, _on) = (null, null);
        if (call is not null) await call.DisposeAsync().ConfigureAwait(false);
    }
}
