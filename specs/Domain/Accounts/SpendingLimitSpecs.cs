using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Accounts.LimitWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Specs begin at noon; alice has 1,000 EUR, and what the bank's channels do for her is limited.</summary>
public sealed class SpendingLimitSpecs
{
    private const int Day = 86_400, Part = Day / 16;

    private static LedgerSpec Limited(params Command[] limits) => Given([Fund("alice", "1000"), .. limits]);

    [Theory]
    [InlineData("100.00", null)]
    [InlineData("100.01", "limit.per_transaction")]
    public void An_entry_takes_no_more_than_its_limit(string amount, string? code) =>
        Limited(Limit("alice", "channel", perTransaction: "100")).When(Pay("alice", "bob", amount)).ThenAnswered(code);

    [Fact]
    public void What_is_not_of_the_limited_asset_is_not_limited() =>
        Limited(new AddAsset(Account("alice"), AssetCode.Parse("USD")), new AddAsset(Account("bob"), AssetCode.Parse("USD")),
                Fund("alice", "500 USD"), Limit("alice", "channel", perTransaction: "1"))
            .When(Pay("alice", "bob", "500 USD")).ThenAccepted();

    [Fact]
    public void What_comes_in_is_not_limited() =>
        Limited(Limit("alice", "channel", perTransaction: "1")).When(Fund("alice", "500")).ThenAccepted();

    [Fact]
    public void An_entry_is_judged_by_its_net_effect() =>
        Limited(Limit("alice", "channel", perTransaction: "10"))
            .When(Entry(Debit("alice", "50"), Debit("alice", "10"), Credit("alice", "50"), Credit("bob", "10"))).ThenAccepted()
            .When(Entry(Debit("alice", "6"), Debit("alice", "6"), Credit("bob", "12")))
            .ThenRefused(SpendingRejections.PerTransaction);

    [Fact]
    public void What_was_spent_in_a_window_is_said_after_the_entry() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day)).When(Pay("alice", "bob", "40"))
            .Then(Made("alice", "bob", "40.00"), new SpendingEvent.Spent(
                Account("alice"), Permissions.Channel, Money("40.00"), Later(Part), Later(-Day)));

    [Theory]
    [InlineData("60.00", null)]
    [InlineData("60.01", "limit.per_window")]
    public void Entries_of_a_window_take_no_more_than_its_limit_together(string amount, string? code) =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Pay("alice", "bob", "40"))
            .When(Pay("alice", "bob", amount)).ThenAnswered(code);

    /// <summary>Noon is a bound of parts: what is spent then counts until a window and a part have passed.</summary>
    [Theory]
    [InlineData((long)(Day + Part) * 1_000_000 - 1, "limit.per_window")]
    [InlineData((long)(Day + Part) * 1_000_000, null)]
    public void A_part_counts_whole_until_it_has_left_the_window(long microseconds, string? code) =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Pay("alice", "bob", "100"))
            .ThenThat(book => book.MoveTo(SpecBook.Start.AddMicroseconds(microseconds)))
            .When(Pay("alice", "bob", "0.01")).ThenAnswered(code);

    [Fact]
    public void A_refusal_says_what_is_left_and_when_enough_is_free() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Pay("alice", "bob", "30"))
            .After(2 * Part).And(Pay("alice", "bob", "50")).When(Pay("alice", "bob", "40"))
            .ThenThat(book => Why(book).Should().Be(
                $"alice@channel may spend 100.00 EUR in 86400 seconds, 20.00 EUR of it is left: "
                + $"enough is free from {Later(Day + Part)}."))
            .When(Pay("alice", "bob", "80")).ThenThat(book => Why(book).Should().EndWith($"from {Later(Day + 3 * Part)}."))
            .When(Pay("alice", "bob", "100.01")).ThenThat(book => Why(book).Should().EndWith("this is more than all of it."))
            .ThenThat(book => book.MoveTo(Later(Day + Part)))
            .When(Pay("alice", "bob", "40")).ThenAccepted();

    [Theory]
    [InlineData("bob", null)]
    [InlineData("shop:1", null)]
    [InlineData("shop", "limit.counterparty")]
    [InlineData("shopping", "limit.counterparty")]
    public void Only_those_on_the_list_are_paid(string payee, string? code) =>
        Limited(Open("shop:1"), Open("shop"), Open("shopping"), Limit("alice", "channel", to: ["bob", "shop:"]))
            .When(Pay("alice", payee, "1")).ThenAnswered(code);

    [Fact]
    public void Nobody_beside_those_on_the_list_is_paid_by_the_same_entry() =>
        Limited(Open("shop"), Limit("alice", "channel", to: "bob"))
            .When(Entry(Debit("alice", "2"), Credit("bob", "1"), Credit("shop", "1")))
            .ThenRefused(SpendingRejections.NotTo);

    [Fact]
    public void A_reservation_is_spent_when_it_is_made_and_what_it_releases_is_not_given_back() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Reserve(Name(1), "alice", "bob", "60"))
            .When(Pay("alice", "bob", "40.01")).ThenRefused(SpendingRejections.PerWindow)
            .And(PostLast(Name(1), "10")).When(Pay("alice", "bob", "40.01")).ThenRefused(SpendingRejections.PerWindow)
            .When(Pay("alice", "bob", "40")).ThenAccepted();

    [Fact]
    public void Links_of_a_chain_are_counted_one_after_the_other() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day))
            .When(Linked(Pay("alice", "bob", "60"), Pay("alice", "bob", "40.01")))
            .ThenRefused(SpendingRejections.PerWindow, link: 2)
            .When(Linked(Pay("alice", "bob", "60"), Pay("alice", "bob", "40"))).ThenAccepted();

    [Fact]
    public void What_the_law_compels_or_a_rail_decided_is_not_limited() =>
        Limited(Limit("alice", "channel", perTransaction: "1"))
            .When(Adjust(Debit("alice", "100"), Credit("bob", "100"))).ThenAccepted()
            .When(Import("alice", "bob", "100")).ThenAccepted();

    [Fact]
    public void A_new_limit_counts_what_was_spent_before_it_under_the_old() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Pay("alice", "bob", "90"))
            .And(Limit("alice", "channel", perWindow: "120", seconds: 3_600))
            .When(Pay("alice", "bob", "30.01")).ThenRefused(SpendingRejections.PerWindow)
            .When(Pay("alice", "bob", "30")).ThenAccepted();

    [Fact]
    public void A_limit_that_was_taken_back_limits_no_more_and_forgets() =>
        Limited(Limit("alice", "channel", perWindow: "100", seconds: Day), Pay("alice", "bob", "90"))
            .And(Unlimit("alice", "channel"))
            .When(Pay("alice", "bob", "500")).ThenAccepted()
            .ThenThat(book => book.Bank.SpendingLimits.Windows.Rows.Count.Should().Be(0));

    [Fact]
    public void The_same_limit_again_is_so_already() =>
        Limited(Limit("alice", "channel", perTransaction: "1")).When(Limit("alice", "channel", perTransaction: "1")).ThenNothing();

    [Theory]
    [InlineData("carol", "channel", "account.not_found")]
    [InlineData("alice", "active", "permission.not_found")]
    [InlineData("alice", "payroll", "permission.not_found")]
    public void A_limit_is_of_a_permission_that_there_is(string account, string permission, string code) =>
        Limited().When(Limit(account, permission, perTransaction: "1")).ThenAnswered(code);

    public static TheoryData<SetSpendingLimit, string> Malformed() => new()
    {
        { Limit("alice", "channel"), "limit.malformed" },
        { Limit("alice", "channel", perWindow: "1"), "limit.malformed" },
        { Limit("alice", "channel", perTransaction: "1", seconds: 60), "limit.malformed" },
        { Limit("alice", "channel", perWindow: "1", seconds: SpendingWindows.MaxWindowSeconds + 1), "limit.malformed" },
        { Limit("alice", "channel", perTransaction: "-1"), "limit.malformed" },
        { Limit("alice", "channel", perTransaction: "1 USD"), "limit.malformed" },
        { Limit("alice", "channel", perTransaction: "0.001"), "amount.too_many_decimals" },
        { Limit("alice", "channel", to: [.. Enumerable.Range(0, 65).Select(i => $"c{i}")]), "limit.too_many" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_limit_that_says_nothing_or_nonsense_is_refused(SetSpendingLimit limit, string code) =>
        Limited().When(limit).ThenAnswered(code);

    [Theory]
    [InlineData(1)]
    [InlineData(SpendingWindows.MaxWindowSeconds)]
    public void A_window_is_a_second_to_366_days(int seconds) =>
        Limited().When(Limit("alice", "channel", perWindow: "1", seconds: seconds)).ThenAccepted();

    [Fact]
    public void What_is_not_set_cannot_be_taken_back() =>
        Limited().When(Unlimit("alice", "channel")).ThenRefused(SpendingRejections.NotFound);

    /// <summary>alice is her owner's key o; active is a, payroll below it is p.</summary>
    private static LedgerSpec Owned(params Command[] more) => Given(Fund("alice", "1000"), Own("alice", "1: o*1", "1: a*1"))
        .ThenThat(book => book.Sign(Set("alice", "payroll", "active", "1: p*1"), "alice@owner", "o").Rejection.Should().BeNull())
        .ThenThat(book => book.Sign(Link("alice", "transfer.make", "payroll"), "alice@active", "a").Rejection.Should().BeNull())
        .And(more);

    [Theory]
    [InlineData("alice@payroll", "p", "authority.irrelevant")]
    [InlineData("alice@active", "a", null)]
    [InlineData("alice@owner", "o", null)]
    public void Who_is_limited_cannot_change_the_limit(string level, string key, string? code) => Owned()
        .WhenSigned(Limit("alice", "payroll", perTransaction: "10"), level, key).ThenAnswered(code);

    [Fact]
    public void A_limit_of_one_permission_is_not_of_another() => Owned()
        .WhenSigned(Limit("alice", "payroll", perTransaction: "10"), "alice@active", "a").ThenAccepted()
        .WhenSigned(Pay("alice", "bob", "10.01"), "alice@payroll", "p").ThenRefused(SpendingRejections.PerTransaction)
        .WhenSigned(Pay("alice", "bob", "10"), "alice@payroll", "p").ThenAccepted()
        .WhenSigned(Pay("alice", "bob", "10.01"), "alice@active", "a").ThenAccepted();

    [Fact]
    public void Above_an_amount_a_passkey_has_to_sign() => Given(Fund("alice", "1000"), Own("alice", "1: o*1", "1: a*1 A*1"))
        .WhenSigned(Limit("alice", "active") with { PasskeyAbove = Stated("10") }, "alice@owner", "o").ThenAccepted()
        .WhenSigned(Pay("alice", "bob", "10"), "alice@active", "a").ThenAccepted()
        .WhenSigned(Pay("alice", "bob", "10.01"), "alice@active", "a").ThenRefused(SpendingRejections.PasskeyMissing)
        .WhenSigned(Pay("alice", "bob", "10.01"), "alice@active", "A").ThenAccepted()
        .WhenSigned(Pay("alice", "bob", "10.01"), "alice@active", "aA").ThenRefused(AuthorityRejections.UnusedSignature);

    [Fact]
    public void Above_an_amount_the_banks_channel_does_not_suffice_whoever_signed_before() =>
        Given(Fund("alice", "1000"), Fund("bob", "9"), Own("bob", "1: B*1"), Limit("alice", "channel") with { PasskeyAbove = Stated("10") })
            .When(Pay("alice", "bob", "10")).ThenAccepted()
            .WhenSigned(Pay("bob", "alice", "1"), "bob@active", "B").ThenAccepted()
            .When(Pay("alice", "bob", "10.01")).ThenRefused(SpendingRejections.PasskeyMissing);

    [Fact]
    public void A_limited_permission_stays() => Owned()
        .WhenSigned(Set("alice", "spare", "active", "1: s*1"), "alice@active", "a").ThenAccepted()
        .WhenSigned(Limit("alice", "spare", perTransaction: "10"), "alice@active", "a").ThenAccepted()
        .WhenSigned(new RemovePermission(Account("alice"), Tag.Of("spare")), "alice@active", "a")
        .ThenRefused(AuthorityRejections.InUse)
        .WhenSigned(Unlimit("alice", "spare"), "alice@active", "a").ThenAccepted()
        .WhenSigned(new RemovePermission(Account("alice"), Tag.Of("spare")), "alice@active", "a").ThenAccepted();

    [Fact]
    public void The_bank_sets_no_limit_of_an_account_that_is_not_its_to_act_for() =>
        Owned().When(Limit("alice", "payroll", perTransaction: "10")).ThenRefused(AuthorityRejections.NotFound);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void No_window_wherever_it_begins_holds_more_than_its_limit(int seed)
    {
        var random = new Random(seed);
        var window = random.Next(1, 5_000);
        var book = Limited(Limit("alice", "channel", perWindow: "100", seconds: window)).Book;
        var spent = new List<(Instant At, int Cents)>();
        for (var i = 0; i < 400; i++)
        {
            book.MoveTo(book.Now.AddMicroseconds(random.NextInt64(window * 1_000_000L / random.Next(1, 40)) + 1));
            var cents = random.Next(1, 6_000);
            if (book.Send(Pay("alice", "bob", $"{cents / 100}.{cents % 100:00}")).Ending == Ending.Accepted)
                spent.Add((book.Now, cents));
            book.Send(Fund("alice", "100"));
        }
        spent.Should().HaveCountGreaterThan(20, $"seed {seed}");
        foreach (var (from, _) in spent)
        {
            spent.Where(s => s.At >= from && s.At <= from.AddSeconds(window)).Sum(s => s.Cents)
                .Should().BeLessThanOrEqualTo(10_000, $"seed {seed}, window of {window} s from {from}");
        }
        book.Bank.SpendingLimits.Windows.Rows.Count.Should().BeLessThanOrEqualTo(SpendingWindows.Parts + 1);
        book.ShouldReplay();
    }

    private static string Why(SpecBook book) => ((CommandEvent.Refused)book.Execution.Events[0].Event).Why;
}
