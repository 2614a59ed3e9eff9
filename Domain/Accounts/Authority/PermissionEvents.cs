using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Gives an account permissions of its own: from then on only they decide who acts for it. Before, it is the bank's to
/// act for; a wallet is its key's.
/// </summary>
/// <param name="Channel">
/// Whether the bank's channels go on acting for it, under a permission <c>channel</c>, which payments need
/// unless they are linked elsewhere.
/// </param>
public sealed record CreatePermissions(AccountId Account, Authority Owner, Authority Active, bool Channel) : Command;

/// <summary>Makes a permission or replaces its authority.</summary>
/// <param name="Parent">None for owner only; of one that exists, its own or none to say nothing of it.</param>
public sealed record SetPermission(AccountId Account, Tag Name, Tag Parent, Authority Authority) : Command;

public sealed record RemovePermission(AccountId Account, Tag Name) : Command;

/// <summary>States the least permission that a kind of command needs.</summary>
/// <param name="CommandName">Its wire name.</param>
/// <param name="Asset">Of this asset only; none: of any.</param>
/// <param name="Permission"><see cref="Permissions.Any"/> asks for no particular one.</param>
public sealed record LinkPermission(AccountId Account, string CommandName, AssetCode Asset, Tag Permission) : Command;

public sealed record UnlinkPermission(AccountId Account, string CommandName, AssetCode Asset) : Command;

/// <summary>
/// Fixes under which permissions of the account its permissions may be changed: one list or the other, or neither.
/// </summary>
/// <param name="Allow">Only under these; owner is among them.</param>
/// <param name="Disallow">Not under these; owner is not among them.</param>
public sealed record LimitChanges(AccountId Account, ImmutableArray<Tag> Allow, ImmutableArray<Tag> Disallow) : Command;

/// <summary>Binds an API key to the permission it stands for and the one it exercises on behalf of accounts.</summary>
/// <param name="Provides">Taken as satisfied whenever the key acts: <c>bank@mobile</c>.</param>
/// <param name="Exercises">What it acts under for an account: <c>channel</c> makes it act as account@channel.</param>
public sealed record BindKey(Tag Key, Level Provides, Tag Exercises) : Command;

/// <summary>The life of accounts' authorities.</summary>
public abstract record PermissionEvent : Event
{
    private PermissionEvent() { }

    public sealed record Created(AccountId Account, Authority Owner, Authority Active, bool Channel) : PermissionEvent;

    public sealed record Set(AccountId Account, Tag Name, Tag Parent, Authority Authority) : PermissionEvent;

    public sealed record Removed(AccountId Account, Tag Name) : PermissionEvent;

    public sealed record Linked(AccountId Account, string Command, AssetCode Asset, Tag Permission) : PermissionEvent;

    public sealed record Unlinked(AccountId Account, string Command, AssetCode Asset) : PermissionEvent;

    public sealed record ChangesLimited(AccountId Account, ImmutableArray<Tag> Allow, ImmutableArray<Tag> Disallow)
        : PermissionEvent
    {
        public bool Equals(ChangesLimited? other) => other is not null && Account == other.Account
            && Allow.AsSpan().SequenceEqual(other.Allow.AsSpan())
            && Disallow.AsSpan().SequenceEqual(other.Disallow.AsSpan());

        public override int GetHashCode() => Account.GetHashCode();
    }

    /// <summary>An API key stands for another permission from now on.</summary>
    public sealed record KeyBound(Tag Key, Level Provides, Tag Exercises) : PermissionEvent;
}

/// <summary>Why a command may not, and why permissions cannot be so.</summary>
public static class AuthorityRejections
{
    public static readonly Rejection
        Missing = new(
            "authority.missing", "Nothing that was signed or that the key stands for may act for this account.",
            RejectionKind.Forbidden),
        Irrelevant = new(
            "authority.irrelevant", "The permission it runs under is neither the least that this needs nor above it.",
            RejectionKind.Forbidden),
        NotSatisfied = new(
            "authority.not_satisfied", "The signatures do not satisfy the permission it runs under.",
            RejectionKind.Forbidden),
        UnusedSignature = new(
            "authority.unused_signature", "A signature is not needed: leave it out.", RejectionKind.Forbidden),
        UnusedPermission = new(
            "authority.unused_permission", "A permission it is to run under is not needed: leave it out.",
            RejectionKind.Forbidden),
        ChangeNotAllowed = new(
            "authority.change_not_allowed", "The account's own rule does not let this permission change permissions.",
            RejectionKind.Forbidden),
        TooDeep = new("authority.too_deep", $"Permissions nest at most {Authority.MaxDepth} deep."),
        Cyclic = new("authority.cyclic", "The authority leads back to the permission it is for."),
        FactorUnknown = new("authority.factor_unknown", "An authority names a permission that does not exist."),
        Exists = new(
            "permission.exists", "The account has permissions of its own already.", RejectionKind.Conflict),
        NoneOfItsOwn = new(
            "permission.none", "The account has no permissions of its own: create them first.",
            RejectionKind.Conflict),
        NotFound = new("permission.not_found", "The account has no permission of this name.", RejectionKind.NotFound),
        NameReserved = new(
            "permission.name_reserved", "A permission has a name; any and names that begin with bank. are taken."),
        ParentWrong = new(
            "permission.parent_wrong",
            "Owner has no parent, active has owner, another has one that exists and keeps it."),
        LastWayIn = new("permission.last_way_in", "Owner and active cannot be removed.", RejectionKind.Conflict),
        InUse = new(
            "permission.in_use", "Permissions stand below it or commands are linked to it.", RejectionKind.Conflict),
        TooMany = new("permission.too_many", "An account has at most 64 permissions and 256 links, a wallet 8 and 16."),
        CommandUnknown = new("link.command_unknown", "No command has this name."),
        CommandFixed = new(
            "link.command_fixed", "Who may change permissions follows from the permissions: it cannot be linked."),
        LinkNotFound = new("link.not_found", "The command is not linked.", RejectionKind.NotFound),
        ChangesMalformed = new(
            "authority.changes_malformed", "Either list stands alone; owner is allowed and cannot be disallowed."),
        Expired = new("command.expired", "The command was signed to expire before now."),
        ExpiresLate = new(
            "command.expires_too_late", $"A signed command expires within {Proof.MaxLifetimeSeconds} seconds.");
}
