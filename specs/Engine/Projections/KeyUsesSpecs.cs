using BankingEngine.Application.Engine;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Projections;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Engine.Projections;

/// <summary>Which permissions a key has a part in, and what was done for an account.</summary>
public sealed class KeyUsesSpecs
{
    [Fact]
    public async Task A_key_is_found_where_authorities_name_it_and_no_longer_where_they_do_not()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await Send(book, Own("alice", "1: a*1", "2: a*1 b*1"));
        await Sign(book, Set("alice", "pay", "active", "3: b*3"), "alice@owner", "a");
        Named(await Level(book, models), 'a').Should().Equal("alice@owner 1/1", "alice@active 1/2");
        Named(models.Keys, 'b').Should().Equal("alice@active 1/2", "alice@pay 3/3");
        await Sign(book, Set("alice", "active", "", "1: c*1"), "alice@owner", "a");
        await Sign(book, new RemovePermission(Account("alice"), Tag.Of("pay")), "alice@owner", "a");
        Named(await Level(book, models), 'a').Should().Equal("alice@owner 1/1");
        Named(models.Keys, 'b').Should().BeEmpty();
        Named(models.Keys, 'z').Should().BeEmpty("nobody named it ever");
    }

    [Fact]
    public async Task Through_other_permissions_the_nearest_way_is_shown_and_a_circle_ends()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        await Send(book, Own("alice", "1: a*1"));
        await Send(book, Own("bob", "1: b*1", "1: alice@active*1"));
        await Send(book, Own("carol", "1: c*1", "2: alice@active*1 bob@active*1"));
        await Sign(book, Set("alice", "pay", "active", "1: carol@active*1"), "alice@owner", "a");
        var uses = await Level(book, models);
        Named(uses, 'a', through: false).Should().Equal("alice@owner 1/1", "alice@active 1/1");
        Named(uses, 'a', through: true).Should().Equal(
            "alice@owner 1/1", "alice@active 1/1", "bob@active 1/1 1 alice@active", "carol@active 1/2 1 alice@active",
            "alice@pay 1/1 2 carol@active");
        var (first, rest) = (uses.Of(Key('a'), true, 0, 3), uses.Of(Key('a'), true, 3, 3));
        (first.Next, rest.Next).Should().Be((3, null));
        first.Uses.Concat(rest.Uses).Should().Equal(uses.Of(Key('a'), true, 0, 100).Uses);
        await Sign(book, Set("bob", "active", "", "1: b*1"), "bob@owner", "b");
        Named(await Level(book, models), 'a', through: true).Should().Equal(
            "alice@owner 1/1", "alice@active 1/1", "carol@active 1/2 1 alice@active", "alice@pay 1/1 2 carol@active");
    }

    [Theory]
    [InlineData(Authority.MaxDepth, true)]
    [InlineData(Authority.MaxDepth + 1, false)]
    public async Task It_leads_as_deep_as_permissions_are_weighed(int depth, bool isFound)
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        for (var i = 0; i <= depth; i++)
        {
            await Open(book, $"step-{i}");
            await Send(book, Own($"step-{i}", i == 0 ? "1: a*1" : "1: z*1", "1: z*1"));
        }
        // From the top down, since an authority that leads too deep is refused when it is made.
        for (var i = depth; i > 0; i--)
            await Sign(book, Set($"step-{i}", "owner", "", $"1: step-{i - 1}@owner*1"), $"step-{i}@owner", "z");
        var uses = (await Level(book, models)).Of(Key('a'), through: true, 0, 100).Uses;
        uses.Any(use => use.Level == At($"step-{depth}@owner")).Should().Be(isFound);
        uses.Max(use => use.Depth).Should().Be(Authority.MaxDepth);
    }

    [Fact]
    public async Task A_wallet_without_permissions_leads_to_its_key_and_one_with_them_does_not()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var wallet = Wallets.NameOf(Key('a'));
        await Send(book, new CreatePermissions(
            Account("alice"), Rule("1: b*1"), Authority.Of(new Level(wallet, Active)), Channel: false));
        Named(await Level(book, models), 'a', through: true).Should().Equal($"alice@active 1/1 1 {wallet}@active");
        Named(models.Keys, 'a', through: false).Should().BeEmpty();
    }

    [Fact]
    public async Task Rows_built_anew_are_the_rows_that_grew_with_the_book()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var random = new Random(5);
        foreach (var name in Activity.Customers) await Send(book, Own(name, "1: o*1", "1: p*1", random.Next(2) == 0));
        for (var i = 0; i < 60; i++)
        {
            var (who, other) = (Activity.Customers[random.Next(3)], Activity.Customers[random.Next(3)]);
            var rule = random.Next(3) switch
            {
                0 => $"1: {(char)('a' + random.Next(4))}*1",
                1 => $"1: {(char)('a' + random.Next(2))}*1 {(char)('c' + random.Next(2))}*1",
                _ => $"1: {other}@owner*1",
            };
            var name = $"p{random.Next(4)}";
            await TrySign(book, random.Next(4) == 0
                ? new RemovePermission(Account(who), Tag.Of(name)) : Set(who, name, "active", rule), $"{who}@owner", "o");
            if (random.Next(5) == 0)
                await book.Send(new ReserveTransfer(Account("bank:cash"), Account(who), Eur("1"), null, Particulars.None));
        }
        var (keys, acts) = ((await Level(book, models)).Digest(), models.Acts.Digest());
        await models.RebuildAsync();
        (models.Keys.Digest(), models.Acts.Digest()).Should().Be((keys, acts));
        await Sign(book, Set("alice", "last", "active", "1: a*1"), "alice@owner", "o");
        (await Level(book, models)).Digest().Should().NotBe(keys);
        models.Acts.Digest().Should().NotBe(acts);
    }

    [Fact]
    public async Task A_transfer_adds_no_row_and_a_reservation_one_to_who_gives()
    {
        using var book = await Activity.FoundAsync();
        using var models = new ReadModels(book.Engine.Feed);
        var (cash, alice) = (Account("bank:cash"), Account("alice"));
        await Level(book, models);
        var (keys, acts) = (models.Keys.Digest(), models.Acts.Digest());
        for (var i = 0; i < 20; i++) await Send(book, new MakeTransfer(cash, alice, Eur("5"), Particulars.None));
        (await Level(book, models)).Digest().Should().Be(keys);
        models.Acts.Digest().Should().Be(acts);
        models.Acts.Of(alice, null, long.MaxValue, 10).Should().BeNull();
        var held = await book.Send(new ReserveTransfer(cash, alice, Eur("5"), null, Particulars.None));
        await Level(book, models);
        models.Acts.Of(cash, null, long.MaxValue, 10).Should().ContainSingle()
            .Which.Position.Should().Be(held.Ended.Position);
        models.Acts.Of(alice, null, long.MaxValue, 10).Should().BeNull();
    }

    private static async Task<KeyUses> Level(TestBook book, ReadModels models)
    {
        var position = book.Engine.DurablePosition;
        await models.ActsAfterAsync(position);
        return await models.KeysAfterAsync(position) ?? throw new TimeoutException("The read models did not catch up.");
    }

    private static List<string> Named(KeyUses uses, char key, bool through = false) =>
        [.. uses.Of(Key(key), through, 0, 100).Uses.Select(use =>
            $"{use.Level} {use.Weight}/{use.Threshold}" + (use.Depth == 0 ? "" : $" {use.Depth} {use.Through}"))];

    private static Task Open(TestBook book, string name) => Send(book, new OpenAccount(
        Account(name), AccountClass.Liability, Tag.Of("2100"), default, AccountFlags.None, [AssetCode.Parse("EUR")]));

    private static async Task Sign(TestBook book, Command command, string level, string keys)
    {
        var answer = await TrySign(book, command, level, keys);
        answer.Ended.Ending.Should().Be(Ending.Accepted, "{0}: {1}", command, answer.Ended.Rejection);
    }

    private static Task<Answer> TrySign(TestBook book, Command command, string level, string keys) =>
        book.Engine.SendAsync(
            new(book.NextId(), Envelope.Signer, 0,
                new([At(level)], [.. KeysOf(keys)], book.Engine.RoughNow.AddSeconds(600), """{"signed":"e30"}""")),
            command, command.GetType().Name);

    private static async Task Send(TestBook book, Command command)
    {
        var answer = await book.Send(command);
        answer.Ended.Ending.Should().Be(Ending.Accepted, "{0}: {1}", command, answer.Ended.Rejection);
    }
}
