using System.Diagnostics;
using BankingEngine.Application.Journal;
using BankingEngine.Projections;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Cli;

/// <summary>A read model whose tables were built anew.</summary>
/// <param name="Position">Of the events in them when the swap began; a server that runs may have added more.</param>
internal sealed record RebuiltModel(string Name, long Position, TimeSpan Time);

/// <summary>The read models that are tables, as the command line builds them anew and compares them.</summary>
internal static class ProjectionTables
{
    /// <summary>The connection string in an address of read models; null where they live in memory.</summary>
    public static string? Of(string address) =>
        address.StartsWith(ReadModels.PostgresPrefix, StringComparison.Ordinal)
            ? address[ReadModels.PostgresPrefix.Length..]
            : null;

    /// <summary>Builds all tables beside those that answer, and swaps them in.</summary>
    /// <exception cref="CommandFailure">Refused: somebody's view hangs on a table; Internal: the store failed.</exception>
    public static IReadOnlyList<RebuiltModel> Rebuild(
        IJournal journal, string connection, Terminal terminal, CancellationToken cancellation) =>
        Asked(journal, connection, tables => tables.Names.Select((name, index) =>
        {
            var started = Stopwatch.GetTimestamp();
            var position = terminal.Progress(name, journal.Tail.Position, progress =>
            {
                var steps = new Steps(progress);
                tables.RebuildAsync(index, steps, cancellation).GetAwaiter().GetResult();
                return steps.Position;
            });
            return new RebuiltModel(name, position, Stopwatch.GetElapsedTime(started));
        }).ToList());

    /// <summary>Compares every table with new ones made of the same events.</summary>
    public static IReadOnlyList<TableComparison> Verify(
        IJournal journal, string connection, Terminal terminal, CancellationToken cancellation) =>
        Asked(journal, connection, tables => Enumerable.Range(0, tables.Names.Count).SelectMany(index =>
            terminal.Progress(tables.Names[index], journal.Tail.Position, progress =>
                tables.VerifyAsync(index, new Steps(progress), cancellation).GetAwaiter().GetResult())).ToList());

    private static T Asked<T>(IJournal journal, string connection, Func<PostgresReadModels, T> ask)
    {
        try
        {
            using var tables = new PostgresReadModels(new JournalFeed(journal, isBeside: true), connection, journal.Identity.Book);
            return ask(tables);
        }
        catch (PostgresException hangs) when (hangs.SqlState == PostgresErrorCodes.DependentObjectsStillExist)
        {
            // A rebuild asks for the details, which name what hangs on the table.
            throw new CommandFailure(
                ExitCodes.Refused, "projections.in_use",
                $"{hangs.MessageText}: {hangs.Detail?.ReplaceLineEndings("; ")}. The old tables stay. Drop what hangs on "
                + "them, rebuild, and make it again, or make it of the views, which stay.");
        }
        catch (Exception fault) when (fault is NpgsqlException or StoreMismatchException or ReadModelUnavailableException)
        {
            throw new CommandFailure(ExitCodes.Internal, "projections.store", fault.Message);
        }
        catch (ArgumentException wrong)
        {
            throw new CommandFailure(ExitCodes.Usage, "usage", wrong.Message);
        }
    }

    private sealed class Steps(IProgress<long>? bar) : IProgress<RebuildProgress>
    {
        public long Position { get; private set; }

        public void Report(RebuildProgress value)
        {
            Position = value.Position;
            bar?.Report(value.Position);
        }
    }
}
