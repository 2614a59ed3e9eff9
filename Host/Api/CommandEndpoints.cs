using System.Buffers;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>One route for each command of the catalogue, and one that tells what became of a command.</summary>
public static class CommandEndpoints
{
    public const string ReplayHeader = "Idempotent-Replay";

    public static void MapCommands(this IEndpointRouteBuilder routes, RunningBook book)
    {
        foreach (var spec in CommandCatalogue.All)
        {
            if (spec.InSandboxOnly && book.Genesis.Mode != BookMode.Sandbox) continue;
            Task Run(HttpContext context) => RunAsync(context, spec, book);
            routes.MapPost(spec.Route, (Delegate)Run).Needs(spec.Needs).WithName(spec.Name)
                .WithSummary(spec.Summary).WithTags(spec.Area).WithMetadata(spec);
        }
        Task Find(HttpContext context) => FindAsync(context, book);
        routes.MapGet("/v1/commands/{id}", (Delegate)Find).Needs(Access.AnyKey).WithName("command.find")
            .WithSummary("The answer to a command again: of your own, or of any with the audit scope")
            .Reads(new("Operations", "The receipt again.") { NotFound = "command.not_found" });
    }

    /// <summary>What a request turned out to be.</summary>
    private readonly record struct Asked(CommandId Id, UInt128 Print, Built Built, Flaw? Flaw)
    {
        public static implicit operator Asked(Flaw flaw) => new(default, default, default, flaw);
        public static implicit operator Asked(EdgeProblem problem) => new Flaw(problem);
    }

    private static async Task RunAsync(HttpContext context, CommandSpec spec, RunningBook book)
    {
        try
        {
            var body = await RequestBodies.ReadAsync(context).ConfigureAwait(false);
            var caller = context.Caller();
            var asked = Read(context, spec, book, caller, body);
            RequestBodies.Done(context, body);
            if (asked.Flaw is { } flaw)
            {
                await Problems.Answer(context, flaw).ConfigureAwait(false);
                return;
            }
            using var turn = await book.Turns.TakeAsync(asked.Built.Turn, TurnTimes.LongestWait, context.RequestAborted)
                .ConfigureAwait(false);
            if (asked.Built.Ask is { } ask)
            {
                asked = asked with { Built = await ask(book, asked.Id).ConfigureAwait(false) };
                if (asked.Built.Flaw is { } no)
                {
                    await Problems.Answer(context, no).ConfigureAwait(false);
                    return;
                }
            }
            var command = asked.Built.Command!;
            if (asked.Built.Reverses is { } id)
            {
                (command, var apart) =
                    await Reversals.ResolveAsync(book, id, (ReverseEntry)command, asked.Id).ConfigureAwait(false);
                if (apart is { } parts)
                {
                    await Problems.Answer(context, parts).ConfigureAwait(false);
                    return;
                }
            }
            var envelope = new Envelope(asked.Id, caller.Number, asked.Print);
            var named = asked.Built.Named ?? spec.Name;
            var answer = await book.Engine.SendAsync(envelope, command, named).ConfigureAwait(false);
            if (answer.Ended.Ending != Ending.Accepted) await ForgetAsync(book, asked.Built.SealedFor).ConfigureAwait(false);
            var detail = await Lives.DetailAsync(book, command, answer).ConfigureAwait(false);
            Send(context, spec, book, asked, answer, detail);
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

    /// <summary>Destroys a key that seals nothing the book kept.</summary>
    private static async Task ForgetAsync(RunningBook book, AccountId subject)
    {
        if (subject.IsNone) return;
        try
        {
            await Task.Run(() => book.KeyStore.Destroy(subject.ToString())).ConfigureAwait(false);
        }
        catch (Exception away) when (away is JournalException or IOException or UnauthorizedAccessException)
        {
            // It opens nothing; the answer is not to wait for the key store.
        }
    }

    private static void Send(
        HttpContext context, CommandSpec spec, RunningBook book, in Asked asked, in Answer answer, string? detail)
    {
        using var to = ResponseBody.Rent();
        var secret = answer.Ended.Ending == Ending.Accepted ? asked.Built.Secret : null;
        var status = Receipts.Write(to, book, asked.Id, answer, spec.Creates, secret, detail);
        if (answer.Ended.Ending == Ending.Repeated) context.Response.Headers[ReplayHeader] = "true";
        to.Send(
            context.Response, status, status < StatusCodes.Status400BadRequest
            ? ResponseBody.JsonType
            : Problems.ContentType);
    }

    private static Asked Read(
        HttpContext context, CommandSpec spec, RunningBook book, in Caller caller, in ReadOnlySequence<byte> body)
    {
        if (!RequestBodies.Is(context, ResponseBody.JsonType)) return RequestBodies.NotOf(ResponseBody.JsonType);
        var ids = context.Request.Headers[CommandIds.Header];
        if (ids.Count == 0) return EdgeProblems.IdMissing;
        if (ids.Count > 1 || !CommandIds.TryRead(ids[0], caller, out var id)) return EdgeProblems.IdMalformed;
        if (body.IsSingleSegment) return Read(context, spec, book, caller, id, body.FirstSpan);
        var whole = ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            body.CopyTo(whole);
            return Read(context, spec, book, caller, id, whole.AsSpan(0, (int)body.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private static Asked Read(
        HttpContext context, CommandSpec spec, RunningBook book, in Caller caller, CommandId id,
        ReadOnlySpan<byte> body)
    {
        var fields = CommandFields.Rent();
        try
        {
            fields.Begin(spec);
            foreach (var field in spec.InPath)
            {
                if (fields.ReadPath(field, context.Request.RouteValues[field.Name] as string) is { } misplaced)
                    return misplaced;
            }
            if (fields.ReadBody(body, inBatch: false) is { } flaw) return flaw;
            var built = spec.Build(fields, book.Sealing);
            if (built.Flaw is { } apart) return apart;
            if (!caller.May(Bank.NeededFor(built.Command!))) return EdgeProblems.ScopeMissing;
            return new(id, fields.Print(), built, null);
        }
        finally
        {
            fields.Return();
        }
    }

    private static async Task FindAsync(HttpContext context, RunningBook book)
    {
        var caller = context.Caller();
        if (!CommandIds.TryRead(context.Request.RouteValues["id"] as string, caller, out var own))
        {
            await Problems.Answer(context, EdgeProblems.IdMalformed).ConfigureAwait(false);
            return;
        }
        try
        {
            // An id as a receipt states it may be of any version; a caller's own text was hashed to one.
            if (!CommandId.TryParse(context.Request.RouteValues["id"] as string ?? "", out var stated)) stated = own;
            var found = await book.Engine.ReadAsync((bank, _) =>
                bank.Memory.TryFind(own, out var row) || bank.Memory.TryFind(stated, out row) ? row : default)
                    .ConfigureAwait(false);
            if (found.Position == 0 || (found.Caller != caller.Number && !caller.May(Scopes.Audit)))
            {
                await Problems.Answer(context, EdgeProblems.CommandNotFound).ConfigureAwait(false);
                return;
            }
            using var to = ResponseBody.Rent();
            var status = Receipts.WriteStored(to, book, new(found.Id), found.Position, found.Parts, creates: false);
            to.Send(
                context.Response, status, status < StatusCodes.Status400BadRequest
                ? ResponseBody.JsonType
                : Problems.ContentType);
        }
        catch (EngineUnavailableException unavailable)
        {
            await Problems.Answer(context, unavailable).ConfigureAwait(false);
        }
    }
}
