using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Operations;

public sealed class JournalCopySpecs
{
    private static readonly FileJournalOptions Large = new(SampleBlocks.Book);

    [Fact]
    public void A_copy_has_the_same_blocks_bytes_and_seals_whatever_its_segments()
    {
        var book = new BackupFixture();
        book.Write(2, 3, 4, 5, 6);
        using var source = book.Open();
        using var target = FileJournal.Create("/target", Large, book.Files);
        JournalCopy.Append(source, target).Should().Be(5);
        JournalCopy.Compare(source, target).ToArray().Should().Equal(source.Tail.Root.ToArray());
        Seals(book, "/target").Should().Equal(Seals(book, BackupFixture.Book)).And.HaveCount(5);
    }

    [Fact]
    public void A_copy_that_was_killed_goes_on_where_the_target_ends()
    {
        for (var stop = 1; ; stop++)
        {
            var book = new BackupFixture();
            book.Write(2, 3, 4, 5, 6);
            FileJournal.Create("/target", Large, book.Files).Dispose();
            book.Files.StopsAfter = stop;
            try
            {
                Copy(book);
                stop.Should().BeGreaterThan(10);
                return;
            }
            catch (SimulatedCrashException)
            {
                book.Files.Restart(powerLost: stop % 2 == 0);
            }
            Copy(book);
            book.LinesOf("/target").Should().Equal(BackupFixture.Expected(60));
        }
    }

    [Fact]
    public void A_target_with_another_book_or_another_history_or_more_of_it_is_refused_and_not_added_to()
    {
        var book = new BackupFixture();
        book.Write(2, 3);
        using var source = book.Open();
        using (var other = FileJournal.Create("/other", new(new("other", new byte[32])), book.Files))
            FaultOf(() => JournalCopy.Append(source, other)).Should().Be(JournalFault.WrongBook);
        using (var forked = FileJournal.Create("/forked", Large, book.Files))
        {
            forked.Append(SampleBlocks.After(forked.Tail, 6));
            FaultOf(() => JournalCopy.Append(source, forked)).Should().Be(JournalFault.WrongBook);
            forked.Tail.Position.Should().Be(6);
        }
        using var more = FileJournal.Create("/more", Large, book.Files);
        JournalCopy.Append(source, more);
        more.Append(book.Next(more.Tail, 1));
        FaultOf(() => JournalCopy.Append(source, more)).Should().Be(JournalFault.WrongBook);
        FaultOf(() => JournalCopy.Compare(source, more)).Should().Be(JournalFault.WrongBook);
    }

    [Fact]
    public void A_source_whose_roots_do_not_hold_is_not_called_the_same()
    {
        var book = new BackupFixture();
        using var source = book.Open();
        source.Append(SampleBlocks.After(source.Tail, 6));
        using var target = FileJournal.Create("/target", Large, book.Files);
        JournalCopy.Append(source, target);
        FaultOf(() => JournalCopy.Compare(source, target)).Should().Be(JournalFault.Damaged);
    }

    private static void Copy(BackupFixture book)
    {
        using var source = book.Open();
        using var target = FileJournal.Open("/target", Large, book.Files);
        JournalCopy.Append(source, target);
    }

    private static List<string> Seals(BackupFixture book, string folder) =>
    [
        .. book.Files.Paths.Where(path => path.StartsWith(folder + "/journal", StringComparison.Ordinal)
                && path.EndsWith(".ndjson", StringComparison.Ordinal))
            .SelectMany(path => System.Text.Encoding.UTF8.GetString(book.Files.Content(path)).Split('\n'))
            .Where(line => line.StartsWith("{\"block\":", StringComparison.Ordinal)),
    ];

    private static JournalFault FaultOf(Action act) => act.Should().Throw<JournalException>().Which.Kind;
}
