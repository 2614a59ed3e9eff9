using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Projections.Stores.Postgres;
using BankingEngine.Specs.Simulation;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A server that crashes, hangs or lets sessions go, under a journal that is in use.</summary>
public sealed class PostgresFaultSpecs(PostgresFaultSpecs.OwnCluster own) : IClassFixture<PostgresFaultSpecs.OwnCluster>
{
    private const string AppendersSession = """
        select pid from pg_stat_activity
        where query like '%insert into bank_journal.blocks%'
          and datname = current_database() and pid <> pg_backend_pid()
        """;

    private const string LeadersSession = """
        select pid from pg_locks
        where locktype = 'advisory' and granted
          and database = (select oid from pg_database where datname = current_database())
        """;

    private readonly string _database = PostgresCluster.Binaries is null ? "" : own.Cluster.NewDatabase();

    private PostgresCluster Cluster => own.Cluster;

    [PostgresFact]
    public void A_server_that_crashes_under_appends_loses_none_and_doubles_none()
    {
        using var journal = PostgresJournal.Create(_database, SampleBlocks.Book);
        var acknowledged = 0L;
        using var crash = new SemaphoreSlim(0);
        var crashes = Task.Run(() =>
        {
            for (var round = 0; round < 2; round++)
            {
                crash.Wait();
                Cluster.Restart();
            }
        });
        for (var block = 1; block <= 150 || !crashes.IsCompleted; block++)
        {
            if (block is 50 or 100) crash.Release();
            try
            {
                journal.Append(SampleBlocks.After(journal.Tail, 3));
            }
            catch (JournalException silent) when (silent.Kind == JournalFault.Unknown)
            {
                // It took too long to recover. Looking again tells what became of the block.
                Spec.Eventually(() => Answers(journal));
            }
            acknowledged = journal.Tail.Position;
        }

        using var reopened = PostgresJournal.Open(_database, SampleBlocks.Book);
        reopened.Tail.Position.Should().Be(acknowledged);
        SharedJournalSpecs.Lines(reopened).Should().Equal(JournalFixture.Expected((int)acknowledged));
    }

    [PostgresFact]
    public void An_append_whose_session_hangs_is_settled_and_done_once()
    {
        using var journal = PostgresJournal.Create(_database, SampleBlocks.Book);
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        var hanging = Sql(AppendersSession);
        Signal("-STOP", hanging);
        try
        {
            journal.Append(SampleBlocks.After(journal.Tail, 3));
        }
        finally
        {
            Signal("-CONT", hanging);
        }
        journal.Append(SampleBlocks.After(journal.Tail, 3));

        using var reopened = PostgresJournal.Open(_database, SampleBlocks.Book);
        SharedJournalSpecs.Lines(reopened).Should().Equal(JournalFixture.Expected(9));
    }

    [PostgresFact]
    public void A_server_that_hangs_leaves_the_outcome_unknown_and_the_lead_lost()
    {
        using var journal = PostgresJournal.Create(_database, SampleBlocks.Book);
        using var lead = SharedJournalSpecs.Lead(journal, "host");
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        string[] all = [.. Sql("select pid from pg_stat_activity where backend_type = 'client backend'").Split('\n')
            .Append(File.ReadLines(Path.Combine(Cluster.Folder, "db", "postmaster.pid")).First())];
        // Were a wait without bound after all, this ends it, and the spec fails instead of standing still.
        using var mercy = new Timer(_ => Signal("-CONT", all), null, TimeSpan.FromSeconds(60), Timeout.InfiniteTimeSpan);
        Signal("-STOP", all);
        try
        {
            var began = Stopwatch.GetTimestamp();
            SharedJournalSpecs.FaultOf(() => journal.Append(SampleBlocks.After(journal.Tail, 3)))
                .Should().Be(JournalFault.Unknown);
            Stopwatch.GetElapsedTime(began).Should().BeLessThan(4 * JournalTimes.Settle, "every wait has a bound");
            lead.IsProven.Should().BeFalse();
            lead.Prove().Should().BeFalse();
            SharedJournalSpecs.FaultOf(() => journal.Refresh()).Should().Be(JournalFault.Unknown);
        }
        finally
        {
            Signal("-CONT", all);
        }
        lead.Prove().Should().BeFalse("a lead that was lost is lost for good");
        using var again = SharedJournalSpecs.Lead(journal, "host");
        journal.Refresh();
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        SharedJournalSpecs.Lines(journal).Should().Equal(JournalFixture.Expected((int)journal.Tail.Position));
    }

    [Fact]
    public async Task A_server_that_takes_connections_and_says_nothing_is_given_up()
    {
        const int tries = 150;
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start(tries);
        var address = $"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=bank;Database=bank;Timeout=1;GSS Encryption Mode=Prefer";
        // What the driver's clock does in its last millisecond decides, so each try ends at another time.
        var attempts = Enumerable.Range(0, tries).Select(number => Task.Factory.StartNew(
            () =>
            {
                Thread.Sleep(37 * number);
                return SharedJournalSpecs.FaultOf(() => PostgresJournal.Books(address));
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        var all = Task.WhenAll(attempts);
        (await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(30)))).Should().BeSameAs(all, "every wait has a bound");
        (await all).Should().OnlyContain(fault => fault == JournalFault.Unknown);
    }

    [Theory]
    [InlineData(0, 3, 3)]
    [InlineData(1, 3, 1)]
    [InlineData(30, 3, 3)]
    public void No_address_lifts_the_bound_of_a_connection(int given, int most, int seconds) =>
        BoundedOpening.Seconds(given, most).Should().Be(seconds);

    [PostgresFact]
    public void A_leader_whose_session_was_ended_is_fenced_before_the_next_one_leads()
    {
        using var one = PostgresJournal.Create(_database, SampleBlocks.Book);
        using var other = PostgresJournal.Open(_database, SampleBlocks.Book);
        using var lead = SharedJournalSpecs.Lead(one, "one");
        one.Append(SampleBlocks.After(one.Tail, 1));
        Sql($"select pg_terminate_backend(({LeadersSession}))");

        // The old leader cannot know yet; the next one must not lead while it may answer.
        ILead? next = null;
        Spec.Eventually(() =>
        {
            var proven = lead.IsProven;
            next = other.TryLead("other");
            if (next is not null) proven.Should().BeFalse("two never answer at the same time");
            return next is not null;
        });
        using (next)
        {
            SharedJournalSpecs.FaultOf(() => one.Append(SampleBlocks.After(one.Tail, 1)))
                .Should().Be(JournalFault.Fenced);
            lead.Prove().Should().BeFalse();
            other.Refresh();
            other.Tail.Position.Should().Be(1);
            other.Append(SampleBlocks.After(other.Tail, 1));
            next!.Prove().Should().BeTrue();
        }
    }

    [PostgresFact]
    public void A_leader_that_pauses_loses_the_lead()
    {
        using var paused = PostgresJournal.Create(_database, SampleBlocks.Book);
        using var other = PostgresJournal.Open(_database, SampleBlocks.Book);
        using var lead = SharedJournalSpecs.Lead(paused, "paused");
        var began = Stopwatch.GetTimestamp();

        // Nobody asks for the paused one.
        using var next = SharedJournalSpecs.Lead(other, "other");
        Stopwatch.GetElapsedTime(began).Should().BeGreaterThan(JournalTimes.Silence);
        lead.IsProven.Should().BeFalse();
        lead.Prove().Should().BeFalse();
    }

    [PostgresFact]
    public void Who_stops_flushing_to_disk_elects_no_leader()
    {
        using var journal = PostgresJournal.Create(_database, SampleBlocks.Book);
        Sql("alter system set fsync = off");
        Sql("select pg_reload_conf()");

        Spec.Eventually(() => Sql("show fsync") == "off");
        journal.Invoking(j => j.TryLead("host")).Should().Throw<JournalException>()
            .Which.Message.Should().Contain("fsync = off");
        journal.Invoking(_ => PostgresJournal.Open(_database, SampleBlocks.Book)).Should().Throw<JournalException>()
            .Which.Kind.Should().Be(JournalFault.Refused);
        Sql("alter system reset fsync");
        Sql("select pg_reload_conf()");
        Spec.Eventually(() => Sql("show fsync") == "on");
    }

    private static bool Answers(PostgresJournal journal)
    {
        try
        {
            journal.Refresh();
            return true;
        }
        catch (JournalException silent) when (silent.Kind == JournalFault.Unknown)
        {
            return false;
        }
    }

    private string Sql(string text) => Cluster.Sql(new NpgsqlConnectionStringBuilder(_database).Database!, text);

    private static void Signal(string signal, params string[] processes)
    {
        using var kill = Process.Start("kill", [signal, .. processes]);
        // Some may have ended by themselves meanwhile.
        kill.WaitForExit();
    }

    /// <summary>A cluster that these specs may break.</summary>
    public sealed class OwnCluster : IDisposable
    {
        private readonly Lazy<PostgresCluster> _cluster = new(() => PostgresCluster.New());

        public PostgresCluster Cluster => _cluster.Value;

        public void Dispose()
        {
            if (_cluster.IsValueCreated) _cluster.Value.Dispose();
        }
    }

    private static class Spec
    {
        public static void Eventually(Func<bool> happens)
        {
            for (var tries = 0; !happens(); tries++)
            {
                tries.Should().BeLessThan(400, "it should have happened by now");
                Thread.Sleep(50);
            }
        }
    }
}
