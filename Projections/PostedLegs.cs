using System.Collections.Immutable;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections;

/// <summary>What an event posted, in one form for all events.</summary>
public static class PostedLegs
{
    /// <summary>The legs that moved posted balances. What a reservation holds or releases is none.</summary>
    public static ImmutableArray<Leg> Of(in Recorded recorded) => recorded.Event switch
    {
        TransferEvent.Made e => [new(e.Debit, Side.Debit, e.Amount), new(e.Credit, Side.Credit, e.Amount)],
        TransferEvent.Posted e => [new(e.Debit, Side.Debit, e.Amount), new(e.Credit, Side.Credit, e.Amount)],
        _ => recorded.Legs.IsDefault ? [] : recorded.Legs,
    };

    /// <summary>Gathers the legs that moved posted balances. What a reservation holds or releases is none.</summary>
    /// <param name="beside">The legs that the event line holds beside its data.</param>
    public static void Gather(Event @event, ImmutableArray<Leg> beside, List<Leg> into)
    {
        ArgumentNullException.ThrowIfNull(into);
        into.Clear();
        switch (@event)
        {
            case TransferEvent.Made e:
                into.Add(new(e.Debit, Side.Debit, e.Amount));
                into.Add(new(e.Credit, Side.Credit, e.Amount));
                break;
            case TransferEvent.Posted e:
                into.Add(new(e.Debit, Side.Debit, e.Amount));
                into.Add(new(e.Credit, Side.Credit, e.Amount));
                break;
            default:
                foreach (var leg in beside) into.Add(leg);
                break;
        }
    }

    /// <summary>What a channel said of the event; null where the event has no such words.</summary>
    public static Particulars? Said(Event @event) => @event switch
    {
        TransferEvent.Made e => e.Particulars,
        TransferEvent.Imported e => e.Particulars,
        TransferEvent.Reserved e => e.Particulars,
        TransferEvent.Posted e => e.Particulars,
        TransferEvent.Reversed e => e.Particulars,
        EntryEvent.Posted e => e.Particulars,
        EntryEvent.Adjusted e => e.Particulars,
        EntryEvent.Exchanged e => e.Particulars,
        RestraintEvent.Seized e => e.Particulars,
        _ => null,
    };

    /// <summary>Whether an event takes an earlier posting back.</summary>
    public static bool IsReversal(Event @event) => @event is TransferEvent.Reversed;

    /// <summary>The accounting date and the value date of an event that posted something.</summary>
    /// <exception cref="InvalidOperationException">It states no accounting date.</exception>
    public static (BusinessDate BookedOn, BusinessDate ValueOn) Dates(Event @event)
    {
        var said = Said(@event);
        var booked = @event is EntryEvent.YearCarried year ? year.BookedOn : said?.BookedOn
            ?? throw new InvalidOperationException($"{@event.GetType().Name} states no accounting date.");
        return (booked, said?.ValueOn ?? booked);
    }

    /// <summary>The transfer or entry that an event belongs to by name; null for those without one.</summary>
    public static TransferId? NameOf(Event @event) => @event switch
    {
        TransferEvent.Made e => e.Id,
        TransferEvent.Imported e => e.Id,
        TransferEvent.Reserved e => e.Id,
        TransferEvent.Posted e => e.Id,
        TransferEvent.Cancelled e => e.Id,
        TransferEvent.Expired e => e.Id,
        EntryEvent.Posted e => e.Id,
        EntryEvent.Adjusted e => e.Id,
        EntryEvent.Exchanged e => e.Id,
        _ => null,
    };
}
