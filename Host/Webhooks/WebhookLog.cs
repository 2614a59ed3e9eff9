namespace BankingEngine.Host.Webhooks;

/// <summary>One attempt.</summary>
/// <param name="Position">Of the event; 0: a ping.</param>
/// <param name="Attempt">From 1, of this event, since this host took it up.</param>
/// <param name="Next">When it is sent again; null: it was taken, or is given up.</param>
public sealed record WebhookAttempt(
    DateTimeOffset At, long Position, string MessageId, int Attempt, WebhookAnswer Answer, DateTimeOffset? Next);

/// <summary>
/// The last attempts of each subscription, in memory: of this host, since it started or took the lead. What survives it
/// is in the book (that a subscription was disabled, where and why) and in the positions (how far it came, and since
/// when a message is failing).
/// </summary>
public sealed class WebhookLog
{
    /// <summary>Attempts kept of a subscription.</summary>
    public const int Most = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, Queue<WebhookAttempt>> _kept = [];

    /// <param name="webhook">Position of the subscription's first event.</param>
    public void Add(long webhook, WebhookAttempt attempt)
    {
        lock (_gate)
        {
            if (!_kept.TryGetValue(webhook, out var attempts)) _kept[webhook] = attempts = new();
            if (attempts.Count == Most) attempts.Dequeue();
            attempts.Enqueue(attempt);
        }
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<WebhookAttempt> Of(long webhook)
    {
        lock (_gate) return _kept.TryGetValue(webhook, out var attempts) ? [.. attempts.Reverse()] : [];
    }

    /// <summary>Forgets subscriptions that are no more.</summary>
    public void Keep(IEnumerable<long> webhooks)
    {
        lock (_gate)
        {
            foreach (var gone in _kept.Keys.Except(webhooks).ToList()) _kept.Remove(gone);
        }
    }
}
