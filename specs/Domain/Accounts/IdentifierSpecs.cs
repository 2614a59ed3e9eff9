using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.PartyWords;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

public sealed class IdentifierSpecs
{
    private static readonly AddIdentifier Iban = Add("alice", 77);

    [Fact]
    public void An_identifier_leads_to_its_account()
    {
        var spec = GivenPeople().When(Iban).Then(new IdentifierEvent.Added(
            Account("alice"), IdentifierKind.Iban, "sealed.v1.alice.x", 77, null, SpecBook.Start, null));
        Resolved(spec, 77).Should().Be("alice");
        Resolved(spec, 78).Should().BeNull();
        spec.When(Iban).ThenNothing();
    }

    [Fact]
    public void An_identifier_is_one_accounts_for_ever()
    {
        GivenPeople(Iban).When(Add("bob", 77)).ThenRefused(Identifiers.Taken);
        GivenPeople(Iban).When(Iban with { Kind = IdentifierKind.Alias }).ThenRefused(Identifiers.Taken);
        GivenPeople(Iban, End(77)).When(Add("bob", 77)).ThenRefused(Identifiers.Taken);
        GivenPeople(Iban, End(77)).When(Iban).ThenRefused(Identifiers.Taken);
        GivenPeople(Iban with { Until = Later(60) }).After(60).When(Iban).ThenRefused(Identifiers.Taken);
    }

    [Fact]
    public void An_identifier_that_has_ended_leads_nowhere()
    {
        var spec = GivenPeople(Iban).When(End(77)).Then(
            new IdentifierEvent.Ended(Account("alice"), 77, SpecBook.Start, "moved"));
        Resolved(spec, 77).Should().BeNull();
        spec.When(End(77)).ThenNothing();
        GivenPeople().When(End(77)).ThenRefused(Identifiers.NotFound);
    }

    [Fact]
    public void An_identifier_leads_there_from_its_first_instant_until_its_last()
    {
        var spec = GivenPeople(Iban with { From = Later(10), Until = Later(20) });
        Resolved(spec, 77).Should().BeNull();
        Resolved(spec.ThenThat(book => book.MoveTo(Later(10))), 77).Should().Be("alice");
        Resolved(spec.ThenThat(book => book.MoveTo(Later(20).AddMicroseconds(-1))), 77).Should().Be("alice");
        Resolved(spec.ThenThat(book => book.MoveTo(Later(20))), 77).Should().BeNull();
        GivenPeople().When(Iban with { Until = SpecBook.Start }).ThenRefused(Identifiers.EndBeforeStart);
        GivenPeople().When(Iban with { From = Later(5), Until = Later(5) }).ThenRefused(Identifiers.EndBeforeStart);
    }

    [Fact]
    public void An_identifier_is_of_a_known_kind_on_a_known_account()
    {
        GivenPeople().When(Add("nobody", 77)).ThenRefused(LedgerRejections.AccountNotFound);
        GivenPeople().When(Iban with { Kind = 0 }).ThenRefused(Identifiers.KindUnknown);
        GivenPeople().When(Iban with { Kind = IdentifierKind.ChainAddress + 1 }).ThenRefused(Identifiers.KindUnknown);
        GivenPeople().When(Iban with { Reference = "rent" }).ThenRefused(Identifiers.ReferenceUnneeded);
    }

    [Fact]
    public void A_virtual_iban_has_a_reference_and_leads_to_a_sub_account()
    {
        var rent = Add("rent.alice", 77) with { Kind = IdentifierKind.VirtualIban, Reference = "rent" };
        GivenPeople(Open("rent.alice")).When(rent).ThenAccepted();
        GivenPeople().When(rent with { Account = Account("alice") }).ThenRefused(Identifiers.SubAccountMissing);
        GivenPeople(Open("rent.nobody")).When(rent with { Account = Account("rent.nobody") }).ThenRefused(Identifiers.SubAccountMissing);
        GivenPeople(Open("flat.rent.alice")).When(rent with { Account = Account("flat.rent.alice") }).ThenAccepted();
    }

    [Theory]
    [InlineData(Standing.Verified, true), InlineData(Standing.Unverified, false), InlineData(Standing.Limited, false)]
    [InlineData(Standing.Suspended, false), InlineData(Standing.Blocked, false)]
    public void Only_accounts_of_verified_holders_get_identifiers(Standing standing, bool taken)
    {
        var spec = GivenPeople(Hold("alice", Anna, Ben), Rate(Ben, standing)).When(Iban);
        if (taken) spec.ThenAccepted();
        else spec.ThenRefused(Parties.NotVerified);
        GivenPeople(Iban, Hold("alice", Ben), Rate(Ben, standing)).When(End(77)).ThenAccepted();
    }

    private static AddIdentifier Add(string account, UInt128 token) =>
        new(Account(account), IdentifierKind.Iban, $"sealed.v1.{account}.x", token, null, null, null);

    private static EndIdentifier End(UInt128 token) => new(token, "moved");

    private static string? Resolved(LedgerSpec spec, UInt128 token) =>
        spec.Book.Bank.Identifiers.TryResolve(token, spec.Book.Now, out var row) ? row.Account.ToString() : null;
}
