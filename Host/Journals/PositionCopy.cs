using BankingEngine.Application.Ports;

namespace BankingEngine.Host.Journals;

/// <summary>Copies where consumer groups and webhooks stand: out to a backup, back, and from store to store.</summary>
/// <remarks>A position is never copied beyond the end of the journal that it goes with: behind a point that was restored
/// other events come, and who stood further on gets those.</remarks>
internal static class PositionCopy
{
    /// <summary>Writes the positions of a folder into another, in the place of those there.</summary>
    /// <param name="end">Last position of the journal that they go with.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="PositionsUnavailableException">They cannot be read.</exception>
    public static async Task<int> BetweenFoldersAsync(string from, string to, long end)
    {
        var positions = await BoundedAsync(new FilePositions(from), end).ConfigureAwait(false);
        if (positions.Count > 0 || File.Exists(Path.Combine(to, FilePositions.FileName))) FilePositions.Keep(to, positions);
        return positions.Count;
    }

    /// <summary>Brings positions to where a journal was copied to; those there that are no longer in the source stay.
    /// </summary>
    /// <returns>How many; null where either journal is a stream: there they lie in a folder of its hosts.</returns>
    /// <exception cref="PositionsUnavailableException">They cannot be read, or not written.</exception>
    public static async Task<int?> MoveAsync(BookPlace from, BookPlace to, string book, long end)
    {
        if (from.Journal.Kind == JournalKind.EventStore || to.Journal.Kind == JournalKind.EventStore) return null;
        var (source, target) = (SharedStores.Positions(from, book), SharedStores.Positions(to, book));
        using var left = source as IDisposable;
        using var right = target as IDisposable;
        var positions = await BoundedAsync(source, end).ConfigureAwait(false);
        foreach (var position in positions) await target.ResetAsync(position, CancellationToken.None).ConfigureAwait(false);
        return positions.Count;
    }

    private static async Task<IReadOnlyList<StoredPosition>> BoundedAsync(IPositions from, long end)
    {
        var all = await from.ListAsync("", CancellationToken.None).ConfigureAwait(false);
        return [.. all.Select(one => one with { Position = Math.Min(one.Position, end) })];
    }
}
