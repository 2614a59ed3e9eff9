using System.Collections.Immutable;
using BankingEngine.Domain.Kernel;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Answers from the tables what <see cref="TransferLives"/> answers from memory.</summary>
internal sealed class TransfersReader(Asking asking) : ITransferLives
{
    public ValueTask<TransferLife?> FindAsync(TransferId id) => asking.AskAsync(async (connection, _) =>
        (await LivesAsync(connection, [id]).ConfigureAwait(false)).SingleOrDefault());

    public ValueTask<(long? Correction, long Position)> CorrectionOfAsync(long original) =>
        asking.AskAsync(async (connection, position) =>
        {
            await using var command = Asking.Command(
                connection, $"select correction from {asking.Schema}.corrections where original = $1", original);
            return ((long?)await command.ExecuteScalarAsync().ConfigureAwait(false), position);
        });

    public ValueTask<TransferPage> WithReferenceAsync(string reference, long? from, int limit) =>
        asking.AskAsync(async (connection, position) =>
        {
            var (ids, next) = (new List<TransferId>(), (long?)null);
            await using (var command = Asking.Command(
                connection, $"""
                select reference_no, transfer from {asking.Schema}.transfer_references
                where reference = $1 and reference_no >= $2 order by reference_no limit $3
                """, reference, from ?? 0, limit + 1))
            await using (var row = await command.ExecuteReaderAsync().ConfigureAwait(false))
            {
                while (await row.ReadAsync().ConfigureAwait(false))
                {
                    // A mark that is not of this reference's list finds nothing.
                    if (ids.Count == 0 && from is { } mark && row.GetInt64(0) != mark) break;
                    if (ids.Count == limit) next = row.GetInt64(0);
                    else ids.Add(TransfersModel.IdOf(row.GetGuid(1)));
                }
            }
            return new TransferPage(await LivesAsync(connection, ids).ConfigureAwait(false), next, position);
        });

    /// <summary>The lives of transfers, in the order they are asked for.</summary>
    private async Task<List<TransferLife>> LivesAsync(NpgsqlConnection connection, IReadOnlyList<TransferId> ids)
    {
        var positions = new Dictionary<TransferId, ImmutableArray<long>.Builder>();
        await using (var command = Asking.Command(
            connection, $"""
            select transfer, first_position from {asking.Schema}.transfers where transfer = any($1)
            union all select transfer, position from {asking.Schema}.transfer_parts where transfer = any($1)
            order by 2
            """, (object)ids.Select(TransfersModel.GuidOf).ToArray()))
        await using (var row = await command.ExecuteReaderAsync().ConfigureAwait(false))
        {
            while (await row.ReadAsync().ConfigureAwait(false))
            {
                var id = TransfersModel.IdOf(row.GetGuid(0));
                if (!positions.TryGetValue(id, out var own))
                    positions.Add(id, own = ImmutableArray.CreateBuilder<long>());
                own.Add(row.GetInt64(1));
            }
        }
        var corrections = await CorrectionsAsync(connection, positions.Values.SelectMany(p => p)).ConfigureAwait(false);
        var lives = new List<TransferLife>();
        foreach (var id in ids)
        {
            if (!positions.TryGetValue(id, out var own)) continue;
            lives.Add(new(id, own.ToImmutable(),
                [.. own.Where(corrections.ContainsKey).Select(p => (p, corrections[p]))]));
        }
        return lives;
    }

    private async Task<Dictionary<long, long>> CorrectionsAsync(
        NpgsqlConnection connection, IEnumerable<long> positions)
    {
        await using var command = Asking.Command(
            connection, $"select original, correction from {asking.Schema}.corrections where original = any($1)",
            (object)positions.ToArray());
        await using var row = await command.ExecuteReaderAsync().ConfigureAwait(false);
        var corrections = new Dictionary<long, long>();
        while (await row.ReadAsync().ConfigureAwait(false)) corrections.Add(row.GetInt64(0), row.GetInt64(1));
        return corrections;
    }
}
