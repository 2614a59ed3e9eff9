using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Engine.Cli;

/// <summary>An address may hold a password, and after a typo any part of it may be one: none is repeated.</summary>
public sealed class AddressSecretsSpecs
{
    private const string Secret = "PW-SECRET-93";

    [Theory]
    [InlineData("esdb://admin:PW-SECRET-93")]
    [InlineData("esdb://admin:PW-SECRET-93?b@h")]
    [InlineData("esdb://admin:a?PW-SECRET-93@h")]
    [InlineData("esdb://admin:a?b=PW-SECRET-93@h")]
    [InlineData("esdb://admin:PW-SECRET-93%40h")]
    [InlineData("esdb://admin:PW-SECRET-93 x")]
    [InlineData("esdb://PW-SECRET-93 x")]
    [InlineData("esdb://a?admin:PW-SECRET-93")]
    [InlineData("esdb://a?PW-SECRET-93=1")]
    [InlineData("esdb://a?PW-SECRET-93=%")]
    [InlineData("esdb://a?defaultDeadline=PW-SECRET-93")]
    [InlineData("esdb://a?tls=PW-SECRET-93")]
    [InlineData("esdb://a?nodePreference=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b Password=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b Pasword=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Username=u Password=PW-SECRET-93;Database=b")]
    [InlineData("postgres:Host=h Password=PW-SECRET-93;Database=b")]
    [InlineData("postgres:Host=h&pwd=PW-SECRET-93;Database=b")]
    [InlineData("postgres:Host=h;Application Name=a Root Certificate=PW-SECRET-93;Database=b")]
    [InlineData("postgres:Host=h;Database=b;Password=a;PW-SECRET-93=1")]
    [InlineData("postgres:Host=h;Database=b;Encoding=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b;Timeout=PW-SECRET-93")]
    [InlineData("postgres:Host=127.0.0.1:x;Database=b;Password=PW-SECRET-93")]
    [InlineData("postgres:Host=a:99999;Database=b;Password=PW-SECRET-93")]
    [InlineData("postgres:Host=u:PW-SECRET-93;Database=b")]
    [InlineData("postgres:Host=h;Database=b;Multiplexing=true;Password=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b;Target Session Attributes=standby;Password=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b;SSL Negotiation=direct;Password=PW-SECRET-93")]
    [InlineData("postgres:Host=h;Database=b;Minimum Pool Size=9;Maximum Pool Size=3;Password=PW-SECRET-93")]
    public void A_bad_address_is_refused_as_it_is_read_and_nothing_of_it_repeated(string address) =>
        FluentActions.Invoking(() => JournalAddress.Parse(address).Check()).Should().Throw<FormatException>()
            .Which.Message.Should().NotContain(Secret).And.NotContain("\n");

    [Theory]
    [InlineData("postgres:Host=h;Database=b;Username=u;Password=a&user=c/DB=")]
    [InlineData("postgres:Host=h;Database=b;Options=-c timezone=UTC")]
    [InlineData("postgres:Host=[::1]:5432,10.0.0.2:6000,/run/postgresql;Database=b;Target Session Attributes=primary")]
    [InlineData("postgres:Host=::1;Database=b;SSL Mode=VerifyFull;SSL Negotiation=direct")]
    [InlineData("postgres:Host=h;Database=b;Encoding=utf-8;Target Session Attributes=any")]
    public void What_only_looks_like_a_typo_is_read(string address) =>
        FluentActions.Invoking(() => JournalAddress.Parse(address).Check()).Should().NotThrow();

    [Theory]
    [InlineData("journal", "copy", "--journal", "postgres:Host=h;Database=b;Password=PW-SECRET-93")]
    [InlineData("init", "--jurnal", "esdb://admin:PW-SECRET-93@h")]
    [InlineData("init", "--jurnal=postgres:Host=h;Password=PW-SECRET-93")]
    [InlineData("replay", "--journal", "postgres:Host=h", "Password=PW-SECRET-93")]
    [InlineData("replay", "--journal", "postgres:Host=h", "PW-SECRET-93")]
    [InlineData("replay", "--through", "postgres:PW-SECRET-93")]
    [InlineData("replay", "--through=esdb://admin:PW-SECRET-93@h")]
    [InlineData("replay", "--data", "postgres:Host=h;Database=b;Password=PW-SECRET-93")]
    [InlineData("journal", "backup", "--to", "esdb://admin:PW-SECRET-93@h")]
    [InlineData("serve", "--gateway", "postgres:Host=h;Database=b;Password=PW-SECRET-93")]
    [InlineData("serve", "--gateway", "http://admin:PW-SECRET-93@127.0.0.1:0")]
    [InlineData("serve", "--urls", "postgres:Host=h;Database=b;Password=PW-SECRET-93")]
    [InlineData("serve", "--urls", "PW-SECRET-93")]
    [InlineData("serve", "--urls", "ftp://PW-SECRET-93")]
    [InlineData("serve", "--journal", "postgres:Host=127.0.0.1:x;Database=b;Password=PW-SECRET-93")]
    [InlineData("--journal", "postgres:Host=h;Database=b;Multiplexing=true;Password=PW-SECRET-93")]
    public async Task An_address_in_a_wrong_place_is_one_line_that_does_not_repeat_it(params string[] line)
    {
        using var shell = new Shell();
        var said = await shell.RunAsync(line);
        said.Exit.Should().BeOneOf([1, 2], said.Error);
        (said.Output + said.Error).Should().NotContain(Secret);
        said.Error.TrimEnd().Should().NotBeEmpty().And.NotContain("\n").And.NotContain("   at ");
    }
}
