using BankingEngine.Application.Engine;
using Microsoft.Extensions.Configuration.Memory;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace BankingEngine.Host.Telemetry;

/// <summary>
/// What the host tells of itself: metrics and traces over OTLP when a collector is named, and logs on the console.
/// None of it carries personal data: tags are kinds, codes, positions and counts.
/// </summary>
/// <remarks>
/// Configured by OpenTelemetry's own names, from the environment, the command line or a file:
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (off when absent), <c>OTEL_EXPORTER_OTLP_PROTOCOL</c> (<c>http/protobuf</c>, the
/// default, or <c>grpc</c>), <c>OTEL_EXPORTER_OTLP_HEADERS</c>, <c>OTEL_METRIC_EXPORT_INTERVAL</c> (milliseconds),
/// <c>OTEL_SERVICE_NAME</c>. Logs are lines of JSON with <c>Logging:Console:FormatterName=json</c>.
/// </remarks>
public static class Telemetry
{
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL", Headers = "OTEL_EXPORTER_OTLP_HEADERS",
        Interval = "OTEL_METRIC_EXPORT_INTERVAL", ServiceName = "OTEL_SERVICE_NAME";

    private const int DefaultIntervalMilliseconds = 15_000;

    private static readonly string[] Meters =
        [EngineMeters.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
            "System.Runtime"];

    private static readonly string[] Sources = [EngineTraces.SourceName, "Microsoft.AspNetCore"];

    /// <summary>What holds unless the configuration says otherwise.</summary>
    private static readonly Dictionary<string, string?> LogDefaults = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        // A line for each request would cost more than the request.
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:Console:FormatterOptions:UseUtcTimestamp"] = "true",
        ["Logging:Console:FormatterOptions:TimestampFormat"] = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ",
    };

    /// <summary>Adds telemetry to a host.</summary>
    /// <exception cref="InvalidOperationException">The configuration names no usable endpoint, protocol or
    /// interval.</exception>
    public static void Add(WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ((IConfigurationBuilder)builder.Configuration)
            .Sources.Insert(0, new MemoryConfigurationSource { InitialData = LogDefaults });
        if (Settings.Of(builder.Configuration) is not { } settings) return;
        builder.Services.AddSingleton(_ => MetricsOf(settings));
        builder.Services.AddSingleton(_ => TracesOf(settings));
        builder.Services.AddHostedService<Exporting>();
    }

    private static MeterProvider MetricsOf(Settings settings) => Sdk.CreateMeterProviderBuilder()
        .SetResourceBuilder(settings.Resource())
        .AddMeter(Meters)
        .AddOtlpExporter((exporter, reader) =>
        {
            settings.Apply(exporter, "v1/metrics");
            reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = settings.IntervalMilliseconds;
        })
        .Build();

    private static TracerProvider TracesOf(Settings settings) => Sdk.CreateTracerProviderBuilder()
        .SetResourceBuilder(settings.Resource())
        .AddSource(Sources)
        .AddOtlpExporter(exporter => settings.Apply(exporter, "v1/traces"))
        .Build();

    private sealed record Settings(Uri Collector, OtlpExportProtocol Protocol, string? Headers,
        int IntervalMilliseconds, string Name)
    {
        public static Settings? Of(ConfigurationManager from)
        {
            if (from[Endpoint] is not { Length: > 0 } endpoint) return null;
            if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var collector)
                || collector.Scheme is not ("http" or "https"))
                throw new InvalidOperationException($"{Endpoint} is not an address of http or https.");
            var protocol = from[Telemetry.Protocol] switch
            {
                null or "" or "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
                "grpc" => OtlpExportProtocol.Grpc,
                _ => throw new InvalidOperationException($"{Telemetry.Protocol} is http/protobuf or grpc."),
            };
            var interval = from.GetValue(Interval, DefaultIntervalMilliseconds);
            if (interval <= 0)
                throw new InvalidOperationException($"{Interval} is a number of milliseconds above zero.");
            var name = from[ServiceName] is { Length: > 0 } stated ? stated : "bankingengine";
            return new(collector, protocol, from[Telemetry.Headers], interval, name);
        }

        public ResourceBuilder Resource() => ResourceBuilder.CreateDefault()
            .AddService(Name, serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3));

        public void Apply(OtlpExporterOptions to, string path)
        {
            to.Protocol = Protocol;
            // An address set in code is taken as it is: over HTTP it needs the path of the signal.
            to.Endpoint = Protocol == OtlpExportProtocol.Grpc
                ? Collector
                : new($"{Collector.AbsoluteUri.TrimEnd('/')}/{path}");
            if (Headers is not null) to.Headers = Headers;
        }
    }

    /// <summary>Starts both exporters with the host, and sends what is left when it ends.</summary>
    private sealed class Exporting(MeterProvider metrics, TracerProvider traces) : IHostedService
    {
        private const int FlushMilliseconds = 2_000;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.Run(() =>
        {
            traces.ForceFlush(FlushMilliseconds);
            metrics.ForceFlush(FlushMilliseconds);
        }, cancellationToken);
    }
}
