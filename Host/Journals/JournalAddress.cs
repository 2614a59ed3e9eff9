using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;

namespace BankingEngine.Host.Journals;

/// <summary>What kind of store a journal lies in.</summary>
public enum JournalKind
{
    /// <summary>A folder of this machine: one host alone.</summary>
    File,

    /// <summary>A PostgreSQL database.</summary>
    Postgres,

    /// <summary>A stream of EventStoreDB or KurrentDB.</summary>
    EventStore,
}

/// <summary>Where journals lie.</summary>
/// <param name="Text">A connection string, which may hold a password: never shown; of a file, the folder or nothing.
/// </param>
public sealed record JournalAddress(JournalKind Kind, string Text)
{
    /// <summary>Holds an address where none is said, so that a password need not stand in a command line.</summary>
    public const string Variable = "BANK_JOURNAL";

    /// <summary>As <see cref="Variable"/>, for the keys that personal text is sealed with.</summary>
    public const string KeysVariable = "BANK_KEYS";

    private const string FilePrefix = "file:", PostgresPrefix = "postgres:";

    /// <summary>The folder of the book itself.</summary>
    public static JournalAddress InFolder { get; } = new(JournalKind.File, "");

    /// <summary>Whether several hosts reach it.</summary>
    public bool IsShared => Kind != JournalKind.File;

    /// <summary>Reads <c>file:&lt;folder&gt;</c>, <c>postgres:&lt;connection string&gt;</c> or an address that begins
    /// <c>esdb://</c>, <c>kurrentdb://</c> or as else the official clients have it; nothing is the folder of the book
    /// itself.</summary>
    /// <exception cref="FormatException">It is none of these. The message does not repeat it.</exception>
    public static JournalAddress Parse(string? text)
    {
        if (string.IsNullOrEmpty(text)) return InFolder;
        if (text.StartsWith(FilePrefix, StringComparison.Ordinal) && text.Length > FilePrefix.Length)
            return new(JournalKind.File, text[FilePrefix.Length..]);
        if (text.StartsWith(PostgresPrefix, StringComparison.Ordinal) && text.Length > PostgresPrefix.Length)
            return new(JournalKind.Postgres, text[PostgresPrefix.Length..]);
        if (PostgresTypos.IsUrl(text)) throw new FormatException(PostgresTypos.NoUrl);
        return EventStoreSettings.IsAddress(text)
            ? new(JournalKind.EventStore, text)
            : throw new FormatException(
                "A journal's address is file:<folder>, postgres:<connection string>, esdb://… or kurrentdb://….");
    }

    /// <summary>Whether somebody seems to have meant the address of a store, right or wrong.</summary>
    internal static bool IsLike(string text) =>
        text.StartsWith(PostgresPrefix, StringComparison.OrdinalIgnoreCase) || PostgresTypos.IsUrl(text)
        || EventStoreSettings.IsAddress(text);

    /// <summary>Looks for typing errors, before anything is opened.</summary>
    /// <exception cref="FormatException">Names the first, and no value that may be a password.</exception>
    public void Check()
    {
        if (Kind == JournalKind.Postgres) PostgresTypos.Read(Text);
        if (Kind == JournalKind.EventStore) EventStoreSettings.Parse(Text);
    }

    /// <summary>The kind alone: what may be shown.</summary>
    public override string ToString() => Kind switch
    {
        JournalKind.Postgres => "PostgreSQL",
        JournalKind.EventStore => "EventStoreDB",
        _ => "files",
    };

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    internal string Whole() => Kind switch
    {
        JournalKind.Postgres => PostgresPrefix + Text,
        JournalKind.EventStore => Text,
        _ => Text.Length == 0 ? "" : FilePrefix + Text,
    };
}

/// <summary>Where one book lies: its journal, and the folder of its caches and, on files, its keys.</summary>
/// <param name="Folder">Of the book on this machine.</param>
/// <param name="Book">Its name in a store of several books; of files, what the folder holds decides.</param>
public sealed record BookPlace(string Folder, JournalAddress Journal, string Book)
{
    /// <summary>Name of the book where none is said.</summary>
    public const string DefaultBook = "sandbox";

    private const string IdentityFile = "identity";

    /// <summary>Where the keys lie that personal text is sealed with, a folder or a PostgreSQL database that all hosts
    /// of the book reach; null: with the journal where it can hold them, else in the book's folder.</summary>
    public JournalAddress? Keys { get; init; }

    /// <summary>Where the large read models lie: <c>memory</c>, or <c>postgres:</c> and a connection string; null: in
    /// memory with a journal on files or in a stream, else with the journal.</summary>
    public string? ReadModels { get; init; }

    /// <summary>As <see cref="ReadModels"/>, with what holds where nothing is said.</summary>
    internal string ModelsAddress => ReadModels
        ?? (Journal.Kind == JournalKind.Postgres ? Journal.Whole() : Projections.ReadModels.Memory);

    /// <summary>A book on files.</summary>
    public static BookPlace InFolder(string folder) => new(folder, JournalAddress.InFolder, DefaultBook);

    /// <summary>Whether several hosts reach the journal.</summary>
    public bool IsShared => Journal.IsShared;

    /// <summary>What people are told of the place.</summary>
    public override string ToString() => IsShared ? $"{Journal} (book {Book}), with caches in {Folder}" : Folder;

    /// <summary>Opens the journal to read; beside a writer too.</summary>
    /// <exception cref="JournalException">NotFound, Damaged, WrongBook, NewerFormat or Unknown.</exception>
    public IJournal OpenToRead() =>
        IsShared ? OpenShared(mayWrite: false) : FileJournal.OpenReadOnly(Folder, DiskFileLayer.Instance);

    /// <summary>Opens a journal that several hosts reach.</summary>
    /// <param name="mayWrite">Whether caches will be kept in the folder.</param>
    /// <exception cref="JournalException">NotFound, Damaged, WrongBook, NewerFormat or Unknown.</exception>
    public ISharedJournal OpenShared(bool mayWrite = true)
    {
        var journal = SharedStores.Open(Journal, Book);
        try
        {
            Demand(journal.Identity, mayWrite);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
        return journal;
    }

    /// <summary>Makes a journal for a new book in a store; one that was begun and never founded is taken up.</summary>
    /// <exception cref="JournalException">NotEmpty: there is such a book.</exception>
    public ISharedJournal CreateShared(JournalIdentity identity)
    {
        ISharedJournal journal;
        try
        {
            journal = SharedStores.Create(Journal, identity);
        }
        catch (JournalException begun) when (begun.Kind == JournalFault.NotEmpty)
        {
            journal = SharedStores.Open(Journal, identity.Book);
            if (journal.Tail.Position > 0)
            {
                journal.Dispose();
                throw;
            }
        }
        Demand(journal.Identity, mayWrite: true);
        return journal;
    }

    /// <summary>Demands that the folder of caches is not a book on files: it would not be the one that is asked.
    /// </summary>
    /// <exception cref="JournalException">WrongBook: it is.</exception>
    public void DemandNoFiles()
    {
        if (!IsShared || !Directory.Exists(Path.Combine(Folder, "journal"))) return;
        throw new JournalException(
            JournalFault.WrongBook,
            $"{Folder} holds a book on files, and the journal was said to lie in {Journal}: say another folder with "
            + $"--data, or, to mean the book on files, neither --journal nor the variable {JournalAddress.Variable}.");
    }

    /// <summary>Caches of another book would be taken for this one's.</summary>
    private void Demand(JournalIdentity identity, bool mayWrite)
    {
        var path = Path.Combine(Folder, IdentityFile);
        var said = $"{identity.Book} {Convert.ToHexStringLower(identity.Genesis.Span)}\n";
        DemandNoFiles();
        if (File.Exists(path))
        {
            var known = File.ReadAllText(path);
            if (known == said) return;
            throw new JournalException(
                JournalFault.WrongBook,
                $"The caches in {Folder} are of the book {known.Trim()}, the journal is of {said.Trim()}: "
                + "say another folder with --data.");
        }
        if (!mayWrite) return;
        Directory.CreateDirectory(Folder);
        File.WriteAllText(path, said);
    }
}
