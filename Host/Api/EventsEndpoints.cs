using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Ports;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Http.Features;

namespace BankingEngine.Host.Api;

/// <summary>Followers of a book: server-sent events from a position on, for ever.</summary>
/// <remarks>
/// A stream holds one reader of the journal and nothing else: what a slow reader has not taken stays in the journal
/// and is read when there is room. Each message has the position as its id, so that a client that reconnects goes on
/// where it was; a heartbeat moves the id as well, past events that the filter left out.
/// </remarks>
/// <param name="book">What is followed.</param>
/// <param name="heartbeat">Longest silence.</param>
/// <param name="most">Streams open at once.</param>
/// <param name="stopping">The host is about to end.</param>
public sealed class EventStreams(
    RunningBook book, Consumers consumers, TimeSpan heartbeat, int most, CancellationToken stopping)
{
    /// <summary>Streams open at once in a host: each holds a reader's buffers, about 2 MiB.</summary>
    public const int MaxStreams = 64;

    /// <summary>Seconds after which a silent stream says that it is alive.</summary>
    public const int HeartbeatSeconds = 15;

    public const string ContentType = "text/event-stream";

    /// <summary>Bytes written before the reader is waited for.</summary>
    private const int FlushBytes = 64 * 1024;

    private const string Bearer = "Bearer ";

    private int open;

    /// <summary>Serves one follower until he leaves, loses his key, or the host ends.</summary>
    public async Task FollowAsync(HttpContext context)
    {
        var flaw = EventsFilter.Read(context.Request.Query, out var filter);
        flaw = Group(context.Request.Query, out var group, out var takeover) ?? flaw;
        flaw = From(context, group, out var from, out var stated) ?? flaw;
        flaw ??= await Following.ReachAsync(context, book, from - 1, stated).ConfigureAwait(false);
        if (flaw is null && !group.IsNone) (from, flaw) = await BehindAsync(context, group, from).ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (Interlocked.Increment(ref open) > most)
        {
            Interlocked.Decrement(ref open);
            await Problems.Answer(context, EdgeProblems.TooManyStreams).ConfigureAwait(false);
            return;
        }
        try
        {
            if (group.IsNone) await RunAsync(context, filter, from, CancellationToken.None).ConfigureAwait(false);
            else await RunAsync(context, filter, from, group, takeover).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref open);
        }
    }

    /// <summary>Serves a group's reader, until another takes over.</summary>
    private async Task RunAsync(HttpContext context, EventsFilter filter, long from, Tag group, bool takeover)
    {
        Consumers.Reader? reader;
        try
        {
            reader = await consumers.EnterAsync(group, takeover, context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception away) when (away is PositionsUnavailableException or TurnTakenException)
        {
            await Problems.Answer(context, ConsumerProblems.Unavailable).ConfigureAwait(false);
            return;
        }
        if (reader is null)
        {
            await Problems.Answer(context, new Flaw(ConsumerProblems.Reading)
            {
                RetryAfterSeconds = (int)Holds.Length.TotalSeconds,
            }).ConfigureAwait(false);
            return;
        }
        await using (reader.ConfigureAwait(false))
        {
            await RunAsync(context, filter, from, reader.Ended).ConfigureAwait(false);
            if (!reader.IsTakenOver || context.RequestAborted.IsCancellationRequested
                || context.Response.ContentType != ContentType) return;
            context.Response.BodyWriter.Write("event: "u8);
            context.Response.BodyWriter.Write(System.Text.Encoding.ASCII.GetBytes(Consumers.TakenOver));
            context.Response.BodyWriter.Write("\ndata: {}\n\n"u8);
        }
    }

    private async Task RunAsync(HttpContext context, EventsFilter filter, long from, CancellationToken taken)
    {
        using var ending =
            CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping, taken);
        try
        {
            await SendAsync(context, filter, from, ending.Token).ConfigureAwait(false);
        }
        catch (JournalBusyException)
        {
            await Problems.Answer(context, EdgeProblems.JournalBusy).ConfigureAwait(false);
        }
        catch (JournalException silent) when (silent.Kind == JournalFault.Unknown && !context.Response.HasStarted)
        {
            await Problems.Answer(context, EdgeProblems.JournalUnavailable).ConfigureAwait(false);
        }
        catch (Exception ended) when (ended is OperationCanceledException or EngineUnavailableException
            or JournalException { Kind: JournalFault.Unknown })
        {
            // The follower left or was taken over, host or book are closing, or the journal's store does not answer: he
            // comes back with the last id he saw.
        }
    }

    private static Flaw? Group(IQueryCollection query, out Tag group, out bool takeover)
    {
        (group, takeover) = (default, false);
        var (names, over) = (query["consumer"], query["takeover"]);
        if (names.Count > 1 || (names.Count == 1
            && !Tag.TryParse(System.Text.Encoding.UTF8.GetBytes(names[0] ?? ""), out group)))
            return new Flaw(EdgeProblems.QueryMalformed, "consumer");
        if (over.Count == 0) return null;
        takeover = over is ["true"];
        return names.Count == 1 && over is ["true"] or ["false"] ? null
            : new Flaw(EdgeProblems.QueryMalformed, "takeover");
    }

    /// <summary>A group begins behind its stored position; one that has none, where the query says.</summary>
    private async Task<(long From, Flaw? Flaw)> BehindAsync(HttpContext context, Tag group, long from)
    {
        try
        {
            var stored = await consumers.FindAsync(group, context.RequestAborted).ConfigureAwait(false);
            if (stored is not { } stands) return (from, null);
            // A book restored from an older copy is shorter than what its followers remember.
            var flaw = await Following.ReachAsync(context, book, stands.Position, "consumer").ConfigureAwait(false);
            return (stands.Position + 1, flaw);
        }
        catch (PositionsUnavailableException)
        {
            return (0, new Flaw(ConsumerProblems.Unavailable));
        }
    }

    /// <summary>
    /// The first position to send: behind <c>Last-Event-ID</c>, else <c>from</c>, else the first of the book. A group's
    /// reader may have seen more than it was done with, so the header says nothing of a group.
    /// </summary>
    /// <param name="stated">Where the caller says it.</param>
    private static Flaw? From(HttpContext context, Tag group, out long from, out string stated)
    {
        stated = "Last-Event-ID";
        var last = context.Request.Headers[stated];
        if (last.Count == 0 || !group.IsNone)
            return AuditEndpoints.Position(context, stated = "from", absent: 1, out from);
        from = 0;
        if (last.Count > 1 || !long.TryParse(last[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seen)
            || seen == long.MaxValue)
            return new Flaw(EdgeProblems.QueryMalformed, stated);
        from = seen + 1;
        return null;
    }

    private static void Begin(HttpContext context)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.ContentType = ContentType;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.BodyWriter.Write("retry: 1000\n\n"u8);
    }

    private async Task SendAsync(HttpContext context, EventsFilter filter, long from, CancellationToken ending)
    {
        var to = context.Response.BodyWriter;
        using var reader = book.Engine.Journal.Read(from);
        var sent = from - 1;
        // Read before anything is said: a store that does not answer is a problem, not a stream that ends.
        var isThere = await book.JournalReads.ReadAsync(reader.MoveNext, ending).ConfigureAwait(false);
        Begin(context);
        var isOpen = await FlushAsync(to, ending).ConfigureAwait(false);
        for (var said = Environment.TickCount64; isOpen && IsStillKnown(context);)
        {
            if (isThere)
            {
                (isOpen, var wrote) =
                    await SendBlockAsync(to, filter, reader.Current, from, ending).ConfigureAwait(false);
                sent = reader.Current.LastPosition;
                if (wrote) said = Environment.TickCount64;
                // The threads are those that answer the bank's customers: they get their turn between two blocks.
                else await Task.Yield();
            }
            else
            {
                await WaitAsync(sent, said, ending).ConfigureAwait(false);
            }
            if (isOpen && Environment.TickCount64 - said >= heartbeat.TotalMilliseconds)
            {
                WriteHeartbeat(to, sent);
                isOpen = await FlushAsync(to, ending).ConfigureAwait(false);
                said = Environment.TickCount64;
            }
            isThere = isOpen && await book.JournalReads.ReadOnAsync(reader.MoveNext, ending).ConfigureAwait(false);
        }
    }

    /// <returns>Whether the reader is still there, and whether anything was for him.</returns>
    private static async Task<(bool IsOpen, bool Wrote)> SendBlockAsync(
        PipeWriter to, EventsFilter filter, JournalBlock block, long from, CancellationToken ending)
    {
        var wrote = false;
        for (var index = (int)Math.Max(0, from - block.FirstPosition); index < block.Events; index++)
        {
            wrote |= Write(to, filter, block.FirstPosition + index, block.Line(index));
            if (to.UnflushedBytes < FlushBytes) continue;
            if (!await FlushAsync(to, ending).ConfigureAwait(false)) return (false, wrote);
        }
        return (!wrote || await FlushAsync(to, ending).ConfigureAwait(false), wrote);
    }

    /// <summary>Until there is more, or it is time for a heartbeat.</summary>
    private async Task WaitAsync(long sent, long said, CancellationToken ending)
    {
        var left = heartbeat - TimeSpan.FromMilliseconds(Environment.TickCount64 - said);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(ending);
        silence.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            await book.Engine.WaitBeyondAsync(sent, silence.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ending.IsCancellationRequested)
        {
            // Silence is not the end: a heartbeat is due.
        }
    }

    /// <summary>A key that was revoked a moment ago follows no longer.</summary>
    private bool IsStillKnown(HttpContext context)
    {
        string? header = context.Request.Headers.Authorization;
        return !book.Engine.IsCutOff
            && header is not null && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            && book.Engine.Keys.TryRecognise(header.AsSpan(Bearer.Length).Trim(), book.Engine.RoughNow, out var caller)
            && caller.May(Scopes.Audit);
    }

    private static bool Write(PipeWriter to, EventsFilter filter, long position, ReadOnlySpan<byte> line)
    {
        if (!filter.Takes(line, out var type)) return false;
        WriteId(to, position);
        to.Write("event: "u8);
        to.Write(type);
        to.Write("\ndata: "u8);
        to.Write(line);
        to.Write("\n\n"u8);
        return true;
    }

    /// <summary>
    /// A comment, and an id without data: it reaches nobody's handler and moves where a reconnect begins.
    /// </summary>
    private static void WriteHeartbeat(PipeWriter to, long sent)
    {
        to.Write(": heartbeat\n"u8);
        WriteId(to, sent);
        to.Write("\n"u8);
    }

    private static void WriteId(PipeWriter to, long position)
    {
        Span<byte> digits = stackalloc byte[20];
        position.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        to.Write("id: "u8);
        to.Write(digits[..length]);
        to.Write("\n"u8);
    }

    private static async ValueTask<bool> FlushAsync(PipeWriter to, CancellationToken ending)
    {
        var flushed = await to.FlushAsync(ending).ConfigureAwait(false);
        return !flushed.IsCompleted;
    }
}

/// <summary>The route of the event stream.</summary>
public static class EventsEndpoints
{
    public static void MapEvents(this IEndpointRouteBuilder routes, RunningBook book, TimeSpan? heartbeat = null,
        int most = EventStreams.MaxStreams)
    {
        var stopping = routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var consumers = new Consumers(book);
        consumers.Map(routes);
        var streams = new EventStreams(book, consumers,
            heartbeat ?? TimeSpan.FromSeconds(EventStreams.HeartbeatSeconds), most, stopping);
        routes.MapGet("/v1/events", (Delegate)streams.FollowAsync).Needs(Scopes.Audit).WithName("events.follow")
            .WithSummary("Follow events as they become durable (server-sent events); from=<position> or Last-Event-ID")
            .Reads(new(
                "Audit", "Events without end: the id is the position, the data the event line.",
                Parameters.FirstPosition, Parameters.Types, Parameters.Account, Parameters.Consumer,
                Parameters.Takeover, Parameters.LastEventId)
            { Type = EventStreams.ContentType });
    }
}
