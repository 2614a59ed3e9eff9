using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Accounts.RecoveryRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Lets the permission <c>recovery</c> of an account replace its owner and active after a delay, for when their keys
/// are lost. Whoever may satisfy that permission are the partners; the bank is one where it stands in it.
/// </summary>
/// <param name="DelaySeconds">From the start of a recovery to its completion: 1 to 45 days.</param>
public sealed record AllowRecovery(AccountId Account, long DelaySeconds) : Command;

/// <summary>Starts what <see cref="AllowRecovery"/> allows.</summary>
/// <param name="NewOwner">What owner and active become.</param>
/// <param name="Statement">Sealed.</param>
public sealed record StartRecovery(AccountId Account, Authority NewOwner, string Statement) : Command;

/// <summary>Ends a recovery without effect: the keys are not lost after all.</summary>
public sealed record VetoRecovery(AccountId Account) : Command;

public sealed record CompleteRecovery(AccountId Account) : Command;

public abstract record RecoveryEvent : Event
{
    private RecoveryEvent() { }

    public sealed record Allowed(AccountId Account, int DelaySeconds) : RecoveryEvent;

    /// <param name="Statement">Sealed.</param>
    /// <param name="Completes">First instant at which it can be completed.</param>
    public sealed record Started(AccountId Account, Authority NewOwner, string Statement, Instant Completes)
        : RecoveryEvent;

    public sealed record Vetoed(AccountId Account) : RecoveryEvent;

    /// <summary>What owner and active have become stands in the events that follow.</summary>
    public sealed record Completed(AccountId Account) : RecoveryEvent;
}

public static class RecoveryRejections
{
    public static readonly Rejection
        DelayOutOfRange = new("recovery.delay_out_of_range", "A recovery takes 1 to 45 days."),
        PermissionMissing = new(
            "recovery.permission_missing", "Set a permission named recovery first: it says who the partners are.",
            RejectionKind.Conflict),
        NotAllowed = new(
            "recovery.not_allowed", "The account does not allow its recovery.", RejectionKind.Forbidden),
        Running = new(
            "recovery.running", "A recovery is under way: until it ends it can only be vetoed.",
            RejectionKind.Conflict),
        NotRunning = new("recovery.not_running", "No recovery is under way.", RejectionKind.NotFound),
        NotYet = new("recovery.not_yet", "The delay of the recovery has not passed.", RejectionKind.Conflict);
}

/// <summary>How long the recovery of an account takes.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RecoveryRuleRow(AccountId Account, long DelaySeconds) : IRow<RecoveryRuleRow, AccountId>
{
    public AccountId Key => Account;
}

/// <summary>A recovery that is under way.</summary>
/// <param name="Completes">First instant at which it can be completed.</param>
public readonly record struct RecoveryRow(AccountId Account, Instant Completes, Authority NewOwner)
    : IRow<RecoveryRow, AccountId>
{
    public AccountId Key => Account;

    public static void Write(in RecoveryRow row, ref RowWriter to)
    {
        to.Value(row.Account);
        to.Value(row.Completes);
        row.NewOwner.Write(ref to);
    }

    public static RecoveryRow Read(ref RowReader from) =>
        new(from.Value<AccountId>(), from.Value<Instant>(), Authority.Read(ref from));
}

/// <summary>
/// The way back in after keys are lost: partners start it, the account has its delay to veto, then owner and active are
/// replaced. One at a time; while it runs the account can change nothing about it.
/// </summary>
public sealed class Recovery
{
    public const int MinDelaySeconds = 86_400, MaxDelaySeconds = Authority.MaxWaitSeconds;

    /// <summary>The permission whose authority is that of the partners.</summary>
    public static readonly Tag Permission = Tag.Of("recovery");

    public Recovery(Tables tables)
    {
        Rules = new(tables, "accounts.recovery_rules");
        Rows = new(tables, "accounts.recoveries");
    }

    public Table<AccountId, RecoveryRuleRow> Rules { get; }
    public Table<AccountId, RecoveryRow> Rows { get; }

    /// <summary>Whether a change of permissions would change a recovery that is under way.</summary>
    public Rejection? Protects(AccountId account, Tag permission) =>
        permission == Permission && Rows.Count > 0 && Rows.Find(account) >= 0 ? Running : null;

    public Decision Decide(Permissions permissions, AllowRecovery c)
    {
        if (!permissions.HasOwn(c.Account)) return AuthorityRejections.NoneOfItsOwn;
        if (c.DelaySeconds is < MinDelaySeconds or > MaxDelaySeconds) return DelayOutOfRange;
        if (permissions.Rows.Find(new(c.Account, Permission)) < 0) return PermissionMissing;
        if (Rows.Find(c.Account) >= 0) return Running;
        return Rules.TryGet(c.Account, out var rule) && rule.DelaySeconds == c.DelaySeconds
            ? [] : new RecoveryEvent.Allowed(c.Account, (int)c.DelaySeconds);
    }

    public Decision Decide(Permissions permissions, in Moment at, StartRecovery c)
    {
        if (!Rules.TryGet(c.Account, out var rule)) return NotAllowed;
        if (Rows.Find(c.Account) >= 0) return Running;
        if (permissions.Check(new(c.Account, Permissions.Owner), c.NewOwner) is { } no) return no;
        if (permissions.Check(new(c.Account, Permissions.Active), c.NewOwner) is { } nor) return nor;
        var completes = at.Now.AddSeconds(rule.DelaySeconds);
        return new RecoveryEvent.Started(c.Account, c.NewOwner, c.Statement, completes);
    }

    public Decision Decide(VetoRecovery c) =>
        Rows.Find(c.Account) < 0 ? NotRunning : new RecoveryEvent.Vetoed(c.Account);

    /// <remarks>
    /// What the new authority names was checked at the start; what was removed since counts for nothing, as anywhere.
    /// </remarks>
    public Decision Decide(in Moment at, CompleteRecovery c)
    {
        if (!Rows.TryGet(c.Account, out var row)) return NotRunning;
        if (at.Now < row.Completes) return NotYet with { Why = $"It can be completed from {row.Completes}." };
        return Decision.Accept(
        [
            new RecoveryEvent.Completed(c.Account),
            new PermissionEvent.Set(c.Account, Permissions.Owner, default, row.NewOwner),
            new PermissionEvent.Set(c.Account, Permissions.Active, Permissions.Owner, row.NewOwner),
            // What the lost keys approved is not what the new ones would.
            new ProposalEvent.ApprovalsInvalidated(c.Account),
        ]);
    }

    public void Evolve(RecoveryEvent @event)
    {
        switch (@event)
        {
            case RecoveryEvent.Allowed e:
                var rule = Rules.Find(e.Account);
                if (rule < 0) Rules.Insert(new(e.Account, e.DelaySeconds));
                else Rules.Update(rule, new(e.Account, e.DelaySeconds));
                break;
            case RecoveryEvent.Started e: Rows.Insert(new(e.Account, e.Completes, e.NewOwner)); break;
            case RecoveryEvent.Vetoed e: Rows.Delete(Rows.Find(e.Account)); break;
            case RecoveryEvent.Completed e: Rows.Delete(Rows.Find(e.Account)); break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }
}
