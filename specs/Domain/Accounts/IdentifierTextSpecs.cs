using BankingEngine.Domain.Accounts;
using BankingEngine.Host.Api;
using FsCheck;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>The texts of identifiers: what is taken, in which one form, and what is not.</summary>
public sealed class IdentifierTextSpecs
{
    [Theory]
    [InlineData("DE89370400440532013000")]
    [InlineData("GB29NWBK60161331926819")]
    [InlineData("NL91ABNA0417164300")]
    [InlineData("FR1420041010050500013M02606")]
    [InlineData("MT84MALT011000012345MTLCAST001S")]
    [InlineData("NO9386011117947")]
    public void An_iban_of_a_known_country_is_taken_as_it_stands_and_as_it_is_printed(string iban)
    {
        Read(IdentifierKind.Iban, iban).Should().Be(iban);
        Read(IdentifierKind.VirtualIban, string.Join(' ', iban.Chunk(4).Select(c => new string(c)))).Should().Be(iban);
    }

    [Theory]
    [InlineData(""), InlineData("DE"), InlineData("DE89"), InlineData("DE8937040044053201300"), InlineData("DE893704004405320130000")]
    [InlineData("DE88370400440532013000"), InlineData("DE98370400440532013000"), InlineData("de89370400440532013000")]
    [InlineData("XX89370400440532013000"), InlineData("DE8937040044053201300O"), InlineData("DE89 37040044053201 3000")]
    [InlineData("DE89 3704 0044 0532 0130 00 "), InlineData(" DE89370400440532013000"), InlineData("DE89-3704-0044-0532-0130-00")]
    [InlineData("DEA9370400440532013000"), InlineData("DE89370400440532013000DE89370400440532013000")]
    public void Anything_else_is_no_iban(string text) => Read(IdentifierKind.Iban, text).Should().BeNull();

    /// <summary>97 more or less leave the same remainder: only one of the three is what the standard computes.</summary>
    [Fact]
    public void Check_digits_have_one_form()
    {
        for (var serial = 0; serial < 2_000; serial++)
        {
            var iban = Iban.Make("DE", $"5001051700000{serial:D5}");
            var taken = Enumerable.Range(0, 100).Count(check => Iban.TryRead($"DE{check:D2}{iban[4..]}", out _));
            taken.Should().Be(1, iban);
        }
    }

    [Fact]
    public void What_is_made_is_read_and_no_digit_of_it_can_be_changed() =>
        Prop.ForAll<NonNegativeInt, byte, byte>((serial, at, to) =>
        {
            var iban = Iban.Make("AT", $"19043{serial.Get:D11}");
            var position = 2 + at % 18;
            var changed = iban[..position] + (char)('0' + to % 10) + iban[(position + 1)..];
            return Iban.TryRead(iban, out var read) && read == iban && (changed == iban || !Iban.TryRead(changed, out _));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void No_text_makes_a_reader_fail_and_what_is_read_reads_the_same_again() =>
        Prop.ForAll<string?>(ReadsTheSameAgain).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    private static bool ReadsTheSameAgain(string? text)
    {
        foreach (var kind in Enum.GetValues<IdentifierKind>())
        {
            foreach (var tried in new[] { text ?? "", $"bitcoin:{text}", $"evm:{text}", $"a:{text}", $"DE{text}", $"bitcoin:bc1{text}" })
            {
                if (Read(kind, tried) is { } read && Read(kind, read) != read) return false;
            }
        }
        return true;
    }

    [Fact]
    public void No_valid_text_with_a_broken_letter_is_taken_as_another_address()
    {
        var random = new System.Random(7);
        foreach (var good in new[] { "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq" })
        {
            for (var i = 0; i < 5_000; i++)
            {
                var letters = good.ToCharArray();
                letters[random.Next(good.Length)] = (char)random.Next(' ', '~');
                var broken = new string(letters);
                if (broken != good) Read(IdentifierKind.ChainAddress, "bitcoin:" + broken).Should().BeNull(broken);
            }
        }
    }

    [Theory]
    [InlineData("bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")]
    [InlineData("bitcoin:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy")]
    [InlineData("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")]
    [InlineData("bitcoin:tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7")]
    [InlineData("bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0")]
    [InlineData("bitcoin:bc1sw50qgdz25j")]
    [InlineData("evm:0xbbbbbbbbbbbbbbbbbbbbbbbb5530ea015b900000")]
    [InlineData("vaulta:alice.acme")]
    public void An_address_is_taken_in_its_one_form(string address) => Read(IdentifierKind.ChainAddress, address).Should().Be(address);

    [Fact]
    public void A_witness_address_in_capitals_is_the_same_address() =>
        Read(IdentifierKind.ChainAddress, "bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4").Should()
            .Be("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");

    /// <summary>The refused ones of BIP 173 and BIP 350, and others.</summary>
    [Theory]
    [InlineData("bitcoin:tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty"), InlineData("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")]
    [InlineData("bitcoin:BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2"), InlineData("bitcoin:bc1rw5uspcuh")]
    [InlineData("bitcoin:bc1pw5dgrnzv"), InlineData("bitcoin:bc1gmk9yu"), InlineData("bitcoin:BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P")]
    [InlineData("bitcoin:tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7")]
    [InlineData("bitcoin:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd")]
    [InlineData("bitcoin:bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0")]
    [InlineData("bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3"), InlineData("bitcoin:11BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")]
    [InlineData("bitcoin:"), InlineData("bitcoin:1"), InlineData("bitcoin"), InlineData(":abc"), InlineData("evm:0xABCDEF")]
    [InlineData("evm:0xBBBBbbbbbbbbbbbbbbbbbbbb5530ea015b900000"), InlineData("evm:bbbbbbbbbbbbbbbbbbbbbbbb5530ea015b900000")]
    [InlineData("Vaulta:alice"), InlineData("vaulta:alice..acme"), InlineData("vaulta:.alice"), InlineData("vaulta:ali ce")]
    public void A_malformed_address_is_not(string address) => Read(IdentifierKind.ChainAddress, address).Should().BeNull();

    [Theory]
    [InlineData("ada", true), InlineData("ada.l+b@example-1_x", true), InlineData("Ada", false), InlineData("", false)]
    [InlineData("ada b", false), InlineData("ädä", false)]
    [InlineData("a123456789a123456789a123456789a123456789a123456789a123456789a123", true)]
    [InlineData("a123456789a123456789a123456789a123456789a123456789a123456789a1234", false)]
    public void An_alias_is_small_letters(string alias, bool taken) => (Read(IdentifierKind.Alias, alias) == alias).Should().Be(taken);

    [Theory]
    [InlineData("tok_1234", true), InlineData("tok_123", false), InlineData("4111111111111111", false)]
    [InlineData("4111-1111-1111-1111", false), InlineData("411111111111", false), InlineData("41111111111", true)]
    [InlineData("a4111111111111111", true), InlineData("tok 1234", false)]
    public void A_card_token_is_never_a_cards_number(string token, bool taken) =>
        (Read(IdentifierKind.CardToken, token) == token).Should().Be(taken);

    [Theory]
    [InlineData("""{"country":"DE","bank":"50010517","account_digits":10}""", true)]
    [InlineData("""{"bank":"NWBK601613","account_digits":8,"country":"GB"}""", true)]
    [InlineData("""{"country":"DE","bank":"5001051","account_digits":10}""", false)]
    [InlineData("""{"country":"DE","bank":"50010517","account_digits":11}""", false)]
    [InlineData("""{"country":"DE","bank":"50010517","account_digits":"10"}""", false)]
    [InlineData("""{"country":"DE","bank":"50010517","account_digits":10.5}""", false)]
    [InlineData("""{"country":"DE","bank":"50010517","account_digits":10,"more":1}""", false)]
    [InlineData("""{"country":"DE","country":"DE","bank":"50010517","account_digits":10}""", false)]
    [InlineData("""{"country":"XX","bank":"50010517","account_digits":10}""", false)]
    [InlineData("""{"country":"DE","bank":"5001051-","account_digits":10}""", false)]
    [InlineData("""{"country":null,"bank":"50010517","account_digits":10}""", false)]
    [InlineData("""{"country":"DE","bank":"50010517"}""", false)]
    [InlineData("""["DE","50010517",10]""", false), InlineData("DE 50010517 10", false), InlineData("", false)]
    public void A_range_is_read_strictly(string document, bool read) => (IbanRange.Parse(document) is not null).Should().Be(read);

    [Fact]
    public void A_range_has_its_own_numbers_only()
    {
        var range = IbanRange.Parse("""{"country":"DE","bank":"37040044","account_digits":10}""")!;
        range.Has("DE89370400440532013000").Should().BeTrue();
        range.Has(Iban.Make("DE", "500105170532013000")).Should().BeFalse();
        range.Has("GB29NWBK60161331926819").Should().BeFalse();
        range.Issue("0532013000").Should().Be("DE89370400440532013000");
    }

    private static string? Read(IdentifierKind kind, string text) =>
        IdentifierTexts.Read(kind, text, out var plain) is null ? plain : null;
}
