using System.Buffers;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>Reports over the whole book. They are sent while they are read, so that their size has no bound.</summary>
internal sealed class ReadsReports(RunningBook book)
{
    private const string Csv = "text/csv";

    /// <summary>Bytes after which what is written goes on its way.</summary>
    private const int FlushBytes = 32 * 1024;

    public async Task TrialAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (asOf, bookedOn, by) =
            (query.AsOf("as-of"), query.Value<BusinessDate>("booked-on"), query.One<TrialBy>("by") ?? TrialBy.Chart);
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn)
            .ConfigureAwait(false) is not var (entries, cut)) return;
        var trial = new TrialBalance(entries, by, cut.Through!.Value, bookedOn);
        if (context.Request.Headers.Accept.ToString().Contains(Csv, StringComparison.OrdinalIgnoreCase))
            await SendCsvAsync(context, trial).ConfigureAwait(false);
        else
            await SendJsonAsync(context, trial, by, bookedOn).ConfigureAwait(false);
    }

    public async Task LagAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, book.Engine.DurablePosition);
            to.WriteStartArray("projections"u8);
            foreach (var lag in book.ReadModels.Lag())
            {
                to.WriteStartObject();
                to.WriteString("name"u8, lag.Name);
                to.WriteNumber("version"u8, lag.Version);
                to.WriteNumber("position"u8, lag.Position);
                to.WriteNumber("behind_by"u8, Math.Max(0, lag.Durable - lag.Position));
                to.ValueOrNull("behind_since"u8, lag.BehindSince);
                if (lag.Rebuilding is { } built) to.WriteNumber("rebuilt_through"u8, built);
                if (lag.LastError is { } error) to.WriteString("store_error"u8, error);
                if (lag.RebuildFailed is { } failed)
                {
                    to.WriteStartObject("rebuild_failed"u8);
                    to.Value("at"u8, failed.At);
                    to.WriteString("reason"u8, failed.Reason);
                    to.WriteEndObject();
                }
                if (lag.Fault is { } fault)
                {
                    to.WriteStartObject("stopped"u8);
                    to.WriteNumber("position"u8, fault.Position);
                    to.WriteString("reason"u8, fault.Reason);
                    to.WriteEndObject();
                }
                to.WriteEndObject();
            }
            to.WriteEndArray();
        });
    }

    private static async Task SendJsonAsync(HttpContext context, TrialBalance trial, TrialBy by, BusinessDate? bookedOn)
    {
        await using var lines = trial.LinesAsync().GetAsyncEnumerator(context.RequestAborted);
        // Asked for before anything is written: a read model out of reach is a problem of its own, and one that is lost
        // later breaks the answer off.
        var isMore = await lines.MoveNextAsync().ConfigureAwait(false);
        context.Response.ContentType = ResponseBody.JsonType;
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        var body = context.Response.BodyWriter;
        await using var to = new Utf8JsonWriter(body, EventJson.Line);
        to.WriteStartObject();
        to.WriteNumber("position"u8, trial.Position);
        to.ValueOrNull("booked_on"u8, bookedOn);
        to.WriteString("by"u8, ReadsJson.NameOf(by));
        to.WriteStartArray("lines"u8);
        for (; isMore; isMore = await lines.MoveNextAsync().ConfigureAwait(false))
        {
            Write(to, lines.Current);
            if (to.BytesPending < FlushBytes) continue;
            to.Flush();
            await body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
        to.WriteEndArray();
        to.WriteStartArray("totals"u8);
        foreach (var total in trial.Totals)
        {
            to.WriteStartObject();
            to.Value("asset"u8, total.Asset.Code);
            to.WriteString("books"u8, total.IsMemorandum ? "memorandum" : "own");
            to.Figures("debits"u8, total.Debits, total.Asset);
            to.Figures("credits"u8, total.Credits, total.Asset);
            to.Figures("difference"u8, total.Difference, total.Asset);
            to.WriteEndObject();
        }
        to.WriteEndArray();
        to.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter to, in TrialLine line)
    {
        to.WriteStartObject();
        to.WriteString("class"u8, ReadsJson.NameOf(line.Class));
        to.WriteString("presented_as"u8, ReadsJson.NameOf(line.Presented));
        if (line.Heading is { } heading) to.WriteString("heading"u8, heading);
        if (!line.Chart.IsNone) to.Value("chart"u8, line.Chart);
        if (!line.Account.IsNone) to.Value("account"u8, line.Account);
        to.Value("asset"u8, line.Asset.Code);
        to.Figures("debits"u8, line.Debits, line.Asset);
        to.Figures("credits"u8, line.Credits, line.Asset);
        to.Figures("debit_balance"u8, line.DebitBalance, line.Asset);
        to.Figures("credit_balance"u8, line.CreditBalance, line.Asset);
        to.WriteEndObject();
    }

    private static async Task SendCsvAsync(HttpContext context, TrialBalance trial)
    {
        context.Response.ContentType = Csv;
        context.Response.Headers["Bank-Position"] =
            trial.Position.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var body = context.Response.BodyWriter;
        var text = new StringBuilder(
            "class,presented_as,heading,chart,account,asset,debits,credits,debit_balance,credit_balance\r\n");
        await foreach (var line in trial.LinesAsync().ConfigureAwait(false))
        {
            // Names and headings hold no comma and no quote.
            text.Append(ReadsJson.NameOf(line.Class)).Append(',').Append(ReadsJson.NameOf(line.Presented)).Append(',')
                .Append(line.Heading).Append(',').Append(line.Chart).Append(',')
                .Append(line.Account.IsNone ? "" : line.Account.ToString()).Append(',').Append(line.Asset.Code);
            Int128[] figures = [line.Debits, line.Credits, line.DebitBalance, line.CreditBalance];
            foreach (var minor in figures)
                text.Append(',').Append(ReadsJson.FiguresOf(minor, line.Asset));
            text.Append("\r\n");
            if (text.Length < FlushBytes) continue;
            body.Write(Encoding.ASCII.GetBytes(text.ToString()));
            text.Clear();
            await body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
        body.Write(Encoding.ASCII.GetBytes(text.ToString()));
    }
}
