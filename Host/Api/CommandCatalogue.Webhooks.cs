using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>Commands about who outside is told of events. All of them need the scope audit besides.</summary>
public static partial class CommandCatalogue
{
    private const long OneDay = 86_400;

    private static CommandSpec[] OfWebhooks() =>
    [
        new("webhook.subscribe", "webhooks", Scopes.Operate,
            "Have events sent to an address; the secret they are signed with is shown once",
            [Webhook, Url], [EventTypes, OnlyAccounts, FromPosition],
            Subscribe,
            """
            {"webhook":"reporting","url":"https://hooks.example/bank","types":["transfer.made.v1"],
             "accounts":["customers:alice"]}
            """) { Creates = true, InBatch = false },
        new("webhook.rotate_secret", "webhooks/{webhook}/rotate-secret", Scopes.Operate,
            "Give a new secret, shown once; the one before signs too for a while", [Webhook], [OverlapSeconds],
            RotateSecret,
            """{"overlap_seconds":3600}""") { InBatch = false },
        new("webhook.replay", "webhooks/{webhook}/replay", Scopes.Operate,
            "Send everything from a position on, again where it was sent before", [Webhook, FromPosition], [],
            static (f, _) => new ReplayWebhook(f.Webhook, f.Number),
            """{"from_position":1}"""),
        new("webhook.disable", "webhooks/{webhook}/disable", Scopes.Operate, "Send nothing until it is enabled",
            [Webhook], [],
            static (f, _) => new DisableWebhook(f.Webhook, Subscriptions.Asked, 0, 0),
            "{}"),
        new("webhook.enable", "webhooks/{webhook}/enable", Scopes.Operate,
            "Go on where it stood, from now on in the name of your key", [Webhook], [],
            static (f, _) => new EnableWebhook(f.Webhook),
            "{}"),
        new("webhook.remove", "webhooks/{webhook}/remove", Scopes.Operate, "End it for good", [Webhook], [],
            static (f, _) => new RemoveWebhook(f.Webhook),
            "{}"),
    ];

    private static Built Subscribe(CommandFields f, Sealing sealing)
    {
        var command = new SubscribeWebhook(
            f.Webhook, f.Url!, f.EventTypes, f.OnlyAccounts, "", f.Has(FromPosition) ? f.Number : null);
        return WithSecret(
            command, book => book.WebhookRules.Check(command.Url) is { } refused ? new Flaw(refused, Url.Name) : null,
            secret => command with { Secret = secret });
    }

    private static Built RotateSecret(CommandFields f, Sealing sealing)
    {
        var command = new RotateWebhookSecret(f.Webhook, "", f.Has(OverlapSeconds) ? f.Number : OneDay);
        return WithSecret(command, static _ => null, secret => command with { Secret = secret });
    }

    /// <summary>A command that brings a new secret, which is made as late as can be.</summary>
    private static Built WithSecret(
        WebhookCommand command, Func<RunningBook, Flaw?> check, Func<string, WebhookCommand> with) => new(
            command, Turn: WebhookSecrets.Turn,
            Ask: async (book, _) =>
            {
                if (check(book) is { } refused) return refused;
                try
                {
                    var secret = await book.WebhookSecrets.MakeAsync(command.Id).ConfigureAwait(false);
                    return new(with(secret.Sealed), Secret: new("secret", secret.Text), SealedFor: secret.Subject);
                }
                catch (PositionsUnavailableException)
                {
                    return new Flaw(ConsumerProblems.Unavailable);
                }
            });
}
