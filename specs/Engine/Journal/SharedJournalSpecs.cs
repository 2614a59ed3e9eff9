using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>What a journal of several hosts promises beyond the contract, held against each such store.</summary>
public sealed class SharedJournalSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Shared))]
    public void A_follower_sees_what_was_appended_when_it_looks_again(string name)
    {
        using var store = JournalStore.Of(name);
        using var leader = store.CreateShared();
        using var follower = store.OpenShared();
        using var reader = follower.Read(1);

        leader.Append(SampleBlocks.After(leader.Tail, 30));
        leader.Append(SampleBlocks.After(leader.Tail, 5));
        reader.MoveNext().Should().BeFalse();
        follower.Refresh().Should().BeTrue();
        follower.Refresh().Should().BeFalse();
        follower.Tail.Position.Should().Be(35);
        follower.Tail.Root.ToArray().Should().Equal(leader.Tail.Root.ToArray());
        reader.MoveNext().Should().BeTrue();
        Encoding.UTF8.GetString(reader.Current.Line(29)).Should().Be(SampleBlocks.LineAt(30));
        reader.MoveNext().Should().BeTrue();
        reader.MoveNext().Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void A_follower_far_behind_reaches_the_tail_and_reads_what_it_missed(string name)
    {
        using var store = JournalStore.Of(name);
        using var leader = store.CreateShared();
        using var follower = store.OpenShared();
        using var reader = follower.Read(1);

        for (var block = 0; block < 300; block++) leader.Append(SampleBlocks.After(leader.Tail, 2));
        while (follower.Refresh()) { }
        follower.Tail.Block.Should().Be(300);
        for (var position = 1; position <= 600; position += 2)
        {
            reader.MoveNext().Should().BeTrue();
            reader.Current.FirstPosition.Should().Be(position);
        }
        reader.MoveNext().Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void A_block_number_is_taken_once_and_the_other_is_fenced(string name)
    {
        using var store = JournalStore.Of(name);
        using var one = store.CreateShared();
        using var other = store.OpenShared();
        one.Append(SampleBlocks.After(one.Tail, 3, seed: 1));

        FaultOf(() => other.Append(SampleBlocks.After(other.Tail, 3, seed: 2))).Should().Be(JournalFault.Fenced);
        // Not even the same bytes: they were never this one's to append.
        FaultOf(() => other.Append(SampleBlocks.After(other.Tail, 3, seed: 1))).Should().Be(JournalFault.Fenced);
        other.Tail.Position.Should().Be(0);
        other.Refresh();
        other.Append(SampleBlocks.After(other.Tail, 2, seed: 2));
        using var reopened = store.OpenShared();
        Lines(reopened).Should().Equal(
            SampleBlocks.LineAt(1, 1), SampleBlocks.LineAt(2, 1), SampleBlocks.LineAt(3, 1), SampleBlocks.LineAt(4, 2),
            SampleBlocks.LineAt(5, 2));
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task Of_writers_that_fight_exactly_one_wins_each_block(string name)
    {
        const int each = 60;
        using var store = JournalStore.Of(name);
        store.Create().Dispose();
        Task<List<long>> Fighter(int seed) => Task.Run(() =>
        {
            using var journal = store.OpenShared();
            var won = new List<long>();
            while (won.Count < each)
            {
                if (!TryRefresh(journal)) continue;
                try
                {
                    journal.Append(SampleBlocks.After(journal.Tail, 1, seed));
                    won.Add(journal.Tail.Position);
                }
                catch (JournalException lost) when (lost.Kind == JournalFault.Fenced)
                {
                    // The other was faster.
                }
            }
            return won;
        });
        var won = await Task.WhenAll(Fighter(0), Fighter(1), Fighter(2)).WaitAsync(Patience);

        won.SelectMany(positions => positions).Order()
            .Should().Equal(Enumerable.Range(1, 3 * each).Select(position => (long)position));
        using var journal = store.OpenShared();
        var lines = Lines(journal);
        for (var seed = 0; seed < won.Length; seed++)
        {
            foreach (var position in won[seed])
                lines[(int)position - 1].Should().Be(SampleBlocks.LineAt(position, seed));
        }
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void One_leads_and_another_follows_until_the_lead_is_given_up(string name)
    {
        using var store = JournalStore.Of(name);
        using var one = store.CreateShared();
        using var other = store.OpenShared();
        var lead = Lead(one, "one");

        lead.IsProven.Should().BeTrue();
        other.TryLead("other").Should().BeNull();
        lead.Prove().Should().BeTrue();
        one.Append(SampleBlocks.After(one.Tail, 1));
        lead.Dispose();
        lead.IsProven.Should().BeFalse();
        lead.Prove().Should().BeFalse();

        using var next = Lead(other, "other");
        other.Refresh();
        other.Append(SampleBlocks.After(other.Tail, 1));
        one.TryLead("one").Should().BeNull();
        other.Tail.Position.Should().Be(2);
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void A_host_may_lead_close_and_lead_again(string name)
    {
        using var store = JournalStore.Of(name);
        for (var round = 1; round <= 3; round++)
        {
            using var journal = round == 1 ? store.CreateShared() : store.OpenShared();
            using var lead = Lead(journal, "one");
            journal.Append(SampleBlocks.After(journal.Tail, 1));
            lead.Prove().Should().BeTrue();
            journal.Tail.Position.Should().Be(round);
        }
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void Digests_noted_by_one_are_found_by_the_other(string name)
    {
        using var store = JournalStore.Of(name);
        using var one = store.CreateShared();
        using var other = store.OpenShared();
        DigestNote[] notes = [new(64, 900, UInt128.MaxValue - 5, "tables"), new(128, 1_900, 7, "tables")];

        foreach (var note in notes) one.Note(note);
        other.NotesAfter(0).Should().Equal(notes);
        other.NotesAfter(900).Should().Equal(notes[1]);
        other.NotesAfter(1_900).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void Blocks_keep_their_seals_from_store_to_store(string name)
    {
        using var store = JournalStore.Of(name);
        using var files = JournalStore.Of("file");
        using var journal = store.CreateShared();
        using var copy = files.Create();
        foreach (var events in (int[])[3, 2_000, 1]) journal.Append(SampleBlocks.After(journal.Tail, events));
        using var reader = journal.Read(1);
        while (reader.MoveNext())
        {
            var block = reader.Current;
            copy.Append(new(block.Number, block.FirstPosition, block.Events, block.Lines, block.Root.ToArray()));
        }

        copy.Tail.Root.ToArray().Should().Equal(journal.Tail.Root.ToArray());
        store.Seals().Should().Equal(files.Seals());
        store.Seals().Should().HaveCount(3);
    }

    /// <summary>The lead, as a host asks for it again and again.</summary>
    internal static ILead Lead(ISharedJournal journal, string leader)
    {
        var until = DateTime.UtcNow + Patience;
        while (DateTime.UtcNow < until)
        {
            if (journal.TryLead(leader) is { } lead) return lead;
            Thread.Sleep(50);
        }
        throw new TimeoutException("The lead was not given.");
    }

    internal static List<string> Lines(IJournal journal)
    {
        using var reader = journal.Read(1);
        List<string> lines = [];
        while (reader.MoveNext())
        {
            for (var index = 0; index < reader.Current.Events; index++)
                lines.Add(Encoding.UTF8.GetString(reader.Current.Line(index)));
        }
        return lines;
    }

    /// <summary>A look that a busy store answers too late decides nothing.</summary>
    private static bool TryRefresh(ISharedJournal journal)
    {
        try
        {
            journal.Refresh();
            return true;
        }
        catch (JournalException late) when (late.Kind == JournalFault.Unknown)
        {
            return false;
        }
    }

    internal static JournalFault FaultOf(Action action) => action.Should().Throw<JournalException>().Which.Kind;
}
