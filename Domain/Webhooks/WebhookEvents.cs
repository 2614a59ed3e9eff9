using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Webhooks;

/// <summary>What is asked of a subscription to the events of the book.</summary>
/// <param name="Id">The subscription.</param>
public abstract record WebhookCommand(Tag Id) : Command;

/// <summary>Has events sent to an address outside.</summary>
/// <param name="Url">An absolute address, 1 to <see cref="Subscriptions.MaxUrl"/> ASCII characters.</param>
/// <param name="Types">Wire names; empty: every event.</param>
/// <param name="Accounts">Only events that name one of them; empty: whatever they name.</param>
/// <param name="Secret">Sealed; what each message is signed with.</param>
/// <param name="From">First position to send; null: what comes after the subscription itself.</param>
public sealed record SubscribeWebhook(
    Tag Id, string Url, ImmutableArray<string> Types, ImmutableArray<AccountId> Accounts, string Secret, long? From)
    : WebhookCommand(Id);

/// <summary>Gives a new secret; messages are signed with both until the overlap has passed.</summary>
/// <param name="Secret">Sealed.</param>
/// <param name="OverlapSeconds">0 to <see cref="Subscriptions.MaxOverlapSeconds"/>.</param>
public sealed record RotateWebhookSecret(Tag Id, string Secret, long OverlapSeconds) : WebhookCommand(Id);

/// <summary>Sends everything from a position on, again where it was sent before.</summary>
public sealed record ReplayWebhook(Tag Id, long From) : WebhookCommand(Id);

/// <summary>Sends nothing until it is enabled.</summary>
/// <param name="Because">Why, as a code: see <see cref="Subscriptions"/>.</param>
/// <param name="Position">The event that could not be delivered; 0: none in particular.</param>
/// <param name="AsOf">
/// Where the subscription changed last when this was decided: a later change is not undone. 0: whatever came since.
/// </param>
public sealed record DisableWebhook(Tag Id, Tag Because, long Position, long AsOf) : WebhookCommand(Id);

/// <summary>Goes on where it stood, from now on in the name of who enables it.</summary>
public sealed record EnableWebhook(Tag Id) : WebhookCommand(Id);

/// <summary>Ends a subscription for good; its id may be given again.</summary>
public sealed record RemoveWebhook(Tag Id) : WebhookCommand(Id);

/// <summary>The life of subscriptions: what is sent follows from these and from nothing else.</summary>
public abstract record WebhookEvent : Event
{
    private WebhookEvent() { }

    /// <param name="By">Whose key it stands on: it sends only what that key may read.</param>
    /// <param name="From">First position to send.</param>
    /// <param name="Secret">Sealed.</param>
    public sealed record Subscribed(
        Tag Id, string Url, ImmutableArray<string> Types, ImmutableArray<AccountId> Accounts, string Secret, Tag By,
        long From) : WebhookEvent
    {
        public bool Equals(Subscribed? other) => other is not null && Id == other.Id && Url == other.Url
            && Secret == other.Secret && By == other.By && From == other.From
            && Types.AsSpan().SequenceEqual(other.Types.AsSpan())
            && Accounts.AsSpan().SequenceEqual(other.Accounts.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Id, Url, Secret, By, From);
    }

    /// <param name="Secret">Sealed.</param>
    /// <param name="FormerUntil">First instant at which the secret before signs no longer.</param>
    public sealed record SecretRotated(Tag Id, string Secret, Instant FormerUntil) : WebhookEvent;

    /// <param name="From">First position to send.</param>
    public sealed record Replayed(Tag Id, long From) : WebhookEvent;

    /// <param name="Because">Why, as a code.</param>
    /// <param name="Position">The event that could not be delivered; 0: none in particular.</param>
    public sealed record Disabled(Tag Id, Tag Because, long Position) : WebhookEvent;

    /// <param name="By">Whose key it stands on from now on.</param>
    public sealed record Enabled(Tag Id, Tag By) : WebhookEvent;

    public sealed record Removed(Tag Id) : WebhookEvent;
}

public static class WebhookRejections
{
    public static readonly Rejection
        NotFound = new("webhook.not_found", "No such webhook.", RejectionKind.NotFound),
        AlreadyExists = new("webhook.already_exists", "A webhook of this id is there.", RejectionKind.Conflict),
        TooMany = new(
            "webhook.too_many", $"A book has at most {Subscriptions.MaxWebhooks} webhooks: remove one.",
            RejectionKind.Conflict),
        UrlTooLong = new(
            "webhook.url_too_long", $"An address has 1 to {Subscriptions.MaxUrl} ASCII characters."),
        HttpsRequired = new(
            "webhook.https_required", "An address begins with https://; http:// is for sandbox books that allow it."),
        FilterTooLong = new(
            "webhook.filter_too_long",
            $"A webhook names at most {Subscriptions.MaxTypes} types and {Subscriptions.MaxAccounts} accounts."),
        BeyondEnd = new("webhook.beyond_end", "The first position to send is 1 to the one after the last."),
        OverlapOutOfRange = new(
            "webhook.overlap_out_of_range",
            $"Two secrets sign for 0 to {Subscriptions.MaxOverlapSeconds} seconds.");
}
