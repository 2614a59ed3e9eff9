using System.Collections.Concurrent;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine.Operations;

public sealed class KeyBackupSpecs : IDisposable
{
    private static readonly JournalIdentity Book = SampleBlocks.Book;

    private readonly string _folder = Directory.CreateTempSubdirectory("bank-keys-").FullName;

    private string Live => Path.Combine(_folder, "live");

    private string Vault => Path.Combine(_folder, "vault");

    private string Again => Path.Combine(_folder, "again");

    public KeyBackupSpecs()
    {
        Directory.CreateDirectory(Live);
        Directory.CreateDirectory(Again);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Keys_that_were_backed_up_open_what_was_sealed_and_a_key_destroyed_since_stays_destroyed()
    {
        string alice, bob;
        using (var keys = Store(Live)) (alice, bob) = (keys.Seal("alice", "note", "a"), keys.Seal("bob", "note", "b"));
        KeyBackup.Save(Live, Vault, Book).Keys.Should().Be(3, "two subjects and the key of tokens");
        using (var keys = Store(Live)) keys.Destroy("alice").Should().BeTrue();
        var list = DestroyedKeys.Of(Live);
        list.WriteTo(Again);
        KeyBackup.Restore(Vault, Again, Book, list).Should().Be(new KeyCopy(Keys: 2, Destroyed: 1));
        using var restored = Store(Again);
        restored.TryOpen("note", alice, out _).Should().BeFalse();
        restored.TryOpen("note", bob, out var text).Should().BeTrue();
        text.Should().Be("b");
        FilesOf(Again).Should().NotContain(path => path.EndsWith("alice", StringComparison.Ordinal));
    }

    [Fact]
    public void The_next_backup_destroys_in_the_copy_what_was_destroyed_in_the_book()
    {
        using var keys = Store(Live);
        keys.Seal("alice", "note", "a");
        KeyBackup.Save(Live, Vault, Book);
        FilesOf(Vault).Should().Contain(path => path.EndsWith("alice", StringComparison.Ordinal));
        keys.Destroy("alice");
        KeyBackup.Save(Live, Vault, Book).Destroyed.Should().Be(1);
        FilesOf(Vault).Should().NotContain(path => path.EndsWith("alice", StringComparison.Ordinal));
        DestroyedKeys.Of(Vault).Count.Should().Be(1);
    }

    [Fact]
    public void A_key_copied_back_by_hand_is_destroyed_again_when_it_is_looked_for()
    {
        string old;
        using (var keys = Store(Live)) old = keys.Seal("alice", "note", "a");
        var path = FilesOf(Live).Single(path => path.EndsWith("alice", StringComparison.Ordinal));
        var copy = File.ReadAllBytes(path);
        using (var keys = Store(Live)) keys.Destroy("alice");
        File.WriteAllBytes(path, copy);
        using var again = Store(Live);
        again.TryOpen("note", old, out _).Should().BeFalse();
        File.Exists(path).Should().BeFalse();
    }

    [Fact]
    public void An_erased_subject_that_is_spoken_of_again_keeps_its_new_key_through_backup_and_restore()
    {
        string old, since;
        using (var keys = Store(Live))
        {
            old = keys.Seal("alice", "note", "old");
            keys.Destroy("alice");
            since = keys.Seal("alice", "note", "new");
        }
        KeyBackup.Save(Live, Vault, Book);
        KeyBackup.Restore(Vault, Again, Book, DestroyedKeys.Of(Vault));
        using var restored = Store(Again);
        restored.TryOpen("note", old, out _).Should().BeFalse();
        restored.TryOpen("note", since, out var text).Should().BeTrue();
        text.Should().Be("new");
    }

    [Fact]
    public void A_crash_between_list_and_destruction_leaves_no_key_that_opens()
    {
        string old;
        using (var keys = Store(Live)) old = keys.Seal("alice", "note", "a");
        var path = FilesOf(Live).Single(path => path.EndsWith("alice", StringComparison.Ordinal));
        DestroyedKeys.Of(Live).Add(Live, "alice", File.ReadAllBytes(path), default);
        using var reopened = Store(Live);
        reopened.TryOpen("note", old, out _).Should().BeFalse();
    }

    [Fact]
    public void What_one_host_destroyed_no_other_host_of_the_folder_uses_any_more()
    {
        using FileKeyStore one = Store(Live), other = Store(Live);
        var old = one.Seal("alice", "note", "a");
        other.TryOpen("note", old, out _).Should().BeTrue();
        one.Destroy("alice").Should().BeTrue();

        other.TryOpen("note", old, out _).Should().BeFalse("it was erased");
        var since = other.Seal("alice", "note", "new");
        one.TryOpen("note", since, out var text).Should().BeTrue("it was sealed under a key that is on the disk");
        text.Should().Be("new");
        using var reopened = Store(Live);
        reopened.TryOpen("note", since, out _).Should().BeTrue();
    }

    [Fact]
    public void Hosts_that_seal_for_one_subject_at_once_use_one_key()
    {
        FileKeyStore[] hosts = [.. Enumerable.Range(0, 8).Select(_ => Store(Live))];
        string[] subjects = [.. Enumerable.Range(0, 50).Select(number => $"customer:{number}")];
        var texts = new ConcurrentBag<string>();
        Parallel.ForEach(hosts, new() { MaxDegreeOfParallelism = hosts.Length }, host =>
        {
            foreach (var subject in subjects) texts.Add(host.Seal(subject, "note", subject));
        });
        using (var reopened = Store(Live))
            texts.Should().HaveCount(400).And.AllSatisfy(text => reopened.TryOpen("note", text, out _).Should().BeTrue());
        FilesOf(Live).Should().HaveCount(52, "the keys, that of tokens, and the lock that one host holds at a time");
        Parallel.For(0, subjects.Length, new() { MaxDegreeOfParallelism = hosts.Length },
            number => hosts[number % hosts.Length].Destroy(subjects[number]).Should().BeTrue());
        DestroyedKeys.Of(Live).Count.Should().Be(50, "no host writes over the line of another");
        foreach (var host in hosts) host.Dispose();
    }

    [Fact]
    public async Task A_restore_waits_for_the_host_that_writes_a_key_and_both_keep_theirs()
    {
        string alice, bob;
        using (var keys = Store(Live)) alice = keys.Seal("alice", "note", "a");
        KeyBackup.Save(Live, Vault, Book);
        using (var keys = Store(Live)) bob = keys.Seal("bob", "note", "b");
        var path = FilesOf(Live).Single(path => path.EndsWith("bob", StringComparison.Ordinal));
        var unfinished = Path.Combine(Path.GetDirectoryName(path)!, "~new");
        File.Move(path, unfinished);

        Task<KeyCopy> restoring;
        using (DiskFileLayer.Instance.TryLock(Path.Combine(Live, FileKeyStore.FolderName, "~new.lock")))
        {
            restoring = Task.Run(() => KeyBackup.Restore(Vault, Live, Book, DestroyedKeys.Of(Vault)));
            await Task.WhenAny(restoring, Task.Delay(500));
            restoring.IsCompleted.Should().BeFalse("a host holds the folder");
            File.Move(unfinished, path);
        }
        (await restoring).Keys.Should().Be(3, "two subjects and the key of tokens");
        using var restored = Store(Live);
        restored.TryOpen("note", alice, out _).Should().BeTrue();
        restored.TryOpen("note", bob, out _).Should().BeTrue("the host had sealed with it");
    }

    [Fact]
    public void Keys_that_hosts_make_and_a_restore_brings_at_once_are_all_there()
    {
        var texts = new ConcurrentBag<string>();
        using (var keys = Store(Live))
        {
            for (var number = 0; number < 30; number++) texts.Add(keys.Seal($"old:{number}", "note", "x"));
        }
        KeyBackup.Save(Live, Vault, Book);
        foreach (var path in FilesOf(Live).Where(path => path.Contains("old+", StringComparison.Ordinal))) File.Delete(path);
        using (var host = Store(Live))
        {
            Parallel.Invoke(
                () => KeyBackup.Restore(Vault, Live, Book, DestroyedKeys.Of(Vault)),
                () => Parallel.For(0, 60, number => texts.Add(host.Seal($"new:{number}", "note", "x"))));
        }
        using var reopened = Store(Live);
        texts.Should().HaveCount(90).And.AllSatisfy(text => reopened.TryOpen("note", text, out _).Should().BeTrue());
    }

    [Fact]
    public void What_a_host_destroys_while_a_restore_adds_to_the_list_stands_there_too()
    {
        using var host = Store(Live);
        for (var number = 0; number < 50; number++) host.Seal($"customer:{number}", "note", "x");
        Parallel.Invoke(
            () =>
            {
                for (var number = 0; number < 50; number++) host.Destroy($"customer:{number}").Should().BeTrue();
            },
            () =>
            {
                for (var number = 0; number < 50; number++)
                {
                    var list = new DestroyedKeys();
                    list.Take(new DestroyedKey("other", $"{number}", DateTimeOffset.UnixEpoch));
                    KeyBackup.AddDestroyed(BookPlace.InFolder(Live), Book, list);
                }
            });
        DestroyedKeys.Of(Live).Count.Should().Be(100, "neither writes over the lines of the other");
    }

    [Fact]
    public void A_key_that_could_not_be_put_on_the_list_is_not_destroyed()
    {
        using var keys = Store(Live);
        var text = keys.Seal("alice", "note", "a");
        var list = Path.Combine(Live, DestroyedKeys.FileName);
        Directory.CreateDirectory(list);
        keys.Invoking(k => k.Destroy("alice")).Should().Throw<UnauthorizedAccessException>();
        keys.TryOpen("note", text, out _).Should().BeTrue("a copy of the key would come back to life");
        Directory.Delete(list);
        keys.Destroy("alice").Should().BeTrue();
        DestroyedKeys.Of(Live).Count.Should().Be(1);
    }

    [Fact]
    public void A_line_cut_short_in_the_list_is_passed_over_and_the_next_one_holds()
    {
        using var keys = Store(Live);
        keys.Seal("alice", "note", "a");
        keys.Seal("bob", "note", "b");
        var list = Path.Combine(Live, DestroyedKeys.FileName);
        keys.Destroy("alice");
        File.AppendAllText(list, "{\"subject\":\"car");
        using (var reopened = Store(Live)) reopened.Destroy("bob").Should().BeTrue();
        DestroyedKeys.Of(Live).Count.Should().Be(2);
    }

    [Fact]
    public void Keys_of_another_book_and_folders_of_something_else_are_left_alone()
    {
        using (var keys = Store(Live)) keys.Seal("alice", "note", "a");
        KeyBackup.Save(Live, Vault, Book);
        var other = new JournalIdentity("other", new byte[32]);
        FaultOf(() => KeyBackup.Save(Live, Vault, other)).Should().Be(JournalFault.WrongBook);
        FaultOf(() => KeyBackup.Restore(Vault, Again, other, DestroyedKeys.Of(Vault))).Should().Be(JournalFault.WrongBook);
        FaultOf(() => KeyBackup.Restore(Again, Live, Book, DestroyedKeys.Of(Vault))).Should().Be(JournalFault.NotFound);
        FaultOf(() => KeyBackup.Save(Live, Live, Book)).Should().Be(JournalFault.NotEmpty);
    }

    private static FileKeyStore Store(string folder) => new(folder, "spec");

    private static string[] FilesOf(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories);

    private static JournalFault FaultOf(Action act) => act.Should().Throw<JournalException>().Which.Kind;
}
