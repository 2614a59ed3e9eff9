using System.Globalization;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging.Console;

namespace BankingEngine.Host.Api;

/// <summary>What to serve.</summary>
/// <param name="Folder">
/// Where the book lies; a folder without one gets a sandbox, unless <see cref="ServeOptions.MustExist"/>. Null: the
/// sandbox below the working directory.
/// </param>
/// <param name="Arguments">The host's ordinary configuration: <c>--urls</c>, certificates, logging.</param>
/// <param name="Time">Specs bring their own.</param>
public sealed record ServeOptions(string? Folder = null, string[]? Arguments = null, ITimeSource? Time = null)
{
    /// <summary>A place without a book is a failure, not one for a sandbox.</summary>
    public bool MustExist { get; init; }

    /// <summary>Which books, the first at the root of the address; null: the one of the folder.</summary>
    public IReadOnlyList<BookPlace>? Places { get; init; }

    /// <summary>How this host names itself where several reach a journal; null: by machine and process.</summary>
    public string? Node { get; init; }

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
    /// <exception cref="GatewayConfigurationException">The audit gateway cannot be set up; nothing was opened, but for a
    /// live book that strangers would be let in to.</exception>
    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static async Task<int> RunAsync(ServeOptions options)
    {
        var builder = ApiHost.CreateBuilder(options.Arguments ?? [], options.Configure);
        if (string.IsNullOrEmpty(builder.Configuration["urls"])
            && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
        using var logs = LogsOf(builder.Configuration);
        var log = logs.CreateLogger("BankingEngine");
        var output = options.Output ?? Console.Out;
        var isListening = false;
        Quieten(builder, () => isListening);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(options.Stop);
        Exception? fatal = null;
        void OnFatal(Exception why)
        {
            fatal = why;
            Stopped(log, why);
            ending.Cancel();
        }

        var books = new List<RunningBook>();
        IReadOnlyList<WebApplication> further = [];
        try
        {
            // Whatever is wrong with the gateway is found before a book is touched or anything is sent.
            await using var gateway = await AuditGateway.StartAsync(builder.Configuration).ConfigureAwait(false);
            foreach (var place in PlacesOf(options))
                books.Add(await OpenAsync(place, options, output, new(log, OnFatal, options.Time, options.Node))
                    .ConfigureAwait(false));
            gateway?.Open(books);
            (var first, further) = SeveralBooks.Build(builder, books, options.Arguments ?? []);
            await using var app = first;
            foreach (var other in further) await other.StartAsync(CancellationToken.None).ConfigureAwait(false);
            await app.StartAsync(CancellationToken.None).ConfigureAwait(false);
            isListening = true;
            var address =
                app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            await Greeting.WriteAsync(output, books, address).ConfigureAwait(false);
            if (gateway is not null)
                await output.WriteLineAsync($"Auditors read with EventStoreDB clients at {gateway.Address}")
                    .ConfigureAwait(false);
            foreach (var book in books) options.Started?.Invoke(address, book);
            await WaitForEndAsync(app, ending.Token).ConfigureAwait(false);
            foreach (var other in further) await other.StopAsync(CancellationToken.None).ConfigureAwait(false);
            if (fatal is not null) return ExitFatal;
            foreach (var book in books) await TakeLeaveAsync(output, book).ConfigureAwait(false);
            return 0;
        }
        finally
        {
            foreach (var other in further) await other.DisposeAsync().ConfigureAwait(false);
            foreach (var book in books) book.Dispose();
        }
    }

    private static IReadOnlyList<BookPlace> PlacesOf(ServeOptions options) => options.Places
        ?? [BookPlace.InFolder(Path.GetFullPath(options.Folder ?? SandboxBook.DefaultFolder))];

    private static async Task<RunningBook> OpenAsync(
        BookPlace place, ServeOptions options, TextWriter output, Opening opening)
    {
        var isNew = !place.IsShared && SandboxBook.IsToBeFounded(place.Folder);
        if (isNew && options.MustExist)
            throw new JournalException(JournalFault.NotFound, $"There is no journal in {place}.");
        await output.WriteLineAsync(isNew
            ? $"No book in {place} yet: founding a sandbox with a small demo."
            : $"Opening the book in {place}.").ConfigureAwait(false);
        return await SandboxBook.OpenAsync(place, opening, mayFound: !options.MustExist).ConfigureAwait(false);
    }

    /// <summary>The log of what happens beside the host, in the form that the host's has.</summary>
    internal static ILoggerFactory LogsOf(IConfiguration configuration) => LoggerFactory.Create(logging => logging
        .AddConfiguration(configuration.GetSection("Logging"))
        .AddConsole(console => console.FormatterName ??= ConsoleFormatterNames.Simple));

    /// <summary>
    /// What the greeting says the log does not say again; and why an address cannot be listened on is thrown, so it is
    /// not also logged with two traces. The ordinary configuration has the last word.
    /// </summary>
    internal static void Quieten(WebApplicationBuilder builder, Func<bool> isListening) =>
        builder.Services.Configure<LoggerFilterOptions>(filters =>
        {
            bool Listens(string? provider, string? category, LogLevel level) => isListening();
            filters.Rules.Insert(0, new(null, "Microsoft.Hosting.Lifetime", LogLevel.Warning, null));
            filters.Rules.Insert(0, new(null, "Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Warning, Listens));
            filters.Rules.Insert(0, new(null, "Microsoft.AspNetCore.Server.Kestrel", LogLevel.Warning, Listens));
        });

    /// <summary>
    /// Says where the book stands, and notes its digest there, so that a replay can be held against both.
    /// </summary>
    private static async Task TakeLeaveAsync(TextWriter output, RunningBook book)
    {
        if (!book.Engine.IsRunning) return;
        var (position, digest, schema) = await book.Engine.ReadAsync((bank, at) =>
            (at.Position - 1, bank.Tables.Digest, DigestNotes.SchemaOf(bank.Tables))).ConfigureAwait(false);
        var tail = book.Engine.Journal.Tail;
        // A timer may have added a block since; then the digest is not the one at the journal's end.
        if (tail.Position == position)
        {
            using var notes = new DigestNotes(book.Folder, schema);
            notes.Add(tail.Block, position, digest);
        }
        await output.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"Closed at position {position}, digest {digest:x32}."))
            .ConfigureAwait(false);
    }

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
