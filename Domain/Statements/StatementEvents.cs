using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Statements;

/// <summary>By which of an entry's dates a statement takes it in.</summary>
public enum StatementDates
{
    /// <summary>The accounting date.</summary>
    Booked = 1,

    /// <summary>The interest date.</summary>
    Value,
}

/// <summary>In which form a statement is delivered.</summary>
public enum StatementFormat
{
    Json = 1,
    Csv,

    /// <summary>ISO 20022, message camt.053.001.08.</summary>
    Camt053,

    /// <summary>A page to print.</summary>
    Html,
}

/// <summary>What a statement is about.</summary>
/// <param name="From">First date, inclusive.</param>
/// <param name="Through">Last date, inclusive.</param>
public readonly record struct StatementPeriod(
    AccountId Account, AssetCode Asset, BusinessDate From, BusinessDate Through, StatementDates Dates);

/// <summary>One form of an issued statement.</summary>
/// <param name="Sha256">Of all its bytes, as they were delivered.</param>
/// <param name="Edition">
/// Of the form, from 1: one edition writes the same bytes of the same statement for ever. 0 in events from before
/// editions were recorded, which are all of the first: read <see cref="PrintedIn"/>.
/// </param>
public readonly record struct StatementCopy(StatementFormat Format, Hash256 Sha256, int Edition = 0)
{
    public const int FirstEdition = 1;

    /// <summary>The edition of the form that these bytes are of, from 1.</summary>
    public int PrintedIn() => Math.Max(Edition, FirstEdition);
}

/// <summary>Issues a statement: what the host rendered at a position is numbered and kept to.</summary>
/// <param name="Number">The number that stands in the rendered bytes: one above the account's last.</param>
/// <param name="Position">Last position that the statement counts.</param>
/// <param name="Copies">One for each format, JSON among them.</param>
/// <param name="Anew">Whether a period that was issued before may be issued again under a new number.</param>
public sealed record IssueStatement(
    StatementPeriod Period, int Number, long Position, ImmutableArray<StatementCopy> Copies, bool Anew) : Command;

public abstract record StatementEvent : Event
{
    private StatementEvent() { }

    /// <summary>A statement was delivered. A reprint is of the same position and has the same bytes.</summary>
    /// <param name="Number">From 1 and without gaps, of the account.</param>
    /// <param name="TrueAt">Last position that the statement counts.</param>
    public sealed record Issued(
        AccountId Account, int Number, AssetCode Asset, BusinessDate From, BusinessDate Through, StatementDates Dates,
        long TrueAt, ImmutableArray<StatementCopy> Copies) : StatementEvent
    {
        public bool Equals(Issued? other) => other is not null && Account == other.Account && Number == other.Number
            && Asset == other.Asset && From == other.From && Through == other.Through && Dates == other.Dates
            && TrueAt == other.TrueAt && Copies.AsSpan().SequenceEqual(other.Copies.AsSpan());

        public override int GetHashCode() => HashCode.Combine(Account, Number);
    }
}
