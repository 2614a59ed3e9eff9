using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>Where in the journal a statement was issued.</summary>
/// <param name="Position">Of the event.</param>
public readonly record struct IssuedStatement(int Number, long Position);

/// <summary>A page of an account's issued statements, newest first.</summary>
/// <param name="Next">The number that the next page begins below; null when there is nothing further.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record IssuedPage(IReadOnlyList<IssuedStatement> Statements, int? Next, long Position);

/// <summary>Which statements were issued of an account. The events themselves are read from the journal.</summary>
/// <remarks>16 bytes a statement, and 48 for an account that has any.</remarks>
public sealed class IssuedStatements : Projection
{
    private const int None = -1;

    private readonly Pages<AccountRow> _accounts = new();
    private readonly Pages<IssuedRow> _issued = new();
    private readonly RowIndex<AccountId, AccountKeys> _byId;

    public IssuedStatements() : base("issued_statements", version: 1) => _byId = new(new(_accounts));

    public override Projection Fresh() => new IssuedStatements();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _issued.Hash(_accounts.Hash(0));
    }

    /// <summary>An account's statements, newest first; none where it has none.</summary>
    /// <param name="below">Only numbers below this one; null: from the newest.</param>
    public IssuedPage Of(AccountId account, int? below, int limit)
    {
        using var held = Reading();
        var found = new List<IssuedStatement>();
        var account_ = _byId.Find(account);
        var row = account_ < 0 ? None : _accounts[account_].Last;
        for (; row >= 0 && found.Count < limit; row = _issued[row].Previous)
        {
            if (_issued[row].Number < (below ?? int.MaxValue)) found.Add(new(_issued[row].Number, _issued[row].Position));
        }
        return new(found, row < 0 ? null : found[^1].Number, Position);
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is not StatementEvent.Issued e) return;
        var account = _byId.Find(e.Account);
        if (account < 0) _byId.Add(account = _accounts.Add(new(e.Account, None, 0)));
        _accounts[account].Last = _issued.Add(new(head.Position, e.Number, _accounts[account].Last));
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct AccountRow(AccountId Id, int Last, int Filler);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct IssuedRow(long Position, int Number, int Previous);

    private readonly struct AccountKeys(Pages<AccountRow> rows) : IRowKeys<AccountId>
    {
        public ulong HashOf(in AccountId key) =>
            Hash128.Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<AccountId>(in key)), 0);

        public AccountId KeyOf(int row) => rows[row].Id;
    }
}
