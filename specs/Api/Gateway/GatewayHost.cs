using BankingEngine.Host.Gateway;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine.Grpc;
using Microsoft.Extensions.Configuration;
using Options = BankingEngine.Host.Grpc.EventStore.ReadReq.Types.Options;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>A served book with its audit gateway, over TLS unless readers need no key.</summary>
public sealed class GatewayHost : IAsyncLifetime, IDisposable
{
    private readonly List<AuditGateway> _gateways = [];

    public ServedBook Served { get; } = new();

    /// <summary>Over TLS, for keys of the book.</summary>
    public AuditGateway Secure { get; private set; } = null!;

    /// <summary>Without TLS, for everyone.</summary>
    public AuditGateway Open { get; private set; } = null!;

    public string AuthorityFile => Path.Combine(Served.Folder, "..", Path.GetFileName(Served.Folder) + "-ca.pem");

    private string CertificateFile => Path.ChangeExtension(AuthorityFile, ".own.pem");

    private string KeyFile => Path.ChangeExtension(AuthorityFile, ".own.key.pem");

    /// <summary>What a gateway over TLS is set up with.</summary>
    public (string Name, string Value)[] OverTls =>
    [
        ("Gateway:Url", "https://127.0.0.1:0"), ("Gateway:Certificate:Path", CertificateFile),
        ("Gateway:Certificate:KeyPath", KeyFile),
    ];

    public async Task InitializeAsync()
    {
        await Served.InitializeAsync();
        var (own, authority) = GrpcPeer.Certificates();
        await File.WriteAllTextAsync(AuthorityFile, authority.ExportCertificatePem());
        await File.WriteAllTextAsync(CertificateFile, own.ExportCertificatePem());
        using var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(own)!;
        await File.WriteAllTextAsync(KeyFile, key.ExportPkcs8PrivateKeyPem());
        Secure = (await StartAsync(OverTls))!;
        Open = (await StartAsync(("Gateway:Url", "http://127.0.0.1:0"), ("Gateway:AllowAnonymous", "true")))!;
    }

    public Task<AuditGateway?> StartAsync(params (string Name, string Value)[] settings) => StartAsync(null, settings);

    public Task<AuditGateway?> StartAsync(ReadLimits? limits, params (string Name, string Value)[] settings) =>
        StartAsync([Served.Book], limits, settings);

    /// <summary>A gateway of several books.</summary>
    public async Task<AuditGateway?> StartAsync(
        IReadOnlyList<RunningBook> books, ReadLimits? limits, params (string Name, string Value)[] settings)
    {
        var gateway = await AuditGateway.StartAsync(Settings(settings), TimeSpan.FromMilliseconds(200), limits);
        if (gateway is null) return null;
        _gateways.Add(gateway);
        gateway.Open(books);
        return gateway;
    }

    public static IConfiguration Settings(params (string Name, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create<string, string?>(s.Name, s.Value))).Build();

    /// <summary>A client of the gateway over TLS; the key's token as password.</summary>
    public GrpcChannel Channel(string? user = null, string? token = null) => Channel(Secure, user, token);

    public GrpcChannel Channel(AuditGateway gateway, string? user, string? token) => new(new(gateway.Address)
    {
        Authorities = [System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(File.ReadAllText(AuthorityFile))],
        Credentials = user is null ? null : new(user, token),
    });

    public async Task DisposeAsync()
    {
        foreach (var gateway in _gateways) await gateway.DisposeAsync();
        await Served.DisposeAsync();
        foreach (var file in new[] { AuthorityFile, CertificateFile, KeyFile }) File.Delete(file);
    }

    public void Dispose() => Served.Dispose();

    public static ReadReq Read(string? stream, Action<Options>? with = null)
    {
        var options = new Options { Count = long.MaxValue, NoFilter = new(), UuidOption = new() { String = new() } };
        if (stream is null) options.All = new() { Start = new() };
        else options.Stream = new() { StreamIdentifier = EventStoreNames.StreamOf(stream), Start = new() };
        with?.Invoke(options);
        return new() { Options = options };
    }
}
