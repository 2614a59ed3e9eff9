using System.Security.Cryptography;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Specs.Engine.Tree;

/// <summary>RFC 6962 §2.1 word for word: recursive, slow, and sharing no code with what it judges.</summary>
internal static class NaiveTree
{
    /// <summary>MTH(D[n]).</summary>
    public static byte[] Root(ReadOnlySpan<byte[]> leafHashes)
    {
        if (leafHashes.Length == 0) return SHA256.HashData([]);
        if (leafHashes.Length == 1) return leafHashes[0];
        var k = Divide(leafHashes.Length);
        return SHA256.HashData([1, .. Root(leafHashes[..k]), .. Root(leafHashes[k..])]);
    }

    /// <summary>PATH(m, D[n]).</summary>
    public static List<byte[]> Path(int m, ReadOnlySpan<byte[]> leafHashes)
    {
        if (leafHashes.Length == 1) return [];
        var k = Divide(leafHashes.Length);
        return m < k
            ? [.. Path(m, leafHashes[..k]), Root(leafHashes[k..])]
            : [.. Path(m - k, leafHashes[k..]), Root(leafHashes[..k])];
    }

    /// <summary>SUBPROOF(m, D[n], b).</summary>
    public static List<byte[]> Subproof(int m, ReadOnlySpan<byte[]> leafHashes, bool known)
    {
        if (m == leafHashes.Length) return known ? [] : [Root(leafHashes)];
        var k = Divide(leafHashes.Length);
        return m <= k
            ? [.. Subproof(m, leafHashes[..k], known), Root(leafHashes[k..])]
            : [.. Subproof(m - k, leafHashes[k..], false), Root(leafHashes[..k])];
    }

    /// <summary>The eight inputs of the test tree that implementations of certificate transparency share.</summary>
    public static byte[][] ReferenceLeaves { get; } =
    [
        .. new[]
        {
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        }.Select(Convert.FromHexString),
    ];

    /// <summary>Leaf hashes that tell positions apart.</summary>
    public static byte[][] Leaves(int count) =>
        [.. Enumerable.Range(0, count).Select(i => SHA256.HashData(BitConverter.GetBytes(i)))];

    public static TreeHash[] AsHashes(IEnumerable<byte[]> hashes) => [.. hashes.Select(hash => TreeHash.From(hash))];

    public static byte[] Flat(IEnumerable<byte[]> hashes) => [.. hashes.SelectMany(hash => hash)];

    private static int Divide(int n)
    {
        var k = 1;
        while (2 * k < n) k *= 2;
        return k;
    }
}
