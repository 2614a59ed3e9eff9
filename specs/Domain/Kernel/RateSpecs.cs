using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class RateSpecs
{
    private static readonly Asset Dollar = Asset.Of("USD", 2), Yen = Asset.Of("JPY", 0), Ether = Asset.Of("ETH", 18);

    [Theory]
    [InlineData("0", "0")]
    [InlineData("1.50", "1.5")]
    [InlineData("0.0325", "0.0325")]
    [InlineData("-2", "-2")]
    [InlineData("100", "100")]
    [InlineData("0.000000000000000001", "0.000000000000000001")]
    public void A_rate_is_written_in_its_shortest_form(string text, string shortest) =>
        Rate.Parse(text).ToString().Should().Be(shortest);

    [Theory]
    [InlineData("0.0000000000000000001")]
    [InlineData("170141183460469231732")]
    [InlineData("1 %")]
    public void A_rate_that_cannot_be_kept_exactly_is_refused(string text) =>
        Rate.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void A_rate_reads_back_what_it_wrote() =>
        Numbers.Holds(Numbers.Wide, parts => Rate.Parse(new Rate(parts).ToString()).Should().Be(new Rate(parts)));

    [Fact]
    public void Percentages_are_stated_in_whole_parts()
    {
        Rate.PartsPerMillion(32_500).Should().Be(Rate.Parse("0.0325"));
        Rate.BasisPoints(325).Should().Be(Rate.Parse("0.0325"));
        Rate.Ratio(13, 400, Rounding.Floor).Should().Be(Rate.Parse("0.0325"));
    }

    [Theory]
    [InlineData(100_00, "151.235", Rounding.HalfEven, 15_124)]
    [InlineData(100_00, "151.235", Rounding.Floor, 15_123)]
    [InlineData(-100_00, "151.235", Rounding.Floor, -15_124)]
    [InlineData(1, "151.235", Rounding.TowardZero, 1)]
    public void A_price_turns_whole_units_into_whole_units(long cents, string price, Rounding rounding, long yen) =>
        Rate.Parse(price).Apply(new Amount(cents, Dollar), Yen, rounding).Should().Be(new Amount(yen, Yen));

    [Fact]
    public void A_price_bridges_any_two_scales()
    {
        var ether = new Amount(2_500_000_000_000_000_001, Ether);
        Rate.Parse("3000.5").Apply(ether, Dollar, Rounding.Floor).Should().Be(new Amount(7_501_25, Dollar));
        Rate.Parse("0.000333").Apply(new Amount(1_00, Dollar), Ether, Rounding.Floor)
            .Should().Be(new Amount(333_000_000_000_000, Ether));
    }

    [Fact]
    public void A_price_applied_rounds_once_the_exact_product() =>
        Numbers.Holds(
            from minor in Numbers.Wide
            from parts in Numbers.Wide
            from source in Numbers.AnyAsset
            from target in Numbers.AnyAsset
            select (Amount: new Amount(minor, source), Rate: new Rate(parts), target),
            given =>
            {
                var fits = given.Rate.TryApply(given.Amount, given.target, Rounding.Floor, out var result);
                if (!fits) return;
                var exact = Numbers.Big(given.Amount.Minor) * Numbers.Big(given.Rate.Parts)
                    * Numbers.Big(given.target.MinorPerUnit);
                var unit = Numbers.Big(given.Amount.Asset.MinorPerUnit) * Numbers.Big(Rate.One.Parts);
                (exact - Numbers.Big(result.Minor) * unit).Should().BeInRange(0, unit - 1);
            });

    [Fact]
    public void An_amount_too_large_to_price_is_told_not_thrown()
    {
        var most = new Amount(Int128.MaxValue, Dollar);
        Rate.Parse("2").TryApply(most, Dollar, Rounding.Floor, out _).Should().BeFalse();
        FluentActions.Invoking(() => Rate.Parse("2").Of(most, Rounding.Floor)).Should().Throw<OverflowException>();
    }

    [Fact]
    public void The_inverse_prices_the_other_way()
    {
        Rate.Parse("4").Inverse(Rounding.Floor).Should().Be(Rate.Parse("0.25"));
        Rate.Parse("3").Inverse(Rounding.Ceiling).Should().Be(Rate.Parse("0.333333333333333334"));
        FluentActions.Invoking(() => Rate.Zero.Inverse(Rounding.Floor)).Should().Throw<DivideByZeroException>();
    }

    // 10,000.00 at 3.25 % for 31 of 365 days is 27.6027...
    [Theory]
    [InlineData(Rounding.Floor, 27_60)]
    [InlineData(Rounding.Ceiling, 27_61)]
    public void Interest_is_rounded_once(Rounding rounding, long cents) =>
        Rate.Parse("0.0325").Accrue(new Amount(10_000_00, Dollar), new DayFraction(31, 365), rounding)
            .Should().Be(new Amount(cents, Dollar));
}
