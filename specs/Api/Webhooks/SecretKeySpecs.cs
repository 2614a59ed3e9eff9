using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>The key of a webhook's secret lives as long as the secret signs, and no longer.</summary>
public sealed class SecretKeySpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task The_key_goes_with_the_webhook_and_who_takes_its_id_again_has_one_of_his_own()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await receiver.Next();
        var before = (await hooked.Row()).Secret;
        await hooked.CaughtUp();
        Opens(hooked, before).Should().BeTrue();
        await hooked.Host.Send(new RemoveWebhook(Tag.Of("hook")));
        await hooked.Subscribe(receiver.Url);
        await Gone(hooked, before);
        await hooked.Host.Pay("2.00");
        await receiver.Next();
        Opens(hooked, (await hooked.Row()).Secret).Should().BeTrue();
    }

    [Fact]
    public async Task A_host_that_starts_later_destroys_the_keys_of_what_was_removed_meanwhile()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        var first = hooked.Begin();
        foreach (var id in new[] { "hook", "other" }) await hooked.Subscribe(receiver.Url, id);
        await hooked.Host.Pay("1.00");
        await hooked.CaughtUp();
        await hooked.CaughtUp("other");
        var (removed, kept) = ((await hooked.Row()).Secret, (await hooked.Row("other")).Secret);
        await hooked.EndAsync(first);
        await hooked.Host.Send(new RemoveWebhook(Tag.Of("hook")));
        Opens(hooked, removed).Should().BeTrue("nobody looked since");
        hooked.Begin();
        await Gone(hooked, removed);
        Opens(hooked, kept).Should().BeTrue();
        for (var tries = 0; tries < 1_000 && (await Noted()).Count > 1; tries++) await Task.Delay(10);
        (await Noted()).Should().ContainSingle("what is destroyed need not be known any longer");

        Task<IReadOnlyList<StoredPosition>> Noted() => hooked.Book.Positions.ListAsync(WebhookPositions.KeyPrefix, default);
    }

    [Fact]
    public async Task The_key_of_a_webhook_that_nobody_saw_is_destroyed_by_a_host_that_starts_later()
    {
        await using var hooked = await HookedBook.StartAsync();
        var secret = await SubscribeAndRemove(hooked);
        Opens(hooked, secret).Should().BeTrue("nobody looked yet");
        hooked.Begin();
        await Gone(hooked, secret);
    }

    [Fact]
    public async Task The_key_of_a_webhook_that_was_made_and_removed_between_two_looks_is_destroyed()
    {
        await using var hooked = await HookedBook.StartAsync();
        var looks = 0;
        using var look = new SemaphoreSlim(0);
        hooked.Begin(() =>
        {
            // Two are of the first look, which tidies, and one of each that finds nothing new.
            if (Interlocked.Increment(ref looks) == 4) look.Wait();
            return true;
        });
        for (var tries = 0; tries < 1_000 && Volatile.Read(ref looks) < 4; tries++) await Task.Delay(10);
        var secret = await SubscribeAndRemove(hooked);
        look.Release();
        await Gone(hooked, secret);
    }

    [Fact]
    public async Task A_key_whose_command_is_under_way_is_not_destroyed()
    {
        await using var hooked = await HookedBook.StartAsync();
        WebhookSecret secret;
        var asked = 0;
        using (await hooked.Book.Turns.TakeAsync(WebhookSecrets.Turn, default))
        {
            secret = await hooked.Book.WebhookSecrets.MakeAsync(Tag.Of("hook"));
            hooked.Begin(() => Interlocked.Increment(ref asked) > 0);
            await Asked(3, tries: 50);
            await hooked.Host.Send(new SubscribeWebhook(Tag.Of("hook"), "https://hooks.example/bank", [], [], secret.Sealed, null));
        }
        await Asked(Volatile.Read(ref asked) + 5, tries: 1_000);
        Opens(hooked, secret.Sealed).Should().BeTrue();

        async Task Asked(int times, int tries)
        {
            for (; tries > 0 && Volatile.Read(ref asked) < times; tries--) await Task.Delay(10);
        }
    }

    [Fact]
    public async Task A_host_that_loses_the_lead_as_it_looks_destroys_nothing()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        // Of a webhook that the next leader made, and that this host does not know yet.
        var secret = hooked.Book.Sealing.Seal(WebhookSignature.SealedAs, WebhookSignature.NewSubject(Tag.Of("new")), "secret");
        var noted = WebhookPositions.KeyPrefix + SealedText.SubjectOf(secret);
        await hooked.Book.Positions.AdvanceAsync(new(noted, 0, DateTimeOffset.UtcNow), default);
        await hooked.Subscribe(receiver.Url);
        var asked = 0;
        hooked.Begin(() => Interlocked.Increment(ref asked) == 1);
        for (var tries = 0; tries < 1_000 && Volatile.Read(ref asked) < 4; tries++) await Task.Delay(10);
        Opens(hooked, secret).Should().BeTrue();
        (await hooked.Book.Positions.FindAsync(noted, default)).Should().NotBeNull();
    }

    [Fact]
    public async Task A_secret_that_was_replaced_keeps_its_key_while_it_signs()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        hooked.Begin();
        await hooked.Subscribe(receiver.Url);
        await hooked.Host.Pay("1.00");
        await receiver.Next();
        await hooked.CaughtUp();
        var first = (await hooked.Row()).Secret;
        await hooked.Rotate(overlap: 3_600);
        await hooked.Host.Pay("1.00");
        (await receiver.Next()).Headers["webhook-signature"].Split(' ').Should().HaveCount(2);
        var second = (await hooked.Row()).Secret;
        await hooked.Rotate(overlap: 0);
        await Gone(hooked, first);
        await Gone(hooked, second);
        await hooked.Host.Pay("2.00");
        (await receiver.Next()).Headers["webhook-signature"].Split(' ').Should().ContainSingle();
    }

    [Fact]
    public async Task A_command_that_is_not_accepted_leaves_no_key()
    {
        const string Body = """{"webhook":"kept","url":"https://hooks.example/bank"}""";
        (await served.Post("/v1/webhooks", Body, "kept-1")).Json.GetProperty("secret").GetString().Should().NotBeNull();
        var keys = Keys();
        keys.Should().ContainSingle();
        (await served.Post("/v1/webhooks", Body, "kept-1")).IsReplay.Should().BeTrue();
        (await served.Post("/v1/webhooks", Body)).Code.Should().Be("webhook.already_exists");
        (await served.Post("/v1/webhooks", """{"webhook":"no","url":"https://10.0.0.1/"}""")).Code.Should().Be("webhook.address_refused");
        (await served.Post("/v1/webhooks/none/rotate-secret", "{}")).Code.Should().Be("webhook.not_found");
        Keys().Should().Equal(keys);
    }

    [Fact]
    public async Task A_webhook_that_is_removed_at_once_leaves_no_key()
    {
        var before = Keys();
        for (var round = 1; round <= 3; round++)
        {
            (await served.Post("/v1/webhooks", """{"webhook":"brief","url":"https://hooks.example/bank"}""")).Code.Should().BeNull();
            (await served.Post("/v1/webhooks/brief/rotate-secret", "{}")).Code.Should().BeNull();
            (await served.Post("/v1/webhooks/brief/remove", "{}")).Code.Should().BeNull();
        }
        for (var tries = 0; tries < 1_000 && Keys().Count > before.Count; tries++) await Task.Delay(10);
        Keys().Should().BeEquivalentTo(before);
    }

    [Fact]
    public async Task A_key_that_cannot_be_noted_is_not_made()
    {
        var (before, positions) = (Keys(), served.Book.Positions);
        var spoilt = Directory.CreateTempSubdirectory("bank-positions-");
        spoilt.CreateSubdirectory(FilePositions.FileName + ".new");
        served.Book.Positions = new FilePositions(spoilt.FullName);
        var refused = await served.Post("/v1/webhooks", """{"webhook":"unnoted","url":"https://hooks.example/bank"}""");
        served.Book.Positions = positions;
        (refused.Status, refused.Code).Should().Be((System.Net.HttpStatusCode.ServiceUnavailable, "positions.unavailable"));
        Keys().Should().BeEquivalentTo(before);
        spoilt.Delete(recursive: true);
    }

    /// <returns>Its secret, sealed.</returns>
    private static async Task<string> SubscribeAndRemove(HookedBook hooked)
    {
        var secret = (await hooked.Book.WebhookSecrets.MakeAsync(Tag.Of("hook"))).Sealed;
        await hooked.Host.Send(new SubscribeWebhook(Tag.Of("hook"), "https://hooks.example/bank", [], [], secret, null));
        await hooked.Host.Send(new RemoveWebhook(Tag.Of("hook")));
        return secret;
    }

    private List<string> Keys() => [.. ((IMovableKeys)served.Book.KeyStore).SubjectKeys()
        .Select(key => key.Name).Where(name => name.StartsWith("webhook:", StringComparison.Ordinal))];

    private static bool Opens(HookedBook hooked, string secret) =>
        hooked.Book.Sealing.Open(WebhookSignature.SealedAs, secret) is not null;

    private static async Task Gone(HookedBook hooked, string secret)
    {
        for (var tries = 0; tries < 1_000 && Opens(hooked, secret); tries++) await Task.Delay(10);
        Opens(hooked, secret).Should().BeFalse("its key is destroyed");
    }
}
