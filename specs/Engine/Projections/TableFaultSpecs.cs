using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using BankingEngine.Projections.Stores.Postgres;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using Npgsql;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>What happens to the tables does not happen to the ledger, and nothing in them is lost or twice.</summary>
public sealed class TableFaultSpecs(TableFaultSpecs.Store cluster) : IClassFixture<TableFaultSpecs.Store>
{
    [PostgresFact]
    public async Task Killed_sessions_and_a_restarted_server_lose_nothing_and_double_nothing()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "killed");
        var activity = new Activity(book, seed: 31);
        for (var round = 0; round < 8; round++)
        {
            await activity.RunAsync(25);
            if (round == 4)
            {
                cluster.Restart();
            }
            else
            {
                cluster.Ask(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                    + "where application_name like 'bank_killed%'");
            }
        }
        await LevelAsync(book, models);
        await SoundAsync(models);
    }

    [Fact]
    public async Task A_store_that_is_not_there_holds_up_nothing()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(
            book.Engine.Feed, "Host=127.0.0.1;Port=1;Username=nobody;Database=none", "gone");
        await new Activity(book, seed: 36).RunAsync(20);
        await UntilAsync(() => models.Lag().Take(3).All(lag => lag.LastError is not null));
        models.Lag()[0].Should().Match<ProjectionLag>(lag => lag.Position == 0 && lag.Durable > 0 && lag.Fault == null);
        var rows = (await models.AccountsAsync(0))!;
        await FluentActions.Awaiting(() => rows.BalancesOfAsync(Account("alice"), default).AsTask())
            .Should().ThrowAsync<ReadModelUnavailableException>();
    }

    [PostgresFact]
    public async Task A_store_that_refuses_to_write_lags_with_its_reason_and_recovers()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "full");
        var activity = new Activity(book, seed: 32);
        await activity.RunAsync(20);
        await LevelAsync(book, models);
        cluster.Ask(
            """
            create function full_disk() returns trigger language plpgsql as
              $$ begin raise exception using errcode = '53100', message = 'No space left on device'; end $$;
            create trigger full_disk before insert on bank_full.entries execute function full_disk();
            """);
        await activity.RunAsync(20);
        await UntilAsync(() => Says(models, "No space left"));
        (await models.LivesAsync(book.Engine.DurablePosition)).Should().NotBeNull("the other model goes on");
        models.Lag()[0].Should().Match<ProjectionLag>(
            lag => lag.BehindSince != null && lag.Fault == null && lag.Position < lag.Durable);
        cluster.Ask("drop function full_disk() cascade");
        await LevelAsync(book, models);
        models.Lag()[0].LastError.Should().BeNull();
        await SoundAsync(models);
    }

    [PostgresFact]
    public async Task A_poison_event_stops_its_model_alone_there_and_a_rebuild_goes_on_from_it()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "poison");
        await LevelAsync(book, models);
        cluster.Ask("alter table bank_poison.entries add check (code <> 'poison')");
        var poison = 0L;
        for (var i = 0; i < 40; i++)
        {
            var said = new Particulars(Tag.Of(i == 17 ? "poison" : "wire"));
            var sent = await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), said));
            if (i == 17) poison = sent.Ended.Position;
        }
        var last = book.Engine.DurablePosition;
        await FluentActions.Awaiting(() => models.AccountsAsync(last))
            .Should().ThrowAsync<ProjectionStoppedException>();
        var lag = models.Lag()[0];
        (lag.Position, lag.Fault!.Position).Should().Be((poison - 1, poison));
        lag.Fault.Reason.Should().StartWith("23514");
        (await models.LivesAsync(last)).Should().NotBeNull();
        using (var later = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "poison"))
        {
            await FluentActions.Awaiting(() => later.AccountsAsync(last))
                .Should().ThrowAsync<ProjectionStoppedException>("it is stored that it stopped");
        }
        await models.Tables!.RebuildAsync(0);
        await LevelAsync(book, models);
        models.Lag()[0].Fault.Should().BeNull();
        await SoundAsync(models);
    }

    [PostgresFact]
    public async Task Readers_see_a_whole_model_while_it_is_built_anew_and_an_abort_leaves_nothing()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "swap");
        var activity = new Activity(book, seed: 33);
        await activity.RunAsync(60);
        await LevelAsync(book, models);
        cluster.Ask("create role analyst; grant usage on schema bank_swap to analyst; "
            + "grant select on bank_swap.entries, bank_swap.trial_balance to analyst; create schema analyst; "
            + "create role \"Head-Office\"; grant select on bank_swap.entries to \"Head-Office\"; "
            + "create view analyst.totals as select asset, sum(debits - credits) as difference "
            + "from bank_swap.trial_balance where class <> 'memorandum' group by asset");
        using var enough = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            var looks = 0;
            for (var most = 0L; !enough.IsCancellationRequested; looks++)
            {
                // Every entry balances, and none is missing that was there before.
                var sum = (decimal)cluster.Ask(
                    "select sum(case side when 'debit' then amount_minor else -amount_minor end) "
                    + "from bank_swap.entries")!;
                sum.Should().Be(0);
                cluster.Ask("select sum(abs(difference)) from analyst.totals").Should().Be(0m);
                var count = (long)cluster.Ask("select count(*) from bank_swap.entries")!;
                count.Should().BeGreaterThanOrEqualTo(most);
                most = count;
            }
            return looks;
        });
        for (var i = 0; i < 3; i++)
        {
            var rebuilt = models.RebuildAsync();
            await activity.RunAsync(20);
            await rebuilt;
        }
        using (var aborted = new CancellationTokenSource())
        {
            var stop = new Progress(_ => aborted.Cancel());
            await FluentActions.Awaiting(() => models.Tables!.RebuildAsync(0, stop, aborted.Token))
                .Should().ThrowAsync<OperationCanceledException>();
        }
        await LevelAsync(book, models);
        await enough.CancelAsync();
        (await reader).Should().BePositive();
        cluster.Ask("select count(*) from pg_namespace where nspname like 'bank_swap%'").Should().Be(1L);
        foreach (var name in new[] { "entries", "trial_balance" })
            cluster.Ask($"select has_table_privilege('analyst', 'bank_swap.{name}', 'select')").Should().Be(true);
        cluster.Ask("select generation from bank_swap.projections where name = 'account_entries'").Should().Be(4L);
        await SoundAsync(models);
    }

    [PostgresFact]
    public async Task What_others_were_given_on_a_table_its_successor_has()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "heirs");
        await LevelAsync(book, models);
        cluster.Ask("""
            create role teller; create role "Head of Risk"; grant usage on schema bank_heirs to teller;
            grant select (account, asset) on bank_heirs.balances to teller;
            grant select (balance) on bank_heirs.balances to "Head of Risk" with grant option;
            grant select (account) on bank_heirs.account_balances to teller
            """);
        cluster.Ask("""
            create publication feed for table bank_heirs.entries, bank_heirs.issued_statements (account, number, true_at),
              bank_heirs.balances (account, asset, balance) where (asset <> 'XAU')
            """);
        var granted = "select string_agg(format('%s %s %s %s', grantee, table_name, column_name, is_grantable), ', ' "
            + "order by grantee, table_name, column_name) from information_schema.role_column_grants "
            + "where table_schema = 'bank_heirs' and grantee in ('teller', 'Head of Risk')";
        var published = "select string_agg(t::text, ' ' order by t::text) from pg_publication_tables t where pubname = 'feed'";
        var comments = "select string_agg(col_description(attrelid, attnum), ' ' order by attrelid::regclass::text, attnum) "
            + "from pg_attribute where attrelid in ('bank_heirs.balances'::regclass, 'bank_heirs.account_balances'::regclass)";
        var (grants, feed, said) = (cluster.Ask(granted), cluster.Ask(published), cluster.Ask(comments));
        grants.Should().Be("Head of Risk balances balance YES, teller account_balances account NO, "
            + "teller balances account NO, teller balances asset NO");
        var old = cluster.Ask("select 'bank_heirs.balances'::regclass::oid");
        await models.RebuildAsync();
        cluster.Ask("select 'bank_heirs.balances'::regclass::oid").Should().NotBe(old, "it is another table");
        cluster.Ask(granted).Should().Be(grants);
        cluster.Ask(published).Should().Be(feed);
        cluster.Ask(comments).Should().Be(said);
        cluster.Ask("select has_table_privilege('teller', 'bank_heirs.balances', 'select')").Should().Be(false, "but two columns");
    }

    [PostgresFact]
    public async Task Every_table_has_the_key_by_which_a_publication_names_changed_rows()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "published");
        await LevelAsync(book, models);
        cluster.Ask("""
            select string_agg(c.relname, ' ') from pg_class c
            where c.relnamespace = 'bank_published'::regnamespace and c.relkind = 'r'
              and not exists(select from pg_index i where i.indrelid = c.oid and i.indisprimary)
            """).Should().Be(DBNull.Value);
    }

    [PostgresFact]
    public async Task Of_two_hosts_one_writes_both_answer_and_the_other_takes_over()
    {
        using var book = await Activity.FoundAsync();
        var first = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "hosts");
        await LevelAsync(book, first);
        using var second = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "hosts");
        var activity = new Activity(book, seed: 34);
        await activity.RunAsync(30);
        await LevelAsync(book, second);
        cluster.Ask("select count(*) from pg_locks where locktype = 'advisory' and granted").Should().Be(3L);
        first.Dispose();
        await activity.RunAsync(30);
        await LevelAsync(book, second);
        await SoundAsync(second);
    }

    [PostgresFact]
    public async Task A_table_that_was_dropped_comes_back_with_a_rebuild_and_a_book_named_like_a_model_is_left_alone()
    {
        using var book = await Activity.FoundAsync();
        using var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "d");
        await LevelAsync(book, models);
        // Whoever is level holds its model's lock, which must not be the one that the neighbour's schema is made under.
        using var neighbour = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "d.transfer_lives");
        await LevelAsync(book, neighbour);
        cluster.Ask("drop table bank_d.entries cascade");
        await new Activity(book, seed: 33).RunAsync(20);
        await UntilAsync(() => Says(models, "entries"));
        await models.Tables!.RebuildAsync(0);
        await models.Tables!.RebuildAsync(1);
        await LevelAsync(book, models);
        await SoundAsync(models);
        await LevelAsync(book, neighbour);
        await SoundAsync(neighbour);
    }

    [PostgresFact]
    public async Task Another_books_tables_and_a_newer_programs_are_not_touched()
    {
        using var book = await Activity.FoundAsync();
        using var other = await Activity.FoundAsync();
        await other.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "mine"))
            await LevelAsync(book, models);
        cluster.Ask("update bank_mine.book set first_event = '\\x00'");
        using (var models = ReadModels.Postgres(other.Engine.Feed, cluster.ConnectionString, "mine"))
        {
            await UntilAsync(() => Says(models, "another book"));
            await FluentActions.Awaiting(() => models.Tables!.RebuildAsync(0)).Should().ThrowAsync<StoreMismatchException>();
        }
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "newer"))
            await LevelAsync(book, models);
        cluster.Ask("update bank_newer.projections set version = 1000");
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "newer"))
        {
            await UntilAsync(() => Says(models, "version 1000"));
            var rows = await models.AccountsAsync(0);
            await FluentActions.Awaiting(() => rows!.BalancesOfAsync(Account("alice"), default).AsTask())
                .Should().ThrowAsync<ReadModelUnavailableException>();
        }
    }

    [PostgresFact]
    public async Task An_older_versions_tables_are_built_anew_and_a_journal_of_other_content_is_noticed()
    {
        using var book = await Activity.FoundAsync();
        await new Activity(book, seed: 35).RunAsync(20);
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "older"))
            await LevelAsync(book, models);
        cluster.Ask("update bank_older.projections set version = 0; alter table bank_older.entries drop column code");
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "older"))
        {
            await UntilAsync(() => models.Lag()[0].Position == book.Engine.DurablePosition);
            await SoundAsync(models);
        }
        cluster.Ask("update bank_older.projections set root = sha256('other') where name = 'account_entries'");
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "older"))
        {
            await UntilAsync(() => models.Lag()[0].Fault is not null);
            await models.RebuildAsync();
            await UntilAsync(() => models.Lag()[0].Fault is null);
            await LevelAsync(book, models);
        }
    }

    [PostgresFact]
    public async Task A_schema_from_before_the_views_gets_them_and_one_with_newer_views_keeps_those()
    {
        using var book = await Activity.FoundAsync();
        await new Activity(book, seed: 37).RunAsync(20);
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "views"))
            await LevelAsync(book, models);
        // As the program before the views made it: two models, and a book's row without its currency.
        cluster.Ask(
            """
            drop table bank_views.account_holders, bank_views.issued_statements, bank_views.statement_copies,
              bank_views.price_sets, bank_views.prices, bank_views.carried_results, bank_views.command_counts,
              bank_views.event_counts, bank_views.daily_volumes cascade;
            drop view bank_views.account_balances, bank_views.exposures, bank_views.currency_positions cascade;
            drop function bank_views.half_even, bank_views.income_statement;
            delete from bank_views.projections where name = 'report_facts';
            alter table bank_views.book drop constraint book_pkey, drop column functional_currency, drop column functional_scale;
            update bank_views.book set layout = 1;
            """);
        const string views = "select count(*) from pg_views where schemaname = 'bank_views'";
        cluster.Ask(views).Should().Be(0L);
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "views"))
        {
            await LevelAsync(book, models);
            await SoundAsync(models);
            await UntilAsync(() => cluster.Ask("select layout from bank_views.book") is 2);
        }
        cluster.Ask(views).Should().Be(9L);
        cluster.Ask("select functional_currency || functional_scale from bank_views.book").Should().Be("EUR2");
        cluster.Ask("select sum(debit_balance - credit_balance) from bank_views.trial_balance").Should().Be(0m);
        cluster.Ask("update bank_views.book set layout = 99; drop view bank_views.exposures");
        using (var models = ReadModels.Postgres(book.Engine.Feed, cluster.ConnectionString, "views"))
        {
            await new Activity(book, seed: 38).RunAsync(10);
            await LevelAsync(book, models);
            await FluentActions.Awaiting(() => models.Tables!.RebuildAsync(0)).Should().ThrowAsync<StoreMismatchException>();
        }
        cluster.Ask(views).Should().Be(8L, "what a newer program has made of them is its own");
    }

    private static async Task LevelAsync(TestBook book, ReadModels models)
    {
        // A pause between two attempts to reach the store may be longer than one question waits.
        var position = book.Engine.DurablePosition;
        for (var i = 0; i < 12; i++)
        {
            if (await models.AccountsAsync(position) is not null
                && await models.LivesAsync(position) is not null
                && await models.Tables!.WaitForAsync(2, position, CatchUp.LongestWait)) return;
        }
        throw new TimeoutException($"{models.Lag()[0]} {models.Lag()[1]} {models.Lag()[2]}");
    }

    private static bool Says(ReadModels models, string what) =>
        models.Lag()[0].LastError?.Contains(what, StringComparison.Ordinal) is true;

    private static async Task SoundAsync(ReadModels models)
    {
        for (var model = 0; model < models.Tables!.Names.Count; model++)
            (await models.Tables!.VerifyAsync(model)).Should().OnlyContain(table => table.AreEqual);
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 1_000 && !isSo(); i++) await Task.Delay(10);
        isSo().Should().BeTrue();
    }

    /// <summary>A server of these specs' own, which they may kill.</summary>
    public sealed class Store : IDisposable
    {
        private readonly PostgresCluster? _cluster = PostgresCluster.Binaries is null ? null : PostgresCluster.New();

        public string ConnectionString => _cluster!.Address("postgres");

        public void Restart() => _cluster!.Restart();

        public object? Ask(string sql)
        {
            using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
            connection.Open();
            using var command = new NpgsqlCommand(sql, connection);
            return command.ExecuteScalar();
        }

        public void Dispose() => _cluster?.Dispose();
    }

    private sealed class Progress(Action<RebuildProgress> told) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => told(value);
    }
}
