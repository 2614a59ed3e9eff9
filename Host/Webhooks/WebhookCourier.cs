using System.Globalization;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Webhooks;

/// <summary>Where one subscription stands, by name.</summary>
public static class WebhookPositions
{
    public const string Prefix = "webhook:";

    /// <summary>The last event that is done with; one name for each time that it was said where to begin.</summary>
    public static string Of(in WebhookRow row) => Name($"{Prefix}{row.Made}:{row.Since}");

    /// <summary>The event that is failing, and since when; anew after each change of the subscription.</summary>
    public static string FailingOf(in WebhookRow row) => Name($"{Prefix}{row.Made}:{row.Since}:failing:{row.Changed}");

    /// <summary>That there is a key for a secret; under another beginning, since it is no position.</summary>
    public const string KeyPrefix = "webhook-key:";

    /// <summary>Whose keys secrets are sealed with that sign, or may.</summary>
    public static IEnumerable<string> KeysOf(WebhookRow row, Instant now)
    {
        if (SealedText.SubjectOf(row.Secret) is { } first) yield return first;
        if (row.Former.Length > 0 && now < row.FormerUntil && SealedText.SubjectOf(row.Former) is { } former)
            yield return former;
    }

    private static string Name(FormattableString name) => name.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Sends one subscription its events: one at a time, in order, each until it is taken. What was sent and not noted is
/// sent again under the same id.
/// </summary>
internal sealed partial class WebhookCourier(
    RunningBook book, WebhookRow row, WebhookClient client, WebhookTime time, WebhookLog log, Func<bool> isLeading,
    Func<WebhookRow, Tag, long, Task> disable, ILogger logger)
    : IDisposable
{
    /// <summary>A position is noted when nothing more is there, when something fails, and after so many events.</summary>
    private const int NotedEvery = 50;

    /// <summary>Events passed over before others get their turn: the threads are those that answer customers.</summary>
    private const int EventsAtOnce = 2_000;

    private readonly EventsFilter _filter = new(row.Types, row.Accounts);
    private readonly string _name = WebhookPositions.Of(row), _failingName = WebhookPositions.FailingOf(row);
    private readonly byte[] _named = Encoding.ASCII.GetBytes($"\"data\":{{\"id\":\"{row.Id}\"");
    private JournalReader? _reader;
    private long _done, _noted;
    private int _sent;
    private bool _changed, _isHalfway;

    /// <summary>What is sent, and as what.</summary>
    private readonly record struct Message(long Position, string Id, byte[] Body);

    /// <summary>Until it is called off, the subscription changed or is disabled, or something other than the endpoint
    /// fails.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var stored = await book.Positions.FindAsync(_name, cancellation).ConfigureAwait(false);
        _done = _noted = Math.Max(stored?.Position ?? 0, row.From - 1);
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (Next() is { } line)
                {
                    if (!await DeliverAsync(MessageOf(line), cancellation).ConfigureAwait(false)) return;
                    if (++_sent % NotedEvery == 0) await NoteAsync(cancellation).ConfigureAwait(false);
                }
                else if (_isHalfway)
                {
                    await Task.Yield();
                }
                else
                {
                    await NoteAsync(cancellation).ConfigureAwait(false);
                    if (_changed) return;
                    await book.Feed.WaitBeyondAsync(_done, cancellation).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            // Once more, though it is called off: it spares the next one repeats.
            using var shortly = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await NoteAsync(shortly.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _reader?.Dispose();

    /// <summary>A message's id: of the book, the subscription and the event, whoever sends it and however often.</summary>
    public static string IdOf(RunningBook book, in WebhookRow row, long position) =>
        string.Create(CultureInfo.InvariantCulture, $"evt_{book.SigningId[..16]}_{row.Made}_{position}");

    /// <summary>
    /// The next line that is wanted; null where there is none yet, or none among the next few events. No reader is
    /// held while nothing is there.
    /// </summary>
    private (long Position, byte[] Line)? Next()
    {
        var feed = book.Feed;
        var first = _done;
        _isHalfway = false;
        var durable = feed.DurablePosition;
        if (_reader is null)
        {
            if (_done >= durable) return null;
            _reader = feed.Journal.Read(_done + 1);
            if (!_reader.MoveNext()) return Close();
        }
        while (true)
        {
            var block = _reader.Current;
            for (var position = Math.Max(_done + 1, block.FirstPosition); position <= block.LastPosition; position++)
            {
                if (position > durable) return Close();
                var line = block.Line((int)(position - block.FirstPosition));
                var isWanted = _filter.Takes(line, out var type);
                if (position > row.Changed && IsOwnChange(line, type))
                {
                    _changed = true;
                    return Close();
                }
                if (isWanted) return (position, line.ToArray());
                _done = position;
            }
            if (_isHalfway = _done - first >= EventsAtOnce) return null;
            if (!_reader.MoveNext()) return Close();
        }
    }

    /// <summary>Whether the subscription is another from this event on: what follows is not sent as before.</summary>
    private bool IsOwnChange(ReadOnlySpan<byte> line, ReadOnlySpan<byte> type) =>
        type.StartsWith("webhook."u8) && line.IndexOf(_named) >= 0;

    private (long, byte[])? Close()
    {
        _reader?.Dispose();
        _reader = null;
        return null;
    }

    private Message MessageOf((long Position, byte[] Line) of) =>
        new(of.Position, IdOf(book, row, of.Position), WebhookBody.Of(of.Line));

    /// <returns>False where the subscription is disabled now.</returns>
    private async Task<bool> DeliverAsync(Message message, CancellationToken cancellation)
    {
        DateTimeOffset? since = null;
        var failures = 0;
        if (await book.Positions.FindAsync(_failingName, cancellation).ConfigureAwait(false) is { } failing
            && failing.Position == message.Position)
        {
            since = failing.At;
            failures = RetrySchedule.FailuresWithin(time.Now() - failing.At);
        }
        for (var attempt = 1; ; attempt++)
        {
            var secrets = await SecretsAsync(message, cancellation).ConfigureAwait(false);
            if (!isLeading()) throw new OperationCanceledException("Another host leads.");
            var answer = await client.PostAsync(row.Url, message.Id, message.Body, secrets, cancellation)
                .ConfigureAwait(false);
            var now = time.Now();
            if (answer.IsTaken)
            {
                log.Add(row.Made, new(now, message.Position, message.Id, attempt, answer, null));
                _done = message.Position;
                if (since is not null)
                    await book.Positions.RemoveAsync(_failingName, cancellation).ConfigureAwait(false);
                return true;
            }
            if (answer.IsGone || now - (since ?? now) >= RetrySchedule.GivenUpAfter)
            {
                log.Add(row.Made, new(now, message.Position, message.Id, attempt, answer, null));
                await NoteAsync(cancellation).ConfigureAwait(false);
                var because = answer.IsGone ? Subscriptions.Gone : Subscriptions.Exhausted;
                await disable(row, because, message.Position).ConfigureAwait(false);
                return false;
            }
            var wait = RetrySchedule.After(++failures, time.Jitter(), answer.RetryAfter);
            log.Add(row.Made, new(now, message.Position, message.Id, attempt, answer, now + wait));
            if (since is null)
            {
                since = now;
                await NoteAsync(cancellation).ConfigureAwait(false);
                await book.Positions.ResetAsync(new(_failingName, message.Position, now), cancellation)
                    .ConfigureAwait(false);
            }
            Close();
            await time.Wait(wait, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What signs. Where its key is not here the message waits, however long: it was not refused by anybody, and a new
    /// secret, or the keys restored, set it going.
    /// </summary>
    private async Task<string[]> SecretsAsync(Message message, CancellationToken cancellation)
    {
        for (var look = 1; ; look++)
        {
            if (OpenedSecrets.Of(book, row) is { } secrets) return secrets;
            if (!isLeading()) throw new OperationCanceledException("Another host leads.");
            if (look == 1)
            {
                await NoteAsync(cancellation).ConfigureAwait(false);
                KeyMissing(logger, row.Id.ToString());
            }
            var (now, wait) = (time.Now(), RetrySchedule.AfterLook(look));
            log.Add(row.Made, new(now, message.Position, message.Id, look, WebhookAnswer.KeyMissing, now + wait));
            Close();
            await time.Wait(wait, cancellation).ConfigureAwait(false);
        }
    }

    private async Task NoteAsync(CancellationToken cancellation)
    {
        if (_noted == _done) return;
        var done = _done;
        await book.Positions.AdvanceAsync(new(_name, done, time.Now()), cancellation).ConfigureAwait(false);
        _noted = done;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook {Webhook} sends nothing: the key of its secret is not "
        + "here (webhook.key_missing); restore the keys, or make a new secret with rotate-secret")]
    private static partial void KeyMissing(ILogger log, string webhook);
}

/// <summary>What a message says: <c>{"type":…,"timestamp":…,"data":…}</c>, the data being the event line as it is.</summary>
internal static class WebhookBody
{
    public static byte[] Of(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> at = [], type = [];
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isAt, isType) = (reader.ValueTextEquals("at"u8), reader.ValueTextEquals("type"u8));
            reader.Read();
            if (isAt) at = reader.ValueSpan;
            if (isType) type = reader.ValueSpan;
            reader.Skip();
        }
        var body = new System.Buffers.ArrayBufferWriter<byte>(line.Length + 128);
        Write("{\"type\":\""u8);
        Write(type);
        Write("\",\"timestamp\":\""u8);
        Write(at);
        Write("\",\"data\":"u8);
        Write(line);
        Write("}"u8);
        return body.WrittenSpan.ToArray();

        void Write(ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(body, bytes);
    }

    /// <summary>A message of no event, to try an endpoint.</summary>
    public static byte[] OfPing(Tag webhook, DateTimeOffset at) => Encoding.ASCII.GetBytes(
        $$$"""{"type":"webhook.ping","timestamp":"{{{at.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}}}","data":{"webhook":"{{{webhook}}}"}}""");
}
