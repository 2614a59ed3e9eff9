using System.Buffers;
using System.Reflection;
using BankingEngine.Application.Journal;
using BankingEngine.Domain.Kernel;
using BankingEngine.Projections;
using BankingEngine.Specs.Contracts;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>Which events concern an account or a transfer, and that each is found by its number.</summary>
public sealed class StreamIndexSpecs
{
    public static TheoryData<string> Examples => [.. EventExamples.All.Select(e => e.Recorded.Event.GetType().FullName!)];

    /// <summary>An account that an event has as a field of its own is concerned by it, whatever family comes next.</summary>
    [Theory]
    [MemberData(nameof(Examples))]
    public void An_event_concerns_the_accounts_it_is_about(string type)
    {
        foreach (var (_, recorded) in EventExamples.All.Where(e => e.Recorded.Event.GetType().FullName == type))
        {
            var stated = recorded.Event.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.PropertyType == typeof(AccountId) && p.Name != "Actor")
                .Select(p => (AccountId)p.GetValue(recorded.Event)!)
                .Concat(recorded.Legs.IsDefault ? [] : recorded.Legs.Select(leg => leg.Account))
                .Where(account => !account.IsNone).ToHashSet();
            var named = new List<AccountId>();
            NamedAccounts.Gather(recorded.Event, recorded.Legs, named);
            stated.Should().BeSubsetOf(named);
        }
    }

    [Fact]
    public async Task Every_revision_is_found_and_walks_go_both_ways()
    {
        using var book = await Activity.FoundAsync();
        using var catchUp = new CatchUp(book.Engine.Feed, new StreamIndex(), new TransferLives());
        await new Activity(book, 7).RunAsync(300);
        await catchUp.WaitForAsync(0, book.Engine.DurablePosition, CatchUp.LongestWait);
        await catchUp.WaitForAsync(1, book.Engine.DurablePosition, CatchUp.LongestWait);
        var index = (StreamIndex)catchUp.Live(0);
        var account = AccountId.Parse("alice");
        var count = index.CountOf(account);
        count.Should().BeGreaterThan(40);
        var all = Enumerable.Range(0, (int)count).Select(revision => index.Mark(account, revision)!.Value).ToList();
        all.Select(mark => mark.Revision).Should().Equal(Enumerable.Range(0, (int)count).Select(i => (long)i));
        all.Select(mark => mark.Position).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        var into = new StreamMark[count];
        index.Beyond(all[0], forwards: true, into).Should().Be((int)count - 1);
        into[..^1].Should().Equal(all[1..]);
        index.Beyond(all[^1], forwards: false, into).Should().Be((int)count - 1);
        into[..^1].Should().Equal(Enumerable.Reverse(all[..^1]));
        (index.Mark(account, count), index.Mark(account, -1), index.CountOf(AccountId.Parse("nobody"))).Should().Be((null, null, 0));
        SameAsLives(book, index, (TransferLives)catchUp.Live(1)).Should().BeGreaterThan(50);
        await catchUp.RebuildAsync(0);
        var again = (StreamIndex)catchUp.Live(0);
        (again.Digest(), ReferenceEquals(again, index)).Should().Be((index.Digest(), false));
    }

    private static int SameAsLives(TestBook book, StreamIndex index, TransferLives lives)
    {
        var (seen, line) = (new HashSet<TransferId>(), new ArrayBufferWriter<byte>());
        for (var position = 1; book.Engine.Journal.TryReadEvent(position, line); position++, line.ResetWrittenCount())
        {
            if (PostedLegs.NameOf(EventLine.Read(line.WrittenSpan).Recorded.Event) is not { } id || !seen.Add(id)) continue;
            var life = lives.Find(id)!;
            var expected = life.Positions.Concat(life.Reversals.Select(r => r.Correction)).Order();
            Enumerable.Range(0, (int)index.CountOf(id)).Select(revision => index.Mark(id, revision)!.Value.Position)
                .Should().Equal(expected);
        }
        return seen.Count;
    }
}
