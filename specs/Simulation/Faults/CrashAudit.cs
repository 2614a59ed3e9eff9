using System.Collections.Immutable;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Simulation.Model;

namespace BankingEngine.Specs.Simulation;

/// <summary>
/// Follows a journal from outside with a replica and the reference model, and holds both to what callers saw.
/// </summary>
/// <param name="open">Opens the journal to read, beside whoever writes.</param>
internal sealed class CrashAudit(Func<IJournal> open)
{
    /// <summary>Digests and roots kept of this many blocks, to be compared with what hosts say of theirs.</summary>
    private const int MostKept = 100_000;

    private readonly Execution _replica = new(new Bank());
    private readonly Dictionary<CommandId, (long Position, string? Code)> _firsts = [];
    private readonly List<(long From, long Term, string Leader)> _terms = [];
    private readonly SortedDictionary<long, (UInt128 Digest, string Root)> _blocks = [];
    private ReferenceModel? _model;

    /// <summary>Last position that the journal acknowledged.</summary>
    public long Position => _replica.Position;

    /// <summary>How often the lead began.</summary>
    public int Terms => _terms.Count;

    /// <summary>The last block that ends at a position or before it, and its root, in base 64.</summary>
    public (long Position, string Root) BlockBefore(long position)
    {
        var (last, block) = _blocks.Last(block => block.Key <= position);
        return (last, block.Root);
    }

    /// <summary>Digest of the state at the end of a block.</summary>
    public UInt128? DigestAt(long position) => _blocks.TryGetValue(position, out var block) ? block.Digest : null;

    /// <summary>Reads what the journal gained, and compares it with what callers were told.</summary>
    public void Follow(History history)
    {
        List<Seen> reads = [];
        while (history.NewReads.TryDequeue(out var read)) reads.Add(read);
        var waiting = new Queue<Seen>(reads.OrderBy(read => read.Position));
        void CompareReads()
        {
            while (waiting.TryPeek(out var read) && read.Position <= _replica.Position) Compare(waiting.Dequeue());
        }

        CompareReads();
        using var journal = open();
        using var reader = journal.Read(_replica.Position + 1);
        while (reader.MoveNext())
        {
            var block = reader.Current;
            for (var i = 0; i < block.Events; i++)
            {
                var (head, recorded) = EventLine.Read(block.Line(i));
                if (head.Part == 1) Expect(head, recorded.Event, history);
                _replica.Apply(EventLine.StampOf(head, _replica.Bank), recorded.Event, recorded.Legs);
                if (_model is null && _replica.Position == FoundingEvents) _model = Found();
                CompareReads();
            }
            if (_blocks.Count == MostKept) _blocks.Remove(_blocks.Keys.First());
            _blocks[block.LastPosition] = (_replica.Bank.Tables.Digest, Convert.ToBase64String(block.Root));
        }
        if (waiting.TryPeek(out var ahead))
            throw new InvalidOperationException(
                $"A reader was told {ahead}; the journal ends at {_replica.Position}.");
        while (history.NewAnswers.TryDequeue(out var answer)) Compare(answer.Id, answer.Told);
        CompareBalances();
    }

    /// <summary>Replays the whole journal once more into an empty book, every root compared.</summary>
    public void CompareFromStart()
    {
        using var journal = open();
        var again = new Execution(new Bank(seed: 3));
        Replay.Run(journal, again, frontier: new(), new(Verify: true, Through: _replica.Position));
        if (again.Position != _replica.Position || again.Bank.Tables.Digest != _replica.Bank.Tables.Digest)
            throw new InvalidOperationException($"Replayed from its start the journal gives another book.");
    }

    /// <summary>Events of the one command that founds a book.</summary>
    private int FoundingEvents { get; set; }

    /// <summary>Every command comes once, and the model gives it the answer that the journal holds.</summary>
    private void Expect(in LineHead head, Event @event, History history)
    {
        if (_model is null)
        {
            FoundingEvents = head.Parts;
            return;
        }
        if (@event is BookEvent.Led led) Begin(head.Position, led);
        var asked = history.Sent.GetValueOrDefault(head.Command)?.Command ?? EngineCommand(@event);
        var envelope = new Envelope(head.Command, _replica.Bank.CallerOf(head.By), head.Print);
        var code = (@event as CommandEvent.Refused)?.Code;
        if (envelope.Caller >= 0 && !_firsts.TryAdd(head.Command, (head.Position, code)))
            throw new InvalidOperationException(
                $"{head.Command} is at {_firsts[head.Command]} and again at {head.Position}.");
        var expected = _model.Run(envelope, head.At, asked);
        var held = @event is CommandEvent.Refused no
            ? new ModelAnswer(Ending.Refused, head.Position, 1, no.Code, no.Link)
            : new ModelAnswer(Ending.Accepted, head.Position, head.Parts);
        if (held != expected)
            throw new InvalidOperationException($"The journal holds {held} for {asked}, the model says {expected}.");
    }

    private void Begin(long position, BookEvent.Led led)
    {
        if (_terms.Count > 0 && led.Term <= _terms[^1].Term)
            throw new InvalidOperationException($"Term {led.Term} of {led.Leader} follows term {_terms[^1].Term}.");
        _terms.Add((position, led.Term, led.Leader));
    }

    /// <summary>What the engine did of its own accord: the demo's accounts and money, timers, its key, its lead.
    /// </summary>
    private static Command EngineCommand(Event @event) => @event switch
    {
        AccountEvent.Opened e => new OpenAccount(e.Id, e.Class, e.Chart, e.Dimensions, e.Flags, e.Assets),
        TransferEvent.Made e => new MakeTransfer(
            e.Debit, e.Credit, new(e.Amount.Asset.Code, e.Amount.Minor, e.Amount.Asset.Scale), Particulars.None),
        TransferEvent.Expired e => new ExpireTransfer(e.Id),
        BookEvent.DayAdvanced => new AdvanceDay(),
        BookEvent.CheckpointKeyAnnounced e => new AnnounceCheckpointKey(e.Name, e.PublicKey),
        BookEvent.Led e => new TakeLead(e.Leader),
        _ => throw new InvalidOperationException($"Nobody asked for {@event}."),
    };

    private ReferenceModel Found()
    {
        var genesis = _replica.Bank.Book.Genesis;
        var scales = ImmutableSortedDictionary<string, int>.Empty.Add("EUR", 2).Add("USD", 2);
        return new(new(
            _replica.Bank.Book.Day.Today, genesis.CutOffSeconds, genesis.IdMemory, _replica.Bank.Book.Hash, "EUR",
            [6, 7], scales, [new(Scopes.All, null)], _replica.Position));
    }

    /// <summary>What was answered is there, as it was answered, and was decided by who led then.</summary>
    private void Compare(CommandId id, Told told)
    {
        if (!_firsts.TryGetValue(id, out var first))
            throw new InvalidOperationException($"{id} was answered {told} and is gone.");
        if (first.Position != told.Position || first.Code != told.Code)
            throw new InvalidOperationException($"{id} was answered {told} and is {first}.");
        if (!told.Again) DemandLed(told.Position, told.By, told);
    }

    private void Compare(Seen read)
    {
        if (read.Position != _replica.Position)
            throw new InvalidOperationException($"A reader was told {read}, which was compared too late.");
        var balance = _model!.State.Accounts[read.Account].In("EUR");
        if (balance.CreditsPosted - balance.DebitsPosted != read.Posted || balance.DebitsPending != read.PendingDebits)
            throw new InvalidOperationException($"A reader was told {read}; by the model it was {balance}.");
        if (!read.Follows) DemandLed(read.Position, read.By, read);
    }

    /// <summary>In each term one host decides, and answers as of positions of its term.</summary>
    private void DemandLed(long position, string by, object said)
    {
        var term = _terms.FindLast(term => term.From <= position);
        if (term.Leader is not null && term.Leader != by)
            throw new InvalidOperationException(
                $"{by} answered {said}; from {term.From} on, in term {term.Term}, {term.Leader} leads.");
    }

    private void CompareBalances()
    {
        var t = _replica.Bank.Ledger.Tables;
        foreach (var (name, account) in _model!.State.Accounts)
        {
            foreach (var (asset, b) in account.Balances)
            {
                var row = t.FindBalance(t.Accounts.Find(AccountId.Parse(name)), t.Assets.Find(AssetCode.Parse(asset)));
                var theirs = row < 0 ? default : t.Balances[row];
                if (theirs.DebitsPosted != (Int128)b.DebitsPosted || theirs.CreditsPosted != (Int128)b.CreditsPosted
                    || theirs.DebitsPending != (Int128)b.DebitsPending
                    || theirs.CreditsPending != (Int128)b.CreditsPending)
                    throw new InvalidOperationException(
                        $"{name} in {asset}: the journal gives {theirs}, the model {b}.");
            }
        }
        if (t.Reservations.Count != _model.State.Reservations.Count)
            throw new InvalidOperationException("The journal and the model differ in what is reserved.");
    }
}
