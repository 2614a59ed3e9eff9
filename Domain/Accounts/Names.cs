using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Accounts;

/// <summary>What the names of accounts mean. They are public for ever: never a person's name or number.</summary>
public static class AccountNames
{
    /// <summary>What stands behind the last dot, the account above: <c>acme</c> of <c>shop.acme</c>.</summary>
    public static AccountId SuffixOf(AccountId name)
    {
        Span<byte> text = stackalloc byte[AccountId.MaxTextLength];
        text = text[..name.CopyTo(text)];
        var dot = text.LastIndexOf((byte)'.');
        return dot > 0 && AccountId.TryParse(text[(dot + 1)..], out var suffix) ? suffix : default;
    }
}
