using System.Runtime.InteropServices;

namespace BankingEngine.Application.Engine;

/// <summary>
/// Lets work step back where cores are scarce: what follows the journal must not take time from what writes it.
/// </summary>
public static partial class Niceness
{
    /// <summary>For read models: about a third of the share of a thread that did not step back.</summary>
    public const int Following = 5;

    private const int Process = 0, CallingThread = 0;

    /// <summary>Lowers the priority of the calling thread, and of those it starts. Without effect but on Linux.</summary>
    /// <param name="nice">0 to 19: how far it steps back.</param>
    public static void Lower(int nice)
    {
        // On Linux the call concerns one thread, whatever its name says; it cannot fail to lower.
        if (OperatingSystem.IsLinux()) _ = SetPriority(Process, CallingThread, nice);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
