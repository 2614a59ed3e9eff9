using System.Diagnostics;
using BankingEngine.Domain;

namespace BankingEngine.Application.Engine;

/// <summary>A span for each command from the queue to the durable answer; costs one look when nobody listens.</summary>
public static class EngineTraces
{
    public const string SourceName = "BankingEngine";

    private static readonly ActivitySource Source = new(SourceName);

    public static bool IsListenedTo => Source.HasListeners();

    /// <summary>Runs a submission inside a span named after the command.</summary>
    /// <param name="send">Enqueues the command and gives its answer.</param>
    internal static async Task<Answer> Traced(string named, Func<Task<Answer>> send)
    {
        using var span = Source.StartActivity(named);
        try
        {
            var answer = await send().ConfigureAwait(false);
            if (span is null) return answer;
            span.SetTag("bank.outcome", EngineMeters.OutcomeOf(answer.Ended));
            span.SetTag("bank.position", answer.Ended.Position);
            span.SetTag("bank.events", answer.Ended.Parts);
            if (answer.Ended.Ending == Ending.Faulted) span.SetStatus(ActivityStatusCode.Error);
            return answer;
        }
        catch (EngineUnavailableException unavailable)
        {
            span?.SetTag("bank.outcome", unavailable.Code);
            span?.SetStatus(ActivityStatusCode.Error);
            throw;
        }
    }
}
