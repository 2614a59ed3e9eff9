using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Simulation;

/// <summary>What one host is told of a store.</summary>
/// <param name="Folder">Of the host's caches and, on files, of the book.</param>
/// <param name="Address">Of the journal; empty: files in the folder.</param>
/// <param name="Book">Its name in the store.</param>
/// <param name="Folders">Of all hosts of the book: who founded it has its key.</param>
public sealed record StorePlace(string Folder, string Address, string Book, IReadOnlyList<string> Folders)
{
    /// <summary>Where the keys lie that all hosts need; empty: where the journal is.</summary>
    public string Keys { get; init; } = "";

    /// <summary>In the environment of the host.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    private const string KeyFile = "demo-key";

    /// <summary>The demo's key.</summary>
    public async Task<string> TokenAsync()
    {
        var file = Folders.Select(folder => Path.Combine(folder, KeyFile)).First(File.Exists);
        return (await File.ReadAllTextAsync(file).ConfigureAwait(false)).Trim();
    }
}

/// <summary>Something that a store can suffer while a book is in use.</summary>
/// <param name="Name">For people, and to choose it by.</param>
/// <param name="Suffer">Told which host leads, by number; returns when it is over.</param>
/// <param name="IsBrief">Whether the store itself stays there, so that it may happen often.</param>
public sealed record StoreFault(string Name, Func<int, Random, Task> Suffer, bool IsBrief = false);

/// <summary>A store of journals that the fault suite runs on: one class for each kind.</summary>
public abstract class StoreUnderTest : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bank-faults-").FullName;

    /// <summary>As the commands name it.</summary>
    public abstract string Name { get; }

    /// <summary>How many hosts may serve one book.</summary>
    public abstract int MostHosts { get; }

    /// <summary>What it can suffer besides what hosts and wires do.</summary>
    public virtual IReadOnlyList<StoreFault> Faults => [];

    /// <summary>Begins another book, which nobody serves yet.</summary>
    public abstract StoreBook NewBook();

    /// <summary>A folder of its own below the store's.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(
        Path.Combine(_folder, $"{name}-{Guid.NewGuid():n}")).FullName;

    /// <summary>Opens a store by the name that commands give it.</summary>
    /// <exception cref="InvalidOperationException">There is no such store.</exception>
    public static StoreUnderTest Named(string name) => name switch
    {
        "file" => new FileStore(),
        "postgres" => new PostgresStore(),
        "eventstore" => new EventStoreStore(),
        _ => throw new InvalidOperationException($"No store is called {name}: say file, postgres or eventstore."),
    };

    public void Dispose()
    {
        Close();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Close() { }
}

/// <summary>A book in a store under test, as its hosts and its auditor reach it.</summary>
public abstract class StoreBook : IDisposable
{
    /// <summary>The wire between a host and the store; null where there is none.</summary>
    public virtual FaultyWire? WireOf(int host) => null;

    /// <summary>What a host is told.</summary>
    /// <param name="host">0 to the store's most hosts − 1; the number after is a fresh host's, on its own wire.</param>
    public abstract StorePlace PlaceOf(int host);

    /// <summary>Opens the journal from outside, past every wire.</summary>
    public abstract IJournal OpenToRead();

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    protected virtual void Close() { }
}

/// <summary>Files: one host alone.</summary>
internal sealed class FileStore : StoreUnderTest
{
    public override string Name => "file";

    public override int MostHosts => 1;

    public override StoreBook NewBook() => new Book(NewFolder("book"));

    private sealed class Book(string folder) : StoreBook
    {
        public override StorePlace PlaceOf(int host) => new(folder, "", BookPlace.DefaultBook, [folder]);

        public override IJournal OpenToRead() => BookPlace.InFolder(folder).OpenToRead();
    }
}

/// <summary>A book in a store that several hosts reach, each by a wire of its own.</summary>
/// <param name="store">Whose folders are used.</param>
/// <param name="wires">One for each host, and one for a fresh one.</param>
/// <param name="addressOf">The journal's address through a wire; null: past all.</param>
/// <param name="name">Of the book.</param>
/// <param name="keepsKeys">Whether the store holds the keys too; else they lie in a folder that all hosts reach.</param>
internal sealed class SharedStoreBook(
    StoreUnderTest store, FaultyWire[] wires, Func<int?, string> addressOf, string name, bool keepsKeys) : StoreBook
{
    private readonly string[] _folders = [.. wires.Select((_, host) => store.NewFolder($"host-{host}"))];
    private readonly string _auditor = store.NewFolder("auditor");
    private readonly string _keys = keepsKeys ? "" : $"file:{store.NewFolder("keys")}";

    public override FaultyWire? WireOf(int host) => wires[host];

    public override StorePlace PlaceOf(int host) =>
        new(_folders[host], addressOf(host), name, _folders) { Keys = _keys };

    public override IJournal OpenToRead() =>
        new BookPlace(_auditor, JournalAddress.Parse(addressOf(null)), name).OpenToRead();

    protected override void Close()
    {
        foreach (var wire in wires) wire.Dispose();
    }
}
