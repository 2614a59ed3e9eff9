using System.Security.Cryptography;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

public sealed class Sha256LanesSpecs
{
    public static TheoryData<Sha256Path> Paths => [.. Enum.GetValues<Sha256Path>().Where(Sha256Lanes.IsSupported)];

    [Theory, MemberData(nameof(Paths))]
    public void Every_length_from_0_to_600_hashes_as_the_platform_does(Sha256Path path)
    {
        var buffer = RandomBytes(600, seed: 1);
        var slices = Enumerable.Range(0, 601).Select(length => new Slice(600 - length, length)).ToArray();
        LeavesShouldMatch(buffer, slices, path);
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_batch_of_any_count_and_any_mix_of_lengths_hashes_as_the_platform_does(Sha256Path path)
    {
        const int seed = 20_260_105;
        var random = new Random(seed);
        var buffer = RandomBytes(20_000, seed);
        for (var count = 0; count <= 70; count++)
        {
            var slices = Enumerable.Range(0, count).Select(_ =>
            {
                var length = random.Next(10) switch { 0 => random.Next(9_000), 1 => 0, _ => random.Next(600) };
                return new Slice(random.Next(buffer.Length - length + 1), length);
            }).ToArray();
            LeavesShouldMatch(buffer, slices, path);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Lengths_around_every_block_boundary_and_the_long_message_limit_hash_alike(Sha256Path path)
    {
        var lengths = new[] { 54, 55, 56, 62, 63, 64, 118, 119, 120, 126, 127, 128, 4_095, 4_096, 4_097, 70_000 };
        var buffer = RandomBytes(70_000, seed: 3);
        LeavesShouldMatch(buffer, [.. lengths.Concat(lengths).Select(length => new Slice(0, length))], path);
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_node_is_the_hash_of_one_and_its_two_children(Sha256Path path)
    {
        for (var count = 0; count <= 40; count++)
        {
            var pairs = RandomBytes(64 * count, seed: count);
            var hashes = new byte[32 * count];
            Sha256Lanes.HashNodes(pairs, hashes, path);
            var expected = pairs.Chunk(64).SelectMany(pair => SHA256.HashData([1, .. pair]));
            hashes.Should().Equal(expected, "{0} nodes", count);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Two_threads_hash_at_once_without_touching_each_other(Sha256Path path) =>
        Parallel.For(0, 8, seed =>
        {
            var buffer = RandomBytes(2_000, seed);
            LeavesShouldMatch(buffer, [.. Enumerable.Range(0, 50).Select(i => new Slice(10 * i, 20 * i))], path);
        });

    [Fact]
    public void A_slice_outside_the_buffer_is_refused()
    {
        foreach (var slice in new[] { new Slice(-1, 1), new Slice(0, -1), new Slice(5, 6), new Slice(11, 0) })
        {
            var hash = () => Sha256Lanes.HashLeaves(new byte[10], [slice], new byte[32]);
            hash.Should().Throw<ArgumentException>("{0}", slice);
        }
    }

    [Fact]
    public void Room_for_another_number_of_hashes_is_refused()
    {
        var leaves = () => Sha256Lanes.HashLeaves(new byte[10], [new Slice(0, 10)], new byte[31]);
        var nodes = () => Sha256Lanes.HashNodes(new byte[128], new byte[32]);
        var halfPair = () => Sha256Lanes.HashNodes(new byte[96], new byte[32]);
        leaves.Should().Throw<ArgumentException>();
        nodes.Should().Throw<ArgumentException>();
        halfPair.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void A_path_that_does_not_exist_is_refused()
    {
        var hash = () => Sha256Lanes.HashLeaves(new byte[1], [new Slice(0, 1)], new byte[32], (Sha256Path)99);
        hash.Should().Throw<PlatformNotSupportedException>();
    }

    private static void LeavesShouldMatch(byte[] buffer, Slice[] slices, Sha256Path path)
    {
        var hashes = new byte[32 * slices.Length];
        Sha256Lanes.HashLeaves(buffer, slices, hashes, path);
        for (var i = 0; i < slices.Length; i++)
        {
            var message = buffer.AsSpan(slices[i].Start, slices[i].Length);
            var expected = SHA256.HashData([0, .. message]);
            hashes.AsSpan(32 * i, 32).SequenceEqual(expected)
                .Should().BeTrue("message {0} of {1} is {2} bytes", i, slices.Length, message.Length);
        }
    }

    private static byte[] RandomBytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
