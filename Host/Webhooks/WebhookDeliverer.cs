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

    /// <summary>Of the secrets at the last tidying; null: not tidied since this host leads.</summary>
    private HashSet<string>? _keys;

    /// <summary>Keys that had been noted on this host at the last tidying.</summary>
    private long _made;

    /// <summary>Pings under way at once.</summary>
    public const int MaxPings = 4;

    /// <param name="isLeading">Whether this host leads the book now; asked before every message.</param>
    public WebhookDeliverer(RunningBook book, Func<bool> isLeading, WebhookTime time, ILogger logger)
    {
        (_book, _isLeading, _time, _logger) = (book, isLeading, time, logger);
        _client = new(book.WebhookRules, time);
    }

    /// <param name="Keys">Of the secrets that sign, or may.</param>
    private sealed record Subscribed(List<WebhookRow> Rows, List<WebhookRow> Ended, HashSet<string> Keys);

    private sealed record Running(WebhookRow Row, Task Task, CancellationTokenSource Stop);

    /// <summary>The last attempts of this host.</summary>
    public WebhookLog Log { get; } = new();

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Sends a message of no event, once, and tells what came back.</summary>
    /// <returns>Null while too many others do.</returns>
    public async Task<WebhookAnswer?> PingAsync(WebhookRow row, CancellationToken cancellation)
    {
        if (!_pings.Wait(TimeSpan.Zero, cancellation)) return null;
        try
        {
            var (id, now) = ($"ping_{Guid.NewGuid():N}", _time.Now());
            var answer = OpenedSecrets.Of(_book, row) is { } secrets
                ? await _client.PostAsync(row.Url, id, WebhookBody.OfPing(row.Id, now), [secrets[0]], cancellation)
                    .ConfigureAwait(false)
                : WebhookAnswer.KeyMissing;
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
                else
                {
                    await StopAsync(_couriers.Keys).ConfigureAwait(false);
                    _keys = null;
                }
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
        var read = await ReadAsync().ConfigureAwait(false);
        foreach (var row in read.Ended) await DisableAsync(row, Subscriptions.KeyEnded, 0).ConfigureAwait(false);
        var wanted = read.Rows.Except(read.Ended).Where(row => row.IsEnabled).ToDictionary(row => row.Id);
        var stale = _couriers.Where(pair => !wanted.TryGetValue(pair.Key, out var row)
            || row.Changed != pair.Value.Row.Changed || pair.Value.Task.IsCompleted).Select(pair => pair.Key);
        var isNews = await StopAsync(stale).ConfigureAwait(false) | Begin(wanted.Values);
        if (isNews || _keys?.SetEquals(read.Keys) != true || _made != _book.WebhookSecrets.Made) await TidyAsync(read.Keys).ConfigureAwait(false);
    }

    private Task<Subscribed> ReadAsync() => _book.Engine.ReadAsync((bank, at) => Read(bank, at));

    /// <summary>All subscriptions, and those that are enabled on a key that may read no longer.</summary>
    private static Subscribed Read(Bank bank, in Moment at)
    {
        var (rows, ended, keys) = (new List<WebhookRow>(), new List<WebhookRow>(), new HashSet<string>());
        foreach (var number in bank.Webhooks.Rows)
        {
            var row = bank.Webhooks.Rows[number];
            var mayRead = bank.Keys.Rows.TryGet(row.By, out var key) && key.IsUsable(at.Now)
                && (key.Scopes & Scopes.Audit) != 0;
            rows.Add(row);
            if (row.IsEnabled && !mayRead) ended.Add(row);
            keys.UnionWith(WebhookPositions.KeysOf(row, at.Now));
        }
        return new(rows, ended, keys);
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
                _book, row, _client, _time, Log, _isLeading, DisableAsync, _logger);
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

    /// <summary>Removes what was noted of subscriptions, and beginnings, that are no more, and destroys the keys of
    /// secrets that sign no more: what an old journal says of them opens nothing.</summary>
    /// <remarks>The keys that are there are noted beside the positions, so that a host that takes over knows which are to
    /// go: see <see cref="WebhookSecrets"/>; here for books of programs that noted them later.</remarks>
    private async Task TidyAsync(HashSet<string> keys)
    {
        var (before, ending) = (_keys ?? [], _stopping.Token);
        _keys = null;
        using var turn = await _book.Turns.TakeAsync(WebhookSecrets.Turn, ending).ConfigureAwait(false);
        var made = _book.WebhookSecrets.Made;
        foreach (var key in keys.Except(before))
            await _book.Positions.AdvanceAsync(new(WebhookPositions.KeyPrefix + key, 0, _time.Now()), ending).ConfigureAwait(false);
        var positions = await _book.Positions.ListAsync(WebhookPositions.Prefix, ending).ConfigureAwait(false);
        var noted = await _book.Positions.ListAsync(WebhookPositions.KeyPrefix, ending).ConfigureAwait(false);

        // Read behind what is noted: a host that stood still may lead no longer, and must not take for gone what is new.
        var now = await ReadAsync().ConfigureAwait(false);
        // And what a follower reads may be older than what is noted.
        if (!_isLeading()) return;
        var kept = now.Rows.SelectMany(row => new[] { WebhookPositions.Of(row), WebhookPositions.FailingOf(row) })
            .Concat(now.Keys.Select(key => WebhookPositions.KeyPrefix + key)).ToHashSet();
        foreach (var gone in positions.Concat(noted).Select(stored => stored.Name).Where(name => !kept.Contains(name)))
        {
            if (gone.StartsWith(WebhookPositions.KeyPrefix, StringComparison.Ordinal))
                _book.KeyStore.Destroy(gone[WebhookPositions.KeyPrefix.Length..]);
            await _book.Positions.RemoveAsync(gone, ending).ConfigureAwait(false);
        }
        Log.Keep(now.Rows.Select(row => row.Made));
        (_keys, _made) = (keys, made);
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
