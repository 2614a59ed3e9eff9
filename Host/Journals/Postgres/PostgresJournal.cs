using System.Data;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;
using NpgsqlTypes;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>The journal of one book in a PostgreSQL database, one row a block.</summary>
/// <remarks>
/// The primary key (book, block) is the fence. A block goes in by one statement that also demands the root of the block
/// before it and, under a lead, that the lead's term is still the newest. Whoever takes the lead raises the term first
/// and leads when the lease of the one before has run out: no two answer at the same time.
/// <para>A server that waits for a synchronous standby, and is made to wait no longer (a time limit, a cancelled
/// statement), commits all the same, on its own disk alone, and says so by a warning; after a crash it shows the block
/// without one. Neither counts: such a block is acknowledged when a later commit has reached the standby.</para>
/// </remarks>
public sealed class PostgresJournal : SharedJournal
{
    /// <summary>After so long an append is given up and read back, so that time is left to settle it.</summary>
    private static readonly TimeSpan LongestTry = TimeSpan.FromSeconds(2);

    /// <summary>Most seconds that fetching a batch of blocks may take.</summary>
    private const int FetchSeconds = 3;

    private const int MostConnections = 16;

    /// <summary>Digests given at once.</summary>
    private const int MostNotes = 1_000;

    private readonly NpgsqlDataSource _pool;
    private readonly int _book;
    private readonly Appender _appender;
    private readonly PostgresElection _election;
    private IReadOnlyList<string> _warnings;
    private long _term;
    private volatile bool _disposed;

    private PostgresJournal(
        PostgresAddress address, JournalIdentity identity, int book, string commit, IReadOnlyList<string> warnings)
        : base(identity)
    {
        (_book, _warnings) = (book, warnings);
        _pool = address.Pool(commit, MostConnections);
        _appender = new(_pool, book);
        _election = new(this, address, book, host: Guid.NewGuid());
        try
        {
            Open();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override IReadOnlyList<string> Warnings => Volatile.Read(ref _warnings);

    /// <summary>Begins a book in a database; makes the tables where they are missing.</summary>
    /// <param name="connectionString">Of Npgsql, such as <c>Host=db;Database=bank;Username=bank</c>.</param>
    /// <exception cref="JournalException">NotEmpty: the book is there, or tables of something else. Refused,
    /// NewerFormat or Unknown: nothing was written.</exception>
    public static PostgresJournal Create(string connectionString, JournalIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        return address.Asking(() =>
        {
            var commit = PostgresAddress.DemandFit(connection);
            PostgresSchema.Prepare(connection, create: true);
            using var insert = new NpgsqlCommand("""
                insert into bank_journal.books(name, genesis) values ($1, $2) on conflict do nothing returning id
                """, connection);
            insert.Parameters.Add(new() { Value = identity.Book });
            insert.Parameters.Add(new() { Value = identity.Genesis });
            return insert.ExecuteScalar() is int book
                ? new PostgresJournal(address, identity, book, commit, PostgresAddress.WarningsOf(connection))
                : throw new JournalException(
                    JournalFault.NotEmpty, $"Database '{address.Database}' already holds a book {identity.Book}.");
        });
    }

    /// <summary>Opens a book: to follow it, and to lead it when that is given.</summary>
    /// <exception cref="JournalException">NotFound: the database has no such book. Damaged, NewerFormat, Refused or
    /// Unknown.</exception>
    public static PostgresJournal Open(string connectionString, string book)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        return address.Asking(() =>
        {
            var commit = PostgresAddress.DemandFit(connection);
            var (id, identity) = Find(connection, book);
            return new PostgresJournal(address, identity, id, commit, PostgresAddress.WarningsOf(connection));
        });
    }

    /// <summary>As <see cref="Open(string, string)"/>, and only if it is this book and no other of its name.</summary>
    /// <exception cref="JournalException">WrongBook: its genesis is another.</exception>
    public static PostgresJournal Open(string connectionString, JournalIdentity expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var journal = Open(connectionString, expected.Book);
        if (journal.Identity.IsSameAs(expected)) return journal;
        journal.Dispose();
        throw new JournalException(
            JournalFault.WrongBook, $"The database holds the book {journal.Identity}, not {expected}.");
    }

    /// <summary>The books of a database, by name; none where it has no journal.</summary>
    /// <exception cref="JournalException">NotEmpty, NewerFormat, Refused or Unknown.</exception>
    public static IReadOnlyList<JournalIdentity> Books(string connectionString)
    {
        var address = PostgresAddress.Parse(connectionString);
        using var connection = address.OpenPlain();
        return address.Asking(() => BooksOf(connection).ConvertAll(book => book.Identity));
    }

    public override ILead? TryLead(string leader)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _election.Try(leader);
    }

    public override void Note(in DigestNote note)
    {
        try
        {
            using var connection = _pool.OpenBounded();
            using var insert = new NpgsqlCommand("""
                insert into bank_journal.digests(book, position, block, digest, tables) values ($1, $2, $3, $4, $5)
                on conflict do nothing
                """, connection);
            insert.CommandTimeout = PostgresAddress.QuestionSeconds;
            var digest = new byte[16];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(digest, note.Digest);
            foreach (var value in (object[])[_book, note.Position, note.Block, digest, note.Schema])
                insert.Parameters.Add(new() { Value = value });
            insert.ExecuteNonQuery();
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            // A note is a help, not a duty: the next one is as good.
        }
    }

    public override IReadOnlyList<DigestNote> NotesAfter(long position) => Asking("The digests were not read", () =>
    {
        using var connection = _pool.OpenBounded();
        using var question = new NpgsqlCommand($"""
            select block, position, digest, tables from bank_journal.digests
            where book = $1 and position > $2 order by position limit {MostNotes}
            """, connection);
        question.Parameters.Add(new() { Value = _book });
        question.Parameters.Add(new() { Value = position });
        question.CommandTimeout = PostgresAddress.QuestionSeconds;
        using var answer = question.ExecuteReader();
        List<DigestNote> notes = [];
        while (answer.Read())
        {
            var digest = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(answer.GetFieldValue<byte[]>(2));
            notes.Add(new(answer.GetInt64(0), answer.GetInt64(1), digest, answer.GetString(3)));
        }
        return notes;
    });

    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        _election.Dispose();
        _appender.Dispose();
        _pool.Dispose();
    }

    protected override bool TryStore(
        in SealedBlock block, ReadOnlyMemory<byte> seal, JournalTail before, TimeSpan wait)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _appender.TryStore(
            block, seal, before, Volatile.Read(ref _term), wait < LongestTry ? wait : LongestTry);
    }

    /// <summary>Commits anew where the block is, and so waits for the standby: the log reaches it in its
    /// order.</summary>
    protected override void DemandDurable(in SealedBlock block)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _appender.DemandDurable(block);
    }

    protected override void Fetch(long block, long position, int most, StoredBlocks to)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Asking("Blocks were not read", () =>
        {
            using var connection = _pool.OpenBounded();
            using var question = new NpgsqlCommand("""
                select block, case when block > $2 then lines end, seal, position(convert_to(
                  '"root":"' || encode(root, 'hex') || '","size":' || last || ',', 'UTF8') in seal) > 0, last
                from bank_journal.blocks where book = $1 and block >= $2 order by block limit $3
                """, connection);
            question.Parameters.Add(new() { Value = _book });
            question.Parameters.Add(new() { Value = block });
            question.Parameters.Add(new() { Value = most + (block > 0 ? 1 : 0) });
            question.CommandTimeout = FetchSeconds;
            using var answer = question.ExecuteReader(CommandBehavior.SequentialAccess);
            var first = position + 1;
            while (answer.Read())
            {
                var number = answer.GetInt64(0);
                var isBefore = number == block;
                if (!answer.IsDBNull(1)) Copy(answer, 1, to);
                var seal = Copy(answer, 2, to);
                if (isBefore)
                {
                    to.EndBefore();
                    continue;
                }
                if (!answer.GetBoolean(3)) throw ColumnsChanged(number, first);
                to.EndBlock(seal);
                first = answer.GetInt64(4) + 1;
            }
            return true;
        });
    }

    /// <summary>The next block is fenced by the column, not by the seal: no journal is sound in which they differ.
    /// </summary>
    private JournalException ColumnsChanged(long block, long position) => new(JournalDamage.InStore(
        Identity.Book, block, position, $"root or last in the row of block {block} are not those of its seal"));

    protected override void FetchSeal(long position, StoredBlocks to) => FetchSeal(to, """
        select seal from bank_journal.blocks where book = $1 and last >= $2 order by last limit 1
        """, position);

    protected override void FetchLastSeal(StoredBlocks to) => FetchSeal(to, """
        select seal from bank_journal.blocks where book = $1 and block >= $2 order by block desc limit 1
        """, 1);

    /// <exception cref="JournalException">NotFound: the database has no such book.</exception>
    internal static (int Id, JournalIdentity Identity) Find(NpgsqlConnection connection, string book)
    {
        var found = BooksOf(connection).Find(one => one.Identity.Book == book);
        return found.Identity is not null
            ? found
            : throw new JournalException(
                JournalFault.NotFound, $"Database '{connection.Database}' holds no book {book}.");
    }

    /// <returns>Null where the database does not know the book.</returns>
    internal static int? IdOf(NpgsqlConnection connection, string book)
    {
        var found = BooksOf(connection).Find(one => one.Identity.Book == book);
        return found.Identity is null ? null : found.Id;
    }

    /// <summary>Finds a book, or makes a place for its keys where its journal lies elsewhere.</summary>
    /// <exception cref="JournalException">WrongBook: there is another of its name.</exception>
    internal static int Room(NpgsqlConnection connection, JournalIdentity identity)
    {
        PostgresSchema.Prepare(connection, create: true);
        var found = BooksOf(connection).Find(one => one.Identity.Book == identity.Book);
        if (found.Identity is null)
        {
            PostgresDestroyedKeys.Execute(
                connection, "insert into bank_journal.books(name, genesis) values ($1, $2) on conflict do nothing",
                identity.Book, identity.Genesis);
            found = Find(connection, identity.Book);
        }
        return found.Identity.IsSameAs(identity)
            ? found.Id
            : throw new JournalException(
                JournalFault.WrongBook, $"The database holds the book {found.Identity}, not {identity}.");
    }

    /// <summary>From now on blocks are stored only while this is the newest term.</summary>
    internal void Begin(long term) => Volatile.Write(ref _term, term);

    /// <summary>Takes note of what an operator should know now.</summary>
    internal void Mind(IReadOnlyList<string> warnings) => Volatile.Write(ref _warnings, warnings);

    private void FetchSeal(StoredBlocks to, string text, long number)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Asking("A seal was not read", () =>
        {
            using var connection = _pool.OpenBounded();
            using var question = new NpgsqlCommand(text, connection);
            question.Parameters.Add(new() { Value = _book });
            question.Parameters.Add(new() { Value = number });
            question.CommandTimeout = PostgresAddress.QuestionSeconds;
            using var answer = question.ExecuteReader(CommandBehavior.SequentialAccess);
            if (!answer.Read()) return false;
            Copy(answer, 0, to);
            to.EndBefore();
            return true;
        });
    }

    private static int Copy(NpgsqlDataReader answer, int column, StoredBlocks to)
    {
        using var bytes = answer.GetStream(column);
        var left = (int)bytes.Length;
        while (left > 0)
        {
            var read = bytes.Read(to.Room(left)[..left]);
            if (read == 0) throw new EndOfStreamException("A column ended early.");
            to.Advance(read);
            left -= read;
        }
        return (int)bytes.Length;
    }

    private static List<(int Id, JournalIdentity Identity)> BooksOf(NpgsqlConnection connection)
    {
        List<(int, JournalIdentity)> books = [];
        if (!PostgresSchema.Prepare(connection, create: false)) return books;
        using var question = new NpgsqlCommand(
            "select id, name, genesis from bank_journal.books order by name", connection);
        using var answer = question.ExecuteReader();
        while (answer.Read())
            books.Add((answer.GetInt32(0), new(answer.GetString(1), answer.GetFieldValue<byte[]>(2))));
        return books;
    }

    private static T Asking<T>(string what, Func<T> question)
    {
        try
        {
            return question();
        }
        catch (Exception fault) when (PostgresFaults.IsStore(fault))
        {
            throw PostgresFaults.Running(fault, what);
        }
    }

    /// <summary>The one session that stores blocks, its statement prepared.</summary>
    private sealed class Appender(NpgsqlDataSource pool, int book) : IDisposable
    {
        private const string Statement = """
            insert into bank_journal.blocks(book, block, last, root, seal, lines)
            select $1, $2, $3, $4, $5, $6
            where ($2 = 1 or exists(
                select from bank_journal.blocks where book = $1 and block = $2 - 1 and root = $7))
              and ($8 = 0 or exists(select from bank_journal.leads where book = $1 and term = $8))
            on conflict do nothing
            """;

        private const string Confirmation = """
            select pg_logical_emit_message(true, 'bank_journal', '')
            from bank_journal.blocks where book = $1 and block = $2 and root = $3
            """;

        private readonly Lock _closing = new();
        private readonly NpgsqlParameter<int> _book = new() { TypedValue = book };
        private readonly NpgsqlParameter<long> _block = new(), _last = new(), _term = new();
        private readonly NpgsqlParameter<ReadOnlyMemory<byte>>
            _root = Bytes(), _seal = Bytes(), _lines = Bytes(), _before = Bytes();
        private NpgsqlConnection? _connection;
        private NpgsqlCommand? _insert;
        private string? _warned;

        public bool TryStore(
            in SealedBlock block, ReadOnlyMemory<byte> seal, JournalTail before, long term, TimeSpan wait)
        {
            lock (_closing)
            {
                try
                {
                    var insert = _insert ?? Prepare();
                    insert.CommandTimeout = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
                    _block.TypedValue = block.Block;
                    _last.TypedValue = block.FirstPosition + block.Events - 1;
                    (_root.TypedValue, _seal.TypedValue, _lines.TypedValue) = (block.Root, seal, block.Lines);
                    (_before.TypedValue, _term.TypedValue) = (before.Root, term);
                    _warned = null;
                    var isStored = insert.ExecuteNonQuery() == 1;
                    DemandUnwarned(block.Block);
                    return isStored;
                }
                catch (Exception fault) when (PostgresFaults.IsStore(fault))
                {
                    Close();
                    throw PostgresFaults.Running(fault, $"Block {block.Block} was not acknowledged");
                }
            }
        }

        public void DemandDurable(in SealedBlock block)
        {
            lock (_closing)
            {
                try
                {
                    if (_connection is null) Prepare();
                    using var confirm = new NpgsqlCommand(Confirmation, _connection);
                    foreach (var value in (object[])[book, block.Block, block.Root.ToArray()])
                        confirm.Parameters.Add(new() { Value = value });
                    confirm.CommandTimeout = (int)LongestTry.TotalSeconds;
                    _warned = null;
                    if (confirm.ExecuteScalar() is null)
                        throw new JournalException(
                            JournalFault.Unknown, $"Block {block.Block} was read from a server that answers no more.");
                    DemandUnwarned(block.Block);
                }
                catch (Exception fault) when (PostgresFaults.IsStore(fault))
                {
                    Close();
                    throw PostgresFaults.Running(fault, $"Block {block.Block} was not confirmed");
                }
            }
        }

        public void Dispose()
        {
            lock (_closing) Close();
        }

        /// <summary>The one warning that either statement can meet: its commit did not wait for the standby.</summary>
        private void DemandUnwarned(long block)
        {
            if (_warned is { } why)
                throw new JournalException(
                    JournalFault.Unknown, $"Block {block} did not reach the synchronous standby yet: {why}");
        }

        private NpgsqlCommand Prepare()
        {
            _connection = pool.OpenBounded();
            _connection.Notice += (_, said) =>
            {
                if (said.Notice.InvariantSeverity == "WARNING") _warned = said.Notice.MessageText;
            };
            _insert = new(Statement, _connection);
            NpgsqlParameter[] parameters = [_book, _block, _last, _root, _seal, _lines, _before, _term];
            foreach (var parameter in parameters) _insert.Parameters.Add(parameter);
            _insert.Prepare();
            return _insert;
        }

        private void Close()
        {
            _insert?.Parameters.Clear();
            _insert?.Dispose();
            _connection?.Dispose();
            (_insert, _connection) = (null, null);
        }

        private static NpgsqlParameter<ReadOnlyMemory<byte>> Bytes() => new() { NpgsqlDbType = NpgsqlDbType.Bytea };
    }
}
