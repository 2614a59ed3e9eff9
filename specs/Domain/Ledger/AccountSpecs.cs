using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Ledger.AccountRejections;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class AccountSpecs
{
    private static readonly PublishReference Chart = new(Tag.Of("chart"), Today, new ReferenceContent.Chart(
        [new(Tag.Of("2100"), "liability", "Deposits"), new(Tag.Of("1000"), "asset", "Cash")]), Tag.Of("board"));

    [Theory]
    [InlineData(AccountClass.Asset)]
    [InlineData(AccountClass.Liability)]
    [InlineData(AccountClass.Equity)]
    [InlineData(AccountClass.Income)]
    [InlineData(AccountClass.Expense)]
    [InlineData(AccountClass.Memorandum)]
    public void An_account_has_a_class_a_chart_code_dimensions_and_assets(AccountClass @class)
    {
        var dimensions = new Dimensions(Tag.Of("berlin"), Tag.Of("emea"), Tag.Of("retail"));
        Given().When(new OpenAccount(Account("new"), @class, Tag.Of("7"), dimensions, Limited, [AssetCode.Parse("EUR"), AssetCode.Parse("USD")]))
            .Then(new AccountEvent.Opened(Account("new"), @class, Tag.Of("7"), dimensions, Limited, [AssetCode.Parse("EUR"), AssetCode.Parse("USD")]));
    }

    [Fact]
    public void A_name_is_given_once() => Given().When(Open("alice")).ThenRefused(AlreadyExists);

    [Theory]
    [InlineData("pos:fx:usd")]
    [InlineData("eqv:fx:usd")]
    [InlineData("client:suspense-2")]
    public void The_books_own_names_are_not_given(string name)
    {
        Given().When(Open(name)).ThenRefused(ReservedName);
        Given().When(Open(name, AccountClass.Asset, AccountFlags.System)).ThenRefused(ReservedName);
    }

    [Fact]
    public void Nobody_opens_an_account_in_the_books_own_name() =>
        Given().When(Open("mine", AccountClass.Asset, AccountFlags.System)).ThenRefused(ReservedName);

    [Fact]
    public void An_account_is_opened_for_an_asset_the_book_knows()
    {
        Given().When(Open("new", assets: "XAU")).ThenRefused(LedgerRejections.AssetUnknown);
        Given(new RegisterAsset(AssetCode.Parse("GOLD"), 3, "Gold")).When(Open("new", assets: "GOLD")).ThenAccepted();
        Given(new RegisterAsset(AssetCode.Parse("GOLD"), 3, "Gold"), new RetireAsset(AssetCode.Parse("GOLD")))
            .When(Open("new", assets: "GOLD")).ThenRefused(LedgerRejections.AssetRetired);
        Given().When(Open("new") with { Assets = [] }).ThenRefused(NoAssets);
        Given().When(Open("new", flags: AccountFlags.AnyAsset, assets: "EUR")).ThenRefused(NoAssets);
        Given().When(Open("new", assets: "EUR") with { Assets = [.. Enumerable.Repeat(AssetCode.Parse("EUR"), 65)] }).ThenRefused(TooManyAssets);
    }

    [Fact]
    public void Only_one_side_is_limited_by_the_other() => Given().When(Open("new", flags: Limited | Mirrored)).ThenRefused(LimitsExclude);

    [Fact]
    public void Once_a_chart_is_in_force_it_lists_the_codes_and_their_classes()
    {
        Given(Chart).When(Open("new")).ThenAccepted();
        Given(Chart).When(Open("new") with { Chart = Tag.Of("9999") }).ThenRefused(ChartUnknown);
        Given(Chart).When(Open("new", AccountClass.Asset)).ThenRefused(ChartUnknown);
        Given(Chart with { InForceFrom = On("2026-03-11") }).When(Open("new", AccountClass.Asset)).ThenAccepted();
        Given(Chart with { InForceFrom = On("2026-03-11") }).OnDay("2026-03-11").When(Open("new", AccountClass.Asset)).ThenRefused(ChartUnknown);
    }

    [Fact]
    public void A_chart_is_a_list_of_known_classes_each_code_once()
    {
        ReferenceContent twice = new ReferenceContent.Chart([new(Tag.Of("1"), "asset", "A"), new(Tag.Of("1"), "asset", "B")]);
        ReferenceContent unknown = new ReferenceContent.Chart([new(Tag.Of("1"), "assets", "A")]);
        Given().When(Chart with { Content = twice }).ThenRefused(References.Malformed);
        Given().When(Chart with { Content = unknown }).ThenRefused(References.Malformed);
    }

    [Fact]
    public void A_name_of_reference_data_keeps_its_kind() =>
        Given(Chart).When(Chart with { Content = new ReferenceContent.Document("no chart at all") }).ThenRefused(References.KindDiffers);

    [Fact]
    public void An_asset_is_added_once() =>
        Given(new AddAsset(Account("alice"), AssetCode.Parse("USD")))
            .When(new AddAsset(Account("alice"), AssetCode.Parse("USD"))).ThenNothing();

    [Fact]
    public void An_asset_is_added_to_an_account_that_is_there_and_open()
    {
        Given().When(new AddAsset(Account("nobody"), AssetCode.Parse("USD"))).ThenRefused(LedgerRejections.AccountNotFound);
        Given().When(new AddAsset(Account("alice"), AssetCode.Parse("XAU"))).ThenRefused(LedgerRejections.AssetUnknown);
        Given(new CloseAccount(Account("alice"), "moved")).When(new AddAsset(Account("alice"), AssetCode.Parse("USD")))
            .ThenRefused(LedgerRejections.AccountClosed);
    }

    [Fact]
    public void A_restrained_asset_is_not_thereby_an_opened_one() =>
        Given(Restrain(1, "alice", RestraintScope.Amount, "5 USD")).When(Pay("cash", "alice", "1 USD")).ThenRefused(LedgerRejections.AssetNotOpened);

    [Fact]
    public void A_limit_is_set_where_it_is_kept()
    {
        var limit = new SetLimits(Account("cash"), Limited);
        Given().When(limit).Then(new AccountEvent.LimitsSet(Account("cash"), Limited));
        Given(limit).When(limit).ThenNothing();
        Given(limit).When(Pay("cash", "alice", "0.01")).ThenRefused(LedgerRejections.InsufficientFunds);
        Given(Pay("cash", "alice", "0.01")).When(limit).ThenRefused(LimitBroken);
        Given().When(new SetLimits(Account("cash"), Limited | Mirrored)).ThenRefused(LimitsExclude);
    }

    [Fact]
    public void A_limit_looks_at_what_is_pending()
    {
        Given(Reserve(null, "cash", "alice", "5")).When(new SetLimits(Account("cash"), Limited)).ThenRefused(LimitBroken);
        Given(Reserve(null, "cash", "alice", "5")).When(new SetLimits(Account("alice"), Mirrored)).ThenRefused(LimitBroken);
        Given(Reserve(null, "cash", "alice", "5")).When(new SetLimits(Account("cash"), Mirrored)).ThenAccepted();
    }

    [Fact]
    public void A_limit_cannot_be_slipped_in_beside_another_flag() =>
        Given(Pay("cash", "alice", "5")).When(new SetLimits(Account("cash"), Limited | AccountFlags.AnyAsset)).ThenRefused(LimitBroken);

    [Fact]
    public void A_grant_of_overdraft_counts_where_a_limit_is_set() =>
        Given(new GrantOverdraft(Account("cash"), Stated("5")), Pay("cash", "alice", "5")).When(new SetLimits(Account("cash"), Limited)).ThenAccepted();

    [Fact]
    public void An_overdraft_is_granted_per_asset_and_taken_back()
    {
        var grant = new GrantOverdraft(Account("alice"), Stated("50"));
        Given().When(grant).Then(new AccountEvent.OverdraftGranted(Account("alice"), Money("50.00"))).ThenAvailable("alice", "50.00");
        Given(grant).When(grant).ThenNothing();
        Given(grant).When(grant with { Limit = Stated("0") }).ThenAccepted().ThenAvailable("alice", "0.00");
        Given().When(grant with { Limit = Stated("-1") }).ThenRefused(OverdraftNegative);
        Given().When(grant with { Limit = Stated("1 USD") }).ThenRefused(LedgerRejections.AssetNotOpened);
    }

    [Fact]
    public void An_overdraft_taken_back_while_used_stops_debits_and_lets_credits_in()
    {
        var used = new Command[] { new GrantOverdraft(Account("alice"), Stated("50")), Pay("alice", "bob", "30"),
            new GrantOverdraft(Account("alice"), Stated("10")) };
        Given(used).When(Pay("alice", "bob", "0.01")).ThenRefused(LedgerRejections.InsufficientFunds).ThenAvailable("alice", "-20.00");
        Given(used).When(Pay("bob", "alice", "5")).ThenAccepted().ThenAvailable("alice", "-15.00");
    }

    [Fact]
    public void An_empty_account_is_closed_and_takes_no_part_any_more()
    {
        var close = new CloseAccount(Account("bob"), "moved");
        Given().When(close).Then(new AccountEvent.Closed(Account("bob"), "moved"));
        Given(close).When(close).ThenRefused(AlreadyClosed);
        Given(close).When(Pay("cash", "bob", "1")).ThenRefused(LedgerRejections.AccountClosed);
        Given(close).When(Reserve(null, "cash", "bob", "1")).ThenRefused(LedgerRejections.AccountClosed);
    }

    [Fact]
    public void What_stands_on_an_account_keeps_it_open()
    {
        var close = new CloseAccount(Account("alice"), "moved");
        Given(Fund("alice", "1")).When(close).ThenRefused(NotEmpty);
        Given(Reserve(null, "cash", "alice", "1")).When(close).ThenRefused(NotEmpty);
        Given(Restrain(1, "alice", RestraintScope.Credits)).When(close).ThenRefused(NotEmpty);
        Given(Fund("alice", "1"), Pay("alice", "cash", "1")).When(close).ThenAccepted();
        Given().When(new CloseAccount(SystemAccounts.Suspense, "moved")).ThenRefused(SystemAccount);
        Given().When(new CloseAccount(Account("nobody"), "moved")).ThenRefused(LedgerRejections.AccountNotFound);
    }

    [Fact]
    public void A_closed_account_is_reopened()
    {
        var close = new CloseAccount(Account("bob"), "moved");
        var reopen = new ReopenAccount(Account("bob"), "came back");
        Given(close).When(reopen).Then(new AccountEvent.Reopened(Account("bob"), "came back"));
        Given(close, reopen).When(Pay("cash", "bob", "1")).ThenAccepted();
        Given().When(reopen).ThenRefused(NotClosed);
    }

    [Fact]
    public void An_asset_is_registered_once_with_a_scale_for_ever()
    {
        var gold = new RegisterAsset(AssetCode.Parse("GOLD"), 18, "Gold");
        Given().When(gold).Then(new AssetEvent.Registered(new(AssetCode.Parse("GOLD"), 18), "Gold"));
        Given(gold).When(gold).ThenRefused(AssetExists);
        Given().When(gold with { Code = AssetCode.Parse("EUR") }).ThenRefused(AssetExists);
        Given().When(gold with { Scale = 19 }).ThenRefused(AssetScale);
    }

    [Fact]
    public void An_asset_is_retired_once_but_the_functional_currency_never()
    {
        Given(new RetireAsset(AssetCode.Parse("USD"))).When(new RetireAsset(AssetCode.Parse("USD"))).ThenNothing();
        Given().When(new RetireAsset(AssetCode.Parse("EUR"))).ThenRefused(FunctionalAsset);
        Given().When(new RetireAsset(AssetCode.Parse("XAU"))).ThenRefused(LedgerRejections.AssetUnknown);
    }
}
