using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>112 bytes; one per party, never deleted. A name is read from the journal, which has it sealed.</summary>
/// <param name="Named">Position of the event that has the sealed name.</param>
/// <param name="DiedSince">Since when the person acts no more; the first instant: alive, as far as is known.</param>
/// <param name="IncapacitatedSince">The first instant: able to act.</param>
/// <param name="Roles">Rows of its roles, ended ones too.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PartyRow(
    PartyId Id, Tag Jurisdiction, AccountId Actor, long Named, Instant DiedSince, Instant IncapacitatedSince,
    BusinessDate DiedOn, BusinessDate IncapacitatedOn, PartyKind Kind, Standing Standing, ushort Filler, int Roles)
    : IRow<PartyRow, PartyId>
{
    public PartyId Key => Id;

    public bool IsDead => DiedSince != Instant.First;

    public bool IsIncapacitated => IncapacitatedSince != Instant.First;

    /// <summary>Whether it can decide for itself.</summary>
    public bool IsAble => !IsDead && !IsIncapacitated;
}

/// <summary>
/// Persons, firms, banks and agents, what they are to accounts, and what follows from that for whoever acts. An account
/// without roles is a wallet: nothing here concerns it.
/// </summary>
public sealed partial class Parties
{
    public const int MaxParties = 100_000_000;

    public static readonly Rejection
        NotFound = new("party.not_found", "No such party.", RejectionKind.NotFound),
        AlreadyExists = new("party.already_exists", "This id names another party.", RejectionKind.Conflict),
        TooMany = new("party.too_many", $"A book has at most {MaxParties:N0} parties."),
        KindUnknown = new("party.kind_unknown", "A party is a person, a firm, a bank or an agent."),
        JurisdictionMalformed = new(
            "party.jurisdiction_malformed", "A jurisdiction is two letters, as ISO 3166-1 has them."),
        ActorTaken = new(
            "party.actor_taken", "The account signs for another party already.", RejectionKind.Conflict),
        StandingUnknown = new("party.standing_unknown", "There is no such standing."),
        NotPerson = new("party.not_person", "Only a person dies or loses capacity."),
        DateAhead = new("party.date_ahead", "The date is after the business date."),
        DeathRecorded = new(
            "party.death_recorded", "The death is recorded with another date.", RejectionKind.Conflict),
        IncapacityRecorded = new(
            "party.incapacity_recorded", "Incapacity is recorded from another date.", RejectionKind.Conflict),
        Deceased = new("party.deceased", "The person has died."),
        Incapacitated = new("party.incapacitated", "The person cannot act; a guardian acts for them."),
        NotVerified = new("party.not_verified", "Mandates and identifiers are for verified parties."),
        Suspended = new("party.suspended", "A party is suspended: nothing that is asked leaves."),
        Blocked = new("party.blocked", "A party is blocked: nothing that is asked leaves or comes in.");

    public Parties(Tables tables)
    {
        Rows = new(tables, "accounts.parties");
        ByActor = Rows.Hashed(static (in PartyRow r, out AccountId k) => { k = r.Actor; return !k.IsNone; },
            unique: true);
        Barred = Rows.Ordered(
            static (in PartyRow r, out PartyId k) => { k = r.Id; return r.Standing == Standing.Blocked; },
            unique: true);
        Roles = new(tables, "accounts.roles");
        RolesOfAccount = Roles.Hashed(static (in RoleRow r, out AccountId k) => { k = r.Key.Account; return true; },
            unique: false);
        RolesOfParty = Roles.Hashed(static (in RoleRow r, out PartyId k) => { k = r.Key.Party; return true; },
            unique: false);
        RolesBetween = Roles.Hashed(
            static (in RoleRow r, out Between k) => { k = new(r.Key.Party, r.Key.Account); return true; },
            unique: false);
        Holders = Roles.Hashed(
            static (in RoleRow r, out AccountId k) =>
            {
                k = r.Key.Account;
                return r.Key.Role == RoleKind.Holder && r.IsCurrent != 0;
            },
            unique: false);
        MandatesBy = Roles.Hashed(
            static (in RoleRow r, out PartyId k) =>
            {
                k = r.Key.For;
                return r.Key.Role == RoleKind.Attorney;
            },
            unique: false);
        Mandates = new(tables, "accounts.mandates");
        Accounts = new(tables, "accounts.with_roles");
    }

    public Table<PartyId, PartyRow> Rows { get; }

    /// <summary>The party that an account's permissions sign for.</summary>
    public HashIndex<PartyRow, AccountId> ByActor { get; }

    /// <summary>Those who are blocked.</summary>
    public OrderedIndex<PartyRow, PartyId> Barred { get; }

    public Decision Decide(LedgerView ledger, in Moment at, RegisterParty c)
    {
        var id = c.Id ?? new PartyId(TransferId.FromPosition(ledger.Book.Hash, at.Position).Value);
        if (Rows.Find(id) >= 0) return AlreadyExists;
        if (!Enum.IsDefined(c.Kind)) return KindUnknown;
        if (!IsJurisdiction(c.Jurisdiction)) return JurisdictionMalformed;
        if (Refused(ledger, c.Actor, by: id) is { } no) return no;
        return Rows.Count >= MaxParties
            ? TooMany
            : new PartyEvent.Registered(id, c.Kind, c.Jurisdiction, c.Name, c.Actor);
    }

    public Decision Decide(SetStanding c)
    {
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        if (!Enum.IsDefined(c.Standing)) return StandingUnknown;
        return party.Standing == c.Standing ? [] : new PartyEvent.StandingSet(c.Party, c.Standing, c.Reason);
    }

    public Decision Decide(LedgerView ledger, SetActor c)
    {
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        if (party.Actor == c.Actor) return [];
        return Refused(ledger, c.Actor, by: c.Party) is { } no ? no : new PartyEvent.ActorSet(c.Party, c.Actor);
    }

    public Decision Decide(in Moment at, RecordDeath c)
    {
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        if (party.IsDead) return party.DiedOn == c.On ? [] : DeathRecorded;
        if (party.Kind != PartyKind.Person) return NotPerson;
        return c.On > at.Today ? DateAhead : new PartyEvent.Died(c.Party, c.On, c.Evidence, at.Now);
    }

    public Decision Decide(in Moment at, RecordIncapacity c)
    {
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        if (party.IsDead) return Deceased;
        if (party.IsIncapacitated) return party.IncapacitatedOn == c.On ? [] : IncapacityRecorded;
        if (party.Kind != PartyKind.Person) return NotPerson;
        return c.On > at.Today ? DateAhead : new PartyEvent.Incapacitated(c.Party, c.On, c.Evidence, at.Now);
    }

    public Decision Decide(LiftIncapacity c)
    {
        if (!Rows.TryGet(c.Party, out var party)) return NotFound;
        if (party.IsDead) return Deceased;
        return party.IsIncapacitated ? new PartyEvent.IncapacityLifted(c.Party, c.Reason) : [];
    }

    public void Evolve(long position, PartyEvent @event)
    {
        switch (@event)
        {
            case PartyEvent.Registered e:
                Rows.Insert(new(e.Id, e.Jurisdiction, e.Actor, position, default, default, default, default, e.Kind,
                    Standing.Unverified, 0, 0));
                break;
            case PartyEvent.StandingSet e:
                Change(e.Id, party => party with { Standing = e.Standing });
                break;
            case PartyEvent.ActorSet e:
                Change(e.Id, party => party with { Actor = e.Actor });
                break;
            case PartyEvent.Died e:
                Change(e.Id, party => party with { DiedSince = e.Since, DiedOn = e.On });
                EndMandatesBy(e.Id, e.Since);
                break;
            case PartyEvent.Incapacitated e:
                Change(e.Id, party => party with { IncapacitatedSince = e.Since, IncapacitatedOn = e.On });
                EndMandatesBy(e.Id, e.Since);
                break;
            case PartyEvent.IncapacityLifted e:
                Change(e.Id, party => party with { IncapacitatedSince = default, IncapacitatedOn = default });
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>The party that an account's permissions sign for.</summary>
    /// <returns>False where it signs for none.</returns>
    public bool TryActor(AccountId account, out PartyRow party)
    {
        var row = account.IsNone || Rows.Count == 0 ? -1 : ByActor.Find(account);
        party = row < 0 ? default : Rows[row];
        return row >= 0;
    }

    private void Change(PartyId id, Func<PartyRow, PartyRow> change)
    {
        var row = Rows.Find(id);
        Rows.Update(row, change(Rows[row]));
    }

    private Rejection? Refused(LedgerView ledger, AccountId actor, PartyId by)
    {
        if (actor.IsNone) return null;
        if (ledger.Tables.Accounts.Find(actor) < 0) return LedgerRejections.AccountNotFound;
        return TryActor(actor, out var other) && other.Id != by ? ActorTaken : null;
    }

    private static bool IsJurisdiction(Tag tag)
    {
        Span<byte> text = stackalloc byte[Tag.MaxLength];
        return tag.CopyTo(text) == 2 && text[0] is >= (byte)'a' and <= (byte)'z'
            && text[1] is >= (byte)'a' and <= (byte)'z';
    }
}
