using System.Buffers;
using System.IO.Pipelines;
using BankingEngine.Application.Engine;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace BankingEngine.Host.Api;

/// <summary>
/// A stream of commands, one a line, answered by a stream of answers in the same order. What has arrived is sent to
/// the book together, up to a block; the next lines are read when the answers have left, so neither side runs ahead.
/// </summary>
internal static class BatchStream
{
    public static async Task RunAsync(HttpContext context, RunningBook book)
    {
        RequestBodies.Allow(context, null);
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        context.Response.ContentType = RequestBodies.NdJson;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        var reading = new BatchItems(book, context.Caller());
        var run = new BatchRun(book, context.Caller());
        var items = new List<BatchItem>(Limits.BlockItems);
        var body = context.Request.BodyReader;
        var (ended, lines) = (false, 0L);
        while (!ended)
        {
            var read = await body.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            var rest = TakeLines(read, reading, items, ref lines, out ended);
            body.AdvanceTo(rest.Start, items.Count > 0 && !ended ? rest.Start : rest.End);
            if (items.Count == 0) continue;
            await AnswerAsync(context.Response.BodyWriter, run, items, context.RequestAborted).ConfigureAwait(false);
            items.Clear();
        }
    }

    /// <summary>Reads whole lines, up to a block of them.</summary>
    /// <param name="lines">How many were read, blank ones too.</param>
    /// <param name="ended">Whether nothing more is to come; also where a line is too long to go on.</param>
    /// <returns>What is left of the buffer.</returns>
    private static ReadOnlySequence<byte> TakeLines(
        in ReadResult read, BatchItems reading, List<BatchItem> items, ref long lines, out bool ended)
    {
        var rest = read.Buffer;
        while (items.Count < Limits.BlockItems && rest.PositionOf((byte)'\n') is { } end)
        {
            Take(rest.Slice(0, end), reading, items, ++lines);
            rest = rest.Slice(rest.GetPosition(1, end));
        }
        ended = false;
        if (items.Count == Limits.BlockItems) return rest;
        if (rest.Length > Limits.LineBytes)
        {
            items.Add(BatchItem.Wrong(null, new(EdgeProblems.LineTooLarge)) with { Line = lines + 1 });
            ended = true;
            return rest.Slice(rest.End);
        }
        if (!read.IsCompleted) return rest;
        Take(rest, reading, items, ++lines);
        ended = true;
        return rest.Slice(rest.End);
    }

    private static void Take(in ReadOnlySequence<byte> line, BatchItems reading, List<BatchItem> items, long number)
    {
        if (line.Length > Limits.LineBytes)
        {
            items.Add(BatchItem.Wrong(null, new(EdgeProblems.LineTooLarge)) with { Line = number });
            return;
        }
        var json = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        if (json.TrimEnd(" \r\t"u8).IsEmpty) return;
        items.Add(reading.Read(json) with { Line = number });
    }

    private static async Task AnswerAsync(PipeWriter to, BatchRun run, List<BatchItem> items, CancellationToken aborted)
    {
        Answer[]? answers = null;
        Flaw? unavailable = null;
        try
        {
            answers = await run.SendAsync(items).ConfigureAwait(false);
        }
        catch (EngineUnavailableException why)
        {
            // The stream goes on: each of these may be sent again under its id.
            unavailable = new(Problems.Of(why));
        }
        Write(to, run, items, answers, unavailable);
        await to.FlushAsync(aborted).ConfigureAwait(false);
    }

    private static void Write(PipeWriter to, BatchRun run, List<BatchItem> items, Answer[]? answers, Flaw? unavailable)
    {
        using var body = ResponseBody.Rent();
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            if (unavailable is not null && item.Flaw is null) item = item with { Flaw = unavailable };
            run.Write(body, item, answers is null ? default : answers[i]);
            body.Bytes.Write("\n"u8);
        }
        to.Write(body.Bytes.WrittenSpan);
    }
}
