using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Projections;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace BankingEngine.Host.Api;

/// <summary>A statement with all that is printed on it.</summary>
/// <param name="Book">Whose it is: name and legal entity.</param>
/// <param name="RecordedAt">Engine time of the last position that counts: a statement knows no other clock.</param>
/// <param name="Number">Null until it is issued.</param>
internal sealed record StatementPaper(Statement Statement, Genesis Book, Instant RecordedAt, int? Number)
{
    public StatementPeriod Period => Statement.Period;

    /// <summary>The figures of an amount of the statement's asset.</summary>
    public string Figures(Int128 minor) => ReadsJson.FiguresOf(minor, Statement.Asset);
}

/// <summary>
/// The forms of a statement. Each writes the same bytes for the same paper, at any time and on any machine, part by
/// part, so that a long one is on its way before its end is written.
/// </summary>
internal static class StatementForms
{
    /// <summary>Bytes after which what is written goes on its way.</summary>
    public const int PartBytes = 64 * 1024;

    private const char Replacement = '\uFFFD';

    public static string TypeOf(StatementFormat format) => format switch
    {
        StatementFormat.Json => ResponseBody.JsonType,
        StatementFormat.Csv => "text/csv; charset=utf-8; header=present",
        StatementFormat.Camt053 => "application/xml",
        StatementFormat.Html => "text/html; charset=utf-8",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>
    /// The edition of a form that this release prints. Whoever changes a form's bytes raises its edition, and what was
    /// issued in an earlier one is said to be so.
    /// </summary>
    public static int EditionOf(StatementFormat format) => format switch
    {
        StatementFormat.Json => StatementJson.Edition,
        StatementFormat.Csv => StatementCsv.Edition,
        StatementFormat.Camt053 => StatementCamt.Edition,
        StatementFormat.Html => StatementHtml.Edition,
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>
    /// The form that a caller likes best by media types and their qualities (RFC 9110, 12.5.1); of forms that are liked
    /// alike the first, JSON. Without a header, or with one that cannot be read, JSON.
    /// </summary>
    /// <returns>Null where the caller takes none of them.</returns>
    public static StatementFormat? OfAccept(StringValues accept)
    {
        if (!MediaTypeHeaderValue.TryParseList(accept, out var ranges) || ranges.Count == 0) return StatementFormat.Json;
        var (best, liked) = (default(StatementFormat?), 0.0);
        foreach (var format in Enum.GetValues<StatementFormat>())
        {
            if (QualityOf(format, ranges) is var quality && quality > liked) (best, liked) = (format, quality);
        }
        return best;
    }

    /// <summary>How much a form is wanted, by the narrowest range that takes it in; 0: not at all.</summary>
    private static double QualityOf(StatementFormat format, IList<MediaTypeHeaderValue> ranges)
    {
        var type = new MediaTypeHeaderValue(TypeOf(format).Split(';')[0]);
        var (quality, narrowest) = (0.0, -1);
        foreach (var range in ranges)
        {
            var narrow = range.MatchesAllTypes ? 0 : range.MatchesAllSubTypes ? 1 : 2;
            if (narrow <= narrowest || !Takes(range, type)) continue;
            (quality, narrowest) = (range.Quality ?? 1, narrow);
        }
        return quality;
    }

    private static bool Takes(MediaTypeHeaderValue range, MediaTypeHeaderValue type) => range.MatchesAllTypes
        || (range.Type.Equals(type.Type, StringComparison.OrdinalIgnoreCase)
            && (range.MatchesAllSubTypes || range.SubType.Equals(type.SubType, StringComparison.OrdinalIgnoreCase)));

    /// <summary>What a form cannot show of a statement; null where it can show all of it.</summary>
    public static Flaw? Objects(StatementFormat format, Statement statement) =>
        format == StatementFormat.Camt053 ? StatementCamt.Objects(statement) : null;

    /// <summary>The bytes, in order; a part holds until the next is asked for.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Parts(StatementFormat format, StatementPaper paper) =>
        format switch
        {
            StatementFormat.Json => StatementJson.Parts(paper),
            StatementFormat.Csv => Encoded(StatementCsv.Texts(paper)),
            StatementFormat.Camt053 => Encoded(StatementCamt.Texts(paper)),
            StatementFormat.Html => Encoded(StatementHtml.Texts(paper)),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };

    /// <summary>SHA-256 of all bytes.</summary>
    public static Hash256 HashOf(StatementFormat format, StatementPaper paper)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in Parts(format, paper)) hash.AppendData(part.Span);
        return Hash256.Parse(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    public static async Task SendAsync(HttpContext context, StatementFormat format, StatementPaper paper)
    {
        context.Response.ContentType = TypeOf(format);
        context.Response.Headers["Bank-Position"] =
            paper.Statement.Position.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (format == StatementFormat.Html)
            context.Response.Headers.ContentSecurityPolicy = StatementHtml.Policy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        foreach (var part in Parts(format, paper))
            await context.Response.BodyWriter.WriteAsync(part, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>
    /// Adds a text that stands in markup: all that markup knows is written out, and what no markup can hold (controls,
    /// half surrogate pairs, what is no character) is shown as U+FFFD.
    /// </summary>
    public static StringBuilder Escaped(this StringBuilder to, string? text)
    {
        for (var i = 0; i < text?.Length; i++)
        {
            var letter = text[i];
            if (char.IsHighSurrogate(letter) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                to.Append(letter).Append(text[++i]);
                continue;
            }
            _ = letter switch
            {
                '\t' => to.Append(letter),
                '\n' => to.Append("&#10;"),
                '\r' => to.Append("&#13;"),
                '\uFFFE' or '\uFFFF' => to.Append(Replacement),
                _ when char.IsControl(letter) || char.IsSurrogate(letter) => to.Append(Replacement),
                '&' => to.Append("&amp;"),
                '<' => to.Append("&lt;"),
                '>' => to.Append("&gt;"),
                '"' => to.Append("&quot;"),
                '\'' => to.Append("&#39;"),
                _ => to.Append(letter),
            };
        }
        return to;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Encoded(IEnumerable<StringBuilder> texts)
    {
        var bytes = new ArrayBufferWriter<byte>(2 * PartBytes);
        foreach (var text in texts)
        {
            foreach (var chunk in text.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, bytes);
            text.Clear();
            yield return bytes.WrittenMemory;
            bytes.ResetWrittenCount();
        }
    }
}
