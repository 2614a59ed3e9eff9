using System.Buffers;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Engine.Cli;
using BankingEngine.Specs.Simulation;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>What the PostgreSQL journal refuses, in which words, and that nothing is written then.</summary>
public sealed class PostgresJournalSpecs
{
    private static readonly JournalIdentity Book = SampleBlocks.Book;

    private readonly string _address = PostgresCluster.Binaries is null ? "" : PostgresFixture.Cluster.NewDatabase();

    private string Database => new NpgsqlConnectionStringBuilder(_address).Database!;

    [PostgresFact]
    public void Books_are_made_once_listed_and_told_apart_by_their_genesis()
    {
        PostgresJournal.Books(_address).Should().BeEmpty();
        PostgresJournal.Create(_address, Book).Dispose();
        PostgresJournal.Create(_address, new("another", new byte[32])).Dispose();

        PostgresJournal.Books(_address).Select(book => book.Book).Should().Equal("another", "sample");
        Refusal(() => PostgresJournal.Create(_address, Book)).Kind.Should().Be(JournalFault.NotEmpty);
        Refusal(() => PostgresJournal.Open(_address, "third")).Kind.Should().Be(JournalFault.NotFound);
        Refusal(() => PostgresJournal.Open(_address, new JournalIdentity("sample", new byte[32])))
            .Kind.Should().Be(JournalFault.WrongBook);
    }

    [PostgresFact]
    public void Opening_what_is_not_there_writes_nothing()
    {
        Refusal(() => PostgresJournal.Open(_address, "sample")).Kind.Should().Be(JournalFault.NotFound);

        Sql("select count(*) from pg_namespace where nspname = 'bank_journal'").Should().Be("0");
    }

    [PostgresFact]
    public void Several_books_of_a_database_do_not_meet()
    {
        using var one = PostgresJournal.Create(_address, Book);
        using var other = PostgresJournal.Create(_address, new("other", new byte[32]));
        using var lead = SharedJournalSpecs.Lead(one, "host");
        using var second = SharedJournalSpecs.Lead(other, "host");
        one.Append(SampleBlocks.After(one.Tail, 3));
        other.Append(SampleBlocks.After(other.Tail, 2, seed: 9));

        SharedJournalSpecs.Lines(other).Should().Equal(SampleBlocks.LineAt(1, 9), SampleBlocks.LineAt(2, 9));
        SharedJournalSpecs.Lines(one).Should().HaveCount(3);
    }

    [PostgresFact]
    public void A_connection_string_that_leads_nowhere_is_refused_and_says_why()
    {
        Says("Hots=127.0.0.1;Database=x").Should().Contain("no key of a PostgreSQL connection string; 'Host' is");
        Says("Database=x").Should().Contain("names no Host");
        Says("Host=127.0.0.1").Should().Contain("names no Database");
        Says("postgresql://bank@db/bank").Should().Contain("no URL");
        Says(With(b => b.Host = "no-such-host.invalid")).Should().Contain("no-such-host.invalid");
        Says(With(b => b.Database = "nowhere")).Should().Contain("no database 'nowhere'");
        Says(With(b => b.Username = "stranger")).Should().Contain("stranger");
        Says(With(b => b.SslMode = SslMode.Require)).Should().Contain("encryption");
    }

    [PostgresFact]
    public void A_wrong_password_is_refused_and_not_repeated()
    {
        PostgresFixture.DemandPasswordOf("careful", "right");

        Says(With(b => (b.Username, b.Password) = ("careful", "hunter2")))
            .Should().Contain("password of user 'careful'").And.NotContain("hunter2");
        Says(With(b => b.Username = "careful")).Should().Contain("password").And.Contain("careful");
    }

    [PostgresFact]
    public void A_setting_that_the_server_does_not_take_is_refused_by_its_key_and_not_repeated()
    {
        foreach (var key in (string[])["Options", "Client Encoding", "Timezone"])
            Says($"{_address};{key}=PW-SECRET-93").Should().Contain($"'{key}'").And.NotContain("PW-SECRET-93");
    }

    [PostgresFact]
    public void A_server_that_does_not_answer_is_unknown()
    {
        var nobody = With(b => b.Port = 1);

        Refusal(() => PostgresJournal.Open(nobody, "sample")).Kind.Should().Be(JournalFault.Unknown);
    }

    [PostgresFact]
    public void Who_may_not_create_is_told_so()
    {
        Sql("create role humble login");

        Says(With(b => b.Username = "humble"), create: true)
            .Should().Contain("permission denied").And.Contain("humble");
    }

    [PostgresFact]
    public void Settings_that_lose_what_was_acknowledged_are_refused_wherever_they_are_set()
    {
        PostgresJournal.Create(_address, Book).Dispose();
        Says(_address + ";Options=-c synchronous_commit=off").Should().Contain("synchronous_commit = off");
        Sql($"alter database {Database} set synchronous_commit = off");
        Says(_address).Should().Contain("synchronous_commit = off");
        Sql($"alter database {Database} reset synchronous_commit");
        Sql($"create role hasty{Database} superuser login; alter role hasty{Database} set synchronous_commit = off");
        Says(With(b => b.Username = $"hasty{Database}")).Should().Contain("synchronous_commit = off");

        using var journal = PostgresJournal.Open(_address, "sample");
        Sql($"alter database {Database} set synchronous_commit = off");
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        // A leader is not made on such a server either.
        Refusal(() => journal.TryLead("host")).Message.Should().Contain("synchronous_commit = off");
    }

    [PostgresFact]
    public void A_server_that_is_too_old_is_refused()
    {
        PostgresJournal.Create(_address, Book).Dispose();
        Sql($"""
            create schema past;
            create function past.current_setting(text) returns text language sql as
              $$ select case when $1 = 'server_version_num' then '130014' else pg_catalog.current_setting($1) end $$;
            alter database {Database} set search_path = past, pg_catalog
            """);

        Says(_address).Should().Contain("needs 14 or later");
    }

    [PostgresFact]
    public void Without_a_synchronous_standby_a_warning_says_what_fail_over_can_lose()
    {
        using var journal = PostgresJournal.Create(_address, Book);

        journal.Warnings.Should().ContainSingle().Which.Should().Contain("database fail-over can lose receipts");
    }

    [PostgresFact]
    public void A_newer_schema_is_refused()
    {
        PostgresJournal.Create(_address, Book).Dispose();
        Sql("update bank_journal.schema_version set version = 99");

        var refusal = Refusal(() => PostgresJournal.Open(_address, "sample"));
        refusal.Kind.Should().Be(JournalFault.NewerFormat);
        refusal.Message.Should().Contain("version 99");
    }

    [PostgresFact]
    public void A_schema_that_is_not_as_its_version_says_is_refused()
    {
        PostgresJournal.Create(_address, Book).Dispose();
        Sql("alter table bank_journal.blocks rename column root to roots");

        Says(_address).Should().Contain("blocks.root bytea");
    }

    [PostgresFact]
    public void Tables_of_something_else_are_named_and_left_alone()
    {
        Sql("create schema bank_journal");
        Sql("create table bank_journal.blocks(a int); create table bank_journal.other(a int)");

        var refusal = Refusal(() => PostgresJournal.Create(_address, Book));
        refusal.Kind.Should().Be(JournalFault.NotEmpty);
        refusal.Message.Should().Contain("blocks, other");
        Sql("select count(*) from pg_class where relnamespace = 'bank_journal'::regnamespace").Should().Be("2");
    }

    [PostgresFact]
    public void History_that_was_cut_off_is_noticed()
    {
        using var journal = Filled();
        Sql("delete from bank_journal.blocks where block = 3");

        Damage(() => journal.Refresh()).Should().Contain("block 3").And.Contain("cut off");
        Damage(() => Append(journal)).Should().Contain("cut off");
    }

    [PostgresFact]
    public void History_that_was_written_anew_is_noticed()
    {
        using var journal = Filled();
        Sql("delete from bank_journal.blocks where block = 3");
        using (var forger = PostgresJournal.Open(_address, "sample"))
            forger.Append(SampleBlocks.After(forger.Tail, 5, seed: 7));

        Damage(() => journal.Refresh()).Should().Contain("written anew");
        Damage(() => Append(journal)).Should().Contain("written anew");
    }

    [PostgresFact]
    public void A_root_that_was_changed_stops_appends()
    {
        using var journal = Filled();
        Sql("update bank_journal.blocks set root = sha256('other') where block = 3");

        Refusal(() => Append(journal)).Kind.Should().Be(JournalFault.Fenced);
    }

    [PostgresFact]
    public void Changed_bytes_are_named_by_block_and_position()
    {
        Filled().Dispose();
        using var journal = PostgresJournal.Open(_address, "sample");
        Sql("update bank_journal.blocks set lines = overlay(lines placing '\\x58'::bytea from 40) where block = 2");
        using var reader = journal.Read(1);

        reader.MoveNext().Should().BeTrue();
        Damage(() => reader.MoveNext()).Should().Contain("block 2").And.Contain("position 6").And.Contain("checksum");
        Damage(() => journal.TryReadEvent(7, new ArrayBufferWriter<byte>())).Should().Contain("block 2");
        reader.Current.Number.Should().Be(1);
    }

    [PostgresFact]
    public void Columns_that_are_not_those_of_the_seal_are_named()
    {
        Filled().Dispose();
        (string, string)[] changes =
            [("root = sha256(root)", "root = old"), ("last = last + 1000", "last = last - 1000")];
        foreach (var (change, back) in changes)
        {
            foreach (var block in new[] { 2, 3 })
            {
                Sql($"create table old as select root as old from bank_journal.blocks where block = {block}");
                Sql($"update bank_journal.blocks set {change} where block = {block}");
                Damage(ReadAll).Should().Contain($"block {block}, position {5 * (block - 1) + 1}:")
                    .And.Contain("not those of its seal");
                Sql($"update bank_journal.blocks set {back} from old where block = {block}; drop table old");
            }
        }
        ReadAll();

        object ReadAll()
        {
            using var journal = PostgresJournal.Open(_address, "sample");
            using var reader = journal.Read(1);
            while (reader.MoveNext()) { }
            return journal.Tail;
        }
    }

    [PostgresFact]
    public async Task Damage_in_a_store_is_named_with_what_mends_a_store_and_not_with_what_mends_files()
    {
        Filled().Dispose();
        using var shell = new Shell();
        foreach (var change in (string[])
            ["root = sha256(root)", "lines = overlay(lines placing '\\x58'::bytea from 40)"])
        {
            Sql($"update bank_journal.blocks set {change} where block = 3");
            var said = await shell.RunAsync(
                "journal", "check", "--journal", $"postgres:{_address}", "--book", "sample", "--json");
            (said.Exit, said.Text("code")).Should().Be((3, "journal.damaged"), said.Error);
            said.Text("why").Should().Contain("block 3, position 11")
                .And.EndWith("Restore the store from a backup, or copy the book back with 'journal copy'.")
                .And.NotContain("journal repair");
        }
    }

    [PostgresFact]
    public void A_last_block_that_is_damaged_stops_the_opening()
    {
        Filled().Dispose();
        Sql("update bank_journal.blocks set lines = lines || '\\x0a'::bytea where block = 3");

        Damage(() => PostgresJournal.Open(_address, "sample")).Should().Contain("block 3");
    }

    [PostgresFact]
    public void A_missing_block_is_damage_where_later_ones_stand()
    {
        Filled().Dispose();
        Sql("delete from bank_journal.blocks where block = 2");
        using var journal = PostgresJournal.Open(_address, "sample");
        using var reader = journal.Read(1);

        reader.MoveNext().Should().BeTrue();
        Damage(() => reader.MoveNext()).Should().Contain("block 2");
    }

    private PostgresJournal Filled()
    {
        var journal = PostgresJournal.Create(_address, Book);
        for (var block = 0; block < 3; block++) journal.Append(SampleBlocks.After(journal.Tail, 5));
        return journal;
    }

    private string With(Action<NpgsqlConnectionStringBuilder> change)
    {
        var builder = new NpgsqlConnectionStringBuilder(_address);
        change(builder);
        return builder.ConnectionString;
    }

    private string Sql(string text) => PostgresFixture.Cluster.Sql(Database, text);

    private static string Says(string address, bool create = false)
    {
        var refusal = Refusal(
            () => create ? PostgresJournal.Create(address, Book) : PostgresJournal.Open(address, "sample"));
        refusal.Kind.Should().Be(JournalFault.Refused, refusal.Message);
        return refusal.Message;
    }

    private static string Damage(Func<object> action)
    {
        var refusal = Refusal(action);
        refusal.Kind.Should().Be(JournalFault.Damaged, refusal.Message);
        return refusal.Message;
    }

    private static JournalTail Append(PostgresJournal journal)
    {
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        return journal.Tail;
    }

    private static JournalException Refusal(Func<object?> action) =>
        action.Should().Throw<JournalException>().Which;
}
