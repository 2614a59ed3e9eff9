using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>An array that grows without ever copying its elements, so references into it stay valid.</summary>
/// <remarks>
/// The first 4,096 elements lie in segments of 64, 64, 128, 256, … 2,048, so that a table of a few rows stays small;
/// all later segments hold 4,096. Growth copies only references to segments: 2,400 of them at ten million elements.
/// </remarks>
internal sealed class Segments<T>
{
    internal const int SegmentSize = 4096;
    private const int SegmentBits = 12, FirstSize = 64, GraduatedSegments = 7;

    private T[][] _segments = [];
    private int _count;

    /// <summary>Number of elements that have memory.</summary>
    internal int Capacity { get; private set; }

    /// <summary>The element; memory-safe for any number, but one at or above the capacity throws.</summary>
    internal ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            unchecked
            {
                int segment, offset;
                if ((uint)index >= SegmentSize)
                {
                    segment = (int)((uint)index >> SegmentBits) + GraduatedSegments - 1;
                    offset = index & (SegmentSize - 1);
                }
                else
                {
                    var log = BitOperations.Log2((uint)index | (FirstSize - 1));
                    segment = log - 5;
                    offset = log == 5 ? index : index - (1 << log);
                }

                // The offset is below the segment's length by construction; the check would touch one more cache line.
                return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_segments[segment]), offset);
            }
        }
    }

    /// <summary>Makes room for <paramref name="count"/> elements, cleared.</summary>
    internal void Reserve(int count)
    {
        while (Capacity < count)
        {
            if (_count == _segments.Length) Array.Resize(ref _segments, Math.Max(8, _count * 2));
            _segments[_count] = new T[_count == 0 ? FirstSize : Math.Min(StartOf(_count), SegmentSize)];
            Capacity += _segments[_count].Length;
            _count++;
        }
    }

    /// <summary>The elements from <paramref name="start"/>, 0 or a multiple of 4,096, to
    /// <paramref name="end"/>, exclusive, segment by segment, in order.</summary>
    internal IEnumerable<ArraySegment<T>> Parts(int start, int end)
    {
        for (var segment = start == 0 ? 0 : (start >> SegmentBits) + GraduatedSegments - 1;
             segment < _count && StartOf(segment) < end;
             segment++)
        {
            var length = Math.Min(_segments[segment].Length, end - StartOf(segment));
            yield return new ArraySegment<T>(_segments[segment], 0, length);
        }
    }

    /// <summary>Gives back all memory but the first 4,096 elements, and forgets references in the first ones.</summary>
    internal void Trim(int used)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            foreach (var part in Parts(0, Math.Min(used, SegmentSize))) part.AsSpan().Clear();
        }

        if (_count <= GraduatedSegments) return;
        Array.Clear(_segments, GraduatedSegments, _count - GraduatedSegments);
        _count = GraduatedSegments;
        Capacity = SegmentSize;
    }

    private static int StartOf(int segment) => segment switch
    {
        0 => 0,
        < GraduatedSegments => (FirstSize / 2) << segment,
        _ => (segment - GraduatedSegments + 1) << SegmentBits,
    };
}
