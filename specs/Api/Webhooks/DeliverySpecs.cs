using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Webhooks;
using Microsoft.AspNetCore.Hosting;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>What reaches an endpoint, whatever it answers.</summary>
public sealed class DeliverySpecs
{
    [Fact]
    public async Task Events_come_in_order_whole_and_nothing_else_comes_with_them()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        for (var i = 1; i <= 5; i++) await hooked.Host.Pay($"{i}.00");
        var messages = await receiver.Next(5);
        var lines = hooked.Host.Lines();
        messages.Select(message => message.Position).Should().Equal(Enumerable.Range(lines.Length - 4, 5).Select(p => (long)p));
        foreach (var message in messages)
        {
            var text = Encoding.UTF8.GetString(message.Body);
            var line = lines[message.Position - 1];
            var at = message.Json.GetProperty("data").GetProperty("at").GetString();
            text.Should().Be($$"""{"type":"transfer.made.v1","timestamp":"{{at}}","data":{{line}}}""");
            message.Headers.Keys.Should().BeEquivalentTo(
                "host", "user-agent", "content-type", "content-length", "webhook-id", "webhook-timestamp",
                "webhook-signature");
        }
        messages.Select(message => message.Id).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_filter_takes_the_named_types_and_accounts_only()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url, types: ["account.limits_set.v1", "key.issued.v1"], accounts: ["bob", "alice"]);
        await hooked.Host.Pay("1.00");
        await hooked.Host.Send(new IssueKey(Tag.Of("k"), 1, 2, Scopes.Read, null));
        await hooked.Host.Send(new BankingEngine.Domain.Ledger.SetLimits(AccountId.Parse("cash"), default));
        await hooked.Host.Send(new BankingEngine.Domain.Ledger.SetLimits(AccountId.Parse("alice"), default));
        await hooked.Host.Send(new BankingEngine.Domain.Ledger.SetLimits(AccountId.Parse("alice"),
            BankingEngine.Domain.Ledger.AccountFlags.DebitsMustNotExceedCredits));
        (await receiver.Next()).Json.GetProperty("data").GetProperty("data").GetProperty("id").GetString().Should().Be("alice");
        await hooked.CaughtUp();
        receiver.All.Should().OnlyContain(message => message.Type == "account.limits_set.v1");
    }

    [Fact]
    public async Task What_is_not_taken_comes_again_under_its_id_before_what_follows_it()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (context, number) => Receiver.Status(number <= 3 ? 500 : 204)(context, number);
        await using var hooked = await HookedBook.StartAsync(receiver);
        var deliverer = hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await hooked.Host.Pay("2.00");
        var messages = await receiver.Next(5);
        messages.Take(4).Select(message => message.Id).Distinct().Should().ContainSingle();
        messages.Take(4).Select(message => Convert.ToHexString(message.Body)).Distinct().Should().ContainSingle();
        messages[4].Position.Should().Be(messages[3].Position + 1);
        hooked.Time.Waits.Should().Equal(RetrySchedule.Steps.Take(3));
        var attempts = await HookedBook.Attempts(deliverer, await hooked.Row(), 5);
        attempts.Reverse().Select(attempt => (attempt.Attempt, attempt.Answer.Status)).Should()
            .Equal((1, 500), (2, 500), (3, 500), (4, 204), (1, 204));
    }

    [Theory]
    [InlineData("40", 40)]
    [InlineData("1", 5)]
    [InlineData("9999999", 43_200)]
    [InlineData("-5", 5)]
    [InlineData("soon", 5)]
    public async Task An_endpoint_says_when_to_come_again_within_bounds(string header, int seconds)
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (context, number) =>
        {
            if (number == 1) context.Response.Headers.RetryAfter = header;
            return Receiver.Status(number == 1 ? 503 : 200)(context, number);
        };
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await receiver.Next(2);
        hooked.Time.Waits.Should().Equal(TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task An_endpoint_that_hangs_holds_up_its_own_messages_only()
    {
        await using var hanging = await Receiver.StartAsync();
        await using var quick = await Receiver.StartAsync();
        hanging.Answer = (context, _) => Task.Delay(TimeSpan.FromSeconds(20), context.RequestAborted);
        await using var hooked = await HookedBook.StartAsync(hanging, quick);
        var deliverer = hooked.Begin();
        await hooked.Subscribe(hanging.Url, "slow");
        await hooked.Subscribe(quick.Url, "quick");
        for (var i = 0; i < 20; i++) await hooked.Host.Pay("1.00");
        (await quick.Next(20)).Should().HaveCount(20);
        (await HookedBook.Attempts(deliverer, await hooked.Row("slow"), 1))[0].Answer.Error.Should().Be("timeout");
        hanging.All.Select(message => message.Id).Distinct().Should().ContainSingle("the next one waits for it");
    }

    [Fact]
    public async Task A_body_that_never_ends_is_not_waited_for()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = async (context, _) =>
        {
            var filler = Encoding.ASCII.GetBytes(new string('x', 4_096) + "\u0007");
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(filler, context.RequestAborted);
        };
        await using var hooked = await HookedBook.StartAsync(receiver);
        var deliverer = hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        var answer = (await HookedBook.Attempts(deliverer, await hooked.Row(), 1))[0].Answer;
        (answer.IsTaken, answer.Status).Should().Be((true, 200));
        answer.Text.Should().HaveLength(WebhookClient.ShownCharacters + 1).And.EndWith("…");
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (context, number) =>
        {
            context.Response.Headers.Location = elsewhere.Url;
            return Receiver.Status(number == 1 ? 307 : 204)(context, number);
        };
        await using var hooked = await HookedBook.StartAsync(receiver, elsewhere);
        var deliverer = hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await receiver.Next(2);
        (await HookedBook.Attempts(deliverer, await hooked.Row(), 2))[1].Answer.Error.Should().Be("redirect");
        elsewhere.All.Should().BeEmpty();
    }

    [Fact]
    public async Task Garbage_is_no_answer()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var serving = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("\u0001\u0002 no HTTP at all\r\n\r\n"u8.ToArray());
                _ = await client.GetStream().ReadAtLeastAsync(new byte[1_024], 1_024, throwOnEndOfStream: false);
            }
        });
        await using (var hooked = await HookedBook.StartAsync())
        {
            hooked.Allow(port);
            var deliverer = hooked.Begin();
            await hooked.Subscribe($"http://127.0.0.1:{port}/");
            await hooked.Host.Pay("1.00");
            (await HookedBook.Attempts(deliverer, await hooked.Row(), 2))[^1].Answer.Error.Should().Be("protocol");
        }
        listener.Stop();
        await serving.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
    }

    [Theory]
    [InlineData("", "", "timeout")]
    [InlineData("H", "T", "timeout")]
    [InlineData("HTTP/1.1 200 OK\r\n", "x", "timeout")]
    [InlineData("HTTP/1.1 200 OK\r\n", "X-Filler: 0123456789012345678901234567890123456789\r\n", "protocol")]
    public async Task A_peer_that_is_silent_or_speaks_too_slowly_or_without_end_is_left(string first, string then, string error)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var over = new CancellationTokenSource();
        var serving = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(over.Token);
                try
                {
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(first), over.Token);
                    for (var sent = 0; sent < 1_000; sent++)
                    {
                        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(then), over.Token);
                        await Task.Delay(error == "timeout" ? 200 : 0, over.Token);
                    }
                }
                catch (IOException)
                {
                    // The bank hung up.
                }
            }
        });
        await using (var hooked = await HookedBook.StartAsync())
        {
            hooked.Allow(((IPEndPoint)listener.LocalEndpoint).Port);
            var deliverer = hooked.Begin();
            await hooked.Subscribe($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
            await hooked.Host.Pay("1.00");
            (await HookedBook.Attempts(deliverer, await hooked.Row(), 1))[^1].Answer.Error.Should().Be(error);
        }
        await over.CancelAsync();
        await serving.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
    }

    [Fact]
    public async Task Nothing_is_sent_to_who_shows_a_certificate_of_his_own()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var usable = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
        await using var receiver = await Receiver.StartAsync(listen => listen.UseHttps(usable));
        await using var hooked = await HookedBook.StartAsync(receiver);
        var deliverer = hooked.Begin();
        receiver.Url.Should().StartWith("https://");
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        (await HookedBook.Attempts(deliverer, await hooked.Row(), 1))[^1].Answer.Error.Should().Be("certificate");
        receiver.All.Should().BeEmpty();
    }

    [Fact]
    public async Task An_endpoint_that_is_gone_is_disabled_at_once_by_an_event()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = Receiver.Status(410);
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        var undelivered = hooked.Book.Engine.DurablePosition;
        var row = await hooked.Disabled();
        (row.Disabled, row.Undelivered).Should().Be((Subscriptions.Gone, undelivered));
        receiver.All.Should().ContainSingle();
        hooked.Host.Lines()[^1].Should().Contain("webhook.disabled.v1").And.Contain("\"by\":\"engine\"");

        receiver.Answer = Receiver.Status(204);
        await hooked.Host.Send(new EnableWebhook(Tag.Of("hook")));
        (await receiver.Next(2)).Select(message => message.Position).Should().Equal(undelivered, undelivered);
    }

    [Fact]
    public async Task After_three_days_of_trying_it_is_disabled_by_an_event()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = Receiver.Status(500);
        await using var hooked = await HookedBook.StartAsync(receiver);
        var begun = hooked.Time.Now;
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        var row = await hooked.Disabled();
        row.Disabled.Should().Be(Subscriptions.Exhausted);
        (hooked.Time.Now - begun).Should().BeGreaterThanOrEqualTo(RetrySchedule.GivenUpAfter)
            .And.BeLessThan(RetrySchedule.GivenUpAfter + RetrySchedule.Steps[^1]);
        receiver.All.Select(message => message.Id).Distinct().Should().ContainSingle();
        receiver.All.Count.Should().BeInRange(RetrySchedule.Steps.Count, 20);
    }

    [Fact]
    public async Task A_host_that_starts_again_goes_on_failing_where_it_was()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = Receiver.Status(500);
        await using var hooked = await HookedBook.StartAsync(receiver);
        var still = hooked.Time.Time with { Wait = (_, ending) => Task.Delay(Timeout.Infinite, ending) };
        var first = hooked.Begin(time: still);
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await receiver.Next();
        await HookedBook.Attempts(first, await hooked.Row(), 1);
        await hooked.EndAsync(first);
        hooked.Time.Pass(RetrySchedule.GivenUpAfter);
        hooked.Begin(time: still);
        (await hooked.Disabled()).Disabled.Should().Be(Subscriptions.Exhausted);
        receiver.All.Should().HaveCount(2, "the first attempt of the second host was the last");
    }

    [Fact]
    public async Task A_key_that_ended_takes_its_webhooks_with_it_until_another_enables_them()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        using var client = await hooked.Host.Client(Scopes.Operate | Scopes.Audit, "partner");
        await hooked.Subscribe(receiver.Url);
        var caller = await hooked.Book.Engine.ReadAsync((bank, _) => bank.CallerOf(Tag.Of("partner")));
        await hooked.Book.Engine.SendAsync(
            new(new(UInt128.Parse("1547651818218618624000000000000000000")), caller, 0), new EnableWebhook(Tag.Of("hook")), "webhook.enable");
        (await hooked.Row()).By.Should().Be(Tag.Of("partner"));
        await hooked.Host.Pay("1.00");
        await receiver.Next();
        await hooked.Host.Send(new RevokeKey(Tag.Of("partner"), "Left."));
        (await hooked.Disabled()).Disabled.Should().Be(Subscriptions.KeyEnded);
        await hooked.Host.Pay("2.00");
        var missed = hooked.Book.Engine.DurablePosition;
        await hooked.Host.Send(new EnableWebhook(Tag.Of("hook")));
        (await receiver.Next()).Position.Should().Be(missed, "it goes on where it stood");
    }

    [Fact]
    public async Task A_replay_sends_again_what_was_sent_under_the_same_ids()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        for (var i = 0; i < 3; i++) await hooked.Host.Pay("1.00");
        var first = await receiver.Next(3);
        await hooked.Host.Send(new ReplayWebhook(Tag.Of("hook"), first[1].Position));
        var again = await receiver.Next(2);
        again.Select(message => message.Id).Should().Equal(first.Skip(1).Select(message => message.Id));
        await hooked.CaughtUp();
        (await hooked.Book.Positions.ListAsync(WebhookPositions.Prefix, default)).Should()
            .ContainSingle("what was noted of the beginning before is removed");
    }

    [Fact]
    public async Task A_host_that_starts_again_loses_nothing_and_repeats_under_the_same_id()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        var first = hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        for (var i = 0; i < 3; i++) await hooked.Host.Pay("1.00");
        var sent = await receiver.Next(3);
        await hooked.CaughtUp();
        await hooked.EndAsync(first);
        await hooked.Host.Pay("2.00");
        var second = hooked.Begin();
        (await receiver.Next()).Position.Should().Be(sent[2].Position + 1, "what was noted is not sent again");
        await hooked.CaughtUp();
        await hooked.EndAsync(second);

        // A host that was killed had not noted what it sent last.
        var name = WebhookPositions.Of(await hooked.Row());
        await hooked.Book.Positions.ResetAsync(new(name, sent[1].Position, DateTimeOffset.UtcNow), default);
        hooked.Begin();
        (await receiver.Next(2))[0].Id.Should().Be(sent[2].Id);
    }

    [Fact]
    public async Task Whoever_leads_goes_on_where_the_other_stood()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        var leader = 1;
        hooked.Begin(() => Volatile.Read(ref leader) == 1);
        hooked.Begin(() => Volatile.Read(ref leader) == 2);
        await hooked.Subscribe(receiver.Url);
        for (var round = 0; round < 6; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => hooked.Host.Pay("1.00")));
            Volatile.Write(ref leader, 3 - leader);
        }
        await hooked.CaughtUp();
        var positions = receiver.All.Select(message => message.Position).ToList();
        positions.Distinct().Should().HaveCount(120);
        positions.Distinct().Should().BeInAscendingOrder("what is new comes in order");
        receiver.All.GroupBy(message => message.Position).Should()
            .OnlyContain(group => group.Select(message => message.Id).Distinct().Count() == 1);
    }

    [Fact]
    public async Task A_host_that_does_not_lead_sends_nothing()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin(() => false);
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await Task.Delay(100);
        receiver.All.Should().BeEmpty();
    }
}
