using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>What others call an account by.</summary>
public enum IdentifierKind
{
    /// <summary>Of the bank's own range.</summary>
    Iban = 1,

    /// <summary>An IBAN that collects for one purpose; it leads to a sub-account. Shares the names of IBANs.</summary>
    VirtualIban,

    /// <summary>A name of the holder's choice.</summary>
    Alias,

    /// <summary>What stands for a card; never the card's number.</summary>
    CardToken,

    /// <summary>An address on a chain, with the chain's name before it.</summary>
    ChainAddress,
}

/// <summary>Gives an account an identifier; it is this account's for ever, and nobody's after its end.</summary>
/// <param name="Text">Sealed personal text; ciphertext, never clear.</param>
/// <param name="Token">Keyed token of the clear text: the same text has the same token.</param>
/// <param name="Reference">Of a virtual IBAN: what it collects for; open text, or null.</param>
/// <param name="From">Null: from now on.</param>
/// <param name="Until">First instant at which it leads nowhere; null: until ended.</param>
public sealed record AddIdentifier(
    AccountId Account, IdentifierKind Kind, string Text, UInt128 Token, string? Reference, Instant? From,
    Instant? Until) : Command;

public sealed record EndIdentifier(UInt128 Token, string Reason) : Command;

public abstract record IdentifierEvent : Event
{
    private IdentifierEvent() { }

    public sealed record Added(
        AccountId Account, IdentifierKind Kind, string Text, UInt128 Token, string? Reference, Instant From,
        Instant? Until) : IdentifierEvent;

    /// <param name="Until">First instant at which it leads nowhere.</param>
    public sealed record Ended(AccountId Account, UInt128 Token, Instant Until, string Reason) : IdentifierEvent;
}

/// <summary>Keeps that somebody looked; the engine's own, sent before what was looked at leaves.</summary>
/// <param name="Key">Who looked.</param>
/// <param name="Read">Wire name of what was asked.</param>
/// <param name="Party">Of whom; the default: nobody in particular.</param>
/// <param name="Account">At which account; the default: none.</param>
/// <param name="Reason">As the caller stated it; open text, or null.</param>
public sealed record RecordAccess(Tag Key, string Read, PartyId Party, AccountId Account, string? Reason) : Command;

public abstract record AccessEvent : Event
{
    private AccessEvent() { }

    /// <inheritdoc cref="RecordAccess"/>
    public sealed record Recorded(Tag Key, string Read, PartyId Party, AccountId Account, string? Reason) : AccessEvent;
}
