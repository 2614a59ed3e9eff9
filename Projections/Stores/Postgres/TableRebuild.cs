using BankingEngine.Application.Journal;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>How far a rebuild or a verification is.</summary>
/// <param name="Through">Where it will end, as far as is known.</param>
/// <param name="Phase">What it does there: events, indexes, swap or compare.</param>
public sealed record RebuildProgress(string Model, long Position, long Through, string Phase);

/// <summary>The rows of one table as they are and as they should be.</summary>
/// <param name="Live">Count and hash of all rows, whatever their order.</param>
public sealed record TableComparison(string Table, TableDigest Live, TableDigest Rebuilt)
{
    public bool AreEqual => Live == Rebuilt;
}

/// <param name="Hash">Sum of two 64-bit hashes of each row: equal for equal rows.</param>
public sealed record TableDigest(long Rows, string Hash);

/// <summary>
/// Builds the tables of a model anew beside the live ones, in one transaction: a crash or an abort leaves nothing, and
/// readers see the old tables until the instant they see the new.
/// </summary>
/// <param name="model">Empty.</param>
internal sealed class TableRebuild(JournalFeed feed, StoreSchema schema, string connectionString, TableModel model)
{
    /// <summary>How often it asks readers to make way, and how long each time: new ones queue behind it. For a batch
    /// that is being written it waits longer.</summary>
    private const int SwapAttempts = 15, SwapMilliseconds = 2_000;

    private const int LockMilliseconds = 3_000;

    /// <summary>How long it waits for news of events that the live tables have; all the while they stand still.</summary>
    private const int SilenceMilliseconds = 10_000;

    private static readonly TimeSpan
        BetweenAttempts = TimeSpan.FromMilliseconds(200), BetweenLooks = TimeSpan.FromMilliseconds(20);

    private readonly string _beside = schema.Beside(model.Name);

    /// <summary>Puts new tables in the place of the live ones.</summary>
    /// <exception cref="StoreMismatchException">Another host builds it, or the live tables have events that do not come
    /// here.</exception>
    /// <exception cref="PostgresException">The store refuses, or something of somebody else's hangs on the tables;
    /// nothing has changed.</exception>
    /// <exception cref="PoisonException">An event cannot be taken; nothing has changed.</exception>
    public void Swap(IProgress<RebuildProgress>? progress, CancellationToken cancellation) => Run(target =>
    {
        using var batch = Build(target, () => feed.DurablePosition, progress, cancellation);
        var live = target with { IsFresh = false };
        Report(progress, batch, "swap");
        var state = schema.StateOf(live, model.Name, "for update")
            ?? throw new StoreMismatchException($"{model.Name} was never stored.");
        Reach(live, batch, state.Position, cancellation);
        Replace(live, cancellation);
        schema.Renew(live, model, batch.Position, batch.At, batch.Root);
    }, commit: true);

    /// <summary>Compares the live tables with new ones made of the same events; changes nothing.</summary>
    public IReadOnlyList<TableComparison> Verify(IProgress<RebuildProgress>? progress, CancellationToken cancellation)
    {
        var compared = new List<TableComparison>();
        Run(target =>
        {
            var first = StateOf(target);
            using var batch = Build(target, () => first, progress, cancellation);
            // The row is held, so the live tables stand still for as long as they are read.
            var live = target with { IsFresh = false };
            var state = schema.StateOf(live, model.Name, "for update")!;
            Reach(live, batch, state.Position, cancellation);
            Report(progress, batch, "compare");
            foreach (var table in model.Tables)
            {
                compared.Add(new(table.Name, DigestOf(live, $"{schema.Quoted}.{table.Name}"),
                    DigestOf(live, $"{_beside}.{table.Name}")));
            }
        }, commit: false);
        return compared;
    }

    private void Run(Action<TableTarget> build, bool commit)
    {
        var name = $"{schema.LockOf(model.Name)} rebuild";
        using var session = WriterSession.Open(connectionString, name, isRebuild: true);
        // A session that has just ended may hold it for a moment longer.
        for (var since = Environment.TickCount64; !session.TryLock(name);)
        {
            if (Environment.TickCount64 - since > LockMilliseconds)
                throw new StoreMismatchException($"Another host builds {model.Name}.");
            Thread.Sleep(BetweenAttempts);
        }
        schema.Ensure(session.Connection);
        schema.EnsureModel(session.Connection, model);
        using var transaction = session.Connection.BeginTransaction();
        var target = new TableTarget(session.Connection, _beside, IsFresh: true, IsRebuild: true);
        target.Run($"create schema {_beside}");
        foreach (var table in model.Tables) target.Run(table.Create(_beside));
        model.Prepare(target);
        build(target);
        if (commit) transaction.Commit();
        else transaction.Rollback();
    }

    /// <summary>Fills the tables up to a position that may move, and makes the indexes.</summary>
    private Batch Build(
        TableTarget target, Func<long> through, IProgress<RebuildProgress>? progress, CancellationToken cancellation)
    {
        var batch = new Batch(feed.Journal, model, position: 0);
        try
        {
            Fill(target, batch, through, progress, cancellation);
            model.Finish(target);
            Report(progress, batch, "indexes");
            foreach (var table in model.Tables)
            {
                cancellation.ThrowIfCancellationRequested();
                StoreSchema.Each(target, table.CreateIndexes(_beside));
                StoreSchema.Each(target, table.Comments(_beside));
                target.Run($"analyze {_beside}.{table.Name}");
            }
            // The more is in by now, the shorter the live tables stand still.
            feed.Look();
            Fill(target with { IsFresh = false }, batch, through, progress, cancellation);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    private void Fill(
        TableTarget target, Batch batch, Func<long> through, IProgress<RebuildProgress>? progress,
        CancellationToken cancellation)
    {
        while (batch.Position < through())
        {
            cancellation.ThrowIfCancellationRequested();
            if (batch.Take(Math.Min(Follower.MostEvents, through() - batch.Position)) == 0) break;
            model.Write(target);
            progress?.Report(new(model.Name, batch.Position, through(), "events"));
        }
    }

    /// <summary>Takes what the live tables have beyond the new ones: they were level a moment ago.</summary>
    private void Reach(TableTarget target, Batch batch, long position, CancellationToken cancellation)
    {
        for (var heard = Environment.TickCount64; batch.Position < position;)
        {
            cancellation.ThrowIfCancellationRequested();
            if (batch.Take(Math.Min(Follower.MostEvents, position - batch.Position)) > 0)
            {
                model.Write(target);
                heard = Environment.TickCount64;
            }
            // Another host writes, and knows of events that are on their way here.
            else if (!feed.Look())
            {
                if (Environment.TickCount64 - heard > SilenceMilliseconds)
                {
                    throw new StoreMismatchException(
                        $"The tables of {model.Name} are at position {position}, and nothing beyond {batch.Position} came from "
                        + $"the journal for {SilenceMilliseconds / 1_000} seconds.");
                }
                cancellation.WaitHandle.WaitOne(BetweenLooks);
            }
        }
    }

    /// <summary>Waits for readers to end, a little at a time, so that new ones do not queue for long.</summary>
    private void Replace(TableTarget target, CancellationToken cancellation)
    {
        target.Run($"set local lock_timeout = {SwapMilliseconds}");
        for (var attempt = 1; ; attempt++)
        {
            target.Run("savepoint way");
            try
            {
                TakePlace(target);
                return;
            }
            catch (PostgresException busy)
                when (busy.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
                    && attempt < SwapAttempts)
            {
                target.Run("rollback to savepoint way");
                cancellation.WaitHandle.WaitOne(BetweenAttempts);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Lets the views read the new tables and puts these in the place of the old.</summary>
    private void TakePlace(TableTarget target)
    {
        schema.Lock(target);
        var own = model.Tables.Select(table => table.Name).ToHashSet();
        var views = ReportViews.All.Where(view => view.Tables.Any(own.Contains)).ToList();
        LockOut(target, views);
        schema.MakeViews(target, views, table => $"{(own.Contains(table) ? _beside : schema.Quoted)}.{table}");
        // With nothing on the path, whatever hangs on a table and refuses is named with its schema.
        target.Run("set local search_path = ''");
        foreach (var table in own)
        {
            var succession = new TableSuccession($"{schema.Quoted}.{table}", $"{_beside}.{table}");
            target.Run(succession.Grants);
            target.Run(succession.Publications);
            target.Run($"drop table if exists {schema.Quoted}.{table}");
            target.Run($"alter table {_beside}.{table} set schema {schema.Quoted}");
        }
        target.Run($"drop schema {_beside}");
    }

    /// <summary>Keeps readers out in the order in which they come, or each could wait for the other: of a view before
    /// those that it is made of, of views before tables. What is said of a column's default changes nothing;
    /// <c>lock</c> would take the tables of other models with a view. A table that somebody dropped has no readers, and
    /// is made again.</summary>
    private void LockOut(TableTarget target, List<ViewShape> views)
    {
        foreach (var view in Enumerable.Reverse(views))
            target.Run($"alter view if exists {schema.Quoted}.{view.Name} alter column {view.Columns[0].Name} drop default");
        var names = string.Join(", ", model.Tables.Select(table => $"{schema.Quoted}.{table.Name}")
            .Where(name => StoreSchema.Exists(target, name)));
        if (names.Length > 0) target.Run($"lock table {names} in access exclusive mode");
    }

    private long StateOf(TableTarget target) =>
        schema.StateOf(target, model.Name)?.Position
        ?? throw new StoreMismatchException($"{model.Name} was never stored.");

    private static TableDigest DigestOf(TableTarget target, string table)
    {
        using var command = target.Command(
            $"""
            select count(*), coalesce(sum(hashtextextended(t::text, 1)::numeric), 0)::text || ':'
              || coalesce(sum(hashtextextended(t::text, 2)::numeric), 0)::text from {table} t
            """);
        using var row = command.ExecuteReader();
        row.Read();
        return new(row.GetInt64(0), row.GetString(1));
    }

    private void Report(IProgress<RebuildProgress>? progress, Batch batch, string phase) =>
        progress?.Report(new(model.Name, batch.Position, feed.DurablePosition, phase));
}
