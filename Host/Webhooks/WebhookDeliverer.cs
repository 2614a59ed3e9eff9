using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Webhooks;

/// <summary>
/// Sends a book's webhooks while this host leads: one courier a subscription, so that an endpoint that hangs holds up
/// its own and no other. It reads who is subscribed from the book, and disables by commands of the engine's own.
/// </summary>
/// <remarks>
/// At least once: what was sent when a host fell, and not noted, is sent again by the next under the same id. Two hosts
/// that both think they lead send the same messages; the positions only advance.
/// </remarks>
public sealed partial class WebhookDeliverer : IAsyncDisposable
{
    /// <summary>A courier that failed for another reason than its endpoint begins again after this.</summary>
    private static readonly TimeSpan BeginsAgain = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<Tag, Running> _couriers = [];
    private readonly RunningBook _book;
    private readonly Func<bool> _isLeading;
    private readonly WebhookTime _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _pings = new(MaxPings, MaxPings);
    private readonly WebhookClient _client;
    private Task _running = Task.CompletedTask;

    /// <summary>Pings under way at once.</summary>
    public const int MaxPings = 4;

    /// <param name="isLeading">Whether this host leads the book now; asked before every message.</param>
    public WebhookDeliverer(RunningBook book, Func<bool> isLeading, WebhookTime time, ILogger logger)
    {
        (_book, _isLeading, _time, _logger) = (book, isLeading, time, logger);
        _client = new(book.WebhookRules, time);
    }

    private sealed record Running(WebhookRow Row, Task Task, CancellationTokenSource Stop);

    /// <summary>The last attempts of this host.</summary>
    public WebhookLog Log { get; } = new();

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Sends a message of no event, once, and tells what came back.</summary>
    /// <returns>Null while too many others do.</returns>
    /// <exception cref="InvalidOperationException">The key store does not have the secret's key.</exception>
    public async Task<WebhookAnswer?> PingAsync(WebhookRow row, CancellationToken cancellation)
    {
        if (!_pings.Wait(TimeSpan.Zero, cancellation)) return null;
        try
        {
            var secret = _book.Sealing.Open(WebhookSignature.SealedAs, row.Secret)
                ?? throw new InvalidOperationException($"The secret of webhook {row.Id} cannot be opened.");
            var (id, now) = ($"ping_{Guid.NewGuid():N}", _time.Now());
            var answer = await _client
                .PostAsync(row.Url, id, WebhookBody.OfPing(row.Id, now), [secret], cancellation).ConfigureAwait(false);
            Log.Add(row.Made, new(now, 0, id, 1, answer, null));
            return answer;
        }
        finally
        {
            _pings.Release();
        }
    }

    /// <summary>Calls off what is under way, notes how far it came, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _client.Dispose();
        _pings.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (_isLeading()) await FollowAsync().ConfigureAwait(false);
                else await StopAsync(_couriers.Keys).ConfigureAwait(false);
                await Task.Delay(_time.Look, _stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception unavailable) when (unavailable is EngineUnavailableException
                or PositionsUnavailableException or JournalException)
            {
                LookedInVain(_logger, unavailable.Message);
                await PauseAsync().ConfigureAwait(false);
            }
            catch (Exception failed)
            {
                // Nobody else would begin the couriers again.
                LookFailed(_logger, failed);
                await PauseAsync().ConfigureAwait(false);
            }
        }
        await StopAsync(_couriers.Keys).ConfigureAwait(false);
    }

    private async Task PauseAsync() =>
        await Task.Delay(_time.Look, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Brings the couriers in line with the book.</summary>
    private async Task FollowAsync()
    {
        var (rows, ended) = await _book.Engine.ReadAsync((bank, at) => Read(bank, at)).ConfigureAwait(false);
        foreach (var row in ended) await DisableAsync(row, Subscriptions.KeyEnded, 0).ConfigureAwait(false);
        var wanted = rows.Where(row => row.IsEnabled).ToDictionary(row => row.Id);
        var stale = _couriers.Where(pair => !wanted.TryGetValue(pair.Key, out var row)
            || row.Changed != pair.Value.Row.Changed || pair.Value.Task.IsCompleted).Select(pair => pair.Key);
        if (await StopAsync(stale).ConfigureAwait(false) | Begin(wanted.Values)) await TidyAsync(rows).ConfigureAwait(false);
    }

    /// <summary>All subscriptions, and those that are enabled on a key that may read no longer.</summary>
    private static (List<WebhookRow> Rows, List<WebhookRow> Ended) Read(Bank bank, in Moment at)
    {
        var (rows, ended) = (new List<WebhookRow>(), new List<WebhookRow>());
        foreach (var number in bank.Webhooks.Rows)
        {
            var row = bank.Webhooks.Rows[number];
            var mayRead = bank.Keys.Rows.TryGet(row.By, out var key) && key.IsUsable(at.Now)
                && (key.Scopes & Scopes.Audit) != 0;
            rows.Add(row);
            if (row.IsEnabled && !mayRead) ended.Add(row);
        }
        return (rows.Except(ended).ToList(), ended);
    }

    private bool Begin(IEnumerable<WebhookRow> wanted)
    {
        var begun = false;
        foreach (var row in wanted.Where(row => !_couriers.ContainsKey(row.Id)))
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            _couriers[row.Id] = new(row, Task.Run(() => CarryAsync(row, stop.Token)), stop);
            begun = true;
        }
        return begun;
    }

    private async Task<bool> StopAsync(IEnumerable<Tag> ids)
    {
        var stopped = ids.Select(id => _couriers[id]).ToList();
        foreach (var courier in stopped) await courier.Stop.CancelAsync().ConfigureAwait(false);
        foreach (var courier in stopped)
        {
            await courier.Task.ConfigureAwait(false);
            courier.Stop.Dispose();
            _couriers.Remove(courier.Row.Id);
        }
        return stopped.Count > 0;
    }

    /// <summary>Runs one courier; a fault of its own making ends it with a pause, and it begins again.</summary>
    private async Task CarryAsync(WebhookRow row, CancellationToken cancellation)
    {
        try
        {
            using var courier = new WebhookCourier(
                _book, row, _client, _time, Log, _isLeading, DisableAsync);
            await courier.RunAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Called off, or another host leads: who sends next goes on behind the last position that was noted.
        }
        catch (Exception failed)
        {
            CourierFailed(_logger, failed, row.Id.ToString());
            await Task.Delay(BeginsAgain, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Says so in the book; where this host leads no longer, the next one will.</summary>
    private async Task DisableAsync(WebhookRow row, Tag because, long position)
    {
        var command = new DisableWebhook(row.Id, because, position, row.Changed);
        await _book.Engine.SendAsync(new(default, Envelope.Engine, 0), command, "webhook.disable").ConfigureAwait(false);
        Disabled(_logger, row.Id.ToString(), because.ToString(), position);
    }

    /// <summary>Removes what was noted of subscriptions, and beginnings, that are no more.</summary>
    private async Task TidyAsync(List<WebhookRow> rows)
    {
        var kept = rows.SelectMany(row => new[] { WebhookPositions.Of(row), WebhookPositions.FailingOf(row) }).ToHashSet();
        foreach (var stored in await _book.Positions.ListAsync(WebhookPositions.Prefix, _stopping.Token)
            .ConfigureAwait(false))
        {
            if (!kept.Contains(stored.Name))
                await _book.Positions.RemoveAsync(stored.Name, _stopping.Token).ConfigureAwait(false);
        }
        Log.Keep(rows.Select(row => row.Made));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook {Webhook} failed on this side; it begins again shortly")]
    private static partial void CourierFailed(ILogger log, Exception failed, string webhook);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook {Webhook} is disabled: {Because}, at event {Position}")]
    private static partial void Disabled(ILogger log, string webhook, string because, long position);

    [LoggerMessage(Level = LogLevel.Error, Message = "Webhooks could not be looked after; they are again shortly")]
    private static partial void LookFailed(ILogger log, Exception failed);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Webhooks wait: {Why}")]
    private static partial void LookedInVain(ILogger log, string why);
}
