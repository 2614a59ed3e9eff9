using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using GoogleEmpty = Google.Protobuf.WellKnownTypes.Empty;
using StreamDeleted = BankingEngine.Host.Grpc.EventStore.StreamDeleted;

namespace BankingEngine.Specs.Simulation.EventStore;

/// <summary>The writing half of the Streams service.</summary>
internal sealed class EventStoreAppends(EventStoreServer server)
{
    public async Task AppendAsync(GrpcCall<AppendReq, AppendResp> call)
    {
        var options = (await call.RequestAsync()).Options
            ?? throw new GrpcException(GrpcCode.InvalidArgument, "The first message holds the options.");
        var proposed = new List<Proposed>();
        var size = 0;
        while (await call.ReadAsync() is { } message)
        {
            var said = message.ProposedMessage
                ?? throw new GrpcException(GrpcCode.InvalidArgument, "Every further message proposes an event.");
            proposed.Add(Of(said.Id, said.Metadata, said.CustomMetadata, said.Data, ref size));
        }
        var (expected, revision) = options.ExpectedStreamRevisionCase switch
        {
            AppendReq.Types.Options.ExpectedStreamRevisionOneofCase.Revision => (Expected.Revision, (long)options.Revision),
            AppendReq.Types.Options.ExpectedStreamRevisionOneofCase.NoStream => (Expected.NoStream, 0L),
            AppendReq.Types.Options.ExpectedStreamRevisionOneofCase.StreamExists => (Expected.StreamExists, 0L),
            _ => (Expected.Any, 0L),
        };
        await BeforeAsync(call.Context, call.Cancellation);
        var appended = server.Log.Append(
            EventStoreNames.NameOf(options.StreamIdentifier), expected, revision, proposed);
        if (server.LosesAnswers)
        {
            call.Context.Abort();
            return;
        }
        await call.SendAsync(appended.IsConflict ? ConflictOf(appended, expected, revision) : AnswerOf(appended));
    }

    public async Task BatchAppendAsync(GrpcCall<BatchAppendReq, BatchAppendResp> call)
    {
        await call.StartAsync();
        var open = new Dictionary<Guid, (BatchAppendReq.Types.Options Options, List<Proposed> Proposed, int Size)>();
        while (await call.ReadAsync() is { } message)
        {
            EventStoreNames.TryReadUuid(message.CorrelationId, out var id);
            if (!open.TryGetValue(id, out var batch)) batch = (message.Options, [], 0);
            Status? wrong = null;
            try
            {
                foreach (var said in message.ProposedMessages)
                    batch.Proposed.Add(Of(said.Id, said.Metadata, said.CustomMetadata, said.Data, ref batch.Size));
            }
            catch (GrpcException refused)
            {
                wrong = StatusOf(refused);
            }
            open[id] = batch;
            if (wrong is null && !message.IsFinal) continue;
            open.Remove(id);
            var response = wrong is null ? await FinishAsync(call, batch.Options, batch.Proposed) : new() { Error = wrong };
            if (response is null) return;
            Echo(response, message.CorrelationId, batch.Options);
            await call.SendAsync(response);
        }
    }

    public async Task DeleteAsync(GrpcCall<DeleteReq, DeleteResp> call)
    {
        var options = (await call.RequestAsync()).Options;
        var (expected, revision) = options.ExpectedStreamRevisionCase switch
        {
            DeleteReq.Types.Options.ExpectedStreamRevisionOneofCase.Revision => (Expected.Revision, (long)options.Revision),
            DeleteReq.Types.Options.ExpectedStreamRevisionOneofCase.NoStream => (Expected.NoStream, 0L),
            DeleteReq.Types.Options.ExpectedStreamRevisionOneofCase.StreamExists => (Expected.StreamExists, 0L),
            _ => (Expected.Any, 0L),
        };
        var position = Remove(options.StreamIdentifier, expected, revision, forGood: false);
        await call.SendAsync(new() { Position = new() { CommitPosition = position, PreparePosition = position } });
    }

    public async Task TombstoneAsync(GrpcCall<TombstoneReq, TombstoneResp> call)
    {
        var options = (await call.RequestAsync()).Options;
        var (expected, revision) = options.ExpectedStreamRevisionCase switch
        {
            TombstoneReq.Types.Options.ExpectedStreamRevisionOneofCase.Revision =>
                (Expected.Revision, (long)options.Revision),
            TombstoneReq.Types.Options.ExpectedStreamRevisionOneofCase.NoStream => (Expected.NoStream, 0L),
            TombstoneReq.Types.Options.ExpectedStreamRevisionOneofCase.StreamExists => (Expected.StreamExists, 0L),
            _ => (Expected.Any, 0L),
        };
        var position = Remove(options.StreamIdentifier, expected, revision, forGood: true);
        await call.SendAsync(new() { Position = new() { CommitPosition = position, PreparePosition = position } });
    }

    private ulong Remove(StreamIdentifier stream, Expected expected, long revision, bool forGood)
    {
        var name = EventStoreNames.NameOf(stream);
        var removed = server.Log.Delete(name, expected, revision, forGood);
        return removed.IsConflict
            ? throw GrpcException.Named(
                GrpcCode.FailedPrecondition, "wrong-expected-version", "Wrong expected version.", ("stream-name", name),
                ("expected-version", $"{Sentinel(expected, revision)}"), ("actual-version", $"{removed.Actual}"))
            : (ulong)removed.Position;
    }

    private static long Sentinel(Expected expected, long revision) => expected switch
    {
        Expected.NoStream => -1,
        Expected.Any => -2,
        Expected.StreamExists => -4,
        _ => revision,
    };

    /// <returns>Null where the answer is lost.</returns>
    private async Task<BatchAppendResp?> FinishAsync(
        GrpcCall<BatchAppendReq, BatchAppendResp> call, BatchAppendReq.Types.Options options, List<Proposed> proposed)
    {
        await BeforeAsync(call.Context, call.Cancellation);
        if (IsLate(options)) return new() { Error = ErrorOf(Code.DeadlineExceeded, "Timeout", new Host.Grpc.EventStore.Timeout()) };
        var (expected, revision) = options.ExpectedStreamPositionCase switch
        {
            BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.StreamPosition =>
                (Expected.Revision, (long)options.StreamPosition),
            BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.NoStream => (Expected.NoStream, 0L),
            BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.StreamExists => (Expected.StreamExists, 0L),
            _ => (Expected.Any, 0L),
        };
        try
        {
            var appended = server.Log.Append(
                EventStoreNames.NameOf(options.StreamIdentifier), expected, revision, proposed);
            if (server.LosesAnswers)
            {
                call.Context.Abort();
                return null;
            }
            return appended.IsConflict ? new() { Error = BatchConflictOf(appended, expected, revision) } : BatchAnswerOf(appended);
        }
        catch (GrpcException deleted)
        {
            return new() { Error = StatusOf(deleted, options.StreamIdentifier) };
        }
    }

    private async Task BeforeAsync(Microsoft.AspNetCore.Http.HttpContext context, CancellationToken cancellation)
    {
        if (server.TakesLoss())
        {
            context.Abort();
            throw new OperationCanceledException("The request is lost.");
        }
        if (server.AppendDelay > TimeSpan.Zero) await Task.Delay(server.AppendDelay, cancellation);
    }

    private bool IsLate(BatchAppendReq.Types.Options options) => options.DeadlineOptionCase switch
    {
        BatchAppendReq.Types.Options.DeadlineOptionOneofCase.Deadline => options.Deadline.ToTimeSpan() < server.AppendDelay,
        BatchAppendReq.Types.Options.DeadlineOptionOneofCase.Deadline21100 =>
            options.Deadline21100.ToDateTime() < DateTime.UtcNow,
        _ => false,
    };

    private static Proposed Of(
        UUID? id, MapField<string, string> metadata, ByteString custom, ByteString data, ref int size)
    {
        if (!EventStoreNames.TryReadUuid(id, out var read))
            throw new GrpcException(GrpcCode.InvalidArgument, "An event has an id.");
        if (!metadata.TryGetValue("type", out var type) || !metadata.TryGetValue("content-type", out var content))
        {
            throw GrpcException.Named(
                GrpcCode.InvalidArgument, "missing-required-metadata-property", "Required Metadata Property is missing.",
                ("required-metadata-properties", "type,content-type"));
        }
        size += custom.Length + data.Length;
        return size <= EventStoreServer.MaxAppendBytes
            ? new(read, type, content, custom, data)
            : throw GrpcException.Named(
                GrpcCode.InvalidArgument, "maximum-append-size-exceeded", "Maximum Append Size Exceeded.",
                ("maximum-append-size", $"{EventStoreServer.MaxAppendBytes}"));
    }

    private static AppendResp AnswerOf(Appended appended)
    {
        var success = new AppendResp.Types.Success();
        if (appended.Revision < 0) success.NoStream = new();
        else success.CurrentRevision = (ulong)appended.Revision;
        if (appended.Position < 0) success.NoPosition = new();
        else
            success.Position = new() { CommitPosition = (ulong)appended.Position, PreparePosition = (ulong)appended.Position };
        return new() { Success = success };
    }

    private static AppendResp ConflictOf(Appended appended, Expected expected, long revision)
    {
        var wrong = new AppendResp.Types.WrongExpectedVersion();
        if (appended.Actual < 0) (wrong.CurrentNoStream, wrong.NoStream2060) = (new(), new());
        else (wrong.CurrentRevision, wrong.CurrentRevision2060) = ((ulong)appended.Actual, (ulong)appended.Actual);
        switch (expected)
        {
            case Expected.Revision: (wrong.ExpectedRevision, wrong.ExpectedRevision2060) = ((ulong)revision, (ulong)revision); break;
            case Expected.NoStream: wrong.ExpectedNoStream = new(); break;
            case Expected.StreamExists: (wrong.ExpectedStreamExists, wrong.StreamExists2060) = (new(), new()); break;
            default: (wrong.ExpectedAny, wrong.Any2060) = (new(), new()); break;
        }
        return new() { WrongExpectedVersion = wrong };
    }

    private static BatchAppendResp BatchAnswerOf(Appended appended)
    {
        var success = new BatchAppendResp.Types.Success();
        if (appended.Revision < 0) success.NoStream = new();
        else success.CurrentRevision = (ulong)appended.Revision;
        if (appended.Position < 0) success.NoPosition = new();
        else
            success.Position = new() { CommitPosition = (ulong)appended.Position, PreparePosition = (ulong)appended.Position };
        return new() { Success = success };
    }

    private static Status BatchConflictOf(Appended appended, Expected expected, long revision)
    {
        var wrong = new WrongExpectedVersion();
        if (appended.Actual < 0) wrong.CurrentNoStream = new();
        else wrong.CurrentStreamRevision = (ulong)appended.Actual;
        switch (expected)
        {
            case Expected.Revision: wrong.ExpectedStreamPosition = (ulong)revision; break;
            case Expected.NoStream: wrong.ExpectedNoStream = new(); break;
            case Expected.StreamExists: wrong.ExpectedStreamExists = new(); break;
            default: wrong.ExpectedAny = new(); break;
        }
        return ErrorOf(Code.AlreadyExists, "WrongExpectedVersion", wrong);
    }

    private static Status StatusOf(GrpcException refused, StreamIdentifier? stream = null) => refused.Reason switch
    {
        "stream-deleted" => ErrorOf(Code.NotFound, refused.Detail, new StreamDeleted { StreamIdentifier = stream }),
        "maximum-append-size-exceeded" => ErrorOf(
            Code.InvalidArgument, refused.Detail,
            new MaximumAppendSizeExceeded { MaxAppendSize = EventStoreServer.MaxAppendBytes }),
        _ => ErrorOf(Code.InvalidArgument, refused.Detail, new BadRequest { Message = refused.Detail }),
    };

    private static Status ErrorOf(Code code, string message, IMessage details) =>
        new() { Code = code, Message = message, Details = Any.Pack(details) };

    private static void Echo(BatchAppendResp response, UUID correlation, BatchAppendReq.Types.Options options)
    {
        response.CorrelationId = correlation;
        response.StreamIdentifier = options.StreamIdentifier;
        switch (options.ExpectedStreamPositionCase)
        {
            case BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.StreamPosition:
                response.StreamPosition = options.StreamPosition;
                break;
            case BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.NoStream:
                response.NoStream = new GoogleEmpty();
                break;
            case BatchAppendReq.Types.Options.ExpectedStreamPositionOneofCase.StreamExists:
                response.StreamExists = new GoogleEmpty();
                break;
            default:
                response.Any = new GoogleEmpty();
                break;
        }
    }
}
