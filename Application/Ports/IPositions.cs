namespace BankingEngine.Application.Ports;

/// <summary>How far somebody who follows the journal has come.</summary>
/// <param name="Name">1 to <see cref="PositionNames.MaxLength"/> of a-z, 0-9 and <c>. _ : -</c>.</param>
/// <param name="Position">The last event that is done with; 0: none.</param>
/// <param name="At">When that was said.</param>
public readonly record struct StoredPosition(string Name, long Position, DateTimeOffset At);

/// <summary>
/// Where followers of a book stand: consumer groups, webhooks. A port with the journal's reach: what is set here is
/// found by the host that takes over.
/// </summary>
/// <remarks>
/// No part of the book: losing it costs repeats, never events. All members may be called by many at once.
/// </remarks>
public interface IPositions
{
    /// <returns>Null where nothing is stored under the name.</returns>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation);

    /// <summary>Stores a position unless one further on is stored; durable when the task completes.</summary>
    /// <returns>What is stored now.</returns>
    /// <exception cref="PositionsUnavailableException">The store did not answer, or holds
    /// <see cref="PositionNames.Most"/> names.</exception>
    Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation);

    /// <summary>Stores a position whatever is stored; durable when the task completes.</summary>
    /// <exception cref="PositionsUnavailableException">As of <see cref="AdvanceAsync"/>.</exception>
    Task ResetAsync(StoredPosition to, CancellationToken cancellation);

    /// <summary>All whose name begins so, by name.</summary>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation);

    /// <returns>Whether anything was stored under the name.</returns>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    Task<bool> RemoveAsync(string name, CancellationToken cancellation);
}

/// <summary>What names of positions may be.</summary>
public static class PositionNames
{
    public const int MaxLength = 100;

    /// <summary>Names of a book.</summary>
    public const int Most = 1_000;

    public static bool IsValid(string name) => name.Length is > 0 and <= MaxLength
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or ':' or '-');
}

/// <summary>The store of positions cannot be asked; followers wait, the book goes on.</summary>
public sealed class PositionsUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
