using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using BankingEngine.Application.Journal.Tree;

namespace BankingEngine.Application.Journal.Verification;

/// <summary>What kind of thing a verification found wrong. Programs choose by it; names are never changed.</summary>
public enum FindingKind
{
    /// <summary>The text is no checkpoint, no proof or no journal of a form this program knows.</summary>
    Unreadable,

    /// <summary>No signature of the given key holds over the checkpoint.</summary>
    SignatureInvalid,

    /// <summary>The parts are of two different books.</summary>
    WrongBook,

    /// <summary>The parts speak of trees of different sizes, so that they prove nothing about each other.</summary>
    SizeDiffers,

    /// <summary>
    /// The line that a proof carries is not the leaf, or has not the position, that the proof is about.
    /// </summary>
    LeafDiffers,

    /// <summary>
    /// The root is another than the checkpoint or the seal states: something in the past was changed.
    /// </summary>
    RootDiffers,

    /// <summary>The hashes of a proof do not lead to the root.</summary>
    ProofInvalid,

    /// <summary>Positions are left out.</summary>
    PositionMissing,

    /// <summary>A position stands twice or out of order.</summary>
    PositionRepeated,

    /// <summary>A seal does not fit the lines before it.</summary>
    SealDiffers,

    /// <summary>The journal ends before the checkpoint's size: what was signed is gone.</summary>
    TooShort,

    /// <summary>What a line says was signed was not, or is not what the line says.</summary>
    SignedCommandInvalid,
}

/// <summary>One thing that is wrong.</summary>
/// <param name="What">One sentence for people. May change.</param>
/// <param name="File">The file it was found in; null where there is none.</param>
/// <param name="Line">1-based; 0 where lines have no part in it.</param>
/// <param name="From">First position that cannot be vouched for; 0 where none is known.</param>
/// <param name="To">Last such position, inclusive; 0 with <paramref name="From"/>.</param>
public sealed record Finding(FindingKind Kind, string What, string? File = null, long Line = 0, long From = 0,
    long To = 0)
{
    public override string ToString() =>
        File is null ? What : Line == 0 ? $"{File}: {What}" : $"{File} line {Line}: {What}";
}

/// <summary>What a verification looked at and what it found.</summary>
/// <param name="Origin">The book that was spoken of, as its checkpoints name it; null where it was not learnt.</param>
/// <param name="Size">Events that were verified, or that the proof is about: positions 1 to this.</param>
/// <param name="Root">The root recomputed, or proved; null where none was reached.</param>
/// <param name="Findings">Empty when all holds; at most <see cref="MaxFindings"/>.</param>
public sealed record VerificationReport(string? Origin, long Size, TreeHash? Root, IReadOnlyList<Finding> Findings)
{
    /// <summary>After so many a verification stops looking.</summary>
    public const int MaxFindings = 100;

    public bool Holds => Findings.Count == 0;

    /// <summary>
    /// Lines behind a journal's last seal: a block being written, or cut short by a crash. No finding.
    /// </summary>
    public long UnsealedLines { get; init; }

    /// <summary>Commands that were signed, and whose signatures were repeated.</summary>
    public long SignedCommands { get; init; }

    /// <summary>Their signatures that hold.</summary>
    public long Signatures { get; init; }
}

/// <summary>A public key that checkpoints are checked with, as people hand it over.</summary>
public sealed class VerificationKey
{
    private readonly byte[] subjectPublicKeyInfo;

    private VerificationKey(byte[] subjectPublicKeyInfo) => this.subjectPublicKeyInfo = subjectPublicKeyInfo;

    /// <summary>X.509 SubjectPublicKeyInfo in DER, of a key on P-256.</summary>
    public ReadOnlySpan<byte> SubjectPublicKeyInfo => subjectPublicKeyInfo;

    /// <summary>
    /// Reads PEM (<c>PUBLIC KEY</c>), the base64 of a SubjectPublicKeyInfo as the announcing event has it, or a
    /// signed note's verifier key (<c>name+id+base64</c>). White space around it does not matter.
    /// </summary>
    /// <returns>False for anything that is no public key on P-256.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out VerificationKey? key)
    {
        key = null;
        var bytes = BytesOf(text?.Trim() ?? "");
        if (!CheckpointSigner.IsP256(bytes)) return false;
        key = new(bytes);
        return true;
    }

    private static byte[] BytesOf(string text)
    {
        try
        {
            if (PemEncoding.TryFind(text, out var pem))
                return text[pem.Label] == "PUBLIC KEY" ? Convert.FromBase64String(text[pem.Base64Data]) : [];
            var parts = text.Split('+', 3);
            // Base64 may hold a plus itself: only a verifier key has eight digits between two of them.
            var isVerifierKey = parts.Length == 3 && parts[1].Length == 8 && parts[1].All(char.IsAsciiHexDigitLower);
            return isVerifierKey ? Convert.FromBase64String(parts[2])[1..] : Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            return [];
        }
    }
}
