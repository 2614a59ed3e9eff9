using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>What the edge answers to signatures that it does not take, and to those who ask too much.</summary>
public static class SigningProblems
{
    private const int BadRequest = 400, Unauthorized = 401, Forbidden = 403, TooManyRequests = 429;

    public static readonly EdgeProblem
        NotCanonical = new("signed.not_canonical", BadRequest,
            "The signed bytes are not the canonical form (RFC 8785) of a JSON value with integers only."),
        SignedMalformed =
            new("signed.malformed", BadRequest, "The signed bytes lack a member, or have one more or of another form."),
        LevelsMalformed = new("signed.levels_malformed", BadRequest,
            $"`as` names 1 to {Proof.MaxDeclared} permissions, account@permission, sorted and one an account."),
        IdMalformed = new("signed.id_malformed", BadRequest, "The id that is signed is a UUIDv7 in lower case."),
        OtherBook = new("signed.other_book", BadRequest, "The signed bytes are for another book."),
        Expired = new("signed.expired", BadRequest, "What was signed has expired."),
        ExpiresTooLate = new("signed.expires_too_late", BadRequest,
            $"What is signed expires within {Proof.MaxLifetimeSeconds} seconds."),
        SignatureMissing = new("signature.missing", BadRequest, "A signed command carries a signature."),
        TooManySignatures =
            new("signature.too_many", BadRequest, $"A command carries at most {Proof.MaxSignatures} signatures."),
        SignatureMalformed = new("signature.malformed", BadRequest,
            "A key or signature is not of the form of its kind, or a number is out of range."),
        PersonalProposed = new("proposal.personal_signed", BadRequest,
            "A proposal that is signed has no personal text: what is signed stays in the journal."),
        HighS = new("signature.high_s", BadRequest, "The second number of a signature lies in the lower half."),
        DuplicateKey = new("signature.duplicate_key", BadRequest, "A key signs once."),
        WrongCurve = new("signature.wrong_curve", BadRequest, "The key's point is not on the curve of its kind."),
        KeyUnknown = new("signature.key_unknown", Unauthorized, "No authority names this key, and no wallet derives from it."),
        NotValid = new("signature.not_valid", Unauthorized, "The signature is not one of this key over these bytes."),
        ClientDataMalformed = new("passkey.client_data_malformed", BadRequest,
            "The client data are a JSON object with type, challenge and origin."),
        AuthenticatorDataMalformed = new("passkey.authenticator_data_malformed", BadRequest,
            "The authenticator data have the length that their flags say, and no attested key."),
        WrongType = new("passkey.wrong_type", Unauthorized, "The client data are not of an assertion, webauthn.get."),
        ChallengeDiffers =
            new("passkey.challenge_differs", Unauthorized, "The challenge is the SHA-256 of the signed bytes."),
        CrossOrigin = new("passkey.cross_origin", Unauthorized, "A passkey does not sign inside another origin's page."),
        OriginUnknown = new("passkey.origin_unknown", Unauthorized, "The page is not one that this bank's passkeys are used on."),
        OtherRelyingParty =
            new("passkey.other_relying_party", Unauthorized, "The passkey belongs to another relying party than its key."),
        UserAbsent = new("passkey.user_absent", Unauthorized, "The authenticator does not say that a person was there."),
        PersonalMissing = new("personal.missing", BadRequest, "The text of a personal field stands beside the signed bytes."),
        PersonalNotHashed = new("personal.not_hashed", BadRequest,
            "A personal field is signed as sha256: and the base64url of its salted hash, never as its text."),
        PersonalMalformed = new("personal.malformed", BadRequest,
            "A personal part is a text and a salt of 16 bytes in base64url, for a field that was signed."),
        PersonalDiffers = new("personal.differs", BadRequest, "The hash that was signed is not of this salt and text."),
        ReadNotOffered =
            new("signed.read_not_offered", Unauthorized, "This address is not read by signature: send a key."),
        ReadElsewhere = new("signed.read_elsewhere", Forbidden, "What was signed asks another address or account."),
        ReadNotAllowed =
            new("signed.read_not_allowed", Forbidden, "This key alone does not satisfy the permission that it names."),
        Busy = new("signature.busy", TooManyRequests, "Too many signatures failed: those who sent them wait."),
        RateLimited = new("request.rate_limited", TooManyRequests, "More requests came than one caller may send.");

    /// <summary>The code of what does not hold.</summary>
    /// <param name="field">Which part of the request; null: as the flaw itself says.</param>
    public static Flaw Of(in SigningFlaw flaw, string? field = null) =>
        new(Of(flaw.Fault), field ?? (flaw.Member is null ? "signed" : $"signed.{flaw.Member}"), flaw.Link);

    public static EdgeProblem Of(SigningFault fault) => fault switch
    {
        SigningFault.NotCanonical => NotCanonical,
        SigningFault.SignedMalformed => SignedMalformed,
        SigningFault.LevelsMalformed => LevelsMalformed,
        SigningFault.IdMalformed => IdMalformed,
        SigningFault.SignatureMalformed => SignatureMalformed,
        SigningFault.HighS => HighS,
        SigningFault.WrongCurve => WrongCurve,
        SigningFault.ClientDataMalformed => ClientDataMalformed,
        SigningFault.WrongType => WrongType,
        SigningFault.ChallengeDiffers => ChallengeDiffers,
        SigningFault.CrossOrigin => CrossOrigin,
        SigningFault.OriginUnknown => OriginUnknown,
        SigningFault.AuthenticatorDataMalformed => AuthenticatorDataMalformed,
        SigningFault.OtherRelyingParty => OtherRelyingParty,
        SigningFault.UserAbsent => UserAbsent,
        _ => NotValid,
    };
}
