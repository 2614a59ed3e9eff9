using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.Model;
using Xunit.Abstractions;

namespace BankingEngine.Specs.Engine;

/// <summary>
/// Short runs of the simulations. <c>specs/Simulation</c> runs them for as long as one likes, by seed.
/// </summary>
public sealed class SimulationSpecs(ITestOutputHelper output)
{
    [Fact]
    public void Engine_and_model_agree_on_every_answer_and_balance_of_a_random_stream()
    {
        var result = ModelRun.Run(firstSeed: 1, commands: ModelRun.StreamLength);
        output.WriteLine($"Seed 1: {result}");
        result.Accepted.Should().BeGreaterThan(4_000, "a stream in which nothing happens proves nothing");
        result.Codes.Should().HaveCountGreaterThan(60, "a stream meets nearly every refusal of the ledger");
        (result.Repeated, result.Faulted, result.Timers).Should().Match<(long Repeated, long Faulted, long Timers)>(
            met => met.Repeated > 50 && met.Faulted > 5 && met.Timers > 100);
    }

    [Theory]
    [InlineData(Sabotage.DropsALeg)]
    [InlineData(Sabotage.HalvesAmounts)]
    [InlineData(Sabotage.TurnsSides)]
    public void A_bug_planted_in_the_postings_is_noticed(Sabotage sabotage)
    {
        var run = () => ModelRun.Run(firstSeed: 1, commands: 1_000, sabotage);
        run.Should().Throw<ModelDifferenceException>().WithMessage("Seed 1, step*");
    }

    [Fact]
    public async Task A_stream_through_the_whole_engine_survives_restarts_with_the_same_answers_and_digest() =>
        await EngineRun.RunAsync(seed: 1, commands: 1_500, restarts: 3);

    [Fact]
    public async Task When_the_disk_fails_under_the_engine_no_answered_command_is_lost()
    {
        var result = await EngineFaults.RunAsync(firstSeed: 1, count: 40);
        output.WriteLine($"Seeds 1 to 40: {result}");
        result.Unknown.Should().BePositive("a disk that never fails in the middle of a block proves nothing");
        result.Answered.Should().BePositive();
    }

    [Fact]
    public async Task A_server_killed_under_load_keeps_what_it_acknowledged_exactly_once()
    {
        var seed = Random.Shared.Next(1, 1_000_000);
        output.WriteLine($"Crash seed {seed}");
        var result = await CrashLoop.RunAsync(seed, rounds: 10, "file", CrashLoop.ProgramBesideThis);
        output.WriteLine(result.ToString());
        result.Acknowledged.Should().BePositive();
        result.Refused.Should().BePositive();
    }
}
