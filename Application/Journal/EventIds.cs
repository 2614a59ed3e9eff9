using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BankingEngine.Application.Journal;

/// <summary>
/// The UUID by which readers of the audit gateway meet an event: the same for the same book and position, whichever host
/// answers. The journal in EventStoreDB names its events otherwise, since there an id has to tell hosts apart.
/// </summary>
/// <remarks>
/// A UUID of version 8 (RFC 9562 §5.8): the first 16 bytes of SHA-256(genesis ‖ position), the position as eight bytes,
/// most significant first; then the version and the variant are set as the RFC says.
/// </remarks>
public static class EventIds
{
    private const int GuidBytes = 16, VersionAt = 6, VariantAt = 8;

    /// <param name="genesis">The book's id, 32 bytes: <see cref="JournalIdentity.Genesis"/>.</param>
    /// <param name="position">Of the event, from 1.</param>
    public static Guid Of(ReadOnlySpan<byte> genesis, long position)
    {
        Span<byte> named = stackalloc byte[genesis.Length + sizeof(long)];
        genesis.CopyTo(named);
        BinaryPrimitives.WriteInt64BigEndian(named[genesis.Length..], position);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(named, hash);
        hash[VersionAt] = (byte)((hash[VersionAt] & 0x0f) | 0x80);
        hash[VariantAt] = (byte)((hash[VariantAt] & 0x3f) | 0x80);
        return new(hash[..GuidBytes], bigEndian: true);
    }
}
