using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;
using BankingEngine.Projections;
using BankingEngine.Projections.Stores.Postgres;

namespace BankingEngine.Host.Cli;

/// <summary><c>projections</c>: read models out of nothing but the journal.</summary>
internal static class ProjectionsCommand
{
    private const string About = """
        Lists, builds and compares the read models that answer history and reports. Those of a book on a file journal
        live in the memory of the host, which builds them from the journal when it starts: there is nothing on disk to
        mend, and deleting one is not possible. All three commands work beside a running server.

          projections list --data bank-data/demo
          projections rebuild --data bank-data/demo --json
          projections verify --data bank-data/demo --server http://127.0.0.1:5080

        list says which read models there are and in which version. rebuild builds all of them from the first event and
        prints the digest of each: equal digests at the same position are equal rows. verify asks a running server for
        the digest of each of its own, builds the same from the journal up to the same position, and compares; the key,
        of a scope operate, stands in the environment as BANK_KEY. Without --server it builds each twice, block by block
        and in one run with another reader, which shows that the rows follow from the events alone.

        Accounts' entries and transfers may be tables in PostgreSQL (--read-models, and by default of a book whose
        journal is there), and beside them report_facts: statements, holders, prices, closes of years and counters for
        whoever reads the database. Then rebuild builds these anew beside those that answer and swaps them in one
        transaction, and verify compares each table with new ones made of the same events.

          projections verify --journal "postgres:Host=db;Username=bank;Database=bank" --book main

        To let a running server build one anew, POST /v1/projections/{name}/rebuild.

        Exit codes: 2 somebody's view or key hangs on a table that is to be built anew, each named with its schema; 3
        rows differ, or a read model met an event that it cannot take; 4 the server does not answer or refuses the key;
        5 no journal, or no such position.
        """;

    private const string KeyVariable = "BANK_KEY";

    private static readonly Option<long?> Through =
        Common.Optional<long?>("--through", "Last position to apply; default: the end.");
    private static readonly Option<string?> Server =
        Common.Optional<string?>("--server", "Address of the server whose read models are compared.");
    private static readonly Option<string?> Models = new AddressOption("--read-models")
    {
        Description = "Where entries and transfers lie: memory, or postgres:<connection string>.",
    };
    private static readonly Option<string> ListData = Common.Data(), RebuildData = Common.Data(), VerifyData = Common.Data();

    public static System.CommandLine.Command Build() => new TaughtCommand("projections", About)
    {
        new System.CommandLine.Command("list", "Which read models there are.") { ListData, Models }.AtPlace().Does(List),
        new System.CommandLine.Command("rebuild", "Build all from the first event, and print their digests.")
        {
            RebuildData, Through, Models,
        }.AtPlace().Does((parsed, terminal, cancellation) => Task.FromResult(Rebuild(parsed, terminal, cancellation))),
        new System.CommandLine.Command("verify", "Compare a server's read models with the journal.")
        {
            VerifyData, Server, Models,
        }.AtPlace().Does(VerifyAsync),
    };

    private static int List(ParseResult parsed, Terminal terminal)
    {
        var place = Common.PlaceOf(parsed, ListData);
        var areTables = TablesOf(parsed, place) is not null;
        using var journal = place.OpenToRead();
        var models = (areTables ? PostgresReadModels.All : []).Select(m => (m.Name, m.Version, Kept: "PostgreSQL"))
            .Concat(ReadModels.Fresh()[(areTables ? ReadModels.MayBeTables : 0)..]
                .Select(model => (model.Name, model.Version, Kept: "memory")))
            .ToList();
        terminal.Table(["read model", "version", "kept in"],
            [.. models.Select(m => new[] { m.Name, m.Version.ToString(CultureInfo.InvariantCulture), m.Kept })]);
        return terminal.Done(new()
        {
            ["book"] = journal.Identity.Book,
            ["position"] = journal.Tail.Position,
            ["projections"] = new JsonArray([.. models.Select(m => new JsonObject
            {
                ["name"] = m.Name,
                ["version"] = m.Version,
                ["kept_in"] = m.Kept,
            })]),
        });
    }

    /// <summary>The connection string of the read models that are tables; null where none are.</summary>
    private static string? TablesOf(ParseResult parsed, BookPlace place) =>
        ProjectionTables.Of((place with { ReadModels = Common.ModelsOf(parsed, Models) }).ModelsAddress);

    private static int Rebuild(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var place = Common.PlaceOf(parsed, RebuildData);
        var connection = TablesOf(parsed, place);
        using var journal = place.OpenToRead();
        var through = BookFolder.Through(journal, parsed.GetValue(Through));
        if (connection is not null && parsed.GetValue(Through) is not null)
            throw new CommandFailure(ExitCodes.Usage, "usage", "Tables are built to the end: leave --through out.");
        IReadOnlyList<RebuiltModel> tables =
            connection is null ? [] : ProjectionTables.Rebuild(journal, connection, terminal, cancellation);
        var models = ReadModels.Fresh()[(connection is null ? 0 : ReadModels.MayBeTables)..];
        var started = Stopwatch.GetTimestamp();
        terminal.Progress("Building", through, progress => Fill(journal, models, through, ahead: true, progress));
        var time = Stopwatch.GetElapsedTime(started);
        var faulty = models.Count(model => model.Fault is not null);
        if (tables.Count > 0)
        {
            terminal.Say($"Book {journal.Identity.Book}: {tables.Count} read models in PostgreSQL were built anew and "
                + "answer now.");
            terminal.Table(["read model", "position", "seconds"], [.. tables.Select(RowOf)]);
        }
        terminal.Say(
            $"Book {journal.Identity.Book}: {models.Length} read models in memory of {Terminal.Number(through)} events, in "
            + $"{Terminal.Seconds(time)} s ({Terminal.Number(Terminal.Rate(through, time))} a second).");
        terminal.Table(["read model", "position", "digest"], [.. models.Select(RowOf)]);
        return terminal.Done(
            new()
            {
                ["book"] = journal.Identity.Book,
                ["seconds"] = Math.Round(time.TotalSeconds, 3),
                ["tables"] = new JsonArray([.. tables.Select(table => (JsonNode)table.Name)]),
                ["projections"] = new JsonArray([.. models.Select(ObjectOf)]),
            },
            faulty == 0 ? ExitCodes.Done : ExitCodes.Mismatch);
    }

    private static async Task<int> VerifyAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var place = Common.PlaceOf(parsed, VerifyData);
        var connection = TablesOf(parsed, place);
        using var journal = place.OpenToRead();
        var inMemory = ReadModels.Fresh()[(connection is null ? 0 : ReadModels.MayBeTables)..];
        var theirs = parsed.GetValue(Server) is { } server
            ? await AskAsync(server, inMemory, cancellation).ConfigureAwait(false)
            : BuildTwice(journal, inMemory, terminal);
        using var again = place.OpenToRead();
        var rows = new List<string[]>();
        var differ = 0;
        if (connection is not null)
        {
            foreach (var table in ProjectionTables.Verify(journal, connection, terminal, cancellation))
            {
                if (!table.AreEqual) differ++;
                rows.Add([
                    table.Table, journal.Tail.Position.ToString(CultureInfo.InvariantCulture),
                    table.AreEqual ? "agrees" : "DIFFERS",
                ]);
            }
        }
        foreach (var (name, (position, digest)) in theirs)
        {
            if (ReadModels.Fresh().FirstOrDefault(model => model.Name == name) is not { } own)
                throw new CommandFailure(ExitCodes.Mismatch, "projections.unknown", $"This program knows no {name}.");
            var through = BookFolder.Through(again, position);
            terminal.Progress(name, through, progress => Fill(again, [own], through, ahead: false, progress));
            var isSame = own.Fault is null && own.Fingerprint() == (position, digest);
            if (!isSame) differ++;
            rows.Add([name, position.ToString(CultureInfo.InvariantCulture), isSame ? "agrees" : "DIFFERS"]);
        }
        terminal.Table(["read model", "position", "rows"], rows);
        terminal.Say(differ == 0 ? "All rows follow from the journal." : $"{differ} read models differ: rebuild them.");
        return terminal.Done(
            new() { ["book"] = journal.Identity.Book, ["compared"] = rows.Count, ["differ"] = differ },
            differ == 0 ? ExitCodes.Done : ExitCodes.Mismatch);
    }

    private static SortedDictionary<string, (long, UInt128)> BuildTwice(
        IJournal journal, Projection[] models, Terminal terminal)
    {
        var through = journal.Tail.Position;
        terminal.Progress("Building", through, progress => Fill(journal, models, through, ahead: true, progress));
        if (Array.Find(models, model => model.Fault is not null) is { } stopped)
            throw new CommandFailure(
                ExitCodes.Mismatch, "projections.stopped", $"{stopped.Name}: {stopped.Fault!.Reason}");
        return new(models.ToDictionary(model => model.Name, model => model.Fingerprint()), StringComparer.Ordinal);
    }

    private static long Fill(
        IJournal journal, IReadOnlyList<Projection> models, long through, bool ahead, IProgress<long>? progress)
    {
        using var blocks = new BlockParser(journal, from: 1, hash: false, through, ahead);
        var fed = 0L;
        while (fed < through && blocks.Next() is { } block)
        {
            foreach (var model in models) model.Feed(block, through);
            fed = block.LastPosition;
            progress?.Report(Math.Min(fed, through));
        }
        return fed;
    }

    /// <summary>The digests of a running server, each with the position that it is of.</summary>
    private static async Task<SortedDictionary<string, (long, UInt128)>> AskAsync(
        string server, Projection[] models, CancellationToken cancellation)
    {
        var key = Environment.GetEnvironmentVariable(KeyVariable);
        if (!Uri.TryCreate(server, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new CommandFailure(ExitCodes.Usage, "usage", $"{server} is no address of a server.");
        if (string.IsNullOrEmpty(key))
            throw new CommandFailure(ExitCodes.Usage, "usage", $"Put a key of the scope operate in {KeyVariable}.");
        using var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var digests = new SortedDictionary<string, (long, UInt128)>(StringComparer.Ordinal);
        try
        {
            foreach (var model in models)
            {
                using var answer = await client.GetAsync(
                    new Uri($"/v1/projections/{model.Name}/digest", UriKind.Relative), cancellation).ConfigureAwait(false);
                using var body = JsonDocument.Parse(
                    await answer.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false));
                if (!answer.IsSuccessStatusCode)
                    throw new CommandFailure(
                        ExitCodes.InUse, "projections.refused", body.RootElement.GetProperty("title").GetString()!);
                digests.Add(model.Name, (body.RootElement.GetProperty("position").GetInt64(), UInt128.Parse(
                    body.RootElement.GetProperty("digest").GetString()!, NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture)));
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException)
        {
            throw new CommandFailure(ExitCodes.InUse, "projections.no_answer", fault.Message);
        }
        return digests;
    }

    private static string[] RowOf(RebuiltModel model) =>
        [model.Name, model.Position.ToString(CultureInfo.InvariantCulture), Terminal.Seconds(model.Time)];

    private static string[] RowOf(Projection model) =>
    [
        model.Name, model.Position.ToString(CultureInfo.InvariantCulture),
        model.Fault is { } fault ? $"stopped at {fault.Position}: {fault.Reason}"
            : model.Digest().ToString("x32", CultureInfo.InvariantCulture),
    ];

    private static JsonObject ObjectOf(Projection model) => new()
    {
        ["name"] = model.Name,
        ["version"] = model.Version,
        ["position"] = model.Position,
        ["digest"] = model.Fault is null ? model.Digest().ToString("x32", CultureInfo.InvariantCulture) : null,
        ["stopped"] = model.Fault?.Reason,
    };
}
