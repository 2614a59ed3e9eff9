using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <param name="Number">In the order of the journal, from 0, over all accounts.</param>
public readonly record struct AccountAct(int Number, long Position);

/// <summary>
/// Where in the journal something was done for an account that posted nothing on it: its permissions changed, an amount
/// was reserved, it was closed. What was posted, <see cref="AccountEntries"/> has already.
/// </summary>
/// <remarks>16 bytes for each act, and 64 for an account that has any; a transfer that is simply made takes none.</remarks>
public sealed class AccountActs : Projection
{
    private const int None = -1;

    private readonly Pages<AccountRow> _accounts = new();
    private readonly Pages<ActRow> _acts = new();
    private readonly RowIndex<AccountId, AccountKeys> _byId;

    public AccountActs() : base("account_acts", version: 1) => _byId = new(new(_accounts));

    /// <summary>Bytes of memory that the rows and their index take.</summary>
    public long Bytes => _accounts.Bytes + _acts.Bytes + _byId.Bytes;

    public override Projection Fresh() => new AccountActs();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _acts.Hash(_accounts.Hash(0));
    }

    /// <summary>An account's acts, newest first.</summary>
    /// <param name="after">The last act of the page before; null: from the newest.</param>
    /// <param name="before">Only positions below this one.</param>
    /// <returns>Null where nothing is known of the account.</returns>
    public IReadOnlyList<AccountAct>? Of(AccountId account, int? after, long before, int limit)
    {
        using var held = Reading();
        var row = _byId.Find(account);
        if (row < 0) return null;
        // A mark that is not of this account's acts finds nothing.
        var isMark = after >= 0 && after < _acts.Count && _acts[after.Value].Account == row;
        var act = after is null ? _accounts[row].Last : isMark ? _acts[after.Value].Previous : None;
        var found = new List<AccountAct>();
        for (; act >= 0 && found.Count < limit; act = _acts[act].Previous)
        {
            if (_acts[act].Position < before) found.Add(new(act, _acts[act].Position));
        }
        return found;
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        var account = AccountOf(@event);
        if (account.IsNone) return;
        var row = _byId.Find(account);
        if (row < 0) _byId.Add(row = _accounts.Add(new(account, None, 0)));
        _accounts[row].Last = _acts.Add(new(head.Position, _accounts[row].Last, row));
    }

    /// <summary>The account that an event did something for without posting on it; none for all others.</summary>
    private static AccountId AccountOf(Event @event) => @event switch
    {
        TransferEvent.Reserved e => e.Debit,
        TransferEvent or EntryEvent or SpendingEvent.Spent or RestraintEvent => default,
        AccountEvent.Opened or WalletEvent.Opened or IdentifierEvent or AccessEvent or ProposalEvent or StatementEvent =>
            default,
        _ => NamedAccounts.About(@event),
    };

    [StructLayout(LayoutKind.Sequential)]
    private record struct AccountRow(AccountId Id, int Last, int Filler);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ActRow(long Position, int Previous, int Account);

    private readonly struct AccountKeys(Pages<AccountRow> rows) : IRowKeys<AccountId>
    {
        public ulong HashOf(in AccountId key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<AccountId>(in key)), 0);

        public AccountId KeyOf(int row) => rows[row].Id;
    }
}
