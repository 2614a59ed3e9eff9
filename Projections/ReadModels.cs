using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Projections.Stores.Postgres;

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

/// <summary>
/// The catalogue of a book's read models. In memory, all are kept level with the book by one catch-up; with PostgreSQL
/// the two that grow with every transfer, accounts' entries and transfers' lives, are tables there, and only the small
/// ones (who looked at whom, uses of keys, acts, statements, holders, counters) are in memory, and what pairs of metadata
/// transfers carry. A third model there, of tables only, has what reports need besides: the program goes on answering
/// that from memory, and whoever reads the database finds it there.
/// </summary>
public sealed class ReadModels : IDisposable
{
    /// <summary>What is said of the models that live in memory.</summary>
    public const string Memory = "memory";

    /// <summary>What an address of read models in PostgreSQL begins with; a connection string follows.</summary>
    public const string PostgresPrefix = "postgres:";

    private const int EntriesAt = 0, TransfersAt = 1, AccessAt = 2, KeysAt = 3, ActsAt = 4, IssuedAt = 5, MetadataAt = 6,
        HoldersAt = 7, CarriedAt = 8, CountersAt = 9;

    /// <summary>So many, the first, are tables instead where there are tables, and the first there too.</summary>
    public const int MayBeTables = 2;

    private readonly Meter _meter = new(EngineMeters.MeterName);
    private readonly CatchUp _catchUp;
    private readonly PostgresReadModels? _tables;
    private readonly Dictionary<int, Task> _rebuilds = [];
    private readonly ConcurrentDictionary<string, RebuildFailure> _failed = [];

    public ReadModels(JournalFeed book) : this(book, tables: null) { }

    private ReadModels(JournalFeed book, PostgresReadModels? tables)
    {
        _tables = tables;
        _meter.CreateObservableGauge("bank.projection.behind", () => Lag().Select(lag => new Measurement<long>(
            Math.Max(0, lag.Durable - lag.Position), new KeyValuePair<string, object?>("projection", lag.Name))),
            "{event}", "Events that a read model does not have yet.");
        _meter.CreateObservableGauge("bank.projection.failing", () => Lag().Select(lag => new Measurement<int>(
            lag.Fault is null && lag.LastError is null ? 0 : 1,
            new KeyValuePair<string, object?>("projection", lag.Name))),
            "{projection}", "1 for a read model that has stopped, or whose store cannot be written to.");
        _catchUp = new(book, tables is null ? Fresh() : Fresh()[MayBeTables..]);
    }

    /// <summary>All of them, empty, in their order.</summary>
    public static Projection[] Fresh() =>
    [
        new AccountEntries(), new TransferLives(), new AccessLog(), new KeyUses(), new AccountActs(),
        new IssuedStatements(), new TransferMetadata(), new AccountHolders(), new CarriedResults(),
        new OperationalCounters(),
    ];

    /// <summary>All read models in memory.</summary>
    public static ReadModels InMemory(JournalFeed feed) => new(feed);

    /// <summary>Accounts' entries and transfers' lives as tables in PostgreSQL. The store need not be there yet.
    /// </summary>
    /// <param name="connectionString">As Npgsql has it.</param>
    /// <param name="book">The book's name, which names its schema.</param>
    /// <exception cref="ArgumentException">The connection string is not one.</exception>
    public static ReadModels Postgres(JournalFeed feed, string connectionString, string book) =>
        new(feed, new PostgresReadModels(feed, connectionString, book));

    /// <summary>Whether a text is an address that <see cref="At"/> takes, as far as its form tells.</summary>
    public static bool IsAddress(string text) =>
        text == Memory || (text.StartsWith(PostgresPrefix, StringComparison.Ordinal) && text.Length > PostgresPrefix.Length);

    /// <summary>Read models at an address: <c>memory</c>, or <c>postgres:</c> and a connection string.</summary>
    /// <param name="address">Null or empty: memory.</param>
    /// <exception cref="ArgumentException">The address is neither.</exception>
    public static ReadModels At(string? address, JournalFeed feed, string book)
    {
        if (string.IsNullOrEmpty(address) || address == Memory) return InMemory(feed);
        return address.StartsWith(PostgresPrefix, StringComparison.Ordinal)
            ? Postgres(feed, address[PostgresPrefix.Length..], book)
            : throw new ArgumentException(
                $"Read models are at '{Memory}' or at '{PostgresPrefix}' and a connection string.", nameof(address));
    }

    /// <summary>The tables, where there are any: to rebuild and to verify them.</summary>
    public PostgresReadModels? Tables => _tables;

    /// <summary>The accounts' entries as they answer now. Take it once for a question: a rebuild may replace
    /// it.</summary>
    /// <exception cref="InvalidOperationException">They are tables: ask <see cref="AccountsAsync"/>.</exception>
    public AccountEntries Entries => (AccountEntries)Live(EntriesAt);

    /// <summary>The lives of transfers as they answer now.</summary>
    /// <exception cref="InvalidOperationException">They are tables: ask <see cref="LivesAsync"/>.</exception>
    public TransferLives Transfers => (TransferLives)Live(TransfersAt);

    /// <summary>The uses of signing keys as they answer now.</summary>
    public KeyUses Keys => (KeyUses)Live(KeysAt);

    /// <summary>What was done for accounts, as it answers now.</summary>
    public AccountActs Acts => (AccountActs)Live(ActsAt);

    /// <summary>Questions about accounts, answered with all rows up to a position.</summary>
    /// <returns>Null where it did not get there in <see cref="CatchUp.LongestWait"/>.</returns>
    /// <exception cref="ProjectionStoppedException">It stopped before that position.</exception>
    public async Task<IAccountEntries?> AccountsAsync(long after)
    {
        if (_tables is null) return await EntriesAfterAsync(after).ConfigureAwait(false);
        return await _tables.WaitForAsync(EntriesAt, after, CatchUp.LongestWait).ConfigureAwait(false)
            ? _tables.Accounts
            : null;
    }

    /// <inheritdoc cref="AccountsAsync"/>
    /// <summary>Questions about the lives of transfers, answered with all rows up to a position.</summary>
    public async Task<ITransferLives?> LivesAsync(long after)
    {
        if (_tables is null) return await TransfersAfterAsync(after).ConfigureAwait(false);
        return await _tables.WaitForAsync(TransfersAt, after, CatchUp.LongestWait).ConfigureAwait(false)
            ? _tables.Transfers
            : null;
    }

    /// <summary>Where each read model stands.</summary>
    public IReadOnlyList<ProjectionLag> Lag() =>
        [.. (_tables?.Lag() ?? []).Concat(_catchUp.Lag()).Select(lag => lag with
        {
            RebuildFailed = _failed.GetValueOrDefault(lag.Name),
        })];

    /// <summary>The accounts' entries, with all rows up to a position.</summary>
    /// <returns>Null where it did not get there in <see cref="CatchUp.LongestWait"/>.</returns>
    /// <exception cref="ProjectionStoppedException">It stopped before that position.</exception>
    /// <exception cref="InvalidOperationException">They are tables: ask <see cref="AccountsAsync"/>.</exception>
    public async Task<AccountEntries?> EntriesAfterAsync(long position) =>
        await ReachedAsync(EntriesAt, position).ConfigureAwait(false) ? Entries : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>The lives of transfers, with all rows up to a position.</summary>
    public async Task<TransferLives?> TransfersAfterAsync(long position) =>
        await ReachedAsync(TransfersAt, position).ConfigureAwait(false)
            ? Transfers
            : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>Who looked at whom, with all rows up to a position.</summary>
    public async Task<AccessLog?> AccessAfterAsync(long position) =>
        await ReachedAsync(AccessAt, position).ConfigureAwait(false)
            ? (AccessLog)Live(AccessAt)
            : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>The uses of signing keys, with all rows up to a position.</summary>
    public async Task<KeyUses?> KeysAfterAsync(long position) =>
        await ReachedAsync(KeysAt, position).ConfigureAwait(false) ? Keys : null;

    /// <inheritdoc cref="EntriesAfterAsync"/>
    /// <summary>What was done for accounts, with all rows up to a position.</summary>
    public async Task<AccountActs?> ActsAfterAsync(long position) =>
        await ReachedAsync(ActsAt, position).ConfigureAwait(false) ? Acts : null;

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
            _rebuilds.Add(at, RebuildAsync(at, name));
            return RebuildBegun.Begun;
        }
    }

    /// <summary>The read model of a name as it answers now; null where there is none in memory.</summary>
    public Projection? Named(string name)
    {
        for (var i = _tables is null ? 0 : MayBeTables; i <= CountersAt; i++)
        {
            if (Live(i).Name == name) return Live(i);
        }
        return null;
    }

    private async Task<T?> AfterAsync<T>(int at, long position) where T : Projection =>
        await ReachedAsync(at, position).ConfigureAwait(false) ? (T)Live(at) : null;

    /// <param name="index">In <see cref="Lag"/>.</param>
    private async Task RebuildAsync(int index, string name)
    {
        try
        {
            var tables = _tables?.Names.Count ?? 0;
            await (index < tables ? _tables!.RebuildAsync(index) : _catchUp.RebuildAsync(index - tables))
                .ConfigureAwait(false);
            _failed.TryRemove(name, out _);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * Instant.MicrosecondsPerSecond / 1_000;
            _failed[name] = new(new(now), ReasonOf(fault));
            throw;
        }
    }

    /// <summary>What PostgreSQL says of objects that hang on a table stands in the details, with their names.</summary>
    private static string ReasonOf(Exception fault) => fault is Npgsql.PostgresException refused
        ? $"{refused.SqlState}: {refused.MessageText}"
            + (refused.SqlState == Npgsql.PostgresErrorCodes.DependentObjectsStillExist ? $" ({refused.Detail})" : "")
        : $"{fault.GetType().Name}: {fault.Message}";

    /// <summary>Builds every read model anew from the first event, beside those that answer.</summary>
    public Task RebuildAsync() => Task.WhenAll(Lag().Select((model, at) => RebuildAsync(at, model.Name)));

    /// <summary>Stops following the book. To be called before the book is closed.</summary>
    public void Dispose()
    {
        _meter.Dispose();
        _tables?.Dispose();
        _catchUp.Dispose();
    }

    private Projection Live(int index) => _catchUp.Live(InCatchUp(index));

    private Task<bool> ReachedAsync(int index, long position) =>
        _catchUp.WaitForAsync(InCatchUp(index), position, CatchUp.LongestWait);

    /// <summary>The number that the catch-up has for a model in memory.</summary>
    private int InCatchUp(int index) =>
        _tables is null ? index
        : index >= MayBeTables ? index - MayBeTables
        : throw new InvalidOperationException("These rows are tables in PostgreSQL.");
}
