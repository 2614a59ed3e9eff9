using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Api;

/// <summary>The sandbox bank on a real socket, with the demo's accounts and its key.</summary>
internal sealed class ReadsHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private ReadsHost(RunningBook book, WebApplication app)
    {
        (Book, _app) = (book, app);
        var address =
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        _client = new() { BaseAddress = new(address) };
        _client.DefaultRequestHeaders.Authorization = new("Bearer", SandboxBook.DemoKey(book));
    }

    public RunningBook Book { get; }

    /// <summary>With the demo's key.</summary>
    public HttpClient Client => _client;

    /// <param name="readModels">Where they are kept; null: in memory.</param>
    public static async Task<ReadsHost> StartAsync(string? readModels = null)
    {
        var place = BookPlace.InFolder(Directory.CreateTempSubdirectory("bank-reads-").FullName);
        var book = await SandboxBook.OpenAsync(
            place with { ReadModels = readModels }, new(NullLogger.Instance, fatal => throw fatal), mayFound: true);
        var builder = ApiHost.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var app = ApiHost.Build(builder, book);
        await app.StartAsync();
        return new(book, app);
    }

    /// <summary>Reads an address that answers 200.</summary>
    public async Task<JsonElement> Get(string address)
    {
        var (status, body) = await Ask(address);
        status.Should().Be(200, "{0} answers {1}", address, body);
        return JsonDocument.Parse(body).RootElement;
    }

    /// <summary>The status and the code of a problem.</summary>
    public async Task<(int Status, string? Code)> Refusal(string address)
    {
        var (status, body) = await Ask(address);
        return (status, JsonDocument.Parse(body).RootElement.GetProperty("code").GetString());
    }

    public async Task<(int Status, string Body)> Ask(string address, string? accept = null, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (accept is not null) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        using var response = await _client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Sends a command that is taken.</summary>
    public async Task<JsonElement> Post(string address, string body)
    {
        var (status, text) = await Send(address, body);
        status.Should().BeInRange(200, 299, "{0} answers {1}", address, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Sends a body, under an id of its own unless one is stated.</summary>
    public async Task<(int Status, string Body)> Send(string address, string body, string? id = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address);
        request.Content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("Idempotency-Key", id ?? Guid.CreateVersion7().ToString());
        using var response = await _client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task<JsonElement> Pay(string amount, string reference = "none") => Post("/v1/transfers",
        $$$"""{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"{{{amount}}}"},"reference":"{{{reference}}}"}""");

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
        Book.Dispose();
        Directory.Delete(Book.Folder, recursive: true);
    }
}
