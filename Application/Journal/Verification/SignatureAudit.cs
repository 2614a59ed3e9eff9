using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Application.Signing;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Journal.Verification;

/// <summary>
/// Repeats the signatures of a journal from its lines alone: that the bytes which were signed are for this book and this
/// command, that every signature holds over them, and that a transfer moved what was signed.
/// </summary>
/// <remarks>
/// Whether the keys were enough the book decided, by authorities that are events of the same journal. Which pages
/// passkeys were used on is configuration, and is not looked at.
/// </remarks>
internal sealed class SignatureAudit : IDisposable
{
    private readonly SignatureVerifier _verifier = new();
    private string? _book;
    private long _commands, _signatures;

    /// <summary>First events of commands that carry what was signed.</summary>
    public long Commands => _commands;

    public long Signatures => _signatures;

    /// <summary>Takes the first line of the book, which names it.</summary>
    public void Begin(ReadOnlySpan<byte> first) => _book = TreeHash.OfLeaf(first).ToString();

    /// <summary>Checks the signed lines among some, on all processors.</summary>
    /// <returns>What is wrong, by position.</returns>
    public IEnumerable<Finding> Check(byte[] lines, ReadOnlySpan<Slice> slices, string file)
    {
        var signed = new List<Slice>();
        foreach (var slice in slices)
        {
            if (MayBeSigned(lines.AsSpan(slice.Start, slice.Length))) signed.Add(slice);
        }
        if (signed.Count == 0) return [];
        var wrong = new (long Position, string? What)[signed.Count];
        Parallel.For(0, signed.Count, i => wrong[i] = Check(lines.AsMemory(signed[i].Start, signed[i].Length)));
        return wrong.Where(found => found.What is not null).Select(found => new Finding(
            FindingKind.SignedCommandInvalid,
            string.Create(CultureInfo.InvariantCulture, $"position {found.Position}: {found.What}"),
            file.Length == 0 ? null : file, From: found.Position, To: found.Position));
    }

    public void Dispose() => _verifier.Dispose();

    /// <summary>Neither text can stand within another, whose quotes would be escaped.</summary>
    private static bool MayBeSigned(ReadOnlySpan<byte> line) =>
        line.IndexOf(",\"auth\":"u8) >= 0 || line.IndexOf(",\"by\":\"signed\""u8) >= 0;

    private (long, string?) Check(ReadOnlyMemory<byte> text)
    {
        JournalWalk.TryPosition(text.Span, out var position);
        try
        {
            using var document = JsonDocument.Parse(text);
            return (position, Check(document.RootElement));
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return (position, "the line cannot be read");
        }
    }

    private string? Check(JsonElement line)
    {
        if (!line.TryGetProperty("auth", out var auth))
        {
            var isLater = line.TryGetProperty("part", out _) || TextOf(line, "by") != Bank.SignerName.ToString();
            return isLater ? null : "it was signed, and what was signed is missing";
        }
        Interlocked.Increment(ref _commands);
        if (!Evidence.TryRead(Encoding.UTF8.GetBytes(auth.GetRawText()), out var evidence))
            return "what was signed cannot be read";
        if (SignedCommand.TryRead(evidence.Bytes, out var command) is { IsNone: false } flaw)
            return $"the signed bytes are no command: {flaw.Fault}";
        return CheckLine(line, evidence, command) ?? CheckSignatures(evidence) ?? CheckContent(line, command);
    }

    private string? CheckLine(JsonElement line, Evidence evidence, SignedCommand command)
    {
        if (command.Head.Book != _book) return "the signed bytes are for another book";
        var id = TextOf(line, "command") ?? TextOf(line.GetProperty("data"), "id");
        if (id != command.Id.ToString()) return "the signed bytes are of another command";
        var print = SignedCommand.PrintOf(evidence.Bytes.Span).ToString("x32", CultureInfo.InvariantCulture);
        if (TextOf(line, "print") != print) return "the fingerprint is not of the signed bytes";
        return Instant.TryParse(TextOf(line, "at"), out var at) && at < command.Head.Expires
            ? null
            : "the signed bytes had expired";
    }

    private string? CheckSignatures(Evidence evidence)
    {
        var hash = SHA256.HashData(evidence.Bytes.Span);
        var seen = new HashSet<SigningKey>();
        foreach (var given in evidence.Signatures)
        {
            if (!seen.Add(given.Key)) return $"{given.Key} stands twice";
            if (_verifier.Verify(given, hash, origins: null) is var fault and not SigningFault.None)
                return $"the signature of {given.Key} does not hold: {fault}";
            Interlocked.Increment(ref _signatures);
        }
        return null;
    }

    /// <summary>A single transfer moved what its signers saw; how other commands became events is not repeated here.</summary>
    private static string? CheckContent(JsonElement line, SignedCommand command)
    {
        var isTransfer = TextOf(line, "type") is "transfer.made.v1" or "transfer.reserved.v1";
        if (command.IsChain || command.Links[0].Command != "transfer.make" || !isTransfer) return null;
        using var document = JsonDocument.Parse(command.Links[0].Fields);
        var (fields, data) = (document.RootElement, line.GetProperty("data"));
        if (TextOf(fields, "debit") != TextOf(data, "debit")) return "another account was debited than was signed";
        if (TextOf(fields, "credit") != TextOf(data, "credit")) return "another account was credited than was signed";
        var (said, moved) = (fields.GetProperty("amount"), data.GetProperty("amount"));
        if (TextOf(said, "asset") != TextOf(moved, "asset")) return "another asset was moved than was signed";

        // A transfer that takes as much as there is moves less than it says.
        return fields.TryGetProperty("balancing", out _) || Figures(said) == Figures(moved)
            ? null
            : "another amount was moved than was signed";
    }

    /// <summary>The figures without zeros behind the point: a channel may state fewer than the asset has.</summary>
    private static string Figures(JsonElement amount)
    {
        var text = TextOf(amount, "amount") ?? "";
        return text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    private static string? TextOf(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
