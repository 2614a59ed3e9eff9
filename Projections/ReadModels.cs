using BankingEngine.Application.Journal;

namespace BankingEngine.Projections;

/// <summary>The catalogue of a book's read models, all kept level with the book by one catch-up.</summary>
public sealed class ReadModels : IDisposable
{
    private const int EntriesAt = 0, TransfersAt = 1, AccessAt = 2, KeysAt = 3, ActsAt = 4;

    private readonly CatchUp _catchUp;

    public ReadModels(JournalFeed book) => _catchUp =
        new(book, new AccountEntries(), new TransferLives(), new AccessLog(), new KeyUses(), new AccountActs());

    /// <summary>The accounts' entries as they answer now. Take it once for a question: a rebuild may replace
    /// it.</summary>
    public AccountEntries Entries => (AccountEntries)_catchUp.Live(EntriesAt);

    /// <summary>The lives of transfers as they answer now.</summary>
    public TransferLives Transfers => (TransferLives)_catchUp.Live(TransfersAt);

    /// <summary>The uses of signing keys as they answer now.</summary>
    public KeyUses Keys => (KeyUses)_catchUp.Live(KeysAt);

    /// <summary>What was done for accounts, as it answers now.</summary>
    public AccountActs Acts => (AccountActs)_catchUp.Live(ActsAt);

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

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>The uses of signing keys, with all rows up to a position.</summary>
    public async Task<KeyUses?> KeysAfterAsync(long position) =>
        await _catchUp.WaitForAsync(KeysAt, position, CatchUp.LongestWait).ConfigureAwait(false) ? Keys : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>What was done for accounts, with all rows up to a position.</summary>
    public async Task<AccountActs?> ActsAfterAsync(long position) =>
        await _catchUp.WaitForAsync(ActsAt, position, CatchUp.LongestWait).ConfigureAwait(false) ? Acts : null;

    /// <summary>Builds every read model anew from the first event, beside those that answer.</summary>
    public Task RebuildAsync() =>
        Task.WhenAll(Enumerable.Range(EntriesAt, ActsAt + 1).Select(_catchUp.RebuildAsync));

    /// <summary>Stops following the book. To be called before the book is closed.</summary>
    public void Dispose() => _catchUp.Dispose();
}
