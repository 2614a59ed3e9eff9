using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BankingEngine.Domain.Kernel;

/// <summary>A fast hash of 128 bits over bytes, the same on every machine and in every release.</summary>
/// <remarks>
/// It finds errors, not forgery: whoever may choose rows can construct collisions, and a sum of such hashes can be
/// forged by solving equations. Proofs use the journal's tree. The constants are the fractional digits of pi; changing
/// anything here changes every digest ever noted, so it is a new state-schema version. Words are read little-endian.
/// Two lanes fold 16 bytes at a time by 64×64→128 bit multiplication; three bijective rounds then mix the lanes.
/// </remarks>
public static class Hash128
{
    private const ulong Pi0 = 0x243F6A8885A308D3, Pi1 = 0x13198A2E03707344, Pi2 = 0xA4093822299F31D0,
        Pi3 = 0x082EFA98EC4E6C89, Pi4 = 0x452821E638D01377, Pi5 = 0xBE5466CF34E90C6C, Pi6 = 0xC0AC29B7C97C50DD,
        Pi7 = 0x3F84D5B5B5470917;

    /// <summary>Hashes bytes under an id, so that equal bytes in two tables hash differently.</summary>
    /// <param name="id">What the bytes are part of; any value.</param>
    /// <param name="bytes">Any length; the length is part of the hash.</param>
    public static UInt128 Of(ulong id, ReadOnlySpan<byte> bytes)
    {
        unchecked
        {
            var first = Fold(id ^ Pi0, Pi1) ^ (ulong)bytes.Length;
            var second = Fold(id ^ Pi2, Pi3) + (ulong)bytes.Length;
            while (bytes.Length >= 16)
            {
                var low = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                var high = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
                var firstNext = Fold(low ^ first, high ^ Pi4);
                second = Fold(high ^ second, low ^ Pi5) + first;
                first = firstNext;
                bytes = bytes[16..];
            }

            if (!bytes.IsEmpty)
            {
                var (low, high) = Tail(bytes);
                var firstNext = Fold(low ^ first, high ^ Pi4);
                second = Fold(high ^ second, low ^ Pi5) + first;
                first = firstNext;
            }

            first ^= Fold(second ^ Pi6, Pi1);
            second ^= Fold(first ^ Pi7, Pi3);
            first ^= Fold(second ^ Pi0, Pi5);
            return new UInt128(second, first);
        }
    }

    /// <summary>Hashes bytes to 64 bits for an index in memory; never stored, never part of a digest.</summary>
    /// <param name="seed">Chosen at start, so that callers cannot aim their keys at one page of an index.</param>
    public static ulong Hash64(ReadOnlySpan<byte> bytes, ulong seed)
    {
        unchecked
        {
            var state = seed ^ (ulong)bytes.Length;
            while (bytes.Length >= 16)
            {
                state = Step(
                    BinaryPrimitives.ReadUInt64LittleEndian(bytes),
                    BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
                    state);
                bytes = bytes[16..];
            }

            if (!bytes.IsEmpty)
            {
                var (low, high) = Tail(bytes);
                state = Step(low, high, state);
            }

            return Fold(state ^ Pi6, Pi7);
        }
    }

    /// <summary>A key's bytes hashed to 64 bits; the key must have no padding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong OfKey<TKey>(in TKey key, ulong seed) where TKey : unmanaged
    {
        unchecked
        {
            // The size is known to the compiler, so one branch is left; nearly all keys have 4, 8 or 16 bytes.
            ref var start = ref Unsafe.As<TKey, byte>(ref Unsafe.AsRef(in key));
            return Unsafe.SizeOf<TKey>() switch
            {
                4 => Fold(Step(Unsafe.ReadUnaligned<uint>(ref start), 0, seed ^ 4) ^ Pi6, Pi7),
                8 => Fold(Step(Unsafe.ReadUnaligned<ulong>(ref start), 0, seed ^ 8) ^ Pi6, Pi7),
                16 => Fold(Step(Unsafe.ReadUnaligned<ulong>(ref start),
                    Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, 8)), seed ^ 16) ^ Pi6, Pi7),
                _ => Hash64(MemoryMarshal.AsBytes(new ReadOnlySpan<TKey>(in key)), seed),
            };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Step(ulong low, ulong high, ulong state) => Fold(low ^ state ^ Pi0, high ^ state ^ Pi1);

    private static (ulong Low, ulong High) Tail(ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        bytes.CopyTo(padded);
        return (BinaryPrimitives.ReadUInt64LittleEndian(padded), BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
