using BankingEngine.Application.Ports;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Journals.EventStore;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;
using BankingEngine.Specs.Simulation.EventStore;
using EventStoreExpected = BankingEngine.Specs.Simulation.EventStore.Expected;

namespace BankingEngine.Specs.Engine;

/// <summary>What every store of positions does: the file beside the journal, and the stores that journals share.
/// </summary>
public sealed class PositionsSpecs
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> Stores => PostgresCluster.Binaries is null
        ? new() { "file", "eventstore" } : new() { "file", "postgres", "eventstore" };

    public static TheoryData<string> Shared => JournalStore.Shared;

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_position_only_advances_unless_it_is_reset(string kind)
    {
        using var store = Store.New(kind);
        var positions = store.Open();
        (await positions.FindAsync("a", default)).Should().BeNull();
        (await positions.AdvanceAsync(new("a", 5, Noon), default)).Should().Be(new StoredPosition("a", 5, Noon));
        (await positions.AdvanceAsync(new("a", 4, Noon.AddHours(1)), default)).Should().Be(new StoredPosition("a", 5, Noon));
        (await positions.AdvanceAsync(new("a", 6, Noon.AddHours(2)), default)).Position.Should().Be(6);
        (await positions.FindAsync("a", default)).Should().Be(new StoredPosition("a", 6, Noon.AddHours(2)));
        await positions.ResetAsync(new("a", 1, Noon), default);
        (await positions.FindAsync("a", default)).Should().Be(new StoredPosition("a", 1, Noon));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task What_is_set_is_there_for_who_opens_the_store_later_or_beside(string kind)
    {
        using var store = Store.New(kind);
        var (first, beside) = (store.Open(), store.Open());
        (await beside.ListAsync("", default)).Should().BeEmpty();
        await first.AdvanceAsync(new("webhook:1:1", 5, Noon), default);
        await first.AdvanceAsync(new("consumer:b", 2, Noon), default);
        await first.AdvanceAsync(new("consumer:a", 3, Noon), default);
        foreach (var other in new[] { beside, store.Open() })
        {
            (await other.ListAsync("consumer:", default)).Select(p => (p.Name, p.Position)).Should()
                .Equal(("consumer:a", 3), ("consumer:b", 2));
        }
        (await beside.RemoveAsync("consumer:a", default)).Should().BeTrue();
        (await first.RemoveAsync("consumer:a", default)).Should().BeFalse();
        (await first.ListAsync("", default)).Select(p => p.Name).Should().Equal("consumer:b", "webhook:1:1");
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Many_at_once_leave_the_furthest_of_each(string kind)
    {
        using var store = Store.New(kind);
        var positions = store.Open();
        await Task.WhenAll(Enumerable.Range(1, 60).Select(i =>
            positions.AdvanceAsync(new($"n{i % 3}", i, Noon.AddSeconds(i)), default)));
        (await store.Open().ListAsync("", default)).Select(p => p.Position).Should().Equal(60, 58, 59);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_name_of_another_form_is_a_fault_of_the_caller(string kind)
    {
        using var store = Store.New(kind);
        var positions = store.Open();
        foreach (var name in new[] { "", "A", "a b", "a\n", new string('a', PositionNames.MaxLength + 1) })
        {
            var setting = () => positions.AdvanceAsync(new(name, 1, Noon), default);
            await setting.Should().ThrowAsync<ArgumentException>();
        }
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_slower_host_never_takes_a_position_back(string kind)
    {
        using var store = Store.New(kind);
        var (fast, slow) = (store.Open(), store.Open());
        await fast.AdvanceAsync(new("a", 9, Noon), default);
        (await slow.AdvanceAsync(new("a", 4, Noon), default)).Position.Should().Be(9);
        var sides = new[] { fast, slow }.Select((side, which) => Task.Run(async () =>
        {
            for (var position = 10 + which; position <= 40; position += 2)
                (await side.AdvanceAsync(new("a", position, Noon), default)).Position.Should().BeGreaterThanOrEqualTo(position);
        }));
        await Task.WhenAll(sides);
        (await store.Open().FindAsync("a", default))!.Value.Position.Should().Be(40);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task One_holds_a_name_until_it_lets_go_or_another_takes_over(string kind)
    {
        using var store = Store.New(kind);
        var (here, there) = (store.Open(), kind == "file" ? null : store.Open());
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        (await here.HoldAsync("consumer:a", first, takeover: false, default)).Should().BeTrue();
        (await here.HoldAsync("consumer:a", first, takeover: false, default)).Should().BeTrue("it holds it already");
        there ??= here;
        (await there.HoldAsync("consumer:a", second, takeover: false, default)).Should().BeFalse();
        (await there.HoldAsync("consumer:b", second, takeover: false, default)).Should().BeTrue("it is another name");
        (await here.HeldAsync("consumer:", default)).Should().BeEquivalentTo("consumer:a", "consumer:b");
        (await there.HoldAsync("consumer:a", second, takeover: true, default)).Should().BeTrue();
        (await here.HoldAsync("consumer:a", first, takeover: false, default)).Should().BeFalse("it was taken over");
        await here.ReleaseAsync("consumer:a", first, default);
        (await here.HeldAsync("consumer:a", default)).Should().ContainSingle("another's hold is not let go");
        await there.ReleaseAsync("consumer:a", second, default);
        (await here.HoldAsync("consumer:a", first, takeover: false, default)).Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task A_hold_that_nobody_renews_ends_by_itself(string kind)
    {
        using var store = Store.New(kind);
        var (fallen, other) = (store.Open(), store.Open());
        (await fallen.HoldAsync("a", Guid.NewGuid(), takeover: false, default)).Should().BeTrue();
        var next = Guid.NewGuid();
        var asked = System.Diagnostics.Stopwatch.StartNew();
        while (!await other.HoldAsync("a", next, takeover: false, default))
        {
            asked.Elapsed.Should().BeLessThan(TimeSpan.FromMinutes(1), "its host fell");
            await Task.Delay(200);
        }
        asked.Elapsed.Should().BeGreaterThan(Holds.Length / 2, "it is not free while its holder may still read");
        (await fallen.HoldAsync("a", Guid.NewGuid(), takeover: false, default)).Should().BeFalse();
    }

    [Fact]
    public async Task A_stream_of_positions_is_short_and_what_another_wrote_there_is_named()
    {
        using var store = Store.New("eventstore");
        var positions = store.Open();
        for (var position = 1; position <= 25; position++) await positions.AdvanceAsync(new("a", position, Noon), default);
        var server = store.Server!;
        var stream = EventStorePositions.NameOf(TestBook.Identity.Book);
        var bounds = server.Log.Find(stream)!.Value;
        (bounds.Last - bounds.First).Should().BeLessThan(10, "the store keeps the newest only");
        server.Log.Append(stream, EventStoreExpected.Any, 0, [new(
            Guid.NewGuid(), "other", "application/json", Google.Protobuf.ByteString.Empty,
            Google.Protobuf.ByteString.CopyFromUtf8("[]"))]);
        var finding = () => positions.FindAsync("a", default);
        (await finding.Should().ThrowAsync<PositionsUnavailableException>()).WithMessage($"*{stream}*");
        server.Log.Delete(stream, EventStoreExpected.Any, 0, forGood: false);
        (await positions.FindAsync("a", default)).Should().BeNull();
        (await positions.AdvanceAsync(new("a", 3, Noon), default)).Position.Should().Be(3);
    }

    [Fact]
    public async Task Positions_of_another_book_of_the_same_name_are_not_this_ones()
    {
        using var store = Store.New("eventstore");
        await store.Open().AdvanceAsync(new("a", 7, Noon), default);
        using var other = EventStorePositions.Open(
            $"esdb://{store.Server!.Authority}?tls=false", new(TestBook.Identity.Book, [.. Enumerable.Repeat((byte)9, 32)]));
        (await other.FindAsync("a", default)).Should().BeNull();
    }

    [Fact]
    public async Task A_store_whose_answers_are_lost_says_so_and_keeps_what_it_kept()
    {
        using var store = Store.New("eventstore");
        var positions = store.Open();
        await positions.AdvanceAsync(new("a", 7, Noon), default);
        store.Server!.LosesAnswers = true;
        var setting = () => positions.AdvanceAsync(new("a", 8, Noon), default);
        await setting.Should().ThrowAsync<PositionsUnavailableException>();
        store.Server.LosesAnswers = false;
        (await positions.AdvanceAsync(new("a", 6, Noon), default)).Position.Should().Be(8, "it was stored all the same");
    }

    [Fact]
    public async Task A_file_holds_so_many_names_and_no_more()
    {
        using var store = Store.New("file");
        var positions = store.Open();
        File.WriteAllLines(Path.Combine(store.Folder, FilePositions.FileName), Enumerable.Range(0, PositionNames.Most)
            .Select(i => $$"""{"name":"n{{i}}","position":1,"at":"2026-01-05T12:00:00Z"}"""));
        var one = () => positions.AdvanceAsync(new("more", 1, Noon), default);
        await one.Should().ThrowAsync<PositionsUnavailableException>();
        await positions.AdvanceAsync(new("n0", 2, Noon), default);
    }

    [Theory]
    [InlineData("no json"), InlineData("{}"), InlineData("""{"name":"a","position":-1,"at":"2026-01-05T12:00:00Z"}""")]
    [InlineData("""{"name":"A","position":1,"at":"2026-01-05T12:00:00Z"}"""), InlineData("[1]")]
    public async Task A_spoilt_file_is_named_and_not_written_over(string line)
    {
        using var store = Store.New("file");
        var path = Path.Combine(store.Folder, FilePositions.FileName);
        File.WriteAllText(path, line + "\n");
        var positions = store.Open();
        var setting = () => positions.AdvanceAsync(new("a", 1, Noon), default);
        (await setting.Should().ThrowAsync<PositionsUnavailableException>()).WithMessage($"{path}*");
        File.ReadAllText(path).Should().Be(line + "\n");
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_says_so()
    {
        using var store = Store.New("file");
        var positions = store.Open();
        Directory.CreateDirectory(Path.Combine(store.Folder, FilePositions.FileName + ".new"));
        var setting = () => positions.AdvanceAsync(new("a", 1, Noon), default);
        await setting.Should().ThrowAsync<PositionsUnavailableException>();
    }

    [PostgresFact]
    public async Task A_database_that_went_away_says_so_and_is_found_again()
    {
        using var cluster = PostgresCluster.New();
        using var store = Store.New("postgres", cluster);
        var positions = store.Open();
        await positions.AdvanceAsync(new("a", 7, Noon), default);
        cluster.Restart();
        StoredPosition? found = null;
        for (var tries = 0; tries < 50 && found is null; tries++)
        {
            try
            {
                found = await positions.FindAsync("a", default);
            }
            catch (PositionsUnavailableException)
            {
                await Task.Delay(20);
            }
        }
        found.Should().Be(new StoredPosition("a", 7, Noon));
    }

    /// <summary>A store of a kind, opened as often as hosts would.</summary>
    private sealed class Store(string folder, Func<IPositions> open, EventStoreServer? server = null) : IDisposable
    {
        private readonly List<IPositions> _opened = [];

        public string Folder => folder;

        public EventStoreServer? Server => server;

        public static Store New(string kind, PostgresCluster? cluster = null)
        {
            var folder = Directory.CreateTempSubdirectory("bank-positions-").FullName;
            if (kind == "file") return new(folder, () => new FilePositions(folder));
            if (kind == "eventstore")
            {
                var server = EventStoreServer.StartAsync(new(folder)).GetAwaiter().GetResult();
                var at = $"esdb://{server.Authority}?tls=false";
                return new(folder, () => EventStorePositions.Open(at, TestBook.Identity), server);
            }
            var database = (cluster ?? PostgresFixture.Cluster).NewDatabase();
            PostgresJournal.Create(database, TestBook.Identity).Dispose();
            return new(folder, () => PostgresPositions.Open(database, TestBook.Identity.Book));
        }

        public IPositions Open()
        {
            _opened.Add(open());
            return _opened[^1];
        }

        public void Dispose()
        {
            foreach (var positions in _opened.OfType<IDisposable>()) positions.Dispose();
            server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Directory.Delete(folder, recursive: true);
        }
    }
}
