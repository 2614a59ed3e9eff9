using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>The tables, and how their rows are written. SCHEMA.md says the same for whoever reads them.</summary>
internal sealed partial class EntriesModel
{
    /// <summary>Names are compared byte by byte, so that an index serves prefixes and needs no locale.</summary>
    private const string Code = "text collate \"C\"";

    internal static readonly TableShape Accounts = new(
        "accounts", "Every account that was opened, in the order of opening.", "account",
        ["(account_no)", "(chart)"],
        [
            new("account_no", "int not null", "Order of opening, from 0."),
            new("account", $"{Code} not null", "The account's name."),
            new("class", "text not null", "asset, liability, equity, income, expense or memorandum."),
            new("chart", Code, "Code in the chart of accounts; null: none."),
            new("branch", Code, "Dimension; null: none."),
            new("region", Code, "Dimension; null: none."),
            new("desk", Code, "Dimension; null: none."),
            new("status", "text not null", "open or closed."),
            new("opened_position", "bigint not null", "Position of the event that opened it."),
            new("opened_at", "timestamptz not null", "Engine time of that event."),
        ], "with (fillfactor = 90)");

    internal static readonly TableShape Balances = new(
        "balances", "What was posted on each account in each asset, up to the position of account_entries.",
        "account, asset", ["(asset)"],
        [
            new("account", $"{Code} not null", "The account's name."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("scale", "smallint not null", "Decimals of the asset: major = minor / 10^scale."),
            new("balance_no", "int not null", "Order of first use within the account, from 0."),
            new("debits", "numeric not null", "Total of all debits, in units of the asset."),
            new("credits", "numeric not null", "Total of all credits, in units of the asset."),
            new("balance", "numeric not null", "Credits less debits: positive when the bank owes."),
            new("debits_minor", "numeric not null", "The same in minor units."),
            new("credits_minor", "numeric not null", "The same in minor units."),
            new("legs", "bigint not null", "How many legs were posted."),
            new("first_position", "bigint not null", "Position of the first of them."),
            new("first_leg", "int not null", "Number of that leg in its event, from 0."),
            new("last_position", "bigint not null", "Position of the last of them."),
        ], "with (fillfactor = 70)");

    internal static readonly TableShape Entries = new(
        "entries", "One row for each leg that moved a posted balance.", "account, asset, position, leg",
        ["(recorded_at, position)", "using brin (position)", "using brin (booked_on)"],
        [
            new("position", "bigint not null", "Position of the event in the journal."),
            new("leg", "int not null", "Number of the leg in its event, from 0."),
            new("account", $"{Code} not null", "The account's name."),
            new("asset", $"{Code} not null", "Code of the asset."),
            new("scale", "smallint not null", "Decimals of the asset: major = minor / 10^scale."),
            new("side", "text not null", "debit or credit."),
            new("amount", "numeric not null", "In units of the asset; not negative."),
            new("amount_minor", "numeric not null", "The same in minor units."),
            new("balance", "numeric not null", "Credits less debits of the account in this asset, after the leg."),
            new("debits_minor", "numeric not null", "Total of the account's debits in this asset, after the leg."),
            new("credits_minor", "numeric not null", "Total of the account's credits in this asset, after the leg."),
            new("booked_on", "date not null", "Accounting date."),
            new("value_on", "date not null", "Interest and availability date."),
            new("recorded_at", "timestamptz not null", "Engine time of the event."),
            new("counter_account", Code, "The account on the other side; null where there is not exactly one."),
            new("code", Code, "What kind of business it is, in the bank's own codes."),
            new("reference", Code, "The channel's end-to-end reference: open text, never personal."),
            new("reversal", "boolean not null", "Whether the leg takes one of an earlier event back."),
        ]);

    private static readonly Dictionary<AccountClass, string> Classes =
        Enum.GetValues<AccountClass>().ToDictionary(c => c, Word);

    private void Write(in Opening opening, int number, string status)
    {
        var (e, rows) = (opening.Event, _accountRows);
        rows.Begin();
        rows.Int4(number);
        rows.Account(e.Id);
        rows.Text(Classes[e.Class]);
        rows.Tag(e.Chart);
        rows.Tag(e.Dimensions.Branch);
        rows.Tag(e.Dimensions.Region);
        rows.Tag(e.Dimensions.Desk);
        rows.Text(status);
        rows.Int8(opening.Position);
        rows.Time(opening.At);
    }

    private static void Write(CopyRows rows, AccountId account, Total total)
    {
        rows.Begin();
        rows.Account(account);
        rows.Text(total.Asset.Code);
        rows.Int2(total.Asset.Scale);
        rows.Int4(total.Number);
        rows.Major(new Amount(total.Debits, total.Asset));
        rows.Major(new Amount(total.Credits, total.Asset));
        rows.Major(new Amount(total.Credits - total.Debits, total.Asset));
        rows.Minor(total.Debits);
        rows.Minor(total.Credits);
        rows.Int8(total.Legs);
        rows.Int8(total.FirstPosition);
        rows.Int4(total.FirstLeg);
        rows.Int8(total.LastPosition);
    }

    private void Write(in Posting posting, int number, in Leg leg, Total total, AccountId counter)
    {
        var rows = _entryRows;
        rows.Begin();
        rows.Int8(posting.Position);
        rows.Int4(number);
        rows.Account(leg.Account);
        rows.Text(leg.Amount.Asset.Code);
        rows.Int2(leg.Amount.Asset.Scale);
        rows.Ascii(leg.Side == Side.Debit ? "debit"u8 : "credit"u8);
        rows.Major(leg.Amount);
        rows.Minor(leg.Amount.Minor);
        rows.Major(new Amount(total.Credits - total.Debits, total.Asset));
        rows.Minor(total.Debits);
        rows.Minor(total.Credits);
        rows.Date(posting.BookedOn);
        rows.Date(posting.ValueOn);
        rows.Time(posting.At);
        rows.Account(counter);
        rows.Tag(posting.Code);
        rows.Text(posting.Reference);
        rows.Bool(posting.IsReversal);
    }
}
