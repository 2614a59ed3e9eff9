using System.Collections.Immutable;
using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    /// <summary>The engine runs at most this many commands after the one that was asked.</summary>
    private const int MaxFollowUps = 64;

    private string? Entry(Asked asked, ImmutableArray<StatedLeg> legs, Particulars said, TransferId? named,
        bool compelled)
    {
        if (legs.Length < 2) return "entry.too_few_legs";
        if (legs.Length > 256) return "entry.too_many_legs";
        var moves = new List<Move>();
        foreach (var leg in legs)
        {
            if (Resolve(leg.Amount, out var minor) is { } no) return no;
            if (minor <= 0) return "amount.not_positive";
            moves.Add(LegOf(leg.Account.ToString(), leg.Amount.Asset.ToString(), leg.Side, minor));
        }
        if (Name(asked, named, out var name) is { } taken) return taken;
        if (moves.Any(move => !_s.Accounts.ContainsKey(move.Account))) return "account.not_found";
        if (Dates(asked, said) is { } closed) return closed;
        if (!compelled && moves.Any(move => _s.Assets[move.Asset].Retired)) return "asset.retired";
        return Happen(asked, name, moves, compelled ? Guard.Compelled : Guard.All, said, deals: compelled);
    }

    /// <summary>The mirror of a posting, once; by its own permission, so only the law judges it.</summary>
    private string? Reverse(Asked asked, ReverseEntry c)
    {
        if (c.Original <= 0) return "entry.not_found";
        if (_s.Reversed.Contains(c.Original)) return "entry.already_reversed";
        var position = _s.Position + 1 + _parts;
        if (c.Legs.IsEmpty || c.Original >= position || _s.Corrections.Contains(c.Original))
            return "entry.not_reversible";
        if (Dates(asked, c.Particulars) is { } closed) return closed;
        var mirror = c.Legs.Select(leg => LegOf(
            leg.Account.ToString(), leg.Amount.Asset.Code.ToString(), leg.Side == Side.Debit ? Side.Credit : Side.Debit,
            (BigInteger)leg.Amount.Minor));
        if (Happen(asked, null, mirror, Guard.Compelled, c.Particulars, deals: true) is { } no) return no;
        _s = _s with { Reversed = _s.Reversed.Add(c.Original), Corrections = _s.Corrections.Add(position) };
        return null;
    }

    private string? Exchange(Asked asked, ExchangeAssets c)
    {
        var (sell, buy) = (c.Sold.Asset.ToString(), c.Bought.Asset.ToString());
        if ((Resolve(c.Sold, out var sold) ?? Resolve(c.Bought, out var bought)) is { } no) return no;
        Resolve(c.Bought, out bought);
        if (sold <= 0 || bought <= 0) return "amount.not_positive";
        if (sell == buy) return "exchange.same_asset";
        BigInteger? own = sell == _founding.Functional ? sold : buy == _founding.Functional ? bought : null;
        if (Equivalent(c.Equivalent, own, out var worth) is { } differs) return differs;
        string[] foreign = [.. new[] { sell, buy }.Where(asset => asset != _founding.Functional)];
        if (foreign.Any(asset => !AccountId.TryParse(Position("pos", c.Desk, asset), out _)))
            return "exchange.desk_unnameable";
        if (Name(asked, c.Id, out _) is { } taken) return taken;
        if (!_s.Accounts.ContainsKey(c.Customer.ToString())) return "account.not_found";
        if (IsPosition(c.Customer.ToString())) return "account.currency_position";
        if (Dates(asked, c.Particulars) is { } closed) return closed;
        if (_s.Assets[sell].Retired || _s.Assets[buy].Retired) return "asset.retired";
        if (OpenPositions(c.Desk, foreign) is { } tooMany) return tooMany;
        // Where accounts were opened first, the exchange has a later position, and its name follows it.
        Name(asked, c.Id, out var name);
        var moves = new List<Move>
        {
            LegOf(c.Customer.ToString(), sell, Side.Debit, sold),
            LegOf(c.Customer.ToString(), buy, Side.Credit, bought),
        };
        if (sell != _founding.Functional)
        {
            moves.Add(LegOf(Position("pos", c.Desk, sell), sell, Side.Credit, sold));
            moves.Add(LegOf(Position("eqv", c.Desk, sell), _founding.Functional, Side.Debit, worth));
        }
        if (buy != _founding.Functional)
        {
            moves.Add(LegOf(Position("pos", c.Desk, buy), buy, Side.Debit, bought));
            moves.Add(LegOf(Position("eqv", c.Desk, buy), _founding.Functional, Side.Credit, worth));
        }
        return Happen(asked, name, moves, Guard.All, c.Particulars, deals: true);
    }

    private string? Equivalent(StatedAmount? stated, BigInteger? own, out BigInteger worth)
    {
        worth = own ?? 0;
        if (stated is not { } given) return own is null ? "exchange.equivalent_missing" : null;
        if (Resolve(given, out var minor) is { } no) return no;
        if (minor <= 0) return "amount.not_positive";
        if (given.Asset.ToString() != _founding.Functional || (own is { } side && side != minor))
            return "exchange.equivalent_differs";
        worth = minor;
        return null;
    }

    /// <summary>
    /// A desk's first dealing in an asset opens its position and the equivalent, each an event of its own.
    /// </summary>
    private string? OpenPositions(Tag desk, string[] foreign)
    {
        var opened = 0;
        foreach (var asset in foreign)
        {
            foreach (var (kind, held) in new[] { ("pos", asset), ("eqv", _founding.Functional) })
            {
                if (_s.Accounts.ContainsKey(Position(kind, desk, asset))) continue;
                opened++;
                var row = new ModelAccount(
                    AccountClass.Asset, false, false, false, AnyAsset: false, System: true,
                    ImmutableSortedDictionary<string, ModelBalance>.Empty.WithComparers(StringComparer.Ordinal)
                        .Add(held, ModelBalance.Empty with { Opened = true }));
                _s = _s.With(Position(kind, desk, asset), row);
            }
        }
        _parts += opened;
        if (opened > 0) _followUps += opened + 1;
        return _followUps > MaxFollowUps ? "command.too_many_follow_ups" : null;
    }

    private static string Position(string kind, Tag desk, string asset) => $"{kind}:{desk}:{asset.ToLowerInvariant()}";

    private static Move LegOf(string account, string asset, Side side, BigInteger minor) => side == Side.Debit
        ? new Move(account, asset) { Debit = minor }
        : new Move(account, asset) { Credit = minor };
}
