using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;

namespace BankingEngine.Host.Journals;

/// <summary>The stores that several hosts reach.</summary>
internal static class SharedStores
{
    public static ISharedJournal Open(JournalAddress address, string book) => address.Kind switch
    {
        JournalKind.Postgres => PostgresJournal.Open(address.Text, book),
        JournalKind.EventStore => EventStoreJournal.Open(address.Text, book),
        _ => throw new ArgumentOutOfRangeException(nameof(address), address.Kind, "No shared store."),
    };

    public static ISharedJournal Create(JournalAddress address, JournalIdentity identity) => address.Kind switch
    {
        JournalKind.Postgres => PostgresJournal.Create(address.Text, identity),
        JournalKind.EventStore => EventStoreJournal.Create(address.Text, identity),
        _ => throw new ArgumentOutOfRangeException(nameof(address), address.Kind, "No shared store."),
    };

    /// <summary>The keys that a book's personal text is sealed with. A stream of events is no place for what has to be
    /// destroyed: there they lie in the book's folder unless another place is said.</summary>
    public static IKeyStore Keys(BookPlace place, JournalIdentity book) => (place.Keys ?? place.Journal) switch
    {
        { Kind: JournalKind.Postgres } database => PostgresKeyStore.Open(database.Text, book),
        { Kind: JournalKind.File, Text.Length: > 0 } folder => new FileKeyStore(folder.Text, book.Book),
        _ => new FileKeyStore(place.Folder, book.Book),
    };

    /// <summary>Where followers of a book stand: in the same store where it can hold it, else in the book's
    /// folder.</summary>
    public static IPositions Positions(BookPlace place, string book) => place.Journal.Kind switch
    {
        JournalKind.Postgres => PostgresPositions.Open(place.Journal.Text, book),
        _ => new FilePositions(place.Folder),
    };
}
