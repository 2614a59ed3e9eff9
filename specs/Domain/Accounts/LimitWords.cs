using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Limits, wallets and their rule as one speaks of them. An amount without an asset is of EUR.</summary>
internal static class LimitWords
{
    public static SetSpendingLimit Limit(
        string account, string permission, string? perTransaction = null, string? perWindow = null, int seconds = 0,
        params string[] to) => new(
            Account(account), Tag.Of(permission), AssetCode.Parse("EUR"), perTransaction is null ? null : Stated(perTransaction),
            perWindow is null ? null : Stated(perWindow), seconds, [.. to.Select(name => Counterparty.Parse(name))]);

    public static RemoveSpendingLimit Unlimit(string account, string permission) =>
        new(Account(account), Tag.Of(permission), AssetCode.Parse("EUR"));

    /// <summary>The wallet of a key, each key a letter.</summary>
    public static string WalletOf(char key) => Wallets.NameOf(AuthorityWords.Key(key)).ToString();

    /// <summary><c>PTS 1 100 200 1000</c>: asset, opening minimum, per entry, per window, balance.</summary>
    public static WalletAsset Terms(string text)
    {
        var parts = text.Split(' ');
        var amounts = parts[1..].Select(p => Money($"{p} {parts[0]}")).ToArray();
        return new(amounts[0], amounts[1], amounts[2], amounts[3]);
    }

    public static PublishReference Rule(int window, int emptied, params string[] assets) => new(
        Wallets.RuleName, Today, new ReferenceContent.WalletRule([.. assets.Select(Terms)], window, emptied), Tag.Of("head-ops"));

    /// <summary>Accepted, or refused by a code.</summary>
    public static LedgerSpec ThenAnswered(this LedgerSpec spec, string? code) => code is null
        ? spec.ThenAccepted() : spec.ThenRefused(new Rejection(code, ""));
}
