using System.Net;
using System.Security.Cryptography;

namespace BankingEngine.Host.Webhooks;

/// <summary>What deliveries take from outside: time, chance, and what names lead to. Specs put their own in.</summary>
public sealed record WebhookTime
{
    public static WebhookTime Machine { get; } = new();

    public Func<DateTimeOffset> Now { get; init; } = () => DateTimeOffset.UtcNow;

    /// <summary>Waits before the next attempt.</summary>
    public Func<TimeSpan, CancellationToken, Task> Wait { get; init; } = Task.Delay;

    /// <summary>0 to 1.</summary>
    public Func<double> Jitter { get; init; } = () => RandomNumberGenerator.GetInt32(1_000_001) / 1_000_000d;

    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>Of one attempt as a whole.</summary>
    public TimeSpan Timeout { get; init; } = WebhookClient.Timeout;

    /// <summary>How often it is looked whether subscriptions changed.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromMilliseconds(500);
}

/// <summary>When a message that was not taken is sent again, and until when.</summary>
/// <remarks>
/// Full jitter: anything from nothing to the step's delay, so that the messages of many books do not come back together.
/// A subscription sends one message at a time and waits with the one that was not taken: the schedule is its circuit.
/// </remarks>
public static class RetrySchedule
{
    /// <summary>The longest waits, step by step; the last one stays.</summary>
    public static readonly IReadOnlyList<TimeSpan> Steps =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(6), TimeSpan.FromHours(12),
    ];

    /// <summary>Looks for a missing key are no further apart than this step: it costs nobody else anything.</summary>
    private const int LooksLengthen = 4;

    /// <summary>So long after its first attempt a message is given up, and the subscription disabled.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(3);

    /// <summary>No wait is shorter, so that no endpoint is called in a row without a pause.</summary>
    public static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    /// <summary>However long an endpoint asks to be left alone, it is asked again after this.</summary>
    public static readonly TimeSpan MostRetryAfter = TimeSpan.FromHours(12);

    /// <param name="failures">Attempts that failed, from 1.</param>
    /// <param name="jitter">0 to 1.</param>
    /// <param name="retryAfter">What the endpoint asked for; the wait is not shorter, within bounds.</param>
    public static TimeSpan After(int failures, double jitter, TimeSpan? retryAfter)
    {
        var wait = Steps[Math.Min(failures, Steps.Count) - 1] * jitter;
        if (retryAfter is { } asked && asked > wait) wait = asked < MostRetryAfter ? asked : MostRetryAfter;
        return wait > Least ? wait : Least;
    }

    /// <summary>How long nothing is sent while a secret cannot be opened, before it is tried again.</summary>
    /// <param name="looks">How often the key was not there, from 1.</param>
    public static TimeSpan AfterLook(int looks) => Steps[Math.Min(looks, LooksLengthen) - 1];

    /// <summary>Attempts that count as made when a message has been failing for so long: after a restart the schedule
    /// goes on where about it was.</summary>
    public static int FailuresWithin(TimeSpan failing)
    {
        var (failures, spent) = (0, TimeSpan.Zero);
        while (failures < Steps.Count && (spent += Steps[failures]) <= failing) failures++;
        return failures;
    }
}
