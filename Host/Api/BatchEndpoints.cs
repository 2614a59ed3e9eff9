using System.Buffers;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// Many commands in one request, each answered alone: an array answered by an array, or a stream of lines answered
/// line by line as they become durable.
/// </summary>
public static class BatchEndpoints
{
    public const string Route = "/v1/batch";

    public static void MapBatch(this IEndpointRouteBuilder routes, RunningBook book)
    {
        Task Run(HttpContext context) => RequestBodies.Is(context, RequestBodies.NdJson)
            ? BatchStream.RunAsync(context, book)
            : RunArrayAsync(context, book);
        routes.MapPost(Route, (Delegate)Run).Needs(Access.AnyKey).WithName("batch").WithTags("Batch")
            .WithSummary("Many commands, each alone or linked; an array, or a stream of lines (application/x-ndjson)");
    }

    private static async Task RunArrayAsync(HttpContext context, RunningBook book)
    {
        try
        {
            RequestBodies.Allow(context, Limits.BatchBytes);
            if (!RequestBodies.Is(context, ResponseBody.JsonType))
            {
                var flaw = RequestBodies.NotOf($"{ResponseBody.JsonType} or {RequestBodies.NdJson}");
                await Problems.Answer(context, flaw).ConfigureAwait(false);
                return;
            }
            var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
            var items = new List<BatchItem>();
            var malformed = ReadArray(body, new(book, context.Caller()), items);
            RequestBodies.Done(context, body);
            if (malformed is not null)
            {
                await Problems.Answer(context, malformed.Value).ConfigureAwait(false);
                return;
            }
            var run = new BatchRun(book, context.Caller());
            var answers = await run.SendAsync(items).ConfigureAwait(false);
            using var to = ResponseBody.Rent();
            to.Bytes.Write("["u8);
            for (var i = 0; i < items.Count; i++)
            {
                if (i > 0) to.Bytes.Write(","u8);
                run.Write(to, items[i], answers[i]);
            }
            to.Bytes.Write("]"u8);
            to.Send(context.Response, StatusCodes.Status200OK);
        }
        catch (EngineUnavailableException unavailable)
        {
            await Problems.Answer(context, unavailable).ConfigureAwait(false);
        }
        catch (BadHttpRequestException bad)
        {
            await Problems.Answer(context, RequestBodies.Of(bad)).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Takes the array apart. One that is not JSON as a whole is refused as a whole: nothing of it is done.
    /// </summary>
    private static Flaw? ReadArray(in ReadOnlySequence<byte> body, BatchItems reading, List<BatchItem> items)
    {
        var json = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        try
        {
            var reader = new Utf8JsonReader(json, new() { MaxDepth = Limits.BatchDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray) return new(EdgeProblems.NotAnArray);
            var ranges = new List<Range>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (ranges.Count == Limits.BatchItems) return new(EdgeProblems.TooManyItems);
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                ranges.Add(start..(int)reader.BytesConsumed);
            }
            if (reader.Read()) return new(EdgeProblems.MalformedJson);
            foreach (var range in ranges) items.Add(reading.Read(json[range]));
            return null;
        }
        catch (JsonException)
        {
            return CommandFields.Diagnose(json, Limits.BatchDepth) ?? new Flaw(EdgeProblems.MalformedJson);
        }
    }
}

/// <summary>Sends the items of a batch to the book, in order and in blocks, and writes their answers.</summary>
internal sealed class BatchRun(RunningBook book, Caller caller)
{
    private readonly List<(Envelope, Command, string)> _block = new(Limits.BlockItems);

    /// <returns>An answer for each item; the default for one with a flaw.</returns>
    /// <exception cref="EngineUnavailableException">Some may have happened: their ids tell.</exception>
    /// <remarks>An item whose reversal cannot be told gets its flaw here.</remarks>
    public async Task<Answer[]> SendAsync(List<BatchItem> items)
    {
        var answers = new Answer[items.Count];
        var sent = new List<int>(Limits.BlockItems);
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            if (item.Command is not { } command) continue;
            if (item.Reverses is { } reversed)
            {
                // What it reverses may stand just before it in this batch: it has to be durable to be read.
                await FlushAsync(answers, sent).ConfigureAwait(false);
                (command, var apart) =
                    await Reversals.ResolveAsync(book, reversed, (ReverseEntry)command, item.Id).ConfigureAwait(false);
                if (apart is not null)
                {
                    items[i] = item with { Flaw = apart };
                    continue;
                }
            }
            if (item.Ask is { } ask)
            {
                var built = await ask(book, item.Id).ConfigureAwait(false);
                if (built.Flaw is not null)
                {
                    items[i] = item with { Flaw = built.Flaw };
                    continue;
                }
                command = built.Command!;
            }
            _block.Add((new(item.Id, caller.Number, item.Print), command, item.Named));
            sent.Add(i);
            if (_block.Count == Limits.BlockItems) await FlushAsync(answers, sent).ConfigureAwait(false);
        }
        await FlushAsync(answers, sent).ConfigureAwait(false);
        return answers;
    }

    /// <summary>
    /// Writes <c>{"id":…,"status":…,"receipt"|"problem":{…}}</c>; <c>repeat</c> where the answer was given before, and
    /// <c>line</c> where a line of a stream did not reach the book.
    /// </summary>
    public void Write(ResponseBody to, in BatchItem item, in Answer answer)
    {
        var problem = item.Flaw;
        using var inner = ResponseBody.RentSecond();
        int status;
        if (problem is { } flaw)
        {
            Problems.Write(inner.Json, flaw);
            status = flaw.Problem.Status;
        }
        else
        {
            status = Receipts.Write(inner, book, item.Id, answer, item.Creates);
        }
        inner.Json.Flush();
        to.Bytes.Write("{\"id\":"u8);
        if (item.Stated is null) to.Bytes.Write("null"u8);
        else WriteString(to, item.Stated);
        to.Bytes.Write(",\"status\":"u8);
        Receipts.WriteNumber(to.Bytes, status);
        if (problem is null && answer.Ended.Ending == Ending.Repeated) to.Bytes.Write(",\"repeat\":true"u8);
        if (problem is not null && item.Line > 0)
        {
            to.Bytes.Write(",\"line\":"u8);
            Receipts.WriteNumber(to.Bytes, item.Line);
        }
        to.Bytes.Write(status < StatusCodes.Status400BadRequest ? ",\"receipt\":"u8 : ",\"problem\":"u8);
        to.Bytes.Write(inner.Bytes.WrittenSpan);
        to.Bytes.Write("}"u8);
    }

    private async Task FlushAsync(Answer[] answers, List<int> sent)
    {
        if (_block.Count == 0) return;
        (Envelope, Command, string)[] commands = [.. _block];
        _block.Clear();
        var block = await book.Engine.SendAsync(commands).ConfigureAwait(false);
        for (var i = 0; i < block.Length; i++) answers[sent[i]] = block[i];
        sent.Clear();
    }

    private static void WriteString(ResponseBody to, string text)
    {
        to.Json.WriteStringValue(text);
        to.Json.Flush();
        to.Json.Reset();
    }
}
