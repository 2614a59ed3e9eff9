using System.Collections.Immutable;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

public sealed class CatchUpSpecs
{
    [Fact]
    public async Task Rows_built_anew_are_the_rows_that_grew_with_the_book()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var activity = new Activity(book, seed: 11);
        for (var i = 0; i < 5; i++)
        {
            await activity.RunAsync(40);
            await AccountEntriesSpecs.Level(book, models);
        }
        var (entries, transfers) = (models.Entries, models.Transfers);
        var (rows, lives) = (entries.Digest(), transfers.Digest());
        await models.RebuildAsync();
        models.Entries.Should().NotBeSameAs(entries);
        models.Entries.Position.Should().Be(entries.Position);
        models.Entries.Digest().Should().Be(rows);
        models.Transfers.Digest().Should().Be(lives);
    }

    [Fact]
    public async Task A_rebuilt_projection_goes_on_with_the_book()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var activity = new Activity(book, seed: 12);
        var rebuilt = models.RebuildAsync();
        await activity.RunAsync(50);
        await rebuilt;
        await activity.RunAsync(50);
        (await AccountEntriesSpecs.Level(book, models)).Fault.Should().BeNull();
        using var fresh = new ReadModels(book.Engine.Feed);
        (await AccountEntriesSpecs.Level(book, fresh)).Digest().Should().Be(models.Entries.Digest());
    }

    [Fact]
    public async Task An_event_that_one_projection_cannot_take_stops_that_one_only()
    {
        using var book = await Activity.FoundAsync();
        var fee = Tag.Of("poison");
        using var followers = new CatchUp(book.Engine.Feed, new Picky(fee), new AccountEntries());
        var cash = Account("bank:cash");
        await book.Send(new MakeTransfer(cash, Account("alice"), Eur("5"), Particulars.None));
        var poison = await book.Send(new MakeTransfer(cash, Account("alice"), Eur("5"), new(fee)));
        var last = await book.Send(new MakeTransfer(cash, Account("alice"), Eur("5"), Particulars.None));
        (await followers.WaitForAsync(1, last.Ended.Position, CatchUp.LongestWait)).Should().BeTrue();
        var lag = followers.Lag();
        lag[0].Fault!.Position.Should().Be(poison.Ended.Position);
        lag[0].Fault!.Reason.Should().Contain("disagrees");
        lag[0].Position.Should().Be(poison.Ended.Position - 1);
        lag[0].BehindSince.Should().NotBeNull();
        lag[1].Should().BeEquivalentTo(
            new { Position = last.Ended.Position, Fault = (ProjectionFault?)null, BehindSince = (Instant?)null });
        await FluentActions.Awaiting(() => followers.WaitForAsync(0, last.Ended.Position, CatchUp.LongestWait))
            .Should().ThrowAsync<ProjectionStoppedException>();
        followers.Live(0).Invoking(p => p.Digest()).Should().Throw<ProjectionStoppedException>();
    }

    [Fact]
    public async Task One_built_anew_that_stops_does_not_take_the_place_of_one_that_answers()
    {
        using var book = await Activity.FoundAsync();
        using var followers = new CatchUp(book.Engine.Feed, new Picky(Tag.Of("none"), then: Tag.Of("poison")));
        var last = await book.Send(
            new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), new(Tag.Of("poison"))));
        (await followers.WaitForAsync(0, last.Ended.Position, CatchUp.LongestWait)).Should().BeTrue();
        var rows = followers.Live(0).Digest();
        await FluentActions.Awaiting(() => followers.RebuildAsync(0)).Should().ThrowAsync<ProjectionStoppedException>();
        followers.Live(0).Digest().Should().Be(rows);
        followers.Lag()[0].Should().BeEquivalentTo(
            new { Position = last.Ended.Position, Fault = (ProjectionFault?)null, Rebuilding = (long?)null });
    }

    [Fact]
    public async Task Waiting_for_a_position_that_does_not_come_ends()
    {
        using var book = await Activity.FoundAsync();
        using var followers = new CatchUp(book.Engine.Feed, new AccountEntries());
        (await followers.WaitForAsync(0, book.Engine.DurablePosition + 1, TimeSpan.FromMilliseconds(50)))
            .Should().BeFalse();
        var answer =
            await book.Send(new MakeTransfer(Account("bank:cash"), Account("alice"), Eur("5"), Particulars.None));
        (await followers.WaitForAsync(0, answer.Ended.Position, CatchUp.LongestWait)).Should().BeTrue();
    }

    /// <summary>Takes all but what carries one code.</summary>
    /// <param name="then">The code that one built anew refuses.</param>
    private sealed class Picky(Tag refused, Tag? then = null) : Projection("picky", version: 1)
    {
        public override Projection Fresh() => new Picky(then ?? refused);

        public override UInt128 Digest()
        {
            using var held = Reading();
            return (UInt128)Position;
        }

        protected override void Apply(in LineHead head, Event @event, ImmutableArray<Leg> legs)
        {
            if (PostedLegs.Said(@event)?.Code == refused) throw new InvalidOperationException("It disagrees.");
        }
    }
}
