using System.Diagnostics;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using static BankingEngine.Specs.Engine.EventStore.EventStoreJournalSpecs;

namespace BankingEngine.Specs.Engine.EventStore;

public sealed class EventStoreLeadSpecs
{
    [Fact]
    public async Task A_place_that_was_given_up_is_free_at_once()
    {
        await using var store = await StoreFixture.StartAsync();
        using var first = store.Create();
        using var second = store.Create();
        using (var lead = first.TryLead("one")!)
        {
            JournalFixture.Append(first, 2);
            lead.IsProven.Should().BeTrue();
            lead.Prove().Should().BeTrue();
            second.TryLead("two").Should().BeNull();
            first.TryLead("one").Should().BeNull("one host has one lead");
        }
        using var next = second.TryLead("two");
        next.Should().NotBeNull();
    }

    [Fact]
    public async Task A_place_is_watched_for_the_silence_before_it_is_taken()
    {
        await using var store = await StoreFixture.StartAsync();
        using var first = store.Create();
        using var lead = first.TryLead("one")!;
        JournalFixture.Append(first, 2);
        using var second = store.Open();

        var started = Stopwatch.GetTimestamp();
        ILead? taken = null;
        Eventually(() => (taken = second.TryLead("two")) is not null);
        Stopwatch.GetElapsedTime(started).Should().BeGreaterThanOrEqualTo(StoreFixture.Quick.Silence);
        lead.IsProven.Should().BeFalse("its lease ended before the silence did");
        taken!.Dispose();
    }

    [Fact]
    public async Task Signs_of_life_keep_the_place()
    {
        await using var store = await StoreFixture.StartAsync();
        using var first = store.Create();
        using var lead = first.TryLead("one")!;
        JournalFixture.Append(first, 2);
        using var second = store.Open();
        for (var round = 0; round < 12; round++)
        {
            lead.Prove().Should().BeTrue();
            second.TryLead("two").Should().BeNull();
            await Task.Delay(StoreFixture.Quick.Beat);
        }
    }

    [Fact]
    public async Task Of_two_who_claim_one_leads_and_the_other_is_fenced()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(3).Dispose();
        using var one = store.Open();
        using var two = store.Open();
        ILead? first = null, second = null;
        Eventually(() => (first ??= one.TryLead("one")) is not null & (second ??= two.TryLead("two")) is not null);

        one.Append(SampleBlocks.After(one.Tail, 1, seed: 1));
        two.Invoking(j => j.Append(SampleBlocks.After(j.Tail, 1, seed: 2)))
            .Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Fenced);
        first!.Prove().Should().BeTrue();
        second!.Prove().Should().BeFalse();
        second.IsProven.Should().BeFalse();
        second.Dispose();
        first.Dispose();
    }

    [Fact]
    public async Task Who_was_paused_is_fenced_and_does_not_answer_when_he_wakes()
    {
        await using var store = await StoreFixture.StartAsync();
        using var paused = store.Create();
        using var lead = paused.TryLead("paused")!;
        JournalFixture.Append(paused, 2);
        lead.Prove().Should().BeTrue();
        using var standby = store.Open();
        ILead? taken = null;
        Eventually(() => (taken = standby.TryLead("standby")) is not null);
        while (standby.Refresh()) { }
        JournalFixture.Append(standby, 1);

        lead.IsProven.Should().BeFalse();
        lead.Prove().Should().BeFalse();
        lead.Prove().Should().BeFalse("for good");
        paused.Invoking(j => j.Append(SampleBlocks.After(j.Tail, 1, seed: 3)))
            .Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Fenced);
        taken!.IsProven.Should().BeTrue();
        lead.Dispose();
        taken.Prove().Should().BeTrue("the loser's farewell is not the leader's");
        using var third = store.Open();
        third.TryLead("third").Should().BeNull();
        taken.Dispose();
    }

    /// <summary>The watch ended, and before the claim is stored the leader, whom something had held up, proves himself
    /// once more: he may answer until his lease ends, so the new one may not yet.</summary>
    [Fact]
    public async Task Who_takes_over_answers_only_when_a_late_proof_of_the_one_before_has_run_out()
    {
        await using var store = await StoreFixture.StartAsync();
        using var slow = store.Create();
        using var lead = slow.TryLead("slow")!;
        JournalFixture.Append(slow, 2);
        using var standby = store.Open();
        ILead? taken = null;
        Eventually(() => (taken = standby.TryLead("standby")) is not null);

        lead.IsProven.Should().BeFalse();
        var late = Stopwatch.GetTimestamp();
        JournalFixture.Append(slow, 1);
        while (standby.Refresh()) { }
        JournalFixture.Append(standby, 1);
        Stopwatch.GetElapsedTime(late).Should().BeGreaterThanOrEqualTo(StoreFixture.Quick.Lease);
        lead.IsProven.Should().BeFalse();
        taken!.Prove().Should().BeTrue();
        lead.Prove().Should().BeFalse();
        taken.Dispose();
    }

    [Fact]
    public async Task Somebody_elses_event_in_the_stream_ends_the_lead()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.Create();
        using var lead = journal.TryLead("one")!;
        JournalFixture.Append(journal, 2);
        store.Write(StoreFixture.Stream, "OrderPlaced", "{}");

        lead.Prove().Should().BeFalse();
        lead.IsProven.Should().BeFalse();
    }

    [Fact]
    public async Task A_store_that_is_gone_ends_the_lead_with_the_lease()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.Create();
        using var lead = journal.TryLead("one")!;
        JournalFixture.Append(journal, 2);
        await store.RestartAsync(() =>
        {
            Eventually(() => !lead.Prove());
            return Task.CompletedTask;
        });
        lead.Prove().Should().BeFalse("for good");
    }

    [Fact]
    public async Task Digests_reach_the_followers_whatever_else_is_in_their_stream()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.Create();
        using var lead = journal.TryLead("one")!;
        JournalFixture.Append(journal, 5);
        var notes = new[] { new DigestNote(1, 2, 7, "s"), new DigestNote(1, 5, UInt128.MaxValue, "s") };
        foreach (var note in notes) journal.Note(note);
        store.Write(StoreFixture.Beats, "noise", "not even JSON");

        using var follower = store.Open();
        follower.NotesAfter(0).Should().Equal(notes);
        follower.NotesAfter(2).Should().Equal(notes[1]);
        (await ReadAsync(store.Server, "$$" + StoreFixture.Beats)).Should().ContainSingle()
            .Which.Data.ToStringUtf8().Should().Be("""{"$maxCount":1000}""");
    }
}
