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

    [Theory]
    [InlineData("postgres:Hots=db;Database=x", "Key 1 is no key of a PostgreSQL connection string; 'Host' is.")]
    [InlineData("postgres:Host=db;Databse=x", "Key 2 is no key of a PostgreSQL connection string; 'Database' is.")]
    [InlineData("postgres:Host=db;Username=x;ApplicatonName=b", "Key 3 is no key of a PostgreSQL connection string; 'Application Name' is.")]
    [InlineData("postgres:Host=db;User=x;Database=x", "Key 2 is no key of a PostgreSQL connection string; 'Username' is.")]
    [InlineData("postgres:Host=db;Database=x;Colour=red", "Key 3 is no key of a PostgreSQL connection string: a value that holds a ; stands in quotes.")]
    [InlineData("postgres:Host=db;Database=x;Port=many", "'port' does not take its value")]
    [InlineData("postgres:Host=db;Database=x;Port=99999", "'port' does not take its value")]
    [InlineData("postgres:Host=db;Database=x;SSL Mode=secret", "'ssl mode' does not take its value")]
    [InlineData("postgres:Database=x", "names no Host")]
    [InlineData("postgres:Host=db", "names no Database")]
    [InlineData("postgres:Host", "key=value")]
    [InlineData("postgres:Host=db;Password=\"secret;Database=x", "key=value")]
    [InlineData("postgres://user:secret@db/bank", "no URL: write postgres:Host=…;Username=…;Database=…")]
    [InlineData("postgresql://user:secret@db/bank", "no URL: write postgres:Host=…;Username=…;Database=…")]
    [InlineData("postgres:postgresql://user:secret@db/bank", "no URL: write postgres:Host=…;Username=…;Database=…")]
    [InlineData("esdb://a?tsl=false", "number 1 behind the ? is no key; 'tls' is")]
    [InlineData("esdb://user:secret@a:x", "is no port")]
    [InlineData("mysql://user:secret@db", "A journal's address is file:")]
    public void A_typo_is_named_and_no_password_repeated(string address, string why) =>
        FluentActions.Invoking(() => JournalAddress.Parse(address).Check()).Should().Throw<FormatException>()
            .Which.Message.Should().Contain(why).And.NotContain("secret");

    [Theory]
    [InlineData("postgres:Host=a,b;Username=u;Pwd=p;Database=x;SSLMode=Require;Application Name=bank")]
    [InlineData("postgres:Server=db;User ID=u;DB=x;Timeout=3;Command Timeout=9;Maximum Pool Size=5")]
    [InlineData("esdb://user:pw@a,b?tls=true")]
    [InlineData("file:bank-data/main")]
    public void What_the_drivers_understand_is_no_typo(string address) =>
        FluentActions.Invoking(() => JournalAddress.Parse(address).Check()).Should().NotThrow();

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
