using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>How authorities are weighed, case by case.</summary>
public sealed class SatisfactionSpecs
{
    /// <summary>One account, one authority: which keys suffice, and which of them were needed.</summary>
    [Theory]
    [InlineData("1: a*1", "", false, "")]
    [InlineData("1: a*1", "a", true, "a")]
    [InlineData("1: a*1", "b", false, "")]
    [InlineData("2: a*1 b*1 c*1", "a", false, "")]
    [InlineData("2: a*1 b*1 c*1", "ac", true, "ac")]
    [InlineData("2: a*1 b*1 c*1", "abc", true, "ab")]
    [InlineData("3: a*1 b*2 c*3", "abc", true, "c")]
    [InlineData("3: a*1 b*2", "ab", true, "ab")]
    [InlineData("3: a*1 b*3", "a", false, "")]
    [InlineData("65536: a*65535 b*1", "ab", true, "ab")]
    public void Keys_count_by_weight_and_the_heaviest_first(string rule, string by, bool satisfied, string needed) =>
        Weighed(rule, by, 0).Should().Be((satisfied, needed));

    /// <summary>A wait counts from its exact second; of equal weight it counts before a key, which is then not needed.</summary>
    [Theory]
    [InlineData("2: a*1 60s*1", "a", 59, false, "")]
    [InlineData("2: a*1 60s*1", "a", 60, true, "a")]
    [InlineData("2: a*1 b*1 60s*1", "ab", 60, true, "a")]
    [InlineData("2: a*2 60s*1", "a", 60, true, "a")]
    [InlineData("3: a*1 60s*1 120s*1", "a", 119, false, "")]
    [InlineData("3: a*1 60s*1 120s*1", "a", 120, true, "a")]
    public void A_wait_counts_once_its_time_has_passed(
        string rule, string by, long delay, bool satisfied, string needed) =>
        Weighed(rule, by, delay).Should().Be((satisfied, needed));

    [Fact]
    public void Another_accounts_permission_counts_when_it_is_satisfied_itself()
    {
        var book = Book(("ann", "1: a*1"), ("ben", "1: b*1"), ("firm", "2: ann@active*1 ben@active*1"));
        Ask(book, "firm@active", "a").Should().Be((false, ""));
        Ask(book, "firm@active", "ab").Should().Be((true, "ab"));
    }

    [Fact]
    public void A_key_that_an_authority_found_wanting_had_used_is_free_again()
    {
        var book = Book(("ann", "2: a*1 b*1"), ("firm", "2: ann@active*1 a*1 c*1"));
        Ask(book, "firm@active", "ac").Should().Be((true, "ac"));
        var other = Book(("ann", "2: a*1 b*1"), ("firm", "1: ann@active*2 c*1"));
        Ask(other, "firm@active", "ac").Should().Be((true, "c"), "ann's authority fell short, so her key was not needed");
    }

    [Fact]
    public void A_permission_that_does_not_exist_adds_nothing()
    {
        var book = Book(("ann", "1: a*1"), ("firm", "1: ann@active*1 f*1"));
        book.Send(Set("ann", "till", "active", "1: t*1"), proof: book.Signed("ann@active", "a"));
        book.Send(Set("firm", "desk", "active", "1: ann@till*1 f*1"), proof: book.Signed("firm@active", "f"));
        Ask(book, "firm@desk", "t").Should().Be((true, "t"));
        book.Send(new RemovePermission(Words.Account("ann"), Tag.Of("till")), proof: book.Signed("ann@active", "a"))
            .Rejection.Should().BeNull();
        Ask(book, "firm@desk", "t").Should().Be((false, ""));
        Ask(book, "firm@desk", "f").Should().Be((true, "f"));
    }

    [Fact]
    public void Permissions_nest_six_deep_and_no_deeper()
    {
        var chain = new List<(string, string)> { ("a0", "1: a*1") };
        for (var i = 1; i <= Authority.MaxDepth; i++) chain.Add(($"a{i}", $"1: a{i - 1}@active*1"));
        var book = Book([.. chain]);
        Ask(book, "a6@active", "a").Should().Be((true, "a"));
        book.Send(Words.Open("a7"));
        book.Send(Own("a7", "1: a6@active*1")).Rejection.Should().Be(AuthorityRejections.TooDeep);
    }

    [Fact]
    public void What_was_grown_too_deep_from_below_is_not_satisfied()
    {
        var book = Book(("top", "1: z*1"), ("a0", "1: a*1"), ("a1", "1: b*1"), ("a2", "1: a1@active*1"), ("a3", "1: a2@active*1"),
            ("a4", "1: a3@active*1"), ("a5", "1: a4@active*1"), ("a6", "1: a5@active*1"), ("a7", "1: a6@active*1"));
        Ask(book, "a7@active", "b").Should().Be((true, "b"));
        book.Send(new SetPermission(Words.Account("a1"), Active, default, Rule("1: a0@active*1")), proof: book.Signed("a1@owner", "b"))
            .Rejection.Should().BeNull("the change itself leads one deep");
        Ask(book, "a6@active", "a").Should().Be((true, "a"));
        Ask(book, "a7@active", "a").Should().Be((false, ""), "seven deep");
    }

    [Fact]
    public void A_level_that_is_provided_counts_without_a_signature()
    {
        var book = Book(("firm", "1: bank@mobile*1"));
        book.Bank.Satisfaction.Begin(new([], [At("bank@mobile")]), book.Now);
        book.Bank.Satisfaction.IsSatisfied(At("firm@active")).Should().BeTrue();
        book.Bank.Satisfaction.Begin(new([], [At("bank@branch")]), book.Now);
        book.Bank.Satisfaction.IsSatisfied(At("firm@active")).Should().BeFalse();
    }

    [Fact]
    public void A_wallet_is_satisfied_by_the_key_it_is_named_after_and_no_other()
    {
        var book = Book();
        var wallet = Wallets.NameOf(Key('w'));
        book.Bank.Allows(new(wallet, Active), KeysOf("w"), book.Now).Should().BeTrue();
        book.Bank.Allows(new(wallet, Owner), KeysOf("w"), book.Now).Should().BeTrue();
        book.Bank.Allows(new(wallet, Tag.Of("till")), KeysOf("w"), book.Now).Should().BeFalse();
        book.Bank.Allows(new(wallet, Active), KeysOf("v"), book.Now).Should().BeFalse();
    }

    [Fact]
    public void Every_step_can_be_told()
    {
        var book = Book(("ann", "1: a*1"), ("firm", "3: ann@active*2 f*1 60s*1"));
        var trace = new List<WeighingStep>();
        book.Bank.Satisfaction.Trace = trace;
        Ask(book, "firm@active", "a").Should().Be((false, ""));
        book.Bank.Satisfaction.Trace = null;
        trace.Select(s => $"{s.Depth} {s.Factor} {s.Total}/{s.Threshold} {s.Outcome}").Should().Equal(
            $"1 {Key('a')} 1/1 counts", "1 ann@active 1/1 satisfied", "0 ann@active 2/3 counts", "0 60 s 2/3 not yet",
            $"0 {Key('f')} 2/3 not signed", "0 firm@active 2/3 falls short");
    }

    private static (bool Satisfied, string Needed) Weighed(string rule, string by, long delay)
    {
        var book = Book(("firm", rule));
        book.Bank.Satisfaction.Begin(new(KeysOf(by), [], delay), book.Now);
        return Result(book, "firm@active");
    }

    private static (bool Satisfied, string Needed) Ask(SpecBook book, string level, string by)
    {
        book.Bank.Satisfaction.Begin(new(KeysOf(by), []), book.Now);
        return Result(book, level);
    }

    private static (bool, string) Result(SpecBook book, string level)
    {
        var satisfied = book.Bank.Satisfaction.IsSatisfied(At(level));
        return (satisfied, string.Concat("abcdefghijklmnopqrstuvwxyz".Where(c => book.Bank.Satisfaction.UsedKeys.Contains(Key(c)))));
    }

    /// <summary>A book of accounts with these authorities as owner and active.</summary>
    internal static SpecBook Book(params (string Account, string Rule)[] accounts)
    {
        var book = new SpecBook();
        foreach (var (account, rule) in accounts)
        {
            book.Send(Words.Open(account)).Rejection.Should().BeNull();
            book.Send(Own(account, rule)).Rejection.Should().BeNull($"{account} has {rule}");
        }
        return book;
    }
}
