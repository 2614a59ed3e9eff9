using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>The tables, and how their rows are written. SCHEMA.md says the same for whoever reads them.</summary>
internal sealed partial class TransfersModel
{
    private const string Reserved = "reserved", Code = "text collate \"C\"";
    private const int ChangeColumns = 6;

    internal static readonly TableShape Transfers = new(
        "transfers", "One row for each transfer, reservation, import, entry, adjustment or exchange.", "transfer",
        ["using brin (first_position)", "using brin (booked_on)", "(status) where status = 'reserved'"],
        [
            new("transfer", "uuid not null", "The transfer's or entry's own name."),
            new("kind", "text not null", "transfer, import, reservation, entry, adjustment or exchange."),
            new("status", "text not null", "posted, reserved, cancelled or expired."),
            new("debit", Code, "Account debited; null with more than two legs."),
            new("credit", Code, "Account credited; null with more than two legs."),
            new("asset", Code, "Code of the asset; null with more than two legs."),
            new("scale", "smallint", "Decimals of the asset: major = minor / 10^scale."),
            new("amount", "numeric", "In units of the asset; reserved, where it was reserved."),
            new("amount_minor", "numeric", "The same in minor units."),
            new("posted", "numeric", "Of a reservation: what has moved; else null."),
            new("released", "numeric", "Of a reservation: what is held no longer and has not moved; else null."),
            new("remaining", "numeric", "Of a reservation: what is still held; else null."),
            new("expires_at", "timestamptz", "First instant at which a reservation can no longer be posted."),
            new("originated_at", "timestamptz", "Of an import: when it happened, by the source's clock."),
            new("code", Code, "What kind of business it is, in the bank's own codes."),
            new("reference", Code, "The first end-to-end reference it was given: open text, never personal."),
            new("booked_on", "date", "Accounting date; of a reservation as it was stated, or null."),
            new("value_on", "date", "Interest and availability date, where one was stated."),
            new("recorded_at", "timestamptz not null", "Engine time of its first event."),
            new("first_position", "bigint not null", "Position of its first event."),
            new("last_position", "bigint not null", "Position of its last event."),
        ], "with (fillfactor = 90)");

    internal static readonly TableShape Parts = new(
        "transfer_parts", "What became of reservations: each posting, cancellation or expiry.", "transfer, position",
        [],
        [
            new("transfer", "uuid not null", "The reservation."),
            new("position", "bigint not null", "Position of the event."),
            new("kind", "text not null", "posted, cancelled or expired."),
            new("posted", "numeric", "What moved, in units of the asset; null where nothing did."),
            new("released", "numeric not null", "What is held no longer besides, in units of the asset."),
            new("recorded_at", "timestamptz not null", "Engine time of the event."),
        ]);

    internal static readonly TableShape References = new(
        "transfer_references", "Which transfers carry a reference, in the order of the journal.", "reference_no",
        ["(reference, reference_no)"],
        [
            new("reference_no", "bigint not null", "Order in the journal, from 0."),
            new("reference", $"{Code} not null", "The channel's end-to-end reference: open text, never personal."),
            new("transfer", "uuid not null", "The transfer or entry."),
        ]);

    internal static readonly TableShape Pairs = new(
        "transfer_metadata", "Pairs of open text that a channel attached to a posting.", "transfer, position, key",
        ["(key, value)"],
        [
            new("transfer", "uuid not null", "The transfer or entry."),
            new("position", "bigint not null", "Position of the event they came with."),
            new("key", $"{Code} not null", "At most 32 characters."),
            new("value", $"{Code} not null", "At most 256 characters: open text, never personal."),
        ]);

    internal static readonly TableShape Corrections = new(
        "corrections", "Which event corrects which.", "original", ["(correction)"],
        [
            new("original", "bigint not null", "Position of the event that was corrected."),
            new("correction", "bigint not null", "Position of the mirror of its legs."),
            new("recorded_at", "timestamptz not null", "Engine time of the correction."),
        ]);

    private void WriteRow(TransferId id, Life life)
    {
        var rows = _transferRows;
        var (kind, debit, credit, amount) = TermsOf(life.Opening!);
        var reserved = life.Opening as TransferEvent.Reserved;
        var said = PostedLegs.Said(life.Opening!);
        rows.Begin();
        rows.Uuid(id.Value);
        rows.Text(kind);
        rows.Text(life.Status);
        rows.Account(debit);
        rows.Account(credit);
        if (amount is { } terms)
        {
            rows.Text(terms.Asset.Code);
            rows.Int2(terms.Asset.Scale);
            rows.Major(terms);
            rows.Minor(terms.Minor);
        }
        else
        {
            for (var i = 0; i < 4; i++) rows.Null();
        }
        rows.Major(reserved is null ? null : reserved.Amount with { Minor = life.Posted });
        rows.Major(reserved is null ? null : reserved.Amount with { Minor = life.Released });
        rows.Major(reserved is null ? null
            : reserved.Amount with { Minor = reserved.Amount.Minor - life.Posted - life.Released });
        rows.Time(reserved?.Expires);
        rows.Time((life.Opening as TransferEvent.Imported)?.Originated);
        rows.Tag(said?.Code ?? default);
        rows.Text(life.Reference);
        rows.Date(said?.BookedOn);
        rows.Date(said?.ValueOn);
        rows.Time(life.At);
        rows.Int8(life.First);
        rows.Int8(life.LastPosition);
    }

    private static (string Kind, AccountId Debit, AccountId Credit, Amount? Amount) TermsOf(Event opening) =>
        opening switch
        {
            TransferEvent.Made e => ("transfer", e.Debit, e.Credit, e.Amount),
            TransferEvent.Imported e => ("import", e.Debit, e.Credit, e.Amount),
            TransferEvent.Reserved e => ("reservation", e.Debit, e.Credit, e.Amount),
            EntryEvent.Posted => ("entry", default, default, null),
            EntryEvent.Adjusted => ("adjustment", default, default, null),
            EntryEvent.Exchanged => ("exchange", default, default, null),
            _ => throw new System.Diagnostics.UnreachableException(opening.GetType().Name),
        };
}
