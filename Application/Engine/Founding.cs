using System.Buffers.Binary;
using System.Security.Cryptography;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Application.Engine;

/// <summary>Makes a new book: its genesis, the reference data it needs from the first day, and its first key.</summary>
public static class Founding
{
    /// <summary>Runs the founding commands on an empty book.</summary>
    /// <param name="zone">Offsets of the home zone; empty: UTC.</param>
    /// <returns>The token of the first key, which has every scope. It is shown once and kept nowhere.</returns>
    /// <exception cref="InvalidOperationException">The genesis was refused; the message names the code.</exception>
    public static async Task<string> FoundAsync(
        BookEngine engine, Genesis genesis, BusinessDate today, IReadOnlyList<ZoneTransition> zone,
        ReferenceContent.Calendar calendar, Tag firstKey)
    {
        var token = ApiKeys.NewToken(firstKey, out var high, out var low);
        var scopes = genesis.Mode == BookMode.Sandbox ? Scopes.All : Scopes.All & ~Scopes.Sandbox;
        var links = new List<Domain.Kernel.Command> { new OpenBook(genesis, today) };
        if (zone.Count > 0)
            links.Add(new PublishReference(genesis.Zone, today, new ReferenceContent.Zone([.. zone]), default));
        links.Add(new PublishReference(genesis.Calendar, today, calendar, default));
        links.Add(new IssueKey(firstKey, high, low, scopes, null));
        // One command: a book is founded whole or not at all, and no cut-off falls between its opening and its zone.
        await Run(engine, new Domain.Chain([.. links]), "book.found").ConfigureAwait(false);
        return token;
    }

    private static async Task Run(BookEngine engine, Domain.Kernel.Command command, string named)
    {
        var answer = await engine.SendAsync(new(default, Envelope.Engine, 0), command, named).ConfigureAwait(false);
        if (answer.Ended.Ending != Domain.Ending.Accepted)
            throw new InvalidOperationException($"{named}: {answer.Ended.Rejection?.Code ?? answer.Ended.Fault?.ToString()}");
    }
}

/// <summary>
/// The token of an API key: <c>bk.&lt;key id&gt;.&lt;43 characters of base64url&gt;</c>, 256 bits of secret. The book knows
/// its SHA-256 only.
/// </summary>
public static class ApiKeys
{
    public const int SecretBytes = 32;
    private const string Prefix = "bk.";

    public static string NewToken(Tag id, out UInt128 hashHigh, out UInt128 hashLow)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        Hash(secret, out hashHigh, out hashLow);
        return $"{Prefix}{id}.{System.Buffers.Text.Base64Url.EncodeToString(secret)}";
    }

    /// <summary>Takes a token apart; says nothing about whether the book knows it.</summary>
    public static bool TryParse(ReadOnlySpan<char> token, out Tag id, out UInt128 hashHigh, out UInt128 hashLow)
    {
        (id, hashHigh, hashLow) = (default, default, default);
        var dot = token.LastIndexOf('.');
        if (!token.StartsWith(Prefix) || dot <= Prefix.Length || token.Length > Prefix.Length + Tag.MaxLength + 1 + 43) return false;
        Span<byte> name = stackalloc byte[Tag.MaxLength], secret = stackalloc byte[SecretBytes];
        if (!System.Text.Encoding.ASCII.TryGetBytes(token[Prefix.Length..dot], name, out var length)
            || !Tag.TryParse(name[..length], out id)) return false;
        var encoded = token[(dot + 1)..];
        if (encoded.Length != 43 || !System.Buffers.Text.Base64Url.IsValid(encoded)
            || System.Buffers.Text.Base64Url.DecodeFromChars(encoded, secret) != SecretBytes) return false;
        Hash(secret, out hashHigh, out hashLow);
        return true;
    }

    /// <summary>Whether a key's row is the one of a secret; takes the same time whatever differs.</summary>
    public static bool Matches(in KeyRow key, UInt128 hashHigh, UInt128 hashLow) =>
        ((key.HashHigh ^ hashHigh) | (key.HashLow ^ hashLow)) == UInt128.Zero;

    private static void Hash(ReadOnlySpan<byte> secret, out UInt128 high, out UInt128 low)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(secret, hash);
        (high, low) = (BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
    }
}
