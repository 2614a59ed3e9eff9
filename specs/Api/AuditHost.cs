using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Api;

/// <summary>A bank on a real socket, as its auditors and followers meet it.</summary>
internal sealed class AuditHost : IAsyncDisposable
{
    private readonly string folder;
    private readonly ManualTime time = new("2026-01-05T12:00:00.000000Z");
    private readonly string token;
    private UInt128 next = 1;

    private AuditHost(string folder, RunningBook book, string token, WebApplication? app) =>
        (this.folder, Book, this.token, App) = (folder, book, token, app!);

    public RunningBook Book { get; private set; }

    public WebApplication App { get; private set; }

    public string Folder => folder;

    public static async Task<AuditHost> StartAsync(int payments = 0, TimeSpan? heartbeat = null,
        int streams = EventStreams.MaxStreams)
    {
        var folder = Directory.CreateTempSubdirectory("bank-audit-").FullName;
        var token = "";
        var time = new ManualTime("2026-01-05T12:00:00.000000Z");
        var genesis = new Genesis(Tag.Of("test"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("EUR"),
            Tag.Of("utc"), Tag.Of("daily"), Tag.Of("de"), 86_400, 100_000);
        var today = BusinessDate.Parse("2026-01-05");
        async Task Found(BookEngine engine) =>
            token = await Founding.FoundAsync(engine, genesis, today, [], new([], []), Tag.Of("first"));
        var book = await RunningBook.FoundAsync(folder, TestBook.Identity, NullLogger.Instance, _ => { }, Found, time);
        var host = new AuditHost(folder, book, token, null);
        await host.Send(new OpenAccount(Account("cash"), AccountClass.Asset, Tag.Of("1000"), default, default,
            [AssetCode.Parse("EUR")]));
        await host.Send(new OpenAccount(Account("alice"), AccountClass.Liability, Tag.Of("2100"), default, default,
            [AssetCode.Parse("EUR")]));
        for (var i = 0; i < payments; i++) await host.Pay("12.34");
        host.App = await Serve(book, heartbeat, streams);
        return host;
    }

    public Task<Answer> Pay(string amount, Particulars? particulars = null) =>
        Send(new MakeTransfer(Account("cash"), Account("alice"), Eur(amount), particulars ?? Particulars.None));

    public Task<Answer> Send(Command command)
    {
        var milliseconds = (UInt128)(ulong)(time.WallMicroseconds() / 1_000);
        var id = new CommandId((milliseconds << 80) | ((UInt128)7 << 76) | ((UInt128)2 << 62) | next++);
        return Book.Engine.SendAsync(new(id, 0, 0), command, command.GetType().Name);
    }

    /// <summary>A client with the first key, or with one of other scopes, or with none.</summary>
    public async Task<HttpClient> Client(Scopes? scopes = null, string id = "other")
    {
        var bearer = token;
        if (scopes is { } given)
        {
            bearer = ApiKeys.NewToken(Tag.Of(id), out var high, out var low);
            await Send(new IssueKey(Tag.Of(id), high, low, given, null));
        }
        var client = new HttpClient { BaseAddress = new(App.Urls.First()) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        return client;
    }

    /// <summary>Ends the process in effect, and starts it again on the same folder.</summary>
    public async Task RestartAsync()
    {
        await App.DisposeAsync();
        Book.Dispose();
        Book = await RunningBook.OpenAsync(folder, NullLogger.Instance, _ => { }, time);
        App = await Serve(Book, null, EventStreams.MaxStreams);
    }

    public string[] Lines()
    {
        var lines = new List<string>();
        for (var line = new ArrayBufferWriter<byte>(); Book.Engine.Journal.TryReadEvent(lines.Count + 1, line);)
        {
            lines.Add(Encoding.UTF8.GetString(line.WrittenSpan));
            line.ResetWrittenCount();
        }
        return [.. lines];
    }

    public static byte[][] Leaves(IEnumerable<string> lines) =>
        [.. lines.Select(line => SHA256.HashData([0, .. Encoding.UTF8.GetBytes(line)]))];

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        Book.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    public static async Task<WebApplication> Serve(RunningBook book, TimeSpan? heartbeat, int streams)
    {
        var builder = WebApplication.CreateSlimBuilder(["--Logging:LogLevel:Default=None"]);
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseRouting();
        app.Use(next => Door.Stand(next, book, new(builder.Configuration)));
        app.MapAudit(book);
        app.MapEvents(book, heartbeat, streams);
        await app.StartAsync();
        return app;
    }
}
