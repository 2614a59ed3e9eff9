using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Google.Protobuf;

namespace BankingEngine.Host.Grpc;

/// <summary>How a peer is reached.</summary>
/// <param name="Address">
/// <c>https</c> speaks TLS and agrees on HTTP/2 there; <c>http</c> speaks HTTP/2 from the first byte.
/// </param>
public sealed record GrpcChannelOptions(Uri Address)
{
    /// <summary>Sent with every call as Basic credentials; only over TLS.</summary>
    public NetworkCredential? Credentials { get; init; }

    /// <summary>Sent with every call as <c>connection-name</c>.</summary>
    public string? ConnectionName { get; init; }

    /// <summary>Sent with every call as <c>requires-leader</c>.</summary>
    public bool RequiresLeader { get; init; }

    /// <summary>Silence after which the connection is pinged, a second at least; null: never.</summary>
    public TimeSpan? KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a ping may stay unanswered before the connection is given up, a second at least.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>False takes any certificate: the peer is then not known to be the one meant.</summary>
    public bool VerifiesCertificate { get; init; } = true;

    /// <summary>What may have signed the peer's certificate; null: what the machine trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>What this side shows for itself; null: nothing.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Bytes of one message from the peer.</summary>
    public int MaxMessageBytes { get; init; } = GrpcFrames.MaxMessageBytes;
}

/// <summary>A peer that gRPC methods are called on; connects when first used, and again whenever it has to.</summary>
public sealed class GrpcChannel : IDisposable
{
    /// <summary>What the peer may send on a call before it is read.</summary>
    private const int WindowBytes = 1024 * 1024;

    /// <summary>What the platform takes for pings; who asks for less is served with this.</summary>
    private static readonly TimeSpan LeastKeepAlive = TimeSpan.FromSeconds(1);

    private readonly HttpMessageInvoker _http;
    private readonly GrpcChannelOptions _options;
    private readonly string? _authorization;

    /// <exception cref="ArgumentException">The address is neither http nor https, or credentials would travel
    /// unprotected.</exception>
    public GrpcChannel(GrpcChannelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var isTls = options.Address.Scheme == Uri.UriSchemeHttps;
        if (!isTls && options.Address.Scheme != Uri.UriSchemeHttp)
            throw new ArgumentException($"{options.Address.Scheme} is neither http nor https.", nameof(options));
        if (!isTls && options.Credentials is not null)
            throw new ArgumentException("Credentials are sent over TLS only.", nameof(options));
        _options = options;
        if (options.Credentials is { } known)
        {
            var pair = Encoding.UTF8.GetBytes($"{known.UserName}:{known.Password}");
            _authorization = $"Basic {Convert.ToBase64String(pair)}";
        }
        _http = new(HandlerOf(options));
    }

    public Uri Address => _options.Address;

    /// <summary>Calls a method with one message each way.</summary>
    /// <param name="deadline">Null: as long as it takes.</param>
    /// <exception cref="GrpcException">The call did not end well.</exception>
    public async Task<TResponse> CallAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, TimeSpan? deadline, CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        await using var call = Open(method, deadline, cancellation);
        await call.RequestAsync(request).ConfigureAwait(false);
        var response = await call.ReadAsync().ConfigureAwait(false)
            ?? throw new GrpcException(GrpcCode.Internal, "The answer has no message.");
        return await call.ReadAsync().ConfigureAwait(false) is null
            ? response
            : throw new GrpcException(GrpcCode.Internal, "The answer has more than one message.");
    }

    /// <summary>Begins a call; messages go both ways as long as it is open.</summary>
    /// <param name="deadline">For the whole call; null: none.</param>
    /// <param name="cancellation">For the whole call.</param>
    public GrpcClientCall<TRequest, TResponse> Open<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TimeSpan? deadline, CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        ArgumentNullException.ThrowIfNull(method);
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_options.Address, method.Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TE.Add(new("trailers"));
        request.Headers.TryAddWithoutValidation("requires-leader", _options.RequiresLeader ? "true" : "false");
        if (_options.ConnectionName is { } name) request.Headers.TryAddWithoutValidation("connection-name", name);
        if (_authorization is not null) request.Headers.TryAddWithoutValidation("authorization", _authorization);
        if (deadline is { } left)
            request.Headers.TryAddWithoutValidation(GrpcHeaders.Timeout, GrpcHeaders.WriteTimeout(left));
        return new(_http, request, method.Responses, _options.MaxMessageBytes, deadline, cancellation);
    }

    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler HandlerOf(GrpcChannelOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = options.ConnectTimeout,
            InitialHttp2StreamWindowSize = WindowBytes,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        if (options.KeepAliveInterval is { } silence)
        {
            handler.KeepAlivePingDelay = AtLeast(silence);
            handler.KeepAlivePingTimeout = AtLeast(options.KeepAliveTimeout);
        }
        if (options.Certificate is { } own) handler.SslOptions.ClientCertificates = [own];
        if (!options.VerifiesCertificate)
        {
#pragma warning disable CA5359 // Asked for by name, for machines of one's own.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (options.Authorities is { } authorities)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }
        return handler;
    }

    private static TimeSpan AtLeast(TimeSpan time) =>
        time == Timeout.InfiniteTimeSpan || time > LeastKeepAlive ? time : LeastKeepAlive;

    /// <summary>What a fault of the connection means to a caller.</summary>
    internal static GrpcException Translate(Exception fault) => fault switch
    {
        GrpcException known => known,
        HttpProtocolException { ErrorCode: 8 } => new(GrpcCode.Cancelled, "The peer cancelled the call.", null, fault),
        HttpProtocolException { ErrorCode: GrpcServer.EnhanceYourCalm } =>
            new(GrpcCode.ResourceExhausted, "The peer ended the call: too little of it was read.", null, fault),
        HttpRequestException { InnerException: HttpProtocolException inner } => Translate(inner),
        HttpIOException { InnerException: HttpProtocolException inner } => Translate(inner),
        IOException { InnerException: HttpProtocolException inner } => Translate(inner),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            new(GrpcCode.Unavailable, $"The secure connection failed: {Root(fault)}", null, fault),
        // A reset of the stream cancels what is being sent on it; what the caller cancels is told apart before.
        OperationCanceledException => new(GrpcCode.Unavailable, "The peer ended the call.", null, fault),
        HttpRequestException or IOException or SocketException or ObjectDisposedException =>
            new(GrpcCode.Unavailable, Root(fault), null, fault),
        _ => new(GrpcCode.Unknown, Root(fault), null, fault),
    };

    private static string Root(Exception fault) => fault.GetBaseException().Message;
}
