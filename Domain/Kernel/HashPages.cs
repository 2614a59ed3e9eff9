using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>Says whether a row has the key looked for.</summary>
internal interface IRowMatch
{
    bool IsKeyOf(int row);
}

/// <summary>The hash table under unique indexes: extendible hashing from a 32-bit tag to a row number.</summary>
/// <remarks>
/// <para>The directory is indexed by the tag's high bits and refers to pages of at most 1,024 slots of 8 bytes
/// (tag, row + 1; 0 is empty), probed linearly. A page that is 7/8 full is enlarged, and at 1,024 slots split in two,
/// which moves at most 896 entries and reads no row. Growing the directory copies page references only.</para>
/// <para>Memory: 9 to 12 bytes a key once there are some thousands; pages grow through 640, 832 and 1,024 slots,
/// because with even hashes all pages fill at about the same time and one fixed size would be half empty after every
/// split.</para>
/// <para>The last word of a page's array holds its number of entries and its depth: the directory has several
/// references to one page. Deleting moves later entries back, so there are no tombstones; pages never shrink.</para>
/// </remarks>
internal sealed class HashPages
{
    private const int SmallestPage = 16, LargestPage = 1024, LargestDepth = 20;

    private Page[] _directory = [Page.Empty(SmallestPage, depth: 0)];
    private int _depth;

    /// <summary>The row of this tag that matches, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find<TMatch>(uint tag, in TMatch match) where TMatch : struct, IRowMatch
    {
        unchecked
        {
            ref var page = ref _directory[(int)((ulong)tag >> (32 - _depth))];

            // Capacity stands in the directory and slots are reached unchecked, so that a lookup in a large table
            // misses the cache once for the slot and once for the row, and not for the array's length in between.
            ref var slots = ref MemoryMarshal.GetArrayDataReference(page.Slots);
            var capacity = page.Capacity;
            var position = Home(tag, capacity);
            while (true)
            {
                var slot = Unsafe.Add(ref slots, position);
                if (slot == 0) return -1;
                if ((uint)(slot >> 32) == tag)
                {
                    var row = (int)((uint)slot - 1);
                    if (match.IsKeyOf(row)) return row;
                }

                if (++position == capacity) position = 0;
            }
        }
    }

    /// <summary>Adds a row; the caller knows that its key is not there.</summary>
    /// <exception cref="InvalidOperationException">More than 896 keys share their tag's high 20 bits.</exception>
    internal void Add(uint tag, int row)
    {
        var at = IndexOf(tag);
        while (_directory[at].Count >= _directory[at].Capacity / 8 * 7)
        {
            Enlarge(at);
            at = IndexOf(tag);
        }

        _directory[at].Put(SlotOf(tag, row));
    }

    /// <summary>Removes a row that was added under this tag.</summary>
    internal void Remove(uint tag, int row)
    {
        ref var page = ref _directory[IndexOf(tag)];
        var (slots, capacity) = (page.Slots, page.Capacity);
        var wanted = SlotOf(tag, row);
        var hole = Home(tag, capacity);
        while (slots[hole] != wanted)
        {
            if (slots[hole] == 0) throw new StateCorruptException($"Row {row} is missing from a hash index.");
            hole = After(hole, capacity);
        }

        for (var next = After(hole, capacity); slots[next] != 0; next = After(next, capacity))
        {
            var home = Home((uint)(slots[next] >> 32), capacity);
            if (Distance(home, next, capacity) < Distance(hole, next, capacity)) continue;
            slots[hole] = slots[next];
            hole = next;
        }

        slots[hole] = 0;
        page.Count--;
    }

    private void Enlarge(int at)
    {
        var page = _directory[at];
        if (page.Capacity < LargestPage)
        {
            var larger = Page.Empty(Larger(page.Capacity), page.Depth);
            page.CopyTo(ref larger, ref larger, bit: 0);
            Set(at, larger);
            return;
        }

        if (page.Depth == _depth) GrowDirectory();
        at = (int)((ulong)page.FirstTag() >> (32 - _depth));
        var bit = 1u << (31 - page.Depth);
        var ones = page.CountWith(bit);
        var zero = Page.Empty(Fitting(page.Count - ones), page.Depth + 1);
        var one = Page.Empty(Fitting(ones), page.Depth + 1);
        page.CopyTo(ref zero, ref one, bit);
        var start = at & ~(Span(page.Depth) - 1);
        Set(start, zero);
        Set(start + Span(page.Depth + 1), one);
    }

    private void GrowDirectory()
    {
        if (_depth == LargestDepth) throw new InvalidOperationException("Too many keys with one hash.");
        var larger = new Page[_directory.Length * 2];
        for (var i = 0; i < _directory.Length; i++) larger[2 * i] = larger[2 * i + 1] = _directory[i];
        (_directory, _depth) = (larger, _depth + 1);
    }

    private void Set(int at, in Page page)
    {
        var span = Span(page.Depth);
        _directory.AsSpan(at & ~(span - 1), span).Fill(page);
    }

    private int IndexOf(uint tag) => (int)((ulong)tag >> (32 - _depth));

    /// <summary>How many directory entries refer to a page of this depth.</summary>
    private int Span(int depth) => 1 << (_depth - depth);

    private static int Fitting(int count)
    {
        var capacity = SmallestPage;
        while (capacity < LargestPage && capacity / 8 * 7 <= count + 32) capacity = Larger(capacity);
        return capacity;
    }

    private static int Larger(int capacity) => capacity switch
    {
        < 512 => capacity * 2,
        512 => 640,
        640 => 832,
        _ => LargestPage,
    };

    private static ulong SlotOf(uint tag, int row) => ((ulong)tag << 32) | ((uint)row + 1u);

    private static int After(int position, int capacity) => position + 1 == capacity ? 0 : position + 1;

    private static int Distance(int from, int to, int capacity) => to >= from ? to - from : to - from + capacity;

    /// <remarks>The product spreads the bits the directory has not used over the page, whatever its depth.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Home(uint tag, int capacity) =>
        unchecked((int)((((tag * 0x9E3779B1u) >> 16) * (uint)capacity) >> 16));

    private struct Page
    {
        internal ulong[] Slots;
        internal int Capacity;

        internal static Page Empty(int capacity, int depth)
        {
            var slots = new ulong[capacity + 1];
            slots[capacity] = (ulong)depth << 32;
            return new Page { Slots = slots, Capacity = capacity };
        }

        internal readonly int Depth => (int)(Slots[Capacity] >> 32);

        internal readonly int Count
        {
            get => (int)(Slots[Capacity] & 0xFFFFFFFF);
            set => Slots[Capacity] = (Slots[Capacity] & 0xFFFFFFFF_00000000) | (uint)value;
        }

        internal readonly void Put(ulong slot)
        {
            var position = Home((uint)(slot >> 32), Capacity);
            while (Slots[position] != 0) position = After(position, Capacity);
            Slots[position] = slot;
            Slots[Capacity]++;
        }

        internal readonly uint FirstTag()
        {
            var first = Slots.AsSpan(0, Capacity).IndexOfAnyExcept(0ul);
            return (uint)(Slots[first] >> 32);
        }

        internal readonly int CountWith(uint bit)
        {
            var count = 0;
            foreach (var slot in Slots.AsSpan(0, Capacity))
            {
                if (slot != 0 && ((uint)(slot >> 32) & bit) != 0) count++;
            }

            return count;
        }

        internal readonly void CopyTo(ref Page zero, ref Page one, uint bit)
        {
            foreach (var slot in Slots.AsSpan(0, Capacity))
            {
                if (slot == 0) continue;
                if (((uint)(slot >> 32) & bit) == 0) zero.Put(slot);
                else one.Put(slot);
            }
        }
    }
}
