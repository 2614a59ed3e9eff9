using System.Collections.Concurrent;
using System.Text;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Telemetry;
using BankingEngine.Specs.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Api;

/// <summary>A collector on a real socket says what arrived; names stand as text in the protocol's bytes.</summary>
public sealed class TelemetrySpecs : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, string> received = new();
    private readonly WebApplication collector;

    public TelemetrySpecs()
    {
        var builder = WebApplication.CreateSlimBuilder(["--Logging:LogLevel:Default=None"]);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        collector = builder.Build();
        collector.MapPost("/{**signal}", Collect);
    }

    public Task InitializeAsync() => collector.StartAsync();

    public async Task DisposeAsync() => await collector.DisposeAsync();

    [Fact]
    public async Task Commands_blocks_and_spans_reach_the_collector_without_accounts_or_amounts()
    {
        await using var host =
            await Started($"--{Telemetry.Endpoint}={collector.Urls.First()}", "--OTEL_METRIC_EXPORT_INTERVAL=200");
        using var book = await TestBook.FoundAsync();
        await book.Send(new OpenAccount(Account("very:telling"), AccountClass.Asset, Tag.Of("1000"), default,
            AccountFlags.None, [AssetCode.Parse("EUR")]));
        await host.StopAsync();
        await Eventually(() => Got("v1/metrics").Contains("bank.commands", StringComparison.Ordinal)
            && Got("v1/traces").Contains("OpenAccount", StringComparison.Ordinal));
        Got("v1/metrics").Should()
            .ContainAll("bank.commands", "OpenAccount", "accepted", "bank.queue.depth", "bank.block.events",
            "bank.block.flush", "bank.position", "bankingengine");
        Got("v1/traces").Should().ContainAll("OpenAccount", "bank.outcome", "accepted");
        received.Values.Should().NotContain(body => body.Contains("very:telling", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_collector_nothing_is_measured_for_one()
    {
        await using var host = await Started();
        host.Services.GetService<MeterProvider>().Should().BeNull();
    }

    [Theory]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=nowhere"), InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=ftp://somewhere")]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=http://somewhere", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/json")]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=http://somewhere", "--OTEL_METRIC_EXPORT_INTERVAL=0")]
    public void A_collector_that_cannot_be_is_said_at_the_start(params string[] arguments)
    {
        var add = () => Telemetry.Add(WebApplication.CreateSlimBuilder(arguments));
        add.Should().Throw<InvalidOperationException>();
    }

    private static async Task<WebApplication> Started(params string[] arguments)
    {
        var builder = WebApplication.CreateSlimBuilder([.. arguments, "--Logging:LogLevel:Default=None"]);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        Telemetry.Add(builder);
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private async Task Collect(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var text = Encoding.Latin1.GetString(body.ToArray());
        received.AddOrUpdate((string)context.Request.RouteValues["signal"]!, text, (_, before) => before + text);
    }

    private string Got(string signal) => received.GetValueOrDefault(signal, "");

    private static async Task Eventually(Func<bool> holds)
    {
        for (var tries = 0; tries < 200 && !holds(); tries++) await Task.Delay(25);
    }
}
