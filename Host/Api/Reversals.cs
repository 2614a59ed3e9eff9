using System.Buffers;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>
/// Finds what a reversal reverses: by the position in the id, or by the book's memory of ids, or where the caller says
/// it stands; the journal's line has the last word. The legs are the journal's, never a caller's.
/// </summary>
public static class Reversals
{
    /// <summary>The command with position and legs filled in; without legs where there is nothing to reverse.</summary>
    /// <param name="under">The id of the command: one that was answered before is answered again by the book.</param>
    /// <returns>A flaw where a reservation was posted in several parts and none is named.</returns>
    public static async Task<(ReverseEntry Command, Flaw? Flaw)> ResolveAsync(
        RunningBook book, TransferId id, ReverseEntry command, CommandId under)
    {
        var (position, parts) = command.Original > 0
            ? (command.Original, 1)
            : await FindAsync(book, id).ConfigureAwait(false);
        if (position > book.Engine.DurablePosition) position = 0;
        for (var at = position; at > 0 && at < position + parts; at++)
        {
            if (Read(book, at) is not { } recorded || NameOf(recorded.Event) != id) continue;
            return (await FilledAsync(book, command, at, recorded).ConfigureAwait(false), null);
        }
        var nothing = command with { Original = 0, Legs = [] };
        return command.Original > 0
            ? (nothing, null)
            : await OfReservationAsync(book, id, nothing, under).ConfigureAwait(false);
    }

    /// <summary>A reservation's only posting, which stands apart from where the id was first used.</summary>
    private static async Task<(ReverseEntry Command, Flaw? Flaw)> OfReservationAsync(
        RunningBook book, TransferId id, ReverseEntry nothing, CommandId under)
    {
        if (await Lives.OfAsync(book, id, book.Engine.DurablePosition).ConfigureAwait(false) is not { } life)
            return (nothing, null);
        var posted = new List<(long Position, Recorded Recorded)>();
        foreach (var at in life.Positions)
        {
            if (Read(book, at) is { Event: TransferEvent.Posted } recorded) posted.Add((at, recorded));
            if (posted.Count > 1) break;
        }
        if (posted.Count == 1)
            return (await FilledAsync(book, nothing, posted[0].Position, posted[0].Recorded).ConfigureAwait(false), null);
        var isKnown = posted.Count == 0 || await book.Engine.ReadAsync((bank, _) => bank.Memory.TryFind(under, out var _))
            .ConfigureAwait(false);
        return (nothing, isKnown ? null : new Flaw(EdgeProblems.PostedInParts, Fields.Position.Name));
    }

    /// <summary>
    /// The reversal of credits not yet of value has their value date, or it would take funds that are, and leave the
    /// others waiting for nothing.
    /// </summary>
    private static async Task<ReverseEntry> FilledAsync(RunningBook book, ReverseEntry command, long at, Recorded original)
    {
        var filled = command with { Original = at, Legs = PostedLegs.Of(original) };
        if (command.Particulars.ValueOn is not null || PostedLegs.Said(original.Event)?.ValueOn is not { } value) return filled;
        var today = await book.Engine.ReadAsync((bank, _) => bank.Book.Day.Today).ConfigureAwait(false);
        return value > today ? filled with { Particulars = command.Particulars with { ValueOn = value } } : filled;
    }

    private static async Task<(long Position, int Parts)> FindAsync(RunningBook book, TransferId id)
    {
        var (hash, row) = await book.Engine.ReadAsync((bank, _) =>
            (bank.Book.Hash, bank.Memory.TryFind(new(id.Value), out var found) ? found : default))
                .ConfigureAwait(false);
        return id.TryGetPosition(hash, out var position) ? (position, 1) : (row.Position, row.Parts);
    }

    private static Recorded? Read(RunningBook book, long position)
    {
        var line = new ArrayBufferWriter<byte>(1024);
        return book.Engine.Journal.TryReadEvent(position, line) ? EventLine.Read(line.WrittenSpan).Recorded : null;
    }

    private static TransferId? NameOf(Event @event) => @event switch
    {
        TransferEvent.Made e => e.Id,
        TransferEvent.Imported e => e.Id,
        TransferEvent.Posted e => e.Id,
        EntryEvent.Posted e => e.Id,
        EntryEvent.Adjusted e => e.Id,
        EntryEvent.Exchanged e => e.Id,
        _ => null,
    };
}
