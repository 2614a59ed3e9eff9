using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Finds out why a server's certificate was not taken: the driver says only that it was not.</summary>
internal static class PostgresTls
{
    private const int DefaultPort = 5432, LongestMilliseconds = 3_000;

    private const X509ChainStatusFlags OfNobody = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot
        | X509ChainStatusFlags.NotSignatureValid;

    /// <summary>Asks for encryption as a client does: length and code of the message SSLRequest.</summary>
    private static ReadOnlySpan<byte> SslRequest => [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

    /// <summary>Shakes hands once more and looks at the certificate. Nothing else is sent.</summary>
    /// <returns>Null where it shows none, or nothing is wrong with it.</returns>
    public static string? Distrust(NpgsqlConnectionStringBuilder address)
    {
        var (host, port) = FirstOf(address);
        var isNameDemanded = address.SslMode == SslMode.VerifyFull;
        string? found = null;
        try
        {
            using var socket = new TcpClient { SendTimeout = LongestMilliseconds, ReceiveTimeout = LongestMilliseconds };
            if (!socket.ConnectAsync(host, port).Wait(LongestMilliseconds)) return null;
            var plain = socket.GetStream();
            plain.Write(SslRequest);
            if (plain.ReadByte() != 'S') return null;
            using var stream = new SslStream(plain);
            stream.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                CertificateChainPolicy = Policy(address.RootCertificate),
                RemoteCertificateValidationCallback = (_, _, chain, errors) =>
                {
                    found = Told(chain, errors, isNameDemanded);
                    return found is null;
                },
            });
        }
        catch (Exception away) when (
            away is IOException or AggregateException or SocketException or AuthenticationException
                or CryptographicException or UnauthorizedAccessException)
        {
            // What was found by then is what there is to say.
        }
        return found;
    }

    private static string? Told(X509Chain? chain, SslPolicyErrors errors, bool isNameDemanded)
    {
        var flags = X509ChainStatusFlags.NoError;
        foreach (var status in chain?.ChainStatus ?? []) flags |= status.Status;
        return (flags & OfNobody) != 0 ? "it is of an authority that is not trusted here."
            : (flags & X509ChainStatusFlags.NotTimeValid) != 0 ? "it has expired, or is not valid yet."
            : isNameDemanded && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0 ? "it is for another name."
            : null;
    }

    /// <summary>Trusts what the connection string says, or else what the machine trusts.</summary>
    private static X509ChainPolicy Policy(string? root)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (string.IsNullOrEmpty(root)) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.ImportFromPemFile(root);
        return policy;
    }

    private static (string Host, int Port) FirstOf(NpgsqlConnectionStringBuilder address)
    {
        var first = address.Host!.Split(',')[0];
        var colon = first.LastIndexOf(':');
        return colon > 0 && first.IndexOf(':') == colon
            && int.TryParse(first[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture, out var port)
            ? (first[..colon], port)
            : (first, address.Port == 0 ? DefaultPort : address.Port);
    }
}
