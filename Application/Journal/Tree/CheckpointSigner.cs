using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>A book's key for its checkpoints: ECDSA on P-256 over SHA-256 of the body.</summary>
/// <remarks>
/// <para>Signatures are DER, a SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3), as <c>openssl dgst -sha256
/// -verify</c> and the usual libraries take them.</para>
/// <para>C2SP's signed-note lists this kind as 0x02. Its key id is the first four bytes, big-endian, of SHA-256 of
/// the SubjectPublicKeyInfo; unlike other kinds the name has no part in it.</para>
/// <para>Two signatures of one text differ, since ECDSA draws a number each time. One thread at a time.</para>
/// </remarks>
public sealed class CheckpointSigner : IDisposable
{
    internal const DSASignatureFormat Format = DSASignatureFormat.Rfc3279DerSequence;

    /// <summary>The number that C2SP's signed-note gives to ECDSA.</summary>
    private const byte Kind = 0x02;

    /// <summary>All before the two coordinates, of 32 bytes each, in the one DER form of an uncompressed key.</summary>
    /// <remarks>Checked first because the platform throws more than one kind of exception at other curves.</remarks>
    private static ReadOnlySpan<byte> P256Header =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    private readonly ECDsa key;
    private readonly byte[] subjectPublicKeyInfo;

    private CheckpointSigner(string keyName, ECDsa key)
    {
        this.key = key;
        KeyName = keyName;
        subjectPublicKeyInfo = key.ExportSubjectPublicKeyInfo();
        KeyId = IdOf(subjectPublicKeyInfo);
    }

    /// <summary>By custom the origin of the checkpoints it signs.</summary>
    public string KeyName { get; }

    /// <summary>Tells keys of one name apart; a hint, not a proof.</summary>
    public uint KeyId { get; }

    /// <summary>The public key, X.509 SubjectPublicKeyInfo in DER.</summary>
    public ReadOnlySpan<byte> SubjectPublicKeyInfo => subjectPublicKeyInfo;

    /// <summary>A new random key.</summary>
    /// <exception cref="ArgumentException">No valid name: see <see cref="Checkpoint.Origin"/>.</exception>
    public static CheckpointSigner Create(string keyName)
    {
        CheckName(keyName);
        return new CheckpointSigner(keyName, ECDsa.Create(ECCurve.NamedCurves.nistP256));
    }

    /// <summary>A stored key.</summary>
    /// <param name="pem">PKCS #8 or SEC 1, unencrypted.</param>
    /// <exception cref="ArgumentException">No valid name, or no PEM private key.</exception>
    /// <exception cref="CryptographicException">No private key on P-256.</exception>
    public static CheckpointSigner FromPem(string keyName, string pem)
    {
        CheckName(keyName);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            var secret = key.ExportParameters(includePrivateParameters: true).D;
            if (secret is null || !IsP256(key.ExportSubjectPublicKeyInfo()))
                throw new CryptographicException("Checkpoints are signed with a private key on P-256.");
            return new CheckpointSigner(keyName, key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>The private key, PKCS #8, unencrypted: keep it as the secret it is.</summary>
    public string ToPem() => key.ExportPkcs8PrivateKeyPem();

    /// <summary>The checkpoint's text with this key's signature under it.</summary>
    /// <exception cref="InvalidOperationException">The checkpoint's origin or size is out of range.</exception>
    public string Sign(Checkpoint checkpoint)
    {
        var body = checkpoint.Body();
        return $"{body}\n{SignatureLineFor(body)}";
    }

    /// <summary>A line to put under a text that others signed, as in a change of keys.</summary>
    /// <param name="body">What <see cref="Checkpoint.Body"/> gave.</param>
    public string SignatureLineFor(string body)
    {
        var signature = key.SignData(Encoding.UTF8.GetBytes(body), HashAlgorithmName.SHA256, Format);
        var bytes = new byte[sizeof(uint) + signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        signature.CopyTo(bytes, sizeof(uint));
        return $"{Checkpoint.SignatureMark}{KeyName} {Convert.ToBase64String(bytes)}\n";
    }

    /// <summary>The id of a key, as the remarks above define it.</summary>
    public static uint IdOf(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(subjectPublicKeyInfo));

    /// <summary>The public key as tools for signed notes take it: <c>name+id+base64(0x02 ‖ key)</c>.</summary>
    public static string VerifierKeyOf(string keyName, ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        $"{keyName}+{IdOf(subjectPublicKeyInfo):x8}+{Convert.ToBase64String([Kind, .. subjectPublicKeyInfo])}";

    public void Dispose() => key.Dispose();

    /// <summary>Whether these bytes are a key on P-256 by their form; the point may still be off the curve.</summary>
    internal static bool IsP256(ReadOnlySpan<byte> subjectPublicKeyInfo) =>
        subjectPublicKeyInfo.Length == P256Header.Length + 64 && subjectPublicKeyInfo.StartsWith(P256Header);

    private static void CheckName(string keyName)
    {
        if (!Checkpoint.IsName(keyName))
            throw new ArgumentException($"'{keyName}' cannot name a key.", nameof(keyName));
    }
}
