using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>What makes a role this role. Granted again after its end, it is the same row.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RoleKey(PartyId Party, PartyId For, AccountId Account, RoleKind Role, int Filler)
{
    public RoleKey(PartyId party, PartyId @for, AccountId account, RoleKind role)
        : this(party, @for, account, role, 0) { }
}

/// <summary>A party and an account.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Between(PartyId Party, AccountId Account, long Filler)
{
    public Between(PartyId party, AccountId account) : this(party, account, 0) { }
}

/// <summary>112 bytes; one per role, never deleted: that a role has ended is not that there was none.</summary>
/// <param name="From">First instant at which it counts.</param>
/// <param name="Until">First instant at which it no longer counts; the last: until revoked.</param>
/// <param name="SharePpm">Of a holder; 0: not stated.</param>
/// <param name="IsCurrent">Of a holder: 1 while among the account's holders, dead or alive.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct RoleRow(
    RoleKey Key, Instant From, Instant Until, int SharePpm, int IsCurrent, long Filler) : IRow<RoleRow, RoleKey>
{
    public bool InForce(Instant now) => From <= now && now < Until;

    /// <summary>Whether who has it may ask something for the account.</summary>
    public bool Acts => Key.Role != RoleKind.Beneficiary;
}

/// <summary>What an attorney may ask.</summary>
public readonly record struct MandateRow(RoleKey Key, Mandate Mandate) : IRow<MandateRow, RoleKey>
{
    public static void Write(in MandateRow row, ref RowWriter to)
    {
        var mandate = row.Mandate;
        to.Value(row.Key);
        to.Value(mandate.Limit is null ? 0 : 1);
        if (mandate.Limit is { } limit)
        {
            to.Value(limit.Asset.Code);
            to.Value((int)limit.Asset.Scale);
            to.Value(limit.Minor);
        }
        to.Value(mandate.Commands.Length);
        foreach (var command in mandate.Commands) to.Text(command);
    }

    public static MandateRow Read(ref RowReader from)
    {
        var key = from.Value<RoleKey>();
        Amount? limit = null;
        if (from.Value<int>() != 0)
        {
            var asset = new Asset(from.Value<AssetCode>(), (byte)from.Value<int>());
            limit = new(from.Value<Int128>(), asset);
        }
        var commands = new string[from.Value<int>()];
        for (var i = 0; i < commands.Length; i++) commands[i] = from.Text();
        return new(key, new([.. commands], limit));
    }
}

/// <summary>56 bytes; one per account that has or had roles.</summary>
/// <param name="Roles">Rows of its roles, ended ones too.</param>
/// <param name="Mode">0 while it has no holders.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct AccountRolesRow(
    AccountId Account, int Roles, int Holders, HolderMode Mode, int Survivorship) : IRow<AccountRolesRow, AccountId>
{
    public AccountId Key => Account;
}

/// <summary>Who is what to an account, since when and until when.</summary>
public sealed partial class Parties
{
    public const int MaxHolders = 16, MaxRolesOfAccount = 1_000, MaxRolesOfParty = 1_000, WholePpm = 1_000_000;

    public static readonly Rejection
        HoldersMissing = new("role.holders_missing", $"An account has 1 to {MaxHolders} holders."),
        HolderTwice = new("role.holder_twice", "A holder is named once."),
        ModeUnknown = new("role.mode_unknown", "Holders are several or joint."),
        ShareOutOfRange = new("role.share_out_of_range", "A share is 1 to 1,000,000 parts per million."),
        SharesDoNotAddUp = new("role.shares_do_not_add_up", "Shares add up to exactly 1,000,000 parts per million."),
        RoleUnknown = new("role.unknown", "There is no such role."),
        HoldersAreSet = new("role.holders_are_set", "Holders are set for all holders at once."),
        AlreadyGranted = new(
            "role.already_granted", "The party has this role with other terms: revoke it first.",
            RejectionKind.Conflict),
        RoleNotFound = new("role.not_found", "The party has no such role on the account.", RejectionKind.NotFound),
        TooManyRoles = new(
            "role.too_many", $"An account has at most {MaxRolesOfAccount} roles, ended ones too, and so has a party."),
        EndBeforeStart = new("role.end_before_start", "A role ends after it begins, and later than now."),
        PrincipalMissing = new(
            "role.principal_missing", "An attorney, a guardian and an executor act for somebody: say for whom."),
        PrincipalUnneeded = new("role.principal_unneeded", "This role is for the account, not for one of its holders."),
        PrincipalNotHolder = new("role.principal_not_holder", "Whom the role is for is no holder of the account."),
        PrincipalSelf = new("role.principal_self", "Nobody acts for themselves by a role."),
        PrincipalAlive = new("role.principal_alive", "An executor acts for who has died."),
        GuardianNotForPerson = new("role.guardian_not_for_person", "A guardian acts for a person who lives."),
        ScopeMissing = new("role.scope_missing", "A mandate names the commands that it covers."),
        ScopeTooLong = new("role.scope_too_long", $"A mandate names at most {Mandate.MaxCommands} commands."),
        ScopeUnknown = new("role.scope_unknown", "A mandate names commands that there are, such as transfer.make."),
        ScopeTwice = new("role.scope_twice", "A mandate names a command once."),
        ScopeUnneeded = new("role.scope_unneeded", "Only a mandate has commands and a limit."),
        LimitNotPositive = new("role.limit_not_positive", "A limit is above zero.");

    public Table<RoleKey, RoleRow> Roles { get; }
    public Table<RoleKey, MandateRow> Mandates { get; }
    public Table<AccountId, AccountRolesRow> Accounts { get; }
    public HashIndex<RoleRow, AccountId> RolesOfAccount { get; }
    public HashIndex<RoleRow, PartyId> RolesOfParty { get; }
    public HashIndex<RoleRow, Between> RolesBetween { get; }

    /// <summary>Those who are holders now.</summary>
    public HashIndex<RoleRow, AccountId> Holders { get; }

    /// <summary>Mandates by who gave them.</summary>
    public HashIndex<RoleRow, PartyId> MandatesBy { get; }

    public Decision Decide(LedgerView ledger, in Moment at, SetHolders c)
    {
        if (ledger.Tables.Accounts.Find(c.Account) < 0) return LedgerRejections.AccountNotFound;
        if (c.Mode is not (HolderMode.Several or HolderMode.Joint)) return ModeUnknown;
        if (c.Holders.Length is 0 or > MaxHolders) return HoldersMissing;
        var (stated, sum, made) = (false, 0L, 0);
        for (var i = 0; i < c.Holders.Length; i++)
        {
            var (id, share) = c.Holders[i];
            if (!Rows.TryGet(id, out var party)) return NotFound;
            for (var before = 0; before < i; before++)
            {
                if (c.Holders[before].Party == id) return HolderTwice;
            }
            if (share is < 0 or > WholePpm) return ShareOutOfRange;
            (stated, sum) = (stated || share > 0, sum + share);
            var role = Roles.Find(new(id, default, c.Account, RoleKind.Holder));
            if ((role < 0 || Roles[role].IsCurrent == 0) && party.IsDead) return Deceased;
            if (role >= 0) continue;
            if (party.Roles >= MaxRolesOfParty) return TooManyRoles;
            made++;
        }
        if (stated && sum != WholePpm) return SharesDoNotAddUp;
        var known = Accounts.TryGet(c.Account, out var account);
        if (account.Roles + made > MaxRolesOfAccount) return TooManyRoles;
        if (known && IsSo(account, c)) return [];
        return new RoleEvent.HoldersSet(c.Account, c.Mode, c.Survivorship, c.Holders, at.Now);
    }

    public Decision Decide(LedgerView ledger, in Moment at, GrantRole c)
    {
        if (ledger.Tables.Accounts.Find(c.Account) < 0) return LedgerRejections.AccountNotFound;
        if (!Enum.IsDefined(c.Role)) return RoleUnknown;
        if (c.Role == RoleKind.Holder) return HoldersAreSet;
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        var from = c.From ?? at.Now;
        if (c.Until is { } until && (until <= from || until <= at.Now)) return EndBeforeStart;
        if (MandateOf(ledger, c, out var mandate) is { } unclear) return unclear;
        if (Principal(c) is { } no) return no;
        var number = Roles.Find(new(c.Party, c.For, c.Account, c.Role));
        if (number >= 0 && Roles[number].Until > at.Now)
            return IsSo(Roles[number], c, mandate) ? [] : AlreadyGranted;
        if (Unfit(party, c) is { } unfit) return unfit;
        if (number < 0 && (party.Roles >= MaxRolesOfParty || RolesOn(c.Account) >= MaxRolesOfAccount))
            return TooManyRoles;
        return new RoleEvent.Granted(c.Account, c.Party, c.Role, c.For, from, c.Until, mandate);
    }

    public Decision Decide(in Moment at, RevokeRole c)
    {
        if (c.Role == RoleKind.Holder) return HoldersAreSet;
        var row = Roles.Find(new(c.Party, c.For, c.Account, c.Role));
        if (row < 0) return RoleNotFound;
        return Roles[row].Until <= at.Now
            ? []
            : new RoleEvent.Revoked(c.Account, c.Party, c.Role, c.For, at.Now, c.Reason);
    }

    public void Evolve(RoleEvent @event)
    {
        switch (@event)
        {
            case RoleEvent.HoldersSet e: Evolve(e); break;
            case RoleEvent.Granted e:
                var key = new RoleKey(e.Party, e.For, e.Account, e.Role);
                Put(new(key, e.From, e.Until ?? Instant.Last, 0, 0, 0));
                if (e.Mandate is not { } mandate) break;
                var known = Mandates.Find(key);
                if (known >= 0) Mandates.Update(known, new(key, mandate));
                else Mandates.Insert(new(key, mandate));
                break;
            case RoleEvent.Revoked e:
                var row = Roles.Find(new(e.Party, e.For, e.Account, e.Role));
                Roles.Update(row, Roles[row] with { Until = e.Until });
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>Rows of an account's roles, ended ones too.</summary>
    public int RolesOn(AccountId account) => Accounts.TryGet(account, out var row) ? row.Roles : 0;

    private void Evolve(RoleEvent.HoldersSet e)
    {
        Span<int> leaving = stackalloc int[MaxHolders];
        var count = 0;
        foreach (var row in Holders.Rows(e.Account))
        {
            if (ShareOf(e.Holders, Roles[row].Key.Party) < 0) leaving[count++] = row;
        }
        foreach (var row in leaving[..count])
        {
            Roles.Update(row, Roles[row] with { Until = e.From, IsCurrent = 0 });
            EndRolesFor(Roles[row].Key.Party, e.Account, e.From);
        }
        foreach (var (party, share) in e.Holders)
        {
            var key = new RoleKey(party, default, e.Account, RoleKind.Holder);
            var row = Roles.Find(key);
            var from = row >= 0 && Roles[row].IsCurrent != 0 ? Roles[row].From : e.From;
            Put(new(key, from, Instant.Last, share, 1, 0));
        }
        var number = Accounts.Find(e.Account);
        Accounts.Update(number, Accounts[number] with
        {
            Holders = e.Holders.Length,
            Mode = e.Mode,
            Survivorship = e.Survivorship ? 1 : 0,
        });
    }

    private void Put(in RoleRow role)
    {
        var row = Roles.Find(role.Key);
        if (row >= 0)
        {
            Roles.Update(row, role);
            return;
        }
        Roles.Insert(role);
        Change(role.Key.Party, party => party with { Roles = party.Roles + 1 });
        var number = Accounts.Find(role.Key.Account);
        if (number < 0) Accounts.Insert(new(role.Key.Account, 1, 0, default, 0));
        else Accounts.Update(number, Accounts[number] with { Roles = Accounts[number].Roles + 1 });
    }

    private void EndMandatesBy(PartyId party, Instant since)
    {
        // Neither the index's key nor a row's place changes, so the scan goes on undisturbed.
        foreach (var row in MandatesBy.Rows(party))
        {
            if (Roles[row].Until > since) Roles.Update(row, Roles[row] with { Until = since });
        }
    }

    /// <summary>Nobody acts on an account for who is no longer its holder.</summary>
    private void EndRolesFor(PartyId holder, AccountId account, Instant since)
    {
        foreach (var row in RolesOfAccount.Rows(account))
        {
            if (Roles[row].Key.For == holder && Roles[row].Until > since)
                Roles.Update(row, Roles[row] with { Until = since });
        }
    }

    private bool IsSo(in AccountRolesRow account, SetHolders c)
    {
        if (account.Holders != c.Holders.Length || account.Mode != c.Mode
            || account.Survivorship != (c.Survivorship ? 1 : 0)) return false;
        foreach (var row in Holders.Rows(c.Account))
        {
            if (ShareOf(c.Holders, Roles[row].Key.Party) != Roles[row].SharePpm) return false;
        }
        return true;
    }

    private bool IsSo(in RoleRow role, GrantRole c, Mandate? mandate) =>
        (c.From is null || role.From == c.From) && role.Until == (c.Until ?? Instant.Last)
        && (Mandates.TryGet(role.Key, out var row) ? row.Mandate : null) == mandate;

    /// <returns>−1: no holder.</returns>
    private static int ShareOf(ImmutableArray<Holder> holders, PartyId party)
    {
        foreach (var holder in holders)
        {
            if (holder.Party == party) return holder.SharePpm;
        }
        return -1;
    }

    private static Rejection? MandateOf(LedgerView ledger, GrantRole c, out Mandate? mandate)
    {
        mandate = null;
        var commands = c.Commands.IsDefault ? [] : c.Commands;
        if (c.Role != RoleKind.Attorney) return commands.Length > 0 || c.Limit is not null ? ScopeUnneeded : null;
        if (commands.Length == 0) return ScopeMissing;
        if (commands.Length > Mandate.MaxCommands) return ScopeTooLong;
        var sorted = commands.Sort(StringComparer.Ordinal);
        for (var i = 0; i < sorted.Length; i++)
        {
            if (!CommandNames.IsKnown(sorted[i])) return ScopeUnknown;
            if (i > 0 && sorted[i] == sorted[i - 1]) return ScopeTwice;
        }
        Amount? limit = null;
        if (c.Limit is { } stated)
        {
            if (ledger.Resolve(stated, out var amount) is { } no) return no;
            if (amount.Minor <= 0) return LimitNotPositive;
            limit = amount;
        }
        mandate = new(sorted, limit);
        return null;
    }

    /// <summary>Whom the role is for, and whether that can be.</summary>
    private Rejection? Principal(GrantRole c)
    {
        if (c.Role is not (RoleKind.Attorney or RoleKind.Guardian or RoleKind.Executor))
            return c.For.IsNone ? null : PrincipalUnneeded;
        if (c.For.IsNone) return PrincipalMissing;
        if (c.For == c.Party) return PrincipalSelf;
        if (!Rows.TryGet(c.For, out var principal)) return NotFound;
        var holder = Roles.Find(new(c.For, default, c.Account, RoleKind.Holder));
        if (holder < 0 || Roles[holder].IsCurrent == 0) return PrincipalNotHolder;
        return c.Role switch
        {
            RoleKind.Executor => principal.IsDead ? null : PrincipalAlive,
            RoleKind.Guardian => principal.Kind == PartyKind.Person && !principal.IsDead ? null : GuardianNotForPerson,
            _ => principal.IsDead ? Deceased : principal.IsIncapacitated ? Incapacitated
                : principal.Standing == Standing.Verified ? null : NotVerified,
        };
    }

    /// <summary>Why a party cannot take a role now.</summary>
    private static Rejection? Unfit(in PartyRow party, GrantRole c)
    {
        if (party.IsDead) return Deceased;
        if (c.Role == RoleKind.Beneficiary) return null;
        if (party.IsIncapacitated) return Incapacitated;
        if (party.Standing == Standing.Blocked) return Blocked;
        if (party.Standing == Standing.Suspended) return Suspended;
        return c.Role == RoleKind.Attorney && party.Standing != Standing.Verified ? NotVerified : null;
    }
}
