namespace BankingEngine.Specs.Simulation;

/// <summary>What a run met.</summary>
public sealed record CrashLoopResult
{
    public int Rounds { get; set; }
    public int Acknowledged { get; set; }
    public int Refused { get; set; }
    public int UnknownAtCrash { get; set; }
    public int UnknownFoundDone { get; set; }
    public int AskedAgain { get; set; }
    public int Reads { get; set; }
    public long Events { get; set; }
}

/// <summary>
/// The real server under load over HTTP, killed at a random moment, started again and checked: what was acknowledged
/// is there once, what was read or refused rests on events that are there, and the model agrees with every answer.
/// </summary>
public sealed class CrashLoop : IDisposable
{
    private const int Clients = 4;
    private const int AskedAgainEachRound = 60;

    /// <summary>Longer than the place of a host that is gone is kept for it.</summary>
    private static readonly TimeSpan LeadsWithin = TimeSpan.FromSeconds(20);

    private readonly string _program;
    private readonly StoreBook _book;
    private readonly CrashLoopResult _result = new();
    private readonly History _history = new();
    private readonly CrashAudit _audit;
    private int _starts;

    private CrashLoop(string program, StoreBook book)
    {
        (_program, _book) = (program, book);
        _audit = new(book.OpenToRead);
    }

    /// <summary>Where the program lies beside this one.</summary>
    public static string ProgramBesideThis => Path.Combine(AppContext.BaseDirectory, "BankingEngine.Host.dll");

    /// <param name="seed">Of the load and the moments; how threads and disk fall in is not repeated by it.</param>
    /// <param name="store">Name of the store: file or postgres.</param>
    /// <param name="program">Path of the program's assembly.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names seed and round.</exception>
    public static async Task<CrashLoopResult> RunAsync(int seed, int rounds, string store, string program)
    {
        using var under = StoreUnderTest.Named(store);
        return await RunAsync(seed, rounds, under, program).ConfigureAwait(false);
    }

    public void Dispose() => _book.Dispose();

    internal static async Task<CrashLoopResult> RunAsync(int seed, int rounds, StoreUnderTest store, string program)
    {
        using var loop = new CrashLoop(program, store.NewBook());
        for (var round = 1; round <= rounds; round++)
        {
            try
            {
                await loop.RoundAsync(new Random(HashCode.Combine(seed, round))).ConfigureAwait(false);
            }
            catch (InvalidOperationException broken)
            {
                throw new InvalidOperationException(
                    $"Crash on {store.Name}, seed {seed}, round {round}: {broken.Message}", broken);
            }
        }
        loop._audit.CompareFromStart();
        return loop._result;
    }

    private async Task RoundAsync(Random random)
    {
        using var server = await BankProcess.StartAsync(_program, $"host-{++_starts}", _book.PlaceOf(0))
            .ConfigureAwait(false);
        using (var patience = new CancellationTokenSource(LeadsWithin))
        {
            while (!await server.LeadsAsync().ConfigureAwait(false))
                await Task.Delay(20, patience.Token).ConfigureAwait(false);
        }
        await AskAgainAsync(server, random).ConfigureAwait(false);
        var seeds = Enumerable.Range(0, Clients).Select(_ => random.Next()).ToArray();
        var clients = seeds.Select(seed => Task.Run(() => LoadAsync(server, new Random(seed)))).ToArray();
        await Task.Delay(random.Next(30, 500)).ConfigureAwait(false);
        await server.KillAsync().ConfigureAwait(false);
        await Task.WhenAll(clients).ConfigureAwait(false);

        _audit.Follow(_history);
        _result.Rounds++;
        _result.Acknowledged = _history.Answered.Count;
        _result.Refused = _history.Answered.Values.Count(answer => answer.IsRefusal);
        _result.Events = _audit.Position;
    }

    /// <summary>
    /// First what is not known, then some of what is: the answer must be the first one, byte for byte.
    /// </summary>
    private async Task AskAgainAsync(BankProcess server, Random random)
    {
        foreach (var asked in _history.Sent.Values.Where(asked => !_history.Answered.ContainsKey(asked.Id)).ToList())
        {
            _result.UnknownAtCrash++;
            var floor = _history.Floor;
            var told = await AnsweredAsync(server, asked).ConfigureAwait(false);
            if (told.Again) _result.UnknownFoundDone++;
            _history.Keep(asked.Id, told, floor);
        }
        var known = _history.Answered.Keys.Order().ToArray();
        for (var i = 0; i < AskedAgainEachRound && known.Length > 0; i++)
        {
            var id = known[random.Next(known.Length)];
            var told = await AnsweredAsync(server, _history.Sent[id]).ConfigureAwait(false);
            if (!told.Again)
                throw new InvalidOperationException($"{id} was answered {_history.Answered[id]} and now {told}.");
            _history.Keep(id, told, floor: 0);
            _result.AskedAgain++;
        }
    }

    /// <summary>A server without load answers; on a store that is slow just now, a little later.</summary>
    private static async Task<Told> AnsweredAsync(BankProcess server, Asked asked)
    {
        for (var began = Environment.TickCount64; Environment.TickCount64 - began < LeadsWithin.TotalMilliseconds;)
        {
            if (await server.SendAsync(asked).ConfigureAwait(false) is { } told) return told;
            await Task.Delay(20).ConfigureAwait(false);
        }
        throw new InvalidOperationException($"{asked.Id} gets no answer from a server without load:\n{server.Said}");
    }

    private async Task LoadAsync(BankProcess server, Random random)
    {
        var reserved = new List<Domain.Kernel.CommandId>();
        while (true)
        {
            var floor = _history.Floor;
            if (random.Next(6) == 0)
            {
                var account = random.Next(2) == 0 ? "customers:alice" : "customers:bob";
                if (await server.ReadAsync(account, after: 0).ConfigureAwait(false) is not { } read) return;
                _history.Keep(read, floor);
                lock (_result) _result.Reads++;
                continue;
            }
            var asked = Asked.Next(random, reserved);
            _history.Sent[asked.Id] = asked;
            if (await server.SendAsync(asked).ConfigureAwait(false) is not { } told) return;
            _history.Keep(asked.Id, told, floor);
            if (asked.Command is Domain.Ledger.ReserveTransfer && !told.IsRefusal) reserved.Add(asked.Id);
        }
    }
}
