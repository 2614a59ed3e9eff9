using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>One key's signature as the journal keeps it.</summary>
/// <param name="Signature">64 bytes, the second number in the lower half.</param>
/// <param name="AuthenticatorData">Of a passkey; null for other kinds.</param>
/// <param name="ClientData">Of a passkey: the JSON text that the browser made; null for other kinds.</param>
public readonly record struct SignatureEvidence(
    SigningKey Key, byte[] Signature, byte[]? AuthenticatorData = null, byte[]? ClientData = null)
{
    /// <summary>Whether the authenticator made sure of who the person is; false for keys that say nothing of it.</summary>
    public bool IsUserVerified => AuthenticatorData is { } data && Passkeys.IsUserVerified(data);
}

/// <summary>
/// The member <c>auth</c> of an event line: what was signed, by which keys, and the sealed salts of its personal parts.
/// </summary>
/// <param name="Bytes">The signed bytes.</param>
/// <param name="Signatures">Ascending by the key's text.</param>
/// <param name="Personal">Sealed salts by the name of the field, ascending.</param>
public sealed record Evidence(
    ReadOnlyMemory<byte> Bytes, ImmutableArray<SignatureEvidence> Signatures,
    ImmutableArray<(string Field, string SealedSalt)> Personal)
{
    private static readonly JsonWriterOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The same evidence gives the same text, whatever order its parts came in.</summary>
    public string ToJson()
    {
        var to = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(to, Plain))
        {
            json.WriteStartObject();
            json.WriteString("signed"u8, Base64Url.EncodeToString(Bytes.Span));
            json.WriteStartArray("signatures"u8);
            foreach (var given in Signatures)
            {
                json.WriteStartObject();
                json.WriteString("key"u8, given.Key.ToString());
                json.WriteString("signature"u8, Base64Url.EncodeToString(given.Signature));
                if (given.AuthenticatorData is { } data)
                    json.WriteString("authenticator_data"u8, Base64Url.EncodeToString(data));
                if (given.ClientData is { } said) json.WriteString("client_data"u8, Base64Url.EncodeToString(said));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            if (!Personal.IsDefaultOrEmpty)
            {
                json.WriteStartObject("personal"u8);
                foreach (var (field, salt) in Personal) json.WriteString(field, salt);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(to.WrittenSpan);
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote. Never throws because of what the text says.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out Evidence evidence)
    {
        evidence = null!;
        try
        {
            var reader = new Utf8JsonReader(json, new() { MaxDepth = 4 });
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (reader.BytesConsumed != json.Length || root.ValueKind != JsonValueKind.Object) return false;
            if (!TryBytes(root, "signed", SignedCommand.MaxBytes, out var signed)
                || !root.TryGetProperty("signatures", out var list) || list.ValueKind != JsonValueKind.Array
                || list.GetArrayLength() is 0 or > Proof.MaxSignatures)
                return false;
            var signatures = ImmutableArray.CreateBuilder<SignatureEvidence>();
            foreach (var item in list.EnumerateArray())
            {
                if (!TryRead(item, out var given)) return false;
                signatures.Add(given);
            }
            var personal = root.TryGetProperty("personal", out var salts) && salts.ValueKind == JsonValueKind.Object
                ? salts.EnumerateObject().Select(salt => (salt.Name, salt.Value.ToString()))
                : [];
            evidence = new(signed, signatures.ToImmutable(), [.. personal]);
            return true;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryRead(JsonElement item, out SignatureEvidence given)
    {
        given = default;
        byte[]? data = null, said = null;
        if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("key", out var text)
            || text.ValueKind != JsonValueKind.String || !SigningKey.TryParse(text.GetString(), out var key)
            || !TryBytes(item, "signature", EcSignature.Bytes, out var signature))
            return false;
        if (item.TryGetProperty("authenticator_data", out _)
            && !TryBytes(item, "authenticator_data", Passkeys.MaxAuthenticatorDataBytes, out data))
            return false;
        if (item.TryGetProperty("client_data", out _)
            && !TryBytes(item, "client_data", Passkeys.MaxClientDataBytes, out said))
            return false;
        given = new(key, signature, data, said);
        return true;
    }

    private static bool TryBytes(JsonElement of, string name, int most, out byte[] bytes)
    {
        bytes = [];
        return of.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            && SignedText.TryBytes(text.GetString(), most, out bytes);
    }
}

/// <summary>Bytes as text: base64url without padding, in the one form that has no spare bits.</summary>
public static class SignedText
{
    /// <param name="most">Bytes at most.</param>
    public static bool TryBytes(string? text, int most, out byte[] bytes)
    {
        bytes = [];
        if (text is null || text.Length > Base64Url.GetEncodedLength(most) || !Base64Url.IsValid(text)) return false;
        var read = Base64Url.DecodeFromChars(text);
        if (Base64Url.EncodeToString(read) != text) return false;
        bytes = read;
        return true;
    }
}
