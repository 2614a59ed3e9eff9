using BankingEngine.Application.Ports;
using BankingEngine.Host.Journals;
using BankingEngine.Host.Journals.Postgres;
using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Simulation;

namespace BankingEngine.Specs.Engine;

/// <summary>What every store of positions does: the file beside the journal, and the database of the journal.</summary>
public sealed class PositionsSpecs
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> Stores =>
        PostgresCluster.Binaries is null ? new() { "file" } : new() { "file", "postgres" };

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
    private sealed class Store(string folder, Func<IPositions> open) : IDisposable
    {
        private readonly List<IPositions> _opened = [];

        public string Folder => folder;

        public static Store New(string kind, PostgresCluster? cluster = null)
        {
            var folder = Directory.CreateTempSubdirectory("bank-positions-").FullName;
            if (kind == "file") return new(folder, () => new FilePositions(folder));
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
            Directory.Delete(folder, recursive: true);
        }
    }
}
