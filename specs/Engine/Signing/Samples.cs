using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Engine.Signing;

/// <summary>Signed bytes, and what a browser says, as specs need them.</summary>
internal static class Samples
{
    public const string
        Book = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        Expires = "2026-11-21T10:00:00.000000Z", Id = "019a0000-0000-7000-8000-000000000001",
        Fields = """{"amount":{"amount":"1.00","asset":"EUR"},"credit":"bob","debit":"alice"}""";

    /// <summary>The members of a signed command one by one, so that a spec can change one.</summary>
    public static string Command(
        string @as = """["alice@active"]""", string book = $"\"{Book}\"", string command = "\"transfer.make\"",
        string expires = $"\"{Expires}\"", string fields = Fields, string id = $"\"{Id}\"") =>
        $$"""{"as":{{@as}},"book":{{book}},"command":{{command}},"expires":{{expires}},"fields":{{fields}},"id":{{id}}}""";

    public static string Chain(
        string chain = $$$"""[{"command":"transfer.make","fields":{{{Fields}}}},{"command":"transfer.make","fields":{}}]""") =>
        $$"""{"as":["alice@active"],"book":"{{Book}}","chain":{{chain}},"expires":"{{Expires}}","id":"{{Id}}"}""";

    public static string ClientData(
        ReadOnlySpan<byte> signedHash, string type = "webauthn.get", string origin = "http://localhost:5080",
        string rest = ",\"crossOrigin\":false") =>
        $$"""{"type":"{{type}}","challenge":"{{Base64Url.EncodeToString(signedHash)}}","origin":"{{origin}}"{{rest}}}""";

    public static byte[] AuthenticatorData(string relyingParty = "localhost", byte flags = 0x05, int more = 0) =>
        [.. SHA256.HashData(Encoding.UTF8.GetBytes(relyingParty)), flags, 0, 0, 0, 7, .. new byte[more]];

    public static SigningKey PasskeyOf(byte[] relyingParty) =>
        new(KeyKind.Passkey, Convert.FromHexString("0360FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"),
            relyingParty);

    /// <summary>What an authenticator gives for these bytes: a P-256 key stands in for it.</summary>
    public static SignatureEvidence Assert(ECDsa authenticator, byte[] clientData, byte[] authenticatorData)
    {
        var key = Curve.KeyOf(authenticator, KeyKind.Passkey, "localhost");
        var hash = SHA256.HashData([.. authenticatorData, .. SHA256.HashData(clientData)]);
        var signature = new byte[EcSignature.Bytes];
        EcSignature.TryFromDer(
            KeyKind.Passkey, authenticator.SignHash(hash, DSASignatureFormat.Rfc3279DerSequence), signature);
        return new(key, signature, authenticatorData, clientData);
    }
}
