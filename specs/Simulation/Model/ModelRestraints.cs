using System.Numerics;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    private string? Place(Asked asked, PlaceRestraint c)
    {
        var id = c.Id?.Value ?? (asked.InChain ? NameOfPosition().Value : asked.Id.Value);
        var account = c.Account.ToString();
        if (!_s.Accounts.ContainsKey(account)) return "account.not_found";
        if (_s.Restraints.ContainsKey(id)) return "restraint.already_exists";
        if (_s.Restraints.Values.Count(other => other.Account == account) >= 1_000) return "restraint.too_many";
        if ((c.Scope == RestraintScope.Amount) != c.Amount.HasValue) return "restraint.amount_missing";
        if (c.ProtectedMinimum.HasValue && !c.Amount.HasValue) return "restraint.amount_missing";
        var from = c.From ?? asked.Now;
        if (c.Until <= from) return "restraint.period_empty";
        var (amount, minimum) = (BigInteger.Zero, BigInteger.Zero);
        if (c.Amount is { } stated)
        {
            if (Resolve(stated, out amount) is { } no) return no;
            if (amount <= 0) return "amount.not_positive";
        }
        if (c.ProtectedMinimum is { } floor)
        {
            if (Resolve(floor, out minimum) is { } no) return no;
            if (minimum < 0) return "amount.not_positive";
            if (floor.Asset != c.Amount!.Value.Asset) return "restraint.wrong_asset";
        }
        var asset = c.Amount?.Asset.ToString() ?? "";
        _s = _s with
        {
            Restraints = _s.Restraints.Add(id, new(
                account, _s.Position + 1 + _parts, c.Rank, c.Scope, asset, amount, minimum, 0, from, c.Until)),
        };
        return Happened();
    }

    private string? Lift(LiftRestraint c)
    {
        if (!_s.Restraints.ContainsKey(c.Id.Value)) return "restraint.not_found";
        _s = _s with { Restraints = _s.Restraints.Remove(c.Id.Value) };
        return Happened();
    }

    private string? Lapse(Asked asked, LapseRestraint c)
    {
        if (!_s.Restraints.TryGetValue(c.Id.Value, out var row)) return "restraint.not_found";
        if (row.Until is not { } until || asked.Now < until) return "restraint.not_in_effect";
        _s = _s with { Restraints = _s.Restraints.Remove(c.Id.Value) };
        return Happened();
    }

    /// <summary>
    /// Takes money under a restraint and lessens it by as much; the other restraints stay as they are.
    /// </summary>
    private string? Take(Asked asked, Seize c)
    {
        if (!_s.Restraints.TryGetValue(c.Id.Value, out var row)) return "restraint.not_found";
        if (row.Scope != RestraintScope.Amount) return "restraint.not_an_amount";
        if (!row.StandsAt(asked.Now)) return "restraint.not_in_effect";
        if (Resolve(c.Amount, out var minor) is { } no) return no;
        if (minor <= 0) return "amount.not_positive";
        if (c.Amount.Asset.ToString() != row.Asset) return "restraint.wrong_asset";
        if (!_s.Accounts.ContainsKey(c.To.ToString())) return "transfer.credit_account_not_found";
        if (c.To.ToString() == row.Account) return "transfer.same_account";
        if (minor > Seizable(asked, c.Id.Value, row)) return "restraint.exceeds_restraint";
        if (Dates(asked, c.Particulars) is { } closed) return closed;
        Move[] moves =
        [
            new(row.Account, row.Asset) { Debit = minor }, new(c.To.ToString(), row.Asset) { Credit = minor },
        ];
        if (Happen(asked, null, moves, Guard.Compelled, c.Particulars) is { } unlawful) return unlawful;
        row = _s.Restraints[c.Id.Value];
        var left = row with { Remaining = row.Remaining - minor, Caught = BigInteger.Max(0, row.Caught - minor) };
        _s = _s with
        {
            Restraints = left.Remaining == 0
                ? _s.Restraints.Remove(c.Id.Value)
                : _s.Restraints.SetItem(c.Id.Value, left),
        };
        return null;
    }

    /// <summary>What a restraint holds of what is really there, after those served before it.</summary>
    private BigInteger Seizable(Asked asked, UInt128 id, ModelRestraint row)
    {
        var left = _s.Spendable(row.Account, row.Asset);
        foreach (var (other, restraint) in _s.Served(row.Account, row.Asset, asked.Now))
        {
            var holds = BigInteger.Max(0, BigInteger.Min(restraint.HoldsOf(left), left));
            if (other == id) return holds;
            left -= holds;
        }
        return 0;
    }
}
