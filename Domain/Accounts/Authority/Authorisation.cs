using BankingEngine.Domain.Kernel;
using static BankingEngine.Domain.Accounts.AuthorityRejections;

namespace BankingEngine.Domain.Accounts;

/// <summary>How an account has a say in a command.</summary>
public enum NeedKind : byte
{
    /// <summary>No account's: the bank's own.</summary>
    Bank,

    /// <summary>Value leaves the account.</summary>
    Gives,

    /// <summary>The account's permission, though nothing leaves it.</summary>
    Account,

    /// <summary>The account's permission, or the bank's word.</summary>
    AccountOrBank,

    /// <summary>The account's first permissions: the bank gives them, or a wallet's key.</summary>
    First,

    /// <summary>A permission at or above <see cref="Need.Minimum"/>, for changing permissions.</summary>
    Dominates,

    /// <summary>The permission <see cref="Need.Minimum"/> itself, or one above it: who approves is meant.</summary>
    Speaks,
}

/// <summary>One permission that a command needs.</summary>
/// <param name="Asset">What leaves; none where nothing does.</param>
/// <param name="Or">Another account whose permission will do as well.</param>
/// <param name="Moves">The most that leaves the account; null where nothing does.</param>
/// <param name="Link">Of a chain, from 1; 0 when the command stands alone.</param>
public readonly record struct Need(
    NeedKind Kind, Command Command, AccountId Account = default, AssetCode Asset = default, Tag Minimum = default,
    AccountId Or = default, StatedAmount? Moves = null, int Link = 0)
{
    public bool Gives => Kind == NeedKind.Gives;
}

/// <summary>Who asks and with what.</summary>
/// <param name="Channel">
/// What the API key stands for; null when none was used, or one that lacks the scope. Where something was signed as
/// well, the key speaks for the bank only, and the signatures for the accounts.
/// </param>
/// <param name="Declared">The permissions it is to run under.</param>
public readonly record struct Asking(
    KeyBindingRow? Channel, IReadOnlyList<Level> Declared, Credentials Credentials, Instant Now);

/// <summary>Whether people stand in the way of what permissions allow.</summary>
/// <param name="account">Whose permission it ran under.</param>
/// <param name="acting">The accounts whose permissions were counted; none where the bank's channel acts.</param>
public delegate Rejection? Objection(AccountId account, in Need need, IReadOnlyList<AccountId> acting, Instant now);

/// <summary>A permission that a command was allowed under: what spending limits are counted by.</summary>
/// <param name="ByPasskey">Whether a passkey was among the signatures that this permission needed.</param>
public readonly record struct Act(Level Level, Need Need, bool ByPasskey = false);

/// <summary>Step 3 of the one path: may they? Reads only.</summary>
/// <param name="objects">What people's standing and mandates say.</param>
/// <param name="limits">While any stands, what API keys do for accounts is noted too.</param>
public sealed class Authorisation(
    Permissions permissions, Satisfaction satisfaction, SpendingLimits limits, Objection objects)
{
    private readonly List<Act> _acts = [];
    private Credentials? _provided;

    /// <summary>Under what the last command that was judged may run.</summary>
    public IReadOnlyList<Act> Acts => _acts;

    /// <summary>Whether a permission of the bank's own was among them: staff acted, not only customers.</summary>
    public bool IsBanksOwn => _acts.Exists(act => act.Level.Account == Permissions.Bank);

    /// <summary>Whether a permission of the bank's own was among those that one link needs.</summary>
    public bool IsBanksOwnIn(int link)
    {
        for (var i = SpendingLimits.FirstOf(_acts, link); i < _acts.Count && _acts[i].Need.Link == link; i++)
        {
            if (_acts[i].Level.Account == Permissions.Bank) return true;
        }
        return false;
    }

    /// <summary>Whether all that a command needs is allowed, and nothing was signed that it does not need.</summary>
    public Rejection? Judge(in Asking asking, List<Need> needs)
    {
        _acts.Clear();
        if (asking.Channel is { } channel && asking.Credentials == Credentials.None)
        {
            foreach (var need in needs)
            {
                if (JudgeChannel(channel, asking, need) is { } no) return no with { Link = need.Link };
            }
            return null;
        }
        satisfaction.Begin(asking.Credentials, asking.Now);
        for (var i = 0; i < needs.Count; i++)
        {
            if (JudgeSigned(asking, needs, i) is { } no) return no with { Link = needs[i].Link };
        }
        foreach (var level in asking.Declared)
        {
            if (!_acts.Exists(act => act.Level == level)) return UnusedPermission;
        }
        return satisfaction.AllKeysUsed ? null : UnusedSignature;
    }

    /// <summary>The bank acts through an API key, for accounts that are its and for those that let it.</summary>
    private Rejection? JudgeChannel(in KeyBindingRow channel, in Asking asking, in Need need)
    {
        if (need.Kind == NeedKind.Speaks) return JudgeSpeaker(channel, asking, need);
        var isBanks = channel.Provides.Account == Permissions.Bank;
        if (need.Kind == NeedKind.Bank || (need.Kind == NeedKind.AccountOrBank && isBanks))
            return BankAllows(channel, need);
        if (!permissions.HasOwn(need.Account))
        {
            // A wallet is its key's alone.
            if (!isBanks || Wallets.IsWallet(need.Account)) return Missing;
            if (limits.Any) _acts.Add(new(new(need.Account, Permissions.Channel), need));
            return objects(need.Account, need, [], asking.Now);
        }
        if (need.Kind == NeedKind.First) return null;
        var own = need.Account == channel.Provides.Account;
        var level = own ? channel.Provides : new Level(need.Account, channel.Exercises);
        if (_provided?.Provided[0] != channel.Provides) _provided = new([], [channel.Provides]);
        satisfaction.Begin(_provided, asking.Now);
        return Under(level, need, asking.Now) ?? objects(need.Account, need, satisfaction.Counted, asking.Now);
    }

    /// <summary>An API key's scope was judged before; the bank's own rule, if it has one, here.</summary>
    private Rejection? BankAllows(in KeyBindingRow channel, in Need need)
    {
        // What a new key stands for is the bank, and what a bound one stands for is its word: no partner says it.
        if (need.Command is IssueKey or BindKey && channel.Provides.Account != Permissions.Bank) return Missing;
        if (!permissions.HasOwn(Permissions.Bank)) return null;
        var linked = permissions.LinkOf(Permissions.Bank, CommandNames.Of(need.Command), need.Asset);
        if (linked.IsNone || linked == Permissions.Any) return null;
        if (channel.Provides.Account != Permissions.Bank) return Missing;
        return permissions.IsSameOrAbove(Permissions.Bank, channel.Provides.Permission, linked) ? null : Irrelevant;
    }

    /// <summary>What a key stands for speaks for itself and all below it, and where an authority counts it.</summary>
    private Rejection? JudgeSpeaker(in KeyBindingRow channel, in Asking asking, in Need need)
    {
        var (own, level) = (channel.Provides, new Level(need.Account, need.Minimum));
        satisfaction.Begin(new([], [own]), asking.Now);
        if (own.Account == level.Account && permissions.IsSameOrAbove(own.Account, own.Permission, level.Permission))
            level = own;
        if (!satisfaction.IsSatisfied(level)) return NotSatisfied;
        _acts.Add(new(level, need));
        return objects(need.Account, need, satisfaction.Counted, asking.Now);
    }

    private Rejection? JudgeSigned(in Asking asking, List<Need> needs, int at)
    {
        var need = needs[at];
        Rejection? no = null;
        foreach (var level in asking.Declared)
        {
            var speaks = need.Kind == NeedKind.Bank
                ? level.Account == Permissions.Bank
                : level.Account == need.Account || (!need.Or.IsNone && level.Account == need.Or)
                    || (level.Account == Permissions.Bank && IsBanksToActFor(need));
            if (!speaks) continue;
            no = Under(level, need, asking.Now) ?? objects(level.Account, need, satisfaction.Counted, asking.Now);
            // Staff act for an account as a channel does: its holders still have to be able to ask.
            if (no is null && level.Account == Permissions.Bank && !need.Account.IsNone
                && need.Kind != NeedKind.AccountOrBank)
                no = objects(need.Account, need, [], asking.Now);
            if (no is null) return null;
        }
        if (asking.Channel is { } channel && (need.Kind == NeedKind.Bank
            || (need.Kind == NeedKind.AccountOrBank && channel.Provides.Account == Permissions.Bank))
            && IsAnAccountsToo(needs, at))
            return BankAllows(channel, need);
        return no ?? Missing;
    }

    /// <summary>
    /// Whether an account has a say in the command as well. A key that carries what was signed allows a price or a date
    /// of it, and nothing that is the bank's alone: whoever forwards a chain need not know what else stands in it.
    /// </summary>
    private bool IsAnAccountsToo(List<Need> needs, int at)
    {
        var command = needs[at].Command;
        if (_acts.Count > 0 && ReferenceEquals(_acts[^1].Need.Command, command)) return true;
        // The needs of a command stand together, and those before this one are met.
        for (var i = at + 1; i < needs.Count && ReferenceEquals(needs[i].Command, command); i++)
        {
            if (needs[i].Kind is not (NeedKind.Bank or NeedKind.AccountOrBank)) return true;
        }
        return false;
    }

    /// <summary>Accounts without permissions of their own are the bank's to act for; a wallet is its key's.</summary>
    private bool IsBanksToActFor(in Need need) => need.Kind == NeedKind.AccountOrBank
        || (need.Kind is NeedKind.Gives or NeedKind.Account or NeedKind.First
            && !permissions.HasOwn(need.Account) && !Wallets.IsWallet(need.Account));

    private Rejection? Under(Level level, in Need need, Instant now)
    {
        var account = level.Account;
        if (need.Kind == NeedKind.Speaks)
        {
            if (!permissions.IsSameOrAbove(account, level.Permission, need.Minimum)) return Irrelevant;
        }
        else if (permissions.HasOwn(account))
        {
            var minimum = need.Kind == NeedKind.Dominates && account == need.Account
                ? need.Minimum
                : permissions.Minimum(account, CommandNames.Of(need.Command), need.Asset);
            if (permissions.Rows.Find(level) < 0) return NotFound;
            if (minimum != Permissions.Any && !permissions.IsSameOrAbove(account, level.Permission, minimum))
                return Irrelevant;
            if (need.Kind == NeedKind.Dominates && permissions.ChangeLimits.TryGet(account, out var rule)
                && !rule.Allows(level.Permission))
                return ChangeNotAllowed;
        }
        if (!satisfaction.IsSatisfied(level)) return NotSatisfied;
        _acts.Add(new(level, need, limits.Any && satisfaction.IsByPasskey(level)));
        return null;
    }
}
