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
        crash   --rounds N [--seed S]     the server under load over HTTP, killed and started again
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
                return Crash(Number(args, "--seed", Random.Shared.Next(1, 1_000_000)), Number(args, "--rounds", 10));
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

    private static int Crash(int seed, int rounds)
    {
        Console.WriteLine($"Crash loop, {rounds} rounds, seed {seed}");
        Console.WriteLine(CrashLoop.RunAsync(seed, rounds, CrashLoop.HostBesideThis).GetAwaiter().GetResult());
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

    private static string Text(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : throw new InvalidOperationException($"{name} is missing.");
    }

    private static int Number(string[] args, string name, int otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }
}
