using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Simulation;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A real pgbouncer before a real server: behind it a session's lock could be another's.</summary>
public sealed class PoolerSpecs
{
    private const string Bouncer = "/usr/sbin/pgbouncer";

    /// <param name="ignored">What the pooler is told to let pass when a session asks for it.</param>
    [PoolerTheory]
    [InlineData("transaction", "")]
    [InlineData("transaction", "ignore_startup_parameters = options, extra_float_digits")]
    [InlineData("session", "ignore_startup_parameters = options, extra_float_digits")]
    public void A_pooler_before_the_server_is_refused_and_nothing_is_written(string mode, string ignored)
    {
        var direct = PostgresFixture.Cluster.NewDatabase();
        using var pooler = new Pooler(direct, mode, ignored);

        FluentActions.Invoking(() => PostgresJournal.Create(pooler.Address, SampleBlocks.Book))
            .Should().Throw<JournalException>().Which.Should().Match<JournalException>(no =>
                no.Kind == JournalFault.Refused && no.Message.Contains("pooler", StringComparison.Ordinal));

        PostgresJournal.Books(direct).Should().BeEmpty();
    }

    private sealed class Pooler : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("bank-pooler-").FullName;
        private readonly Process _process;

        public Pooler(string direct, string mode, string ignored)
        {
            var server = new NpgsqlConnectionStringBuilder(direct);
            var port = FreePort();
            var settings = Path.Combine(_folder, "pooler.ini");
            File.WriteAllText(settings, $"""
                [databases]
                * = host=127.0.0.1 port={server.Port} user=postgres
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                unix_socket_dir =
                auth_type = any
                pool_mode = {mode}
                {ignored}
                """);
            using (var open = Process.Start("chmod", ["-R", "a+rX", _folder])) open.WaitForExit();
            // It refuses to run as root.
            _process = Process.Start(Environment.UserName == "root"
                ? new ProcessStartInfo("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", Bouncer, "-q", settings])
                : new ProcessStartInfo(Bouncer, ["-q", settings]))!;
            Address = new NpgsqlConnectionStringBuilder(direct) { Port = port }.ConnectionString;
            AwaitListening(port);
        }

        public string Address { get; }

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private void AwaitListening(int port)
        {
            for (var i = 0; i < 200 && !_process.HasExited; i++)
            {
                try
                {
                    using var probe = new TcpClient("127.0.0.1", port);
                    return;
                }
                catch (SocketException)
                {
                    Thread.Sleep(25);
                }
            }
            throw new InvalidOperationException("The pooler does not listen.");
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }

    private sealed class PoolerTheoryAttribute : TheoryAttribute
    {
        public PoolerTheoryAttribute()
        {
            if (PostgresCluster.Binaries is null || !File.Exists(Bouncer))
                Skip = "There is no PostgreSQL server or no pgbouncer on this machine.";
        }
    }
}
