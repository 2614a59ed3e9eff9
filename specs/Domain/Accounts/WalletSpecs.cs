using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Accounts.LimitWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// The bank is agent for points (PTS) and coins (BTC), which come from <c>vault</c>; wallets w and v are the keys' of
/// these letters. Where a rule is in force they may hold points: 1.00 opens one, 100.00 by an entry, 200.00 a day, and
/// 1,000.00 in all; an empty one is closed after two days.
/// </summary>
public sealed class WalletSpecs
{
    private const int Day = 86_400;

    private static readonly string W = WalletOf('w'), V = WalletOf('v');
    private static readonly PublishReference InForce = Rule(Day, 2 * Day, "PTS 1.00 100.00 200.00 1000.00");

    private static LedgerSpec Agent(params Command[] more) => Given(
    [
        new RegisterAsset(AssetCode.Parse("PTS"), 2, "Points"), new RegisterAsset(AssetCode.Parse("BTC"), 8, "Bitcoin"),
        Open("vault", AccountClass.Memorandum, Unlimited, "PTS", "BTC", "EUR"),
        Open("withdrawal:pts", AccountClass.Memorandum, Unlimited, "PTS", "BTC"),
        Open("merchant", AccountClass.Memorandum, Limited, "PTS"), .. more,
    ]);

    private static LedgerSpec Ruled(params Command[] more) => Agent([InForce, .. more]);

    private static MakeTransfer Give(string amount, string? to = null) => Pay("vault", to ?? W, amount);

    [Fact]
    public void A_credit_opens_a_wallet() =>
        Ruled().When(Give("1.00 PTS")).Then(
            new AccountEvent.Opened(Account(W), AccountClass.Memorandum, Wallets.Chart, default,
                AccountFlags.DebitsMustNotExceedCredits, [AssetCode.Parse("PTS")]),
            new WalletEvent.Opened(Account(W)), Made("vault", W, "1.00 PTS"));

    [Theory]
    [InlineData("1.00 PTS", null)]
    [InlineData("0.99 PTS", "wallet.below_opening_minimum")]
    [InlineData("1000.00 PTS", null)]
    [InlineData("1000.01 PTS", "wallet.max_balance")]
    [InlineData("1.00000000 BTC", "wallet.asset_not_allowed")]
    [InlineData("5.00 EUR", "wallet.asset_not_allowed")]
    [InlineData("5.00 DOGE", "asset.unknown")]
    public void The_first_credit_reaches_the_opening_minimum_of_an_asset_of_the_rule(string amount, string? code) =>
        Ruled().When(Give(amount)).ThenAnswered(code);

    [Fact]
    public void A_later_credit_may_be_small() => Ruled(Give("1.00 PTS")).When(Give("0.01 PTS")).ThenAccepted();

    [Theory]
    [InlineData("999.00 PTS", null)]
    [InlineData("999.01 PTS", "wallet.max_balance")]
    public void A_wallet_holds_no_more_than_the_rule_allows_with_what_is_under_way(string amount, string? code) =>
        Ruled(Reserve(Name(1), "vault", W, "1.00 PTS")).When(Give(amount)).ThenAnswered(code);

    [Fact]
    public void An_entry_opens_every_wallet_that_it_credits() =>
        Ruled().When(Entry(Debit("vault", "5.00 PTS"), Credit(W, "2.00 PTS"), Credit(V, "3.00 PTS"))).ThenAccepted()
            .ThenBalance(W, "2.00 PTS").ThenBalance(V, "3.00 PTS");

    [Fact]
    public void A_credit_that_is_refused_leaves_no_wallet() =>
        Ruled().When(Pay("merchant", W, "1.00 PTS")).ThenRefused(LedgerRejections.InsufficientFunds)
            .ThenThat(book => book.Bank.Wallets.Rows.Count.Should().Be(0));

    [Theory]
    [InlineData("w:abc")]
    [InlineData("w:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1")]
    [InlineData("w:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_name_that_no_key_can_have_is_not_opened(string name) =>
        Ruled().When(Give("1.00 PTS", name)).ThenRefused(WalletRejections.NameMalformed);

    [Fact]
    public void Nobody_opens_a_wallet_by_command() =>
        Ruled().When(Open(W, AccountClass.Memorandum, Limited, "PTS")).ThenRefused(AccountRejections.ReservedName);

    [Fact]
    public void A_wallet_gets_no_asset_that_the_rule_does_not_list() =>
        Ruled(Give("1.00 PTS")).When(new AddAsset(Account(W), AssetCode.Parse("EUR")))
            .ThenRefused(WalletRejections.AssetNotAllowed);

    [Fact]
    public void A_wallet_is_its_keys_alone() =>
        Ruled(Give("10.00 PTS")).When(Pay(W, "merchant", "1.00 PTS")).ThenRefused(AuthorityRejections.Missing)
            .WhenSigned(Pay(W, "merchant", "1.00 PTS"), $"{W}@active", "v").ThenRefused(AuthorityRejections.NotSatisfied)
            .WhenSigned(Pay(W, "merchant", "1.00 PTS"), $"{W}@active", "w").ThenAccepted()
            .When(Own(W, "1: v*1")).ThenRefused(AuthorityRejections.Missing)
            .WhenSigned(Own(W, "1: v*1"), $"{W}@owner", "w").ThenAccepted();

    [Theory]
    [InlineData("100.00 PTS", null)]
    [InlineData("100.01 PTS", "limit.per_transaction")]
    public void An_entry_takes_no_more_than_the_rule_allows(string amount, string? code) =>
        Ruled(Give("500.00 PTS")).WhenSigned(Pay(W, "merchant", amount), $"{W}@active", "w").ThenAnswered(code);

    [Theory]
    [InlineData("100.00 PTS", null)]
    [InlineData("100.01 PTS", "limit.per_transaction")]
    public void Wallets_open_wallets(string amount, string? code) =>
        Ruled(Give("500.00 PTS")).WhenSigned(Pay(W, V, amount), $"{W}@active", "w").ThenAnswered(code);

    [Fact]
    public void Entries_of_a_window_take_no_more_than_the_rule_allows() =>
        Ruled(Give("500.00 PTS"))
            .WhenSigned(Pay(W, "merchant", "100.00 PTS"), $"{W}@active", "w").ThenAccepted()
            .WhenSigned(Pay(W, "merchant", "99.99 PTS"), $"{W}@active", "w").ThenAccepted()
            .WhenSigned(Pay(W, "merchant", "0.02 PTS"), $"{W}@active", "w").ThenRefused(SpendingRejections.PerWindow)
            .WhenSigned(Pay(W, "merchant", "0.01 PTS"), $"{W}@active", "w").ThenAccepted()
            .After(Day + Day / 16)
            .WhenSigned(Pay(W, "merchant", "100.00 PTS"), $"{W}@active", "w").ThenAccepted();

    [Fact]
    public void A_wallet_limits_itself_further() =>
        Ruled(Give("500.00 PTS"))
            .WhenSigned(new SetSpendingLimit(Account(W), Permissions.Active, AssetCode.Parse("PTS"), Stated("10 PTS"), null, 0, []),
                $"{W}@owner", "w").ThenAccepted()
            .WhenSigned(Pay(W, "merchant", "10.01 PTS"), $"{W}@active", "w").ThenRefused(SpendingRejections.PerTransaction)
            .WhenSigned(Pay(W, "merchant", "10.00 PTS"), $"{W}@active", "w").ThenAccepted();

    [Fact]
    public void With_no_rule_in_force_no_wallet_is_opened() =>
        Agent().When(Give("5.00 PTS")).ThenRefused(WalletRejections.NoRule);

    /// <summary>The rule was in force until the asset was taken out of it.</summary>
    [Fact]
    public void What_the_rule_lists_no_more_is_only_withdrawn() =>
        Ruled(Give("50.00 PTS"), Rule(Day, 2 * Day))
            .When(Give("1.00 PTS")).ThenRefused(WalletRejections.AssetNotAllowed)
            .WhenSigned(Pay(W, "merchant", "1.00 PTS"), $"{W}@active", "w").ThenRefused(WalletRejections.AssetNotAllowed)
            .WhenSigned(Pay(W, "withdrawal:pts", "1.00 PTS"), $"{W}@active", "w").ThenAccepted()
            .WhenSigned(new RequestVerification(Account(W), "sealed.v1"), $"{W}@active", "w").ThenAccepted();

    [Fact]
    public void A_wallet_asks_once_to_be_verified() =>
        Ruled(Give("50.00 PTS"))
            .WhenSigned(new RequestVerification(Account(W), "sealed.v1"), $"{W}@active", "w")
            .Then(new WalletEvent.VerificationRequested(Account(W), "sealed.v1"))
            .WhenSigned(new RequestVerification(Account(W), "sealed.v2"), $"{W}@active", "w")
            .ThenRefused(WalletRejections.AlreadyAsked)
            .WhenSigned(new RequestVerification(Account(V), "sealed.v1"), $"{V}@active", "v")
            .ThenRefused(WalletRejections.NotFound)
            .When(new RequestVerification(Account(W), "sealed.v1")).ThenRefused(AuthorityRejections.Missing);

    [Fact]
    public void An_emptied_wallet_is_closed_after_its_time_and_known_no_more() =>
        Emptied().ThenThat(book => book.MoveTo(Later(2 * Day).AddMicroseconds(-1)))
            .ThenThat(book => book.Bank.Knows(Key('w')).Should().BeTrue())
            .After(1)
            .ThenThat(book =>
            {
                book.Bank.Knows(Key('w')).Should().BeFalse();
                book.Bank.Ledger.Tables.Accounts[book.Bank.Ledger.Tables.Accounts.Find(Account(W))]
                    .Has(AccountFlags.Closed).Should().BeTrue();
                book.Bank.SpendingLimits.Windows.Rows.Count.Should().Be(0);
                book.ShouldReplay();
            });

    [Fact]
    public void A_closed_wallet_is_opened_again_by_a_credit_of_the_minimum() =>
        Emptied().After(2 * Day)
            .When(Give("0.99 PTS")).ThenRefused(WalletRejections.BelowMinimum)
            .When(Give("1.00 PTS")).Then(
                new AccountEvent.Reopened(Account(W), "The wallet is credited again."), new WalletEvent.Opened(Account(W)),
                Made("vault", W, "1.00 PTS") with { Particulars = new(BookedOn: On("2026-03-12")) });

    [Fact]
    public void A_wallet_that_is_filled_in_time_stays() =>
        Emptied().After(Day).And(Give("0.01 PTS")).After(30 * Day)
            .ThenThat(book => book.Bank.Knows(Key('w')).Should().BeTrue());

    [Fact]
    public void What_is_under_way_to_a_wallet_keeps_it_open() =>
        Emptied().After(Day).And(Reserve(Name(1), "vault", W, "1.00 PTS")).After(30 * Day)
            .ThenThat(book => book.Bank.Knows(Key('w')).Should().BeTrue())
            .And(new CancelTransfer(Name(1))).After(2 * Day)
            .ThenThat(book => book.Bank.Knows(Key('w')).Should().BeFalse());

    [Fact]
    public void What_somebody_closed_is_not_opened_by_a_credit() =>
        Emptied().And(new CloseAccount(Account(W), "by the bank"))
            .When(Give("1.00 PTS")).ThenRefused(LedgerRejections.AccountClosed);

    public static TheoryData<PublishReference, string> Rules() => new()
    {
        { Rule(Day, Day, "EUR 1.00 1.00 1.00 1.00"), "wallet.rule_fiat" },
        { Rule(Day, Day, "XYZ 1 1 1 1"), "asset.unknown" },
        { Rule(Day, Day, "PTS 1.000 1.00 1.00 1.00"), "amount.too_many_decimals" },
        { Rule(Day, Day, "PTS 0.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(Day, Day, "PTS 1.01 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(Day, Day, "PTS 1.00 1.01 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(Day, Day, "PTS 1.00 1.00 1.00 1.00", "PTS 1.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(0, Day, "PTS 1.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(Day + 1, Day, "PTS 1.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(1, Day - 1, "PTS 1.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { Rule(1, WalletRules.MaxEmptiedSeconds + 1, "PTS 1.00 1.00 1.00 1.00"), "wallet.rule_malformed" },
        { InForce with { Name = Tag.Of("rule") }, "wallet.rule_misnamed" },
        { InForce with { Content = new ReferenceContent.Document("none") }, "wallet.rule_misnamed" },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_that_makes_no_sense_is_not_published(PublishReference rule, string code) =>
        Agent().When(rule).ThenAnswered(code);

    [Fact]
    public void A_rule_is_kept_in_the_scale_of_the_book() =>
        Agent().When(Rule(Day, Day, "BTC 1 1 1 1")).ThenAccepted()
            .ThenThat(book => Wallets.RuleOf(book.Bank.Book, Today)!.Assets[0].Should().Be(
                Terms("BTC 1.00000000 1.00000000 1.00000000 1.00000000")));

    private static LedgerSpec Emptied() => Ruled(Give("1.00 PTS"))
        .WhenSigned(Pay(W, "merchant", "1.00 PTS"), $"{W}@active", "w").ThenAccepted();
}
