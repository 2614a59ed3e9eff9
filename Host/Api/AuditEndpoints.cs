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
    /// <param name="absent">What it is when it is not there; 0: it has to be there.</param>
    /// <param name="end">The highest; more is beyond the end.</param>
    internal static Flaw? Position(HttpContext context, string name, long absent, long end, out long value)
    {
        var texts = context.Request.Query[name];
        value = absent;
        if (texts.Count == 0) return absent == 0 ? new Flaw(EdgeProblems.QueryMalformed, name) : null;
        if (texts.Count > 1 || !long.TryParse(texts[0], NumberStyles.None, CultureInfo.InvariantCulture, out value)
            || value < 1)
            return new Flaw(EdgeProblems.QueryMalformed, name);
        return value > end ? new Flaw(ReadsProblems.BeyondEnd, name) : null;
    }

    private static async Task CheckpointAsync(HttpContext context, RunningBook book)
    {
        var end = book.Engine.DurablePosition;
        if (Position(context, "size", end, end, out var size) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var text = await book.Checkpoints.AtAsync(size).ConfigureAwait(false);
        await Text(context, NoteType, text, $"{book.Checkpoints.Origin}-{size}.checkpoint").ConfigureAwait(false);
    }

    private static async Task EventsAsync(HttpContext context, RunningBook book)
    {
        var end = book.Engine.DurablePosition;
        // The position behind the last is where a follower stands who has read all: an empty page, not a problem.
        var flaw = Position(context, "from", 1, end + 1, out var from);
        flaw = Limit(context, out var limit) ?? flaw;
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        var left = Math.Min(limit, end - from + 1);
        context.Response.ContentType = LinesType;
        context.Response.Headers.Link = $"</v1/audit/events?from={from + left}&limit={limit}>; rel=\"next\"";
        if (left == 0) return;
        using var reader = book.Engine.Journal.Read(from);
        while (left > 0 && reader.MoveNext())
        {
            var block = reader.Current;
            var first = (int)Math.Max(0, from - block.FirstPosition);
            var count = (int)Math.Min(left, block.Events - first);
            var bytes = block.Lines[block.Starts[first]..block.Starts[first + count]];
            var sent = await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted)
                .ConfigureAwait(false);
            if (sent.IsCompleted) return;
            left -= count;
        }
    }

    private static Flaw? Limit(HttpContext context, out long limit)
    {
        var flaw = Position(context, "limit", PageEvents, MaxPageEvents, out limit);
        return flaw is null ? null : new Flaw(EdgeProblems.QueryMalformed, "limit");
    }

    private static Task InclusionAsync(HttpContext context, RunningBook book)
    {
        var end = book.Engine.DurablePosition;
        if (Position(context, "size", end, end, out var size) is { } wrong) return Problems.Answer(context, wrong);
        if (Position(context, "position", 0, size, out var position) is { } beyond)
            return Problems.Answer(context, beyond);
        var checkpoints = book.Checkpoints;
        var proof = InclusionProof.Make(checkpoints.Tree, book.Engine.Journal, checkpoints.Origin, position, size);
        return Text(context, ResponseBody.JsonType, ProofFile.Write(proof),
            $"{proof.Origin}-{position}-in-{size}.proof.json");
    }

    private static Task ConsistencyAsync(HttpContext context, RunningBook book)
    {
        var end = book.Engine.DurablePosition;
        if (Position(context, "to", end, end, out var to) is { } wrong) return Problems.Answer(context, wrong);
        if (Position(context, "from", 0, to, out var from) is { } beyond) return Problems.Answer(context, beyond);
        var proof = ConsistencyProof.Make(book.Checkpoints.Tree, book.Checkpoints.Origin, from, to);
        return Text(context, ResponseBody.JsonType, ProofFile.Write(proof),
            $"{proof.Origin}-{from}-to-{to}.proof.json");
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
