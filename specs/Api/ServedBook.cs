using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine;

namespace BankingEngine.Specs.Api;

/// <summary>An answer as it came over the wire.</summary>
public sealed record Reply(HttpStatusCode Status, string Text, bool IsReplay, string? ContentType)
{
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    /// <summary>Whether the book itself said no, and keeps the record of it.</summary>
    public bool IsRecorded => Json.TryGetProperty("position", out _);

    public string? Code => Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("code", out var code)
        ? code.GetString() : null;
}

/// <summary>
/// The real host on a real socket, with a sandbox book in a temporary folder. One for each spec class.
/// </summary>
public sealed class ServedBook : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _http =
        new(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 });
    private CancellationTokenSource _stop = new();
    private Task<int> _serving = Task.FromResult(0);
    private int _next;

    public string Folder { get; } = Directory.CreateTempSubdirectory("bank-api-").FullName;
    public ManualTime Time { get; } = new("2026-01-05T12:00:00.000000Z");
    public RunningBook Book { get; private set; } = null!;
    public string Address { get; private set; } = "";
    public string Token { get; private set; } = "";
    public string Greeting { get; private set; } = "";

    public async Task InitializeAsync()
    {
        await StartAsync();
        Token = SandboxBook.DemoKey(Book)!;
    }

    /// <summary>Ends the host as SIGTERM does, and starts another on the same folder.</summary>
    public async Task<int> RestartAsync()
    {
        var exit = await StopAsync();
        _stop.Dispose();
        await StartAsync();
        return exit;
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    public void Dispose()
    {
        _http.Dispose();
        _stop.Dispose();
    }

    /// <summary>Sends a command under a key of its own.</summary>
    public Task<Reply> Post(string path, string body, string? id = null, string? token = null) =>
        Send(HttpMethod.Post, path, Encoding.UTF8.GetBytes(body), id ?? NewId(), token);

    public Task<Reply> Get(string path, string? token = null) => Send(HttpMethod.Get, path, null, null, token);

    public Task<Reply> Transfer(string debit, string credit, string amount, string? id = null) =>
        Post(
            "/v1/transfers",
            $$$"""{"debit":"{{{debit}}}","credit":"{{{credit}}}","amount":{"asset":"EUR","amount":"{{{amount}}}"}}""",
            id);

    public async Task<Reply> Send(
        HttpMethod method, string path, byte[]? body, string? id, string? token = null,
        string? contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(Address + path));
        if (token != "") request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token ?? Token}");
        if (id is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", id);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            // A server may refuse a body by its length and close before it is sent: so wait for the word to send it.
            request.Headers.ExpectContinue = body.Length > Limits.BodyBytes / 2;
            if (contentType is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        using var response = await _http.SendAsync(request);
        return new(
            response.StatusCode, await response.Content.ReadAsStringAsync(),
            response.Headers.Contains("Idempotent-Replay"),
            response.Content.Headers.ContentType?.MediaType);
    }

    /// <summary>A key of its own for what only may so much.</summary>
    public async Task<string> KeyWith(params string[] scopes)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"k{Interlocked.Increment(ref _next)}");
        var reply = await Post("/v1/keys", $$"""{"key":"{{id}}","scopes":["{{string.Join("\",\"", scopes)}}"]}""");
        return reply.Json.GetProperty("token").GetString()!;
    }

    /// <summary>A command's address, its fields filled in with what may be there.</summary>
    public static string PathOf(CommandSpec spec)
    {
        var path = spec.Route;
        foreach (var field in spec.InPath)
        {
            var value = field.Name switch
            {
                "account" => "customers:alice",
                "asset" => "BTC",
                "key" => "nobody",
                "year" => "2025",
                "permission" => "payroll",
                "webhook" => "reporting",
                "party" => "019b8e2c-7a00-7000-8000-0000000000a1",
                _ =>
                    Guid.NewGuid().ToString(),
            };
            path = path.Replace($"{{{field.Name}}}", value, StringComparison.Ordinal);
        }
        return path;
    }

    public string NewId() => string.Create(CultureInfo.InvariantCulture, $"spec-{Interlocked.Increment(ref _next)}");

    public Task<(UInt128 Digest, long Position)> State() =>
        Book.Engine.ReadAsync((bank, at) => (bank.Tables.Digest, at.Position));

    private async Task StartAsync()
    {
        _stop = new();
        var started =
            new TaskCompletionSource<(string, RunningBook)>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Written to until the host has ended, so it is not closed here.
        var said = new StringWriter();
        _serving =
            Serve.RunAsync(new(Folder, ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None"], Time)
            {
                Output = said,
                Stop = _stop.Token,
                Started = (address, book) => started.TrySetResult((address, book)),
            });
        if (await Task.WhenAny(started.Task, _serving) == _serving) await _serving;
        (Address, Book) = await started.Task;
        Greeting = said.ToString();
    }

    private async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        return await _serving;
    }
}
