using System.Collections.Concurrent;
using System.Collections.Immutable;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Simulation.Model;

namespace BankingEngine.Specs.Simulation;

/// <summary>
/// Follows a killed server's journal with a replica and the reference model, and holds both to what callers saw.
/// </summary>
/// <param name="folder">Of the book.</param>
internal sealed class CrashAudit(string folder)
{
    private readonly Execution _replica = new(new Bank());
    private readonly Dictionary<CommandId, long> _firsts = [];
    private ReferenceModel? _model;

    /// <summary>Last position that the journal acknowledged.</summary>
    public long Position => _replica.Position;

    /// <summary>Reads what the journal gained, and compares it with what callers were told.</summary>
    public void Follow(
        ConcurrentDictionary<CommandId, CrashCommand> sent, ConcurrentDictionary<CommandId, CrashAnswer> acknowledged,
        IEnumerable<CrashRead> reads)
    {
        var waiting = new Queue<CrashRead>(reads.OrderBy(read => read.Position));
        using var journal = FileJournal.OpenReadOnly(folder, DiskFileLayer.Instance);
        using var reader = journal.Read(_replica.Position + 1);
        while (reader.MoveNext())
        {
            for (var i = 0; i < reader.Current.Events; i++)
            {
                var (head, recorded) = EventLine.Read(reader.Current.Line(i));
                if (head.Part == 1) Expect(head, recorded.Event, sent);
                _replica.Apply(EventLine.StampOf(head, _replica.Bank), recorded.Event, recorded.Legs);
                if (_model is null && _replica.Position == FoundingEvents) _model = Found();
                while (waiting.TryPeek(out var read) && read.Position == _replica.Position) Compare(waiting.Dequeue());
            }
        }
        if (waiting.TryPeek(out var ahead) && ahead.Position > _replica.Position)
            throw new InvalidOperationException(
                $"A reader saw position {ahead.Position}; the journal ends at {_replica.Position}.");
        foreach (var (id, answer) in acknowledged)
        {
            if (!_firsts.TryGetValue(id, out var position))
                throw new InvalidOperationException($"{id} was answered {answer} and is gone.");
            if (position != answer.Position)
                throw new InvalidOperationException($"{id} was answered {answer} and is at {position}.");
        }
        CompareBalances();
    }

    /// <summary>Replays the whole journal once more into an empty book.</summary>
    public void CompareFromStart()
    {
        using var journal = FileJournal.OpenReadOnly(folder, DiskFileLayer.Instance);
        var again = new Execution(new Bank(seed: 3));
        Replay.Run(journal, again, frontier: new(), new(Verify: true));
        if (again.Position != _replica.Position || again.Bank.Tables.Digest != _replica.Bank.Tables.Digest)
            throw new InvalidOperationException($"Replayed from its start the journal gives another book.");
    }

    /// <summary>Events of the one command that founds a book.</summary>
    private int FoundingEvents { get; set; }

    /// <summary>Every command comes once, and the model gives it the answer that the journal holds.</summary>
    private void Expect(in LineHead head, Event @event, ConcurrentDictionary<CommandId, CrashCommand> sent)
    {
        if (_model is null)
        {
            FoundingEvents = head.Parts;
            return;
        }
        var asked = sent.GetValueOrDefault(head.Command)?.Command ?? EngineCommand(@event);
        var envelope = new Envelope(head.Command, _replica.Bank.CallerOf(head.By), head.Print);
        if (envelope.Caller >= 0 && !_firsts.TryAdd(head.Command, head.Position))
            throw new InvalidOperationException(
                $"{head.Command} is at {_firsts[head.Command]} and again at {head.Position}.");
        var expected = _model.Run(envelope, head.At, asked);
        var held = @event is CommandEvent.Refused no
            ? new ModelAnswer(Ending.Refused, head.Position, 1, no.Code, no.Link)
            : new ModelAnswer(Ending.Accepted, head.Position, head.Parts);
        if (held != expected)
            throw new InvalidOperationException($"The journal holds {held} for {asked}, the model says {expected}.");
    }

    /// <summary>What the engine did of its own accord: the demo's accounts and money, timers, its key.</summary>
    private static Command EngineCommand(Event @event) => @event switch
    {
        AccountEvent.Opened e => new OpenAccount(e.Id, e.Class, e.Chart, e.Dimensions, e.Flags, e.Assets),
        TransferEvent.Made e => new MakeTransfer(
            e.Debit, e.Credit, new(e.Amount.Asset.Code, e.Amount.Minor, e.Amount.Asset.Scale), Particulars.None),
        TransferEvent.Expired e => new ExpireTransfer(e.Id),
        BookEvent.DayAdvanced => new AdvanceDay(),
        BookEvent.CheckpointKeyAnnounced e => new AnnounceCheckpointKey(e.Name, e.PublicKey),
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

    private void Compare(CrashRead read)
    {
        var balance = _model!.State.Accounts[read.Account].In("EUR");
        if (balance.CreditsPosted - balance.DebitsPosted != read.Posted || balance.DebitsPending != read.PendingDebits)
            throw new InvalidOperationException($"A reader was told {read}; by the model it was {balance}.");
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
