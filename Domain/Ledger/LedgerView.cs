using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>
/// Refusals that any posting can meet. Where several apply the first of this order is given:
/// <list type="number">
/// <item>what is stated: timeout, asset unknown, decimals, range, sign; number of legs, same account, same asset,
/// equivalent, desk;</item>
/// <item>the name: no UUIDv7, an open reservation's;</item>
/// <item>accounts not found, the debit account before the credit account;</item>
/// <item>dates: booked in the future, period closed, period closed softly, value too far;</item>
/// <item>the asset retired; then, of a balancing transfer, that there is nothing to take;</item>
/// <item>the name: taken, too old, from the future;</item>
/// <item>the law, of every class: totals in range, debits equal to credits, client property apart;</item>
/// <item>currency positions (asked, and seizures);</item>
/// <item>accounts closed or not opened for the asset (asked and compelled);</item>
/// <item>restraints of whole accounts (asked);</item>
/// <item>limits and amounts held back (asked).</item>
/// </list>
/// From the law on, every leg passes one rule before any meets the next.
/// </summary>
public static class LedgerRejections
{
    public static readonly Rejection
        AssetUnknown = new("asset.unknown", "The book knows no such asset.", RejectionKind.NotFound),
        AssetRetired = new("asset.retired", "The asset is retired."),
        TooManyDecimals = new("amount.too_many_decimals", "The amount has more decimals than its asset."),
        AmountOutOfRange = new("amount.out_of_range", "A total would leave the range of the ledger."),
        AmountNotPositive = new("amount.not_positive", "An amount must exceed zero."),
        SameAccount = new("transfer.same_account", "Debit and credit accounts must differ."),
        DebitAccountNotFound = new(
            "transfer.debit_account_not_found", "No such debit account.", RejectionKind.NotFound),
        CreditAccountNotFound = new(
            "transfer.credit_account_not_found", "No such credit account.", RejectionKind.NotFound),
        AccountNotFound = new("account.not_found", "No such account.", RejectionKind.NotFound),
        MemorandumMixed = new(
            "entry.memorandum_mixed", "Client property and the bank's own books never meet in one balance."),
        BookedInFuture = new("date.booked_in_future", "An entry is booked on the business date or before."),
        ValueTooFar = new(
            "date.value_too_far", $"A value date lies within {LedgerView.MaxValueDays} days of the business date."),
        PeriodClosed = new("period.closed", "The accounting date lies in a period closed for good."),
        PeriodClosedSoftly = new(
            "period.closed_softly", "The accounting date lies in a softly closed period.", RejectionKind.Forbidden),
        AccountClosed = new("account.closed", "The account is closed."),
        AssetNotOpened = new("account.asset_not_opened", "The account was not opened for this asset."),
        InsufficientFunds = new("limit.insufficient_funds", "Available funds do not cover the debit."),
        CreditsExceedDebits = new("limit.credits_exceed_debits", "Credits may not exceed the debits of this account."),
        CurrencyPosition = new(
            "account.currency_position",
            "A position (pos:) and its equivalent (eqv:) move together, by exchanges and their corrections alone.");
}

/// <summary>The names of accounts that every book opens for itself.</summary>
public static class SystemAccounts
{
    public static readonly AccountId
        Suspense = Name("bank:suspense"),
        BlockedFunds = Name("bank:blocked-funds"),
        RetainedEarnings = Name("bank:retained-earnings"),
        Migration = Name("bank:migration"),
        ClientSuspense = Name("client:suspense");

    /// <summary>
    /// Whether an account of the book's own is a desk's open position in an asset, or the equivalent that it cost.
    /// </summary>
    public static bool IsPosition(in AccountRow account)
    {
        if (!account.Has(AccountFlags.System)) return false;
        Span<byte> text = stackalloc byte[AccountId.MaxTextLength];
        text = text[..account.Id.CopyTo(text)];
        return text.StartsWith("pos:"u8) || text.StartsWith("eqv:"u8);
    }

    public static AccountId Name(string text) =>
        AccountId.TryParse(text, out var id) ? id : throw new FormatException($"Not an account name: {text}");
}

/// <summary>The read-only view that deciders have of money: accounts, balances, assets, dates.</summary>
public sealed class LedgerView(LedgerTables tables, BookTables book)
{
    public const int MaxValueDays = 366;

    /// <summary>
    /// No total may exceed this, so that the sum of an entry's legs stays inside Int128 and no check can itself
    /// overflow: 256 legs of 2^118 are 2^126.
    /// </summary>
    public static readonly Int128 MaxTotal = Int128.One << 118;

    private Particulars _today = Particulars.None;

    public LedgerTables Tables { get; } = tables;

    public BookTables Book { get; } = book;

    public AccountId NameOf(int account) => Tables.Accounts[account].Id;

    public Asset AssetAt(int row) => Tables.Assets[row].Asset;

    /// <summary>Finds the asset that an amount was stated in, and its minor units.</summary>
    public Rejection? Resolve(in StatedAmount stated, out Amount amount)
    {
        amount = default;
        var row = Tables.Assets.Find(stated.Asset);
        if (row < 0) return LedgerRejections.AssetUnknown;
        var asset = Tables.Assets[row];
        if (!stated.TryResolve(asset.Asset, out amount, out var tooManyDecimals))
            return tooManyDecimals ? LedgerRejections.TooManyDecimals : LedgerRejections.AmountOutOfRange;
        return amount.Minor > MaxTotal || amount.Minor < -MaxTotal ? LedgerRejections.AmountOutOfRange : null;
    }

    /// <summary>Fills in the accounting date and checks both dates against periods.</summary>
    public Rejection? Date(Particulars stated, in Moment at, out Particulars dated)
    {
        dated = stated;
        var day = Book.Day;
        if (stated.BookedOn is not { } booked)
        {
            dated = ReferenceEquals(stated, Particulars.None) ? Plain(at.Today) : stated with { BookedOn = at.Today };
            booked = at.Today;
        }
        if (booked > at.Today) return LedgerRejections.BookedInFuture;
        if (booked <= day.ClosedThrough) return LedgerRejections.PeriodClosed;
        if (booked <= day.ClosedSoftlyThrough && (at.Scopes & Scopes.Adjust) == 0)
            return LedgerRejections.PeriodClosedSoftly;
        if (stated.ValueOn is not { } value) return null;
        if (int.Abs(value.Day - at.Today.Day) > MaxValueDays) return LedgerRejections.ValueTooFar;
        if (value == booked) dated = dated with { ValueOn = null };
        return null;
    }

    /// <summary>
    /// What may be spent: posted − pending debits − held back − credits not yet of value + granted overdraft.
    /// </summary>
    public Int128 Available(in BalanceRow balance, int row, in Moment at)
    {
        var free = balance.Net - balance.DebitsPending;
        if (balance.Flags <= BalanceFlags.Opened) return free;
        return free - Restrained(balance, at.Now) - NotYetValue(balance, row, at.Today) + Overdraft(balance, row);
    }

    public Int128 Overdraft(in BalanceRow balance, int row) =>
        balance.Has(BalanceFlags.HasOverdraft) && Tables.Overdrafts.TryGet(row, out var grant) ? grant.Limit : 0;

    /// <inheritdoc cref="Postings.NotYetValue"/>
    public Int128 NotYetValue(in BalanceRow balance, int row, BusinessDate today) =>
        Postings.NotYetValue(Tables, balance, row, today);

    /// <summary>What restraints in effect hold back of one balance, lower ranks first.</summary>
    public Int128 Restrained(in BalanceRow balance, Instant now)
    {
        if (!balance.Has(BalanceFlags.HasRestrainedAmount)) return 0;
        Int128 held = 0;
        var row = Tables.FindBalance(balance.Account, balance.Asset);
        var free = balance.Net - balance.DebitsPending - NotYetValue(balance, row, Book.Day.Today);
        foreach (var restraint in InRank(balance.Account, balance.Asset))
        {
            if (restraint.InEffect(now)) held = Postings.Together(held, restraint.HeldOf(free - held));
        }
        return held;
    }

    /// <summary>Whether a restraint of an amount is in effect on a balance now.</summary>
    public bool IsHeldBack(in BalanceRow balance, Instant now)
    {
        if (!balance.Has(BalanceFlags.HasRestrainedAmount)) return false;
        foreach (var index in Tables.RestraintsByAccount.Rows(balance.Account))
        {
            ref readonly var row = ref Tables.Restraints[index];
            if (row.Asset == balance.Asset && row.InEffect(now)) return true;
        }
        return false;
    }

    /// <summary>What one restraint could give to a seizure now: what it holds, and no more than there is.</summary>
    public Int128 HeldBy(in RestraintRow restraint, in Moment at)
    {
        var index = Tables.FindBalance(restraint.Account, restraint.Asset);
        var balance = Tables.Balances[index];
        var left = balance.Net - balance.DebitsPending - NotYetValue(balance, index, at.Today);
        foreach (var row in InRank(restraint.Account, restraint.Asset))
        {
            if (!row.InEffect(at.Now)) continue;
            var held = Int128.Clamp(row.HeldOf(left), 0, Int128.Max(0, left));
            if (row.Id == restraint.Id) return held;
            left -= held;
        }
        return 0;
    }

    /// <summary>Whether a restraint of the whole account stands on this side now.</summary>
    public bool IsBlocked(int account, Side side, Instant now)
    {
        if (Tables.Accounts[account].Restraints == 0) return false;
        foreach (var index in Tables.RestraintsByAccount.Rows(account))
        {
            ref readonly var row = ref Tables.Restraints[index];
            var blocks = row.Terms.Scope == RestraintScope.Both
                || row.Terms.Scope == (side == Side.Debit ? RestraintScope.Debits : RestraintScope.Credits);
            if (blocks && row.InEffect(now)) return true;
        }
        return false;
    }

    /// <summary>The restraints of an amount on one balance, in the order they are served.</summary>
    public List<RestraintRow> InRank(int account, int asset) => Postings.InRank(Tables, account, asset);

    /// <summary>Most transfers say nothing of dates: one shared value a day spares an allocation each.</summary>
    private Particulars Plain(BusinessDate today)
    {
        if (_today.BookedOn != today) _today = new(BookedOn: today);
        return _today;
    }
}
