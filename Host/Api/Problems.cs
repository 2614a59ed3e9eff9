using System.Globalization;
using System.Reflection;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>Answers that say no, as RFC 9457 problems: the code is stable, the sentence is for people.</summary>
public static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>Every code, of the edge and of the book, with its status and sentence.</summary>
    public static IReadOnlyDictionary<string, EdgeProblem> All { get; } = Collect();

    public static int StatusOf(RejectionKind kind) => kind switch
    {
        RejectionKind.NotFound => StatusCodes.Status404NotFound,
        RejectionKind.Conflict => StatusCodes.Status409Conflict,
        RejectionKind.Forbidden => StatusCodes.Status403Forbidden,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    /// <summary>Answers a request that did not reach the book.</summary>
    /// <param name="besides">Writes members that this problem has besides those of all; null: none.</param>
    public static Task Answer(HttpContext context, Flaw flaw, Action<Utf8JsonWriter>? besides = null)
    {
        using var body = ResponseBody.Rent();
        Write(body.Json, flaw with { Detail = flaw.Detail ?? OfQuery(context, flaw) }, besides);
        if (flaw.Problem.Status == StatusCodes.Status503ServiceUnavailable)
            context.Response.Headers.RetryAfter = Limits.RetryAfterSeconds;
        if (flaw.RetryAfterSeconds > 0)
            context.Response.Headers.RetryAfter = flaw.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        if (flaw.Problem.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"bank\"";
        body.Send(context.Response, flaw.Problem.Status, ContentType);
        return Task.CompletedTask;
    }

    /// <summary>What a parameter of the query should have been, or which there are; null for anything else.</summary>
    private static string? OfQuery(HttpContext context, in Flaw flaw)
    {
        var name = flaw.Field;
        if (flaw.Problem != EdgeProblems.QueryMalformed
            || context.GetEndpoint()?.Metadata.GetMetadata<ReadSpec>() is not { } spec)
            return null;
        var inQuery = Array.FindAll(spec.Parameters, parameter => !parameter.InHeader);
        if (Array.Find(inQuery, parameter => parameter.Name == name) is not { } known)
            return !context.Request.Query.ContainsKey(name!) ? null
                : inQuery.Length == 0 ? "This address takes no parameters."
                : $"It is none of: {string.Join(", ", inQuery.Select(parameter => parameter.Name))}.";
        return context.Request.Query[name!].Count switch
        {
            0 => $"It is missing. {known.About}",
            1 => $"{known.About} Its form: {known.Schema}",
            _ => "It is stated more than once.",
        };
    }

    public static Task Answer(HttpContext context, EdgeProblem problem) => Answer(context, new Flaw(problem));

    /// <summary>Answers that the engine did not take the work.</summary>
    public static Task Answer(HttpContext context, EngineUnavailableException unavailable) =>
        Answer(context, Of(unavailable));

    public static EdgeProblem Of(EngineUnavailableException unavailable) =>
        EdgeProblems.ByCode.GetValueOrDefault(unavailable.Code, EdgeProblems.Closing);

    public static void Write(Utf8JsonWriter to, in Flaw flaw, Action<Utf8JsonWriter>? besides = null)
    {
        Begin(to, flaw.Problem.Code, flaw.Problem.Status, flaw.Problem.Title, flaw.Detail);
        if (flaw.Field is not null) to.WriteString("field"u8, flaw.Field);
        if (flaw.Link > 0) to.WriteNumber("link"u8, flaw.Link);
        besides?.Invoke(to);
        to.WriteEndObject();
    }

    /// <summary>A "no" that left nothing in the book.</summary>
    public static int Write(Utf8JsonWriter to, Rejection rejection)
    {
        var status = StatusOf(rejection.Kind);
        Begin(to, rejection.Code, status, rejection.Why);
        to.WriteEndObject();
        return status;
    }

    /// <summary>A refusal as the journal holds it.</summary>
    /// <param name="detail">What the edge knows besides; null: nothing.</param>
    public static int Write(Utf8JsonWriter to, CommandEvent.Refused refused, in LineHead head, string? detail)
    {
        var status = StatusOf(refused.Kind);
        Begin(to, refused.Code, status, refused.Why, detail);
        if (refused.Link > 0) to.WriteNumber("link"u8, refused.Link);
        Recorded(to, head);
        return status;
    }

    /// <summary>A fault as the journal holds it.</summary>
    public static int Write(Utf8JsonWriter to, CommandEvent.Faulted faulted, in LineHead head)
    {
        Begin(to, EdgeProblems.Fault.Code, EdgeProblems.Fault.Status, EdgeProblems.Fault.Title);
        to.WriteString("fault"u8, faulted.Fault);
        Recorded(to, head);
        return EdgeProblems.Fault.Status;
    }

    /// <summary>Says what a fault of the host is called in the log.</summary>
    public static Task AnswerFault(HttpContext context, string fault)
    {
        using var body = ResponseBody.Rent();
        Begin(body.Json, EdgeProblems.HostFault.Code, EdgeProblems.HostFault.Status, EdgeProblems.HostFault.Title);
        body.Json.WriteString("fault"u8, fault);
        body.Json.WriteEndObject();
        body.Send(context.Response, EdgeProblems.HostFault.Status, ContentType);
        return Task.CompletedTask;
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/problems", (Delegate)List).Needs(Access.Nothing).WithSummary("Every problem code")
            .Reads(new("Operations", "All of them, by code."));
        routes.MapGet("/problems/{code}", (Delegate)ExplainOne).Needs(Access.Nothing)
            .WithSummary("What a problem code means")
            .Reads(new("Operations", "Title, cause and remedy.") { NotFound = "problem.not_found" });
    }

    private static Task List(HttpContext context)
    {
        using var body = ResponseBody.Rent();
        body.Json.WriteStartArray();
        foreach (var problem in All.Values.OrderBy(p => p.Code, StringComparer.Ordinal)) Explain(body.Json, problem);
        body.Json.WriteEndArray();
        body.Send(context.Response, StatusCodes.Status200OK);
        return Task.CompletedTask;
    }

    private static Task ExplainOne(HttpContext context)
    {
        if (!All.TryGetValue(context.Request.RouteValues["code"] as string ?? "", out var problem))
            return Answer(context, EdgeProblems.ProblemNotFound);
        using var body = ResponseBody.Rent();
        Explain(body.Json, problem);
        body.Send(context.Response, StatusCodes.Status200OK);
        return Task.CompletedTask;
    }

    private static void Explain(Utf8JsonWriter to, EdgeProblem problem)
    {
        Begin(to, problem.Code, problem.Status, problem.Title);
        if (Explanations.Of(problem.Code) is { } explained)
        {
            to.WriteString("cause"u8, explained.Cause);
            to.WriteString("remedy"u8, explained.Remedy);
        }
        to.WriteEndObject();
    }

    private static void Recorded(Utf8JsonWriter to, in LineHead head)
    {
        to.WriteNumber("position"u8, head.Position);
        Span<byte> text = stackalloc byte[Utf8Text.LongestText];
        head.At.TryFormat(text, out var length);
        to.WriteString("recorded_at"u8, text[..length]);
        to.WriteEndObject();
    }

    /// <param name="why">A sentence on this case: the detail, where the code has another for all cases.</param>
    private static void Begin(Utf8JsonWriter to, string code, int status, string why, string? detail = null)
    {
        var title = All.TryGetValue(code, out var known) ? known.Title : why;
        if (title != why) detail = detail is null ? why : $"{why} {detail}";
        to.WriteStartObject();
        to.WriteString("type"u8, $"/problems/{code}");
        to.WriteString("title"u8, title);
        to.WriteNumber("status"u8, status);
        if (detail is not null) to.WriteString("detail"u8, detail);
        to.WriteString("code"u8, code);
    }

    private static Dictionary<string, EdgeProblem> Collect()
    {
        var all = new Dictionary<string, EdgeProblem>(EdgeProblems.ByCode, StringComparer.Ordinal);
        var rejections = typeof(Rejection).Assembly.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .Where(field => field.FieldType == typeof(Rejection))
            .Select(field => (Rejection)field.GetValue(null)!);
        foreach (var rejection in rejections)
            all.TryAdd(rejection.Code, new(rejection.Code, StatusOf(rejection.Kind), rejection.Why));
        return all;
    }
}
