namespace BankingEngine.Host.Api;

/// <summary>
/// Lets those who do something in several steps about one thing, such as prepare it from an account's state and then
/// send it, do so one after another. Who is about another thing does not wait.
/// </summary>
/// <typeparam name="T">What names a thing.</typeparam>
public sealed class Turns<T> where T : struct, IEquatable<T>
{
    private readonly Dictionary<T, Line> _lines = [];

    /// <summary>Waits until nobody else has the thing's turn.</summary>
    /// <param name="thing">Null: there is nothing to wait for.</param>
    /// <returns>Ends the turn when it is disposed of; null where none was taken.</returns>
    /// <exception cref="OperationCanceledException">Who waited went away.</exception>
    public async Task<IDisposable?> TakeAsync(T? thing, CancellationToken cancelled)
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
            await line.Free.WaitAsync(cancelled).ConfigureAwait(false);
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
