using BankingEngine.Application.Journal;

namespace BankingEngine.Projections;

/// <summary>What became of the wish to build a read model anew.</summary>
public enum RebuildBegun
{
    Begun,

    /// <summary>It was begun before and is not done.</summary>
    UnderWay,
    TooMany,

    /// <summary>There is none of this name.</summary>
    Unknown,
}

/// <summary>The catalogue of a book's read models, all kept level with the book by one catch-up.</summary>
public sealed class ReadModels : IDisposable
{
    private const int EntriesAt = 0, TransfersAt = 1, AccessAt = 2, KeysAt = 3, ActsAt = 4, IssuedAt = 5, MetadataAt = 6,
        HoldersAt = 7, CarriedAt = 8, CountersAt = 9;

    private readonly CatchUp _catchUp;
    private readonly Dictionary<int, Task> _rebuilds = [];

    public ReadModels(JournalFeed book) => _catchUp = new(book, Fresh());

    /// <summary>All of them, empty, in their order.</summary>
    public static Projection[] Fresh() =>
    [
        new AccountEntries(), new TransferLives(), new AccessLog(), new KeyUses(), new AccountActs(),
        new IssuedStatements(), new TransferMetadata(), new AccountHolders(), new CarriedResults(),
        new OperationalCounters(),
    ];

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

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Issued statements, with all rows up to a position.</summary>
    public Task<IssuedStatements?> IssuedAfterAsync(long position) => AfterAsync<IssuedStatements>(IssuedAt, position);

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Transfers by metadata, with all rows up to a position.</summary>
    public Task<TransferMetadata?> MetadataAfterAsync(long position) =>
        AfterAsync<TransferMetadata>(MetadataAt, position);

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Whose accounts are, with all rows up to a position.</summary>
    public Task<AccountHolders?> HoldersAfterAsync(long position) => AfterAsync<AccountHolders>(HoldersAt, position);

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>What closes of years moved, with all rows up to a position.</summary>
    public Task<CarriedResults?> CarriedAfterAsync(long position) => AfterAsync<CarriedResults>(CarriedAt, position);

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Operational counters, with all rows up to a position.</summary>
    public Task<OperationalCounters?> CountersAfterAsync(long position) =>
        AfterAsync<OperationalCounters>(CountersAt, position);

    /// <summary>Begins to build one read model anew from the first event, beside the one that answers.</summary>
    /// <param name="most">Rebuilds that may be under way at once.</param>
    public RebuildBegun Begin(string name, int most)
    {
        var lag = Lag();
        var at = lag.Select(model => model.Name).ToList().IndexOf(name);
        if (at < 0) return RebuildBegun.Unknown;
        lock (_rebuilds)
        {
            foreach (var done in _rebuilds.Where(pair => pair.Value.IsCompleted).ToList()) _rebuilds.Remove(done.Key);
            if (_rebuilds.ContainsKey(at)) return RebuildBegun.UnderWay;
            if (_rebuilds.Count >= most) return RebuildBegun.TooMany;
            _rebuilds.Add(at, _catchUp.RebuildAsync(at));
            return RebuildBegun.Begun;
        }
    }

    /// <summary>The read model of a name as it answers now; null where there is none.</summary>
    public Projection? Named(string name)
    {
        for (var i = EntriesAt; i <= CountersAt; i++)
        {
            if (_catchUp.Live(i).Name == name) return _catchUp.Live(i);
        }
        return null;
    }

    private async Task<T?> AfterAsync<T>(int at, long position) where T : Projection =>
        await _catchUp.WaitForAsync(at, position, CatchUp.LongestWait).ConfigureAwait(false)
            ? (T)_catchUp.Live(at)
            : null;

    /// <summary>Builds every read model anew from the first event, beside those that answer.</summary>
    public Task RebuildAsync() =>
        Task.WhenAll(Enumerable.Range(EntriesAt, CountersAt + 1).Select(_catchUp.RebuildAsync));

    /// <summary>Stops following the book. To be called before the book is closed.</summary>
    public void Dispose() => _catchUp.Dispose();
}
