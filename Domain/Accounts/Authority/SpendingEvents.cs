using System.Collections.Immutable;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// Who may be paid: an account, or with a colon at the end every account whose name begins so (<c>shop:</c>).
/// </summary>
/// <remarks>Forty-eight bytes without padding.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Counterparty : IUtf8Text<Counterparty>
{
    private readonly AccountId name;
    private readonly ulong isPrefix;

    private Counterparty(AccountId name, bool isPrefix) => (this.name, this.isPrefix) = (name, isPrefix ? 1UL : 0);

    public static int MaxTextLength => AccountId.MaxTextLength;

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Counterparty value)
    {
        var isPrefix = utf8.Length <= MaxTextLength && utf8.EndsWith(":"u8);
        var parsed = AccountId.TryParse(isPrefix ? utf8[..^1] : utf8, out var name);
        value = parsed ? new(name, isPrefix) : default;
        return parsed;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out Counterparty value) => Utf8Text.TryParse(text, out value);

    /// <inheritdoc cref="Utf8Text.Parse{TValue}"/>
    public static Counterparty Parse(ReadOnlySpan<char> text) => Utf8Text.Parse<Counterparty>(text);

    public bool TryFormat(Span<byte> utf8, out int written)
    {
        Span<byte> text = stackalloc byte[MaxTextLength + 1];
        var length = name.CopyTo(text);
        if (isPrefix != 0) text[length++] = (byte)':';
        var fits = text[..length].TryCopyTo(utf8);
        written = fits ? length : 0;
        return fits;
    }

    /// <summary>Whether an account is meant.</summary>
    public bool Includes(AccountId account)
    {
        if (isPrefix == 0) return account == name;
        Span<byte> prefix = stackalloc byte[MaxTextLength + 1], text = stackalloc byte[MaxTextLength];
        TryFormat(prefix, out var length);
        return text[..account.CopyTo(text)].StartsWith(prefix[..length]);
    }

    public override string ToString() => Utf8Text.ToText(this);
}

/// <summary>How much of an asset may be spent under a permission.</summary>
/// <param name="PerTransaction">At most so much by one entry, net; none: any amount.</param>
/// <param name="PerWindow">At most so much in any window of time; none: any amount.</param>
/// <param name="WindowSeconds">How long the window is; 0 where none is limited.</param>
/// <param name="Counterparties">Only to these; empty: to anyone.</param>
/// <param name="PasskeyAbove">
/// More than this only with a passkey among the signatures, whose challenge binds payee and amount; none: without.
/// </param>
public sealed record SpendingTerms(
    Amount? PerTransaction, Amount? PerWindow, int WindowSeconds, ImmutableArray<Counterparty> Counterparties,
    Amount? PasskeyAbove = null)
{
    public bool Equals(SpendingTerms? other) => other is not null && PerTransaction == other.PerTransaction
        && PerWindow == other.PerWindow && WindowSeconds == other.WindowSeconds && PasskeyAbove == other.PasskeyAbove
        && Counterparties.AsSpan().SequenceEqual(other.Counterparties.AsSpan());

    public override int GetHashCode() => HashCode.Combine(PerTransaction, PerWindow, WindowSeconds);

    /// <summary>Whether an account may be paid.</summary>
    public bool Allows(AccountId account)
    {
        foreach (var allowed in Counterparties)
        {
            if (allowed.Includes(account)) return true;
        }
        return Counterparties.IsEmpty;
    }
}

/// <summary>
/// Limits what may be spent of an asset under a permission of an account; replaces the limit that stands. Set by what
/// stands above the permission: a limit that the limited could lift were none. Of an account without permissions of its
/// own the bank limits what its channels do, under the name <c>channel</c>.
/// </summary>
/// <param name="WindowSeconds">Stated with <paramref name="PerWindow"/>, 0 without.</param>
public sealed record SetSpendingLimit(
    AccountId Account, Tag Permission, AssetCode Asset, StatedAmount? PerTransaction, StatedAmount? PerWindow,
    long WindowSeconds, ImmutableArray<Counterparty> Counterparties, StatedAmount? PasskeyAbove = null) : Command;

public sealed record RemoveSpendingLimit(AccountId Account, Tag Permission, AssetCode Asset) : Command;

/// <summary>The life of spending limits.</summary>
public abstract record SpendingEvent : Event
{
    private SpendingEvent() { }

    public sealed record LimitSet(AccountId Account, Tag Permission, AssetCode Asset, SpendingTerms Terms)
        : SpendingEvent;

    public sealed record LimitRemoved(AccountId Account, Tag Permission, AssetCode Asset) : SpendingEvent;

    /// <summary>The entry before it took this much of a limited window.</summary>
    /// <param name="Permission">Under which; <c>bank.tier0</c> is a wallet's own limit, by law.</param>
    /// <param name="Until">End, exclusive, of the part of the window that it is counted in.</param>
    /// <param name="Since">What was counted in parts that ended then or before is forgotten.</param>
    public sealed record Spent(AccountId Account, Tag Permission, Amount Amount, Instant Until, Instant Since)
        : SpendingEvent;
}

public static class SpendingRejections
{
    public static readonly Rejection
        PerTransaction = new("limit.per_transaction", "More than this permission may spend by one entry."),
        PerWindow = new("limit.per_window", "More than this permission may still spend in its window of time."),
        NotTo = new("limit.counterparty", "This permission may not pay this account."),
        PasskeyMissing = new("limit.passkey_missing", "An amount as high as this takes a passkey's signature."),
        Malformed = new(
            "limit.malformed",
            "A limit states an amount of its asset, a window of 1 second to 366 days with its amount, or whom to pay."),
        TooMany = new("limit.too_many", "An account has at most 256 limits, a limit at most 64 counterparties."),
        NotFound = new("limit.not_found", "No such limit is set.", RejectionKind.NotFound);
}
