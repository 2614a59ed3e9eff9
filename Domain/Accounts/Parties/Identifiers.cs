using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Accounts;

/// <summary>96 bytes; one per identifier, never deleted: what was one account's is never another's.</summary>
/// <param name="Added">Position of the event that has the sealed text.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IdentifierRow(
    UInt128 Token, AccountId Account, Instant From, Instant Until, long Added, IdentifierKind Kind, int Filler,
    long Filler2) : IRow<IdentifierRow, UInt128>
{
    public UInt128 Key => Token;

    public bool InForce(Instant now) => From <= now && now < Until;
}

/// <summary>Counts an account's identifiers, ended ones too.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IdentifierCount(AccountId Account, long Count) : IRow<IdentifierCount, AccountId>
{
    public AccountId Key => Account;
}

/// <summary>
/// The one index of what accounts are called by. It knows keyed tokens only; the texts are sealed in the journal.
/// </summary>
public sealed class Identifiers
{
    public const int MaxOfAccount = 10_000;

    public static readonly Rejection
        NotFound = new("identifier.not_found", "No such identifier.", RejectionKind.NotFound),
        Taken = new("identifier.taken", "The identifier is or was an account's.", RejectionKind.Conflict),
        KindUnknown = new("identifier.kind_unknown", "There is no such kind of identifier."),
        EndBeforeStart = new("identifier.end_before_start", "An identifier ends after it begins, and later than now."),
        ReferenceUnneeded = new("identifier.reference_unneeded", "Only a virtual IBAN has a reference of its own."),
        SubAccountMissing = new(
            "identifier.sub_account_missing",
            "A virtual IBAN leads to a sub-account: name, point, and the name of the account it stands under."),
        TooMany = new("identifier.too_many", $"An account has at most {MaxOfAccount:N0} identifiers, ended ones too.");

    public Identifiers(Tables tables)
    {
        Rows = new(tables, "accounts.identifiers");
        OfAccount = Rows.Hashed(static (in IdentifierRow r, out AccountId k) => { k = r.Account; return true; },
            unique: false);
        Counts = new(tables, "accounts.identifier_counts");
    }

    public Table<UInt128, IdentifierRow> Rows { get; }
    public Table<AccountId, IdentifierCount> Counts { get; }
    public HashIndex<IdentifierRow, AccountId> OfAccount { get; }

    public Decision Decide(LedgerView ledger, Parties parties, in Moment at, AddIdentifier c)
    {
        if (ledger.Tables.Accounts.Find(c.Account) < 0) return LedgerRejections.AccountNotFound;
        if (!Enum.IsDefined(c.Kind)) return KindUnknown;
        var from = c.From ?? at.Now;
        if (c.Until is { } until && (until <= from || until <= at.Now)) return EndBeforeStart;
        if (c.Reference is not null && c.Kind != IdentifierKind.VirtualIban) return ReferenceUnneeded;
        if (c.Kind == IdentifierKind.VirtualIban && ledger.Tables.Accounts.Find(AccountNames.SuffixOf(c.Account)) < 0)
            return SubAccountMissing;
        if (Rows.TryGet(c.Token, out var row)) return IsSo(row, c, at.Now) ? [] : Taken;
        if (parties.StandingOf(c.Account) != Standing.Verified) return Parties.NotVerified;
        if (Counts.TryGet(c.Account, out var count) && count.Count >= MaxOfAccount) return TooMany;
        return new IdentifierEvent.Added(c.Account, c.Kind, c.Text, c.Token, c.Reference, from, c.Until);
    }

    public Decision Decide(in Moment at, EndIdentifier c)
    {
        if (!Rows.TryGet(c.Token, out var row)) return NotFound;
        return row.Until <= at.Now ? [] : new IdentifierEvent.Ended(row.Account, c.Token, at.Now, c.Reason);
    }

    public void Evolve(long position, IdentifierEvent @event)
    {
        switch (@event)
        {
            case IdentifierEvent.Added e:
                Rows.Insert(new(e.Token, e.Account, e.From, e.Until ?? Instant.Last, position, e.Kind, 0, 0));
                var counted = Counts.Find(e.Account);
                if (counted < 0) Counts.Insert(new(e.Account, 1));
                else Counts.Update(counted, Counts[counted] with { Count = Counts[counted].Count + 1 });
                break;
            case IdentifierEvent.Ended e:
                var row = Rows.Find(e.Token);
                Rows.Update(row, Rows[row] with { Until = e.Until });
                break;
            default: throw new UnreachableException(@event.GetType().Name);
        }
    }

    /// <summary>Where an identifier leads now.</summary>
    /// <returns>False: nowhere.</returns>
    public bool TryResolve(UInt128 token, Instant now, out IdentifierRow row) =>
        Rows.TryGet(token, out row) && row.InForce(now);

    private static bool IsSo(in IdentifierRow row, AddIdentifier c, Instant now) =>
        row.Account == c.Account && row.Kind == c.Kind && row.Until > now && (c.From is null || row.From == c.From)
        && row.Until == (c.Until ?? Instant.Last);
}
