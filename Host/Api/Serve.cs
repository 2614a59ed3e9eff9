using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace BankingEngine.Host.Api;

/// <summary>What to serve.</summary>
/// <param name="Folder">
/// Where the book lies; a folder without one gets a sandbox. Null: the sandbox below the working directory.
/// </param>
/// <param name="Arguments">The host's ordinary configuration: <c>--urls</c>, certificates, logging.</param>
/// <param name="Time">Specs bring their own.</param>
public sealed record ServeOptions(string? Folder = null, string[]? Arguments = null, ITimeSource? Time = null)
{
    /// <summary>Adds to the services or the server before they are built.</summary>
    public Action<WebApplicationBuilder>? Configure { get; init; }

    /// <summary>Where greetings go; the console when null.</summary>
    public TextWriter? Output { get; init; }

    /// <summary>Told when the server listens, with its address.</summary>
    public Action<string, RunningBook>? Started { get; init; }

    /// <summary>Ends the serving, as SIGTERM does.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>Serves one book over HTTP until the process is told to end.</summary>
public static partial class Serve
{
    public const string DefaultUrl = "http://127.0.0.1:5080";

    /// <summary>The process ended because the book could not go on.</summary>
    public const int ExitFatal = 70;

    /// <returns>The exit code: 0 after an orderly end, <see cref="ExitFatal"/> when the engine failed.</returns>
    /// <exception cref="JournalException">The book cannot be opened.</exception>
    public static async Task<int> RunAsync(ServeOptions options)
    {
        var builder = ApiHost.CreateBuilder(options.Arguments ?? [], options.Configure);
        if (string.IsNullOrEmpty(builder.Configuration["urls"])
            && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
        using var logs = LoggerFactory.Create(
            logging => logging.AddConfiguration(builder.Configuration.GetSection("Logging")).AddConsole());
        var log = logs.CreateLogger("BankingEngine");
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(options.Stop);
        Exception? fatal = null;
        void OnFatal(Exception why)
        {
            fatal = why;
            Stopped(log, why);
            ending.Cancel();
        }

        using var book = await OpenAsync(options, log, OnFatal).ConfigureAwait(false);
        await using var app = ApiHost.Build(builder, book);
        await app.StartAsync(CancellationToken.None).ConfigureAwait(false);
        var address =
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await Greeting.WriteAsync(options.Output ?? Console.Out, book, address).ConfigureAwait(false);
        options.Started?.Invoke(address, book);
        await WaitForEndAsync(app, ending.Token).ConfigureAwait(false);
        return fatal is null ? 0 : ExitFatal;
    }

    private static Task<RunningBook> OpenAsync(ServeOptions options, ILogger log, Action<Exception> onFatal) =>
        SandboxBook.OpenAsync(
            Path.GetFullPath(options.Folder ?? SandboxBook.DefaultFolder), log, onFatal, options.Time);

    /// <summary>
    /// Until the host is told to end by signal, or by who called; then requests under way are finished.
    /// </summary>
    private static async Task WaitForEndAsync(WebApplication app, CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var onStop = stop.Register(() => ended.TrySetResult());
        await using var onSignal = app.Lifetime.ApplicationStopping.Register(() => ended.TrySetResult());
        await ended.Task.ConfigureAwait(false);
        await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The book's state is void and the process ends; start it again to recover from the journal")]
    private static partial void Stopped(ILogger log, Exception why);
}
