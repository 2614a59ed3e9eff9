using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Application.Journal;

/// <summary>A kind of event on the wire.</summary>
/// <param name="Name"><c>capability.event.vN</c>; never renamed, its data never changed.</param>
public sealed record WireType(string Name, Type Type, JsonTypeInfo Info)
{
    public JsonEncodedText Encoded { get; } = JsonEncodedText.Encode(Name);
}

/// <summary>Every event of the bank by its wire name. A public contract: names are added, never changed.</summary>
public static class EventCatalogue
{
    private static readonly WireType[] Types =
    [
        Of<TransferEvent.Made>("transfer.made.v1"),
        Of<TransferEvent.Imported>("transfer.imported.v1"),
        Of<TransferEvent.Reserved>("transfer.reserved.v1"),
        Of<TransferEvent.Posted>("transfer.posted.v1"),
        Of<TransferEvent.Cancelled>("transfer.cancelled.v1"),
        Of<TransferEvent.Expired>("transfer.expired.v1"),
        Of<TransferEvent.Reversed>("transfer.reversed.v1"),
        Of<EntryEvent.Posted>("entry.posted.v1"),
        Of<EntryEvent.Adjusted>("entry.adjusted.v1"),
        Of<EntryEvent.Exchanged>("entry.exchanged.v1"),
        Of<EntryEvent.YearCarried>("entry.year_carried.v1"),
        Of<AssetEvent.Registered>("asset.registered.v1"),
        Of<AssetEvent.Retired>("asset.retired.v1"),
        Of<AccountEvent.Opened>("account.opened.v1"),
        Of<AccountEvent.AssetAdded>("account.asset_added.v1"),
        Of<AccountEvent.LimitsSet>("account.limits_set.v1"),
        Of<AccountEvent.OverdraftGranted>("account.overdraft_granted.v1"),
        Of<AccountEvent.Closed>("account.closed.v1"),
        Of<AccountEvent.Reopened>("account.reopened.v1"),
        Of<RestraintEvent.Placed>("restraint.placed.v1"),
        Of<RestraintEvent.Lifted>("restraint.lifted.v1"),
        Of<RestraintEvent.Lapsed>("restraint.lapsed.v1"),
        Of<RestraintEvent.Seized>("restraint.seized.v1"),
        Of<BookEvent.Opened>("book.opened.v1"),
        Of<BookEvent.DayAdvanced>("book.day_advanced.v1"),
        Of<BookEvent.PeriodClosedSoftly>("book.period_closed_softly.v1"),
        Of<BookEvent.PeriodReopened>("book.period_reopened.v1"),
        Of<BookEvent.PeriodClosed>("book.period_closed.v1"),
        Of<BookEvent.YearClosed>("book.year_closed.v1"),
        Of<BookEvent.ClockAdvanced>("book.clock_advanced.v1"),
        Of<BookEvent.ClockAccepted>("book.clock_accepted.v1"),
        Of<BookEvent.CheckpointKeyAnnounced>("book.checkpoint_key_announced.v1"),
        Of<BookEvent.TimerParked>("book.timer_parked.v1"),
        Of<ReferenceEvent.Published>("reference.published.v1"),
        Of<KeyEvent.Issued>("key.issued.v1"),
        Of<KeyEvent.Revoked>("key.revoked.v1"),
        Of<CommandEvent.Refused>("command.refused.v1"),
        Of<CommandEvent.Faulted>("command.faulted.v1"),
        Of<BookEvent.YearClosing>("book.year_closing.v1"),
        Of<PermissionEvent.Created>("permissions.created.v1"),
        Of<PermissionEvent.Set>("permission.set.v1"),
        Of<PermissionEvent.Removed>("permission.removed.v1"),
        Of<PermissionEvent.Linked>("permission.linked.v1"),
        Of<PermissionEvent.Unlinked>("permission.unlinked.v1"),
        Of<PermissionEvent.ChangesLimited>("permissions.changes_limited.v1"),
        Of<PermissionEvent.KeyBound>("key.bound.v1"),
        Of<PartyEvent.Registered>("party.registered.v1"),
        Of<PartyEvent.StandingSet>("party.standing_set.v1"),
        Of<PartyEvent.ActorSet>("party.actor_set.v1"),
        Of<PartyEvent.Died>("party.died.v1"),
        Of<PartyEvent.Incapacitated>("party.incapacitated.v1"),
        Of<PartyEvent.IncapacityLifted>("party.incapacity_lifted.v1"),
        Of<RoleEvent.HoldersSet>("role.holders_set.v1"),
        Of<RoleEvent.Granted>("role.granted.v1"),
        Of<RoleEvent.Revoked>("role.revoked.v1"),
        Of<IdentifierEvent.Added>("identifier.added.v1"),
        Of<IdentifierEvent.Ended>("identifier.ended.v1"),
        Of<AccessEvent.Recorded>("access.recorded.v1"),
        Of<SpendingEvent.LimitSet>("limit.set.v1"),
        Of<SpendingEvent.LimitRemoved>("limit.removed.v1"),
        Of<SpendingEvent.Spent>("limit.spent.v1"),
        Of<WalletEvent.Opened>("wallet.opened.v1"),
        Of<WalletEvent.VerificationRequested>("wallet.verification_requested.v1"),
        Of<WalletEvent.Closed>("wallet.closed.v1"),
        Of<RecoveryEvent.Allowed>("recovery.allowed.v1"),
        Of<RecoveryEvent.Started>("recovery.started.v1"),
        Of<RecoveryEvent.Vetoed>("recovery.vetoed.v1"),
        Of<RecoveryEvent.Completed>("recovery.completed.v1"),
        Of<ProposalEvent.Made>("proposal.made.v1"),
        Of<ProposalEvent.Approved>("proposal.approved.v1"),
        Of<ProposalEvent.ApprovalWithdrawn>("proposal.approval_withdrawn.v1"),
        Of<ProposalEvent.Cancelled>("proposal.cancelled.v1"),
        Of<ProposalEvent.Executed>("proposal.executed.v1"),
        Of<ProposalEvent.Expired>("proposal.expired.v1"),
        Of<ProposalEvent.ApprovalsInvalidated>("approvals.invalidated.v1"),
        Of<ReviewEvent.Used>("breakglass.used.v1"),
        Of<ReviewEvent.Closed>("review.closed.v1"),
        Of<ReviewEvent.Overdue>("review.overdue.v1"),
        Of<BookEvent.Led>("book.led.v1"),
        Of<WebhookEvent.Subscribed>("webhook.subscribed.v1"),
        Of<WebhookEvent.SecretRotated>("webhook.secret_rotated.v1"),
        Of<WebhookEvent.Replayed>("webhook.replayed.v1"),
        Of<WebhookEvent.Disabled>("webhook.disabled.v1"),
        Of<WebhookEvent.Enabled>("webhook.enabled.v1"),
        Of<WebhookEvent.Removed>("webhook.removed.v1"),
        Of<StatementEvent.Issued>("statement.issued.v1"),
    ];

    private static readonly FrozenDictionary<Type, WireType> ByType = Types.ToFrozenDictionary(t => t.Type);

    private static readonly FrozenDictionary<string, WireType> ByName = Types.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);

    public static IReadOnlyList<WireType> All => Types;

    public static WireType Of(Event @event) => ByType[@event.GetType()];

    /// <summary>The wire name of a type of event.</summary>
    public static string NameOf(Type type) => ByType[type].Name;

    /// <exception cref="JsonException">No event of this name is known: the journal is newer than the program.</exception>
    public static WireType Named(ReadOnlySpan<byte> name) =>
        ByName.TryGetValue(Encoding.UTF8.GetString(name), out var type)
            ? type
            : throw new JsonException($"No event is called {Encoding.UTF8.GetString(name)}: it was written by a newer program.");

    private static WireType Of<T>(string name) where T : Event =>
        new(name, typeof(T), EventJson.Default.GetTypeInfo(typeof(T))
            ?? throw new InvalidOperationException($"{typeof(T).Name} is missing from the generated JSON context."));
}
