using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BankingEngine.Host.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace BankingEngine.Specs.Engine.Grpc;

/// <summary>A gRPC server on a real socket, with the methods that a spec maps.</summary>
internal sealed class GrpcPeer : IAsyncDisposable
{
    private GrpcPeer(WebApplication app) => App = app;

    public WebApplication App { get; }

    public Uri Address => new(App.Urls.First());

    public static async Task<GrpcPeer> StartAsync(
        Action<IEndpointRouteBuilder> map, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder(["--Logging:LogLevel:Default=None"]);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        map(app);
        app.MapGrpcUnimplemented();
        await app.StartAsync();
        return new(app);
    }

    public GrpcChannel Channel(Func<GrpcChannelOptions, GrpcChannelOptions>? with = null)
    {
        var options = new GrpcChannelOptions(Address);
        return new(with?.Invoke(options) ?? options);
    }

    public ValueTask DisposeAsync() => App.DisposeAsync();

    /// <summary>A certificate for this machine, and the authority that signed it.</summary>
    public static (X509Certificate2 Own, X509Certificate2 Authority) Certificates()
    {
        var (from, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        using var root = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asked = new CertificateRequest("CN=Spec authority", root, HashAlgorithmName.SHA256);
        asked.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var authority = asked.CreateSelfSigned(from, until);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var signed = request.Create(authority, from, until, [1, 2, 3, 4]);
        using var own = signed.CopyWithPrivateKey(key);
        return (X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable), authority);
    }
}
