using BankingEngine.Application.Journal;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>The tables of all journals in a database, in the schema <c>bank_journal</c>: made and migrated here.
/// </summary>
/// <remarks>
/// <c>books</c> names each book with its genesis; <c>blocks</c> holds a row a block; <c>leads</c> who leads, in which
/// term; <c>digests</c> the leader's notes; <c>subject_keys</c> and <c>secrets</c> what personal text is sealed with;
/// <c>positions</c> how far followers are; <c>destroyed_keys</c> the SHA-256 of each key that was destroyed;
/// <c>readers</c> which host reads for a follower, and until when.
/// </remarks>
internal static class PostgresSchema
{
    public const string Name = "bank_journal";

    /// <summary>Makes one opener at a time create or migrate.</summary>
    private const long MakingLock = 0x62616E6B_6A6F7572;

    // Lines are kept under lz4: a block of 512 KiB takes 143 KiB, also in the log, and went in at least as fast as
    // uncompressed (EXTERNAL; 690 to 809 against 386 to 499 blocks a second in turns, no clear difference on a busier
    // machine); under pglz 150. A block of 20 KiB takes 6 KiB; which is faster there varied from run to run. PostgreSQL
    // 15, two cores, virtual disk. A server built without lz4 keeps the lines as they are.

    /// <summary>Each brings the schema from the version of its index to the next.</summary>
    private static readonly string[] Steps =
    [
        """
        create schema if not exists bank_journal;
        create table bank_journal.schema_version(version integer not null);
        insert into bank_journal.schema_version values (0);
        create table bank_journal.books(
          id integer generated always as identity primary key,
          name text not null unique,
          genesis bytea not null);
        create table bank_journal.blocks(
          book integer not null,
          block bigint not null,
          last bigint not null,
          root bytea not null,
          seal bytea not null,
          lines bytea not null,
          primary key (book, block),
          unique (book, last));
        do $$ begin
          alter table bank_journal.blocks alter column lines set compression lz4;
        exception when feature_not_supported then
          alter table bank_journal.blocks alter column lines set storage external;
        end $$;
        create table bank_journal.leads(
          book integer primary key,
          term bigint not null,
          host uuid not null,
          leader text not null,
          released boolean not null,
          since timestamptz not null);
        create table bank_journal.digests(
          book integer not null,
          position bigint not null,
          block bigint not null,
          digest bytea not null,
          tables text not null,
          primary key (book, position));
        create table bank_journal.subject_keys(
          book integer not null,
          subject text not null,
          key bytea not null,
          primary key (book, subject));
        create table bank_journal.secrets(
          book integer not null,
          name text not null,
          secret bytea not null,
          primary key (book, name));
        """,
        """
        create table bank_journal.positions(
          book integer not null,
          name text not null,
          position bigint not null,
          at timestamptz not null,
          primary key (book, name));
        """,
        """
        create table bank_journal.destroyed_keys(
          book integer not null,
          key text not null,
          subject text not null,
          at timestamptz not null,
          primary key (book, key));
        """,
        """
        create table bank_journal.readers(
          book integer not null,
          name text not null,
          holder uuid not null,
          until timestamptz not null,
          primary key (book, name));
        """,
    ];

    /// <summary>Columns of the newest version, as table.column type.</summary>
    private static readonly string[] Columns =
    [
        "books.id integer", "books.name text", "books.genesis bytea",
        "blocks.book integer", "blocks.block bigint", "blocks.last bigint", "blocks.root bytea", "blocks.seal bytea",
        "blocks.lines bytea",
        "leads.book integer", "leads.term bigint", "leads.host uuid", "leads.leader text", "leads.released boolean",
        "leads.since timestamp with time zone",
        "digests.book integer", "digests.position bigint", "digests.block bigint", "digests.digest bytea",
        "digests.tables text",
        "subject_keys.book integer", "subject_keys.subject text", "subject_keys.key bytea",
        "secrets.book integer", "secrets.name text", "secrets.secret bytea",
        "positions.book integer", "positions.name text", "positions.position bigint",
        "positions.at timestamp with time zone",
        "destroyed_keys.book integer", "destroyed_keys.key text", "destroyed_keys.subject text",
        "destroyed_keys.at timestamp with time zone",
        "readers.book integer", "readers.name text", "readers.holder uuid", "readers.until timestamp with time zone",
    ];

    /// <summary>Brings the schema to the newest version; makes it where it is missing, if that is wanted.</summary>
    /// <param name="create">False: a database without the schema is left as it is.</param>
    /// <returns>False where there is none.</returns>
    /// <exception cref="JournalException">NewerFormat; NotEmpty: tables of something else stand there; Refused: tables
    /// are not as their version says. Nothing was written.</exception>
    public static bool Prepare(NpgsqlConnection connection, bool create)
    {
        using var making = connection.BeginTransaction();
        Execute(connection, $"select pg_advisory_xact_lock({MakingLock})");
        var columns = ColumnsFound(connection);
        var tables = columns.Select(column => column[..column.IndexOf('.')]).Distinct().ToArray();
        var version = 0;
        if (tables.Contains("schema_version")) version = Version(connection);
        else if (tables.Length > 0)
        {
            throw new JournalException(JournalFault.NotEmpty, $"The schema {Name} of database '{connection.Database}' "
                + $"holds tables of something else: {string.Join(", ", tables)}.");
        }
        else if (!create) return false;
        if (version > Steps.Length)
        {
            throw new JournalException(
                JournalFault.NewerFormat, $"The schema {Name} of database '{connection.Database}' is of version {version}, made "
                + $"by a later release; this one knows up to {Steps.Length}.");
        }
        foreach (var step in Steps[version..]) Execute(connection, step);
        if (version < Steps.Length)
        {
            Execute(connection, $"update {Name}.schema_version set version = {Steps.Length}");
            columns = ColumnsFound(connection);
        }
        var missing = Columns.Except(columns, StringComparer.Ordinal).ToArray();
        if (missing.Length > 0)
        {
            throw new JournalException(
                JournalFault.Refused, $"The schema {Name} of database '{connection.Database}' is not as its "
                + $"version says; it lacks {string.Join(", ", missing)}.");
        }
        making.Commit();
        return true;
    }

    private static int Version(NpgsqlConnection connection)
    {
        using var question = new NpgsqlCommand($"select max(version) from {Name}.schema_version", connection);
        return question.ExecuteScalar() is int version and > 0
            ? version
            : throw new JournalException(JournalFault.Refused, $"The table {Name}.schema_version states no version.");
    }

    private static List<string> ColumnsFound(NpgsqlConnection connection)
    {
        using var question = new NpgsqlCommand("""
            select t.relname || '.' || c.attname || ' ' || format_type(c.atttypid, null)
            from pg_class t join pg_attribute c on c.attrelid = t.oid
            where t.relnamespace = to_regnamespace($1) and t.relkind in ('r', 'p', 'v', 'm', 'f')
              and c.attnum > 0 and not c.attisdropped
            order by t.relname, c.attnum
            """, connection);
        question.Parameters.Add(new() { Value = Name });
        using var answer = question.ExecuteReader();
        List<string> columns = [];
        while (answer.Read()) columns.Add(answer.GetString(0));
        return columns;
    }

    private static void Execute(NpgsqlConnection connection, string text)
    {
        using var command = new NpgsqlCommand(text, connection);
        command.ExecuteNonQuery();
    }
}
