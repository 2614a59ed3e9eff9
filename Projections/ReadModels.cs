using BankingEngine.Application.Engine;

namespace BankingEngine.Projections;

/// <summary>The catalogue of a book's read models, all kept level with the book by one catch-up.</summary>
public sealed class ReadModels : IDisposable
{
    private const int EntriesAt = 0, TransfersAt = 1, AccessAt = 2;

    private readonly CatchUp _catchUp;

    public ReadModels(BookEngine book) => _catchUp = new(book, new AccountEntries(), new TransferLives(), new AccessLog());

    /// <summary>The accounts' entries as they answer now. Take it once for a question: a rebuild may replace
    /// it.</summary>
    public AccountEntries Entries => (AccountEntries)_catchUp.Live(EntriesAt);

    /// <summary>The lives of transfers as they answer now.</summary>
    public TransferLives Transfers => (TransferLives)_catchUp.Live(TransfersAt);

    /// <summary>Where each read model stands.</summary>
    public IReadOnlyList<ProjectionLag> Lag() => _catchUp.Lag();

    /// <summary>The accounts' entries, with all rows up to a position.</summary>
    /// <returns>Null where it did not get there in <see cref="CatchUp.LongestWait"/>.</returns>
    /// <exception cref="ProjectionStoppedException">It stopped before that position.</exception>
    public async Task<AccountEntries?> EntriesAfterAsync(long position) =>
        await _catchUp.WaitForAsync(EntriesAt, position, CatchUp.LongestWait).ConfigureAwait(false) ? Entries : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>The lives of transfers, with all rows up to a position.</summary>
    public async Task<TransferLives?> TransfersAfterAsync(long position) =>
        await _catchUp.WaitForAsync(TransfersAt, position, CatchUp.LongestWait).ConfigureAwait(false)
            ? Transfers
            : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Who looked at whom, with all rows up to a position.</summary>
    public async Task<AccessLog?> AccessAfterAsync(long position) =>
        await _catchUp.WaitForAsync(AccessAt, position, CatchUp.LongestWait).ConfigureAwait(false)
            ? (AccessLog)_catchUp.Live(AccessAt)
            : null;

    /// <summary>Builds every read model anew from the first event, beside those that answer.</summary>
    public Task RebuildAsync() => Task.WhenAll(
        _catchUp.RebuildAsync(EntriesAt), _catchUp.RebuildAsync(TransfersAt), _catchUp.RebuildAsync(AccessAt));

    /// <summary>Stops following the book. To be called before the book is closed.</summary>
    public void Dispose() => _catchUp.Dispose();
}
