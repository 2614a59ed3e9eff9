namespace BankingEngine.Host.Api;

/// <summary>Too many read the journal already.</summary>
public sealed class JournalBusyException() : Exception("Too many read the journal at once.");

/// <summary>Lets few read the journal at once.</summary>
/// <remarks>
/// A journal is read while a thread waits, and the threads are those that answer the bank's customers: were its store
/// away, each reader would keep one of them for as long as <see cref="Application.Journal.JournalTimes.Settle"/>. Who waits
/// for his place keeps none.
/// </remarks>
public sealed class JournalReads
{
    /// <summary>Reads at once: more bring nothing where each is one question to one store.</summary>
    public const int Most = 8;

    /// <summary>How long a place is waited for: many times what a read takes of a store that answers.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    // Never disposed of: it holds nothing of the system, and who waits when the book closes is to leave by himself.
    private SemaphoreSlim Places { get; } = new(Most, Most);

    /// <summary>Places that nobody has.</summary>
    public int Free => Places.CurrentCount;

    /// <summary>Reads something of the journal, unless too many do.</summary>
    /// <exception cref="JournalBusyException">No place came free within <see cref="LongestWait"/>.</exception>
    /// <exception cref="OperationCanceledException">Who waited went away.</exception>
    public Task<T> ReadAsync<T>(Func<T> read, CancellationToken cancelled) => ReadAsync(read, LongestWait, cancelled);

    /// <summary>Reads what follows, for someone whose answer has begun and cannot be refused any more.</summary>
    /// <exception cref="OperationCanceledException">Who waited went away.</exception>
    public Task<T> ReadOnAsync<T>(Func<T> read, CancellationToken cancelled) =>
        ReadAsync(read, Timeout.InfiniteTimeSpan, cancelled);

    private async Task<T> ReadAsync<T>(Func<T> read, TimeSpan longest, CancellationToken cancelled)
    {
        if (!await Places.WaitAsync(longest, cancelled).ConfigureAwait(false)) throw new JournalBusyException();
        try
        {
            return read();
        }
        finally
        {
            Places.Release();
        }
    }
}
