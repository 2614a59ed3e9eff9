namespace BankingEngine.Domain.Kernel;

/// <summary>A place among sorted pages: the entry at <c>Offset</c> of page <c>Page</c>.</summary>
internal readonly record struct SortedPosition(int Page, int Offset);

/// <summary>The sorted set under ordered indexes: pages of at most 512 entries, and their low bounds.</summary>
/// <remarks>
/// Adding or removing moves at most 512 entries. A full page is split in two, or, at the very end, followed by an empty
/// one, so keys that only grow fill their pages; small neighbours are merged. The directory moves one bound and one
/// reference for each page behind a split, some 40,000 at ten million entries, once in 256 additions.
/// </remarks>
internal sealed class SortedPages<TKey> where TKey : unmanaged, IComparable<TKey>
{
    private const int FirstPage = 16, LargestPage = 512, FilledPage = 384;

    // A page's entries are at or above its bound and below the next page's; the first page's bound is never read.
    private IndexEntry<TKey>[] _bounds = new IndexEntry<TKey>[1];
    private IndexEntry<TKey>[][] _pages = [new IndexEntry<TKey>[FirstPage]];
    private int[] _counts = new int[1];
    private int _pageCount = 1;

    internal int Count { get; private set; }

    /// <summary>Rises with every change, so that scans know when to look for their place again.</summary>
    internal long Version { get; private set; }

    internal SortedPosition End => new(_pageCount - 1, _counts[_pageCount - 1]);

    internal void Add(in IndexEntry<TKey> entry)
    {
        var at = PageOf(in entry);
        if (_counts[at] == LargestPage)
        {
            Split(at, in entry);
            at = PageOf(in entry);
        }

        if (_counts[at] == _pages[at].Length) Array.Resize(ref _pages[at], _counts[at] * 2);
        var offset = OffsetOf(at, in entry);
        var page = _pages[at];
        Array.Copy(page, offset, page, offset + 1, _counts[at] - offset);
        page[offset] = entry;
        _counts[at]++;
        Count++;
        Version++;
    }

    internal void Remove(in IndexEntry<TKey> entry)
    {
        var at = PageOf(in entry);
        var offset = OffsetOf(at, in entry);
        var page = _pages[at];
        if (offset == _counts[at] || page[offset].CompareTo(in entry) != 0)
        {
            throw new StateCorruptException($"Row {entry.Row} is missing from an ordered index.");
        }

        Array.Copy(page, offset + 1, page, offset, _counts[at] - offset - 1);
        _counts[at]--;
        Count--;
        Version++;
        var room = _counts[at] == 0 ? LargestPage : LargestPage / 2;
        if (at + 1 < _pageCount && _counts[at] + _counts[at + 1] <= room) Merge(at);
        else if (at > 0 && _counts[at - 1] + _counts[at] <= room) Merge(at - 1);
    }

    /// <summary>Sorts and files all entries at once; there are none yet.</summary>
    internal void Fill(List<IndexEntry<TKey>> entries)
    {
        if (entries.Count == 0) return;
        entries.Sort(static (left, right) => left.CompareTo(in right));
        _pageCount = (entries.Count + FilledPage - 1) / FilledPage;
        _bounds = new IndexEntry<TKey>[_pageCount];
        _pages = new IndexEntry<TKey>[_pageCount][];
        _counts = new int[_pageCount];
        for (var at = 0; at < _pageCount; at++)
        {
            var start = at * FilledPage;
            _counts[at] = Math.Min(FilledPage, entries.Count - start);
            _pages[at] = new IndexEntry<TKey>[LargestPage];
            entries.CopyTo(start, _pages[at], 0, _counts[at]);
            _bounds[at] = _pages[at][0];
        }

        Count = entries.Count;
        Version++;
    }

    /// <summary>Where this entry is, or would be.</summary>
    internal SortedPosition PositionOf(in IndexEntry<TKey> entry)
    {
        var at = PageOf(in entry);
        return new SortedPosition(at, OffsetOf(at, in entry));
    }

    /// <summary>Where the first entry above this one is, or would be.</summary>
    internal SortedPosition PositionAfter(in IndexEntry<TKey> entry)
    {
        var position = PositionOf(in entry);
        var (at, offset) = position;
        return offset < _counts[at] && _pages[at][offset].CompareTo(in entry) == 0
            ? new SortedPosition(at, offset + 1)
            : position;
    }

    /// <summary>The entry at a position, or behind it if its page ends there; then steps on.</summary>
    internal bool TryFollowing(ref SortedPosition position, out IndexEntry<TKey> entry)
    {
        var (at, offset) = position;
        if (offset >= _counts[at])
        {
            // No page is empty but the only one of an empty index.
            (at, offset) = (at + 1, 0);
            if (at >= _pageCount)
            {
                entry = default;
                return false;
            }
        }

        entry = _pages[at][offset];
        position = new SortedPosition(at, offset + 1);
        return true;
    }

    /// <summary>Steps back one entry.</summary>
    internal bool TryPreceding(ref SortedPosition position, out IndexEntry<TKey> entry)
    {
        var (at, offset) = position;
        while (offset == 0 && at > 0) (at, offset) = (at - 1, _counts[at - 1]);
        entry = offset > 0 ? _pages[at][offset - 1] : default;
        position = new SortedPosition(at, Math.Max(0, offset - 1));
        return offset > 0;
    }

    private int PageOf(in IndexEntry<TKey> entry)
    {
        var (low, high) = (0, _pageCount);
        while (high - low > 1)
        {
            var middle = (low + high) >>> 1;
            if (_bounds[middle].CompareTo(in entry) <= 0) low = middle;
            else high = middle;
        }

        return low;
    }

    private int OffsetOf(int at, in IndexEntry<TKey> entry)
    {
        var page = _pages[at];
        var (low, high) = (0, _counts[at]);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (page[middle].CompareTo(in entry) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private void Split(int at, in IndexEntry<TKey> entry)
    {
        var page = _pages[at];
        var atEnd = at == _pageCount - 1 && page[LargestPage - 1].CompareTo(in entry) < 0;
        var kept = atEnd ? LargestPage : LargestPage / 2;
        var moved = LargestPage - kept;
        var second = new IndexEntry<TKey>[atEnd ? FirstPage : LargestPage];
        Array.Copy(page, kept, second, 0, moved);
        if (_pageCount == _pages.Length)
        {
            var room = _pageCount * 2;
            Array.Resize(ref _bounds, room);
            Array.Resize(ref _pages, room);
            Array.Resize(ref _counts, room);
        }

        var behind = _pageCount - at - 1;
        Array.Copy(_bounds, at + 1, _bounds, at + 2, behind);
        Array.Copy(_pages, at + 1, _pages, at + 2, behind);
        Array.Copy(_counts, at + 1, _counts, at + 2, behind);
        (_bounds[at + 1], _pages[at + 1], _counts[at + 1]) = (atEnd ? entry : second[0], second, moved);
        _counts[at] = kept;
        _pageCount++;
    }

    /// <summary>Moves all entries of the page behind into this one.</summary>
    private void Merge(int at)
    {
        if (_pages[at].Length < LargestPage) Array.Resize(ref _pages[at], LargestPage);
        Array.Copy(_pages[at + 1], 0, _pages[at], _counts[at], _counts[at + 1]);
        _counts[at] += _counts[at + 1];
        var behind = _pageCount - at - 2;
        Array.Copy(_bounds, at + 2, _bounds, at + 1, behind);
        Array.Copy(_pages, at + 2, _pages, at + 1, behind);
        Array.Copy(_counts, at + 2, _counts, at + 1, behind);
        _pageCount--;
        _pages[_pageCount] = [];
    }
}
