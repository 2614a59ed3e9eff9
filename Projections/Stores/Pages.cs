using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Projections.Stores;

/// <summary>Rows in memory, numbered from 0, added and never taken away; growing copies at most one page.</summary>
/// <remarks>The first page doubles from 64 rows, so that a small book stays small.</remarks>
internal sealed class Pages<T> where T : unmanaged
{
    internal const int PageRows = 8_192;
    private const int PageBits = 13, FirstRows = 64;

    private T[][] _pages = [new T[FirstRows]];

    internal int Count { get; private set; }

    /// <summary>Bytes of memory that the pages take.</summary>
    internal long Bytes => _pages.Sum(page => (long)page.Length) * Unsafe.SizeOf<T>();

    /// <summary>The row; the reference holds until the next row is added.</summary>
    internal ref T this[int row] => ref _pages[row >> PageBits][row & (PageRows - 1)];

    internal int Add(in T row)
    {
        var number = Run(1);
        this[number] = row;
        return number;
    }

    /// <summary>Adds empty rows that lie side by side.</summary>
    /// <param name="length">1 to <see cref="PageRows"/>.</param>
    /// <returns>The number of the first; numbers may be left out before it.</returns>
    internal int Run(int length)
    {
        var first = Count;
        var room = PageRows - (first & (PageRows - 1));
        if (length > room) first += room;
        var page = first >> PageBits;
        if (page == _pages.Length)
        {
            if (page == 1 && _pages[0].Length < PageRows) Array.Resize(ref _pages[0], PageRows);
            Array.Resize(ref _pages, page + 1);
            _pages[page] = new T[PageRows];
        }
        while (page == 0 && first + length > _pages[0].Length) Array.Resize(ref _pages[0], _pages[0].Length * 2);
        Count = first + length;
        return first;
    }

    /// <summary>Rows that were added as one run.</summary>
    internal Span<T> Span(int first, int length) => _pages[first >> PageBits].AsSpan(first & (PageRows - 1), length);

    /// <summary>Adds a hash of all rows to a running one; rows must have no padding.</summary>
    internal UInt128 Hash(UInt128 before)
    {
        for (var row = 0; row < Count; row += PageRows)
        {
            var part = Span(row, Math.Min(PageRows, Count - row));
            var hash = Hash128.Of((ulong)row, MemoryMarshal.AsBytes(part));
            before = unchecked(before * 31 + hash);
        }
        return before;
    }
}

/// <summary>Short texts, one after another, each at an address for ever.</summary>
internal sealed class Texts
{
    /// <summary>The address of no text.</summary>
    internal const int None = -1;

    /// <summary>Longest text, in bytes of UTF-8.</summary>
    internal const int Longest = 255;

    // Addresses count words of four bytes, so that 31 bits reach eight gigabytes.
    private readonly Pages<uint> _words = new();

    internal long Bytes => _words.Bytes;

    /// <exception cref="InvalidOperationException">Longer than <see cref="Longest"/> in UTF-8.</exception>
    internal int Add(string? text)
    {
        if (text is null) return None;
        var length = Encoding.UTF8.GetByteCount(text);
        if (length > Longest) throw new InvalidOperationException($"A text has at most {Longest} bytes.");
        var address = _words.Run((length + 4) / 4);
        var bytes = MemoryMarshal.AsBytes(_words.Span(address, (length + 4) / 4));
        bytes[0] = (byte)length;
        Encoding.UTF8.GetBytes(text, bytes[1..]);
        return address;
    }

    internal ReadOnlySpan<byte> this[int address]
    {
        get
        {
            var length = (int)(_words[address] & 0xFF);
            return MemoryMarshal.AsBytes(_words.Span(address, (length + 4) / 4)).Slice(1, length);
        }
    }

    internal string? Text(int address) => address == None ? null : Encoding.UTF8.GetString(this[address]);

    internal UInt128 Hash(UInt128 before) => _words.Hash(before);
}
