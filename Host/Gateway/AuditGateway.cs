using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;

namespace BankingEngine.Host.Gateway;

/// <summary>The gateway cannot be set up as the configuration says.</summary>
public sealed class GatewayConfigurationException(string why, Exception? inner = null) : Exception(why, inner)
{
    /// <summary>Whether something else listens there already.</summary>
    public bool IsAddressInUse { get; init; }
}

/// <summary>
/// The reading side of the EventStoreDB protocol on a port of its own, so that auditors read a book with the official
/// clients of that store. Of several books each reader sees the one that his key is of, and nothing of the others.
/// </summary>
/// <remarks>
/// <c>Gateway:Url</c> switches it on: <c>https://host:port</c>, with the certificate of <c>Gateway:Certificate</c> or
/// of <c>Kestrel:Certificates:Default</c>, or <c>http://host:port</c>. <c>Gateway:AllowAnonymous</c> lets readers in
/// without a key, to the first book: a sandbox alone, on the loopback address alone. <c>Gateway:Nodes</c> says
/// where the gateways of the hosts of a shared journal are reached: <c>name=host:port</c>, with ';' between them.
/// </remarks>
public sealed class AuditGateway : IAsyncDisposable
{
    /// <summary>Seconds after which a follower whose key was revoked is sent away at the latest.</summary>
    public const int HeartbeatSeconds = 5;

    /// <summary>Bytes of a request; a filter with all it may have is smaller.</summary>
    public const int MaxRequestBytes = 64 * 1024;

    /// <summary>Version that clients are told: the one whose reading side this is. They read it as three numbers.</summary>
    public const string ServerVersion = "24.6.0";

    private readonly IConfiguration _configuration;
    private readonly GatewayMembers _members;
    private readonly ReadLimits _limits;
    private readonly TimeSpan _heartbeat;
    private readonly bool _allowsAnyone;
    private readonly WebApplication _app;
    private Opened? _opened;

    private AuditGateway(
        IConfiguration configuration, GatewayMembers members, WebApplication app, TimeSpan heartbeat, ReadLimits limits)
    {
        (_configuration, _members, _app, _heartbeat, _limits) = (configuration, members, app, heartbeat, limits);
        _allowsAnyone = GatewayListener.AllowsAnyone(configuration);
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

    /// <summary>Takes the address. Until <see cref="Open"/> every read is answered with UNAVAILABLE: so a gateway that
    /// cannot be set up is found before a book is touched.</summary>
    /// <param name="heartbeat">Null: <see cref="HeartbeatSeconds"/>.</param>
    /// <param name="limits">Null: the usual ones.</param>
    /// <returns>Null where the configuration asks for none.</returns>
    /// <exception cref="GatewayConfigurationException">It makes no sense, would let strangers in, or the address cannot
    /// be listened on.</exception>
    public static async Task<AuditGateway?> StartAsync(
        IConfiguration configuration, TimeSpan? heartbeat = null, ReadLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var url = configuration["Gateway:Url"];
        if (string.IsNullOrEmpty(url)) return null;
        limits ??= new();
        var members = new GatewayMembers(configuration);
        var listening = new GatewayListener(configuration, url, limits);
        var gateway = new AuditGateway(
            configuration, members, listening.App, heartbeat ?? TimeSpan.FromSeconds(HeartbeatSeconds), limits);
        try
        {
            await listening.StartAsync().ConfigureAwait(false);
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Serves books from now on, until it is disposed of.</summary>
    /// <param name="books">One or more. Not owned.</param>
    /// <exception cref="GatewayConfigurationException">It would let strangers in.</exception>
    public void Open(IReadOnlyList<RunningBook> books)
    {
        ArgumentNullException.ThrowIfNull(books);
        if (_allowsAnyone && books[0].Genesis.Mode != BookMode.Sandbox)
            throw new GatewayConfigurationException("Gateway:AllowAnonymous is for sandbox books: this one is live.");
        Volatile.Write(ref _opened, new(this, books));
    }

    /// <summary>Ends what is being read and stops listening. To be called before the books are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        Volatile.Read(ref _opened)?.Dispose();
    }

    private async Task ReadAsync(GrpcCall<ReadReq, ReadResp> call)
    {
        var opened = Volatile.Read(ref _opened)
            ?? throw new GrpcException(GrpcCode.Unavailable, "The host is starting: come again soon.");
        using var place = opened.Door.Enter(call.Context);
        var book = opened.Books[place.Book];
        void MayGoOn()
        {
            opened.Door.Recheck(call.Context, place);
            _members.ThrowIfElsewhere(call.Context, book);
        }
        _members.ThrowIfElsewhere(call.Context, book);
        try
        {
            await opened.Reads[place.Book].ServeAsync(call, MayGoOn).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is EngineUnavailableException or ProjectionStoppedException
            or JournalException { Kind: JournalFault.Unknown })
        {
            throw new GrpcException(GrpcCode.Unavailable, "The book cannot be read here now.", null, gone);
        }
    }

    private ClusterInfo Gossip(HttpContext context)
    {
        var opened = Volatile.Read(ref _opened);
        IReadOnlyList<RunningBook> books = opened is null ? []
            : opened.Door.BookOf(context) is { } own ? [opened.Books[own]] : opened.Books;
        return _members.Gossip(context, books);
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

    /// <summary>What there is once books are served.</summary>
    private sealed class Opened : IDisposable
    {
        private readonly BookStreams[] _streams;

        public Opened(AuditGateway gateway, IReadOnlyList<RunningBook> books)
        {
            Books = books;
            _streams = [.. books.Select(book => new BookStreams(book.Feed))];
            Reads = [.. _streams.Select(streams => new StreamReads(streams, gateway._heartbeat, gateway._limits))];
            Door = new(books, gateway._configuration, gateway._allowsAnyone);
        }

        public IReadOnlyList<RunningBook> Books { get; }

        public StreamReads[] Reads { get; }

        public GatewayDoor Door { get; }

        public void Dispose()
        {
            foreach (var streams in _streams) streams.Dispose();
        }
    }
}
