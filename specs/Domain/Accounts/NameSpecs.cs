using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>acme is a deposit account whose owner is key o and active a; carol has none of her own.</summary>
public sealed class NameSpecs
{
    private static LedgerSpec Acme() => Given(Open("acme"), Open("carol"), Own("acme", "1: o*1", "1: a*1"));

    [Theory]
    [InlineData("shop.acme", null)]
    [InlineData("two.shop.acme", null)]
    [InlineData("shop.carol", "authority.missing")]
    [InlineData("shop", "authority.missing")]
    [InlineData("bank.acme", "authority.missing")]
    [InlineData("bank:x.acme", "authority.missing")]
    [InlineData("engine-1.acme", "authority.missing")]
    [InlineData("withdrawal:x.acme", "authority.missing")]
    [InlineData("bankside.acme", null)]
    [InlineData("pos:x.acme", "authority.missing")]
    [InlineData("w:x.acme", "account.reserved_name")]
    public void A_signer_opens_only_below_its_own_account(string name, string? code) =>
        Acme().WhenSigned(Open(name), "acme@active", "a").ThenAnswered(code);

    [Theory]
    [InlineData("bank", null)]
    [InlineData("bank:desk", null)]
    [InlineData("engine", null)]
    [InlineData("withdrawal:btc", null)]
    [InlineData("pos:fx", "account.reserved_name")]
    [InlineData("eqv:fx", "account.reserved_name")]
    [InlineData("client:fx", "account.reserved_name")]
    [InlineData("w:fx", "account.reserved_name")]
    [InlineData("shop.carol", null)]
    [InlineData("shop.acme", "authority.not_found")]
    public void The_bank_opens_any_name_but_the_books_own(string name, string? code)
    {
        if (code == "authority.not_found") code = "permission.not_found";
        Acme().When(Open(name)).ThenAnswered(code);
    }

    [Fact]
    public void Without_the_banks_word_an_account_is_as_the_one_above() =>
        Acme().WhenSigned(Open("shop.acme", AccountClass.Asset), "acme@active", "a").ThenRefused(AccountNames.NotAsAbove)
            .WhenSigned(Open("shop.acme", flags: Unlimited), "acme@active", "a").ThenRefused(AccountNames.NotAsAbove)
            .WhenSigned(Open("shop.acme") with { Chart = Tag.Of("2000") }, "acme@active", "a").ThenRefused(AccountNames.NotAsAbove)
            .WhenSigned(Open("shop.acme", assets: "USD"), "acme@active", "a").ThenAccepted();

    [Fact]
    public void With_it_the_account_is_what_the_bank_says() =>
        Acme().WhenCarried(Open("shop.acme", flags: Unlimited), "acme@active", "a").ThenAccepted();
}
