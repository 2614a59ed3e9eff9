using System.Formats.Tar;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine.Cli;
using BankingEngine.Specs.Engine.Journal;

namespace BankingEngine.Specs.Engine.Operations;

/// <summary>Consumer groups and webhooks go on where they stood, wherever the book is restored or moved to.</summary>
public sealed class PositionBackupSpecs : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    private readonly Shell _shell = new();

    public void Dispose() => _shell.Dispose();

    [Theory]
    [InlineData("backup")]
    [InlineData("backup.tar")]
    public async Task A_backup_holds_where_consumers_stand_and_none_stands_beyond_what_is_restored(string backup)
    {
        using var book = await BookOfAsync(accounts: 4);
        var end = book.Engine.DurablePosition;
        await StandAsync(book, ("consumer:early", 2), ("consumer:late", end), ("webhook:1:1", end));
        for (var run = 0; run < 2; run++)
            (await Run("journal", "backup", "--data", book.Folder, "--to", In(backup))).Text("positions").Should().Be("3");

        (await Run("journal", "restore", "--from", In(backup), "--to-folder", In("whole"))).Text("positions").Should().Be("3");
        (await StandingIn("whole")).Should().Equal(("consumer:early", 2), ("consumer:late", end), ("webhook:1:1", end));
        var earlier = await Run(
            "journal", "restore", "--from", In(backup), "--to-folder", In("earlier"), "--to", $"{end - 1}");
        var restored = long.Parse(earlier.Text("position"), System.Globalization.CultureInfo.InvariantCulture);
        restored.Should().BeLessThan(end);
        (await StandingIn("earlier")).Should().Equal(
            ("consumer:early", 2), ("consumer:late", restored), ("webhook:1:1", restored));
        (await Run("replay", "--data", In("whole"), "--verify")).Text("digest")
            .Should().Be((await book.Digest()).ToString("x32"));
        Directory.GetFileSystemEntries(_shell.Folder).Should().HaveCount(3, "nothing else is left behind");
    }

    [Fact]
    public async Task Who_came_further_than_the_backup_while_it_was_made_stands_at_its_end()
    {
        using var book = await BookOfAsync(accounts: 1);
        var end = book.Engine.DurablePosition;
        await StandAsync(book, ("consumer:a", end + 7));
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup"));
        (await StandingIn("backup")).Should().Equal(("consumer:a", end));
        await new FilePositions(book.Folder).RemoveAsync("consumer:a", default);
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup"));
        (await StandingIn("backup")).Should().BeEmpty("it was removed in the book");
    }

    [Fact]
    public async Task An_archive_that_was_changed_or_is_none_is_refused_and_nothing_is_restored()
    {
        using var book = await BookOfAsync(accounts: 2);
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup.tar"));
        var bytes = await File.ReadAllBytesAsync(In("backup.tar"));
        bytes[System.Text.Encoding.UTF8.GetString(bytes).IndexOf("account.opened", StringComparison.Ordinal)] ^= 1;
        await File.WriteAllBytesAsync(In("changed.tar"), bytes);
        await File.WriteAllTextAsync(In("none.tar"), new string('x', 5_000));

        foreach (var archive in (string[])["changed.tar", "none.tar"])
        {
            var refused = await _shell.RunAsync(
                "journal", "restore", "--from", In(archive), "--to-folder", In("again"), "--json");
            refused.Exit.Should().Be(3, refused.Output + refused.Error);
            File.Exists(Path.Combine(In("again"), "acked")).Should().BeFalse();
            Directory.GetFileSystemEntries(_shell.Folder).Should().HaveCount(3, "the archives alone");
        }
    }

    [Theory]
    [InlineData(TarEntryType.RegularFile, "../outside")]
    [InlineData(TarEntryType.SymbolicLink, "backup.json")]
    [InlineData(TarEntryType.Fifo, "backup.json")]
    public async Task An_archive_that_leads_elsewhere_is_refused(TarEntryType type, string name)
    {
        await using (var archive = new TarWriter(File.Create(In("odd.tar"))))
        {
            var entry = new PaxTarEntry(type, name);
            if (type == TarEntryType.SymbolicLink) entry.LinkName = "other.json";
            await archive.WriteEntryAsync(entry);
        }
        var refused = await _shell.RunAsync(
            "journal", "restore", "--from", In("odd.tar"), "--to-folder", In("again"), "--json");
        (refused.Exit, refused.Text("code")).Should().Be((3, "backup.no_archive"), refused.Output + refused.Error);
        Directory.GetFileSystemEntries(_shell.Folder).Should().Equal(In("odd.tar"));
    }

    [Fact]
    public async Task A_second_run_leaves_an_archive_alone_that_is_being_made()
    {
        using var book = await BookOfAsync(accounts: 1);
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup.tar"));
        var before = await File.ReadAllBytesAsync(In("backup.tar"));
        var parts = In("backup.tar~parts");
        using (DiskFileLayer.Instance.TryLock(parts + ".lock"))
        {
            Directory.CreateDirectory(parts);
            var refused = await _shell.RunAsync(
                "journal", "backup", "--data", book.Folder, "--to", In("backup.tar"), "--json");
            refused.Exit.Should().Be(4, refused.Output + refused.Error);
            Directory.Exists(parts).Should().BeTrue("it is the first one's");
        }
        (await File.ReadAllBytesAsync(In("backup.tar"))).Should().Equal(before);
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup.tar"));
    }

    [Fact]
    public async Task A_restore_into_a_folder_leaves_a_book_beside_it_alone_whatever_its_name()
    {
        using var book = await BookOfAsync(accounts: 1);
        await Run("journal", "backup", "--data", book.Folder, "--to", In("backup.tar"));
        Directory.CreateDirectory(In("again.parts"));
        await Run("journal", "restore", "--from", In("backup.tar"), "--to-folder", In("again"));
        Directory.Exists(In("again.parts")).Should().BeTrue();
    }

    [Fact]
    public async Task Nobody_stands_beyond_a_journal_that_was_repaired()
    {
        using var book = await BookOfAsync(accounts: 4);
        var end = book.Engine.DurablePosition;
        await StandAsync(book, ("consumer:early", 2), ("consumer:late", end));
        book.Engine.Dispose();
        var repaired = await Run("journal", "repair", "--data", book.Folder, "--give-up-from", $"{end}", "--yes");
        var last = long.Parse(repaired.Text("position"), System.Globalization.CultureInfo.InvariantCulture);
        last.Should().BeLessThan(end);
        (await new FilePositions(book.Folder).ListAsync("", default)).Select(one => (one.Name, one.Position))
            .Should().Equal([("consumer:early", 2), ("consumer:late", last)], "other events come behind it");
    }

    [PostgresFact]
    public async Task A_book_that_moves_to_postgresql_and_back_takes_its_consumers_along()
    {
        using var book = await BookOfAsync(accounts: 2);
        var end = book.Engine.DurablePosition;
        await StandAsync(book, ("consumer:a", 2), ("webhook:1:1", end));
        book.Engine.Dispose();
        var database = $"postgres:{PostgresFixture.Cluster.NewDatabase()}";

        (await Run("journal", "copy", "--from", $"file:{book.Folder}", "--to", database)).Text("positions").Should().Be("2");
        (await Run("journal", "copy", "--from", database, "--book", "test", "--to", $"file:{In("back")}"))
            .Text("positions").Should().Be("2");
        (await StandingIn("back")).Should().Equal(("consumer:a", 2), ("webhook:1:1", end));
    }

    [Fact]
    public async Task A_book_that_moves_to_an_event_store_and_back_takes_its_consumers_along()
    {
        using var book = await BookOfAsync(accounts: 2);
        var end = book.Engine.DurablePosition;
        await StandAsync(book, ("consumer:a", 2), ("webhook:1:1", end));
        book.Engine.Dispose();
        await using var server = await Simulation.EventStore.EventStoreServer.StartAsync(new(In("streams")));
        var at = $"esdb://{server.Authority}?tls=false";

        (await Run("journal", "copy", "--from", $"file:{book.Folder}", "--to", at)).Text("positions").Should().Be("2");
        (await Run("journal", "copy", "--from", at, "--book", "test", "--to", $"file:{In("back")}"))
            .Text("positions").Should().Be("2");
        (await StandingIn("back")).Should().Equal(("consumer:a", 2), ("webhook:1:1", end));
    }

    private static async Task<TestBook> BookOfAsync(int accounts)
    {
        var book = await TestBook.FoundAsync();
        for (var account = 0; account < accounts; account++)
            await book.Send(new OpenAccount(
                Named.Account($"a:{account}"), AccountClass.Asset, Tag.Of("1000"), default, AccountFlags.None,
                [AssetCode.Parse("EUR")]));
        return book;
    }

    private static async Task StandAsync(TestBook book, params (string Name, long Position)[] all)
    {
        var positions = new FilePositions(book.Folder);
        foreach (var (name, position) in all) await positions.AdvanceAsync(new(name, position, Noon), default);
    }

    private async Task<IEnumerable<(string, long)>> StandingIn(string folder) =>
        (await new FilePositions(In(folder)).ListAsync("", default)).Select(one => (one.Name, one.Position));

    private string In(string name) => Path.Combine(_shell.Folder, name);

    private async Task<Said> Run(params string[] line)
    {
        var ran = await _shell.RunAsync([.. line, "--json"]);
        ran.Exit.Should().Be(0, ran.Error + ran.Output);
        return ran;
    }
}
