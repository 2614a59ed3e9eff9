using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Journal;

/// <summary>How far a book is restored: to whole commands at or before this.</summary>
/// <param name="Position">Last position wanted; null: no bound.</param>
/// <param name="Time">Last engine time wanted, inclusive; null: no bound.</param>
public sealed record RestorePoint(long? Position = null, Instant? Time = null)
{
    /// <summary>All that was backed up.</summary>
    public static RestorePoint End { get; } = new();
}

/// <summary>What was restored.</summary>
/// <param name="Position">Last position that was restored: the end of a command.</param>
/// <param name="Root">Of the tree up to there, 64 hexadecimal figures.</param>
/// <param name="RecordedAt">Engine time of the last event.</param>
/// <param name="LeftOut">Events of the backup that lie behind it.</param>
/// <param name="Resealed">Whether the last block is the first part of one: its seal is new, its events are not.</param>
public sealed record RestoreResult(
    JournalIdentity Identity, long Block, long Position, string Root, string? RecordedAt, long LeftOut, bool Resealed);

/// <summary>
/// Makes a journal of a backup, whole or up to a point, and verifies every byte it takes: the hash of each file as the
/// manifest has it, each block's checksum, and the tree over all events.
/// </summary>
/// <remarks>
/// A command's events are restored together or not at all. Snapshots, tree and digests are not part of a backup; the
/// program makes them anew. A folder counts as restored when its file <c>restoring</c> is gone; until then the same
/// restore may be run again, and begins anew.
/// </remarks>
public static class JournalRestore
{
    /// <summary>In the folder while it is not restored to the end.</summary>
    public const string Marker = "restoring";

    /// <param name="backup">Folder of the backup.</param>
    /// <param name="target">Folder of the new book: missing, without files, or of a restore that was cut short.</param>
    /// <param name="alongside">Runs when the journal is whole, before the folder counts as restored.</param>
    /// <param name="progress">Told positions restored so far.</param>
    /// <exception cref="JournalException">Damaged: the backup is not what its manifest says; NotFound: there is no
    /// backup, or no whole command up to the point; NotEmpty: something is in the folder; NewerFormat, DiskFull or
    /// Failed.</exception>
    public static RestoreResult Make(
        string backup, string target, RestorePoint point, IFileLayer files, Action? alongside = null,
        IProgress<long>? progress = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(target);
        ArgumentNullException.ThrowIfNull(point);
        var manifest = BackupManifest.Read(backup, files);
        if (point.Position > manifest.Position)
            throw new JournalException(JournalFault.NotFound, $"The backup ends at position {manifest.Position}.");
        try
        {
            using var run = new Run(new(backup, files), new(target, files), manifest, point, progress);
            return run.Restore(alongside);
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, $"The book could not be restored to {target}");
        }
    }

    private sealed class Run(
        JournalFolder from, JournalFolder to, BackupManifest manifest, RestorePoint point, IProgress<long>? progress)
        : IDisposable
    {
        private readonly BlockWalker walker = new(BlockWalker.SequentialChunk);
        private readonly MerkleFrontier frontier = new();
        private readonly BlockLeaves leaves = new();
        private AckedMark mark;
        private Instant? recordedAt;
        private bool cut, resealed, begun;

        public RestoreResult Restore(Action? alongside)
        {
            DemandEmpty();
            for (var number = 1; number <= manifest.Files.Count && !cut; number++) RestoreSegment(number);
            if (mark.Position == 0)
                throw new JournalException(JournalFault.NotFound, "The backup holds no whole command up to there.");
            if (!cut && (mark.Position != manifest.Position || frontier.Root().ToString() != manifest.Root))
                throw BackupManifest.Damaged(
                    from.Root, $"the segments end at position {mark.Position}, not {manifest.Position}");
            to.Files.FlushFolder(to.Segments);
            to.WriteWhole(to.Acked, AckedFile.Initial(mark));
            DemandSound();
            alongside?.Invoke();
            to.Files.Delete(MarkerPath);
            to.Files.FlushFolder(to.Root);
            return new(manifest.Identity, mark.Block, mark.Position, frontier.Root().ToString(), recordedAt?.ToString(),
                manifest.Position - mark.Position, resealed);
        }

        public void Dispose() => walker.Dispose();

        private string MarkerPath => Path.Combine(to.Root, Marker);

        private void DemandEmpty()
        {
            if (to.Files.Exists(MarkerPath)) return;
            var strangers = to.Files.List(to.Root).Where(name => name != Marker + ".new")
                .Concat(to.Files.List(to.Segments)).ToList();
            if (strangers.Count > 0)
                throw new JournalException(JournalFault.NotEmpty,
                    $"{to.Root} is not empty: {string.Join(", ", strangers.Take(3))}.");
        }

        /// <summary>Before the first byte of the journal; removes what a restore that was cut short left.</summary>
        private void Begin()
        {
            if (begun) return;
            begun = true;
            to.Files.CreateFolder(to.Segments);
            to.WriteWhole(MarkerPath, Encoding.ASCII.GetBytes($"{manifest.Identity}\n"));
            if (to.Files.Exists(to.Acked)) to.Files.Delete(to.Acked);
            foreach (var name in to.Files.List(to.Segments)) to.Files.Delete(Path.Combine(to.Segments, name));
        }

        private void RestoreSegment(int number)
        {
            var held = manifest.Files[number - 1];
            if (!from.Files.Exists(from.Segment(number))) throw Damaged(held, "the file is missing");
            using var source = from.Files.Open(from.Segment(number), FileAccess.Read);
            DemandHash(source, held);
            var start = StartOf(source, held, number);
            walker.Start(source, start);
            while (true)
            {
                var at = walker.At;
                var step = walker.Step(held.Bytes);
                if (step == WalkStep.Broken)
                    throw BackupManifest.Damaged(from.Root, walker.Fault, held.File, at.Position);
                var keep = step == WalkStep.End ? 0 : Kept(walker.Block, held);
                if (step == WalkStep.Block && keep == walker.Block.Events)
                {
                    Take(walker.Block, keep, held);
                    mark = new(walker.Block.Number, walker.Block.LastPosition, walker.At.Previous);
                    continue;
                }
                cut = step == WalkStep.Block;
                // A segment of which nothing is kept is not begun, but for the first.
                if (cut && keep == 0 && at.Offset == start.Offset) return;
                Write(source, number, at, keep, held);
                return;
            }
        }

        private void Write(IFile source, int number, WalkPoint at, int keep, BackupFile held)
        {
            Begin();
            using var target = to.Files.Create(to.Segment(number));
            JournalBackup.CopyBytes(source, target, 0, at.Offset, hash: null);
            if (keep > 0)
            {
                var block = walker.Block;
                Take(block, keep, held);
                var sealedBlock = new SealedBlock(
                    block.Number, block.FirstPosition, keep, block.Lines[..block.Starts[keep]],
                    frontier.Root().ToArray());
                var seal = new byte[JournalLimits.SealBytes];
                var length = SegmentFormat.WriteSeal(seal, sealedBlock, at.Previous, out var crc);
                target.Write(sealedBlock.Lines, seal.AsMemory(0, length), at.Offset);
                mark = new(block.Number, block.FirstPosition + keep - 1, crc);
                resealed = true;
            }
            target.Flush();
        }

        private void Take(in JournalBlock block, int keep, BackupFile held)
        {
            if (!leaves.Append(frontier, block, keep))
                throw BackupManifest.Damaged(
                    from.Root, $"the root of block {block.Number} is not that of its events", held.File,
                    block.FirstPosition);
            recordedAt = FactsOf(block, keep - 1, held).At ?? recordedAt;
            progress?.Report(block.FirstPosition + keep - 1);
        }

        /// <returns>How many events of a block are whole commands at or before the point.</returns>
        private int Kept(in JournalBlock block, BackupFile held)
        {
            if (!IsBeyond(block, block.Events - 1, held)) return block.Events;
            var keep = 0;
            while (keep < block.Events)
            {
                var next = keep + FactsOf(block, keep, held).Parts;
                if (next > block.Events)
                    throw BackupManifest.Damaged(
                        from.Root, "a command ends in another block", held.File, block.FirstPosition + keep);
                if (IsBeyond(block, next - 1, held)) break;
                keep = next;
            }
            return keep;
        }

        private bool IsBeyond(in JournalBlock block, int index, BackupFile held) =>
            block.FirstPosition + index > point.Position
            || (point.Time is { } time && FactsOf(block, index, held).At is { } at && at > time);

        private LineFacts FactsOf(in JournalBlock block, int index, BackupFile held)
        {
            try
            {
                return LineFacts.Of(block.Line(index));
            }
            catch (JsonException)
            {
                throw BackupManifest.Damaged(from.Root, "the line is no event", held.File, block.FirstPosition + index);
            }
        }

        private WalkPoint StartOf(IFile source, BackupFile held, int number)
        {
            var line = new byte[JournalLimits.HeaderBytes];
            var header = SegmentFormat.ParseHeader(line.AsSpan(0, source.Read(line, 0)), out var newer);
            if (newer) throw new JournalException(JournalFault.NewerFormat, $"{held.File} is of a newer format.");
            return header is not null && header.Segment == number && header.Identity.IsSameAs(manifest.Identity)
                && header.FirstBlock == mark.Block + 1 && header.FirstPosition == mark.Position + 1
                && header.Previous == mark.SealCrc
                ? new(header.Length, header.FirstBlock, header.FirstPosition, header.Previous)
                : throw Damaged(held, "the header line is damaged, or the segment is not the one that follows");
        }

        private void DemandHash(IFile source, BackupFile held)
        {
            if (source.Length < held.Bytes) throw Damaged(held, "the file is too short");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            JournalBackup.Hash(source, held.Bytes, hash);
            if (Convert.ToHexStringLower(hash.GetHashAndReset()) != held.Sha256)
                throw Damaged(held, "its bytes are not those that were backed up");
        }

        /// <summary>Reads back what was written.</summary>
        private void DemandSound()
        {
            var check = FileJournal.Check(to.Root, to.Files);
            if (check.Damages.Count > 0) throw new JournalException(check.Damages);
            if (check.Position != mark.Position || check.Torn is not null)
                throw new JournalException(JournalFault.Failed, "What was written could not be read back.");
        }

        private JournalException Damaged(BackupFile held, string what) =>
            BackupManifest.Damaged(from.Root, what, held.File);
    }
}
