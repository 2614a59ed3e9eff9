using System.Collections.Frozen;
using System.Net;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Webhooks;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>Webhooks as an operator meets them over HTTP, in the host as it is served.</summary>
public sealed class WebhookEndpointSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task A_subscription_shows_its_secret_once_and_lives_until_it_is_removed()
    {
        const string Body = """{"webhook":"once","url":"https://hooks.example/bank","types":["transfer.made.v1"]}""";
        var made = await served.Post("/v1/webhooks", Body, "once-1");
        (made.Status, made.Json.GetProperty("type").GetString()).Should().Be((HttpStatusCode.Created, "webhook.subscribed.v1"));
        var secret = made.Json.GetProperty("secret").GetString();
        secret.Should().StartWith("whsec_");
        var again = await served.Post("/v1/webhooks", Body, "once-1");
        again.IsReplay.Should().BeTrue();
        again.Text.Should().NotContain("\"secret\"").And.NotContain("sealed.");
        again.Json.GetProperty("from").GetInt64().Should().BePositive();
        (await served.Post("/v1/webhooks", Body)).Code.Should().Be("webhook.already_exists");
        var rotated = await served.Post("/v1/webhooks/once/rotate-secret", "{}", "once-2");
        rotated.Json.GetProperty("secret").GetString().Should().StartWith("whsec_").And.NotBe(secret);
        foreach (var first in new[] { made, rotated })
            first.Json.EnumerateObject().Count(member => member.NameEquals("secret")).Should().Be(1);
        var rotatedAgain = await served.Post("/v1/webhooks/once/rotate-secret", "{}", "once-2");
        rotatedAgain.IsReplay.Should().BeTrue();
        rotatedAgain.Text.Should().NotContain("\"secret\"").And.NotContain("sealed.");
        var row = await Row("once");
        row.GetProperty("enabled").GetBoolean().Should().BeTrue();
        row.TryGetProperty("former_secret_until", out _).Should().BeTrue();
        (await served.Get("/v1/webhooks")).Text.Should().NotContain("whsec_").And.NotContain("sealed.");

        (await served.Post("/v1/webhooks/once/disable", "{}")).Json.GetProperty("type").GetString().Should()
            .Be("webhook.disabled.v1");
        (await Row("once")).GetProperty("because").GetString().Should().Be("asked");
        (await served.Post("/v1/webhooks/once/enable", "{}")).Status.Should().Be(HttpStatusCode.OK);
        (await served.Post("/v1/webhooks/once/replay", """{"from_position":1}""")).Status.Should().Be(HttpStatusCode.OK);
        (await Row("once")).GetProperty("from_position").GetInt64().Should().Be(1);
        (await served.Post("/v1/webhooks/once/remove", "{}")).Status.Should().Be(HttpStatusCode.OK);
        (await served.Post("/v1/webhooks/once/remove", "{}")).Code.Should().Be("webhook.not_found");
        (await served.Get("/v1/webhooks/once/deliveries")).Code.Should().Be("webhook.not_found");
    }

    [Theory]
    [InlineData("/v1/webhooks", """{"webhook":"x"}""", 400, "request.field_missing")]
    [InlineData("/v1/webhooks", """{"webhook":"X","url":"https://a.example"}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"a..b","url":"https://a.example"}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":7}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://ä.example"}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"nowhere"}""", 400, "webhook.url_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"http://a.example"}""", 422, "webhook.https_required")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://127.0.0.1"}""", 422, "webhook.address_refused")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a:b@a.example"}""", 422, "webhook.user_info_refused")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example:25"}""", 422, "webhook.port_refused")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://127.1"}""", 422, "webhook.host_refused")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","types":["no.such.v1"]}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","types":[1]}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","accounts":["A"]}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","from_position":0}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","secret":"mine"}""", 400, "request.unknown_field")]
    [InlineData("/v1/webhooks/a..b/enable", "{}", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks/x/rotate-secret", """{"overlap_seconds":"long"}""", 400, "request.field_malformed")]
    [InlineData("/v1/webhooks/x/replay", "{}", 400, "request.field_missing")]
    [InlineData("/v1/webhooks/x/ping", "[]", 400, "request.not_an_object")]
    [InlineData("/v1/webhooks/x/ping", """{"a":1}""", 400, "request.unknown_field")]
    [InlineData("/v1/webhooks/x/ping", "{}", 404, "webhook.not_found")]
    public async Task What_is_malformed_or_refused_at_the_edge_leaves_nothing(string path, string body, int status, string code)
    {
        var before = await served.State();
        var reply = await served.Post(path, body);
        ((int)reply.Status, reply.Code).Should().Be((status, code), reply.Text);
        (await served.State()).Should().Be(before);
    }

    [Theory]
    [InlineData("/v1/webhooks/nobody/enable", "{}", 404, "webhook.not_found")]
    [InlineData("/v1/webhooks/nobody/rotate-secret", """{"overlap_seconds":604801}""", 404, "webhook.not_found")]
    [InlineData("/v1/webhooks", """{"webhook":"x","url":"https://a.example","from_position":999999}""", 422, "webhook.beyond_end")]
    public async Task What_the_book_says_no_to_is_recorded(string path, string body, int status, string code)
    {
        var reply = await served.Post(path, body);
        ((int)reply.Status, reply.Code, reply.IsRecorded).Should().Be((status, code, true), reply.Text);
    }

    [Fact]
    public async Task Who_may_operate_but_not_read_events_has_none_sent()
    {
        var operate = await served.KeyWith("operate");
        var reply = await served.Post(
            "/v1/webhooks", """{"webhook":"x","url":"https://a.example"}""", token: operate);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.Forbidden, "key.scope_missing"));
    }

    [Fact]
    public async Task Secrets_are_not_given_in_batches() =>
        (await served.Post(
            "/v1/batch", """[{"id":"b-1","command":"webhook.subscribe","webhook":"x","url":"https://a.example"}]""")).Text
            .Should().Contain("request.not_in_batch");

    [Fact]
    public async Task A_ping_tells_what_the_endpoint_answers_and_the_log_keeps_it()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (context, _) =>
        {
            context.Response.StatusCode = 202;
            return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("thank\u0000 you")).AsTask();
        };
        await using var hooked = await HookedBook.StartAsync(receiver);
        var secret = await hooked.Subscribe(receiver.Url);
        var deliverer = hooked.Begin();
        var answer = (await deliverer.PingAsync(await hooked.Row(), default))!;
        (answer.Status, answer.Text, answer.IsTaken).Should().Be((202, "thank  you", true));
        var message = await receiver.Next();
        message.Type.Should().Be("webhook.ping");
        var seconds = long.Parse(message.Headers["webhook-timestamp"], System.Globalization.CultureInfo.InvariantCulture);
        WebhookSignature.Sign(message.Id, DateTimeOffset.FromUnixTimeSeconds(seconds), message.Body, secret).Should()
            .Be(message.Headers["webhook-signature"]);
        deliverer.Log.Of((await hooked.Row()).Made).Should().ContainSingle(attempt => attempt.Position == 0);
    }

    [Fact]
    public async Task The_served_host_sends_and_shows_what_it_sent()
    {
        await using var receiver = await Receiver.StartAsync();
        var rules = served.Book.WebhookRules;
        served.Book.WebhookRules = new(true, true, new[] { receiver.Port }.ToFrozenSet());
        var made = await served.Post("/v1/webhooks", $$"""{"webhook":"live","url":"{{receiver.Url}}"}""");
        made.Status.Should().Be(HttpStatusCode.Created, made.Text);
        served.Book.WebhookRules = rules;

        // The couriers of the host were given its rules when it started: to them this endpoint is inside.
        var delivery = await Delivery("live", async () => await served.Transfer("bank:cash", "customers:alice", "1.00"));
        delivery.GetProperty("error").GetString().Should().Be("webhook.https_required");
        delivery.GetProperty("attempt").GetInt32().Should().Be(1);
        delivery.TryGetProperty("next", out _).Should().BeTrue();
        var ping = await served.Post("/v1/webhooks/live/ping", "{}");
        (ping.Status, ping.Json.GetProperty("taken").GetBoolean()).Should().Be((HttpStatusCode.OK, false));
        receiver.All.Should().BeEmpty();
        await served.Post("/v1/webhooks/live/remove", "{}");
    }

    private async Task<JsonElement> Row(string id) => (await served.Get("/v1/webhooks")).Json.GetProperty("webhooks")
        .EnumerateArray().Single(row => row.GetProperty("webhook").GetString() == id);

    private async Task<JsonElement> Delivery(string id, Func<Task> first)
    {
        await first();
        for (var tries = 0; tries < 500; tries++)
        {
            var log = (await served.Get($"/v1/webhooks/{id}/deliveries")).Json.GetProperty("deliveries");
            if (log.GetArrayLength() > 0) return log[0];
            await Task.Delay(20);
        }
        throw new TimeoutException("Nothing was tried.");
    }
}
