using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about people, what they are to accounts, and what accounts are called by.</summary>
public static partial class CommandCatalogue
{
    private static CommandSpec[] OfParties() =>
    [
        new("party.register", "parties", Scopes.Parties, "Make a person, firm, bank or agent known",
            [KindOfParty, Jurisdiction], [Party, PartyName, Actor],
            RegisterParty,
            """{"kind":"person","jurisdiction":"de","name":"Ada Example"}""") { Creates = true },
        new("party.set_standing", "parties/{party}/standing", Scopes.Parties, "Say how far a party is trusted",
            [Party, StandingGiven, Reason], [],
            static (f, _) => new SetStanding(f.Party, f.Standing, f.Why!),
            """{"standing":"verified","reason":"papers seen"}"""),
        new("party.set_actor", "parties/{party}/actor", Scopes.Parties, "Say which account signs for a party",
            [Party], [Actor],
            static (f, _) => new SetActor(f.Party, f.Actor),
            """{"actor":"customers:alice"}"""),
        new("party.record_death", "parties/{party}/death", Scopes.Parties, "Record a death; mandates given stop",
            [Party, On, EvidenceGiven], [],
            static (f, _) => new RecordDeath(f.Party, f.On, f.Evidence),
            """
            {"on":"2026-01-02","evidence":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
            """),
        new("party.record_incapacity", "parties/{party}/incapacity", Scopes.Parties,
            "Record that a person cannot act; mandates given stop",
            [Party, On, EvidenceGiven], [],
            static (f, _) => new RecordIncapacity(f.Party, f.On, f.Evidence),
            """
            {"on":"2026-01-02","evidence":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
            """),
        new("party.lift_incapacity", "parties/{party}/incapacity/lift", Scopes.Parties,
            "Record that a person can act again",
            [Party, Reason], [],
            static (f, _) => new LiftIncapacity(f.Party, f.Why!),
            """{"reason":"order of the court withdrawn"}"""),
        new("holders.set", "accounts/{account}/holders", Scopes.Parties, "Set all holders of an account",
            [Account, Fields.Holders], [Mode, Survivorship],
            static (f, _) => new SetHolders(f.Account, f.Mode, f.Survivorship, f.Holders),
            """
            {"holders":[{"party":"019b8e2c-7a00-7000-8000-0000000000a1","share_ppm":600000},
                        {"party":"019b8e2c-7a00-7000-8000-0000000000b2","share_ppm":400000}],
             "mode":"joint","survivorship":true}
            """),
        new("role.grant", "accounts/{account}/roles", Scopes.Parties, "Give a party a role on an account",
            [Account, Party, Role], [For, From, Until, Commands, MandateLimit],
            static (f, _) => new GrantRole(
                f.Account, f.Party, f.Role, f.For, f.Has(From) ? f.From : null, f.Has(Until) ? f.Until : null,
                f.Commands, f.Has(MandateLimit) ? f.Limit : null),
            """
            {"party":"019b8e2c-7a00-7000-8000-0000000000c3","role":"attorney",
             "for":"019b8e2c-7a00-7000-8000-0000000000a1","commands":["transfer.make"],
             "limit":{"asset":"EUR","amount":"500.00"}}
            """) { Creates = true },
        new("role.revoke", "accounts/{account}/roles/revoke", Scopes.Parties, "Take a role back",
            [Account, Party, Role, Reason], [For],
            static (f, _) => new RevokeRole(f.Account, f.Party, f.Role, f.For, f.Why!),
            """
            {"party":"019b8e2c-7a00-7000-8000-0000000000c3","role":"attorney",
             "for":"019b8e2c-7a00-7000-8000-0000000000a1","reason":"by the holder"}
            """),
        new("identifier.add", "accounts/{account}/identifiers", Scopes.Parties,
            "Give an account an IBAN of the bank's range, an alias, a card token or a chain address",
            [Account, KindOfIdentifier, IdentifierText], [Reference, From, Until],
            AddIdentifier,
            """{"kind":"alias","text":"ada@example"}""") { Creates = true },
        new("identifier.issue_iban", "accounts/{account}/identifiers/iban", Scopes.Parties,
            "Make a new IBAN from the bank's range; shown here once, sealed in the book",
            [Account], [KindOfIban, Reference],
            IssueIban,
            """{"kind":"iban"}""") { Creates = true, InBatch = false },
        new("identifier.end", "identifiers/end", Scopes.Parties, "End an identifier; nobody gets it again",
            [KindOfIdentifier, IdentifierText, Reason], [],
            EndIdentifier,
            """{"kind":"alias","text":"ada@example","reason":"changed"}"""),
    ];

    private const string PartySubject = "p:";

    /// <summary>Whose key a party's name is sealed with; destroying it erases the name.</summary>
    public static AccountId SubjectOf(PartyId party) => AccountId.Parse(PartySubject + party);

    private static Built RegisterParty(CommandFields f, Sealing sealing)
    {
        // A name is sealed for its party, so the party has to have an id before the book gives one.
        PartyId? id = f.Has(Party) ? f.Party : null;
        if (f.PartyName is not null) id ??= SealedFor(sealing, f.PartyName);
        var name = f.PartyName is null ? null : sealing.Seal(f, PartyName, SubjectOf(id!.Value), f.PartyName);
        return new RegisterParty(id, f.PartyKind, f.Jurisdiction, name, f.Actor);
    }

    /// <summary>A party that was proposed is the one that its name was sealed for then.</summary>
    private static PartyId SealedFor(Sealing sealing, string name) =>
        sealing.SubjectBefore(name) is { } subject && PartyId.TryParse(subject.AsSpan(PartySubject.Length), out var before)
            ? before : PartyId.Parse(Guid.CreateVersion7().ToString("D"));

    private static Built AddIdentifier(CommandFields f, Sealing sealing)
    {
        if (IdentifierTexts.Read(f.IdentifierKind, f.Text!, out var plain) is { } why) return Malformed(why);
        var (text, token) =
            sealing.Seal(f, IdentifierText, f.Account, IdentifierTexts.LabelOf(f.IdentifierKind), plain);
        var command = new AddIdentifier(
            f.Account, f.IdentifierKind, text, token, f.Reference, f.Has(From) ? f.From : null,
            f.Has(Until) ? f.Until : null);
        return f.IdentifierKind is IdentifierKind.Iban or IdentifierKind.VirtualIban
            ? new Built(command, Ask: (book, id) => IdentifierRange.CheckAsync(book, id, command, plain))
            : command;
    }

    private static Built IssueIban(CommandFields f, Sealing sealing)
    {
        var command = new AddIdentifier(f.Account, f.IdentifierKind, "", 0, f.Reference, null, null);
        return new(command, Ask: (book, id) => IdentifierRange.IssueAsync(book, id, command));
    }

    private static Built EndIdentifier(CommandFields f, Sealing sealing)
    {
        if (IdentifierTexts.Read(f.IdentifierKind, f.Text!, out var plain) is { } why) return Malformed(why);
        var token = sealing.TokenOf(IdentifierTexts.LabelOf(f.IdentifierKind), plain);
        f.SetPrint(IdentifierText, token);
        return new EndIdentifier(token, f.Why!);
    }

    private static Flaw Malformed(string why) =>
        new(EdgeProblems.IdentifierMalformed, IdentifierText.Name, Detail: why);
}
