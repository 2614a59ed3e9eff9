using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>
/// Ids of commands as callers give them. A UUIDv7 is taken as it is and is unique in the book; any other text of 1 to
/// 128 printable ASCII characters is the caller's own and becomes a UUIDv8 of caller and text.
/// </summary>
public static class CommandIds
{
    public const string Header = "Idempotency-Key";

    public static bool TryRead(string? text, in Caller caller, out CommandId id)
    {
        id = default;
        if (string.IsNullOrEmpty(text) || text.Length > Limits.IdCharacters) return false;
        if (text.Length == CommandId.MaxTextLength && CommandId.TryParse(text, out id) && id.UnixMilliseconds >= 0)
            return true;
        if (text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return false;
        id = Own(text, caller.Id);
        return true;
    }

    /// <summary>SHA-256 of the caller's key id, a zero byte and the text, cut to what a UUIDv8 holds.</summary>
    private static CommandId Own(string text, Tag caller)
    {
        Span<byte> content = stackalloc byte[Tag.MaxLength + 1 + Limits.IdCharacters];
        content.Clear();
        var length = caller.CopyTo(content) + 1;
        length += Encoding.ASCII.GetBytes(text, content[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content[..length], hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new(BinaryPrimitives.ReadUInt128BigEndian(hash));
    }
}
