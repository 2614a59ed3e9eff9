using BankingEngine.Application.Journal;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>The list of destroyed keys in the database of the journal, in the table <c>destroyed_keys</c>.</summary>
/// <remarks>Apart from the key store, since opening that makes keys where there are none.</remarks>
internal static class PostgresDestroyedKeys
{
    /// <summary>The list of a book; empty where the database does not know the book.</summary>
    /// <exception cref="JournalException">NewerFormat, Refused or Unknown.</exception>
    public static DestroyedKeys Read(string connectionString, string book)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        return address.Asking(() =>
        {
            PostgresAddress.DemandFit(connection);
            var list = new DestroyedKeys();
            if (PostgresJournal.IdOf(connection, book) is not { } id) return list;
            using var question = new NpgsqlCommand("""
                select subject, key, at from bank_journal.destroyed_keys where book = $1 order by at, key
                """, connection);
            question.Parameters.Add(new() { Value = id });
            using var answer = question.ExecuteReader();
            while (answer.Read())
                list.Take(new DestroyedKey(
                    answer.GetString(0), answer.GetString(1), answer.GetFieldValue<DateTimeOffset>(2)));
            return list;
        });
    }

    /// <summary>Adds to a book's list, and destroys what stands there by then. All or nothing.</summary>
    /// <exception cref="JournalException">WrongBook, NewerFormat, Refused or Unknown.</exception>
    public static void Add(string connectionString, JournalIdentity book, DestroyedKeys list)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var plain = address.OpenPlain();
        address.Asking(() =>
        {
            var commit = PostgresAddress.DemandFit(plain);
            var id = PostgresJournal.Room(plain, book);
            using var pool = address.Pool(commit, most: 1);
            using var connection = pool.OpenBounded();
            using var adding = connection.BeginTransaction();
            foreach (var one in list.Keys)
            {
                Execute(connection, """
                    insert into bank_journal.destroyed_keys(book, key, subject, at) values ($1, $2, $3, $4)
                    on conflict do nothing
                    """, id, one.Print, one.Subject, one.At.ToUniversalTime());
            }
            Execute(connection, """
                delete from bank_journal.subject_keys k using bank_journal.destroyed_keys d
                where k.book = $1 and d.book = k.book and d.key = encode(sha256(k.key), 'hex')
                """, id);
            adding.Commit();
            return 0;
        });
    }

    internal static int Execute(NpgsqlConnection connection, string text, params object[] values)
    {
        using var command = new NpgsqlCommand(text, connection);
        command.CommandTimeout = PostgresAddress.QuestionSeconds;
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command.ExecuteNonQuery();
    }
}
