using BankingEngine.Domain.Kernel;
using BankingEngine.Projections;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>A listing is computed for its first page, and the pages behind it come of what was kept.</summary>
public sealed class ExposurePagesSpecs
{
    private static readonly Asset Euro = Asset.Of("EUR", 2);
    private static readonly ExposureListing Listing = new(100, null, null);

    private readonly StoppedClock _clock = new();
    private readonly ExposurePages _pages;
    private int _computed;

    public ExposurePagesSpecs() => _pages = new(_clock);

    [Fact]
    public async Task All_pages_of_a_listing_are_computed_once_and_are_what_it_is()
    {
        var shown = new List<Exposure>();
        for (var areMore = true; areMore;)
        {
            var page = await Page(Listing, shown.Count, lines: 250);
            shown.AddRange(page.Lines);
            areMore = page.AreMore;
        }
        shown.Should().Equal(Lines(250));
        _computed.Should().Be(1);
        (await Page(Listing, 200, lines: 250)).Lines.Should().Equal(Lines(250)[200..]);
        (await Page(Listing, 250, lines: 250)).Should().BeEquivalentTo(new ExposurePage([], false));
        (await Page(Listing, int.MaxValue, lines: 250)).Should().BeEquivalentTo(new ExposurePage([], false));
        _computed.Should().Be(1);
    }

    [Fact]
    public async Task Another_position_date_or_party_is_another_listing()
    {
        await Page(Listing, 0, lines: 250);
        await Page(Listing with { Through = 101 }, 0, lines: 250);
        await Page(Listing with { BookedThrough = BusinessDate.Parse("2026-01-05") }, 0, lines: 250);
        await Page(Listing with { Party = new(1) }, 0, lines: 250);
        _computed.Should().Be(4);
        await Page(Listing, 100, lines: 250);
        _computed.Should().Be(4, "it is kept beside the others");
        await Page(Listing with { Through = 102 }, 0, lines: 250);
        await Page(Listing, 100, lines: 250);
        _computed.Should().Be(6, "the oldest of more than four is let go");
    }

    [Fact]
    public async Task Lines_are_kept_for_a_minute_and_some_thousand_of_them()
    {
        await Page(Listing, 0, lines: 250);
        _clock.Elapsed = ExposurePages.KeptFor - TimeSpan.FromTicks(1);
        await Page(Listing, 100, lines: 250);
        _computed.Should().Be(1);
        _clock.Elapsed = ExposurePages.KeptFor;
        (await Page(Listing, 100, lines: 250)).Lines.Should().HaveCount(100);
        _computed.Should().Be(2);
        var more = Listing with { Through = 200 };
        const int Many = ExposurePages.KeptLines + 150;
        await Page(more, 0, lines: Many);
        (await Page(more, ExposurePages.KeptLines - 100, lines: Many)).AreMore.Should().BeTrue();
        _computed.Should().Be(3);
        var last = await Page(more, ExposurePages.KeptLines - 50, lines: Many);
        last.Lines.Should().Equal(Lines(Many)[(ExposurePages.KeptLines - 50)..(ExposurePages.KeptLines + 50)]);
        _computed.Should().Be(4, "its lines reach beyond what was kept");
        (await Page(more, ExposurePages.KeptLines + 50, lines: Many)).AreMore.Should().BeFalse();
        _computed.Should().Be(4);
    }

    [Fact]
    public async Task What_one_page_shows_whole_is_not_kept()
    {
        (await Page(Listing, 0, lines: 100)).AreMore.Should().BeFalse();
        await Page(Listing, 0, lines: 100);
        _computed.Should().Be(2);
    }

    private Task<ExposurePage> Page(ExposureListing of, int from, int lines) => _pages.PageAsync(of, from, 100, () =>
    {
        _computed++;
        return Task.FromResult<IReadOnlyList<Exposure>>(Lines(lines));
    });

    private static Exposure[] Lines(int count) =>
        [.. Enumerable.Range(1, count).Select(i => new Exposure(new((UInt128)i), Euro, false, i, 0))];

    private sealed class StoppedClock : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }
}
