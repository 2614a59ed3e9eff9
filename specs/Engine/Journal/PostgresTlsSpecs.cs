using BankingEngine.Application.Journal;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Api;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A real server with TLS, which it demands, and certificates made for the spec.</summary>
public sealed class PostgresTlsSpecs : IDisposable
{
    private const string Local = "127.0.0.1";

    private const int MostTries = 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("bank-tls-").FullName;
    private readonly Certificates _authority = new("Spec authority"), _another = new("Another authority");

    public void Dispose()
    {
        _authority.Dispose();
        _another.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [PostgresFact]
    public async Task Journal_and_read_models_work_over_tls_that_verifies_the_server()
    {
        using var cluster = ServerWith(_authority.Server(Local));
        var database = cluster.NewDatabase();
        await using var host = await Hosted.StartAsync(Verifying(database, _authority), "one");

        (await host.PayAsync(SandboxBook.DemoKey(host.Book)!, "pay")).Should().NotBeNull();
        for (var tries = 0; host.Book.ReadModels.Lag().Any(lag => lag.Position < lag.Durable); tries++)
        {
            tries.Should().BeLessThan(300, "read models should be level by now");
            await Task.Delay(100);
        }
        cluster.Sql("postgres", """
            select bool_and(ssl) and count(*) > 3 from pg_stat_ssl join pg_stat_activity using (pid)
            where datname = 'db1' and backend_type = 'client backend'
            """).Should().Be("t");
    }

    [PostgresFact]
    public void A_server_that_is_not_the_one_demanded_is_named_and_nothing_is_written()
    {
        using var cluster = ServerWith(_authority.Server(Local));
        var database = cluster.NewDatabase();
        Refusal(Verifying(database, _another)).Should().Contain("it is of an authority that is not trusted here");
        // Without a root of its own the machine's decide, which do not know it either.
        Refusal(Address(database, "VerifyFull")).Should().Contain("not trusted here");
        Refusal(Address(database, "Disable")).Should().Contain("does not let user 'postgres' in")
            .And.Contain("no encryption");

        Show(cluster, _authority.Server("db.example"));
        Refusal(Verifying(database, _authority)).Should().Contain("it is for another name");
        Show(cluster, _authority.Server(Local, hasExpired: true));
        Refusal(Verifying(database, _authority)).Should().Contain("it has expired");

        Show(cluster, _authority.Server(Local));
        PostgresJournal.Books(Verifying(database, _authority)).Should().BeEmpty();
        cluster.Sql("db1", "select count(*) from pg_namespace where nspname = 'bank_journal'").Should().Be("0");
    }

    [PostgresFact]
    public void A_user_may_be_let_in_by_a_certificate_and_by_no_other()
    {
        using var cluster = ServerWith(_authority.Server(Local));
        var database = cluster.NewDatabase();
        cluster.Set($"ssl_ca_file = '{cluster.Keep("clients.pem", _authority.Root)}'");
        cluster.Sql("postgres", "create role teller login; create role auditor login");
        cluster.Sql("db1", "grant create on database db1 to teller");
        cluster.Admit($"hostssl all teller,auditor {Local}/32 cert");
        var verifying = Verifying(database, _authority);

        Refusal(As("teller", null)).Should().Contain("certificate");
        Refusal(As("auditor", _authority.Client("teller"))).Should().Contain("certificate");
        Refusal(As("teller", _another.Client("teller"))).Should().Contain("certificate");
        cluster.Sql("db1", "select count(*) from pg_namespace where nspname = 'bank_journal'").Should().Be("0");
        using var journal = PostgresJournal.Create(As("teller", _authority.Client("teller")), SampleBlocks.Book);
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        SharedJournalSpecs.Lines(journal).Should().Equal(JournalFixture.Expected(3));

        string As(string user, (string Certificate, string Key)? shows) =>
            verifying.Replace("Username=postgres", $"Username={user}", StringComparison.Ordinal)
            + (shows is var (certificate, key)
                ? $";SSL Certificate={Kept("client.crt", certificate)};SSL Key={Kept("client.key", key)}"
                : "");
    }

    /// <summary>A server that lets nobody in over the network without TLS.</summary>
    private static PostgresCluster ServerWith((string Certificate, string Key) shown)
    {
        var cluster = PostgresCluster.New();
        Show(cluster, shown);
        cluster.Admit($"hostssl all postgres {Local}/32 trust\nhostnossl all all {Local}/32 reject");
        return cluster;
    }

    private static void Show(PostgresCluster cluster, (string Certificate, string Key) shown)
    {
        var certificate = cluster.Keep("server.crt", shown.Certificate);
        var key = cluster.Keep("server.key", shown.Key);
        cluster.Set("ssl = on", $"ssl_cert_file = '{certificate}'", $"ssl_key_file = '{key}'");
        cluster.Restart();
        cluster.Sql("postgres", "show ssl").Should().Be("on");
    }

    private static string Address(string database, string mode) =>
        database.Replace("SSL Mode=Disable", $"SSL Mode={mode}", StringComparison.Ordinal);

    private string Verifying(string database, Certificates trusted) => Address(database, "VerifyFull")
        + $";Root Certificate={Kept(trusted == _authority ? "root.pem" : "another.pem", trusted.Root)}";

    private string Kept(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Refusal(string address)
    {
        JournalException refusal;
        var tries = 0;
        do
        {
            refusal = FluentActions.Invoking(() => PostgresJournal.Create(address, SampleBlocks.Book))
                .Should().Throw<JournalException>().Which;
        }
        // The end of the connection may overtake the server's reason: then nobody can know it.
        while (refusal.Message.Contains("reset by peer", StringComparison.Ordinal) && ++tries < MostTries);
        refusal.Kind.Should().Be(JournalFault.Refused, refusal.Message);
        return refusal.Message;
    }
}
