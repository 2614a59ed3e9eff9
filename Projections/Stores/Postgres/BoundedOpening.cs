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

    /// <summary>Opens a connection of a pool, or a new one.</summary>
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
        var seconds = connection.ConnectionTimeout;
        if (seconds > 0) bound.CancelAfter(TimeSpan.FromSeconds(seconds) + Grace);
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
