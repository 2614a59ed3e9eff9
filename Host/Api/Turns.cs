using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>
/// Lets the requests that prepare something from an account's state, and then send it, do so one after another. The
/// book would refuse the second of two, and its id would be used up. Requests about other accounts do not wait.
/// </summary>
public sealed class Turns
{
    private readonly Dictionary<AccountId, Line> _lines = [];

    /// <summary>Waits until nobody else has the account's turn.</summary>
    /// <param name="account">Null: there is nothing to wait for.</param>
    /// <returns>Ends the turn when it is disposed of; null where none was taken.</returns>
    /// <exception cref="OperationCanceledException">Who waited went away.</exception>
    public async Task<IDisposable?> TakeAsync(AccountId? account, CancellationToken cancelled)
    {
        if (account is not { } of) return null;
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

    /// <summary>Those who want one account's turn.</summary>
    private sealed class Line(Turns turns, AccountId account)
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        /// <summary>Those who wait, and the one whose turn it is.</summary>
        public int Requests { get; set; }

        public void Leave()
        {
            lock (turns._lines)
            {
                if (--Requests > 0) return;
                turns._lines.Remove(account);
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
