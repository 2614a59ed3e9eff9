using BankingEngine.Host.Journals;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class JournalAddressSpecs
{
    [Theory]
    [InlineData(null, JournalKind.File, "")]
    [InlineData("", JournalKind.File, "")]
    [InlineData("file:bank-data/main", JournalKind.File, "bank-data/main")]
    [InlineData("postgres:Host=db;Database=bank", JournalKind.Postgres, "Host=db;Database=bank")]
    [InlineData("esdb://db:2113", JournalKind.EventStore, "esdb://db:2113")]
    [InlineData("esdb+discover://db?tls=false", JournalKind.EventStore, "esdb+discover://db?tls=false")]
    [InlineData("kurrentdb://a,b", JournalKind.EventStore, "kurrentdb://a,b")]
    public void An_address_says_which_store(string? text, JournalKind kind, string rest) =>
        JournalAddress.Parse(text).Should().Be(new JournalAddress(kind, rest));

    [Theory]
    [InlineData("file:")]
    [InlineData("postgres:")]
    [InlineData("postgresql://secret@db")]
    [InlineData("bank-data/main")]
    public void What_is_no_address_is_refused_without_repeating_it(string text) =>
        FluentActions.Invoking(() => JournalAddress.Parse(text)).Should().Throw<FormatException>()
            .Which.Message.Should().NotContain("secret");

    [Fact]
    public void An_address_is_shown_without_its_password() =>
        JournalAddress.Parse("postgres:Host=db;Password=secret").ToString().Should().NotContain("secret");

    [Theory]
    [InlineData("Host=db", GssEncryptionMode.Disable)]
    [InlineData("Host=db;GSS Encryption Mode=Prefer", GssEncryptionMode.Prefer)]
    public void Kerberos_encrypts_a_session_only_where_the_address_asks_for_it(string address, GssEncryptionMode mode)
    {
        var completed = new NpgsqlConnectionStringBuilder(address);
        AddressDefaults.Complete(completed);
        completed.GssEncryptionMode.Should().Be(mode);
    }
}
