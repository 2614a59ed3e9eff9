using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>What a party is to an account.</summary>
public enum RoleKind
{
    /// <summary>Whose account it is; set for all holders at once.</summary>
    Holder = 1,

    /// <summary>Acts for the holders without limits of its own: an officer, a partner.</summary>
    Signatory,

    /// <summary>Acts for one holder who gave a mandate, within its scope and limit.</summary>
    Attorney,

    /// <summary>Acts for one holder who cannot.</summary>
    Guardian,

    /// <summary>Acts for the estate of one holder who died.</summary>
    Executor,

    /// <summary>Acts for beneficiaries.</summary>
    Trustee,

    /// <summary>For whose good the account is held; does not act.</summary>
    Beneficiary,
}

/// <summary>How holders of one account stand to each other.</summary>
public enum HolderMode
{
    /// <summary>Each acts alone.</summary>
    Several = 1,

    /// <summary>They act together; who signs is the account's authority to say.</summary>
    Joint,
}

/// <summary>A holder and its share.</summary>
/// <param name="SharePpm">Parts per million, 1 to 1,000,000; 0: shares are not stated for this holder.</param>
public readonly record struct Holder(PartyId Party, int SharePpm);

/// <summary>What a mandate covers.</summary>
/// <param name="Commands">Wire names of commands, such as <c>transfer.make</c>; ascending, none twice.</param>
/// <param name="Limit">Most that one command may move, in this asset and in no other; null: no limit.</param>
public sealed record Mandate(ImmutableArray<string> Commands, Amount? Limit)
{
    public const int MaxCommands = 32;

    public bool Equals(Mandate? other) => other is not null && Limit == other.Limit
        && Commands.AsSpan().SequenceEqual(other.Commands.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Commands.Length, Limit);
}

/// <summary>Replaces an account's holders, all at once; whoever is left out is holder no more.</summary>
/// <param name="Survivorship">Whether the surviving holders go on with the account when one of them dies.</param>
public sealed record SetHolders(
    AccountId Account, HolderMode Mode, bool Survivorship, ImmutableArray<Holder> Holders) : Command;

/// <summary>Gives a party any role but holder.</summary>
/// <param name="For">
/// Who gives the mandate, who is under guardianship, whose estate it is; the default with other roles.
/// </param>
/// <param name="From">Null: from now on.</param>
/// <param name="Until">First instant at which it no longer counts; null: until revoked.</param>
/// <param name="Commands">What an attorney may ask, by wire name; empty with other roles.</param>
/// <param name="Limit">Most that one command of an attorney may move; null: no limit.</param>
public sealed record GrantRole(
    AccountId Account, PartyId Party, RoleKind Role, PartyId For, Instant? From, Instant? Until,
    ImmutableArray<string> Commands, StatedAmount? Limit) : Command;

public sealed record RevokeRole(AccountId Account, PartyId Party, RoleKind Role, PartyId For, string Reason) : Command;

public abstract record RoleEvent : Event
{
    private RoleEvent() { }

    public sealed record HoldersSet(
        AccountId Account, HolderMode Mode, bool Survivorship, ImmutableArray<Holder> Holders, Instant From) : RoleEvent
    {
        public bool Equals(HoldersSet? other) => other is not null && Account == other.Account && Mode == other.Mode
            && Survivorship == other.Survivorship && From == other.From
            && Holders.AsSpan().SequenceEqual(other.Holders.AsSpan());

        public override int GetHashCode() => Account.GetHashCode();
    }

    /// <param name="Mandate">Of an attorney; null with other roles.</param>
    public sealed record Granted(
        AccountId Account, PartyId Party, RoleKind Role, PartyId For, Instant From, Instant? Until, Mandate? Mandate)
        : RoleEvent;

    /// <param name="Until">First instant at which it no longer counts.</param>
    public sealed record Revoked(
        AccountId Account, PartyId Party, RoleKind Role, PartyId For, Instant Until, string Reason) : RoleEvent;
}
