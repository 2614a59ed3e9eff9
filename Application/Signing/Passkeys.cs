using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>The pages that a passkey may be used on.</summary>
/// <param name="origins">
/// <c>https://bank.example</c>, exactly as browsers state it; none: only a page of this machine,
/// <c>http://localhost</c> or <c>https://localhost</c> on any port.
/// </param>
public sealed class PasskeyOrigins(params IEnumerable<string> origins)
{
    private readonly HashSet<string> _origins = new(origins, StringComparer.Ordinal);

    public bool Accepts(string origin) => _origins.Count > 0
        ? _origins.Contains(origin)
        : IsLocal(origin, "http://localhost") || IsLocal(origin, "https://localhost");

    private static bool IsLocal(string origin, string page) => origin.StartsWith(page, StringComparison.Ordinal)
        && (origin.Length == page.Length || (origin[page.Length] == ':' && origin.Length is var length
            && length > page.Length + 1 && length <= page.Length + 6
            && !origin.AsSpan(page.Length + 1).ContainsAnyExceptInRange('0', '9')));
}

/// <summary>
/// Assertions of passkeys (W3C Web Authentication, level 2, §7.2): an authenticator signs its own data and the hash of
/// the client data, and these hold the hash of the command as their challenge.
/// </summary>
/// <remarks>The signature counter is not looked at: passkeys that are synchronised between devices leave it at 0.</remarks>
public static class Passkeys
{
    public const int MaxClientDataBytes = 4 * 1024, MaxAuthenticatorDataBytes = 1024;

    private const int HashBytes = SHA256.HashSizeInBytes, FlagsAt = HashBytes, LeastBytes = HashBytes + 1 + 4;
    private const byte UserPresent = 0x01, UserVerified = 0x04, AttestedKey = 0x40, Extended = 0x80;
    private const int MaxDepth = 8;

    /// <summary>Whether an assertion speaks of these signed bytes, to this key's relying party, for a person.</summary>
    /// <param name="signedHash">SHA-256 of the signed bytes.</param>
    /// <param name="origins">Null: any, as an auditor cannot know what was configured.</param>
    public static SigningFault Check(
        in SigningKey key, ReadOnlySpan<byte> authenticatorData, ReadOnlySpan<byte> clientData,
        ReadOnlySpan<byte> signedHash, PasskeyOrigins? origins)
    {
        var fault = CheckClientData(clientData, signedHash, origins);
        return fault == SigningFault.None ? CheckAuthenticatorData(key, authenticatorData) : fault;
    }

    /// <summary>What the authenticator signed: SHA-256(authenticatorData ‖ SHA-256(clientData)).</summary>
    public static void HashOf(ReadOnlySpan<byte> authenticatorData, ReadOnlySpan<byte> clientData, Span<byte> hash)
    {
        Span<byte> all = stackalloc byte[MaxAuthenticatorDataBytes + HashBytes];
        authenticatorData.CopyTo(all);
        SHA256.HashData(clientData, all[authenticatorData.Length..]);
        SHA256.HashData(all[..(authenticatorData.Length + HashBytes)], hash);
    }

    /// <summary>Whether the authenticator itself made sure of who the person is, by PIN or body.</summary>
    public static bool IsUserVerified(ReadOnlySpan<byte> authenticatorData) =>
        authenticatorData.Length >= LeastBytes && (authenticatorData[FlagsAt] & UserVerified) != 0;

    private static SigningFault CheckAuthenticatorData(in SigningKey key, ReadOnlySpan<byte> data)
    {
        if (data.Length is < LeastBytes or > MaxAuthenticatorDataBytes) return SigningFault.AuthenticatorDataMalformed;
        var flags = data[FlagsAt];
        if ((flags & AttestedKey) != 0 || (data.Length > LeastBytes) != ((flags & Extended) != 0))
            return SigningFault.AuthenticatorDataMalformed;
        Span<byte> relyingParty = stackalloc byte[SigningKey.RelyingPartyBytes];
        key.CopyRelyingParty(relyingParty);
        if (!data.StartsWith(relyingParty)) return SigningFault.OtherRelyingParty;
        return (flags & UserPresent) != 0 ? SigningFault.None : SigningFault.UserAbsent;
    }

    private static SigningFault CheckClientData(
        ReadOnlySpan<byte> clientData, ReadOnlySpan<byte> signedHash, PasskeyOrigins? origins)
    {
        if (clientData.Length > MaxClientDataBytes || !Utf8.IsValid(clientData))
            return SigningFault.ClientDataMalformed;
        try
        {
            if (!TryRead(clientData, out var said)) return SigningFault.ClientDataMalformed;
            if (said.Type != "webauthn.get") return SigningFault.WrongType;
            if (said.Challenge != Base64Url.EncodeToString(signedHash)) return SigningFault.ChallengeDiffers;
            if (said.CrossOrigin) return SigningFault.CrossOrigin;
            return origins is null || origins.Accepts(said.Origin) ? SigningFault.None : SigningFault.OriginUnknown;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The reader throws the second for half a surrogate pair.
            return SigningFault.ClientDataMalformed;
        }
    }

    private readonly record struct ClientData(string? Type, string? Challenge, string Origin, bool CrossOrigin);

    /// <summary>Members that are not known are the browser's own affair; a known one stands once.</summary>
    private static bool TryRead(ReadOnlySpan<byte> json, out ClientData said)
    {
        string? type = null, challenge = null, origin = null;
        bool? crossOrigin = null;
        said = default;
        var reader = new Utf8JsonReader(json, new() { MaxDepth = MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "type" when type is null && reader.TokenType == JsonTokenType.String:
                    type = reader.GetString();
                    break;
                case "challenge" when challenge is null && reader.TokenType == JsonTokenType.String:
                    challenge = reader.GetString();
                    break;
                case "origin" when origin is null && reader.TokenType == JsonTokenType.String:
                    origin = reader.GetString();
                    break;
                case "crossOrigin" when crossOrigin is null
                    && reader.TokenType is JsonTokenType.True or JsonTokenType.False:
                    crossOrigin = reader.TokenType == JsonTokenType.True;
                    break;
                case "type" or "challenge" or "origin" or "crossOrigin": return false;
                default: reader.Skip(); break;
            }
        }
        if (reader.Read() || type is null || challenge is null || origin is null) return false;
        said = new(type, challenge, origin, crossOrigin ?? false);
        return true;
    }
}
