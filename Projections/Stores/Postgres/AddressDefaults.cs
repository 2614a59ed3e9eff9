using Npgsql;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>What a connection string means where it says nothing, to journals and read models alike.</summary>
public static class AddressDefaults
{
    private const string GssEncryption = "GSS Encryption Mode";

    /// <summary>How long the driver takes a server for what it was when it was last asked: primary, standby or
    /// away.</summary>
    private const int RecheckSeconds = 1;

    /// <summary>Kerberos encrypts only where that is asked for: trying it first looks for a library that the image
    /// has not, and the attempt complains on the terminal. Of several servers the one that takes writes is meant, and
    /// which one that is has to be seen anew soon after a fail-over.</summary>
    public static void Complete(NpgsqlConnectionStringBuilder given)
    {
        ArgumentNullException.ThrowIfNull(given);
        if (!given.ShouldSerialize(GssEncryption)) given.GssEncryptionMode = GssEncryptionMode.Disable;
        if (given.Host?.Contains(',', StringComparison.Ordinal) != true) return;
        given.TargetSessionAttributes ??= "primary";
        given.HostRecheckSeconds = Math.Min(given.HostRecheckSeconds, RecheckSeconds);
    }
}
