using System.Net.Sockets;
using System.Security.Authentication;
using BankingEngine.Application.Journal;
using Npgsql;

namespace BankingEngine.Host.Journals.Postgres;

/// <summary>Says in the journal's words what PostgreSQL, or the way to it, said.</summary>
internal static class PostgresFaults
{
    private static readonly string[] Settings = ["Options", "Client Encoding", "Timezone", "Search Path"];

    /// <summary>What the driver throws for what happens outside the program.</summary>
    public static bool IsStore(Exception exception) =>
        exception is NpgsqlException or IOException or SocketException or TimeoutException or AuthenticationException;

    /// <summary>A fault while opening: nothing was written, and an operator has to be told what to mend.</summary>
    public static JournalException Opening(Exception exception, NpgsqlConnectionStringBuilder address)
    {
        var isOne = !address.Host!.Contains(',', StringComparison.Ordinal);
        var server = isOne ? $"{address.Host}:{address.Port}" : address.Host;
        string? refusal = exception switch
        {
            PostgresException { SqlState: PostgresErrorCodes.InvalidPassword } =>
                $"The server at {server} does not take the password of user '{address.Username}'.",
            PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification } no =>
                $"The server at {server} does not let user '{address.Username}' in: {no.MessageText}.",
            PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } =>
                $"The server at {server} has no database '{address.Database}'.",
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } no =>
                $"User '{address.Username}' may not do this in database '{address.Database}': {no.MessageText}.",
            PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation } no =>
                $"The server at {server} does not take the session's settings ({no.MessageText}): it seems to be a "
                + "connection pooler. Name the server itself.",
            PostgresException
            {
                SqlState: PostgresErrorCodes.InvalidParameterValue
                or PostgresErrorCodes.SyntaxError or PostgresErrorCodes.UndefinedObject
            } when SettingsOf(address) is { } stated =>
                $"The server at {server} does not take what the connection string says with {stated}.",
            PostgresException => null,
            _ when Inner<SocketException>(exception) is
            { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
                $"There is no host '{address.Host}'.",
            _ when Inner<AuthenticationException>(exception) is { } tls =>
                $"The certificate or the encryption of the server at {server} is not as demanded: "
                + (PostgresTls.Distrust(address) ?? tls.Message),
            _ when !string.IsNullOrEmpty(address.SslCertificate)
                && exception.GetBaseException().Message.Contains(" alert ", StringComparison.Ordinal) =>
                $"The server at {server} does not take the certificate that the connection string shows: "
                + exception.GetBaseException().Message,
            _ when exception.Message.Contains("SSL", StringComparison.Ordinal) =>
                $"The encryption of the server at {server} is not as demanded: {exception.Message}",
            _ when exception.Message.Contains("password", StringComparison.Ordinal) =>
                $"The server at {server} asks for a password of user '{address.Username}', and the connection string "
                + "has none.",
            _ => null,
        };
        return refusal is null
            ? new(JournalFault.Unknown, $"PostgreSQL at {server} did not answer: {Said(exception.GetBaseException())}", exception)
            : new(JournalFault.Refused, refusal, exception);
    }

    /// <summary>Their names: what the server says of a value repeats it.</summary>
    private static string? SettingsOf(NpgsqlConnectionStringBuilder address)
    {
        var stated = Settings.Where(key => address.ShouldSerialize(key)).Select(key => $"'{key}'").ToList();
        return stated.Count == 0 ? null : string.Join(" or ", stated);
    }

    /// <summary>A fault of a journal that was open.</summary>
    /// <param name="what">What was not done.</param>
    public static JournalException Running(Exception exception, string what)
    {
        // A server that ends over an error has perhaps committed before: only one that goes on has refused.
        var kind = exception is PostgresException { InvariantSeverity: "ERROR", SqlState: var state }
            ? KindOf(state)
            : JournalFault.Unknown;
        return new(kind, $"{what}: {Said(exception)}", exception);
    }

    /// <summary>Whatever may pass, or may have left a commit behind, is unknown: reading back settles it.</summary>
    private static JournalFault KindOf(string state) => state switch
    {
        PostgresErrorCodes.DiskFull => JournalFault.DiskFull,
        _ when state.StartsWith("22", StringComparison.Ordinal) || state.StartsWith("23", StringComparison.Ordinal)
            || state.StartsWith("42", StringComparison.Ordinal) => JournalFault.Failed,
        _ => JournalFault.Unknown,
    };

    /// <summary>One line; the driver adds others, about details that it keeps back.</summary>
    private static string Said(Exception exception) =>
        exception is PostgresException said ? $"{said.SqlState}: {said.MessageText}" : exception.Message;

    private static T? Inner<T>(Exception exception) where T : Exception
    {
        for (var at = exception; at is not null; at = at.InnerException)
        {
            if (at is T found) return found;
        }
        return null;
    }
}
