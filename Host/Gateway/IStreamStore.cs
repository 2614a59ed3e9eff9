using BankingEngine.Host.Grpc.EventStore;

namespace BankingEngine.Host.Gateway;

/// <summary>Streams of events as the EventStoreDB protocol knows them, for its reading side.</summary>
public interface IStreamStore
{
    /// <summary>Commit position of the last event there is; −1 where there is none.</summary>
    long End { get; }

    /// <summary>Completes when all streams have the events that are durable now.</summary>
    /// <exception cref="Grpc.GrpcException">They do not get there in time.</exception>
    Task LevelAsync() => Task.CompletedTask;

    /// <summary>The revisions that a stream has now.</summary>
    /// <returns>Null where there is no such stream, or nothing is left of it.</returns>
    /// <exception cref="Grpc.GrpcException">The stream was deleted for good.</exception>
    StreamBounds? Find(string stream);

    /// <summary>Reads a stream from a revision on, that one included.</summary>
    /// <param name="revision">
    /// Forwards: any from 0 on; there may be none yet. Backwards: at most the stream's last.
    /// </param>
    IStreamCursor OpenStream(string stream, long revision, bool forwards);

    /// <summary>Reads all events from a commit position on, that one included.</summary>
    IStreamCursor OpenAll(long position, bool forwards);
}

/// <summary>Revisions of a stream.</summary>
/// <param name="First">Of the first event that is still there; 0 where nothing was cut off.</param>
/// <param name="Last">Of the last event.</param>
public readonly record struct StreamBounds(long First, long Last);

/// <summary>Walks events in order. Not for use by two threads at once.</summary>
public interface IStreamCursor : IDisposable
{
    /// <summary>The next event, or null where there is no further one now; forwards, ask again later.</summary>
    /// <remarks>What is returned is valid until the next call.</remarks>
    IStreamEntry? Next();

    /// <summary>Completes when there may be a further one.</summary>
    Task WaitAsync(CancellationToken cancellation);
}

/// <summary>One event where a reader meets it.</summary>
public interface IStreamEntry
{
    /// <summary>Commit position.</summary>
    long Position { get; }

    /// <summary>Revision in the stream that is read.</summary>
    long Revision { get; }

    /// <summary>Stream that the event itself stands in.</summary>
    string Stream { get; }

    /// <summary>Type of the event itself.</summary>
    string Type { get; }

    /// <param name="resolveLinks">Whether the reader wants what a link points to, beside the link.</param>
    /// <param name="structuredIds">Identifiers as two numbers; else as text.</param>
    ReadResp.Types.ReadEvent ToWire(bool resolveLinks, bool structuredIds);
}
