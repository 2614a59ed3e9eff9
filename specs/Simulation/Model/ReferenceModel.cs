using System.Collections.Immutable;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

/// <summary>How a command should end: the parts of an answer that callers rely on.</summary>
public readonly record struct ModelAnswer(Ending Ending, long Position, int Parts, string? Code = null, int Link = 0)
{
    public static ModelAnswer Of(in Ended ended) => new(
        ended.Ending, ended.Position, ended.Parts, ended.Rejection?.Code, ended.Rejection?.Link ?? 0);

    public override string ToString() =>
        $"{Ending} at {Position} × {Parts}{(Code is null ? "" : $" {Code}")}{(Link > 0 ? $" in link {Link}" : "")}";
}

/// <summary>A caller as the model needs to know it.</summary>
public sealed record ModelCaller(Scopes Scopes, Instant? Expires);

/// <summary>What a book is founded on, as far as the model cares.</summary>
/// <param name="Hash">Of the book's name: part of the names that the book gives to transfers.</param>
public sealed record ModelFounding(
    BusinessDate Today, int CutOffSeconds, int IdMemory, ulong Hash, string Functional, ImmutableHashSet<int> Weekend,
    ImmutableSortedDictionary<string, int> Scales, ImmutableArray<ModelCaller> Callers, long Position);

/// <summary>
/// The ledger once more, naive and slow: names as text, amounts as big integers, no indexes, no undo log, no shared
/// code. It says what a command's answer must be; where engine and model differ one of them is wrong.
/// </summary>
public sealed partial class ReferenceModel
{
    private readonly ModelFounding _founding;
    private ModelState _s;
    private int _parts;
    private int _followUps;
    private bool _ownIdUsed;

    public ReferenceModel(ModelFounding founding)
    {
        _founding = founding;
        var empty = ImmutableSortedDictionary<string, ModelBalance>.Empty.WithComparers(StringComparer.Ordinal);
        ModelAccount Own(AccountClass @class) => new(@class, false, false, false, AnyAsset: true, System: true, empty);
        _s = new()
        {
            Assets = founding.Scales.ToImmutableSortedDictionary(
                scale => scale.Key, scale => new ModelAsset(scale.Value, Retired: false), StringComparer.Ordinal),
            Accounts = ImmutableSortedDictionary<string, ModelAccount>.Empty.WithComparers(StringComparer.Ordinal)
                .Add("bank:suspense", Own(AccountClass.Liability))
                .Add("bank:blocked-funds", Own(AccountClass.Liability))
                .Add("bank:retained-earnings", Own(AccountClass.Equity)).Add("bank:migration", Own(AccountClass.Asset))
                .Add("client:suspense", Own(AccountClass.Memorandum)),
            Today = founding.Today,
            CutOff = CutOffOf(founding.Today),
            Position = founding.Position,
        };
    }

    public ModelState State => _s;

    /// <summary>Answers a command and takes over its effects.</summary>
    public ModelAnswer Run(in Envelope envelope, Instant now, Command command)
    {
        if (envelope.Caller >= 0 && FromMemory(envelope, now) is { } known) return known;
        var before = _s;
        (_parts, _followUps, _ownIdUsed) = (0, 0, false);
        var link = 0;
        var code = MayAsk(envelope.Caller, now, command) ?? Do(envelope, now, command, out link);
        if (code is not null)
        {
            _s = before;
            return Note(envelope, new(Ending.Refused, before.Position + 1, 1, code, link));
        }
        if (_parts == 0)
        {
            _s = before;
            return new(Ending.Accepted, before.Position, 0);
        }
        if (envelope.Caller >= 0)
        {
            var use = _s.Uses[envelope.Id.Value] with { Parts = _parts };
            _s = _s with { Uses = _s.Uses.SetItem(envelope.Id.Value, use) };
        }
        _s = _s with { Position = before.Position + _parts };
        return new(Ending.Accepted, before.Position + 1, _parts);
    }

    /// <summary>The engine failed on a command on purpose: it leaves its record, and its content is refused.</summary>
    public ModelAnswer RunFaulted(in Envelope envelope)
    {
        var answer = Note(envelope, new(Ending.Faulted, _s.Position + 1, 1));
        _s = _s with { Faulty = _s.Faulty.Add(envelope.Fingerprint) };
        return answer;
    }

    /// <summary>Whether a timer's command is due, and nothing of its kind was due before it.</summary>
    public bool IsDue(Command command, Instant now) => command switch
    {
        ExpireTransfer c => _s.Reservations.TryGetValue(c.Id.Value, out var row) && row.Expires is { } at && at <= now
            && !_s.Reservations.Values.Any(other => other.Expires < at),
        LapseRestraint c => _s.Restraints.TryGetValue(c.Id.Value, out var row) && row.Until is { } at && at <= now
            && !_s.Restraints.Values.Any(other => other.Until < at),
        CarryYear c => _s.ClosingYear == c.Year,
        AdvanceDay => _s.CutOff <= now,
        _ => false,
    };

    public bool IsAnythingDue(Instant now) => _s.CutOff <= now || _s.ClosingYear != 0
        || _s.Reservations.Values.Any(row => row.Expires <= now) || _s.Restraints.Values.Any(row => row.Until <= now);

    private ModelAnswer? FromMemory(in Envelope envelope, Instant now)
    {
        if (_s.Uses.TryGetValue(envelope.Id.Value, out var use))
        {
            if (use.Caller != envelope.Caller) return new(Ending.NotTaken, 0, 0, "command.id_taken");
            return use.Fingerprint == envelope.Fingerprint
                ? new(Ending.Repeated, use.Position, use.Parts)
                : new(Ending.NotTaken, 0, 0, "command.id_reused");
        }
        if (OutOfTime(envelope.Id.Value, now) is { } no) return new(Ending.NotTaken, 0, 0, no);
        return _s.Faulty.Contains(envelope.Fingerprint) ? new(Ending.NotTaken, 0, 0, "engine.fault_known") : null;
    }

    /// <summary>
    /// Ids that tell their time may be neither older than the memory nor ahead by more than five minutes.
    /// </summary>
    private string? OutOfTime(UInt128 id, Instant now)
    {
        if ((id >> 76 & 0xF) != 7) return null;
        var made = (long)(ulong)(id >> 80);
        if (made <= _s.HorizonMilliseconds) return "command.id_too_old";
        return made > now.Microseconds / 1_000 + 300_000 ? "command.id_from_future" : null;
    }

    private ModelAnswer Note(in Envelope envelope, ModelAnswer answer)
    {
        if (envelope.Caller >= 0)
            Use(envelope.Id.Value, new(envelope.Caller, envelope.Fingerprint, answer.Position, 1));
        _s = _s with { Position = answer.Position };
        return answer;
    }

    private void Use(UInt128 id, ModelUse use)
    {
        if (_s.Uses.Count >= _founding.IdMemory)
        {
            var order = _s.UsesInOrder.Dequeue(out var oldest);
            var made = (oldest >> 76 & 0xF) == 7 ? (long)(ulong)(oldest >> 80) : -1;
            var horizon = Math.Max(Math.Max(_s.HorizonMilliseconds, made), 0);
            _s = _s with { Uses = _s.Uses.Remove(oldest), UsesInOrder = order, HorizonMilliseconds = horizon };
        }
        _s = _s with { Uses = _s.Uses.Add(id, use), UsesInOrder = _s.UsesInOrder.Enqueue(id) };
    }

    private string? MayAsk(int caller, Instant now, Command command)
    {
        if (caller < 0) return null;
        var needed = Scopes.None;
        foreach (var link in command is Chain chain ? chain.Links : [command])
        {
            if (link is Chain) return "chain.nested";
            // Only the book itself opens accounts for itself.
            if (link is OpenAccount open && open.Flags.HasFlag(AccountFlags.System)) return "account.reserved_name";
            needed |= ScopeFor(link);
        }
        var key = _founding.Callers[caller];
        if (key.Expires is { } expires && expires <= now) return "key.not_usable";
        return (key.Scopes & needed) == needed ? null : "key.scope_missing";
    }

    private static Scopes ScopeFor(Command command) => command switch
    {
        ImportTransfer => Scopes.Import,
        AdjustEntry or ReverseEntry => Scopes.Adjust,
        PlaceRestraint or LiftRestraint or Seize => Scopes.Restraints,
        RegisterAsset or RetireAsset => Scopes.Reference,
        ClosePeriodSoftly or ReopenPeriod or ClosePeriod or CloseYear => Scopes.Periods,
        AdvanceClock => Scopes.Sandbox,
        OpenAccount or AddAsset or SetLimits or GrantOverdraft or CloseAccount or ReopenAccount => Scopes.Accounts,
        _ => Scopes.Transfers,
    };

    private string? Do(in Envelope envelope, Instant now, Command command, out int link)
    {
        link = 0;
        if (envelope.Caller >= 0)
            Use(envelope.Id.Value, new(envelope.Caller, envelope.Fingerprint, _s.Position + 1, 1));
        var scopes = envelope.Caller < 0 ? Scopes.All : _founding.Callers[envelope.Caller].Scopes;
        var asked = new Asked(envelope.Id, envelope.Caller, now, (scopes & Scopes.Adjust) != 0, command is Chain);
        if (command is not Chain chain) return Link(asked, command);
        if (chain.Links.IsEmpty) return "chain.empty";
        if (chain.Links.Length > 1_000) return "chain.too_long";
        foreach (var one in chain.Links)
        {
            link++;
            if (Link(asked, one) is { } no) return no;
        }
        return null;
    }

    private string? Link(Asked asked, Command command) => command switch
    {
        MakeTransfer c => Make(asked, c),
        ReserveTransfer c => Reserve(asked, c),
        PostTransfer c => Post(asked, c),
        CancelTransfer c => Cancel(asked, c),
        ExpireTransfer c => Expire(asked, c),
        ImportTransfer c => Import(asked, c),
        PostEntry c => Entry(asked, c.Legs, c.Particulars, c.Id, compelled: false),
        AdjustEntry c => Entry(asked, c.Legs, c.Particulars, c.Id, compelled: true),
        ReverseEntry c => Reverse(asked, c),
        ExchangeAssets c => Exchange(asked, c),
        OpenAccount c => Open(c),
        AddAsset c => Add(c),
        SetLimits c => Limit(c),
        GrantOverdraft c => Grant(c),
        CloseAccount c => Close(c),
        ReopenAccount c => Reopen(c),
        RegisterAsset c => Register(c),
        RetireAsset c => Retire(c),
        PlaceRestraint c => Place(asked, c),
        LiftRestraint c => Lift(c),
        LapseRestraint c => Lapse(asked, c),
        Seize c => Take(asked, c),
        AdvanceDay => NextDay(asked),
        ClosePeriodSoftly c => CloseSoftly(c),
        ReopenPeriod c => OpenPeriodAgain(c),
        ClosePeriod c => ClosePeriodForGood(c),
        CloseYear c => BeginYearsClose(c),
        CarryYear c => CarryYearOver(asked, c),
        AnnounceCheckpointKey or TakeLead => Happened(),
        ParkTimer { Kind: TimerKinds.Year } => GiveUpYearsClose(),
        AdvanceClock c => Advance(asked, c),
        _ => throw new NotSupportedException($"The model does not know {command.GetType().Name}."),
    };

    /// <summary>What every rule may need to know of the asking.</summary>
    /// <param name="InChain">A chain's id names none of its links: what they make is named by position.</param>
    private readonly record struct Asked(CommandId Id, int Caller, Instant Now, bool MayAdjust, bool InChain);
}
