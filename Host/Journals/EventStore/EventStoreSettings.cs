using System.Globalization;
using System.Net;

namespace BankingEngine.Host.Journals.EventStore;

/// <summary>Which node of a cluster history is read from.</summary>
public enum NodePreference
{
    Leader,
    Follower,
    Random,
    ReadOnlyReplica,
}

/// <summary>A connection string of EventStoreDB or KurrentDB, taken apart: what the official clients understand.</summary>
/// <remarks>
/// <c>esdb://[user:password@]host[:port][,host…][/][?key=value&amp;…]</c>. The schemes <c>esdb</c>, <c>kurrentdb</c>,
/// <c>kurrent</c> and <c>kdb</c> mean the same; with <c>+discover</c> or <c>dnsDiscover=true</c>, and with several hosts,
/// the nodes are asked by gossip who leads. Keys are not case-sensitive. Source of keys and defaults: the .NET client's
/// EventStoreClientSettings.ConnectionString.cs; of schemes and dnsDiscover: the Node client's parseConnectionString.js.
/// </remarks>
public sealed record EventStoreSettings
{
    public const int DefaultPort = 2113;

    private const string Discovers = "+discover";

    private static readonly string[] Schemes = ["esdb", "kurrentdb", "kurrent", "kdb"];

    private static readonly string[] Keys =
    [
        "tls", "tlsVerifyCert", "tlsCaFile", "connectionName", "dnsDiscover", "maxDiscoverAttempts", "discoveryInterval",
        "gossipTimeout", "nodePreference", "defaultDeadline", "throwOnAppendFailure", "keepAliveInterval",
        "keepAliveTimeout", "userCertFile", "userKeyFile",
    ];

    /// <summary>At least one. Where there are several, or <see cref="Discover"/>, they are seeds for gossip.</summary>
    public required IReadOnlyList<DnsEndPoint> Hosts { get; init; }

    /// <summary>Ask the hosts by gossip which nodes there are; else the one host is used as it stands.</summary>
    public bool Discover { get; init; }

    /// <summary>Null where the string names nobody. Never sent without TLS.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    public bool Tls { get; init; } = true;

    /// <summary>Whether the server's certificate must hold; off only where nothing is at stake.</summary>
    public bool TlsVerifyCert { get; init; } = true;

    /// <summary>PEM file with the only authorities to trust; null: those of the system.</summary>
    public string? TlsCaFile { get; init; }

    /// <summary>PEM files of the client's certificate and its key: both or neither.</summary>
    public string? UserCertFile { get; init; }

    public string? UserKeyFile { get; init; }

    /// <summary>How the server's operator sees this client.</summary>
    public string ConnectionName { get; init; } = "bankingengine";

    /// <summary>Rounds of gossip over all seeds before an attempt to connect fails.</summary>
    public int MaxDiscoverAttempts { get; init; } = 10;

    /// <summary>Between two rounds; milliseconds in the string.</summary>
    public TimeSpan DiscoveryInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one node may take to answer; milliseconds in the string, at least 100, since some clients
    /// count seconds here and a 5 would otherwise pass for 5 ms.</summary>
    public TimeSpan GossipTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where history is read; what decides is always asked of the leader.</summary>
    public NodePreference NodePreference { get; init; } = NodePreference.Leader;

    /// <summary>How long a single call may take; milliseconds in the string.</summary>
    public TimeSpan DefaultDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Read because the clients' strings have it; a journal learns of a refused append in either case.</summary>
    public bool ThrowOnAppendFailure { get; init; } = true;

    /// <summary>A ping after so long without traffic while a call is open; milliseconds in the string, less than a second
    /// counts as one; null (−1) never.</summary>
    public TimeSpan? KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The connection is given up when a ping has no answer for so long; less than a second counts as one; null
    /// (−1) never.</summary>
    public TimeSpan? KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The hosts, for people: never the password.</summary>
    public override string ToString() => string.Join(',', Hosts.Select(host => $"{host.Host}:{host.Port}"));

    /// <summary>Whether an address is one of an EventStoreDB or KurrentDB.</summary>
    public static bool IsAddress(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var end = address.IndexOf("://", StringComparison.Ordinal);
        return end > 0 && IsScheme(address[..end], out _);
    }

    /// <exception cref="FormatException">Says which part is wrong, and repeats nothing that may be part of a password: after
    /// a typo a host, a key or a value may.</exception>
    public static EventStoreSettings Parse(string connectionString)
    {
        ArgumentNullException.ThrowIfNull(connectionString);
        var scheme = connectionString.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || !IsScheme(connectionString[..scheme], out var discover))
            throw Refuse($"it begins with {string.Join("://, ", Schemes)}://, or one of these and {Discovers}");
        var rest = connectionString[(scheme + 3)..];
        var (authority, query) = Cut(rest, '?');
        // A password may hold an @ of its own only as %40; the last one is the one before the hosts.
        var at = authority.LastIndexOf('@');
        var hosts = ParseHosts(authority[(at + 1)..].TrimEnd('/'));
        var settings = new EventStoreSettings { Hosts = hosts, Discover = discover || hosts.Count > 1 };
        if (at >= 0) settings = WithUser(settings, authority[..at]);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (i, pair) in (query ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries).Index())
        {
            var (written, value) = Cut(pair, '=');
            var key = KeyOf(written, i + 1);
            if (string.IsNullOrEmpty(value)) throw Refuse($"'{key}' has no value; write {key}=…");
            if (!seen.Add(key)) throw Refuse($"'{key}' stands there twice");
            settings = With(settings, key, Decode(value, key));
        }
        if (settings.UserCertFile is null != settings.UserKeyFile is null)
            throw Refuse("userCertFile and userKeyFile go together: the certificate's file and its key's");
        if (!settings.Tls && (settings.UserCertFile ?? settings.TlsCaFile) is not null)
            throw Refuse("tls=false leaves no use for tlsCaFile, userCertFile and userKeyFile");
        return settings;
    }

    private static bool IsScheme(string scheme, out bool discover)
    {
        discover = scheme.EndsWith(Discovers, StringComparison.OrdinalIgnoreCase);
        return Schemes.Contains(discover ? scheme[..^Discovers.Length] : scheme, StringComparer.OrdinalIgnoreCase);
    }

    private static List<DnsEndPoint> ParseHosts(string text)
    {
        var hosts = new List<DnsEndPoint>();
        foreach (var host in text.Split(','))
        {
            // [::1]:2113 has colons of its own.
            var end = host.StartsWith('[') ? host.IndexOf(']') + 1 : host.IndexOf(':');
            if (end < 0) end = host.Length;
            var (name, port) = (host[..end], host[end..]);
            var isAddress = name.StartsWith('[') && IPAddress.TryParse(name, out _);
            if (!isAddress && Uri.CheckHostName(name) is UriHostNameType.Unknown or UriHostNameType.IPv6)
                throw Refuse(name.Length == 0 ? "a host is missing" : $"host {hosts.Count + 1} has no host's name");
            hosts.Add(new(name, port.Length == 0 ? DefaultPort : ParsePort(hosts.Count + 1, port)));
        }
        return hosts;
    }

    private static int ParsePort(int host, string port) =>
        port[0] == ':' && int.TryParse(port[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number is > 0 and <= IPEndPoint.MaxPort
            ? number
            : throw Refuse($"what stands behind host {host} is no port from 1 to 65535; user:password stand before an @, and in "
                + "a password ?, / and @ are written %3F, %2F and %40");

    private static EventStoreSettings WithUser(EventStoreSettings settings, string credentials)
    {
        var (user, password) = Cut(credentials, ':');
        if (user.Length == 0 || password is null) throw Refuse("before the @ stand user:password");
        if (password.Contains(':')) throw Refuse("the password holds a colon: write %3A");
        return settings with { User = Decode(user, "user"), Password = Decode(password, "password") };
    }

    /// <summary>The key as the clients write it.</summary>
    private static string KeyOf(string written, int number)
    {
        if (Array.Find(Keys, key => key.Equals(written, StringComparison.OrdinalIgnoreCase)) is { } known) return known;
        var hint = Typos.Nearest(written, Keys) is { } meant ? $"'{meant}' is" : $"known are {string.Join(", ", Keys)}";
        throw Refuse($"number {number} behind the ? is no key; {hint}");
    }

    private static EventStoreSettings With(EventStoreSettings settings, string key, string value) => key.ToLowerInvariant() switch
    {
        "tls" => settings with { Tls = Bool(key, value) },
        "tlsverifycert" => settings with { TlsVerifyCert = Bool(key, value) },
        "tlscafile" => settings with { TlsCaFile = value },
        "usercertfile" => settings with { UserCertFile = value },
        "userkeyfile" => settings with { UserKeyFile = value },
        "connectionname" => settings with { ConnectionName = Ascii(key, value) },
        "maxdiscoverattempts" => settings with { MaxDiscoverAttempts = Number(key, value, 1, 1_000_000) },
        "discoveryinterval" => settings with { DiscoveryInterval = Milliseconds(key, value, 0) },
        "gossiptimeout" => settings with { GossipTimeout = Milliseconds(key, value, 100) },
        "nodepreference" => settings with { NodePreference = Preference(key, value) },
        "defaultdeadline" => settings with { DefaultDeadline = Milliseconds(key, value, 1) },
        "dnsdiscover" => settings with { Discover = Bool(key, value) || settings.Hosts.Count > 1 },
        "throwonappendfailure" => settings with { ThrowOnAppendFailure = Bool(key, value) },
        "keepaliveinterval" => settings with { KeepAliveInterval = OrNever(key, value) },
        "keepalivetimeout" => settings with { KeepAliveTimeout = OrNever(key, value) },
        _ => throw new ArgumentOutOfRangeException(nameof(key), key, "Not one of the keys."),
    };

    private static bool Bool(string key, string value) =>
        bool.TryParse(value, out var parsed) ? parsed : throw Refuse($"{key} is true or false");

    private static NodePreference Preference(string key, string value) => value.ToLowerInvariant() switch
    {
        "leader" => NodePreference.Leader,
        "follower" => NodePreference.Follower,
        "random" => NodePreference.Random,
        "readonlyreplica" => NodePreference.ReadOnlyReplica,
        _ => throw Refuse($"{key} is leader, follower, random or readOnlyReplica"),
    };

    private static int Number(string key, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number >= least && number <= most
            ? number
            : throw Refuse($"{key} is a whole number from {least} to {most}");

    private static TimeSpan Milliseconds(string key, string value, int least) =>
        TimeSpan.FromMilliseconds(Number(key, value, least, int.MaxValue));

    private static TimeSpan? OrNever(string key, string value) =>
        Number(key, value, -1, int.MaxValue) switch
        {
            -1 => null,
            0 => throw Refuse($"{key} is milliseconds, or -1 for never; 0 is neither"),
            var number => TimeSpan.FromMilliseconds(number),
        };

    private static string Ascii(string key, string value) => value.All(letter => letter is >= ' ' and <= '~')
        && value[0] != ' ' && value[^1] != ' '
        ? value
        : throw Refuse($"{key} is printable ASCII without a blank at either end: it travels in a header");

    private static string Decode(string text, string what)
    {
        // UnescapeDataString leaves a broken escape as it stands: a typo would become part of a password.
        for (var i = text.IndexOf('%'); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                throw Refuse($"a % in {what} begins an escape such as %40; the sign itself is %25");
        }
        return Uri.UnescapeDataString(text);
    }

    private static (string Before, string? After) Cut(string text, char at)
    {
        var index = text.IndexOf(at);
        return index < 0 ? (text, null) : (text[..index], text[(index + 1)..]);
    }

    private static FormatException Refuse(string why) => new($"The connection string of the event store: {why}.");
}
