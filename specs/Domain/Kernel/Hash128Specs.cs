using System.Buffers.Binary;
using System.Numerics;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Domain.Kernel;

public sealed class Hash128Specs
{
    [Fact]
    public void The_hash_never_changes()
    {
        var bytes = Enumerable.Range(0, 83).Select(i => (byte)i).ToArray();
        Hash128.Of(7, bytes).ToString("X32", null).Should().Be("701CB9BFDA22D788D979907B926697CD");
        Hash128.Of(7, []).ToString("X32", null).Should().Be("5080BE38454CE3922A022A77A12194AD");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(24)]
    [InlineData(80)]
    [InlineData(101)]
    public void Flipping_any_bit_flips_about_half_of_the_hash(int length)
    {
        const int Trials = 200;
        var random = new Random(length);
        var bytes = new byte[length];
        var flips = new int[length * 8, 128];
        for (var trial = 0; trial < Trials; trial++)
        {
            random.NextBytes(bytes);
            if (trial % 2 == 0 && length > 8) bytes.AsSpan(length / 3).Clear();
            var hash = Hash128.Of(1, bytes);
            for (var bit = 0; bit < length * 8; bit++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                var difference = hash ^ Hash128.Of(1, bytes);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                for (var output = 0; output < 128; output++) flips[bit, output] += (int)(difference >> output & 1);
            }
        }

        // Six deviations of a fair coin thrown 200 times are 42; 128 × 808 cells stay within that.
        foreach (var count in flips) count.Should().BeInRange((Trials / 2) - 45, (Trials / 2) + 45);
    }

    [Fact]
    public void Similar_rows_do_not_collide_in_either_half()
    {
        var (low, high, index) = (new HashSet<ulong>(), new HashSet<ulong>(), new HashSet<ulong>());
        var row = new byte[80];
        var rows = 0;
        for (var field = 0; field < 10; field++)
        {
            for (var shift = 0; shift < 64; shift += 16)
            {
                for (var value = 1L; value <= 5000; value++)
                {
                    row.AsSpan().Clear();
                    BinaryPrimitives.WriteInt64LittleEndian(row.AsSpan(field * 8), value << shift);
                    var hash = Hash128.Of(1, row);
                    low.Add((ulong)(hash & ulong.MaxValue));
                    high.Add((ulong)(hash >> 64));
                    index.Add(Hash128.Hash64(row, 5));
                    rows++;
                }
            }
        }

        (low.Count, high.Count, index.Count).Should().Be((rows, rows, rows));
    }

    [Fact]
    public void Lengths_and_ids_are_told_apart()
    {
        var zeros = new byte[64];
        var hashes = new HashSet<UInt128>();
        for (var length = 0; length <= 64; length++)
        {
            for (ulong id = 0; id < 50; id++) hashes.Add(Hash128.Of(id, zeros.AsSpan(0, length)));
        }

        hashes.Should().HaveCount(65 * 50);
    }

    [Fact]
    public void Consecutive_keys_spread_evenly_over_the_high_bits_of_the_index_hash()
    {
        var buckets = new int[1024];
        Span<byte> key = stackalloc byte[16];
        for (var value = 0L; value < 1 << 18; value++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(key, value);
            buckets[Hash128.Hash64(key, 0) >> 54]++;
        }

        buckets.Should().OnlyContain(count => count > 256 - 96 && count < 256 + 96, "six deviations are 96");
        BitOperations.PopCount((uint)buckets.Length).Should().Be(1);
    }
}
