using System.Globalization;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;

namespace BankingEngine.Host.Cli;

/// <summary>Event lines as they are.</summary>
internal sealed class LinesExport(StreamWriter text) : IExport
{
    public void Write(ReadOnlySpan<byte> line, in LineHead head, in Recorded recorded)
    {
        // Characters would have to be read and written again to the same bytes; the stream takes the bytes themselves.
        text.BaseStream.Write(line);
        text.BaseStream.WriteByte((byte)'\n');
    }

    public void Finish() { }
}

/// <summary>Legs, a line each.</summary>
/// <remarks>Source: RFC 4180, with a line feed alone at the end of a line.</remarks>
internal sealed class CsvExport : IExport
{
    private const string Heads =
        "position,recorded_at,type,booked_on,value_on,account,class,chart,asset,debit,credit,code,reference,"
        + "because,intended";

    private readonly StreamWriter _text;
    private readonly Bank _bank;

    public CsvExport(StreamWriter text, Bank bank)
    {
        (_text, _bank) = (text, bank);
        text.WriteLine(Heads);
    }

    public void Write(ReadOnlySpan<byte> line, in LineHead head, in Recorded recorded)
    {
        var legs = PostedLegs.Of(recorded);
        if (legs.IsEmpty) return;
        var said = PostedLegs.Said(recorded.Event) ?? Particulars.None;
        var (bookedOn, valueOn) = _bank.DatesOf(recorded.Event);
        var type = EventCatalogue.Of(recorded.Event).Name;
        foreach (var leg in legs)
        {
            var t = _bank.Ledger.Tables;
            var account = t.Accounts[t.Accounts.Find(leg.Account)];
            var amount = TrialBalance.Text(leg.Amount.Asset, leg.Amount.Minor);
            WriteRow(
                head.Position.ToString(CultureInfo.InvariantCulture), head.At.ToString(), type, bookedOn.ToString(),
                (valueOn ?? bookedOn).ToString(), leg.Account.ToString(), account.Class.ToString().ToLowerInvariant(),
                t.Chart[account.Chart].Key.ToString(), leg.Amount.Asset.Code.ToString(),
                leg.Side == Side.Debit ? amount : "",
                leg.Side == Side.Credit ? amount : "", said.Code.ToString(), said.Reference ?? "", leg.Because ?? "",
                leg.Intended.ToString());
        }
    }

    public void Finish() { }

    private void WriteRow(params ReadOnlySpan<string> cells)
    {
        var row = new StringBuilder();
        foreach (var cell in cells)
        {
            if (row.Length > 0) row.Append(',');
            if (cell.AsSpan().ContainsAny(",\"\r\n")) row.Append('"').Append(cell.Replace("\"", "\"\"")).Append('"');
            else row.Append(cell);
        }
        _text.WriteLine(row);
    }
}

/// <summary>A journal in the plain-text format of hledger, which ledger reads too.</summary>
/// <remarks>
/// Source: hledger's manual, "Journal": directives, transactions, and balance assertions of single accounts.
/// </remarks>
internal sealed class HledgerExport : IExport
{
    private readonly StreamWriter _text;
    private readonly Bank _bank;
    private readonly bool _assert;
    private readonly HashSet<AssetCode> _declared = [];
    private BusinessDate _last = BusinessDate.First;

    /// <param name="assert">End with all balances of the book, for hledger to compare.</param>
    public HledgerExport(StreamWriter text, Bank bank, string book, bool assert)
    {
        (_text, _bank, _assert) = (text, bank, assert);
        text.WriteLine($"; Book {book}. Debits are positive; what is only reserved is left out.");
        text.WriteLine("decimal-mark .");
        foreach (var (name, type) in Tops)
            text.WriteLine(type.Length == 0 ? $"account {name}" : $"account {name}  ; type: {type}");
    }

    private static IEnumerable<(string Name, string Type)> Tops =>
        [
            ("assets", "A"), ("liabilities", "L"), ("equity", "E"), ("income", "R"), ("expenses", "X"),
            ("memorandum", ""),
        ];

    public void Write(ReadOnlySpan<byte> line, in LineHead head, in Recorded recorded)
    {
        if (recorded.Event is AccountEvent.Opened opened)
        {
            _text.WriteLine($"account {NameOf(opened.Id)}");
            return;
        }
        var legs = PostedLegs.Of(recorded);
        if (legs.IsEmpty) return;
        foreach (var leg in legs) Declare(leg.Amount.Asset);
        var (bookedOn, valueOn) = _bank.DatesOf(recorded.Event);
        if (bookedOn > _last) _last = bookedOn;
        _text.WriteLine();
        var second = recorded.Event is TransferEvent.Imported imported ? imported.Originated.DateAt(0) : valueOn;
        _text.Write(second is { } date && date != bookedOn ? $"{bookedOn}={date}" : bookedOn.ToString());
        _text.WriteLine($" ({head.Position}) {EventCatalogue.Of(recorded.Event).Name}{Described(recorded.Event)}");
        foreach (var leg in legs)
        {
            var minor = leg.Side == Side.Debit ? leg.Amount.Minor : -leg.Amount.Minor;
            var asset = leg.Amount.Asset;
            _text.WriteLine($"    {NameOf(leg.Account)}  {TrialBalance.Text(asset, minor)} {Symbol(asset.Code)}");
        }
    }

    public void Finish()
    {
        var t = _bank.Ledger.Tables;
        if (!_assert || t.Balances.Count == 0) return;
        _text.WriteLine();
        _text.WriteLine($"{_last} balances of the book");
        for (var row = 0; row < t.Balances.Count; row++)
        {
            var balance = t.Balances[row];
            var asset = t.Assets[balance.Asset].Asset;
            Declare(asset);
            var (none, net) = (TrialBalance.Text(asset, 0), TrialBalance.Text(asset, -balance.Net));
            var (name, symbol) = (NameOf(t.Accounts[balance.Account].Id), Symbol(asset.Code));
            _text.WriteLine($"    {name}  {none} {symbol} = {net} {symbol}");
        }
    }

    /// <summary>
    /// A semicolon would begin a comment; the reference is for people here, exact in the other formats.
    /// </summary>
    private static string Described(Event @event) =>
        PostedLegs.Said(@event)?.Reference is { } reference ? " | " + reference.Replace(';', ',') : "";

    /// <summary>Every figure after the point is written, so that hledger shows and compares all of them.</summary>
    private void Declare(Asset asset)
    {
        if (!_declared.Add(asset.Code)) return;
        _text.WriteLine();
        _text.WriteLine($"commodity 1000.{new string('0', asset.Scale)} {Symbol(asset.Code)}");
    }

    private string NameOf(AccountId id)
    {
        var t = _bank.Ledger.Tables;
        var account = t.Accounts[t.Accounts.Find(id)];
        var top = account.Class switch
        {
            AccountClass.Asset => "assets",
            AccountClass.Liability => "liabilities",
            AccountClass.Expense => "expenses",
            _ => account.Class.ToString().ToLowerInvariant(),
        };
        var chart = t.Chart[account.Chart].Key;
        return $"{top}:{(chart.IsNone ? "none" : chart.ToString())}:{id}";
    }

    /// <summary>Symbols of other than letters stand in quotes.</summary>
    private static string Symbol(AssetCode code) => code.ToString() is var text && text.All(char.IsAsciiLetter)
        ? text
        : $"\"{text}\"";
}
