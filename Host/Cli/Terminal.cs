using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace BankingEngine.Host.Cli;

/// <summary>
/// What a command says. People read text on standard output, with bars and drawn tables only where that is a terminal;
/// with <c>--json</c> standard output carries one JSON object and the text goes to standard error.
/// </summary>
internal sealed class Terminal(bool json)
{
    private static readonly JsonSerializerOptions OneLine =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TextWriter _text = json ? Console.Error : Console.Out;

    public bool IsJson => json;

    private bool IsDrawn => !json && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;

    public void Say(string line) => _text.WriteLine(line);

    /// <summary>Ends well, or with a finding.</summary>
    public int Done(JsonObject result, int exit = ExitCodes.Done)
    {
        result.Insert(0, "ok", exit == ExitCodes.Done);
        result.Insert(1, "exit", exit);
        if (json) Console.Out.WriteLine(result.ToJsonString(OneLine));
        return exit;
    }

    public int Fail(CommandFailure failure)
    {
        Console.Error.WriteLine($"{failure.Code}: {failure.Message}");
        return Done(new() { ["code"] = failure.Code, ["why"] = failure.Message }, failure.Exit);
    }

    /// <summary>A table; numbers are told from text by what they are made of, and stand to the right.</summary>
    public void Table(string[] heads, IReadOnlyList<string[]> rows)
    {
        var right = Enumerable.Range(0, heads.Length)
            .Select(column => rows.Count > 0 && rows.All(row => IsNumber(row[column]))).ToArray();
        if (IsDrawn) Draw(heads, rows, right);
        else Align(heads, rows, right);
    }

    /// <summary>Runs work that reports how far it is, under a bar where there is a terminal to draw it on.</summary>
    /// <param name="total">What the last report will be.</param>
    public T Progress<T>(string what, long total, Func<IProgress<long>?, T> work)
    {
        if (!IsDrawn) return work(null);
        return AnsiConsole.Progress()
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var bar = context.AddTask(Markup.Escape(what), maxValue: long.Max(total, 1));
                return work(new Bar(bar));
            });
    }

    public static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Whole events a second; the time is taken as a millisecond at least.</summary>
    public static long Rate(long events, TimeSpan time) => (long)(events / Math.Max(time.TotalSeconds, 0.001));

    private static void Draw(string[] heads, IReadOnlyList<string[]> rows, bool[] right)
    {
        var table = new Table().Border(TableBorder.Rounded);
        for (var column = 0; column < heads.Length; column++)
        {
            var drawn = new TableColumn(Markup.Escape(heads[column]));
            table.AddColumn(right[column] ? drawn.RightAligned() : drawn);
        }
        foreach (var row in rows) table.AddRow(row.Select(Markup.Escape).ToArray());
        AnsiConsole.Write(table);
    }

    private void Align(string[] heads, IReadOnlyList<string[]> rows, bool[] right)
    {
        var widths = heads.Select((head, column) => rows.Select(row => row[column].Length).Append(head.Length).Max())
            .ToArray();
        foreach (var row in rows.Prepend(heads))
        {
            var cells = row.Select((cell, column) => right[column]
                ? cell.PadLeft(widths[column])
                : cell.PadRight(widths[column]));
            Say(string.Join("  ", cells).TrimEnd());
        }
    }

    private static bool IsNumber(string cell) =>
        cell.Length > 0 && cell.All(letter => char.IsAsciiDigit(letter) || letter is '.' or ',' or '-');

    /// <summary>The bar is told where the work is, not how much was done since.</summary>
    private sealed class Bar(ProgressTask task) : IProgress<long>
    {
        public void Report(long value) => task.Value = value;
    }
}
