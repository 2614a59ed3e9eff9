using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Host.Api;

/// <summary>What reading answers with a no of its own.</summary>
public static class ReadsProblems
{
    public static readonly EdgeProblem
        CursorMalformed = new("cursor.malformed", 400, "The cursor is not one that this API gave."),
        CursorForeign = new("cursor.foreign", 400, "The cursor belongs to another query."),
        BeyondEnd = new("position.beyond_end", 400, "The book has no such position or time yet."),
        Behind = new("projection.behind", 503,
            "The read model, or the host that follows, has not reached that position: try again shortly."),
        Stopped = new("projection.stopped", 503,
            "The read model met an event that it cannot take, and waits for a mended program."),
        Unavailable = new("projection.unavailable", 503,
            "The store of the read model does not answer: the ledger goes on, try again shortly."),
        AccountNotFound = new("account.not_found", 404, "No such account."),
        TransferNotFound = new("transfer.not_found", 404, "No transfer of this id, or none that is open."),
        PartyNotFound = new("party.not_found", 404, "No such party."),
        IdentifierNotFound = new("identifier.not_found", 404, "The identifier leads to no account now."),
        ProposalNotFound = new("proposal.not_found", 404, "No open proposal of this id."),
        EntryNotFound = new("entry.not_found", 404, "No posting of this id, or none at this position."),
        StatementNotFound = new("statement.not_found", 404, "No statement of this number was issued of the account."),
        FormatNotIssued = new("statement.format_not_issued", 404, "The statement was not issued in this format."),
        EditionNotPrinted = new("statement.edition_not_printed", 410,
            "The statement was issued in an edition of this form that this release does not print."),
        StatementDiffers = new("statement.differs", 500,
            "The statement made again is not the one that was issued: its hash differs, and it is not shown."),
        NotAcceptable = new("request.not_acceptable", 406,
            "The answer has no form of the media types that Accept states."),
        StatementTooLong = new("statement.too_long", 422,
            "The period has more than 1,000,000 entries: ask for shorter ones."),
        NoCurrency = new("statement.no_currency", 422,
            "camt.053 knows currencies of ISO 4217 only, in the scale that it gives them."),
        NotInCamt = new("statement.not_in_camt", 422,
            "camt.053 cannot say this: it is of booked entries, and its names and amounts are shorter."),
        PricesNotFound = new("price_set.not_found", 404,
            "No reference data of this name and version is a price set in force on that date."),
        ReportOutOfRange = new("report.out_of_range", 422, "A value of the report at these prices exceeds any amount."),
        TooManyRebuilds = new("projection.too_many_rebuilds", 503, "Other read models are being built anew: wait for them."),
        ProjectionInStore = new("projection.in_store", 409,
            "The read model is tables in a database: 'projections verify' compares those."),
        ProjectionNotFound = new("projection.not_found", 404, "There is no read model of this name."),
        ReferenceNotFound = new("reference.not_found", 404, "No reference data of this name is in force on that date.");
}

/// <summary>
/// The query of a read. Every name is known and stated once; the first thing that is wrong is kept, and the rest reads
/// as absent.
/// </summary>
internal sealed class ReadsQuery
{
    /// <summary>Rows of a page unless the caller says.</summary>
    public const int DefaultRows = 50;

    /// <summary>Most rows of a page.</summary>
    public const int MaxRows = 500;

    private const string Cursor = "cursor", LimitName = "limit", After = "after";
    private readonly IQueryCollection _query;
    private readonly ReadSpec _spec;
    private readonly ulong _hash;

    /// <remarks>Names that the endpoint does not know do not come this far: the door refuses them.</remarks>
    public ReadsQuery(HttpContext context)
    {
        _query = context.Request.Query;
        _spec = context.GetEndpoint()?.Metadata.GetMetadata<ReadSpec>()
            ?? throw new InvalidOperationException("The endpoint does not state what it takes.");
        var asked = new StringBuilder(context.Request.Path.Value);
        foreach (var (name, values) in _query.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var paging = name is Cursor or LimitName or After;
            if (values.Count != 1)
                Flaw ??= new(EdgeProblems.QueryMalformed, name);
            else if (!paging) asked.Append(CultureInfo.InvariantCulture, $"\n{name}={values[0]}");
        }
        _hash = Hash128.Hash64(Encoding.UTF8.GetBytes(asked.ToString()), 0);
    }

    /// <summary>The first thing that is wrong; to be looked at when all is read.</summary>
    public Flaw? Flaw { get; private set; }

    /// <summary>The position that the answer has to know; 0 when the caller does not say.</summary>
    public long AfterPosition => Number(After, 0, long.MaxValue) ?? 0;

    /// <summary>The flaw of a parameter that is missing or does not go with the others.</summary>
    public static Flaw? Malformed(bool isSo, string name) =>
        isSo ? new Flaw(EdgeProblems.QueryMalformed, name) : default(Flaw?);

    public int Limit(int most = MaxRows) => (int)(Number(LimitName, 1, most) ?? Math.Min(DefaultRows, most));

    public string? Text(string name, int longest)
    {
        if (Raw(name) is not { } text) return null;
        return text.Length > 0 && text.Length <= longest && text.All(c => c is >= ' ' and <= '~')
            ? text
            : Wrong<string>(name);
    }

    /// <summary>Text in any script, without control characters.</summary>
    public string? Words(string name, int longest)
    {
        if (Raw(name) is not { } text) return null;
        return text.Length > 0 && text.Length <= longest && !text.Any(char.IsControl) ? text : Wrong<string>(name);
    }

    public T? Value<T>(string name) where T : struct, IUtf8Text<T> =>
        Raw(name) is not { } text ? null : Utf8Text.TryParse(text, out T value) ? value : WrongValue<T>(name);

    public Tag? Tag(string name) =>
        Raw(name) is not { } text ? null
        : Domain.Kernel.Tag.TryParse(Encoding.UTF8.GetBytes(text), out var tag) ? tag
        : WrongValue<Tag>(name);

    /// <summary>One of an enumeration's names, in lower case.</summary>
    public T? One<T>(string name) where T : struct, Enum
    {
        if (Raw(name) is not { } text) return null;
        foreach (var value in Enum.GetValues<T>())
        {
            if (text == ReadsJson.NameOf(value)) return value;
        }
        return WrongValue<T>(name);
    }

    public long? Number(string name, long least, long most)
    {
        if (Raw(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most
            ? number
            : WrongValue<long>(name);
    }

    /// <summary>An amount of an asset, in its minor units.</summary>
    public Int128? Minor(string name, Asset? asset)
    {
        if (Raw(name) is not { } text) return null;
        return asset is { } known
            && StatedAmount.TryParse(Encoding.UTF8.GetBytes(text), known.Code, out var stated) == NumberText.Read
            && stated.TryResolve(known, out var amount, out _)
            ? amount.Minor
            : WrongValue<Int128>(name);
    }

    /// <summary>A position or an instant.</summary>
    public (long? Position, Instant? At) AsOf(string name)
    {
        if (Raw(name) is not { } text) return default;
        if (text.All(char.IsAsciiDigit)) return (Number(name, 0, long.MaxValue), null);
        return (null, Value<Instant>(name));
    }

    /// <summary>Where the page before ended, if the caller sends that page's cursor.</summary>
    public (long Position, int Skip)? Mark()
    {
        if (Raw(Cursor) is not { } text) return null;
        Span<byte> bytes = stackalloc byte[Marks.Bytes];
        if (!Marks.TryRead(text, bytes, out var mark)) return Fail(ReadsProblems.CursorMalformed);
        return mark.Query == _hash ? (mark.Position, mark.Skip) : Fail(ReadsProblems.CursorForeign);
    }

    /// <summary>The cursor of the next page of this query.</summary>
    public string CursorAt(long position, int skip = 0) => Marks.Write(_hash, position, skip);

    private (long, int)? Fail(EdgeProblem problem)
    {
        Flaw ??= new(problem, Cursor);
        return null;
    }

    /// <exception cref="InvalidOperationException">The endpoint takes what it does not declare.</exception>
    private string? Raw(string name)
    {
        if (!_spec.Knows(name)) throw new InvalidOperationException($"The endpoint does not declare {name}.");
        return _query.TryGetValue(name, out var values) && values.Count == 1 ? values[0] : null;
    }

    private T? Wrong<T>(string name) where T : class
    {
        Flaw ??= new(EdgeProblems.QueryMalformed, name);
        return null;
    }

    private T? WrongValue<T>(string name) where T : struct
    {
        Flaw ??= new(EdgeProblems.QueryMalformed, name);
        return null;
    }

    /// <summary>
    /// Cursors: a hash of the query, a place, and a check, so that a cursor of another query, and one that was typed,
    /// are told apart from a good one. Not a secret: whoever makes one up sees another page of what they may see.
    /// </summary>
    private static class Marks
    {
        public const int Bytes = 24;
        private const int Checked = 20;
        private const ulong CheckSeed = 0x6375_7273_6F72;

        public static string Write(ulong query, long position, int skip)
        {
            Span<byte> bytes = stackalloc byte[Bytes];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, query);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], position);
            BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], skip);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[Checked..], Check(bytes[..Checked]));
            return Base64Url.EncodeToString(bytes);
        }

        public static bool TryRead(string text, Span<byte> bytes, out (ulong Query, long Position, int Skip) mark)
        {
            mark = default;
            if (text.Length != Base64Url.GetEncodedLength(Bytes) || !Base64Url.IsValid(text)
                || Base64Url.DecodeFromChars(text, bytes) != Bytes
                || BinaryPrimitives.ReadUInt32LittleEndian(bytes[Checked..]) != Check(bytes[..Checked]))
                return false;
            mark = (BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
                BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]));
            return mark is { Position: >= 0, Skip: >= 0 };
        }

        private static uint Check(ReadOnlySpan<byte> bytes) => (uint)(Hash128.Hash64(bytes, CheckSeed) >> 32);
    }
}
