using System.Text;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>What may stand in signed bytes.</summary>
public sealed class SignedBytesSpecs
{
    [Fact]
    public void A_command_is_read_as_it_was_signed()
    {
        var command = Good(Samples.Command("""["alice@active","bob@owner"]"""));
        command.Head.As.Should().Equal(Level.Parse("alice@active"), Level.Parse("bob@owner"));
        command.Head.Book.Should().Be(Samples.Book);
        command.Head.Expires.Should().Be(Instant.Parse(Samples.Expires));
        command.Id.Should().Be(CommandId.Parse(Samples.Id));
        command.IsChain.Should().BeFalse();
        command.Links.Should().ContainSingle().Which.Command.Should().Be("transfer.make");
        Encoding.UTF8.GetString(command.Links[0].Fields.Span).Should().Be(Samples.Fields);
    }

    [Fact]
    public void A_chain_is_read_link_by_link()
    {
        var command = Good(Samples.Chain());
        command.IsChain.Should().BeTrue();
        command.Links.Select(link => Encoding.UTF8.GetString(link.Fields.Span)).Should().Equal(Samples.Fields, "{}");
    }

    [Fact]
    public void The_fingerprint_is_the_first_half_of_the_hash() =>
        SignedCommand.PrintOf("abc"u8).Should().Be(UInt128.Parse(
            "ba7816bf8f01cfea414140de5dae2223", System.Globalization.NumberStyles.HexNumber, null));

    [Theory]
    [InlineData("[]", SigningFault.LevelsMalformed)]
    [InlineData("\"alice@active\"", SigningFault.LevelsMalformed)]
    [InlineData("[1]", SigningFault.LevelsMalformed)]
    [InlineData("""["alice"]""", SigningFault.LevelsMalformed)]
    [InlineData("""["Alice@active"]""", SigningFault.LevelsMalformed)]
    [InlineData("""["alice@active","alice@active"]""", SigningFault.LevelsMalformed)]
    [InlineData("""["alice@active","alice@owner"]""", SigningFault.LevelsMalformed)]
    [InlineData("""["bob@active","alice@active"]""", SigningFault.LevelsMalformed)]
    [InlineData("""["alice-b@active","alice@active"]""", SigningFault.None)]
    [InlineData("""["alice@active",{}]""", SigningFault.LevelsMalformed)]
    public void Permissions_are_sorted_and_one_an_account(string levels, SigningFault fault) =>
        Fault(Samples.Command(@as: levels)).Should().Be(fault);

    [Theory]
    [InlineData(16, SigningFault.None)]
    [InlineData(17, SigningFault.LevelsMalformed)]
    public void So_many_permissions_and_no_more(int count, SigningFault fault) => Fault(Samples.Command(
        @as: $"[{string.Join(",", Enumerable.Range(0, count).Select(i => $"\"a{i:d2}@active\""))}]")).Should().Be(fault);

    [Theory]
    [InlineData("\"019A0000-0000-7000-8000-000000000001\"", SigningFault.IdMalformed)]
    [InlineData("\"019a0000-0000-4000-8000-000000000001\"", SigningFault.IdMalformed)]
    [InlineData("\"my-own\"", SigningFault.IdMalformed)]
    [InlineData("7", SigningFault.SignedMalformed)]
    public void An_id_is_a_time_ordered_uuid(string id, SigningFault fault) =>
        Fault(Samples.Command(id: id)).Should().Be(fault);

    [Theory]
    [InlineData("\"2026-11-21T10:00:00Z\"")]
    [InlineData("\"2026-11-21\"")]
    [InlineData("0")]
    public void An_expiry_is_written_with_six_digits(string expires) =>
        Fault(Samples.Command(expires: expires)).Should().Be(SigningFault.SignedMalformed);

    [Theory]
    [InlineData("\"01\"")]
    [InlineData("\"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF\"")]
    public void A_book_is_64_figures(string book) =>
        Fault(Samples.Command(book: book)).Should().Be(SigningFault.SignedMalformed);

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"command":"transfer.make"}]""")]
    [InlineData("""[{"command":"transfer.make","fields":[]}]""")]
    [InlineData("""[{"command":"transfer.make","fields":{},"id":"x"}]""")]
    [InlineData("""[{"command":"transfer.make","fields":{}},1]""")]
    public void A_chain_has_links_of_command_and_fields(string chain) =>
        Fault(Samples.Chain(chain)).Should().Be(SigningFault.SignedMalformed);

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("""{"as":["alice@active"]}""")]
    public void Something_else_is_refused(string json) => Fault(json).Should().NotBe(SigningFault.None);

    [Fact]
    public void Another_member_is_refused_wherever_it_stands()
    {
        foreach (var name in new[] { "a", "asset", "cause", "d", "expiry", "g", "note", "zero" })
        {
            var members = System.Text.Json.Nodes.JsonNode.Parse(Samples.Command())!.AsObject();
            members[name] = 1;
            Fault(Encoding.UTF8.GetString(CanonicalJson.Write(members))).Should().NotBe(SigningFault.None, name);
        }
    }

    [Fact]
    public void Bytes_that_are_not_canonical_are_refused_before_they_are_read() =>
        Fault(Samples.Command() + " ").Should().Be(SigningFault.NotCanonical);

    [Fact]
    public void A_question_names_one_permission_and_one_address()
    {
        string Asked(string levels) =>
            $$"""{"as":{{levels}},"book":"{{Samples.Book}}","expires":"{{Samples.Expires}}","read":"/v1/accounts/alice"}""";
        var bytes = Encoding.UTF8.GetBytes(Asked("""["alice@active"]"""));
        SignedRead.TryRead(bytes, out var read).IsNone.Should().BeTrue();
        read.Read.Should().Be("/v1/accounts/alice");
        SignedRead.TryRead(Encoding.UTF8.GetBytes(Asked("""["alice@active","bob@active"]""")), out _).Fault.Should()
            .Be(SigningFault.LevelsMalformed);
    }

    private static SigningFault Fault(string json) => SignedCommand.TryRead(Encoding.UTF8.GetBytes(json), out _).Fault;

    private static SignedCommand Good(string json)
    {
        SignedCommand.TryRead(Encoding.UTF8.GetBytes(json), out var command).IsNone.Should().BeTrue();
        return command;
    }
}
