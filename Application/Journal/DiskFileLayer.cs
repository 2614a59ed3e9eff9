using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace BankingEngine.Application.Journal;

/// <summary>The operating system's files.</summary>
public sealed partial class DiskFileLayer : IFileLayer
{
    public static DiskFileLayer Instance { get; } = new();

    private DiskFileLayer() { }

    public IFile Open(string path, FileAccess access) =>
        new DiskFile(File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete));

    public IFile Create(string path) => new DiskFile(File.OpenHandle(
        path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    /// <remarks><see cref="FileShare.None"/> is an exclusive advisory lock (flock) on Unix and a mandatory one on
    /// Windows; the kernel drops both when the process ends, however it ends.</remarks>
    public IFile? TryLock(string path)
    {
        try
        {
            var file = new DiskFile(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            file.Truncate(0);
            file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"), 0);
            return file;
        }
        catch (IOException exception) when (FileFaults.IsHeld(exception))
        {
            return null;
        }
    }

    public bool Exists(string path) => File.Exists(path);

    public IReadOnlyList<string> List(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public void CreateFolder(string folder) => Directory.CreateDirectory(folder);

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    public void Delete(string path) => File.Delete(path);

    /// <remarks>On Windows a no-op: NTFS logs its names itself and offers no call for it.</remarks>
    public void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = OpenFolder(folder, 0);
        if (descriptor < 0) throw LastError(folder);
        try
        {
            if (FlushDescriptor(descriptor) != 0) throw LastError(folder);
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    private static IOException LastError(string folder)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FlushDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CloseDescriptor(int descriptor);

    private sealed class DiskFile(SafeFileHandle handle) : IFile
    {
        private readonly ReadOnlyMemory<byte>[] parts = new ReadOnlyMemory<byte>[2];

        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> to, long offset)
        {
            var total = 0;
            while (total < to.Length)
            {
                var read = RandomAccess.Read(handle, to[total..], offset + total);
                if (read == 0) break;
                total += read;
            }
            return total;
        }

        public void Write(ReadOnlyMemory<byte> bytes, long offset) => RandomAccess.Write(handle, bytes.Span, offset);

        public void Write(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, long offset)
        {
            (parts[0], parts[1]) = (first, second);
            RandomAccess.Write(handle, parts, offset);
        }

        public void Flush() => RandomAccess.FlushToDisk(handle);

        public void Truncate(long length) => RandomAccess.SetLength(handle, length);

        public void Dispose() => handle.Dispose();
    }
}
