using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>A SHA-256 hash in the tree of a book: of a leaf, of a node, or of the whole tree.</summary>
/// <remarks>Exactly its 32 bytes in memory, so that a span of bytes can be read as a span of hashes.</remarks>
[StructLayout(LayoutKind.Sequential, Size = Sha256Lanes.HashBytes)]
public readonly record struct TreeHash
{
    private readonly UInt128 first;
    private readonly UInt128 second;

    /// <summary>The root of a tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).</summary>
    public static TreeHash Empty { get; } = From(SHA256.HashData([]));

    /// <summary>SHA-256(0x00 ‖ <paramref name="line"/>): the leaf of one event line.</summary>
    public static TreeHash OfLeaf(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[Sha256Lanes.HashBytes];
        Sha256Lanes.HashOne(Sha256Lanes.LeafPrefix, line, hash);
        return From(hash);
    }

    /// <summary>SHA-256(0x01 ‖ <paramref name="left"/> ‖ <paramref name="right"/>).</summary>
    public static TreeHash OfNode(TreeHash left, TreeHash right)
    {
        Span<byte> hash = stackalloc byte[Sha256Lanes.HashBytes];
        Sha256Lanes.HashOne(Sha256Lanes.NodePrefix, AsBytes([left, right]), hash);
        return From(hash);
    }

    /// <param name="bytes">Exactly 32.</param>
    /// <exception cref="ArgumentException">Another number of bytes.</exception>
    public static TreeHash From(ReadOnlySpan<byte> bytes) => bytes.Length == Sha256Lanes.HashBytes
        ? MemoryMarshal.Read<TreeHash>(bytes)
        : throw new ArgumentException($"A hash has 32 bytes, not {bytes.Length}.", nameof(bytes));

    /// <summary>The same memory, read as bytes: 32 a hash.</summary>
    public static ReadOnlySpan<byte> AsBytes(ReadOnlySpan<TreeHash> hashes) => MemoryMarshal.AsBytes(hashes);

    /// <summary>Copies what a flat run of hashes holds.</summary>
    /// <exception cref="ArgumentException">The length is no multiple of 32.</exception>
    public static TreeHash[] AllFrom(ReadOnlySpan<byte> bytes) => bytes.Length % Sha256Lanes.HashBytes == 0
        ? MemoryMarshal.Cast<byte, TreeHash>(bytes).ToArray()
        : throw new ArgumentException($"Hashes have 32 bytes each, {bytes.Length} is no multiple.", nameof(bytes));

    /// <summary>Reads standard base64 of 32 bytes: 44 characters, one of padding, no unused bits set.</summary>
    public static bool TryFromBase64(ReadOnlySpan<char> text, [MaybeNullWhen(false)] out TreeHash hash)
    {
        Span<byte> bytes = stackalloc byte[Sha256Lanes.HashBytes + 1];
        hash = default;
        if (!Convert.TryFromBase64Chars(text, bytes, out var count) || count != Sha256Lanes.HashBytes) return false;
        hash = From(bytes[..count]);
        return text.SequenceEqual(hash.ToBase64());
    }

    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than 32 bytes.</exception>
    public void CopyTo(Span<byte> destination) => MemoryMarshal.Write(destination, in this);

    public byte[] ToArray() => AsBytes([this]).ToArray();

    /// <summary>Standard base64, 44 characters.</summary>
    public string ToBase64() => Convert.ToBase64String(AsBytes([this]));

    /// <summary>Lower-case hexadecimal, 64 characters.</summary>
    public override string ToString() => Convert.ToHexStringLower(AsBytes([this]));
}
