using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Api;

/// <summary>
/// What a host that follows does otherwise: its answers say of which position they are, and a position that it has not
/// seen is waited for, since the host that leads gave the receipt a moment ago.
/// </summary>
internal static class Following
{
    private const string After = "after";

    /// <summary>Stands before every endpoint of a host that follows.</summary>
    public static RequestDelegate Answer(RunningBook book, RequestDelegate next) => async context =>
    {
        // Where it is not reached, the endpoint says so: there are some that take no such parameter.
        if (long.TryParse(context.Request.Query[After], NumberStyles.None, CultureInfo.InvariantCulture, out var after))
            await ReachAsync(context, book, after, After).ConfigureAwait(false);
        Say(context, book.Engine);
        await next(context).ConfigureAwait(false);
    };

    /// <summary>
    /// Waits for a position that a caller states: not at all where this host leads, else at most
    /// <see cref="CatchUp.LongestWait"/>.
    /// </summary>
    /// <param name="field">Where the caller states it.</param>
    /// <returns>Why it is not there; null when it is.</returns>
    public static async ValueTask<Flaw?> ReachAsync(HttpContext context, RunningBook book, long position, string field)
    {
        if (book.Engine.IsLeading) return Beyond(book.Engine, position, field);
        if (position > book.Engine.DurablePosition
            && await WaitAsync(context, book.Engine, position).ConfigureAwait(false) is { } flaw) return flaw;
        // It may have arrived since the request did.
        Say(context, book.Engine);
        return Beyond(book.Engine, position, field);
    }

    /// <returns>Why there is nothing to wait for any more; null where it arrived, or the patience is over.</returns>
    private static async Task<Flaw?> WaitAsync(HttpContext context, BookEngine engine, long position)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(CatchUp.LongestWait);
        try
        {
            await engine.WaitBeyondAsync(position - 1, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // Whether it is there is judged behind this.
        }
        catch (EngineUnavailableException unavailable)
        {
            return new Flaw(Problems.Of(unavailable));
        }
        return null;
    }

    /// <summary>
    /// Why a position is not there: a host that follows cannot tell one that does not exist from one that it has not seen.
    /// </summary>
    public static Flaw? Beyond(BookEngine engine, long position, string field) =>
        position <= engine.DurablePosition ? null
        : new Flaw(engine.IsLeading ? ReadsProblems.BeyondEnd : ReadsProblems.Behind, field);

    private static void Say(HttpContext context, BookEngine engine)
    {
        context.Response.Headers["Bank-Role"] = "follower";
        context.Response.Headers["Bank-Position"] = engine.DurablePosition.ToString(CultureInfo.InvariantCulture);
    }
}
