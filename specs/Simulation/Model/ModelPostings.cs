using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

public sealed partial class ReferenceModel
{
    /// <summary>No posted or pending total of a balance exceeds this many minor units.</summary>
    private static readonly BigInteger MaxTotal = (BigInteger)LedgerView.MaxTotal;

    private enum Guard
    {
        /// <summary>Already decided elsewhere: the law alone.</summary>
        Bound,

        /// <summary>By law or correction: no limits, no restraints, but nothing reaches what is closed.</summary>
        Compelled,
        All,
    }

    /// <summary>What an entry does to one account in one asset.</summary>
    private sealed record Move(string Account, string Asset)
    {
        public BigInteger Debit { get; init; }
        public BigInteger Credit { get; init; }
        public BigInteger PendingDebit { get; init; }
        public BigInteger PendingCredit { get; init; }

        public bool OnlyReleases => Debit == 0 && Credit == 0 && PendingDebit <= 0 && PendingCredit <= 0;
    }

    /// <summary>One event with money: judged whole, then applied, then its name is remembered.</summary>
    /// <param name="deals">Whether it may move a desk's position and its equivalent.</param>
    private string? Happen(
        Asked asked, TransferId? name, IEnumerable<Move> stated, Guard guard, Particulars said, bool deals = false)
    {
        if (Taken(asked, name) is { } taken) return taken;
        var moves = stated.GroupBy(move => (move.Account, move.Asset)).Select(Sum).ToList();
        if (Law(moves) is { } unlawful) return unlawful;
        if (guard != Guard.Bound && !deals && moves.Any(move => IsPosition(move.Account) && !move.OnlyReleases))
            return "account.currency_position";
        foreach (var move in moves)
        {
            if (guard != Guard.Bound && Closed(move) is { } no) return no;
        }
        if (guard == Guard.All)
        {
            foreach (var move in moves)
            {
                if (Blocked(asked, move) is { } no) return no;
            }
            foreach (var move in moves)
            {
                if (Limited(asked, move, said.ValueOn) is { } no) return no;
            }
        }
        foreach (var move in moves) Apply(asked, move, said);
        if (name is { Version: 7 } && name.Value.Value != asked.Id.Value)
            Use(name.Value.Value, new(asked.Caller, 0, _s.Position + 1 + _parts, 1));
        _parts++;
        return null;
    }

    /// <summary>
    /// A name of a caller's choice obeys the rules of command ids; the command's own id names one posting.
    /// </summary>
    private string? Taken(Asked asked, TransferId? name)
    {
        if (name is not { Version: 7 } given) return null;
        if (given.Value == asked.Id.Value)
        {
            if (_ownIdUsed) return "transfer.already_exists";
            _ownIdUsed = true;
            return null;
        }
        return _s.Uses.ContainsKey(given.Value) ? "transfer.already_exists" : OutOfTime(given.Value, asked.Now);
    }

    private static Move Sum(IGrouping<(string Account, string Asset), Move> group)
    {
        var sum = new Move(group.Key.Account, group.Key.Asset);
        foreach (var one in group)
        {
            sum = sum with
            {
                Debit = sum.Debit + one.Debit,
                Credit = sum.Credit + one.Credit,
                PendingDebit = sum.PendingDebit + one.PendingDebit,
                PendingCredit = sum.PendingCredit + one.PendingCredit,
            };
        }
        return sum;
    }

    private string? Law(List<Move> moves)
    {
        foreach (var move in moves)
        {
            var b = _s.Accounts[move.Account].In(move.Asset);
            if (b.DebitsPosted + move.Debit > MaxTotal || b.CreditsPosted + move.Credit > MaxTotal
                || b.DebitsPending + move.PendingDebit > MaxTotal || b.CreditsPending + move.PendingCredit > MaxTotal)
                return "amount.out_of_range";
        }
        foreach (var asset in moves.Select(move => move.Asset).Distinct())
        {
            var whole = moves.Where(move => move.Asset == asset).ToList();
            if (Surplus(whole) != 0) return "entry.unbalanced";
        }
        foreach (var asset in moves.Select(move => move.Asset).Distinct())
        {
            if (Surplus(moves.Where(move => move.Asset == asset && _s.Accounts[move.Account].IsMemorandum)) != 0
                || SurplusPending(moves.Where(move =>
                    move.Asset == asset && _s.Accounts[move.Account].IsMemorandum)) != 0)
                return "entry.memorandum_mixed";
        }
        return null;
    }

    private static bool IsPosition(string account) =>
        account.StartsWith("pos:", StringComparison.Ordinal) || account.StartsWith("eqv:", StringComparison.Ordinal);

    private static BigInteger Surplus(IEnumerable<Move> moves) =>
        moves.Aggregate(BigInteger.Zero, (sum, move) => sum + move.Debit - move.Credit);

    private static BigInteger SurplusPending(IEnumerable<Move> moves) =>
        moves.Aggregate(BigInteger.Zero, (sum, move) => sum + move.PendingDebit - move.PendingCredit);

    private string? Closed(Move move)
    {
        if (move.OnlyReleases) return null;
        var account = _s.Accounts[move.Account];
        if (account.Closed) return "account.closed";
        return account.AnyAsset || account.In(move.Asset).Opened ? null : "account.asset_not_opened";
    }

    private string? Blocked(Asked asked, Move move)
    {
        if (move.OnlyReleases) return null;
        var net = move.Debit + BigInteger.Max(0, move.PendingDebit)
            - move.Credit - BigInteger.Max(0, move.PendingCredit);
        foreach (var restraint in _s.Restraints.Values)
        {
            if (restraint.Account != move.Account || !restraint.StandsAt(asked.Now)) continue;
            if (net > 0 && restraint.Scope is RestraintScope.Debits or RestraintScope.Both) return "restraint.debits";
            if (net < 0 && restraint.Scope is RestraintScope.Credits or RestraintScope.Both) return "restraint.credits";
        }
        return null;
    }

    private string? Limited(Asked asked, Move move, BusinessDate? valueOn)
    {
        var account = _s.Accounts[move.Account];
        var balance = account.In(move.Asset);
        // What has value later covers nothing but debits that have value then too.
        var spendable = valueOn > _s.Today ? BigInteger.Min(move.Credit, move.Debit) : move.Credit;
        var effect = spendable - move.Debit - move.PendingDebit;
        if (effect < 0 && (account.DebitsLimited || _s.Served(move.Account, move.Asset, asked.Now).Count > 0)
            && _s.Available(move.Account, move.Asset, asked.Now) + effect < 0)
            return "limit.insufficient_funds";
        var mirrored = move.Debit - move.Credit - move.PendingCredit;
        return account.CreditsLimited && mirrored < 0
            && balance.DebitsPosted - balance.CreditsPosted - balance.CreditsPending + mirrored < 0
            ? "limit.credits_exceed_debits"
            : null;
    }

    private void Apply(Asked asked, Move move, Particulars said)
    {
        Catch(asked, move);
        var account = _s.Accounts[move.Account];
        var b = account.In(move.Asset);
        b = b with
        {
            DebitsPosted = b.DebitsPosted + move.Debit,
            CreditsPosted = b.CreditsPosted + move.Credit,
            DebitsPending = b.DebitsPending + move.PendingDebit,
            CreditsPending = b.CreditsPending + move.PendingCredit,
        };
        if (said.ValueOn is { } value && value > _s.Today)
        {
            var ahead = b.ValueAhead.GetValueOrDefault(value.Day) + move.Credit - move.Debit;
            b = b with
            {
                ValueAhead = ahead > 0 ? b.ValueAhead.SetItem(value.Day, ahead) : b.ValueAhead.Remove(value.Day),
            };
        }
        _s = _s.With(move.Account, move.Asset, b);
        Catch(asked, move);
        if (account.Class is not (AccountClass.Income or AccountClass.Expense) || move.Credit == move.Debit) return;
        var key = ((said.BookedOn ?? _s.Today).Year, move.Account, move.Asset);
        var sum = _s.Years.GetValueOrDefault(key) + move.Credit - move.Debit;
        _s = _s with { Years = sum == 0 ? _s.Years.Remove(key) : _s.Years.SetItem(key, sum) };
    }

    /// <summary>With a protected minimum, what was caught at a movement stays caught.</summary>
    private void Catch(Asked asked, Move move)
    {
        BigInteger held = 0;
        var free = _s.Spendable(move.Account, move.Asset);
        foreach (var (id, restraint) in _s.Served(move.Account, move.Asset, asked.Now))
        {
            var holds = restraint.HoldsOf(free - held);
            held += holds;
            if (restraint.Minimum > 0)
                _s = _s with { Restraints = _s.Restraints.SetItem(id, restraint with { Caught = holds }) };
        }
    }
}
