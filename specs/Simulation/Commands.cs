using System.Globalization;
using BankingEngine.Specs.Simulation.EventStore;
using BankingEngine.Specs.Simulation.Model;

namespace BankingEngine.Specs.Simulation;

/// <summary>The named simulations, each with its seed printed, each ending in 0 where all promises held.</summary>
internal static class Commands
{
    private const string Help = """
        storage --seeds N [--first S]     the file journal on a disk that fails
        model   --commands N [--seed S]   random commands through engine and reference model
        engine  --seeds N [--first S]     streams through the whole engine on files, with restarts
        faults  --seeds N [--first S]     the whole engine on a disk that fails
        crash   --rounds N [--seed S] [--journal file|postgres|eventstore]
                                          the server under load over HTTP, killed and started again
        fight   --rounds N [--seed S] [--journal postgres|eventstore] [--only FAULT,…]
                                          two servers of one book that lose each other, their store and their wires
        engines --seeds N [--first S] [--journal postgres|eventstore]
                                          the same with two engines in one process
        suite   [--seed S] [--journal file|postgres|eventstore]
                                          crash, engines and fight on one store
        canary                            planted bugs, which the model must notice
        eventstore --port N --folder F    an event store that speaks the EventStoreDB protocol, until it is killed
        """;

    public static int Run(string[] args)
    {
        try
        {
            return Dispatch(args);
        }
        catch (Exception broken) when (broken is InvalidOperationException or ModelDifferenceException)
        {
            Console.Error.WriteLine(broken.Message);
            return 1;
        }
    }

    private static int Dispatch(string[] args)
    {
        switch (args.FirstOrDefault())
        {
            case "storage": return Storage(Number(args, "--first", 1), Number(args, "--seeds", 1_000));
            case "model": return Model(Number(args, "--seed", 1), Number(args, "--commands", 20_000));
            case "engine": return Engine(Number(args, "--first", 1), Number(args, "--seeds", 5));
            case "faults": return Faults(Number(args, "--first", 1), Number(args, "--seeds", 100));
            case "crash":
                return Crash(AnySeed(args), Number(args, "--rounds", 10), Text(args, "--journal", "file"));
            case "fight":
                return Fight(AnySeed(args), Number(args, "--rounds", 50), Text(args, "--journal", "postgres"), args);
            case "engines":
                return Engines(
                    Number(args, "--first", 1), Number(args, "--seeds", 20), Text(args, "--journal", "postgres"));
            case "suite": return Suite(AnySeed(args), Text(args, "--journal", "postgres"));
            case "canary": return Canary();
            case "eventstore": return Store(Number(args, "--port", 2113), Text(args, "--folder"));
            default:
                Console.Error.WriteLine(Help);
                return 2;
        }
    }

    private static int Store(int port, string folder)
    {
        var server = EventStoreServer.StartAsync(new(folder, port)).GetAwaiter().GetResult();
        Console.WriteLine($"Listening on {server.Address}");
        server.WaitAsync().GetAwaiter().GetResult();
        server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return 0;
    }

    private static int Storage(int first, int seeds)
    {
        Console.WriteLine($"Storage faults, seeds {first} to {first + seeds - 1}");
        Console.WriteLine(StorageFaults.Run(first, seeds));
        return 0;
    }

    private static int Model(int seed, int commands)
    {
        Console.WriteLine($"Engine against model, {commands} commands from seed {seed}");
        var result = ModelRun.Run(seed, commands);
        Console.WriteLine(result);
        foreach (var (code, times) in result.Codes) Console.WriteLine($"{times,9} {code}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"No difference; {result.Commands / result.Took.TotalSeconds:N0} commands a second"));
        return 0;
    }

    private static int Engine(int first, int seeds)
    {
        Console.WriteLine($"Streams through the whole engine, seeds {first} to {first + seeds - 1}");
        for (var seed = first; seed < first + seeds; seed++)
            EngineRun.RunAsync(seed, 2_000, restarts: 4).GetAwaiter().GetResult();
        return 0;
    }

    private static int Faults(int first, int seeds)
    {
        Console.WriteLine($"The whole engine on a failing disk, seeds {first} to {first + seeds - 1}");
        Console.WriteLine(EngineFaults.RunAsync(first, seeds).GetAwaiter().GetResult());
        return 0;
    }

    private static int Crash(int seed, int rounds, string store)
    {
        Console.WriteLine($"Crash loop on {store}, {rounds} rounds, seed {seed}");
        Console.WriteLine(
            CrashLoop.RunAsync(seed, rounds, store, CrashLoop.ProgramBesideThis).GetAwaiter().GetResult());
        return 0;
    }

    private static int Fight(int seed, int rounds, string store, string[] args)
    {
        Console.WriteLine($"Two hosts of one book on {store}, {rounds} rounds, seed {seed}");
        var only = Text(args, "--only", "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        var result = Simulation.Fight.RunAsync(
            seed, rounds, store, CrashLoop.ProgramBesideThis, Console.WriteLine, only).GetAwaiter().GetResult();
        Console.WriteLine(result);
        if (result.Slowest < Simulation.Fight.TakenOverWithin) return 0;
        Console.Error.WriteLine($"A take-over took {result.Slowest}; the bound is {Simulation.Fight.TakenOverWithin}.");
        return 1;
    }

    private static int Engines(int first, int seeds, string store)
    {
        Console.WriteLine($"Two engines of one book on {store}, seeds {first} to {first + seeds - 1}");
        Console.WriteLine(EngineFight.RunAsync(first, seeds, store).GetAwaiter().GetResult());
        return 0;
    }

    private static int Suite(int seed, string store)
    {
        Console.WriteLine($"The fault suite on {store}, seed {seed}");
        var length = new SuiteLength(Crashes: 20, Fights: 50, Engines: 20);
        FaultSuite.RunAsync(store, seed, length, CrashLoop.ProgramBesideThis, Console.WriteLine)
            .GetAwaiter().GetResult();
        return 0;
    }

    private static int Canary()
    {
        foreach (var sabotage in Enum.GetValues<Sabotage>().Where(kind => kind != Sabotage.None))
        {
            try
            {
                ModelRun.Run(firstSeed: 1, ModelRun.StreamLength, sabotage);
                Console.Error.WriteLine($"{sabotage}: not noticed");
                return 1;
            }
            catch (ModelDifferenceException noticed)
            {
                Console.WriteLine($"{sabotage}: noticed. {noticed.Message.Split('\n')[0]}");
            }
        }
        return 0;
    }

    private static int AnySeed(string[] args) => Number(args, "--seed", Random.Shared.Next(1, 1_000_000));

    private static string Text(string[] args, string name, string? otherwise = null)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length
            ? args[at + 1]
            : otherwise ?? throw new InvalidOperationException($"{name} is missing.");
    }

    private static int Number(string[] args, string name, int otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }
}
