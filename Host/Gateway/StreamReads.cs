using System.Diagnostics;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Google.Protobuf.WellKnownTypes;

namespace BankingEngine.Host.Gateway;

/// <summary>What is asked of readers.</summary>
public sealed record ReadLimits
{
    /// <summary>Whoever takes less than 64 KiB in so long, while there is something to take, is sent away.</summary>
    public TimeSpan StalledFor { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A subscription that had caught up has fallen behind when the next event for it is more than so many
    /// positions before the last one: several blocks of the largest.</summary>
    public long BehindEvents { get; init; } = 10_000;

    /// <summary>Or when it was not level with the end for longer than this.</summary>
    public TimeSpan BehindFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A connection that is silent for so long is pinged, and closed when it is silent again as long; a second
    /// at least.</summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Answers Streams/Read in all its combinations.</summary>
/// <remarks>
/// A read begins with the revision or position it is given; a subscription behind it. Reading all backwards begins
/// before the position, so that the last one read is where the next page begins.
/// </remarks>
/// <param name="heartbeat">How often it is asked whether the reader may go on.</param>
/// <param name="limits">Null: the usual ones.</param>
public sealed class StreamReads(IStreamStore store, TimeSpan heartbeat, ReadLimits? limits = null)
{
    private readonly ReadLimits _limits = limits ?? new();

    /// <summary>Bytes written before the reader is waited for.</summary>
    private const int FlushBytes = 64 * 1024;

    /// <summary>Events after which others get their turn, though nothing was to be sent: the threads are those that
    /// answer the bank's customers.</summary>
    private const int EventsAtOnce = 256;

    /// <param name="mayGoOn">Throws <see cref="GrpcException"/> where the reader may not go on.</param>
    public async Task ServeAsync(GrpcCall<ReadReq, ReadResp> call, Action mayGoOn)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(mayGoOn);
        var plan = ReadPlan.Of(await call.RequestAsync().ConfigureAwait(false));
        if (plan.IsSubscription) await FollowAsync(call, plan, mayGoOn).ConfigureAwait(false);
        else if (plan.Stream is { } stream) await ReadStreamAsync(call, plan, stream, mayGoOn).ConfigureAwait(false);
        else await ReadAllAsync(call, plan, mayGoOn).ConfigureAwait(false);
    }

    private async Task ReadStreamAsync(
        GrpcCall<ReadReq, ReadResp> call, ReadPlan plan, string stream, Action mayGoOn)
    {
        await store.LevelAsync().ConfigureAwait(false);
        if (store.Find(stream) is not { } bounds)
        {
            await call.SendAsync(new()
            {
                StreamNotFound = new() { StreamIdentifier = EventStoreNames.StreamOf(stream) },
            }).ConfigureAwait(false);
            return;
        }
        if (plan.TellsBounds) call.Write(new() { FirstStreamPosition = (ulong)bounds.First });
        var from = plan.From switch
        {
            ReadFrom.Start => plan.Forwards ? bounds.First : 0,
            ReadFrom.End => plan.Forwards ? bounds.Last + 1 : bounds.Last,
            _ => plan.Forwards ? Math.Max(plan.Mark, bounds.First) : Math.Min(plan.Mark, bounds.Last),
        };
        if (from >= bounds.First && from <= bounds.Last)
        {
            // What came since is for the next read: this one ends.
            var most = plan.Forwards ? bounds.Last - from + 1 : from - bounds.First + 1;
            using var cursor = store.OpenStream(stream, from, plan.Forwards);
            await SendAsync(call, plan, cursor, Math.Min(most, plan.Limit!.Value), mayGoOn).ConfigureAwait(false);
        }
        if (plan.TellsBounds) call.Write(new() { LastStreamPosition = (ulong)bounds.Last });
        await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
    }

    private async Task ReadAllAsync(GrpcCall<ReadReq, ReadResp> call, ReadPlan plan, Action mayGoOn)
    {
        var end = store.End;
        var from = plan.From switch
        {
            ReadFrom.Start => plan.Forwards ? 0 : -1,
            ReadFrom.End => plan.Forwards ? end + 1 : end,
            _ => plan.Forwards ? plan.Mark : Math.Min(plan.Mark - 1, end),
        };
        if (from >= 0 && from <= end)
        {
            using var cursor = store.OpenAll(from, plan.Forwards);
            await SendAsync(call, plan, cursor, plan.Limit!.Value, mayGoOn, end).ConfigureAwait(false);
        }
        await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
    }

    /// <param name="through">Forwards: the last commit position to be read.</param>
    private async Task SendAsync(
        GrpcCall<ReadReq, ReadResp> call, ReadPlan plan, IStreamCursor cursor, long most, Action mayGoOn,
        long through = long.MaxValue)
    {
        for (var read = 1L; most > 0 && cursor.Next() is { } entry && entry.Position <= through; read++)
        {
            if (read % EventsAtOnce == 0)
            {
                await Task.Yield();
                call.Cancellation.ThrowIfCancellationRequested();
                mayGoOn();
            }
            if (plan.Filter?.Takes(entry) == false) continue;
            most--;
            call.Write(new() { Event = entry.ToWire(plan.ResolveLinks, plan.StructuredIds) });
            if (call.UnflushedBytes < FlushBytes) continue;
            await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
            mayGoOn();
        }
    }

    private async Task FollowAsync(GrpcCall<ReadReq, ReadResp> call, ReadPlan plan, Action mayGoOn)
    {
        using var cursor = Open(plan);
        call.Write(new() { Confirmation = new() { SubscriptionId = Guid.NewGuid().ToString() } });
        await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
        var (considered, last) = (0L, -1L);
        var standing = new Standing(store, _limits);
        for (var read = 1L; ; read++)
        {
            if (cursor.Next() is { } entry)
            {
                if (standing.FallsBehindAt(entry)) call.Write(new() { FellBehind = new() { Timestamp = Now() } });
                last = entry.Position;
                considered++;
                if (plan.Filter?.Takes(entry) != false)
                    call.Write(new() { Event = entry.ToWire(plan.ResolveLinks, plan.StructuredIds) });
                if (plan.Filter is { } filter && considered >= filter.CheckpointInterval)
                {
                    call.Write(CheckpointAt(last));
                    considered = 0;
                }
                if (call.UnflushedBytes < FlushBytes && read % EventsAtOnce != 0) continue;
                await Task.Yield();
            }
            else
            {
                if (standing.CatchesUp())
                {
                    if (plan.Filter is not null && considered > 0) call.Write(CheckpointAt(last));
                    considered = 0;
                    call.Write(new() { CaughtUp = new() { Timestamp = Now() } });
                }
                await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
                var waiting = Stopwatch.GetTimestamp();
                await WaitAsync(cursor, call.Cancellation).ConfigureAwait(false);
                standing.Waited(Stopwatch.GetElapsedTime(waiting));
            }
            await call.FlushAsync(_limits.StalledFor).ConfigureAwait(false);
            mayGoOn();
        }
    }

    private IStreamCursor Open(ReadPlan plan)
    {
        if (plan.Stream is not { } stream)
        {
            return store.OpenAll(plan.From switch
            {
                ReadFrom.Start => 0,
                ReadFrom.End => store.End + 1,
                _ => plan.Mark + 1,
            }, forwards: true);
        }
        var bounds = store.Find(stream);
        return store.OpenStream(stream, plan.From switch
        {
            ReadFrom.Start => bounds?.First ?? 0,
            ReadFrom.End => bounds is null ? 0 : bounds.Value.Last + 1,
            _ => plan.Mark + 1,
        }, forwards: true);
    }

    private async Task WaitAsync(IStreamCursor cursor, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(heartbeat);
        try
        {
            await cursor.WaitAsync(silence.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Silence is not the end: it is time to ask whether the reader may go on.
        }
    }

    private static ReadResp CheckpointAt(long position) => new()
    {
        Checkpoint = new()
        {
            CommitPosition = (ulong)position,
            PreparePosition = (ulong)position,
            Timestamp = Now(),
        },
    };

    private static Timestamp Now() => Timestamp.FromDateTime(DateTime.UtcNow);

    /// <summary>Whether a subscription is level with what it follows.</summary>
    private sealed class Standing(IStreamStore store, ReadLimits limits)
    {
        private bool _hasCaughtUp;
        private long _level;

        /// <returns>Whether it had caught up, and with this event it shows that it is so no longer.</returns>
        public bool FallsBehindAt(IStreamEntry next)
        {
            var missing = store.End - next.Position;
            var fallsBehind = _hasCaughtUp
                && (missing > limits.BehindEvents || Stopwatch.GetElapsedTime(_level) > limits.BehindFor);
            if (fallsBehind) _hasCaughtUp = false;
            if (missing <= 0) _level = Stopwatch.GetTimestamp();
            return fallsBehind;
        }

        /// <returns>Whether that is news.</returns>
        public bool CatchesUp()
        {
            _level = Stopwatch.GetTimestamp();
            var isNews = !_hasCaughtUp;
            _hasCaughtUp = true;
            return isNews;
        }

        /// <summary>While there was nothing to be sent.</summary>
        public void Waited(TimeSpan time) => _level += (long)(time.TotalSeconds * Stopwatch.Frequency);
    }
}
