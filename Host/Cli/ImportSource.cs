using System.Security.Cryptography;
using System.Text;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Host.Cli;

/// <summary>One line of a source, as the command it becomes, or why it becomes none.</summary>
/// <param name="Line">In the file, the heading being line 1.</param>
/// <param name="Malformed">A rejection's code; null where there is a command.</param>
internal readonly record struct ImportItem(CsvFile File, int Line, Command? Command, string? Malformed)
{
    /// <summary>How a report calls it: the file, the line and what stands there.</summary>
    public override string ToString() => $"{File.Name} line {Line} ({File.TextOf(Line)})";
}

/// <summary>A file of comma-separated fields without quotes, read whole.</summary>
internal sealed class CsvFile
{
    private readonly byte[] _bytes;
    private readonly List<int> _starts = [0];
    private readonly int[] _columns;

    /// <param name="columns">Names of the columns wanted, in the order in which <see cref="Fields"/> gives
    /// them.</param>
    /// <exception cref="CommandFailure">A column is missing.</exception>
    public CsvFile(string folder, string name, params string[] columns)
    {
        Name = name;
        _bytes = File.ReadAllBytes(Path.Combine(folder, name));
        Hash = SHA256.HashData(_bytes);
        for (var at = 0; at < _bytes.Length; at++)
        {
            if (_bytes[at] == '\n' && at + 1 < _bytes.Length) _starts.Add(at + 1);
        }
        var heads = TextOf(1).Split(',');
        _columns = [.. columns.Select(column => Array.IndexOf(heads, column))];
        if (_columns.Contains(-1))
            throw new CommandFailure(
                ExitCodes.Refused, "import.column_missing",
                $"{name} has no column {columns[Array.IndexOf(_columns, -1)]}.");
    }

    public string Name { get; }

    /// <summary>SHA-256 of the file: the same bytes are the same import.</summary>
    public byte[] Hash { get; }

    /// <summary>The heading included.</summary>
    public int Lines => _starts.Count;

    public string TextOf(int line) => Encoding.UTF8.GetString(BytesOf(line));

    /// <summary>
    /// The wanted fields of a line, in the order wanted; false where the line has other than the heading's number.
    /// </summary>
    public bool Fields(int line, Span<Range> fields, out ReadOnlySpan<byte> text)
    {
        text = BytesOf(line);
        Span<Range> all = stackalloc Range[32];
        var count = 0;
        foreach (var field in text.Split((byte)','))
        {
            if (count == all.Length) return false;
            all[count++] = field;
        }
        for (var column = 0; column < _columns.Length; column++)
        {
            if (_columns[column] >= count) return false;
            fields[column] = all[_columns[column]];
        }
        return true;
    }

    private ReadOnlySpan<byte> BytesOf(int line)
    {
        var end = line < _starts.Count ? _starts[line] : _bytes.Length;
        return _bytes.AsSpan(_starts[line - 1]..end).TrimEnd("\r\n"u8);
    }
}

/// <summary>
/// A data set of the shape that the AMLSim simulator writes: <c>nodes.csv</c> with customers and their opening
/// balances, <c>transactions.csv</c> with what was paid. Its amounts name no asset and its times are days from an
/// unnamed start.
/// </summary>
internal sealed class AmlSimSource
{
    public const string Format = "amlsim";

    /// <summary>Chart code of the customers' deposits.</summary>
    private const string DepositsChart = "2100";

    private static readonly Tag Chart = Tag.Of(DepositsChart), Payment = Tag.Of("payment");

    /// <summary>The code of an opening balance among the transfers.</summary>
    public static readonly Tag Opening = Tag.Of("opening");

    private readonly AssetCode _asset;
    private readonly Instant _start;
    private readonly CsvFile _nodes, _transactions;

    /// <param name="start">First instant of day 0.</param>
    public AmlSimSource(string folder, AssetCode asset, Instant start)
    {
        (_asset, _start) = (asset, start);
        _nodes = new(folder, "nodes.csv", "nodeid", "init_balance");
        _transactions = new(folder, "transactions.csv", "sourceNodeId", "targetNodeId", "value", "time");
    }

    /// <summary>Lines in both files, their headings not counted.</summary>
    public int Rows => _nodes.Lines + _transactions.Lines - 2;

    /// <summary>Part of a command's content besides the line itself.</summary>
    public string Terms => $"{Format}|{_asset}|{_start}";

    /// <summary>
    /// Each customer with the opening balance, both or neither: an account that is there already gets no second one.
    /// </summary>
    public IEnumerable<ImportItem> Accounts() => Enumerable.Range(2, _nodes.Lines - 1).Select(AccountAt);

    public IEnumerable<ImportItem> Transfers() => Enumerable.Range(2, _transactions.Lines - 1).Select(TransferAt);

    private ImportItem AccountAt(int line)
    {
        Span<Range> fields = stackalloc Range[2];
        if (!_nodes.Fields(line, fields, out var text)) return new(_nodes, line, null, "row.malformed");
        if (!TryName(text[fields[0]], out var account)) return new(_nodes, line, null, "account.id_malformed");
        if (AmountFault(text[fields[1]], out var balance) is { } fault) return new(_nodes, line, null, fault);
        var open = new OpenAccount(
            account, AccountClass.Liability, Chart, default, AccountFlags.DebitsMustNotExceedCredits, [_asset]);
        if (balance.Digits == 0) return new(_nodes, line, open, null);
        var said = new Particulars(Opening, Reference: $"{_nodes.Name}:{line}");
        // A balance below zero is a debt: it comes from the other side.
        var opening = balance.Digits > 0
            ? new ImportTransfer(SystemAccounts.Migration, account, balance, _start, said)
            : new ImportTransfer(
                account, SystemAccounts.Migration, balance with { Digits = -balance.Digits }, _start, said);
        return new(_nodes, line, new Chain([open, opening]), null);
    }

    private ImportItem TransferAt(int line)
    {
        Span<Range> fields = stackalloc Range[4];
        if (!_transactions.Fields(line, fields, out var text)) return new(_transactions, line, null, "row.malformed");
        if (!TryName(text[fields[0]], out var from) || !TryName(text[fields[1]], out var to))
            return new(_transactions, line, null, "account.id_malformed");
        if (AmountFault(text[fields[2]], out var amount) is { } fault) return new(_transactions, line, null, fault);
        if (!System.Buffers.Text.Utf8Parser.TryParse(text[fields[3]], out int day, out var read)
            || read != text[fields[3]].Length
            || day < 0 || !_start.TryAdd(day * 86_400L * Instant.MicrosecondsPerSecond, out var originated))
            return new(_transactions, line, null, "row.time_malformed");
        var said = new Particulars(Payment, Reference: $"{_transactions.Name}:{line}");
        return new(_transactions, line, new ImportTransfer(from, to, amount, originated, said), null);
    }

    /// <summary>The text as it stands: no number of the machine's comes between.</summary>
    private string? AmountFault(ReadOnlySpan<byte> text, out StatedAmount amount) =>
        StatedAmount.TryParse(text, _asset, out amount) switch
        {
            NumberText.Read => null,
            NumberText.TooManyDigits => "amount.too_many_digits",
            _ => "amount.malformed",
        };

    private static bool TryName(ReadOnlySpan<byte> node, out AccountId account)
    {
        account = default;
        Span<byte> name = stackalloc byte[AccountId.MaxTextLength];
        var prefix = "aml:"u8;
        if (node.Length > name.Length - prefix.Length) return false;
        prefix.CopyTo(name);
        node.CopyTo(name[prefix.Length..]);
        return AccountId.TryParse(name[..(prefix.Length + node.Length)], out account);
    }
}
