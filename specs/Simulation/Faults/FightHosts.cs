using System.Text;
using System.Text.Json;

namespace BankingEngine.Specs.Simulation;

/// <summary>The hosts of a fight: each is started again, under a new name, when it was killed.</summary>
internal sealed class FightHosts : IDisposable
{
    private static readonly TimeSpan LeadsWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly StoreBook _book;
    private readonly string _program;
    private readonly BankProcess?[] _running;
    private readonly List<BankProcess> _all = [];
    private int _starts;

    public FightHosts(StoreBook book, int count, string program) =>
        (_book, _running, _program) = (book, new BankProcess?[count], program);

    public int Count => _running.Length;

    /// <summary>The process of a host; null while it is down.</summary>
    public BankProcess? this[int host] => Volatile.Read(ref _running[host]);

    /// <summary>Starts a host.</summary>
    public async Task StartAsync(int host)
    {
        var process = await BankProcess.StartAsync(
            _program, $"host-{host}.{Interlocked.Increment(ref _starts)}", _book.PlaceOf(host)).ConfigureAwait(false);
        lock (_all) _all.Add(process);
        Volatile.Write(ref _running[host], process);
    }

    /// <summary>One after the other the first time, since the first founds the book.</summary>
    public async Task StartMissingAsync()
    {
        if (_starts == 0) await StartAsync(0).ConfigureAwait(false);
        await Task.WhenAll(Enumerable.Range(0, Count).Where(host => this[host] is null).Select(StartAsync))
            .ConfigureAwait(false);
    }

    /// <summary>A host with empty caches, beside the others.</summary>
    public async Task<BankProcess> StartFreshAsync()
    {
        var process = await BankProcess.StartAsync(_program, "fresh", _book.PlaceOf(Count)).ConfigureAwait(false);
        lock (_all) _all.Add(process);
        return process;
    }

    public async Task KillAsync(int host)
    {
        var process = this[host]!;
        Volatile.Write(ref _running[host], null);
        await process.KillAsync().ConfigureAwait(false);
    }

    /// <summary>An orderly end.</summary>
    public async Task EndAsync(int host)
    {
        var process = this[host]!;
        Volatile.Write(ref _running[host], null);
        await process.EndAsync().ConfigureAwait(false);
    }

    /// <summary>Number of the host that leads; waits until one does.</summary>
    /// <exception cref="InvalidOperationException">None does.</exception>
    public async Task<int> LeaderAsync()
    {
        for (var started = Environment.TickCount64; ;)
        {
            for (var host = 0; host < Count; host++)
                if (this[host] is { } asked && await asked.LeadsAsync().ConfigureAwait(false)) return host;
            DemandNoneFell();
            if (Environment.TickCount64 - started > LeadsWithin.TotalMilliseconds)
                throw new InvalidOperationException($"No host leads within {LeadsWithin}.");
            await Task.Delay(20).ConfigureAwait(false);
        }
    }

    /// <summary>A host ends only when it is killed or told to.</summary>
    public void DemandNoneFell()
    {
        lock (_all)
            if (_all.Find(process => process.HasFallen) is { } fallen)
                throw new InvalidOperationException($"{fallen.Name} ended of its own accord.");
    }

    /// <summary>Asks until there is an answer: what stands at a position is there a moment later.</summary>
    public async Task<string> EventuallyAsync(BankProcess host, string path)
    {
        for (var started = Environment.TickCount64; ;)
        {
            if (await host.GetAsync(path, Patience).ConfigureAwait(false) is var (body, _)) return body;
            DemandNoneFell();
            if (Environment.TickCount64 - started > LeadsWithin.TotalMilliseconds)
                throw new InvalidOperationException($"{host.Name} does not answer {path}.");
            await Task.Delay(50).ConfigureAwait(false);
        }
    }

    /// <summary>Two hosts give the same report, as soon as they give it of the same position.</summary>
    public async Task DemandEqualAsync(BankProcess host, BankProcess fresh, string path)
    {
        for (var started = Environment.TickCount64; ;)
        {
            var (mine, theirs) = (
                await EventuallyAsync(host, path).ConfigureAwait(false),
                await EventuallyAsync(fresh, path).ConfigureAwait(false));
            if (PositionOf(mine) == PositionOf(theirs))
            {
                if (mine != theirs)
                    throw new InvalidOperationException(
                        $"{path}: {host.Name} says\n{mine}\nand one that starts anew\n{theirs}");
                return;
            }
            if (Environment.TickCount64 - started > LeadsWithin.TotalMilliseconds)
                throw new InvalidOperationException(
                    $"{path}: {host.Name} stands at {PositionOf(mine)}, one that starts anew at {PositionOf(theirs)}.");
            await Task.Delay(50).ConfigureAwait(false);
        }
    }

    /// <summary>What each host says of itself, and of a question.</summary>
    public async Task<string> HealthAsync()
    {
        var all = new StringBuilder();
        foreach (var path in (string[])["/health/leading", "/v1/accounts/bank:cash/balances", "/v1/projections"])
        {
            foreach (var host in _running.OfType<BankProcess>())
                all.AppendLine($"{host.Name} {path}: {await host.AnyAsync(path, Patience).ConfigureAwait(false)}");
        }
        return all.ToString();
    }

    /// <summary>What the processes wrote, the newest last.</summary>
    public string Said()
    {
        const int Most = 6_000;
        var all = new StringBuilder();
        lock (_all)
        {
            foreach (var process in _all.TakeLast(4))
            {
                var said = process.Said;
                all.Append("--- ").AppendLine(process.Name).AppendLine(said.Length <= Most ? said : said[^Most..]);
            }
        }
        return all.ToString();
    }

    public void Dispose()
    {
        lock (_all) foreach (var process in _all) process.Dispose();
    }

    private static long PositionOf(string report)
    {
        using var json = JsonDocument.Parse(report);
        return json.RootElement.GetProperty("position").GetInt64();
    }
}
