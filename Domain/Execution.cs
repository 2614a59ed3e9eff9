using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain;

/// <summary>How a command ended.</summary>
public enum Ending : byte
{
    /// <summary>Its events are to be journalled; none when it was already so.</summary>
    Accepted,

    /// <summary>The state said no; the refusal is to be journalled.</summary>
    Refused,

    /// <summary>The first answer again: the events at a position.</summary>
    Repeated,

    /// <summary>A "no" that leaves nothing: the id itself is not acceptable.</summary>
    NotTaken,

    /// <summary>The engine failed on it; undone, and recorded.</summary>
    Faulted,
}

/// <param name="Position">Of the first event; of the first answer's when repeated.</param>
/// <param name="Parts">How many events.</param>
/// <param name="Rejection">With <see cref="Ending.Refused"/> and <see cref="Ending.NotTaken"/>.</param>
/// <param name="Fault">With <see cref="Ending.Faulted"/>: what went wrong, for the log.</param>
public readonly record struct Ended(
    Ending Ending, long Position, int Parts, Rejection? Rejection = null, Exception? Fault = null);

/// <summary>What an event line says besides the event: enough to apply it again.</summary>
/// <param name="Part">
/// 1 for a command's first event, which carries <paramref name="Parts"/> and the fingerprint.
/// </param>
public readonly record struct Stamp(long Position, Instant At, Envelope Envelope, int Part, int Parts);

/// <summary>
/// The one path of a command: repeat? authority, then link by link decide → legs → guards → evolve, all under one
/// undo. Deterministic: the same commands at the same times give the same events and the same digest.
/// </summary>
public sealed class Execution(Bank bank, Func<Command, Event, List<Leg>, bool> postings)
{
    public const int MaxLinks = 1_000;
    public const int MaxFollowUps = 64;
    public const int MaxDepth = 4;

    public static readonly Rejection
        ChainEmpty = new("chain.empty", "A chain has one link or more."),
        ChainTooLong = new("chain.too_long", $"A chain has at most {MaxLinks} links."),
        ChainNested = new("chain.nested", "A chain cannot be a link of a chain."),
        TooManyFollowUps = new(
            "command.too_many_follow_ups", $"A command with its links brings at most {MaxFollowUps} more."),
        FaultyContent = new(
            "engine.fault_known", "This content made the engine fail before: it is refused until that is mended.");

    private readonly Movements _movements = new();
    private readonly List<Leg> _legs = [];
    private readonly List<Recorded> _recorded = [];
    private readonly List<Need> _needs = [];
    private readonly List<SpendingEvent.Spent> _spent = [];
    private int _followUps, _link;
    private bool _usedOwnId;

    public Execution(Bank bank) : this(bank, bank.Post) { }

    public Bank Bank => bank;

    /// <summary>
    /// Has the last word on a command's events before they are kept: the engine writes their lines here. Null: no word.
    /// </summary>
    public Func<Envelope, long, IReadOnlyList<Recorded>, Rejection?>? Admit { get; set; }

    /// <summary>Position of the last event applied.</summary>
    public long Position { get; private set; }

    /// <summary>The events of the last command, until the next one runs.</summary>
    public IReadOnlyList<Recorded> Events => _recorded;

    /// <summary>Runs one command at one instant.</summary>
    /// <param name="named">The command's wire name, for the record of a refusal.</param>
    public Ended Run(in Envelope envelope, Instant now, Command command, string named)
    {
        _recorded.Clear();
        if (envelope.Caller != Envelope.Engine && Remembered(envelope, now) is { } known) return known;
        if (envelope.Proof is { } proof && Late(proof, now) is { } late) return new(Ending.NotTaken, 0, 0, late);
        if (command is ProposalCommand { Level.Account.IsNone: true } unsaid)
            command = unsaid with { Level = bank.SpeakerOf(envelope) };
        var first = Position + 1;
        bank.Tables.Begin();
        try
        {
            var scopes = envelope.Caller == Envelope.Engine ? Scopes.All : Scopes.None;
            var at = new Moment(now, bank.Book.IsOpen ? bank.Book.Day.Today : default, first, envelope.Id, scopes);
            var rejection = Authorised(envelope, ref at, command);
            if (rejection is null)
            {
                Remember(envelope, first, parts: 1);
                rejection = RunLinks(at, envelope, command);
            }
            if (rejection is null && _recorded.Count > 0) rejection = Admit?.Invoke(envelope, first, _recorded);
            if (rejection is null) return Accept(envelope, first);
            bank.Tables.Rollback();
            CommandEvent refused = new CommandEvent.Refused(
                named, rejection.Code, rejection.Why, rejection.Kind, rejection.Link);
            return Record(envelope, refused) with { Ending = Ending.Refused, Rejection = rejection };
        }
        catch (Exception fault) when (fault is not StateCorruptException)
        {
            bank.Tables.Rollback();
            return Record(envelope, new CommandEvent.Faulted(named, FaultName(first)))
                with
            { Ending = Ending.Faulted, Fault = fault };
        }
    }

    /// <summary>
    /// Keeps what the links did. A command that found everything already so leaves nothing, not even its id.
    /// </summary>
    private Ended Accept(in Envelope envelope, long first)
    {
        if (_recorded.Count == 0)
        {
            bank.Tables.Rollback();
            return new(Ending.Accepted, Position, 0);
        }
        if (_recorded.Count > 1 && envelope.Caller != Envelope.Engine)
            bank.Memory.SetParts(envelope.Id, _recorded.Count);
        bank.Tables.Commit();
        Position += _recorded.Count;
        return new(Ending.Accepted, first, _recorded.Count);
    }

    /// <summary>Applies an event that was decided before: replay, standby, rebuild. Nothing is decided.</summary>
    public void Apply(in Stamp stamp, Event @event, ImmutableArray<Leg> legs)
    {
        if (stamp.Position != Position + 1)
            throw new StateCorruptException($"Event {stamp.Position} follows {Position}.");
        if (stamp.Part == 1) Remember(stamp.Envelope, stamp.Position, stamp.Parts);
        Gather(@event, legs.IsDefault ? [] : legs.AsSpan());
        Settle(stamp.Position, stamp.At, stamp.Envelope.Fingerprint, @event);
        RememberName(stamp.Envelope, @event, stamp.Position);
        Position = stamp.Position;
    }

    /// <summary>Takes up from a snapshot.</summary>
    public void Resume(long position)
    {
        Position = position;
        bank.Book.Restored();
    }

    /// <summary>What was signed holds for a while only, so that nobody keeps it for a day that suits them.</summary>
    private static Rejection? Late(Proof proof, Instant now) =>
        proof.Expires <= now ? AuthorityRejections.Expired
        : proof.Expires.Microseconds - now.Microseconds > Proof.MaxLifetimeSeconds * Instant.MicrosecondsPerSecond
            ? AuthorityRejections.ExpiresLate : null;

    private Ended? Remembered(in Envelope envelope, Instant now)
    {
        if (bank.Memory.TryFind(envelope.Id, out var row))
        {
            var isSame = row.Fingerprint == envelope.Fingerprint;
            // What was signed is the same whoever brings it: its fingerprint is of the signed bytes.
            if (row.Caller != envelope.Caller && !(isSame && envelope.Proof is not null))
                return new(Ending.NotTaken, 0, 0, CommandMemory.Taken);
            return isSame
                ? new(Ending.Repeated, row.Position, row.Parts)
                : new(Ending.NotTaken, 0, 0, CommandMemory.Reused);
        }
        if (bank.Memory.Check(envelope.Id, now) is { } no) return new(Ending.NotTaken, 0, 0, no);
        return bank.Memory.IsFaulty(envelope.Fingerprint) ? new(Ending.NotTaken, 0, 0, FaultyContent) : null;
    }

    /// <summary>Step 3: scope of the key, then the permission of every account that has a say.</summary>
    private Rejection? Authorised(in Envelope envelope, ref Moment at, Command command)
    {
        if (envelope.Caller == Envelope.Engine) return null;
        _needs.Clear();
        var needed = Scopes.None;
        if (command is Chain chain)
        {
            for (var i = 0; i < chain.Links.Length; i++)
            {
                if (chain.Links[i] is Chain) return ChainNested;
                if (chain.Links[i] is ProposalCommand) return ProposalRejections.InChain;
                if (IsBooksOwn(chain.Links[i])) return AccountRejections.ReservedName;
                needed |= Bank.NeededFor(chain.Links[i]);
                Needs.Of(bank, chain.Links[i], i + 1, _needs);
            }
        }
        else
        {
            if (IsBooksOwn(command)) return AccountRejections.ReservedName;
            needed = Bank.NeededFor(command);
            Needs.Of(bank, command, 0, _needs);
        }
        KeyBindingRow? channel = null;
        if (envelope.Caller >= 0)
        {
            // A key that only carries what a customer signed need not have the scope; then it speaks for nobody.
            var asks = envelope.Proof is null ? needed : Scopes.None;
            if (bank.Keys.Authorise(envelope.Caller, asks, at.Now) is { } no) return no;
            ref readonly var key = ref bank.Keys.Rows[envelope.Caller];
            at = at with { Scopes = key.Scopes };
            if ((key.Scopes & needed) == needed) channel = bank.Permissions.BindingOf(key.Id);
        }
        var proof = envelope.Proof;
        var credentials = proof is null ? Credentials.None : new(proof.Keys, []);
        var asking = new Asking(channel, proof?.Declared ?? [], credentials, at.Now);
        if (bank.Authorisation.Judge(asking, _needs) is { } denied) return denied;
        if (proof is not null && bank.Authorisation.IsBanksOwnIn(0)) at = at with { Scopes = Scopes.All };
        if (command is ProposalCommand said) bank.Proposals.Hear(said.Level, envelope);
        return null;
    }

    /// <summary>Only a capability's follow-up opens an account for the book itself, or a wallet.</summary>
    internal static bool IsBooksOwn(Command command) => command is OpenAccount open
        && ((open.Flags & AccountFlags.System) != 0 || Wallets.IsWallet(open.Id));

    private Rejection? RunLinks(in Moment at, in Envelope envelope, Command command)
    {
        (_followUps, _usedOwnId, _link) = (0, false, 0);
        if (command is not Chain chain)
        {
            if (RunLink(at, envelope, command, depth: 0) is { } no) return no;
            return command is ExecuteProposal or BreakGlass ? RunContent(at, envelope) : null;
        }
        if (chain.Links.IsEmpty) return ChainEmpty;
        return chain.Links.Length > MaxLinks
            ? ChainTooLong : RunEach(at, envelope, chain.Links, isStaffs: envelope.Proof is not null);
    }

    /// <summary>
    /// What was proposed runs under the permissions that it was approved for, not under who executes it.
    /// </summary>
    private Rejection? RunContent(in Moment at, in Envelope envelope)
    {
        var (commands, isBanks) = bank.Proposals.Content;
        return RunEach(at with { Scopes = isBanks ? Scopes.All : Scopes.None }, envelope, commands, isStaffs: true);
    }

    /// <param name="isStaffs">
    /// Whether a permission of the bank's, where a link needed one, is the bank's word for that link.
    /// </param>
    private Rejection? RunEach(in Moment at, in Envelope envelope, ImmutableArray<Command> links, bool isStaffs)
    {
        for (var i = 0; i < links.Length; i++)
        {
            // The chain's id names no link: what a link makes is named by its position.
            _link = i + 1;
            var position = Position + 1 + _recorded.Count;
            var link = at with
            {
                Command = new(TransferId.FromPosition(bank.Book.Hash, position).Value),
                Scopes = isStaffs && bank.Authorisation.IsBanksOwnIn(i + 1) ? Scopes.All : at.Scopes,
            };
            if (RunLink(link, envelope, links[i], depth: 0) is { } no) return no with { Link = i + 1 };
        }
        return null;
    }

    private Rejection? RunLink(in Moment start, in Envelope envelope, Command command, int depth)
    {
        var at = start with
        {
            Position = Position + 1 + _recorded.Count,
            Today = bank.Book.IsOpen ? bank.Book.Day.Today : default,
        };
        var decision = bank.Decide(at, envelope.Caller, command);
        if (decision.Rejected is { } no) return no;
        foreach (var @event in decision.Events)
        {
            if (Happen(at, envelope, command, @event) is { } refused) return refused;
        }
        foreach (var next in decision.FollowUps)
        {
            if (++_followUps > MaxFollowUps) return TooManyFollowUps;
            if (depth == MaxDepth)
                throw new InvalidOperationException($"{command.GetType().Name} follows up too deeply.");
            if (RunLink(at, envelope, next, depth + 1) is { } refused) return refused;
        }
        return null;
    }

    /// <summary>An event, and after it what it took of windows that are limited.</summary>
    private Rejection? Happen(in Moment at, in Envelope envelope, Command command, Event @event)
    {
        _spent.Clear();
        if (HappenAlone(at, envelope, command, @event) is { } no) return no;
        foreach (var spent in _spent)
        {
            if (HappenAlone(at, envelope, command, spent) is { } refused) return refused;
        }
        return null;
    }

    private Rejection? HappenAlone(in Moment at, in Envelope envelope, Command command, Event @event)
    {
        if (NameTaken(envelope, at.Now, @event) is { } taken) return taken;
        var position = Position + 1 + _recorded.Count;
        var legs = ImmutableArray<Leg>.Empty;
        var moves = Bank.DataAreLegs(@event);
        if (!moves)
        {
            _legs.Clear();
            moves = postings(command, @event, _legs);
            if (moves && Bank.ClassOf(@event) == EventClass.Bound) Divert(at, @event);
            legs = [.. _legs];
        }
        Gather(@event, legs.AsSpan());
        if (moves && Judge(at, envelope, @event) is { } no) return no;
        Settle(position, at.Now, envelope.Fingerprint, @event);
        RememberName(envelope, @event, position);
        _recorded.Add(new(@event, legs));
        return null;
    }

    private Rejection? Judge(in Moment at, in Envelope envelope, Event @event)
    {
        if (Guards.Law(bank.Ledger, _movements) is { } unlawful) return unlawful;
        var position = Bank.MovesPositions(@event) ? null : Guards.Positions(bank.Ledger, _movements);
        return Bank.ClassOf(@event) switch
        {
            EventClass.Asked => position ?? Guards.Asked(bank.Ledger, at, _movements, bank.DatesOf(@event).ValueOn)
                ?? bank.Parties.Objects(bank.Ledger, _movements)
                ?? bank.Wallets.Judge(bank.Ledger, at, _movements, _spent) ?? Limited(at, envelope),
            EventClass.Compelled => position ?? Guards.Compelled(bank.Ledger, _movements),
            _ => null,
        };
    }

    /// <summary>Spending limits, where any stands, of the permissions that the command runs under.</summary>
    private Rejection? Limited(in Moment at, in Envelope envelope) =>
        !bank.SpendingLimits.Any || envelope.Caller == Envelope.Engine
            ? null
            : bank.SpendingLimits.Judge(
                bank.Ledger, _movements, bank.Authorisation.Acts, _link, at.Now, _spent);

    private void Divert(in Moment at, Event @event)
    {
        Postings.Gather(bank.Ledger.Tables, CollectionsMarshal.AsSpan(_legs), _movements);
        Guards.Divert(bank.Ledger, at, _legs, _movements, bank.DatesOf(@event).ValueOn);
    }

    private void Gather(Event @event, ReadOnlySpan<Leg> legs)
    {
        if (Bank.DataAreLegs(@event)) Postings.Gather(bank.Ledger.Tables, (TransferEvent)@event, _movements);
        else Postings.Gather(bank.Ledger.Tables, legs, _movements);
    }

    private void Settle(long position, Instant at, UInt128 fingerprint, Event @event)
    {
        if (_movements.Count > 0)
        {
            var (bookedOn, valueOn) = bank.DatesOf(@event);
            Postings.Apply(bank.Ledger.Tables, _movements, at, bank.Book.Day.Today, bookedOn, valueOn);
            bank.Wallets.Follow(bank.Ledger, _movements, at);
        }
        bank.Evolve(position, fingerprint, @event);
    }

    private Ended Record(in Envelope envelope, CommandEvent @event)
    {
        var first = Position + 1;
        bank.Tables.Begin();
        _recorded.Clear();
        _recorded.Add(new(@event, []));
        Remember(envelope, first, parts: 1);
        bank.Evolve(first, envelope.Fingerprint, @event);
        Admit?.Invoke(envelope, first, _recorded);
        bank.Tables.Commit();
        Position = first;
        return new(Ending.Refused, first, 1);
    }

    private void Remember(in Envelope envelope, long first, int parts)
    {
        if (envelope.Caller == Envelope.Engine) return;
        bank.Memory.Remember(
            new(envelope.Id.Value, envelope.Fingerprint, first, envelope.Caller, parts), bank.Book.Genesis.IdMemory);
    }

    /// <summary>
    /// A transfer named otherwise than its command is remembered too, so that no other takes its name.
    /// </summary>
    private void RememberName(in Envelope envelope, Event @event, long position)
    {
        if (NameOf(@event) is not { Version: 7 } name || name.Value == envelope.Id.Value) return;
        bank.Memory.Remember(new(name.Value, 0, position, envelope.Caller, 1), bank.Book.Genesis.IdMemory);
    }

    /// <summary>A transfer's name obeys the rules of command ids; the command's own id names one transfer.</summary>
    private Rejection? NameTaken(in Envelope envelope, Instant now, Event @event)
    {
        if (NameOf(@event) is not { Version: 7 } name) return null;
        if (name.Value == envelope.Id.Value)
        {
            if (_usedOwnId) return TransferRejections.AlreadyExists;
            _usedOwnId = true;
            return null;
        }
        CommandId id = new(name.Value);
        return bank.Memory.TryFind(id, out _) ? TransferRejections.AlreadyExists : bank.Memory.Check(id, now);
    }

    private static TransferId? NameOf(Event @event) => @event switch
    {
        TransferEvent.Made e => e.Id,
        TransferEvent.Reserved e => e.Id,
        TransferEvent.Imported e => e.Id,
        EntryEvent.Posted e => e.Id,
        EntryEvent.Adjusted e => e.Id,
        EntryEvent.Exchanged e => e.Id,
        _ => null,
    };

    private string FaultName(long position) => $"{bank.CallerName(Envelope.Engine)}-{position}";
}
