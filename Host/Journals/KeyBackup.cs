using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Host.Journals.Postgres;

namespace BankingEngine.Host.Journals;

/// <summary>What a copy of keys did.</summary>
/// <param name="Keys">Key files that the copy holds.</param>
/// <param name="Destroyed">Keys that were in the copy, or would have come into it, and had been destroyed.</param>
public readonly record struct KeyCopy(int Keys, int Destroyed);

/// <summary>Copies a book's keys between folders: out to a backup, and back. A destroyed key is copied neither way.</summary>
/// <remarks>Keys may be made while they are copied: a key file has its name only when it is whole. A key is on the disk
/// before anything is sealed with it, so keys that are copied after the journal open all that the journal holds.</remarks>
public static class KeyBackup
{
    private const string IdentityFile = "identity";

    /// <summary>Folder of a book's key files; null where they lie in a database.</summary>
    public static string? FolderOf(BookPlace place)
    {
        ArgumentNullException.ThrowIfNull(place);
        return (place.Keys ?? place.Journal) switch
        {
            { Kind: JournalKind.Postgres } => null,
            { Kind: JournalKind.File, Text.Length: > 0 } folder => folder.Text,
            _ => place.Folder,
        };
    }

    /// <summary>Copies the keys of a book to a backup of keys, and destroys there what was destroyed since.</summary>
    /// <param name="book">Folder of the book's keys.</param>
    /// <param name="to">Folder of the backup of keys: missing, empty, or of this book.</param>
    /// <param name="known">More that is known to have been destroyed.</param>
    /// <exception cref="JournalException">WrongBook, NotEmpty.</exception>
    public static KeyCopy Save(string book, string to, JournalIdentity identity, DestroyedKeys? known = null)
    {
        FileKeyStore.MakeFolder(Path.GetFullPath(to));
        DemandBook(to, identity);
        var destroyed = DestroyedKeys.Of(to);
        if (File.Exists(Path.Combine(book, DestroyedKeys.FileName)))
            destroyed.Take(Path.Combine(book, DestroyedKeys.FileName));
        if (known is not null) destroyed.Take(known);
        destroyed.WriteTo(to);
        return Copy(Path.Combine(book, FileKeyStore.FolderName), Path.Combine(to, FileKeyStore.FolderName), destroyed);
    }

    /// <summary>Brings keys back into the folder of a book that is being restored.</summary>
    /// <param name="from">Folder of the backup of keys.</param>
    /// <param name="destroyed">All that is known to have been destroyed.</param>
    /// <exception cref="JournalException">NotFound: there is no such backup; WrongBook.</exception>
    public static KeyCopy Restore(string from, string book, JournalIdentity identity, DestroyedKeys destroyed)
    {
        if (!File.Exists(Path.Combine(from, IdentityFile)))
            throw new JournalException(JournalFault.NotFound, $"There is no backup of keys in {from}.");
        DemandBook(from, identity);
        return Copy(Path.Combine(from, FileKeyStore.FolderName), Path.Combine(book, FileKeyStore.FolderName), destroyed);
    }

    /// <summary>All that is known to have been destroyed of a book: by the list beside its journal, and by the one
    /// beside its keys where they lie apart.</summary>
    public static DestroyedKeys DestroyedOf(BookPlace place, JournalIdentity book)
    {
        ArgumentNullException.ThrowIfNull(place);
        var all = new DestroyedKeys();
        foreach (var list in ListsOf(place)) all.Take(Read(list, book));
        return all;
    }

    /// <summary>Puts destroyed keys on every list that a book has where it lies.</summary>
    public static void AddDestroyed(BookPlace place, JournalIdentity book, DestroyedKeys list)
    {
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(list);
        if (list.Count == 0) return;
        foreach (var at in ListsOf(place)) Add(at, book, list);
    }

    /// <summary>Brings the list of destroyed keys to where a journal was copied to, whether or not its keys go along.
    /// </summary>
    /// <returns>How many the source's lists have; null where either journal is a stream, which holds no list, and no
    /// other place of the keys was said.</returns>
    public static int? MoveDestroyed(BookPlace from, BookPlace to, JournalIdentity book)
    {
        if (ListsOf(from).Count == 0 || ListsOf(to).Count == 0) return null;
        var list = DestroyedOf(from, book);
        AddDestroyed(to, book, list);
        return list.Count;
    }

    /// <summary>Brings the keys of a book to where its journal was copied to, behind the list of destroyed ones.</summary>
    /// <returns>Null where a store keeps no keys: its hosts have them in a folder that they share.</returns>
    public static KeyCopy? Move(BookPlace from, BookPlace to, JournalIdentity book)
    {
        if (from.Journal.Kind == JournalKind.EventStore || to.Journal.Kind == JournalKind.EventStore) return null;
        if (!from.IsShared && !to.IsShared)
        {
            return Copy(
                Path.Combine(from.Folder, FileKeyStore.FolderName), Path.Combine(to.Folder, FileKeyStore.FolderName),
                DestroyedKeys.Of(to.Folder));
        }
        using var source = SharedStores.Keys(from, book);
        using var target = SharedStores.Keys(to, book);
        if (source is not IMovableKeys left || target is not IMovableKeys right) return null;
        var moved = 0;
        foreach (var secret in left.Secrets())
        {
            right.TakeSecret(secret);
            moved++;
        }
        foreach (var key in left.SubjectKeys())
        {
            right.TakeSubjectKey(key);
            moved++;
        }
        return new(moved, 0);
    }

    /// <summary>Folders and databases that hold a list of a book's destroyed keys.</summary>
    private static List<JournalAddress> ListsOf(BookPlace place)
    {
        List<JournalAddress> lists = [];
        if (!place.IsShared) lists.Add(new(JournalKind.File, place.Folder));
        else if (place.Journal.Kind == JournalKind.Postgres) lists.Add(place.Journal);
        if (place.Keys is { } keys && !lists.Contains(keys)) lists.Add(keys);
        return lists;
    }

    private static DestroyedKeys Read(JournalAddress list, JournalIdentity book) => list.Kind == JournalKind.Postgres
        ? PostgresDestroyedKeys.Read(list.Text, book.Book) : DestroyedKeys.Of(list.Text);

    private static void Add(JournalAddress at, JournalIdentity book, DestroyedKeys list)
    {
        if (at.Kind == JournalKind.Postgres)
        {
            PostgresDestroyedKeys.Add(at.Text, book, list);
            return;
        }
        Directory.CreateDirectory(at.Text);
        // The list is written whole: what a host adds meanwhile would be lost, and what it destroyed come back to life.
        var keys = Path.Combine(at.Text, FileKeyStore.FolderName);
        using var held = Directory.Exists(keys) ? FileKeyStore.Hold(keys) : null;
        var all = DestroyedKeys.Of(at.Text);
        var known = all.Count;
        all.Take(list);
        if (all.Count > known) all.WriteTo(at.Text);
    }

    /// <summary>Hosts may use the folder that is copied to: it is held for a key at a time, so that none waits for long.
    /// </summary>
    private static KeyCopy Copy(string from, string to, DestroyedKeys destroyed)
    {
        var copy = default(KeyCopy);
        FileKeyStore.MakeFolder(to);
        foreach (var path in Directory.Exists(from)
            ? Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories) : [])
        {
            if (!FileKeyStore.IsWhole(path)) continue;
            var target = Path.Combine(to, Path.GetRelativePath(from, path));
            var key = ReadIfThere(path);
            if (key is null) continue;
            if (destroyed.Holds(key)) copy = copy with { Destroyed = copy.Destroyed + 1 };
            else
            {
                using var held = FileKeyStore.Hold(to);
                FileKeyStore.MakeFolder(Path.GetDirectoryName(target)!);
                FileKeyStore.Replace(target, key);
            }
        }
        foreach (var path in Directory.GetFiles(to, "*", SearchOption.AllDirectories))
        {
            if (FileKeyStore.IsUnfinished(path)) Drop(path, to);
            else if (!FileKeyStore.IsWhole(path) || ReadIfThere(path) is not { } key) continue;
            else if (!destroyed.Holds(key)) copy = copy with { Keys = copy.Keys + 1 };
            else if (Shred(path, to, destroyed)) copy = copy with { Destroyed = copy.Destroyed + 1 };
        }
        return copy;
    }

    /// <summary>Removes what somebody began to write who fell.</summary>
    private static void Drop(string path, string folder)
    {
        using var held = FileKeyStore.Hold(folder);
        File.Delete(path);
    }

    /// <returns>False where it was destroyed meanwhile; another key may be in its place.</returns>
    private static bool Shred(string path, string folder, DestroyedKeys destroyed)
    {
        using var held = FileKeyStore.Hold(folder);
        if (ReadIfThere(path) is not { } key || !destroyed.Holds(key)) return false;
        FileKeyStore.Shred(path);
        return true;
    }

    /// <returns>Null where it was destroyed meanwhile.</returns>
    private static byte[]? ReadIfThere(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static void DemandBook(string folder, JournalIdentity identity)
    {
        var path = Path.Combine(folder, IdentityFile);
        if (!File.Exists(path))
        {
            if (Directory.EnumerateFileSystemEntries(folder).Any())
                throw new JournalException(JournalFault.NotEmpty, $"{folder} holds no backup of keys, and is not empty.");
            DiskWrite(path, $"{identity}\n");
        }
        else if (File.ReadAllText(path) != $"{identity}\n")
            throw new JournalException(JournalFault.WrongBook,
                $"{folder} holds keys of {File.ReadAllText(path).Trim()}, not of {identity}.");
    }

    private static void DiskWrite(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path);
        DiskFileLayer.Instance.FlushFolder(Path.GetDirectoryName(path)!);
    }
}
