using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Journal;

/// <summary>A journal on a disk in memory, and hands to break it with.</summary>
internal sealed class JournalFixture(long segmentBytes = 1 << 20)
{
    public const string Folder = "/book";

    public FaultyFileLayer Files { get; } = new(seed: 1);

    public FileJournalOptions Options { get; } = new(SampleBlocks.Book) { SegmentBytes = segmentBytes };

    /// <summary>A journal of blocks with these many events each, closed cleanly.</summary>
    public static JournalFixture With(params int[] events)
    {
        var fixture = new JournalFixture();
        using var journal = FileJournal.Create(Folder, fixture.Options, fixture.Files);
        Append(journal, events);
        return fixture;
    }

    /// <summary>As <see cref="With"/>, in several segments: one block of 30 lines fills one.</summary>
    public static JournalFixture InSegments(int blocks)
    {
        var fixture = new JournalFixture(segmentBytes: 5_000);
        using var journal = FileJournal.Create(Folder, fixture.Options, fixture.Files);
        Append(journal, [.. Enumerable.Repeat(30, blocks)]);
        return fixture;
    }

    public FileJournal Open() => FileJournal.Open(Folder, Options, Files);

    public JournalCheck Check() => FileJournal.Check(Folder, Files);

    public JournalException Refusal() =>
        ((Func<FileJournal>)Open).Should().Throw<JournalException>().Which;

    public static string Segment(int number) => $"{Folder}/journal/{number:D10}.ndjson";

    public string Text(int segment = 1) => Encoding.UTF8.GetString(Files.Content(Segment(segment)));

    public void Overwrite(string path, long offset, string text)
    {
        using var file = Files.Open(path, FileAccess.ReadWrite);
        file.Write(Encoding.UTF8.GetBytes(text), offset);
    }

    public void Truncate(string path, long length)
    {
        using var file = Files.Open(path, FileAccess.ReadWrite);
        file.Truncate(length);
    }

    public void AppendText(string text, int segment = 1) => Overwrite(Segment(segment), Text(segment).Length, text);

    public static void Append(IJournal journal, params int[] events)
    {
        foreach (var count in events) journal.Append(SampleBlocks.After(journal.Tail, count));
    }

    public static List<string> Lines(IJournal journal, long from = 1)
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

    public static IEnumerable<string> Expected(int last) =>
        Enumerable.Range(1, last).Select(position => SampleBlocks.LineAt(position));
}
