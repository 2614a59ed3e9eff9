using System.Collections.Frozen;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>Time that passes when somebody waits for it.</summary>
internal sealed class PassingTime
{
    private readonly Lock _gate = new();
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    public List<TimeSpan> Waits { get; } = [];

    public double Jitter { get; set; } = 1;

    public DateTimeOffset Now
    {
        get { lock (_gate) return _now; }
    }

    public WebhookTime Time => new()
    {
        Now = () => Now,
        Wait = WaitAsync,
        Jitter = () => Jitter,
        Look = TimeSpan.FromMilliseconds(20),
        Timeout = TimeSpan.FromMilliseconds(1_200),
    };

    public void Pass(TimeSpan span)
    {
        lock (_gate) _now += span;
    }

    private async Task WaitAsync(TimeSpan span, CancellationToken cancellation)
    {
        lock (_gate) Waits.Add(span);
        Pass(span);
        await Task.Delay(1, cancellation);
    }
}

/// <summary>A book, and the couriers of one host or of several.</summary>
internal sealed class HookedBook : IAsyncDisposable
{
    private readonly List<WebhookDeliverer> _deliverers = [];

    private HookedBook(AuditHost host) => Host = host;

    public AuditHost Host { get; }

    public RunningBook Book => Host.Book;

    public PassingTime Time { get; } = new();

    public static async Task<HookedBook> StartAsync(params Receiver[] receivers)
    {
        var hooked = new HookedBook(await AuditHost.StartAsync());
        hooked.Allow([.. receivers.Select(receiver => receiver.Port)]);
        return hooked;
    }

    public void Allow(params int[] ports) => Book.WebhookRules = new(true, true, ports.ToFrozenSet());

    /// <summary>A host's couriers begin.</summary>
    public WebhookDeliverer Begin(Func<bool>? isLeading = null, WebhookTime? time = null, ILogger? log = null)
    {
        var deliverer = new WebhookDeliverer(
            Book, isLeading ?? (() => true), time ?? Time.Time, log ?? NullLogger.Instance);
        _deliverers.Add(deliverer);
        deliverer.Start();
        return deliverer;
    }

    public async Task EndAsync(WebhookDeliverer deliverer)
    {
        _deliverers.Remove(deliverer);
        await deliverer.DisposeAsync();
    }

    /// <returns>Its secret.</returns>
    public async Task<string> Subscribe(
        string url, string id = "hook", string[]? types = null, string[]? accounts = null, long? from = null)
    {
        var secret = WebhookSignature.NewSecret();
        await Host.Send(new SubscribeWebhook(
            Tag.Of(id), url, [.. types ?? ["transfer.made.v1"]],
            [.. (accounts ?? []).Select(account => AccountId.Parse(account))], Sealed(id, secret), from));
        return secret;
    }

    public async Task<string> Rotate(string id = "hook", long overlap = 3_600)
    {
        var secret = WebhookSignature.NewSecret();
        await Host.Send(new RotateWebhookSecret(Tag.Of(id), Sealed(id, secret), overlap));
        return secret;
    }

    public Task<WebhookRow> Row(string id = "hook") =>
        Book.Engine.ReadAsync((bank, _) => bank.Webhooks.Rows[bank.Webhooks.Rows.Find(Tag.Of(id))]);

    /// <summary>Waits until a subscription is disabled.</summary>
    public async Task<WebhookRow> Disabled(string id = "hook")
    {
        for (var tries = 0; tries < 1_000; tries++)
        {
            var row = await Row(id);
            if (!row.IsEnabled) return row;
            await Task.Delay(10);
        }
        throw new TimeoutException($"{id} is still enabled.");
    }

    /// <summary>Waits until the log has so many attempts; the newest first.</summary>
    public static async Task<IReadOnlyList<WebhookAttempt>> Attempts(
        WebhookDeliverer deliverer, WebhookRow row, int count)
    {
        for (var tries = 0; tries < 1_000; tries++)
        {
            if (deliverer.Log.Of(row.Made) is { } attempts && attempts.Count >= count) return attempts;
            await Task.Delay(10);
        }
        throw new TimeoutException($"There are not {count} attempts.");
    }

    /// <summary>Waits until it is noted that everything up to the book's end is done with.</summary>
    public async Task CaughtUp(string id = "hook")
    {
        var row = await Row(id);
        for (var tries = 0; tries < 1_000; tries++)
        {
            var stored = await Book.Positions.FindAsync(WebhookPositions.Of(row), CancellationToken.None);
            if (stored?.Position >= Book.Engine.DurablePosition) return;
            await Task.Delay(10);
        }
        throw new TimeoutException($"{id} is behind.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var deliverer in _deliverers) await deliverer.DisposeAsync();
        await Host.DisposeAsync();
    }

    private string Sealed(string id, string secret) =>
        Book.Sealing.Seal(WebhookSignature.SealedAs, WebhookSignature.NewSubject(Tag.Of(id)), secret);
}
