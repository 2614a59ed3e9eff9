using System.Net;
using System.Security.Cryptography;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace BankingEngine.Host.Gateway;

/// <summary>The gateway cannot be set up as the configuration says.</summary>
public sealed class GatewayConfigurationException(string why, Exception? inner = null) : Exception(why, inner);

/// <summary>
/// The reading side of the EventStoreDB protocol on a port of its own, so that auditors read a book with the official
/// clients of that store. One book a gateway.
/// </summary>
/// <remarks>
/// <c>Gateway:Url</c> switches it on: <c>https://host:port</c>, with the certificate of <c>Gateway:Certificate</c> or
/// of <c>Kestrel:Certificates:Default</c>, or <c>http://host:port</c>. <c>Gateway:AllowAnonymous</c> lets readers in
/// without a key: a sandbox book alone, on the loopback address alone.
/// </remarks>
public sealed class AuditGateway : IAsyncDisposable
{
    /// <summary>Seconds after which a follower whose key was revoked is sent away at the latest.</summary>
    public const int HeartbeatSeconds = 5;

    /// <summary>Bytes of a request; a filter with all it may have is smaller.</summary>
    public const int MaxRequestBytes = 64 * 1024;

    /// <summary>Version that clients are told: the one whose reading side this is.</summary>
    public const string ServerVersion = "24.6.0";

    private const int MaxConnections = 256, LeastBytesPerSecond = 100;
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(10);

    /// <summary>A connection that takes nothing is cut off; a call that takes nothing was ended before it, by
    /// <see cref="ReadLimits.StalledFor"/>.</summary>
    private static readonly TimeSpan ConnectionStalledFor = TimeSpan.FromMinutes(4);

    private readonly RunningBook _book;
    private readonly BookStreams _streams;
    private readonly StreamReads _reads;
    private readonly GatewayDoor _door;
    private readonly WebApplication _app;
    private readonly Guid _instance = Guid.NewGuid();

    private AuditGateway(
        RunningBook book, IConfiguration configuration, string url, TimeSpan heartbeat, ReadLimits? limits)
    {
        var allowsAnyone = configuration.GetValue<bool>("Gateway:AllowAnonymous");
        if (allowsAnyone) ThrowIfExposed(book, url);
        _book = book;
        _streams = new(book.Engine.Feed);
        _reads = new(_streams, heartbeat, limits);
        _door = new(book, new(configuration), allowsAnyone);
        _app = BuildHost(configuration, url);
        _app.UseRouting();
        _app.MapGrpc(EventStoreMethods.Read, ReadAsync, MaxRequestBytes).Needs(Scopes.Audit);
        _app.MapGrpc(
            EventStoreMethods.Gossip, async call => await call.SendAsync(Gossip(call.Context)), MaxRequestBytes)
            .Needs(Access.Nothing);
        _app.MapGrpc(EventStoreMethods.Features, async call => await call.SendAsync(Features()), MaxRequestBytes)
            .Needs(Access.Nothing);
        _app.MapGrpcUnimplemented().Needs(Access.Nothing);
        Door.Verify(_app);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Starts the gateway of a book.</summary>
    /// <param name="heartbeat">Null: <see cref="HeartbeatSeconds"/>.</param>
    /// <param name="limits">Null: the usual ones.</param>
    /// <returns>Null where the configuration asks for none.</returns>
    /// <exception cref="GatewayConfigurationException">It makes no sense, or would let strangers in.</exception>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<AuditGateway?> StartAsync(
        RunningBook book, IConfiguration configuration, TimeSpan? heartbeat = null, ReadLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(configuration);
        var url = configuration["Gateway:Url"];
        if (string.IsNullOrEmpty(url)) return null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new GatewayConfigurationException(
                $"Gateway:Url '{url}' is neither http://host:port nor https://host:port.");
        var gateway = new AuditGateway(
            book, configuration, url, heartbeat ?? TimeSpan.FromSeconds(HeartbeatSeconds), limits);
        try
        {
            await gateway._app.StartAsync().ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            await gateway.DisposeAsync().ConfigureAwait(false);
            if (fault is not (InvalidOperationException or CryptographicException or FileNotFoundException)) throw;
            throw new GatewayConfigurationException($"The gateway's certificate cannot be used: {fault.Message}", fault);
        }
        return gateway;
    }

    /// <summary>Ends what is being read and stops listening. To be called before the book is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _streams.Dispose();
    }

    private async Task ReadAsync(GrpcCall<ReadReq, ReadResp> call)
    {
        using var place = _door.Enter(call.Context);
        try
        {
            await _reads.ServeAsync(call, () => _door.Recheck(call.Context)).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is EngineUnavailableException or ProjectionStoppedException)
        {
            throw new GrpcException(GrpcCode.Unavailable, "The book cannot be read here now.", null, gone);
        }
    }

    private ClusterInfo Gossip(HttpContext context)
    {
        // Whatever name the caller found this host by is the one that he can reach it by.
        var host = context.Request.Host;
        var member = new MemberInfo
        {
            InstanceId = EventStoreNames.UuidOf(_instance, structured: false),
            TimeStamp = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks,
            State = MemberInfo.Types.VNodeState.Leader,
            IsAlive = true,
            HttpEndPoint = new() { Address = host.Host, Port = (uint)(host.Port ?? context.Connection.LocalPort) },
        };
        return new() { Members = { member } };
    }

    private static SupportedMethods Features() => new()
    {
        EventStoreServerVersion = ServerVersion,
        Methods =
        {
            new SupportedMethod
            {
                MethodName = "read",
                ServiceName = "event_store.client.streams.streams",
                Features = { "position", "events" },
            },
        },
    };

    private static void ThrowIfExposed(RunningBook book, string url)
    {
        if (book.Genesis.Mode != BookMode.Sandbox)
            throw new GatewayConfigurationException("Gateway:AllowAnonymous is for sandbox books: this one is live.");
        var host = new Uri(url).Host.Trim('[', ']');
        if (!IPAddress.TryParse(host, out var address) || !IPAddress.IsLoopback(address))
            throw new GatewayConfigurationException("Gateway:AllowAnonymous is for 127.0.0.1 and [::1] alone.");
    }

    private static WebApplication BuildHost(IConfiguration configuration, string url)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        var settings = new Dictionary<string, string?>
        {
            ["Endpoints:Gateway:Url"] = url,
            // Some things clients ask by HTTP/1.1: where TLS tells it apart, they get an answer.
            ["Endpoints:Gateway:Protocols"] = (url.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
                ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http2).ToString(),
        };
        Copy(configuration.GetSection("Kestrel:Certificates"), "Certificates", settings);
        Copy(configuration.GetSection("Gateway:Certificate"), "Endpoints:Gateway:Certificate", settings);
        var kestrel = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        builder.Logging.AddConfiguration(configuration.GetSection("Logging"));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddConsole();
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Configure(kestrel);
            server.AddServerHeader = false;
            server.Limits.MaxConcurrentConnections = MaxConnections;
            server.Limits.MinResponseDataRate = new(LeastBytesPerSecond, ConnectionStalledFor);
            server.Limits.Http2.KeepAlivePingDelay = server.Limits.Http2.KeepAlivePingTimeout = PingAfter;
        });
        return builder.Build();
    }

    private static void Copy(IConfigurationSection from, string to, Dictionary<string, string?> settings)
    {
        foreach (var (key, value) in from.AsEnumerable(makePathsRelative: true))
        {
            if (key.Length > 0 && value is not null) settings[$"{to}:{key}"] = value;
        }
    }
}
