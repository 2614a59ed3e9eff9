using System.Security.Cryptography;
using System.Text.Json;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Journal;

/// <summary>What a run of a backup did.</summary>
/// <param name="Copied">Bytes of segments that were copied.</param>
/// <param name="From">First position that was not in the backup before; one past the end where nothing was new.</param>
public sealed record BackupResult(BackupManifest Manifest, long Copied, long From);

/// <summary>An earlier backup that lies elsewhere than in the target's folder, and that this run will replace.</summary>
/// <param name="Path">Where it lies.</param>
public sealed record ReplacedBackup(string Path, BackupManifest Manifest);

/// <summary>
/// Copies a file journal into a folder while it is written: full segments, and of the last one what is durable, up to a
/// whole block. What was copied is read back, and its checksums and roots are computed again.
/// </summary>
/// <remarks>
/// The manifest is written last and says how much of each file counts, so a run that was cut short leaves the backup
/// before it as it was. A later run into the same folder copies only what came since; it first demands that the journal
/// still has the history that was backed up. The folder is itself a journal that can be checked and replayed.
/// </remarks>
public static class JournalBackup
{
    private const int ChunkBytes = 1 << 20;

    /// <param name="source">The book's folder; a writer may have it open.</param>
    /// <param name="target">The backup's folder: missing, empty, or of an earlier backup of this book.</param>
    /// <param name="at">Stands in the manifest.</param>
    /// <param name="progress">Told bytes copied so far.</param>
    /// <param name="replaced">What has to be of the same book and history; null where nothing is replaced.</param>
    /// <exception cref="JournalException">NotFound, Damaged or NewerFormat: the journal or the backup; WrongBook: the
    /// folder, or what is replaced, holds a backup of another book or history; NotEmpty: it holds something else; InUse: another run writes
    /// there; DiskFull or Failed.</exception>
    public static BackupResult Make(
        string source, string target, DateTimeOffset at, IFileLayer files, IProgress<long>? progress = null,
        ReplacedBackup? replaced = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        ArgumentException.ThrowIfNullOrEmpty(target);
        ArgumentNullException.ThrowIfNull(files);
        try
        {
            using var scan = JournalMaintenance.ScanBeside(new(source, files));
            var to = new JournalFolder(target, files);
            if (replaced is not null) DemandSame(replaced, new(source, files), scan);
            files.CreateFolder(to.Segments);
            using var held = files.TryLock(to.Lock)
                ?? throw new JournalException(JournalFault.InUse, $"Another backup is being made in {target}.");
            var earlier = Begin(to, scan.Identity!, at);
            using var run = new Run(new(source, files), to, scan, earlier, progress);
            return run.Copy(at);
        }
        catch (Exception exception) when (FileFaults.IsStorage(exception))
        {
            throw FileFaults.Wrap(exception, $"The backup in {target} could not be made");
        }
    }

    private static BackupManifest Begin(JournalFolder to, JournalIdentity identity, DateTimeOffset at)
    {
        var earlier = BackupManifest.TryRead(to.Root, to.Files);
        if (earlier is null)
        {
            var strangers = to.Files.List(to.Root)
                .Where(name => name is not ("lock" or BackupManifest.FileName + ".new"))
                .Concat(to.Files.List(to.Segments)).ToList();
            if (strangers.Count > 0)
                throw new JournalException(JournalFault.NotEmpty,
                    $"{to.Root} holds no backup, and is not empty: {string.Join(", ", strangers.Take(3))}.");
            earlier = BackupManifest.Begun(identity, at);
            to.WriteWhole(Path.Combine(to.Root, BackupManifest.FileName), earlier.Render());
        }
        DemandSame(earlier, identity, to.Root);
        return earlier;
    }

    private static void DemandSame(BackupManifest earlier, JournalIdentity identity, string path)
    {
        if (!earlier.Identity.IsSameAs(identity))
            throw new JournalException(JournalFault.WrongBook,
                $"{path} holds a backup of {earlier.Identity}, not of {identity}.");
    }

    private static void DemandSame(ReplacedBackup replaced, JournalFolder from, JournalScan scan)
    {
        DemandSame(replaced.Manifest, scan.Identity!, replaced.Path);
        using var run = new Run(from, new(replaced.Path, from.Files), scan, replaced.Manifest, progress: null);
        run.DemandSameHistory();
    }

    /// <summary>Reads a file's first bytes and says whether they are those that a manifest tells of.</summary>
    internal static void Hash(IFile file, long bytes, IncrementalHash into)
    {
        var chunk = new byte[ChunkBytes];
        for (long at = 0; at < bytes;)
        {
            var read = file.Read(chunk.AsSpan(0, (int)Math.Min(chunk.Length, bytes - at)), at);
            if (read == 0) return;
            into.AppendData(chunk.AsSpan(0, read));
            at += read;
        }
    }

    /// <summary>Copies bytes at the same place in both files.</summary>
    internal static void CopyBytes(
        IFile from, IFile to, long start, long end, IncrementalHash? hash, IProgress<long>? progress = null)
    {
        var chunk = new byte[ChunkBytes];
        for (var at = start; at < end;)
        {
            var read = from.Read(chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - at)), at);
            if (read == 0) throw new IOException("The file ended before what its journal says is durable.");
            to.Write(chunk.AsMemory(0, read), at);
            hash?.AppendData(chunk.AsSpan(0, read));
            at += read;
            progress?.Report(at - start);
        }
    }

    /// <summary>One run.</summary>
    private sealed class Run(
        JournalFolder from, JournalFolder to, JournalScan scan, BackupManifest earlier, IProgress<long>? progress)
        : IDisposable
    {
        private readonly BlockWalker walker = new(BlockWalker.SequentialChunk);
        private readonly MerkleFrontier frontier = MerkleFrontier.Load(earlier.Tree.Span);
        private readonly BlockLeaves leaves = new();
        private string? recordedAt = earlier.RecordedAt;
        private long copied;

        public BackupResult Copy(DateTimeOffset at)
        {
            var begun = DemandSameHistory();
            List<BackupFile> held = [.. earlier.Files];
            foreach (var segment in scan.Segments.Where(segment => segment.Segment >= earlier.Files.Count))
            {
                var number = segment.Segment;
                var have = number <= earlier.Files.Count ? earlier.Files[number - 1] : null;
                var start = have is null ? segment.Start : begun!.Value;
                if (have is not null && have.Bytes == segment.End.Offset) continue;
                var file = CopySegment(segment, have, start);
                if (have is null) held.Add(file);
                else held[number - 1] = file;
            }
            DemandSizes(held);
            to.Files.FlushFolder(to.Segments);
            var tail = scan.Segments[^1];
            to.WriteWhole(to.Acked,
                AckedFile.Initial(new AckedMark(tail.Tail.Block, tail.Tail.Position, tail.End.Previous)));
            var manifest = new BackupManifest(
                scan.Identity!, tail.Tail.Block, tail.Tail.Position, frontier.Root().ToString(), tail.End.Previous,
                recordedAt, at, frontier.Save(), held);
            to.WriteWhole(Path.Combine(to.Root, BackupManifest.FileName), manifest.Render());
            return new(manifest, copied, earlier.Position + 1);
        }

        public void Dispose() => walker.Dispose();

        /// <returns>Where the backup ends in its last segment; null where it has none.</returns>
        public WalkPoint? DemandSameHistory()
        {
            if (earlier.Files.Count == 0) return null;
            var (number, bytes) = (earlier.Files.Count, earlier.Files[^1].Bytes);
            var segment = scan.Segments.Find(segment => segment.Segment == number);
            if (segment is null || scan.Segments[^1].Tail.Position < earlier.Position || segment.End.Offset < bytes)
                throw Other($"The journal ends at position {scan.Segments[^1].Tail.Position}, before its backup.");
            using var file = from.Files.Open(from.Segment(number), FileAccess.Read);
            walker.Start(file, segment.Before(earlier.Position));
            var root = earlier.Root;
            while (walker.At.Offset < bytes && walker.Step(bytes) == WalkStep.Block)
                root = Convert.ToHexStringLower(walker.Block.Root);
            return walker.At is var at && at.Offset == bytes && at.Position == earlier.Position + 1
                && at.Previous == earlier.Seal && root == earlier.Root
                ? at
                : throw Other($"Up to position {earlier.Position} the journal has another history than its backup.");
        }

        private JournalException Other(string what) => new(JournalFault.WrongBook,
            $"{what} It was repaired or restored to an earlier time; make a backup elsewhere, and keep {to.Root}.");

        private BackupFile CopySegment(SegmentIndex segment, BackupFile? have, WalkPoint start)
        {
            var (path, name) = (to.Segment(segment.Segment), JournalFolder.Shown(segment.Segment));
            if (have is not null && !to.Files.Exists(path))
                throw BackupManifest.Damaged(to.Root, "the file is missing", name);
            using var source = from.Files.Open(from.Segment(segment.Segment), FileAccess.Read);
            using var target = have is null ? to.Files.Create(path) : to.Files.Open(path, FileAccess.ReadWrite);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            if (have is not null)
            {
                Hash(target, have.Bytes, hash);
                if (Convert.ToHexStringLower(hash.GetCurrentHash()) != have.Sha256)
                    throw BackupManifest.Damaged(to.Root, "its bytes are not those that were backed up", name);
                target.Truncate(have.Bytes);
            }
            var (from_, before) = (have?.Bytes ?? 0, copied);
            CopyBytes(source, target, from_, segment.End.Offset, hash,
                progress is null ? null : new Shifted(progress, before));
            copied += segment.End.Offset - from_;
            target.Flush();
            Verify(target, segment, start, name);
            return new(name, segment.End.Offset, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }

        /// <summary>Reads back what was written: the copy is what counts, not what it was made of.</summary>
        private void Verify(IFile copy, SegmentIndex segment, WalkPoint start, string name)
        {
            if (start == segment.Start)
            {
                var header = new byte[JournalLimits.HeaderBytes];
                if (SegmentFormat.ParseHeader(header.AsSpan(0, copy.Read(header, 0)), out _) is not { } read
                    || !read.Identity.IsSameAs(scan.Identity!) || read.Segment != segment.Segment)
                    throw BackupManifest.Damaged(to.Root, "the header line is damaged", name);
            }
            walker.Start(copy, start);
            while (walker.Step(segment.End.Offset) is var step && step != WalkStep.End)
            {
                if (step != WalkStep.Block)
                    throw BackupManifest.Damaged(to.Root, walker.Fault, name, walker.At.Position);
                var block = walker.Block;
                if (!leaves.Append(frontier, block, block.Events))
                    throw BackupManifest.Damaged(
                        to.Root, $"the root of block {block.Number} is not that of its events", name,
                        block.FirstPosition);
                if (walker.At.Offset == segment.End.Offset)
                    recordedAt = LineFacts.Of(block.Line(block.Events - 1)).At?.ToString();
            }
        }

        private void DemandSizes(List<BackupFile> held)
        {
            foreach (var file in held)
            {
                var path = Path.Combine(to.Root, file.File);
                if (!to.Files.Exists(path)) throw BackupManifest.Damaged(to.Root, "the file is missing", file.File);
                using var opened = to.Files.Open(path, FileAccess.Read);
                if (opened.Length < file.Bytes)
                    throw BackupManifest.Damaged(to.Root, "the file is too short", file.File);
            }
        }
    }

    private sealed class Shifted(IProgress<long> all, long by) : IProgress<long>
    {
        public void Report(long value) => all.Report(by + value);
    }
}

/// <summary>Adds a block's events to a tree, many hashes at a time.</summary>
internal sealed class BlockLeaves
{
    private readonly Slice[] slices = new Slice[JournalLimits.BlockEvents];
    private readonly byte[] leaves = new byte[JournalLimits.BlockEvents * Sha256Lanes.HashBytes];

    /// <param name="count">The first so many events.</param>
    /// <returns>False where the whole block was added and the root is not the one its seal states.</returns>
    public bool Append(MerkleFrontier frontier, in JournalBlock block, int count)
    {
        for (var i = 0; i < count; i++)
            slices[i] = new(block.Starts[i], block.Starts[i + 1] - 1 - block.Starts[i]);
        var hashes = leaves.AsSpan(0, count * Sha256Lanes.HashBytes);
        Sha256Lanes.HashLeaves(block.Lines.Span, slices.AsSpan(0, count), hashes);
        frontier.Append(hashes);
        return count < block.Events || frontier.Root() == TreeHash.From(block.Root);
    }
}

/// <summary>What an event line says of itself, without knowing its event.</summary>
/// <param name="At">When it was recorded; null where it does not say.</param>
/// <param name="Parts">How many events its command has, as the command's first event says.</param>
internal readonly record struct LineFacts(Instant? At, int Parts)
{
    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static LineFacts Of(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        var facts = new LineFacts(null, 1);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isAt, isParts) = (reader.ValueTextEquals("at"u8), reader.ValueTextEquals("parts"u8));
            reader.Read();
            if (isAt && reader.TokenType == JsonTokenType.String && Instant.TryParse(reader.ValueSpan, out var at))
                facts = facts with { At = at };
            else if (isParts && reader.TryGetInt32(out var parts) && parts > 0) facts = facts with { Parts = parts };
            else reader.Skip();
        }
        return facts;
    }
}
