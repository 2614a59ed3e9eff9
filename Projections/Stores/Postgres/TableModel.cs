using System.Collections.Immutable;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>A table of a read model.</summary>
/// <param name="Columns">Names, types and comments in order.</param>
/// <param name="Key">Columns of the primary key.</param>
/// <param name="Indexes">What follows <c>create index on …</c>.</param>
/// <param name="Comment">What a row is, for whoever reads the database.</param>
internal sealed record TableShape(
    string Name, string Comment, string Key, ImmutableArray<string> Indexes, ImmutableArray<ColumnShape> Columns,
    string Storage = "")
{
    /// <summary>The names of the columns, for a copy.</summary>
    public string Names => string.Join(", ", Columns.Select(column => column.Name));

    public string Create(string schema) =>
        $"create table {schema}.{Name} ({string.Join(", ", Columns.Select(c => $"{c.Name} {c.Type}"))}) {Storage}";

    /// <summary>The key and the indexes: made at once with an empty table, after the rows in a rebuild.</summary>
    public IEnumerable<string> CreateIndexes(string schema) =>
        Indexes.Select(index => $"create index on {schema}.{Name} {index}")
            .Prepend($"alter table {schema}.{Name} add primary key ({Key})");

    public IEnumerable<string> Comments(string schema) =>
        Columns.Select(c => $"comment on column {schema}.{Name}.{c.Name} is {StoreSchema.Literal(c.Comment)}")
            .Prepend($"comment on table {schema}.{Name} is {StoreSchema.Literal(Comment)}");
}

internal sealed record ColumnShape(string Name, string Type, string Comment);

/// <summary>What an event cannot be turned into rows for; it stops the read model at that event.</summary>
internal sealed class PoisonException(long position, string reason) : Exception(reason)
{
    public long Position { get; } = position;
}

/// <summary>Where a model's rows go: an open transaction.</summary>
/// <param name="Schema">Quoted.</param>
/// <param name="IsFresh">The tables were made in this transaction: they are copied into frozen.</param>
/// <param name="IsRebuild">The transaction goes on after the rows.</param>
internal sealed record TableTarget(NpgsqlConnection Connection, string Schema, bool IsFresh, bool IsRebuild = false)
{
    /// <summary>Sends rows that change others into a temporary table, which is empty at the begin of a
    /// transaction.</summary>
    public void SendChanges(CopyRows rows, string table, string names)
    {
        if (IsRebuild) Run($"truncate pg_temp.{table}");
        rows.Send(Connection, $"pg_temp.{table} ({names})");
    }

    public void Send(CopyRows rows, TableShape table) =>
        rows.Send(Connection, $"{Schema}.{table.Name} ({table.Names})", IsFresh ? ", freeze" : "");

    public int Run(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    public NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(sql, Connection) { CommandTimeout = 0 };
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }
}

/// <summary>
/// A read model whose rows are tables: gathers events, and writes what they make of the tables in one go. Not for use
/// by two threads at once.
/// </summary>
/// <param name="name">The same as that of the model in memory that answers the same questions.</param>
/// <param name="version">Raised when the same events give other rows: what an older version stored is built
/// anew.</param>
internal abstract class TableModel(string name, int version)
{
    public string Name { get; } = name;

    public int Version { get; } = version;

    public abstract ImmutableArray<TableShape> Tables { get; }

    /// <summary>How long it waits for further events once there is one: under load blocks come faster than this, and
    /// several are taken at once.</summary>
    public virtual TimeSpan Linger => TimeSpan.FromMilliseconds(2);

    /// <summary>An empty one of the same kind, to build the tables anew beside the live ones.</summary>
    public abstract TableModel Fresh();

    /// <summary>Makes what the session needs beside the tables: temporary ones, for changes of rows that are in.
    /// </summary>
    public abstract void Prepare(TableTarget target);

    /// <summary>Takes one event, in order. Writes nothing yet.</summary>
    /// <exception cref="Exception">The event cannot be taken: what was taken is to be forgotten.</exception>
    public abstract void Take(in LineHead head, Event @event, ImmutableArray<Leg> legs);

    /// <summary>Writes what all events taken since the last time make of the tables.</summary>
    /// <exception cref="PoisonException">One of them cannot be taken.</exception>
    public abstract void Write(TableTarget target);

    /// <summary>Writes what tables that are built anew hold back while they have no indexes: rows that may still
    /// change.</summary>
    public abstract void Finish(TableTarget target);

    /// <summary>Drops what was taken, and all that is remembered of the tables: they are as somebody left them.
    /// </summary>
    public abstract void Forget();

    /// <summary>The bank's word for a case, as everywhere on the wire.</summary>
    protected static string Word<T>(T value) where T : struct, Enum =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
