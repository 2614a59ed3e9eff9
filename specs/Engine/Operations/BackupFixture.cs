using System.Text;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Operations;

/// <summary>
/// A journal with true roots on a disk in memory: commands of three events each, one a second from noon, and one block
/// of these many commands for each number.
/// </summary>
internal sealed class BackupFixture
{
    public const string Book = "/book", Backup = "/backup", Restored = "/restored";
    public const int Parts = 3;

    private static readonly DateTimeOffset At = new(2026, 1, 6, 8, 0, 0, TimeSpan.Zero);

    private readonly MerkleFrontier _frontier = new();
    private readonly FileJournalOptions _options;

    /// <param name="segmentBytes">Small: several blocks fill several segments.</param>
    public BackupFixture(long segmentBytes = 2_000, JournalIdentity? identity = null)
    {
        _options = new(identity ?? SampleBlocks.Book) { SegmentBytes = segmentBytes };
        FileJournal.Create(Book, _options, Files).Dispose();
    }

    public FaultyFileLayer Files { get; } = new(seed: 1);

    public FileJournal Open() => FileJournal.Open(Book, _options, Files);

    public void Write(params int[] commands)
    {
        using var journal = Open();
        foreach (var count in commands) journal.Append(Next(journal.Tail, count));
    }

    public SealedBlock Next(JournalTail tail, int commands)
    {
        var lines = new StringBuilder();
        var leaves = new byte[commands * Parts * 32];
        for (var i = 0; i < commands * Parts; i++)
        {
            var line = LineAt(tail.Position + 1 + i);
            TreeHash.OfLeaf(Encoding.UTF8.GetBytes(line)).ToArray().CopyTo(leaves, i * 32);
            lines.Append(line).Append('\n');
        }
        _frontier.Append(leaves);
        return new(
            tail.Block + 1, tail.Position + 1, commands * Parts, Encoding.UTF8.GetBytes(lines.ToString()),
            _frontier.Root().ToArray());
    }

    public static string LineAt(long position)
    {
        var (command, part) = Math.DivRem(position - 1, Parts);
        var parts = part == 0 ? $"\"parts\":{Parts}" : $"\"part\":{part + 1}";
        return $$$"""{"position":{{{position}}},"at":"{{{TimeOf(command + 1)}}}","type":"sample.v1",{{{parts}}},"data":{"at":"x"}}""";
    }

    /// <param name="command">From 1.</param>
    public static string TimeOf(long command) =>
        new DateTime(2026, 1, 5, 12, 0, 0).AddSeconds(command)
            .ToString("yyyy-MM-dd'T'HH:mm:ss'.000000Z'", System.Globalization.CultureInfo.InvariantCulture);

    public BackupResult BackUp() => JournalBackup.Make(Book, Backup, At, Files);

    public RestoreResult Restore(RestorePoint? point = null) =>
        JournalRestore.Make(Backup, Restored, point ?? RestorePoint.End, Files);

    /// <summary>Lines of a journal, whose files are verified first.</summary>
    public List<string> LinesOf(string folder)
    {
        FileJournal.Check(folder, Files).Damages.Should().BeEmpty();
        using var journal = FileJournal.OpenReadOnly(folder, Files);
        return JournalFixture.Lines(journal);
    }

    public static IEnumerable<string> Expected(long last) => Enumerable.Range(1, (int)last).Select(i => LineAt(i));

    public static string Segment(string folder, int number) => $"{folder}/journal/{number:D10}.ndjson";

    public void Overwrite(string path, long offset, string text)
    {
        using var file = Files.Open(path, FileAccess.ReadWrite);
        file.Write(Encoding.UTF8.GetBytes(text), offset);
    }
}
