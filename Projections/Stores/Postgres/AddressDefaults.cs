using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>What a connection string with several servers means, to journals and read models alike.</summary>
public static class SeveralServers
{
    /// <summary>How long the driver takes a server for what it was when it was last asked: primary, standby or
    /// away.</summary>
    private const int RecheckSeconds = 1;

    /// <summary>Of several servers the one that takes writes is meant, and which one that is has to be seen anew soon
    /// after a fail-over. One server is left as it is.</summary>
    public static void MeanThePrimary(NpgsqlConnectionStringBuilder given)
    {
        ArgumentNullException.ThrowIfNull(given);
        if (given.Host?.Contains(',', StringComparison.Ordinal) != true) return;
        given.TargetSessionAttributes ??= "primary";
        given.HostRecheckSeconds = Math.Min(given.HostRecheckSeconds, RecheckSeconds);
    }
}
