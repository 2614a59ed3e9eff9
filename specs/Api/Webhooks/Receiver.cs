using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace BankingEngine.Specs.Api.Webhooks;

/// <summary>A message as it came over the wire.</summary>
internal sealed record Delivered(IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Id => Headers["webhook-id"];

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Type => Json.GetProperty("type").GetString()!;

    /// <summary>Of the event; 0: a ping.</summary>
    public long Position =>
        Json.GetProperty("data").TryGetProperty("position", out var position) ? position.GetInt64() : 0;
}

/// <summary>An endpoint on a real socket that answers as a spec says.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _came = new(0);
    private readonly ConcurrentQueue<Delivered> _waiting = new();
    private readonly WebApplication _app;

    private Receiver(WebApplication app) => _app = app;

    /// <summary>All that came, in order.</summary>
    public ConcurrentQueue<Delivered> All { get; } = new();

    /// <summary>Answers a request; the number counts from 1. At first: 204.</summary>
    public Func<HttpContext, int, Task> Answer { get; set; } = Status(204);

    public string Url { get; private set; } = "";

    public int Port => new Uri(Url).Port;

    public static Func<HttpContext, int, Task> Status(int status) => (context, _) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    public static async Task<Receiver> StartAsync(
        Action<Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions>? listen = null)
    {
        var builder = WebApplication.CreateSlimBuilder(["--Logging:LogLevel:Default=None"]);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0, options => listen?.Invoke(options)));
        var app = builder.Build();
        var receiver = new Receiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        receiver.Url = $"{app.Urls.First()}/hook";
        return receiver;
    }

    /// <summary>The next message; fails when none comes.</summary>
    public async Task<Delivered> Next()
    {
        (await _came.WaitAsync(Patience)).Should().BeTrue("a message should have come");
        return _waiting.TryDequeue(out var next) ? next : throw new InvalidOperationException("Taken by another.");
    }

    public async Task<List<Delivered>> Next(int count)
    {
        var messages = new List<Delivered>();
        while (messages.Count < count) messages.Add(await Next());
        return messages;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers.ToDictionary(
            pair => pair.Key.ToLowerInvariant(), pair => pair.Value.ToString());
        var delivered = new Delivered(headers, body.ToArray());
        All.Enqueue(delivered);
        _waiting.Enqueue(delivered);
        _came.Release();
        await Answer(context, All.Count);
    }
}
