using BankingEngine.Domain.Webhooks;
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
