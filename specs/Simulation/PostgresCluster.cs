using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace BankingEngine.Specs.Simulation;

/// <summary>
/// A PostgreSQL cluster of its own from Debian's binaries, in a temporary folder, on a port of its own; as root it runs
/// under the postgres user. It ends, and its folder goes, when this is disposed of or the process ends in whatever way.
/// </summary>
public sealed class PostgresCluster : IDisposable
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(60);

    private readonly string _binaries, _options;
    private readonly Process _keeper;
    private readonly bool _hasSmallDisk;
    private int _databases;
    private bool _disposed;

    /// <param name="making">Shell line that makes the data folder it is given.</param>
    /// <param name="smallDisk">Size of a disk in memory at <see cref="SmallDisk"/>; null: there is none.</param>
    private PostgresCluster(
        string binaries, string settings, Func<string, string> making, string? smallDisk = null)
    {
        (_binaries, _hasSmallDisk) = (binaries, smallDisk is not null);
        Folder = Directory.CreateTempSubdirectory("bank-pg-").FullName;
        Port = FreePort();
        if (IsRoot) Run(new("chown", ["postgres", Folder]));
        var data = Path.Combine(Folder, "db");
        _options = $"-k {Folder} -p {Port} -c listen_addresses=127.0.0.1 -c max_connections=100 {settings}";
        // The keeper's standard input ends with this process, and with it the cluster.
        var keeping =
            $"{making(data)} >{Folder}/initdb.log 2>&1 "
            + $"&& {binaries}/pg_ctl -D {data} -w -l {Folder}/log -o '{_options}' start >/dev/null && echo ready; "
            + $"cat >/dev/null; {binaries}/pg_ctl -D {data} -m immediate stop >/dev/null 2>&1; rm -rf {Folder} 2>/dev/null";
        _keeper = Shell(smallDisk is null ? Started(keeping) : WithDisk(SmallDisk, smallDisk, keeping));
        var ready = _keeper.StandardOutput.ReadLineAsync();
        if (!ready.Wait(Start) || ready.Result != "ready")
        {
            var log = Path.Combine(Folder, "log");
            throw new InvalidOperationException(
                $"PostgreSQL did not start: {(File.Exists(log) ? File.ReadAllText(log) : "initdb failed")}");
        }
    }

    /// <summary>A physical standby of another cluster, which may be promoted.</summary>
    /// <param name="name">By which the primary's synchronous_standby_names knows it.</param>
    public static PostgresCluster StandbyOf(PostgresCluster primary, string name)
    {
        ArgumentNullException.ThrowIfNull(primary);
        return new(
            primary._binaries, "-c shared_buffers=64MB -c wal_retrieve_retry_interval=200ms",
            data => $"{primary._binaries}/pg_basebackup -D {data} -R -X stream -c fast --no-sync "
                + $"-d 'host={primary.Folder} port={primary.Port} user=postgres application_name={name}'");
    }

    public string Folder { get; }

    public int Port { get; }

    /// <summary>Folder of the newest server's binaries; null where there is none.</summary>
    public static string? Binaries { get; } = FindBinaries();

    /// <param name="settings">More of the server's options, each <c>-c name=value</c>.</param>
    /// <exception cref="InvalidOperationException">There are no binaries, or it did not start.</exception>
    public static PostgresCluster New(string settings = "-c shared_buffers=64MB -c max_wal_size=1GB") =>
        new(
            Binaries ?? throw new InvalidOperationException("There is no PostgreSQL server on this machine."), settings,
            data => $"{Binaries}/initdb -D {data} -A trust -U postgres --no-sync");

    /// <summary>A cluster that has a small disk of its own at <see cref="SmallDisk"/>, for a tablespace.</summary>
    /// <param name="size">As mount has it, <c>24m</c>.</param>
    public static PostgresCluster WithSmallDisk(string size) => new(
        Binaries ?? throw new InvalidOperationException("There is no PostgreSQL server on this machine."),
        "-c shared_buffers=64MB -c autovacuum=off", data => $"{Binaries}/initdb -D {data} -A trust -U postgres --no-sync",
        size);

    /// <summary>A cluster whose write-ahead log alone lies on <see cref="SmallDisk"/>, in segments of 1 MiB of which
    /// none is used again while the server keeps running.</summary>
    /// <param name="size">As mount has it, <c>24m</c>.</param>
    public static PostgresCluster WithSmallLogDisk(string size) => new(
        Binaries ?? throw new InvalidOperationException("There is no PostgreSQL server on this machine."),
        "-c shared_buffers=64MB -c autovacuum=off -c max_wal_size=1GB",
        data => $"{Binaries}/initdb -D {data} -X {Path.GetDirectoryName(data)}/small/log --wal-segsize=1 -A trust "
            + "-U postgres --no-sync",
        size);

    /// <summary>Where the small disk of this cluster is; the server alone sees it.</summary>
    public string SmallDisk => Path.Combine(Folder, "small");

    /// <summary>Takes all the room there is on <see cref="SmallDisk"/>.</summary>
    public void FillSmallDisk() =>
        Run(BesideServer(new("/bin/sh", ["-c", $"cat /dev/zero >{SmallDisk}/ballast 2>/dev/null; true"])));

    /// <summary>Gives back what <see cref="FillSmallDisk"/> took.</summary>
    public void ClearSmallDisk() => Run(BesideServer(new("rm", [Path.Combine(SmallDisk, "ballast")])));

    /// <summary>Whether the server has not ended.</summary>
    public bool IsRunning => File.Exists(Path.Combine(Folder, "db", "postmaster.pid"));

    /// <summary>Whether this machine lets a small disk be made: as root, where mounting is allowed.</summary>
    public static bool MayMount { get; } = Binaries is not null && IsRoot && CanMount();

    private static bool CanMount()
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "unshare -m mount -t tmpfs bank-spec /mnt 2>/dev/null"]);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>How to reach a database as the user postgres, over the loopback.</summary>
    public string Address(string database) =>
        $"Host=127.0.0.1;Port={Port};Username=postgres;Database={database};SSL Mode=Disable";

    /// <summary>Makes a database.</summary>
    /// <returns>Its address.</returns>
    public string NewDatabase()
    {
        var name = $"db{Interlocked.Increment(ref _databases)}";
        Sql("postgres", $"create database {name} template template0");
        return Address(name);
    }

    /// <summary>Runs statements as the user postgres.</summary>
    /// <returns>What psql printed, unaligned, without headings.</returns>
    public string Sql(string database, string text) => Run(Started(
        $"{_binaries}/psql -X -q -A -t -v ON_ERROR_STOP=1 -h {Folder} -p {Port} -U postgres -d {database} -f -"), text)
        .Trim();

    /// <summary>Has the server ask a role for its password.</summary>
    public void DemandPassword(string role) => Admit($"host all {role} 127.0.0.1/32 scram-sha-256");

    /// <summary>Changes settings of the running server.</summary>
    /// <param name="settings">Each <c>name = value</c>.</param>
    public void Set(params string[] settings)
    {
        foreach (var setting in settings) Sql("postgres", $"alter system set {setting}");
        Sql("postgres", "select pg_reload_conf()");
    }

    /// <summary>Puts a line before all others of pg_hba.conf.</summary>
    public void Admit(string rule)
    {
        var rules = Path.Combine(Folder, "db", "pg_hba.conf");
        File.WriteAllText(rules, $"{rule}\n{File.ReadAllText(rules)}");
        Sql("postgres", "select pg_reload_conf()");
    }

    /// <summary>Keeps a secret of the server in its folder.</summary>
    /// <returns>Its path.</returns>
    public string Keep(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        Run(new("chmod", ["600", path]));
        if (IsRoot) Run(new("chown", ["postgres", path]));
        return path;
    }

    /// <summary>Makes a standby the primary.</summary>
    public void Promote() => Run(Started($"{_binaries}/pg_ctl -D {Folder}/db -w promote >/dev/null"));

    /// <summary>SIGKILL for every process of the server: nothing is written, nobody is told.</summary>
    public void Kill()
    {
        var server = File.ReadLines(Path.Combine(Folder, "db", "postmaster.pid")).First();
        Run(new("/bin/sh", ["-c", $"kill -STOP {server} && kill -9 $(pgrep -P {server}) {server}"]));
    }

    /// <summary>Ends the server at once, as a crash does, and starts it again, which recovers it.</summary>
    public void Restart() => Run(Started(
        $"{_binaries}/pg_ctl -D {Folder}/db -w -m immediate -l {Folder}/log restart >/dev/null"));

    /// <summary>Ends the server until <see cref="StartAgain"/>.</summary>
    /// <param name="mode">Of pg_ctl: <c>immediate</c>, as a crash does, or <c>fast</c>.</param>
    public void Stop(string mode) => Run(Started($"{_binaries}/pg_ctl -D {Folder}/db -w -m {mode} stop >/dev/null"));

    /// <summary>Starts the server that <see cref="Stop"/> ended.</summary>
    public void StartAgain() =>
        Run(BesideServer(
            Started($"{_binaries}/pg_ctl -D {Folder}/db -w -l {Folder}/log -o '{_options}' start >/dev/null")));

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _keeper.StandardInput.Close();
        _keeper.WaitForExit();
        _keeper.Dispose();
        // The disk was mounted there until the keeper ended.
        if (_hasSmallDisk) Directory.Delete(Folder, recursive: true);
    }

    private static bool IsRoot => Environment.UserName == "root";

    private static string? FindBinaries()
    {
        const string debian = "/usr/lib/postgresql";
        var installed = Directory.Exists(debian)
            ? Directory.GetDirectories(debian)
                .OrderByDescending(path => int.TryParse(Path.GetFileName(path), out var version) ? version : 0)
                .Select(path => Path.Combine(path, "bin"))
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return installed.Concat(path).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static ProcessStartInfo Started(string command)
    {
        var start = IsRoot
            ? new ProcessStartInfo("su", ["postgres", "-s", "/bin/sh", "-c", command])
            : new ProcessStartInfo("/bin/sh", ["-c", command]);
        start.WorkingDirectory = "/";
        return start;
    }

    /// <summary>Sees the small disk too, where there is one.</summary>
    private ProcessStartInfo BesideServer(ProcessStartInfo start) => _hasSmallDisk
        ? new("nsenter", ["-t", $"{_keeper.Id}", "-m", start.FileName, .. start.ArgumentList])
        {
            WorkingDirectory = "/",
        }
        : start;

    /// <summary>As root, with a disk in memory that this process and its children alone see, and that goes with
    /// them.</summary>
    private static ProcessStartInfo WithDisk(string at, string size, string command) => new(
        "unshare",
        [
            "-m", "/bin/sh", "-c",
            "mkdir \"$0\" && mount -t tmpfs -o size=\"$1\" bank-spec \"$0\" && chown postgres \"$0\" && "
                + "exec su postgres -s /bin/sh -c \"$2\"",
            at, size, command,
        ]);

    private static Process Shell(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        return Process.Start(start)!;
    }

    private static string Run(ProcessStartInfo start, string input = "")
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var complained = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? said
            : throw new InvalidOperationException($"{string.Join(' ', start.ArgumentList)}: {complained.Result}");
    }
}
