using System.Globalization;
using System.Numerics;
using System.Text;
using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class AmountSpecs
{
    private static readonly Asset Dollar = Asset.Of("USD", 2), Yen = Asset.Of("JPY", 0), Dinar = Asset.Of("KWD", 3);

    [Theory]
    [InlineData(1234, "USD", 2, "12.34 USD")]
    [InlineData(-5, "USD", 2, "-0.05 USD")]
    [InlineData(0, "USD", 2, "0.00 USD")]
    [InlineData(100, "JPY", 0, "100 JPY")]
    [InlineData(1, "ETH", 18, "0.000000000000000001 ETH")]
    [InlineData(-1_000, "KWD", 3, "-1.000 KWD")]
    public void An_amount_is_written_with_all_its_decimals(long minor, string code, byte scale, string text) =>
        new Amount(minor, Asset.Of(code, scale)).ToString().Should().Be(text);

    [Fact]
    public void The_extreme_amounts_are_written_whole()
    {
        new Amount(Int128.MinValue, Yen).ToString().Should().Be("-170141183460469231731687303715884105728 JPY");
        new Amount(Int128.MaxValue, Asset.Of("ETH", 18)).ToString()
            .Should().Be("170141183460469231731.687303715884105727 ETH");
    }

    [Fact]
    public void An_amount_reads_back_what_it_wrote() =>
        Numbers.Holds(
            from minor in Numbers.Wide
            from asset in Numbers.AnyAsset
            select new Amount(minor, asset),
            amount =>
            {
                var text = Written(amount);
                Amount.TryParseCanonical(text, amount.Asset.Code, out var back).Should().BeTrue();
                back.Should().Be(amount);
                StatedAmount.TryParse(text, amount.Asset.Code, out var stated).Should().Be(NumberText.Read);
                stated.TryResolve(amount.Asset, out var resolved, out _).Should().BeTrue();
                resolved.Should().Be(amount);
                amount.TryFormat(new byte[text.Length - 1], out _).Should().BeFalse();
            });

    [Fact]
    public void The_text_is_the_number_that_it_says() =>
        Numbers.Holds(
            from minor in Numbers.Wide
            from asset in Numbers.AnyAsset
            select new Amount(minor, asset),
            amount =>
            {
                var text = Encoding.ASCII.GetString(Written(amount));
                BigInteger.Parse(text.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture)
                    .Should().Be(Numbers.Big(amount.Minor));
                (text.Length - 1 - text.IndexOf('.', StringComparison.Ordinal)).Should()
                    .Be(amount.Asset.Scale == 0 ? text.Length : amount.Asset.Scale);
            });

    [Theory]
    [InlineData("12.34", NumberText.Read)]
    [InlineData("-0", NumberText.Read)]
    [InlineData("0.000000000000000000", NumberText.Read)]
    [InlineData("170141183460469231731687303715884105727", NumberText.Read)]
    [InlineData("-170141183460469231731687303715884105728", NumberText.Read)]
    [InlineData("170141183460469231731687303715884105728", NumberText.TooManyDigits)]
    [InlineData("999999999999999999999999999999999999999", NumberText.TooManyDigits)]
    [InlineData("1000000000000000000000000000000000000000", NumberText.TooManyDigits)]
    [InlineData("0.0000000000000000001", NumberText.TooManyDigits)]
    [InlineData("", NumberText.Malformed)]
    [InlineData("-", NumberText.Malformed)]
    [InlineData(".5", NumberText.Malformed)]
    [InlineData("5.", NumberText.Malformed)]
    [InlineData("05", NumberText.Malformed)]
    [InlineData("+5", NumberText.Malformed)]
    [InlineData("1e3", NumberText.Malformed)]
    [InlineData("1,000", NumberText.Malformed)]
    [InlineData("1.2.3", NumberText.Malformed)]
    [InlineData("--1", NumberText.Malformed)]
    [InlineData(" 1", NumberText.Malformed)]
    [InlineData("٣", NumberText.Malformed)]
    [InlineData("1000000000000000000000000000000000000000x", NumberText.Malformed)]
    public void A_stated_amount_is_one_notation_only(string text, NumberText expected) =>
        StatedAmount.TryParse(Encoding.UTF8.GetBytes(text), Dollar.Code, out _).Should().Be(expected);

    [Theory]
    [InlineData("12", 12_00L, false)]
    [InlineData("12.3", 12_30L, false)]
    [InlineData("12.34", 12_34L, false)]
    [InlineData("12.340", null, true)]
    [InlineData("170141183460469231731687303715884105727", null, false)]
    public void A_stated_amount_has_at_most_the_decimals_of_its_asset(string text, long? minor, bool tooManyDecimals)
    {
        StatedAmount.TryParse(Encoding.UTF8.GetBytes(text), Dollar.Code, out var stated).Should().Be(NumberText.Read);
        stated.TryResolve(Dollar, out var amount, out var tooMany).Should().Be(minor is not null);
        tooMany.Should().Be(tooManyDecimals);
        if (minor is not null) amount.Should().Be(new Amount(minor.Value, Dollar));
    }

    [Theory]
    [InlineData("-0.00")]
    [InlineData("-0")]
    [InlineData("1.")]
    [InlineData("")]
    public void Text_that_no_amount_writes_is_not_canonical(string text) =>
        Amount.TryParseCanonical(Encoding.ASCII.GetBytes(text), Dollar.Code, out _).Should().BeFalse();

    [Fact]
    public void Amounts_of_two_assets_do_not_meet()
    {
        var (dollars, yen) = (new Amount(1, Dollar), new Amount(1, Yen));
        FluentActions.Invoking(() => dollars + yen).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => dollars < yen).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => dollars - new Amount(1, Asset.Of("USD", 3)))
            .Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Arithmetic_is_checked()
    {
        var (most, least) = (new Amount(Int128.MaxValue, Dollar), new Amount(Int128.MinValue, Dollar));
        FluentActions.Invoking(() => most + new Amount(1, Dollar)).Should().Throw<OverflowException>();
        FluentActions.Invoking(() => least - new Amount(1, Dollar)).Should().Throw<OverflowException>();
        FluentActions.Invoking(() => -least).Should().Throw<OverflowException>();
        FluentActions.Invoking(() => most * 2).Should().Throw<OverflowException>();
        most.TryAdd(new Amount(1, Dollar), out _).Should().BeFalse();
        least.TrySubtract(new Amount(1, Dollar), out _).Should().BeFalse();
    }

    [Fact]
    public void Splitting_loses_nothing_and_no_share_exceeds_another_by_more_than_one() =>
        Numbers.Holds(
            from minor in Numbers.Wide
            from shares in Gen.Choose(1, 50)
            select (minor, shares),
            given =>
            {
                var parts = new Amount(given.minor, Dollar).Split(given.shares);
                parts.Should().HaveCount(given.shares);
                parts.Aggregate((one, other) => one + other).Minor.Should().Be(given.minor);
                (parts.Max(part => part.Minor) - parts.Min(part => part.Minor)).Should().BeLessThanOrEqualTo(1);
                parts[0].Minor.Should().Be(WideMath.Divide(given.minor, given.shares, Rounding.AwayFromZero));
            });

    [Fact]
    public void Allocating_loses_nothing_and_stays_within_one_of_the_exact_share() =>
        Numbers.Holds(
            from minor in Numbers.Wide
            from weights in Gen.Choose(0, 1_000_000).NonEmptyListOf()
            where weights.Any(weight => weight > 0)
            select (minor, weights),
            given =>
            {
                var weights = given.weights.Select(weight => (Int128)weight).ToArray();
                var total = new BigInteger(given.weights.Sum(weight => (long)weight));
                var parts = new Amount(given.minor, Dinar).Allocate(weights);
                parts.Aggregate((one, other) => one + other).Minor.Should().Be(given.minor);
                for (var at = 0; at < weights.Length; at++)
                {
                    var exact = Numbers.Big(given.minor) * Numbers.Big(weights[at]);
                    BigInteger.Abs(Numbers.Big(parts[at].Minor) * total - exact).Should().BeLessThan(total);
                    if (weights[at] == 0) parts[at].IsZero.Should().BeTrue();
                }
            });

    [Theory]
    [InlineData(100, new[] { 1, 1, 1 }, new[] { 34, 33, 33 })]
    [InlineData(101, new[] { 1, 1, 1 }, new[] { 34, 34, 33 })]
    [InlineData(-100, new[] { 1, 1, 1 }, new[] { -34, -33, -33 })]
    [InlineData(10, new[] { 33, 33, 34 }, new[] { 3, 3, 4 })]
    [InlineData(1, new[] { 0, 1, 1 }, new[] { 0, 1, 0 })]
    [InlineData(0, new[] { 5, 0 }, new[] { 0, 0 })]
    public void The_largest_remainder_is_served_first_and_the_first_among_equals(
        int minor, int[] weights, int[] expected) =>
        new Amount(minor, Dollar).Allocate(weights.Select(weight => (Int128)weight).ToArray())
            .Select(part => (int)part.Minor).Should().Equal(expected);

    [Theory]
    [InlineData(new int[0])]
    [InlineData(new[] { 0, 0 })]
    [InlineData(new[] { 1, -1 })]
    public void Weights_that_divide_nothing_are_a_fault_of_the_caller(int[] weights) =>
        FluentActions.Invoking(() =>
                new Amount(1, Dollar).Allocate(weights.Select(weight => (Int128)weight).ToArray()))
            .Should().Throw<ArgumentException>();

    private static byte[] Written(Amount amount)
    {
        var utf8 = new byte[Amount.MaxTextLength];
        amount.TryFormat(utf8, out var written).Should().BeTrue();
        return utf8[..written];
    }
}
