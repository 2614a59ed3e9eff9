using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Host.Cli;

/// <summary>
/// The balances of one class in one asset, gross: those on the debit side and those on the credit side.
/// </summary>
/// <param name="Contrary">How many stand on the side that the class does not normally have, such as overdrawn
/// deposits.</param>
internal sealed record TrialLine(Asset Asset, AccountClass Class, Int128 Debits, Int128 Credits, int Contrary)
{
    public bool IsDebitClass => Class is AccountClass.Asset or AccountClass.Expense;
}

/// <summary>
/// All balances of a book by asset and class. Of each asset debits and credits are equal, or something is wrong.
/// </summary>
internal sealed class TrialBalance
{
    private readonly SortedDictionary<(AssetCode, AccountClass), TrialLine> _lines = [];

    public IReadOnlyCollection<TrialLine> Lines => _lines.Values;

    /// <summary>Debits less credits, by asset.</summary>
    public IEnumerable<(Asset Asset, Int128 Difference)> Differences => _lines.Values
        .GroupBy(line => line.Asset)
        .Select(lines => (lines.Key, lines.Aggregate(Int128.Zero, (sum, line) => sum + line.Debits - line.Credits)));

    public bool IsZero => Differences.All(asset => asset.Difference == 0);

    /// <summary>
    /// Asks the book page by page, so that no read visits more rows than one may. For a book with no other caller.
    /// </summary>
    public static async Task<TrialBalance> OfAsync(BookEngine engine)
    {
        var trial = new TrialBalance();
        var rows = await engine.ReadAsync((bank, _) => bank.Ledger.Tables.Balances.Count).ConfigureAwait(false);
        for (var from = 0; from < rows; from += BookEngine.MaxRowsRead)
        {
            var (first, end) = (from, int.Min(rows, from + BookEngine.MaxRowsRead));
            await engine.ReadAsync((bank, _) => trial.Add(bank, first, end)).ConfigureAwait(false);
        }
        return trial;
    }

    public static string Text(Asset asset, Int128 minor)
    {
        Span<byte> text = stackalloc byte[64];
        new Amount(minor, asset).TryFormat(text, out var length);
        return Encoding.ASCII.GetString(text[..length]);
    }

    public void Tell(Terminal terminal)
    {
        terminal.Table(["Class", "Asset", "Debit balances", "Credit balances"],
            [
                .. Lines.Select(line => new[]
                {
                    line.Class.ToString(), line.Asset.Code.ToString(), Text(line.Asset, line.Debits),
                    Text(line.Asset, line.Credits),
                }),
            ]);
        foreach (var line in Lines.Where(line => line.Class == AccountClass.Liability && line.Debits > 0))
        {
            var accounts = line.Contrary == 1 ? "1 account is" : $"{Terminal.Number(line.Contrary)} accounts are";
            terminal.Say($"Of the liabilities {accounts} overdrawn by "
                + $"{Text(line.Asset, line.Debits)} {line.Asset.Code}: the trial balance presents them as assets.");
        }
    }

    public JsonArray ToJson() =>
    [
        .. Lines.Select(line => (JsonNode)new JsonObject
        {
            ["asset"] = line.Asset.Code.ToString(),
            ["class"] = line.Class.ToString().ToLowerInvariant(),
            ["debit_balances"] = Text(line.Asset, line.Debits),
            ["credit_balances"] = Text(line.Asset, line.Credits),
            ["contrary_accounts"] = line.Contrary,
        }),
    ];

    private bool Add(Bank bank, int first, int end)
    {
        var t = bank.Ledger.Tables;
        for (var row = first; row < end; row++)
        {
            ref readonly var balance = ref t.Balances[row];
            if (balance.Net == 0) continue;
            var asset = t.Assets[balance.Asset].Asset;
            var @class = t.Accounts[balance.Account].Class;
            var line = _lines.GetValueOrDefault((asset.Code, @class)) ?? new(asset, @class, 0, 0, 0);
            var isDebit = balance.Net < 0;
            _lines[(asset.Code, @class)] = line with
            {
                Debits = line.Debits + (isDebit ? -balance.Net : 0),
                Credits = line.Credits + (isDebit ? 0 : balance.Net),
                Contrary = line.Contrary + (isDebit == line.IsDebitClass ? 0 : 1),
            };
        }
        return true;
    }
}
