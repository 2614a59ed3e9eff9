using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>
/// The body of <c>POST /v1/signed</c>: the signed bytes, who signed them, and the texts of their personal parts.
/// </summary>
internal sealed record SignedRequest(
    byte[] Bytes, ImmutableArray<SignatureEvidence> Signatures, PersonalParts Personal)
{
    /// <summary>The largest signed bytes in base64url, and room for signatures and texts.</summary>
    public const int MaxBodyBytes = 512 * 1024;

    public const int MaxPersonal = SignedCommand.MaxLinks;

    /// <summary>Reads a body; forms and ranges are checked, no signature is verified.</summary>
    public static Flaw? TryRead(ReadOnlySpan<byte> json, out SignedRequest request)
    {
        request = null!;
        try
        {
            var reading = new Reading();
            return reading.Read(json) ?? reading.Finish(out request);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // The reader throws the second for text that is not UTF-8 or half a surrogate pair.
            return CommandFields.Diagnose(json) ?? new Flaw(EdgeProblems.MalformedJson);
        }
    }

    private sealed class Reading
    {
        private readonly List<SignatureEvidence> _signatures = [];
        private Dictionary<string, (string, byte[])>? _personal;
        private byte[]? _signed;
        private bool _hasSignatures;

        public Flaw? Read(ReadOnlySpan<byte> json)
        {
            var reader = new Utf8JsonReader(json, new() { MaxDepth = 8 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return new(EdgeProblems.NotAnObject);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                var flaw = name switch
                {
                    "signed" => ReadSigned(ref reader),
                    "signatures" => ReadSignatures(ref reader),
                    "personal" => ReadPersonal(ref reader),
                    _ => new Flaw(EdgeProblems.UnknownField, name),
                };
                if (flaw is not null) return flaw;
            }
            return reader.Read() ? new Flaw(EdgeProblems.MalformedJson) : null;
        }

        public Flaw? Finish(out SignedRequest request)
        {
            request = null!;
            if (_signed is null) return new(EdgeProblems.FieldMissing, "signed");
            if (!_hasSignatures) return new(EdgeProblems.FieldMissing, "signatures");
            _signatures.Sort((a, b) => a.Key.CompareTo(b.Key));
            for (var i = 1; i < _signatures.Count; i++)
            {
                if (_signatures[i].Key == _signatures[i - 1].Key)
                    return new(SigningProblems.DuplicateKey, "signatures", Detail: _signatures[i].Key.ToString());
            }
            request = new(_signed, [.. _signatures], new(_personal ?? []));
            return null;
        }

        private Flaw? ReadSigned(ref Utf8JsonReader reader)
        {
            if (_signed is not null) return new(EdgeProblems.DuplicateField, "signed");
            return TryBytes(ref reader, SignedCommand.MaxBytes, out _signed)
                ? null
                : new(EdgeProblems.FieldMalformed, "signed",
                    Detail: $"Base64url without padding, of at most {SignedCommand.MaxBytes} bytes.");
        }

        private Flaw? ReadSignatures(ref Utf8JsonReader reader)
        {
            if (_hasSignatures) return new(EdgeProblems.DuplicateField, "signatures");
            _hasSignatures = true;
            if (reader.TokenType != JsonTokenType.StartArray) return new(EdgeProblems.FieldMalformed, "signatures");
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (_signatures.Count == Proof.MaxSignatures) return new(SigningProblems.TooManySignatures, "signatures");
                if (ReadSignature(ref reader) is { } flaw)
                    return flaw with { Field = FormattableString.Invariant($"signatures[{_signatures.Count}]{flaw.Field}") };
            }
            return _signatures.Count == 0 ? new Flaw(SigningProblems.SignatureMissing, "signatures") : null;
        }

        private Flaw? ReadSignature(ref Utf8JsonReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return new(EdgeProblems.FieldMalformed);
            SigningKey key = default;
            byte[]? signature = null, data = null, said = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                var isRepeated = name switch
                {
                    "key" => !key.IsNone,
                    "signature" => signature is not null,
                    "authenticator_data" => data is not null,
                    "client_data" => said is not null,
                    _ => false,
                };
                if (isRepeated) return new(EdgeProblems.DuplicateField, "." + name);
                bool? isRead = name switch
                {
                    "key" => reader.TokenType == JsonTokenType.String && SigningKey.TryParse(reader.GetString(), out key),
                    "signature" => TryBytes(ref reader, EcSignature.MaxDerBytes, out signature),
                    "authenticator_data" => TryBytes(ref reader, Passkeys.MaxAuthenticatorDataBytes, out data),
                    "client_data" => TryBytes(ref reader, Passkeys.MaxClientDataBytes, out said),
                    _ => null,
                };
                if (isRead is null) return new(EdgeProblems.UnknownField, "." + name);
                if (isRead == false) return new(Malformed(name!), "." + name);
            }
            return Check(key, signature, data, said);
        }

        private static EdgeProblem Malformed(string name) => name switch
        {
            "authenticator_data" => SigningProblems.AuthenticatorDataMalformed,
            "client_data" => SigningProblems.ClientDataMalformed,
            _ => SigningProblems.SignatureMalformed,
        };

        /// <summary>Whether the parts are those of the key's kind, and the numbers may be a signature.</summary>
        private Flaw? Check(in SigningKey key, byte[]? signature, byte[]? data, byte[]? said)
        {
            if (key.IsNone) return new(EdgeProblems.FieldMissing, ".key");
            if (signature is null) return new(EdgeProblems.FieldMissing, ".signature");
            var isPasskey = key.Kind == KeyKind.Passkey;
            if (isPasskey && data is null) return new(EdgeProblems.FieldMissing, ".authenticator_data");
            if (isPasskey && said is null) return new(EdgeProblems.FieldMissing, ".client_data");
            if (!isPasskey && (data ?? said) is not null)
                return new(EdgeProblems.UnknownField, data is null ? ".client_data" : ".authenticator_data");
            if (isPasskey)
            {
                var numbers = new byte[EcSignature.Bytes];
                if (!EcSignature.TryFromDer(key.Kind, signature, numbers))
                    return new(SigningProblems.SignatureMalformed, ".signature");
                signature = numbers;
            }
            else if (EcSignature.Check(key.Kind, signature) is var fault and not SigningFault.None)
            {
                return new(SigningProblems.Of(fault), ".signature");
            }
            _signatures.Add(new(key, signature, data, said));
            return null;
        }

        private Flaw? ReadPersonal(ref Utf8JsonReader reader)
        {
            if (_personal is not null) return new(EdgeProblems.DuplicateField, "personal");
            _personal = new(StringComparer.Ordinal);
            if (reader.TokenType != JsonTokenType.StartObject) return new(EdgeProblems.FieldMalformed, "personal");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (_personal.Count == MaxPersonal || _personal.ContainsKey(name) || !TryPart(ref reader, out var part))
                    return new(SigningProblems.PersonalMalformed, $"personal.{name[..int.Min(name.Length, 40)]}");
                _personal[name] = part;
            }
            return null;
        }

        private static bool TryPart(ref Utf8JsonReader reader, out (string Text, byte[] Salt) part)
        {
            part = default;
            if (reader.TokenType != JsonTokenType.StartObject) return false;
            string? text = null;
            byte[]? salt = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString();
                reader.Read();
                if (name == "text" && text is null && reader.TokenType == JsonTokenType.String) text = reader.GetString();
                else if (name != "salt" || salt is not null || !TryBytes(ref reader, PersonalParts.SaltBytes, out salt))
                    return false;
            }
            if (text is null || salt is not { Length: PersonalParts.SaltBytes }) return false;
            part = (text, salt);
            return Encoding.UTF8.GetByteCount(text) <= PersonalParts.MaxTextBytes;
        }

        private static bool TryBytes(ref Utf8JsonReader reader, int most, out byte[]? bytes)
        {
            bytes = null;
            if (reader.TokenType != JsonTokenType.String || !SignedText.TryBytes(reader.GetString(), most, out var read))
                return false;
            bytes = read;
            return true;
        }
    }
}
