using BankingEngine.Domain.Kernel;

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
    /// The account whose permission signed: a party's, or <paramref name="account"/> itself, of which then
    /// <see cref="Counts"/> has left out who may not act; the default where a channel's key acts for the bank.
    /// </param>
    /// <param name="gives">Whether value leaves the account.</param>
    public Rejection? Objects(AccountId account, AccountId acting, bool gives, Instant now)
    {
        if (Rows.Count == 0) return null;
        var standing = Standing.Verified;
        if (TryActor(acting, out var actor))
        {
            if (actor.IsDead) return Deceased;
            if (actor.IsIncapacitated) return Incapacitated;
            standing = actor.Standing;
        }
        var row = Roles.Count == 0 ? -1 : Accounts.Find(account);
        if (row < 0 || Accounts[row].Holders == 0) return OfStanding(standing, gives);
        var (dead, unable, able) = (0, 0, 0);
        foreach (var role in Holders.Rows(account))
        {
            ref readonly var holder = ref Rows[Rows.Find(Roles[role].Key.Party)];
            if (holder.Standing > standing) standing = holder.Standing;
            if (holder.IsDead) dead++;
            else if (holder.IsIncapacitated) unable++;
            else able++;
        }
        if (OfStanding(standing, gives) is { } no) return no;
        if (!gives || dead + unable == 0) return null;
        if (dead > 0 && Stands(actor.Id, account, RoleKind.Executor, now)) return null;
        if (dead > 0 && Accounts[row].Survivorship == 0) return Estate;
        var isOwn = acting == account && actor.Id.IsNone;
        if (unable == 0) return (isOwn && able > 0) || StandsForAble(actor.Id, account, now) ? null : Estate;
        if (Stands(actor.Id, account, RoleKind.Guardian, now)) return null;
        if (Accounts[row].Mode == HolderMode.Joint) return HolderUnable;
        return (isOwn && able > 0) || StandsForAble(actor.Id, account, now) ? null : HolderUnable;
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

    /// <summary>Whether the roles of who acts cover a command on an account.</summary>
    /// <param name="acting">As in <see cref="Objects"/>.</param>
    /// <param name="command">Wire name.</param>
    /// <param name="amount">What it moves from the account; null: nothing. One asset at a time.</param>
    public Rejection? ScopeOf(AccountId account, AccountId acting, string command, Amount? amount, Instant now)
    {
        if (Roles.Count == 0 || !TryActor(acting, out var party)) return null;
        Rejection? found = null;
        foreach (var row in RolesBetween.Rows(new(party.Id, account)))
        {
            ref readonly var role = ref Roles[row];
            if (!role.Acts) continue;
            if (!role.InForce(now))
            {
                found ??= RoleEnded;
                continue;
            }
            if (role.Key.Role != RoleKind.Attorney) return null;
            var mandate = Mandates[Mandates.Find(role.Key)].Mandate;
            if (!mandate.Commands.Contains(command)) found = found == OverLimit ? OverLimit : OutOfScope;
            else if (IsOver(mandate, amount)) found = OverLimit;
            else return null;
        }
        return found;
    }

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

    private static bool IsOver(Mandate mandate, Amount? amount) =>
        mandate.Limit is { } limit && amount is { } moved && (moved.Asset != limit.Asset || moved > limit);

    private bool Stands(PartyId party, AccountId account, RoleKind kind, Instant now)
    {
        if (party.IsNone) return false;
        foreach (var row in RolesBetween.Rows(new(party, account)))
        {
            if (Roles[row].Key.Role == kind && Roles[row].InForce(now)) return true;
        }
        return false;
    }

    /// <summary>Whether a party is a holder that can act, or acts for one.</summary>
    private bool StandsForAble(PartyId party, AccountId account, Instant now)
    {
        if (party.IsNone) return false;
        foreach (var row in RolesBetween.Rows(new(party, account)))
        {
            ref readonly var role = ref Roles[row];
            if (!role.InForce(now)) continue;
            if (role.Key.Role == RoleKind.Holder) return true;
            if (role.Key.Role is RoleKind.Attorney or RoleKind.Guardian && Rows[Rows.Find(role.Key.For)].IsAble)
                return true;
        }
        return false;
    }
}
