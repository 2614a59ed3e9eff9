using System.Text.Json.Nodes;
using BankingEngine.Application.Journal;
using BankingEngine.Projections;
using BankingEngine.Projections.Stores.Postgres;
using Npgsql;

namespace BankingEngine.Host.Cli;

/// <summary>The read models that are tables, as the command line builds them anew and compares them.</summary>
internal static class ProjectionTables
{
    /// <summary>The connection string in an address of read models; null where they live in memory.</summary>
    public static string? Of(string address) =>
        address.StartsWith(ReadModels.PostgresPrefix, StringComparison.Ordinal)
            ? address[ReadModels.PostgresPrefix.Length..]
            : null;

    /// <summary>Builds all tables beside those that answer, and swaps them in.</summary>
    public static JsonArray Rebuild(IJournal journal, string connection, Terminal terminal, CancellationToken cancellation) =>
        Asked(journal, connection, tables =>
        {
            var built = new JsonArray();
            for (var i = 0; i < tables.Names.Count; i++)
            {
                var index = i;
                terminal.Progress(tables.Names[i], journal.Tail.Position, progress =>
                {
                    tables.RebuildAsync(index, new Steps(progress), cancellation).GetAwaiter().GetResult();
                    return 0;
                });
                built.Add(tables.Names[i]);
            }
            return built;
        });

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
            using var tables = new PostgresReadModels(new JournalFeed(journal), connection, journal.Identity.Book);
            return ask(tables);
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
        public void Report(RebuildProgress value) => bar?.Report(value.Position);
    }
}
