using System.Diagnostics;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;

namespace BankingEngine.Specs.Simulation.Model;

/// <summary>What runs met: streams in which little happens prove little.</summary>
public sealed record ModelRunResult
{
    public int Streams { get; set; }
    public long Commands { get; set; }
    public long Events { get; set; }
    public long Accepted { get; set; }
    public long Refused { get; set; }
    public long Repeated { get; set; }
    public long NotTaken { get; set; }
    public long Faulted { get; set; }
    public long Timers { get; set; }
    public TimeSpan Took { get; set; }

    /// <summary>How often each code was answered.</summary>
    public SortedDictionary<string, int> Codes { get; } = new(StringComparer.Ordinal);
}

/// <summary>
/// Engine and model parted: the message names seed, step and the shortest stream that still shows it.
/// </summary>
public sealed class ModelDifferenceException(string message) : Exception(message);

/// <summary>
/// Runs random streams through the engine's one path and through the model, and compares every answer.
/// </summary>
public static class ModelRun
{
    /// <summary>
    /// Commands of one stream: enough to fill the memory of ids many times over, few enough to be shrunk.
    /// </summary>
    public const int StreamLength = 20_000;

    private const int MostShrinkingRuns = 400;

    /// <param name="firstSeed">The same seed always gives the same stream.</param>
    /// <param name="sabotage">Spoils the engine's postings, to see whether that is noticed.</param>
    /// <exception cref="ModelDifferenceException">Engine and model differ.</exception>
    public static ModelRunResult Run(int firstSeed, long commands, Sabotage sabotage = Sabotage.None)
    {
        var result = new ModelRunResult();
        var started = Stopwatch.GetTimestamp();
        for (var seed = firstSeed; commands > 0; seed++, commands -= StreamLength)
        {
            Stream(new(seed), seed, (int)Math.Min(commands, StreamLength), sabotage, result);
            result.Streams++;
        }
        result.Took = Stopwatch.GetElapsedTime(started);
        return result;
    }

    /// <summary>The steps of one stream, as engine and model agreed on them, with the engine's answers.</summary>
    /// <exception cref="ModelDifferenceException">Engine and model differ.</exception>
    public static List<(Step Step, ModelAnswer Answer)> Record(
        int seed, int commands, out UInt128 digest, bool withFaults = true)
    {
        var answers = new List<(Step, ModelAnswer)>();
        var stream = new CommandStream(seed) { WithFaults = withFaults };
        digest = Stream(stream, seed, commands, Sabotage.None, new(), (step, answer) =>
            answers.Add((step, answer))).Digest;
        return answers;
    }

    private static SideBySide Stream(
        CommandStream stream, int seed, int commands, Sabotage sabotage, ModelRunResult result,
        Action<Step, ModelAnswer>? done = null)
    {
        var both = new SideBySide(sabotage, result);
        var steps = new List<Step>();
        for (var i = 1; i <= commands; i++)
        {
            var step = stream.Next(both.View, both.Now);
            steps.Add(step);
            var difference = both.Do(step) ?? (i == commands ? both.Compare() : null);
            if (difference is not null) throw Explain(seed, i, difference, steps, sabotage);
            done?.Invoke(step, both.Answer);
        }
        return both;
    }

    private static ModelDifferenceException Explain(int seed, int at, string difference, List<Step> steps,
        Sabotage sabotage)
    {
        var shortest = Shrink(steps, sabotage, ref difference);
        var listed = string.Join('\n', shortest.TakeLast(12).Select(step =>
            $"  {step.Now} caller {step.Envelope.Caller} id {step.Envelope.Id} {Text(step.Command)}"));
        return new($"Seed {seed}, step {at}: {difference}\n"
            + $"Shortest stream found, {shortest.Count} commands, its last:\n{listed}");
    }

    private static string Text(Command command) => command switch
    {
        Chain chain => $"Chain [{string.Join("; ", chain.Links.Select(Text))}]",
        PostEntry entry => $"PostEntry [{string.Join(", ", entry.Legs.Take(8))}] {entry.Particulars}",
        AdjustEntry entry => $"AdjustEntry [{string.Join(", ", entry.Legs.Take(8))}] {entry.Particulars}",
        _ => command.ToString(),
    };

    /// <summary>Leaves out ever smaller runs of commands as long as some difference remains.</summary>
    private static List<Step> Shrink(List<Step> steps, Sabotage sabotage, ref string difference)
    {
        var runs = 0;
        for (var size = steps.Count / 2; size >= 1; size /= 2)
        {
            for (var from = 0; from + size < steps.Count && runs < MostShrinkingRuns;)
            {
                var fewer = steps[..from].Concat(steps[(from + size)..]).ToList();
                runs++;
                if (Differs(fewer, sabotage, out var length, out var other))
                {
                    (steps, difference) = (fewer[..length], other);
                }
                else
                {
                    from += size;
                }
            }
        }
        return steps;
    }

    private static bool Differs(List<Step> steps, Sabotage sabotage, out int length, out string difference)
    {
        var both = new SideBySide(sabotage, new());
        for (length = 1; length <= steps.Count; length++)
        {
            if ((both.Do(steps[length - 1]) ?? (length == steps.Count ? both.Compare() : null)) is { } found)
            {
                difference = found;
                return true;
            }
        }
        difference = "";
        return false;
    }
}
