using System.Security.Cryptography;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Operations;

public sealed class BackupSpecs
{
    [Fact]
    public void A_backup_is_the_journal_byte_for_byte_and_itself_a_sound_journal()
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        var made = book.BackUp();
        made.Manifest.Position.Should().Be(60);
        made.Manifest.Files.Count.Should().BeGreaterThan(2);
        for (var segment = 1; segment <= made.Manifest.Files.Count; segment++)
            book.Files.Content(BackupFixture.Segment(BackupFixture.Backup, segment)).Should()
                .Equal(book.Files.Content(BackupFixture.Segment(BackupFixture.Book, segment)));
        book.LinesOf(BackupFixture.Backup).Should().Equal(BackupFixture.Expected(60));
        foreach (var file in made.Manifest.Files)
            file.Sha256.Should().Be(Convert.ToHexStringLower(
                SHA256.HashData(book.Files.Content($"{BackupFixture.Backup}/{file.File}"))));
    }

    [Fact]
    public void A_book_of_no_events_can_be_backed_up_and_grows_in_its_backup()
    {
        var book = new BackupFixture();
        book.BackUp().Manifest.Position.Should().Be(0);
        book.Write(1);
        book.BackUp().Manifest.Position.Should().Be(3);
        book.LinesOf(BackupFixture.Backup).Should().Equal(BackupFixture.Expected(3));
    }

    [Fact]
    public void Beside_the_writer_whole_blocks_are_copied_and_a_block_that_is_being_written_is_not()
    {
        var book = new BackupFixture();
        book.Write(2, 3);
        using var journal = book.Open();
        journal.Append(book.Next(journal.Tail, 1));
        var last = BackupFixture.Segment(BackupFixture.Book, book.BackUp().Manifest.Files.Count);
        book.Overwrite(last, book.Files.Content(last).Length, BackupFixture.LineAt(19) + "\n");
        book.BackUp().Manifest.Position.Should().Be(18);
        book.LinesOf(BackupFixture.Backup).Should().Equal(BackupFixture.Expected(18));
    }

    [Fact]
    public void A_later_run_copies_only_what_came_since()
    {
        var book = new BackupFixture(segmentBytes: 1 << 20);
        book.Write(50);
        var first = book.BackUp();
        book.Write(1);
        var second = book.BackUp();
        second.From.Should().Be(151);
        second.Copied.Should().BeLessThan(first.Copied / 10);
        book.BackUp().Copied.Should().Be(0);
        book.Restore().Position.Should().Be(153);
        book.LinesOf(BackupFixture.Restored).Should().Equal(BackupFixture.Expected(153));
    }

    [Fact]
    public void A_backup_of_another_book_or_history_or_of_something_else_is_left_alone()
    {
        var book = new BackupFixture();
        book.Write(2);
        book.BackUp();
        var before = book.Files.Content($"{BackupFixture.Backup}/manifest.json");
        var genesis = SHA256.HashData("another"u8);
        FileJournal.Create("/other", new(new("sample", genesis)), book.Files).Dispose();
        FaultOf(() => JournalBackup.Make("/other", BackupFixture.Backup, default, book.Files))
            .Should().Be(JournalFault.WrongBook);
        FileJournal.Repair(BackupFixture.Book, 1, default, book.Files);
        FaultOf(() => book.BackUp()).Should().Be(JournalFault.WrongBook, "the journal is behind its backup");
        FaultOf(() => JournalBackup.Make(BackupFixture.Book, "/other", default, book.Files))
            .Should().Be(JournalFault.NotEmpty);
        book.Files.Content($"{BackupFixture.Backup}/manifest.json").Should().Equal(before);
        book.Restore().Position.Should().Be(6);
    }

    [Fact]
    public void A_journal_whose_past_was_rewritten_is_not_added_to_its_backup()
    {
        var book = new BackupFixture();
        book.Write(2, 2);
        book.BackUp();
        FileJournal.Repair(BackupFixture.Book, 7, default, book.Files);
        using (var journal = book.Open())
            journal.Append(SampleBlocks.After(journal.Tail, 9));
        FaultOf(() => book.BackUp()).Should().Be(JournalFault.WrongBook);
    }

    [Fact]
    public void A_changed_byte_of_the_backup_is_named_by_file_and_nothing_counts_as_restored()
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        book.BackUp();
        book.Overwrite(BackupFixture.Segment(BackupFixture.Backup, 2), 700, "X");
        var refused = ((Action)(() => book.Restore())).Should().Throw<JournalException>().Which;
        refused.Kind.Should().Be(JournalFault.Damaged);
        refused.Damages[0].File.Should().Be("journal/0000000002.ndjson");
        book.Files.Exists($"{BackupFixture.Restored}/acked").Should().BeFalse();
    }

    [Fact]
    public void A_backup_that_lost_a_file_or_its_manifest_s_truth_is_refused()
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        var made = book.BackUp();
        book.Files.Delete(BackupFixture.Segment(BackupFixture.Backup, 3));
        FaultOf(() => book.Restore()).Should().Be(JournalFault.Damaged);
        book.Write(1);
        FaultOf(() => book.BackUp()).Should().Be(JournalFault.Damaged);
        var manifest = $"{BackupFixture.Backup}/manifest.json";
        var text = System.Text.Encoding.UTF8.GetString(book.Files.Content(manifest));
        book.Overwrite(manifest, text.IndexOf(made.Manifest.Root, StringComparison.Ordinal), "00");
        FaultOf(() => book.Restore()).Should().Be(JournalFault.Damaged);
    }

    [Theory]
    [InlineData(60, 60)]
    [InlineData(59, 57)]
    [InlineData(58, 57)]
    [InlineData(57, 57)]
    [InlineData(43, 42)]
    [InlineData(42, 42)]
    [InlineData(16, 15)]
    [InlineData(5, 3)]
    [InlineData(3, 3)]
    public void A_position_is_restored_to_the_last_whole_command(long position, long restored)
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        book.BackUp();
        var made = book.Restore(new(Position: position));
        made.Position.Should().Be(restored);
        made.LeftOut.Should().Be(60 - restored);
        book.LinesOf(BackupFixture.Restored).Should().Equal(BackupFixture.Expected(restored));
    }

    [Fact]
    public void A_block_that_is_cut_has_the_root_of_its_events_and_the_book_goes_on_behind_it()
    {
        var book = new BackupFixture();
        book.Write(5);
        book.BackUp();
        var made = book.Restore(new(Position: 7));
        made.Resealed.Should().BeTrue();
        var two = new BackupFixture();
        two.Write(2);
        made.Root.Should().Be(two.BackUp().Manifest.Root, "the tree is over events, not over blocks");
        using var journal = FileJournal.Open(BackupFixture.Restored, new(SampleBlocks.Book), book.Files);
        journal.Opening.Torn.Should().BeNull();
        journal.Append(two.Next(journal.Tail, 1));
        journal.Tail.Position.Should().Be(9);
    }

    [Theory]
    [InlineData("2026-01-05T12:00:04Z", 12)]
    [InlineData("2026-01-05T12:00:04.999999Z", 12)]
    [InlineData("2026-01-05T12:00:03.999999Z", 9)]
    [InlineData("2030-01-01T00:00:00Z", 60)]
    public void A_time_is_restored_to_the_last_command_at_or_before_it(string time, long restored)
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        book.BackUp();
        var made = book.Restore(new(Time: Instant.Parse(time)));
        made.Position.Should().Be(restored);
        made.RecordedAt.Should().Be(BackupFixture.TimeOf(restored / BackupFixture.Parts));
    }

    [Fact]
    public void A_point_before_the_first_command_or_behind_the_last_is_refused_and_nothing_is_written()
    {
        var book = new BackupFixture();
        book.Write(2);
        book.BackUp();
        FaultOf(() => book.Restore(new(Position: 2))).Should().Be(JournalFault.NotFound);
        FaultOf(() => book.Restore(new(Position: 7))).Should().Be(JournalFault.NotFound);
        FaultOf(() => book.Restore(new(Time: Instant.Parse("2026-01-05T12:00:00Z")))).Should().Be(JournalFault.NotFound);
        book.Files.Paths.Should().NotContain(path => path.StartsWith(BackupFixture.Restored, StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_that_holds_anything_is_not_restored_to()
    {
        var book = new BackupFixture();
        book.Write(2);
        book.BackUp();
        book.Restore();
        FaultOf(() => book.Restore()).Should().Be(JournalFault.NotEmpty);
    }

    [Fact]
    public void However_often_a_backup_is_killed_the_one_before_holds_and_the_next_ends_it()
    {
        for (var stop = 1; ; stop++)
        {
            var book = new BackupFixture();
            book.Write(2, 3, 4);
            book.BackUp();
            book.Write(5, 6, 1);
            book.Files.StopsAfter = stop;
            try
            {
                book.BackUp();
                stop.Should().BeGreaterThan(10, "each operation was a place to be killed at");
                return;
            }
            catch (SimulatedCrashException)
            {
                book.Files.Restart(powerLost: stop % 2 == 0);
            }
            book.Restore().Position.Should().BeOneOf(27, 63);
            book.BackUp().Manifest.Position.Should().Be(63);
            book.LinesOf(BackupFixture.Backup).Should().Equal(BackupFixture.Expected(63));
        }
    }

    [Fact]
    public void A_first_backup_that_was_killed_is_made_by_the_next_run()
    {
        for (var stop = 1; ; stop++)
        {
            var book = new BackupFixture();
            book.Write(2, 3, 4);
            book.Files.StopsAfter = stop;
            try
            {
                book.BackUp();
                return;
            }
            catch (SimulatedCrashException)
            {
                book.Files.Restart(powerLost: false);
            }
            book.BackUp();
            book.LinesOf(BackupFixture.Backup).Should().Equal(BackupFixture.Expected(27));
        }
    }

    [Fact]
    public void A_restore_that_was_killed_is_no_journal_and_is_made_by_the_next_run()
    {
        for (var stop = 1; ; stop++)
        {
            var book = new BackupFixture();
            book.Write(2, 3, 4);
            book.BackUp();
            book.Files.StopsAfter = stop;
            try
            {
                book.Restore(new(Position: 22));
                stop.Should().BeGreaterThan(8);
                return;
            }
            catch (SimulatedCrashException)
            {
                book.Files.Restart(powerLost: false);
            }
            var isWhole = book.Files.Exists($"{BackupFixture.Restored}/acked");
            if (!isWhole)
                FaultOf(() => FileJournal.Open(BackupFixture.Restored, new(SampleBlocks.Book), book.Files)).Should()
                    .BeOneOf(JournalFault.NotFound, JournalFault.Damaged);
            if (book.Files.Paths.All(path => !path.StartsWith(BackupFixture.Restored + "/journal", StringComparison.Ordinal))
                || book.Files.Exists($"{BackupFixture.Restored}/{JournalRestore.Marker}"))
                book.Restore(new(Position: 22)).Position.Should().Be(21);
            book.LinesOf(BackupFixture.Restored).Should().Equal(BackupFixture.Expected(21));
        }
    }

    [Fact]
    public void A_full_disk_is_named_and_leaves_the_backup_before_it()
    {
        var book = new BackupFixture();
        book.Write(2, 3);
        book.BackUp();
        book.Write(40);
        book.Files.Free = 1_000;
        FaultOf(() => book.BackUp()).Should().Be(JournalFault.DiskFull);
        FaultOf(() => book.Restore()).Should().Be(JournalFault.DiskFull);
        book.Files.Free = long.MaxValue;
        book.Restore().Position.Should().Be(15);
        book.BackUp().Manifest.Position.Should().Be(135);
    }

    private static JournalFault FaultOf(Action act) => act.Should().Throw<JournalException>().Which.Kind;
}
