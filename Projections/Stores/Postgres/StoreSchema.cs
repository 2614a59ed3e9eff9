using System.Buffers;
using System.Security.Cryptography;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>The store holds something else than this program expects; nothing was written.</summary>
public sealed class StoreMismatchException(string message) : Exception(message);

/// <summary>Where a stored read model stands, as its row says.</summary>
/// <param name="Generation">Raised by every rebuild: who wrote to the tables before it writes no more.</param>
/// <param name="Root">The journal's root as the seal of the position's block states it.</param>
internal sealed record StoredState(
    int Version, long Generation, long Position, Instant At, byte[] Root, ProjectionFault? Fault);

/// <summary>
/// The schema of one book: which book it is, where its read models stand, and their tables. Made and brought up to date
/// by the program.
/// </summary>
internal sealed class StoreSchema(JournalFeed feed, string book)
{
    /// <summary>Names in PostgreSQL have at most 63 bytes; a book's have at most sixteen.</summary>
    private const string Prefix = "bank_";

    private const string States = "projections";

    /// <summary>The schema's name, to be written into statements.</summary>
    public string Quoted { get; } = Quote(Prefix + book);

    /// <summary>Where tables are built anew, until they take the place of the live ones. No book's name has a colon: a
    /// book may be called as another one and its model.</summary>
    public string Beside(string model) => Quote($"{Prefix}{book}:{model}");

    /// <summary>Names the lock that the one writer of a model holds, over all hosts. With a point instead of the colon it
    /// would be the lock under which another book's schema is made.</summary>
    public string LockOf(string model) => $"{Prefix}{book}:{model}";

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Makes what is not there yet, and checks that what is there is this book's.</summary>
    /// <exception cref="StoreMismatchException">It is another book's.</exception>
    public void Ensure(NpgsqlConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        var target = new TableTarget(connection, Quoted, IsFresh: false);
        var isWhole = IsDescribed(target);
        if (!isWhole)
        {
            // Two hosts that start at once make it once.
            Lock(target);
            using var found = target.Command("select 1 from pg_namespace where nspname = $1",
                new NpgsqlParameter { Value = Prefix + book });
            if (found.ExecuteScalar() is null) target.Run(Definition());
        }
        using (var stored = target.Command($"select first_event from {Quoted}.book"))
        {
            if (stored.ExecuteScalar() is not byte[] first || !first.AsSpan().SequenceEqual(FirstEvent()))
                throw new StoreMismatchException($"The schema {Quoted} holds the read models of another book.");
        }
        if (!isWhole && !IsDescribed(target)) Describe(target);
        transaction.Commit();
    }

    /// <summary>Brings the views up to date, as far as their tables are there: whoever makes the last table makes the
    /// last view.</summary>
    public void EnsureViews(NpgsqlConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        var target = new TableTarget(connection, Quoted, IsFresh: false);
        Lock(target);
        var layout = LayoutOf(target);
        using (var found = target.Command(
            "select count(*) from pg_views where schemaname = $1 and viewname = any($2)",
            new() { Value = Prefix + book }, new() { Value = ReportViews.All.Select(view => view.Name).ToArray() }))
        {
            var isThere = layout == ReportViews.Version && (long)found.ExecuteScalar()! == ReportViews.All.Length;
            // Those of a newer program are its own to mend.
            if (isThere || layout > ReportViews.Version) return;
        }
        if (MakeViews(target, ReportViews.All, table => $"{Quoted}.{table}") == ReportViews.All.Length)
        {
            target.Run(ReportViews.After(Quoted));
            target.Run($"update {Quoted}.book set layout = $1", new NpgsqlParameter { Value = ReportViews.Version });
        }
        transaction.Commit();
    }

    /// <summary>Makes those of some views whose tables are there, or lets them read other tables.</summary>
    /// <param name="at">Where each table is.</param>
    /// <returns>How many were made.</returns>
    /// <exception cref="StoreMismatchException">They are a newer program's.</exception>
    public int MakeViews(TableTarget target, IEnumerable<ViewShape> views, Func<string, string> at)
    {
        if (LayoutOf(target) is var layout && layout > ReportViews.Version)
            throw new StoreMismatchException(
                $"The views have version {layout}; this program knows {ReportViews.Version}.");
        target.Run(ReportViews.Before(Quoted));
        var made = 0;
        foreach (var view in views.Where(view => view.Tables.All(table => Exists(target, at(table)))))
        {
            target.Run(view.Create(Quoted, at));
            target.Run(string.Join(";", view.Comments(Quoted)));
            made++;
        }
        return made;
    }

    /// <summary>Waits until nobody else makes tables or views of this schema; until the end of the
    /// transaction.</summary>
    public void Lock(TableTarget target) => target.Run(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))", new NpgsqlParameter { Value = Prefix + book });

    public static bool Exists(TableTarget target, string table)
    {
        using var command = target.Command("select to_regclass($1) is not null", new NpgsqlParameter { Value = table });
        return command.ExecuteScalar() is true;
    }

    /// <summary>Reads where a model stands; null where it was never stored.</summary>
    /// <param name="suffix">Behind the query, to lock the row.</param>
    public StoredState? StateOf(TableTarget target, string model, string suffix = "")
    {
        using var command = target.Command(
            $"""
            select version, generation, position, (extract(epoch from recorded_at) * 1000000)::bigint, root,
              fault_position, fault_reason from {Quoted}.{States} where name = $1 {suffix}
            """, new NpgsqlParameter { Value = model });
        using var row = command.ExecuteReader();
        if (!row.Read()) return null;
        var fault = row.IsDBNull(5) ? null : new ProjectionFault(row.GetInt64(5), row.GetString(6));
        return new(row.GetInt32(0), row.GetInt64(1), row.GetInt64(2), new(row.GetInt64(3)), (byte[])row[4], fault);
    }

    /// <summary>Makes the empty tables of a model and its row, where they are not there yet.</summary>
    public void EnsureModel(NpgsqlConnection connection, TableModel model)
    {
        var target = new TableTarget(connection, Quoted, IsFresh: false);
        if (StateOf(target, model.Name) is not null) return;
        using var transaction = connection.BeginTransaction();
        Lock(target);
        if (StateOf(target, model.Name) is null) Found(target, model);
        transaction.Commit();
    }

    private void Found(TableTarget target, TableModel model)
    {
        foreach (var table in model.Tables)
        {
            target.Run(table.Create(Quoted));
            Each(target, table.CreateIndexes(Quoted));
            Each(target, table.Comments(Quoted));
        }
        target.Run(
            $"insert into {Quoted}.{States} (name, version, generation, position, recorded_at, root) "
            + "values ($1, $2, 1, 0, to_timestamp(0), $3)",
            new() { Value = model.Name }, new() { Value = model.Version },
            new() { Value = JournalTail.EmptyRoot.ToArray() });
    }

    /// <summary>Moves a model's row on, in the transaction of its rows.</summary>
    /// <returns>False where somebody else has moved it, or built the model anew: roll back.</returns>
    public bool Advance(TableTarget target, string model, StoredState from, long position, Instant at, byte[] root) =>
        target.Run(
            $"""
            update {Quoted}.{States} set position = $1, recorded_at = to_timestamp($2::numeric / 1000000), root = $3,
              updated_at = now() where name = $4 and generation = $5 and position = $6 and fault_position is null
            """,
            new() { Value = position }, new() { Value = at.Microseconds }, new() { Value = root },
            new() { Value = model }, new() { Value = from.Generation }, new() { Value = from.Position }) == 1;

    /// <summary>Notes the event that a model cannot take: it goes no further until it is built anew.</summary>
    public void Stop(TableTarget target, string model, ProjectionFault fault) => target.Run(
        $"update {Quoted}.{States} set fault_position = $1, fault_reason = $2, updated_at = now() where name = $3",
        new() { Value = fault.Position }, new() { Value = fault.Reason }, new() { Value = model });

    /// <summary>Notes a model that was built anew.</summary>
    public void Renew(TableTarget target, TableModel model, long position, Instant at, byte[] root) => target.Run(
        $"""
        update {Quoted}.{States} set version = $1, generation = generation + 1, position = $2,
          recorded_at = to_timestamp($3::numeric / 1000000), root = $4, fault_position = null, fault_reason = null,
          updated_at = now() where name = $5
        """,
        new() { Value = model.Version }, new() { Value = position }, new() { Value = at.Microseconds },
        new() { Value = root }, new() { Value = model.Name });

    public static void Each(TableTarget target, IEnumerable<string> statements)
    {
        foreach (var statement in statements) target.Run(statement);
    }

    private int LayoutOf(TableTarget target)
    {
        using var command = target.Command($"select layout from {Quoted}.book");
        return (int)command.ExecuteScalar()!;
    }

    private bool IsDescribed(TableTarget target)
    {
        using var known = target.Command(
            "select 1 from pg_attribute where attrelid = to_regclass($1) and attname = 'functional_scale'",
            new NpgsqlParameter { Value = $"{Quoted}.book" });
        return known.ExecuteScalar() is not null;
    }

    /// <summary>Writes down what reports are in: schemas that are older than the views do not have it.</summary>
    private void Describe(TableTarget target)
    {
        if (EventLine.Read(FirstLine()).Recorded.Event is not BookEvent.Opened opened)
            throw new StoreMismatchException("The book's first event is not its opening.");
        var code = opened.Genesis.Functional;
        target.Run(
            $"""
            alter table {Quoted}.book add primary key (name),
              add functional_currency text collate "C", add functional_scale smallint;
            update {Quoted}.book set functional_currency = {Literal(code.ToString())},
              functional_scale = {opened.Assets.Single(asset => asset.Code == code).Scale};
            comment on column {Quoted}.book.layout is 'Version of the views.';
            comment on column {Quoted}.book.functional_currency is 'The currency in which the entity measures itself.';
            comment on column {Quoted}.book.functional_scale is 'Its decimals.'
            """);
    }

    /// <summary>What tells one book from another: the hash of its first event.</summary>
    private byte[] FirstEvent() => SHA256.HashData(FirstLine());

    private ReadOnlySpan<byte> FirstLine()
    {
        var line = new ArrayBufferWriter<byte>(1024);
        return feed.Journal.TryReadEvent(1, line)
            ? line.WrittenSpan
            : throw new StoreMismatchException("The book has no first event yet.");
    }

    private string Definition() =>
        $"""
        create schema {Quoted};
        comment on schema {Quoted} is {Literal($"Read models of the book {book}: rows made of its events, to be read, "
            + "never written. SCHEMA.md describes them.")};
        create table {Quoted}.book (name text not null, first_event bytea not null, layout int not null);
        comment on table {Quoted}.book is 'Which book this is: its name and the SHA-256 of its first event.';
        insert into {Quoted}.book values ({Literal(book)}, '\x{Convert.ToHexString(FirstEvent())}', 1);
        create table {Quoted}.{States} (
          name text primary key, version int not null, generation bigint not null, position bigint not null,
          recorded_at timestamptz not null, root bytea not null, fault_position bigint, fault_reason text,
          updated_at timestamptz not null default now());
        comment on table {Quoted}.{States} is 'Where each read model stands: events up to position are in its tables.';
        comment on column {Quoted}.{States}.recorded_at is 'Engine time of the event at position.';
        comment on column {Quoted}.{States}.fault_position is 'The event that could not be taken; null: it goes on.';
        """;
}
