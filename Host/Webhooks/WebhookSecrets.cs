using BankingEngine.Application.Engine;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Webhooks;

/// <summary>A secret as it is shown once, and as the book gets it.</summary>
/// <param name="Subject">Whose key it is sealed with: its own.</param>
public readonly record struct WebhookSecret(string Text, string Sealed, AccountId Subject);

/// <summary>Makes the secrets of a book's webhooks.</summary>
/// <remarks>
/// A key is noted beside the positions before there is one, so that it is destroyed by whoever looks next, here or on the
/// host that takes over, however short the life of its webhook was. Whoever makes a secret keeps <see cref="Turn"/> until
/// the book has answered, and so does who looks: a key whose command is under way is not taken for one that signs no more.
/// </remarks>
public sealed class WebhookSecrets(RunningBook book)
{
    /// <summary>Names the turn of those who make secrets, and of who destroys the keys of those that sign no more.</summary>
    public static readonly AccountId Turn = AccountId.Parse("webhook:secrets");

    private long _made;

    /// <summary>How many keys were noted on this host.</summary>
    public long Made => Volatile.Read(ref _made);

    /// <summary>Makes one for a command that is sent next.</summary>
    /// <exception cref="EngineUnavailableException">Another host leads: what is noted here is not for it.</exception>
    /// <exception cref="PositionsUnavailableException">The key could not be noted, and is not made.</exception>
    public async Task<WebhookSecret> MakeAsync(Tag webhook)
    {
        if (!book.Engine.IsLeading) throw EngineUnavailableException.Following();
        var (text, subject) = (WebhookSignature.NewSecret(), WebhookSignature.NewSubject(webhook));
        await book.Positions.AdvanceAsync(
            new(WebhookPositions.KeyPrefix + subject, 0, DateTimeOffset.UtcNow), CancellationToken.None).ConfigureAwait(false);
        Interlocked.Increment(ref _made);
        return new(text, book.Sealing.Seal(WebhookSignature.SealedAs, subject, text), subject);
    }
}
