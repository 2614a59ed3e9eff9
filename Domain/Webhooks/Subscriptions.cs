using System.Collections.Immutable;
using System.Diagnostics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Webhooks;

/// <summary>A subscription.</summary>
/// <param name="Former">The secret before, sealed; empty: none.</param>
/// <param name="FormerUntil">First instant at which <paramref name="Former"/> signs no longer.</param>
/// <param name="By">Whose key it stands on.</param>
/// <param name="Made">Position of its first event: tells it from others that had its id.</param>
/// <param name="Since">Position of the event that said where to begin.</param>
/// <param name="From">First position to send since then.</param>
/// <param name="Changed">Position of its last event.</param>
/// <param name="Disabled">Why nothing is sent; none: it is sent.</param>
/// <param name="Undelivered">The event that could not be delivered; 0: none in particular.</param>
public readonly record struct WebhookRow(
    Tag Id, string Url, ImmutableArray<string> Types, ImmutableArray<AccountId> Accounts, string Secret, string Former,
    Instant FormerUntil, Tag By, long Made, long Since, long From, long Changed, Tag Disabled, long Undelivered)
    : IRow<WebhookRow, Tag>
{
    public Tag Key => Id;

    public bool IsEnabled => Disabled.IsNone;

    public static void Write(in WebhookRow row, ref RowWriter to)
    {
        to.Value(row.Id);
        to.Text(row.Url);
        to.Value(row.Types.Length);
        foreach (var type in row.Types) to.Text(type);
        to.Values(row.Accounts.AsSpan());
        to.Text(row.Secret);
        to.Text(row.Former);
        to.Value(row.FormerUntil);
        to.Value(row.By);
        to.Value(row.Made);
        to.Value(row.Since);
        to.Value(row.From);
        to.Value(row.Changed);
        to.Value(row.Disabled);
        to.Value(row.Undelivered);
    }

    public static WebhookRow Read(ref RowReader from)
    {
        var (id, url, count) = (from.Value<Tag>(), from.Text(), from.Value<int>());
        if (count is < 0 or > Subscriptions.MaxTypes)
            throw new SnapshotRefusedException("A webhook's types are torn.");
        var types = ImmutableArray.CreateBuilder<string>(count);
        for (var i = 0; i < count; i++) types.Add(from.Text());
        ImmutableArray<AccountId> accounts = [.. from.Values<AccountId>()];
        var (secret, former, until, by) = (from.Text(), from.Text(), from.Value<Instant>(), from.Value<Tag>());
        var (made, since, first) = (from.Value<long>(), from.Value<long>(), from.Value<long>());
        var (changed, disabled) = (from.Value<long>(), from.Value<Tag>());
        return new(id, url, types.DrainToImmutable(), accounts, secret, former, until, by, made, since, first, changed,
            disabled, from.Value<long>());
    }
}

/// <summary>
/// Who outside is told of the book's events. Sending is the host's; who, what and since when is the book's.
/// </summary>
public sealed class Subscriptions
{
    /// <summary>Each may hold a connection and a reader of the journal.</summary>
    public const int MaxWebhooks = 100;

    public const int MaxUrl = 500, MaxTypes = 64, MaxAccounts = 100;

    /// <summary>A week.</summary>
    public const long MaxOverlapSeconds = 7 * 86_400;

    /// <summary>Why nothing is sent.</summary>
    public static readonly Tag
        Asked = Tag.Of("asked"),
        Gone = Tag.Of("gone"),
        Exhausted = Tag.Of("exhausted"),
        KeyEnded = Tag.Of("key_ended");

    private readonly BookTables _book;

    public Subscriptions(Tables tables, BookTables book) => (Rows, _book) = (new(tables, "webhooks"), book);

    public Table<Tag, WebhookRow> Rows { get; }

    /// <param name="by">Name of the caller's key.</param>
    public Decision Decide(in Moment at, Tag by, WebhookCommand command)
    {
        var known = Rows.TryGet(command.Id, out var row);
        return command switch
        {
            SubscribeWebhook when known => WebhookRejections.AlreadyExists,
            SubscribeWebhook c => Subscribe(at, by, c),
            _ when !known => WebhookRejections.NotFound,
            RotateWebhookSecret c when c.OverlapSeconds is < 0 or > MaxOverlapSeconds =>
                WebhookRejections.OverlapOutOfRange,
            RotateWebhookSecret c when at.Now.TryAdd(c.OverlapSeconds * Instant.MicrosecondsPerSecond, out var until) =>
                new WebhookEvent.SecretRotated(c.Id, c.Secret, until),
            RotateWebhookSecret => WebhookRejections.OverlapOutOfRange,
            ReplayWebhook c when c.From < 1 || c.From > at.Position => WebhookRejections.BeyondEnd,
            ReplayWebhook c => new WebhookEvent.Replayed(c.Id, c.From),
            DisableWebhook c when !row.IsEnabled || (c.AsOf != 0 && c.AsOf != row.Changed) => [],
            DisableWebhook c => new WebhookEvent.Disabled(c.Id, c.Because, c.Position),
            EnableWebhook when row.IsEnabled && row.By == by => [],
            EnableWebhook c => new WebhookEvent.Enabled(c.Id, by),
            RemoveWebhook c => new WebhookEvent.Removed(c.Id),
            _ => throw new UnreachableException(command.GetType().Name),
        };
    }

    public void Evolve(long position, WebhookEvent @event)
    {
        switch (@event)
        {
            case WebhookEvent.Subscribed e:
                Rows.Insert(new(e.Id, e.Url, e.Types.IsDefault ? [] : e.Types, e.Accounts.IsDefault ? [] : e.Accounts,
                    e.Secret, "", default, e.By, position, position, e.From, position, default, 0));
                break;
            case WebhookEvent.SecretRotated e:
                Change(e.Id, row => row with
                {
                    Secret = e.Secret,
                    Former = row.Secret,
                    FormerUntil = e.FormerUntil,
                    Changed = position,
                });
                break;
            case WebhookEvent.Replayed e:
                Change(e.Id, row => row with { Since = position, From = e.From, Changed = position });
                break;
            case WebhookEvent.Disabled e:
                Change(e.Id, row => row with
                {
                    Disabled = e.Because,
                    Undelivered = e.Position,
                    Changed = position,
                });
                break;
            case WebhookEvent.Enabled e:
                Change(e.Id, row => row with { Disabled = default, Undelivered = 0, By = e.By, Changed = position });
                break;
            case WebhookEvent.Removed e:
                Rows.Delete(Rows.Find(e.Id));
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    private Decision Subscribe(in Moment at, Tag by, SubscribeWebhook c)
    {
        if (c.Url.Length is 0 or > MaxUrl || !System.Text.Ascii.IsValid(c.Url)) return WebhookRejections.UrlTooLong;
        var isHttps = c.Url.StartsWith("https://", StringComparison.Ordinal);
        var isHttp = c.Url.StartsWith("http://", StringComparison.Ordinal);
        if (!isHttps && !(isHttp && _book.Genesis.Mode == BookMode.Sandbox)) return WebhookRejections.HttpsRequired;
        if (c.Types.Length > MaxTypes || c.Accounts.Length > MaxAccounts) return WebhookRejections.FilterTooLong;
        var from = c.From ?? at.Position + 1;
        if (from < 1 || from > at.Position + 1) return WebhookRejections.BeyondEnd;
        return Rows.Count >= MaxWebhooks
            ? WebhookRejections.TooMany
            : new WebhookEvent.Subscribed(c.Id, c.Url, c.Types, c.Accounts, c.Secret, by, from);
    }

    private void Change(Tag id, Func<WebhookRow, WebhookRow> change)
    {
        var row = Rows.Find(id);
        Rows.Update(row, change(Rows[row]));
    }
}
