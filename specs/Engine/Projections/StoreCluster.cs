using System.Diagnostics;
using Npgsql;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>A PostgreSQL cluster of a spec's own, on a socket in a temporary folder.</summary>
public sealed class StoreCluster : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bank-rm-").FullName;
    private readonly string _binaries =
        Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Order().Last();
    private readonly bool _asPostgres = Environment.UserName == "root";

    public StoreCluster()
    {
        if (_asPostgres) Shell($"chown postgres {_folder}", asPostgres: false);
        Shell($"{_binaries}/initdb -D {_folder}/db -A trust -U postgres --no-sync");
        Start();
    }

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres";

    public void Start() => Shell(
        $"{_binaries}/pg_ctl -D {_folder}/db -w -s -l {_folder}/log -o '-k {_folder} -c listen_addresses= -c fsync=off' start");

    public void Kill() => Shell($"{_binaries}/pg_ctl -D {_folder}/db -s -m immediate stop");

    public object? Ask(string sql)
    {
        using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    public void Dispose()
    {
        Kill();
        Directory.Delete(_folder, recursive: true);
    }

    private void Shell(string command, bool asPostgres = true)
    {
        var start = _asPostgres && asPostgres
            ? new ProcessStartInfo("su", ["postgres", "-s", "/bin/sh", "-c", $"{command} >/dev/null"])
            : new ProcessStartInfo("/bin/sh", ["-c", $"{command} >/dev/null"]);
        start.WorkingDirectory = "/";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command} fails with {process.ExitCode}.");
    }
}
