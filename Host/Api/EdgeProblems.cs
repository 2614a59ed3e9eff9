namespace BankingEngine.Host.Api;

/// <summary>A "no" of the edge: the request never reached the book, and left nothing in it.</summary>
/// <param name="Code">Stable wire code. Never renamed once shipped.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Title">One sentence that is the same for every occurrence.</param>
public sealed record EdgeProblem(string Code, int Status, string Title);

/// <summary>What exactly is wrong with a request.</summary>
/// <param name="Field">The field it is about; null when it is the request as a whole.</param>
/// <param name="Link">The link of a chain, from 1; 0 when the command stands alone.</param>
/// <param name="Detail">What is so in this case; null where the problem's own sentence says it all.</param>
public readonly record struct Flaw(EdgeProblem Problem, string? Field = null, int Link = 0, string? Detail = null)
{
    /// <summary>When to come again; 0 where that is not known.</summary>
    public int RetryAfterSeconds { get; init; }
}

/// <summary>Every code that the edge itself answers. The book's own codes stand beside its commands.</summary>
public static class EdgeProblems
{
    public static readonly EdgeProblem
        MalformedJson = new("request.malformed_json", 400, "The body is not JSON in UTF-8."),
        NotAnObject = new("request.not_an_object", 400, "The body is a JSON object."),
        NotAnArray = new("request.not_an_array", 400, "The body is a JSON array of commands."),
        TooDeep = new("request.too_deep", 400, $"The body nests at most {Limits.JsonDepth} levels deep."),
        BodyTooLarge = new("request.body_too_large", 413, "The body is larger than this route takes."),
        LineTooLarge = new("request.line_too_large", 413, $"A line of a stream has at most {Limits.LineBytes} bytes."),
        BodyIncomplete = new("request.body_incomplete", 400, "The body ended early or was not sent as announced."),
        ContentTypeWrong = new("request.content_type", 415, "The content type is not one that this route takes."),
        UnknownField = new("request.unknown_field", 400, "This command has no such field."),
        DuplicateField = new("request.duplicate_field", 400, "A field is stated once."),
        FieldMissing = new("request.field_missing", 400, "A field that this command needs is missing."),
        FieldMalformed = new("request.field_malformed", 400, "A field is not of the form that is documented."),
        FieldsExclude = new("request.fields_exclude_each_other", 400, "These fields cannot stand together."),
        AmountIsNumber =
            new("request.amount_is_number", 400, "An amount is a text, so that no digit is lost on the way."),
        AmountMalformed = new("amount.malformed", 400, "An amount is digits, with a point if need be: \"12.34\"."),
        AmountTooManyDigits =
            new("amount.too_many_digits", 400, "An amount has at most 39 digits, 18 of them after the point."),
        IdMissing = new(
            "request.id_missing", 400,
            "A command carries an id of the caller's: the header Idempotency-Key, or id in a batch."),
        IdMalformed = new("request.id_malformed", 400, "An id is 1 to 128 printable ASCII characters, best a UUIDv7."),
        CommandUnknown = new("request.command_unknown", 400, "There is no command of this name."),
        NotInBatch = new("request.not_in_batch", 400, "This command has a route of its own only."),
        TooManyItems = new(
            "request.too_many_items", 400,
            $"A batch has at most {Limits.BatchItems} commands, a chain {Limits.ChainLinks}."),
        QueryMalformed =
            new("request.query_malformed", 400, "A query parameter is not of the form that is documented."),
        TooManyStreams = new(
            "events.too_many_streams", 503,
            $"At most {EventStreams.MaxStreams} event streams are open at once: try again shortly."),
        RouteUnknown = new("request.route_unknown", 404, "There is nothing at this address."),
        MethodNotAllowed = new("request.method_not_allowed", 405, "This address does not take this method."),
        Refused = new("request.refused", 400, "The request is not well-formed HTTP."),
        KeyMissing = new("key.missing", 401, "Send a key: Authorization: Bearer bk.…"),
        KeyNotRecognised = new("key.not_recognised", 401, "The key does not work: unknown, revoked or expired."),
        ScopeMissing = new("key.scope_missing", 403, "The key lacks the scope that this needs."),
        CommandNotFound = new("command.not_found", 404, "The book remembers no command of yours under this id."),
        ProblemNotFound = new("problem.not_found", 404, "There is no problem of this code."),
        PostedInParts = new(
            "transfer.posted_in_parts", 422, "The reservation was posted in several parts: name the position of one."),
        IdentifierMalformed = new("identifier.malformed", 400, "The text is no identifier of its kind."),
        IbanForeign = new("identifier.iban_foreign", 422, "The IBAN is not of the bank's own range."),
        IbanRangeMissing = new(
            "identifier.iban_range_missing", 422, "No range of IBANs is in force: publish iban-range, a document."),
        IbanRangeFull = new("identifier.iban_range_full", 422, "No free IBAN was met: the range is nearly full."),
        IbanChecksUnknown = new(
            "identifier.iban_checks_unknown", 422,
            "Account numbers of the range's country have check digits of their own: add IBANs that have them."),
        Busy = new("engine.busy", 503, "The book's queue is full: try again shortly."),
        Closing = new("engine.closing", 503, "The book is closing."),
        LeadUnproven = new(
            "book.lead_unproven", 503, "Whether this host still leads the book is not certain now: ask again."),
        Following = new(
            "book.following", 503,
            "This host follows the book and decides nothing: send the command to the one that leads."),
        CutOff = new(
            "book.cut_off", 503,
            "This host follows the book and has not reached its journal for long: ask another one."),
        OutcomeUnknown = new(
            "outcome_unknown", 503, "The journal failed before the answer was durable: ask again with the same id."),
        JournalUnavailable = new(
            "journal.unavailable", 503, "The journal's store does not answer: try again shortly."),
        JournalBusy = new(
            "journal.busy", 503,
            $"{JournalReads.Most} read the journal already, and its store is slow: try again shortly."),
        KeysUnavailable = new(
            "keys.unavailable", 503, "Another host is at the keys of personal text: try again shortly."),
        CommandBusy = new(
            "command.busy", 503, "Others do the same about the same thing, and it takes long: try again shortly."),
        ClockHeld = new("clock.held", 503, "The machine's clock stepped: an operator has to accept it."),
        Fault = new("engine.fault", 500, "The engine failed on this request; it was undone."),
        HostFault =
            new("host.fault", 500, "The host failed on this request. A command may have happened: its id tells.");

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyDictionary<string, EdgeProblem> ByCode { get; } = typeof(EdgeProblems)
        .GetFields()
        .Concat(typeof(ReadsProblems).GetFields())
        .Concat(typeof(SigningProblems).GetFields())
        .Concat(typeof(Webhooks.WebhookProblems).GetFields())
        .Concat(typeof(ConsumerProblems).GetFields())
        .Select(field => field.GetValue(null))
        .OfType<EdgeProblem>()
        .ToDictionary(problem => problem.Code, StringComparer.Ordinal);
}

/// <summary>The bounds of what the edge takes.</summary>
public static class Limits
{
    /// <summary>Body of a single command.</summary>
    public const int BodyBytes = 1024 * 1024;

    /// <summary>Body of a batch sent as an array.</summary>
    public const int BatchBytes = 8 * 1024 * 1024;

    /// <summary>One line of a batch sent as a stream; the stream itself has no end.</summary>
    public const int LineBytes = 1024 * 1024;

    /// <summary>Commands of a batch sent as an array.</summary>
    public const int BatchItems = 10_000;

    /// <summary>Commands that reach the writer together.</summary>
    public const int BlockItems = 1_000;

    public const int ChainLinks = Domain.Execution.MaxLinks;

    public const int JsonDepth = 16;

    /// <summary>A batch nests its commands, and these their links.</summary>
    public const int BatchDepth = JsonDepth + 4;

    /// <summary>Characters of an id that is not a UUID.</summary>
    public const int IdCharacters = 128;

    /// <summary>Seconds after which a caller who was told 503 may ask again.</summary>
    public const string RetryAfterSeconds = "1";
}
