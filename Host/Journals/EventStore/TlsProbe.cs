using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>Finds out whether a server speaks TLS that ended a connection without it: by its silence nobody can tell.
/// </summary>
internal static class TlsProbe
{
    /// <summary>Of all servers together.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <returns>The first that does; null where none is known to.</returns>
    public static async Task<DnsEndPoint?> FindAsync(IReadOnlyList<DnsEndPoint> servers)
    {
        using var patience = new CancellationTokenSource(Patience);
        foreach (var server in servers)
        {
            if (await SpeaksAsync(server, patience.Token).ConfigureAwait(false)) return server;
        }
        return null;
    }

    private static async Task<bool> SpeaksAsync(DnsEndPoint server, CancellationToken cancellation)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(server.Host.Trim('[', ']'), server.Port, cancellation).ConfigureAwait(false);
            var stream = new SslStream(client.GetStream());
            await using var closed = stream.ConfigureAwait(false);
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = server.Host,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
#pragma warning disable CA5359 // Nothing is sent or believed; the question is whether there is an answer.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            }, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (Exception no) when (no is IOException or SocketException or AuthenticationException
            or OperationCanceledException)
        {
            return false;
        }
    }
}
