namespace BankingEngine.Application.Journal;

/// <summary>Reads a file journal while it is written: up to the last durable block, and on when there are
/// more.</summary>
internal sealed class FileJournalReader : JournalReader
{
    private readonly FileJournal journal;
    private readonly BlockWalker walker;
    private readonly long fromPosition;
    private int segment;
    private IFile? file;
    private bool disposed;

    public FileJournalReader(FileJournal journal, long fromPosition, int chunk)
    {
        (this.journal, this.fromPosition) = (journal, fromPosition);
        walker = new BlockWalker(chunk);
        (segment, var point) = journal.Locate(fromPosition);
        try
        {
            OpenSegment(point);
        }
        catch
        {
            walker.Dispose();
            throw;
        }
    }

    public override bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        try
        {
            while (true)
            {
                var (end, next) = journal.Bounds(segment);
                switch (walker.Step(end))
                {
                    case WalkStep.Block when walker.Block.LastPosition < fromPosition:
                        break;
                    case WalkStep.Block:
                        Current = walker.Block;
                        return true;
                    case WalkStep.End when next is null:
                        return false;
                    case WalkStep.End:
                        segment++;
                        OpenSegment(next.Value);
                        break;
                    default:
                        throw Damaged();
                }
            }
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, "The journal could not be read");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposed) return;
        disposed = true;
        Current = default;
        walker.Dispose();
        file?.Dispose();
    }

    private void OpenSegment(WalkPoint at)
    {
        try
        {
            file?.Dispose();
            file = journal.Folder.Files.Open(journal.Folder.Segment(journal.SegmentNumber(segment)), FileAccess.Read);
            walker.Start(file, at);
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, "The journal could not be read");
        }
    }

    private JournalException Damaged()
    {
        var number = journal.SegmentNumber(segment);
        var line = JournalScan.LineAt(journal.Folder, journal.Folder.Segment(number), walker.At.Offset);
        return new JournalException(new JournalDamage(
            JournalFolder.Shown(number), line, walker.At.Offset, walker.At.Position, walker.Fault));
    }
}
