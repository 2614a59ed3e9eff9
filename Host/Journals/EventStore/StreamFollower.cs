using System.Diagnostics;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>
/// A catch-up subscription to a book's stream that keeps the newest blocks ready, so that a look for news asks nobody.
/// A broken one is begun again, after a pause that grows and is never the same for two followers.
/// </summary>
/// <remarks>One thread takes; the subscription runs beside it. Blocks are handed over as they came, not verified.</remarks>
internal sealed class StreamFollower(EventStoreCluster cluster, BookStream stream) : IDisposable
{
    /// <summary>Bytes that wait to be taken; beyond them the subscription stops reading, and the server sending.</summary>
    private const int MostBytes = 8 * 1024 * 1024;

    /// <summary>A subscription older than this is begun again.</summary>
    private static readonly TimeSpan LongestCall = TimeSpan.FromDays(7);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>A block that waits: where its last event stands, its lines and seal.</summary>
    private readonly record struct Waiting(long Last, byte[] Stored, int Seal);

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private CancellationTokenSource? _ending;
    private Task? _running;
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (long Position, byte[] Seal) _before;
    private JournalException? _fault;
    private TimeSpan _pause = FirstPause;
    private long _brokenAt;
    private int _bytes;

    /// <summary>Takes what came behind a block.</summary>
    /// <param name="position">Of the last event known.</param>
    /// <param name="to">Receives the seal line of the block that ends there, and whole blocks behind it.</param>
    /// <returns>False where the subscription does not stand at that block: it is to be asked for, and
    /// <see cref="Begin"/> to be called.</returns>
    /// <exception cref="JournalException">What came is not this book's.</exception>
    public bool TryTake(long position, int most, StoredBlocks to)
    {
        lock (_gate)
        {
            while (_waiting.TryPeek(out var known) && known.Last <= position) Dequeue();
            if (_before.Position != position)
            {
                if (_fault is { } fault && _waiting.Count == 0 && fault.Kind != JournalFault.Unknown) throw fault;
                return false;
            }
            to.Add(_before.Seal);
            to.EndBefore();
            for (var count = 0; count < most && _waiting.Count > 0; count++)
            {
                var block = Dequeue();
                to.Add(block.Stored);
                to.EndBlock(block.Seal);
            }
            if (to.Count == 0 && _fault is { } broken)
            {
                if (broken.Kind != JournalFault.Unknown) throw broken;
                return false;
            }
            return true;
        }
    }

    /// <summary>Subscribes, if no subscription runs and none broke a moment ago.</summary>
    /// <param name="position">Of the last event known.</param>
    public void Begin(long position)
    {
        lock (_gate)
        {
            if (_running is { IsCompleted: false }) return;
            if (_fault is not null && Stopwatch.GetElapsedTime(_brokenAt) < _pause) return;
            Forget();
            _ending?.Dispose();
            _ending = new();
            var token = _ending.Token;
            _running = Task.Run(() => FollowAsync(position, token), CancellationToken.None);
        }
    }

    /// <summary>Ends the subscription: this host appends itself.</summary>
    public void End()
    {
        Task? running;
        lock (_gate)
        {
            running = _running;
            _running = null;
            _ending?.Cancel();
            Forget();
        }
        running?.GetAwaiter().GetResult();
        lock (_gate) Forget();
    }

    public void Dispose()
    {
        End();
        _ending?.Dispose();
    }

    private void Forget()
    {
        _waiting.Clear();
        (_before, _fault, _bytes) = ((-1, []), null, 0);
        _taken.TrySetResult();
    }

    private Waiting Dequeue()
    {
        var block = _waiting.Dequeue();
        _before = (block.Last, block.Stored[^block.Seal..]);
        _bytes -= block.Stored.Length;
        _taken.TrySetResult();
        return block;
    }

    private async Task FollowAsync(long position, CancellationToken ending)
    {
        try
        {
            await cluster.CallAsync(
                history: true, LongestCall, async (channel, _) =>
                {
                    await SubscribeAsync(channel, position, ending).ConfigureAwait(false);
                    return true;
                },
                ending).ConfigureAwait(false);
        }
        catch (JournalException foreign)
        {
            Break(foreign);
        }
        catch (GrpcException broken)
        {
            Break(EventStoreStreams.Translate(broken, cluster, stream.Name));
        }
    }

    /// <summary>From one event before, so that the seal of the last block known comes first.</summary>
    private async Task SubscribeAsync(GrpcChannel channel, long position, CancellationToken ending)
    {
        var call = channel.Open(EventStoreMethods.Read, deadline: null, ending);
        await using var closed = call.ConfigureAwait(false);
        await call.RequestAsync(EventStoreStreams.Subscription(stream.Name, position - 2)).ConfigureAwait(false);
        using var block = new StoredBlocks();
        var next = Math.Max(position - 1, 0);
        if (position == 0)
            lock (_gate) if (!ending.IsCancellationRequested) _before = (0, []);
        while (await call.ReadAsync().ConfigureAwait(false) is { } response)
        {
            if (response.ContentCase != ReadResp.ContentOneofCase.Event) continue;
            var recorded = response.Event.Event;
            if ((long)recorded.StreamRevision != next) throw Gap(recorded.StreamRevision, next);
            next++;
            // Of the block known only the seal is wanted.
            if (next > position)
            {
                block.Add(recorded.Data.Span);
                block.Add("\n"u8);
            }
            var seal = stream.AddSeal(recorded, block);
            if (seal == 0) continue;
            await KeepAsync(next, position, block, seal, ending).ConfigureAwait(false);
            block.Clear();
        }
        throw new GrpcException(GrpcCode.Unavailable, "The node ended the subscription.");
    }

    private async ValueTask KeepAsync(long last, long position, StoredBlocks block, int seal, CancellationToken ending)
    {
        block.EndBefore();
        var stored = block.Before.ToArray();
        while (true)
        {
            Task taken;
            lock (_gate)
            {
                if (ending.IsCancellationRequested) return;
                _pause = FirstPause;
                if (last <= position)
                {
                    _before = (last, stored);
                    return;
                }
                if (_bytes < MostBytes)
                {
                    _waiting.Enqueue(new(last, stored, seal));
                    _bytes += stored.Length;
                    return;
                }
                if (_taken.Task.IsCompleted) _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
                taken = _taken.Task;
            }
            await taken.ConfigureAwait(false);
        }
    }

    private void Break(JournalException fault)
    {
        lock (_gate)
        {
            _fault = fault;
            _brokenAt = Stopwatch.GetTimestamp();
            var longer = TimeSpan.FromTicks(Math.Min(2 * _pause.Ticks, LongestPause.Ticks));
            _pause = longer * (0.5 + Random.Shared.NextDouble() / 2);
        }
    }

    private JournalException Gap(ulong found, long expected) => new(BookStream.Damage(
        stream.Name, expected, $"the event is missing; the next one stands at position {found + 1}"));
}
