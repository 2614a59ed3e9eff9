using System.Numerics;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// The legs of a period and the sums before it, found as the model in memory finds them: one pass over the legs of the
/// balance in the order of the journal, added up here.
/// </summary>
/// <remarks>
/// The server is what takes the time, while this side reads what is on its way; so it visits each leg once and in the
/// order of the key, instead of summing and sorting them apart. A cursor lets it stop where there are more legs than
/// anybody wants.
/// </remarks>
internal sealed class RangeQuery(NpgsqlConnection connection, string schema, StatementPeriod period, int most)
{
    /// <summary>Legs read at once.</summary>
    private const int FetchRows = 50_000;

    /// <summary>What those are that a period shows or sums: by value, credits too that were booked and have value only
    /// later.</summary>
    private const string ByBooking = "booked_on <= $4",
        ByValue = "(value_on <= $4 or (booked_on <= $4 and side = 'credit'))";

    private readonly List<DatedEntry> _entries = [];
    private Int128 _before, _notYet;
    private bool _areMore;

    /// <param name="position">Last position that counts.</param>
    /// <returns>Null where there is no such account.</returns>
    public async Task<AccountRange?> RangeAsync(long position)
    {
        if (await ClassAsync().ConfigureAwait(false) is not { } @class) return null;
        await DeclareAsync(position).ConfigureAwait(false);
        while (await FetchAsync().ConfigureAwait(false) == FetchRows && !_areMore) { }
        return new(@class, _before, _entries, _notYet, _areMore);
    }

    /// <summary>
    /// Asks for the account, and that until the transaction ends the legs come by their key and nothing is compiled for
    /// them. What the planner knows of an account's legs does not tell it that they lie in the order of the journal: it
    /// would sort them, and takes the way by the key for so long that compiling seems to be worth while.
    /// </summary>
    private async Task<AccountClass?> ClassAsync()
    {
        await using var command = Asking.Command(
            connection, $"""
            select class, set_config('enable_sort', 'off', true), set_config('jit', 'off', true)
            from {schema}.accounts where account = $1
            """, period.Account.ToString());
        return await command.ExecuteScalarAsync().ConfigureAwait(false) is string found
            ? EntriesReader.Classes[found]
            : null;
    }

    private async Task DeclareAsync(long position)
    {
        await using var declare = Asking.Command(
            connection, $"""
            declare legs no scroll cursor for
            select position, side = 'debit', amount_minor, booked_on, nullif(value_on, booked_on), counter_account, code,
              reference, nullif(reversal, false)
            from {schema}.entries where account = $1 and asset = $2 and position <= $3
              and {(period.Dates == StatementDates.Booked ? ByBooking : ByValue)}
            order by position, leg
            """, period.Account.ToString(), period.Asset.ToString(), position, EntriesReader.DateOf(period.Through));
        await declare.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    /// <returns>How many legs there were.</returns>
    private async Task<int> FetchAsync()
    {
        await using var fetch = new NpgsqlCommand($"fetch forward {FetchRows} from legs", connection);
        await using var row = await fetch.ExecuteReaderAsync().ConfigureAwait(false);
        var visited = 0;
        for (; await row.ReadAsync().ConfigureAwait(false); visited++) Take(row);
        return visited;
    }

    private void Take(NpgsqlDataReader row)
    {
        var side = row.GetBoolean(1) ? Side.Debit : Side.Credit;
        var minor = (Int128)row.GetFieldValue<BigInteger>(2);
        var bookedOn = EntriesReader.DateAt(row, 3);
        var valueOn = row.IsDBNull(4) ? bookedOn : EntriesReader.DateAt(row, 4);
        if (side == Side.Credit && bookedOn <= period.Through && valueOn > period.Through) _notYet += minor;
        var on = period.Dates == StatementDates.Booked ? bookedOn : valueOn;
        if (on > period.Through) return;
        if (on < period.From) _before += side == Side.Credit ? minor : -minor;
        else if (_entries.Count == most) _areMore = true;
        else _entries.Add(new(
            row.GetInt64(0), side, minor, bookedOn, valueOn,
            row.IsDBNull(5) ? default : AccountId.Parse(row.GetString(5)), EntriesReader.TagAt(row, 6),
            row.IsDBNull(7) ? null : row.GetString(7), !row.IsDBNull(8)));
    }
}
