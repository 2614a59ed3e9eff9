using System.Security.Cryptography;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>Accounts named after a key: they need no party and no API key, the signature is enough.</summary>
public static class Wallets
{
    public const string Prefix = "w:";

    private const int NameBytes = 20, BitsPerLetter = 5;

    private static ReadOnlySpan<byte> Letters => "abcdefghijklmnopqrstuvwxyz234567"u8;

    /// <summary>
    /// The wallet of a key: <c>w:</c> and the first 20 bytes of the SHA-256 of the key's text in base32 (RFC 4648 §6),
    /// lower case.
    /// </summary>
    public static AccountId NameOf(in SigningKey key)
    {
        Span<byte> text = stackalloc byte[SigningKey.MaxTextLength], hash = stackalloc byte[SHA256.HashSizeInBytes];
        key.TryFormat(text, out var length);
        SHA256.HashData(text[..length], hash);
        Span<byte> name = stackalloc byte[2 + NameBytes * 8 / BitsPerLetter];
        "w:"u8.CopyTo(name);
        var (bits, held, at) = (0, 0, 2);
        foreach (var next in hash[..NameBytes])
        {
            (bits, held) = (bits << 8 | next, held + 8);
            while (held >= BitsPerLetter)
            {
                held -= BitsPerLetter;
                name[at++] = Letters[bits >> held & 31];
            }
            bits &= (1 << held) - 1;
        }
        return AccountId.TryParse(name, out var id) ? id : throw new System.Diagnostics.UnreachableException();
    }

    public static bool IsWallet(AccountId account)
    {
        Span<byte> name = stackalloc byte[AccountId.MaxTextLength];
        return name[..account.CopyTo(name)].StartsWith("w:"u8);
    }
}
