using System.Collections.Concurrent;
using System.Globalization;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

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

    private readonly string _folder = Directory.CreateTempSubdirectory("crash-loop-").FullName;
    private readonly string _host;
    private readonly int _seed;
    private readonly CrashLoopResult _result = new();
    private readonly ConcurrentDictionary<CommandId, CrashCommand> _sent = new();
    private readonly ConcurrentDictionary<CommandId, CrashAnswer> _acknowledged = new();
    private readonly ConcurrentBag<CrashRead> _reads = [];
    private readonly CrashAudit _audit;

    private CrashLoop(int seed, string host)
    {
        (_seed, _host) = (seed, host);
        _audit = new(_folder);
    }

    /// <summary>Where the program lies beside this one.</summary>
    public static string HostBesideThis => Path.Combine(AppContext.BaseDirectory, "BankingEngine.Host.dll");

    /// <param name="seed">Of the load and the moments; how threads and disk fall in is not repeated by it.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names seed and round.</exception>
    public static async Task<CrashLoopResult> RunAsync(int seed, int rounds, string host)
    {
        using var loop = new CrashLoop(seed, host);
        for (var round = 1; round <= rounds; round++)
        {
            try
            {
                await loop.RoundAsync(new Random(HashCode.Combine(seed, round))).ConfigureAwait(false);
            }
            catch (InvalidOperationException broken)
            {
                throw new InvalidOperationException($"Crash seed {seed}, round {round}: {broken.Message}", broken);
            }
        }
        loop._audit.CompareFromStart();
        return loop._result;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task RoundAsync(Random random)
    {
        using var server = await CrashServer.StartAsync(_host, _folder).ConfigureAwait(false);
        await AskAgainAsync(server, random).ConfigureAwait(false);
        var seeds = Enumerable.Range(0, Clients).Select(_ => random.Next()).ToArray();
        var clients = seeds.Select(seed => Task.Run(() => LoadAsync(server, new Random(seed)))).ToArray();
        await Task.Delay(random.Next(30, 500)).ConfigureAwait(false);
        await server.KillAsync().ConfigureAwait(false);
        await Task.WhenAll(clients).ConfigureAwait(false);

        _audit.Follow(_sent, _acknowledged, _reads);
        _reads.Clear();
        _result.Rounds++;
        _result.Acknowledged = _acknowledged.Count;
        _result.Refused = _acknowledged.Values.Count(answer => answer.IsRefusal);
        _result.Events = _audit.Position;
    }

    /// <summary>
    /// First what is not known, then some of what is: the answer must be the first one, byte for byte.
    /// </summary>
    private async Task AskAgainAsync(CrashServer server, Random random)
    {
        foreach (var command in _sent.Values.Where(command => !_acknowledged.ContainsKey(command.Id)).ToList())
        {
            _result.UnknownAtCrash++;
            var answer = await server.SendAsync(command).ConfigureAwait(false)
                ?? throw new InvalidOperationException($"{command.Id} gets no answer from a server without load.");
            if (answer.Again) _result.UnknownFoundDone++;
            _acknowledged[command.Id] = answer;
        }
        var known = _acknowledged.Keys.Order().ToArray();
        for (var i = 0; i < AskedAgainEachRound && known.Length > 0; i++)
        {
            var id = known[random.Next(known.Length)];
            var answer = await server.SendAsync(_sent[id]).ConfigureAwait(false);
            if (answer is null || !answer.Again || answer.Status != _acknowledged[id].Status
                || answer.Body != _acknowledged[id].Body)
                throw new InvalidOperationException($"{id} was answered {_acknowledged[id]} and now {answer}.");
            _result.AskedAgain++;
        }
    }

    private async Task LoadAsync(CrashServer server, Random random)
    {
        var reserved = new List<CommandId>();
        while (true)
        {
            if (random.Next(6) == 0)
            {
                var account = random.Next(2) == 0 ? "customers:alice" : "customers:bob";
                if (await server.ReadAsync(account).ConfigureAwait(false) is not { } read) return;
                _reads.Add(read);
                lock (_result) _result.Reads++;
                continue;
            }
            var command = Next(random, reserved);
            _sent[command.Id] = command;
            if (await server.SendAsync(command).ConfigureAwait(false) is not { } answer) return;
            _acknowledged[command.Id] = answer;
            if (command.Command is ReserveTransfer && !answer.IsRefusal) reserved.Add(command.Id);
        }
    }

    /// <summary>Transfers among few accounts, so that many are refused; reservations, some of which expire.</summary>
    private static CrashCommand Next(Random random, List<CommandId> reserved)
    {
        var id = CommandId.Parse(Guid.CreateVersion7().ToString());
        if (reserved.Count > 0 && random.Next(3) == 0)
        {
            var open = reserved[random.Next(reserved.Count)];
            return random.Next(2) == 0
                ? new(id, $"/v1/transfers/{open}/cancel", "{}", new CancelTransfer(new(open.Value)))
                : new(id, $"/v1/transfers/{open}/post", """{"final":true}""",
                    new PostTransfer(new(open.Value), null, IsFinal: true, Particulars.None));
        }
        string[] names = ["bank:cash", "customers:alice", "customers:bob", "bank:fees"];
        var from = random.Next(3);
        var (debit, credit) = (names[from], names[(from + random.Next(1, 4)) % 4]);
        var cents = random.Next(1, 60_000);
        var amount = new StatedAmount(AssetCode.Parse("EUR"), cents, 2);
        var text = string.Create(CultureInfo.InvariantCulture, $"{cents / 100}.{cents % 100:D2}");
        var body = $$"""{"debit":"{{debit}}","credit":"{{credit}}","amount":{"asset":"EUR","amount":"{{text}}"}""";
        if (random.Next(4) != 0)
            return new(id, "/v1/transfers", body + "}",
                new MakeTransfer(AccountId.Parse(debit), AccountId.Parse(credit), amount, Particulars.None));
        var seconds = random.Next(1, 4);
        return new(id, "/v1/transfers", string.Create(CultureInfo.InvariantCulture,
            $$"""{{body}},"pending":true,"timeout_seconds":{{seconds}}}"""),
            new ReserveTransfer(AccountId.Parse(debit), AccountId.Parse(credit), amount, seconds, Particulars.None));
    }
}
