using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// The engine's own, before a credit: opens a wallet, reopens one that was closed, or opens it for one more asset.
/// </summary>
public sealed record OpenWallet(AccountId Id, AssetCode Asset) : Command;

/// <summary>The engine's own, when a wallet has been empty for its time.</summary>
public sealed record CloseWallet(AccountId Id) : Command;

/// <summary>A wallet asks to be verified, so that it may do more than tier 0 may.</summary>
/// <param name="Statement">Sealed.</param>
public sealed record RequestVerification(AccountId Wallet, string Statement) : Command;

/// <summary>The life of wallets; that of their ledger accounts is the ledger's, and stands before.</summary>
public abstract record WalletEvent : Event
{
    private WalletEvent() { }

    public sealed record Opened(AccountId Wallet) : WalletEvent;

    /// <param name="Statement">Sealed.</param>
    public sealed record VerificationRequested(AccountId Wallet, string Statement) : WalletEvent;

    /// <summary>The wallet is known no more; its closed account stays, and a later credit opens it again.</summary>
    public sealed record Closed(AccountId Wallet) : WalletEvent;
}

public static class WalletRejections
{
    public static readonly Rejection
        NoRule = new(
            "wallet.no_rule", "No rule for wallets is in force: they may ask to be verified, or withdraw."),
        AssetNotAllowed = new(
            "wallet.asset_not_allowed",
            "A wallet holds, as client property, only assets that the rule in force lists."),
        BelowMinimum = new(
            "wallet.below_opening_minimum", "The first credit of a wallet is below the asset's opening minimum."),
        MaxBalance = new("wallet.max_balance", "The wallet would hold more than the rule in force allows."),
        NameMalformed = new(
            "wallet.name_malformed", "A wallet's name is w: and 32 of a-z and 2-7, made of its key."),
        NotFound = new("wallet.not_found", "No such wallet is open.", RejectionKind.NotFound),
        NotEmptied = new("wallet.not_emptied", "The wallet has not been empty for its time.", RejectionKind.Conflict),
        AlreadyAsked = new(
            "wallet.already_asked", "The wallet has asked to be verified already.", RejectionKind.Conflict),
        RuleFiat = new("wallet.rule_fiat", "Wallets that nobody verified never hold money of ISO 4217."),
        RuleMalformed = new(
            "wallet.rule_malformed",
            "A rule states once per asset, in that asset, an opening minimum above zero and not above the balance "
            + "allowed, an amount per entry not above that per window, a window of at most 366 days, and 1 to 366 days "
            + "until closing, not shorter than the window."),
        RuleMisnamed = new("wallet.rule_misnamed", "The rule for wallets is named wallet-rule, and nothing else is.");
}

/// <summary>Checks the rule for wallets where it is published.</summary>
public static class WalletRules
{
    public const int MaxAssets = 64;

    /// <summary>One day and 366.</summary>
    public const int MinEmptiedSeconds = 86_400, MaxEmptiedSeconds = SpendingWindows.MaxWindowSeconds;

    /// <summary>A publication, with the amounts of a rule for wallets in the scales of the book.</summary>
    public static Rejection? Resolve(LedgerView ledger, PublishReference c, out PublishReference resolved)
    {
        resolved = c;
        if (c.Content is not ReferenceContent.WalletRule rule)
            return c.Name == Wallets.RuleName ? WalletRejections.RuleMisnamed : null;
        if (c.Name != Wallets.RuleName) return WalletRejections.RuleMisnamed;
        if (rule.Assets.Length > MaxAssets
            || rule.WindowSeconds is < 1 or > SpendingWindows.MaxWindowSeconds
            || rule.EmptiedSeconds is < MinEmptiedSeconds or > MaxEmptiedSeconds
            || rule.EmptiedSeconds < rule.WindowSeconds)
            return WalletRejections.RuleMalformed;
        var assets = ImmutableArray.CreateBuilder<WalletAsset>(rule.Assets.Length);
        foreach (var stated in rule.Assets)
        {
            if (Resolve(ledger, stated, out var terms) is { } no) return no;
            foreach (var other in assets)
            {
                if (other.Asset == terms.Asset) return WalletRejections.RuleMalformed;
            }
            assets.Add(terms);
        }
        resolved = c with { Content = rule with { Assets = assets.DrainToImmutable() } };
        return null;
    }

    private static Rejection? Resolve(LedgerView ledger, WalletAsset stated, out WalletAsset terms)
    {
        terms = stated;
        if (Iso4217.TryGet(stated.Asset, out _)) return WalletRejections.RuleFiat;
        if (Resolve(ledger, stated.Asset, stated.OpeningMinimum, out var minimum) is { } no) return no;
        if (Resolve(ledger, stated.Asset, stated.PerTransaction, out var perTransaction) is { } nor) return nor;
        if (Resolve(ledger, stated.Asset, stated.PerWindow, out var perWindow) is { } neither) return neither;
        if (Resolve(ledger, stated.Asset, stated.MaxBalance, out var most) is { } never) return never;
        terms = new(minimum, perTransaction, perWindow, most);
        return minimum.IsPositive && minimum <= most && !perTransaction.IsNegative && perTransaction <= perWindow
            ? null : WalletRejections.RuleMalformed;
    }

    private static Rejection? Resolve(LedgerView ledger, AssetCode asset, in Amount stated, out Amount amount)
    {
        amount = default;
        return stated.Asset.Code != asset
            ? WalletRejections.RuleMalformed
            : ledger.Resolve(new(asset, stated.Minor, stated.Asset.Scale), out amount);
    }
}
