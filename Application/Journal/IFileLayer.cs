namespace BankingEngine.Application.Journal;

/// <summary>What the file journal needs of a file system, and no more: specs put a faulty disk in its place.</summary>
/// <remarks>Every member throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>. A full disk is
/// an <see cref="IOException"/> for which <see cref="FileFaults.IsDiskFull"/> holds.</remarks>
public interface IFileLayer
{
    /// <summary>Opens a file that exists.</summary>
    /// <exception cref="FileNotFoundException">It does not.</exception>
    IFile Open(string path, FileAccess access);

    /// <summary>Creates an empty file, or empties the one that is there.</summary>
    IFile Create(string path);

    /// <summary>Takes a file for this opener alone, creating it when missing, until it is disposed or the process ends.
    /// </summary>
    /// <returns>Null where another opener has it.</returns>
    IFile? TryLock(string path);

    bool Exists(string path);

    /// <summary>Names, without folder, of the files directly in a folder, in ordinal order; none if it is
    /// missing.</summary>
    IReadOnlyList<string> List(string folder);

    void CreateFolder(string folder);

    /// <summary>Replaces <paramref name="to"/> if it exists. Durable after <see cref="FlushFolder"/> of both
    /// folders.</summary>
    void Rename(string from, string to);

    void Delete(string path);

    /// <summary>Makes the names in a folder durable: created, renamed and deleted files.</summary>
    void FlushFolder(string folder);
}

/// <summary>An open file. Positional: there is no cursor, so one file may be read by several threads.</summary>
public interface IFile : IDisposable
{
    long Length { get; }

    /// <returns>Bytes read, fewer than asked only before the end of the file; 0 at the end.</returns>
    int Read(Span<byte> to, long offset);

    /// <summary>Writes all, or throws with any part written.</summary>
    void Write(ReadOnlyMemory<byte> bytes, long offset);

    /// <summary>Writes both one after the other, or throws with any part written.</summary>
    void Write(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, long offset);

    /// <summary>Makes content and length durable. After it threw, nothing is known about what was written since the
    /// last success, and calling it again proves nothing.</summary>
    void Flush();

    void Truncate(long length);
}

/// <summary>Tells apart what operating systems report through one exception type.</summary>
public static class FileFaults
{
    /// <summary>ENOSPC; .NET keeps the number in <see cref="Exception.HResult"/>.</summary>
    public const int NoSpace = 28;

    private const int QuotaExceeded = 122, WindowsDiskFull = unchecked((int)0x80070070),
        WindowsHandleDiskFull = unchecked((int)0x80070027);

    private const int LinuxWouldBlock = 11, BsdWouldBlock = 35, WindowsSharing = unchecked((int)0x80070020);

    public static bool IsDiskFull(IOException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception.HResult is NoSpace or QuotaExceeded or WindowsDiskFull or WindowsHandleDiskFull;
    }

    /// <summary>The file is locked by another opener.</summary>
    public static bool IsHeld(IOException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception.HResult is LinuxWouldBlock or BsdWouldBlock or WindowsSharing;
    }

    /// <summary>Whether an exception is one that <see cref="IFileLayer"/> may throw.</summary>
    public static bool IsStorage(Exception exception) => exception is IOException or UnauthorizedAccessException;

    /// <summary>The journal's exception for a failed file operation.</summary>
    public static JournalException Wrap(Exception exception, string doing)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var kind = exception is IOException io && IsDiskFull(io) ? JournalFault.DiskFull : JournalFault.Failed;
        return new JournalException(kind, $"{doing}: {exception.Message}", exception);
    }
}
