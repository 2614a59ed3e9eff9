using System.Collections.Immutable;
using System.Diagnostics;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Domain;

/// <summary>Several commands that happen all or not at all, in order, each seeing what those before it did.</summary>
public sealed record Chain(ImmutableArray<Command> Links) : Command;

/// <summary>An event with the legs that stand beside its data (none where the data are the legs).</summary>
public readonly record struct Recorded(Event Event, ImmutableArray<Leg> Legs);

/// <summary>
/// The catalogue: every capability of the bank, its tables, which command it decides, which event it keeps, what each
/// event posts, and the class of its events. F12 leads from here to all there is.
/// </summary>
public sealed partial class Bank
{
    /// <param name="seed">Spreads the hash indexes; never part of the state.</param>
    public Bank(ulong seed = 0)
    {
        Tables = new(seed);
        Book = new(Tables);
        Ledger = new(new(Tables), Book);
        Keys = new(Tables);
        Parties = new(Tables);
        Identifiers = new(Tables);
        Memory = new(Tables);
        Permissions = new(Tables);
        Satisfaction = new(Permissions, Parties.Counts);
        SpendingLimits = new(Tables);
        Authorisation = new(Permissions, Satisfaction, SpendingLimits, Objects);
        Wallets = new(Tables, SpendingLimits);
        Recovery = new(Tables);
        Proposals = new(this);
        Reviews = new(this);
        Webhooks = new(Tables, Book);
        Statements = new(Tables);
    }

    private (Tag Name, int Number) _lastCaller;

    public Tables Tables { get; }
    public BookTables Book { get; }
    public LedgerView Ledger { get; }
    public Keys Keys { get; }
    public Parties Parties { get; }
    public Identifiers Identifiers { get; }
    public CommandMemory Memory { get; }
    public Permissions Permissions { get; }
    public Satisfaction Satisfaction { get; }
    public Authorisation Authorisation { get; }
    public SpendingLimits SpendingLimits { get; }
    public Wallets Wallets { get; }
    public Recovery Recovery { get; }
    public Proposals Proposals { get; }
    public Reviews Reviews { get; }
    public Subscriptions Webhooks { get; }
    public Statements.Statements Statements { get; }

    public Decision Decide(in Moment at, int caller, Command command) => command switch
    {
        MakeTransfer c => Opened(at, c, Wallets.Opening(Ledger, c.Credit, c.Amount.Asset)),
        ReserveTransfer c => Opened(at, c, Wallets.Opening(Ledger, c.Credit, c.Amount.Asset)),
        PostTransfer c => Transfers.Decide(Ledger, at, c),
        CancelTransfer c => Transfers.Decide(Ledger, at, c),
        ExpireTransfer c => Transfers.Decide(Ledger, at, c),
        ImportTransfer c => Transfers.Decide(Ledger, at, c),
        PostEntry c => Opened(at, c, Wallets.Openings(Ledger, c)),
        AdjustEntry c => Entries.Decide(Ledger, at, c),
        ReverseEntry c => Entries.Decide(Ledger, at, c),
        ExchangeAssets c => Entries.Decide(Ledger, at, c),
        OpenAccount c => AccountNames.Check(Ledger, at, c) ?? LedgerAccounts.Decide(Ledger, at, c),
        AddAsset c when Wallets.IsWallet(c.Id) => Wallets.Decide(Ledger, at, c),
        AddAsset c => LedgerAccounts.Decide(Ledger, c),
        SetLimits c => LedgerAccounts.Decide(Ledger, c),
        GrantOverdraft c => LedgerAccounts.Decide(Ledger, c),
        CloseAccount c => LedgerAccounts.Decide(Ledger, c),
        ReopenAccount c => LedgerAccounts.Decide(Ledger, c),
        RegisterAsset c => LedgerAccounts.Decide(Ledger, c),
        RetireAsset c => LedgerAccounts.Decide(Ledger, c),
        PlaceRestraint c => Restraints.Decide(Ledger, at, c),
        LiftRestraint c => Restraints.Decide(Ledger, c),
        LapseRestraint c => Restraints.Decide(Ledger, at, c),
        Seize c => Restraints.Decide(Ledger, at, c),
        AdvanceDay c => Books.Decide(Ledger, at, c),
        ClosePeriodSoftly c => Books.Decide(Ledger, at, c),
        ReopenPeriod c => Books.Decide(Ledger, c),
        ClosePeriod c => Books.Decide(Ledger, c),
        CloseYear c => Books.Decide(Ledger, at, c),
        CarryYear c => Books.Decide(Ledger, c),
        PublishReference c => WalletRules.Resolve(Ledger, c, out var resolved)
            ?? Book.References.Decide(at, resolved, author: CallerName(caller)),
        IssueKey c => Keys.Decide(at, c),
        RevokeKey c => Keys.Decide(at, c),
        OpenBook c => Books.Decide(Book, c),
        AdvanceClock c => Books.Decide(Book, at, c),
        AcceptClock c => Books.Decide(c),
        AnnounceCheckpointKey c => Books.Decide(Book, c),
        TakeLead c => Books.Decide(Book, c),
        WebhookCommand c => Webhooks.Decide(at, CallerName(caller), c),
        ParkTimer c => new BookEvent.TimerParked(c.Kind, c.Row, c.Fault),
        IssueStatement c => Statements.Decide(Ledger, at, c),
        _ => DecideOnAccounts(at, command),
    };

    /// <summary>A credit to a wallet that is not open opens it first.</summary>
    private Decision Opened(in Moment at, Command command, OpenWallet? opening) =>
        Opened(at, command, opening is null ? [] : [opening]);

    /// <inheritdoc cref="Opened(in Moment, Command, OpenWallet?)"/>
    private Decision Opened(in Moment at, Command command, ReadOnlySpan<OpenWallet> openings)
    {
        if (!openings.IsEmpty) return Decision.Accept([]).Then([.. openings, command]);
        return command switch
        {
            MakeTransfer c => Transfers.Decide(Ledger, at, c),
            ReserveTransfer c => Transfers.Decide(Ledger, at, c),
            PostEntry c => Entries.Decide(Ledger, at, c),
            _ => throw new UnreachableException(command.GetType().Name),
        };
    }

    /// <summary>
    /// The scope a command needs. The engine's own commands need none, and nobody else can send them.
    /// </summary>
    public static Scopes NeededFor(Command command) => command switch
    {
        MakeTransfer or ReserveTransfer or PostTransfer or CancelTransfer or PostEntry or ExchangeAssets =>
            Scopes.Transfers,
        ImportTransfer => Scopes.Import,
        AdjustEntry or ReverseEntry => Scopes.Adjust,
        OpenAccount or AddAsset or SetLimits or GrantOverdraft or CloseAccount or ReopenAccount
            or IssueStatement => Scopes.Accounts,
        PlaceRestraint or LiftRestraint or Seize => Scopes.Restraints,
        RegisterAsset or RetireAsset or PublishReference => Scopes.Reference,
        ClosePeriodSoftly or ReopenPeriod or ClosePeriod or CloseYear => Scopes.Periods,
        IssueKey or RevokeKey or BindKey => Scopes.Keys,
        CreatePermissions or SetPermission or RemovePermission or LinkPermission or UnlinkPermission or LimitChanges =>
            Scopes.Authority,
        SetSpendingLimit or RemoveSpendingLimit => Scopes.Authority,
        AllowRecovery or StartRecovery or VetoRecovery or CompleteRecovery => Scopes.Authority,
        RequestVerification => Scopes.Parties,
        RegisterParty or SetStanding or SetActor or RecordDeath or RecordIncapacity or LiftIncapacity
            or SetHolders or GrantRole or RevokeRole or AddIdentifier or EndIdentifier => Scopes.Parties,
        ProposalCommand or InvalidateApprovals => Scopes.Proposals,
        AcceptClock => Scopes.Operate,
        // Who has events sent reads all that is sent.
        WebhookCommand => Scopes.Operate | Scopes.Audit,
        AdvanceClock => Scopes.Sandbox,
        Chain => Scopes.None,
        _ => throw new UnreachableException($"{command.GetType().Name} is the engine's own."),
    };

    /// <summary>Which guards an event's legs meet.</summary>
    public static EventClass ClassOf(Event @event) => @event switch
    {
        TransferEvent.Made or TransferEvent.Reserved or TransferEvent.Posted or TransferEvent.Cancelled =>
            EventClass.Asked,
        TransferEvent.Imported or TransferEvent.Expired => EventClass.Bound,
        TransferEvent.Reversed => EventClass.Compelled,
        EntryEvent.Posted or EntryEvent.Exchanged => EventClass.Asked,
        EntryEvent.Adjusted or EntryEvent.YearCarried => EventClass.Compelled,
        RestraintEvent.Seized => EventClass.Compelled,
        _ => throw new UnreachableException($"{@event.GetType().Name} moves no money."),
    };

    /// <summary>Whether an event may move currency positions: the bank's own exchanges, and corrections.</summary>
    public static bool MovesPositions(Event @event) =>
        @event is EntryEvent.Exchanged or EntryEvent.Adjusted or TransferEvent.Reversed;

    /// <summary>Whether the data of an event are its legs, so that they are not written twice.</summary>
    public static bool DataAreLegs(Event @event) => @event is TransferEvent.Made or TransferEvent.Reserved
        or TransferEvent.Posted or TransferEvent.Cancelled or TransferEvent.Expired;

    /// <summary>The accounting of an event. Runs when deciding, never at replay.</summary>
    /// <returns>False when the event moves no money.</returns>
    public bool Post(Command command, Event @event, List<Leg> legs)
    {
        switch (@event)
        {
            case TransferEvent.Imported e: Transfers.Post(e, legs); return true;
            case TransferEvent.Reversed: Entries.Post(((ReverseEntry)command).Legs, legs); return true;
            case EntryEvent.Posted: Entries.Post(Ledger, ((PostEntry)command).Legs, legs); return true;
            case EntryEvent.Adjusted: Entries.Post(Ledger, ((AdjustEntry)command).Legs, legs); return true;
            case EntryEvent.Exchanged e: Entries.Post(Ledger, e, legs); return true;
            case EntryEvent.YearCarried e: Books.Post(Ledger, e, legs); return true;
            case RestraintEvent.Seized e: Restraints.Post(e, legs); return true;
            default: return false;
        }
    }

    /// <summary>What an event says of dates: when it is booked, and from when its credits have value.</summary>
    public (BusinessDate BookedOn, BusinessDate? ValueOn) DatesOf(Event @event) => @event switch
    {
        TransferEvent.Made e => Said(e.Particulars),
        TransferEvent.Posted e => Said(e.Particulars),
        TransferEvent.Imported e => Said(e.Particulars),
        TransferEvent.Reversed e => Said(e.Particulars),
        EntryEvent.Posted e => Said(e.Particulars),
        EntryEvent.Adjusted e => Said(e.Particulars),
        EntryEvent.Exchanged e => Said(e.Particulars),
        EntryEvent.YearCarried e => (e.BookedOn, null),
        RestraintEvent.Seized e => Said(e.Particulars),
        _ => (Book.Day.Today, null),
    };

    /// <summary>The capability's own state follows its event.</summary>
    public void Evolve(long position, UInt128 fingerprint, Event @event)
    {
        switch (@event)
        {
            case TransferEvent e: Transfers.Evolve(Ledger.Tables, position, e); break;
            case CommandEvent.Refused or EntryEvent or AccessEvent: break;
            case AccountEvent e: LedgerAccounts.Evolve(Ledger.Tables, e); break;
            case AssetEvent e: LedgerAccounts.Evolve(Ledger.Tables, e); break;
            case RestraintEvent e: Restraints.Evolve(Ledger.Tables, position, e); break;
            case BookEvent.TimerParked { Kind: TimerKinds.Wallet } e: Wallets.Park(e.Row); break;
            case ProposalEvent e: Proposals.Evolve(position, e); break;
            case ReviewEvent e: Reviews.Evolve(e); break;
            case BookEvent.TimerParked { Kind: TimerKinds.Proposal } e: Proposals.Park(CommandId.Parse(e.Row)); break;
            case BookEvent.TimerParked { Kind: TimerKinds.Review } e: Reviews.Park(CommandId.Parse(e.Row)); break;
            case BookEvent e: Books.Evolve(Book, Ledger.Tables, position, e); break;
            case KeyEvent e: Keys.Evolve(e); break;
            case PermissionEvent e: Permissions.Evolve(e); break;
            case SpendingEvent e: SpendingLimits.Evolve(e); break;
            case WalletEvent e: Wallets.Evolve(e); break;
            case RecoveryEvent e: Recovery.Evolve(e); break;
            case PartyEvent e: Parties.Evolve(position, e); break;
            case RoleEvent e: Parties.Evolve(e); break;
            case IdentifierEvent e: Identifiers.Evolve(position, e); break;
            case WebhookEvent e: Webhooks.Evolve(position, e); break;
            case StatementEvent e: Statements.Evolve(e); break;
            case CommandEvent.Faulted: Memory.RememberFaulty(fingerprint); break;
            case ReferenceEvent.Published e:
                Book.References.Evolve(e);
                Books.Follow(Book, e);
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>The first timer that is due, as the command it becomes; null when none is.</summary>
    public Command? Due(Instant now)
    {
        if (!Book.IsOpen) return null;
        if (Ledger.Tables.ReservationsByExpiry.TryFirst(out var expiry, out var row) && expiry <= now)
            return new ExpireTransfer(Ledger.Tables.Reservations[row].Id);
        if (Ledger.Tables.RestraintsByEnd.TryFirst(out var end, out row) && end <= now)
            return new LapseRestraint(Ledger.Tables.Restraints[row].Id);
        if (Wallets.ByClosing.TryFirst(out var closes, out row) && closes <= now)
            return new CloseWallet(Wallets.Rows[row].Id);
        if ((Proposals.Due(now) ?? Reviews.Due(now)) is { } due) return due;
        var day = Book.Day;
        if (day.ClosingYear != 0) return new CarryYear(day.ClosingYear);
        return day.NextCutOff <= now ? new AdvanceDay() : null;
    }

    public Tag CallerName(int caller) => caller switch
    {
        Envelope.Engine => EngineName,
        Envelope.Signer => SignerName,
        _ => Keys.Rows[caller].Id,
    };

    public int CallerOf(Tag name)
    {
        // Lines in a row mostly have the same caller, and a key keeps its row for ever.
        if (name == _lastCaller.Name) return _lastCaller.Number;
        var number = name == EngineName ? Envelope.Engine
            : name == SignerName ? Envelope.Signer : Keys.Rows.Find(name);
        if (number >= 0) _lastCaller = (name, number);
        return number;
    }

    public static Tag EngineName { get; } = Tag.Of("engine");

    /// <summary>Whose command it is when it was signed and no API key carried it.</summary>
    public static Tag SignerName { get; } = Tag.Of("signed");

    private static (BusinessDate, BusinessDate?) Said(Particulars p) => (p.BookedOn!.Value, p.ValueOn);
}
