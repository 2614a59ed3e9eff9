using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Journal.Verification;

/// <summary>
/// Shows that one event line is in a book, to whoever holds a checkpoint of that size. FORMAT.md is the public page.
/// </summary>
/// <param name="Format"><see cref="Name"/>.</param>
/// <param name="Origin">The book, as its checkpoints name it.</param>
/// <param name="Position">Of the event, from 1.</param>
/// <param name="Size">Leaves of the tree it is shown to be in: the size of the checkpoint to hold it against.</param>
/// <param name="Line">The event line; its UTF-8 bytes are the leaf.</param>
/// <param name="Leaf">Base64 of SHA-256(0x00 ‖ line).</param>
/// <param name="Root">Base64 of the root at <paramref name="Size"/>; stated for convenience, the checkpoint's
/// counts.</param>
/// <param name="Hashes">Base64 of the siblings from the leaf up (RFC 6962 §2.1.1).</param>
public sealed record InclusionProof(
    string Format, string Origin, long Position, long Size, string Line, string Leaf, string Root, string[] Hashes)
{
    public const string Name = "bankingengine.inclusion.v1";

    /// <exception cref="ArgumentOutOfRangeException">The position is not within the size, or the size beyond the
    /// tree.</exception>
    /// <exception cref="JournalException">The line cannot be read.</exception>
    public static InclusionProof Make(TreeStore tree, IJournal journal, string origin, long position, long size)
    {
        var siblings = Proofs.Inclusion(tree, position - 1, size);
        var line = new ArrayBufferWriter<byte>();
        ArgumentOutOfRangeException.ThrowIfEqual(journal.TryReadEvent(position, line), false, nameof(position));
        return new(Name, origin, position, size, Encoding.UTF8.GetString(line.WrittenSpan),
            TreeHash.OfLeaf(line.WrittenSpan).ToBase64(),
            tree.Root(size).ToBase64(), [.. siblings.Select(hash => hash.ToBase64())]);
    }
}

/// <summary>
/// Shows that a book of one size begins with the same book of a smaller size. FORMAT.md is the public page.
/// </summary>
/// <param name="Format"><see cref="Name"/>.</param>
/// <param name="Origin">The book, as its checkpoints name it.</param>
/// <param name="From">The smaller size, from 1.</param>
/// <param name="To">The size of the checkpoint to hold it against.</param>
/// <param name="FromRoot">Base64 of the root at <paramref name="From"/>.</param>
/// <param name="ToRoot">Base64 of the root at <paramref name="To"/>.</param>
/// <param name="Hashes">Base64 (RFC 6962 §2.1.2); empty where both sizes are the same.</param>
public sealed record ConsistencyProof(
    string Format, string Origin, long From, long To, string FromRoot, string ToRoot, string[] Hashes)
{
    public const string Name = "bankingengine.consistency.v1";

    /// <exception cref="ArgumentOutOfRangeException">Sizes below 1, shrinking, or beyond the tree.</exception>
    public static ConsistencyProof Make(TreeStore tree, string origin, long from, long to)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        var hashes = Proofs.Consistency(tree, from, to);
        return new(Name, origin, from, to, tree.Root(from).ToBase64(), tree.Root(to).ToBase64(),
            [.. hashes.Select(hash => hash.ToBase64())]);
    }
}

/// <summary>Proof files: one JSON object each, told apart by their format.</summary>
public static class ProofFile
{
    /// <summary>Characters beyond which nothing is read as a proof: the longest line, escaped, and 64 hashes.</summary>
    public const int MaximumLength = 6 * JournalLimits.BlockBytes + 16 * 1024;

    /// <summary>A proof of a tree as large as can be has no more hashes.</summary>
    public const int MaximumHashes = 64;

    public static string Write(InclusionProof proof) =>
        JsonSerializer.Serialize(proof, ProofJson.Readable.InclusionProof) + "\n";

    public static string Write(ConsistencyProof proof) =>
        JsonSerializer.Serialize(proof, ProofJson.Readable.ConsistencyProof) + "\n";

    /// <summary>Reads either kind. Says nothing about whether it holds.</summary>
    /// <param name="inclusion">Set where it is one.</param>
    /// <param name="consistency">Set where it is one.</param>
    /// <returns>False for anything else, unknown members and missing ones included. Never throws.</returns>
    public static bool TryRead(string? text, out InclusionProof? inclusion, out ConsistencyProof? consistency)
    {
        (inclusion, consistency) = (null, null);
        if (text is null || text.Length > MaximumLength) return false;
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("format", out var format)
                    || format.ValueKind != JsonValueKind.String)
                return false;
            switch (format.GetString())
            {
                case InclusionProof.Name:
                    inclusion = JsonSerializer.Deserialize(text, ProofJson.Readable.InclusionProof);
                    return inclusion is not null;
                case ConsistencyProof.Name:
                    consistency = JsonSerializer.Deserialize(text, ProofJson.Readable.ConsistencyProof);
                    return consistency is not null;
                default: return false;
            }
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // A text with half of a surrogate pair cannot be told as UTF-8.
            return false;
        }
    }

    /// <summary>The hashes of a proof; false where one is no hash or there are too many.</summary>
    internal static bool TryHashes(string[] texts, [NotNullWhen(true)] out TreeHash[]? hashes)
    {
        hashes = null;
        if (texts.Length > MaximumHashes) return false;
        var read = new TreeHash[texts.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            if (!TreeHash.TryFromBase64(texts[i], out read[i])) return false;
        }
        hashes = read;
        return true;
    }
}

[JsonSerializable(typeof(InclusionProof))]
[JsonSerializable(typeof(ConsistencyProof))]
internal sealed partial class ProofJson : JsonSerializerContext
{
    /// <summary>Lines as they read in the journal, not escaped beyond need.</summary>
    public static ProofJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
