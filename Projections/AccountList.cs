using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>An account in a list; what else there is to know, the book says.</summary>
public readonly record struct ListedAccount(AccountId Id, AccountClass Class, Tag Chart);

/// <param name="Next">Where the next page begins; null when there is nothing further.</param>
/// <param name="Position">What the page is true at.</param>
public sealed record AccountPage(IReadOnlyList<ListedAccount> Accounts, int? Next, long Position);

/// <summary>The accounts themselves, in the order they were opened.</summary>
public sealed partial class AccountEntries
{
    /// <summary>A page of accounts; visits at most <see cref="MaxVisited"/>, so it may be empty and still have a
    /// next.</summary>
    /// <param name="prefix">How the name begins, as UTF-8; empty: any.</param>
    /// <param name="from">Where the page before ended; 0: the first account.</param>
    public AccountPage List(AccountClass? @class, Tag? chart, ReadOnlySpan<byte> prefix, int from, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        using var held = Reading();
        var found = new List<ListedAccount>();
        var only = chart is { } code ? _tags.Find(code) : (int?)null;
        Span<byte> name = stackalloc byte[AccountId.MaxTextLength];
        var row = from;
        for (; row < _accounts.Count && found.Count < limit && row - from < MaxVisited; row++)
        {
            ref var account = ref _accounts[row];
            if (@class is { } wanted && account.Class != (int)wanted) continue;
            if (only is not null && account.Chart != only) continue;
            if (!prefix.IsEmpty && !name[..account.Id.CopyTo(name)].StartsWith(prefix)) continue;
            found.Add(new(account.Id, (AccountClass)account.Class, _tags[account.Chart]));
        }
        return new(found, row < _accounts.Count ? row : null, Position);
    }
}
