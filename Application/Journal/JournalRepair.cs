using System.Globalization;

namespace BankingEngine.Application.Journal;

/// <summary>What a check of all bytes found.</summary>
/// <param name="Identity">As the first segment states it; null where its header is damaged.</param>
/// <param name="Block">Number of the last block read.</param>
/// <param name="Position">Of its last event.</param>
/// <param name="Damages">In the order of the files, at most 1,000; empty if all is sound.</param>
/// <param name="Torn">A block cut short by a crash, or one being written now: opening would cut it.</param>
public sealed record JournalCheck(
    JournalIdentity? Identity, long Block, long Position, IReadOnlyList<JournalDamage> Damages, TornTail? Torn);

/// <summary>What a repair gave up.</summary>
/// <param name="FromPosition">First position that the journal no longer holds: the start of a block.</param>
/// <param name="MovedTo">The folder that holds every byte given up.</param>
/// <param name="Bytes">Bytes of segments moved there.</param>
public sealed record JournalRepairResult(long FromPosition, string MovedTo, long Bytes);

/// <summary>Cuts a damaged journal where its keeper says. Nothing is deleted: what is given up is moved
/// aside.</summary>
internal static class JournalRepair
{
    public static JournalRepairResult Run(JournalFolder folder, long giveUpFrom, DateTimeOffset at)
    {
        using var scan = new JournalScan(folder);
        scan.Run(trustIndexes: false, expected: null);
        DemandSoundBefore(scan, giveUpFrom);

        var segment = scan.Segments.FindLastIndex(index => index.Start.Position <= giveUpFrom);
        var cut = FindCut(folder, scan.Segments[segment], giveUpFrom);
        var isWhole = segment > 0 && cut.Block == scan.Segments[segment].Start.Block;
        var aside = Path.Combine(folder.Segments,
            "cut-" + at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
        folder.Files.CreateFolder(aside);

        // Copies first, then names from the last segment down, then the mark, then the cut: stopped anywhere, the same
        // repair run again comes to the same end, and until the mark is lowered no opening takes the rest for a whole.
        long bytes = 0;
        if (!isWhole) bytes += CopyTail(folder, scan.Segments[segment].Segment, cut.Offset, aside);
        if (folder.Files.Exists(folder.Acked)) Copy(folder, folder.Acked, 0, Path.Combine(aside, "acked"));
        for (var last = scan.Segments.Count - 1; last >= segment + (isWhole ? 0 : 1); last--)
            bytes += MoveSegment(folder, scan.Segments[last].Segment, aside);
        folder.Files.FlushFolder(aside);
        folder.Files.FlushFolder(folder.Segments);
        folder.WriteWhole(folder.Acked,
            AckedFile.Initial(new AckedMark(cut.Block - 1, cut.Position - 1, cut.Previous)));
        if (!isWhole)
        {
            using var file = folder.Files.Open(folder.Segment(scan.Segments[segment].Segment), FileAccess.ReadWrite);
            file.Truncate(cut.Offset);
            file.Flush();
        }
        return new JournalRepairResult(cut.Position, aside, bytes);
    }

    private static void DemandSoundBefore(JournalScan scan, long giveUpFrom)
    {
        var unsound = scan.Damages.Where(damage => damage.Position < giveUpFrom).ToList();
        if (unsound.Count > 0) throw new JournalException(unsound);
        if (scan.Identity is null || scan.Segments[0].Segment != 1)
            throw new JournalException(JournalFault.NotFound,
                "The first segment's header is lost: nothing can be kept. Restore the journal from a copy.");
        ArgumentOutOfRangeException.ThrowIfLessThan(giveUpFrom, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(giveUpFrom, scan.Segments[^1].End.Position);
    }

    /// <returns>The start of the block that holds the position, or the end of the sound blocks.</returns>
    private static WalkPoint FindCut(JournalFolder folder, SegmentIndex segment, long position)
    {
        using var file = folder.Files.Open(folder.Segment(segment.Segment), FileAccess.Read);
        using var walker = new BlockWalker(BlockWalker.SequentialChunk);
        walker.Start(file, segment.Start);
        while (true)
        {
            var at = walker.At;
            if (walker.Step(file.Length) != WalkStep.Block || walker.At.Position > position) return at;
        }
    }

    private static long CopyTail(JournalFolder folder, int segment, long offset, string aside) => Copy(
        folder, folder.Segment(segment), offset,
        Path.Combine(aside, string.Create(CultureInfo.InvariantCulture,
            $"{JournalFolder.SegmentName(segment)}.from-{offset}")));

    private static long Copy(JournalFolder folder, string from, long offset, string to)
    {
        using var source = folder.Files.Open(from, FileAccess.Read);
        using var target = folder.Files.Create(to);
        var chunk = new byte[1 << 20];
        long copied = 0;
        for (int read; (read = source.Read(chunk, offset + copied)) > 0; copied += read)
            target.Write(chunk.AsMemory(0, read), copied);
        target.Flush();
        return copied;
    }

    private static long MoveSegment(JournalFolder folder, int segment, string aside)
    {
        long length;
        using (var file = folder.Files.Open(folder.Segment(segment), FileAccess.Read)) length = file.Length;
        if (folder.Files.Exists(folder.Index(segment)))
            folder.Files.Rename(folder.Index(segment), Path.Combine(aside, Path.GetFileName(folder.Index(segment))));
        folder.Files.Rename(folder.Segment(segment), Path.Combine(aside, JournalFolder.SegmentName(segment)));
        return length;
    }
}
