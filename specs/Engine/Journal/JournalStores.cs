using System.Security.Cryptography;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Engine.EventStore;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A place for journals of one kind, so that the same specs run on each.</summary>
public abstract class JournalStore : IDisposable
{
    private static int _books;

    /// <summary>Every store that this machine can run.</summary>
    public static TheoryData<string> All => Named(["file", .. SharedNames]);

    /// <summary>Those that several hosts reach.</summary>
    public static TheoryData<string> Shared => Named(SharedNames);

    private static string[] SharedNames => PostgresCluster.Binaries is null ? ["eventstore"] : ["eventstore", "postgres"];

    public static JournalStore Of(string name) => name switch
    {
        "file" => new Files(),
        "postgres" => new Postgres(),
        "eventstore" => new EventStoreDb(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such store."),
    };

    /// <summary>The book of this store: another for each spec.</summary>
    public JournalIdentity Identity { get; } =
        new($"sample-{Interlocked.Increment(ref _books)}", SHA256.HashData("sample"u8));

    public abstract IJournal Create();

    /// <summary>Of a shared store: as another host opens it.</summary>
    public abstract IJournal Open();

    /// <summary>A journal with blocks of so many events each.</summary>
    public IJournal With(params int[] events)
    {
        using (var journal = Create())
        {
            foreach (var count in events) journal.Append(SampleBlocks.After(journal.Tail, count));
        }
        return Open();
    }

    /// <summary>The seal lines as they are stored, without newline.</summary>
    public abstract IReadOnlyList<string> Seals();

    public ISharedJournal CreateShared() => (ISharedJournal)Create();

    public ISharedJournal OpenShared() => (ISharedJournal)Open();

    public virtual void Dispose() => GC.SuppressFinalize(this);

    private static TheoryData<string> Named(string[] names)
    {
        var data = new TheoryData<string>();
        foreach (var name in names) data.Add(name);
        return data;
    }

    private sealed class Files : JournalStore
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("journal-").FullName;

        public override IJournal Create() => FileJournal.Create(_folder, new(Identity), DiskFileLayer.Instance);

        public override IJournal Open() => FileJournal.Open(_folder, new(Identity), DiskFileLayer.Instance);

        public override IReadOnlyList<string> Seals()
        {
            var path = Path.Combine(_folder, "journal", "0000000001.ndjson");
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            return [.. reader.ReadToEnd().Split('\n')
                .Where(line => line.StartsWith("{\"block\":", StringComparison.Ordinal))];
        }

        public override void Dispose()
        {
            Directory.Delete(_folder, recursive: true);
            base.Dispose();
        }
    }

    private sealed class EventStoreDb : JournalStore
    {
        public override IJournal Create() => EventStoreJournal.Create(EventStoreFixture.Address, Identity);

        /// <summary>A book that has no event yet lies nowhere: whoever opens it then makes it again.</summary>
        public override IJournal Open()
        {
            try
            {
                return EventStoreJournal.Open(EventStoreFixture.Address, Identity.Book);
            }
            catch (JournalException none) when (none.Kind == JournalFault.NotFound)
            {
                return CreateOrOpen();
            }
        }

        /// <summary>Another may have made its first event meanwhile.</summary>
        private IJournal CreateOrOpen()
        {
            try
            {
                return Create();
            }
            catch (JournalException there) when (there.Kind == JournalFault.NotEmpty)
            {
                return EventStoreJournal.Open(EventStoreFixture.Address, Identity.Book);
            }
        }

        public override IReadOnlyList<string> Seals() =>
        [
            .. EventStoreJournalSpecs.ReadAsync(EventStoreFixture.Server, $"book-{Identity.Book}").GetAwaiter().GetResult()
                .Select(recorded => recorded.CustomMetadata.ToStringUtf8())
                .Where(metadata => metadata.StartsWith("{\"journal\":", StringComparison.Ordinal))
                .Select(metadata => "{" + metadata[metadata.IndexOf("\"block\":", StringComparison.Ordinal)..]),
        ];
    }

    private sealed class Postgres : JournalStore
    {
        public override IJournal Create() => PostgresJournal.Create(PostgresFixture.Database, Identity);

        public override IJournal Open() => PostgresJournal.Open(PostgresFixture.Database, Identity);

        public override IReadOnlyList<string> Seals() => PostgresFixture.Sql($"""
            select rtrim(convert_from(seal, 'UTF8'), e'\n')
            from bank_journal.blocks b join bank_journal.books k on k.id = b.book
            where k.name = '{Identity.Book}' order by block
            """).Split('\n');
    }
}

/// <summary>The event store that all specs of a run share; it ends with the process.</summary>
public static class EventStoreFixture
{
    private static readonly Lazy<EventStoreServer> Running = new(() => EventStoreServer
        .StartAsync(new(Directory.CreateTempSubdirectory("store-spec-").FullName)).GetAwaiter().GetResult());

    public static EventStoreServer Server => Running.Value;

    public static string Address => $"esdb://{Server.Authority}?tls=false";
}

/// <summary>The cluster that all specs of a run share; it ends with the process.</summary>
public static class PostgresFixture
{
    private static readonly Lazy<PostgresCluster> Running = new(() => PostgresCluster.New());

    private static readonly Lazy<string> SharedDatabase = new(() => Cluster.NewDatabase());

    public static PostgresCluster Cluster => Running.Value;

    /// <summary>A database for specs that bring a book of their own.</summary>
    public static string Database => SharedDatabase.Value;

    /// <summary>A role that is let in by its password alone.</summary>
    public static void DemandPasswordOf(string role, string password)
    {
        Cluster.Sql("postgres", $"create role {role} login password '{password}'");
        Cluster.DemandPassword(role);
    }

    /// <summary>Runs statements in <see cref="Database"/> as its owner.</summary>
    public static string Sql(string text) => Cluster.Sql(new NpgsqlConnectionStringBuilder(Database).Database!, text);
}

/// <summary>Runs where PostgreSQL's server is installed, and says so where it is not.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (PostgresCluster.Binaries is null) Skip = "There is no PostgreSQL server on this machine.";
    }
}
