using System.Buffers;
using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>What every journal promises, held against each store.</summary>
public sealed class JournalContractSpecs
{
    public static TheoryData<string> All => JournalStore.All;

    [PostgresFact]
    public void PostgreSQL_is_among_the_stores() =>
        ((IEnumerable<object[]>)All).SelectMany(row => row).Should().Contain("postgres");

    [Theory]
    [MemberData(nameof(All))]
    public void What_was_appended_is_read_back_the_same_after_reopening(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(1, 60, 2_000, 3);

        (journal.Tail.Block, journal.Tail.Position).Should().Be((4L, 2_064L));
        Lines(journal).Should().Equal(JournalFixture.Expected(2_064));
        Lines(journal, from: 62)[0].Should().Be(SampleBlocks.LineAt(62));
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        Lines(journal).Should().HaveCount(2_065);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_new_journal_stands_at_position_zero_with_the_root_of_the_empty_tree(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With();

        (journal.Tail.Block, journal.Tail.Position).Should().Be((0L, 0L));
        journal.Tail.Root.ToArray().Should().Equal(JournalTail.EmptyRoot.ToArray());
        journal.Identity.IsSameAs(store.Identity).Should().BeTrue();
        Lines(journal).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_tail_states_the_root_of_the_last_block(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(3, 5);
        var expected = SampleBlocks.After(new(1, 3, default), 5).Root;

        journal.Tail.Root.ToArray().Should().Equal(expected.ToArray());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Reading_begins_with_the_block_that_holds_the_position(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(1, 60, 5);

        foreach (var (from, first) in ((long, long)[])[(1, 1), (2, 2), (61, 2), (62, 62), (66, 62)])
        {
            using var reader = journal.Read(from);
            reader.MoveNext().Should().BeTrue();
            reader.Current.FirstPosition.Should().Be(first, $"that block holds {from}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_reader_at_the_end_sees_what_is_appended_later(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(30);
        using var reader = journal.Read(31);

        reader.MoveNext().Should().BeFalse();
        journal.Append(SampleBlocks.After(journal.Tail, 7));
        journal.Append(SampleBlocks.After(journal.Tail, 8));
        reader.MoveNext().Should().BeTrue();
        reader.Current.LastPosition.Should().Be(37);
        reader.MoveNext().Should().BeTrue();
        reader.Current.LastPosition.Should().Be(45);
        reader.MoveNext().Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_position_beyond_the_next_one_cannot_be_read_from(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(5);

        journal.Invoking(j => j.Read(7)).Should().Throw<ArgumentOutOfRangeException>();
        journal.Invoking(j => j.Read(0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void One_event_is_found_by_its_position(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.With(30, 100, 1, 109);

        foreach (var position in (long[])[1, 30, 31, 130, 131, 132, 240])
        {
            var line = new ArrayBufferWriter<byte>();
            journal.TryReadEvent(position, line).Should().BeTrue();
            Encoding.UTF8.GetString(line.WrittenSpan).Should().Be(SampleBlocks.LineAt(position));
        }
        journal.TryReadEvent(241, new ArrayBufferWriter<byte>()).Should().BeFalse();
        journal.TryReadEvent(0, new ArrayBufferWriter<byte>()).Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_largest_block_is_taken_and_one_byte_or_one_event_more_is_not(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.Create();
        journal.Append(OfSize(journal, JournalLimits.BlockBytes));

        journal.Invoking(j => j.Append(OfSize(j, JournalLimits.BlockBytes + 1))).Should().Throw<ArgumentException>();
        journal.Append(SampleBlocks.After(journal.Tail, JournalLimits.BlockEvents));
        journal.Invoking(j => j.Append(SampleBlocks.After(j.Tail, JournalLimits.BlockEvents + 1)))
            .Should().Throw<ArgumentException>();
        journal.Append(SampleBlocks.After(journal.Tail, 1));
        journal.Tail.Position.Should().Be(2_002);
        Lines(journal)[0].Length.Should().Be(JournalLimits.BlockBytes - 1);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_block_that_does_not_fit_is_refused_and_leaves_nothing(string name)
    {
        using var store = JournalStore.Of(name);
        using (var journal = store.Create())
        {
            (string Lines, long Block, long First, int Events)[] wrong =
            [
                ("{\"position\":1,\"a\":0}\n", 2, 1, 1), ("{\"position\":2,\"a\":0}\n", 1, 2, 1),
                ("{\"position\":2,\"a\":0}\n", 1, 1, 1), ("{\"position\":1,\"a\":0}", 1, 1, 1),
                ("{\"position\":1,\"a\":0}\n", 1, 1, 2), ("", 1, 1, 0),
            ];
            foreach (var (lines, block, first, events) in wrong)
            {
                journal.Invoking(j => j.Append(new(block, first, events, Encoding.UTF8.GetBytes(lines), new byte[32])))
                    .Should().Throw<ArgumentException>();
            }
        }
        using var reopened = store.Open();
        reopened.Tail.Position.Should().Be(0);
        reopened.Append(SampleBlocks.After(reopened.Tail, 1));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_journal_larger_than_what_is_kept_in_memory_is_read_whole(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.Create();
        for (var block = 1; block <= 40; block++) journal.Append(OfSize(journal, JournalLimits.BlockBytes));
        using var reader = journal.Read(1);

        for (var position = 1; position <= 40; position++)
        {
            reader.MoveNext().Should().BeTrue();
            (reader.Current.FirstPosition, reader.Current.Lines.Length)
                .Should().Be((position, JournalLimits.BlockBytes));
        }
        reader.MoveNext().Should().BeFalse();
        journal.TryReadEvent(2, new ArrayBufferWriter<byte>()).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Readers_on_other_threads_see_only_whole_durable_blocks(string name)
    {
        using var store = JournalStore.Of(name);
        using var journal = store.Create();
        var reading = Task.Run(() =>
        {
            using var reader = journal.Read(1);
            var next = 1L;
            while (next <= 1_500)
            {
                if (!reader.MoveNext()) continue;
                reader.Current.FirstPosition.Should().Be(next);
                Encoding.UTF8.GetString(reader.Current.Line(0)).Should().Be(SampleBlocks.LineAt(next));
                next = reader.Current.LastPosition + 1;
            }
        });
        for (var block = 0; block < 100; block++) journal.Append(SampleBlocks.After(journal.Tail, 15));

        await reading.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static List<string> Lines(IJournal journal, long from = 1)
    {
        using var reader = journal.Read(from);
        List<string> lines = [];
        while (reader.MoveNext())
        {
            for (var index = 0; index < reader.Current.Events; index++)
                lines.Add(Encoding.UTF8.GetString(reader.Current.Line(index)));
        }
        return lines;
    }

    private static SealedBlock OfSize(IJournal journal, int bytes)
    {
        var lead = $"{{\"position\":{journal.Tail.Position + 1},\"text\":\"";
        var line = lead + new string('x', bytes - lead.Length - 3) + "\"}\n";
        return new(journal.Tail.Block + 1, journal.Tail.Position + 1, 1, Encoding.UTF8.GetBytes(line), new byte[32]);
    }
}
