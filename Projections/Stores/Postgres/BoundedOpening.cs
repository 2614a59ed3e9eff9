using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Opens connections in a time that has an end, for journals and read models alike.</summary>
/// <remarks>
/// The driver's own bound (its Timeout) has a hole: where the first of its tries ends less than a millisecond before the
/// time is up, the second waits for a silent server without end (Npgsql 10.0.0, synchronous, with its default
/// GssEncryptionMode). Its asynchronous way has none, and a token ends whatever else may wait.
/// </remarks>
public static class BoundedOpening
{
    /// <summary>Left to the driver, which says more of what went wrong, to keep its own bound.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    /// <summary>The time given for a connection, or the most there is: the driver takes 0 for no bound at all.</summary>
    /// <param name="given">Seconds, as the address says.</param>
    public static int Seconds(int given, int most) => given == 0 ? most : Math.Min(given, most);

    /// <summary>Opens a connection of a pool, or a new one.</summary>
    /// <remarks>Its Timeout has to be one of <see cref="Seconds"/>.</remarks>
    /// <exception cref="NpgsqlException">No server answered in time, or it refused.</exception>
    public static NpgsqlConnection OpenBounded(this NpgsqlDataSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var connection = source.CreateConnection();
        try
        {
            connection.OpenBounded();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="OpenBounded(NpgsqlDataSource)"/>
    public static async ValueTask<NpgsqlConnection> OpenBoundedAsync(
        this NpgsqlDataSource source, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var connection = source.CreateConnection();
        try
        {
            await OpenAsync(connection, cancellation).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc cref="OpenBounded(NpgsqlDataSource)"/>
    public static void OpenBounded(this NpgsqlConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        OpenAsync(connection, CancellationToken.None).GetAwaiter().GetResult();
    }

    private static async Task OpenAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(TimeSpan.FromSeconds(connection.ConnectionTimeout) + Grace);
        try
        {
            await connection.OpenAsync(bound.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException late) when (!cancellation.IsCancellationRequested)
        {
            throw new NpgsqlException(
                "The connection was not made in time.", new TimeoutException("The server did not answer.", late));
        }
    }
}
