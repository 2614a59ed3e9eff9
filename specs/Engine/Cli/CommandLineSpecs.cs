using System.Net;
using System.Net.Sockets;
using System.Text;
using BankingEngine.Application.Engine;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using Microsoft.Extensions.Logging.Abstractions;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Cli;

public sealed class CommandLineSpecs
{
    [Theory]
    [InlineData(1, "usage", "replay", "--no-such-option")]
    [InlineData(1, "usage", "journal", "export", "--format", "hledger", "--data", "nowhere")]
    [InlineData(5, "journal.not_found", "journal", "check", "--data", "nowhere")]
    [InlineData(5, "journal.not_found", "serve", "--data", "nowhere")]
    [InlineData(2, "init.zone_invalid", "init", "--data", "nowhere", "--name", "a", "--entity", "529900T8BM49AURSDO55",
        "--functional", "EUR", "--jurisdiction", "de", "--mode", "live", "--zone", "Middle/Earth")]
    public async Task A_failure_has_its_exit_code_and_says_why_in_one_object(
        int exit, string code, params string[] arguments)
    {
        using var shell = new Shell();
        var said = await shell.RunAsync([.. arguments, "--json"]);
        said.Exit.Should().Be(exit, said.Error);
        said.Text("code").Should().Be(code);
        said.Output.Trim().Should().NotContain("\n");
    }

    [Theory]
    [InlineData("postgres:Hots=db;Database=x", "journal", "check", "--journal", "@")]
    [InlineData("postgres://user:secret@db/bank", "serve", "--journal", "@")]
    [InlineData("postgresql://user:secret@db/bank", "journal", "copy", "--from", "@", "--to", "file:copy")]
    [InlineData("esdb://user:secret@a:x", "replay", "--journal", "@")]
    [InlineData("mysql://user:secret@db", "journal", "check", "--journal", "@")]
    [InlineData("postgres:Hots=db", "serve", "--demo", "--read-models", "@")]
    [InlineData("postgres:Hots=db", "projections", "verify", "--read-models", "@")]
    public async Task A_typo_in_an_address_is_wrong_usage_whatever_the_store(string address, params string[] line)
    {
        using var shell = new Shell();
        var said = await shell.RunAsync([.. line.Select(word => word == "@" ? address : word), "--json"]);
        (said.Exit, said.Text("code")).Should().Be((1, "usage"), said.Error);
        (said.Output + said.Error).Should().NotContain("secret");
    }

    [Fact]
    public async Task A_typo_in_the_variables_is_wrong_usage_too_and_the_help_says_so()
    {
        using var shell = new Shell();
        foreach (var variable in (string[])["BANK_KEYS=postgres:Hots=x", "BANK_JOURNAL=postgres:Hots=x"])
        {
            var said = await shell.RunWithAsync(variable, "replay", "--data", shell.Book, "--json");
            (said.Exit, said.Text("code")).Should().Be((1, "usage"), said.Error);
            said.Text("why").Should().Contain("'Host' is");
        }
        (await shell.RunAsync("--help")).Output.Should().Contain("a typing error in an address too");
    }

    [Fact]
    public async Task A_book_is_founded_once_by_an_entity_whose_check_digits_hold()
    {
        using var shell = new Shell();
        (await shell.FoundAsync(entity: "529900T8BM49AURSDO54")).Text("code").Should().Be("init.entity_invalid");
        var founded = await shell.FoundAsync();
        founded.Exit.Should().Be(0, founded.Error);
        founded.Text("key").Should().StartWith("bk.first.");
        (await shell.FoundAsync()).Text("code").Should().Be("journal.not_empty");
        var keys = await shell.RunAsync("keys", "list", "--data", shell.Book, "--json");
        keys.Json.GetProperty("keys")[0].GetProperty("scopes").GetString().Should()
            .NotContain("sandbox", "the book is live");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_line_and_an_exit_code()
    {
        using var shell = new Shell();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var said = await shell.RunAsync(
            "serve", "--demo", "--data", shell.Book, "--urls", $"http://{other.LocalEndpoint}");
        said.Exit.Should().Be(4, said.Error);
        said.Error.TrimEnd().Should().StartWith("serve.address_in_use: ").And.Contain("--urls").And.NotContain("\n");
        said.Output.Should().NotContain("   at ");
        var replayed = await shell.RunAsync("replay", "--data", shell.Book, "--verify");
        replayed.Output.TrimEnd().Split('\n')[^1].Should().MatchRegex("^Position [0-9]+, digest [0-9a-f]{32}\\.$");
    }

    [Fact]
    public async Task Beside_a_running_engine_one_can_replay_but_not_write()
    {
        using var shell = new Shell();
        using var book = await Filled(payments: 5);
        var replayed = await shell.RunAsync("replay", "--data", book.Folder, "--verify", "--json");
        replayed.Exit.Should().Be(0, replayed.Error);
        UInt128.Parse(replayed.Text("digest"), System.Globalization.NumberStyles.HexNumber, null).Should()
            .Be(await book.Digest());
        var refused = await shell.RunAsync(
            "keys", "revoke", "--data", book.Folder, "--id", "first", "--reason", "spec", "--json");
        refused.Exit.Should().Be(4);
        refused.Text("code").Should().Be("journal.in_use");
    }

    [Fact]
    public async Task A_reader_beside_the_writer_sees_whole_blocks_and_no_damage()
    {
        using var book = await Filled(payments: 1);
        var paying = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++) await Pay(book);
        });
        while (!paying.IsCompleted)
        {
            var durable = book.Engine.DurablePosition;
            using var journal = FileJournal.OpenReadOnly(book.Folder, DiskFileLayer.Instance);
            journal.Tail.Position.Should().BeGreaterThanOrEqualTo(durable);
            var execution = new Execution(new Bank());
            Replay.Run(journal, execution, new(), new(Verify: true));
            execution.Position.Should().Be(journal.Tail.Position);
        }
        await paying;
    }

    [Fact]
    public async Task Exported_lines_are_the_journal_s_byte_for_byte()
    {
        using var shell = new Shell();
        using var book = await Filled(payments: 3);
        var exported =
            await shell.RunAsync("journal", "export", "--data", book.Folder, "--format", "jsonl", "--through", "9");
        var lines = exported.Output.TrimEnd('\n').Split('\n');
        lines.Should().HaveCount(9);
        for (var i = 0; i < lines.Length; i++)
        {
            var line = new System.Buffers.ArrayBufferWriter<byte>();
            book.Engine.Journal.TryReadEvent(i + 1, line);
            lines[i].Should().Be(Encoding.UTF8.GetString(line.WrittenSpan));
        }
    }

    [Fact]
    public async Task A_damaged_journal_is_named_and_given_up_only_when_confirmed()
    {
        using var shell = new Shell();
        var book = await Filled(payments: 5);
        var end = book.Engine.DurablePosition;
        book.Engine.Dispose();
        var segment = Path.Combine(book.Folder, "journal", "0000000001.ndjson");
        var text = File.ReadAllText(segment);
        var line = $"{{\"position\":{end - 1},";
        File.WriteAllText(segment, text.Replace(line, line.Replace(',', ';'), StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(book.Folder, DigestNotes.FileName), "noted of what is given up\n");

        var check = await shell.RunAsync("journal", "check", "--data", book.Folder, "--json");
        check.Exit.Should().Be(3);
        var position = check.Json.GetProperty("damages")[0].GetProperty("position").GetInt64();
        position.Should().Be(end - 1);
        string[] repair = ["journal", "repair", "--data", book.Folder, "--give-up-from", $"{position}", "--json"];
        (await shell.RunAsync(repair)).Exit.Should().Be(2);
        var repaired = await shell.RunAsync([.. repair, "--yes"]);
        repaired.Text("position").Should().Be($"{position - 1}", repaired.Error);
        File.Exists(Path.Combine(book.Folder, DigestNotes.FileName)).Should()
            .BeFalse("it tells of events that are gone");
        book.Reopen();
        book.Engine.DurablePosition.Should().Be(position - 1);
        book.Dispose();
    }

    [Fact]
    public async Task A_proof_made_offline_shows_the_event_it_is_about()
    {
        using var shell = new Shell();
        using var book = await Filled(payments: 3);
        var proof = await shell.RunAsync("proof", "inclusion", "--data", book.Folder, "--position", "7", "--json");
        proof.Exit.Should().Be(0, proof.Error);
        proof.Json.GetProperty("proof").GetProperty("line").GetString().Should().StartWith("{\"position\":7,");
        proof.Json.GetProperty("proof").GetProperty("root").GetString()
            .Should().Be(Convert.ToBase64String(book.Engine.Journal.Tail.Root.Span));
        (await shell.RunAsync("verify", "--journal", book.Folder, "--json")).Exit.Should().Be(0);
        (await shell.RunAsync("proof", "inclusion", "--data", book.Folder, "--position", "7000", "--json"))
            .Exit.Should().Be(5);
    }

    [Fact]
    public async Task A_schedule_has_a_proved_snapshot_made_and_a_start_uses_it()
    {
        using var book = await Filled(payments: 70);
        var log = NullLogger.Instance;
        await using (var schedule = new SnapshotSchedule(
            book.Engine.Feed, BookPlace.InFolder(book.Folder), every: 2, Shell.Program, log))
        {
            (await schedule.MakeAsync()).Should().Be(0);
            Snapshots.Newest(book.Folder).Should().ContainSingle("one note was made, after block 64");
            for (var i = 0; i < 64; i++) await Pay(book);
            for (var waited = 0; waited < 100 && Snapshots.Newest(book.Folder).Count < 2; waited++)
                await Task.Delay(100);
        }
        Snapshots.Newest(book.Folder).Should().HaveCount(2, "the schedule makes them by itself too");
        var digest = await book.Digest();
        book.Reopen();
        (await book.Digest()).Should().Be(digest);
    }

    private static async Task<TestBook> Filled(int payments)
    {
        var book = await TestBook.FoundAsync();
        await book.Send(new OpenAccount(
            Account("bank:cash"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None,
            [AssetCode.Parse("EUR")]));
        await book.Send(new OpenAccount(
            Account("alice"), AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.None,
            [AssetCode.Parse("EUR")]));
        for (var i = 0; i < payments; i++) await Pay(book);
        return book;
    }

    private static Task<Answer> Pay(TestBook book) =>
        book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("1.00"), Particulars.None));
}
