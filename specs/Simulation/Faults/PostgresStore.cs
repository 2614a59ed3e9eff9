using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace BankingEngine.Specs.Simulation;

/// <summary>A private PostgreSQL cluster, which can lose connections and be killed under its hosts.</summary>
internal sealed class PostgresStore : StoreUnderTest
{
    /// <summary>How a database ends; see the manual of pg_ctl.</summary>
    private const string Fast = "fast", Immediate = "immediate";

    private const string Settings = "-c listen_addresses=127.0.0.1 -c shared_buffers=64MB -c max_connections=60";

    private static readonly string Binaries = Directory.GetDirectories("/usr/lib/postgresql")
        .Select(release => Path.Combine(release, "bin")).Order(StringComparer.Ordinal).Last();

    private readonly string _data;
    private readonly int _port;
    private int _books;

    public PostgresStore()
    {
        // Not below the store's own folder, which the server's user could not reach.
        _data = Directory.CreateTempSubdirectory("bank-faults-pg-").FullName;
        if (IsRoot) Shell("chown", "postgres", _data);
        _port = FreePort();
        Server($"{Binaries}/initdb -D {_data}/db -A trust -U bank --no-sync");
        Start();
    }

    public override string Name => "postgres";

    public override int MostHosts => 2;

    public override IReadOnlyList<StoreFault> Faults =>
    [
        new("the lock's session ended", (leader, _) => TerminateAsync(leader, "locks.pid is not null")),
        new("the append's session ended", (leader, _) => TerminateAsync(leader, "locks.pid is null")),
        new("all sessions of the leader ended", (leader, _) => TerminateAsync(leader, "true")),
        new("all sessions ended", (_, _) => TerminateAsync(null, "true")),
        new("the database restarted at once", (_, random) => RestartAsync(Immediate, random)),
        new("the database restarted in order", (_, random) => RestartAsync(Fast, random)),
    ];

    private static bool IsRoot => Environment.UserName == "root";

    public override StoreBook NewBook()
    {
        var database = $"book{++_books}";
        using (var admin = Open("postgres"))
        using (var create = new NpgsqlCommand($"create database {database}", admin)) create.ExecuteNonQuery();
        FaultyWire[] wires =
            [.. Enumerable.Range(0, MostHosts + 1).Select(_ => new FaultyWire(new IPEndPoint(IPAddress.Loopback, _port)))];
        return new SharedStoreBook(this, wires, host => string.Create(CultureInfo.InvariantCulture,
            $"postgres:Host=127.0.0.1;Port={(host is { } by ? wires[by].Port : _port)};Username=bank;Database={database};"
            + $"Application Name={(host is { } name ? HostName(name) : "auditor")};SSL Mode=Disable"));
    }

    protected override void Close()
    {
        Server($"{Binaries}/pg_ctl -D {_data}/db -m {Immediate} -w stop");
        Directory.Delete(_data, recursive: true);
    }

    private static string HostName(int host) => string.Create(CultureInfo.InvariantCulture, $"host-{host}");

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private NpgsqlConnection Open(string database)
    {
        var connection = new NpgsqlConnection(string.Create(CultureInfo.InvariantCulture,
            $"Host=127.0.0.1;Port={_port};Username=bank;Database={database};Pooling=false;SSL Mode=Disable"));
        connection.Open();
        return connection;
    }

    /// <param name="host">Whose; null: everybody's.</param>
    /// <param name="which">Of sessions that hold the lock or not.</param>
    private Task TerminateAsync(int? host, string which)
    {
        using var admin = Open("postgres");
        using var terminate = new NpgsqlCommand($"""
            select pg_terminate_backend(activity.pid)
            from pg_stat_activity activity
            left join pg_locks locks on locks.pid = activity.pid and locks.locktype = 'advisory' and locks.granted
            where activity.application_name like $1 and {which}
            """, admin);
        terminate.Parameters.Add(new() { Value = host is { } one ? HostName(one) : "host-%" });
        terminate.ExecuteNonQuery();
        return Task.CompletedTask;
    }

    private async Task RestartAsync(string mode, Random random)
    {
        Server($"{Binaries}/pg_ctl -D {_data}/db -m {mode} -w stop");
        await Task.Delay(random.Next(0, 1_500)).ConfigureAwait(false);
        Start();
    }

    private void Start() => Server(string.Create(CultureInfo.InvariantCulture,
        $"{Binaries}/pg_ctl -D {_data}/db -w -l {_data}/log -o '-p {_port} -k {_data} {Settings}' start"));

    private static void Server(string command)
    {
        if (IsRoot) Shell("su", "postgres", "-s", "/bin/sh", "-c", command);
        else Shell("/bin/sh", "-c", command);
    }

    private static void Shell(string program, params string[] arguments)
    {
        // A server that is started keeps what it inherits: its output must not be waited for.
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        })!;
        var complained = new System.Text.StringBuilder();
        process.ErrorDataReceived += (_, line) => { lock (complained) complained.AppendLine(line.Data); };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        while (!process.HasExited) Thread.Sleep(5);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ends with {process.ExitCode}: {complained}");
    }
}
