using System.Diagnostics;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Cli;

namespace BankingEngine.Host.Journals;

/// <summary>How another process of this program is begun.</summary>
/// <param name="Program">The executable.</param>
/// <param name="Leading">What its command line begins with, such as the assembly when the executable is the
/// runtime's.</param>
public sealed record ChildProgram(string Program, params string[] Leading)
{
    /// <summary>This very program.</summary>
    public static ChildProgram Self { get; } =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
            ? new(Environment.ProcessPath!, Environment.GetCommandLineArgs()[0])
            : new(Environment.ProcessPath!);
}

/// <summary>
/// Has a snapshot made every so many events, and when asked: by a process of its own at low priority, one at a time, so
/// that the writer never stops for it. A snapshot that fails is logged, and the bank goes on.
/// </summary>
public sealed partial class SnapshotSchedule : IAsyncDisposable
{
    public const long DefaultEvery = 1_000_000;

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly JournalFeed _feed;
    private readonly BookPlace _place;
    private readonly long _every;
    private readonly ChildProgram _program;
    private readonly ILogger _log;
    private readonly Task _following;

    /// <param name="feed">Of the book, whoever leads it: a host that follows makes its own snapshots.</param>
    /// <param name="place">Of the book.</param>
    /// <param name="every">Events between two snapshots, 1 or more.</param>
    public SnapshotSchedule(JournalFeed feed, BookPlace place, long every, ChildProgram program, ILogger log)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        (_feed, _place, _every, _program, _log) = (feed, place, every, program, log);
        _following = FollowAsync();
    }

    /// <summary>Makes a snapshot now, or after the one that is being made.</summary>
    /// <returns>The child's exit code; 0 also where there was nothing to make.</returns>
    /// <exception cref="OperationCanceledException">The schedule was stopped meanwhile; the child was
    /// ended.</exception>
    public async Task<int> MakeAsync()
    {
        await _one.WaitAsync(_stopping.Token).ConfigureAwait(false);
        try
        {
            return await RunChildAsync().ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Stops following, and ends a child that is at work: a snapshot half made is never taken for one.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        await _one.WaitAsync().ConfigureAwait(false);
        _one.Dispose();
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            for (var last = _feed.DurablePosition; ;)
            {
                await _feed.WaitBeyondAsync(last + _every - 1, _stopping.Token).ConfigureAwait(false);
                // Counted from here: what comes while the child is at work is due to the next one.
                last = _feed.DurablePosition;
                await MakeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or EngineUnavailableException)
        {
            // The host is closing, or the book is: either way there is nothing left to follow.
        }
        catch (Exception failed)
        {
            NotStarted(_log, failed);
        }
    }

    private async Task<int> RunChildAsync()
    {
        var start =
            new ProcessStartInfo(_program.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
            [.. _program.Leading, SnapshotCommand.Name, "--data", Path.GetFullPath(_place.Folder), "--book", _place.Book,
             "--json"];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        // Not in the command line, which everyone on the machine may read.
        start.Environment[JournalAddress.Variable] = _place.Journal.Whole();
        using var child = Process.Start(start)
            ?? throw new InvalidOperationException($"{_program.Program} did not start.");
        try
        {
            var said = child.StandardOutput.ReadToEndAsync(_stopping.Token);
            var complained = child.StandardError.ReadToEndAsync(_stopping.Token);
            await child.WaitForExitAsync(_stopping.Token).ConfigureAwait(false);
            var (result, why) = (await said.ConfigureAwait(false), await complained.ConfigureAwait(false));
            if (child.ExitCode == ExitCodes.Done) Made(_log, result);
            else Failed(_log, child.ExitCode, why);
            return child.ExitCode;
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Snapshot: {Said}")]
    private static partial void Made(ILogger log, string said);

    [LoggerMessage(Level = LogLevel.Error, Message = "No snapshot was made (exit code {Code}): {Why}")]
    private static partial void Failed(ILogger log, int code, string why);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Snapshots are no longer made: their process could not be started")]
    private static partial void NotStarted(ILogger log, Exception why);
}
