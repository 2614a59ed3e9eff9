using BankingEngine.Application.Journal;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// The read models of one book that are tables in PostgreSQL: kept level from here, or from another host that was
/// there first, and asked from here in either case.
/// </summary>
public sealed class PostgresReadModels : IDisposable
{
    /// <summary>The longest one question may take; reports over the whole book have longer.</summary>
    internal const int QuestionSeconds = 10, ReportSeconds = 120;

    private const int ConnectSeconds = 3;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(25);

    private readonly JournalFeed _feed;
    private readonly StoreSchema _schema;
    private readonly string _connectionString;
    private readonly NpgsqlDataSource _source;
    private readonly Follower[] _followers;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Begins to follow the book. The store need not be there yet.</summary>
    /// <param name="connectionString">As Npgsql has it.</param>
    /// <param name="book">Names the schema: the book's name.</param>
    /// <exception cref="ArgumentException">The connection string is not one.</exception>
    public PostgresReadModels(JournalFeed feed, string connectionString, string book)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        AddressDefaults.Complete(settings);
        connectionString = settings.ConnectionString;
        (_feed, _connectionString, _schema) = (feed, connectionString, new(feed, book));
        settings.ApplicationName ??= $"read models of {book}";
        settings.Timeout = BoundedOpening.Seconds(settings.Timeout, ConnectSeconds);
        settings.CommandTimeout = QuestionSeconds;
        _source = NpgsqlDataSource.Create(settings);
        _followers = [.. Models().Select(model => new Follower(feed, _schema, connectionString, model))];
        Accounts = new EntriesReader(new(_source, _schema, _followers[0]));
        Transfers = new TransfersReader(new(_source, _schema, _followers[1]));
    }

    /// <summary>All models, each with the version of its tables: first those that stand in for models in memory, then
    /// those that only whoever reads the database asks.</summary>
    public static IReadOnlyList<(string Name, int Version)> All => [.. Models().Select(m => (m.Name, m.Version))];

    /// <summary>The names of the models.</summary>
    public IReadOnlyList<string> Names => [.. _followers.Select(follower => follower.Model.Name)];

    /// <summary>Accounts, balances and entries.</summary>
    public IAccountEntries Accounts { get; }

    /// <summary>Transfers and what became of them.</summary>
    public ITransferLives Transfers { get; }

    /// <summary>Where each stands; with the reason where the store could not be written to.</summary>
    public IReadOnlyList<ProjectionLag> Lag() => [.. _followers.Select(follower =>
    {
        var (position, durable) = (follower.Position, _feed.DurablePosition);
        return new ProjectionLag(
            follower.Model.Name, follower.Model.Version, position, durable, position < durable ? follower.At : null,
            follower.Fault, LastError: follower.LastError);
    })];

    /// <summary>Waits until a model has the rows of a position.</summary>
    /// <param name="index">In <see cref="Names"/>.</param>
    /// <param name="timeout">At most <see cref="CatchUp.LongestWait"/>.</param>
    /// <returns>False when the time is over.</returns>
    /// <exception cref="ProjectionStoppedException">It stopped before that position.</exception>
    public async Task<bool> WaitForAsync(int index, long position, TimeSpan timeout)
    {
        var follower = _followers[index];
        var until = Environment.TickCount64
            + (long)TimeSpan.FromTicks(Math.Min(timeout.Ticks, CatchUp.LongestWait.Ticks)).TotalMilliseconds;
        while (true)
        {
            var next = follower.NextMove();
            if (follower.Position >= position) return true;
            if (follower.Fault is { } fault) throw new ProjectionStoppedException(follower.Model.Name, fault);
            var left = until - Environment.TickCount64;
            if (left <= 0 || _stop.IsCancellationRequested) return false;
            // Where another host writes, nobody tells this one.
            var pause = TimeSpan.FromMilliseconds(left);
            if (!follower.IsWriting && pause > AskAgain) pause = AskAgain;
            await Task.WhenAny(next, Task.Delay(pause)).ConfigureAwait(false);
            if (!follower.IsWriting) await new Asking(_source, _schema, follower).TryLearnAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Builds a model's tables anew beside those that answer, and lets them take over in one
    /// instant.</summary>
    /// <param name="index">In <see cref="Names"/>.</param>
    /// <exception cref="StoreMismatchException">Another host builds it.</exception>
    /// <exception cref="NpgsqlException">The store refuses; nothing has changed.</exception>
    public async Task RebuildAsync(
        int index, IProgress<RebuildProgress>? progress = null, CancellationToken cancellation = default)
    {
        await Apart(stop => RebuildOf(index).Swap(progress, stop), cancellation).ConfigureAwait(false);
        await _followers[index].RenewAsync().ConfigureAwait(false);
    }

    /// <summary>Compares a model's tables with new ones made of the same events. Changes nothing.</summary>
    /// <param name="index">In <see cref="Names"/>.</param>
    public async Task<IReadOnlyList<TableComparison>> VerifyAsync(
        int index, IProgress<RebuildProgress>? progress = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<TableComparison> compared = [];
        await Apart(stop => compared = RebuildOf(index).Verify(progress, stop), cancellation).ConfigureAwait(false);
        return compared;
    }

    /// <summary>Stops following. To be called before the book is closed.</summary>
    public void Dispose()
    {
        if (_stop.IsCancellationRequested) return;
        _stop.Cancel();
        foreach (var follower in _followers) follower.Dispose();
        _source.Dispose();
    }

    private static TableModel[] Models() => [new EntriesModel(), new TransfersModel(), new FactsModel()];

    private TableRebuild RebuildOf(int index) =>
        new(_feed, _schema, _connectionString, _followers[index].Model.Fresh());

    private async Task Apart(Action<CancellationToken> work, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        await Task.Factory.StartNew(
            () => work(either.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .ConfigureAwait(false);
    }
}
