using System.Globalization;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Webhooks;

/// <summary>What can be asked about webhooks; their commands stand in the catalogue.</summary>
internal sealed class WebhookEndpoints(RunningBook book, WebhookDeliverer deliverer)
{
    private const string NoWebhook = "webhook.not_found";

    /// <summary>Parses what a ping says, which is nothing.</summary>
    private static readonly CommandSpec Ping = new(
        "webhook.ping", "webhooks/{webhook}/ping", Scopes.Operate, "Send a message of no event", [Fields.Webhook], [],
        static (_, _) => new Flaw(EdgeProblems.CommandUnknown), "{}");

    public static void Map(IEndpointRouteBuilder routes, RunningBook book, WebhookDeliverer deliverer)
    {
        var endpoints = new WebhookEndpoints(book, deliverer);
        Consumers.MapGuarded(routes, HttpMethods.Get, "/v1/webhooks", "webhook.list",
            "Who outside is told of events, and how far each is", endpoints.ListAsync, Scopes.Operate,
            new("Webhooks", "Every subscription; never a secret."));
        Consumers.MapGuarded(routes, HttpMethods.Get, "/v1/webhooks/{webhook}/deliveries", "webhook.deliveries",
            "The last attempts of this host, the newest first", endpoints.DeliveriesAsync, Scopes.Operate,
            new("Webhooks", "At most 100 attempts: in memory, since the host started or took the lead.")
            {
                NotFound = NoWebhook,
            });
        Consumers.MapGuarded(routes, HttpMethods.Post, Ping.Route, Ping.Name,
            "Send a message of no event now, once, and see what comes back", endpoints.PingAsync, Scopes.Operate,
            new("Webhooks", "What the endpoint answered.")
            {
                NotFound = NoWebhook,
                Body = """{"type":"object","additionalProperties":false}""",
                Example = "{}",
            });
    }

    private async Task ListAsync(HttpContext context)
    {
        var (rows, now) = await book.Engine.ReadAsync((bank, at) => AllOf(bank, at)).ConfigureAwait(false);
        var positions = await book.Positions.ListAsync(WebhookPositions.Prefix, context.RequestAborted)
            .ConfigureAwait(false);
        var stored = positions.ToDictionary(position => position.Name, StringComparer.Ordinal);
        var end = book.Engine.DurablePosition;
        var keyless = Keyless(rows);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, end);
            to.WriteStartArray("webhooks"u8);
            foreach (var row in rows)
            {
                to.WriteStartObject();
                Write(to, row, now);
                var done = Math.Max(
                    row.From - 1, stored.GetValueOrDefault(WebhookPositions.Of(row)).Position);
                to.WriteNumber("delivered_through"u8, done);
                to.WriteNumber("lag"u8, Math.Max(0, end - done));
                if (stored.TryGetValue(WebhookPositions.FailingOf(row), out var failing) && row.IsEnabled)
                {
                    to.WriteNumber("failing_position"u8, failing.Position);
                    to.WriteString("failing_since"u8, TimeOf(failing.At));
                }
                if (keyless.Contains(row.Id))
                    to.WriteString("failing_because"u8, WebhookProblems.KeyMissing.Code);
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    /// <summary>The subscriptions that cannot sign; none where the key store does not answer, which is another
    /// trouble.</summary>
    private HashSet<Tag> Keyless(List<WebhookRow> rows)
    {
        try
        {
            return [.. rows.Where(row => row.IsEnabled && OpenedSecrets.Of(book, row) is null).Select(row => row.Id)];
        }
        catch (JournalException unknown) when (unknown.Kind == JournalFault.Unknown)
        {
            return [];
        }
    }

    private async Task DeliveriesAsync(HttpContext context)
    {
        if (await FindAsync(context).ConfigureAwait(false) is not { } row) return;
        Reads.Ok(context, to =>
        {
            to.Value("webhook"u8, row.Id);
            to.WriteStartArray("deliveries"u8);
            foreach (var attempt in deliverer.Log.Of(row.Made))
            {
                to.WriteStartObject();
                to.WriteString("at"u8, TimeOf(attempt.At));
                if (attempt.Position > 0) to.WriteNumber("position"u8, attempt.Position);
                to.WriteString("message"u8, attempt.MessageId);
                to.WriteNumber("attempt"u8, attempt.Attempt);
                Write(to, attempt.Answer);
                if (attempt.Next is { } next) to.WriteString("next"u8, TimeOf(next));
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    private async Task PingAsync(HttpContext context)
    {
        var (_, flaw) = await Consumers.ReadAsync(context, Ping, static fields => fields.Webhook).ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await FindAsync(context).ConfigureAwait(false) is not { } row) return;
        if (await deliverer.PingAsync(row, context.RequestAborted).ConfigureAwait(false) is not { } answer)
        {
            await Problems.Answer(context, new Flaw(WebhookProblems.Busy) { RetryAfterSeconds = 1 })
                .ConfigureAwait(false);
            return;
        }
        if (answer == WebhookAnswer.KeyMissing)
        {
            await Problems.Answer(context, WebhookProblems.KeyMissing).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.Value("webhook"u8, row.Id);
            Write(to, answer);
        });
    }

    /// <summary>The subscription of the address; where there is none, that was answered.</summary>
    private async Task<WebhookRow?> FindAsync(HttpContext context)
    {
        if (Tag.TryParse(
            System.Text.Encoding.UTF8.GetBytes(context.Request.RouteValues["webhook"] as string ?? ""), out var id))
        {
            var found = await book.Engine.ReadAsync((bank, _) =>
                bank.Webhooks.Rows.TryGet(id, out var row) ? row : (WebhookRow?)null).ConfigureAwait(false);
            if (found is not null) return found;
        }
        await Problems.Answer(context, WebhookProblems.NotFound).ConfigureAwait(false);
        return null;
    }

    private static (List<WebhookRow> Rows, Instant Now) AllOf(Bank bank, in Moment at)
    {
        var rows = new List<WebhookRow>();
        foreach (var number in bank.Webhooks.Rows) rows.Add(bank.Webhooks.Rows[number]);
        return (rows, at.Now);
    }

    private static void Write(Utf8JsonWriter to, in WebhookRow row, Instant now)
    {
        to.Value("webhook"u8, row.Id);
        to.WriteString("url"u8, row.Url);
        to.WriteStartArray("types"u8);
        foreach (var type in row.Types) to.WriteStringValue(type);
        to.WriteEndArray();
        to.WriteStartArray("accounts"u8);
        foreach (var account in row.Accounts) to.WriteStringValue(account.ToString());
        to.WriteEndArray();
        to.Value("by"u8, row.By);
        to.WriteBoolean("enabled"u8, row.IsEnabled);
        if (!row.IsEnabled) to.Value("because"u8, row.Disabled);
        if (row.Undelivered > 0) to.WriteNumber("undelivered"u8, row.Undelivered);
        if (row.Former.Length > 0 && now < row.FormerUntil) to.Value("former_secret_until"u8, row.FormerUntil);
        to.WriteNumber("from_position"u8, row.From);
    }

    private static void Write(Utf8JsonWriter to, WebhookAnswer answer)
    {
        to.WriteBoolean("taken"u8, answer.IsTaken);
        if (answer.Status > 0) to.WriteNumber("status"u8, answer.Status);
        if (answer.Error is not null) to.WriteString("error"u8, answer.Error);
        to.WriteNumber("milliseconds"u8, (long)answer.Took.TotalMilliseconds);
        if (answer.Text.Length > 0) to.WriteString("answer"u8, answer.Text);
    }

    private static string TimeOf(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>Webhooks of a served book: its rules, its couriers, its routes.</summary>
public static class WebhookHosting
{
    /// <summary>Maps the routes; messages are sent from the start of the host to its end, while it leads.</summary>
    public static void MapWebhooks(this WebApplication app, RunningBook book)
    {
        bool IsLeading() => book.Engine is { IsLeading: true, MayAnswer: true };
        book.WebhookRules = WebhookRules.Of(app.Configuration, book.Genesis.Mode);
        var deliverer = new WebhookDeliverer(book, IsLeading, WebhookTime.Machine, app.Logger);
        WebhookEndpoints.Map(app, book, deliverer);
        app.Lifetime.ApplicationStarted.Register(deliverer.Start);
        app.Lifetime.ApplicationStopping.Register(() => deliverer.DisposeAsync().AsTask().Wait());
    }
}
