using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// People and what they are to accounts, in the bank's words. Anna and Ben hold the account <c>alice</c>; Carl, Dora
/// and the firm act for them. Each signs by an account of their own: <c>anna.id</c>, and so on.
/// </summary>
internal static class PartyWords
{
    public static readonly PartyId Anna = Id(1), Ben = Id(2), Carl = Id(3), Dora = Id(4), Firm = Id(5);

    public static readonly PartyId Nobody = new(0);

    public static readonly Evidence Paper = new(1, 2);

    public static PartyId Id(int number) => new(Words.TimeOrdered(SpecBook.Start, 3_000_000 + (UInt128)number));

    /// <summary>The persons and the firm, verified, each with an account that signs for them.</summary>
    public static LedgerSpec GivenPeople(params Command[] more) => LedgerSpec.Given(
        [
            .. People().SelectMany(p => (Command[])
            [
                Words.Open(p.Actor),
                new RegisterParty(p.Id, p.Kind, Tag.Of("de"), "sealed.v1.p.x", Words.Account(p.Actor)),
                new SetStanding(p.Id, Standing.Verified, "papers seen"),
            ]),
            .. more,
        ]);

    public static AccountId ActorOf(PartyId party) => Words.Account(People().Single(p => p.Id == party).Actor);

    public static SetHolders Hold(string account, params PartyId[] holders) =>
        new(Words.Account(account), HolderMode.Several, false, [.. holders.Select(h => new Holder(h, 0))]);

    public static SetHolders Hold(string account, params (PartyId Party, int Share)[] holders) =>
        new(Words.Account(account), HolderMode.Several, false, [.. holders.Select(h => new Holder(h.Party, h.Share))]);

    public static SetHolders Jointly(this SetHolders holders) => holders with { Mode = HolderMode.Joint };

    public static SetHolders Surviving(this SetHolders holders) => holders with { Survivorship = true };

    public static GrantRole Grant(
        string account, PartyId party, RoleKind role, PartyId of = default, Instant? from = null, Instant? until = null) =>
        new(Words.Account(account), party, role, of, from, until, role == RoleKind.Attorney ? ["transfer.make"] : [], null);

    public static GrantRole Covering(this GrantRole grant, params string[] commands) => grant with { Commands = [.. commands] };

    public static GrantRole UpTo(this GrantRole grant, string limit) => grant with { Limit = Words.Stated(limit) };

    public static RevokeRole Revoke(string account, PartyId party, RoleKind role, PartyId of = default) =>
        new(Words.Account(account), party, role, of, "no longer wanted");

    public static SetStanding Rate(PartyId party, Standing standing) => new(party, standing, "review");

    public static RecordDeath Dies(PartyId party) => new(party, Words.Today, Paper);

    public static RecordIncapacity LosesCapacity(PartyId party) => new(party, Words.Today, Paper);

    /// <summary>Whether parties object when <paramref name="acting"/> signs for an account now.</summary>
    public static string? Objection(this LedgerSpec spec, string account, PartyId acting, bool gives = true) =>
        spec.Book.Bank.Parties.Objects(Words.Account(account), acting.IsNone ? default : ActorOf(acting), gives, spec.Book.Now)?.Code;

    public static string? Objection(this LedgerSpec spec, string account, PartyId[] acting) =>
        spec.Book.Bank.Parties.Objects(Words.Account(account), [.. acting.Select(ActorOf)], gives: true, spec.Book.Now)?.Code;

    public static bool Counts(this LedgerSpec spec, string account, PartyId actor) =>
        spec.Book.Bank.Parties.Counts(Words.Account(account), new(ActorOf(actor), Tag.Of("active")), spec.Book.Now);

    public static string? Scope(this LedgerSpec spec, string account, PartyId acting, string command, string? amount = null) =>
        spec.Book.Bank.Parties.ScopeOf(
            Words.Account(account), ActorOf(acting), command, amount is null ? null : Words.Money(amount), spec.Book.Now)?.Code;

    private static IEnumerable<(PartyId Id, PartyKind Kind, string Actor)> People() =>
    [
        (Anna, PartyKind.Person, "anna.id"), (Ben, PartyKind.Person, "ben.id"), (Carl, PartyKind.Person, "carl.id"),
        (Dora, PartyKind.Person, "dora.id"), (Firm, PartyKind.Firm, "firm.id"),
    ];
}
