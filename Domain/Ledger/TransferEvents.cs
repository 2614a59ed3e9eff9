using BankingEngine.Domain.Kernel;

namespace BankingEngine.Domain.Ledger;

/// <summary>Pairs of text that a channel attaches to a posting. Open: never personal data.</summary>
/// <param name="Json">A canonical JSON object: keys in byte order, values strings, no blanks.</param>
public sealed record Metadata(string Json)
{
    public const int MaxPairs = 16, MaxKeyLength = 32, MaxValueLength = 256;
}

/// <summary>What a channel says about a posting besides its money. All of it is stored with the event.</summary>
/// <param name="Code">What kind of business it is, in the bank's own codes.</param>
/// <param name="Reference">
/// The channel's end-to-end reference, open text of at most 64 printable ASCII characters.
/// </param>
/// <param name="Remittance">Sealed personal text for the payee: ciphertext, never clear.</param>
/// <param name="Metadata">Open pairs of text, bounded.</param>
/// <param name="BookedOn">Accounting date; default: the business date.</param>
/// <param name="ValueOn">Interest and availability date; default: the accounting date.</param>
public sealed record Particulars(
    Tag Code = default, string? Reference = null, string? Remittance = null, Metadata? Metadata = null,
    BusinessDate? BookedOn = null, BusinessDate? ValueOn = null)
{
    public static Particulars None { get; } = new();
}

/// <summary>The life of transfers. Wire names: see the catalogue of the codec.</summary>
public abstract record TransferEvent : Event
{
    private TransferEvent() { }

    /// <summary>Money moved at once. The data are the legs.</summary>
    public sealed record Made(
        TransferId Id, AccountId Debit, AccountId Credit, Amount Amount, Particulars Particulars) : TransferEvent;

    /// <summary>What had already happened elsewhere, booked (class bound).</summary>
    /// <param name="Originated">When it happened, by the source's clock.</param>
    public sealed record Imported(
        TransferId Id, AccountId Debit, AccountId Credit, Amount Amount, Instant Originated, Particulars Particulars)
        : TransferEvent;

    /// <summary>Funds are held on <paramref name="Debit"/>; nothing has moved yet.</summary>
    /// <param name="Expires">First instant at which it can no longer be posted; null when it never expires.</param>
    public sealed record Reserved(
        TransferId Id, AccountId Debit, AccountId Credit, Amount Amount, Instant? Expires, Particulars Particulars)
        : TransferEvent;

    /// <summary>Part or all of a reservation has moved.</summary>
    /// <param name="Amount">What moved now.</param>
    /// <param name="Released">What is held no longer besides; zero unless final.</param>
    /// <param name="Remaining">What stays held; zero when final.</param>
    public sealed record Posted(
        TransferId Id, AccountId Debit, AccountId Credit, Amount Amount, Amount Released, Amount Remaining,
        Particulars Particulars) : TransferEvent;

    public sealed record Cancelled(TransferId Id, AccountId Debit, AccountId Credit, Amount Released) : TransferEvent;

    public sealed record Expired(TransferId Id, AccountId Debit, AccountId Credit, Amount Released) : TransferEvent;

    /// <summary>
    /// A correction of an earlier transfer or entry: the mirror of its legs, linked to it by position.
    /// </summary>
    public sealed record Reversed(long Original, string Reason, Particulars Particulars) : TransferEvent;
}

/// <summary>Balanced legs of any number.</summary>
public abstract record EntryEvent : Event
{
    private EntryEvent() { }

    /// <summary>n to n legs, balanced per asset. The legs stand beside the data.</summary>
    public sealed record Posted(TransferId Id, Particulars Particulars) : EntryEvent;

    /// <summary>A correction that law or an officer compels; limits do not refuse it.</summary>
    public sealed record Adjusted(TransferId Id, string Reason, Particulars Particulars) : EntryEvent;

    /// <summary>The bank exchanged assets: the legs pass through the desk's currency positions.</summary>
    /// <param name="Equivalent">The value of both sides in the book's functional currency, as dealt.</param>
    public sealed record Exchanged(
        TransferId Id, AccountId Customer, Amount Sold, Amount Bought, Amount Equivalent, Tag Desk,
        Particulars Particulars)
        : EntryEvent;

    /// <summary>
    /// Part of the year's close: income and expense to retained earnings, booked on the year's last day.
    /// </summary>
    public sealed record YearCarried(int Year, BusinessDate BookedOn) : EntryEvent;
}

/// <summary>One side of an entry.</summary>
/// <param name="Account">Whose balance.</param>
/// <param name="Side">Which total it raises.</param>
/// <param name="Amount">Not negative.</param>
/// <param name="Because">
/// The code of the guard that said no to a bound event: the leg was diverted (then <paramref name="Intended"/> names
/// the account it was meant for) or went beyond the limit. Null when nothing objected.
/// </param>
public readonly record struct Leg(
    AccountId Account, Side Side, Amount Amount, string? Because = null, AccountId Intended = default);

public enum Side : byte
{
    Debit,
    Credit,
}
