using System.Net;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Api;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A server whose tables lie on a disk that really is full.</summary>
public sealed class PostgresFullDiskSpecs
{
    private const int MostTries = 600;

    [SmallDiskFact]
    public void An_append_to_a_full_disk_is_refused_and_done_when_there_is_room()
    {
        using var server = new Server();
        using var journal = PostgresJournal.Create(server.Small, SampleBlocks.Book);
        journal.Append(SampleBlocks.After(journal.Tail, 3));
        server.Fill();

        var fault = default(JournalFault?);
        for (var tries = 0; fault is null && tries < MostTries; tries++)
        {
            try
            {
                journal.Append(SampleBlocks.After(journal.Tail, 50));
            }
            catch (JournalException full)
            {
                fault = full.Kind;
            }
        }
        fault.Should().Be(JournalFault.DiskFull);
        var acknowledged = (int)journal.Tail.Position;
        SharedJournalSpecs.Lines(journal).Should().Equal(JournalFixture.Expected(acknowledged));
        journal.Refresh().Should().BeFalse("nothing of it is stored");
        server.Clear();
        journal.Append(SampleBlocks.After(journal.Tail, 50));

        using var reopened = PostgresJournal.Open(server.Small, SampleBlocks.Book);
        SharedJournalSpecs.Lines(reopened).Should().Equal(JournalFixture.Expected(acknowledged + 50));
    }

    [SmallDiskFact]
    public async Task A_host_acknowledges_nothing_on_a_full_disk_and_goes_on_by_itself_when_there_is_room()
    {
        using var server = new Server();
        await using var host = await Hosted.StartAsync(server.Small, "one");
        var key = SandboxBook.DemoKey(host.Book)!;
        server.Fill();

        List<long> receipts = [];
        var next = 0;
        while (await host.PayAsync(key, $"pay-{next}") is { } position && next < MostTries)
        {
            receipts.Add(position);
            next++;
        }
        next.Should().BeLessThan(MostTries, "the disk is full");
        (await host.PayAsync(key, $"pay-{next}")).Should().BeNull();
        host.Serving.IsCompleted.Should().BeFalse("it waits for room");
        server.Clear();

        for (var tries = 0; receipts.Count == next; tries++)
        {
            tries.Should().BeLessThan(MostTries, "there is room again");
            if (await host.PayAsync(key, $"pay-{next}") is { } position) receipts.Add(position);
            else await Task.Delay(100);
        }
        receipts.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        for (var payment = 0; payment <= next; payment++)
            (await host.PayAsync(key, $"pay-{payment}")).Should().Be(receipts[payment], "it was done once");
    }

    [SmallDiskFact]
    public async Task Read_models_on_a_full_disk_fall_behind_and_say_why_and_the_ledger_goes_on()
    {
        using var server = new Server();
        await using var host = await Hosted.StartAsync(
            new(JournalKind.Postgres, server.Cluster.NewDatabase()), "one", $"postgres:{server.Small}");
        var key = SandboxBook.DemoKey(host.Book)!;
        await EventuallyAsync(() => IsLevel(host));
        server.Fill();

        for (var payment = 0; IsLevel(host) || Reason(host) is null; payment++)
        {
            payment.Should().BeLessThan(20 * MostTries, "the read models' disk is full");
            (await host.PayAsync(key, $"pay-{payment}")).Should().NotBeNull("the ledger has room");
        }
        Reason(host).Should().Contain("No space left");
        (await host.HealthAsync()).GetProperty("status").GetString().Should().Be("ok");
        server.Clear();
        await EventuallyAsync(() => IsLevel(host));
    }

    [SmallDiskFact]
    public async Task A_full_disk_of_the_write_ahead_log_ends_the_server_and_no_receipt_is_lost_or_doubled()
    {
        using var server = PostgresCluster.WithSmallLogDisk("64m");
        // A standby that is away: the server keeps the whole log for it, and so cannot even recover.
        server.Sql("postgres", "select pg_create_physical_replication_slot('away', true)");
        await using var pair = await Pair.StartAsync(server);
        server.FillSmallDisk();
        await pair.PayUntilAsync(() => !server.IsRunning);

        await EventuallyAsync(() => pair.AllSayAsync("journal_unreachable", "reopening"));
        FluentActions.Invoking(server.StartAgain).Should().Throw<InvalidOperationException>("it cannot recover");
        (await pair.PayAsync("unheard")).Should().BeNull();
        pair.AllServe();
        server.ClearSmallDisk();
        server.StartAgain();
        await pair.DemandEachOnceAsync();
    }

    [SmallDiskFact]
    public void An_append_that_a_full_disk_of_the_log_stopped_may_be_stored_and_says_what_stopped_it()
    {
        using var server = PostgresCluster.WithSmallLogDisk("64m");
        server.Sql("postgres", "select pg_create_physical_replication_slot('away', true)");
        var database = server.NewDatabase();
        using var journal = PostgresJournal.Create(database, SampleBlocks.Book);
        server.FillSmallDisk();

        var append = () =>
        {
            for (var tries = 0; tries < 20 * MostTries; tries++) journal.Append(SampleBlocks.After(journal.Tail, 50));
        };
        append.Should().Throw<JournalException>().Where(fault => fault.Kind == JournalFault.Unknown)
            .WithMessage("*No space left on device").And.Message.Should().NotContain("\n", "it is one line of a log");
        var acknowledged = (int)journal.Tail.Position;
        server.ClearSmallDisk();
        server.StartAgain();
        journal.Refresh();
        journal.Tail.Position.Should().BeOneOf(acknowledged, acknowledged + 50);
        SharedJournalSpecs.Lines(journal).Should().Equal(JournalFixture.Expected((int)journal.Tail.Position));
    }

    private static bool IsLevel(Hosted host) => host.Book.ReadModels.Lag().All(lag => lag.Position == lag.Durable);

    private static string? Reason(Hosted host) =>
        host.Book.ReadModels.Lag().Select(lag => lag.LastError).FirstOrDefault(error => error is not null);

    private static Task EventuallyAsync(Func<bool> happens) => EventuallyAsync(() => Task.FromResult(happens()));

    private static async Task EventuallyAsync(Func<Task<bool>> happens)
    {
        for (var tries = 0; !await happens(); tries++)
        {
            tries.Should().BeLessThan(MostTries, "it should have happened by now");
            await Task.Delay(100);
        }
    }

    /// <summary>Two hosts of one book, and what they were asked to pay.</summary>
    private sealed class Pair(string database, string key, Int128 before, params Hosted[] hosts) : IAsyncDisposable
    {
        private readonly Dictionary<string, long?> _receipts = [];

        public static async Task<Pair> StartAsync(PostgresCluster server)
        {
            var database = server.NewDatabase();
            var one = await Hosted.StartAsync(database, "one");
            return new(
                database, SandboxBook.DemoKey(one.Book)!, await PaidToBobAsync(one), one,
                await Hosted.StartAsync(database, "other"));
        }

        /// <summary>Asks each for a payment, until one has done it.</summary>
        /// <returns>Null: it is not acknowledged.</returns>
        public async Task<long?> PayAsync(string id)
        {
            long? position = null;
            foreach (var host in hosts) position ??= await host.PayAsync(key, id);
            _receipts[id] = position;
            return position;
        }

        public async Task PayUntilAsync(Func<bool> happens)
        {
            for (var payment = 0; !happens(); payment++)
            {
                payment.Should().BeLessThan(20 * MostTries, "the log's disk is full");
                if (await PayAsync($"pay-{payment}") is null) await Task.Delay(20);
            }
            _receipts.Values.Should().Contain(position => position != null).And.Contain((long?)null);
        }

        public async Task<bool> AllSayAsync(params string[] status)
        {
            foreach (var host in hosts)
            {
                var (code, body, _) = await host.Send(HttpMethod.Get, "/health/ready", null, null);
                if (code != HttpStatusCode.ServiceUnavailable || !status.Any(one => body.Contains($"\"{one}\""))) return false;
            }
            return true;
        }

        public void AllServe() => hosts.Should().OnlyContain(host => !host.Serving.IsCompleted, "they wait for the store");

        /// <summary>Everything that was acknowledged is there, and what was not is done when it is asked for
        /// again.</summary>
        public async Task DemandEachOnceAsync()
        {
            var acknowledged = _receipts.Where(receipt => receipt.Value is not null).ToArray();
            foreach (var id in _receipts.Keys.ToArray())
                await EventuallyAsync(async () => await PayAsync(id) is not null);
            _receipts.Should().Contain(acknowledged, "a repeat has the first receipt");
            _receipts.Values.Should().OnlyHaveUniqueItems();
            await using var fresh = await Hosted.StartAsync(database, "fresh");
            (await PaidToBobAsync(fresh)).Should().Be(before + (_receipts.Count * 100), "each was done once");
        }

        /// <summary>Cents.</summary>
        private static Task<Int128> PaidToBobAsync(Hosted host) => host.Book.Engine.ReadAsync((bank, _) =>
        {
            var tables = bank.Ledger.Tables;
            var bob = tables.Accounts.Find(AccountId.Parse("customers:bob"));
            var balance = tables.FindBalance(bob, tables.Assets.Find(AssetCode.Parse("EUR")));
            return Int128.Abs(tables.Balances[balance].Net);
        });

        public async ValueTask DisposeAsync()
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }

    /// <summary>A database whose tables lie on a disk of a few megabytes; its log lies elsewhere.</summary>
    private sealed class Server : IDisposable
    {
        private const string Database = "small";

        public Server()
        {
            Cluster.Sql("postgres", $"create tablespace small location '{Cluster.SmallDisk}'");
            Cluster.Sql("postgres", $"create database {Database} template template0");
            Cluster.Sql("postgres", $"alter database {Database} set default_tablespace = small");
        }

        public PostgresCluster Cluster { get; } = PostgresCluster.WithSmallDisk("12m");

        public string Small => Cluster.Address(Database);

        /// <summary>Takes all the room there is.</summary>
        public void Fill() => Cluster.Sql(Database, """
            create table ballast(a text);
            do $$ begin
              loop insert into ballast select repeat('x', 1500) from generate_series(1, 5); end loop;
            exception when disk_full then null; end $$
            """);

        public void Clear() => Cluster.Sql(Database, "drop table ballast");

        public void Dispose() => Cluster.Dispose();
    }
}

/// <summary>Runs where a small disk can be mounted, and says so where it cannot.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!PostgresCluster.MayMount)
            Skip = "There is no PostgreSQL server on this machine, or no small disk can be mounted: that takes root.";
    }
}
