using System.Net;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Journals.EventStore;

namespace BankingEngine.Specs.Engine.EventStore;

public sealed class EventStoreSettingsSpecs
{
    [Fact]
    public void One_host_alone_is_used_as_it_stands_with_the_clients_defaults()
    {
        var settings = EventStoreSettings.Parse("esdb://store.example");

        settings.Hosts.Should().Equal(new DnsEndPoint("store.example", 2113));
        settings.Should().BeEquivalentTo(new
        {
            Discover = false,
            Tls = true,
            TlsVerifyCert = true,
            User = (string?)null,
            MaxDiscoverAttempts = 10,
            DiscoveryInterval = TimeSpan.FromMilliseconds(100),
            GossipTimeout = TimeSpan.FromSeconds(5),
            NodePreference = NodePreference.Leader,
            DefaultDeadline = TimeSpan.FromSeconds(10),
            KeepAliveInterval = (TimeSpan?)TimeSpan.FromSeconds(10),
            KeepAliveTimeout = (TimeSpan?)TimeSpan.FromSeconds(10),
        });
    }

    [Fact]
    public void Every_key_of_the_official_clients_is_understood_in_any_case()
    {
        var settings = EventStoreSettings.Parse(
            "KurrentDB://ops:se%40cret@a.example:2114,[::1]:9,10.0.0.3/?TLS=true&tlsverifycert=FALSE&tlsCAFile=%2Fetc%2Fca.pem"
            + "&connectionName=bank-1&maxDiscoverAttempts=3&discoveryInterval=0&gossipTimeout=750&nodePreference=Follower"
            + "&defaultDeadline=1500&throwOnAppendFailure=false&keepAliveInterval=-1&keepAliveTimeout=2500"
            + "&userCertFile=/c.pem&userKeyFile=/k.pem");

        settings.Hosts.Should().Equal(new("a.example", 2114), new DnsEndPoint("[::1]", 9), new("10.0.0.3", 2113));
        settings.Should().BeEquivalentTo(new
        {
            Discover = true,
            User = "ops",
            Password = "se@cret",
            Tls = true,
            TlsVerifyCert = false,
            TlsCaFile = "/etc/ca.pem",
            UserCertFile = "/c.pem",
            UserKeyFile = "/k.pem",
            ConnectionName = "bank-1",
            MaxDiscoverAttempts = 3,
            DiscoveryInterval = TimeSpan.Zero,
            GossipTimeout = TimeSpan.FromMilliseconds(750),
            NodePreference = NodePreference.Follower,
            DefaultDeadline = TimeSpan.FromMilliseconds(1500),
            ThrowOnAppendFailure = false,
            KeepAliveInterval = (TimeSpan?)null,
            KeepAliveTimeout = (TimeSpan?)TimeSpan.FromMilliseconds(2500),
        });
    }

    [Theory]
    [InlineData("esdb+discover://cluster.example")]
    [InlineData("kurrentdb+discover://cluster.example:2113")]
    [InlineData("kurrent+discover://cluster.example")]
    [InlineData("kdb+discover://cluster.example")]
    [InlineData("kdb://cluster.example?dnsDiscover=true")]
    [InlineData("esdb://a.example,b.example?dnsDiscover=false")]
    [InlineData("esdb://a.example,b.example")]
    public void Several_hosts_or_the_schemes_suffix_mean_gossip(string text) =>
        EventStoreSettings.Parse(text).Discover.Should().BeTrue();

    [Theory]
    [InlineData("esdb://a.example")]
    [InlineData("kurrentdb://a.example")]
    [InlineData("kurrent://a.example")]
    [InlineData("KDB://a.example")]
    [InlineData("esdb+discover://a.example?dnsDiscover=false")]
    public void Every_scheme_of_the_official_clients_is_an_address(string text)
    {
        EventStoreSettings.IsAddress(text).Should().BeTrue();
        JournalAddress.Parse(text).Kind.Should().Be(JournalKind.EventStore);
        EventStoreSettings.Parse(text).Discover.Should().BeFalse("the key has the last word, as with the clients");
    }

    [Fact]
    public void A_connection_may_be_named_in_words() =>
        EventStoreSettings.Parse("esdb://a?connectionName=bank%201 (main)").ConnectionName.Should().Be("bank 1 (main)");

    [Theory]
    [InlineData("", "begins with esdb://")]
    [InlineData("esdb:/a", "begins with esdb://")]
    [InlineData("http://a", "begins with esdb://")]
    [InlineData("esdb+dns://a", "begins with esdb://")]
    [InlineData("esdb://", "a host is missing")]
    [InlineData("esdb://a,,b", "a host is missing")]
    [InlineData("esdb://a b", "host 1 has no host's name")]
    [InlineData("esdb://[::1", "a host is missing")]
    [InlineData("esdb://a:0", "behind host 1 is no port")]
    [InlineData("esdb://a:65536", "is no port")]
    [InlineData("esdb://a:", "is no port")]
    [InlineData("esdb://ops@a", "user:password")]
    [InlineData("esdb://:p@a", "user:password")]
    [InlineData("esdb://ops:a:b@c", "write %3A")]
    [InlineData("esdb://ops:100%@a", "%25")]
    [InlineData("esdb://a?tsl=false", "is no key; 'tls' is")]
    [InlineData("esdb://a?tls", "'tls' has no value")]
    [InlineData("esdb://a?tls=", "'tls' has no value")]
    [InlineData("esdb://a?=x", "is no key")]
    [InlineData("esdb://a?tls=no", "true or false")]
    [InlineData("esdb://a?tls=true&TLS=false", "twice")]
    [InlineData("esdb://a?gossipTimeout=5", "from 100")]
    [InlineData("esdb://a?keepAliveInterval=0", "0 is neither")]
    [InlineData("esdb://a?keepAliveInterval=-2", "from -1")]
    [InlineData("esdb://a?maxDiscoverAttempts=0", "from 1")]
    [InlineData("esdb://a?defaultDeadline=1e3", "whole number")]
    [InlineData("esdb://a?nodePreference=master", "leader, follower")]
    [InlineData("esdb://a?connectionName=a%0Ab", "printable ASCII")]
    [InlineData("esdb://a?connectionName=%20a", "printable ASCII")]
    [InlineData("esdb://a?connectionName=a%20", "printable ASCII")]
    [InlineData("esdb://a?dnsDiscover=yes", "true or false")]
    [InlineData("kurrentdbs://a", "begins with esdb://")]
    [InlineData("esdb://a?userCertFile=/c.pem", "go together")]
    [InlineData("esdb://a?tls=false&tlsCaFile=/c.pem", "no use for")]
    public void A_typo_is_named(string text, string why) =>
        FluentActions.Invoking(() => EventStoreSettings.Parse(text)).Should().Throw<FormatException>().WithMessage($"*{why}*");

    [Fact]
    public void A_password_is_never_repeated()
    {
        const string secret = "hunter2";
        EventStoreSettings.Parse($"esdb://ops:{secret}@a").ToString().Should().NotContain(secret);
        foreach (var broken in new[] { "@", "a:x", "a?tls=no", "a?wrong=1", ",a" })
        {
            FluentActions.Invoking(() => EventStoreSettings.Parse($"esdb://ops:{secret}@{broken}"))
                .Should().Throw<FormatException>().Which.Message.Should().NotContain(secret);
        }
    }

    [Fact]
    public void Whatever_is_written_there_it_is_read_or_refused_in_words()
    {
        const string letters = "esdb:/+@?&=,%[]. \n0129azAZ-_é\0";
        var random = new Random(20261121);
        var sound = "esdb+discover://ops:se%40@a.example:2113,b.example?tls=true&gossipTimeout=500&nodePreference=random";
        for (var round = 0; round < 20_000; round++)
        {
            var text = sound.ToCharArray().ToList();
            for (var edits = random.Next(1, 6); edits > 0 && text.Count > 0; edits--)
            {
                var (at, letter) = (random.Next(text.Count), letters[random.Next(letters.Length)]);
                if (random.Next(3) == 0) text.RemoveAt(at);
                else if (random.Next(2) == 0) text[at] = letter;
                else text.Insert(at, letter);
            }
            var written = new string([.. text]);
            try
            {
                var settings = EventStoreSettings.Parse(written);
                settings.Hosts.Should().NotBeEmpty(written);
            }
            catch (FormatException refused)
            {
                refused.Message.Should().StartWith("The connection string", written);
            }
        }
    }
}
