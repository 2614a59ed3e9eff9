namespace BankingEngine.Domain.Kernel;

/// <summary>What a caller's key allows. Deny by default: an endpoint names the one scope it needs.</summary>
[Flags]
public enum Scopes : uint
{
    None = 0,

    /// <summary>Open and close accounts, set their limits.</summary>
    Accounts = 1 << 0,

    /// <summary>Place, lift and enforce restraints.</summary>
    Restraints = 1 << 1,

    /// <summary>Post, reserve, cancel and reverse transfers and entries.</summary>
    Transfers = 1 << 2,

    /// <summary>Post into a softly closed period, and correct what limits would refuse.</summary>
    Adjust = 1 << 3,

    /// <summary>Book what already happened elsewhere.</summary>
    Import = 1 << 4,

    /// <summary>Read balances, accounts, transfers and entries.</summary>
    Read = 1 << 5,

    /// <summary>Read the whole journal, checkpoints and proofs.</summary>
    Audit = 1 << 6,

    /// <summary>Register assets, publish reference data.</summary>
    Reference = 1 << 7,

    /// <summary>Close and reopen periods and years, move the business date.</summary>
    Periods = 1 << 8,

    /// <summary>Issue and revoke keys.</summary>
    Keys = 1 << 9,

    /// <summary>Operate the book: accept a clock step.</summary>
    Operate = 1 << 10,

    /// <summary>Move the clock of a sandbox book.</summary>
    Sandbox = 1 << 11,

    /// <summary>Register parties, their roles and identifiers.</summary>
    Parties = 1 << 12,

    /// <summary>Set permissions, links and limits for accounts that are the bank's to act for.</summary>
    Authority = 1 << 13,

    /// <summary>Propose, approve and execute.</summary>
    Proposals = 1 << 14,

    All = (1 << 15) - 1,
}
