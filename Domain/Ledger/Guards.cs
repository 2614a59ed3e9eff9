using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>
/// Every "no" that an entry can meet, judged once on its net effect per account and asset. The law binds all classes;
/// the guards are asked by class.
/// </summary>
public static class Guards
{
    /// <summary>
    /// Balanced per asset, client property and own books apart, totals in range. Holds for every class.
    /// </summary>
    public static Rejection? Law(LedgerView ledger, Movements movements)
    {
        var t = ledger.Tables;
        for (var i = 0; i < movements.Count; i++)
        {
            ref var m = ref movements[i];
            // The first use of a balance counts too: several legs may add up beyond what one could state.
            var row = m.Balance < 0 ? default : t.Balances[m.Balance];
            if (row.DebitsPosted + m.DebitsPosted > LedgerView.MaxTotal
                || row.CreditsPosted + m.CreditsPosted > LedgerView.MaxTotal
                || row.DebitsPending + m.DebitsPending > LedgerView.MaxTotal
                || row.CreditsPending + m.CreditsPending > LedgerView.MaxTotal)
                return LedgerRejections.AmountOutOfRange;
        }
        return Balanced(t, movements) ? null : Unbalanced(ledger, movements);
    }

    /// <summary>
    /// A desk's position without its equivalent would state what was never dealt: what is no exchange and no correction
    /// reaches neither. Releases always pass.
    /// </summary>
    public static Rejection? Positions(LedgerView ledger, Movements movements)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            if (Position(ledger, movements[i]) is { } no) return no;
        }
        return null;
    }

    /// <summary>Asked: every guard, in the documented order; the first "no" stands.</summary>
    public static Rejection? Asked(LedgerView ledger, in Moment at, Movements movements, BusinessDate? valueOn)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            if (Closed(ledger, movements[i]) is { } no) return no;
        }
        for (var i = 0; i < movements.Count; i++)
        {
            if (Restraint(ledger, at, movements[i]) is { } no) return no;
        }
        for (var i = 0; i < movements.Count; i++)
        {
            if (Limit(ledger, at, movements[i], valueOn) is { } no) return no;
        }
        return null;
    }

    /// <summary>
    /// Compelled: neither limits nor restraints, but no money reaches what is closed or was never opened.
    /// </summary>
    public static Rejection? Compelled(LedgerView ledger, Movements movements)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            if (Closed(ledger, movements[i]) is { } no) return no;
        }
        return null;
    }

    /// <summary>
    /// An account that is closed, or was not opened for the asset, takes no part. Releases always pass.
    /// </summary>
    public static Rejection? Closed(LedgerView ledger, in Movement m)
    {
        if (IsRelease(m)) return null;
        var t = ledger.Tables;
        ref readonly var account = ref t.Accounts[m.Account];
        if (account.Has(AccountFlags.Closed)) return LedgerRejections.AccountClosed;
        if (account.Has(AccountFlags.AnyAsset)) return null;
        return m.Balance >= 0 && t.Balances[m.Balance].Has(BalanceFlags.Opened)
            ? null
            : LedgerRejections.AssetNotOpened with
            {
                Why = $"{account.Id} was not opened for {ledger.AssetAt(m.Asset).Code}.",
            };
    }

    /// <summary>Restraints of the whole account, by the side that the entry moves, net.</summary>
    public static Rejection? Restraint(LedgerView ledger, in Moment at, in Movement m)
    {
        if (ledger.Tables.Accounts[m.Account].Restraints == 0 || IsRelease(m)) return null;
        var debits = m.DebitsPosted + Int128.Max(0, m.DebitsPending);
        var credits = m.CreditsPosted + Int128.Max(0, m.CreditsPending);
        if (debits > credits && ledger.IsBlocked(m.Account, Side.Debit, at.Now)) return RestraintRejections.Debits;
        if (credits > debits && ledger.IsBlocked(m.Account, Side.Credit, at.Now)) return RestraintRejections.Credits;
        return null;
    }

    /// <summary>
    /// Available funds, where the account's debits are limited or an amount is held back; and the mirror.
    /// </summary>
    public static Rejection? Limit(LedgerView ledger, in Moment at, in Movement m, BusinessDate? valueOn)
    {
        var t = ledger.Tables;
        ref readonly var account = ref t.Accounts[m.Account];
        var balance = m.Balance < 0 ? default : t.Balances[m.Balance];
        // Credits not yet of value are no funds; they only cover debits that have the same value date.
        var isAhead = valueOn is { } date && date > at.Today;
        var spendable = isAhead ? Int128.Min(m.CreditsPosted, m.DebitsPosted) : m.CreditsPosted;
        var effect = spendable - m.DebitsPosted - m.DebitsPending;
        if (effect < 0
            && (account.Has(AccountFlags.DebitsMustNotExceedCredits) || ledger.IsHeldBack(balance, at.Now))
            && ledger.Available(balance, m.Balance, at) + effect < 0)
            return LedgerRejections.InsufficientFunds with
            {
                Why = $"Available funds of {account.Id} do not cover the debit in {ledger.AssetAt(m.Asset).Code}.",
            };
        if (!account.Has(AccountFlags.CreditsMustNotExceedDebits)) return null;
        var mirrored = m.DebitsPosted - m.CreditsPosted - m.CreditsPending;
        return mirrored < 0 && balance.DebitsPosted - balance.CreditsPosted - balance.CreditsPending + mirrored < 0
            ? LedgerRejections.CreditsExceedDebits
            : null;
    }

    /// <summary>
    /// Bound: nothing is refused. A leg that its account cannot take goes to suspense, one that a restraint blocks to
    /// blocked funds, and one beyond the limit is posted and says so. Judged, as ever, by the net effect of all legs
    /// on an account in an asset; of its legs those on the side that meets the "no" are concerned.
    /// </summary>
    /// <param name="movements">The net effects of these very legs.</param>
    public static void Divert(
        LedgerView ledger, in Moment at, List<Leg> legs, Movements movements, BusinessDate? valueOn)
    {
        var t = ledger.Tables;
        for (var i = 0; i < legs.Count; i++)
        {
            var leg = legs[i];
            var (account, asset) = (t.Accounts.Find(leg.Account), t.Assets.Find(leg.Amount.Asset.Code));
            ref readonly var m = ref movements.Of(t, account, asset);
            var isClients = IsMemorandum(t, m);
            if ((Position(ledger, m) ?? Closed(ledger, m)) is { } closed)
                legs[i] = Diverted(leg, isClients ? SystemAccounts.ClientSuspense : SystemAccounts.Suspense, closed);
            else if (Restraint(ledger, at, m) is { } blocked && leg.Side == (IsDebit(m) ? Side.Debit : Side.Credit))
                legs[i] = Diverted(
                    leg, isClients ? SystemAccounts.ClientSuspense : SystemAccounts.BlockedFunds, blocked);
            else if (Limit(ledger, at, m, valueOn) is { } beyond
                && leg.Side == (beyond.Code == LedgerRejections.InsufficientFunds.Code ? Side.Debit : Side.Credit))
                legs[i] = leg with { Because = beyond.Code };
        }
    }

    private static Rejection? Position(LedgerView ledger, in Movement m)
    {
        ref readonly var account = ref ledger.Tables.Accounts[m.Account];
        return SystemAccounts.IsPosition(account) && !IsRelease(m)
            ? LedgerRejections.CurrencyPosition with
            {
                Why = $"{account.Id} moves together with its other side, by exchanges and their corrections alone.",
            }
            : null;
    }

    private static bool IsDebit(in Movement m) => m.DebitsPosted > m.CreditsPosted;

    private static Leg Diverted(Leg leg, AccountId to, Rejection because) =>
        leg with { Account = to, Because = because.Code, Intended = leg.Account };

    private static bool IsRelease(in Movement m) =>
        m.DebitsPosted == 0 && m.CreditsPosted == 0 && m.DebitsPending <= 0 && m.CreditsPending <= 0;

    private static bool Balanced(LedgerTables t, Movements movements)
    {
        if (movements.Count == 2)
        {
            // All but few entries move one asset between two accounts.
            ref var a = ref movements[0];
            ref var b = ref movements[1];
            if (a.Asset == b.Asset && IsMemorandum(t, a) == IsMemorandum(t, b))
            {
                return a.DebitsPosted + b.DebitsPosted == a.CreditsPosted + b.CreditsPosted
                    && a.DebitsPending + b.DebitsPending == a.CreditsPending + b.CreditsPending;
            }
        }
        for (var i = 0; i < movements.Count; i++)
        {
            Int128 posted = 0, pending = 0;
            foreach (ref readonly var m in movements.All)
            {
                if (m.Asset != movements[i].Asset || IsMemorandum(t, m) != IsMemorandum(t, movements[i])) continue;
                posted += m.DebitsPosted - m.CreditsPosted;
                pending += m.DebitsPending - m.CreditsPending;
            }
            if (posted != 0 || pending != 0) return false;
        }
        return true;
    }

    private static Rejection Unbalanced(LedgerView ledger, Movements movements)
    {
        for (var i = 0; i < movements.Count; i++)
        {
            Int128 posted = 0;
            foreach (ref readonly var m in movements.All)
            {
                if (m.Asset == movements[i].Asset) posted += m.DebitsPosted - m.CreditsPosted;
            }
            if (posted == 0) continue;
            var difference = new Amount(Int128.Abs(posted), ledger.AssetAt(movements[i].Asset));
            var more = posted > 0 ? "Debits exceed credits" : "Credits exceed debits";
            return EntryRejections.Unbalanced with { Why = $"{more} by {difference}." };
        }
        return LedgerRejections.MemorandumMixed;
    }

    private static bool IsMemorandum(LedgerTables t, in Movement m) =>
        t.Accounts[m.Account].Class == AccountClass.Memorandum;
}
