using BankingEngine.Application.Journal;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>The tables, and how their rows are written. SCHEMA.md says the same for whoever reads them.</summary>
internal sealed partial class FactsModel
{
    private const string Code = "text collate \"C\"";

    internal static readonly TableShape Statements = new(
        "issued_statements", "Statements that were delivered, and for ever are what they were.", "account, number",
        ["(position)"],
        [
            new("account", $"{Code} not null", "The account's name."),
            new("number", "int not null", "From 1 and without gaps, of the account."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("first_date", "date not null", "First date of the period, inclusive."),
            new("last_date", "date not null", "Last date of the period, inclusive."),
            new("dates", "text not null", "booked or value: by which of an entry's dates it is taken in."),
            new("true_at", "bigint not null", "Last position that the statement counts."),
            new("position", "bigint not null", "Position of the event that issued it."),
            new("issued_at", "timestamptz not null", "Engine time of that event."),
        ]);

    internal static readonly TableShape Copies = new(
        "statement_copies", "The forms in which a statement was delivered.", "account, number, format", [],
        [
            new("account", $"{Code} not null", "The account's name."),
            new("number", "int not null", "Of the statement."),
            new("format", "text not null", "json, csv, camt053 or html."),
            new("sha256", "text not null", "Of all its bytes as they were delivered, in hexadecimal."),
            new("edition", "int not null", "Of the form, from 1: within one the same statement has the same bytes."),
        ]);

    internal static readonly TableShape Holders = new(
        "account_holders", "Whose each account is now, and with which share.", "account, holder_no", ["(party)"],
        [
            new("account", $"{Code} not null", "The account's name."),
            new("holder_no", "int not null", "Order in which the holders were set, from 0."),
            new("party", "uuid not null", "The party's id; what is known of it is sealed and not here."),
            new("share_ppm", "int not null", "Parts per million; 0: not stated, the holders have equal shares."),
            new("mode", "text not null", "several: each acts alone; joint: they act together."),
            new("survivorship", "boolean not null", "Whether those who survive a holder go on with the account."),
            new("held_since", "timestamptz not null", "Engine time at which these holders were set."),
            new("position", "bigint not null", "Position of the event that set them."),
        ], "with (fillfactor = 90)");

    internal static readonly TableShape Sets = new(
        "price_sets", "Every version of every price set that was published.", "name, version", [],
        [
            new("name", $"{Code} not null", "Of the reference data."),
            new("version", "int not null", "From 1 and without gaps, by name."),
            new("in_force_from", "date not null",
                "First business date; in force on a date is the highest version whose first date is not later."),
            new("position", "bigint not null", "Position of the event that published it."),
            new("published_at", "timestamptz not null", "Engine time of that event."),
        ]);

    internal static readonly TableShape Prices = new(
        "prices", "What one whole unit of an asset is worth in the functional currency, by price set.",
        "price_set, version, asset", [],
        [
            new("price_set", $"{Code} not null", "Name of the price set."),
            new("version", "int not null", "Of the price set."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("price", "numeric not null",
                "Zero or more. The functional currency itself counts one, whatever stands here."),
        ]);

    internal static readonly TableShape Carried = new(
        "carried_results", "What closes of years moved from income and expense to retained earnings.",
        "position, leg", [],
        [
            new("position", "bigint not null", "Position of the event."),
            new("leg", "int not null", "Number of the leg in its event, from 0: as in entries."),
            new("account", $"{Code} not null", "The account that it was taken from."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("scale", "smallint not null", "Decimals of the asset: major = minor / 10^scale."),
            new("booked_on", "date not null", "Accounting date: the last of the year."),
            new("amount", "numeric not null", "Credits less debits, in units of the asset."),
            new("amount_minor", "numeric not null", "The same in minor units."),
        ]);

    internal static readonly TableShape Commands = new(
        "command_counts", "How often commands of one kind ended in one way.", "kind, outcome", [],
        [
            new("kind", $"{Code} not null",
                "Wire name of the first event of what was accepted, and of the command where it was refused."),
            new("outcome", $"{Code} not null", "accepted, faulted, or the code of the refusal."),
            new("count", "bigint not null", "Since the first event. What the edge refuses never reaches the book."),
        ], "with (fillfactor = 50)");

    internal static readonly TableShape Events = new(
        "event_counts", "How many events of each type there are.", "type", [],
        [
            new("type", $"{Code} not null", "Wire name of the event."),
            new("count", "bigint not null", "Since the first event."),
        ], "with (fillfactor = 50)");

    internal static readonly TableShape Volumes = new(
        "daily_volumes", "What was posted on an accounting date in an asset.", "booked_on, asset", [],
        [
            new("booked_on", "date not null", "Accounting date."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("scale", "smallint not null", "Decimals of the asset: major = minor / 10^scale."),
            new("postings", "bigint not null", "Events that posted in this asset."),
            new("volume", "numeric not null", "Sum of the debits, in units of the asset; the credits are the same."),
            new("volume_minor", "numeric not null", "The same in minor units."),
        ], "with (fillfactor = 50)");

    private void Write(in LineHead head, StatementEvent.Issued e)
    {
        _statementRows.Begin();
        _statementRows.Account(e.Account);
        _statementRows.Int4(e.Number);
        _statementRows.Text(e.Asset);
        _statementRows.Date(e.From);
        _statementRows.Date(e.Through);
        _statementRows.Text(Word(e.Dates));
        _statementRows.Int8(e.TrueAt);
        _statementRows.Int8(head.Position);
        _statementRows.Time(head.At);
        foreach (var copy in e.Copies)
        {
            _copyRows.Begin();
            _copyRows.Account(e.Account);
            _copyRows.Int4(e.Number);
            _copyRows.Text(Word(copy.Format));
            _copyRows.Text(copy.Sha256);
            _copyRows.Int4(copy.PrintedIn());
        }
    }

    private void Write(long position, RoleEvent.HoldersSet e)
    {
        for (var i = 0; i < e.Holders.Length; i++)
        {
            _holderRows.Begin();
            _holderRows.Account(e.Account);
            _holderRows.Int4(i);
            _holderRows.Uuid(e.Holders[i].Party.Value);
            _holderRows.Int4(e.Holders[i].SharePpm);
            _holderRows.Text(Word(e.Mode));
            _holderRows.Bool(e.Survivorship);
            _holderRows.Time(e.From);
            _holderRows.Int8(position);
        }
    }

    private void Write(in LineHead head, ReferenceEvent.Published e, ReferenceContent.PriceSet set)
    {
        _setRows.Begin();
        _setRows.Tag(e.Name);
        _setRows.Int4(e.Version);
        _setRows.Date(e.InForceFrom);
        _setRows.Int8(head.Position);
        _setRows.Time(head.At);
        foreach (var price in set.Prices)
        {
            _priceRows.Begin();
            _priceRows.Tag(e.Name);
            _priceRows.Int4(e.Version);
            _priceRows.Text(price.Asset);
            _priceRows.Price(price.Price);
        }
    }

    private void Write(long position, BusinessDate bookedOn, int number, in Leg leg)
    {
        if (leg.Account == SystemAccounts.RetainedEarnings) return;
        var net = leg.Amount with { Minor = leg.Side == Side.Credit ? leg.Amount.Minor : -leg.Amount.Minor };
        _carriedRows.Begin();
        _carriedRows.Int8(position);
        _carriedRows.Int4(number);
        _carriedRows.Account(leg.Account);
        _carriedRows.Text(net.Asset.Code);
        _carriedRows.Int2(net.Asset.Scale);
        _carriedRows.Date(bookedOn);
        _carriedRows.Major(net);
        _carriedRows.Minor(net.Minor);
    }

    private void WriteCounts()
    {
        foreach (var (kind, outcome, count) in _sums.Commands)
        {
            _commandRows.Begin();
            _commandRows.Text(kind);
            _commandRows.Text(outcome);
            _commandRows.Int8(count);
        }
        foreach (var (type, count) in _sums.Events)
        {
            _eventRows.Begin();
            _eventRows.Text(type);
            _eventRows.Int8(count);
        }
        foreach (var (on, asset, postings, volume) in _sums.Volumes)
        {
            _volumeRows.Begin();
            _volumeRows.Date(on);
            _volumeRows.Text(asset.Code);
            _volumeRows.Int2(asset.Scale);
            _volumeRows.Int8(postings);
            _volumeRows.Major(new Amount(volume, asset));
            _volumeRows.Minor(volume);
        }
    }
}
