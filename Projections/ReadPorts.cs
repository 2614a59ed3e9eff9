using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections;

/// <summary>
/// Questions about accounts and all that was ever posted on them. Rows in memory and rows in PostgreSQL answer alike,
/// cursors included.
/// </summary>
/// <exception cref="ProjectionStoppedException">Of every question: an event could not be taken.</exception>
/// <exception cref="ReadModelUnavailableException">Of every question: the store does not answer.</exception>
public interface IAccountEntries
{
    /// <summary>Most legs that one page visits in search of those wanted, and most accounts; a page may be empty and
    /// still have a next.</summary>
    const int MaxVisited = 20_000;

    /// <summary>The last position that posted something at or before an instant; 0 when none did.</summary>
    ValueTask<long> PositionAtAsync(Instant at);

    /// <summary>A page of accounts, in the order they were opened.</summary>
    /// <param name="prefix">How the name begins; empty: any.</param>
    /// <param name="from">Where the page before ended; 0: the first account.</param>
    ValueTask<AccountPage> ListAsync(AccountClass? @class, Tag? chart, string prefix, int from, int limit);

    /// <summary>A page of an account's legs, over all its assets, in the order of the journal or against it.</summary>
    /// <param name="after">Where the page before ended; null: from the beginning of the order.</param>
    /// <param name="limit">Most legs returned; 1 or more.</param>
    /// <returns>Null where there is no such account.</returns>
    ValueTask<EntryPage?> HistoryAsync(
        AccountId account, EntryFilter filter, bool newestFirst, EntryMark? after, int limit);

    /// <summary>An account's balances at a cut, in order of first use.</summary>
    /// <returns>Null where there is no such account.</returns>
    ValueTask<IReadOnlyList<BalanceAt>?> BalancesOfAsync(AccountId account, Cut cut);

    /// <summary>The legs of a period, up to a position, and the balance before them.</summary>
    /// <param name="position">Last position that counts.</param>
    /// <param name="most">Entries returned; one more is enough to say that there are more.</param>
    /// <returns>Null where there is no such account.</returns>
    ValueTask<AccountRange?> RangeOfAsync(StatementPeriod period, long position, int most);

    /// <summary>All balances at a cut, account by account in order of first use.</summary>
    IAsyncEnumerable<AccountBalance> BalancesAsync(long through, BusinessDate? bookedThrough);
}

/// <summary>Questions about the lives of transfers. Rows in memory and rows in PostgreSQL answer alike.</summary>
/// <inheritdoc cref="IAccountEntries" path="/exception"/>
public interface ITransferLives
{
    /// <summary>The life of a transfer or entry; null where there is none of this name.</summary>
    ValueTask<TransferLife?> FindAsync(TransferId id);

    /// <summary>The position of the correction of an event, or null; and what the answer is true at.</summary>
    ValueTask<(long? Correction, long Position)> CorrectionOfAsync(long original);

    /// <summary>Transfers that may carry a reference, in the order of the journal: compare with the event before you
    /// show it.</summary>
    /// <param name="from">Where the page before ended; null: from the first.</param>
    ValueTask<TransferPage> WithReferenceAsync(string reference, long? from, int limit);
}

/// <summary>A question to a read model whose store does not answer, or not in time.</summary>
public sealed class ReadModelUnavailableException(string name, Exception why)
    : Exception($"The store of {name} does not answer: {why.Message}", why);
