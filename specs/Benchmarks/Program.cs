using System.Text.Json;
using BankingEngine.Benchmarks;

var benchmarks = new Dictionary<string, (string What, Action Run)>(StringComparer.Ordinal)
{
    ["engine"] = ("the engine in process: bulk, 256 callers, hot account, 10 thousand and a million accounts", EngineBenchmarks.Run),
    ["journals"] = ("the engine in process on each journal in turns: bulk, 256 callers", JournalBenchmarks.Run),
    ["path"] = ("processor time of each step of a transfer, one thread", PathBenchmarks.Run),
    ["authority"] = ("what a transfer's authorisation costs, one thread, and what permissions weigh", AuthorityBenchmarks.Run),
    ["http"] = ("single transfers and bulk over HTTP, closed and open loop, uniform and one hot account", HttpBenchmarks.Run),
    ["served"] = ("over HTTP on each journal; how far a standby is behind, and how long until it leads", ServedBenchmarks.Run),
    ["signed"] = ("signed transfers over HTTP: secp256k1, P-256, passkey; and what one signature costs", SignedBenchmarks.Run),
    ["postgres"] = ("the peer: one plpgsql call a transfer on PostgreSQL, by pgbench", PostgresBenchmarks.Run),
    ["models"] = ("read models: catch-up, rebuild, history and range of a long account, in memory and in PostgreSQL", ModelBenchmarks.Run),
    ["replay"] = ("replay plain and verified, start from a snapshot, bytes per account and id", ReplayBenchmarks.Run),
    ["reports"] = ("read models: catch-up of all and of each, statements of 100,000 entries in every form", ReportBenchmarks.Run),
    ["tables"] = ("row tables: find, insert, update, rollback, save and load", TableBenchmarks.Run),
    ["tree"] = ("hashing event lines and the tree", TreeBenchmarks.Run),
};

if (args is ["load", var plan])
{
    Console.WriteLine(JsonSerializer.Serialize(new HttpLoad(JsonSerializer.Deserialize<LoadPlan>(plan)!).Run()));
    return 0;
}

if (args is ["load-signed", var port, var requests])
{
    var sent = await SignedBenchmarks.SendAsync(int.Parse(port, System.Globalization.CultureInfo.InvariantCulture), requests);
    Console.WriteLine(JsonSerializer.Serialize(sent));
    return 0;
}

if (args.Length == 1 && benchmarks.TryGetValue(args[0], out var chosen))
{
    chosen.Run();
    return 0;
}

Console.WriteLine("dotnet run -c Release --project specs/Benchmarks -- NAME");
foreach (var (name, (what, _)) in benchmarks) Console.WriteLine($"  {name,-10} {what}");
return args.Length == 0 ? 0 : 1;
