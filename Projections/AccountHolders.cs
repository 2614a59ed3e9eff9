using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Whose each account is now, and with which share.</summary>
/// <remarks>32 bytes a holder ever named, 48 an account that has any.</remarks>
public sealed class AccountHolders : Projection
{
    private const int None = -1;

    private readonly Pages<AccountRow> _accounts = new();
    private readonly Pages<HolderRow> _holders = new();
    private readonly RowIndex<AccountId, AccountKeys> _byId;

    public AccountHolders() : base("account_holders", version: 1) => _byId = new(new(_accounts));

    public override Projection Fresh() => new AccountHolders();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _holders.Hash(_accounts.Hash(0));
    }

    /// <summary>An account's holders in the order in which they were set; empty where it has none.</summary>
    public void Gather(AccountId account, List<Holder> into)
    {
        ArgumentNullException.ThrowIfNull(into);
        into.Clear();
        using var held = Reading();
        var row = _byId.Find(account);
        for (var h = row < 0 ? None : _accounts[row].First; h >= 0; h = _holders[h].Next)
            into.Add(new(_holders[h].Party, _holders[h].SharePpm));
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is not RoleEvent.HoldersSet e) return;
        var account = _byId.Find(e.Account);
        if (account < 0) _byId.Add(account = _accounts.Add(new(e.Account, None, 0)));
        var next = None;
        for (var i = e.Holders.Length - 1; i >= 0; i--)
            next = _holders.Add(new(e.Holders[i].Party, e.Holders[i].SharePpm, next, 0));
        _accounts[account].First = next;
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct AccountRow(AccountId Id, int First, int Filler);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct HolderRow(PartyId Party, int SharePpm, int Next, long Filler);

    private readonly struct AccountKeys(Pages<AccountRow> rows) : IRowKeys<AccountId>
    {
        public ulong HashOf(in AccountId key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<AccountId>(in key)), 0);

        public AccountId KeyOf(int row) => rows[row].Id;
    }
}
