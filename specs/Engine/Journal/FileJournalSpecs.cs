using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class FileJournalSpecs : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("journal-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_was_appended_is_read_back_the_same_also_after_reopening()
    {
        using (var journal = Create()) Append(journal, 1, 60, 2_000, 3);
        using var reopened = Open();

        reopened.Opening.Torn.Should().BeNull();
        reopened.Tail.Block.Should().Be(4);
        reopened.Tail.Position.Should().Be(2_064);
        Lines(reopened, 1).Should().Equal(Enumerable.Range(1, 2_064).Select(position => SampleBlocks.LineAt(position)));
    }

    private FileJournal Create(long segmentBytes = 1 << 20) =>
        FileJournal.Create(folder, new(SampleBlocks.Book) { SegmentBytes = segmentBytes }, DiskFileLayer.Instance);

    private FileJournal Open(long segmentBytes = 1 << 20) =>
        FileJournal.Open(folder, new(SampleBlocks.Book) { SegmentBytes = segmentBytes }, DiskFileLayer.Instance);

    private static void Append(FileJournal journal, params int[] events)
    {
        foreach (var count in events) journal.Append(SampleBlocks.After(journal.Tail, count));
    }

    private static List<string> Lines(FileJournal journal, long from)
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
}
