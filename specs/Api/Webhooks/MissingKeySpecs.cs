using System.Net;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;
using Microsoft.Extensions.Logging;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>A webhook whose secret has no key here: of a book that was restored without its keys.</summary>
public sealed class MissingKeySpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Fact]
    public async Task The_list_and_a_ping_name_it_and_a_new_secret_mends_it()
    {
        await using var receiver = await Receiver.StartAsync();
        (await served.Post("/v1/webhooks", """{"webhook":"lost","url":"https://hooks.example/bank"}""")).Status.Should()
            .Be(HttpStatusCode.Created);
        (await Because("lost")).Should().BeNull();
        await Lose(served.Book, "lost");

        (await Because("lost")).Should().Be("webhook.key_missing");
        var ping = await served.Post("/v1/webhooks/lost/ping", "{}");
        (ping.Status, ping.Code).Should().Be((HttpStatusCode.Conflict, "webhook.key_missing"), ping.Text);
        var last = (await served.Get("/v1/webhooks/lost/deliveries")).Json.GetProperty("deliveries")[0];
        last.GetProperty("error").GetString().Should().Be("webhook.key_missing");

        (await served.Post("/v1/webhooks/lost/rotate-secret", "{}")).Status.Should().Be(HttpStatusCode.OK);
        (await Because("lost")).Should().BeNull("what signs is the new secret");
        (await served.Post("/v1/webhooks/lost/ping", "{}")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Its_events_wait_for_the_key_with_one_line_in_the_log_and_ever_longer_looks()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var hooked = await HookedBook.StartAsync(receiver);
        await hooked.Subscribe(receiver.Url);
        await Lose(hooked.Book, "hook");
        await hooked.Host.Pay("1.00");
        await hooked.Host.Pay("2.00");
        var log = new Lines();
        var deliverer = hooked.Begin(log: log);

        var looks = await HookedBook.Attempts(deliverer, await hooked.Row(), 6);
        looks.Should().OnlyContain(look => look.Answer.Error == "webhook.key_missing" && look.Next != null);
        hooked.Time.Waits.Take(6).Should().Equal(RetrySchedule.Steps.Take(4).Concat(Enumerable.Repeat(RetrySchedule.Steps[3], 2)));
        receiver.All.Should().BeEmpty();
        log.All.Should().ContainSingle().Which.Should().Match<(string Text, Exception? Trace)>(
            line => line.Trace == null && line.Text.Contains("hook"));

        await hooked.Rotate();
        var messages = await receiver.Next(2);
        messages.Select(message => message.Headers["webhook-signature"].Split(' ').Length).Should().Equal(
            [1, 1], "the secret before cannot sign, and the new one need not wait for it");
        messages[1].Position.Should().Be(messages[0].Position + 1, "nothing was left out");
    }

    private async Task<string?> Because(string id)
    {
        var rows = (await served.Get("/v1/webhooks")).Json.GetProperty("webhooks").EnumerateArray();
        var row = rows.Single(one => one.GetProperty("webhook").GetString() == id);
        row.GetProperty("enabled").GetBoolean().Should().BeTrue();
        return row.TryGetProperty("failing_because", out var because) ? because.GetString() : null;
    }

    private static async Task Lose(RunningBook book, string id)
    {
        var row = await book.Engine.ReadAsync((bank, _) => bank.Webhooks.Rows[bank.Webhooks.Rows.Find(Tag.Of(id))]);
        book.KeyStore.Destroy(SealedText.SubjectOf(row.Secret)!).Should().BeTrue();
    }

    /// <summary>What was logged.</summary>
    private sealed class Lines : ILogger
    {
        private readonly List<(string Text, Exception? Trace)> _all = [];

        public IReadOnlyList<(string Text, Exception? Trace)> All
        {
            get { lock (_all) return [.. _all]; }
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel level) => level >= LogLevel.Information;

        public void Log<TState>(
            LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_all) _all.Add((formatter(state, exception), exception));
        }
    }
}
