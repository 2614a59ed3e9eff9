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

    /// <summary>Becomes the one who reads under a name, or stays it: for <see cref="Holds.Length"/>, on whichever host.
    /// </summary>
    /// <param name="holder">Another for each reader.</param>
    /// <param name="takeover">Whether to end another's hold, who finds out when it asks again.</param>
    /// <returns>False while another holds the name.</returns>
    /// <exception cref="PositionsUnavailableException">The store did not answer: whether it is held is not known.
    /// </exception>
    /// <exception cref="OperationCanceledException">Whether it is held is not known: release it.</exception>
    Task<bool> HoldAsync(string name, Guid holder, bool takeover, CancellationToken cancellation);

    /// <summary>Holds a name no longer; nothing where another does.</summary>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    Task ReleaseAsync(string name, Guid holder, CancellationToken cancellation);

    /// <summary>The names that begin so and are held.</summary>
    /// <exception cref="PositionsUnavailableException">The store did not answer.</exception>
    Task<IReadOnlySet<string>> HeldAsync(string prefix, CancellationToken cancellation);
}

/// <summary>How long a name is held.</summary>
/// <remarks>Holds keep two readers of a group from working side by side; that nothing is lost rests on the positions,
/// which only advance.</remarks>
public static class Holds
{
    /// <summary>After so long without being asked for again a hold is over: its host fell.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    /// <summary>How often a holder asks for it again, and finds out that another took over.</summary>
    public static readonly TimeSpan RenewedEvery = TimeSpan.FromSeconds(3);
}

/// <summary>What names of positions may be.</summary>
public static class PositionNames
{
    public const int MaxLength = 100;

    /// <summary>Names of a book.</summary>
    public const int Most = 1_000;

    public static bool IsValid(string name) => name.Length is > 0 and <= MaxLength
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or ':' or '-');

    /// <exception cref="ArgumentException">It is no name.</exception>
    public static void Demand(string name)
    {
        if (!IsValid(name)) throw new ArgumentException($"No name of a position: {name}", nameof(name));
    }
}

/// <summary>The store of positions cannot be asked; followers wait, the book goes on.</summary>
public sealed class PositionsUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
