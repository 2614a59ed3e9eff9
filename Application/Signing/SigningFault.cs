namespace BankingEngine.Application.Signing;

/// <summary>Why something that was signed does not hold. The edge gives each its code.</summary>
public enum SigningFault
{
    None,

    /// <summary>The bytes are not the one canonical form (RFC 8785) of what they say.</summary>
    NotCanonical,

    /// <summary>Canonical, but a member is missing, unknown or of another form.</summary>
    SignedMalformed,

    /// <summary>The permissions are unsorted, repeated, two of one account, none or too many.</summary>
    LevelsMalformed,

    /// <summary>The id is not a UUIDv7 in lower case.</summary>
    IdMalformed,

    /// <summary>Not of the form that the key's kind has, or a number out of range.</summary>
    SignatureMalformed,

    /// <summary>The second number is above half the order: another signature says the same.</summary>
    HighS,

    /// <summary>The key's point does not lie on the curve of its kind.</summary>
    WrongCurve,

    /// <summary>The signature is not one of this key over these bytes.</summary>
    NotValid,

    /// <summary>A passkey's client data are no JSON object with type, challenge and origin.</summary>
    ClientDataMalformed,

    /// <summary>The client data are not of an assertion: <c>webauthn.get</c>.</summary>
    WrongType,

    /// <summary>The challenge is not the hash of what was signed.</summary>
    ChallengeDiffers,

    /// <summary>The passkey was used inside a page of another origin.</summary>
    CrossOrigin,

    /// <summary>The page is not one of the bank's.</summary>
    OriginUnknown,

    /// <summary>The authenticator data have another length than their flags say.</summary>
    AuthenticatorDataMalformed,

    /// <summary>The authenticator spoke to another relying party than the key is bound to.</summary>
    OtherRelyingParty,

    /// <summary>The authenticator does not say that a person was there.</summary>
    UserAbsent,
}

/// <summary>What is wrong, and with which member of what was signed.</summary>
/// <param name="Member">Null where it is the whole.</param>
/// <param name="Link">The link of a chain, from 1; 0 where there is none.</param>
public readonly record struct SigningFlaw(SigningFault Fault, string? Member = null, int Link = 0)
{
    public bool IsNone => Fault == SigningFault.None;
}
