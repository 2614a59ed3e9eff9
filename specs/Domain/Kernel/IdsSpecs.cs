using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using BankingEngine.Domain.Kernel;
using FsCheck.Fluent;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed partial class IdsSpecs
{
    private const string SomeUuid = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

    [Fact]
    public void An_asset_code_is_taken_exactly_if_it_has_the_form() =>
        Numbers.Holds(Numbers.Text("AZB09.-_a", 16), text =>
            RoundTrips<AssetCode>(text).Should().Be(AssetForm().IsMatch(text)));

    [Fact]
    public void An_account_name_is_taken_exactly_if_it_has_the_form() =>
        Numbers.Holds(Numbers.Text("abcxyz0189.-_:A", 40), text =>
            RoundTrips<AccountId>(text).Should().Be(text.Length <= 40 && AccountForm().IsMatch(text)));

    [Fact]
    public void Names_are_ordered_as_their_bytes_are() =>
        Numbers.Holds(Numbers.Text("abz0", 40).Where(text => text.Length is > 0 and <= 40).Two(), pair =>
        {
            var (one, other) = (AccountId.Parse(pair.Item1), AccountId.Parse(pair.Item2));
            var expected = Math.Sign(string.CompareOrdinal(pair.Item1, pair.Item2));
            Math.Sign(one.CompareTo(other)).Should().Be(expected);
            (one == other).Should().Be(expected == 0);
            (one < other).Should().Be(expected < 0);
        });

    [Fact]
    public void Codes_are_ordered_as_their_bytes_are() =>
        Numbers.Holds(Numbers.Text("ABZ0", 16).Where(text => text.Length is > 0 and <= 16).Two(), pair =>
            Math.Sign(AssetCode.Parse(pair.Item1).CompareTo(AssetCode.Parse(pair.Item2)))
                .Should().Be(Math.Sign(string.CompareOrdinal(pair.Item1, pair.Item2))));

    [Theory]
    [InlineData("cash:till-1", true)]
    [InlineData("a", true)]
    [InlineData("a.b_c-d:e", true)]
    [InlineData("", false)]
    [InlineData("a..b", false)]
    [InlineData("a:-b", false)]
    [InlineData(":a", false)]
    [InlineData("a:", false)]
    [InlineData("Cash", false)]
    [InlineData("cäsh", false)]
    [InlineData("0123456789012345678901234567890123456789", true)]
    [InlineData("01234567890123456789012345678901234567890", false)]
    public void An_account_name_is_checked_at_its_edges(string text, bool taken) =>
        AccountId.TryParse(text, out _).Should().Be(taken);

    [Fact]
    public void The_default_names_nothing()
    {
        default(AssetCode).IsNone.Should().BeTrue();
        default(AccountId).IsNone.Should().BeTrue();
        default(AssetCode).Length.Should().Be(0);
        default(AccountId).Length.Should().Be(0);
        AssetCode.Parse("USD").IsNone.Should().BeFalse();
    }

    [Fact]
    public void Values_for_rows_have_no_padding()
    {
        Unsafe.SizeOf<AssetCode>().Should().Be(16);
        Unsafe.SizeOf<AccountId>().Should().Be(40);
        Unsafe.SizeOf<TransferId>().Should().Be(16);
        Unsafe.SizeOf<CommandId>().Should().Be(16);
        Unsafe.SizeOf<Instant>().Should().Be(8);
        Unsafe.SizeOf<BusinessDate>().Should().Be(4);
        Unsafe.SizeOf<Asset>().Should().Be(32);
        Unsafe.SizeOf<Amount>().Should().Be(48);
        Unsafe.SizeOf<Rate>().Should().Be(16);
    }

    [Fact]
    public void An_id_reads_back_what_it_wrote_and_agrees_with_the_platform() =>
        Numbers.Holds(Numbers.Wide, number =>
        {
            var id = new TransferId(unchecked((UInt128)number));
            TransferId.Parse(id.ToString()).Should().Be(id);
            TransferId.Parse(id.ToString().ToUpperInvariant()).Should().Be(id);
            Guid.Parse(id.ToString()).ToString().Should().Be(id.ToString());
            CommandId.Parse(id.ToString()).Value.Should().Be(id.Value);
        });

    // The example of RFC 9562, appendix A.6.
    [Fact]
    public void A_version_7_id_tells_its_time()
    {
        CommandId.Parse(SomeUuid).Version.Should().Be(7);
        CommandId.Parse(SomeUuid).UnixMilliseconds.Should().Be(1_645_557_742_000);
        CommandId.Parse("919108f7-52d1-4320-9bac-f847db4148a8").Version.Should().Be(4);
        CommandId.Parse("919108f7-52d1-4320-9bac-f847db4148a8").UnixMilliseconds.Should().Be(-1);
    }

    [Theory]
    [InlineData("{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}")]
    [InlineData("017f22e279b07cc398c4dc0c0c07398f")]
    [InlineData("017f22e2-79b0-7cc3-98c4-dc0c0c07398g")]
    [InlineData("017f22e2-79b0-7cc3-98c4-dc0c0c07398")]
    [InlineData("017f22e2-79b0-7cc3-98c4_dc0c0c07398f")]
    [InlineData("")]
    public void Other_notations_of_an_id_are_refused(string text) => CommandId.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void An_id_made_from_a_position_gives_it_back_to_its_own_book_only() =>
        Numbers.Holds(
            from book in Numbers.Wide
            from position in Numbers.Wide
            select (Book: unchecked((ulong)book), Position: (long)(unchecked((ulong)position) >> 1)),
            given =>
            {
                var position = Math.Max(given.Position, 1);
                var id = TransferId.FromPosition(given.Book, position);
                id.TryGetPosition(given.Book, out var found).Should().BeTrue();
                found.Should().Be(position);
                id.TryGetPosition(given.Book ^ 1UL << 40, out _).Should().BeFalse();
                id.Version.Should().Be(8);
            });

    [Fact]
    public void An_id_of_a_caller_has_no_position() =>
        TransferId.Parse(SomeUuid).TryGetPosition(0x017f22e279b0_0000, out _).Should().BeFalse();

    private static bool RoundTrips<TValue>(string text) where TValue : unmanaged, IUtf8Text<TValue>
    {
        var taken = TValue.TryParse(Encoding.UTF8.GetBytes(text), out var value);
        Utf8Text.TryParse<TValue>(text, out var same).Should().Be(taken);
        same.Should().Be(value);
        if (!taken) return false;
        value.ToString().Should().Be(text);
        value.TryFormat(new byte[text.Length - 1], out _).Should().BeFalse();
        value.TryFormat(new byte[text.Length], out var written).Should().BeTrue();
        written.Should().Be(text.Length);
        return true;
    }

    [GeneratedRegex("^[A-Z0-9][A-Z0-9._-]{0,15}\\z")]
    private static partial Regex AssetForm();

    [GeneratedRegex("^[a-z0-9]+([._:-][a-z0-9]+)*\\z")]
    private static partial Regex AccountForm();
}
