using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Host.Grpc;
using BankingEngine.Host.Grpc.EventStore;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using static BankingEngine.Host.Grpc.EventStore.ReadResp.Types.ReadEvent.Types;

namespace BankingEngine.Specs.Engine.EventStore;

public sealed class EventStoreJournalSpecs
{
    [Fact]
    public async Task What_was_appended_is_read_back_the_same_after_reopening()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(1, 60, 2_000, 3).Dispose();
        using var journal = store.Open();

        (journal.Tail.Block, journal.Tail.Position).Should().Be((4L, 2_064L));
        journal.Identity.IsSameAs(SampleBlocks.Book).Should().BeTrue();
        JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(2_064));
        JournalFixture.Lines(journal, from: 61).Should().Equal(JournalFixture.Expected(2_064).Skip(1));
        StoreFixture.Event(journal, 700).Should().Be(SampleBlocks.LineAt(700));
        StoreFixture.Event(journal, 2_065).Should().BeNull();
    }

    [Fact]
    public async Task Outsiders_find_one_event_for_each_with_the_seal_at_the_last()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(2, 3).Dispose();
        var events = await ReadAsync(store.Server, StoreFixture.Stream);

        events.Select(e => (long)e.StreamRevision).Should().Equal(0, 1, 2, 3, 4);
        events.Select(e => e.Data.ToStringUtf8()).Should().Equal(JournalFixture.Expected(5));
        events.Should().OnlyContain(e => e.Metadata["type"] == "sample.noted.v1" && e.Metadata["content-type"] == "application/json");
        new List<int> { 0, 2, 3 }.ConvertAll(at => events[at].CustomMetadata.ToStringUtf8())
            .Should().Equal("""{"block":1}""", """{"block":2}""", """{"block":2}""");
        using var seal = JsonDocument.Parse(events[4].CustomMetadata.ToStringUtf8());
        seal.RootElement.EnumerateObject().Select(member => member.Name).Should().Equal(
            "journal", "book", "genesis", "block", "first", "events", "root", "size", "previous", "crc");
        seal.RootElement.GetProperty("journal").GetString().Should().Be("bankingengine.v1");
        seal.RootElement.GetProperty("first").GetInt64().Should().Be(3);
        seal.RootElement.GetProperty("size").GetInt64().Should().Be(5);
    }

    [Fact]
    public async Task An_events_id_begins_with_its_leaf_folded_with_the_genesis()
    {
        await using var store = await StoreFixture.StartAsync();
        store.With(2).Dispose();

        foreach (var recorded in await ReadAsync(store.Server, StoreFixture.Stream))
        {
            var leaf = SHA256.HashData([0, .. recorded.Data.Span]);
            EventStoreNames.TryReadUuid(recorded.Id, out var id).Should().BeTrue();
            var bytes = id.ToByteArray(bigEndian: true);
            foreach (var at in new[] { 0, 1, 2, 3, 4, 5, 7, 9 }) bytes[at].Should().Be((byte)(leaf[at] ^ SampleBlocks.Book.Genesis.Span[at]));
            id.Version.Should().Be(8);
        }
    }

    [Fact]
    public async Task Of_two_who_append_at_one_place_one_is_fenced_and_nothing_of_his_is_stored()
    {
        await using var store = await StoreFixture.StartAsync();
        using var first = store.With(5);
        using var second = store.Open();
        JournalFixture.Append(first, 2);

        // The same positions and other content: a server goes by ids, and must not take it for a repeat.
        second.Invoking(journal => journal.Append(SampleBlocks.After(journal.Tail, 2, seed: 7)))
            .Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Fenced);
        second.Refresh().Should().BeTrue();
        JournalFixture.Lines(second).Should().Equal(JournalFixture.Expected(7));
    }

    [Fact]
    public async Task A_lost_answer_is_settled_by_reading_back()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(5);
        store.Server.LosesAnswers = true;
        var appended = Task.Run(() => JournalFixture.Append(journal, 3));
        await Task.Delay(100);
        store.Server.LosesAnswers = false;
        await appended;

        JournalFixture.Append(journal, 2);
        using var again = store.Open();
        JournalFixture.Lines(again).Should().Equal(JournalFixture.Expected(10));
    }

    [Fact]
    public async Task A_lost_request_is_sent_again()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(5);
        store.Server.LosesRequests = 2;
        JournalFixture.Append(journal, 3);

        JournalFixture.Lines(journal).Should().Equal(JournalFixture.Expected(8));
        (await ReadAsync(store.Server, StoreFixture.Stream)).Should().HaveCount(8);
    }

    [Fact]
    public async Task Appends_go_on_when_the_server_was_restarted_under_them()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(5);
        var appends = Task.Run(() =>
        {
            for (var block = 0; block < 40; block++) JournalFixture.Append(journal, 3);
        });
        await store.RestartAsync();
        store.Server.Cut();
        await store.RestartAsync();
        await appends;

        using var again = store.Open();
        JournalFixture.Lines(again).Should().Equal(JournalFixture.Expected(125));
    }

    [Fact]
    public async Task A_silent_store_is_said_to_be_silent_and_what_it_had_is_found_later()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.With(5);
        await store.RestartAsync(() =>
        {
            journal.Invoking(j => j.Refresh()).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Unknown);
            journal.Invoking(j => j.TryLead("host")).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.Unknown);
            return Task.CompletedTask;
        });
        Follow(journal, 5);
        JournalFixture.Append(journal, 1);
        journal.Tail.Position.Should().Be(6);
    }

    [Fact]
    public async Task The_largest_block_stays_below_the_servers_limit()
    {
        await using var store = await StoreFixture.StartAsync();
        using var journal = store.Create();
        journal.Append(Largest());

        journal.Tail.Position.Should().Be(JournalLimits.BlockEvents);
        // What a server counts: data, metadata, and two bytes for each letter of the type; the limit is 1 MiB.
        var counted = (await ReadAsync(store.Server, StoreFixture.Stream))
            .Sum(e => e.Data.Length + e.CustomMetadata.Length + 2 * e.Metadata["type"].Length);
        counted.Should().BeLessThan(1024 * 1024 - 100_000);
        EventCatalogue.All.Should().OnlyContain(type => type.Name.Length <= 64);
    }

    [Fact]
    public async Task A_follower_sees_what_is_appended_and_catches_up_after_a_cut()
    {
        await using var store = await StoreFixture.StartAsync();
        using var leader = store.With(5);
        using var follower = store.Open();
        using var reader = follower.Read(6);
        JournalFixture.Append(leader, 2, 2_000);
        Follow(follower, 2_007);
        reader.MoveNext().Should().BeTrue();
        reader.Current.LastPosition.Should().Be(7);

        store.Server.Cut();
        JournalFixture.Append(leader, 4);
        Follow(follower, 2_011);
        JournalFixture.Lines(follower).Should().Equal(JournalFixture.Expected(2_011));
        store.Server.Calls["/event_store.client.streams.Streams/Read"].Should().BeGreaterThan(1);
    }

    [Fact]
    public async Task A_new_book_is_nowhere_until_its_first_block_and_is_made_once()
    {
        await using var store = await StoreFixture.StartAsync();
        using var made = store.Create();
        using var rival = EventStoreJournal.Create(store.At, new(SampleBlocks.Book.Book, new byte[32]), StoreFixture.Quick);
        store.Refusal().Kind.Should().Be(JournalFault.NotFound);

        JournalFixture.Append(made, 1);
        store.Invoking(s => s.Create()).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.NotEmpty);
        rival.Invoking(r => r.Refresh()).Should().Throw<JournalException>().Which.Kind.Should().Be(JournalFault.WrongBook);
        rival.Invoking(r => JournalFixture.Append(r, 1)).Should().Throw<JournalException>();
        (await ReadAsync(store.Server, StoreFixture.Stream)).Should().HaveCount(1);
    }

    internal static void Follow(ISharedJournal journal, long position) => Eventually(() =>
    {
        try
        {
            journal.Refresh();
        }
        catch (JournalException silent) when (silent.Kind == JournalFault.Unknown)
        {
            // A cut: the next look finds it again.
        }
        return journal.Tail.Position >= position;
    });

    internal static void Eventually(Func<bool> reached) =>
        SpinWait.SpinUntil(
            () =>
            {
                if (reached()) return true;
                Thread.Sleep(5);
                return false;
            },
            TimeSpan.FromSeconds(20)).Should().BeTrue();

    internal static async Task<List<RecordedEvent>> ReadAsync(EventStoreServer server, string stream)
    {
        using var channel = new GrpcChannel(new(server.Address));
        await using var call = channel.Open(EventStoreMethods.Read, TimeSpan.FromSeconds(10), CancellationToken.None);
        await call.RequestAsync(new()
        {
            Options = new()
            {
                Stream = new() { StreamIdentifier = EventStoreNames.StreamOf(stream), Start = new() },
                Count = 100_000,
                NoFilter = new(),
                UuidOption = new() { Structured = new() },
            },
        });
        List<RecordedEvent> events = [];
        await foreach (var response in call.ReadAllAsync())
            if (response.ContentCase == ReadResp.ContentOneofCase.Event) events.Add(response.Event.Event);
        return events;
    }

    /// <summary>As many events and bytes as a block can have, of a type as long as one can be.</summary>
    private static SealedBlock Largest()
    {
        var type = new string('t', 64);
        var lines = new StringBuilder();
        for (var position = 1; position <= JournalLimits.BlockEvents; position++)
        {
            var line = "{\"position\":" + position + ",\"type\":\"" + type + "\",\"data\":";
            var room = JournalLimits.BlockBytes / JournalLimits.BlockEvents - line.Length - 4;
            lines.Append(line).Append('"').Append('x', room).Append("\"}\n");
        }
        var bytes = Encoding.UTF8.GetBytes(lines.ToString());
        bytes.Length.Should().BeInRange(JournalLimits.BlockBytes - JournalLimits.BlockEvents, JournalLimits.BlockBytes);
        return new(1, 1, JournalLimits.BlockEvents, bytes, SHA256.HashData(bytes));
    }
}
