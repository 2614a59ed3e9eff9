using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using BankingEngine.Host.Api;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace BankingEngine.Host.Gateway;

/// <summary>The gateway's own web server: address, certificate and the bounds of its connections.</summary>
internal sealed class GatewayListener
{
    private const int MaxConnections = 256, LeastBytesPerSecond = 100;

    /// <summary>A connection that takes nothing is cut off; a call that takes nothing was ended before it, by
    /// <see cref="ReadLimits.StalledFor"/>.</summary>
    private static readonly TimeSpan ConnectionStalledFor = TimeSpan.FromMinutes(4);

    private readonly string _url;
    private volatile bool _isListening;

    /// <exception cref="GatewayConfigurationException">The address is none, or would let strangers in.</exception>
    public GatewayListener(IConfiguration configuration, string url, ReadLimits limits)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")
            || address.PathAndQuery != "/" || address.UserInfo.Length > 0 || address.Fragment.Length > 0)
        {
            throw new GatewayConfigurationException(
                "Gateway:Url is neither http://host:port nor https://host:port.");
        }
        if (AllowsAnyone(configuration)
            && !(IPAddress.TryParse(address.DnsSafeHost, out var host) && IPAddress.IsLoopback(host)))
            throw new GatewayConfigurationException("Gateway:AllowAnonymous is for 127.0.0.1 and [::1] alone.");
        _url = url;
        App = Build(configuration, address, limits);
    }

    /// <summary>To map calls in before it is started.</summary>
    public WebApplication App { get; }

    public static bool AllowsAnyone(IConfiguration configuration) =>
        configuration.GetValue<bool>("Gateway:AllowAnonymous");

    /// <exception cref="GatewayConfigurationException">The address or the certificate cannot be used.</exception>
    public async Task StartAsync()
    {
        try
        {
            await App.StartAsync().ConfigureAwait(false);
            _isListening = true;
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            throw new GatewayConfigurationException($"The gateway's address {_url} is in use", taken)
            {
                IsAddressInUse = true,
            };
        }
        catch (SocketException refused)
        {
            throw new GatewayConfigurationException($"The gateway cannot listen on {_url}: {refused.Message}", refused);
        }
        catch (Exception fault) when (fault is InvalidOperationException or CryptographicException or IOException
            or UnauthorizedAccessException)
        {
            throw new GatewayConfigurationException(
                $"The gateway's certificate cannot be used: {fault.Message.Split('\n')[0].Trim()} It is named by "
                + "Gateway:Certificate:Path and KeyPath, or by Kestrel:Certificates:Default", fault);
        }
    }

    private WebApplication Build(IConfiguration configuration, Uri address, ReadLimits limits)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        // Some things clients ask by HTTP/1.1: where TLS tells it apart, they get an answer.
        var protocols = address.Scheme == Uri.UriSchemeHttps ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http2;
        var settings = new Dictionary<string, string?>
        {
            ["Endpoints:Gateway:Url"] = _url,
            ["Endpoints:Gateway:Protocols"] = protocols.ToString(),
        };
        Copy(configuration.GetSection("Kestrel:Certificates"), "Certificates", settings);
        Copy(configuration.GetSection("Gateway:Certificate"), "Endpoints:Gateway:Certificate", settings);
        var kestrel = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        builder.Logging.AddConfiguration(configuration.GetSection("Logging"));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddConsole();
        Serve.Quieten(builder, () => _isListening);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Configure(kestrel);
            server.AddServerHeader = false;
            server.Limits.MaxConcurrentConnections = MaxConnections;
            server.Limits.MinResponseDataRate = new(LeastBytesPerSecond, ConnectionStalledFor);
            server.Limits.Http2.KeepAlivePingDelay = server.Limits.Http2.KeepAlivePingTimeout = limits.PingAfter;
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
