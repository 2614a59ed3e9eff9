using System.Buffers;
using System.Security.Cryptography;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// The text of an address on a chain: <c>bitcoin:bc1q…</c>, <c>evm:0x…</c>, or any other chain's name, a colon and
/// 1 to 90 letters and digits with <c>. _ -</c> between, which are compared as they stand.
/// </summary>
/// <remarks>
/// Source: BIP 173 and BIP 350 (bech32 and bech32m, witness programs), base58check as Bitcoin's first addresses have
/// it. An EVM address is taken in lower case only: the mixed case of ERC-55 is a checksum that nobody here checks.
/// </remarks>
public static class ChainAddress
{
    public const int MaxLength = 107;

    private const int MaxChain = 16, MaxAddress = 90, HashBytes = 20, VersionAndHash = 21, WithCheck = 25;
    private const uint Bech32 = 1, Bech32m = 0x2BC830A3;
    private const string Base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    private const string Base32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    private static readonly uint[] Generators = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3];

    /// <summary>Reads an address and brings it to its one form.</summary>
    /// <returns>False where it is malformed, or a checksum is wrong.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, out string address)
    {
        address = "";
        var colon = text.IndexOf(':');
        if (colon is <= 0 or > MaxChain || text.Length - colon - 1 is <= 0 or > MaxAddress) return false;
        var chain = text[..colon];
        foreach (var letter in chain)
        {
            if (!char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter != '-') return false;
        }
        var plain = text[(colon + 1)..].ToString();
        var read = chain switch
        {
            "bitcoin" => TryBitcoin(plain, out plain),
            "evm" => IsEvm(plain),
            _ => IsPlain(plain),
        };
        if (read) address = $"{chain}:{plain}";
        return read;
    }

    private static bool TryBitcoin(string text, out string plain)
    {
        plain = text;
        if (IsBase58Check(text)) return true;
        // All capitals is how bech32 stands in a QR code.
        if (!text.Any(char.IsAsciiLetterLower)) plain = text.ToLowerInvariant();
        return IsWitness(plain);
    }

    private static bool IsEvm(string text) =>
        text.Length == 2 + 2 * HashBytes && text.StartsWith("0x", StringComparison.Ordinal)
        && !text.AsSpan(2).ContainsAnyExcept(Hexadecimal);

    private static bool IsPlain(string text)
    {
        var afterLetter = false;
        foreach (var letter in text)
        {
            if (char.IsAsciiLetterOrDigit(letter)) afterLetter = true;
            else if (afterLetter && letter is '.' or '_' or '-') afterLetter = false;
            else return false;
        }
        return afterLetter;
    }

    private static bool IsBase58Check(string text)
    {
        Span<byte> bytes = stackalloc byte[WithCheck];
        bytes.Clear();
        var ones = 0;
        while (ones < text.Length && text[ones] == '1') ones++;
        foreach (var letter in text)
        {
            var carry = Base58.IndexOf(letter, StringComparison.Ordinal);
            if (carry < 0) return false;
            for (var i = bytes.Length - 1; i >= 0; i--)
            {
                carry += bytes[i] * 58;
                bytes[i] = (byte)(carry & 0xFF);
                carry >>= 8;
            }
            if (carry > 0) return false;
        }
        var zeros = 0;
        while (zeros < bytes.Length && bytes[zeros] == 0) zeros++;
        if (zeros != ones || bytes[0] is not (0x00 or 0x05 or 0x6F or 0xC4)) return false;
        Span<byte> once = stackalloc byte[SHA256.HashSizeInBytes], twice = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..VersionAndHash], once);
        SHA256.HashData(once, twice);
        return twice[..(WithCheck - VersionAndHash)].SequenceEqual(bytes[VersionAndHash..]);
    }

    private static bool IsWitness(string text)
    {
        const int checkLetters = 6;
        var one = text.LastIndexOf('1');
        if (one <= 0 || text[..one] is not ("bc" or "tb" or "bcrt") || text.Length - one - 1 < checkLetters + 1)
            return false;
        var sum = 1u;
        foreach (var letter in text.AsSpan(0, one)) sum = Step(sum, (uint)letter >> 5);
        sum = Step(sum, 0);
        foreach (var letter in text.AsSpan(0, one)) sum = Step(sum, (uint)letter & 31);
        var data = text.AsSpan(one + 1);
        foreach (var letter in data)
        {
            var value = Base32.IndexOf(letter, StringComparison.Ordinal);
            if (value < 0) return false;
            sum = Step(sum, (uint)value);
        }
        var version = Base32.IndexOf(data[0], StringComparison.Ordinal);
        if (version > 16 || sum != (version == 0 ? Bech32 : Bech32m)) return false;
        var bits = (data.Length - checkLetters - 1) * 5;
        var (bytes, spare) = (bits / 8, bits % 8);
        // Whole bytes, and what is left over of the last letter is zero.
        var last = Base32.IndexOf(data[^(checkLetters + 1)], StringComparison.Ordinal);
        if (spare >= 5 || (last & (1 << spare) - 1) != 0) return false;
        return version == 0 ? bytes is HashBytes or 32 : bytes is >= 2 and <= 40;
    }

    private static uint Step(uint sum, uint value)
    {
        var top = sum >> 25;
        sum = (sum & 0x1FFFFFF) << 5 ^ value;
        for (var i = 0; i < Generators.Length; i++)
        {
            if ((top >> i & 1) != 0) sum ^= Generators[i];
        }
        return sum;
    }
}
