using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>Names a person, firm, bank or agent for ever: a UUID, of the caller or made from a position.</summary>
/// <remarks>Source: RFC 9562. Written lower case; read in either case. The default value names nobody.</remarks>
public readonly record struct PartyId(UInt128 Value) : IComparable<PartyId>, IUtf8Text<PartyId>
{
    public static int MaxTextLength => Uuid.TextLength;

    public bool IsNone => Value == UInt128.Zero;

    public static bool TryParse(ReadOnlySpan<byte> utf8, out PartyId value)
    {
        var parsed = Uuid.TryParse(utf8, out var number) && number != UInt128.Zero;
        value = parsed ? new(number) : default;
        return parsed;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out PartyId value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static PartyId Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<PartyId>(text);

    public bool TryFormat(Span<byte> utf8, out int written) => Uuid.TryFormat(Value, utf8, out written);
    public int CompareTo(PartyId other) => Value.CompareTo(other.Value);
    public override string ToString() => Utf8Text.ToText(this);

    public static bool operator <(PartyId left, PartyId right) => left.Value < right.Value;
    public static bool operator >(PartyId left, PartyId right) => left.Value > right.Value;
    public static bool operator <=(PartyId left, PartyId right) => left.Value <= right.Value;
    public static bool operator >=(PartyId left, PartyId right) => left.Value >= right.Value;
}

public enum PartyKind : byte
{
    Person = 1,
    Firm,
    Bank,

    /// <summary>A machine that acts.</summary>
    Agent,
}

/// <summary>How far a party is trusted, laxest first: of several standings the highest number counts.</summary>
public enum Standing : byte
{
    /// <summary>Everything that its roles and permissions allow.</summary>
    Verified = 1,

    /// <summary>Payments as permissions allow; no mandate is given to it or by it, no identifier added.</summary>
    Unverified,

    /// <summary>As unverified, by somebody's decision.</summary>
    Limited,

    /// <summary>Nothing that is asked leaves; what comes in is taken.</summary>
    Suspended,

    /// <summary>Nothing that is asked leaves or comes in.</summary>
    Blocked,
}

/// <summary>The SHA-256 of a document that the bank keeps elsewhere.</summary>
public readonly record struct Evidence(UInt128 High, UInt128 Low);

/// <summary>Makes a party known; it begins unverified.</summary>
/// <param name="Id">Null: made from the position.</param>
/// <param name="Jurisdiction">ISO 3166-1 alpha-2, in lower case.</param>
/// <param name="Name">Sealed personal text; ciphertext, never clear; or null.</param>
/// <param name="Actor">The account whose permissions sign for the party; the default: none yet.</param>
public sealed record RegisterParty(PartyId? Id, PartyKind Kind, Tag Jurisdiction, string? Name, AccountId Actor)
    : Command;

public sealed record SetStanding(PartyId Party, Standing Standing, string Reason) : Command;

/// <summary>Replaces the account whose permissions sign for a party; the default: none from now on.</summary>
public sealed record SetActor(PartyId Party, AccountId Actor) : Command;

/// <param name="On">The date of death; not after the business date.</param>
public sealed record RecordDeath(PartyId Party, BusinessDate On, Evidence Evidence) : Command;

/// <param name="On">First date of incapacity; not after the business date.</param>
public sealed record RecordIncapacity(PartyId Party, BusinessDate On, Evidence Evidence) : Command;

public sealed record LiftIncapacity(PartyId Party, string Reason) : Command;

public abstract record PartyEvent : Event
{
    private PartyEvent() { }

    /// <param name="Name">Sealed personal text, or null.</param>
    public sealed record Registered(PartyId Id, PartyKind Kind, Tag Jurisdiction, string? Name, AccountId Actor)
        : PartyEvent;

    public sealed record StandingSet(PartyId Id, Standing Standing, string Reason) : PartyEvent;

    public sealed record ActorSet(PartyId Id, AccountId Actor) : PartyEvent;

    /// <summary>From <paramref name="Since"/> on the person acts no more, and no mandate that it gave counts.</summary>
    public sealed record Died(PartyId Id, BusinessDate On, Evidence Evidence, Instant Since) : PartyEvent;

    /// <inheritdoc cref="Died"/>
    public sealed record Incapacitated(PartyId Id, BusinessDate On, Evidence Evidence, Instant Since) : PartyEvent;

    /// <summary>The person acts again; mandates that stopped stay stopped.</summary>
    public sealed record IncapacityLifted(PartyId Id, string Reason) : PartyEvent;
}
