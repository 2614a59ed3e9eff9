using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>What the rounds need of a vector whose element <c>i</c> belongs to lane <c>i</c>.</summary>
/// <remarks>A second type of vector is the only reason for this interface; the compiler inlines every member.</remarks>
internal unsafe interface ILanes<T> where T : unmanaged
{
    static abstract int Count { get; }

    static abstract T Load(uint* source);

    static abstract void Store(T value, uint* destination);

    static abstract T Same(uint value);

    static abstract T Add(T left, T right);

    /// <summary>Σ0 of FIPS 180-4 §4.1.2; the next three are Σ1, σ0 and σ1.</summary>
    static abstract T BigSigma0(T x);

    static abstract T BigSigma1(T x);

    static abstract T SmallSigma0(T x);

    static abstract T SmallSigma1(T x);

    static abstract T Choose(T x, T y, T z);

    static abstract T Majority(T x, T y, T z);

    /// <summary>Four big-endian words at <paramref name="offset"/> bytes into rows first, first + 4, first + 8, ...
    /// </summary>
    static abstract T Quads(byte** rows, int first, int offset);

    /// <summary>Turns the words of four <see cref="Quads"/> (of rows 0 to 3) into four words of all lanes.</summary>
    static abstract void Transpose(T row0, T row1, T row2, T row3, uint* destination);
}

/// <summary>The SHA-256 compression function over one 64-byte block of every lane (FIPS 180-4 §6.2.2).</summary>
internal static unsafe class Sha256Rounds<T, TLanes> where T : unmanaged where TLanes : struct, ILanes<T>
{
    /// <summary>Words of scratch that <see cref="Compress"/> wants per lane.</summary>
    public const int ScheduleWords = 64;

    /// <summary>Mixes one block of every lane into its state.</summary>
    /// <param name="rows">One pointer a lane, to 64 readable bytes.</param>
    /// <param name="schedule">Scratch; word t of lane i at <c>t * Count + i</c>; aligned to a vector.</param>
    /// <param name="state">Eight words a lane, word-major, aligned to a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compress(byte** rows, uint* schedule, uint* state, uint* constants)
    {
        unchecked
        {
            Expand(rows, schedule);
            var lanes = TLanes.Count;
            T a = TLanes.Load(state), b = TLanes.Load(state + lanes);
            T c = TLanes.Load(state + 2 * lanes), d = TLanes.Load(state + 3 * lanes);
            T e = TLanes.Load(state + 4 * lanes), f = TLanes.Load(state + 5 * lanes);
            T g = TLanes.Load(state + 6 * lanes), h = TLanes.Load(state + 7 * lanes);
            for (var t = 0; t < 64; t += 8)
            {
                var words = schedule + t * lanes;
                var k = constants + t;
                Round(a, b, c, ref d, e, f, g, ref h, words, k[0]);
                Round(h, a, b, ref c, d, e, f, ref g, words + lanes, k[1]);
                Round(g, h, a, ref b, c, d, e, ref f, words + 2 * lanes, k[2]);
                Round(f, g, h, ref a, b, c, d, ref e, words + 3 * lanes, k[3]);
                Round(e, f, g, ref h, a, b, c, ref d, words + 4 * lanes, k[4]);
                Round(d, e, f, ref g, h, a, b, ref c, words + 5 * lanes, k[5]);
                Round(c, d, e, ref f, g, h, a, ref b, words + 6 * lanes, k[6]);
                Round(b, c, d, ref e, f, g, h, ref a, words + 7 * lanes, k[7]);
            }
            Accumulate(a, state);
            Accumulate(b, state + lanes);
            Accumulate(c, state + 2 * lanes);
            Accumulate(d, state + 3 * lanes);
            Accumulate(e, state + 4 * lanes);
            Accumulate(f, state + 5 * lanes);
            Accumulate(g, state + 6 * lanes);
            Accumulate(h, state + 7 * lanes);
        }
    }

    /// <summary>The 64 words of the message schedule: 16 from the block, 48 from those before them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Expand(byte** rows, uint* schedule)
    {
        unchecked
        {
            var lanes = TLanes.Count;
            for (var quad = 0; quad < 4; quad++)
            {
                TLanes.Transpose(
                    TLanes.Quads(rows, 0, 16 * quad), TLanes.Quads(rows, 1, 16 * quad),
                    TLanes.Quads(rows, 2, 16 * quad), TLanes.Quads(rows, 3, 16 * quad),
                    schedule + 4 * quad * lanes);
            }
            for (var t = 16; t < 64; t++)
            {
                var word = schedule + t * lanes;
                TLanes.Store(
                    TLanes.Add(
                        TLanes.Add(TLanes.SmallSigma1(TLanes.Load(word - 2 * lanes)), TLanes.Load(word - 7 * lanes)),
                        TLanes.Add(TLanes.SmallSigma0(TLanes.Load(word - 15 * lanes)), TLanes.Load(word - 16 * lanes))),
                    word);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(T a, T b, T c, ref T d, T e, T f, T g, ref T h, uint* word, uint constant)
    {
        var mixed = TLanes.Add(
            TLanes.Add(h, TLanes.Add(TLanes.Load(word), TLanes.Same(constant))),
            TLanes.Add(TLanes.Choose(e, f, g), TLanes.BigSigma1(e)));
        d = TLanes.Add(d, mixed);
        h = TLanes.Add(mixed, TLanes.Add(TLanes.BigSigma0(a), TLanes.Majority(a, b, c)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(T value, uint* state) => TLanes.Store(TLanes.Add(TLanes.Load(state), value), state);
}

/// <summary>Sixteen lanes: AVX-512, whose rotate and three-input logic save half of the instructions.</summary>
internal readonly unsafe struct Lanes16 : ILanes<Vector512<uint>>
{
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

    public static int Count => 16;

    public static Vector512<uint> Load(uint* source) => Vector512.Load(source);

    public static void Store(Vector512<uint> value, uint* destination) => value.Store(destination);

    public static Vector512<uint> Same(uint value) => Vector512.Create(value);

    public static Vector512<uint> Add(Vector512<uint> left, Vector512<uint> right) => left + right;

    public static Vector512<uint> BigSigma0(Vector512<uint> x) => Xor(
        Avx512F.RotateRight(x, 2), Avx512F.RotateRight(x, 13), Avx512F.RotateRight(x, 22));

    public static Vector512<uint> BigSigma1(Vector512<uint> x) => Xor(
        Avx512F.RotateRight(x, 6), Avx512F.RotateRight(x, 11), Avx512F.RotateRight(x, 25));

    public static Vector512<uint> SmallSigma0(Vector512<uint> x) => Xor(
        Avx512F.RotateRight(x, 7), Avx512F.RotateRight(x, 18), x >>> 3);

    public static Vector512<uint> SmallSigma1(Vector512<uint> x) => Xor(
        Avx512F.RotateRight(x, 17), Avx512F.RotateRight(x, 19), x >>> 10);

    // The last argument of TernaryLogic is the truth table of the three inputs, read as a byte.
    public static Vector512<uint> Choose(Vector512<uint> x, Vector512<uint> y, Vector512<uint> z) =>
        Avx512F.TernaryLogic(x, y, z, 0xCA);

    public static Vector512<uint> Majority(Vector512<uint> x, Vector512<uint> y, Vector512<uint> z) =>
        Avx512F.TernaryLogic(x, y, z, 0xE8);

    private static Vector512<uint> Xor(Vector512<uint> x, Vector512<uint> y, Vector512<uint> z) =>
        Avx512F.TernaryLogic(x, y, z, 0x96);

    public static Vector512<uint> Quads(byte** rows, int first, int offset)
    {
        unchecked
        {
            var low = Vector256.Create(
                Vector128.Load(rows[first] + offset), Vector128.Load(rows[first + 4] + offset));
            var high = Vector256.Create(
                Vector128.Load(rows[first + 8] + offset), Vector128.Load(rows[first + 12] + offset));
            var swap = Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
            return Avx512BW.Shuffle(Vector512.Create(low, high), Vector512.Create(swap)).AsUInt32();
        }
    }

    public static void Transpose(
        Vector512<uint> row0, Vector512<uint> row1, Vector512<uint> row2, Vector512<uint> row3, uint* destination)
    {
        var low01 = Avx512F.UnpackLow(row0, row1).AsUInt64();
        var low23 = Avx512F.UnpackLow(row2, row3).AsUInt64();
        var high01 = Avx512F.UnpackHigh(row0, row1).AsUInt64();
        var high23 = Avx512F.UnpackHigh(row2, row3).AsUInt64();
        Avx512F.UnpackLow(low01, low23).AsUInt32().Store(destination);
        Avx512F.UnpackHigh(low01, low23).AsUInt32().Store(destination + 16);
        Avx512F.UnpackLow(high01, high23).AsUInt32().Store(destination + 32);
        Avx512F.UnpackHigh(high01, high23).AsUInt32().Store(destination + 48);
    }
}

/// <summary>Eight lanes: AVX2.</summary>
internal readonly unsafe struct Lanes8 : ILanes<Vector256<uint>>
{
    public static bool IsSupported => Vector256.IsHardwareAccelerated && Avx2.IsSupported;

    public static int Count => 8;

    public static Vector256<uint> Load(uint* source) => Vector256.Load(source);

    public static void Store(Vector256<uint> value, uint* destination) => value.Store(destination);

    public static Vector256<uint> Same(uint value) => Vector256.Create(value);

    public static Vector256<uint> Add(Vector256<uint> left, Vector256<uint> right) => left + right;

    public static Vector256<uint> BigSigma0(Vector256<uint> x) => Rotate(x, 2) ^ Rotate(x, 13) ^ Rotate(x, 22);

    public static Vector256<uint> BigSigma1(Vector256<uint> x) => Rotate(x, 6) ^ Rotate(x, 11) ^ Rotate(x, 25);

    public static Vector256<uint> SmallSigma0(Vector256<uint> x) => Rotate(x, 7) ^ Rotate(x, 18) ^ (x >>> 3);

    public static Vector256<uint> SmallSigma1(Vector256<uint> x) => Rotate(x, 17) ^ Rotate(x, 19) ^ (x >>> 10);

    public static Vector256<uint> Choose(Vector256<uint> x, Vector256<uint> y, Vector256<uint> z) => z ^ (x & (y ^ z));

    public static Vector256<uint> Majority(Vector256<uint> x, Vector256<uint> y, Vector256<uint> z) =>
        (x & y) | (z & (x | y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rotate(Vector256<uint> x, int bits) => (x >>> bits) | (x << (32 - bits));

    public static Vector256<uint> Quads(byte** rows, int first, int offset)
    {
        unchecked
        {
            var both = Vector256.Create(Vector128.Load(rows[first] + offset), Vector128.Load(rows[first + 4] + offset));
            var swap = Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
            return Avx2.Shuffle(both, Vector256.Create(swap)).AsUInt32();
        }
    }

    public static void Transpose(
        Vector256<uint> row0, Vector256<uint> row1, Vector256<uint> row2, Vector256<uint> row3, uint* destination)
    {
        var low01 = Avx2.UnpackLow(row0, row1).AsUInt64();
        var low23 = Avx2.UnpackLow(row2, row3).AsUInt64();
        var high01 = Avx2.UnpackHigh(row0, row1).AsUInt64();
        var high23 = Avx2.UnpackHigh(row2, row3).AsUInt64();
        Avx2.UnpackLow(low01, low23).AsUInt32().Store(destination);
        Avx2.UnpackHigh(low01, low23).AsUInt32().Store(destination + 8);
        Avx2.UnpackLow(high01, high23).AsUInt32().Store(destination + 16);
        Avx2.UnpackHigh(high01, high23).AsUInt32().Store(destination + 24);
    }
}
