using BankingEngine.Application.Ports;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Engine.Cli;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;

namespace BankingEngine.Specs.Engine.Operations;

/// <summary>A key that was destroyed stays so, wherever the journal is copied to and the keys are restored from.</summary>
public sealed class DestroyedKeysSpecs : IDisposable
{
    private readonly Shell _shell = new();

    public void Dispose() => _shell.Dispose();

    /// <param name="keysApart">Nothing: with the journal; else where BANK_KEYS says all the while.</param>
    [Theory]
    [InlineData("")]
    [InlineData("file")]
    [InlineData("postgres")]
    public async Task A_destroyed_key_is_not_restored_after_the_journal_went_through_every_store(string keysApart)
    {
        if (PostgresCluster.Binaries is null) return;
        using var book = await TestBook.FoundAsync();
        book.Engine.Dispose();
        var apart = keysApart switch
        {
            "file" => $"file:{In("keys")}",
            "postgres" => $"postgres:{PostgresFixture.Cluster.NewDatabase()}",
            _ => "",
        };
        var (vault, folder) = (In("vault"), apart == $"file:{In("keys")}" ? In("keys") : book.Folder);
        string note;
        using (var keys = new FileKeyStore(folder, "test")) note = keys.Seal("alice", "note", "secret");
        KeyBackup.Save(folder, vault, TestBook.Identity);
        if (keysApart == "postgres") MoveToDatabase(folder, apart["postgres:".Length..]);
        Erase();

        await using var events = await EventStoreServer.StartAsync(new(In("events")));
        string[] path =
        [
            $"file:{book.Folder}", $"postgres:{PostgresFixture.Cluster.NewDatabase()}", $"file:{In("second")}",
            $"esdb://{events.Authority}?tls=false", $"file:{In("third")}",
        ];
        for (var step = 1; step < path.Length; step++)
        {
            // A stream holds no list, so its hosts have to say where they keep theirs.
            var with = apart.Length > 0 || step < 3 ? apart : $"file:{In("beside-the-stream")}";
            var copied = await Run(
                with, "journal", "copy", "--from", path[step - 1], "--to", path[step], "--book", "test");
            copied.Text("destroyed_keys").Should().Be("1", $"step {step}");
        }

        DestroyedKeys.Of(In("third")).Count.Should().Be(1);
        await Run("", "journal", "backup", "--data", In("third"), "--to", In("backup"));
        var restored = await Run("", "journal", "restore", "--from", In("backup"), "--to-folder", In("again"), "--keys", vault);
        restored.Text("keys_destroyed").Should().Be("1");
        using (var keys = new FileKeyStore(In("again"), "test")) keys.TryOpen("note", note, out _).Should().BeFalse();

        void Erase()
        {
            using IKeyStore keys = keysApart == "postgres"
                ? PostgresKeyStore.Open(apart["postgres:".Length..], TestBook.Identity) : new FileKeyStore(folder, "test");
            keys.Destroy("alice").Should().BeTrue();
        }
    }

    [Fact]
    public async Task A_backup_takes_the_list_from_where_the_keys_lie_and_a_restore_brings_it_there()
    {
        using var book = await TestBook.FoundAsync();
        book.Engine.Dispose();
        string note;
        using (var keys = new FileKeyStore(In("keys"), "test"))
        {
            note = keys.Seal("alice", "note", "secret");
            KeyBackup.Save(In("keys"), In("vault"), TestBook.Identity);
            keys.Destroy("alice");
        }
        var apart = $"file:{In("keys")}";
        await Run(apart, "journal", "backup", "--data", book.Folder, "--to", In("backup"));
        Directory.Delete(In("keys"), recursive: true);
        Directory.CreateDirectory(In("keys"));
        foreach (var path in Directory.GetFiles(Path.Combine(In("vault"), "keys"), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(In("keys"), Path.GetRelativePath(In("vault"), path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }

        await Run(apart, "journal", "restore", "--from", In("backup"), "--to-folder", In("again"));
        DestroyedKeys.Of(In("again")).Count.Should().Be(1);
        using (var keys = new FileKeyStore(In("keys"), "test")) keys.TryOpen("note", note, out _).Should().BeFalse();
    }

    [Fact]
    public async Task Keys_that_lie_apart_are_not_moved_with_a_journal()
    {
        using var book = await TestBook.FoundAsync();
        book.Engine.Dispose();
        var refused = await _shell.RunWithAsync(
            $"BANK_KEYS=file:{In("keys")}", "journal", "copy", "--from", $"file:{book.Folder}", "--to",
            $"file:{In("moved")}", "--keys", "--json");
        refused.Exit.Should().Be(2);
        refused.Text("code").Should().Be("copy.keys_apart");
        Directory.Exists(In("moved")).Should().BeFalse();
    }

    private static void MoveToDatabase(string folder, string database)
    {
        using var from = new FileKeyStore(folder, "test");
        using var to = PostgresKeyStore.Open(database, TestBook.Identity);
        foreach (var secret in from.Secrets()) to.TakeSecret(secret);
        foreach (var key in from.SubjectKeys()) to.TakeSubjectKey(key);
    }

    private string In(string name) => Path.Combine(_shell.Folder, name);

    private async Task<Said> Run(string keys, params string[] line)
    {
        var ran = await _shell.RunWithAsync($"BANK_KEYS={keys}", [.. line, "--json"]);
        ran.Exit.Should().Be(0, ran.Error + ran.Output);
        return ran;
    }
}
