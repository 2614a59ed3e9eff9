using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// What parties and roles say of a command: whether standing, death or incapacity stand in the way, which factors of
/// an authority count, and whether a mandate covers it. The authority of accounts asks; nothing is changed here.
/// </summary>
public sealed partial class Parties
{
    public static readonly Rejection
        Estate = new(
            "account.estate",
            "A holder has died: an executor acts, or a surviving holder where survivorship is agreed."),
        HolderUnable = new(
            "account.holder_unable",
            "A holder cannot act: a guardian acts, or another holder where each acts alone."),
        RoleEnded = new("role.ended", "The role of who acts has ended, or has not begun.", RejectionKind.Forbidden),
        OutOfScope = new("role.out_of_scope", "The mandate does not cover this command.", RejectionKind.Forbidden),
        OverLimit = new(
            "role.limit", "The mandate's limit is below this amount, or in another asset.", RejectionKind.Forbidden);

    /// <summary>
    /// Whether who stands behind an account, and who acts, may ask this of it. Standing is the strictest of the
    /// holders and of who acts; compelled and bound entries do not ask.
    /// </summary>
    /// <param name="acting">
    /// The accounts whose permissions were counted, parties' or not; none where a channel's key acts for the bank, or
    /// the account's own keys signed, of which nobody knows whose they are.
    /// </param>
    /// <param name="gives">Whether value leaves the account.</param>
    public Rejection? Objects(AccountId account, IReadOnlyList<AccountId> acting, bool gives, Instant now)
    {
        if (Rows.Count == 0) return null;
        var standing = Standing.Verified;
        for (var i = 0; i < acting.Count; i++)
        {
            if (!TryActor(acting[i], out var actor)) continue;
            if (actor.IsDead) return Deceased;
            if (actor.IsIncapacitated) return Incapacitated;
            if (actor.Standing > standing) standing = actor.Standing;
        }
        var row = Roles.Count == 0 ? -1 : Accounts.Find(account);
        if (row < 0 || Accounts[row].Holders == 0) return OfStanding(standing, gives);
        var (dead, unable) = (false, false);
        foreach (var role in Holders.Rows(account))
        {
            ref readonly var holder = ref Rows[Rows.Find(Roles[role].Key.Party)];
            if (holder.Standing > standing) standing = holder.Standing;
            dead |= holder.IsDead;
            unable |= holder.IsIncapacitated && !holder.IsDead;
        }
        if (OfStanding(standing, gives) is { } no) return no;
        if (!gives || !(dead || unable)) return null;
        if (dead && Stands(acting, account, RoleKind.Executor, now)) return null;
        if (dead && Accounts[row].Survivorship == 0) return Estate;
        if (unable && Stands(acting, account, RoleKind.Guardian, now)) return null;
        if (unable && Accounts[row].Mode == HolderMode.Joint) return HolderUnable;
        return StandsForAble(acting, account, now) ? null : unable ? HolderUnable : Estate;
    }

    /// <inheritdoc cref="Objects(AccountId, IReadOnlyList{AccountId}, bool, Instant)"/>
    /// <param name="acting">The only one; the default: none.</param>
    public Rejection? Objects(AccountId account, AccountId acting, bool gives, Instant now) =>
        Rows.Count == 0 ? null : Objects(account, acting.IsNone ? [] : [acting], gives, now);

    /// <summary>Whether an entry that is asked for moves an account that a blocked party holds, either way.</summary>
    public Rejection? Objects(LedgerView ledger, Movements movements)
    {
        if (Roles.Count == 0 || !Barred.TryFirst(out _, out _)) return null;
        foreach (ref readonly var m in movements.All)
        {
            var debits = m.DebitsPosted + Int128.Max(0, m.DebitsPending);
            var credits = m.CreditsPosted + Int128.Max(0, m.CreditsPending);
            if (debits != credits && StandingOf(ledger.NameOf(m.Account)) == Standing.Blocked) return Blocked;
        }
        return null;
    }

    /// <summary>
    /// Whether a factor <c>actor@permission</c> counts now in an authority of an account: not while the actor's party
    /// is dead, unable or blocked, nor once its roles on the account that let it act have all ended.
    /// </summary>
    /// <param name="holder">Whose authority it is.</param>
    public bool Counts(AccountId holder, Level factor, Instant now)
    {
        if (!TryActor(factor.Account, out var party)) return true;
        if (!party.IsAble || party.Standing == Standing.Blocked) return false;
        var acted = false;
        foreach (var row in RolesBetween.Rows(new(party.Id, holder)))
        {
            ref readonly var role = ref Roles[row];
            if (!role.Acts) continue;
            if (role.InForce(now)) return true;
            acted = true;
        }
        return !acted;
    }

    /// <summary>
    /// Whether the roles of who acts cover a command on an account: of all who act, one role that does is enough, and
    /// who has none there is for the permissions to judge.
    /// </summary>
    /// <param name="acting">As in <see cref="Objects(AccountId, IReadOnlyList{AccountId}, bool, Instant)"/>.</param>
    /// <param name="command">Wire name.</param>
    /// <param name="amount">What it moves from the account; null: nothing. One asset at a time.</param>
    public Rejection? ScopeOf(
        AccountId account, IReadOnlyList<AccountId> acting, string command, Amount? amount, Instant now)
    {
        if (Roles.Count == 0 || Accounts.Find(account) < 0) return null;
        Rejection? found = null;
        for (var i = 0; i < acting.Count; i++)
        {
            // The account is always among those counted, and says nothing of who stands behind it.
            if (acting[i] == account || !TryActor(acting[i], out var party)) continue;
            foreach (var row in RolesBetween.Rows(new(party.Id, account)))
            {
                ref readonly var role = ref Roles[row];
                if (!role.Acts) continue;
                var no = role.InForce(now) ? OfRole(role.Key, command, amount) : RoleEnded;
                if (no is null) return null;
                if (found is null || found == RoleEnded || no == OverLimit) found = no;
            }
        }
        return found;
    }

    /// <inheritdoc cref="ScopeOf(AccountId, IReadOnlyList{AccountId}, string, Amount?, Instant)"/>
    public Rejection? ScopeOf(AccountId account, AccountId acting, string command, Amount? amount, Instant now) =>
        Roles.Count == 0 ? null : ScopeOf(account, acting.IsNone ? [] : [acting], command, amount, now);

    /// <summary>The strictest standing of an account's holders; verified where it has none.</summary>
    public Standing StandingOf(AccountId account)
    {
        var strictest = Standing.Verified;
        foreach (var row in Holders.Rows(account))
        {
            ref readonly var holder = ref Rows[Rows.Find(Roles[row].Key.Party)];
            if (holder.Standing > strictest) strictest = holder.Standing;
        }
        return strictest;
    }

    private static Rejection? OfStanding(Standing standing, bool gives) => standing switch
    {
        Standing.Blocked => Blocked,
        Standing.Suspended when gives => Suspended,
        _ => null,
    };

    private Rejection? OfRole(in RoleKey role, string command, Amount? amount)
    {
        if (role.Role != RoleKind.Attorney) return null;
        var mandate = Mandates[Mandates.Find(role)].Mandate;
        if (!mandate.Commands.Contains(command)) return OutOfScope;
        return mandate.Limit is { } limit && amount is { } moved && (moved.Asset != limit.Asset || moved > limit)
            ? OverLimit
            : null;
    }

    private bool Stands(IReadOnlyList<AccountId> acting, AccountId account, RoleKind kind, Instant now)
    {
        for (var i = 0; i < acting.Count; i++)
        {
            if (acting[i] == account || !TryActor(acting[i], out var party)) continue;
            foreach (var row in RolesBetween.Rows(new(party.Id, account)))
            {
                if (Roles[row].Key.Role == kind && Roles[row].InForce(now)) return true;
            }
        }
        return false;
    }

    /// <summary>Whether one of those who act is a holder, all of whom are able here, or acts for one who is.</summary>
    private bool StandsForAble(IReadOnlyList<AccountId> acting, AccountId account, Instant now)
    {
        for (var i = 0; i < acting.Count; i++)
        {
            if (acting[i] == account || !TryActor(acting[i], out var party)) continue;
            foreach (var row in RolesBetween.Rows(new(party.Id, account)))
            {
                ref readonly var role = ref Roles[row];
                if (!role.InForce(now)) continue;
                if (role.Key.Role == RoleKind.Holder) return true;
                if (role.Key.Role is RoleKind.Attorney or RoleKind.Guardian && Rows[Rows.Find(role.Key.For)].IsAble)
                    return true;
            }
        }
        return false;
    }
}
