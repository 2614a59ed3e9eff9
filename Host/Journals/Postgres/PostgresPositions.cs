using System.Data.Common;
using BankingEngine.Application.Ports;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Positions in the database of the journal, in the table <c>positions</c>: every host of the book has the
/// same. Who reads under a name stands in <c>readers</c>, until when by the database's clock.</summary>
public sealed class PostgresPositions : IPositions, IDisposable
{
    private const int MostConnections = 4;

    private readonly NpgsqlDataSource _pool;
    private readonly int _id;

    private PostgresPositions(NpgsqlDataSource pool, int id) => (_pool, _id) = (pool, id);

    /// <summary>The positions of a book whose journal lies in a database.</summary>
    /// <exception cref="Application.Journal.JournalException">NotFound: the database has no such book. NewerFormat,
    /// Refused or Unknown.</exception>
    public static PostgresPositions Open(string connectionString, string book)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        var (id, commit) = address.Asking(() =>
        {
            var fit = PostgresAddress.DemandFit(connection);
            return (PostgresJournal.Find(connection, book).Id, fit);
        });
        return new(address.Pool(commit, MostConnections), id);
    }

    public Task<StoredPosition?> FindAsync(string name, CancellationToken cancellation) => AskAsync(
        "select name, position, at from bank_journal.positions where book = $1 and name = $2",
        ReadAsync, cancellation, name);

    public async Task<StoredPosition> AdvanceAsync(StoredPosition to, CancellationToken cancellation)
    {
        await DemandRoomAsync(to.Name, cancellation).ConfigureAwait(false);
        var stored = await AskAsync("""
            insert into bank_journal.positions as p (book, name, position, at) values ($1, $2, $3, $4)
            on conflict (book, name) do update set
              at = case when excluded.position > p.position then excluded.at else p.at end,
              position = greatest(p.position, excluded.position)
            returning name, position, at
            """, ReadAsync, cancellation, to.Name, to.Position, to.At.ToUniversalTime()).ConfigureAwait(false);
        return stored ?? to;
    }

    public async Task ResetAsync(StoredPosition to, CancellationToken cancellation)
    {
        await DemandRoomAsync(to.Name, cancellation).ConfigureAwait(false);
        await AskAsync("""
            insert into bank_journal.positions (book, name, position, at) values ($1, $2, $3, $4)
            on conflict (book, name) do update set position = excluded.position, at = excluded.at
            returning name, position, at
            """, ReadAsync, cancellation, to.Name, to.Position, to.At.ToUniversalTime()).ConfigureAwait(false);
    }

    public Task<IReadOnlyList<StoredPosition>> ListAsync(string prefix, CancellationToken cancellation) => AskAsync("""
        select name, position, at from bank_journal.positions
        where book = $1 and starts_with(name, $2) order by name collate "C"
        """, ReadAllAsync, cancellation, prefix);

    public async Task<bool> RemoveAsync(string name, CancellationToken cancellation) => await AskAsync(
        "delete from bank_journal.positions where book = $1 and name = $2 returning name, position, at",
        ReadAsync, cancellation, name).ConfigureAwait(false) is not null;

    public Task<bool> HoldAsync(string name, Guid holder, bool takeover, CancellationToken cancellation)
    {
        PositionNames.Demand(name);
        return AskAsync("""
            insert into bank_journal.readers as r (book, name, holder, until)
            values ($1, $2, $3, clock_timestamp() + $4)
            on conflict (book, name) do update set holder = excluded.holder, until = excluded.until
            where r.holder = excluded.holder or r.until < clock_timestamp() or $5
            returning name
            """, AnyAsync, cancellation, name, holder, Holds.Length, takeover);
    }

    public Task ReleaseAsync(string name, Guid holder, CancellationToken cancellation) => AskAsync("""
        delete from bank_journal.readers
        where book = $1 and (name = $2 and holder = $3 or until < clock_timestamp()) returning name
        """, AnyAsync, cancellation, name, holder);

    public Task<IReadOnlySet<string>> HeldAsync(string prefix, CancellationToken cancellation) => AskAsync<IReadOnlySet<string>>(
        "select name from bank_journal.readers where book = $1 and starts_with(name, $2) and until >= clock_timestamp()",
        static async (rows, cancellation) =>
        {
            var names = new HashSet<string>();
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) names.Add(rows.GetString(0));
            return names;
        },
        cancellation, prefix);

    public void Dispose() => _pool.Dispose();

    /// <summary>Two who come at once may pass by one; the bound is against growth, not a law.</summary>
    private async Task DemandRoomAsync(string name, CancellationToken cancellation)
    {
        PositionNames.Demand(name);
        var others = await AskAsync(
            "select '', count(*), now() from bank_journal.positions where book = $1 and name <> $2",
            ReadAsync, cancellation, name).ConfigureAwait(false);
        if (others?.Position >= PositionNames.Most)
            throw new PositionsUnavailableException($"There are {PositionNames.Most} positions already.");
    }

    private static async Task<StoredPosition?> ReadAsync(DbDataReader rows, CancellationToken cancellation) =>
        await rows.ReadAsync(cancellation).ConfigureAwait(false) ? RowOf(rows) : null;

    private static async Task<IReadOnlyList<StoredPosition>> ReadAllAsync(
        DbDataReader rows, CancellationToken cancellation)
    {
        var all = new List<StoredPosition>();
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) all.Add(RowOf(rows));
        return all;
    }

    private static Task<bool> AnyAsync(DbDataReader rows, CancellationToken cancellation) => rows.ReadAsync(cancellation);

    private static StoredPosition RowOf(DbDataReader row) =>
        new(row.GetString(0), row.GetInt64(1), row.GetFieldValue<DateTimeOffset>(2));

    private async Task<T> AskAsync<T>(
        string text, Func<DbDataReader, CancellationToken, Task<T>> read, CancellationToken cancellation,
        params object[] values)
    {
        try
        {
            await using var connection = await _pool.OpenBoundedAsync(cancellation).ConfigureAwait(false);
            await using var command = new NpgsqlCommand(text, connection);
            command.CommandTimeout = PostgresAddress.QuestionSeconds;
            command.Parameters.Add(new() { Value = _id });
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            await using var rows = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            return await read(rows, cancellation).ConfigureAwait(false);
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            throw new PositionsUnavailableException($"PostgreSQL did not keep or find a position: {fault.Message}", fault);
        }
    }
}
