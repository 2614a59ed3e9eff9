using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.AuthorityRejections;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Who may act for whom: by an API key, by signatures, for the bank.</summary>
public sealed class AuthorisationSpecs
{
    private static readonly CreatePermissions AliceOwns = Own("alice", "1: o*1", "1: a*1");
    private static readonly CreatePermissions AliceShares = Own("alice", "1: o*1", "1: a*1", channel: true);

    /// <summary>Caller 1: a key of all scopes that stands for a partner, not for the bank.</summary>
    private static readonly Command[] Partner =
    [
        new IssueKey(Tag.Of("partner"), 3, 4, Scopes.All, null), Open("acme"), Own("acme", "1: x*1"),
    ];

    [Fact]
    public void The_banks_channel_acts_for_an_account_that_has_no_permissions_of_its_own() =>
        Given(Fund("alice", "5")).When(Pay("alice", "bob", "1")).ThenAccepted();

    [Fact]
    public void And_no_longer_for_one_that_has_unless_it_lets_the_channel()
    {
        Given(Fund("alice", "5"), AliceOwns).When(Pay("alice", "bob", "1")).ThenRefused(AuthorityRejections.NotFound);
        Given(Fund("alice", "5"), AliceShares).When(Pay("alice", "bob", "1")).ThenAccepted();
        Given(Fund("alice", "5"), AliceOwns).When(Pay("cash", "alice", "1")).ThenAccepted();
    }

    [Fact]
    public void A_channel_that_an_account_lets_pay_may_do_nothing_else_for_it()
    {
        Given(AliceShares).When(Set("alice", "till", "active", "1: t*1")).ThenRefused(Irrelevant);
        Given(AliceShares).WhenSigned(Link("alice", "entry.post", "active"), "alice@active", "a").ThenAccepted()
            .When(Entry(Debit("alice", "1"), Credit("bob", "1"))).ThenRefused(Irrelevant);
    }

    [Fact]
    public void Signatures_act_without_an_api_key_and_the_record_says_so()
    {
        var spec = Given(Fund("alice", "5"), AliceOwns).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenAccepted();
        System.Text.Encoding.UTF8.GetString(spec.Book.Lines[^1]).Should()
            .Contain("\"by\":\"signed\"").And.Contain("\"auth\":{\"signed\":\"e30\"}");
    }

    [Fact]
    public void Signatures_do_nothing_for_an_account_that_is_the_banks_to_act_for() =>
        Given(Fund("alice", "5")).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenRefused(NotSatisfied);

    [Fact]
    public void What_is_signed_needlessly_is_refused()
    {
        var spec = Given(Fund("alice", "5"), AliceOwns, Own("bob", "1: b*1"));
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "ab").ThenRefused(UnusedSignature);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active bob@active", "ab").ThenRefused(UnusedPermission);
        spec.WhenSigned(Pay("alice", "bob", "1"), "bob@active", "b").ThenRefused(Missing);
        spec.WhenSigned(Pay("alice", "bob", "1"), "", "").ThenRefused(Missing);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "").ThenRefused(NotSatisfied);
    }

    [Fact]
    public void Everyone_who_gives_has_to_allow_it()
    {
        var entry = Entry(Debit("alice", "1"), Debit("bob", "1"), Credit("cash", "2"));
        var spec = Given(Fund("alice", "5"), Fund("bob", "5"), AliceOwns, Own("bob", "1: b*1"));
        spec.WhenSigned(entry, "alice@active", "a").ThenRefused(Missing);
        spec.WhenSigned(entry, "alice@active bob@active", "ab").ThenAccepted();
        spec.WhenSigned(Linked(Pay("alice", "cash", "1"), Pay("bob", "cash", "1")), "alice@active", "a").ThenRefused(Missing, link: 2);
        spec.WhenSigned(Linked(Pay("alice", "cash", "1"), Pay("bob", "cash", "1")), "alice@active bob@active", "ab").ThenAccepted();
    }

    [Fact]
    public void An_asset_account_with_permissions_of_its_own_gives_when_it_is_credited()
    {
        var spec = Given(Fund("alice", "5"), Open("vault", AccountClass.Asset, Unlimited), Own("vault", "1: v*1"));
        spec.When(Pay("alice", "vault", "1")).ThenRefused(AuthorityRejections.NotFound);
        Given(Fund("alice", "5"), Open("vault", AccountClass.Asset, Unlimited)).When(Pay("alice", "vault", "1")).ThenAccepted();
    }

    [Fact]
    public void A_signer_does_not_choose_dates()
    {
        var dated = Particulars.None with { ValueOn = Today.AddDays(-5) };
        Given(Fund("alice", "5"), AliceOwns).WhenSigned(Pay("alice", "bob", "1", dated), "alice@active", "a").ThenRefused(Missing);
        Given(Fund("alice", "5")).When(Pay("alice", "bob", "1", dated)).ThenAccepted();
    }

    [Fact]
    public void A_signer_does_none_of_the_banks_own_business()
    {
        var spec = Given(AliceOwns);
        spec.WhenSigned(new GrantOverdraft(Account("alice"), Stated("5")), "alice@owner", "o").ThenRefused(Missing);
        spec.WhenSigned(new RegisterAsset(AssetCode.Parse("GOLD"), 3, "Gold"), "alice@owner", "o").ThenRefused(Missing);
        spec.WhenSigned(Open("carol"), "alice@owner", "o").ThenRefused(Missing);
        spec.WhenSigned(new IssueKey(Tag.Of("mine"), 7, 8, Scopes.All, null), "alice@owner", "o").ThenRefused(Missing);
    }

    [Fact]
    public void A_signed_command_holds_until_the_exact_instant_it_expires()
    {
        var spec = Given(Fund("alice", "5"), AliceOwns);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a", seconds: 0).ThenNotTaken(Expired);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a", seconds: 1).ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a", seconds: 3_600).ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a", seconds: 3_601).ThenNotTaken(ExpiresLate);
    }

    [Fact]
    public void A_repeat_of_a_signed_command_gets_the_first_answer_even_after_it_expired()
    {
        var book = Given(Fund("alice", "5"), AliceOwns).Book;
        var (id, proof) = (book.NextId(), book.Signed("alice@active", "a", 10));
        var first = book.Send(Pay("alice", "bob", "1"), id, Envelope.Signer, 7, proof);
        book.MoveTo(book.Now.AddSeconds(60));
        book.Send(Pay("alice", "bob", "1"), id, Envelope.Signer, 7, proof).Should().Be(first with { Ending = Ending.Repeated });
        book.Send(Pay("alice", "bob", "2"), id, Envelope.Signer, 8, proof).Rejection.Should().Be(CommandMemory.Reused);
    }

    [Fact]
    public void The_payee_or_the_bank_resolves_a_reservation_and_the_payer_cannot_take_it_back()
    {
        var held = Name(1);
        var spec = Given(Fund("alice", "9"), AliceOwns, Own("bob", "1: b*1")).WhenSigned(
            Reserve(held, "alice", "bob", "5"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(new CancelTransfer(held), "alice@active", "a").ThenRefused(Missing);
        spec.WhenSigned(PostPart(held, "1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(PostPart(held, "1"), "bob@active", "b").ThenAccepted();
        spec.When(PostPart(held, "1")).ThenAccepted();
        spec.WhenSigned(new CancelTransfer(held), "bob@active", "b").ThenAccepted();
    }

    [Fact]
    public void A_key_that_stands_for_a_partner_acts_for_that_partner_and_for_who_trusts_it()
    {
        var bind = new BindKey(Tag.Of("partner"), At("acme@active"), Tag.Of("channel"));
        var spec = Given([.. Partner, Fund("acme", "5"), Fund("alice", "5")]);
        spec.When(bind).ThenRefused(AuthorityRejections.NotFound);
        spec.WhenSigned(bind, "acme@active", "x").ThenRefused(Missing);
        spec.WhenCarried(bind, "acme@active", "x").ThenAccepted();
        spec.When(Pay("acme", "bob", "1"), caller: 1).ThenAccepted();
        spec.When(Pay("alice", "bob", "1"), caller: 1).ThenRefused(Missing);
        spec.When(Open("carol"), caller: 1).ThenAccepted();
        spec.When(Pay("acme", "bob", "1")).ThenRefused(AuthorityRejections.NotFound);
    }

    [Fact]
    public void A_key_that_carries_what_a_customer_signed_speaks_for_the_bank_only()
    {
        var dated = Particulars.None with { ValueOn = Today.AddDays(1) };
        var spec = Given(new IssueKey(Tag.Of("lobby"), 3, 4, Scopes.Read, null), Fund("alice", "5"), Fund("bob", "5"), AliceOwns);
        spec.WhenCarried(Pay("alice", "bob", "1", dated), "alice@active", "a").ThenAccepted();
        spec.WhenCarried(Pay("alice", "bob", "1"), "alice@active", "a", caller: 1).ThenAccepted();
        spec.WhenCarried(Pay("alice", "bob", "1", dated), "alice@active", "a", caller: 1).ThenRefused(Missing);
        spec.WhenCarried(Linked(Pay("alice", "bob", "1"), Pay("bob", "alice", "1")), "alice@active", "a").ThenRefused(Missing, link: 2);
    }

    [Fact]
    public void A_key_bound_to_a_permission_of_the_bank_exercises_it_where_accounts_name_it()
    {
        var mobile = new IssueKey(Tag.Of("mobile"), 3, 4, Scopes.Transfers, null);
        var spec = Given(mobile, Fund("alice", "5"), AliceOwns).WhenSigned(
            Set("alice", "app", "active", "1: bank@mobile*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Link("alice", "transfer.make", "app"), "alice@active", "a").ThenAccepted();
        spec.When(Pay("alice", "bob", "1"), caller: 1).ThenRefused(AuthorityRejections.NotFound);
        spec.When(new BindKey(Tag.Of("mobile"), At("bank@mobile"), Tag.Of("app"))).ThenAccepted();
        spec.When(Pay("alice", "bob", "1"), caller: 1).ThenAccepted();
        spec.When(Pay("alice", "bob", "1")).ThenRefused(AuthorityRejections.NotFound);
        spec.When(new BindKey(Tag.Of("mobile"), At("bank@mobile"), Tag.Of("app"))).ThenNothing();
    }

    [Fact]
    public void The_bank_may_ask_more_of_its_own_than_a_scope()
    {
        var gold = new RegisterAsset(AssetCode.Parse("GOLD"), 3, "Gold");
        var bank = Own("bank", "2: m*1 n*1", "1: m*1");
        var spec = Given(bank).When(gold).ThenAccepted();
        spec.WhenSigned(Set("bank", "listing", "active", "2: l*1 m*1"), "bank@active", "m").ThenAccepted();
        spec.WhenSigned(Link("bank", "asset.register", "listing"), "bank@active", "m").ThenAccepted();
        var silver = new RegisterAsset(AssetCode.Parse("SILVER"), 3, "Silver");
        spec.When(silver).ThenRefused(Irrelevant);
        spec.WhenSigned(silver, "bank@listing", "l").ThenRefused(NotSatisfied);
        spec.WhenSigned(silver, "bank@listing", "lm").ThenAccepted();
        spec.When(new RetireAsset(AssetCode.Parse("GOLD"))).ThenAccepted();
    }

    [Fact]
    public void Once_the_bank_has_permissions_only_who_has_one_binds_keys_to_it()
    {
        var key = new IssueKey(Tag.Of("mobile"), 3, 4, Scopes.Transfers, null);
        var spec = Given(key, Own("bank", "1: m*1"));
        spec.When(new BindKey(Tag.Of("mobile"), At("bank@active"), Tag.Of("channel"))).ThenRefused(AuthorityRejections.NotFound);
        spec.WhenSigned(new BindKey(Tag.Of("mobile"), At("bank@active"), Tag.Of("channel")), "bank@active", "m").ThenAccepted();
    }

    [Fact]
    public void Below_an_account_with_permissions_of_its_own_that_account_lets_others_open()
    {
        var spec = Given(Open("acme"), Own("acme", "1: x*1", channel: true));
        spec.When(Open("shop.acme")).ThenRefused(Irrelevant);
        spec.WhenSigned(Open("shop.acme"), "acme@active", "x").ThenAccepted();
        Given(Open("acme")).When(Open("shop.acme")).ThenAccepted();
    }
}
