using System.Globalization;
using BankingEngine.Application.Journal;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>A connection string that was understood, and the sessions made from it.</summary>
internal sealed class PostgresAddress
{
    /// <summary>PostgreSQL 14: the first whose sessions can be ended for idling, which a paused leader has to be.
    /// </summary>
    private const int OldestServer = 140_000;

    /// <summary>Says in a query which standbys a commit waits for; empty: for none.</summary>
    public const string Standbys = "current_setting('synchronous_standby_names')";

    private const int ConnectSeconds = 3;

    private const int BufferBytes = 64 * 1024;

    /// <summary>Transactions of one session that have to meet the same server process.</summary>
    private const int PoolerProbes = 4;

    private readonly NpgsqlConnectionStringBuilder _given;

    private PostgresAddress(NpgsqlConnectionStringBuilder given) => _given = given;

    /// <summary>Most seconds a question may take that opens, elects or looks up.</summary>
    public const int QuestionSeconds = 3;

    /// <exception cref="JournalException">Refused: it has a key that is not known, a value that makes no sense, or
    /// names no host or database.</exception>
    public static PostgresAddress Parse(string connectionString)
    {
        ArgumentNullException.ThrowIfNull(connectionString);
        NpgsqlConnectionStringBuilder given;
        try
        {
            given = PostgresTypos.Read(connectionString);
        }
        catch (FormatException typo)
        {
            throw new JournalException(JournalFault.Refused, typo.Message, typo);
        }
        given.Timeout = BoundedOpening.Seconds(given.Timeout, ConnectSeconds);
        given.CommandTimeout = QuestionSeconds;
        given.Enlist = false;
        AddressDefaults.Complete(given);
        return new(given);
    }

    public string Database => _given.Database!;

    /// <summary>A session of its own with the settings that server, database and role give it.</summary>
    /// <exception cref="JournalException">Refused, or Unknown where nobody answers.</exception>
    public NpgsqlConnection OpenPlain() => Open(Own(""));

    /// <summary>A session of its own that the server ends when it idles, and whose loss both sides notice.</summary>
    public NpgsqlConnection OpenElection()
    {
        var silence = (int)JournalTimes.Silence.TotalMilliseconds;
        var settings = Own(
            $"-c idle_session_timeout={silence} -c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 "
            + $"-c tcp_keepalives_count=2 -c tcp_user_timeout={silence} -c synchronous_commit=on");
        settings.TcpKeepAlive = true;
        settings.TcpKeepAliveTime = settings.TcpKeepAliveInterval = 1;
        // A session that did not answer in time is given up at once: its lock has to go.
        settings.CancellationTimeout = -1;
        settings.CommandTimeout = 1;
        var connection = Open(settings);
        try
        {
            DemandNoPooler(connection);
            if (Setting(connection, "idle_session_timeout") is "0")
                throw Refused("The server does not take idle_session_timeout for the session that elects the leader.");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>What appends and reads use.</summary>
    /// <param name="commit">synchronous_commit of its sessions, whatever role or database are set to later.</param>
    public NpgsqlDataSource Pool(string commit, int most)
    {
        var settings = Own($"-c synchronous_commit={commit}");
        settings.Pooling = true;
        settings.MaxPoolSize = most;
        settings.MinPoolSize = 0;
        settings.NoResetOnClose = true;
        settings.MaxAutoPrepare = 20;
        settings.AutoPrepareMinUsages = 2;
        settings.WriteBufferSize = settings.ReadBufferSize = BufferBytes;
        settings.CancellationTimeout = 300;
        settings.TcpKeepAlive = true;
        return NpgsqlDataSource.Create(settings);
    }

    /// <summary>Demands of a plain session that the server can keep a journal, and keeps what it acknowledges.
    /// </summary>
    /// <returns>The synchronous_commit to be set from now on.</returns>
    /// <exception cref="JournalException">Refused: names what stands against it.</exception>
    public static string DemandFit(NpgsqlConnection connection)
    {
        DemandNoPooler(connection);
        var version = int.Parse(Setting(connection, "server_version_num"), CultureInfo.InvariantCulture);
        if (version < OldestServer)
        {
            throw Refused($"The server is PostgreSQL {connection.ServerVersion}; the journal needs "
                + $"{OldestServer / 10_000} or later.");
        }
        using (var question = new NpgsqlCommand("select pg_is_in_recovery()", connection))
        {
            if (question.ExecuteScalar() is true) throw Refused("The server is a standby, which takes no writes.");
        }
        foreach (var name in (string[])["fsync", "full_page_writes", "synchronous_commit"])
        {
            if (Setting(connection, name) != "off") continue;
            throw Refused($"PostgreSQL runs with {name} = off here: what it acknowledges can be lost. Set it to on.");
        }
        return Setting(connection, "synchronous_commit") == "remote_apply" ? "remote_apply" : "on";
    }

    /// <summary>What an operator should know.</summary>
    public static IReadOnlyList<string> WarningsOf(NpgsqlConnection connection) =>
        WarningsFor(Setting(connection, "synchronous_standby_names"));

    /// <summary>What an operator should know.</summary>
    /// <param name="standbys">The value of <see cref="Standbys"/>.</param>
    public static IReadOnlyList<string> WarningsFor(string standbys) =>
        standbys.Length > 0
            ? []
            : ["No synchronous standby is set (synchronous_standby_names): database fail-over can lose receipts."];

    private NpgsqlConnectionStringBuilder Own(string options) => new(_given.ConnectionString)
    {
        Pooling = false,
        Options = string.Join(' ', ((string?[])[_given.Options, options]).Where(part => !string.IsNullOrEmpty(part))),
    };

    private NpgsqlConnection Open(NpgsqlConnectionStringBuilder settings)
    {
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            connection.OpenBounded();
            return connection;
        }
        catch (Exception fault) when (
            PostgresFaults.IsStore(fault) || fault is InvalidOperationException or ArgumentException)
        {
            connection.Dispose();
            throw PostgresFaults.Opening(fault, _given);
        }
    }

    /// <summary>Behind a pooler a session is not one: its lock could be another's. Poolers show by a process number
    /// that is not the server's, by transactions that meet different processes, or by settings that are
    /// forgotten.</summary>
    private static void DemandNoPooler(NpgsqlConnection connection)
    {
        var mark = Guid.NewGuid().ToString("n");
        using (var set = new NpgsqlCommand("select set_config('bankingengine.session', $1, false)", connection))
        {
            set.Parameters.Add(new() { Value = mark });
            set.ExecuteNonQuery();
        }
        for (var probe = 0; probe < PoolerProbes; probe++)
        {
            using var ask = new NpgsqlCommand(
                "select pg_backend_pid(), current_setting('bankingengine.session', true)", connection);
            using var answer = ask.ExecuteReader();
            answer.Read();
            var isMine = answer.GetInt32(0) == connection.ProcessID;
            if (isMine && !answer.IsDBNull(1) && answer.GetString(1) == mark) continue;
            throw Refused("A connection pooler stands between here and PostgreSQL. The session that elects the leader "
                + "must be one of the server itself: name the server's own address and port.");
        }
    }

    private static string Setting(NpgsqlConnection connection, string name)
    {
        using var question = new NpgsqlCommand("select current_setting($1)", connection);
        question.Parameters.Add(new() { Value = name });
        return (string)question.ExecuteScalar()!;
    }

    private static JournalException Refused(string why) => new(JournalFault.Refused, why);

    /// <summary>Runs questions of opening, and says in the journal's words what went wrong.</summary>
    public T Asking<T>(Func<T> questions)
    {
        try
        {
            return questions();
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            throw PostgresFaults.Opening(fault, _given);
        }
    }
}
