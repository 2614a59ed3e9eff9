using System.Collections.Immutable;
using System.Diagnostics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.ProposalRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Commands that wait for approvals: the one mechanism for multi-signature, four eyes and commands that are held.
/// </summary>
/// <remarks>
/// Source: AntelopeIO/reference-contracts eosio.msig.cpp. Harder than there: approvals are always bound to the content
/// and expire, strangers do not execute, and an approval that restores what an invalidation took begins the delay anew.
/// </remarks>
public sealed class Proposals
{
    public const int MaxCommands = 64, MaxRequested = 64, MaxDeclared = Proof.MaxDeclared, MaxContent = 65_536,
        MaxOpen = 20_000, MaxOpenOfAccount = 1_000, MaxOpenOfWallet = 16;

    /// <summary>45 days: of expiry, delay, and how long an approval counts.</summary>
    public const int MaxSeconds = Authority.MaxWaitSeconds;

    /// <summary>7 days.</summary>
    public const int DefaultApprovalSeconds = 604_800;

    private readonly Bank _bank;
    private readonly List<Need> _needs = [];

    public Proposals(Bank bank)
    {
        _bank = bank;
        Rows = new(bank.Tables, "accounts.proposals");
        ByExpiry = Rows.Ordered(
            static (in ProposalRow r, out Instant k) => { k = r.Expires; return !r.Parked; }, unique: false);
        ByMaker = Rows.Ordered(
            static (in ProposalRow r, out MakerKey k) => { k = new(r.Maker.Level.Account, 0, r.Id); return true; },
            unique: true);
        Requests = new(bank.Tables, "accounts.approvals");
        ByApprover = Requests.Ordered(
            static (in RequestRow r, out RequestKey k) => { k = r.Key; return true; }, unique: true);
        Invalidations = new(bank.Tables, "accounts.invalidations");
    }

    public Table<CommandId, ProposalRow> Rows { get; }
    public OrderedIndex<ProposalRow, Instant> ByExpiry { get; }
    public OrderedIndex<ProposalRow, MakerKey> ByMaker { get; }
    public Table<RequestKey, RequestRow> Requests { get; }
    public OrderedIndex<RequestRow, RequestKey> ByApprover { get; }
    public Table<AccountId, InvalidationRow> Invalidations { get; }

    /// <summary>
    /// Makes commands of a stored content, the same ones each time; null where it cannot be read. The edge gives it:
    /// replay needs none.
    /// </summary>
    public Func<string, ImmutableArray<Command>?>? Reader { get; set; }

    /// <summary>Who sent the command at hand.</summary>
    public Speaker Acting { get; private set; } = new(default, default, [], []);

    /// <summary>
    /// What the command at hand carries out, and whether the bank's word stands for all of it; otherwise for each
    /// command for which the bank's own permissions were needed.
    /// </summary>
    internal (ImmutableArray<Command> Commands, bool IsBanks) Content { get; set; } = ([], false);

    /// <summary>Notes who sends a command about proposals, once it is known that they may.</summary>
    internal void Hear(Level level, in Envelope envelope)
    {
        var byKey = envelope.Proof is null;
        var counted = _bank.Satisfaction.Counted.Where(account => account != Permissions.Bank).Distinct().Order();
        ImmutableArray<AccountId> accounts = [.. counted];
        if (accounts.IsEmpty && level.Account != Permissions.Bank) accounts = [level.Account];
        Acting = new(
            level, byKey ? _bank.Keys.Rows[envelope.Caller].Id : default,
            byKey ? [] : [.. _bank.Satisfaction.UsedKeys.Order()], accounts);
    }

    public Decision Decide(in Moment at, MakeProposal c)
    {
        if (Rows.Find(at.Command) >= 0) return AlreadyExists;
        if (Check(at, c) is { } no) return no;
        if (Judge(c.Declared, c.Requested, long.MaxValue, c.Commands, at.Now) is { } never) return Never(never);
        var fourEyes = c.FourEyes || _bank.Authorisation.IsBanksOwn;
        if (fourEyes && c.Requested.Contains(c.Level)
            && Judge(c.Declared, c.Requested.Remove(c.Level), long.MaxValue, c.Commands, at.Now) is { } alone)
            return Never(alone);
        // Whatever others have filled the book with, the bank can propose; strangers fill little of it.
        if (Rows.Count >= MaxOpen && c.Level.Account != Permissions.Bank) return TooMany;
        if (CountOf(c.Level.Account) >= (Wallets.IsWallet(c.Level.Account) ? MaxOpenOfWallet : MaxOpenOfAccount))
            return TooManyOfAccount;
        var needed = c.Commands.Aggregate(Scopes.None, static (sum, command) => sum | Bank.NeededFor(command));
        return new ProposalEvent.Made(
            at.Command, Acting, c.Declared, c.Requested, c.Content, Hash256.Of(c.Content), needed, fourEyes,
            c.DelaySeconds, c.ApprovalSeconds, at.Now, c.Expires);
    }

    public Decision Decide(in Moment at, ApproveProposal c)
    {
        if (!Rows.TryGet(c.Proposal, out var row)) return NotFound;
        if (row.Expires <= at.Now) return HasExpired;
        if (c.Hash != row.Hash) return ContentChanged;
        if (!Requests.TryGet(new(c.Level, c.Proposal), out var request)) return NotRequested;
        if (row.FourEyes && row.Maker.MayBe(Acting, MayBeOnePersons)) return MakerIsChecker;
        // An API key cannot let happen what it could not send itself, for whomever it speaks.
        if (!Acting.Key.IsNone && (at.Scopes & row.Needed) != row.Needed)
            return Keys.ScopeMissing;
        if (Counts(request, row, at.Now)) return [];
        if (Reader?.Invoke(row.Content) is not { } commands) return ContentUnreadable;
        var approvals = Counting(row, at.Now, by: at.Now);
        var sufficed = Judge(row, approvals, commands, at.Now, at.Now) is null;
        approvals.Add(c.Level);
        var suffices = sufficed || Judge(row, approvals, commands, at.Now, at.Now) is null;
        Instant? earliest = sufficed ? row.Earliest : suffices ? at.Now.AddSeconds(row.DelaySeconds) : null;
        return new ProposalEvent.Approved(c.Proposal, c.Level, c.Hash, at.Now, earliest);
    }

    public Decision Decide(in Moment at, WithdrawApproval c)
    {
        if (!Rows.TryGet(c.Proposal, out var row)) return NotFound;
        if (!Requests.TryGet(new(c.Level, c.Proposal), out var request)) return NotRequested;
        if (request.Position == 0) return [];
        if (Reader?.Invoke(row.Content) is not { } commands) return ContentUnreadable;
        var approvals = Counting(row, at.Now, by: at.Now);
        approvals.Remove(c.Level);
        var suffices = Judge(row, approvals, commands, at.Now, at.Now) is null;
        return new ProposalEvent.ApprovalWithdrawn(c.Proposal, c.Level, suffices ? row.Earliest : null);
    }

    public Decision Decide(in Moment at, CancelProposal c)
    {
        if (!Rows.TryGet(c.Proposal, out var row)) return NotFound;
        if (c.Level != row.Maker.Level)
        {
            if (IsStranger(row, c.Level)) return Stranger;
            if (at.Now < row.Expires) return NotYetExpired;
        }
        return new ProposalEvent.Cancelled(c.Proposal, c.Level);
    }

    public Decision Decide(in Moment at, ExecuteProposal c)
    {
        if (!Rows.TryGet(c.Proposal, out var row)) return NotFound;
        if (row.Expires <= at.Now) return HasExpired;
        if (c.Hash is { } hash && hash != row.Hash) return ContentChanged;
        if (IsStranger(row, c.Level)) return Stranger;
        if (Reader?.Invoke(row.Content) is not { } commands) return ContentUnreadable;
        var isEarly = IsTooEarly(row, commands, at.Now);
        var approvals = Counting(row, at.Now, by: at.Now);
        // The last judgement, so that it says under which permissions the commands run.
        if (Judge(row, approvals, commands, at.Now, at.Now) is { } no)
            return NotApproved with { Why = $"The approvals that count do not suffice: {no.Code}.", Link = no.Link };
        if (isEarly) return TooEarly;
        Content = (commands, false);
        return new ProposalEvent.Executed(c.Proposal, c.Level, row.Hash, [.. approvals]);
    }

    public Decision Decide(in Moment at, ExpireProposal c) =>
        Rows.TryGet(c.Proposal, out var row) && row.Expires <= at.Now ? new ProposalEvent.Expired(c.Proposal) : [];

    public Decision Decide(InvalidateApprovals c) =>
        c.Account != Permissions.Bank && _bank.Ledger.Tables.Accounts.Find(c.Account) < 0
            ? LedgerRejections.AccountNotFound : new ProposalEvent.ApprovalsInvalidated(c.Account);

    /// <summary>The first proposal that has expired.</summary>
    public Command? Due(Instant now) => ByExpiry.TryFirst(out var expires, out var row) && expires <= now
        ? new ExpireProposal(Rows[row].Id) : null;

    public void Evolve(long position, ProposalEvent @event)
    {
        switch (@event)
        {
            case ProposalEvent.Made e:
                Rows.Insert(new(e.Id, e.Maker, e.Declared, e.Requested, e.Content, e.Hash, e.Needed, e.FourEyes,
                    e.DelaySeconds, e.ApprovalSeconds, e.At, e.Expires, null, Parked: false));
                foreach (var level in e.Requested) Requests.Insert(new(new(level, e.Id), default, 0));
                break;
            case ProposalEvent.Approved e: Note(e.Id, e.Level, e.At, position, e.Earliest); break;
            case ProposalEvent.ApprovalWithdrawn e: Note(e.Id, e.Level, default, 0, e.Earliest); break;
            case ProposalEvent.Cancelled e: Remove(e.Id); break;
            case ProposalEvent.Executed e: Remove(e.Id); break;
            case ProposalEvent.Expired e: Remove(e.Id); break;
            case ProposalEvent.ApprovalsInvalidated e:
                var row = Invalidations.Find(e.Account);
                if (row < 0) Invalidations.Insert(new(e.Account, position));
                else Invalidations.Update(row, new(e.Account, position));
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>Whether a party signs with, or holds, both accounts.</summary>
    internal bool MayBeOnePersons(AccountId one, AccountId other)
    {
        if (_bank.Parties.Rows.Count == 0) return false;
        var parties = PartiesOf(one);
        return parties.Count > 0 && PartiesOf(other).Overlaps(parties);
    }

    private HashSet<PartyId> PartiesOf(AccountId account)
    {
        var parties = new HashSet<PartyId>();
        if (_bank.Parties.TryActor(account, out var actor)) parties.Add(actor.Id);
        foreach (var role in _bank.Parties.Holders.Rows(account)) parties.Add(_bank.Parties.Roles[role].Key.Party);
        return parties;
    }

    /// <summary>A proposal whose timer failed is due no more.</summary>
    internal void Park(CommandId id)
    {
        var row = Rows.Find(id);
        if (row >= 0) Rows.Update(row, Rows[row] with { Parked = true });
    }

    /// <summary>Whether an approval stands: given, not invalidated since, and not too old.</summary>
    public bool Counts(in RequestRow request, in ProposalRow row, Instant now) => request.Position > 0
        && (!Invalidations.TryGet(request.Key.Level.Account, out var invalid) || invalid.Position < request.Position)
        && now < request.ApprovedAt.AddSeconds(row.ApprovalSeconds);

    /// <summary>Those whose approvals count now and were given by an instant; ascending.</summary>
    public List<Level> Counting(in ProposalRow row, Instant now, Instant by)
    {
        var levels = new List<Level>();
        foreach (var level in row.Requested)
        {
            var request = Requests[Requests.Find(new(level, row.Id))];
            if (request.ApprovedAt <= by && Counts(request, row, now)) levels.Add(level);
        }
        return levels;
    }

    /// <summary>Why a proposal may not be executed now, whoever asks; null when it may.</summary>
    public Rejection? Missing(in ProposalRow row, Instant now)
    {
        if (Reader?.Invoke(row.Content) is not { } commands) return ContentUnreadable;
        return Judge(row, Counting(row, now, by: now), commands, now, now)
            ?? (IsTooEarly(row, commands, now) ? TooEarly : null);
    }

    /// <summary>
    /// Whether the delay is still running. Where waiting and not an approval was what sufficed at last, there is no
    /// instant to count from: then what stands has to have sufficed a delay ago.
    /// </summary>
    private bool IsTooEarly(in ProposalRow row, ImmutableArray<Command> commands, Instant now)
    {
        if (row.DelaySeconds == 0) return false;
        if (row.Earliest is { } earliest) return now < earliest;
        var ago = now.AddSeconds(-row.DelaySeconds);
        return ago < row.At || Judge(row, Counting(row, now, by: ago), commands, now, ago) is not null;
    }

    private Rejection? Judge(
        in ProposalRow row, List<Level> approvals, ImmutableArray<Command> commands, Instant now, Instant waited)
    {
        var seconds = (waited.Microseconds - row.At.Microseconds) / Instant.MicrosecondsPerSecond;
        return Judge(row.Declared, approvals, seconds, commands, now);
    }

    private Rejection? Judge(
        ImmutableArray<Level> declared, IReadOnlyList<Level> approvals, long seconds, ImmutableArray<Command> commands,
        Instant now)
    {
        _needs.Clear();
        for (var i = 0; i < commands.Length; i++) Needs.Of(_bank, commands[i], i + 1, _needs);
        return _bank.Authorisation.Judge(new(null, declared, new([], approvals, seconds), now), _needs);
    }

    private static Rejection? Check(in Moment at, MakeProposal c)
    {
        if (c.Commands.Length is 0 or > MaxCommands) return CommandsOutOfRange;
        foreach (var command in c.Commands)
        {
            if (!IsProposable(command)) return NotProposable;
            if (Execution.IsBooksOwn(command)) return AccountRejections.ReservedName;
        }
        if (c.Content.Length > MaxContent) return ContentTooLarge;
        if (!IsAscending(c.Requested, MaxRequested)) return RequestedMalformed;
        if (!IsAscending(c.Declared, MaxDeclared)) return DeclaredMalformed;
        if (c.Expires <= at.Now || c.Expires > at.Now.AddSeconds(MaxSeconds)) return ExpiryOutOfRange;
        if (c.DelaySeconds is < 0 or > MaxSeconds) return DelayOutOfRange;
        return c.ApprovalSeconds is < 1 or > MaxSeconds ? ApprovalOutOfRange : null;
    }

    internal static bool IsProposable(Command command) =>
        command is not (ProposalCommand or Chain or AdvanceClock or AcceptClock or IssueKey);

    private static Rejection Never(Rejection no) => NotAuthorisable with
    {
        Why = $"Even if all who are asked approve, the commands may not run: {no.Code}.",
        Link = no.Link,
    };

    private static bool IsAscending(ImmutableArray<Level> levels, int most)
    {
        for (var i = 1; i < levels.Length; i++)
        {
            if (levels[i] <= levels[i - 1]) return false;
        }
        return levels.Length is > 0 && levels.Length <= most;
    }

    private bool IsStranger(in ProposalRow row, Level level) => level != row.Maker.Level
        && level.Account != Permissions.Bank && Requests.Find(new(level, row.Id)) < 0;

    private int CountOf(AccountId account)
    {
        var count = 0;
        foreach (var (key, _) in ByMaker.From(new(account, 0, default)))
        {
            if (key.Account != account) break;
            count++;
        }
        return count;
    }

    private void Note(CommandId id, Level level, Instant at, long position, Instant? earliest)
    {
        var key = new RequestKey(level, id);
        Requests.Update(Requests.Find(key), new(key, at, position));
        var row = Rows.Find(id);
        Rows.Update(row, Rows[row] with { Earliest = earliest });
    }

    private void Remove(CommandId id)
    {
        var row = Rows.Find(id);
        foreach (var level in Rows[row].Requested) Requests.Delete(Requests.Find(new(level, id)));
        Rows.Delete(row);
    }
}
