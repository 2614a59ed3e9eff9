using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Keys in the database of the journal, so that every host of the book has the same.</summary>
/// <remarks>
/// Whoever may read the tables <c>subject_keys</c> and <c>secrets</c> may read what is sealed: give other users of the
/// database no right to them, and leave them out of the journal's backup to keep one apart. A destroyed key is
/// overwritten, deleted and vacuumed; archived write-ahead log and old backups still hold it until they end. Another
/// host forgets it within <see cref="KeptFor"/>. It stands in <c>destroyed_keys</c> from the same transaction on, and is
/// destroyed wherever it turns up again, as from a copy of the keys.
/// </remarks>
public sealed class PostgresKeyStore : IKeyStore, IMovableKeys
{
    /// <summary>Keys kept in memory; when full all are read anew as they are needed.</summary>
    private const int MaxCached = 100_000;

    private const int MostConnections = 4;

    /// <summary>How long a key is used without asking whether it was destroyed on another host.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>Holds for a row k of subject_keys whose key was destroyed.</summary>
    private const string IsDestroyed = """
        exists (select 1 from bank_journal.destroyed_keys d
        where d.book = k.book and d.key = encode(sha256(k.key), 'hex'))
        """;

    private readonly ConcurrentDictionary<string, (byte[] Key, long Since)> _cache = new(StringComparer.Ordinal);
    private readonly NpgsqlDataSource _pool;
    private readonly int _id;
    private readonly string _book;
    private readonly byte[] _token;

    private PostgresKeyStore(NpgsqlDataSource pool, int id, string book)
    {
        (_pool, _id, _book) = (pool, id, book);
        _token = Named("token", () => RandomNumberGenerator.GetBytes(SealedText.KeyBytes));
    }

    /// <summary>The keys of a book whose journal lies in a database.</summary>
    /// <exception cref="JournalException">NotFound: the database has no such book. NewerFormat, Refused or
    /// Unknown.</exception>
    public static PostgresKeyStore Open(string connectionString, string book) =>
        Open(connectionString, book, connection => PostgresJournal.Find(connection, book).Id);

    /// <summary>The keys of a book whose journal may lie elsewhere: where the database does not know the book, a place
    /// for them is made.</summary>
    /// <exception cref="JournalException">WrongBook: it knows another of its name. NewerFormat, Refused or Unknown.
    /// </exception>
    public static PostgresKeyStore Open(string connectionString, JournalIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return Open(connectionString, identity.Book, connection => PostgresJournal.Room(connection, identity));
    }

    private static PostgresKeyStore Open(string connectionString, string book, Func<NpgsqlConnection, int> find)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        var (id, commit) = address.Asking(() =>
        {
            var fit = PostgresAddress.DemandFit(connection);
            return (find(connection), fit);
        });
        var pool = address.Pool(commit, MostConnections);
        try
        {
            return new(pool, id, book);
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    public string Seal(string subject, string field, string text)
    {
        var key = Find(subject) ?? Remember(subject, Kept(
            "insert into bank_journal.subject_keys(book, subject, key) values ($1, $2, $3) on conflict do nothing",
            "select key from bank_journal.subject_keys where book = $1 and subject = $2",
            subject, RandomNumberGenerator.GetBytes(SealedText.KeyBytes)));
        return SealedText.Seal(key, subject, Bound(field), text);
    }

    public bool TryOpen(string field, string sealedText, out string text)
    {
        text = "";
        return SealedText.SubjectOf(sealedText) is { } subject && AccountId.TryParse(subject, out _)
            && Find(subject) is { } key && SealedText.TryOpen(key, Bound(field), sealedText, out text);
    }

    public bool Destroy(string subject)
    {
        _cache.TryRemove(subject, out _);
        if (Find(subject) is null || !DestroyListed(subject)) return false;
        _cache.TryRemove(subject, out _);
        try
        {
            // Old versions of the row leave the table's pages; whoever does not own the table leaves it to autovacuum.
            using var connection = _pool.OpenBounded();
            using var vacuum = new NpgsqlCommand("vacuum bank_journal.subject_keys", connection);
            vacuum.CommandTimeout = PostgresAddress.QuestionSeconds;
            vacuum.ExecuteNonQuery();
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            // The key is gone for every reader; what is left to do the database does by itself.
        }
        return true;
    }

    public UInt128 Token(string field, string text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_token, Encoding.UTF8.GetBytes($"{field}\0{text}"), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    public byte[] Named(string name, Func<byte[]> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        const string read = "select secret from bank_journal.secrets where book = $1 and name = $2";
        return Read(read, name) ?? Kept(
            "insert into bank_journal.secrets(book, name, secret) values ($1, $2, $3) on conflict do nothing",
            read, name, make());
    }

    public IEnumerable<HeldKey> SubjectKeys() => List(
        $"select subject, key from bank_journal.subject_keys k where book = $1 and not {IsDestroyed} order by subject");

    public IEnumerable<HeldKey> Secrets() =>
        List("select name, secret from bank_journal.secrets where book = $1 order by name");

    public void TakeSubjectKey(in HeldKey held)
    {
        Execute("""
            insert into bank_journal.subject_keys(book, subject, key)
            select $1, $2, $3 where not exists (
              select 1 from bank_journal.destroyed_keys where book = $1 and key = encode(sha256($3), 'hex'))
            on conflict (book, subject) do update set key = excluded.key
            """, held.Name, held.Key);
        _cache.TryRemove(held.Name, out _);
    }

    public void TakeSecret(in HeldKey held) => Execute("""
        insert into bank_journal.secrets(book, name, secret) values ($1, $2, $3)
        on conflict (book, name) do update set secret = excluded.secret
        """, held.Name, held.Key);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_token);
        _cache.Clear();
        _pool.Dispose();
    }

    private string Bound(string field) => $"{_book}\0{field}";

    private byte[]? Find(string subject)
    {
        if (_cache.TryGetValue(subject, out var cached) && Stopwatch.GetElapsedTime(cached.Since) < KeptFor)
            return cached.Key;
        var key = Living(subject);
        if (key is not null) return Remember(subject, key);
        _cache.TryRemove(subject, out _);
        return null;
    }

    /// <summary>A key that was not destroyed; one that was, and is here again, is destroyed again.</summary>
    private byte[]? Living(string subject)
    {
        var (key, destroyed) = Asking(
            $"select key, {IsDestroyed} from bank_journal.subject_keys k where book = $1 and subject = $2", [subject],
            static command =>
            {
                using var reader = command.ExecuteReader();
                return reader.Read() ? (reader.GetFieldValue<byte[]>(0), reader.GetBoolean(1)) : default;
            });
        if (!destroyed) return key;
        Execute("delete from bank_journal.subject_keys where book = $1 and subject = $2 and key = $3", subject, key);
        return null;
    }

    /// <summary>Puts a key on the list and destroys it, both or neither.</summary>
    /// <returns>False where there is none.</returns>
    private bool DestroyListed(string subject)
    {
        try
        {
            using var connection = _pool.OpenBounded();
            using var destroying = connection.BeginTransaction();
            var listed = PostgresDestroyedKeys.Execute(connection, """
                insert into bank_journal.destroyed_keys(book, key, subject, at)
                select book, encode(sha256(key), 'hex'), subject, now()
                from (select * from bank_journal.subject_keys where book = $1 and subject = $2 for update) held
                on conflict do nothing
                """, _id, subject);
            if (listed == 0) return false;
            PostgresDestroyedKeys.Execute(
                connection, "update bank_journal.subject_keys set key = $3 where book = $1 and subject = $2",
                _id, subject, RandomNumberGenerator.GetBytes(SealedText.KeyBytes));
            PostgresDestroyedKeys.Execute(
                connection, "delete from bank_journal.subject_keys where book = $1 and subject = $2", _id, subject);
            destroying.Commit();
            return true;
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            throw PostgresFaults.Running(fault, "A key was not destroyed");
        }
    }

    private byte[] Remember(string subject, byte[] key)
    {
        if (_cache.Count >= MaxCached) _cache.Clear();
        _cache[subject] = (key, Stopwatch.GetTimestamp());
        return key;
    }

    /// <summary>The bytes under a name, whoever was the first to write them.</summary>
    private byte[] Kept(string insert, string read, string name, byte[] mine)
    {
        Execute(insert, name, mine);
        return Read(read, name)
            ?? throw new JournalException(JournalFault.Unknown, $"The key of {name} was destroyed as it was made.");
    }

    private byte[]? Read(string text, string name) =>
        Asking(text, [name], command => command.ExecuteScalar() as byte[]);

    private List<HeldKey> List(string text) => Asking(text, [], command =>
    {
        var held = new List<HeldKey>();
        using var reader = command.ExecuteReader();
        while (reader.Read()) held.Add(new(reader.GetString(0), reader.GetFieldValue<byte[]>(1)));
        return held;
    });

    private int Execute(string text, params object[] values) =>
        Asking(text, values, command => command.ExecuteNonQuery());

    private T Asking<T>(string text, object[] values, Func<NpgsqlCommand, T> ask)
    {
        try
        {
            using var connection = _pool.OpenBounded();
            using var command = new NpgsqlCommand(text, connection);
            command.CommandTimeout = PostgresAddress.QuestionSeconds;
            command.Parameters.Add(new() { Value = _id });
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            return ask(command);
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            throw PostgresFaults.Running(fault, "A key was not read or written");
        }
    }
}
