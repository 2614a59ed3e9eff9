using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf;

namespace BankingEngine.Specs.Simulation.EventStore;

/// <summary>What an append expects of a stream.</summary>
public enum Expected
{
    Revision,
    NoStream,
    Any,
    StreamExists,
}

/// <summary>An event as a client proposes it.</summary>
public sealed record Proposed(Guid Id, string Type, string ContentType, ByteString Metadata, ByteString Data);

/// <summary>How an append ended.</summary>
/// <param name="Revision">Of the last event appended, or −1 where the stream stays without any.</param>
/// <param name="Actual">Where the expectation failed: the stream's last revision, −1 for none.</param>
public sealed record Appended(bool IsConflict, long Revision, long Position, long Actual);

/// <summary>
/// Streams of an event store in memory, each append written to a file before it is answered: what EventStoreDB
/// promises, in little. For specs; what it is asked for it does as the real server was seen to do.
/// </summary>
public sealed class EventStoreLog : IStreamStore, IDisposable
{
    private const byte AppendRecord = 1, DeleteRecord = 2, TombstoneRecord = 3;
    private const int HeadBytes = 5;
    private const long Tombstoned = long.MaxValue;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly List<StoredEvent> _events = [];
    private readonly Dictionary<string, StoredStream> _streams = [];
    private readonly Dictionary<(string Stream, Guid Id), long> _ids = [];
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="folder">Made where it is not there. A record cut short at the end is cut off.</param>
    public EventStoreLog(string folder)
    {
        Directory.CreateDirectory(folder);
        _file = new(Path.Combine(folder, "events.log"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        Load();
    }

    public long End
    {
        get
        {
            lock (_gate) return _events.Count == 0 ? -1 : _events[^1].Position;
        }
    }

    /// <summary>Appends all of them or none.</summary>
    /// <exception cref="GrpcException">The stream was deleted for good.</exception>
    public Appended Append(string stream, Expected expected, long revision, IReadOnlyList<Proposed> proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        lock (_gate)
        {
            var state = StateOf(stream);
            if (Repeated(stream, proposed) is { } before && IsSameExpectation(expected, revision, before, proposed.Count))
                return new(false, before + proposed.Count - 1, _events[state!.Events[(int)(before + proposed.Count - 1)]].Position, 0);
            // What was deleted softly is no stream, but its revisions go on.
            var last = state is null || state.IsDeleted ? -1 : state.Events.Count - 1;
            var isMet = expected switch
            {
                Expected.Any => true,
                Expected.NoStream => last < 0,
                Expected.StreamExists => last >= 0,
                _ => last == revision || (state is not null && state.Events.Count - 1 == revision),
            };
            if (!isMet) return new(true, 0, 0, last);
            if (proposed.Count == 0) return new(false, last, End, 0);
            Write(AppendRecord, RecordOf(stream, proposed));
            var added = _streams[stream];
            return new(false, added.Events.Count - 1, _events[added.Events[^1]].Position, 0);
        }
    }

    /// <summary>Takes a stream away; softly, so that it can begin again, or for good.</summary>
    /// <returns>The same as an append: a conflict where the expectation failed.</returns>
    public Appended Delete(string stream, Expected expected, long revision, bool forGood)
    {
        lock (_gate)
        {
            var state = StateOf(stream);
            var last = state is null || state.IsDeleted ? -1 : state.Events.Count - 1;
            var isMet = expected switch
            {
                Expected.Any => true,
                Expected.NoStream => last < 0,
                Expected.StreamExists => last >= 0,
                _ => last == revision,
            };
            if (!isMet || (last < 0 && !forGood)) return new(true, 0, 0, last);
            Write(forGood ? TombstoneRecord : DeleteRecord, RecordOf(stream, []));
            return new(false, last, _file.Length, 0);
        }
    }

    public StreamBounds? Find(string stream)
    {
        lock (_gate)
        {
            if (StateOf(stream) is not { } state || state.IsDeleted) return null;
            var first = state.From;
            if (MaxCountOf(stream) is { } most) first = Math.Max(first, state.Events.Count - most);
            return first < state.Events.Count ? new(first, state.Events.Count - 1) : null;
        }
    }

    public IStreamCursor OpenStream(string stream, long revision, bool forwards) =>
        new LogCursor(this, stream, revision, forwards);

    public IStreamCursor OpenAll(long position, bool forwards) => new LogCursor(this, null, position, forwards);

    public void Dispose()
    {
        lock (_gate) _file.Dispose();
    }

    /// <summary>The next event of a walk; moves its mark.</summary>
    internal StoredEvent? Next(string? stream, ref long at, bool forwards)
    {
        lock (_gate)
        {
            if (stream is null)
            {
                var sought = at;
                var index = forwards
                    ? _events.FindIndex(FirstCandidate(sought), e => e.Position >= sought)
                    : _events.FindLastIndex(e => e.Position <= sought);
                if (index < 0) return null;
                at = forwards ? _events[index].Position + 1 : _events[index].Position - 1;
                return _events[index];
            }
            var state = StateOf(stream);
            if (state is null || at < state.From || at >= state.Events.Count) return null;
            return _events[state.Events[(int)(forwards ? at++ : at--)]];
        }
    }

    /// <summary>Whether there is more for a walk than it has seen; else what to wait for.</summary>
    internal Task? Beyond(string? stream, long at)
    {
        lock (_gate)
        {
            var isMore = stream is null
                ? _events.Count > 0 && _events[^1].Position >= at
                : _streams.TryGetValue(stream, out var state) && at < state.Events.Count;
            return isMore ? null : _advanced.Task;
        }
    }

    private int FirstCandidate(long position)
    {
        var (low, high) = (0, _events.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_events[middle].Position < position) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private StoredStream? StateOf(string stream)
    {
        if (!_streams.TryGetValue(stream, out var state)) return null;
        return state.From == Tombstoned
            ? throw GrpcException.Named(
                GrpcCode.FailedPrecondition, "stream-deleted", $"Stream '{stream}' is deleted.", ("stream-name", stream))
            : state;
    }

    /// <summary>Revision of the first, where all of them stand in the stream already, one behind the other.</summary>
    private long? Repeated(string stream, IReadOnlyList<Proposed> proposed)
    {
        if (proposed.Count == 0 || !_ids.TryGetValue((stream, proposed[0].Id), out var first)) return null;
        for (var i = 1; i < proposed.Count; i++)
        {
            if (!_ids.TryGetValue((stream, proposed[i].Id), out var at) || at != first + i) return null;
        }
        return first;
    }

    private static bool IsSameExpectation(Expected expected, long revision, long first, int count) => expected switch
    {
        Expected.Revision => revision == first - 1 || revision == first + count - 1,
        Expected.NoStream => first == 0,
        _ => true,
    };

    private long? MaxCountOf(string stream)
    {
        if (!_streams.TryGetValue("$$" + stream, out var meta) || meta.Events.Count == 0) return null;
        try
        {
            using var said = JsonDocument.Parse(_events[meta.Events[^1]].Data.Memory);
            return said.RootElement.TryGetProperty("$maxCount", out var most) ? most.GetInt64() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static BatchAppendReq RecordOf(string stream, IReadOnlyList<Proposed> proposed)
    {
        var record = new BatchAppendReq
        {
            Options = new()
            {
                StreamIdentifier = EventStoreNames.StreamOf(stream),
                Deadline21100 = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(DateTime.UtcNow),
            },
        };
        foreach (var one in proposed)
        {
            record.ProposedMessages.Add(new BatchAppendReq.Types.ProposedMessage
            {
                Id = EventStoreNames.UuidOf(one.Id, structured: true),
                Metadata = { ["type"] = one.Type, ["content-type"] = one.ContentType },
                CustomMetadata = one.Metadata,
                Data = one.Data,
            });
        }
        return record;
    }

    private void Write(byte kind, BatchAppendReq record)
    {
        var bytes = new byte[HeadBytes + record.CalculateSize()];
        bytes[0] = kind;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), bytes.Length - HeadBytes);
        record.WriteTo(bytes.AsSpan(HeadBytes));
        var at = _file.Position;
        _file.Write(bytes);
        _file.Flush(flushToDisk: true);
        Take(kind, record, at);
        var reached = _advanced;
        _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
        reached.TrySetResult();
    }

    private void Load()
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var at = 0;
        while (bytes.Length - at >= HeadBytes)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 1));
            if (length < 0 || bytes.Length - at - HeadBytes < length) break;
            Take(bytes[at], BatchAppendReq.Parser.ParseFrom(bytes, at + HeadBytes, length), at);
            at += HeadBytes + length;
        }
        _file.SetLength(at);
        _file.Position = at;
    }

    private void Take(byte kind, BatchAppendReq record, long at)
    {
        var name = EventStoreNames.NameOf(record.Options.StreamIdentifier);
        if (!_streams.TryGetValue(name, out var stream)) _streams[name] = stream = new();
        if (kind == TombstoneRecord) stream.From = Tombstoned;
        if (kind == DeleteRecord) (stream.From, stream.IsDeleted) = (stream.Events.Count, true);
        if (kind != AppendRecord) return;
        stream.IsDeleted = false;
        foreach (var one in record.ProposedMessages)
        {
            EventStoreNames.TryReadUuid(one.Id, out var id);
            _ids[(name, id)] = stream.Events.Count;
            _events.Add(new(
                name, stream.Events.Count, at++, id, one.Metadata["type"], one.Metadata["content-type"], one.CustomMetadata,
                one.Data, record.Options.Deadline21100.ToDateTime()));
            stream.Events.Add(_events.Count - 1);
        }
    }

    private sealed class StoredStream
    {
        public List<int> Events { get; } = [];

        /// <summary>First revision still there.</summary>
        public long From { get; set; }

        public bool IsDeleted { get; set; }
    }

    private sealed class LogCursor(EventStoreLog log, string? stream, long from, bool forwards) : IStreamCursor
    {
        private long _at = from;

        public IStreamEntry? Next() => log.Next(stream, ref _at, forwards);

        public Task WaitAsync(CancellationToken cancellation) =>
            log.Beyond(stream, _at)?.WaitAsync(cancellation) ?? Task.CompletedTask;

        public void Dispose()
        {
            // It holds nothing.
        }
    }
}

/// <summary>An event as the store keeps it.</summary>
internal sealed record StoredEvent(
    string Stream, long Revision, long Position, Guid Id, string Type, string ContentType, ByteString Metadata,
    ByteString Data, DateTime Created) : IStreamEntry
{
    public ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds) => new()
    {
        Event = new()
        {
            Id = EventStoreNames.UuidOf(Id, structuredIds),
            StreamIdentifier = EventStoreNames.StreamOf(Stream),
            StreamRevision = (ulong)Revision,
            CommitPosition = (ulong)Position,
            PreparePosition = (ulong)Position,
            CustomMetadata = Metadata,
            Data = Data,
            Metadata =
            {
                ["type"] = Type,
                ["content-type"] = ContentType,
                ["created"] = (Created - DateTime.UnixEpoch).Ticks.ToString(CultureInfo.InvariantCulture),
            },
        },
        CommitPosition = (ulong)Position,
    };
}
