using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Simulation;
using Npgsql;

namespace BankingEngine.Specs.Engine.Journal;

public sealed class PostgresKeyStoreSpecs
{
    private readonly string _address = Made();

    [PostgresFact]
    public void What_one_host_seals_another_opens()
    {
        using var one = Keys();
        using var other = Keys();
        var text = one.Seal("alice", "note", "Grüße");

        other.TryOpen("note", text, out var clear).Should().BeTrue();
        clear.Should().Be("Grüße");
        other.TryOpen("remittance", text, out _).Should().BeFalse("it was sealed as another kind of text");
        other.Token("note", "Grüße").Should().Be(one.Token("note", "Grüße"));
        other.Seal("alice", "note", "Grüße").Should().NotBe(text);
    }

    [PostgresFact]
    public void A_destroyed_key_opens_nothing_and_a_new_one_opens_only_what_is_new()
    {
        using var keys = Keys();
        var text = keys.Seal("alice", "note", "secret");
        keys.Seal("bob", "note", "secret");

        keys.Destroy("alice").Should().BeTrue();
        keys.Destroy("alice").Should().BeFalse();
        keys.TryOpen("note", text, out _).Should().BeFalse();
        Sql("select subject from bank_journal.subject_keys").Should().Be("bob");
        var later = keys.Seal("alice", "note", "later");
        keys.TryOpen("note", later, out _).Should().BeTrue();
        keys.TryOpen("note", text, out _).Should().BeFalse();
    }

    [PostgresFact]
    public void A_destroyed_key_that_turns_up_again_is_destroyed_again_and_does_not_move()
    {
        using var keys = Keys();
        var text = keys.Seal("alice", "note", "secret");
        var held = keys.SubjectKeys().Single();
        Sql("create table old as select * from bank_journal.subject_keys");
        keys.Destroy("alice").Should().BeTrue();
        Sql("insert into bank_journal.subject_keys select * from old");

        keys.SubjectKeys().Should().BeEmpty();
        keys.TryOpen("note", text, out _).Should().BeFalse();
        Sql("select count(*) from bank_journal.subject_keys").Should().Be("0");
        keys.TakeSubjectKey(held);
        Sql("select count(*) from bank_journal.subject_keys").Should().Be("0");
        Sql("insert into bank_journal.subject_keys select * from old");
        keys.Destroy("alice").Should().BeFalse("it was destroyed before");
        Sql("select count(*) from bank_journal.subject_keys").Should().Be("0");
    }

    [PostgresFact]
    public async Task A_named_secret_is_made_once_whoever_asks_first()
    {
        using var one = Keys();
        using var other = Keys();
        var asked = Enumerable.Range(0, 16).Select(n => Task.Run(() =>
            (n % 2 == 0 ? one : other).Named("checkpoint.pem", () => [(byte)n])));
        var secrets = await Task.WhenAll(asked).WaitAsync(TimeSpan.FromSeconds(20));

        secrets.Select(secret => secret[0]).Distinct().Should().ContainSingle();
        one.Named("checkpoint.pem", () => throw new InvalidOperationException("It is made."))
            .Should().Equal(secrets[0]);
    }

    [PostgresFact]
    public void Keys_of_one_book_are_not_those_of_another()
    {
        PostgresJournal.Create(_address, new("other", new byte[32])).Dispose();
        using var keys = Keys();
        using var others = PostgresKeyStore.Open(_address, "other");
        var text = keys.Seal("alice", "note", "secret");

        others.TryOpen("note", text, out _).Should().BeFalse();
        others.Token("note", "secret").Should().NotBe(keys.Token("note", "secret"));
        _address.Invoking(address => PostgresKeyStore.Open(address, "third")).Should().Throw<JournalException>()
            .Which.Kind.Should().Be(JournalFault.NotFound);
    }

    private static string Made()
    {
        if (PostgresCluster.Binaries is null) return "";
        var address = PostgresFixture.Cluster.NewDatabase();
        PostgresJournal.Create(address, SampleBlocks.Book).Dispose();
        return address;
    }

    private PostgresKeyStore Keys() => PostgresKeyStore.Open(_address, SampleBlocks.Book.Book);

    private string Sql(string text) =>
        PostgresFixture.Cluster.Sql(new NpgsqlConnectionStringBuilder(_address).Database!, text);
}
