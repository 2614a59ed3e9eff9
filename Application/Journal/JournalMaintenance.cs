namespace BankingEngine.Application.Journal;

/// <summary>What happens to a journal's files other than appending: taking hold, settling the tail after a crash.</summary>
internal static class JournalMaintenance
{
    /// <summary>Scans beside a writer: it may be caught while it writes the mark or begins a segment.</summary>
    private const int ScansBeside = 5;

    private static readonly TimeSpan
        BetweenScans = TimeSpan.FromMilliseconds(20), LongestFlush = TimeSpan.FromSeconds(1);

    /// <summary>Runs an action under the folder's lock, which the action's result keeps; lets go of it on failure.</summary>
    public static T Locked<T>(string path, IFileLayer files, bool create, Func<JournalFolder, IFile, T> action)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(files);
        var folder = new JournalFolder(path, files);
        IFile? held = null;
        try
        {
            if (create) files.CreateFolder(folder.Segments);
            else if (folder.ListSegments().Count == 0 && !files.Exists(folder.Acked))
                throw new JournalException(JournalFault.NotFound, $"There is no journal in {path}.");
            held = files.TryLock(folder.Lock)
                ?? throw new JournalException(JournalFault.InUse, $"The journal in {path} is open elsewhere{Holder(folder)}.");
            var result = action(folder, held);
            held = null;
            return result;
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, $"The journal in {path} could not be opened");
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Runs an action that only reads, without the lock.</summary>
    public static T Reading<T>(string path, IFileLayer files, Func<JournalFolder, T> action)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(files);
        try
        {
            return action(new JournalFolder(path, files));
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, $"The journal in {path} could not be read");
        }
    }

    /// <summary>A scan without the lock, of a journal that may be growing: what looks damaged is looked at again.</summary>
    /// <exception cref="JournalException">Damaged, and still so at the last look; NotFound, NewerFormat.</exception>
    public static JournalScan ScanBeside(JournalFolder folder)
    {
        for (var looks = 1; ; looks++)
        {
            var scan = new JournalScan(folder);
            try
            {
                scan.Run(trustIndexes: true, expected: null);
                if (scan.Damages.Count == 0)
                {
                    AwaitAcknowledged(folder, scan.Segments[^1].Tail.Block);
                    return scan;
                }
                if (looks == ScansBeside) throw new JournalException(scan.Damages);
            }
            catch
            {
                scan.Dispose();
                throw;
            }
            scan.Dispose();
            Thread.Sleep(BetweenScans);
        }
    }

    /// <summary>Where a writer is about to flush the last block, waits until it has. A mark that stays behind is one that
    /// a crash left, and the block is as sound as an opening would find it.</summary>
    private static void AwaitAcknowledged(JournalFolder folder, long block)
    {
        for (var waited = TimeSpan.Zero; waited < LongestFlush; waited += BetweenScans)
        {
            using (var file = folder.Files.Open(folder.Acked, FileAccess.Read))
            {
                if (AckedFile.Read(file, out _) is { } mark && mark.Block >= block) return;
            }
            Thread.Sleep(BetweenScans);
        }
    }

    /// <exception cref="JournalException">NotEmpty: anything is there that an interrupted creation does not leave.</exception>
    public static void DemandEmpty(JournalFolder folder)
    {
        var strangers = folder.Files.List(folder.Root).Where(name => name is not ("lock" or "acked" or "acked.new"))
            .Concat(folder.Files.List(folder.Segments).Where(name => name != JournalFolder.SegmentName(1) + ".new"))
            .ToList();
        if (folder.Files.Exists(folder.Acked))
        {
            using var file = folder.Files.Open(folder.Acked, FileAccess.Read);
            if (AckedFile.Read(file, out _) is { Block: > 0 }) strangers.Add("acked");
        }
        if (strangers.Count > 0)
            throw new JournalException(JournalFault.NotEmpty,
                $"{folder.Root} is not empty: {string.Join(", ", strangers.Take(3))}.");
    }

    /// <summary>After a scan without damage: cuts the torn tail, makes sure of the last block, renews the mark.</summary>
    public static JournalOpening Settle(JournalFolder folder, JournalScan scan)
    {
        var last = scan.Segments[^1];
        var mark = scan.Mark!.Value;
        using (var file = folder.Files.Open(folder.Segment(last.Segment), FileAccess.ReadWrite))
        {
            if (scan.Torn is { } torn) file.Truncate(torn.Offset);
            if (last.Tail.Block > mark.Block && last.End.Offset > last.Start.Offset)
                Rewrite(file, scan.LastBlock.Offset, last.End.Offset);
            file.Flush();
        }
        // The crash may have come between naming a segment and flushing the name.
        folder.Files.FlushFolder(folder.Segments);
        folder.WriteWhole(folder.Acked,
            AckedFile.Initial(new AckedMark(last.Tail.Block, last.Tail.Position, last.End.Previous)));
        foreach (var index in scan.Unindexed) WriteIndex(folder, index);
        return new JournalOpening(scan.Torn, last.Tail.Block - mark.Block, scan.Unindexed.Count);
    }

    /// <summary>The sidecar is a cache: it needs no flush, its checksum tells whether it survived.</summary>
    public static void WriteIndex(JournalFolder folder, SegmentIndex index)
    {
        using var file = folder.Files.Create(folder.Index(index.Segment));
        file.Write(index.Render(), 0);
    }

    /// <summary>Writes the last block again as it is. After a failed flush a kernel may hold pages that it believes are
    /// on disk and that are not; writing makes them dirty again, so that the flush that follows is true.</summary>
    private static void Rewrite(IFile file, long from, long to)
    {
        var bytes = new byte[to - from];
        if (file.Read(bytes, from) == bytes.Length) file.Write(bytes, from);
    }

    private static string Holder(JournalFolder folder)
    {
        try
        {
            using var file = folder.Files.Open(folder.Lock, FileAccess.Read);
            Span<byte> digits = stackalloc byte[16];
            var pid = System.Text.Encoding.ASCII.GetString(digits[..file.Read(digits, 0)]).Trim();
            return pid.Length == 0 ? "" : $", by process {pid}";
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            return "";
        }
    }
}
