using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// A connection that writes, outside any pool. Every statement has a bound, and the server ends the session of a host
/// that stopped without saying so, so that another takes over.
/// </summary>
internal sealed class WriterSession : IDisposable
{
    /// <summary>The first version with <c>idle_session_timeout</c>.</summary>
    private static readonly Version OldestServer = new(14, 0);

    // The server ends a statement earlier; these are for a server that stands still.
    private const int ConnectSeconds = 5, CommandSeconds = 40, RebuildSeconds = 2 * 3600 + 60;

    /// <summary>
    /// A batch is written in far less. Rows and position are one transaction, so a crash of the server may take the
    /// last batches, whole: they are read from the journal again, and a flush for each would gain nothing. What joins
    /// here joins a few changed rows by key.
    /// </summary>
    private const string ForBatches =
        """
        set statement_timeout = '30s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s';
        set idle_session_timeout = '10s'; set synchronous_commit = off; set client_min_messages = warning;
        set enable_hashjoin = off; set enable_mergejoin = off; set timezone = 'UTC'; set datestyle = 'ISO'
        """;

    /// <summary>One transaction makes all, the indexes with it; nothing waits for it until the end.</summary>
    private const string ForRebuild =
        """
        set statement_timeout = '2h'; set lock_timeout = '30s'; set idle_in_transaction_session_timeout = '10min';
        set synchronous_commit = off; set client_min_messages = warning; set maintenance_work_mem = '256MB';
        set enable_hashjoin = off; set enable_mergejoin = off; set timezone = 'UTC'; set datestyle = 'ISO'
        """;

    private WriterSession(NpgsqlConnection connection) => Connection = connection;

    public NpgsqlConnection Connection { get; }

    /// <exception cref="StoreMismatchException">The server is too old.</exception>
    public static WriterSession Open(string connectionString, string name, bool isRebuild = false)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = false,
            Timeout = ConnectSeconds,
            CommandTimeout = isRebuild ? RebuildSeconds : CommandSeconds,
            ApplicationName = name,
            TcpKeepAlive = true,
            Multiplexing = false,
            Enlist = false,
            // What hangs on a table and stops its rebuild is named there.
            IncludeErrorDetail = isRebuild,
        };
        var session = new WriterSession(new(settings.ConnectionString));
        try
        {
            session.Connection.OpenBounded();
            if (session.Connection.PostgreSqlVersion < OldestServer)
                throw new StoreMismatchException($"Read models need PostgreSQL {OldestServer.Major} or later.");
            using var command = new NpgsqlCommand(isRebuild ? ForRebuild : ForBatches, session.Connection);
            command.ExecuteNonQuery();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Takes a lock that lives as long as the session.</summary>
    /// <returns>False where another session has it.</returns>
    public bool TryLock(string name)
    {
        using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 0))", Connection);
        command.Parameters.Add(new() { Value = name });
        return command.ExecuteScalar() is true;
    }

    public void Dispose() => Connection.Dispose();
}
