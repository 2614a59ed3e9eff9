using System.Buffers.Binary;
using System.Numerics;

namespace BankingEngine.Application.Journal;

/// <summary>CRC-32C (Castagnoli), as in RFC 3720 appendix B.4: reflected, begins and ends inverted.
/// The ASCII digits 1 to 9 give <c>e3069283</c>.</summary>
/// <remarks>One instruction for 8 bytes with a latency of 3 cycles: faster than the page cache is read.</remarks>
public static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> bytes) => Continue(0, bytes);

    /// <summary>The CRC of what gave <paramref name="crc"/> followed by <paramref name="bytes"/>.</summary>
    /// <param name="crc">0 for nothing.</param>
    public static uint Continue(uint crc, ReadOnlySpan<byte> bytes)
    {
        var state = ~crc;
        while (bytes.Length >= sizeof(ulong))
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (var value in bytes) state = BitOperations.Crc32C(state, value);
        return ~state;
    }
}
