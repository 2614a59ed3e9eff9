namespace BankingEngine.Specs.Simulation;

/// <summary>How long each part of the suite runs.</summary>
/// <param name="Crashes">Rounds of the crash loop.</param>
/// <param name="Fights">Rounds of two hosts; none where one host alone reaches the store.</param>
/// <param name="Engines">Seeds of two engines in this process.</param>
/// <param name="Faults">Of the fights' rounds, in turn; none: any.</param>
public sealed record SuiteLength(int Crashes, int Fights, int Engines, params string[] Faults);

/// <summary>The one fault suite, over any store of journals.</summary>
public static class FaultSuite
{
    /// <param name="store">Name of the store.</param>
    /// <param name="program">Path of the program's assembly.</param>
    /// <param name="say">Told what each part met.</param>
    /// <exception cref="InvalidOperationException">A promise was broken; the message names the seed.</exception>
    public static async Task<(CrashLoopResult Crashes, FightResult? Fights, EngineFightResult? Engines)> RunAsync(
        string store, int seed, SuiteLength length, string program, Action<string> say)
    {
        ArgumentNullException.ThrowIfNull(length);
        ArgumentNullException.ThrowIfNull(say);
        using var under = StoreUnderTest.Named(store);
        var crashes = await CrashLoop.RunAsync(seed, length.Crashes, under, program).ConfigureAwait(false);
        say(crashes.ToString());
        if (under.MostHosts < 2) return (crashes, null, null);
        var engines = await EngineFight.RunAsync(seed, length.Engines, under).ConfigureAwait(false);
        say(engines.ToString());
        var fights = await Fight.RunAsync(seed, length.Fights, under, program, say, length.Faults)
            .ConfigureAwait(false);
        say(fights.ToString());
        return (crashes, fights, engines);
    }
}
