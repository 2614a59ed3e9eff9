using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>That somebody looked at customers: kept in the book before the answer leaves.</summary>
internal static class AccessRecords
{
    /// <summary>Why the caller looks, if the header says so.</summary>
    public static Flaw? Reason(HttpContext context, out string? reason)
    {
        reason = context.Request.Headers[Parameters.AccessReason.Name];
        return ReadsQuery.Malformed(
            reason is { Length: 0 or > Fields.MaxReason } || reason?.Any(char.IsControl) == true,
            Parameters.AccessReason.Name);
    }

    /// <summary>Keeps a look at each of these; done when all of it is durable.</summary>
    /// <param name="read">Name of the read.</param>
    public static async Task KeepAsync(
        RunningBook book, HttpContext context, string read, IReadOnlyCollection<(PartyId Party, AccountId Account)> seen,
        string? reason)
    {
        if (seen.Count == 0) return;
        var key = context.Caller().Id;
        var answers = await book.Engine.SendAsync([.. seen.Select(look => (
            new Envelope(default, Envelope.Engine, 0),
            (Command)new RecordAccess(key, read, look.Party, look.Account, reason), "access.record"))])
            .ConfigureAwait(false);
        foreach (var answer in answers)
        {
            if (answer.Ended.Ending != Ending.Accepted)
                throw new InvalidOperationException($"{read} was not recorded: {answer.Ended.Rejection?.Code}");
        }
    }
}
