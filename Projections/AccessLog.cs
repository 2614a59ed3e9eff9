using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>A page of positions, newest first.</summary>
/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record AccessPage(IReadOnlyList<long> Positions, int? Next, long Position);

/// <summary>Where in the journal it is recorded that somebody looked at a party or an account.</summary>
/// <remarks>Sixteen bytes for each look at a party, and for each at an account.</remarks>
public sealed class AccessLog : Projection
{
    private const int None = -1;
    private const ulong PartySeed = 1, AccountSeed = 2;

    private readonly Pages<Row> _rows = new();
    private readonly Dictionary<UInt128, int> _newest = [];

    public AccessLog() : base("access_log", version: 1) { }

    public override Projection Fresh() => new AccessLog();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _rows.Hash(0);
    }

    public AccessPage Of(PartyId party, int? from, int limit) => Of(HashOf(party), from, limit);

    public AccessPage Of(AccountId account, int? from, int limit) => Of(HashOf(account), from, limit);

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is not AccessEvent.Recorded recorded) return;
        if (!recorded.Party.IsNone) Add(HashOf(recorded.Party), head.Position);
        if (!recorded.Account.IsNone) Add(HashOf(recorded.Account), head.Position);
    }

    private AccessPage Of(UInt128 subject, int? from, int limit)
    {
        using var held = Reading();
        var found = new List<long>();
        var row = from ?? _newest.GetValueOrDefault(subject, None);
        if (row >= _rows.Count) row = None;
        for (; row >= 0 && found.Count < limit; row = _rows[row].Before) found.Add(_rows[row].Position);
        return new(found, row < 0 ? null : row, Position);
    }

    private void Add(UInt128 subject, long position)
    {
        _newest[subject] = _rows.Add(new(position, _newest.GetValueOrDefault(subject, None), 0));
    }

    private static UInt128 HashOf(PartyId party) =>
        Hash128.Of(PartySeed, MemoryMarshal.AsBytes(new ReadOnlySpan<PartyId>(in party)));

    private static UInt128 HashOf(AccountId account) => Hash128.Of(AccountSeed, Encoding.ASCII.GetBytes(account.ToString()));

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Row(long Position, int Before, int Filler);
}
