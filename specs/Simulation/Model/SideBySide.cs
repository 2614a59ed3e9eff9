using System.Collections.Immutable;
using System.Numerics;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

/// <summary>How the engine's postings are spoiled on purpose, to prove that the comparison bites.</summary>
public enum Sabotage
{
    None,

    /// <summary>The last leg of an entry is left out.</summary>
    DropsALeg,

    /// <summary>All legs of an entry are for half their amounts: balanced, and wrong.</summary>
    HalvesAmounts,

    /// <summary>Debits and credits of an entry change places.</summary>
    TurnsSides,
}

/// <summary>
/// The engine's one path, the model, and a replica that only applies what was recorded, fed with the same commands.
/// </summary>
internal sealed class SideBySide
{
    private const int CompareEvery = 64;

    private readonly Bank _bank = new(seed: 1);
    private readonly Execution _engine;
    private readonly Execution _replica = new(new Bank(seed: 2), static (_, _, _) =>
        throw new NotSupportedException("A replica posts what was recorded."));
    private readonly ReferenceModel _model;
    private readonly Sabotage _sabotage;
    private readonly ModelRunResult _result;
    private readonly List<(long, ImmutableArray<Leg>)> _posted = [];
    private bool _armed;
    private bool _threw;
    private long _steps;

    public SideBySide(Sabotage sabotage, ModelRunResult result)
    {
        (_sabotage, _result) = (sabotage, result);
        _engine = new(_bank, Post);
        Now = StreamFounding.Start;
        Run(new(default, Envelope.Engine, 0), StreamFounding.Command(StreamFounding.Today));
        _model = new(StreamFounding.ForModel(StreamFounding.Today, _bank.Book.Hash, _engine.Position));
    }

    public Instant Now { get; private set; }

    public StreamView View => new(_model.State, _posted);

    /// <summary>The answer to the last step.</summary>
    public ModelAnswer Answer { get; private set; }

    public UInt128 Digest => _bank.Tables.Digest;

    /// <summary>Runs what is due and then one step.</summary>
    /// <returns>What differs, or null.</returns>
    public string? Do(Step step)
    {
        Now = step.Now > Now ? step.Now : Now;
        if (RunTimers() is { } late) return late;
        if (!IsPossible(step.Command)) return null;
        (_armed, _threw) = (step.Faulty && step.Envelope.Caller >= 0, false);
        var ended = Run(step.Envelope, step.Command);
        _armed = false;
        var said = ModelAnswer.Of(ended);
        var expected = _threw ? _model.RunFaulted(step.Envelope) : _model.Run(step.Envelope, Now, step.Command);
        if (said != expected)
            return $"the engine said {said}, the model {expected}{(ended.Fault is { } f ? $"\n{f}" : "")}";
        Answer = said;
        Count(said);
        if (step.Command is AdvanceClock clock && said.Ending == Ending.Accepted)
        {
            Now = Now.AddSeconds(clock.Seconds);
            if (RunTimers() is { } afterwards) return afterwards;
        }
        return ++_steps % CompareEvery == 0 ? Compare() : null;
    }

    /// <summary>Asks both about every account in every asset, the dates, and what stands open.</summary>
    public string? Compare()
    {
        var s = _model.State;
        var (t, day) = (_bank.Ledger.Tables, _bank.Book.Day);
        var theirs = (day.Today, day.NextCutOff, day.ClosedSoftlyThrough, day.ClosedThrough, day.ClosedYear,
            t.Reservations.Count, t.Restraints.Count, t.Accounts.Count, t.Reversals.Count, _bank.Memory.Count);
        var ours = (s.Today, s.CutOff, s.ClosedSoftly, s.Closed, s.ClosedYear,
            s.Reservations.Count, s.Restraints.Count, s.Accounts.Count, s.Reversed.Count, s.Uses.Count);
        if (theirs != ours) return $"the engine's book stands at {theirs}, the model's at {ours}";
        foreach (var (name, account) in s.Accounts)
        {
            foreach (var asset in account.Balances.Keys.Append("EUR"))
            {
                var (engine, model) = (Balance(name, asset), Balance(s, account, name, asset));
                if (engine != model) return $"{name} in {asset}: the engine has {engine}, the model {model}";
            }
        }
        if (_bank.Tables.Digest != _replica.Bank.Tables.Digest) return "replaying the events gives another digest";
        return null;
    }

    private readonly record struct Seen(
        BigInteger Debits, BigInteger Credits, BigInteger PendingDebits, BigInteger PendingCredits,
        BigInteger Available, BigInteger Restrained, BigInteger Overdraft);

    private Seen Balance(string name, string asset)
    {
        var t = _bank.Ledger.Tables;
        var row = t.FindBalance(t.Accounts.Find(AccountId.Parse(name)), t.Assets.Find(AssetCode.Parse(asset)));
        if (row < 0) return default;
        var b = t.Balances[row];
        var at = new Moment(Now, _bank.Book.Day.Today, _engine.Position + 1, default, Scopes.None);
        return new(
            (BigInteger)b.DebitsPosted, (BigInteger)b.CreditsPosted,
            (BigInteger)b.DebitsPending, (BigInteger)b.CreditsPending,
            (BigInteger)_bank.Ledger.Available(b, row, at), (BigInteger)_bank.Ledger.Restrained(b, Now),
            (BigInteger)_bank.Ledger.Overdraft(b, row));
    }

    private Seen Balance(ModelState s, ModelAccount account, string name, string asset)
    {
        var b = account.In(asset);
        return new(b.DebitsPosted, b.CreditsPosted, b.DebitsPending, b.CreditsPending,
            s.Available(name, asset, Now), s.Restrained(name, asset, Now), b.Overdraft);
    }

    private string? RunTimers()
    {
        while (_bank.Due(Now) is { } due)
        {
            if (!_model.IsDue(due, Now)) return $"the engine runs {due}, which by the model is not what is due first";
            if (RunTimer(due, out var answer) is { } difference) return difference;
            // As the engine's writer does: what cannot run is set aside, or it would be due for ever.
            if (answer.Ending != Ending.Accepted
                && RunTimer(new ParkTimer(TimerKinds.Year, "", answer.Code!), out _) is { } stuck) return stuck;
        }
        return _model.IsAnythingDue(Now) ? "by the model a timer is due that the engine does not know" : null;
    }

    private string? RunTimer(Command due, out ModelAnswer answer)
    {
        answer = ModelAnswer.Of(Run(new(default, Envelope.Engine, 0), due));
        var expected = _model.Run(new(default, Envelope.Engine, 0), Now, due);
        _result.Timers++;
        return answer == expected ? null : $"{due}: the engine said {answer}, the model {expected}";
    }

    /// <summary>
    /// A host reads a reversal's legs from the journal; in a shortened stream they may never have been.
    /// </summary>
    private bool IsPossible(Command command) => command switch
    {
        Chain chain => chain.Links.All(link => link is Chain || IsPossible(link)),
        ReverseEntry reversal => reversal.Legs.All(leg => _model.State.Accounts.ContainsKey(leg.Account.ToString())
            && _model.State.Assets.ContainsKey(leg.Amount.Asset.Code.ToString())),
        _ => true,
    };

    private Ended Run(in Envelope envelope, Command command)
    {
        var ended = _engine.Run(envelope, Now, command, "simulated");
        if (ended.Ending is Ending.Repeated or Ending.NotTaken) return ended;
        for (var i = 0; i < _engine.Events.Count; i++)
        {
            var (@event, legs) = _engine.Events[i];
            _replica.Apply(new(ended.Position + i, Now, envelope, i + 1, _engine.Events.Count), @event, legs);
            Keep(ended.Position + i, @event, legs);
        }
        return ended;
    }

    /// <summary>Remembers what could be reversed, as a host would read it from the journal.</summary>
    private void Keep(long position, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is TransferEvent.Made made)
            legs = [new(made.Debit, Side.Debit, made.Amount), new(made.Credit, Side.Credit, made.Amount)];
        else if (@event is TransferEvent.Posted { Amount.IsPositive: true } posted)
            legs = [new(posted.Debit, Side.Debit, posted.Amount), new(posted.Credit, Side.Credit, posted.Amount)];
        if (legs.IsEmpty || @event is TransferEvent.Reversed) return;
        if (_posted.Count < 100) _posted.Add((position, legs));
        else _posted[(int)(position % 100)] = (position, legs);
    }

    private bool Post(Command command, Event @event, List<Leg> legs)
    {
        if (_armed)
        {
            _threw = true;
            throw new InvalidOperationException("The simulation made this command fail.");
        }
        var moves = _bank.Post(command, @event, legs);
        if (_sabotage == Sabotage.None || !moves) return moves;
        if (_sabotage == Sabotage.DropsALeg && legs.Count > 2) legs.RemoveAt(legs.Count - 1);
        for (var i = 0; i < legs.Count && _sabotage != Sabotage.DropsALeg; i++)
        {
            legs[i] = _sabotage == Sabotage.TurnsSides
                ? legs[i] with { Side = legs[i].Side == Side.Debit ? Side.Credit : Side.Debit }
                : legs[i] with { Amount = legs[i].Amount with { Minor = (legs[i].Amount.Minor + 1) / 2 } };
        }
        return moves;
    }

    private void Count(in ModelAnswer answer)
    {
        _result.Commands++;
        _result.Events += answer.Ending is Ending.Repeated or Ending.NotTaken ? 0 : answer.Parts;
        switch (answer.Ending)
        {
            case Ending.Accepted: _result.Accepted++; break;
            case Ending.Refused: _result.Refused++; break;
            case Ending.Repeated: _result.Repeated++; break;
            case Ending.NotTaken: _result.NotTaken++; break;
            default: _result.Faulted++; break;
        }
        if (answer.Code is not { } code) return;
        _result.Codes.TryGetValue(code, out var times);
        _result.Codes[code] = times + 1;
    }
}

/// <summary>
/// The book that streams run on: small memory of ids, weekends, a cut-off in the afternoon, three keys.
/// </summary>
internal static class StreamFounding
{
    public const int IdMemory = Genesis.MinIdMemory;
    private const int CutOffSeconds = 17 * 3_600;
    private static readonly Scopes Teller = Scopes.Accounts | Scopes.Transfers | Scopes.Restraints | Scopes.Sandbox;
    private static readonly Instant Expires = Instant.Parse("2026-09-01T00:00:00Z");

    public static BusinessDate Today { get; } = BusinessDate.Parse("2026-01-05");

    public static Instant Start { get; } = Instant.Parse("2026-01-05T08:00:00Z");

    public static Genesis Genesis { get; } = new(
        Tag.Of("model"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("utc"),
        Tag.Of("weekdays"), Tag.Of("de"), CutOffSeconds, IdMemory);

    public static Chain Command(BusinessDate today) => new([
        new OpenBook(Genesis, today),
        new PublishReference(Genesis.Calendar, today, new ReferenceContent.Calendar([6, 7], []), default),
        new IssueKey(Tag.Of("first"), 1, 1, Scopes.All, null),
        new IssueKey(Tag.Of("teller"), 2, 2, Teller, null),
        new IssueKey(Tag.Of("visitor"), 3, 3, Scopes.All, Expires),
    ]);

    public static ModelFounding ForModel(BusinessDate today, ulong hash, long position) => new(
        today, CutOffSeconds, IdMemory, hash, "EUR", [6, 7],
        ImmutableSortedDictionary<string, int>.Empty
            .Add("EUR", 2).Add("USD", 2).Add("JPY", 0).Add("CHF", 2).Add("KWD", 3),
        [new(Scopes.All, null), new(Teller, null), new(Scopes.All, Expires)], position);
}
