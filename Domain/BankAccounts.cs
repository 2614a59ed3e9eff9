using System.Diagnostics;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain;

/// <summary>The part of the catalogue that is about accounts' authority, parties, limits and wallets.</summary>
public sealed partial class Bank
{
    /// <summary>Who may act for whom, and who people are.</summary>
    private Decision DecideOnAccounts(in Moment at, Command command) => command switch
    {
        CreatePermissions c => Ledger.Tables.Accounts.Find(c.Account) < 0 && c.Account != Permissions.Bank
            ? LedgerRejections.AccountNotFound : Permissions.Decide(c),
        SetPermission c => Recovery.Protects(c.Account, c.Name) ?? Permissions.Decide(c),
        RemovePermission c => Recovery.Protects(c.Account, c.Name)
            ?? (SpendingLimits.Limits(new(c.Account, c.Name)) ? AuthorityRejections.InUse : Permissions.Decide(c)),
        LinkPermission c => Permissions.Decide(c),
        UnlinkPermission c => Permissions.Decide(c),
        LimitChanges c => Permissions.Decide(c),
        BindKey c => Permissions.Decide(c, Keys),
        RegisterParty c => Parties.Decide(Ledger, at, c),
        SetStanding c => Parties.Decide(c),
        SetActor c => Parties.Decide(Ledger, c),
        RecordDeath c => Parties.Decide(at, c),
        RecordIncapacity c => Parties.Decide(at, c),
        LiftIncapacity c => Parties.Decide(c),
        SetHolders c => Parties.Decide(Ledger, at, c),
        GrantRole c => Parties.Decide(Ledger, at, c),
        RevokeRole c => Parties.Decide(at, c),
        AddIdentifier c => Identifiers.Decide(Ledger, Parties, at, c),
        EndIdentifier c => Identifiers.Decide(at, c),
        RecordAccess c => new AccessEvent.Recorded(c.Key, c.Read, c.Party, c.Account, c.Reason),
        SetSpendingLimit c => SpendingLimits.Decide(Ledger, Permissions, c),
        RemoveSpendingLimit c => SpendingLimits.Decide(c),
        OpenWallet c => Wallets.Decide(Ledger, at, c),
        CloseWallet c => Wallets.Decide(Ledger, at, c),
        RequestVerification c => Wallets.Decide(c),
        AllowRecovery c => Recovery.Decide(Permissions, c),
        StartRecovery c => Recovery.Decide(Permissions, at, c),
        VetoRecovery c => Recovery.Decide(c),
        CompleteRecovery c => Recovery.Decide(at, c),
        MakeProposal c => Proposals.Decide(at, c),
        ApproveProposal c => Proposals.Decide(at, c),
        WithdrawApproval c => Proposals.Decide(at, c),
        CancelProposal c => Proposals.Decide(at, c),
        ExecuteProposal c => Proposals.Decide(at, c),
        ExpireProposal c => Proposals.Decide(at, c),
        InvalidateApprovals c => Proposals.Decide(c),
        BreakGlass c => Reviews.Decide(at, c),
        CloseReview c => Reviews.Decide(c),
        NoteOverdueReview c => Reviews.Decide(at, c),
        _ => throw new UnreachableException(command.GetType().Name),
    };

    /// <summary>Whether a key may sign for anybody: so that the signatures of strangers are not even checked.</summary>
    public bool Knows(in SigningKey key) => Permissions.SigningKeys.Find(key) >= 0
        || Wallets.Rows.Find(Wallets.NameOf(key)) >= 0;

    /// <summary>Whether signatures by these keys satisfy a permission now, and none of them is needless.</summary>
    public bool Allows(Level level, IReadOnlyList<SigningKey> keys, Instant now)
    {
        Satisfaction.Begin(new(keys, []), now);
        return Satisfaction.IsSatisfied(level) && Satisfaction.AllKeysUsed;
    }

    /// <summary>Whom an envelope speaks for where the command does not say; none when it could be several.</summary>
    public Level SpeakerOf(in Envelope envelope) =>
        envelope.Proof is { } proof ? proof.Declared.Length == 1 ? proof.Declared[0] : default
        : (uint)envelope.Caller < (uint)Keys.Rows.Count
            ? Permissions.BindingOf(Keys.Rows[envelope.Caller].Id).Provides : default;

    internal Rejection? Objects(AccountId account, in Need need, IReadOnlyList<AccountId> acting, Instant now)
    {
        if (Parties.Objects(account, acting, need.Gives, now) is { } no) return no;
        if (acting.Count == 0) return null;
        Amount? moves = need.Moves is { } stated && Ledger.Resolve(stated, out var amount) is null ? amount : null;
        return Parties.ScopeOf(account, acting, CommandNames.Of(need.Command).Text, moves, now);
    }
}
