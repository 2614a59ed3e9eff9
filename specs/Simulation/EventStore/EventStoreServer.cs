using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Hosting;

namespace BankingEngine.Specs.Simulation.EventStore;

/// <summary>A member of a cluster, as gossip tells of it.</summary>
public sealed record Member(string Host, int Port, MemberInfo.Types.VNodeState State, bool IsAlive = true);

/// <summary>How a server is set up.</summary>
/// <param name="Folder">Where its streams lie; what a server before it left there is served on.</param>
/// <param name="Port">0: any that is free.</param>
public sealed record EventStoreOptions(string Folder, int Port = 0)
{
    /// <summary>Null: HTTP/2 from the first byte.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Who has to have signed the caller's certificate; null: callers show none.</summary>
    public X509Certificate2? CallersAuthority { get; init; }

    /// <summary>The streams of another member, which both serve; null: those of the folder.</summary>
    public EventStoreLog? Log { get; init; }

    /// <summary>Null: everyone may.</summary>
    public NetworkCredential? Credentials { get; init; }

    /// <summary>Batches are an invention of later servers.</summary>
    public bool SupportsBatches { get; init; } = true;
}

/// <summary>
/// A server that speaks the EventStoreDB protocol as far as a journal and the official clients need it, with switches
/// for what goes wrong with real ones.
/// </summary>
public sealed class EventStoreServer : IAsyncDisposable
{
    /// <summary>Data and metadata of one append, as the real server limits them.</summary>
    public const int MaxAppendBytes = 1024 * 1024;

    private readonly EventStoreOptions _options;
    private readonly WebApplication _app;
    private readonly EventStoreAppends _appends;
    private readonly StreamReads _reads;
    private CancellationTokenSource _connections = new();
    private int _losesRequests;

    private EventStoreServer(EventStoreOptions options)
    {
        _options = options;
        Log = options.Log ?? new(options.Folder);
        _appends = new(this);
        // Positions of this log are bytes, not events; and the server it stands for never says that one fell behind.
        _reads = new(Log, TimeSpan.FromSeconds(1), new() { BehindEvents = long.MaxValue, BehindFor = TimeSpan.MaxValue });
        var builder = WebApplication.CreateSlimBuilder(["--Logging:LogLevel:Default=None"]);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (options.Certificate is { } certificate) listen.UseHttps(certificate, tls => Demand(tls, options.CallersAuthority));
        }));
        _app = builder.Build();
        _app.Use(next => context => AdmitAsync(context, next));
        _app.MapGrpc(EventStoreMethods.Read, call => _reads.ServeAsync(call, () => ThrowIfNotHere(call.Context)));
        _app.MapGrpc(EventStoreMethods.Append, _appends.AppendAsync);
        if (options.SupportsBatches) _app.MapGrpc(EventStoreMethods.BatchAppend, _appends.BatchAppendAsync);
        _app.MapGrpc(EventStoreMethods.Delete, _appends.DeleteAsync);
        _app.MapGrpc(EventStoreMethods.Tombstone, _appends.TombstoneAsync);
        _app.MapGrpc(EventStoreMethods.Gossip, async call => await call.SendAsync(GossipNow()));
        _app.MapGrpc(EventStoreMethods.Features, async call => await call.SendAsync(FeaturesNow()));
        _app.MapGrpcUnimplemented();
    }

    public EventStoreLog Log { get; }

    public Uri Address => new(_app.Urls.First());

    /// <summary>What a client's connection string begins with: host and port.</summary>
    public string Authority => Address.Authority;

    /// <summary>Time that each append takes beside its own.</summary>
    public TimeSpan AppendDelay { get; set; }

    /// <summary>Appends are stored and their answers lost: the connection is cut before.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>The next appends, as many, are cut off before they are stored.</summary>
    public int LosesRequests
    {
        get => Volatile.Read(ref _losesRequests);
        set => Volatile.Write(ref _losesRequests, value);
    }

    /// <summary>Every call is refused as it is while a server starts.</summary>
    public bool IsNotReady { get; set; }

    /// <summary>Set where another member leads: calls that want the leader are sent there.</summary>
    public Member? Leader { get; set; }

    /// <summary>What gossip tells; null: this server alone, which leads.</summary>
    public IReadOnlyList<Member>? Members { get; set; }

    /// <summary>Calls seen, by path: what a client did to get where it is.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, int> Calls { get; } = new();

    public static async Task<EventStoreServer> StartAsync(EventStoreOptions options)
    {
        var server = new EventStoreServer(options);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Cuts every call that is open, as a network does: without a word.</summary>
    public void Cut()
    {
        var open = Interlocked.Exchange(ref _connections, new());
        open.Cancel();
    }

    /// <summary>Until the server is told to end.</summary>
    public Task WaitAsync() => _app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _app.DisposeAsync();
        if (_options.Log is null) Log.Dispose();
    }

    /// <summary>Whether this request is one of those to be lost.</summary>
    internal bool TakesLoss()
    {
        for (var left = LosesRequests; left > 0; left = LosesRequests)
        {
            if (Interlocked.CompareExchange(ref _losesRequests, left - 1, left) == left) return true;
        }
        return false;
    }

    private static void Demand(HttpsConnectionAdapterOptions tls, X509Certificate2? authority)
    {
        if (authority is null) return;
        tls.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        tls.ClientCertificateValidation = (shown, _, _) =>
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.CustomTrustStore.Add(authority);
            return chain.Build(shown);
        };
    }

    private async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        Calls.AddOrUpdate(context.Request.Path.Value!, 1, (_, seen) => seen + 1);
        await using var onCut = _connections.Token.Register(context.Abort);
        try
        {
            ThrowIfNotHere(context);
            ThrowIfNotAllowed(context);
        }
        catch (GrpcException refused)
        {
            await GrpcServer.FailAsync(context, refused);
            return;
        }
        await next(context);
    }

    private void ThrowIfNotHere(HttpContext context)
    {
        if (IsNotReady) throw new GrpcException(GrpcCode.Unavailable, "Server Is Not Ready");
        var isStreams = context.Request.Path.StartsWithSegments("/event_store.client.streams.Streams");
        var wantsLeader = context.Request.Headers["requires-leader"] == "true"
            || !context.Request.Path.Value!.EndsWith("/Read", StringComparison.Ordinal);
        if (Leader is { } leader && isStreams && wantsLeader)
        {
            throw GrpcException.Named(
                GrpcCode.NotFound, GrpcException.NotLeader, "Leader info available",
                (GrpcException.LeaderHostTrailer, leader.Host), (GrpcException.LeaderPortTrailer, $"{leader.Port}"));
        }
    }

    private void ThrowIfNotAllowed(HttpContext context)
    {
        if (_options.Credentials is not { } known) return;
        if (context.Request.Path.StartsWithSegments("/event_store.client.gossip.Gossip")
            || context.Request.Path.StartsWithSegments("/event_store.client.server_features.ServerFeatures")) return;
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{known.UserName}:{known.Password}"));
        string? said = context.Request.Headers.Authorization;
        if (said is null) throw GrpcException.Named(GrpcCode.PermissionDenied, "access-denied", "Access Denied");
        if (said != $"Basic {pair}") throw new GrpcException(GrpcCode.Unauthenticated, "Bad credentials");
    }

    private ClusterInfo GossipNow()
    {
        var info = new ClusterInfo();
        foreach (var member in Members ?? [new(Address.Host, Address.Port, MemberInfo.Types.VNodeState.Leader)])
        {
            info.Members.Add(new MemberInfo
            {
                InstanceId = EventStoreNames.UuidOf(Guid.NewGuid(), structured: false),
                TimeStamp = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks,
                State = member.State,
                IsAlive = member.IsAlive,
                HttpEndPoint = new() { Address = member.Host, Port = (uint)member.Port },
            });
        }
        return info;
    }

    private SupportedMethods FeaturesNow()
    {
        var supported = new SupportedMethods { EventStoreServerVersion = "22.10.5" };
        void Add(string method, params string[] features) => supported.Methods.Add(new SupportedMethod
        {
            MethodName = method,
            ServiceName = "event_store.client.streams.streams",
            Features = { features },
        });
        Add("read", "position", "events");
        Add("append");
        Add("delete");
        Add("tombstone");
        if (_options.SupportsBatches) Add("batchappend", "deadline_duration");
        return supported;
    }
}
