using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>
/// What the names of accounts mean. They are public for ever, in the journal and in every proof of it: never a
/// person's name or number. Names of the bank's own are opened by its word alone; pos:, eqv: and client: only by the
/// book itself, w: only by a credit to a wallet.
/// </summary>
public static class AccountNames
{
    public static readonly Rejection
        NotAsAbove = new(
            "account.not_as_above",
            "Without the bank's word an account is opened as the one behind its last dot: class, chart and limits.",
            RejectionKind.Forbidden);

    /// <summary>Stand alone, or before a sign.</summary>
    private static readonly string[] BanksWords = ["bank", "engine"];

    private static readonly Counterparty[] BanksPrefixes =
    [
        Counterparty.Parse("withdrawal:"), Counterparty.Parse("pos:"), Counterparty.Parse("eqv:"),
        Counterparty.Parse("client:"), Counterparty.Parse("w:"),
    ];

    /// <summary>What stands behind the last dot, the account above: <c>acme</c> of <c>shop.acme</c>.</summary>
    public static AccountId SuffixOf(AccountId name)
    {
        Span<byte> text = stackalloc byte[AccountId.MaxTextLength];
        text = text[..name.CopyTo(text)];
        var dot = text.LastIndexOf((byte)'.');
        return dot > 0 && AccountId.TryParse(text[(dot + 1)..], out var suffix) ? suffix : default;
    }

    /// <summary>Whether only the bank gives the name, whatever account stands behind its last dot.</summary>
    public static bool IsBanks(AccountId name)
    {
        foreach (var prefix in BanksPrefixes)
        {
            if (prefix.Includes(name)) return true;
        }
        var text = name.ToString();
        foreach (var word in BanksWords)
        {
            if (text.StartsWith(word, StringComparison.Ordinal)
                && (text.Length == word.Length || !char.IsAsciiLetterOrDigit(text[word.Length])))
                return true;
        }
        return false;
    }

    /// <summary>What kind of account it is, is the bank's to say: who opens one without it has no choice.</summary>
    public static Rejection? Check(LedgerView ledger, in Moment at, OpenAccount c)
    {
        if ((at.Scopes & Scopes.Accounts) != 0 || (c.Flags & AccountFlags.System) != 0) return null;
        var t = ledger.Tables;
        var above = SuffixOf(c.Id) is { IsNone: false } suffix ? t.Accounts.Find(suffix) : -1;
        if (above < 0) return NotAsAbove;
        var row = t.Accounts[above];
        return row.Class == c.Class && t.Chart[row.Chart].Key == c.Chart
            && t.Dimensions[row.Dimensions].Key == c.Dimensions && (row.Flags & ~AccountFlags.Closed) == c.Flags
                ? null : NotAsAbove;
    }
}
