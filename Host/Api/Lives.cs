using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>
/// What has become of a transfer that the book no longer holds open, for those who still ask something of it.
/// </summary>
internal static class Lives
{
    /// <summary>The life of a transfer, with all events up to a position.</summary>
    /// <returns>Null where there is none, or the read model cannot tell now.</returns>
    public static async Task<TransferLife?> OfAsync(RunningBook book, TransferId id, long position)
    {
        try
        {
            var lives = await book.ReadModels.LivesAsync(position).ConfigureAwait(false);
            return lives is null ? null : await lives.FindAsync(id).ConfigureAwait(false);
        }
        catch (Exception unknown) when (unknown is ProjectionStoppedException or ReadModelUnavailableException)
        {
            return null;
        }
    }

    /// <summary>
    /// Says of a refused posting or cancellation what the reservation was by then. Nothing later counts, so that a
    /// repeat is told the same.
    /// </summary>
    /// <returns>Null where there is nothing to say.</returns>
    public static async Task<string?> DetailAsync(RunningBook book, Command command, Answer answer)
    {
        if (answer.Ended is not { Ending: Ending.Refused or Ending.Repeated, Parts: 1 } ended) return null;
        TransferId id;
        if (command is PostTransfer post) id = post.Id;
        else if (command is CancelTransfer cancel) id = cancel.Id;
        else return null;
        if (!ReadsJson.TryRead(book.Engine, ended.Position, out var line)) return null;
        var isNotFound = EventLine.Read(line.Span).Recorded.Event is CommandEvent.Refused refused
            && refused.Code == TransferRejections.NotFound.Code;
        if (!isNotFound || await OfAsync(book, id, ended.Position).ConfigureAwait(false) is not { } life) return null;
        var before = life.Positions.Where(position => position < ended.Position).ToList();
        if (before.Count == 0 || !ReadsJson.TryRead(book.Engine, before[^1], out var last)) return null;
        var became = EventLine.Read(last.Span).Recorded.Event switch
        {
            TransferEvent.Posted => "was posted",
            TransferEvent.Cancelled => "was cancelled",
            TransferEvent.Expired => "has expired",
            TransferEvent.Made or TransferEvent.Imported => "was made at once, without a reservation,",
            _ => "is an entry, made at once,",
        };
        return FormattableString.Invariant($"It {became} at position {before[^1]}.");
    }
}
