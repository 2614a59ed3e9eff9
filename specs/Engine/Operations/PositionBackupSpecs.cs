using BankingEngine.Application.Ports;
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
            Directory.Exists(In("again.parts")).Should().BeFalse();
        }
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
        IPositions positions = new FilePositions(book.Folder);
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
