using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace BankingEngine.Benchmarks;

/// <summary>
/// The peer: what a team would otherwise build. A double-entry transfer as one plpgsql call on PostgreSQL (row locks in
/// id order, balance check, two ledger lines, unique key, fsync on), driven by pgbench on the same machine.
/// </summary>
public static partial class PostgresBenchmarks
{
    private const string Schema = """
        create table account(id int primary key, balance bigint not null, overdraft bool not null default false);
        insert into account select g, 1000000000, false from generate_series(1, 10000) g;
        create table transfer(id bigint generated always as identity primary key, key text unique not null,
          debit int not null, credit int not null, amount bigint not null, at timestamptz not null default now());
        create table line(id bigint generated always as identity primary key, transfer bigint not null,
          account int not null, amount bigint not null, balance bigint not null);
        create index on line(account, id);
        create function pay(k text, d int, c int, a bigint) returns bigint language plpgsql as $$
        declare t bigint; left_over bigint; gained bigint;
        begin
          perform 1 from account where id in (d, c) order by id for update;
          insert into transfer(key, debit, credit, amount) values (k, d, c, a) returning id into t;
          update account set balance = balance - a where id = d and (overdraft or balance >= a) returning balance into left_over;
          if left_over is null then raise exception 'insufficient funds'; end if;
          update account set balance = balance + a where id = c returning balance into gained;
          insert into line(transfer, account, amount, balance) values (t, d, -a, left_over), (t, c, a, gained);
          return t;
        end $$;
        """;

    private const string Script = """
        \set d random(1, 10000)
        \set c random(1, 10000)
        \set a random(1, 1000)
        select pay(gen_random_uuid()::text, :d, case when :c = :d then (:c % 10000) + 1 else :c end, :a);
        """;

    private const string HotScript = """
        \set c random(2, 10000)
        select pay(gen_random_uuid()::text, 1, :c, 1);
        """;

    public static void Run()
    {
        var figures = new Figures("postgres");
        if (PrivateCluster.Binaries is not { } binaries)
        {
            Console.WriteLine("""{"benchmark":"postgres","skipped":"no PostgreSQL server binaries"}""");
            return;
        }
        using var cluster = PrivateCluster.Start(binaries);
        cluster.Sql(Schema);
        foreach (var clients in new[] { 8, 32, 64 })
        {
            var rate = cluster.Bench(Script, clients, seconds: 10);
            Figures.Say($"plpgsql transfer, {clients} clients: {rate:N0}/s");
            figures.Add($"plpgsql_{clients}", rate);
        }
        var hot = cluster.Bench(HotScript, 32, seconds: 8);
        Figures.Say($"plpgsql transfer, one hot account, 32 clients: {hot:N0}/s");
        figures.Add("plpgsql_hot_32", hot);
        figures.Print();
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Tps();

    /// <summary>A PostgreSQL cluster of its own in a temporary folder; as root it runs under the postgres user.</summary>
    internal sealed class PrivateCluster : IDisposable
    {
        private readonly string _binaries;
        private readonly string _folder;
        private readonly bool _asPostgres = Environment.UserName == "root";

        private PrivateCluster(string binaries)
        {
            _binaries = binaries;
            _folder = Directory.CreateTempSubdirectory("bank-pg-").FullName;
            if (_asPostgres) Shell($"chown postgres {_folder}", asPostgres: false);
        }

        /// <summary>The newest server's programs; null where none is installed.</summary>
        public static string? Binaries => Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin"))
                .Order(StringComparer.Ordinal).LastOrDefault()
            : null;

        public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres";

        public static PrivateCluster Start(string binaries)
        {
            var cluster = new PrivateCluster(binaries);
            cluster.Shell($"{binaries}/initdb -D {cluster._folder}/db -A trust -U postgres");
            cluster.Shell($"{binaries}/pg_ctl -D {cluster._folder}/db -w -l {cluster._folder}/log -o '-k {cluster._folder} -c listen_addresses= "
                + "-c shared_buffers=2GB -c max_wal_size=8GB -c max_connections=200' start");
            return cluster;
        }

        public void Sql(string text)
        {
            File.WriteAllText(Path.Combine(_folder, "schema.sql"), text);
            Shell($"{_binaries}/psql -q -h {_folder} -d postgres -v ON_ERROR_STOP=1 -f {_folder}/schema.sql");
        }

        public double Bench(string script, int clients, int seconds)
        {
            File.WriteAllText(Path.Combine(_folder, "script.sql"), script);
            var said = Shell($"{_binaries}/pgbench -h {_folder} -n -M prepared -c {clients} -j 1 -T {seconds} -f {_folder}/script.sql postgres");
            return double.Parse(Tps().Match(said).Groups[1].Value, CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            Shell($"{_binaries}/pg_ctl -D {_folder}/db -m immediate stop");
            Directory.Delete(_folder, recursive: true);
        }

        private string Shell(string command, bool asPostgres = true)
        {
            var start = _asPostgres && asPostgres
                ? new ProcessStartInfo("su", ["postgres", "-s", "/bin/sh", "-c", command])
                : new ProcessStartInfo("/bin/sh", ["-c", command]);
            start.RedirectStandardOutput = true;
            using var process = Process.Start(start)!;
            var said = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{command}: {said}");
        }
    }
}
