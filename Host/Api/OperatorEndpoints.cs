using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>What operators ask: which keys there are, and whether the book is well.</summary>
public static class OperatorEndpoints
{
    /// <summary>Keys of one page: each is two rows of the book, the key and what it is bound to.</summary>
    private const int MaxKeysShown = BookEngine.MaxRowsRead / 2;

    public static void MapKeys(this IEndpointRouteBuilder routes, RunningBook book)
    {
        Task List(HttpContext context) => ListKeysAsync(context, book);
        routes.MapGet("/v1/keys", (Delegate)List).Needs(Scopes.Keys).WithName("key.list")
            .WithSummary("The keys of the book, in order of issue; after=<key> for the next page")
            .Reads(new("Keys", "A page of keys without their secrets, and what each stands for and acts under.",
                Parameters.AfterKey));
    }

    /// <summary>Most read models that are built anew at once: each reads the whole journal.</summary>
    private const int MaxRebuilds = 2;

    public static void MapProjections(this IEndpointRouteBuilder routes, RunningBook book)
    {
        Reads.Map(routes, "/v1/projections/{projection}/digest", "projection.digest",
            "A hash of all rows of a read model; visits them all, while its feed waits",
            context => DigestAsync(context, book),
            new("Operations", "The digest, and the position that it is of.") { NotFound = "projection.not_found" },
            Scopes.Operate);
        Task Rebuild(HttpContext context) => RebuildAsync(context, book);
        routes.MapPost("/v1/projections/{projection}/rebuild", (Delegate)Rebuild).Needs(Scopes.Operate)
            .WithName("projection.rebuild")
            .WithSummary("Build a read model anew beside the one that answers, which it then replaces")
            .Reads(new("Operations", "It is under way: /v1/projections tells how far.")
            {
                NotFound = "projection.not_found",
                Body = """{"type":"object"}""",
                Example = "{}",
            });
    }

    /// <summary>The rows of one moment as a hash, to be compared with a rebuild of the same position.</summary>
    private static async Task DigestAsync(HttpContext context, RunningBook book)
    {
        var name = context.Request.RouteValues["projection"] as string ?? "";
        if (book.ReadModels.Named(name) is not { } model)
        {
            var isThere = book.ReadModels.Lag().Any(lag => lag.Name == name);
            await Problems.Answer(context, isThere ? ReadsProblems.ProjectionInStore : ReadsProblems.ProjectionNotFound)
                .ConfigureAwait(false);
            return;
        }
        var (position, digest) = model.Fingerprint();
        Reads.Ok(context, to =>
        {
            to.WriteString("projection"u8, model.Name);
            to.WriteNumber("version"u8, model.Version);
            to.WriteNumber("position"u8, position);
            to.WriteString("digest"u8, digest.ToString("x32", System.Globalization.CultureInfo.InvariantCulture));
        });
    }

    private static async Task RebuildAsync(HttpContext context, RunningBook book)
    {
        var name = context.Request.RouteValues["projection"] as string ?? "";
        var begun = book.ReadModels.Begin(name, MaxRebuilds);
        if (begun == RebuildBegun.Unknown)
        {
            await Problems.Answer(context, ReadsProblems.ProjectionNotFound).ConfigureAwait(false);
            return;
        }
        if (begun == RebuildBegun.TooMany)
        {
            await Problems.Answer(context, ReadsProblems.TooManyRebuilds).ConfigureAwait(false);
            return;
        }
        using var to = ResponseBody.Rent();
        to.Json.WriteStartObject();
        to.Json.WriteString("projection"u8, name);
        to.Json.WriteString("status"u8, begun == RebuildBegun.Begun ? "begun"u8 : "under_way"u8);
        to.Json.WriteEndObject();
        to.Send(context.Response, StatusCodes.Status200OK);
    }

    public static void MapHealth(this IEndpointRouteBuilder routes, RunningBook book)
    {
        Task Live(HttpContext context) => Answer(context, book, static _ => true);
        Task Ready(HttpContext context) => Answer(context, book, static status => status is "ok" or "following");
        Task Leading(HttpContext context) => Answer(context, book, static status => status == "ok");
        routes.MapGet("/health/live", (Delegate)Live).Needs(Access.Nothing)
            .WithSummary("Whether the process works at all").Reads(new("Operations", "It does."));
        routes.MapGet("/health/ready", (Delegate)Ready).Needs(Access.Nothing)
            .WithSummary("Whether the book answers: not while its clock is held or its journal is out of reach")
            .Reads(new("Operations", "It does; 503 with why it does not. A host that follows answers reads."));
        routes.MapGet("/health/leading", (Delegate)Leading).Needs(Access.Nothing)
            .WithSummary("Whether this host takes commands: for whatever sends them to one of several hosts")
            .Reads(new("Operations", "It does; 503 on a host that follows."));
    }

    private static string StatusOf(RunningBook book)
    {
        var engine = book.Engine;
        if (!engine.IsRunning) return book.Place.IsShared ? "reopening" : "stopped";
        if (!engine.IsLeading) return engine.Unreachable is null ? "following" : "journal_unreachable";
        // As after a pause: another may lead by now.
        if (!engine.MayAnswer) return "lead_unproven";
        return engine.ClockStep == 0 ? "ok" : "clock_held";
    }

    /// <summary>What a status says of who leads: a lead that is not proven, or was lost, may be another's by now.</summary>
    private static string RoleOf(string status) => status switch
    {
        "following" or "journal_unreachable" => "follower",
        "lead_unproven" or "reopening" => "unproven",
        _ => "leader",
    };

    private static Task Answer(HttpContext context, RunningBook book, Func<string, bool> isReady)
    {
        // Once: it may be another a moment later.
        var status = StatusOf(book);
        var role = RoleOf(status);
        using var to = ResponseBody.Rent();
        to.Json.WriteStartObject();
        to.Json.WriteString("status"u8, status);
        to.Json.WriteString("book"u8, book.Genesis.Name.ToString());
        to.Json.WriteString("role"u8, role);
        if (role != "unproven" && book.Leader is { } leader) to.Json.WriteString("leader"u8, leader);
        to.Json.WriteNumber("position"u8, book.Engine.DurablePosition);
        if (book.Engine.ClockStep != 0) to.Json.WriteNumber("clock_step_microseconds"u8, book.Engine.ClockStep);
        if (book.Warnings.Count > 0)
        {
            to.Json.WriteStartArray("warnings"u8);
            foreach (var warning in book.Warnings) to.Json.WriteStringValue(warning);
            to.Json.WriteEndArray();
        }
        to.Json.WriteEndObject();
        to.Send(context.Response, isReady(status) ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        return Task.CompletedTask;
    }

    private static async Task ListKeysAsync(HttpContext context, RunningBook book)
    {
        string? after = context.Request.Query["after"];
        Tag start = default;
        if (after is not null && !Tag.TryParse(System.Text.Encoding.UTF8.GetBytes(after), out start))
        {
            await Problems.Answer(context, new Flaw(EdgeProblems.QueryMalformed, "after")).ConfigureAwait(false);
            return;
        }
        var (keys, now) = await book.Engine.ReadAsync((bank, at) =>
        {
            var first = start.IsNone ? 0 : bank.Keys.Rows.Find(start) + 1;
            var page = new List<(KeyRow, KeyBindingRow)>();
            for (var i = first; i < bank.Keys.Rows.Count && page.Count < MaxKeysShown; i++)
                page.Add((bank.Keys.Rows[i], bank.Permissions.BindingOf(bank.Keys.Rows[i].Id)));
            return (page, at.Now);
        }).ConfigureAwait(false);
        using var to = ResponseBody.Rent();
        to.Json.WriteStartObject();
        to.Json.WriteStartArray("keys"u8);
        foreach (var (key, bound) in keys) Write(to.Json, key, bound, now);
        to.Json.WriteEndArray();
        if (keys.Count == MaxKeysShown) to.Json.WriteString("next"u8, keys[^1].Item1.Id.ToString());
        to.Json.WriteEndObject();
        to.Send(context.Response, StatusCodes.Status200OK);
    }

    private static void Write(Utf8JsonWriter to, in KeyRow key, in KeyBindingRow bound, Instant now)
    {
        to.WriteStartObject();
        to.WriteString("key"u8, key.Id.ToString());
        to.WriteStartArray("scopes"u8);
        foreach (var scope in Enum.GetValues<Scopes>())
        {
            if (uint.IsPow2((uint)scope) && (key.Scopes & scope) != 0)
                to.WriteStringValue(JsonNamingPolicy.SnakeCaseLower.ConvertName(scope.ToString()));
        }
        to.WriteEndArray();
        if (key.Expires != Instant.Last) to.WriteString("expires"u8, key.Expires.ToString());
        to.WriteString("status"u8, key.Revoked != 0 ? "revoked" : key.IsUsable(now) ? "usable" : "expired");
        to.Value("provides"u8, bound.Provides);
        to.Value("exercises"u8, bound.Exercises);
        to.WriteEndObject();
    }
}
