using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine.Journal;

namespace BankingEngine.Specs.Api;

/// <summary>Two hosts of one book, as callers meet them.</summary>
public sealed class FollowerSpecs
{
    private const string Payment =
        """{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"1.00"}}""";

    [PostgresFact]
    public async Task A_host_that_follows_answers_reads_takes_no_command_and_goes_on_where_the_other_ended()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var first = await Hosted.StartAsync(database, "first");
        var key = SandboxBook.DemoKey(first.Book)!;
        await using var second = await Hosted.StartAsync(database, "second");

        var paid = await first.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        paid.Status.Should().Be(HttpStatusCode.Created);
        var position = JsonDocument.Parse(paid.Body).RootElement.GetProperty("position").GetInt64();

        var refused = await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        refused.Body.Should().Contain("book.following");
        var read = await second.Send(
            HttpMethod.Get, $"/v1/accounts/customers:bob/balances?after={position}", key, null);
        read.Status.Should().Be(HttpStatusCode.OK);
        read.Role.Should().Be("follower");
        JsonDocument.Parse(read.Body).RootElement.GetProperty("position").GetInt64()
            .Should().BeGreaterThanOrEqualTo(position);
        (await second.Send(HttpMethod.Get, "/health/leading", null, null)).Status
            .Should().Be(HttpStatusCode.ServiceUnavailable);

        await first.DisposeAsync();
        await second.Book.WaitForLeadAsync(TimeSpan.FromSeconds(20));
        var again = await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-1");
        again.Status.Should().Be(HttpStatusCode.Created);
        again.Body.Should().Be(paid.Body, "the same id has the same answer, whichever host gives it");
        again.Role.Should().BeNull();
        (await second.Send(HttpMethod.Post, "/v1/transfers", key, "pay-2")).Status.Should().Be(HttpStatusCode.Created);
    }

    private sealed class Hosted : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("bank-host-").FullName;
        private readonly CancellationTokenSource _stop = new();
        private readonly HttpClient _http = new();
        private Task<int> _serving = Task.FromResult(0);
        private bool _disposed;

        public RunningBook Book { get; private set; } = null!;

        public static async Task<Hosted> StartAsync(string database, string node)
        {
            var host = new Hosted();
            var started = new TaskCompletionSource<(string, RunningBook)>();
            host._serving = Serve.RunAsync(new(null, ["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"])
            {
                Places = [new(Path.Combine(host._folder, node), new(JournalKind.Postgres, database), "sandbox")],
                Node = node,
                Output = TextWriter.Null,
                Stop = host._stop.Token,
                Started = (address, book) => started.TrySetResult((address, book)),
            });
            await Task.WhenAny(started.Task, host._serving);
            (var address, host.Book) = await started.Task;
            host._http.BaseAddress = new(address);
            return host;
        }

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

        public async ValueTask DisposeAsync()
        {
            if (_disposed) return;
            _disposed = true;
            await _stop.CancelAsync();
            await _serving;
            _http.Dispose();
            _stop.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
