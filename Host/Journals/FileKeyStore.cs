using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Journals;

/// <summary>
/// Keys as files in the folder <c>keys</c> beside the journal, readable by the owner only. A key is on the disk, and
/// its folder knows it, before anything is sealed with it.
/// </summary>
/// <remarks>
/// <c>keys/token</c> makes fingerprints of personal text; <c>keys/subjects/&lt;two figures&gt;/&lt;subject&gt;</c>,
/// ':' written as '+', holds 32 bytes each. Whoever may read this folder may read what is sealed: back it up apart
/// from the journal. An erased subject that is spoken of again gets a new key; what was sealed before stays closed. What
/// was destroyed stands in <see cref="DestroyedKeys"/> beside the journal before it is destroyed, and a key that stands
/// there is destroyed wherever it turns up again, as from a copy of the folder. Several hosts may share the folder: before
/// a key is used the list's length is looked at, so that what one host destroyed no other uses from then on.
/// </remarks>
public sealed class FileKeyStore : IKeyStore, IMovableKeys
{
    public const string FolderName = "keys";

    /// <summary>Begins the names of what is being written; no subject's name has the sign.</summary>
    private const string Unfinished = "~new";

    private const string LockName = Unfinished + ".lock";

    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Keys kept in memory; when full all are read anew as they are needed.</summary>
    private const int MaxCached = 100_000;

    /// <summary>Milliseconds that another host may take to write a key.</summary>
    private const long LongestHold = 10_000;

    private readonly ConcurrentDictionary<string, byte[]> _cache = new(StringComparer.Ordinal);
    private readonly Lock _making = new();
    private readonly string _journalFolder;
    private readonly string _folder;
    private readonly string _book;
    private readonly byte[] _token;
    private DestroyedKeys _destroyed;

    /// <param name="journalFolder">Where the journal lies.</param>
    /// <param name="book">Name of the book: what is sealed for one book does not open in another.</param>
    public FileKeyStore(string journalFolder, string book)
    {
        _book = book;
        _journalFolder = journalFolder;
        _destroyed = DestroyedKeys.Of(journalFolder);
        _folder = Path.Combine(journalFolder, FolderName);
        MakeFolder(_folder);
        MakeFolder(Path.Combine(_folder, "subjects"));
        var token = Path.Combine(_folder, "token");
        _token = Read(token) ?? Make(token);
    }

    public string Seal(string subject, string field, string text) =>
        SealedText.Seal(KeyFor(subject), subject, Bound(field), text);

    public bool TryOpen(string field, string sealedText, out string text)
    {
        text = "";
        return SealedText.SubjectOf(sealedText) is { } subject && AccountId.TryParse(subject, out _)
            && Find(subject) is { } key && SealedText.TryOpen(key, Bound(field), sealedText, out text);
    }

    public bool Destroy(string subject)
    {
        using var alone = Alone();
        var path = PathOf(subject);
        using var held = Hold(_folder);
        Heed();
        _cache.TryRemove(subject, out _);
        if (Living(path) is not { } key) return false;
        _destroyed.Add(_journalFolder, subject, key, DateTimeOffset.UtcNow);
        Shred(path);
        return true;
    }

    /// <summary>Destroys a key's file.</summary>
    internal static void Shred(string path)
    {
        using (var file = File.OpenWrite(path))
        {
            // Overwritten first: on a plain disk the bytes are gone even where the name alone would be removed.
            file.Write(RandomNumberGenerator.GetBytes(SealedText.KeyBytes));
            file.Flush(flushToDisk: true);
        }
        File.Delete(path);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    public UInt128 Token(string field, string text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_token, Encoding.UTF8.GetBytes($"{field}\0{text}"), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    public byte[] Named(string name, Func<byte[]> make)
    {
        using var alone = Alone();
        var path = Path.Combine(_folder, name);
        return File.Exists(path) ? File.ReadAllBytes(path) : Kept(path, make);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_token);
        _cache.Clear();
    }

    public IEnumerable<HeldKey> SubjectKeys()
    {
        foreach (var path in Directory.EnumerateFiles(
            Path.Combine(_folder, "subjects"), "*", SearchOption.AllDirectories).Where(IsWhole))
        {
            byte[]? key;
            lock (_making) key = Living(path);
            if (key is not null) yield return new(Path.GetFileName(path).Replace('+', ':'), key);
        }
    }

    public IEnumerable<HeldKey> Secrets() =>
        Directory.EnumerateFiles(_folder).Where(IsWhole)
            .Select(path => new HeldKey(Path.GetFileName(path), File.ReadAllBytes(path)));

    public void TakeSubjectKey(in HeldKey held)
    {
        lock (_making)
        {
            using var alone = Hold(_folder);
            Heed();
            if (_destroyed.Holds(held.Key)) return;
            var path = PathOf(held.Name);
            MakeFolder(Path.GetDirectoryName(path)!);
            Replace(path, held.Key);
            _cache.TryRemove(held.Name, out _);
        }
    }

    public void TakeSecret(in HeldKey held)
    {
        using var alone = Hold(_folder);
        Replace(Path.Combine(_folder, held.Name), held.Key);
    }

    private string Bound(string field) => $"{_book}\0{field}";

    private byte[] KeyFor(string subject)
    {
        if (Find(subject) is { } known) return known;
        using var alone = Alone();
        if (Find(subject) is { } made) return made;
        var path = PathOf(subject);
        MakeFolder(Path.GetDirectoryName(path)!);
        return Cache(subject, Make(path));
    }

    private byte[]? Find(string subject)
    {
        if (Volatile.Read(ref _destroyed).IsOutdated(_journalFolder))
        {
            using var heeding = Alone();
            Heed();
        }
        if (_cache.TryGetValue(subject, out var cached)) return cached;
        using var alone = Alone();
        return Living(PathOf(subject)) is { } key ? Cache(subject, key) : null;
    }

    /// <summary>One at a time in this process. While another host holds the folder, those who wait behind the first one
    /// wait no longer than it does.</summary>
    /// <exception cref="JournalException">InUse: it took longer than <see cref="LongestHold"/>.</exception>
    private Turn Alone() => _making.TryEnter(TimeSpan.FromMilliseconds(LongestHold))
        ? new(_making)
        : throw new JournalException(JournalFault.InUse, $"Another host holds {_folder}.");

    /// <summary>Takes note of what another host destroyed. What is kept in memory is read anew: keys are put there under
    /// the same lock, so none stays that was read before.</summary>
    private void Heed()
    {
        if (!_destroyed.IsOutdated(_journalFolder)) return;
        Volatile.Write(ref _destroyed, DestroyedKeys.Of(_journalFolder));
        _cache.Clear();
    }

    private byte[] Cache(string subject, byte[] key)
    {
        if (_cache.Count >= MaxCached) _cache.Clear();
        return _cache[subject] = key;
    }

    private string PathOf(string subject)
    {
        var name = subject.Replace(':', '+');
        var shelf = SHA256.HashData(Encoding.UTF8.GetBytes(name))[0].ToString(
            "x2", System.Globalization.CultureInfo.InvariantCulture);
        return Path.Combine(_folder, "subjects", shelf, name);
    }

    /// <summary>A key that was not destroyed; one that was, and is here again, is destroyed again.</summary>
    private byte[]? Living(string path)
    {
        var key = Read(path);
        if (key is null || !_destroyed.Holds(key)) return key;
        Shred(path);
        return null;
    }

    private static byte[]? Read(string path)
    {
        if (!File.Exists(path)) return null;
        var key = File.ReadAllBytes(path);
        return key.Length == SealedText.KeyBytes
            ? key
            : throw new JournalException(
                JournalFault.Failed, $"The key file {path} has {key.Length} bytes instead of {SealedText.KeyBytes}.");
    }

    /// <summary>A new key, on the disk under its name before it is returned.</summary>
    private byte[] Make(string path) => Kept(path, () => RandomNumberGenerator.GetBytes(SealedText.KeyBytes));

    /// <summary>The secret under a name, whichever host was the first to write one.</summary>
    private byte[] Kept(string path, Func<byte[]> make)
    {
        using var held = Hold(_folder);
        if (File.Exists(path)) return File.ReadAllBytes(path);
        var secret = make();
        Store(path, secret);
        return secret;
    }

    /// <summary>Waits until no other host writes to the folder: a file system puts a file in the place of another without
    /// a word, and what the other host had sealed by then would be lost.</summary>
    /// <param name="folder">The folder <c>keys</c>; it is there.</param>
    /// <exception cref="JournalException">InUse: another held it for <see cref="LongestHold"/>.</exception>
    internal static IFile Hold(string folder)
    {
        var path = Path.Combine(folder, LockName);
        for (var since = Environment.TickCount64; Environment.TickCount64 - since < LongestHold; Thread.Sleep(1))
        {
            if (DiskFileLayer.Instance.TryLock(path) is not { } held) continue;
            // As everything else that lies there.
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return held;
        }
        throw new JournalException(JournalFault.InUse, $"Another host holds {path}.");
    }

    /// <summary>Whether a file is a secret that was being written; where nobody holds the folder, nobody writes it any
    /// more.</summary>
    internal static bool IsUnfinished(string path) => Path.GetFileName(path) == Unfinished;

    /// <summary>Whether a file is a secret, and not one that is being written.</summary>
    internal static bool IsWhole(string path) => !Path.GetFileName(path).StartsWith(Unfinished, StringComparison.Ordinal);

    /// <summary>A secret in place of the one that is there.</summary>
    internal static void Replace(string path, byte[] secret)
    {
        if (File.Exists(path))
        {
            if (CryptographicOperations.FixedTimeEquals(File.ReadAllBytes(path), secret)) return;
            Shred(path);
        }
        Store(path, secret);
    }

    /// <summary>A secret that is on the disk under its name when this returns.</summary>
    internal static void Store(string path, byte[] secret)
    {
        var making = Path.Combine(Path.GetDirectoryName(path)!, Unfinished);
        using (var file = CreateForOwner(making))
        {
            file.Write(secret);
            file.Flush(flushToDisk: true);
        }
        File.Move(making, path, overwrite: false);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>A new file that only the owner of the process may read.</summary>
    public static FileStream CreateForOwner(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerFile;
        return new(path, options);
    }

    /// <summary>A folder that only the owner of the process may look into.</summary>
    internal static void MakeFolder(string folder)
    {
        if (Directory.Exists(folder)) return;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerFolder);
        SyncFolder(Path.GetDirectoryName(folder)!);
    }

    private static void SyncFolder(string folder) => DiskFileLayer.Instance.FlushFolder(folder);

    private readonly ref struct Turn(Lock making)
    {
        public void Dispose() => making.Exit();
    }
}
