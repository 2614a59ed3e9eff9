namespace BankingEngine.Host.Api;

/// <summary>Why a problem comes about and what to do, for the codes that callers meet most.</summary>
/// <param name="Cause">One sentence.</param>
/// <param name="Remedy">One sentence, to the caller.</param>
public sealed record Explanation(string Cause, string Remedy);

/// <summary>The explanations by code. A code without one is explained by its title.</summary>
public static class Explanations
{
    private const string
        AskAgain = "Send the same request again under the same id, after the seconds of Retry-After.",
        SeeDescription = "Compare the body with the command's schema at /docs.",
        TakeFirstPage = "Ask for the first page again, without a cursor.";

    private static readonly Dictionary<string, Explanation> OfRequests = new(StringComparer.Ordinal)
    {
        ["request.malformed_json"] = new("The body cannot be read as JSON.", "Send JSON in UTF-8, without comments."),
        ["request.not_an_object"] = new(
            "The body is another JSON value.",
            "Send an object; {} where a command has no fields."),
        ["request.not_an_array"] = new(
            "The batch is another JSON value.",
            "Send an array, or lines as application/x-ndjson."),
        ["request.too_deep"] = new("Objects or arrays nest too deep.", SeeDescription),
        ["request.body_too_large"] = new(
            "The body exceeds what the route takes.",
            "Split it, or stream it to /v1/batch as lines."),
        ["request.line_too_large"] = new(
            "A line of the stream exceeds the limit.",
            "End each command with a line feed."),
        ["request.body_incomplete"] = new("The connection broke before the body was whole.", AskAgain),
        ["request.content_type"] = new("The Content-Type is missing or another.", "Send the type that `detail` names."),
        ["request.unknown_field"] = new("The body has a field that the command does not know.", SeeDescription),
        ["request.duplicate_field"] = new("The body states a field twice.", "State it once."),
        ["request.field_missing"] = new("The command needs the field that `field` names.", "State it."),
        ["request.field_malformed"] = new("The value of `field` is not of its documented form.", SeeDescription),
        ["request.fields_exclude_each_other"] = new(
            "Two fields were stated of which one rules out the other.",
            SeeDescription),
        ["request.amount_is_number"] = new("The amount is a JSON number.", "Put it in quotes: \"12.34\"."),
        ["amount.malformed"] = new(
            "The amount has blanks, signs or separators that it may not have.",
            "Send digits and a point: \"12.34\"."),
        ["amount.too_many_digits"] = new("The amount has more digits than any amount can.", "Check the amount."),
        ["request.id_missing"] = new(
            "The command came without an id.",
            "Make a new id for each wish, and keep it for repeats."),
        ["request.id_malformed"] = new("The id has other characters, or too many.", "Take a UUIDv7."),
        ["request.command_unknown"] = new(
            "The batch names a command that does not exist.",
            "Take a name from the schema of /v1/batch."),
        ["request.not_in_batch"] = new(
            "The command answers with a secret, or needs what the chain itself makes.",
            "Send it to its own route."),
        ["request.too_many_items"] = new(
            "The batch or chain is longer than allowed.",
            "Split it, or stream a batch as lines."),
        ["request.query_malformed"] = new(
            "The parameter that `field` names is unknown, stated twice or malformed.",
            "Compare the query with /docs."),
        ["request.route_unknown"] = new("No route has this address.", "Compare the address with /docs."),
        ["request.method_not_allowed"] = new(
            "The address takes another method.",
            "Use one that the Allow header names."),
        ["cursor.malformed"] = new("The cursor was changed on the way.", TakeFirstPage),
        ["cursor.foreign"] = new("The query changed between two pages.", TakeFirstPage),
        ["position.beyond_end"] = new(
            "The position or time lies behind the end of the book.",
            "Take one that a receipt or /health/ready states."),
    };

    private static readonly Dictionary<string, Explanation> OfCommands = new(StringComparer.Ordinal)
    {
        ["projection.behind"] = new(
            "The read model is still reading events that the answer needs.",
            "Ask again in a moment."),
        ["projection.stopped"] = new(
            "The program that runs is older than an event in the book.",
            "Tell an operator: a newer program goes on by itself."),
        ["events.too_many_streams"] = new("All event streams are taken.", "Close one, or ask again in a moment."),
        ["key.missing"] = new("The request came without a key.", "Send Authorization: Bearer and the token of a key."),
        ["key.not_recognised"] = new(
            "The token is of no key, or of one that was revoked or expired.",
            "Ask who keeps the keys for another."),
        ["key.scope_missing"] = new("The key may not do this.", "Use a key with the scopes that `field` names."),
        ["command.not_found"] = new(
            "The id was never used, was another caller's, or is forgotten.",
            "Send the command again under its id."),
        ["command.id_reused"] = new(
            "The id stands for another command already.",
            "Take a new id for a new wish; repeat the same bytes for an old one."),
        ["command.id_taken"] = new("Another caller used this id.", "Take a new UUIDv7."),
        ["command.id_too_old"] = new(
            "The book no longer remembers ids as old as this.",
            "Look the command up; if it did not happen, take a new id."),
        ["command.id_from_future"] = new(
            "The clock that made the id runs ahead.",
            "Set that clock, and take a new id."),
        ["engine.busy"] = new("More commands arrived than the book could take at once.", AskAgain),
        ["engine.closing"] = new("The server is ending.", AskAgain),
        ["engine.fault"] = new(
            "A defect of the program; the book is as before.",
            "Report the `fault`; the same content is refused from now on."),
        ["host.fault"] = new(
            "A defect of the program, outside the book.",
            "Report the `fault`, and ask GET /v1/commands/{id} what became of the command."),
        ["outcome_unknown"] = new("The disk failed while the command was written.", AskAgain),
        ["clock.held"] = new(
            "The machine's clock jumped, and no time is given out until somebody says it is right.",
            "An operator accepts the step that /health/ready states, at /v1/clock/accept."),
        ["transfer.not_found"] = new(
            "The id names no reservation that is open, or nothing at all.",
            "Read GET /v1/transfers/{id} for what it is now."),
        ["transfer.posted_in_parts"] = new(
            "The reservation was posted more than once, and each part is reversed alone.",
            "State `position`: of the receipt of the part, or from GET /v1/transfers/{id}."),
        ["transfer.already_exists"] = new(
            "An open reservation has this id.",
            "Leave `transfer` out, or take a new UUIDv7."),
        ["transfer.has_expired"] = new("Its time ran out before it was posted.", "Reserve again."),
        ["transfer.exceeds_reservation"] = new(
            "More is posted than is held.",
            "Post at most what the last receipt states as remaining."),
        ["transfer.debit_account_not_found"] = new(
            "No account has the name in `debit`.",
            "Open it at /v1/accounts, or correct the name."),
    };

    private static readonly Dictionary<string, Explanation> OfPostings = new(StringComparer.Ordinal)
    {
        ["transfer.credit_account_not_found"] = new(
            "No account has the name in `credit`.",
            "Open it at /v1/accounts, or correct the name."),
        ["account.not_found"] = new("No account has this name.", "Open it at /v1/accounts, or correct the name."),
        ["account.closed"] = new("The account was closed.", "Reopen it, or use another."),
        ["account.asset_not_opened"] = new(
            "The account holds other assets only.",
            "Open it for the asset at /v1/accounts/{account}/assets."),
        ["asset.unknown"] = new(
            "The book has no asset of this code.",
            "Register it at /v1/assets, or correct the code."),
        ["amount.too_many_decimals"] = new(
            "The asset has fewer decimals.",
            "Round before you send; /v1/assets states the scale."),
        ["amount.not_positive"] = new(
            "The amount is zero or below.",
            "State an amount above zero; exchange the sides to turn it round."),
        ["entry.unbalanced"] = new(
            "Debits and credits of one asset do not add up to the same.",
            "Add the leg that is missing."),
        ["entry.already_reversed"] = new(
            "A correction of this posting exists.",
            "Read reversed_by at GET /v1/entries/{position}."),
        ["entry.not_found"] = new(
            "Nothing was posted under this id, or not at this position.",
            "Check the id, and the position."),
        ["limit.insufficient_funds"] = new(
            "Available funds, overdraft included, are less than the debit.",
            "Read the balances; fund the account, or take less with `balancing`."),
        ["limit.credits_exceed_debits"] = new(
            "More would be credited than the account owes.",
            "Take less, or use `balancing`."),
        ["period.closed"] = new(
            "The accounting date lies in a period that is closed for good, and stays so.",
            "Book on an open date."),
        ["period.closed_softly"] = new(
            "The accounting date lies in a softly closed period.",
            "Book on an open date, or use a key with the scope adjust."),
        ["period.already_closed"] = new(
            "The period is closed already; what is closed for good is never reopened.",
            "Read GET /v1/periods for the dates."),
    };

    private static readonly Dictionary<string, Explanation> ByCode =
        new[] { OfRequests, OfCommands, OfPostings }.SelectMany(some => some).ToDictionary(StringComparer.Ordinal);

    /// <summary>Null where the title says it all.</summary>
    public static Explanation? Of(string code) => ByCode.GetValueOrDefault(code);

    /// <summary>The codes that are explained.</summary>
    public static IReadOnlyCollection<string> Codes => ByCode.Keys;
}
