using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Specs.Api;

/// <summary>A host of the sandbox, one of several perhaps, on a real socket, with a folder of its own.</summary>
internal sealed class Hosted : IAsyncDisposable
{
    private const string Payment =
        """{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"1.00"}}""";

    private readonly string _folder;
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };
    private bool _disposed;

    private Hosted(string folder) => _folder = folder;

    public RunningBook Book { get; private set; } = null!;

    /// <summary>The exit code, when it has ended.</summary>
    public Task<int> Serving { get; private set; } = Task.FromResult(0);

    /// <summary>A host of a book in a PostgreSQL database.</summary>
    public static Task<Hosted> StartAsync(string database, string node) =>
        StartAsync(new JournalAddress(JournalKind.Postgres, database), node);

    /// <summary>A host of a journal of any kind.</summary>
    /// <param name="readModels">Where these lie; null: with the journal.</param>
    /// <param name="output">Takes what it says to people; null: nobody hears it.</param>
    public static async Task<Hosted> StartAsync(
        JournalAddress journal, string node, string? readModels = null, TextWriter? output = null)
    {
        var host = new Hosted(Directory.CreateTempSubdirectory("bank-host-").FullName);
        var started = new TaskCompletionSource<(string, RunningBook)>();
        host.Serving = Serve.RunAsync(new(null, ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"])
        {
            Places = [new(Path.Combine(host._folder, node), journal, "sandbox") { ReadModels = readModels }],
            Node = node,
            Output = output ?? TextWriter.Null,
            Stop = host._stop.Token,
            Started = (address, book) => started.TrySetResult((address, book)),
        });
        if (await Task.WhenAny(started.Task, host.Serving) == host.Serving) await host.Serving;
        (var address, host.Book) = await started.Task;
        host._http.BaseAddress = new(address);
        return host;
    }

    /// <summary>Asks; with an id, pays one euro under it.</summary>
    public async Task<(HttpStatusCode Status, string Body, string? Role)> Send(
        HttpMethod method, string path, string? key, string? id)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        if (id is not null)
        {
            request.Headers.Add("Idempotency-Key", id);
            request.Content = new StringContent(Payment, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }
        using var answer = await _http.SendAsync(request);
        var role = answer.Headers.TryGetValues("Bank-Role", out var said) ? said.Single() : null;
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), role);
    }

    /// <summary>Asks, and does not read the answer: that of a stream has no end.</summary>
    public async Task<HttpResponseMessage> BeginAsync(HttpRequestMessage request, string key)
    {
        using (request)
        {
            request.Headers.Authorization = new("Bearer", key);
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        }
    }

    /// <summary>Pays one euro.</summary>
    /// <returns>The receipt's position; null where nothing was acknowledged.</returns>
    public async Task<long?> PayAsync(string key, string id)
    {
        try
        {
            var (status, body, _) = await Send(HttpMethod.Post, "/v1/transfers", key, id);
            if (status == HttpStatusCode.ServiceUnavailable) return null;
            status.Should().Be(HttpStatusCode.Created, body);
            return JsonDocument.Parse(body).RootElement.GetProperty("position").GetInt64();
        }
        catch (Exception silent) when (silent is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>What it says of itself.</summary>
    public async Task<JsonElement> HealthAsync() =>
        JsonDocument.Parse((await Send(HttpMethod.Get, "/health/ready", null, null)).Body).RootElement;

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stop.CancelAsync();
        await Serving;
        _http.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
