using System.Collections.Immutable;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections;

/// <summary>
/// Which accounts an event concerns: those it names as the account it is about, as a side of what it moved, or as the
/// one a leg was meant for. An account that an authority or a proposal mentions is not concerned.
/// </summary>
public static class NamedAccounts
{
    /// <param name="beside">The legs that the event line holds beside its data.</param>
    /// <param name="into">May hold the same account more than once afterwards.</param>
    public static void Gather(Event @event, ImmutableArray<Leg> beside, List<AccountId> into)
    {
        ArgumentNullException.ThrowIfNull(into);
        into.Clear();
        if (!beside.IsDefault)
        {
            foreach (ref readonly var leg in beside.AsSpan())
            {
                into.Add(leg.Account);
                if (!leg.Intended.IsNone) into.Add(leg.Intended);
            }
        }
        var (first, second) = Of(@event);
        if (!first.IsNone) into.Add(first);
        if (!second.IsNone) into.Add(second);
    }

    private static (AccountId, AccountId) Of(Event @event) => @event switch
    {
        TransferEvent.Made e => (e.Debit, e.Credit),
        TransferEvent.Imported e => (e.Debit, e.Credit),
        TransferEvent.Reserved e => (e.Debit, e.Credit),
        TransferEvent.Posted e => (e.Debit, e.Credit),
        TransferEvent.Cancelled e => (e.Debit, e.Credit),
        TransferEvent.Expired e => (e.Debit, e.Credit),
        EntryEvent.Exchanged e => (e.Customer, default),
        RestraintEvent.Placed e => (e.Account, default),
        RestraintEvent.Lifted e => (e.Account, default),
        RestraintEvent.Lapsed e => (e.Account, default),
        RestraintEvent.Seized e => (e.Account, e.To),
        SpendingEvent.Spent e => (e.Account, default),
        _ => (About(@event), default),
    };

    /// <summary>The account that an event is about without moving anything on it.</summary>
    internal static AccountId About(Event @event) => @event switch
    {
        AccountEvent.Opened e => e.Id,
        AccountEvent.AssetAdded e => e.Id,
        AccountEvent.LimitsSet e => e.Id,
        AccountEvent.OverdraftGranted e => e.Id,
        AccountEvent.Closed e => e.Id,
        AccountEvent.Reopened e => e.Id,
        PermissionEvent.Created e => e.Account,
        PermissionEvent.Set e => e.Account,
        PermissionEvent.Removed e => e.Account,
        PermissionEvent.Linked e => e.Account,
        PermissionEvent.Unlinked e => e.Account,
        PermissionEvent.ChangesLimited e => e.Account,
        PermissionEvent.KeyBound e => e.Provides.Account,
        SpendingEvent.LimitSet e => e.Account,
        SpendingEvent.LimitRemoved e => e.Account,
        RecoveryEvent.Allowed e => e.Account,
        RecoveryEvent.Started e => e.Account,
        RecoveryEvent.Vetoed e => e.Account,
        RecoveryEvent.Completed e => e.Account,
        RoleEvent.HoldersSet e => e.Account,
        RoleEvent.Granted e => e.Account,
        RoleEvent.Revoked e => e.Account,
        IdentifierEvent.Added e => e.Account,
        IdentifierEvent.Ended e => e.Account,
        AccessEvent.Recorded e => e.Account,
        ProposalEvent.ApprovalsInvalidated e => e.Account,
        StatementEvent.Issued e => e.Account,
        WalletEvent.Opened e => e.Wallet,
        WalletEvent.VerificationRequested e => e.Wallet,
        WalletEvent.Closed e => e.Wallet,
        _ => default,
    };
}
