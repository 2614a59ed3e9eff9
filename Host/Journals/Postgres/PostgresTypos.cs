using System.Buffers;
using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Text;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Reads a PostgreSQL connection string as a person wrote it, and names what is wrong with it: by its key, since
/// a value may be a password.</summary>
internal static class PostgresTypos
{
    public const string NoUrl = "A PostgreSQL address is no URL: write postgres:Host=…;Username=…;Database=…";

    /// <summary>A name in their value holds no = of its own: there a ; was forgotten.</summary>
    private static readonly string[] Names = ["Host", "Username", "Database"];

    private static readonly SearchValues<char> Between = SearchValues.Create(" \t\r\n");

    /// <summary>Keys that people write, as the driver's documentation writes them.</summary>
    private static readonly string[] Usual =
    [
        "Host", "Port", "Database", "Username", "Password", "Passfile", "SSL Mode", "Root Certificate",
        "SSL Certificate", "SSL Key", "SSL Password", "SSL Negotiation", "Channel Binding", "Require Auth",
        "Check Certificate Revocation", "Kerberos Service Name", "Timeout", "Command Timeout", "Cancellation Timeout",
        "Keepalive", "TCP Keepalive", "Tcp Keepalive Time", "Tcp Keepalive Interval", "Options", "Application Name",
        "Search Path", "Timezone", "Client Encoding", "Target Session Attributes", "Host Recheck Seconds",
        "Load Balance Hosts", "Pooling", "Minimum Pool Size", "Maximum Pool Size", "Connection Idle Lifetime",
        "Connection Pruning Interval", "Connection Lifetime", "Include Error Detail", "Log Parameters",
    ];

    /// <summary>Whether somebody wrote an address as other programs take it, with or without our own beginning.</summary>
    public static bool IsUrl(string text) =>
        text.StartsWith("//", StringComparison.Ordinal)
        || text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    /// <exception cref="FormatException">A key is not known or does not take its value, or Host or Database is missing.
    /// </exception>
    public static NpgsqlConnectionStringBuilder Read(string text)
    {
        if (IsUrl(text)) throw new FormatException(NoUrl);
        var pairs = new DbConnectionStringBuilder();
        try
        {
            pairs.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            throw new FormatException("A PostgreSQL connection string is key=value with ; between them, a value that holds "
                + "one of these signs in quotes: Host=…;Username=…;Database=…");
        }
        var read = new NpgsqlConnectionStringBuilder();
        var number = 0;
        foreach (string key in pairs.Keys)
        {
            number++;
            if (!read.ContainsKey(key)) throw Unknown(key, number);
            if (HoldsKey((string)pairs[key], key, read)) throw NoSeparator(key);
            try
            {
                read[key] = pairs[key];
            }
            catch (Exception wrong) when (wrong is ArgumentException or FormatException or OverflowException
                or InvalidCastException)
            {
                throw WrongValue(key);
            }
        }
        if (string.IsNullOrEmpty(read.Host)) throw new FormatException("The PostgreSQL connection string names no Host.");
        if (string.IsNullOrEmpty(read.Database))
            throw new FormatException("The PostgreSQL connection string names no Database.");
        DemandNames(read);
        DemandSense(read);
        return read;
    }

    /// <summary>Whether behind the value, and a blank, another key begins.</summary>
    private static bool HoldsKey(string value, string key, NpgsqlConnectionStringBuilder known)
    {
        // Options are settings of the server, name=value too.
        if (Typos.Same(key, "Options")) return false;
        for (var at = value.IndexOf('='); at >= 0; at = value.IndexOf('=', at + 1))
        {
            var before = value.AsSpan(0, at).TrimEnd();
            for (var start = before.Length; start > 0;)
            {
                start = before[..(start - 1)].LastIndexOfAny(Between) + 1;
                if (start > 0 && known.ContainsKey(before[start..].ToString())) return true;
            }
        }
        return false;
    }

    private static void DemandNames(NpgsqlConnectionStringBuilder read)
    {
        foreach (var name in Names)
        {
            if (read.TryGetValue(name, out var value) && ((string?)value)?.Contains('=', StringComparison.Ordinal) == true)
                throw NoSeparator(name);
        }
    }

    /// <summary>What the driver would refuse only when a session is opened, with a trace.</summary>
    private static void DemandSense(NpgsqlConnectionStringBuilder read)
    {
        if (read.Port > IPEndPoint.MaxPort) throw WrongValue("port");
        var hosts = read.Host!.Split(',');
        if (!Array.TrueForAll(hosts, HasPort))
            throw new FormatException("'host' is names or addresses in the PostgreSQL connection string, each with :port "
                + "from 1 to 65535 or none.");
        if (read.Multiplexing)
            throw new FormatException("'multiplexing' shares sessions, and a journal needs its own: leave it out.");
        if (hosts.Length == 1 && read.TargetSessionAttributes is { } target && !Typos.Same(target, "any"))
            throw new FormatException("'target session attributes' chooses among several hosts, and there is one: leave "
                + "it out.");
        if (read.SslNegotiation == SslNegotiation.Direct && read.SslMode < SslMode.Require)
            throw new FormatException("'ssl negotiation' is direct only with an 'ssl mode' of Require or more.");
        if (!IsEncoding(read.Encoding)) throw WrongValue("encoding");
        try
        {
            // Nothing is opened yet: the driver looks whether its keys go together.
            using var sound = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(read.ConnectionString));
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException or OverflowException
            or NotSupportedException or InvalidOperationException)
        {
            throw new FormatException("The keys of the PostgreSQL connection string do not go together.");
        }
    }

    /// <summary>Reads a port behind a host as the driver does; a folder of sockets has none.</summary>
    private static bool HasPort(string host)
    {
        host = host.Trim();
        var colon = host.LastIndexOf(':');
        if (colon < 0 || host[0] is '/' or '@' || host.StartsWith('[') && host.EndsWith(']')) return true;
        if (host.IndexOf(':', StringComparison.Ordinal) < colon && !host.StartsWith('['))
            return IPAddress.TryParse(host, out _);
        return int.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort;
    }

    /// <summary>As the driver looks it up, which has a name of its own for its default.</summary>
    private static bool IsEncoding(string name)
    {
        try
        {
            return name == "UTF8" || Encoding.GetEncoding(name) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static FormatException WrongValue(string key) =>
        new($"'{key}' does not take its value in the PostgreSQL connection string.");

    private static FormatException NoSeparator(string key) =>
        new($"A ; is missing behind the value of '{key.ToLowerInvariant()}' in the PostgreSQL connection string, before "
            + "the next key.");

    /// <summary>It may be a password's second half: it is not repeated, only the key that it is close to.</summary>
    private static FormatException Unknown(string key, int number) =>
        new($"Key {number} is no key of a PostgreSQL connection string{(Typos.Nearest(key, Usual) is { } meant
            ? $"; '{meant}' is" : ": a value that holds a ; stands in quotes")}.");
}
