using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>What holds of any authorities at all. A failure names its seed.</summary>
public sealed class SatisfactionProperties
{
    private const int Accounts = 8, Rounds = 300;
    private const string Letters = "abcdefghij";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Weighing_agrees_with_adding_up_and_one_more_signature_never_makes_less_allowed(int seed)
    {
        var random = new Random(seed);
        var book = Woven(random);
        var satisfied = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var level = At($"n{random.Next(Accounts)}@active");
            var signers = KeysOf(string.Concat(Letters.Where(_ => random.Next(3) == 0)));
            var delay = random.Next(3) * 60L;
            var holds = IsSatisfied(book, level, signers, delay);
            holds.Should().Be(AddsUp(book, level, [.. signers], delay), $"seed {seed}, round {round}");
            if (!holds) continue;
            satisfied++;
            foreach (var letter in Letters)
                IsSatisfied(book, level, [.. signers.Append(Key(letter)).Distinct()], delay).Should().BeTrue($"seed {seed}, round {round}");
            SigningKey[] backwards = [.. signers.Reverse()];
            IsSatisfied(book, level, backwards, delay).Should().BeTrue("the order of signatures does not matter");
            SigningKey[] needed = [.. Needed(book, level, signers, delay)];
            IsSatisfied(book, level, needed, delay).Should().BeTrue($"what was needed suffices: seed {seed}, round {round}");
        }
        satisfied.Should().BeInRange(Rounds / 10, Rounds * 9 / 10, "cases that all go one way prove nothing");
    }

    /// <summary>No command makes a cycle, so one is made by replaying events that no book ever decided.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void A_cycle_never_satisfies(int length)
    {
        var book = new SpecBook();
        for (var i = 0; i < length; i++)
        {
            var rule = Rule($"1: c{(i + 1) % length}@active*1");
            book.Bank.Evolve(1, 0, new PermissionEvent.Created(Words.Account($"c{i}"), rule, rule, false));
        }
        for (var i = 0; i < length; i++)
            IsSatisfied(book, At($"c{i}@active"), KeysOf(Letters), Authority.MaxWaitSeconds).Should().BeFalse();
    }

    private static SpecBook Woven(Random random)
    {
        var book = new SpecBook();
        for (var i = 0; i < Accounts; i++)
        {
            book.Send(Words.Open($"n{i}")).Rejection.Should().BeNull();
            book.Send(new CreatePermissions(Words.Account($"n{i}"), Any(random, i), Any(random, i), false)).Rejection.Should().BeNull();
        }
        return book;
    }

    /// <summary>Of a few keys, of accounts made before, and of waits that do not suffice alone.</summary>
    private static Authority Any(Random random, int below)
    {
        while (true)
        {
            var authority = new Authority(
                (uint)random.Next(2, 6),
                [.. Letters.Where(_ => random.Next(4) == 0).Select(c => new KeyFactor(Key(c), (ushort)random.Next(1, 4)))],
                [.. Enumerable.Range(0, below).Where(i => below - i <= 3 && random.Next(2) == 0)
                    .Select(i => new AccountFactor(At($"n{i}@active"), (ushort)random.Next(1, 4)))],
                random.Next(3) == 0 ? [new(60, 1)] : []);
            if (authority.Check() is null) return authority;
        }
    }

    private static bool AddsUp(SpecBook book, Level level, HashSet<SigningKey> signers, long delay)
    {
        if (!book.Bank.Permissions.TryFind(level, out var authority)) return false;
        long total = authority.Keys.Where(f => signers.Contains(f.Key)).Sum(f => f.Weight)
            + authority.Waits.Where(f => f.Seconds <= delay).Sum(f => f.Weight)
            + authority.Accounts.Where(f => AddsUp(book, f.Level, signers, delay)).Sum(f => f.Weight);
        return total >= authority.Threshold;
    }

    private static bool IsSatisfied(SpecBook book, Level level, SigningKey[] signers, long delay)
    {
        book.Bank.Satisfaction.Begin(new(signers, [], delay), book.Now);
        return book.Bank.Satisfaction.IsSatisfied(level);
    }

    private static IEnumerable<SigningKey> Needed(SpecBook book, Level level, SigningKey[] signers, long delay)
    {
        IsSatisfied(book, level, signers, delay);
        return book.Bank.Satisfaction.UsedKeys;
    }
}
