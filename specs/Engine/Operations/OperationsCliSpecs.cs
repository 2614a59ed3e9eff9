using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Engine.Cli;
using BankingEngine.Specs.Engine.Journal;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Operations;

/// <summary>Backup, restore and moving as an operator does it: processes beside a book that is open.</summary>
public sealed class OperationsCliSpecs
{
    [Fact]
    public async Task A_book_backed_up_while_it_is_open_is_restored_with_its_digest_and_without_destroyed_keys()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        string note;
        using (var keys = new FileKeyStore(book.Folder, "test")) note = keys.Seal("alice", "note", "secret");
        var (backup, vault, again) = (In(shell, "backup"), In(shell, "vault"), In(shell, "again"));
        var made = await shell.RunAsync(
            "journal", "backup", "--data", book.Folder, "--to", backup, "--keys", vault, "--json");
        made.Exit.Should().Be(0, made.Error);
        made.Text("position").Should().Be($"{book.Engine.DurablePosition}");
        using (var keys = new FileKeyStore(book.Folder, "test")) keys.Destroy("alice");

        var restored = await shell.RunAsync(
            "journal", "restore", "--from", backup, "--to-folder", again, "--keys", vault,
            "--destroyed", Path.Combine(book.Folder, DestroyedKeys.FileName), "--json");
        restored.Exit.Should().Be(0, restored.Error);
        restored.Text("keys_destroyed").Should().Be("1");
        using (var keys = new FileKeyStore(again, "test")) keys.TryOpen("note", note, out _).Should().BeFalse();
        var replayed = await shell.RunAsync("replay", "--data", again, "--verify", "--json");
        replayed.Text("digest").Should().Be((await book.Digest()).ToString("x32"));
        var refused = await shell.RunAsync(
            "journal", "restore", "--from", backup, "--to-folder", again, "--json");
        refused.Exit.Should().Be(2);
        refused.Text("code").Should().Be("journal.not_empty");
    }

    [Fact]
    public async Task A_book_is_not_moved_under_its_writer_and_goes_on_when_that_has_gone()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        string[] copy =
            ["journal", "copy", "--from", $"file:{book.Folder}", "--to", $"file:{In(shell, "moved")}", "--keys", "--json"];
        var early = await shell.RunAsync(copy);
        early.Exit.Should().Be(4, early.Error);
        early.Text("code").Should().Be("copy.source_in_use");
        var digest = await book.Digest();
        book.Engine.Dispose();
        var moved = await shell.RunAsync(copy);
        moved.Exit.Should().Be(0, moved.Error);
        moved.Text("digest").Should().Be(digest.ToString("x32"));
    }

    [PostgresFact]
    public async Task A_book_moves_to_postgresql_and_back_with_its_keys_the_same_byte_for_byte()
    {
        using var shell = new Shell();
        var book = await TestBook.FoundAsync();
        string note;
        UInt128 token;
        using (var keys = new FileKeyStore(book.Folder, "test"))
            (note, token) = (keys.Seal("alice", "note", "secret"), keys.Token("note", "secret"));
        book.Engine.Dispose();
        var database = $"postgres:{PostgresFixture.Cluster.NewDatabase()}";
        var there = await shell.RunAsync(
            "journal", "copy", "--from", $"file:{book.Folder}", "--to", database, "--keys", "--json");
        there.Exit.Should().Be(0, there.Error);
        var back = await shell.RunAsync(
            "journal", "copy", "--from", database, "--book", "test", "--to", $"file:{In(shell, "back")}", "--keys", "--json");
        back.Exit.Should().Be(0, back.Error);
        back.Text("root").Should().Be(there.Text("root"));
        back.Text("digest").Should().Be(there.Text("digest"));
        var segment = Path.Combine("journal", "0000000001.ndjson");
        File.ReadAllBytes(In(shell, Path.Combine("back", segment))).Should()
            .Equal(File.ReadAllBytes(Path.Combine(book.Folder, segment)));
        using (var keys = new FileKeyStore(In(shell, "back"), "test"))
        {
            keys.TryOpen("note", note, out var text).Should().BeTrue();
            text.Should().Be("secret");
            keys.Token("note", "secret").Should().Be(token);
        }
        book.Dispose();
    }

    [PostgresFact]
    public async Task A_destroyed_key_stays_destroyed_when_the_book_moves_to_postgresql_and_back_without_its_keys()
    {
        using var shell = new Shell();
        var book = await TestBook.FoundAsync();
        book.Engine.Dispose();
        var (vault, back, backup, again) =
            (In(shell, "vault"), In(shell, "back"), In(shell, "backup"), In(shell, "again"));
        string note;
        using (var keys = new FileKeyStore(book.Folder, "test")) note = keys.Seal("alice", "note", "secret");
        await Run("journal", "backup", "--data", book.Folder, "--to", In(shell, "first"), "--keys", vault);
        using (var keys = new FileKeyStore(book.Folder, "test")) keys.Destroy("alice").Should().BeTrue();
        var database = $"postgres:{PostgresFixture.Cluster.NewDatabase()}";

        var there = await Run("journal", "copy", "--from", $"file:{book.Folder}", "--to", database);
        there.Text("destroyed_keys").Should().Be("1");
        await Run("journal", "copy", "--from", database, "--book", "test", "--to", $"file:{back}");
        File.ReadAllText(Path.Combine(back, DestroyedKeys.FileName)).Should()
            .Be(File.ReadAllText(Path.Combine(book.Folder, DestroyedKeys.FileName)));
        await Run("journal", "backup", "--data", back, "--to", backup);
        var restored = await Run("journal", "restore", "--from", backup, "--to-folder", again, "--keys", vault);

        restored.Text("keys_destroyed").Should().Be("1");
        using (var keys = new FileKeyStore(again, "test")) keys.TryOpen("note", note, out _).Should().BeFalse();
        book.Dispose();

        async Task<Said> Run(params string[] line)
        {
            var ran = await shell.RunAsync([.. line, "--json"]);
            ran.Exit.Should().Be(0, ran.Error);
            return ran;
        }
    }

    [PostgresFact]
    public async Task A_journal_in_postgresql_is_checked_and_verified_and_a_changed_row_is_found()
    {
        using var shell = new Shell();
        var book = await TestBook.FoundAsync();
        book.Engine.Dispose();
        var address = PostgresFixture.Cluster.NewDatabase();
        string[] at = ["--journal", $"postgres:{address}", "--book", "test", "--json"];
        (await shell.RunAsync(
            "journal", "copy", "--from", $"file:{book.Folder}", "--to", $"postgres:{address}", "--json")).Exit.Should().Be(0);
        book.Dispose();
        var check = await shell.RunAsync(["journal", "check", .. at]);
        check.Exit.Should().Be(0, check.Error);
        check.Text("root").Should().HaveLength(64);
        (await shell.RunAsync(["verify", .. at])).Exit.Should().Be(0);
        var repair = await shell.RunAsync(["journal", "repair", "--give-up-from", "1", "--yes", .. at]);
        repair.Exit.Should().Be(2);
        repair.Text("code").Should().Be("repair.files_only");

        PostgresFixture.Cluster.Sql(
            new Npgsql.NpgsqlConnectionStringBuilder(address).Database!,
            "update bank_journal.blocks set lines = overlay(lines placing 'x'::bytea from 60 for 1) where block = 1");
        (await shell.RunAsync(["journal", "check", .. at])).Exit.Should().Be(3);
        (await shell.RunAsync(["verify", .. at])).Exit.Should().Be(3);
    }

    [PostgresFact]
    public async Task A_book_on_files_is_not_passed_over_for_the_one_in_the_store()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        var (backup, address) = (In(shell, "backup"), $"postgres:{PostgresFixture.Cluster.NewDatabase()}");
        (await shell.RunAsync("journal", "backup", "--data", book.Folder, "--to", backup, "--json")).Exit.Should().Be(0);
        (await shell.RunAsync("journal", "copy", "--from", $"file:{backup}", "--to", address, "--json"))
            .Exit.Should().Be(0);

        string[] both = ["--journal", address, "--book", "test", "--json"];
        foreach (var command in (string[][])
            [
                ["journal", "check", "--data", backup], ["journal", "check", "--data", book.Folder],
                ["journal", "backup", "--data", book.Folder, "--to", In(shell, "more")],
                ["replay", "--data", backup], ["keys", "list", "--data", book.Folder], ["snapshot", "--data", book.Folder],
            ])
        {
            var said = await shell.RunAsync([.. command, .. both]);
            (said.Exit, said.Text("code")).Should().Be((3, "journal.wrong_book"), $"{command[0]} {said.Error}");
        }
    }

    [Fact]
    public async Task A_backup_in_one_file_replaces_only_an_earlier_one_of_the_same_book_and_history()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        (await shell.FoundAsync()).Exit.Should().Be(0);
        var (archive, letter, folder) = (In(shell, "demo.tar"), In(shell, "letter.tar"), In(shell, "folder.tar"));
        (await To(book.Folder, archive)).Exit.Should().Be(0);
        var older = await File.ReadAllBytesAsync(archive);
        await File.WriteAllTextAsync(letter, "Dear customer");
        await File.WriteAllTextAsync(In(shell, "empty.tar"), "");
        Directory.CreateDirectory(folder);

        var other = await To(shell.Book, archive);
        (other.Exit, other.Text("code")).Should().Be((3, "journal.wrong_book"), other.Error);
        other.Text("why").Should().Contain(archive).And.Contain("spec");
        foreach (var path in new[] { letter, In(shell, "empty.tar"), folder })
        {
            var said = await To(shell.Book, path);
            (said.Exit, said.Text("code")).Should().Be((2, "journal.not_empty"), said.Error);
            said.Text("why").Should().Contain(path);
        }
        (await File.ReadAllBytesAsync(archive)).Should().Equal(older);
        (await File.ReadAllTextAsync(letter)).Should().Be("Dear customer");

        await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        var again = await To(book.Folder, archive);
        again.Exit.Should().Be(0, again.Error);
        (await File.ReadAllBytesAsync(archive)).Should().NotEqual(older);
        // The book as it was before that transfer is behind its own backup.
        var newer = await File.ReadAllBytesAsync(archive);
        await File.WriteAllBytesAsync(In(shell, "older.tar"), older);
        (await shell.RunAsync("journal", "restore", "--from", In(shell, "older.tar"), "--to-folder", In(shell, "early")))
            .Exit.Should().Be(0);
        (await To(In(shell, "early"), archive)).Text("code").Should().Be("journal.wrong_book");
        (await File.ReadAllBytesAsync(archive)).Should().Equal(newer);

        Task<Said> To(string from, string path) =>
            shell.RunAsync("journal", "backup", "--data", from, "--to", path, "--json");
    }

    [Theory]
    [InlineData("backup")]
    [InlineData("backup.tar")]
    public async Task A_damaged_backup_is_named_by_its_path_and_the_book_is_not_to_be_repaired_for_it(string name)
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        var (backup, parts) = (In(shell, name), In(shell, "parts"));
        await Backup(parts);
        var segment = Path.Combine(parts, "journal", "0000000001.ndjson");
        using (var cut = File.OpenWrite(segment)) cut.SetLength(cut.Length - 1);
        if (name.EndsWith(".tar", StringComparison.Ordinal))
            System.Formats.Tar.TarFile.CreateFromDirectory(parts, backup, includeBaseDirectory: false);
        else Directory.Move(parts, backup);

        var restored = await shell.RunAsync(
            "journal", "restore", "--from", name, "--to-folder", In(shell, "again"), "--json");
        Says(restored);
        if (Directory.Exists(backup)) Says(await Backup(backup));

        void Says(Said said)
        {
            (said.Exit, said.Text("code")).Should().Be((3, "journal.damaged"), said.Error);
            said.Text("why").Should()
                .Be($"The backup in {backup} is damaged: journal/0000000001.ndjson: the file is too short. The book itself "
                    + "was not touched: back it up elsewhere, and restore from another backup.");
        }

        Task<Said> Backup(string to) => shell.RunAsync("journal", "backup", "--data", book.Folder, "--to", to, "--json");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("x.tar")]
    [InlineData("journal/x")]
    [InlineData("../{0}/x")]
    [InlineData("../{0}.link/x")]
    public async Task A_backup_does_not_go_into_the_book_that_it_is_of(string below)
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        var inside = Path.Combine(book.Folder, below.Replace("{0}", Path.GetFileName(book.Folder), StringComparison.Ordinal));
        Directory.CreateSymbolicLink(book.Folder + ".link", book.Folder);
        var before = Directory.GetFileSystemEntries(book.Folder, "*", SearchOption.AllDirectories);
        foreach (var to in (string[][])[["--to", inside], ["--to", In(shell, "backup"), "--keys", inside]])
        {
            var said = await shell.RunAsync(["journal", "backup", "--data", book.Folder, .. to, "--json"]);
            (said.Exit, said.Text("code")).Should().Be((2, "backup.inside_book"), said.Error);
        }
        Directory.Delete(book.Folder + ".link");
        Directory.GetFileSystemEntries(book.Folder, "*", SearchOption.AllDirectories).Should().Equal(before);
        Directory.Exists(In(shell, "backup")).Should().BeFalse("nothing was begun");
        var beside = await shell.RunAsync("journal", "backup", "--data", book.Folder, "--to", book.Folder + "-x", "--json");
        beside.Exit.Should().Be(0, beside.Error);
        Directory.Delete(book.Folder + "-x", recursive: true);
    }

    [Fact]
    public async Task A_damaged_book_is_named_by_file_and_its_operator_is_told_what_to_run()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        await shell.RunAsync("journal", "backup", "--data", book.Folder, "--to", In(shell, "book"), "--json");
        using (var cut = File.OpenWrite(In(shell, Path.Combine("book", "journal", "0000000001.ndjson"))))
            cut.SetLength(cut.Length - 1);
        var said = await shell.RunAsync("replay", "--data", In(shell, "book"), "--json");
        (said.Exit, said.Text("code")).Should().Be((3, "journal.damaged"), said.Error);
        said.Text("why").Should().EndWith(". See 'journal check', then 'journal repair'.").And.NotContain("line 0")
            .And.NotContain("..");
    }

    [Fact]
    public async Task A_backup_in_one_file_is_not_read_or_written_as_a_book_but_restored_first()
    {
        using var shell = new Shell();
        using var book = await TestBook.FoundAsync();
        var archive = In(shell, "demo.tar");
        await shell.RunAsync("journal", "backup", "--data", book.Folder, "--to", archive, "--json");
        foreach (var line in (string[][])
            [
                ["journal", "check", "--data", archive], ["replay", "--data", archive], ["verify", "--journal", archive],
                ["journal", "check", "--journal", $"file:{archive}"],
                ["journal", "copy", "--from", $"file:{archive}", "--to", $"file:{In(shell, "copy")}"],
            ])
        {
            var said = await shell.RunAsync([.. line, "--json"]);
            (said.Exit, said.Text("code")).Should().Be((5, "journal.in_one_file"), said.Error);
            said.Text("why").Should().StartWith($"{archive} is a backup in one file: restore it first");
        }
        foreach (var name in new[] { "copy.tar", "demo.tar" })
        {
            var said = await shell.RunAsync(
                "journal", "copy", "--from", $"file:{book.Folder}", "--to", $"file:{In(shell, name)}", "--json");
            (said.Exit, said.Text("code")).Should().Be((2, "copy.into_one_file"), said.Error);
        }
        Path.Exists(In(shell, "copy.tar")).Should().BeFalse();
    }

    private static string In(Shell shell, string name) => Path.Combine(shell.Folder, name);
}
