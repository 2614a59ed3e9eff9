using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Whose each account is, and was at any position, and with which share.</summary>
/// <remarks>32 bytes a holder ever named, 24 for each time that holders were set, 48 an account that has any.</remarks>
public sealed class AccountHolders : Projection
{
    private const int None = -1;

    private readonly Pages<AccountRow> _accounts = new();
    private readonly Pages<SetRow> _sets = new();
    private readonly Pages<HolderRow> _holders = new();
    private readonly RowIndex<AccountId, AccountKeys> _byId;

    public AccountHolders() : base("account_holders", version: 2) => _byId = new(new(_accounts));

    public override Projection Fresh() => new AccountHolders();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _holders.Hash(_sets.Hash(_accounts.Hash(0)));
    }

    /// <summary>An account's holders in the order in which they were set; empty where it has none.</summary>
    /// <param name="through">Last position that counts.</param>
    public void Gather(AccountId account, long through, List<Holder> into)
    {
        ArgumentNullException.ThrowIfNull(into);
        into.Clear();
        using var held = Reading();
        var row = _byId.Find(account);
        var set = row < 0 ? None : _accounts[row].Last;
        while (set >= 0 && _sets[set].Position > through) set = _sets[set].Before;
        for (var h = set < 0 ? None : _sets[set].First; h >= 0; h = _holders[h].Next)
            into.Add(new(_holders[h].Party, _holders[h].SharePpm));
    }

    /// <summary>The position at which holders were last set at or before an instant; 0 when none were.</summary>
    public long PositionAt(Instant at)
    {
        using var held = Reading();
        var (low, high) = (0, _sets.Count);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (_sets[middle].At <= at.Microseconds) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? 0 : _sets[low - 1].Position;
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is not RoleEvent.HoldersSet e) return;
        var account = _byId.Find(e.Account);
        if (account < 0) _byId.Add(account = _accounts.Add(new(e.Account, None, 0)));
        var next = None;
        for (var i = e.Holders.Length - 1; i >= 0; i--)
            next = _holders.Add(new(e.Holders[i].Party, e.Holders[i].SharePpm, next, 0));
        _accounts[account].Last = _sets.Add(new(head.Position, head.At.Microseconds, next, _accounts[account].Last));
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct AccountRow(AccountId Id, int Last, int Filler);

    /// <param name="First">Of the holders.</param>
    /// <param name="Before">The set that this one took the place of.</param>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct SetRow(long Position, long At, int First, int Before);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct HolderRow(PartyId Party, int SharePpm, int Next, long Filler);

    private readonly struct AccountKeys(Pages<AccountRow> rows) : IRowKeys<AccountId>
    {
        public ulong HashOf(in AccountId key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<AccountId>(in key)), 0);

        public AccountId KeyOf(int row) => rows[row].Id;
    }
}
