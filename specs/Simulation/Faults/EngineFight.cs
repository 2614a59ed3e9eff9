using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Simulation;

/// <summary>What a run met.</summary>
public sealed record EngineFightResult
{
    public int Seeds { get; set; }
    public int Leads { get; set; }
    public int Answered { get; set; }
    public int Unknown { get; set; }
    public int Refused { get; set; }
    public int Reads { get; set; }
    public long Events { get; set; }
}

/// <summary>
/// Two engines on one journal without processes and sockets: leads that are given up under an engine at work, engines
/// deposed, sessions ended, at many more moments a second than whole hosts allow.
/// </summary>
public sealed class EngineFight : IDisposable
{
    private const int Steps = 14;

    private static readonly string[] Accounts = ["customers:alice", "customers:bob"];

    private readonly History _history = new();
    private readonly List<CommandId> _reserved = [];
    private readonly StoreUnderTest _store;
    private readonly EngineFightResult _result;
    private readonly Random _random;
    private readonly CrashAudit _audit;
    private readonly Node[] _nodes;

    private EngineFight(StoreUnderTest store, StoreBook book, int seed, EngineFightResult result)
    {
        (_store, _result, _random) = (store, result, new(seed));
        _nodes = [.. Enumerable.Range(0, 2).Select(host => new Node(PlaceOf(book, host, seed), $"host-{host}"))];
        _audit = new(() => PlaceOf(book, 0, seed).OpenToRead());
    }

    /// <param name="store">Name of a store that several hosts reach.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names the seed.</exception>
    public static async Task<EngineFightResult> RunAsync(int firstSeed, int count, string store)
    {
        using var under = StoreUnderTest.Named(store);
        return await RunAsync(firstSeed, count, under).ConfigureAwait(false);
    }

    public void Dispose()
    {
        foreach (var node in _nodes) node.Dispose();
    }

    internal static async Task<EngineFightResult> RunAsync(int firstSeed, int count, StoreUnderTest store)
    {
        var result = new EngineFightResult();
        using var book = store.NewBook();
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            try
            {
                await FoundAsync(PlaceOf(book, 0, seed)).ConfigureAwait(false);
                using var fight = new EngineFight(store, book, seed, result);
                await fight.LiveAsync().ConfigureAwait(false);
                result.Seeds++;
            }
            catch (Exception broken) when (broken is InvalidOperationException or TimeoutException or JournalException)
            {
                throw new InvalidOperationException($"Engines on {store.Name}, seed {seed}: {broken}", broken);
            }
        }
        return result;
    }

    /// <summary>Each seed has a book of its own in the same database.</summary>
    private static BookPlace PlaceOf(StoreBook book, int host, int seed)
    {
        var place = book.PlaceOf(host);
        return new(Path.Combine(place.Folder, $"seed-{seed}"), JournalAddress.Parse(place.Address), $"seed-{seed}");
    }

    private static async Task FoundAsync(BookPlace place)
    {
        var opening = new Opening(NullLogger.Instance, static _ => { }, Node: "founder");
        (await SandboxBook.OpenAsync(place, opening, mayFound: true).ConfigureAwait(false)).Dispose();
    }

    private async Task LiveAsync()
    {
        for (var step = 0; step < Steps; step++)
        {
            foreach (var node in _nodes) node.ReopenIfEnded();
            await LeadAsync().ConfigureAwait(false);
            var asked = Enumerable.Range(0, _random.Next(1, 40))
                .Select(_ => AskAsync(_nodes[_random.Next(2)])).ToList();
            if (_random.Next(2) == 0) await Task.Delay(_random.Next(0, 6)).ConfigureAwait(false);
            await DisturbAsync().ConfigureAwait(false);
            // Who lost the lead, and does not know it yet, is asked too.
            asked.AddRange(Enumerable.Range(0, _random.Next(1, 20)).Select(_ => AskAsync(_nodes[_random.Next(2)])));
            await Task.WhenAll(asked).WaitAsync(TimeSpan.FromSeconds(30)).ConfigureAwait(false);
        }
        foreach (var node in _nodes) node.ReopenIfEnded();
        await LeadAsync().ConfigureAwait(false);
        foreach (var unknown in _history.Sent.Values.Where(sent => !_history.Answered.ContainsKey(sent.Id)).ToList())
            await SendAsync(_nodes.First(node => node.Engine.IsLeading), unknown).ConfigureAwait(false);
        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>Both try until one leads.</summary>
    private async Task LeadAsync()
    {
        var began = Environment.TickCount64;
        var first = _random.Next(2);
        while (!_nodes.Any(node => node.Engine is { IsLeading: true, IsRunning: true }))
        {
            if (Environment.TickCount64 - began > 30_000) throw new InvalidOperationException("No engine leads.");
            first = 1 - first;
            _nodes[first].ReopenIfEnded();
            if (await _nodes[first].TryLeadAsync().ConfigureAwait(false)) _result.Leads++;
            else await Task.Delay(5).ConfigureAwait(false);
        }
    }

    private async Task DisturbAsync()
    {
        var leader = Array.FindIndex(_nodes, node => node.Engine is { IsLeading: true, IsRunning: true });
        if (leader < 0) return;
        switch (_random.Next(12))
        {
            case < 4:
                _nodes[leader].GiveUpUnderIt();
                if (await _nodes[1 - leader].TryLeadAsync().ConfigureAwait(false)) _result.Leads++;
                break;
            case < 7:
                _nodes[leader].Engine.Depose("The suite says so.");
                break;
            case < 9:
                if (await _nodes[1 - leader].TryLeadAsync().ConfigureAwait(false))
                    throw new InvalidOperationException("Two engines lead.");
                break;
            case 9:
                _nodes[leader].Reopen();
                break;
            case 10:
                var brief = _store.Faults.Where(fault => fault.IsBrief).ToArray();
                if (brief.Length > 0)
                    await brief[_random.Next(brief.Length)].Suffer(leader, _random).ConfigureAwait(false);
                break;
        }
    }

    private Task AskAsync(Node node)
    {
        if (_random.Next(4) == 0) return ReadAsync(node, Accounts[_random.Next(2)]);
        var asked = Asked.Next(_random, _reserved);
        _history.Sent[asked.Id] = asked;
        if (asked.Command is ReserveTransfer) _reserved.Add(asked.Id);
        return SendAsync(node, asked);
    }

    private async Task SendAsync(Node node, Asked asked)
    {
        var floor = _history.Floor;
        if (await node.SendAsync(asked).ConfigureAwait(false) is not { } told)
        {
            lock (_result) _result.Unknown++;
            return;
        }
        _history.Keep(asked.Id, told, floor);
        lock (_result)
        {
            _result.Answered++;
            if (told.IsRefusal) _result.Refused++;
        }
    }

    private async Task ReadAsync(Node node, string account)
    {
        var floor = _history.Floor;
        if (await node.ReadAsync(account).ConfigureAwait(false) is not { } seen) return;
        _history.Keep(seen, seen.Follows ? 0 : floor);
        lock (_result) _result.Reads++;
    }

    /// <summary>Journal, model and both states agree.</summary>
    private async Task EndAsync()
    {
        _audit.Follow(_history);
        _audit.CompareFromStart();
        _result.Events += _audit.Position;
        foreach (var node in _nodes)
        {
            await node.Engine.WaitBeyondAsync(_audit.Position - 1, CancellationToken.None)
                .WaitAsync(TimeSpan.FromSeconds(20)).ConfigureAwait(false);
            var (position, digest) = await node.Engine.ReadAsync((bank, at) => (at.Position - 1, bank.Tables.Digest))
                .ConfigureAwait(false);
            if (_audit.DigestAt(position) is { } replayed && replayed != digest)
                throw new InvalidOperationException(
                    $"{node.Name} has digest {digest:x32} at {position}; the journal gives {replayed:x32}.");
        }
    }

    /// <summary>A host without its edge.</summary>
    private sealed class Node : IDisposable
    {
        private readonly BookPlace _place;
        private readonly ISharedJournal _journal;
        private readonly JournalFeed _feed;
        private ILead? _lead;
        private volatile Exception? _fatal;

        public Node(BookPlace place, string name)
        {
            (_place, Name) = (place, name);
            _journal = place.OpenShared();
            _feed = new(_journal);
            Engine = Open();
        }

        public string Name { get; }

        public BookEngine Engine { get; private set; }

        public void ReopenIfEnded()
        {
            if (!Engine.IsRunning) Reopen();
        }

        /// <summary>As a seat does when the lead is lost.</summary>
        public void Reopen()
        {
            Engine.Dispose();
            if (_fatal is not (null or JournalException { Kind: JournalFault.Fenced or JournalFault.Unknown }))
                throw new InvalidOperationException($"{Name} ended by {_fatal}");
            _fatal = null;
            _lead?.Dispose();
            _lead = null;
            Patiently(_journal.Refresh);
            Engine = Open();
        }

        /// <returns>Whether it leads now.</returns>
        public async Task<bool> TryLeadAsync()
        {
            if (_lead is not null || !Engine.IsRunning) return false;
            try
            {
                if (_journal.TryLead(Name) is not { } lead) return false;
                _lead = lead;
                await Engine.LeadAsync(lead, Name).WaitAsync(TimeSpan.FromSeconds(30)).ConfigureAwait(false);
                return true;
            }
            catch (Exception silent) when (silent is EngineUnavailableException
                or JournalException { Kind: JournalFault.Unknown })
            {
                return false;
            }
        }

        /// <summary>The store has the lead back, and the engine does not know it.</summary>
        public void GiveUpUnderIt()
        {
            _lead?.Dispose();
            _lead = null;
        }

        public async Task<Told?> SendAsync(Asked asked)
        {
            try
            {
                var envelope = new Envelope(asked.Id, 0, asked.Id.Value);
                var ended = (await Engine.SendAsync(envelope, asked.Command, "simulated").ConfigureAwait(false)).Ended;
                if (ended.Ending is Ending.NotTaken or Ending.Faulted || ended.Parts == 0)
                    throw new InvalidOperationException($"{Name} answers {asked} with {ended}.");
                var isAgain = ended.Ending == Ending.Repeated;
                var code = isAgain ? CodeAt(ended.Position) : ended.Rejection?.Code;
                return new(code is null ? 200 : 400, $"{ended.Position} {code}", isAgain, Name, ended.Position, code);
            }
            catch (EngineUnavailableException)
            {
                return null;
            }
        }

        public async Task<Seen?> ReadAsync(string account)
        {
            var engine = Engine;
            var follows = !engine.IsLeading;
            try
            {
                return await engine.ReadAsync((bank, at) =>
                {
                    var t = bank.Ledger.Tables;
                    var b = t.Balances[t.FindBalance(
                        t.Accounts.Find(AccountId.Parse(account)), t.Assets.Find(AssetCode.Parse("EUR")))];
                    return new Seen(
                        at.Position - 1, account, (long)(b.CreditsPosted - b.DebitsPosted), (long)b.DebitsPending, Name,
                        follows);
                }).ConfigureAwait(false);
            }
            catch (EngineUnavailableException)
            {
                return null;
            }
        }

        public void Dispose()
        {
            Engine.Dispose();
            _lead?.Dispose();
            _journal.Dispose();
        }

        private string? CodeAt(long position)
        {
            var line = new System.Buffers.ArrayBufferWriter<byte>();
            if (!_journal.TryReadEvent(position, line))
                throw new InvalidOperationException(
                    $"{Name} repeats an answer of {position}, which is not in its journal.");
            return (EventLine.Read(line.WrittenSpan).Recorded.Event as CommandEvent.Refused)?.Code;
        }

        private BookEngine Open() => new(
            Patiently(() => Recovery.Open(_feed, _place.Folder, static _ => { })), MachineTime.Instance,
            new(Following: true), fatal => _fatal = fatal, (fault, _) => _fatal = fault);

        private static T Patiently<T>(Func<T> ask)
        {
            for (var began = Environment.TickCount64; ;)
            {
                try
                {
                    return ask();
                }
                catch (JournalException silent) when (silent.Kind == JournalFault.Unknown
                    && Environment.TickCount64 - began < 20_000)
                {
                    Thread.Sleep(20);
                }
            }
        }
    }
}
