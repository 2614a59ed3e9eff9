using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Api;

namespace BankingEngine.Host.Webhooks;

/// <summary>What the edge says no to where an address is stated, and about deliveries.</summary>
public static class WebhookProblems
{
    public static readonly EdgeProblem
        UrlMalformed = new(
            "webhook.url_malformed", 400, "An address is https://host/path in printable ASCII, without a fragment."),
        HttpsRequired = new(
            "webhook.https_required", 422,
            "An address begins with https://; http:// is for sandbox books that allow it."),
        UserInfoRefused = new("webhook.user_info_refused", 422, "An address holds no user name and no password."),
        HostRefused = new(
            "webhook.host_refused", 422,
            "The host is a name of letters, digits, points and hyphens, or a plain IP address."),
        PortRefused = new("webhook.port_refused", 422, "The port is not one that webhooks may use."),
        AddressRefused = new("webhook.address_refused", 422, "The address is not one of the public internet."),
        NotFound = new("webhook.not_found", 404, "No such webhook."),
        KeyMissing = new("webhook.key_missing", 409, "The key that the webhook's secret is sealed with is not here."),
        Busy = new("webhook.busy", 429, "Other pings are under way: try again shortly.");
}

/// <summary>Where webhooks of a book may send.</summary>
/// <param name="AllowPrivate">Whether addresses count that are not of the public internet.</param>
/// <param name="AllowHttp">Whether an address may begin with <c>http://</c>.</param>
/// <param name="Ports">The ports that an address may have.</param>
public sealed partial record WebhookRules(bool AllowPrivate, bool AllowHttp, FrozenSet<int> Ports)
{
    public const int HttpsPort = 443, HttpPort = 80;

    /// <summary>https to public addresses, port 443.</summary>
    public static WebhookRules Strict { get; } = new(false, false, new[] { HttpsPort }.ToFrozenSet());

    /// <summary>
    /// As <c>Webhooks:AllowPrivate</c>, <c>Webhooks:AllowHttp</c> and <c>Webhooks:Ports</c> say; the first two are heard
    /// for sandbox books only.
    /// </summary>
    /// <exception cref="InvalidOperationException">A setting is malformed; it is named.</exception>
    public static WebhookRules Of(IConfiguration configuration, BookMode mode)
    {
        var section = configuration.GetSection("Webhooks");
        var isSandbox = mode == BookMode.Sandbox;
        var (isPrivate, isHttp) = (Flag(section, nameof(AllowPrivate)), Flag(section, nameof(AllowHttp)));
        var ports = new List<int>();
        foreach (var text in (section[nameof(Ports)] ?? $"{HttpsPort}").Split(',', StringSplitOptions.TrimEntries))
        {
            ports.Add(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                && port is > 0 and <= ushort.MaxValue
                ? port : throw new InvalidOperationException($"Webhooks:Ports: {text} is no port."));
        }
        return new(isSandbox && isPrivate, isSandbox && isHttp, ports.ToFrozenSet());
    }

    /// <summary>What is wrong with an address as text; names are looked up when it is used, not here.</summary>
    public EdgeProblem? Check(string url)
    {
        var parts = Shape().Match(url);
        if (!parts.Success) return WebhookProblems.UrlMalformed;
        var authority = parts.Groups["authority"].Value;
        if (authority.Contains('@', StringComparison.Ordinal)) return WebhookProblems.UserInfoRefused;
        var named = Authority().Match(authority);
        if (!named.Success || !Uri.TryCreate(url, UriKind.Absolute, out var uri)) return WebhookProblems.HostRefused;

        // What the program would connect to is what the text says: no folding, no escapes, no other forms of numbers.
        var host = named.Groups["host"].Value;
        var isAddress = IPAddress.TryParse(uri.DnsSafeHost, out var address);
        if (!isAddress && !uri.IdnHost.Equals(host, StringComparison.OrdinalIgnoreCase))
            return WebhookProblems.HostRefused;
        if (isAddress && address!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && address.ToString() != host)
            return WebhookProblems.HostRefused;
        if (uri.Scheme == Uri.UriSchemeHttp && !AllowHttp) return WebhookProblems.HttpsRequired;
        var isUsual = uri.IsDefaultPort && uri.Scheme == Uri.UriSchemeHttp;
        if (!isUsual && !Ports.Contains(uri.Port)) return WebhookProblems.PortRefused;
        return isAddress && !Allows(address!) ? WebhookProblems.AddressRefused : null;
    }

    /// <summary>Whether a message may go to an address that a name led to.</summary>
    public bool Allows(IPAddress address) => AllowPrivate || PublicAddresses.Contains(address);

    private static bool Flag(IConfigurationSection section, string name) => section[name] switch
    {
        null => false,
        var text when bool.TryParse(text, out var value) => value,
        var text => throw new InvalidOperationException($"Webhooks:{name}: {text} is neither true nor false."),
    };

    [GeneratedRegex(@"^https?://(?<authority>[!-.0-;=@-\[\]_a-z~]+)(/[!$-;=?-\[\]_a-z~]*|\?[!$-;=?-\[\]_a-z~]*)?\z")]
    private static partial Regex Shape();

    [GeneratedRegex(@"^(?<host>[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\z")]
    private static partial Regex Authority();
}

/// <summary>Which addresses are of the public internet: the others are somebody's inside, or nobody's.</summary>
/// <remarks>
/// Source: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and those after it). Forms that carry
/// an IPv4 address in an IPv6 one (mapped, NAT64, 6to4, Teredo) are refused whatever they carry: no public host is
/// reached by them that is not reached plainly.
/// </remarks>
public static class PublicAddresses
{
    private static readonly IPNetwork[] NotPublic = [.. new[]
    {
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        // A cloud's platform address, which answers about the machine that asks.
        "168.63.129.16/32",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    }.Select(text => IPNetwork.Parse(text))];

    /// <summary>All unicast addresses that are given out: everything else in IPv6 is special.</summary>
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    public static bool Contains(IPAddress address)
    {
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)
        {
            if (address.ScopeId != 0 || address.IsIPv4MappedToIPv6 || !GlobalUnicast.Contains(address)) return false;
        }
        else if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork) return false;
        return !Array.Exists(NotPublic, network => network.Contains(address));
    }
}
