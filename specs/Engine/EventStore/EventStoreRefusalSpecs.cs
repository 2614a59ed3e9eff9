using System.Net;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Specs.Engine.Grpc;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using static BankingEngine.Host.Grpc.EventStore.MemberInfo.Types;

namespace BankingEngine.Specs.Engine.EventStore;

/// <summary>What keeps a journal from being opened, and what an operator is told.</summary>
public sealed class EventStoreRefusalSpecs
{
    [Fact]
    public async Task Events_of_another_program_are_named()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(3);
        store.Write(StoreFixture.Stream, "OrderPlaced", "{}");

        var refusal = store.Refusal();
        refusal.Kind.Should().Be(JournalFault.Damaged);
        refusal.Message.Should().Contain("book-sample").And.Contain("position 4").And.Contain("OrderPlaced");
        journal.Invoking(j => j.Refresh()).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Damaged);
        journal.Invoking(j => JournalFixture.Append(j, 1)).Should().Throw<JournalException>();
    }

    [Fact]
    public async Task A_block_without_its_seal_is_damage()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(3).Dispose();
        store.Write(StoreFixture.Stream, "sample.noted.v1", SampleBlocks.LineAt(4), """{"block":2}""");

        store.Refusal().Message.Should().Contain("position 4").And.Contain("seal");
    }

    [Fact]
    public async Task Lines_that_were_changed_are_found()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(1).Dispose();
        var seal = (await EventStoreJournalSpecs.ReadAsync(store.Server, StoreFixture.Stream))[0].CustomMetadata.ToStringUtf8();
        await using var other = await StoreFixture.StartAsync();
        other.Write(StoreFixture.Stream, "sample.noted.v1", SampleBlocks.LineAt(1).Replace("noted", "voted"), seal);

        other.Refusal().Message.Should().Contain("checksum");
    }

    [Fact]
    public async Task Another_books_stream_is_not_taken_for_this_one()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(3);
        await using var other = await StoreFixture.StartAsync();
        using var rival = EventStoreJournal.Create(other.At, new(SampleBlocks.Book.Book, new byte[32]), StoreFixture.Quick);
        JournalFixture.Append(rival, 5);
        var last = (await EventStoreJournalSpecs.ReadAsync(other.Server, StoreFixture.Stream))[^1];
        store.Write(StoreFixture.Stream, "sample.noted.v1", last.Data.ToStringUtf8(), last.CustomMetadata.ToStringUtf8());

        var refusal = journal.Invoking(j => j.Refresh()).Should().Throw<JournalException>().Which;
        refusal.Kind.Should().Be(JournalFault.WrongBook);
        refusal.Message.Should().Contain(SampleBlocks.Book.ToString());
        var renamed = last.CustomMetadata.ToStringUtf8().Replace("\"sample\"", "\"elsewhere\"");
        store.Write(StoreFixture.Stream, "sample.noted.v1", "{}", renamed);
        store.Refusal().Kind.Should().Be(JournalFault.WrongBook);
    }

    [Fact]
    public async Task A_later_releases_layout_is_not_read()
    {
        await using var store = await StoreFixture.StartAsync();
        store.Write(StoreFixture.Stream, "x", "{}", """{"journal":"bankingengine.v2","book":"sample","seals":"elsewhere"}""");

        var refusal = store.Refusal();
        refusal.Kind.Should().Be(JournalFault.NewerFormat);
        refusal.Message.Should().Contain("version 2");
    }

    [Theory]
    [InlineData("""{"$maxCount":3}""", "first event stands at position 3")]
    [InlineData("""{"$maxCount":500}""", "$maxCount 500")]
    [InlineData("""{"$maxAge":3600}""", "$maxAge 3600")]
    public async Task History_that_the_server_cuts_is_refused(string metadata, string why)
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(5).Dispose();
        store.Write("$$" + StoreFixture.Stream, "$metadata", metadata);

        store.Refusal().Message.Should().Contain(why).And.Contain("book-sample");
    }

    [Fact]
    public async Task A_stream_that_was_deleted_is_told_from_one_that_never_was()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(5).Dispose();
        store.Server.Log.Delete(StoreFixture.Stream, Expected.Any, 0, forGood: false);
        store.Write("$$" + StoreFixture.Stream, "$metadata", """{"$tb":9223372036854775807}""");

        store.Refusal().Message.Should().Contain("deleted (softly)");
        store.Invoking(s => s.Create()).Should().Throw<JournalException>().WithMessage("*was deleted*")
            .Which.Kind.Should().Be(JournalFault.NotEmpty);
        store.Server.Log.Delete(StoreFixture.Stream, Expected.Any, 0, forGood: true);
        store.Refusal().Message.Should().Contain("tombstoned");
    }

    [Fact]
    public async Task A_stream_that_was_emptied_and_begun_anew_under_a_host_is_found()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(5);
        store.Server.Log.Delete(StoreFixture.Stream, Expected.Any, 0, forGood: false);

        journal.Invoking(j => j.Refresh()).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Damaged);
    }

    [Fact]
    public async Task A_server_that_is_too_old_is_refused()
    {
        await using var store = await StoreFixture.StartAsync(options => options with { SupportsBatches = false });

        var refusal = store.Invoking(s => s.Create()).Should().Throw<JournalException>().Which;
        refusal.Kind.Should().Be(JournalFault.Refused);
        refusal.Message.Should().Contain("too old").And.Contain("22.10");
    }

    [Fact]
    public async Task Something_else_that_answers_is_refused()
    {
        await using var peer = await GrpcPeer.StartAsync(_ => { });

        var refusal = Refused($"esdb://{peer.Address.Authority}?tls=false");
        refusal.Kind.Should().Be(JournalFault.Refused);
        refusal.Message.Should().Contain(peer.Address.Authority);
    }

    [Fact]
    public async Task The_leader_is_found_by_a_followers_word_and_by_gossip()
    {
        await using var leader = await StoreFixture.StartAsync();
        await using var follower = await StoreFixture.StartAsync();
        var leads = new Member("127.0.0.1", leader.Server.Address.Port, VNodeState.Leader);
        var follows = new Member("127.0.0.1", follower.Server.Address.Port, VNodeState.Follower);
        follower.Server.Leader = leads;
        follower.Server.Members = [follows, leads];

        using (var journal = EventStoreJournal.Create(follower.At, SampleBlocks.Book, StoreFixture.Quick))
            JournalFixture.Append(journal, 4);
        var discover = follower.At.Replace("esdb:", "kurrentdb+discover:") + "&nodePreference=leader";
        using (var journal = EventStoreJournal.Open(discover, SampleBlocks.Book.Book, StoreFixture.Quick))
            JournalFixture.Append(journal, 3);

        using var again = leader.Open();
        JournalFixture.Lines(again).Should().Equal(JournalFixture.Expected(7));
        follower.Server.Log.End.Should().Be(-1);
    }

    [Fact]
    public async Task The_lead_may_move_to_another_node_under_a_host()
    {
        await using var first = await StoreFixture.StartAsync();
        await using var seed = await StoreFixture.StartAsync();
        seed.Server.Members = [new("127.0.0.1", first.Server.Address.Port, VNodeState.Leader)];
        var at = $"esdb://{seed.Server.Authority},{first.Server.Authority}?tls=false";
        using var journal = EventStoreJournal.Create(at, SampleBlocks.Book, StoreFixture.Quick);
        JournalFixture.Append(journal, 4);

        // The same streams behind another port: what a new leader of the cluster is to a client.
        await first.Server.DisposeAsync();
        await using var second = await EventStoreServer.StartAsync(first.Options with { Port = 0 });
        seed.Server.Members = [new("127.0.0.1", second.Address.Port, VNodeState.Leader)];
        JournalFixture.Append(journal, 3);

        using var again = EventStoreJournal.Open(at, SampleBlocks.Book.Book, StoreFixture.Quick);
        JournalFixture.Lines(again).Should().Equal(JournalFixture.Expected(7));
    }

    [Fact]
    public async Task Who_was_asked_and_what_they_said_is_told_when_no_leader_is_found()
    {
        await using var store = await StoreFixture.StartAsync();
        store.Server.Members = [new("10.0.0.9", 2113, VNodeState.Follower), new("10.0.0.8", 2113, VNodeState.Leader, IsAlive: false)];

        var refusal = Refused(
            $"esdb+discover://{store.Server.Authority},127.0.0.1:1?tls=false&maxDiscoverAttempts=2&discoveryInterval=1");
        refusal.Kind.Should().Be(JournalFault.Unknown);
        refusal.Message.Should().Contain($"{store.Server.Authority} knows no leader, but 10.0.0.9:2113 Follower")
            .And.Contain("127.0.0.1:1 ").And.Contain("refused");
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_named()
    {
        var refusal = Refused("esdb://127.0.0.1:1?tls=false&defaultDeadline=2000");
        await Task.CompletedTask;

        refusal.Kind.Should().Be(JournalFault.Unknown);
        refusal.Message.Should().Contain("127.0.0.1:1");
    }

    [Fact]
    public async Task A_wrong_password_is_said_to_be_one_and_a_right_one_is_sent_over_tls_only()
    {
        var (certificate, authority) = GrpcPeer.Certificates();
        await using var store = await StoreFixture.StartAsync(options => options with
        {
            Certificate = certificate,
            Credentials = new NetworkCredential("ops", "p@ss"),
        });
        var ca = Path.Combine(store.Options.Folder, "ca.pem");
        await File.WriteAllTextAsync(ca, authority.ExportCertificatePem());
        var hosts = $"localhost:{store.Server.Address.Port}?tlsCaFile={Uri.EscapeDataString(ca)}";

        var refusal = Refused($"esdb://ops:wrong@{hosts}");
        refusal.Kind.Should().Be(JournalFault.Refused);
        refusal.Message.Should().Contain("user 'ops'").And.NotContain("wrong@");
        Refused($"esdb://{hosts}").Message.Should().Contain("without user");
        using var journal = EventStoreJournal.Create($"esdb://ops:p%40ss@{hosts}", SampleBlocks.Book, StoreFixture.Quick);
        JournalFixture.Append(journal, 2);
        journal.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_with_what_can_be_done()
    {
        var (certificate, _) = GrpcPeer.Certificates();
        await using var store = await StoreFixture.StartAsync(options => options with { Certificate = certificate });
        var host = $"esdb://localhost:{store.Server.Address.Port}";

        var refusal = Refused(host);
        refusal.Kind.Should().Be(JournalFault.Refused);
        refusal.Message.Should().Contain("certificate").And.Contain("tlsCaFile");
        using var journal = EventStoreJournal.Create($"{host}?tlsVerifyCert=false", SampleBlocks.Book, StoreFixture.Quick);
        JournalFixture.Append(journal, 1);
        journal.Warnings.Should().ContainSingle(text => text.Contains("tlsVerifyCert"));
    }

    [Fact]
    public void A_certificates_file_that_cannot_be_read_is_named()
    {
        Refused("esdb://127.0.0.1:1?tlsCaFile=/nowhere/ca.pem").Message.Should().Contain("/nowhere/ca.pem");
        var empty = Path.GetTempFileName();
        Refused($"esdb://127.0.0.1:1?tlsCaFile={empty}").Kind.Should().Be(JournalFault.Refused);
        Refused($"esdb://127.0.0.1:1?userCertFile={empty}&userKeyFile={empty}").Kind.Should().Be(JournalFault.Refused);
        File.Delete(empty);
    }

    private static JournalException Refused(string at) =>
        FluentActions.Invoking(() => EventStoreJournal.Create(at, SampleBlocks.Book, StoreFixture.Quick).Dispose())
            .Should().Throw<JournalException>().Which;
}
