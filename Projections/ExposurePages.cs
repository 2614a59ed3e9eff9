using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Projections;

/// <summary>What a listing of exposures by party is of. What is true at a position stays so: equal listings have equal
/// lines, whoever asks.</summary>
/// <param name="Through">Last position that counts, of postings and of holders.</param>
/// <param name="BookedThrough">Last accounting date that counts; null: every.</param>
/// <param name="Party">Only this party; null: all.</param>
public readonly record struct ExposureListing(long Through, BusinessDate? BookedThrough, PartyId? Party);

/// <param name="AreMore">Whether lines follow.</param>
public sealed record ExposurePage(IReadOnlyList<Exposure> Lines, bool AreMore);

/// <summary>
/// Pages of listings. One page costs a pass over all balances, so the lines behind it are kept for the pages that
/// follow: a few thousand of the last few listings, for a minute at most.
/// </summary>
/// <remarks>
/// It knows no callers: whoever asks it has seen to it that the caller may see parties. Safe for concurrent use.
/// </remarks>
/// <param name="clock">Says how long lines are kept.</param>
public sealed class ExposurePages(TimeProvider clock)
{
    /// <summary>About a megabyte.</summary>
    public const int KeptLines = 10_000;

    public const int KeptListings = 4;

    public static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();

    /// <summary>The newest last.</summary>
    private readonly List<Kept> _kept = [];

    /// <summary>A page of a listing.</summary>
    /// <param name="from">Lines before the page; 0 or more.</param>
    /// <param name="limit">Lines of the page at most; 1 to <see cref="KeptLines"/>.</param>
    /// <param name="compute">Makes the whole listing, where its lines are not kept.</param>
    public async Task<ExposurePage> PageAsync(
        ExposureListing of, int from, int limit, Func<Task<IReadOnlyList<Exposure>>> compute)
    {
        ArgumentNullException.ThrowIfNull(compute);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, KeptLines);
        if (Find(of, from, limit) is { } known) return known.Page(from, limit);
        var all = await compute().ConfigureAwait(false);
        var made = new Kept(
            of, from, [.. all.Skip(from).Take(KeptLines)], (long)from + KeptLines >= all.Count, clock.GetTimestamp());
        var page = made.Page(from, limit);
        if (page.AreMore) Keep(made);
        return page;
    }

    private Kept? Find(ExposureListing of, int from, int limit)
    {
        lock (_gate)
        {
            _kept.RemoveAll(kept => clock.GetElapsedTime(kept.At) >= KeptFor);
            return _kept.Find(kept => kept.Of == of && kept.Has(from, limit));
        }
    }

    private void Keep(Kept made)
    {
        lock (_gate)
        {
            _kept.RemoveAll(kept => kept.Of == made.Of);
            if (_kept.Count == KeptListings) _kept.RemoveAt(0);
            _kept.Add(made);
        }
    }

    /// <param name="From">Lines of the listing before these.</param>
    /// <param name="IsEnd">Whether the listing ends with these.</param>
    private sealed record Kept(ExposureListing Of, int From, Exposure[] Lines, bool IsEnd, long At)
    {
        public bool Has(int from, int limit) =>
            from >= From && (IsEnd || (long)from + limit <= (long)From + Lines.Length);

        public ExposurePage Page(int from, int limit)
        {
            var first = Math.Min(from - From, Lines.Length);
            var count = Math.Min(limit, Lines.Length - first);
            return new(new ArraySegment<Exposure>(Lines, first, count), !IsEnd || first + count < Lines.Length);
        }
    }
}
