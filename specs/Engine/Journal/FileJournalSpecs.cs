using System.Buffers;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class FileJournalSpecs
{
    [Fact]
    public void What_was_appended_is_read_back_the_same_after_reopening()
    {
        using var journal = JournalFixture.With(1, 60, 2_000, 3).Open();

        journal.Opening.Should().Be(new JournalOpening(null, 0, 0));
        (journal.Tail.Block, journal.Tail.Position).Should().Be((4L, 2_064L));
        JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(2_064));
    }

    [Fact]
    public void A_new_journal_stands_at_position_zero_with_the_root_of_the_empty_tree()
    {
        using var journal = JournalFixture.With().Open();

        (journal.Tail.Block, journal.Tail.Position).Should().Be((0L, 0L));
        journal.Tail.Root.ToArray().Should().Equal(System.Security.Cryptography.SHA256.HashData([]));
        JournalFixture.Lines(journal).Should().BeEmpty();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(61, 2)]
    [InlineData(62, 62)]
    public void Reading_begins_with_the_block_that_holds_the_position(long from, long first)
    {
        using var journal = JournalFixture.With(1, 60, 5).Open();
        using var reader = journal.Read(from);

        reader.MoveNext().Should().BeTrue();
        reader.Current.FirstPosition.Should().Be(first);
    }

    [Fact]
    public void A_reader_at_the_end_sees_what_is_appended_later_also_in_a_new_segment()
    {
        using var journal = JournalFixture.InSegments(3).Open();
        using var reader = journal.Read(journal.Tail.Position + 1);

        reader.MoveNext().Should().BeFalse();
        JournalFixture.Append(journal, 30, 30);
        reader.MoveNext().Should().BeTrue();
        reader.MoveNext().Should().BeTrue();
        reader.Current.LastPosition.Should().Be(150);
        reader.MoveNext().Should().BeFalse();
    }

    [Fact]
    public void Whoever_only_reads_sees_what_was_appended_beside_it_when_it_looks_also_in_a_new_segment()
    {
        var fixture = JournalFixture.InSegments(3);
        using var journal = fixture.Open();
        using var beside = FileJournal.OpenReadOnly(JournalFixture.Folder, fixture.Files);
        using var reader = beside.Read(beside.Tail.Position + 1);

        beside.Refresh().Should().BeFalse();
        JournalFixture.Append(journal, 30, 30);
        reader.MoveNext().Should().BeFalse();
        beside.Refresh().Should().BeTrue();
        beside.Tail.Position.Should().Be(150);
        reader.MoveNext().Should().BeTrue();
        reader.MoveNext().Should().BeTrue();
        reader.Current.LastPosition.Should().Be(150);
        JournalFixture.Lines(beside).Should().Equal(JournalFixture.Expected(150));
        journal.Refresh().Should().BeFalse("who appends knows");
    }

    [Fact]
    public void A_position_beyond_the_next_one_cannot_be_read_from()
    {
        using var journal = JournalFixture.With(5).Open();

        journal.Invoking(j => j.Read(7)).Should().Throw<ArgumentOutOfRangeException>();
        journal.Invoking(j => j.Read(0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void One_event_is_found_by_its_position()
    {
        using var journal = JournalFixture.InSegments(8).Open();

        foreach (var position in new long[] { 1, 30, 31, 133, 240 })
        {
            var line = new ArrayBufferWriter<byte>();
            journal.TryReadEvent(position, line).Should().BeTrue();
            Encoding.UTF8.GetString(line.WrittenSpan).Should().Be(SampleBlocks.LineAt(position));
        }
        journal.TryReadEvent(241, new ArrayBufferWriter<byte>()).Should().BeFalse();
        journal.TryReadEvent(0, new ArrayBufferWriter<byte>()).Should().BeFalse();
    }

    [Fact]
    public void Every_line_of_every_segment_is_a_JSON_object()
    {
        var fixture = JournalFixture.InSegments(4);

        for (var segment = 1; segment <= 4; segment++)
        {
            fixture.Text(segment).Should().EndWith("\n");
            foreach (var line in fixture.Text(segment).TrimEnd('\n').Split('\n'))
                JsonDocument.Parse(line).RootElement.ValueKind.Should().Be(JsonValueKind.Object);
        }
    }

    [Fact]
    public void Sealed_segments_are_not_read_again_unless_their_index_is_gone_or_wrong()
    {
        var fixture = JournalFixture.InSegments(4);
        using (var journal = fixture.Open()) journal.Opening.Reindexed.Should().Be(0);

        fixture.Files.Delete(JournalFixture.Segment(1).Replace(".ndjson", ".index"));
        fixture.Files.FlipBit(JournalFixture.Segment(2).Replace(".ndjson", ".index"));
        using (var journal = fixture.Open())
        {
            journal.Opening.Reindexed.Should().Be(2);
            JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(120));
        }
        using (var journal = fixture.Open()) journal.Opening.Reindexed.Should().Be(0);
    }

    [Fact]
    public void The_largest_block_is_taken_and_one_byte_or_one_event_more_is_not()
    {
        using var journal = JournalFixture.With().Open();
        journal.Append(OfSize(journal, JournalLimits.BlockBytes));

        journal.Invoking(j => j.Append(OfSize(j, JournalLimits.BlockBytes + 1))).Should().Throw<ArgumentException>();
        JournalFixture.Append(journal, JournalLimits.BlockEvents);
        journal.Invoking(j => JournalFixture.Append(j, JournalLimits.BlockEvents + 1))
            .Should().Throw<ArgumentException>();
        JournalFixture.Append(journal, 1);
        journal.Tail.Position.Should().Be(2_002);
        JournalFixture.Lines(journal)[0].Length.Should().Be(JournalLimits.BlockBytes - 1);
    }

    [Theory]
    [InlineData("{\"position\":1,\"a\":0}\n", 2, 1, 1)] // a block number too high
    [InlineData("{\"position\":2,\"a\":0}\n", 1, 2, 1)] // a position too high
    [InlineData("{\"position\":2,\"a\":0}\n", 1, 1, 1)] // a line of another position
    [InlineData("{\"position\":1,\"a\":0}", 1, 1, 1)] // no newline
    [InlineData("{\"position\":1,\"a\":0}\n{\"position\":2,\"a\":0}\n", 1, 1, 1)] // more lines than counted
    [InlineData("{\"position\":1,\"a\":0}\n", 1, 1, 2)] // fewer lines than counted
    [InlineData("{\"position\":1}\n", 1, 1, 1)] // nothing but a position
    [InlineData("", 1, 1, 0)]
    public void A_block_that_does_not_fit_is_refused_and_leaves_nothing(
        string lines, long block, long first, int events)
    {
        var fixture = JournalFixture.With();
        var before = fixture.Text();
        using var journal = fixture.Open();

        journal.Invoking(j => j.Append(new(block, first, events, Encoding.UTF8.GetBytes(lines), new byte[32])))
            .Should().Throw<ArgumentException>();
        fixture.Text().Should().Be(before);
        JournalFixture.Append(journal, 1);
    }

    [Fact]
    public async Task Readers_on_other_threads_see_only_whole_durable_blocks()
    {
        var folder = Directory.CreateTempSubdirectory("journal-").FullName;
        using var onDisk = FileJournal.Create(
            folder, new(SampleBlocks.Book) { SegmentBytes = 30_000 }, DiskFileLayer.Instance);
        var reading = Task.Run(() =>
        {
            using var reader = onDisk.Read(1);
            var next = 1L;
            while (next <= 3_000)
            {
                if (!reader.MoveNext()) continue;
                reader.Current.FirstPosition.Should().Be(next);
                Encoding.UTF8.GetString(reader.Current.Line(0)).Should().Be(SampleBlocks.LineAt(next));
                next = reader.Current.LastPosition + 1;
            }
        });
        for (var block = 0; block < 200; block++) JournalFixture.Append(onDisk, 15);

        await reading.WaitAsync(TimeSpan.FromSeconds(20));
        onDisk.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_full_disk_is_named_and_nothing_is_taken_afterwards()
    {
        var fixture = JournalFixture.With(5);
        using (var journal = fixture.Open())
        {
            fixture.Files.Free = 100;
            Fault(() => JournalFixture.Append(journal, 5)).Should().Be(JournalFault.DiskFull);
            fixture.Files.Free = long.MaxValue;
            Fault(() => JournalFixture.Append(journal, 5)).Should().Be(JournalFault.Failed);
        }
        using var reopened = fixture.Open();
        reopened.Tail.Position.Should().Be(5);
        reopened.Opening.Torn!.Bytes.Should().Be(100);
        JournalFixture.Append(reopened, 5);
    }

    [Fact]
    public void On_the_real_disk_a_journal_is_held_by_one_opener_cut_when_torn_and_mended()
    {
        var folder = Directory.CreateTempSubdirectory("journal-").FullName;
        var segment = Path.Combine(folder, "journal", "0000000001.ndjson");
        var options = new FileJournalOptions(SampleBlocks.Book);
        FileJournal Open() => FileJournal.Open(folder, options, DiskFileLayer.Instance);

        using (var journal = FileJournal.Create(folder, options, DiskFileLayer.Instance))
        {
            JournalFixture.Append(journal, 10, 10);
            Fault(() => Open()).Should().Be(JournalFault.InUse);
        }
        File.AppendAllText(segment, "{\"position\":21,");
        using (var journal = Open()) journal.Opening.Torn!.Bytes.Should().Be(15);

        var bytes = File.ReadAllBytes(segment);
        bytes[^400] ^= 1;
        File.WriteAllBytes(segment, bytes);
        Fault(() => Open()).Should().Be(JournalFault.Damaged);
        FileJournal.Repair(folder, 11, DateTimeOffset.UnixEpoch, DiskFileLayer.Instance).FromPosition.Should().Be(11);
        using (var journal = Open()) JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(10));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void CRC_32C_gives_the_published_check_value() =>
        Crc32C.Compute("123456789"u8).Should().Be(0xE3069283);

    private static JournalFault Fault(Action action) => action.Should().Throw<JournalException>().Which.Kind;

    private static SealedBlock OfSize(FileJournal journal, int bytes)
    {
        var lead = $"{{\"position\":{journal.Tail.Position + 1},\"text\":\"";
        var line = lead + new string('x', bytes - lead.Length - 3) + "\"}\n";
        return new(journal.Tail.Block + 1, journal.Tail.Position + 1, 1, Encoding.UTF8.GetBytes(line), new byte[32]);
    }
}
