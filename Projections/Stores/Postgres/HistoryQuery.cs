using System.Numerics;
using System.Text;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// One page of an account's history, found as the model in memory finds it: the legs of all its balances merged by
/// position, a bounded number visited, those wanted shown, and the same mark at the end.
/// </summary>
internal sealed class HistoryQuery(
    NpgsqlConnection connection, string schema, AccountId account, EntryFilter filter, bool newestFirst,
    EntryMark? after, int limit)
{
    private readonly string _entries = $"{schema}.entries";
    private readonly List<object> _values = [account.ToString()];
    private readonly List<Asset> _assets = [];
    private readonly List<int> _numbers = [];

    private string Descending => newestFirst ? " desc" : "";

    /// <param name="position">What the page is true at.</param>
    /// <returns>Null where there is no such account.</returns>
    public async Task<EntryPage?> PageAsync(long position)
    {
        if (!await FindBalancesAsync().ConfigureAwait(false)) return null;
        if (_assets.Count == 0) return new([], null, position);
        var visited = Visited(await BoundsAsync().ConfigureAwait(false));
        var found = new List<AccountEntry>();
        var last = default(Place);
        var wanted = Wanted();
        await using (var command = Command(
            $"""
            select balance_no, position, leg, side = 'debit', {Asking.Minor("amount_minor")},
              {Asking.Minor("credits_minor - debits_minor")}, booked_on, value_on, recorded_at, counter_account, code,
              reference
            from ({visited}) v {wanted} {Order("v.")} limit {Parameter(limit)}
            """))
        await using (var row = await command.ExecuteReaderAsync().ConfigureAwait(false))
        {
            while (await row.ReadAsync().ConfigureAwait(false))
            {
                last = new(row.GetInt64(1), row.GetInt32(0), row.GetInt32(2));
                found.Add(EntryOf(row));
            }
        }
        if (found.Count < limit)
        {
            if (wanted.Length == 0 || await EndAsync(visited).ConfigureAwait(false) is not { } end)
                return new(found, null, position);
            last = end;
        }
        return new(found, await NextAsync(last).ConfigureAwait(false), position);
    }

    /// <summary>The position of the last leg at or before an instant; 0 when there is none.</summary>
    public static async Task<long> PositionAtAsync(NpgsqlConnection connection, string entries, Instant at)
    {
        await using var command = Asking.Command(
            connection, $"""
            select position from {entries} where recorded_at <= $1 order by recorded_at desc, position desc limit 1
            """, TimeOf(at));
        return (long?)await command.ExecuteScalarAsync().ConfigureAwait(false) ?? 0;
    }

    private async Task<bool> FindBalancesAsync()
    {
        await using var command = Asking.Command(
            connection, $"""
            select b.balance_no, b.asset, b.scale from {schema}.accounts a left join {schema}.balances b using (account)
            where a.account = $1 order by b.balance_no
            """, account.ToString());
        await using var row = await command.ExecuteReaderAsync().ConfigureAwait(false);
        var isThere = false;
        while (await row.ReadAsync().ConfigureAwait(false))
        {
            isThere = true;
            if (await row.IsDBNullAsync(0).ConfigureAwait(false)) continue;
            var asset = Asset.Of(row.GetString(1), (byte)row.GetInt16(2));
            if (filter.Asset is { } only && asset.Code != only) continue;
            _numbers.Add(row.GetInt32(0));
            _assets.Add(asset);
        }
        return isThere;
    }

    /// <summary>The first and the last position that the page may show: what is recorded is recorded in
    /// order.</summary>
    private async Task<(long First, long Last)> BoundsAsync()
    {
        var (first, last) = (0L, long.MaxValue);
        if (filter.RecordedThrough is { } through)
            last = await PositionAtAsync(connection, _entries, through).ConfigureAwait(false);
        if (filter.RecordedFrom is { } from)
        {
            await using var command = Asking.Command(
                connection, $"""
                select position from {_entries} where recorded_at >= $1 order by recorded_at, position limit 1
                """, TimeOf(from));
            first = (long?)await command.ExecuteScalarAsync().ConfigureAwait(false) ?? long.MaxValue;
        }
        if (after is not { } mark) return (first, last);
        return newestFirst ? (first, Math.Min(last, mark.Position)) : (Math.Max(first, mark.Position), last);
    }

    /// <summary>The legs that the page visits: each balance from its index, merged.</summary>
    private string Visited((long First, long Last) bounds)
    {
        var sql = new StringBuilder();
        var (first, last) = (Parameter(bounds.First), Parameter(bounds.Last));
        for (var i = 0; i < _assets.Count; i++)
        {
            if (i > 0) sql.Append(" union all ");
            sql.Append(
                $"""
                (select {_numbers[i]} as balance_no, position, leg, side, amount_minor, debits_minor, credits_minor,
                  booked_on, value_on, recorded_at, counter_account, code, reference from {_entries}
                 where account = $1 and asset = {Parameter(_assets[i].Code.ToString())}
                   and position >= {first} and position <= {last})
                """);
        }
        // Within one balance the number is the same for all, and the index has the order.
        var skip = after is { } mark && mark.Position >= bounds.First && mark.Position <= bounds.Last ? mark.Skip : 0;
        return $"select * from ({sql}) e {Order("e.")} offset {skip} limit {IAccountEntries.MaxVisited}";
    }

    private string Order(string of) => _assets.Count == 1
        ? $"order by {of}position{Descending}, {of}leg{Descending}"
        : $"order by {of}position{Descending}, {of}balance_no, {of}leg{Descending}";

    private string Wanted()
    {
        var wanted = new List<string>();
        if (filter.Side is { } side) wanted.Add($"side = {Parameter(side == Side.Debit ? "debit" : "credit")}");
        if (filter.BookedFrom is { } from) wanted.Add($"booked_on >= {Parameter(EntriesReader.DateOf(from))}");
        if (filter.BookedThrough is { } through) wanted.Add($"booked_on <= {Parameter(EntriesReader.DateOf(through))}");
        if (filter.Code is { } code)
            wanted.Add(code.IsNone ? "code is null" : $"code = {Parameter(code.ToString())}");
        if (filter.Reference is { } reference) wanted.Add($"reference = {Parameter(reference)}");
        if (filter.Least is { } least) wanted.Add($"amount_minor >= {Parameter((BigInteger)least)}");
        if (filter.Most is { } most) wanted.Add($"amount_minor <= {Parameter((BigInteger)most)}");
        return wanted.Count == 0 ? "" : $"where {string.Join(" and ", wanted)}";
    }

    /// <summary>The last leg visited, where as many were as a page may visit.</summary>
    private async Task<Place?> EndAsync(string visited)
    {
        await using var command = Command(
            $"""
            select balance_no, position, leg from ({visited}) v {Order("v.")} offset {IAccountEntries.MaxVisited - 1}
            """);
        await using var row = await command.ExecuteReaderAsync().ConfigureAwait(false);
        return await row.ReadAsync().ConfigureAwait(false)
            ? new(row.GetInt64(1), row.GetInt32(0), row.GetInt32(2))
            : null;
    }

    /// <summary>The mark behind a leg; null where the account has no further leg.</summary>
    private async Task<EntryMark?> NextAsync(Place last)
    {
        string[] assets = [.. _assets.Select(asset => asset.Code.ToString())];
        var same = new List<Place>();
        await using (var command = Asking.Command(
            connection, $"""
            select asset, leg from {_entries} where account = $1 and asset = any($2) and position = $3
            """, account.ToString(), assets, last.Position))
        await using (var row = await command.ExecuteReaderAsync().ConfigureAwait(false))
        {
            while (await row.ReadAsync().ConfigureAwait(false))
                same.Add(new(last.Position, _numbers[Array.IndexOf(assets, row.GetString(0))], row.GetInt32(1)));
        }
        same.Sort((one, other) => one.Balance != other.Balance ? one.Balance.CompareTo(other.Balance)
            : newestFirst ? other.Leg.CompareTo(one.Leg) : one.Leg.CompareTo(other.Leg));
        var mark = new EntryMark(last.Position, same.IndexOf(last) + 1);
        if (mark.Skip < same.Count) return mark;
        await using var beyond = Asking.Command(
            connection, $"""
            select exists (select 1 from {_entries} where account = $1 and asset = any($2)
              and position {(newestFirst ? '<' : '>')} $3)
            """, account.ToString(), assets, last.Position);
        return await beyond.ExecuteScalarAsync().ConfigureAwait(false) is true ? mark : null;
    }

    private AccountEntry EntryOf(NpgsqlDataReader row)
    {
        var asset = _assets[_numbers.IndexOf(row.GetInt32(0))];
        return new(
            row.GetInt64(1), TimeAt(row, 10), row.GetBoolean(3) ? Side.Debit : Side.Credit,
            new(Asking.Minor(row, 4), asset), DateAt(row, 8), DateAt(row, 9), new(Asking.Minor(row, 6), asset),
            row.IsDBNull(11) ? default : AccountId.Parse(row.GetString(11)), EntriesReader.TagAt(row, 12),
            row.IsDBNull(13) ? null : row.GetString(13));
    }

    private NpgsqlCommand Command(string sql) =>
        Asking.Command(connection, sql, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_values!));

    private string Parameter(object value)
    {
        _values.Add(value);
        return $"${_values.Count}";
    }

    private static BusinessDate DateAt(NpgsqlDataReader row, int column)
    {
        var date = row.GetFieldValue<DateOnly>(column);
        return new(date.Year, date.Month, date.Day);
    }

    private static Instant TimeAt(NpgsqlDataReader row, int column) =>
        new((row.GetDateTime(column) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);

    private static DateTime TimeOf(Instant at) =>
        DateTime.UnixEpoch.AddTicks(at.Microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>A leg among those of an account.</summary>
    private readonly record struct Place(long Position, int Balance, int Leg);
}
