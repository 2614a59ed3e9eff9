using System.CommandLine;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>keys</c>: who may ask what of a book, changed while no server has it open.</summary>
internal static class KeysCommand
{
    private const string About = """
        Lists, issues and revokes the API keys of a book, and erases personal keys. Only the list works beside a running
        server; for the rest ask its API, /v1/keys, with a key of scope keys. 'new' makes a key that signs commands, and
        needs no book.
        """;

    private const string ListAbout = """
        Lists all keys, revoked ones too. Reads only, so it works beside a running server.

          keys list --data bank-data/demo
        """;

    private const string IssueAbout = """
        Issues a key. Its token is shown once; the book keeps only the hash of its secret.

          keys issue --data bank-data/demo --id teller --scopes accounts,transfers,read --expires 2027-12-31

        Exit codes: 2 the book refuses it, with the code; 4 the book is open elsewhere.
        """;

    private const string RevokeAbout = """
        Revokes a key, from now on and for good. The last key that can issue keys cannot be revoked.

          keys revoke --data bank-data/demo --id teller --reason "left the bank"

        Exit codes: 2 the book refuses it, with the code; 4 the book is open elsewhere; 5 no such key.
        """;

    private const string EraseAbout = """
        Destroys the key that a subject's personal text is sealed with. The text is then unreadable for good, here and
        in every copy of the journal; proofs, digests and replay still hold. On files the key is first put on a list beside
        the journal, which 'journal backup' carries along: 'journal restore' brings no key back that stands there, and
        the next 'journal backup --keys' destroys it in that backup too. Other copies of the key folder have to be
        destroyed by hand.

          keys erase --data bank-data/demo --subject customers:alice --yes

        Exit codes: 2 not done for want of --yes; 4 the book is open elsewhere; 5 no such key, perhaps erased before.
        """;

    /// <summary>The scopes one by one.</summary>
    private static readonly Scopes[] Single =
        [.. Enum.GetValues<Scopes>().Where(scope => BitOperations.IsPow2((uint)scope))];

    private static readonly Option<bool> Yes = Common.Optional<bool>("--yes", "Do it.");
    private static readonly Option<string>
        Data = Common.Data(),
        Id = Common.Required<string>("--id", "The key's id: 1 to 16 of a-z, 0-9, '.', '_' and '-'."),
        Scopes = Common.Required<string>(
            "--scopes", $"What it allows, with ',' between: {string.Join(", ", Single.Select(NameOf))}, or all."),
        Reason = Common.Required<string>("--reason", "Why, for the record."),
        Subject = Common.Required<string>("--subject", "The account whose personal text is to be erased.");
    private static readonly Option<string?> Expires =
        Common.Optional<string?>("--expires", "Date from which it no longer works (00:00 UTC); default: never.");

    public static System.CommandLine.Command Build() => new TaughtCommand("keys", About)
    {
        new TaughtCommand("list", ListAbout) { Data }.AtPlace().Does(List),
        new TaughtCommand("issue", IssueAbout) { Data, Id, Scopes, Expires }.AtPlace()
            .Does((parsed, terminal, _) => IssueAsync(parsed, terminal)),
        new TaughtCommand("revoke", RevokeAbout) { Data, Id, Reason }.AtPlace()
            .Does((parsed, terminal, _) => RevokeAsync(parsed, terminal)),
        new TaughtCommand("erase", EraseAbout) { Data, Subject, Yes }.AtPlace()
            .Does((parsed, terminal, _) => EraseAsync(parsed, terminal)),
        SignCommand.BuildNew(),
    };

    private static async Task<int> EraseAsync(ParseResult parsed, Terminal terminal)
    {
        var subject = parsed.GetValue(Subject)!;
        if (!AccountId.TryParse(subject, out _))
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{subject} is not an account's name.");
        // Open, because a running server keeps keys in memory and would go on reading.
        var place = Common.PlaceOf(parsed, Data);
        using var book = await BookFolder.OpenAsync(place).ConfigureAwait(false);
        if (!parsed.GetValue(Yes))
            throw new CommandFailure(
                ExitCodes.Refused, "erase.not_confirmed",
                $"What was said about {subject} would be unreadable for good. Say --yes to do it.");
        using var store = SharedStores.Keys(place, book.Engine.Journal.Identity);
        if (!store.Destroy(subject))
            throw new CommandFailure(ExitCodes.NotFound, "erase.not_found", $"There is no key of {subject}.");
        terminal.Say($"The key of {subject} is destroyed.");
        return terminal.Done(new() { ["subject"] = subject });
    }

    private static int List(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, Data);
        var folder = place.Folder;
        using var journal = place.OpenToRead();
        var keys = BookFolder.StateAt(journal, folder, journal.Tail.Position).Bank.Keys.Rows;
        var rows = Enumerable.Range(0, keys.Count).Select(number => keys[number]).ToList();
        terminal.Table(["Key", "Scopes", "Expires", "State"],
            [
                .. rows.Select(key => new[]
                {
                    key.Id.ToString(), Text(key.Scopes), Until(key) ?? "never", key.Revoked != 0 ? "revoked" : "issued",
                }),
            ]);
        return terminal.Done(new()
        {
            ["keys"] = new JsonArray([.. rows.Select(key => (JsonNode)new JsonObject
            {
                ["id"] = key.Id.ToString(),
                ["scopes"] = Text(key.Scopes),
                ["expires"] = Until(key),
                ["revoked"] = key.Revoked != 0,
            })]),
        });
    }

    private static async Task<int> IssueAsync(ParseResult parsed, Terminal terminal)
    {
        var id = TagOf(parsed.GetValue(Id)!);
        var scopes = ScopesOf(parsed.GetValue(Scopes)!);
        Instant? expires = parsed.GetValue(Expires) is not { } date ? null
            : BusinessDate.TryParse(date, out var day) && day.Day >= 0
                ? new Instant(day.Day * 86_400L * Instant.MicrosecondsPerSecond)
            : throw new CommandFailure(ExitCodes.Usage, "usage", $"{date} is not a date.");
        using var running = await BookFolder.OpenAsync(Common.PlaceOf(parsed, Data)).ConfigureAwait(false);
        var book = running.Engine;
        var token = ApiKeys.NewToken(id, out var high, out var low);
        var answer = await BookFolder.SendAsync(book, new IssueKey(id, high, low, scopes, expires), "key.issue")
            .ConfigureAwait(false);
        terminal.Say($"Key {id} may {Text(scopes)}. Its token is shown now and never again:");
        terminal.Say(terminal.IsJson ? "  (in the JSON object)" : $"  {token}");
        return terminal.Done(new()
        {
            ["id"] = id.ToString(),
            ["scopes"] = Text(scopes),
            ["key"] = token,
            ["position"] = answer.Ended.Position,
        });
    }

    private static async Task<int> RevokeAsync(ParseResult parsed, Terminal terminal)
    {
        var id = TagOf(parsed.GetValue(Id)!);
        using var running = await BookFolder.OpenAsync(Common.PlaceOf(parsed, Data)).ConfigureAwait(false);
        var book = running.Engine;
        var answer = await BookFolder.SendAsync(book, new RevokeKey(id, parsed.GetValue(Reason)!), "key.revoke")
            .ConfigureAwait(false);
        terminal.Say(answer.Ended.Parts == 0 ? $"Key {id} was revoked before." : $"Key {id} is revoked.");
        return terminal.Done(new() { ["id"] = id.ToString(), ["changed"] = answer.Ended.Parts > 0 });
    }

    private static Tag TagOf(string id) => Tag.TryParse(Encoding.UTF8.GetBytes(id), out var tag)
        ? tag
        : throw new CommandFailure(ExitCodes.Usage, "usage", $"{id} is not a key's id.");

    private static Scopes ScopesOf(string text)
    {
        if (text == "all") return Domain.Kernel.Scopes.All;
        var sum = Domain.Kernel.Scopes.None;
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var scope = Single.FirstOrDefault(scope => NameOf(scope) == name);
            if (scope == Domain.Kernel.Scopes.None)
                throw new CommandFailure(
                    ExitCodes.Usage, "usage", $"There is no scope {name}: {string.Join(", ", Single.Select(NameOf))}.");
            sum |= scope;
        }
        return sum;
    }

    private static string Text(Scopes scopes) =>
        string.Join(',', Single.Where(scope => (scopes & scope) != 0).Select(NameOf));

    private static string? Until(in KeyRow key) => key.Expires == Instant.Last ? null : key.Expires.ToString();

    private static string NameOf(Scopes scope) => JsonNamingPolicy.SnakeCaseLower.ConvertName(scope.ToString());
}
