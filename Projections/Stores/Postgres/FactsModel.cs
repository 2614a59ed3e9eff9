using System.Collections.Immutable;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>
/// The small things that reports need besides balances, as tables: issued statements, holders, price sets, what closes
/// of years moved, and counters.
/// </summary>
/// <remarks>
/// The program itself answers these from memory, so nobody waits for the tables, and they take what came in a quarter
/// of a second at once: counters move with every event. While the tables are built anew without indexes, holders and
/// counters are held back in memory.
/// </remarks>
internal sealed partial class FactsModel() : TableModel("report_facts", version: 2)
{
    private readonly CopyRows _statementRows = new(Statements.Columns.Length);
    private readonly CopyRows _copyRows = new(Copies.Columns.Length);
    private readonly CopyRows _holderRows = new(Holders.Columns.Length);
    private readonly CopyRows _setRows = new(Sets.Columns.Length);
    private readonly CopyRows _priceRows = new(Prices.Columns.Length);
    private readonly CopyRows _carriedRows = new(Carried.Columns.Length);
    private readonly CopyRows _commandRows = new(Commands.Columns.Length);
    private readonly CopyRows _eventRows = new(Events.Columns.Length);
    private readonly CopyRows _volumeRows = new(Volumes.Columns.Length);
    private readonly EventSums _sums = new();

    /// <summary>The holders as they were set last, of the accounts whose rows are to be written.</summary>
    private readonly Dictionary<AccountId, (long Position, RoleEvent.HoldersSet Set)> _held = [];

    public override ImmutableArray<TableShape> Tables =>
        [Statements, Copies, Holders, Sets, Prices, Carried, Commands, Events, Volumes];

    public override TimeSpan Linger => TimeSpan.FromMilliseconds(250);

    public override TableModel Fresh() => new FactsModel();

    public override void Prepare(TableTarget target)
    {
        foreach (var table in new[] { Commands, Events, Volumes })
            target.Run($"create temporary table if not exists added_{table.Name} (like {target.Schema}.{table.Name}) "
                + "on commit delete rows");
    }

    public override void Take(in LineHead head, Event @event, ImmutableArray<Leg> legs)
    {
        _sums.Take(head, @event, legs);
        switch (@event)
        {
            case StatementEvent.Issued e: Write(head, e); break;
            case RoleEvent.HoldersSet e: _held[e.Account] = (head.Position, e); break;
            case ReferenceEvent.Published { Content: ReferenceContent.PriceSet set } e: Write(head, e, set); break;
            case EntryEvent.YearCarried e:
                for (var i = 0; i < legs.Length; i++) Write(head.Position, e.BookedOn, i, legs[i]);
                break;
            default: break;
        }
    }

    public override void Write(TableTarget target)
    {
        target.Send(_statementRows, Statements);
        target.Send(_copyRows, Copies);
        target.Send(_setRows, Sets);
        target.Send(_priceRows, Prices);
        target.Send(_carriedRows, Carried);
        if (target.IsFresh) return;
        if (_held.Count > 0)
        {
            target.Run(
                $"delete from {target.Schema}.account_holders where account = any($1)",
                new Npgsql.NpgsqlParameter { Value = _held.Keys.Select(account => account.ToString()).ToArray() });
            WriteHolders(target);
        }
        WriteCounts();
        Add(target, _commandRows, Commands, "count");
        Add(target, _eventRows, Events, "count");
        Add(target, _volumeRows, Volumes, "postings", "volume", "volume_minor");
        _sums.Clear();
    }

    public override void Finish(TableTarget target)
    {
        WriteHolders(target);
        WriteCounts();
        target.Send(_commandRows, Commands);
        target.Send(_eventRows, Events);
        target.Send(_volumeRows, Volumes);
        _sums.Clear();
    }

    public override void Forget()
    {
        _held.Clear();
        _sums.Clear();
        CopyRows[] all =
        [
            _statementRows, _copyRows, _holderRows, _setRows, _priceRows, _carriedRows, _commandRows, _eventRows,
            _volumeRows,
        ];
        foreach (var rows in all) rows.Clear();
    }

    private void WriteHolders(TableTarget target)
    {
        foreach (var (position, set) in _held.Values) Write(position, set);
        target.Send(_holderRows, Holders);
        _held.Clear();
    }

    /// <summary>Adds what a batch counted to what is counted already.</summary>
    private static void Add(TableTarget target, CopyRows rows, TableShape table, params ReadOnlySpan<string> counts)
    {
        if (rows.Count == 0) return;
        target.SendChanges(rows, $"added_{table.Name}", table.Names);
        var sums = string.Join(", ", counts.ToArray().Select(count => $"{count} = t.{count} + excluded.{count}"));
        target.Run(
            $"""
            insert into {target.Schema}.{table.Name} as t ({table.Names})
            select {table.Names} from pg_temp.added_{table.Name} on conflict ({table.Key}) do update set {sums}
            """);
    }
}
