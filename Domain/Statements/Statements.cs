using System.Diagnostics;
using System.Runtime.InteropServices;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Domain.Statements;

public static class StatementRejections
{
    public static readonly Rejection
        PeriodMalformed = new("statement.period_malformed", "A statement's period begins on or before its last date."),
        PeriodAhead = new("statement.period_ahead", "A statement reaches at most to the business date."),
        PositionAhead = new("statement.position_ahead", "A statement counts positions that the book already has."),
        PositionStale = new(
            "statement.position_stale", "The account's last statement was issued at a later position.",
            RejectionKind.Conflict),
        NumberTaken = new(
            "statement.number_taken", "Another statement of the account was issued meanwhile.", RejectionKind.Conflict),
        AlreadyIssued = new(
            "statement.already_issued", "A statement of this period was issued: reprint it, or ask for it anew.",
            RejectionKind.Conflict),
        CopiesMalformed = new(
            "statement.copies_malformed",
            "A statement is issued in one format or more, each once and of an edition, JSON among them.");
}

/// <summary>What an issued statement is found by, so that its period is not issued twice unasked.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct StatementKey(
    AssetCode Asset, AccountId Account, BusinessDate From, BusinessDate Through, StatementDates Dates, int Filler,
    long Filler2)
{
    public StatementKey(in StatementPeriod of) : this(of.Asset, of.Account, of.From, of.Through, of.Dates, 0, 0) { }
}

/// <summary>96 bytes; one per period of an account that was issued.</summary>
/// <param name="Number">The newest of this period.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct IssuedRow(StatementKey Key, long Number, long Position) : IRow<IssuedRow, StatementKey>;

/// <summary>56 bytes; one per account that has statements.</summary>
/// <param name="Number">The account's last.</param>
/// <param name="Position">What that one counts.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct StatementsRow(AccountId Account, long Number, long Position)
    : IRow<StatementsRow, AccountId>
{
    public AccountId Key => Account;
}

/// <summary>Statements that were issued: numbered by account, each a cut at a position.</summary>
public sealed class Statements(Tables tables)
{
    private static readonly int Formats = Enum.GetValues<StatementFormat>().Length;

    public Table<AccountId, StatementsRow> Accounts { get; } = new(tables, "statements.accounts");

    public Table<StatementKey, IssuedRow> Issued { get; } = new(tables, "statements.issued");

    /// <summary>The number of an account's last statement; 0 when it has none.</summary>
    public int LastNumber(AccountId account) =>
        Accounts.TryGet(account, out var row) ? (int)row.Number : 0;

    public Decision Decide(LedgerView ledger, in Moment at, IssueStatement c)
    {
        var of = c.Period;
        if (ledger.Tables.Accounts.Find(of.Account) < 0) return LedgerRejections.AccountNotFound;
        if (ledger.Tables.Assets.Find(of.Asset) < 0) return LedgerRejections.AssetUnknown;
        if (of.From > of.Through) return StatementRejections.PeriodMalformed;
        if (of.Through > at.Today) return StatementRejections.PeriodAhead;
        if (c.Position >= at.Position || c.Position < 1) return StatementRejections.PositionAhead;
        if (!AreCopies(c)) return StatementRejections.CopiesMalformed;
        if (!c.Anew && Issued.Find(new(of)) >= 0) return StatementRejections.AlreadyIssued;
        if (c.Number != LastNumber(of.Account) + 1) return StatementRejections.NumberTaken;
        if (Accounts.TryGet(of.Account, out var last) && c.Position < last.Position)
            return StatementRejections.PositionStale;
        return new StatementEvent.Issued(
            of.Account, c.Number, of.Asset, of.From, of.Through, of.Dates, c.Position, c.Copies);
    }

    public void Evolve(StatementEvent @event)
    {
        if (@event is not StatementEvent.Issued e) throw new UnreachableException(@event.GetType().Name);
        var row = Accounts.Find(e.Account);
        if (row < 0) Accounts.Insert(new(e.Account, e.Number, e.TrueAt));
        else Accounts.Update(row, new(e.Account, e.Number, e.TrueAt));
        var key = new StatementKey(new StatementPeriod(e.Account, e.Asset, e.From, e.Through, e.Dates));
        var issued = Issued.Find(key);
        if (issued < 0) Issued.Insert(new(key, e.Number, e.TrueAt));
        else Issued.Update(issued, new(key, e.Number, e.TrueAt));
    }

    private static bool AreCopies(IssueStatement c)
    {
        if (c.Copies.IsDefaultOrEmpty || c.Copies.Length > Formats || !Enum.IsDefined(c.Period.Dates)) return false;
        var seen = 0;
        foreach (var copy in c.Copies)
        {
            var bit = 1 << (int)copy.Format;
            if (!Enum.IsDefined(copy.Format) || (seen & bit) != 0) return false;
            if (copy.Edition < StatementCopy.FirstEdition) return false;
            seen |= bit;
        }
        return (seen & 1 << (int)StatementFormat.Json) != 0;
    }
}
