using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace BankingEngine.Application.Ports;

/// <summary>
/// Where the keys lie that personal text is sealed with: one for each subject, none of them ever in the journal.
/// Destroying a subject's key erases what was said about it, while proofs, digests and replay still hold.
/// </summary>
/// <remarks>Any thread. It reaches as far back as the journal does, and is backed up with it, apart from it.</remarks>
public interface IKeyStore : IDisposable
{
    /// <summary>Seals a text under its subject's key, made on demand and durable before this returns.</summary>
    /// <param name="subject">An account's name, which says nothing of a person.</param>
    /// <param name="field">What kind of text it is; a text sealed as one kind does not open as another.</param>
    /// <returns><c>sealed.v1.&lt;subject&gt;.&lt;base64url&gt;</c>, different for each call.</returns>
    string Seal(string subject, string field, string text);

    /// <summary>Opens what <see cref="Seal"/> returned.</summary>
    /// <returns>False when the key was destroyed, or the text is not one of this store.</returns>
    bool TryOpen(string field, string sealedText, out string text);

    /// <summary>Destroys a subject's key: erasure.</summary>
    /// <returns>False when there was none.</returns>
    bool Destroy(string subject);

    /// <summary>
    /// A keyed token of a text: equal texts have equal tokens, and nobody without the key learns more.
    /// </summary>
    UInt128 Token(string field, string text);

    /// <summary>A secret of the book itself, such as the key it signs checkpoints with.</summary>
    /// <param name="name">1 to 32 of <c>a-z 0-9 . -</c>, beginning with a letter.</param>
    /// <param name="make">Makes it where there is none; it is durable before this returns, and the same for all.</param>
    byte[] Named(string name, Func<byte[]> make);
}

/// <summary>The form of sealed text: AES-256-GCM, a fresh nonce each, bound to book and field.</summary>
public static class SealedText
{
    public const string Prefix = "sealed.v1.";
    public const int KeyBytes = 32;
    private const int NonceBytes = 12, TagBytes = 16;

    public static string Seal(ReadOnlySpan<byte> key, string subject, string bound, string text)
    {
        var clear = Encoding.UTF8.GetBytes(text);
        var sealed_ = new byte[NonceBytes + clear.Length + TagBytes];
        RandomNumberGenerator.Fill(sealed_.AsSpan(0, NonceBytes));
        using var cipher = new AesGcm(key, TagBytes);
        cipher.Encrypt(
            sealed_.AsSpan(0, NonceBytes), clear, sealed_.AsSpan(NonceBytes, clear.Length),
            sealed_.AsSpan(NonceBytes + clear.Length),
            Encoding.UTF8.GetBytes(bound));
        return $"{Prefix}{subject}.{Base64Url.EncodeToString(sealed_)}";
    }

    /// <summary>Opens a text with the key of its subject.</summary>
    /// <returns>False when the key, the bound or a bit of the text is another.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> key, string bound, string sealedText, out string text)
    {
        text = "";
        var encoded = sealedText.AsSpan(sealedText.LastIndexOf('.') + 1);
        if (!Base64Url.IsValid(encoded)) return false;
        var bytes = Base64Url.DecodeFromChars(encoded);
        if (bytes.Length < NonceBytes + TagBytes) return false;
        var clear = new byte[bytes.Length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(key, TagBytes);
        try
        {
            cipher.Decrypt(
                bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes, clear.Length),
                bytes.AsSpan(NonceBytes + clear.Length), clear,
                Encoding.UTF8.GetBytes(bound));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        text = Encoding.UTF8.GetString(clear);
        return true;
    }

    /// <summary>Whose text it is; null when it is no sealed text.</summary>
    public static string? SubjectOf(string sealedText)
    {
        var end = sealedText.LastIndexOf('.');
        return sealedText.StartsWith(Prefix, StringComparison.Ordinal) && end > Prefix.Length
            ? sealedText[Prefix.Length..end] : null;
    }
}
