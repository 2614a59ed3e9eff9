using System.Collections.Frozen;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Domain;

/// <summary>
/// The wire names of all commands that a channel or a signer may send. Links of permissions, refusals and signed bytes
/// use them; they are never renamed.
/// </summary>
public static class CommandNames
{
    private static readonly (Type Type, string Name)[] OfLedger =
    [
        (typeof(MakeTransfer), "transfer.make"),
        (typeof(ReserveTransfer), "transfer.reserve"),
        (typeof(PostTransfer), "transfer.post"),
        (typeof(CancelTransfer), "transfer.cancel"),
        (typeof(ImportTransfer), "transfer.import"),
        (typeof(ReverseEntry), "transfer.reverse"),
        (typeof(PostEntry), "entry.post"),
        (typeof(AdjustEntry), "entry.adjust"),
        (typeof(ExchangeAssets), "exchange.make"),
        (typeof(OpenAccount), "account.open"),
        (typeof(AddAsset), "account.add_asset"),
        (typeof(SetLimits), "account.set_limits"),
        (typeof(GrantOverdraft), "account.grant_overdraft"),
        (typeof(CloseAccount), "account.close"),
        (typeof(ReopenAccount), "account.reopen"),
        (typeof(PlaceRestraint), "restraint.place"),
        (typeof(LiftRestraint), "restraint.lift"),
        (typeof(Seize), "restraint.seize"),
        (typeof(RegisterAsset), "asset.register"),
        (typeof(RetireAsset), "asset.retire"),
        (typeof(ClosePeriodSoftly), "period.close"),
        (typeof(ClosePeriod), "period.close_for_good"),
        (typeof(ReopenPeriod), "period.reopen"),
        (typeof(CloseYear), "year.close"),
        (typeof(PublishReference), "reference.publish"),
        (typeof(IssueKey), "key.issue"),
        (typeof(RevokeKey), "key.revoke"),
        (typeof(AcceptClock), "clock.accept"),
        (typeof(AdvanceClock), "clock.advance"),
    ];

    private static readonly (Type Type, string Name)[] OfAccounts =
    [
        (typeof(CreatePermissions), "permissions.create"),
        (typeof(SetPermission), "permission.set"),
        (typeof(RemovePermission), "permission.remove"),
        (typeof(LinkPermission), "permission.link"),
        (typeof(UnlinkPermission), "permission.unlink"),
        (typeof(LimitChanges), "permissions.limit_changes"),
        (typeof(BindKey), "key.bind"),
        (typeof(SetSpendingLimit), "limit.set"),
        (typeof(RemoveSpendingLimit), "limit.remove"),
        (typeof(RequestVerification), "wallet.verify"),
        (typeof(AllowRecovery), "recovery.allow"),
        (typeof(StartRecovery), "recovery.start"),
        (typeof(VetoRecovery), "recovery.veto"),
        (typeof(CompleteRecovery), "recovery.complete"),
        (typeof(RegisterParty), "party.register"),
        (typeof(SetStanding), "party.set_standing"),
        (typeof(SetActor), "party.set_actor"),
        (typeof(RecordDeath), "party.record_death"),
        (typeof(RecordIncapacity), "party.record_incapacity"),
        (typeof(LiftIncapacity), "party.lift_incapacity"),
        (typeof(SetHolders), "holders.set"),
        (typeof(GrantRole), "role.grant"),
        (typeof(RevokeRole), "role.revoke"),
        (typeof(AddIdentifier), "identifier.add"),
        (typeof(EndIdentifier), "identifier.end"),
        (typeof(MakeProposal), "proposal.make"),
        (typeof(ApproveProposal), "proposal.approve"),
        (typeof(WithdrawApproval), "proposal.unapprove"),
        (typeof(CancelProposal), "proposal.cancel"),
        (typeof(ExecuteProposal), "proposal.execute"),
        (typeof(InvalidateApprovals), "approvals.invalidate"),
        (typeof(BreakGlass), "breakglass.use"),
        (typeof(CloseReview), "review.close"),
        (typeof(SubscribeWebhook), "webhook.subscribe"),
        (typeof(RotateWebhookSecret), "webhook.rotate_secret"),
        (typeof(ReplayWebhook), "webhook.replay"),
        (typeof(DisableWebhook), "webhook.disable"),
        (typeof(EnableWebhook), "webhook.enable"),
        (typeof(RemoveWebhook), "webhook.remove"),
        (typeof(IssueStatement), "statement.issue"),
    ];

    private static readonly FrozenDictionary<Type, CommandName> ByType = OfLedger.Concat(OfAccounts)
        .ToFrozenDictionary(pair => pair.Type, pair => new CommandName(pair.Name));

    private static readonly FrozenDictionary<ulong, CommandName> ByHash =
        ByType.Values.ToFrozenDictionary(name => name.Hash);

    private static readonly FrozenSet<ulong> Payments =
        new[]
        {
            "transfer.make", "transfer.reserve", "transfer.post", "transfer.cancel", "entry.post", "exchange.make",
        }.Select(CommandName.HashOf).ToFrozenSet();

    /// <summary>Who may change permissions follows from the permissions themselves.</summary>
    private static readonly FrozenSet<string> Fixed = new[]
    {
        "permissions.create", "permission.set", "permission.remove", "permission.link", "permission.unlink",
        "permissions.limit_changes", "limit.set", "limit.remove", "recovery.allow", "recovery.start", "recovery.veto",
        "recovery.complete",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static IEnumerable<CommandName> All => ByType.Values;

    /// <summary>The name of a command that somebody sends; the engine's own have none.</summary>
    public static CommandName Of(Command command) => ByType[command.GetType()];

    public static bool IsKnown(string text) => ByHash.ContainsKey(CommandName.HashOf(text));

    /// <summary>What a channel does for an account that has a permission <c>channel</c>.</summary>
    public static bool IsPayment(CommandName command) => Payments.Contains(command.Hash);

    /// <summary>Whether a command cannot be linked.</summary>
    public static bool IsFixed(string text) => Fixed.Contains(text);

    /// <summary>The name that state keeps the number of.</summary>
    public static string TextOf(ulong hash) => ByHash[hash].Text;
}
