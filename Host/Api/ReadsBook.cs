using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>What can be asked of the book itself: its dates, its assets, its reference data.</summary>
internal sealed class ReadsBook(RunningBook book)
{
    private readonly record struct PeriodsNow(DayRow Day, List<int> OpenYears, long Position);

    public Task PeriodsAsync(HttpContext context) => AnswerAsync(context, new(context), Periods, (to, _, now) =>
    {
        to.WriteNumber("position"u8, now.Position);
        to.Value("business_date"u8, now.Day.Today);
        to.ValueOrNull("next_cut_off"u8, now.Day.NextCutOff == Instant.Last ? default(Instant?) : now.Day.NextCutOff);
        to.ValueOrNull("closed_softly_through"u8, DateOrNone(now.Day.ClosedSoftlyThrough));
        to.ValueOrNull("closed_through"u8, DateOrNone(now.Day.ClosedThrough));
        if (now.Day.ClosedYear > 0) to.WriteNumber("last_closed_year"u8, now.Day.ClosedYear);
        else to.WriteNull("last_closed_year"u8);
        to.WriteStartArray("years_with_result"u8);
        foreach (var year in now.OpenYears) to.WriteNumberValue(year);
        to.WriteEndArray();
    });

    /// <summary>What never changes, and the time; so it asks nothing of the writer, and a wallet needs no key.</summary>
    public Task Describe(HttpContext context)
    {
        Reads.Ok(context, to =>
        {
            to.Value("name"u8, book.Genesis.Name);
            to.WriteString("mode"u8, ReadsJson.NameOf(book.Genesis.Mode));
            to.WriteString("entity"u8, book.Genesis.Entity);
            to.Value("functional_currency"u8, book.Genesis.Functional);
            to.Value("jurisdiction"u8, book.Genesis.Jurisdiction);
            to.WriteString("signing_id"u8, book.SigningId);
            to.Value("time"u8, book.Engine.RoughNow);
        });
        return Task.CompletedTask;
    }

    public Task AssetsAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (from, limit) = Page(query);
        return AnswerAsync(
            context, query, (bank, at) => Take(bank.Ledger.Tables.Assets, at, from, limit), (to, asked, page) =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("assets"u8);
            foreach (var asset in page.Rows)
            {
                to.WriteStartObject();
                to.Value("code"u8, asset.Code);
                to.WriteNumber("scale"u8, asset.Scale);
                to.WriteBoolean("retired"u8, asset.Retired != 0);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } row ? asked.CursorAt(row) : null);
        });
    }

    public Task ReferencesAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var (from, limit) = Page(query);
        return AnswerAsync(
            context, query, (bank, at) => Take(bank.Book.References.Rows, at, from, limit), (to, asked, page) =>
        {
            to.WriteNumber("position"u8, page.Position);
            to.WriteStartArray("references"u8);
            foreach (var row in page.Rows)
            {
                to.WriteStartObject();
                to.Value("name"u8, row.Published.Name);
                to.WriteNumber("version"u8, row.Published.Version);
                to.Value("in_force_from"u8, row.Published.InForceFrom);
                to.WriteString("kind"u8,
                    JsonNamingPolicy.SnakeCaseLower.ConvertName(row.Published.Content.GetType().Name));
                to.Value("author"u8, row.Published.Author);
                to.Value("approver"u8, row.Published.Approver);
                to.WriteEndObject();
            }
            to.WriteEndArray();
            ReadsAccounts.Next(to, page.Next is { } next ? asked.CursorAt(next) : null);
        });
    }

    public async Task ReferenceAsync(HttpContext context)
    {
        var query = new ReadsQuery(context);
        var on = query.Value<BusinessDate>("on");
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var stated = System.Text.Encoding.UTF8.GetBytes(context.Request.RouteValues["name"] as string ?? "");
        var (published, position) = await book.Engine.ReadAsync((bank, at) =>
            (Tag.TryParse(stated, out var name) ? bank.Book.References.InForce(name, on ?? at.Today) : null,
                at.Position - 1)).ConfigureAwait(false);
        if (published is null)
        {
            await Problems.Answer(context, ReadsProblems.ReferenceNotFound).ConfigureAwait(false);
            return;
        }
        Reads.Ok(context, to =>
        {
            to.WriteNumber("position"u8, position);
            to.WritePropertyName("reference"u8);
            JsonSerializer.Serialize(to, published, EventCatalogue.Of(published).Info);
        });
    }

    /// <summary>Rows of a book's table by number; at most as many as a read of the book may visit.</summary>
    private static (List<TRow> Rows, int? Next, long Position) Take<TKey, TRow>(
        Table<TKey, TRow> table, in Moment at, int from, int limit)
        where TKey : unmanaged, IEquatable<TKey> where TRow : struct, IRow<TRow, TKey>
    {
        var rows = new List<TRow>();
        var row = from;
        for (; row < table.Count && rows.Count < limit; row++) rows.Add(table[row]);
        return (rows, row < table.Count ? row : null, at.Position - 1);
    }

    private static (int From, int Limit) Page(ReadsQuery query) =>
        ((int)Math.Min(query.Mark()?.Position ?? 0, int.MaxValue), query.Limit(BookEngine.MaxRowsRead));

    private static PeriodsNow Periods(Bank bank, Moment at)
    {
        var years = new List<int>();
        var year = 0;
        for (; years.Count < BookEngine.MaxRowsRead && FirstYearFrom(bank, year) is { } found; year = found + 1)
            years.Add(found);
        return new(bank.Book.Day, years, at.Position - 1);
    }

    private static int? FirstYearFrom(Bank bank, int year)
    {
        foreach (var (key, _) in bank.Ledger.Tables.YearsInOrder.From(new(year, 0))) return key.Year;
        return null;
    }

    private static BusinessDate? DateOrNone(BusinessDate date) => date == BusinessDate.First ? null : date;

    private async Task AnswerAsync<T>(
        HttpContext context, ReadsQuery query, Func<Bank, Moment, T> read, Action<Utf8JsonWriter, ReadsQuery, T> write)
    {
        if (query.Check(book.Engine) is { } flaw)
        {
            await Problems.Answer(context, flaw).ConfigureAwait(false);
            return;
        }
        var found = await book.Engine.ReadAsync(read).ConfigureAwait(false);
        Reads.Ok(context, to => write(to, query, found));
    }
}
