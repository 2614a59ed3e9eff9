using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using Xunit.Abstractions;

namespace BankingEngine.Specs.Engine;

/// <summary>
/// The fault suite in small, on every store that several hosts reach. <c>specs/Simulation</c> runs it for as long as
/// one likes, by seed.
/// </summary>
public sealed class FaultSuiteSpecs(ITestOutputHelper output)
{
    /// <summary>One of each kind: a host, a host that does not know, and the store.</summary>
    private static readonly string[] Faults = ["the leader killed", "the leader stopped for long", Fight.OfStore];

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task Whatever_hosts_and_store_suffer_nothing_answered_is_lost_or_doubled_or_taken_back(string store)
    {
        var seed = Random.Shared.Next(1, 1_000_000);
        output.WriteLine($"Suite on {store}, seed {seed}");
        var (crashes, fights, engines) = await FaultSuite.RunAsync(
            store, seed, new(Crashes: 2, Fights: 3, Engines: 1, Faults), CrashLoop.ProgramBesideThis, output.WriteLine);
        crashes.Acknowledged.Should().BePositive();
        engines!.Leads.Should().BeGreaterThan(1);
        fights!.Terms.Should().BeGreaterThan(2, "hosts that never lose the lead prove nothing");
        (fights.LeaderReads, fights.FollowerReads).Should().Match<(int Led, int Followed)>(
            reads => reads.Led > 0 && reads.Followed > 0);
        fights.ReadsAfterPause.Should().BePositive();
    }
}
