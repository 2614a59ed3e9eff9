using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections.Stores;

namespace BankingEngine.Projections;

/// <summary>What a year's close took from an account.</summary>
/// <param name="Net">Credits less debits of the leg, minor units.</param>
public readonly record struct CarriedResult(AccountId Account, AssetCode Asset, BusinessDate BookedOn, Int128 Net);

/// <summary>
/// The legs by which the close of a year moved income and expense to retained earnings: an income statement is about
/// what was earned, and leaves them out.
/// </summary>
/// <remarks>96 bytes a leg; a year has as many as there are income and expense balances.</remarks>
public sealed class CarriedResults : Projection
{
    private readonly Pages<Row> _rows = new();

    public CarriedResults() : base("carried_results", version: 1) { }

    public override Projection Fresh() => new CarriedResults();

    public override UInt128 Digest()
    {
        using var held = Reading();
        return _rows.Hash(0);
    }

    /// <summary>The legs booked between two dates, up to a position.</summary>
    public IReadOnlyList<CarriedResult> Between(BusinessDate from, BusinessDate through, long position)
    {
        using var held = Reading();
        var found = new List<CarriedResult>();
        for (var i = 0; i < _rows.Count && _rows[i].Position <= position; i++)
        {
            ref var row = ref _rows[i];
            var on = new BusinessDate(row.BookedOn);
            if (on >= from && on <= through) found.Add(new(row.Account, row.Asset, on, row.Net));
        }
        return found;
    }

    protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        if (@event is not EntryEvent.YearCarried e) return;
        foreach (var leg in legs)
        {
            if (leg.Account == SystemAccounts.RetainedEarnings) continue;
            var net = leg.Side == Side.Credit ? leg.Amount.Minor : -leg.Amount.Minor;
            _rows.Add(new(net, leg.Amount.Asset.Code, leg.Account, head.Position, e.BookedOn.Day, 0, 0));
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Row(
        Int128 Net, AssetCode Asset, AccountId Account, long Position, int BookedOn, int Filler, long Filler2);
}
