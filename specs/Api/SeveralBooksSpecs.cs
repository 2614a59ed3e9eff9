using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Api.Gateway;
using BankingEngine.Specs.Engine.Grpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace BankingEngine.Specs.Api;

/// <summary>One host, two legal entities: each book is whole and knows nothing of the other.</summary>
public sealed class SeveralBooksSpecs : IAsyncLifetime, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bank-books-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new();
    private Task<int> _serving = Task.FromResult(0);
    private readonly StringWriter _said = new();
    private string _first = "", _second = "";

    public async Task InitializeAsync()
    {
        var place = BookPlace.InFolder(Path.Combine(_folder, "custody"));
        var genesis = new Genesis(
            Tag.Of("custody"), BookMode.Sandbox, "529900TESTBANK00TE42", AssetCode.Parse("USD"), Tag.Of("utc"),
            Tag.Of("daily"), Tag.Of("us"), 86_400, 100_000);
        using (await RunningBook.FoundOnlyAsync(
            place, new("custody", new byte[32]), new(NullLogger.Instance, _ => { }), async engine =>
                _second = await Founding.FoundAsync(
                    engine, genesis, BusinessDate.Parse("2026-01-05"), [], new([], []), Tag.Of("first"))))
        {
        }
        var started = new TaskCompletionSource<string>();
        var books = new List<RunningBook>();
        _serving = Serve.RunAsync(new(null, [
            "--urls", "http://127.0.0.1:0", "--Gateway:Url", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"])
        {
            Places = [BookPlace.InFolder(Path.Combine(_folder, "retail")), place],
            Output = _said,
            Stop = _stop.Token,
            Started = (address, book) =>
            {
                books.Add(book);
                if (books.Count == 2) started.TrySetResult(address);
            },
        });
        _http.BaseAddress = new(await await Task.WhenAny(started.Task, Fail()));
        _first = SandboxBook.DemoKey(books[0])!;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        Directory.Delete(_folder, recursive: true);
    }

    public void Dispose()
    {
        _http.Dispose();
        _stop.Dispose();
        _said.Dispose();
    }

    [Fact]
    public async Task Each_book_answers_for_itself()
    {
        (await Name("/v1/book", _first)).Should().Be("sandbox");
        (await Name("/books/custody/v1/book", _second)).Should().Be("custody");

        using var opened = await Send(
            HttpMethod.Post, "/books/custody/v1/accounts", _second,
            """{"account":"vault","class":"asset","chart":"1000","assets":["USD"]}""");
        opened.StatusCode.Should().Be(HttpStatusCode.Created);

        (await Status("/books/custody/v1/accounts/vault", _second)).Should().Be(HttpStatusCode.OK);
        (await Status("/v1/accounts/vault", _first)).Should().Be(HttpStatusCode.NotFound);
        (await Status("/books/custody/v1/accounts/customers:alice", _second)).Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_key_of_one_book_opens_no_other()
    {
        (await Status("/books/custody/v1/accounts", _first)).Should().Be(HttpStatusCode.Unauthorized);
        (await Status("/v1/accounts", _second)).Should().Be(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Each_book_describes_itself_and_a_book_that_is_not_there_is_a_documented_problem()
    {
        (await Status("/books/custody/openapi/v1.json", null)).Should().Be(HttpStatusCode.OK);
        (await Status("/books/custody/health/leading", null)).Should().Be(HttpStatusCode.OK);
        using var missing = await Send(HttpMethod.Get, "/books/none/v1/book", _first, null);
        missing.StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await missing.Content.ReadAsStringAsync()).Should().Contain("request.route_unknown");
    }

    [Fact]
    public async Task Auditors_of_each_read_it_at_the_one_gateway()
    {
        var line = _said.ToString().Split('\n').Single(said => said.StartsWith("Auditors read", StringComparison.Ordinal));
        foreach (var (key, own, other) in new[]
        {
            (_first, "book-sandbox", "book-custody"), (_second, "book-custody", "book-sandbox"),
        })
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post, new Uri(new(line[(line.LastIndexOf(' ') + 1)..]), EventStoreMethods.Read.Path))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(GrpcSpecs.Frame(GatewayHost.Read(null))),
            };
            request.Content.Headers.ContentType = new("application/grpc");
            request.Headers.Authorization = new("Bearer", key);
            using var answer = await _http.SendAsync(request);
            var read = Encoding.Latin1.GetString(await answer.Content.ReadAsByteArrayAsync());
            read.Should().Contain(own).And.NotContain(other);
        }
    }

    private async Task<string> Fail()
    {
        await _serving;
        throw new InvalidOperationException("The host ended before it listened.");
    }

    private async Task<string?> Name(string path, string key)
    {
        using var answer = await Send(HttpMethod.Get, path, key, null);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("name").GetString();
    }

    private async Task<HttpStatusCode> Status(string path, string? key)
    {
        using var answer = await Send(HttpMethod.Get, path, key, null);
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> Send(HttpMethod method, string path, string? key, string? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
            request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        }
        return await _http.SendAsync(request);
    }
}
