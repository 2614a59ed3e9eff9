using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace BankingEngine.Application.Journal.Tree;

/// <summary>A tree head that a book stands by once it is signed.</summary>
/// <remarks>
/// Its text follows C2SP's tlog-checkpoint: origin, size and root a line each, then our extension lines in this
/// order, each optional: <c>recorded 2026-01-05T12:00:00.0000000Z</c> and <c>digest</c> with 32 lower-case
/// hexadecimal digits. Signed, a blank line follows and then one line per signature (C2SP's signed-note):
/// <c>— key-name base64(key id ‖ signature)</c>. One checkpoint has exactly one text.
/// </remarks>
/// <param name="Origin">Names the log, <c>book-name</c>: 1 to 200 visible ASCII characters but <c>+</c>.</param>
/// <param name="Size">Leaves, from 0: the position of the last event.</param>
/// <param name="Root">The RFC 6962 root at that size.</param>
/// <param name="RecordedAt">Engine clock when sealed, in UTC, to 100 ns.</param>
/// <param name="Digest">The state digest after the last event.</param>
public sealed record Checkpoint(
    string Origin, long Size, TreeHash Root, DateTimeOffset? RecordedAt = null, UInt128? Digest = null)
{
    /// <summary>Characters beyond which nothing is read as a checkpoint.</summary>
    public const int MaximumLength = 16 * 1024;

    /// <summary>Signature lines beyond which nothing is read as a checkpoint; C2SP asks for 16 at least.</summary>
    public const int MaximumSignatures = 64;

    internal const int MaximumNameLength = 200;
    internal const string SignatureMark = "— ";

    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";
    private const string RecordedMark = "recorded ";
    private const string DigestMark = "digest ";

    /// <summary>How the checkpoints of a book name it: <c>book-</c> and its name.</summary>
    public static string OriginOf(string book) => $"book-{book}";

    /// <summary>What is signed: the lines, each with its newline, without the blank line after them.</summary>
    /// <exception cref="InvalidOperationException">Origin or size is out of range.</exception>
    public string Body()
    {
        if (!IsName(Origin) || Size < 0) throw new InvalidOperationException($"'{Origin}' at {Size} is no checkpoint.");
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Root.ToBase64()}\n");
        if (RecordedAt is { } at)
        {
            var instant = at.UtcDateTime.ToString(InstantFormat, CultureInfo.InvariantCulture);
            text.Append(RecordedMark).Append(instant).Append('\n');
        }
        if (Digest is { } digest)
            text.Append(CultureInfo.InvariantCulture, $"{DigestMark}{digest:x32}\n");
        return text.ToString();
    }

    /// <summary>Reads a signed text. Whether a signature holds is asked by <see cref="Verify"/>.</summary>
    /// <remarks>Strict: what this accepts, <see cref="Body"/> writes again to the character. Never throws.</remarks>
    /// <returns>False for anything else, unknown extension lines and malformed signature lines included.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Checkpoint? checkpoint)
    {
        checkpoint = null;
        if (!SignedText.TrySplit(text, out var body, out _)) return false;
        var lines = body[..^1].Split('\n');
        if (lines.Length is < 3 or > 5 || !IsName(lines[0])) return false;
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)) return false;
        if (!TreeHash.TryFromBase64(lines[2], out var root)) return false;
        var next = 3;
        var recordedAt = next < lines.Length ? Instant(lines[next]) : null;
        if (recordedAt is not null) next++;
        var digest = next < lines.Length ? Number(lines[next]) : null;
        if (digest is not null) next++;
        var read = new Checkpoint(lines[0], size, root, recordedAt, digest);
        if (next != lines.Length || read.Body() != body) return false;
        checkpoint = read;
        return true;
    }

    /// <summary>Whether the named key signed this text. Never throws.</summary>
    /// <remarks>
    /// It asks nothing of the text but the signature: read it with <see cref="TryParse"/> as well.
    /// Lines of other keys are ignored, so that witnesses may add theirs and a key can be rotated with both signing;
    /// of several lines of this key every one must hold.
    /// </remarks>
    /// <param name="subjectPublicKeyInfo">The P-256 public key, X.509 DER, as announced by event.</param>
    public static bool Verify(string? text, string keyName, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        if (!IsName(keyName) || !CheckpointSigner.IsP256(subjectPublicKeyInfo)) return false;
        if (!SignedText.TrySplit(text, out var body, out var signatures)) return false;
        var id = CheckpointSigner.IdOf(subjectPublicKeyInfo);
        var ours = signatures.Where(line => line.KeyName == keyName && line.KeyId == id).ToList();
        if (ours.Count == 0) return false;
        using var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            var signed = Encoding.UTF8.GetBytes(body);
            return ours.TrueForAll(line => key.VerifyData(
                signed, line.Signature, HashAlgorithmName.SHA256, CheckpointSigner.Format));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Whether this may stand as an origin or the name of a key.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= MaximumNameLength && name.All(c => c is > ' ' and <= '~' and not '+');

    private static DateTimeOffset? Instant(string line) =>
        line.StartsWith(RecordedMark, StringComparison.Ordinal)
        && DateTimeOffset.TryParseExact(
            line[RecordedMark.Length..], InstantFormat, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;

    private static UInt128? Number(string line) =>
        line.StartsWith(DigestMark, StringComparison.Ordinal)
        && UInt128.TryParse(
            line[DigestMark.Length..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var digest)
            ? digest
            : null;
}

/// <summary>A line under a signed text.</summary>
/// <param name="KeyId">First four bytes after base64, big-endian.</param>
/// <param name="Signature">The rest: DER for our own keys, whatever others' kinds say.</param>
internal sealed record SignatureLine(string KeyName, uint KeyId, byte[] Signature);

/// <summary>The form of C2SP's signed-note: text, blank line, signature lines.</summary>
internal static class SignedText
{
    /// <summary>Divides a signed text; false if it is not one.</summary>
    /// <param name="body">The signed part, its last newline included.</param>
    public static bool TrySplit(string? text, out string body, out List<SignatureLine> signatures)
    {
        (body, signatures) = ("", []);
        if (text is null || text.Length > Checkpoint.MaximumLength || !IsText(text)) return false;
        var blank = text.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (blank < 0 || !text.EndsWith('\n')) return false;
        var lines = text[(blank + 2)..].Split('\n');
        if (lines.Length - 1 is < 1 or > Checkpoint.MaximumSignatures) return false;
        foreach (var line in lines.AsSpan(..^1))
        {
            if (!TryLine(line, out var signature)) return false;
            signatures.Add(signature);
        }
        body = text[..(blank + 1)];
        return true;
    }

    private static bool TryLine(string line, out SignatureLine signature)
    {
        signature = new SignatureLine("", 0, []);
        if (!line.StartsWith(Checkpoint.SignatureMark, StringComparison.Ordinal)) return false;
        var parts = line[Checkpoint.SignatureMark.Length..].Split(' ');
        if (parts.Length != 2 || !Checkpoint.IsName(parts[0])) return false;
        var bytes = new byte[parts[1].Length];
        if (!Convert.TryFromBase64String(parts[1], bytes, out var count) || count <= sizeof(uint)) return false;
        if (Convert.ToBase64String(bytes, 0, count) != parts[1]) return false;
        signature = new SignatureLine(
            parts[0], BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[sizeof(uint)..count]);
        return true;
    }

    /// <summary>Visible ASCII, newlines and the dash before a signature: all that such a text ever needs.</summary>
    private static bool IsText(string text) => text.All(c => c is '\n' or (>= ' ' and <= '~') or '—');
}
