using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>Answers from the tables what <see cref="AccountEntries"/> answers from memory.</summary>
internal sealed class EntriesReader(Asking asking) : IAccountEntries
{
    internal static readonly Dictionary<string, AccountClass> Classes = Enum.GetValues<AccountClass>()
        .ToDictionary(c => c.ToString().ToLowerInvariant(), StringComparer.Ordinal);

    private readonly string _accounts = $"{asking.Schema}.accounts", _balances = $"{asking.Schema}.balances",
        _entries = $"{asking.Schema}.entries";

    public ValueTask<long> PositionAtAsync(Instant at) => asking.AskAsync((connection, _) =>
        HistoryQuery.PositionAtAsync(connection, _entries, at));

    public ValueTask<AccountPage> ListAsync(AccountClass? @class, Tag? chart, string prefix, int from, int limit) =>
        asking.AskAsync(async (connection, position) =>
        {
            await using var command = Asking.Command(
                connection, $"""
                select n.count, a.account_no, a.account, a.class, a.chart
                from (select coalesce(max(account_no) + 1, 0) as count from {_accounts}) n left join lateral
                  (select * from {_accounts} where account_no >= $1 and account_no < $2
                    and ($3::text is null or class = $3) and ($4::text is null or chart = $4)
                    and starts_with(account, $5) order by account_no limit $6) a on true order by a.account_no
                """, from, (int)Math.Min(int.MaxValue, (long)from + IAccountEntries.MaxVisited),
                @class?.ToString().ToLowerInvariant(), chart?.ToString(), prefix, limit);
            var (found, count, last) = (new List<ListedAccount>(), 0, from);
            await using (var row = await command.ExecuteReaderAsync().ConfigureAwait(false))
            {
                while (await row.ReadAsync().ConfigureAwait(false))
                {
                    count = row.GetInt32(0);
                    if (await row.IsDBNullAsync(1).ConfigureAwait(false)) break;
                    last = row.GetInt32(1);
                    found.Add(new(AccountId.Parse(row.GetString(2)), Classes[row.GetString(3)], TagAt(row, 4)));
                }
            }
            var next = found.Count == limit ? last + 1L : (long)from + IAccountEntries.MaxVisited;
            return new AccountPage(found, next < count ? (int)next : null, position);
        });

    public ValueTask<EntryPage?> HistoryAsync(
        AccountId account, EntryFilter filter, bool newestFirst, EntryMark? after, int limit) =>
        asking.AskAsync((connection, position) => new HistoryQuery(
            connection, asking.Schema, account, filter, newestFirst, after, limit).PageAsync(position));

    public ValueTask<IReadOnlyList<BalanceAt>?> BalancesOfAsync(AccountId account, Cut cut) =>
        asking.AskAsync<IReadOnlyList<BalanceAt>?>(async (connection, _) =>
        {
            await using var command = Asking.Command(
                connection, $"""
                select b.asset, b.scale, {Asking.Minor("t.debits")}, {Asking.Minor("t.credits")}
                from {_accounts} a left join {_balances} b using (account)
                left join lateral ({TotalsSql(cut, first: 2)}) t on true where a.account = $1 order by b.balance_no
                """, [account.ToString(), .. ValuesOf(cut)]);
            await using var row = await command.ExecuteReaderAsync().ConfigureAwait(false);
            List<BalanceAt>? balances = null;
            while (await row.ReadAsync().ConfigureAwait(false))
            {
                balances ??= [];
                if (!await row.IsDBNullAsync(0).ConfigureAwait(false)) balances.Add(BalanceOf(row, 0));
            }
            return balances;
        });

    public ValueTask<AccountRange?> RangeOfAsync(StatementPeriod period, long position, int most) =>
        asking.AskAsync((connection, _) =>
            new RangeQuery(connection, asking.Schema, period, most).RangeAsync(position));

    public async IAsyncEnumerable<AccountBalance> BalancesAsync(long through, BusinessDate? bookedThrough)
    {
        await using var reading = await ReportAsync(new(through, bookedThrough)).ConfigureAwait(false);
        while (await reading.NextAsync().ConfigureAwait(false) is { } balance) yield return balance;
    }

    /// <summary>
    /// The totals of the balance <c>b</c> at a cut. By position alone they stand in its last entry; with an accounting
    /// date they are summed.
    /// </summary>
    /// <param name="first">Number of the first of its parameters, <see cref="ValuesOf"/>.</param>
    private string TotalsSql(Cut cut, int first) => cut switch
    {
        { Through: null, BookedThrough: null } => "select b.debits_minor as debits, b.credits_minor as credits",
        { BookedThrough: null } =>
            $"""
            select b.debits_minor as debits, b.credits_minor as credits where b.last_position <= ${first}
            union all (select e.debits_minor, e.credits_minor from {_entries} e where b.last_position > ${first}
              and e.account = b.account and e.asset = b.asset and e.position <= ${first}
              order by e.position desc, e.leg desc limit 1)
            """,
        _ =>
            $"""
            select sum(e.amount_minor) filter (where e.side = 'debit') as debits,
              sum(e.amount_minor) filter (where e.side = 'credit') as credits
            from {_entries} e where e.account = b.account and e.asset = b.asset and e.position <= ${first}
              and e.booked_on <= ${first + 1}
            """,
    };

    private static object[] ValuesOf(Cut cut) => cut switch
    {
        { Through: null, BookedThrough: null } => [],
        { Through: { } through, BookedThrough: null } => [through],
        _ => [cut.Through ?? long.MaxValue, DateOf(cut.BookedThrough!.Value)],
    };

    /// <summary>Opens a report over all balances: a reader of its own that may take its time.</summary>
    private async Task<Report> ReportAsync(Cut cut)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await asking.OpenAsync().ConfigureAwait(false);
            await asking.PositionAsync(connection).ConfigureAwait(false);
            var command = Asking.Command(
                connection, $"""
                select b.asset, b.scale, {Asking.Minor("t.debits")}, {Asking.Minor("t.credits")}, a.account, a.class,
                  a.chart
                from {_balances} b join {_accounts} a using (account)
                left join lateral ({TotalsSql(cut, first: 1)}) t on true
                order by b.first_position, b.first_leg
                """, ValuesOf(cut));
            command.CommandTimeout = PostgresReadModels.ReportSeconds;
            return new(asking, connection, command, await command.ExecuteReaderAsync().ConfigureAwait(false));
        }
        catch (Exception fault)
        {
            if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
            if (Asking.IsOfTheStore(fault)) throw asking.Unavailable(fault);
            throw;
        }
    }

    private static BalanceAt BalanceOf(NpgsqlDataReader row, int at) => new(
        Asset.Of(row.GetString(at), (byte)row.GetInt16(at + 1)),
        Asking.Minor(row, at + 2), Asking.Minor(row, at + 4));

    internal static BusinessDate DateAt(NpgsqlDataReader row, int column)
    {
        var date = row.GetFieldValue<DateOnly>(column);
        return new(date.Year, date.Month, date.Day);
    }

    internal static Tag TagAt(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? default : Tag.Of(row.GetString(column));

    internal static DateOnly DateOf(BusinessDate date) => new(date.Year, date.Month, date.DayOfMonth);

    /// <summary>A report under way.</summary>
    private sealed class Report(Asking asking, NpgsqlConnection connection, NpgsqlCommand command, NpgsqlDataReader row)
        : IAsyncDisposable
    {
        public async Task<AccountBalance?> NextAsync()
        {
            try
            {
                if (!await row.ReadAsync().ConfigureAwait(false)) return null;
            }
            catch (Exception away) when (Asking.IsOfTheStore(away))
            {
                throw asking.Unavailable(away);
            }
            return new(AccountId.Parse(row.GetString(6)), Classes[row.GetString(7)], TagAt(row, 8), BalanceOf(row, 0));
        }

        public async ValueTask DisposeAsync()
        {
            await row.DisposeAsync().ConfigureAwait(false);
            await command.DisposeAsync().ConfigureAwait(false);
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
