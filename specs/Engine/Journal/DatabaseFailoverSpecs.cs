using BankingEngine.Application.Journal;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Api;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A primary and a physical standby: the primary dies, the standby is promoted.</summary>
public sealed class DatabaseFailoverSpecs
{
    private const int Payments = 40, BeforeTheCrash = 15;

    [PostgresFact]
    public async Task With_a_synchronous_standby_no_receipt_is_lost_or_doubled_when_the_primary_is_killed()
    {
        using var pair = Pair.New(isSynchronous: true);
        await using var one = await Hosted.StartAsync(pair.Address, "one");
        await using var other = await Hosted.StartAsync(pair.Address, "other");
        var key = SandboxBook.DemoKey(one.Book)!;
        (await one.HealthAsync()).TryGetProperty("warnings", out _).Should().BeFalse();

        var receipts = new Dictionary<string, long>();
        var fallen = Task.CompletedTask;
        for (var payment = 1; payment <= Payments; payment++)
        {
            if (payment == BeforeTheCrash) fallen = Task.Run(pair.FailOver);
            receipts.Add($"pay-{payment}", await PaidAsync([one, other], key, $"pay-{payment}"));
        }
        await fallen;

        receipts.Values.Should().OnlyHaveUniqueItems();
        foreach (var (id, position) in receipts)
            (await PaidAsync([one, other], key, id)).Should().Be(position, "a repeat has the first receipt");
        await EventuallyAsync(async () => await WarnsAsync(one) && await WarnsAsync(other));
        var end = one.Book.Engine.IsLeading ? one : other;
        var balances = await end.Send(HttpMethod.Get, "/v1/accounts/customers:bob/balances", key, null);
        await using var fresh = await Hosted.StartAsync(pair.Address, "fresh");
        await EventuallyAsync(async () =>
            await StateOf(one) is var state && await StateOf(other) == state && await StateOf(fresh) == state);
        (await fresh.Send(HttpMethod.Get, "/v1/accounts/customers:bob/balances", key, null)).Body
            .Should().Be(balances.Body);
        await EventuallyAsync(() => Task.FromResult(
            one.Book.ReadModels.Lag().All(lag => lag.Position == lag.Durable)));
    }

    [PostgresFact]
    public void A_block_that_the_synchronous_standby_does_not_have_is_not_acknowledged()
    {
        using var pair = Pair.New(isSynchronous: true);
        using var journal = PostgresJournal.Create(pair.Address, SampleBlocks.Book);
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        pair.Standby.Stop("fast");

        SharedJournalSpecs.FaultOf(() => journal.Append(SampleBlocks.After(journal.Tail, 3)))
            .Should().Be(JournalFault.Unknown);
        pair.Primary.Sql(Pair.Database, "select count(*) from bank_journal.blocks")
            .Should().Be("2", "the primary alone has it, and would lose it with itself");
        journal.Tail.Position.Should().Be(3);
        pair.Standby.StartAgain();
        journal.Refresh();
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        pair.FailOver();
        using var promoted = PostgresJournal.Open(pair.Address, SampleBlocks.Book);
        SharedJournalSpecs.Lines(promoted).Should().Equal(JournalFixture.Expected(7));
    }

    [PostgresFact]
    public async Task With_a_standby_that_lagged_a_host_that_has_seen_more_than_the_store_holds_ends()
    {
        using var pair = Pair.New(isSynchronous: false);
        await using var one = await Hosted.StartAsync(pair.Address, "one");
        var key = SandboxBook.DemoKey(one.Book)!;
        (await one.HealthAsync()).GetProperty("warnings")[0].GetString()
            .Should().Contain("database fail-over can lose receipts");
        var kept = await PaidAsync([one], key, "kept");
        pair.AwaitReplay();
        pair.Standby.Stop("fast");
        var lost = await PaidAsync([one], key, "lost");

        pair.Primary.Kill();
        pair.Standby.StartAgain();
        pair.Standby.Promote();
        (await one.Serving.WaitAsync(TimeSpan.FromSeconds(60))).Should().Be(Serve.ExitFatal);
        await using var next = await Hosted.StartAsync(pair.Address, "next");
        (await PaidAsync([next], key, "kept")).Should().Be(kept);
        next.Book.Engine.DurablePosition.Should().BeLessThan(lost + 1);
        (await PaidAsync([next], key, "lost")).Should().BeGreaterThan(kept, "it is done anew");
    }

    [PostgresFact]
    public void What_a_journal_has_seen_and_the_promoted_standby_has_not_is_named()
    {
        using var pair = Pair.New(isSynchronous: false);
        using var journal = PostgresJournal.Create(pair.Address, SampleBlocks.Book);
        using var following = PostgresJournal.Open(pair.Address, SampleBlocks.Book);
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        pair.AwaitReplay();
        pair.Standby.Stop("fast");
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        following.Refresh();
        pair.Primary.Kill();
        pair.Standby.StartAgain();
        pair.Standby.Promote();

        foreach (var seen in (Action[])[() => journal.Append(SampleBlocks.After(journal.Tail, 1)), () => following.Refresh()])
        {
            JournalException? told = null;
            EventuallyAsync(() =>
            {
                told = seen.Should().Throw<JournalException>().Which;
                return Task.FromResult(told.Kind != JournalFault.Unknown);
            }).GetAwaiter().GetResult();
            told!.Kind.Should().Be(JournalFault.Damaged);
            told.Message.Should().Contain("block 2").And.Contain("history was cut off");
        }
    }

    /// <summary>Pays as a caller does: the same id again, whoever leads, until there is a receipt.</summary>
    private static async Task<long> PaidAsync(Hosted[] hosts, string key, string id)
    {
        long? position = null;
        await EventuallyAsync(async () =>
        {
            foreach (var host in hosts) position ??= await host.PayAsync(key, id);
            return position is not null;
        });
        return position!.Value;
    }

    private static async Task<bool> WarnsAsync(Hosted host) =>
        (await host.HealthAsync()).TryGetProperty("warnings", out _);

    private static async Task<string> StateOf(Hosted host)
    {
        var digest = await host.Book.Engine.ReadAsync((bank, at) => $"{at.Position} {bank.Tables.Digest:x32}");
        return $"{digest} {Convert.ToHexStringLower(host.Book.Engine.Journal.Tail.Root.Span)}";
    }

    private static async Task EventuallyAsync(Func<Task<bool>> happens)
    {
        for (var tries = 0; !await happens(); tries++)
        {
            tries.Should().BeLessThan(400, "it should have happened by now");
            await Task.Delay(100);
        }
    }

    /// <summary>A primary with a database of its own, and its standby.</summary>
    private sealed class Pair : IDisposable
    {
        public const string Database = "bank";

        private const string Name = "b";

        private Pair(PostgresCluster primary, PostgresCluster standby) => (Primary, Standby) = (primary, standby);

        public PostgresCluster Primary { get; }

        public PostgresCluster Standby { get; }

        /// <summary>Names both servers.</summary>
        public string Address => $"Host=127.0.0.1:{Primary.Port},127.0.0.1:{Standby.Port};Username=postgres;"
            + $"Database={Database};SSL Mode=Disable";

        public static Pair New(bool isSynchronous)
        {
            var primary = PostgresCluster.New();
            primary.Sql("postgres", "create database bank template template0");
            var pair = new Pair(primary, PostgresCluster.StandbyOf(primary, Name));
            if (isSynchronous) primary.Set($"synchronous_standby_names = '{Name}'");
            var wanted = isSynchronous ? "sync" : "async";
            Await(() => primary.Sql("postgres", "select sync_state from pg_stat_replication") == wanted);
            return pair;
        }

        /// <summary>Kills the primary and promotes the standby.</summary>
        public void FailOver()
        {
            Primary.Kill();
            Standby.Promote();
        }

        /// <summary>Until the standby has all that the primary has.</summary>
        public void AwaitReplay() => Await(() => Primary.Sql(
            "postgres", "select bool_and(replay_lsn >= pg_current_wal_flush_lsn()) from pg_stat_replication") == "t");

        public void Dispose()
        {
            Standby.Dispose();
            Primary.Dispose();
        }

        private static void Await(Func<bool> happens) =>
            EventuallyAsync(() => Task.FromResult(happens())).GetAwaiter().GetResult();
    }
}
