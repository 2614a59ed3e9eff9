using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>Keeps every lane busy: when a lane's message ends, the next one moves in.</summary>
/// <remarks>
/// Lanes therefore need no sorting by length and no masks. Messages are read where they lie: only a first block
/// (one byte later because of the prefix) and the last one or two (padding) are built in scratch. All scratch is
/// on the stack: about 8 KiB for 16 lanes.
/// </remarks>
internal static unsafe class Sha256Feed<T, TLanes> where T : unmanaged where TLanes : struct, ILanes<T>
{
    /// <summary>Bytes of built blocks a lane may need: one first, two last.</summary>
    private const int EdgeBytes = 192;

    private const int Alignment = 64;

    private struct Lane
    {
        /// <summary>Number of the message in work, or −1 when there was none left.</summary>
        public int Message;

        /// <summary>The message's first byte.</summary>
        public byte* Body;

        /// <summary>The built blocks: the first, then the last ones.</summary>
        public byte* Edge;

        /// <summary>The block to mix next, from 0.</summary>
        public int Block;

        /// <summary>How many blocks prefix and message fill whole; the built last ones follow.</summary>
        public int Whole;

        public int Blocks;
    }

    /// <summary>Hashes <paramref name="count"/> messages, each with <paramref name="prefix"/> before it.</summary>
    /// <param name="slices">Where each message lies in <paramref name="buffer"/>; empty means 64 bytes each, in a
    /// row.</param>
    /// <param name="hashes">Room for 32 bytes a message.</param>
    [SkipLocalsInit]
    public static void Run(byte prefix, byte* buffer, ReadOnlySpan<Slice> slices, int count, byte* hashes)
    {
        unchecked
        {
            var width = TLanes.Count;
            var words = (Sha256Rounds<T, TLanes>.ScheduleWords + 8) * width;
            var scratch = stackalloc byte[4 * words + EdgeBytes * width + Alignment];
            var schedule = (uint*)(((nuint)scratch + Alignment - 1) & ~(nuint)(Alignment - 1));
            var state = schedule + Sha256Rounds<T, TLanes>.ScheduleWords * width;
            var edges = (byte*)(state + 8 * width);
            var rows = stackalloc byte*[width];
            var lanes = stackalloc Lane[width];
            int next = 0, busy = 0;
            for (var i = 0; i < width; i++)
            {
                lanes[i] = new Lane { Message = -1, Edge = edges + EdgeBytes * i };
                if (next == count) continue;
                Begin(ref lanes[i], next++, prefix, buffer, slices);
                Reset(state + i, width);
                busy++;
            }
            fixed (uint* constants = Sha256Constants.Rounds)
            {
                while (busy > 0)
                {
                    for (var i = 0; i < width; i++) rows[i] = Row(ref lanes[i]);
                    Sha256Rounds<T, TLanes>.Compress(rows, schedule, state, constants);
                    for (var i = 0; i < width; i++)
                    {
                        ref var lane = ref lanes[i];
                        if (lane.Message < 0 || ++lane.Block < lane.Blocks) continue;
                        Take(state + i, width, hashes + 32L * lane.Message);
                        Reset(state + i, width);
                        if (next < count) Begin(ref lane, next++, prefix, buffer, slices);
                        else busy -= Idle(ref lane);
                    }
                }
            }
        }
    }

    private static void Begin(ref Lane lane, int message, byte prefix, byte* buffer, ReadOnlySpan<Slice> slices)
    {
        unchecked
        {
            var slice = slices.IsEmpty ? new Slice(64 * message, 64) : slices[message];
            var body = buffer + slice.Start;
            var edge = lane.Edge;
            var bytes = slice.Length + 1;
            lane.Message = message;
            lane.Body = body;
            lane.Block = 0;
            lane.Whole = bytes >> 6;
            // The padding is the byte 0x80 and eight bytes of length: together at least nine.
            lane.Blocks = (bytes + 9 + 63) >> 6;

            var last = edge + 64;
            new Span<byte>(last, 128).Clear();
            var rest = bytes & 63;
            if (lane.Whole > 0)
            {
                edge[0] = prefix;
                Unsafe.CopyBlockUnaligned(edge + 1, body, 63);
                Unsafe.CopyBlockUnaligned(last, body + slice.Length - rest, (uint)rest);
            }
            else
            {
                last[0] = prefix;
                Unsafe.CopyBlockUnaligned(last + 1, body, (uint)slice.Length);
            }
            last[rest] = 0x80;
            var length = last + 64 * (lane.Blocks - lane.Whole) - 8;
            *(ulong*)length = BinaryPrimitives.ReverseEndianness(8UL * (uint)bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Row(ref Lane lane)
    {
        unchecked
        {
            // An idle lane mixes its old scratch: nobody reads the result.
            if (lane.Block >= lane.Whole) return lane.Edge + 64 + 64 * (lane.Block - lane.Whole);
            return lane.Block == 0 ? lane.Edge : lane.Body + 64L * lane.Block - 1;
        }
    }

    private static int Idle(ref Lane lane)
    {
        lane.Message = -1;
        lane.Block = 0;
        lane.Whole = 0;
        return 1;
    }

    private static void Reset(uint* state, int width)
    {
        unchecked
        {
            var initial = Sha256Constants.Initial;
            for (var word = 0; word < 8; word++) state[word * width] = initial[word];
        }
    }

    private static void Take(uint* state, int width, byte* hash)
    {
        unchecked
        {
            for (var word = 0; word < 8; word++)
                ((uint*)hash)[word] = BinaryPrimitives.ReverseEndianness(state[word * width]);
        }
    }
}

/// <summary>The constants of SHA-256 (FIPS 180-4 §4.2.2 and §5.3.3).</summary>
internal static class Sha256Constants
{
    public static ReadOnlySpan<uint> Initial =>
    [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ];

    public static ReadOnlySpan<uint> Rounds =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];
}
