using System.Globalization;
using System.Net;
using BankingEngine.Host.Journals;
using Npgsql;

namespace BankingEngine.Specs.Simulation;

/// <summary>A private PostgreSQL cluster, which can lose connections and be killed under its hosts.</summary>
internal sealed class PostgresStore : StoreUnderTest
{
    private readonly PostgresCluster _cluster = PostgresCluster.New();

    public override string Name => "postgres";

    public override int MostHosts => 2;

    public override IReadOnlyList<StoreFault> Faults =>
    [
        new("the lock's session ended", (leader, _) => TerminateAsync(leader, "locks.pid is not null"), IsBrief: true),
        new("the append's session ended", (leader, _) => TerminateAsync(leader, "locks.pid is null"), IsBrief: true),
        new("all sessions of the leader ended", (leader, _) => TerminateAsync(leader, "true"), IsBrief: true),
        new("all sessions ended", (_, _) => TerminateAsync(null, "true"), IsBrief: true),
        new("the database restarted at once", (_, random) => RestartAsync("immediate", random)),
        new("the database restarted in order", (_, random) => RestartAsync("fast", random)),
    ];

    public override StoreBook NewBook()
    {
        var address = _cluster.NewDatabase();
        FaultyWire[] wires = [.. Enumerable.Range(0, MostHosts + 1)
            .Select(_ => new FaultyWire(new IPEndPoint(IPAddress.Loopback, _cluster.Port)))];
        return new SharedStoreBook(this, wires, host => "postgres:" + new NpgsqlConnectionStringBuilder(address)
        {
            Port = host is { } by ? wires[by].Port : _cluster.Port,
            ApplicationName = host is { } name ? HostName(name) : "auditor",
        }, BookPlace.DefaultBook, keepsKeys: true);
    }

    protected override void Close() => _cluster.Dispose();

    private static string HostName(int host) => string.Create(CultureInfo.InvariantCulture, $"host-{host}");

    /// <param name="host">Whose; null: everybody's.</param>
    /// <param name="which">Of sessions that hold the lock or not.</param>
    private async Task TerminateAsync(int? host, string which)
    {
        await using var admin = new NpgsqlConnection(_cluster.Address("postgres") + ";Pooling=false");
        await admin.OpenAsync().ConfigureAwait(false);
        await using var terminate = new NpgsqlCommand($"""
            select pg_terminate_backend(activity.pid)
            from pg_stat_activity activity
            left join pg_locks locks on locks.pid = activity.pid and locks.locktype = 'advisory' and locks.granted
            where activity.application_name like $1 and {which}
            """, admin);
        terminate.Parameters.Add(new() { Value = host is { } one ? HostName(one) : "host-%" });
        await terminate.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private async Task RestartAsync(string mode, Random random)
    {
        _cluster.Stop(mode);
        await Task.Delay(random.Next(0, 1_500)).ConfigureAwait(false);
        _cluster.StartAgain();
    }
}
