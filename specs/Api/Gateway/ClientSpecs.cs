using System.Diagnostics;
using System.Text.Json;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Application.Journal.Tree;
using BankingEngine.Specs.Contracts;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;

namespace BankingEngine.Specs.Api.Gateway;

/// <summary>A spec that runs the official clients, where Node and the modules are there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ClientTheoryAttribute : TheoryAttribute
{
    public ClientTheoryAttribute(bool needsPostgres = false)
    {
        NeedsPostgres = needsPostgres;
        if (!Directory.Exists(Path.Combine(Clients.Folder, "node_modules")))
            Skip = "The official clients are not installed: npm ci in specs/Api/Gateway/clients.";
        else if (!Clients.HasNode) Skip = "node is not installed.";
        else if (needsPostgres && PostgresCluster.Binaries is null) Skip = "There is no PostgreSQL server on this machine.";
    }

    public bool NeedsPostgres { get; }
}

/// <summary>The scripts that read and write with the official clients.</summary>
internal static class Clients
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    public static string Folder { get; } =
        Path.Combine(EventContractSpecs.Repository(), "specs", "Api", "Gateway", "clients");

    public static bool HasNode { get; } = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "node")));

    /// <param name="ready">Run when the script says that it is ready; null: it never does.</param>
    public static async Task<JsonElement> RunAsync(Func<Task>? ready, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("node", arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var said = new List<string>();
        while (await process.StandardError.ReadLineAsync().WaitAsync(Longest) is { } line)
        {
            said.Add(line);
            if (line == "ready" && ready is not null) await ready();
        }
        await process.WaitForExitAsync().WaitAsync(Longest);
        process.ExitCode.Should().Be(0, string.Join('\n', said));
        return JsonDocument.Parse(await output).RootElement;
    }

    public static IEnumerable<long> Numbers(this JsonElement seen, string name) =>
        seen.GetProperty(name).EnumerateArray().Select(number => number.GetInt64());

    public static IEnumerable<string> Texts(this JsonElement seen, string name) =>
        seen.GetProperty(name).EnumerateArray().Select(text => text.GetString()!);
}

/// <summary>The official Node clients, at the audit gateway and at the event store of the specs.</summary>
public sealed class ClientSpecs(GatewayHost host) : IClassFixture<GatewayHost>
{
    private const string Book = "book-sandbox", Alice = "account-customers:alice";

    [ClientTheory]
    [InlineData("eventstore", true)]
    [InlineData("eventstore", false)]
    [InlineData("kurrent", true)]
    [InlineData("kurrent", false)]
    public async Task An_auditor_reads_filters_subscribes_and_verifies(string family, bool secure)
    {
        var token = await host.Served.KeyWith("audit");
        ApiKeys.TryParse(token, out var key, out _, out _).Should().BeTrue();
        var connection = secure
            ? $"esdb://{key}:{Uri.EscapeDataString(token)}@{host.Secure.Address.Authority}?tlsCaFile={Uri.EscapeDataString(host.AuthorityFile)}"
            : $"esdb+discover://{host.Open.Address.Authority}?tls=false";
        await host.Served.Transfer("customers:alice", "customers:bob", "1.00");
        var end = host.Served.Book.Engine.DurablePosition;
        var transfer = JsonDocument.Parse(Line(end)).RootElement.GetProperty("data").GetProperty("id").GetString();
        var seen = await Clients.RunAsync(
            () => host.Served.Transfer("customers:alice", "customers:bob", "1.00"), "read.mjs", family, connection, Book,
            Alice, $"transfer-{transfer}");

        seen.GetProperty("count").GetInt64().Should().Be(end);
        seen.Numbers("forwards").Should().Equal(3, 4);
        seen.Numbers("backwards").Should().Equal(end - 1, end - 2);
        seen.Numbers("backwardsFrom").Should().Equal(2, 1, 0);
        seen.GetProperty("missing").GetString().Should().Be("stream-not-found");
        seen.GetProperty("noAccount").GetString().Should().Be("stream-not-found");
        seen.Numbers("all").Should().Equal(Enumerable.Range(0, (int)end).Select(i => (long)i));
        seen.Numbers("positions").Should().Equal(Enumerable.Range(1, (int)end).Select(i => (long)i));
        seen.Numbers("allFrom").Should().Equal(2, 3);
        seen.Numbers("allBackwards").Should().Equal(end - 1, end - 2, end - 3);
        seen.Numbers("allBackwardsFrom").Should().Equal(1, 0);
        if (family == "kurrent") seen.Texts("allFiltered").Should().NotBeEmpty().And.OnlyContain(t => t.StartsWith("account."));
        seen.GetProperty("links")[0][1].GetString().Should().Be(Alice);
        seen.GetProperty("links")[0][2].GetString().Should().Be(Book);
        seen.Texts("bare").Should().Equal("$>");
        seen.Numbers("transfer").Should().Equal(end - 1);
        seen.GetProperty("created").GetBoolean().Should().BeTrue();
        seen.Numbers("live").Should().Equal(end);
        seen.Numbers("ofStream").Should().Equal(Enumerable.Range(2, (int)end - 1).Select(i => (long)i));
        seen.Texts("ofAll").Should().NotBeEmpty().And.OnlyContain(t => t.StartsWith("account.") || t.StartsWith("transfer."));
        seen.Numbers("ofAccount").Last().Should().Be(end);
        seen.GetProperty("checkpoints").GetBoolean().Should().BeTrue();
        await ProofsHold(seen, end);
    }

    [ClientTheory]
    [InlineData("eventstore")]
    [InlineData("kurrent")]
    public async Task Whoever_has_no_key_or_a_key_for_other_things_reads_nothing(string family)
    {
        var token = await host.Served.KeyWith("read");
        ApiKeys.TryParse(token, out var key, out _, out _).Should().BeTrue();
        var tail = $"{host.Secure.Address.Authority}?tlsCaFile={Uri.EscapeDataString(host.AuthorityFile)}";
        foreach (var connection in new[] { $"esdb://{tail}", $"esdb://{key}:{Uri.EscapeDataString(token)}@{tail}" })
        {
            var seen = await Clients.RunAsync(null, "refused.mjs", family, connection, Book);
            seen.GetProperty("read").GetString().Should().Be("access-denied", connection);
            seen.GetProperty("all").GetString().Should().Be("access-denied");
            seen.GetProperty("append").GetString().Should().NotBe("none");
        }
    }

    [ClientTheory]
    [InlineData("eventstore", true)]
    [InlineData("eventstore", false)]
    [InlineData("kurrent", true)]
    [InlineData("kurrent", false)]
    public async Task What_is_not_for_reading_ends_in_the_clients_own_error(string family, bool secure)
    {
        var token = await host.Served.KeyWith("audit");
        ApiKeys.TryParse(token, out var key, out _, out _).Should().BeTrue();
        var connection = secure
            ? $"esdb://{key}:{Uri.EscapeDataString(token)}@{host.Secure.Address.Authority}?tlsCaFile={Uri.EscapeDataString(host.AuthorityFile)}"
            : $"esdb://{host.Open.Address.Authority}?tls=false";
        var seen = await Clients.RunAsync(null, "foreign.mjs", family, connection);
        var ends = seen.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetString()!);
        // Where the clients believe the server older they ask by HTTP/1.1, which reaches the gateway over TLS alone.
        var byHttp = $"unknown//{(secure ? "Not Implemented" : "Bad Request")}";
        ends.Should().HaveCount(19).And.OnlyContain(one => one.Value.StartsWith("unsupported/")
            || one.Value.StartsWith("unknown/12/12 UNIMPLEMENTED: ") || one.Value == byHttp);
        ends["createToStream"].Should().Contain("UNIMPLEMENTED");
        ends["listAll"].Should().Be(byHttp);
    }

    [ClientTheory]
    [InlineData("eventstore", true)]
    [InlineData("eventstore", false)]
    [InlineData("kurrent", true)]
    [InlineData("kurrent", false)]
    public async Task The_event_store_of_the_specs_is_one_to_the_clients(string family, bool batches)
    {
        var folder = Directory.CreateTempSubdirectory("bank-eventstore-").FullName;
        await using (var server = await EventStoreServer.StartAsync(new(folder) { SupportsBatches = batches }))
        {
            var seen = await Clients.RunAsync(null, "append.mjs", family, $"esdb://{server.Authority}?tls=false");
            seen.GetProperty("first").GetInt64().Should().Be(0);
            seen.GetProperty("repeated").GetInt64().Should().Be(0);
            seen.GetProperty("conflict").GetString().Should().Be("wrong-expected-version");
            seen.GetProperty("conflictAt").GetString().Should().Be("wrong-expected-version");
            (seen.GetProperty("batch").GetInt64(), seen.GetProperty("last").GetInt64()).Should().Be((4, 6));
            seen.Numbers("subscribed").Should().Equal(0, 1, 2, 3, 4);
            seen.Numbers("forwards").Should().Equal(2, 3, 4);
            seen.Numbers("backwards").Should().Equal(6, 5);
            seen.GetProperty("missing").GetString().Should().Be("stream-not-found");
            (seen.GetProperty("data").GetProperty("n").GetInt64(), seen.GetProperty("metadata").GetProperty("m").GetInt64())
                .Should().Be((0, 0));
            seen.GetProperty("id").GetBoolean().Should().BeTrue();
            seen.Numbers("odd").Should().Equal(1, 3, 5);
            seen.Numbers("kept").Should().Equal(2);
            seen.GetProperty("huge").GetString().Should().Be("maximum-append-size-exceeded");
            seen.GetProperty("deleted").GetString().Should().Be("stream-not-found");
            seen.GetProperty("tombstoned").GetString().Should().Be("stream-deleted");
            server.Calls.ContainsKey("/event_store.client.streams.Streams/BatchAppend").Should().Be(batches);
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>What the client hashed is what the metadata say, and what the bank proves.</summary>
    private async Task ProofsHold(JsonElement seen, long end)
    {
        var (leaves, verified) = (seen.Texts("leaves").ToList(), 0);
        for (var position = 1; position <= end; position++)
        {
            var said = seen.GetProperty("metadata")[position - 1];
            seen.GetProperty("ids")[position - 1].GetString().Should()
                .Be(EventIds.Of(host.Served.Book.Engine.Journal.Identity.Genesis.Span, position).ToString());
            // A client that parses JSON writes what was escaped in another way: then it cannot hash it again.
            if (Line(position).Contains('\\', StringComparison.Ordinal)) continue;
            leaves[position - 1].Should().Be(said.GetProperty("leaf").GetString());
            verified++;
            var (size, root) = (said.GetProperty("size").GetInt64(), said.GetProperty("root").GetString()!);
            var proof = (await host.Served.Get($"/v1/audit/proofs/inclusion?position={position}&size={size}")).Json;
            var path = proof.GetProperty("hashes").EnumerateArray().Select(h => TreeHash.From(h.GetBytesFromBase64())).ToArray();
            Proofs.VerifyInclusion(
                TreeHash.From(Convert.FromHexString(leaves[position - 1])), position - 1, size, path,
                TreeHash.From(Convert.FromHexString(root))).Should().BeTrue();
        }
        verified.Should().BeGreaterThan(8);
    }

    private string Line(long position)
    {
        var line = new System.Buffers.ArrayBufferWriter<byte>();
        host.Served.Book.Engine.Journal.TryReadEvent(position, line);
        return System.Text.Encoding.UTF8.GetString(line.WrittenSpan);
    }
}
