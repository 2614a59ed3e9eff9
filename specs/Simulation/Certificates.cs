using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace BankingEngine.Specs.Simulation;

/// <summary>An authority that signs certificates for as long as a spec runs.</summary>
public sealed class Certificates : IDisposable
{
    private static readonly DateTimeOffset Past = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 _authority;

    public Certificates(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _authority = request.CreateSelfSigned(Past, DateTimeOffset.UtcNow.AddDays(2));
    }

    /// <summary>What those trust who trust it.</summary>
    public string Root => _authority.ExportCertificatePem();

    /// <summary>A certificate of a server.</summary>
    /// <param name="host">A name, or an address.</param>
    /// <param name="hasExpired">It was valid once.</param>
    public (string Certificate, string Key) Server(string host, bool hasExpired = false)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(host);
        return Sign(host, "1.3.6.1.5.5.7.3.1", hasExpired, names.Build());
    }

    /// <summary>A certificate by which a user shows who it is.</summary>
    public (string Certificate, string Key) Client(string user) => Sign(user, "1.3.6.1.5.5.7.3.2", hasExpired: false);

    public void Dispose() => _authority.Dispose();

    private (string Certificate, string Key) Sign(
        string name, string use, bool hasExpired, X509Extension? further = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(use)], critical: false));
        if (further is not null) request.CertificateExtensions.Add(further);
        var end = hasExpired ? Past.AddDays(30) : DateTimeOffset.UtcNow.AddDays(1);
        using var signed = request.Create(_authority, Past, end, RandomNumberGenerator.GetBytes(8));
        return (signed.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
