using System.Globalization;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Statements;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using static BankingEngine.Host.Api.Parameters;

namespace BankingEngine.Host.Api;

/// <summary>Statements of accounts: of any period now, and those that were issued, again.</summary>
internal sealed class ReadsStatements(RunningBook book)
{
    private const string Area = "Statements", NotIssued = "statement.not_found", NoAccount = "account.not_found";

    public static void Map(IEndpointRouteBuilder routes, RunningBook book)
    {
        var reads = new ReadsStatements(book);
        Reads.Map(routes, "/v1/accounts/{account}/statement", "account.statement",
            "A statement of an account in one asset: JSON, CSV, camt.053 or a page to print, by Accept or format",
            reads.StatementAsync,
            new(Area, "Opening balance, entries, closing balance.", Parameters.Asset with { Required = true },
                StatementFrom, StatementThrough, StatementBy, StatementForm, AsOf, After)
            { NotFound = NoAccount });
        Reads.Map(routes, "/v1/accounts/{account}/statements", "statement.list",
            "Statements that were issued of an account, newest first", reads.ListAsync,
            new(Area, "A page of statements, with hash and edition of each copy.", After, Limit(), Cursor)
            {
                NotFound = NoAccount,
            });
        Reads.Map(routes, "/v1/accounts/{account}/statements/{number}", "statement.read",
            "An issued statement again: the same position, the same bytes", reads.ReprintAsync,
            new(Area, "The statement as it was issued.", StatementForm, After) { NotFound = NotIssued });
    }

    public async Task StatementAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (code, from, through) = (query.Value<AssetCode>("asset"), query.Value<BusinessDate>("from"),
            query.Value<BusinessDate>("through"));
        var dates = query.One<StatementDates>("dates") ?? StatementDates.Booked;
        var (format, asOf) = (FormatOf(context, query), query.AsOf("as-of"));
        var flaw = query.Check(book.Engine) ?? NoFormOf(format)
            ?? ReadsQuery.Malformed(code is null, "asset") ?? ReadsQuery.Malformed(from is null, "from")
            ?? ReadsQuery.Malformed(through is null || through < from, "through");
        if (flaw is { } wrong)
        {
            await Problems.Answer(context, wrong).ConfigureAwait(false);
            return;
        }
        if (await ReadsAccounts.CutAsync(context, book, asOf, bookedOn: null)
            .ConfigureAwait(false) is not var (entries, cut)) return;
        Reads.TryAccount(context, out var account);
        var period = new StatementPeriod(account, code!.Value, from!.Value, through!.Value, dates);
        // What was known before the first posting is what the book began with.
        var position = Math.Max(1, cut.Through!.Value);
        var made = await MakeAsync(book, entries, period, position, number: null).ConfigureAwait(false);
        await SendAsync(context, format!.Value, made).ConfigureAwait(false);
    }

    public async Task ListAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (mark, limit, after) = (query.Mark(), query.Limit(), query.AfterPosition);
        if (await query.RefusedAsync(context, book.Engine).ConfigureAwait(false)) return;
        if (await KnownAsync(context, after).ConfigureAwait(false) is not var (issued, account)) return;
        var page = issued.Of(account, mark is { } m ? (int)Math.Min(m.Position, int.MaxValue) : null, limit);
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.Value("account"u8, account);
            to.WriteStartArray("statements"u8);
            foreach (var statement in page.Statements)
            {
                var (head, e) = Read(statement.Position);
                to.WriteStartObject();
                to.WriteNumber("number"u8, e.Number);
                to.Value("asset"u8, e.Asset);
                to.Value("from"u8, e.From);
                to.Value("through"u8, e.Through);
                to.WriteString("dates"u8, ReadsJson.NameOf(e.Dates));
                to.WriteNumber("true_at"u8, e.TrueAt);
                to.WriteNumber("issued_at"u8, head.Position);
                to.Value("recorded_at"u8, head.At);
                to.WriteStartArray("copies"u8);
                foreach (var copy in e.Copies)
                {
                    to.WriteStartObject();
                    to.WriteString("format"u8, ReadsJson.NameOf(copy.Format));
                    to.Value("sha256"u8, copy.Sha256);
                    to.WriteNumber("edition"u8, copy.PrintedIn());
                    to.WriteEndObject();
                }
                to.WriteEndArray();
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } next ? query.CursorAt(next) : null);
        });
    }

    public async Task ReprintAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (wanted, after) = (FormatOf(context, query), query.AfterPosition);
        if ((query.Check(book.Engine) ?? NoFormOf(wanted)) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var format = wanted!.Value;
        if (await KnownAsync(context, after).ConfigureAwait(false) is not var (issued, account)) return;
        var stated = context.Request.RouteValues["number"] as string;
        var isNumber = int.TryParse(stated, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        var page = isNumber && number < int.MaxValue ? issued.Of(account, number + 1, limit: 1).Statements : [];
        if (page.Count == 0 || page[0].Number != number)
        {
            await Problems.Answer(context, ReadsProblems.StatementNotFound).ConfigureAwait(false);
            return;
        }
        var e = Read(page[0].Position).Issued;
        var copy = e.Copies.FirstOrDefault(copy => copy.Format == format);
        if (copy == default)
        {
            await Problems.Answer(context, new Flaw(ReadsProblems.FormatNotIssued, "format")).ConfigureAwait(false);
            return;
        }
        // With the refusals too: whoever kept the bytes can hold them to it.
        context.Response.Headers["Statement-Sha256"] = copy.Sha256.ToString();
        if (copy.PrintedIn() != StatementForms.EditionOf(format))
        {
            await OfAnotherEdition(context, copy).ConfigureAwait(false);
            return;
        }
        if (await book.ReadModels.AccountsAsync(e.TrueAt).ConfigureAwait(false) is not { } entries)
        {
            await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
            return;
        }
        var period = new StatementPeriod(account, e.Asset, e.From, e.Through, e.Dates);
        var made = await MakeAsync(book, entries, period, e.TrueAt, number).ConfigureAwait(false);
        if (made.Paper is { } paper && StatementForms.HashOf(format, paper) != copy.Sha256)
        {
            await Problems.Answer(context, ReadsProblems.StatementDiffers).ConfigureAwait(false);
            return;
        }
        await SendAsync(context, format, made).ConfigureAwait(false);
    }

    /// <summary>Makes a statement at a position, with what is printed on it besides.</summary>
    /// <returns>A flaw where there is no such account or asset, or too much for one statement.</returns>
    internal static async Task<(StatementPaper? Paper, Flaw? Flaw)> MakeAsync(
        RunningBook book, IAccountEntries entries, StatementPeriod period, long position, int? number)
    {
        var asset = await book.Engine.ReadAsync((bank, _) => AssetNamed(bank, period.Asset)).ConfigureAwait(false);
        if (asset is not { } known) return (null, new Flaw(EdgeProblems.QueryMalformed, "asset"));
        var range = await entries.RangeOfAsync(period, position, Statement.MaxEntries).ConfigureAwait(false);
        if (range is null)
            return (null, new Flaw(ReadsProblems.AccountNotFound));
        if (range.AreMore) return (null, new Flaw(ReadsProblems.StatementTooLong));
        var statement = Statement.Of(period, known, position, range);
        if (!ReadsJson.TryRead(book.Engine, position, out var line))
            throw new InvalidOperationException($"Event {position} is not in the journal.");
        return (new(statement, book.Genesis, EventLine.Read(line.Span).Head.At, number), null);
    }

    private static async Task SendAsync(
        HttpContext context, StatementFormat format, (StatementPaper? Paper, Flaw? Flaw) made)
    {
        var flaw = made.Flaw ?? StatementForms.Objects(format, made.Paper!.Statement);
        if (flaw is { } wrong) await Problems.Answer(context, wrong).ConfigureAwait(false);
        else await StatementForms.SendAsync(context, format, made.Paper!).ConfigureAwait(false);
    }

    private static StatementFormat? FormatOf(HttpContext context, ReadsQuery query) =>
        query.One<StatementFormat>("format") ?? StatementForms.OfAccept(context.Request.Headers.Accept);

    /// <summary>Says what was issued, so that whoever kept its bytes can hold them to it.</summary>
    private static Task OfAnotherEdition(HttpContext context, StatementCopy copy)
    {
        var printed = StatementForms.EditionOf(copy.Format);
        var flaw = new Flaw(ReadsProblems.EditionNotPrinted, "format",
            Detail: $"It was issued in edition {copy.PrintedIn()}; this release prints edition {printed}.");
        return Problems.Answer(context, flaw, to =>
        {
            to.WriteNumber("edition"u8, copy.PrintedIn());
            to.WriteNumber("prints_edition"u8, printed);
            to.Value("sha256"u8, copy.Sha256);
        });
    }

    private static Flaw? NoFormOf(StatementFormat? format) =>
        format is null ? new Flaw(ReadsProblems.NotAcceptable, "Accept") : default(Flaw?);

    private static Asset? AssetNamed(Bank bank, AssetCode code) =>
        bank.Ledger.Tables.Assets.TryGet(code, out var row) ? row.Asset : null;

    /// <summary>The issued statements, level with what the caller asks for, and the account, which exists.</summary>
    /// <returns>Null when the answer was a no, which has been sent.</returns>
    private async Task<(IssuedStatements Issued, AccountId Account)?> KnownAsync(HttpContext context, long after)
    {
        var exists = Reads.TryAccount(context, out var account) && await book.Engine
            .ReadAsync((bank, _) => bank.Ledger.Tables.Accounts.Find(account) >= 0).ConfigureAwait(false);
        if (!exists) await Problems.Answer(context, ReadsProblems.AccountNotFound).ConfigureAwait(false);
        // Whoever was just told of a number finds it.
        else if (await book.ReadModels.IssuedAfterAsync(Math.Max(after, book.Feed.DurablePosition))
            .ConfigureAwait(false) is { } issued)
            return (issued, account);
        else await Problems.Answer(context, ReadsProblems.Behind).ConfigureAwait(false);
        return null;
    }

    private (LineHead Head, StatementEvent.Issued Issued) Read(long position)
    {
        if (!ReadsJson.TryRead(book.Engine, position, out var line))
            throw new InvalidOperationException($"Event {position} was projected and is not in the journal.");
        var (head, recorded) = EventLine.Read(line.Span);
        return (head, (StatementEvent.Issued)recorded.Event);
    }
}
