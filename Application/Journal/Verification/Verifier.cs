using System.Text;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Journal.Verification;

/// <summary>
/// Checks what a bank says of itself with nothing but what an auditor holds: files and a public key. Needs no server,
/// trusts no cache, and never throws because of what a file says.
/// </summary>
public static class Verifier
{
    /// <summary>Whether a checkpoint is one and its signature holds.</summary>
    /// <param name="text">The signed text.</param>
    public static VerificationReport Signature(string? text, VerificationKey key)
    {
        var findings = new List<Finding>();
        var checkpoint = Read(text, key, "The checkpoint", findings);
        return new(checkpoint?.Origin, checkpoint?.Size ?? 0, checkpoint?.Root, findings);
    }

    /// <summary>Whether a proof file holds against a checkpoint.</summary>
    /// <param name="proof">The text of a proof file, of either kind.</param>
    /// <param name="checkpoint">Signed, and of the size that the proof is about; of a consistency proof, the
    /// larger.</param>
    /// <param name="earlier">
    /// With a consistency proof: the signed checkpoint of the smaller size that was kept; null to take the smaller
    /// root as the proof states it.
    /// </param>
    public static VerificationReport Proof(string? proof, string? checkpoint, VerificationKey key,
        string? earlier = null)
    {
        var findings = new List<Finding>();
        var signed = Read(checkpoint, key, "The checkpoint", findings);
        var kept = earlier is null ? null : Read(earlier, key, "The earlier checkpoint", findings);
        if (!ProofFile.TryRead(proof, out var inclusion, out var consistency))
            findings.Add(new(FindingKind.Unreadable, "The proof is not a proof file of a known format."));
        if (signed is not null && inclusion is not null) Check(inclusion, signed, findings);
        if (signed is not null && consistency is not null && (earlier is null || kept is not null))
            Check(consistency, signed, kept, findings);
        return new(signed?.Origin, signed?.Size ?? 0, signed?.Root, findings);
    }

    /// <summary>
    /// A whole journal folder: positions without gaps, every seal's root recomputed, and equal to every checkpoint.
    /// </summary>
    /// <param name="folder">The book's folder; also of a book that is being written.</param>
    /// <param name="checkpoints">Signed texts, in any order; each must hold. With none only the seals are
    /// compared.</param>
    /// <param name="key">Needed where there are checkpoints.</param>
    /// <param name="progress">Told bytes read so far.</param>
    /// <exception cref="IOException">The storage failed.</exception>
    public static VerificationReport Journal(
        string folder, IReadOnlyList<string> checkpoints, VerificationKey? key, IProgress<long>? progress = null)
    {
        var findings = new List<Finding>();
        using var walk = new JournalWalk(Read(checkpoints, key, findings), findings);
        var place = new JournalFolder(folder, DiskFileLayer.Instance);
        var segments = Directory.Exists(place.Segments) ? place.ListSegments() : [];
        if (segments.Count == 0) findings.Add(new(FindingKind.Unreadable, "There is no journal.", folder));
        var read = 0L;
        foreach (var segment in segments)
        {
            using var file = new FileStream(place.Segment(segment), FileMode.Open, FileAccess.Read, FileShare.ReadWrite,
                bufferSize: 0);
            read = walk.Read(file, JournalFolder.Shown(segment), read, progress);
        }
        return walk.Finish();
    }

    /// <summary>A journal that several hosts reach, as its store gives it back: as with a folder.</summary>
    /// <param name="progress">Told positions read so far.</param>
    /// <exception cref="JournalException">The store failed or did not answer.</exception>
    public static VerificationReport Journal(
        IJournal journal, IReadOnlyList<string> checkpoints, VerificationKey? key, IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(journal);
        var findings = new List<Finding>();
        using var walk = new JournalWalk(Read(checkpoints, key, findings), findings);
        walk.Read(journal, progress);
        return walk.Finish();
    }

    /// <summary>
    /// Event lines as exported, from position 1 on: positions without gaps, and the root equal to every checkpoint.
    /// Lines of headers and seals may stand among them and are then held against the lines.
    /// </summary>
    /// <param name="lines">UTF-8, a newline after each line.</param>
    /// <param name="name">What findings call it.</param>
    /// <param name="checkpoints">As with a journal; without any, nothing but the positions can be checked.</param>
    /// <exception cref="IOException">The stream failed.</exception>
    public static VerificationReport Export(
        Stream lines, string name, IReadOnlyList<string> checkpoints, VerificationKey? key,
            IProgress<long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var findings = new List<Finding>();
        using var walk = new JournalWalk(Read(checkpoints, key, findings), findings);
        walk.Read(lines, name, 0, progress);
        return walk.Finish();
    }

    private static List<Checkpoint> Read(IReadOnlyList<string> texts, VerificationKey? key, List<Finding> findings)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count > 0) ArgumentNullException.ThrowIfNull(key);
        var read = new List<Checkpoint>();
        for (var i = 0; i < texts.Count; i++)
        {
            var named = texts.Count == 1 ? "The checkpoint" : $"Checkpoint {i + 1}";
            if (Read(texts[i], key!, named, findings) is { } checkpoint) read.Add(checkpoint);
        }
        return read;
    }

    private static Checkpoint? Read(string? text, VerificationKey key, string named, List<Finding> findings)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!Checkpoint.TryParse(text, out var checkpoint))
        {
            findings.Add(new(FindingKind.Unreadable, $"{named} is not a signed checkpoint."));
            return null;
        }
        if (Checkpoint.Verify(text, checkpoint.Origin, key.SubjectPublicKeyInfo)) return checkpoint;
        findings.Add(new(FindingKind.SignatureInvalid,
            $"{named} of {checkpoint.Origin} at {checkpoint.Size} is not signed with this key."));
        return null;
    }

    private static void Check(InclusionProof proof, Checkpoint signed, List<Finding> findings)
    {
        void Add(FindingKind kind, string what) =>
            findings.Add(new(kind, what, From: proof.Position, To: proof.Position));

        if (proof.Origin != signed.Origin)
            Add(FindingKind.WrongBook, $"The proof is of {proof.Origin}, the checkpoint of {signed.Origin}.");
        if (proof.Size != signed.Size)
        {
            Add(FindingKind.SizeDiffers,
                $"The proof is about {proof.Size} events, the checkpoint about {signed.Size}.");
            return;
        }
        var line = Encoding.UTF8.GetBytes(proof.Line);
        var leaf = TreeHash.OfLeaf(line);
        if (leaf.ToBase64() != proof.Leaf || !JournalWalk.TryPosition(line, out var position)
            || position != proof.Position)
            Add(FindingKind.LeafDiffers,
                $"The line that the proof carries is not the leaf of position {proof.Position}.");
        if (signed.Root.ToBase64() != proof.Root)
            Add(FindingKind.RootDiffers, "The root that the proof states is not the checkpoint's.");
        if (!ProofFile.TryHashes(proof.Hashes, out var hashes)
            || !Proofs.VerifyInclusion(leaf, proof.Position - 1, proof.Size, hashes, signed.Root))
            Add(FindingKind.ProofInvalid,
                $"The line is not shown to stand at position {proof.Position} of {proof.Size}.");
    }

    private static void Check(ConsistencyProof proof, Checkpoint signed, Checkpoint? kept, List<Finding> findings)
    {
        if (proof.Origin != signed.Origin || (kept is not null && kept.Origin != signed.Origin))
            findings.Add(new(FindingKind.WrongBook, "The proof and the checkpoints are not of one book."));
        if (proof.To != signed.Size || (kept is not null && kept.Size != proof.From))
        {
            findings.Add(new(FindingKind.SizeDiffers, $"The proof leads from {proof.From} to {proof.To} events, "
                + $"the checkpoints are of {(kept is null ? "" : $"{kept.Size} and ")}{signed.Size}."));
            return;
        }
        if (!TreeHash.TryFromBase64(proof.FromRoot, out var from) || !TreeHash.TryFromBase64(proof.ToRoot, out var to)
            || !ProofFile.TryHashes(proof.Hashes, out var hashes))
        {
            findings.Add(new(FindingKind.Unreadable, "The proof has something that is no hash."));
            return;
        }
        if (to != signed.Root || (kept is not null && from != kept.Root))
            findings.Add(new(FindingKind.RootDiffers, "A root that the proof states is not its checkpoint's."));
        if (!Proofs.VerifyConsistency(proof.From, proof.To, kept?.Root ?? from, signed.Root, hashes))
            findings.Add(new(FindingKind.ProofInvalid,
                $"The {proof.To} events are not shown to begin with the {proof.From}: the past was changed.", From: 1,
                    To: proof.From));
    }
}
