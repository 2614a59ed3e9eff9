using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Simulation.Model;

namespace BankingEngine.Specs.Simulation;

/// <summary>What a run met.</summary>
public sealed record EngineFaultsResult
{
    public int Seeds { get; set; }
    public int Answered { get; set; }
    public int Unknown { get; set; }
    public int UnknownButDurable { get; set; }
    public int Stops { get; set; }
}

/// <summary>
/// The whole engine on a disk that fails while a block is being written: nobody who waits is told an outcome that is
/// not durable, the engine stops, and the book that is opened again holds every command that was answered.
/// </summary>
public static class EngineFaults
{
    private const string Folder = "/book";
    private const int MostCommands = 400;

    private static readonly JournalIdentity Identity = new("model", new byte[32]);

    /// <exception cref="InvalidOperationException">A promise was broken; the message names the seed.</exception>
    public static async Task<EngineFaultsResult> RunAsync(int firstSeed, int count)
    {
        var result = new EngineFaultsResult();
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            var caches = Directory.CreateTempSubdirectory("engine-faults-").FullName;
            try
            {
                await LiveAsync(seed, caches, result).ConfigureAwait(false);
                result.Seeds++;
            }
            finally
            {
                Directory.Delete(caches, recursive: true);
            }
        }
        return result;
    }

    private static async Task LiveAsync(int seed, string caches, EngineFaultsResult result)
    {
        var random = new Random(seed);
        var files = new FaultyFileLayer(random.Next());
        FileJournal.Create(Folder, new(Identity), files).Dispose();
        var answered = new Dictionary<CommandId, Ended>();
        var unknown = new List<CommandId>();
        var fatal = new TaskCompletionSource();
        var engine = Open(files, caches, fatal);
        var found = StreamFounding.Command(StreamFounding.Today);
        await engine.SendAsync(new(default, Envelope.Engine, 0), found, "found").ConfigureAwait(false);
        // Set between blocks only: the disk in memory is not for two threads, and no block is under way here.
        if (random.Next(3) == 0) files.Free = random.Next(20_000);
        else files.FailsAfter = random.Next(1, 40);
        await LoadAsync(engine, random, answered, unknown).ConfigureAwait(false);
        if (unknown.Count > 0) await fatal.Task.WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        if (unknown.Count > 0 && engine.IsRunning)
            throw new InvalidOperationException($"Seed {seed}: the engine goes on over unknown state.");
        engine.Dispose();
        result.Stops += fatal.Task.IsCompleted ? 1 : 0;

        files.Restart(powerLost: random.Next(2) == 0);
        using var again = Open(files, caches, new());
        foreach (var (id, ended) in answered)
        {
            var row = await again.ReadAsync((bank, _) => bank.Memory.TryFind(id, out var kept) ? kept : default)
                .ConfigureAwait(false);
            if (row.Position != ended.Position || row.Parts != ended.Parts)
                throw new InvalidOperationException(
                    $"Seed {seed}: {id} was answered {ended} and is now at {row.Position} × {row.Parts}.");
        }
        result.Answered += answered.Count;
        result.Unknown += unknown.Count;
        foreach (var id in unknown)
        {
            if (await again.ReadAsync((bank, _) => bank.Memory.TryFind(id, out var _)).ConfigureAwait(false))
                result.UnknownButDurable++;
        }
    }

    /// <summary>
    /// Sends in bursts, so that several commands share a block, until the engine stops or the load ends.
    /// </summary>
    private static async Task LoadAsync(
        BookEngine engine, Random random, Dictionary<CommandId, Ended> answered, List<CommandId> unknown)
    {
        for (var sent = 0; sent < MostCommands;)
        {
            var burst = new List<(CommandId Id, Task<Answer> Answer)>();
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                var milliseconds = (ulong)(StreamFounding.Start.Microseconds / 1_000);
                var id = new CommandId(
                    (UInt128)milliseconds << 80 | (UInt128)7 << 76 | (UInt128)2 << 62 | (uint)++sent);
                var command = Asked(random, sent);
                try
                {
                    burst.Add((id, engine.SendAsync(new(id, 0, (UInt128)(uint)sent), command, "simulated")));
                }
                catch (EngineUnavailableException)
                {
                    return;
                }
            }
            foreach (var (id, answer) in burst)
            {
                try
                {
                    answered.Add(id, (await answer.ConfigureAwait(false)).Ended);
                }
                catch (EngineUnavailableException unavailable) when (unavailable.Code == "outcome_unknown")
                {
                    unknown.Add(id);
                }
            }
            if (unknown.Count > 0) return;
        }
    }

    /// <summary>A few accounts, money into them, and transfers among them, some of which are refused.</summary>
    private static Command Asked(Random random, int number)
    {
        if (number <= 4)
        {
            var flags = number == 1 ? AccountFlags.None : AccountFlags.DebitsMustNotExceedCredits;
            return new OpenAccount(
                Account(number), AccountClass.Liability, Tag.Of("2000"), default, flags, [AssetCode.Parse("EUR")]);
        }
        var from = random.Next(1, 5);
        var amount = new StatedAmount(AssetCode.Parse("EUR"), random.Next(1, 10_000), 2);
        return new MakeTransfer(Account(from), Account(from % 4 + 1), amount, Particulars.None);
    }

    private static AccountId Account(int number) => AccountId.Parse($"account:{number}");

    private static BookEngine Open(FaultyFileLayer files, string caches, TaskCompletionSource fatal)
    {
        var journal = FileJournal.Open(Folder, new(Identity), files);
        return new(Recovery.Open(journal, caches, static _ => { }), new SetTime(StreamFounding.Start), new(),
            _ => fatal.TrySetResult(), static (_, _) => { });
    }
}
