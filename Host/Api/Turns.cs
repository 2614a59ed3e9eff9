namespace BankingEngine.Host.Api;

/// <summary>How long turns are waited for.</summary>
public static class TurnTimes
{
    /// <summary>How long a caller waits who is to be answered: were the store of what is done in a turn away, those who
    /// wait would be more and more.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);
}

/// <summary>Whoever has a turn kept it longer than the next one waits.</summary>
public sealed class TurnTakenException() : Exception("Others had their turn for too long.");

/// <summary>
/// Lets those who do something in several steps about one thing, such as prepare it from an account's state and then
/// send it, do so one after another. Who is about another thing does not wait.
/// </summary>
/// <typeparam name="T">What names a thing.</typeparam>
public sealed class Turns<T> where T : struct, IEquatable<T>
{
    private readonly Dictionary<T, Line> _lines = [];

    /// <summary>Waits until nobody else has the thing's turn, however long it takes.</summary>
    /// <inheritdoc cref="TakeAsync(T?, TimeSpan, CancellationToken)"/>
    public Task<IDisposable?> TakeAsync(T? thing, CancellationToken cancelled) =>
        TakeAsync(thing, Timeout.InfiniteTimeSpan, cancelled);

    /// <summary>Waits until nobody else has the thing's turn.</summary>
    /// <param name="thing">Null: there is nothing to wait for.</param>
    /// <returns>Ends the turn when it is disposed of; null where none was taken.</returns>
    /// <exception cref="OperationCanceledException">Who waited went away.</exception>
    /// <exception cref="TurnTakenException">It took longer than <paramref name="longest"/>.</exception>
    public async Task<IDisposable?> TakeAsync(T? thing, TimeSpan longest, CancellationToken cancelled)
    {
        if (thing is not { } of) return null;
        Line? line;
        lock (_lines)
        {
            if (!_lines.TryGetValue(of, out line)) _lines.Add(of, line = new(this, of));
            line.Requests++;
        }
        try
        {
            if (!await line.Free.WaitAsync(longest, cancelled).ConfigureAwait(false)) throw new TurnTakenException();
            return new Turn(line);
        }
        catch
        {
            line.Leave();
            throw;
        }
    }

    /// <summary>Those who want one thing's turn.</summary>
    private sealed class Line(Turns<T> turns, T thing)
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        /// <summary>Those who wait, and the one whose turn it is.</summary>
        public int Requests { get; set; }

        public void Leave()
        {
            lock (turns._lines)
            {
                if (--Requests > 0) return;
                turns._lines.Remove(thing);
            }
            Free.Dispose();
        }
    }

    private sealed class Turn(Line line) : IDisposable
    {
        public void Dispose()
        {
            line.Free.Release();
            line.Leave();
        }
    }
}
