using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Simulation.Model;

namespace BankingEngine.Specs.Simulation;

/// <summary>Time that stands still until it is set.</summary>
internal sealed class SetTime(Instant start) : ITimeSource
{
    private long _now = start.Microseconds;

    public long WallMicroseconds() => Volatile.Read(ref _now);
    public long MonotonicMicroseconds() => Volatile.Read(ref _now);
    public void Set(Instant at, long less) => Volatile.Write(ref _now, at.Microseconds - less);
}

/// <summary>
/// A stream on which engine and model agreed, once more through the whole engine on a file journal, with restarts: the
/// same answers at the same positions, and the same digest after every opening.
/// </summary>
public static class EngineRun
{
    private static readonly JournalIdentity Identity = new("model", new byte[32]);

    /// <param name="restarts">How often the book is closed and opened again on the way.</param>
    /// <exception cref="InvalidOperationException">Something differs; the message names seed and step.</exception>
    public static async Task RunAsync(int seed, int commands, int restarts)
    {
        // A fault is made inside the one path, where this run has no hand: its streams have none.
        var agreed = ModelRun.Record(seed, commands, out var digest, withFaults: false);
        var folder = Directory.CreateTempSubdirectory("engine-run-").FullName;
        try
        {
            FileJournal.Create(folder, new(Identity), DiskFileLayer.Instance).Dispose();
            await RunAsync(seed, folder, agreed, digest, commands / (restarts + 1) + 1).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(
        int seed, string folder, List<(Step Step, ModelAnswer Answer)> agreed, UInt128 digest, int restartEvery)
    {
        var time = new SetTime(StreamFounding.Start);
        var engine = Open(folder, time);
        try
        {
            await SendAsync(engine, new(default, Envelope.Engine, 0),
                StreamFounding.Command(StreamFounding.Today)).ConfigureAwait(false);
            long advanced = 0;
            for (var i = 0; i < agreed.Count; i++)
            {
                if (i > 0 && i % restartEvery == 0)
                    engine = await ReopenAsync(seed, i, engine, folder, time).ConfigureAwait(false);
                var (step, expected) = agreed[i];
                time.Set(step.Now, advanced);
                // A read lets every timer that is due run first; after a leap there are more than fit between two
                // commands.
                await DigestAsync(engine).ConfigureAwait(false);
                var said = ModelAnswer.Of(await SendAsync(engine, step.Envelope, step.Command).ConfigureAwait(false));
                if (said != expected)
                    throw new InvalidOperationException(
                        $"Seed {seed}, step {i + 1}: the engine said {said}, not {expected}.");
                if (step.Command is Domain.Ledger.AdvanceClock clock && said.Ending == Ending.Accepted)
                    advanced += clock.Seconds * Instant.MicrosecondsPerSecond;
            }
            await DigestAsync(engine).ConfigureAwait(false);
            engine = await ReopenAsync(seed, agreed.Count, engine, folder, time).ConfigureAwait(false);
            if (await DigestAsync(engine).ConfigureAwait(false) != digest)
                throw new InvalidOperationException(
                    $"Seed {seed}: the book on disk has another digest than the one path alone.");
        }
        finally
        {
            engine.Dispose();
        }
    }

    private static async Task<BookEngine> ReopenAsync(
        int seed, int step, BookEngine engine, string folder, SetTime time)
    {
        var before = await DigestAsync(engine).ConfigureAwait(false);
        engine.Dispose();
        var again = Open(folder, time);
        if (await DigestAsync(again).ConfigureAwait(false) == before) return again;
        again.Dispose();
        throw new InvalidOperationException($"Seed {seed}: opened again after step {step} the digest differs.");
    }

    private static BookEngine Open(string folder, SetTime time)
    {
        var journal = FileJournal.Open(folder, new(Identity), DiskFileLayer.Instance);
        return new(Recovery.Open(journal, folder, static _ => { }), time, new(), static _ => { }, static (_, _) => { });
    }

    private static async Task<Ended> SendAsync(BookEngine engine, Envelope envelope, Command command) =>
        (await engine.SendAsync(envelope, command, "simulated").ConfigureAwait(false)).Ended;

    private static Task<UInt128> DigestAsync(BookEngine engine) =>
        engine.ReadAsync(static (bank, _) => bank.Tables.Digest);
}
