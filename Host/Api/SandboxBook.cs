using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Api;

/// <summary>
/// The bank that one gets without asking for any: a sandbox book with a few accounts and some money in it.
/// </summary>
public static class SandboxBook
{
    /// <summary>Relative to the working directory.</summary>
    public const string DefaultFolder = "bank-data/sandbox";

    /// <summary>
    /// The demo key's token, so that a later start can print it again. Only a sandbox has such a file.
    /// </summary>
    public const string KeyFile = "demo-key";

    private static readonly Tag KeyId = Tag.Of("demo");

    /// <summary>Opens the sandbox book of a folder; founds it when there is none.</summary>
    public static Task<RunningBook> OpenAsync(
        string folder, ILogger log, Action<Exception> onFatal, ITimeSource? time = null) =>
        OpenAsync(BookPlace.InFolder(folder), new(log, onFatal, time), mayFound: true);

    /// <summary>Opens the book of a place; founds a sandbox there when there is none.</summary>
    /// <param name="mayFound">Else a place without a book is a failure.</param>
    /// <exception cref="JournalException">NotFound, or the journal cannot be opened.</exception>
    public static async Task<RunningBook> OpenAsync(BookPlace place, Opening opening, bool mayFound)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (place.IsShared)
        {
            try
            {
                return await RunningBook.OpenAsync(place, opening).ConfigureAwait(false);
            }
            catch (JournalException missing) when (missing.Kind == JournalFault.NotFound && mayFound)
            {
                // It is founded below.
            }
        }
        else if (!IsToBeFounded(place.Folder) || !mayFound)
            return await RunningBook.OpenAsync(place, opening).ConfigureAwait(false);
        Directory.CreateDirectory(place.Folder);
        var identity = new JournalIdentity(place.Book, RandomNumberGenerator.GetBytes(32));
        try
        {
            return await RunningBook.FoundAsync(place, identity, opening, engine => FoundAsync(engine, place))
                .ConfigureAwait(false);
        }
        catch (JournalException founded) when (founded.Kind == JournalFault.NotEmpty && place.IsShared)
        {
            return await RunningBook.OpenAsync(place, opening).ConfigureAwait(false);
        }
    }

    /// <summary>Whether a folder is empty, or not there at all.</summary>
    public static bool IsToBeFounded(string folder) =>
        !Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Any();

    /// <summary>The demo key's token; null when the book has none, or its file is gone.</summary>
    public static string? DemoKey(RunningBook book)
    {
        var file = Path.Combine(book.Folder, KeyFile);
        return book.Genesis.Mode == BookMode.Sandbox && File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    private static async Task FoundAsync(BookEngine engine, BookPlace place)
    {
        var genesis = new Genesis(
            Tag.Of(place.Book), BookMode.Sandbox, "00000000000000SANDBX", AssetCode.Parse("EUR"), Tag.Of("utc"),
            Tag.Of("weekdays"),
            Tag.Of("de"), 86_400, Genesis.DefaultIdMemory);
        var weekdays = new BusinessCalendar("weekdays", [Weekday.Saturday, Weekday.Sunday], []);
        var today = weekdays.Adjust(engine.RoughNow.DateAt(0), DayAdjustment.Following);
        var token = await Founding.FoundAsync(engine, genesis, today, [], new([6, 7], []), KeyId).ConfigureAwait(false);
        WriteKey(Path.Combine(place.Folder, KeyFile), token);
        foreach (var (command, named) in Demo()) await SendAsync(engine, command, named).ConfigureAwait(false);
    }

    private static IEnumerable<(Command Command, string Named)> Demo()
    {
        yield return Open("bank:cash", AccountClass.Asset, "1000", AccountFlags.None);
        yield return Open("bank:fees", AccountClass.Income, "4000", AccountFlags.None);
        yield return Open("customers:alice", AccountClass.Liability, "2000", AccountFlags.DebitsMustNotExceedCredits);
        yield return Open("customers:bob", AccountClass.Liability, "2000", AccountFlags.DebitsMustNotExceedCredits);
        yield return Move("bank:cash", "customers:alice", "1000.00");
        yield return Move("bank:cash", "customers:bob", "250.00");
        yield return Move("customers:alice", "customers:bob", "75.50");
        yield return Move("customers:alice", "bank:fees", "1.20");
    }

    private static (Command, string) Open(string name, AccountClass @class, string chart, AccountFlags flags) =>
        (new OpenAccount(
            AccountId.Parse(name), @class, Tag.Of(chart), default, flags,
            [AssetCode.Parse("EUR"), AssetCode.Parse("USD")]), "account.open");

    private static (Command, string) Move(string debit, string credit, string amount)
    {
        StatedAmount.TryParse(Encoding.ASCII.GetBytes(amount), AssetCode.Parse("EUR"), out var stated);
        return (
            new MakeTransfer(AccountId.Parse(debit), AccountId.Parse(credit), stated, Particulars.None),
            "transfer.make");
    }

    private static async Task SendAsync(BookEngine engine, Command command, string named)
    {
        var answer = await engine.SendAsync(new(default, Envelope.Engine, 0), command, named).ConfigureAwait(false);
        if (answer.Ended.Ending != Ending.Accepted)
            throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{named}: {answer.Ended.Rejection?.Code}"));
    }

    private static void WriteKey(string path, string token)
    {
        using var file = FileKeyStore.CreateForOwner(path);
        file.Write(Encoding.ASCII.GetBytes(token));
        file.Flush(flushToDisk: true);
    }
}

/// <summary>What a start says: where, with which key, and three lines that work as they stand.</summary>
public static class Greeting
{
    /// <param name="books">The first is the one at the root of the address.</param>
    public static async Task WriteAsync(TextWriter to, IReadOnlyList<RunningBook> books, string address)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(books);
        var book = books[0];
        foreach (var each in books)
        {
            await to.WriteLineAsync(
                $"Book {each.Genesis.Name} at position {each.Engine.DurablePosition}, in {each.Place}"
                + (each == book ? "" : $", below {address}/books/{each.Genesis.Name}")).ConfigureAwait(false);
            foreach (var warning in each.Warnings) await to.WriteLineAsync($"Mind: {warning}").ConfigureAwait(false);
        }
        await to.WriteLineAsync($"Listening on {address}, described at {address}/docs; Ctrl+C ends it")
            .ConfigureAwait(false);
        if (SandboxBook.DemoKey(book) is not { } key) return;
        var body = """{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"12.34"}}""";
        const string headers = "-H \"Idempotency-Key: $(date +%s%N)\" -H \"Content-Type: application/json\"";
        await to.WriteLineAsync($"""
            Demo key: {key}

            curl -s {address}/v1/transfers -H "Authorization: Bearer {key}" {headers} -d '{body}'
            curl -s {address}/v1/accounts/customers:bob/balances -H "Authorization: Bearer {key}"
            curl -s {address}/v1/trial-balance -H "Authorization: Bearer {key}"
            """).ConfigureAwait(false);
    }
}
