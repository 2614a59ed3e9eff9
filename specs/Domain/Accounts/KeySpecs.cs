using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Every spec begins with the key <c>head</c>, caller 0, of all scopes.</summary>
public sealed class KeySpecs
{
    private static readonly IssueKey Teller = new(Tag.Of("teller"), 3, 4, Scopes.Transfers, null);
    private static readonly IssueKey Deputy = new(Tag.Of("deputy"), 5, 6, Scopes.Keys | Scopes.Read, null);
    private static readonly RevokeKey RevokeHead = new(Tag.Of("head"), "lost");

    [Fact]
    public void A_key_is_issued_with_its_scopes() =>
        Given().When(Teller).Then(new KeyEvent.Issued(Tag.Of("teller"), 3, 4, Scopes.Transfers, null)).When(Fund("alice", "1"), caller: 1).ThenAccepted();

    [Fact]
    public void An_id_of_a_key_is_given_once_even_after_it_was_revoked() =>
        Given(Teller, new RevokeKey(Tag.Of("teller"), "lost")).When(Teller).ThenRefused(Keys.AlreadyExists);

    [Fact]
    public void The_engines_name_is_no_keys() => Given().When(Teller with { Id = Tag.Of("engine") }).ThenRefused(Keys.ReservedId);

    [Fact]
    public void A_key_has_a_name() => Given().When(Teller with { Id = default }).ThenRefused(Keys.ReservedId);

    [Fact]
    public void A_key_has_a_scope_the_book_knows()
    {
        Given().When(Teller with { Scopes = Scopes.None }).ThenRefused(Keys.ScopesMissing);
        Given().When(Teller with { Scopes = (Scopes)(1u << 31) }).ThenRefused(Keys.ScopesMissing);
    }

    [Fact]
    public void A_key_gives_no_more_than_it_has()
    {
        Given(Deputy).When(Teller with { Scopes = Scopes.Read }, caller: 1).ThenAccepted();
        Given(Deputy).When(Teller, caller: 1).ThenRefused(Keys.ScopesExceed);
        Given(Teller).When(Deputy, caller: 1).ThenRefused(Keys.ScopeMissing);
    }

    [Fact]
    public void A_key_works_until_its_exact_instant()
    {
        var spec = Given(Teller with { Expires = Later(10) });
        spec.ThenThat(book => book.MoveTo(Later(10).AddMicroseconds(-1))).When(Fund("alice", "1"), caller: 1).ThenAccepted();
        spec.ThenThat(book => book.MoveTo(Later(10))).When(Fund("alice", "1"), caller: 1).ThenRefused(Keys.NotUsable);
        Given().When(Teller with { Expires = SpecBook.Start }).ThenRefused(Keys.ExpiryPast);
        Given().When(Teller with { Expires = SpecBook.Start.AddMicroseconds(1) }).ThenAccepted();
    }

    [Fact]
    public void A_revoked_key_works_no_more_and_revoking_again_changes_nothing()
    {
        var revoke = new RevokeKey(Tag.Of("teller"), "lost");
        Given(Teller).When(revoke).Then(new KeyEvent.Revoked(Tag.Of("teller"), "lost"));
        Given(Teller, revoke).When(revoke).ThenNothing();
        Given(Teller, revoke).When(Fund("alice", "1"), caller: 1).ThenRefused(Keys.NotUsable);
        Given().When(revoke).ThenRefused(Keys.NotFound);
    }

    [Fact]
    public void The_last_key_that_can_issue_keys_stays()
    {
        Given().When(RevokeHead).ThenRefused(Keys.LastWayIn);
        Given(Teller).When(RevokeHead).ThenRefused(Keys.LastWayIn);
        Given(Deputy).When(RevokeHead).ThenAccepted();
        Given(Deputy with { Expires = Later(10) }).After(10).When(RevokeHead).ThenRefused(Keys.LastWayIn);
        Given(Deputy, RevokeHead).When(new RevokeKey(Tag.Of("deputy"), "lost"), caller: 1).ThenRefused(Keys.LastWayIn);
    }
}
