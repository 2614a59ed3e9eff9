using System.Collections.Concurrent;
using System.Globalization;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation;

/// <summary>What a fight met.</summary>
public sealed record FightResult
{
    /// <summary>From a loss being detectable to the first command decided after it, by what was lost.</summary>
    public ConcurrentQueue<(string Kind, TimeSpan Took)> TakeOvers { get; } = new();

    public int Rounds { get; set; }
    public int Terms { get; set; }
    public int Acknowledged { get; set; }
    public int Refused { get; set; }
    public int GivenUp { get; set; }
    public int GivenUpAndDone { get; set; }
    public int AskedAgain { get; set; }
    public int LeaderReads { get; set; }
    public int FollowerReads { get; set; }
    public int ReadsAfterPause { get; set; }
    public int RefusedAfterPause { get; set; }
    public long Events { get; set; }

    /// <summary>Losses after which the same host led again before another did.</summary>
    public int NotTakenOver { get; set; }

    /// <summary>The slowest take-over.</summary>
    public TimeSpan Slowest => TakeOvers.IsEmpty ? TimeSpan.Zero : TakeOvers.Max(one => one.Took);

    public override string ToString()
    {
        var times = TakeOvers.GroupBy(one => one.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind =>
        {
            var sorted = kind.Select(one => one.Took.TotalSeconds).Order().ToArray();
            return string.Create(CultureInfo.InvariantCulture,
                $"\n  {kind.Key}: {sorted.Length} times, p50 {sorted[sorted.Length / 2]:0.00} s, "
                + $"max {sorted[^1]:0.00} s");
        });
        return $"""
            {Rounds} rounds, {Terms} terms, {Events} events
            {Acknowledged} commands answered, {Refused} of them refused; {AskedAgain} asked again
            {GivenUp} given up by their callers, {GivenUpAndDone} of them done
            {LeaderReads} reads of leaders, {FollowerReads} of followers
            {ReadsAfterPause} reads of a host that had stood still, which refused {RefusedAfterPause}
            {NotTakenOver} losses after which the same host led again
            First command decided after a loss was detectable:{string.Concat(times)}
            """;
    }
}

/// <summary>
/// Two hosts of one book that lose each other, their store and the wires to it at random, under callers who find the
/// leader by themselves: nothing acknowledged is lost or done twice, and nobody is told less than anyone was told
/// before.
/// </summary>
public sealed class Fight : IDisposable
{
    private const int Callers = 4;
    private const int AskedAgainEachRound = 20;

    /// <summary>Names any fault that is the store's own.</summary>
    public const string OfStore = "any of the store";

    /// <summary>Commands are decided again within this time of a loss being detectable.</summary>
    public static readonly TimeSpan TakenOverWithin = TimeSpan.FromSeconds(5);

    /// <summary>After which a caller says that the bank is down.</summary>
    private static readonly TimeSpan AnsweredWithin = TimeSpan.FromSeconds(30);

    private static readonly string[] Accounts = ["customers:alice", "customers:bob"];

    private readonly FightHosts _hosts;
    private readonly StoreUnderTest _store;
    private readonly StoreBook _book;
    private readonly History _history = new();
    private readonly FightResult _result = new();
    private readonly CrashAudit _audit;
    private volatile TakeOver? _awaited;

    private Fight(StoreUnderTest store, string program)
    {
        _store = store;
        _book = store.NewBook();
        _hosts = new(_book, store.MostHosts, program);
        _audit = new(_book.OpenToRead);
        _history.OnDecided = told => _awaited?.Hear(told);
    }

    /// <param name="seed">Of the load, the faults and the moments; how threads fall in is not repeated by it.</param>
    /// <param name="store">Name of a store that several hosts reach.</param>
    /// <param name="program">Path of the program's assembly.</param>
    /// <param name="say">Told of each round.</param>
    /// <param name="only">Names of the faults, one a round in turn; none: any.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names seed and round.</exception>
    public static async Task<FightResult> RunAsync(
        int seed, int rounds, string store, string program, Action<string> say, params string[] only)
    {
        using var under = StoreUnderTest.Named(store);
        return await RunAsync(seed, rounds, under, program, say, only).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _hosts.Dispose();
        _book.Dispose();
    }

    internal static async Task<FightResult> RunAsync(
        int seed, int rounds, StoreUnderTest store, string program, Action<string> say, params string[] only)
    {
        using var fight = new Fight(store, program);
        var round = 0;
        try
        {
            for (round = 1; round <= rounds; round++)
                await fight.RoundAsync(new Random(HashCode.Combine(seed, round)), round, say, only)
                    .ConfigureAwait(false);
            await fight.EndAsync().ConfigureAwait(false);
            return fight._result;
        }
        catch (Exception broken) when (broken is InvalidOperationException or TimeoutException)
        {
            var health = await fight._hosts.HealthAsync().ConfigureAwait(false);
            throw new InvalidOperationException(
                $"Fight on {store.Name}, seed {seed}, round {round}: {broken.Message}\n{health}{fight._hosts.Said()}",
                broken);
        }
    }

    private async Task RoundAsync(Random random, int round, Action<string> say, string[] only)
    {
        await _hosts.StartMissingAsync().ConfigureAwait(false);
        await DemandLeaderSaysSoAsync(await _hosts.LeaderAsync().ConfigureAwait(false)).ConfigureAwait(false);
        await AskAgainAsync(random).ConfigureAwait(false);
        using var ending = new CancellationTokenSource();
        var seeds = Enumerable.Range(0, Callers).Select(_ => random.Next()).ToArray();
        var callers = seeds.Select(seed => Task.Run(() => CallAsync(new Random(seed), ending.Token))).ToArray();
        await Task.Delay(random.Next(100, 600)).ConfigureAwait(false);
        var faults = Adversary.All(_store);
        var named = only.Length == 0 ? null : only[(round - 1) % only.Length];
        if (named is not null)
            faults = [.. faults.Where(fault => fault.Name == named || (fault.IsOfStore && named == OfStore))];
        if (faults.Count == 0) throw new InvalidOperationException($"There is no fault '{named}' on {_store.Name}.");
        var fault = faults[random.Next(faults.Count)];
        say($"{round}: {fault.Name}");
        var suffering = SufferAsync(fault, random);
        // A caller that was told wrongly ends the round at once.
        await Task.WhenAny([suffering, .. callers]).ConfigureAwait(false);
        if (!suffering.IsCompleted) await (await Task.WhenAny(callers).ConfigureAwait(false)).ConfigureAwait(false);
        await suffering.ConfigureAwait(false);
        await Task.Delay(random.Next(100, 400)).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(callers).ConfigureAwait(false);

        _hosts.DemandNoneFell();
        _audit.Follow(_history);
        await CompareRootsAsync().ConfigureAwait(false);
        _result.Rounds++;
        _result.Terms = _audit.Terms;
        _result.Acknowledged = _history.Answered.Count;
        _result.Refused = _history.Answered.Values.Count(answer => answer.IsRefusal);
        _result.Events = _audit.Position;
    }

    /// <summary>Does something to a host, the store or a wire, and waits until commands are decided again.</summary>
    private async Task SufferAsync(Fault fault, Random random)
    {
        var leader = await _hosts.LeaderAsync().ConfigureAwait(false);
        var stage = new Stage(_hosts, _book, _store, leader, random, Watch, ReadAfterPauseAsync);
        await fault.Suffer(stage).ConfigureAwait(false);
        if (_awaited is { } awaited)
        {
            try
            {
                await awaited.WaitAsync(TakenOverWithin * 2).ConfigureAwait(false);
                _result.TakeOvers.Enqueue((awaited.Kind, awaited.Took));
            }
            catch (TimeoutException)
            {
                // Whoever was mended in time may have the lead again before another got it.
                _result.NotTakenOver++;
            }
        }
        var any = Watch(new TakeOver(fault.Name, without: null));
        any.DetectableIn(TimeSpan.Zero);
        await any.WaitAsync(AnsweredWithin).ConfigureAwait(false);
        _awaited = null;
    }

    private TakeOver Watch(TakeOver awaited) => _awaited = awaited;

    /// <summary>What a host that stood still is asked before it goes on: it must not answer of what it knew.</summary>
    private async Task ReadAfterPauseAsync(BankProcess paused, Action resume)
    {
        var asked = Enumerable.Range(0, 8).Select(i =>
        {
            var floor = _history.Floor;
            return (Floor: floor, Read: paused.ReadAsync(Accounts[i % 2], after: 0, TimeSpan.FromSeconds(20)));
        }).ToList();
        await Task.Delay(20).ConfigureAwait(false);
        resume();
        for (var i = 0; i < 8; i++)
            asked.Add((_history.Floor, paused.ReadAsync(Accounts[i % 2], after: 0, TimeSpan.FromSeconds(20))));
        foreach (var (floor, read) in asked)
        {
            _result.ReadsAfterPause++;
            if (await read.ConfigureAwait(false) is { } seen) _history.Keep(seen, seen.Follows ? 0 : floor);
            else _result.RefusedAfterPause++;
        }
    }

    /// <summary>A caller: goes on asking one host after the other until it is answered.</summary>
    private async Task CallAsync(Random random, CancellationToken ending)
    {
        var reserved = new List<CommandId>();
        var at = random.Next(_hosts.Count);
        var known = 0L;
        while (!ending.IsCancellationRequested)
        {
            await Task.Delay(random.Next(0, 8), CancellationToken.None).ConfigureAwait(false);
            if (random.Next(5) == 0)
            {
                // Now and then what this caller knows is asked of whoever there is, and has to be known there.
                var follower = random.Next(2) == 0;
                var host = follower ? (at + 1) % _hosts.Count : at;
                var after = random.Next(3) == 0 ? known : 0;
                var floor = _history.Floor;
                var account = Accounts[random.Next(2)];
                if (_hosts[host] is not { } asked
                    || await asked.ReadAsync(account, after).ConfigureAwait(false) is not { } seen) continue;
                _history.Keep(seen, seen.Follows ? after : floor);
                lock (_result)
                {
                    if (seen.Follows) _result.FollowerReads++;
                    else _result.LeaderReads++;
                }
                continue;
            }
            var command = Asked.Next(random, reserved);
            _history.Sent[command.Id] = command;
            var (told, by) = await AskAsync(command, at, random).ConfigureAwait(false);
            at = by;
            if (told is null) continue;
            known = told.Position;
            if (command.Command is ReserveTransfer && !told.IsRefusal) reserved.Add(command.Id);
        }
    }

    /// <returns>Null where the caller gave up, as some do when there is no answer at once.</returns>
    private async Task<(Told? Told, int By)> AskAsync(Asked command, int at, Random random)
    {
        var started = Environment.TickCount64;
        while (true)
        {
            var floor = _history.Floor;
            if (_hosts[at] is { } host && await host.SendAsync(command).ConfigureAwait(false) is { } told)
            {
                _history.Keep(command.Id, told, floor);
                return (told, at);
            }
            if (random.Next(40) == 0)
            {
                lock (_result) _result.GivenUp++;
                return (null, at);
            }
            if (Environment.TickCount64 - started > AnsweredWithin.TotalMilliseconds)
                throw new InvalidOperationException(
                    $"{command.Id} gets no answer from any host within {AnsweredWithin}.");
            at = (at + 1) % _hosts.Count;
            await Task.Delay(random.Next(5, 30), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>What callers gave up, and some of what is known: the answer must be the first one, byte for byte.
    /// </summary>
    private async Task AskAgainAsync(Random random)
    {
        foreach (var asked in _history.Sent.Values.Where(asked => !_history.Answered.ContainsKey(asked.Id)).ToList())
        {
            await AskAsync(asked, 0, new AlwaysAsk()).ConfigureAwait(false);
            if (_history.Answered[asked.Id].Again) _result.GivenUpAndDone++;
        }
        var known = _history.Answered.Keys.Order().ToArray();
        for (var i = 0; i < AskedAgainEachRound && known.Length > 0; i++)
        {
            var id = known[random.Next(known.Length)];
            var (told, _) = await AskAsync(_history.Sent[id], 0, new AlwaysAsk()).ConfigureAwait(false);
            if (told is not { Again: true })
                throw new InvalidOperationException($"{id} was answered {_history.Answered[id]} and now {told}.");
            _result.AskedAgain++;
        }
    }

    /// <summary>Answers of the host that leads do not say that they may be old.</summary>
    private async Task DemandLeaderSaysSoAsync(int leader)
    {
        var host = _hosts[leader]!;
        var floor = _history.Floor;
        if (await host.ReadAsync(Accounts[0], after: 0).ConfigureAwait(false) is not { } seen
            || !await host.LeadsAsync().ConfigureAwait(false)) return;
        if (seen.Follows) throw new InvalidOperationException($"{host.Name} leads, and says that it follows: {seen}.");
        _history.Keep(seen, floor);
    }

    /// <summary>Each host's tree has the journal's root at the same size.</summary>
    private async Task CompareRootsAsync()
    {
        var (size, root) = _audit.BlockBefore(_audit.Position);
        for (var host = 0; host < _hosts.Count; host++)
        {
            if (_hosts[host] is not { } asked) continue;
            var path = string.Create(CultureInfo.InvariantCulture, $"/v1/audit/checkpoint?size={size}");
            var note = await _hosts.EventuallyAsync(asked, path).ConfigureAwait(false);
            var lines = note.Split('\n');
            if (lines[1] != size.ToString(CultureInfo.InvariantCulture) || lines[2] != root)
                throw new InvalidOperationException(
                    $"{asked.Name} says of size {size}: {lines[1]}, {lines[2]}; the journal's root is {root}.");
        }
    }

    /// <summary>Reports of each host equal those of one that starts from nothing; each ends with the replica's digest.
    /// </summary>
    private async Task EndAsync()
    {
        await _hosts.StartMissingAsync().ConfigureAwait(false);
        var leader = await _hosts.LeaderAsync().ConfigureAwait(false);
        await AskAgainAsync(new Random(1)).ConfigureAwait(false);
        var fresh = await _hosts.StartFreshAsync().ConfigureAwait(false);
        string[] reports =
        [
            "/v1/trial-balance?by=account",
            .. Accounts.Select(account => $"/v1/accounts/{account}/entries?limit=100"),
        ];
        foreach (var report in reports)
            foreach (var host in Enumerable.Range(0, _hosts.Count))
                await _hosts.DemandEqualAsync(_hosts[host]!, fresh, report).ConfigureAwait(false);
        var ended = new List<(string Name, (long Position, UInt128 Digest)? Said)>
        {
            (fresh.Name, await fresh.EndAsync().ConfigureAwait(false)),
        };
        foreach (var host in Enumerable.Range(0, _hosts.Count).OrderBy(host => host == leader))
            ended.Add((_hosts[host]!.Name, await _hosts[host]!.EndAsync().ConfigureAwait(false)));
        _audit.Follow(_history);
        _audit.CompareFromStart();
        foreach (var (name, said) in ended)
        {
            if (said is not { } end)
                throw new InvalidOperationException($"{name} did not say where it ended.");
            if (_audit.DigestAt(end.Position) is { } digest && digest != end.Digest)
                throw new InvalidOperationException(
                    $"{name} ends at {end.Position} with digest {end.Digest:x32}; the journal gives {digest:x32}.");
        }
        _result.Events = _audit.Position;
    }

    /// <summary>A caller who never gives up.</summary>
    private sealed class AlwaysAsk : Random
    {
        public override int Next(int maxValue) => maxValue - 1;
    }
}
