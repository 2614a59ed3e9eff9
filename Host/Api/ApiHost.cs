using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Webhooks;
using Microsoft.Extensions.Configuration.Memory;

namespace BankingEngine.Host.Api;

/// <summary>Builds the web application of one book: what stands between the socket and the engine, in order.</summary>
public static partial class ApiHost
{
    /// <summary>What holds where the ordinary configuration says nothing: no log line for each request.</summary>
    private static readonly Dictionary<string, string?> Defaults =
        new() { ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning" };

    /// <param name="arguments">The host's ordinary configuration: <c>--urls</c>, certificates, logging.</param>
    /// <param name="configure">
    /// Adds to the services or the server before they are built; specs and telemetry use it.
    /// </param>
    public static WebApplicationBuilder CreateBuilder(
        string[] arguments, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder(arguments);
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = Limits.BodyBytes;
        });
        ApiDocument.Add(builder.Services);
        Telemetry.Telemetry.Add(builder);
        configure?.Invoke(builder);
        return builder;
    }

    /// <summary>Maps everything that a book answers. Fails where an endpoint does not state what it needs.</summary>
    /// <param name="before">Adds what comes before everything else.</param>
    public static WebApplication Build(
        WebApplicationBuilder builder, RunningBook book, Action<WebApplication>? before = null)
    {
        var app = builder.Build();
        before?.Invoke(app);
        var fairUse = new FairUse(app.Configuration);
        var desk = new SigningDesk(book, app.Configuration);
        app.Lifetime.ApplicationStopped.Register(desk.Dispose);
        ApiDocument.UsePage(app);
        app.UseRouting();
        app.Use(next => Guarded(next, app.Logger));
        var signed = new SignedReads(book, fairUse, desk);
        app.Use(next => Door.Stand(next, book, fairUse, signed));
        app.MapCommands(book);
        app.MapBatch(book);
        SignedEndpoints.Map(app, book, fairUse, desk);
        app.MapKeys(book);
        app.MapProjections(book);
        app.MapAudit(book);
        app.MapEvents(book);
        app.MapWebhooks(book);
        app.MapHealth(book);
        app.MapReads(book);

        Problems.Map(app);
        ApiDocument.Map(app);
        Door.Verify(app);
        return app;
    }

    /// <summary>The last resort: a fault of the host itself gets a name that the log has too.</summary>
    private static RequestDelegate Guarded(RequestDelegate next, ILogger log) => context =>
    {
        try
        {
            var running = next(context);
            return running.IsCompletedSuccessfully ? running : Watch(running, context, log);
        }
        catch (Exception fault)
        {
            return Failed(fault, context, log);
        }
    };

    private static async Task Watch(Task running, HttpContext context, ILogger log)
    {
        try
        {
            await running.ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            await Failed(fault, context, log).ConfigureAwait(false);
        }
    }

    private static Task Failed(Exception fault, HttpContext context, ILogger log)
    {
        if (context.RequestAborted.IsCancellationRequested) return Task.CompletedTask;
        if (!context.Response.HasStarted && Known(fault) is { } known)
            return Problems.Answer(context, known);
        var name = Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture);
        Faulted(log, fault, name, context.GetEndpoint()?.DisplayName);
        if (!context.Response.HasStarted) return Problems.AnswerFault(context, name);
        context.Abort();
        return Task.CompletedTask;
    }

    /// <summary>What a fault is called that lies outside the program; null where it is a defect.</summary>
    private static EdgeProblem? Known(Exception fault) => fault switch
    {
        EngineUnavailableException unavailable => Problems.Of(unavailable),
        BadHttpRequestException bad => RequestBodies.Of(bad),
        JournalException { Kind: JournalFault.Unknown } => EdgeProblems.JournalUnavailable,
        // The book is open: what another holds are its keys.
        JournalException { Kind: JournalFault.InUse } => EdgeProblems.KeysUnavailable,
        TurnTakenException => EdgeProblems.CommandBusy,
        JournalBusyException => EdgeProblems.JournalBusy,
        _ => null,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "Fault {Fault} at {Endpoint}")]
    private static partial void Faulted(ILogger log, Exception exception, string fault, string? endpoint);
}
