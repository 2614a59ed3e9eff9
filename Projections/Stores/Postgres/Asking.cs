using System.Data;
using System.Numerics;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Questions to the tables of one model: each sees one state of them, and knows its position.</summary>
internal sealed class Asking(NpgsqlDataSource source, StoreSchema schema, Follower follower)
{
    /// <summary>Quoted.</summary>
    public string Schema => schema.Quoted;

    /// <summary>Asks in one read-only transaction.</summary>
    /// <param name="ask">Given the connection and the position that the rows are true at.</param>
    /// <exception cref="ProjectionStoppedException">An event could not be taken.</exception>
    /// <exception cref="ReadModelUnavailableException">The store does not answer, or its tables are being built.
    /// </exception>
    public async ValueTask<T> AskAsync<T>(Func<NpgsqlConnection, long, Task<T>> ask)
    {
        try
        {
            await using var connection = await source.OpenBoundedAsync().ConfigureAwait(false);
            await using var transaction =
                await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead).ConfigureAwait(false);
            var position = await PositionAsync(connection).ConfigureAwait(false);
            return await ask(connection, position).ConfigureAwait(false);
        }
        catch (Exception away) when (IsOfTheStore(away))
        {
            throw new ReadModelUnavailableException(follower.Model.Name, away);
        }
    }

    /// <summary>Where another host writes: sees how far it is. What fails here is told by the next question.</summary>
    public async Task TryLearnAsync()
    {
        try
        {
            await AskAsync((_, _) => Task.FromResult(0)).ConfigureAwait(false);
        }
        catch (ReadModelUnavailableException) { }
    }

    public async Task<long> PositionAsync(NpgsqlConnection connection)
    {
        await using var command = Command(
            connection, $"""
            select version, position, (extract(epoch from recorded_at) * 1000000)::bigint, fault_position, fault_reason
            from {schema.Quoted}.projections where name = $1
            """, follower.Model.Name);
        await using var row = await command.ExecuteReaderAsync().ConfigureAwait(false);
        if (!await row.ReadAsync().ConfigureAwait(false) || row.GetInt32(0) != follower.Model.Version)
            throw new StoreMismatchException("The tables are being built.");
        var fault = await row.IsDBNullAsync(3).ConfigureAwait(false)
            ? null
            : new ProjectionFault(row.GetInt64(3), row.GetString(4));
        follower.Learn(new(0, 0, row.GetInt64(1), new(row.GetInt64(2)), [], fault));
        if ((follower.Fault ?? fault) is { } stopped)
            throw new ProjectionStoppedException(follower.Model.Name, stopped);
        return row.GetInt64(1);
    }

    /// <summary>What can be wrong with the store; what is wrong with the program is not caught.</summary>
    public static bool IsOfTheStore(Exception fault) => fault is NpgsqlException or StoreMismatchException
        or TimeoutException or System.Net.Sockets.SocketException or IOException;

    /// <summary>Opens a connection for a report, which may take longer than one question.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync() => source.OpenBoundedAsync();

    public Exception Unavailable(Exception away) => new ReadModelUnavailableException(follower.Model.Name, away);

    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        return command;
    }

    /// <summary>A column of minor units as two: those that fit 64 bits are read ten times as fast.</summary>
    public static string Minor(string column) =>
        $"case when abs({column}) < 1e18 then {column}::bigint end, case when abs({column}) >= 1e18 then {column} end";

    /// <summary>Reads what <see cref="Minor(string)"/> selects; zero where there is nothing.</summary>
    public static Int128 Minor(NpgsqlDataReader row, int column) =>
        !row.IsDBNull(column) ? row.GetInt64(column)
        : row.IsDBNull(column + 1) ? 0
        : (Int128)row.GetFieldValue<BigInteger>(column + 1);
}
