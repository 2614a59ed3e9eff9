using System.Collections.Frozen;
using System.Net;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Webhooks;
using Microsoft.Extensions.Configuration;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>Nothing inside is reached by who may only name an address outside.</summary>
public sealed class AddressSpecs
{
    [Theory]
    [InlineData("https://hooks.example.com/bank?a=b", null)]
    [InlineData("https://hooks.example.com", null)]
    [InlineData("https://hooks.example.com:443/", null)]
    [InlineData("https://93.184.215.14/", null)]
    [InlineData("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", null)]
    [InlineData("https://xn--bcher-kva.example/", null)]
    [InlineData("http://hooks.example.com/", "webhook.https_required")]
    [InlineData("HTTPS://hooks.example.com/", "webhook.url_malformed")]
    [InlineData("ftp://hooks.example.com/", "webhook.url_malformed")]
    [InlineData("file:///etc/passwd", "webhook.url_malformed")]
    [InlineData("hooks.example.com", "webhook.url_malformed")]
    [InlineData("https://", "webhook.url_malformed")]
    [InlineData("https:///path", "webhook.url_malformed")]
    [InlineData("https://a b/", "webhook.url_malformed")]
    [InlineData("https://hooks.example.com/a\r\nHost: inside", "webhook.url_malformed")]
    [InlineData("https://hooks.example.com/\\inside", "webhook.url_malformed")]
    [InlineData("https://hooks.example.com\\@inside/", "webhook.url_malformed")]
    [InlineData("https://hooks.example.com/a#b", "webhook.url_malformed")]
    [InlineData("https://b\u00fccher.example/", "webhook.url_malformed")]
    [InlineData("https://hooks.example\u3002com/", "webhook.url_malformed")]
    [InlineData("https://\uff11\uff12\uff17.0.0.1/", "webhook.url_malformed")]
    [InlineData("https://me@hooks.example.com/", "webhook.user_info_refused")]
    [InlineData("https://me:secret@hooks.example.com/", "webhook.user_info_refused")]
    [InlineData("https://hooks.example.com@10.0.0.1/", "webhook.user_info_refused")]
    [InlineData("https://hooks.example.com#@10.0.0.1/", "webhook.user_info_refused")]
    [InlineData("https://hooks.example.com.:443/", "webhook.host_refused")]
    [InlineData("https://hooks_1.example.com/", "webhook.host_refused")]
    [InlineData("https://127.1/", "webhook.host_refused")]
    [InlineData("https://2130706433/", "webhook.host_refused")]
    [InlineData("https://0x7f000001/", "webhook.host_refused")]
    [InlineData("https://0177.0.0.1/", "webhook.host_refused")]
    [InlineData("https://%31%32%37.0.0.1/", "webhook.host_refused")]
    [InlineData("https://[fe80::1%25eth0]/", "webhook.host_refused")]
    [InlineData("https://hooks.example.com:22/", "webhook.port_refused")]
    [InlineData("https://hooks.example.com:8443/", "webhook.port_refused")]
    [InlineData("https://hooks.example.com:99999/", "webhook.host_refused")]
    [InlineData("https://127.0.0.1/", "webhook.address_refused")]
    [InlineData("https://169.254.169.254/latest/meta-data/", "webhook.address_refused")]
    [InlineData("https://[::1]/", "webhook.address_refused")]
    [InlineData("https://[::ffff:93.184.215.14]/", "webhook.address_refused")]
    public void An_address_is_judged_by_its_text(string url, string? code) =>
        WebhookRules.Strict.Check(url)?.Code.Should().Be(code, url);

    [Theory]
    [InlineData("0.0.0.0"), InlineData("10.1.2.3"), InlineData("100.64.0.1"), InlineData("100.100.100.200")]
    [InlineData("127.0.0.1"), InlineData("127.255.255.254"), InlineData("169.254.169.254"), InlineData("172.16.0.1")]
    [InlineData("172.31.255.255"), InlineData("192.0.0.192"), InlineData("192.0.2.1"), InlineData("192.88.99.1")]
    [InlineData("192.168.1.1"), InlineData("198.18.0.1"), InlineData("198.19.255.255"), InlineData("198.51.100.7")]
    [InlineData("203.0.113.9"), InlineData("224.0.0.1"), InlineData("239.255.255.250"), InlineData("240.0.0.1")]
    [InlineData("255.255.255.255"), InlineData("168.63.129.16")]
    [InlineData("::"), InlineData("::1"), InlineData("::127.0.0.1"), InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:8.8.8.8"), InlineData("::ffff:0:10.0.0.1"), InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b::808:808"), InlineData("64:ff9b:1::1"), InlineData("100::1"), InlineData("2001::1")]
    [InlineData("2001:0:4136:e378:8000:63bf:3fff:fdd2"), InlineData("2001:20::1"), InlineData("2001:db8::1")]
    [InlineData("2002:a00:1::1"), InlineData("2002:808:808::1"), InlineData("3fff::1"), InlineData("5f00::1")]
    [InlineData("fc00::1"), InlineData("fd00:ec2::254"), InlineData("fe80::1"), InlineData("fec0::1")]
    [InlineData("ff02::1"), InlineData("4000::1")]
    public void An_address_that_is_not_of_the_public_internet_is_refused(string address) =>
        WebhookRules.Strict.Allows(IPAddress.Parse(address)).Should().BeFalse();

    [Theory]
    [InlineData("1.1.1.1"), InlineData("9.255.255.255"), InlineData("11.0.0.0"), InlineData("100.63.255.255")]
    [InlineData("100.128.0.0"), InlineData("126.255.255.255"), InlineData("128.0.0.0"), InlineData("169.253.255.255")]
    [InlineData("172.15.255.255"), InlineData("172.32.0.0"), InlineData("192.167.255.255"), InlineData("192.169.0.0")]
    [InlineData("198.17.255.255"), InlineData("198.20.0.0"), InlineData("223.255.255.255")]
    [InlineData("2000::1"), InlineData("2001:200::1"), InlineData("2003::1"), InlineData("2606:4700::1111")]
    public void The_neighbours_of_what_is_refused_are_not(string address) =>
        WebhookRules.Strict.Allows(IPAddress.Parse(address)).Should().BeTrue();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("93.184.215.14", "10.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task A_name_is_looked_up_here_and_every_address_of_it_is_checked(params string[] addresses)
    {
        await using var receiver = await Receiver.StartAsync();
        var rules = new WebhookRules(false, true, new[] { receiver.Port }.ToFrozenSet());
        using var client = new WebhookClient(rules, WebhookTime.Machine with
        {
            Resolve = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
        });
        var answer = await client.PostAsync(
            $"http://hooks.example:{receiver.Port}/", "id", "{}"u8.ToArray(), [WebhookSignature.NewSecret()], default);
        (answer.IsTaken, answer.Error).Should().Be((false, "webhook.address_refused"));
        receiver.All.Should().BeEmpty();
    }

    [Theory]
    [InlineData("127.0.0.1"), InlineData("0.0.0.0"), InlineData("127.1"), InlineData("2130706433"), InlineData("0x7f000001")]
    [InlineData("0x7f.0.0.1"), InlineData("0177.0.0.1"), InlineData("017700000001"), InlineData("127.0.0.1.")]
    [InlineData("[::1]"), InlineData("[::]"), InlineData("[::ffff:127.0.0.1]"), InlineData("[::ffff:7f00:1]")]
    [InlineData("[0:0:0:0:0:ffff:127.0.0.1]"), InlineData("[64:ff9b::127.0.0.1]"), InlineData("169.254.169.254")]
    [InlineData("localhost"), InlineData("LOCALHOST"), InlineData("localhost."), InlineData("127.0.0.1%00.example")]
    public async Task No_spelling_of_an_address_inside_leads_there(string host)
    {
        await using var receiver = await Receiver.StartAsync();
        var rules = new WebhookRules(false, true, new[] { receiver.Port }.ToFrozenSet());
        using var client = new WebhookClient(rules, WebhookTime.Machine);
        var answer = await client.PostAsync(
            $"http://{host}:{receiver.Port}/hook", "id", "{}"u8.ToArray(), [WebhookSignature.NewSecret()], default);
        answer.IsTaken.Should().BeFalse();
        answer.Error.Should().BeOneOf("webhook.address_refused", "webhook.host_refused", "webhook.url_malformed");
        receiver.All.Should().BeEmpty();
    }

    [Fact]
    public async Task A_name_that_moves_inside_after_it_was_checked_is_refused_then()
    {
        await using var receiver = await Receiver.StartAsync();
        var answers = new Queue<string>(["127.0.0.1", "169.254.169.254"]);
        var rules = new WebhookRules(true, true, new[] { receiver.Port }.ToFrozenSet());
        receiver.Answer = (context, _) =>
        {
            // The next message needs a connection of its own, and so a look-up of its own.
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        };
        var time = WebhookTime.Machine with
        {
            Resolve = (_, _) => Task.FromResult(new[] { IPAddress.Parse(answers.Dequeue()) }),
        };
        using var client = new WebhookClient(rules, time);
        var url = $"http://hooks.example:{receiver.Port}/";
        (await client.PostAsync(url, "a", "{}"u8.ToArray(), [WebhookSignature.NewSecret()], default)).IsTaken.Should().BeTrue();
        using var strict = new WebhookClient(rules with { AllowPrivate = false }, time);
        (await strict.PostAsync(url, "b", "{}"u8.ToArray(), [WebhookSignature.NewSecret()], default)).Error.Should()
            .Be("webhook.address_refused");
        receiver.All.Should().ContainSingle();
    }

    [Fact]
    public async Task A_name_that_leads_nowhere_says_so()
    {
        using var client = new WebhookClient(WebhookRules.Strict, WebhookTime.Machine with
        {
            Resolve = (_, _) => Task.FromResult<IPAddress[]>([]),
        });
        (await client.PostAsync("https://hooks.example/", "a", [], [WebhookSignature.NewSecret()], default)).Error.Should()
            .Be("host_not_found");
    }

    [Fact]
    public void Settings_that_open_the_inside_are_heard_for_sandbox_books_only()
    {
        var settings = Settings(("AllowPrivate", "true"), ("AllowHttp", "true"), ("Ports", "443, 8443"));
        var sandbox = WebhookRules.Of(settings, BookMode.Sandbox);
        (sandbox.AllowPrivate, sandbox.AllowHttp).Should().Be((true, true));
        sandbox.Ports.Should().BeEquivalentTo([443, 8443]);
        sandbox.Check("http://10.0.0.1/").Should().BeNull();
        var live = WebhookRules.Of(settings, BookMode.Live);
        (live.AllowPrivate, live.AllowHttp).Should().Be((false, false));
        live.Check("https://hooks.example.com:8443/").Should().BeNull();
        WebhookRules.Of(Settings(), BookMode.Sandbox).Should().BeEquivalentTo(WebhookRules.Strict);
    }

    [Theory]
    [InlineData("AllowPrivate", "yes"), InlineData("AllowHttp", ""), InlineData("Ports", "443,x"), InlineData("Ports", "0")]
    public void A_setting_that_makes_no_sense_stops_the_start(string name, string value)
    {
        var reading = () => WebhookRules.Of(Settings((name, value)), BookMode.Live);
        reading.Should().Throw<InvalidOperationException>().WithMessage($"Webhooks:{name}*");
    }

    [Theory]
    [InlineData(1, 1, null, 5), InlineData(1, 0, null, 1), InlineData(2, 0.5, null, 15), InlineData(99, 1, null, 43_200)]
    [InlineData(1, 1, 60, 60), InlineData(3, 1, 60, 120), InlineData(1, 1, 999_999, 43_200), InlineData(1, 1, -9, 5)]
    public void Waits_grow_with_chance_and_within_bounds(int failures, double jitter, int? retryAfter, int seconds) =>
        RetrySchedule.After(failures, jitter, retryAfter is { } asked ? TimeSpan.FromSeconds(asked) : null)
            .Should().Be(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData(0, 0), InlineData(4, 0), InlineData(5, 1), InlineData(34, 1), InlineData(35, 2), InlineData(999_999, 8)]
    public void What_was_waited_before_a_restart_counts(int seconds, int failures) =>
        RetrySchedule.FailuresWithin(TimeSpan.FromSeconds(seconds)).Should().Be(failures);

    private static IConfiguration Settings(params (string Name, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(
            setting => $"Webhooks:{setting.Name}", setting => (string?)setting.Value)).Build();
}
