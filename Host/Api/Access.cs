using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// What an endpoint asks of its caller. Every endpoint states one; the host does not start otherwise.
/// </summary>
/// <param name="Scopes">All of these; none means any key will do.</param>
/// <param name="Key">Whether a key is needed at all.</param>
public sealed record Access(Scopes Scopes, bool Key = true)
{
    /// <summary>Open to everyone: health, the API's description, what a problem code means.</summary>
    public static Access Nothing { get; } = new(Scopes.None, Key: false);

    /// <summary>Any key that works; what it may do is judged command by command.</summary>
    public static Access AnyKey { get; } = new(Scopes.None);
}

/// <summary>Who asks, for the handlers behind the door.</summary>
public sealed class CallerFeature(Caller caller)
{
    public Caller Caller { get; } = caller;
}

/// <summary>The door: deny by default, recognise the key, compare scopes.</summary>
public static class Door
{
    private const string Scheme = "Bearer ";

    /// <summary>States what the endpoint asks of its caller.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, Scopes scopes)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.Needs(new Access(scopes));

    /// <inheritdoc cref="Needs{TBuilder}(TBuilder, Scopes)"/>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, Access access)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(builder => builder.Metadata.Add(access));
        return endpoint;
    }

    /// <summary>Who asks. Only behind an endpoint that needs a key.</summary>
    public static Caller Caller(this HttpContext context) =>
        context.Features.Get<CallerFeature>()?.Caller
            ?? throw new InvalidOperationException("The endpoint does not need a key.");

    /// <summary>Stands between routing and endpoints.</summary>
    public static RequestDelegate Stand(RequestDelegate next, RunningBook book, FairUse fairUse) =>
        Stand(next, book, fairUse, signed: null);

    /// <inheritdoc cref="Stand(RequestDelegate, RunningBook, FairUse)"/>
    /// <param name="signed">Lets in who signed; null where nobody does.</param>
    internal static RequestDelegate Stand(
        RequestDelegate next, RunningBook book, FairUse fairUse, SignedReads? signed) => context =>
    {
        var endpoint = context.GetEndpoint();
        if (endpoint is null) return Problems.Answer(context, EdgeProblems.RouteUnknown);

        // Every endpoint that was mapped states its access, so one that does not is routing's own "wrong method".
        if (endpoint.Metadata.GetMetadata<Access>() is not { } access)
            return Refuse(context, endpoint, next);
        var engine = book.Engine;
        // For this request alone: the next one may find that this host leads.
        var (isLeading, onward) = (engine.IsLeading, next);
        if (!isLeading && access.Key && engine.IsCutOff) return Problems.Answer(context, EdgeProblems.CutOff);
        if (!isLeading) onward = Following.Answer(book, next);
        else if (access.Key && !engine.MayAnswer) return Problems.Answer(context, EdgeProblems.LeadUnproven);
        var carriesKey = TryBearer(context, out var token);
        var caller = default(Caller);
        var isKnown = carriesKey && engine.Keys.TryRecognise(token, engine.RoughNow, out caller);
        var limited = isKnown ? fairUse.Take(caller) : fairUse.Take(context.Connection.RemoteIpAddress);
        if (limited is not null) return Problems.Answer(context, limited.Value);
        if (!isKnown)
        {
            if (!access.Key) return Enter(context, endpoint, onward);
            if (signed is not null && SignedReads.IsSigned(context))
                return signed.EnterAsync(context, endpoint, () => Enter(context, endpoint, onward));
            return Problems.Answer(context, carriesKey ? EdgeProblems.KeyNotRecognised : EdgeProblems.KeyMissing);
        }
        if (!caller.May(access.Scopes))
            return Problems.Answer(context, new Flaw(EdgeProblems.ScopeMissing, Names(access.Scopes)));
        context.Features.Set(new CallerFeature(caller));
        return Enter(context, endpoint, onward);
    };

    /// <summary>The token of an API key, where the request carries one.</summary>
    public static bool TryBearer(HttpContext context, out ReadOnlySpan<char> token)
    {
        string? header = context.Request.Headers.Authorization;
        var isBearer = header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true;
        token = isBearer ? header.AsSpan(Scheme.Length).Trim() : default;
        return isBearer;
    }

    /// <summary>Fails the start when an endpoint does not state its access.</summary>
    public static void Verify(IEndpointRouteBuilder routes)
    {
        var open = routes.DataSources
            .SelectMany(source => source.Endpoints)
            .Where(endpoint => endpoint.Metadata.GetMetadata<Access>() is null)
            .Select(endpoint => endpoint.DisplayName)
            .ToList();
        if (open.Count > 0)
            throw new InvalidOperationException(
                $"These endpoints do not state what they need: {string.Join(", ", open)}.");
    }

    private static Task Enter(HttpContext context, Endpoint endpoint, RequestDelegate next)
    {
        if (context.Request.QueryString.HasValue && endpoint.Metadata.GetMetadata<ReadSpec>() is { } spec
            && Parameters.Unknown(context, spec) is { } flaw)
            return Problems.Answer(context, flaw);
        return next(context);
    }

    private static Task Refuse(HttpContext context, Endpoint endpoint, RequestDelegate next)
    {
        // Routing's own endpoint sets the status and the Allow header; it writes no body and runs to its end at once.
        var ran = endpoint.RequestDelegate is null ? next(context) : endpoint.RequestDelegate(context);
        if (!ran.IsCompletedSuccessfully || context.Response.HasStarted) return ran;
        return Problems.Answer(context, context.Response.StatusCode switch
        {
            StatusCodes.Status405MethodNotAllowed => EdgeProblems.MethodNotAllowed,
            StatusCodes.Status415UnsupportedMediaType => EdgeProblems.ContentTypeWrong,
            _ => EdgeProblems.RouteUnknown,
        });
    }

    private static string Names(Scopes scopes) => scopes.ToString().ToLowerInvariant();
}
