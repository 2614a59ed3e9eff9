using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class JournalDamageSpecs
{
    [Theory]
    [InlineData("{\"position\":6,\"type\":\"x\"}\n{\"positi", 1)]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0", 0)]
    [InlineData("{", 0)]
    public void A_torn_tail_above_the_mark_is_cut_and_reported(string rest, int events)
    {
        var fixture = JournalFixture.With(2, 3);
        var whole = fixture.Text();
        fixture.AppendText(rest);

        using (var journal = fixture.Open())
        {
            journal.Opening.Torn.Should().Be(
                new TornTail("journal/0000000001.ndjson", whole.Length, rest.Length, events));
            journal.Tail.Position.Should().Be(5);
        }
        fixture.Text().Should().Be(whole);
    }

    [Fact]
    public void A_block_above_the_mark_that_is_whole_is_kept()
    {
        var (fixture, older) = (JournalFixture.With(2), JournalFixture.With(2));
        using (var journal = fixture.Open()) JournalFixture.Append(journal, 3);
        Restore(fixture, older, "/book/acked");

        using var reopened = fixture.Open();
        reopened.Opening.Unacknowledged.Should().Be(1);
        reopened.Tail.Position.Should().Be(5);
    }

    [Fact]
    public void A_changed_byte_below_the_mark_is_named_with_file_line_and_position()
    {
        var fixture = JournalFixture.With(2, 3, 4);
        var offset = fixture.Text().IndexOf("{\"position\":3,", StringComparison.Ordinal);
        fixture.Overwrite(JournalFixture.Segment(1), offset + 20, "#");

        var damage = fixture.Refusal().Damages.Should().ContainSingle().Which;
        damage.Should().Be(new JournalDamage(
            "journal/0000000001.ndjson", 5, offset, 3, "the checksum of block 2 does not hold"));
        fixture.Check().Damages.Should().Equal(damage);
    }

    [Fact]
    public void A_torn_last_block_at_the_mark_is_damage_not_a_torn_tail()
    {
        var fixture = JournalFixture.With(2, 3);
        fixture.Truncate(JournalFixture.Segment(1), fixture.Text().Length - 1);

        fixture.Refusal().Damages.Should().ContainSingle().Which.Position.Should().Be(3);
    }

    [Fact]
    public void A_journal_that_ends_before_its_mark_is_damaged_though_every_block_is_sound()
    {
        var fixture = JournalFixture.With(2, 3);
        var lastBlock = fixture.Text().IndexOf("{\"position\":3,", StringComparison.Ordinal);
        fixture.Truncate(JournalFixture.Segment(1), lastBlock);

        fixture.Refusal().Damages.Should().ContainSingle()
            .Which.What.Should().Be("the journal ends with block 1, but block 2 was acknowledged");
    }

    [Fact]
    public void A_broken_block_with_a_sound_one_behind_it_is_damage_even_above_the_mark()
    {
        var fixture = JournalFixture.With(2, 3, 4);
        Restore(fixture, JournalFixture.With(), "/book/acked");
        var offset = fixture.Text().IndexOf("{\"position\":3,", StringComparison.Ordinal);
        fixture.Overwrite(JournalFixture.Segment(1), offset + 20, "#");

        fixture.Refusal().Kind.Should().Be(JournalFault.Damaged);
    }

    [Fact]
    public void A_check_lists_all_damages_and_keeps_reading_behind_each()
    {
        var fixture = JournalFixture.InSegments(6);
        fixture.Overwrite(JournalFixture.Segment(2), 400, "#");
        fixture.Overwrite(JournalFixture.Segment(4), 3, "#");
        fixture.Files.FlipBit(JournalFixture.Segment(5));

        fixture.Check().Damages.Select(damage => damage.File).Should().Equal(
            "journal/0000000002.ndjson", "journal/0000000004.ndjson", "journal/0000000005.ndjson");
    }

    [Fact]
    public void A_missing_segment_is_named()
    {
        var fixture = JournalFixture.InSegments(4);
        fixture.Files.Delete(JournalFixture.Segment(3));

        fixture.Refusal().Damages[0].Should().Be(
            new JournalDamage("journal/0000000003.ndjson", 0, 0, 61, "the segment is missing"));
    }

    [Fact]
    public void Reading_a_block_damaged_since_opening_names_it()
    {
        var fixture = JournalFixture.InSegments(3);
        using var journal = fixture.Open();
        using var reader = journal.Read(1);
        fixture.Overwrite(JournalFixture.Segment(2), 1_000, "#");

        reader.MoveNext().Should().BeTrue();
        reader.Invoking(r => r.MoveNext()).Should().Throw<JournalException>()
            .Which.Damages.Should().ContainSingle().Which.Position.Should().Be(31);
    }

    [Fact]
    public void Repair_moves_what_is_given_up_aside_and_the_journal_goes_on()
    {
        var fixture = JournalFixture.InSegments(6);
        var givenUp = fixture.Text(4);
        fixture.Overwrite(JournalFixture.Segment(4), 1_000, "#");

        ((Action)(() => Repair(fixture, 92))).Should().Throw<JournalException>()
            .Which.Kind.Should().Be(JournalFault.Damaged);
        var result = Repair(fixture, 91);
        result.FromPosition.Should().Be(91);
        result.MovedTo.Should().Be("/book/journal/cut-20260105T120000Z");
        fixture.Files.Content(result.MovedTo + "/0000000004.ndjson").Length.Should().Be(givenUp.Length);
        fixture.Files.Exists(result.MovedTo + "/0000000006.ndjson").Should().BeTrue();

        using var journal = fixture.Open();
        journal.Opening.Torn.Should().BeNull();
        JournalFixture.Append(journal, 30);
        JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(120));
    }

    [Fact]
    public void Repair_cuts_inside_a_segment_at_the_start_of_a_block()
    {
        var fixture = JournalFixture.With(2, 3, 4);
        var offset = fixture.Text().IndexOf("{\"position\":3,", StringComparison.Ordinal);
        var rest = fixture.Text()[offset..];

        Repair(fixture, 4).FromPosition.Should().Be(3);
        Encoding.UTF8.GetString(fixture.Files.Content(
            $"/book/journal/cut-20260105T120000Z/0000000001.ndjson.from-{offset}")).Should().Be(rest);
        using var journal = fixture.Open();
        JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(2));
    }

    [Fact]
    public void A_lost_mark_is_damage_until_the_journal_is_accepted_as_it_stands()
    {
        var fixture = JournalFixture.With(2, 3);
        fixture.Files.Delete("/book/acked");

        fixture.Refusal().Damages.Should().ContainSingle().Which.File.Should().Be("acked");
        Repair(fixture, 6).Bytes.Should().Be(0);
        using var journal = fixture.Open();
        journal.Tail.Position.Should().Be(5);
    }

    [Fact]
    public void An_unreadable_slot_of_the_mark_is_mended_only_if_its_block_is_there()
    {
        var fixture = JournalFixture.With(2, 3);
        fixture.Overwrite("/book/acked", 0, "#");
        fixture.Check().Damages.Should().ContainSingle().Which.File.Should().Be("acked");
        using (var journal = fixture.Open()) journal.Tail.Position.Should().Be(5);
        fixture.Check().Damages.Should().BeEmpty();

        fixture.Overwrite("/book/acked", 0, "#");
        fixture.Refusal().Damages.Should().ContainSingle().Which.File.Should().Be("acked");
        fixture.AppendText("{\"position\":6,");
        fixture.Refusal().Kind.Should().Be(JournalFault.Damaged);
    }

    [Fact]
    public void A_journal_opens_once_and_only_as_the_book_it_is()
    {
        var fixture = JournalFixture.With(1);
        using (fixture.Open()) fixture.Refusal().Kind.Should().Be(JournalFault.InUse);
        Kind(() => FileJournal.Open("/elsewhere", fixture.Options, fixture.Files)).Should().Be(JournalFault.NotFound);
        Kind(() => FileJournal.Create("/book", fixture.Options, fixture.Files)).Should().Be(JournalFault.NotEmpty);
        JournalIdentity[] others = [new("sample", new byte[32]), new("other", SampleBlocks.Book.Genesis.Span)];
        foreach (var other in others)
            Kind(() => FileJournal.Open("/book", new(other), fixture.Files)).Should().Be(JournalFault.WrongBook);
        FileJournal.Identify("/book", fixture.Files).IsSameAs(SampleBlocks.Book).Should().BeTrue();
    }

    [Fact]
    public void A_newer_format_is_told_from_damage()
    {
        var fixture = JournalFixture.With(1);
        var header = fixture.Text().Split('\n')[0].Replace("bankingengine.v1", "bankingengine.v2");
        fixture.Overwrite(JournalFixture.Segment(1), 0, header);
        fixture.Refusal().Kind.Should().Be(JournalFault.Damaged);

        var covered = header[..^10];
        fixture.Overwrite(JournalFixture.Segment(1), 0, covered + Outsider.Crc(covered).ToString("x8"));
        fixture.Refusal().Kind.Should().Be(JournalFault.NewerFormat);
    }

    [Fact]
    public void An_outsider_can_verify_the_checksums_from_the_format_page_alone()
    {
        var fixture = JournalFixture.InSegments(3);
        var previous = "00000000";
        for (var segment = 1; segment <= 3; segment++)
        {
            var block = new StringBuilder();
            foreach (var line in fixture.Text(segment).TrimEnd('\n').Split('\n'))
            {
                var fields = JsonDocument.Parse(line).RootElement;
                if (fields.TryGetProperty("position", out _))
                {
                    block.Append(line).Append('\n');
                    continue;
                }
                var crc = fields.GetProperty("crc").GetString();
                block.Append(line.AsSpan(0, line.LastIndexOf(crc!, StringComparison.Ordinal)));
                Outsider.Crc(block.ToString()).ToString("x8").Should().Be(crc);
                fields.GetProperty("previous").GetString().Should().Be(previous);
                if (fields.TryGetProperty("block", out _)) previous = crc!;
                block.Clear();
            }
        }
    }

    private static JournalFault Kind(Func<FileJournal> action) =>
        action.Should().Throw<JournalException>().Which.Kind;

    private static JournalRepairResult Repair(JournalFixture fixture, long from) => FileJournal.Repair(
        JournalFixture.Folder, from, new DateTimeOffset(2026, 1, 5, 12, 0, 0, TimeSpan.Zero), fixture.Files);

    private static void Restore(JournalFixture fixture, JournalFixture older, string path)
    {
        using var file = fixture.Files.Open(path, FileAccess.ReadWrite);
        file.Write(older.Files.Content(path), 0);
    }

    private static class Outsider
    {
        /// <summary>CRC-32C bit by bit, as a stranger would write it from the polynomial.</summary>
        public static uint Crc(string text)
        {
            var crc = 0xFFFFFFFF;
            foreach (var value in Encoding.UTF8.GetBytes(text))
            {
                crc ^= value;
                for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0x82F63B78;
            }
            return ~crc;
        }
    }
}
