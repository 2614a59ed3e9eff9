using System.Data.Common;
using System.Net;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Reads a PostgreSQL connection string as a person wrote it, and names what is wrong with it: by its key, since
/// a value may be a password.</summary>
internal static class PostgresTypos
{
    public const string NoUrl = "A PostgreSQL address is no URL: write postgres:Host=…;Username=…;Database=…";

    /// <summary>Letters that may be wrong, missing, too many or in each other's place for a key to be the one meant; a
    /// beginning of so many letters is meant too.</summary>
    private const int MostWrong = 2, Beginning = 4;

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
        foreach (string key in pairs.Keys)
        {
            if (!read.ContainsKey(key)) throw Unknown(key);
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
        if (read.Port > IPEndPoint.MaxPort) throw WrongValue("port");
        if (string.IsNullOrEmpty(read.Host)) throw new FormatException("The PostgreSQL connection string names no Host.");
        return !string.IsNullOrEmpty(read.Database)
            ? read : throw new FormatException("The PostgreSQL connection string names no Database.");
    }

    private static FormatException WrongValue(string key) =>
        new($"'{key}' does not take its value in the PostgreSQL connection string.");

    private static FormatException Unknown(string key)
    {
        var word = Bare(key);
        var nearest = Usual.MinBy(known => Distance(Bare(known), word))!;
        var meant = Distance(Bare(nearest), word) <= Math.Min(MostWrong, word.Length / 2) ? nearest
            : word.Length < Beginning ? null
            : Array.Find(Usual, known => Bare(known).StartsWith(word, StringComparison.Ordinal));
        return new($"'{key}' is no key of a PostgreSQL connection string{(meant is null ? "" : $"; '{meant}' is")}.");
    }

    private static string Bare(string key) => key.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Letters to change, leave out, add, or swap with the next, until one word is the other.</summary>
    private static int Distance(string one, string other)
    {
        var (before, last, row) = (new int[other.Length + 1], new int[other.Length + 1], new int[other.Length + 1]);
        for (var j = 0; j <= other.Length; j++) last[j] = j;
        for (var i = 1; i <= one.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var change = one[i - 1] == other[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + change);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            (before, last, row) = (last, row, before);
        }
        return last[other.Length];
    }
}
