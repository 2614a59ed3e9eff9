using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Webhooks;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Webhooks;

/// <summary>The secrets of a subscription, opened.</summary>
internal static class OpenedSecrets
{
    /// <summary>
    /// The secret in force, and the one before while it still counts and can be opened: whoever replaces a secret because
    /// its key is lost is served with the new one at once.
    /// </summary>
    /// <returns>Null where the key store does not have the key of the secret in force.</returns>
    public static string[]? Of(RunningBook book, in WebhookRow row)
    {
        if (Open(book, row.Secret) is not { } first) return null;
        var hasFormer = row.Former.Length > 0 && book.Engine.RoughNow < row.FormerUntil;
        return hasFormer && Open(book, row.Former) is { } former ? [first, former] : [first];
    }

    private static string? Open(RunningBook book, string sealedText) =>
        book.Sealing.Open(WebhookSignature.SealedAs, sealedText);
}

/// <summary>Secrets of webhooks, and what is signed with them.</summary>
/// <remarks>Source: Standard Webhooks 1.0.0, symmetric signatures: HMAC-SHA256 over id, timestamp and body.</remarks>
public static class WebhookSignature
{
    public const string IdHeader = "webhook-id", TimestampHeader = "webhook-timestamp", Header = "webhook-signature";

    public const string SecretPrefix = "whsec_";

    /// <summary>Bytes of a secret; the standard allows 24 to 64.</summary>
    public const int SecretBytes = 32;

    private const string Subjects = "webhook:";

    /// <summary>As many as a name has room for beside the longest id.</summary>
    private const int SubjectFigures = 14;

    /// <summary>How a secret is sealed; no caller states one.</summary>
    public static readonly Field SealedAs = new(
        "webhook_secret", Sensitivity.Secret, """{"type":"string"}""", "Made by the bank.",
        static (ref reader, fields) => EdgeProblems.FieldMalformed);

    public static string NewSecret() =>
        SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Whether an id is of the form that names of keys need.</summary>
    public static bool IsSubject(Tag webhook) => AccountId.TryParse(Encoding.ASCII.GetBytes($"{Subjects}{webhook}"), out _);

    /// <summary>Under whose key one secret is sealed: another for each, so that the key goes when the secret does, whoever
    /// subscribes under the id again.</summary>
    public static AccountId NewSubject(Tag webhook) => AccountId.Parse(
        $"{Subjects}{webhook}:{RandomNumberGenerator.GetHexString(SubjectFigures, lowercase: true)}");

    /// <summary>The header's value: one signature a secret, separated by blanks.</summary>
    /// <param name="secrets">As <see cref="NewSecret"/> made them; the one in force first.</param>
    public static string Sign(string id, DateTimeOffset at, ReadOnlySpan<byte> body, params ReadOnlySpan<string> secrets)
    {
        var head = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{id}.{at.ToUnixTimeSeconds()}."));
        byte[] content = [.. head, .. body];
        var signatures = new StringBuilder();
        foreach (var secret in secrets)
        {
            if (signatures.Length > 0) signatures.Append(' ');
            var key = Convert.FromBase64String(secret[SecretPrefix.Length..]);
            signatures.Append("v1,").Append(Convert.ToBase64String(HMACSHA256.HashData(key, content)));
        }
        return signatures.ToString();
    }
}
