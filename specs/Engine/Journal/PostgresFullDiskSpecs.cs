using BankingEngine.Application.Journal;
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

    private static bool IsLevel(Hosted host) => host.Book.ReadModels.Lag().All(lag => lag.Position == lag.Durable);

    private static string? Reason(Hosted host) =>
        host.Book.ReadModels.Lag().Select(lag => lag.LastError).FirstOrDefault(error => error is not null);

    private static async Task EventuallyAsync(Func<bool> happens)
    {
        for (var tries = 0; !happens(); tries++)
        {
            tries.Should().BeLessThan(MostTries, "it should have happened by now");
            await Task.Delay(100);
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
