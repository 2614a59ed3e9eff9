using System.Globalization;
using System.Text;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Journal.Verification;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using static BankingEngine.Host.Api.Parameters;

namespace BankingEngine.Host.Api;

/// <summary>What auditors ask: signed checkpoints, the journal as it stands, proofs, and the keys that sign.</summary>
public static class AuditEndpoints
{
    /// <summary>Events a page holds unless the caller says how many.</summary>
    public const int PageEvents = 1_000;

    /// <summary>Events a page may hold.</summary>
    public const int MaxPageEvents = 10_000;

    public const string LinesType = "application/x-ndjson", NoteType = "text/plain; charset=utf-8";

    public static void MapAudit(this IEndpointRouteBuilder routes, RunningBook book)
    {
        Task Checkpoint(HttpContext context) => CheckpointAsync(context, book);
        Task Events(HttpContext context) => EventsAsync(context, book);
        Task Inclusion(HttpContext context) => InclusionAsync(context, book);
        Task Consistency(HttpContext context) => ConsistencyAsync(context, book);
        Task Keys(HttpContext context) => KeysAsync(context, book);
        routes.MapGet("/v1/audit/checkpoint", (Delegate)Checkpoint).Needs(Scopes.Audit).WithName("audit.checkpoint")
            .WithSummary("The signed checkpoint (C2SP) of all durable events; size=<events> for an older one")
            .Reads(new("Audit", "The note.", Size) { Type = NoteType });
        routes.MapGet("/v1/audit/events", (Delegate)Events).Needs(Scopes.Audit).WithName("audit.events")
            .WithSummary("Event lines as journalled: from=<position>, limit=<events>; Link leads to the next page")
            .Reads(new("Audit", "A page of event lines.", FirstPosition, Parameters.Limit(MaxPageEvents, PageEvents))
            {
                Type = LinesType,
            });
        routes.MapGet("/v1/audit/proofs/inclusion", (Delegate)Inclusion).Needs(Scopes.Audit).WithName("audit.inclusion")
            .WithSummary("A proof file that the event at position=<position> is among the first size=<events>")
            .Reads(new("Audit", "The proof.", ProvedPosition, Size));
        routes.MapGet("/v1/audit/proofs/consistency", (Delegate)Consistency).Needs(Scopes.Audit)
            .WithName("audit.consistency")
            .WithSummary("A proof file that the first to=<events> begin with the first from=<events>")
            .Reads(new("Audit", "The proof.", FromSize, ToSize));
        routes.MapGet("/v1/audit/keys", (Delegate)Keys).Needs(Scopes.Audit).WithName("audit.keys")
            .WithSummary("The public keys of checkpoints, with the positions from which they sign")
            .Reads(new("Audit", "The keys."));
    }

    /// <summary>Reads a position or size from the query.</summary>
    /// <param name="absent">What it is when it is not there; null: it has to be there.</param>
    /// <returns>What is wrong with its form; whether the book has it is another question.</returns>
    internal static Flaw? Position(HttpContext context, string name, long? absent, out long value)
    {
        var texts = context.Request.Query[name];
        value = absent ?? 0;
        if (texts.Count == 0) return absent is null ? new Flaw(EdgeProblems.QueryMalformed, name) : null;
        return texts.Count == 1 && long.TryParse(texts[0], NumberStyles.None, CultureInfo.InvariantCulture, out value)
            && value >= 1 ? null : new Flaw(EdgeProblems.QueryMalformed, name);
    }

    /// <summary>Reads a part of the book and the size of the whole that it lies in: all there is, unless the caller
    /// says.</summary>
    private static async Task<(long Part, long Size, Flaw? Flaw)> WithinAsync(
        HttpContext context, RunningBook book, string part, string whole)
    {
        var flaw = Position(context, whole, absent: 0, out var size);
        var flawOfPart = Position(context, part, absent: null, out var within);
        flaw ??= flawOfPart;
        var (reached, named) = size > 0 ? (size, whole) : (within, part);
        flaw ??= await Following.ReachAsync(context, book, reached, named).ConfigureAwait(false);
        if (size == 0) size = book.Engine.DurablePosition;
        if (within > size) flaw ??= new Flaw(ReadsProblems.BeyondEnd, part);
        return (within, size, flaw);
    }

    private static async Task CheckpointAsync(HttpContext context, RunningBook book)
    {
        var flaw = Position(context, "size", book.Engine.DurablePosition, out var size);
        flaw ??= await Following.ReachAsync(context, book, size, "size").ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var signing = await book.JournalReads.ReadAsync(() => book.Checkpoints.AtAsync(size), context.RequestAborted)
            .ConfigureAwait(false);
        var text = await signing.ConfigureAwait(false);
        await Text(context, NoteType, text, $"{book.Checkpoints.Origin}-{size}.checkpoint").ConfigureAwait(false);
    }

    private static async Task EventsAsync(HttpContext context, RunningBook book)
    {
        var flaw = Position(context, "from", absent: 1, out var from);
        flaw = Limit(context, out var limit) ?? flaw;
        // The position behind the last is where a follower stands who has read all: an empty page, not a problem.
        flaw ??= await Following.ReachAsync(context, book, from - 1, "from").ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var left = Math.Min(limit, book.Engine.DurablePosition - from + 1);
        using var reader = book.Engine.Journal.Read(from);
        // Read before anything is said: a store that does not answer is a problem, not a page that breaks off.
        var isThere = left > 0
            && await book.JournalReads.ReadAsync(reader.MoveNext, context.RequestAborted).ConfigureAwait(false);
        context.Response.ContentType = LinesType;
        context.Response.Headers.Link = $"</v1/audit/events?from={from + left}&limit={limit}>; rel=\"next\"";
        while (isThere)
        {
            var block = reader.Current;
            var first = (int)Math.Max(0, from - block.FirstPosition);
            var count = (int)Math.Min(left, block.Events - first);
            var bytes = block.Lines[block.Starts[first]..block.Starts[first + count]];
            var sent = await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted)
                .ConfigureAwait(false);
            if (sent.IsCompleted) return;
            left -= count;
            isThere = left > 0
                && await book.JournalReads.ReadOnAsync(reader.MoveNext, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private static Flaw? Limit(HttpContext context, out long limit)
    {
        var flaw = Position(context, "limit", PageEvents, out limit);
        return flaw ?? (limit > MaxPageEvents ? new Flaw(EdgeProblems.QueryMalformed, "limit") : null);
    }

    private static async Task InclusionAsync(HttpContext context, RunningBook book)
    {
        var (position, size, flaw) = await WithinAsync(context, book, "position", "size").ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var checkpoints = book.Checkpoints;
        var proof = await book.JournalReads.ReadAsync(
            () => InclusionProof.Make(checkpoints.Tree, book.Engine.Journal, checkpoints.Origin, position, size),
            context.RequestAborted).ConfigureAwait(false);
        await Text(context, ResponseBody.JsonType, ProofFile.Write(proof),
            $"{proof.Origin}-{position}-in-{size}.proof.json").ConfigureAwait(false);
    }

    private static async Task ConsistencyAsync(HttpContext context, RunningBook book)
    {
        var (from, to, flaw) = await WithinAsync(context, book, "from", "to").ConfigureAwait(false);
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var proof = ConsistencyProof.Make(book.Checkpoints.Tree, book.Checkpoints.Origin, from, to);
        await Text(context, ResponseBody.JsonType, ProofFile.Write(proof),
            $"{proof.Origin}-{from}-to-{to}.proof.json").ConfigureAwait(false);
    }

    private static async Task KeysAsync(HttpContext context, RunningBook book)
    {
        var keys = await book.Checkpoints.KeysAsync().ConfigureAwait(false);
        using var to = ResponseBody.Rent();
        to.Json.WriteStartObject();
        to.Json.WriteString("origin"u8, book.Checkpoints.Origin);
        to.Json.WriteStartArray("keys"u8);
        foreach (var (position, announced) in keys)
        {
            var key = Convert.FromBase64String(announced.PublicKey);
            to.Json.WriteStartObject();
            to.Json.WriteNumber("position"u8, position);
            to.Json.WriteString("name"u8, announced.Name);
            to.Json.WriteString("id"u8, $"{CheckpointSigner.IdOf(key):x8}");
            to.Json.WriteString("public_key"u8, announced.PublicKey);
            to.Json.WriteString("verifier_key"u8, CheckpointSigner.VerifierKeyOf(announced.Name, key));
            to.Json.WriteEndObject();
        }
        to.Json.WriteEndArray();
        to.Json.WriteEndObject();
        to.Send(context.Response, StatusCodes.Status200OK);
    }

    /// <param name="file">What a browser or <c>curl -OJ</c> calls it.</param>
    private static Task Text(HttpContext context, string type, string text, string file)
    {
        using var to = ResponseBody.Rent();
        Encoding.UTF8.GetBytes(text, to.Bytes);
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{file}\"";
        to.Send(context.Response, StatusCodes.Status200OK, type);
        return Task.CompletedTask;
    }
}
