using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class Iso4217Specs
{
    [Theory]
    [InlineData("USD", 840, 2)]
    [InlineData("EUR", 978, 2)]
    [InlineData("JPY", 392, 0)]
    [InlineData("KWD", 414, 3)]
    [InlineData("BHD", 48, 3)]
    [InlineData("CLF", 990, 4)]
    [InlineData("UYW", 927, 4)]
    [InlineData("XOF", 952, 0)]
    [InlineData("XCG", 532, 2)]
    [InlineData("XAD", 396, 2)]
    [InlineData("ZWG", 924, 2)]
    [InlineData("AED", 784, 2)]
    public void A_currency_is_found_by_either_code(string code, int numeric, byte scale)
    {
        Iso4217.TryGet(AssetCode.Parse(code), out var byCode).Should().BeTrue();
        Iso4217.TryGet(numeric, out var byNumber).Should().BeTrue();
        byCode.Should().Be(Asset.Of(code, scale));
        byNumber.Should().Be(byCode);
    }

    [Theory]
    [InlineData("XAU")]
    [InlineData("XDR")]
    [InlineData("XXX")]
    [InlineData("BGN")]
    [InlineData("HRK")]
    [InlineData("ANG")]
    [InlineData("BTC")]
    public void Metals_tests_and_withdrawn_currencies_are_not_on_the_list(string code) =>
        Iso4217.TryGet(AssetCode.Parse(code), out _).Should().BeFalse();

    [Fact]
    public void The_list_is_ascending_and_no_code_stands_twice()
    {
        Iso4217.All.Select(currency => currency.Asset.Code).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        Iso4217.All.Select(currency => currency.Numeric).Should().OnlyHaveUniqueItems();
    }
}
