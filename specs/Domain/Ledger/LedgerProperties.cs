using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>What holds after any commands at all. A failure names its seed.</summary>
public sealed class LedgerProperties
{
    private static readonly string[] Accounts = ["cash", "alice", "bob", "carol", "loan", "fees", "any", "custody", "depot"];
    private static readonly string[] Assets = ["EUR", "EUR", "EUR", "USD"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void After_any_commands_assets_sum_to_zero_replay_agrees_and_a_refusal_changed_nothing(int seed)
    {
        var random = new Random(seed);
        var book = World();
        var accepted = 0;
        for (var step = 0; step < 400; step++)
        {
            if (random.Next(8) == 0) book.MoveTo(book.Now.AddSeconds(random.Next(20_000)));
            var before = book.DigestsButMemory();
            var command = random.Next(6) == 0
                ? Linked([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Any(random, book))])
                : Any(random, book);
            var ended = book.Send(command);
            ended.Ending.Should().BeOneOf([Ending.Accepted, Ending.Refused], $"seed {seed}, step {step}: {command}: {ended.Fault}");
            if (ended.Ending == Ending.Accepted) accepted++;
            else
                book.DigestsButMemory().Should().Equal(before, $"seed {seed}, step {step}: {command} was refused");
            foreach (var recorded in book.Execution.Events)
                recorded.Legs.Sum(leg => (decimal)leg.Amount.Minor * (leg.Side == Side.Debit ? 1 : -1)).Should().Be(0, $"seed {seed}, step {step}");
        }
        accepted.Should().BeGreaterThan(100, "commands that are all refused prove nothing");
        book.ShouldBalance();
        book.ShouldReplay();
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void After_any_asked_command_no_limited_account_has_less_than_nothing_available(int seed)
    {
        var random = new Random(seed);
        var book = World();
        string[] limited = ["alice", "bob", "carol"];
        var accepted = 0;
        for (var step = 0; step < 1_500; step++)
        {
            if (random.Next(10) == 0) book.MoveTo(book.Now.AddSeconds(random.Next(20_000)));
            if (book.Send(Asked(random, book)).Ending == Ending.Accepted) accepted++;
            foreach (var account in limited)
                foreach (var asset in new[] { "EUR", "USD" })
                    book.AvailableOf(account, asset).Should().BeGreaterThanOrEqualTo(0, $"seed {seed}, step {step}, {account} in {asset}");
            var loan = book.BalanceOf("loan");
            (loan.DebitsPosted - loan.CreditsPosted - loan.CreditsPending).Should().BeGreaterThanOrEqualTo(0, $"seed {seed}, step {step}");
        }
        accepted.Should().BeGreaterThan(300, "commands that are all refused prove nothing");
        book.ShouldReplay();
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public void The_order_of_independent_streams_does_not_matter(int seed)
    {
        var random = new Random(seed);
        Command[][] streams = [.. Enumerable.Range(0, 3).Select(s => Stream(random, s))];
        var first = Balances(Interleaved(streams, new Random(seed + 1)));
        Balances(Interleaved(streams, new Random(seed + 2))).Should().Equal(first, $"seed {seed}");
        Balances([.. streams.SelectMany(s => s)]).Should().Equal(first, $"seed {seed}");
    }

    private static SpecBook World()
    {
        var book = new SpecBook();
        Command[] given =
        [
            Open("cash", AccountClass.Asset, Unlimited, "EUR", "USD"), Open("alice", assets: ["EUR", "USD"]), Open("bob", assets: ["EUR", "USD"]),
            Open("carol"), Open("loan", AccountClass.Asset, Mirrored), Open("fees", AccountClass.Income, Unlimited, "EUR", "USD"),
            Open("any", AccountClass.Liability, AccountFlags.AnyAsset), Open("custody", AccountClass.Memorandum, Limited, "EUR", "USD"),
            Open("depot", AccountClass.Memorandum, Unlimited, "EUR", "USD"), Fund("alice", "500"), Fund("bob", "300 USD"),
        ];
        foreach (var command in given) book.Send(command).Ending.Should().Be(Ending.Accepted);
        return book;
    }

    private static Command Any(Random random, SpecBook book) => random.Next(12) switch
    {
        0 => Import(Pick(random, Accounts), Pick(random, Accounts), Amount(random), Dates(random, book)),
        1 => Adjust(Legs(random)) with { Particulars = Dates(random, book) },
        2 => Restrain(random.Next(20), Pick(random, Accounts), (RestraintScope)random.Next(1, 4), until: book.Now.AddSeconds(random.Next(1, 50_000))),
        3 => Restrain(random.Next(20), Pick(random, Accounts), RestraintScope.Amount, Amount(random, "EUR"),
            random.Next(2) == 0 ? Amount(random, "EUR") : null, random.Next(3), until: book.Now.AddSeconds(random.Next(1, 50_000))),
        4 => SeizeFor(random.Next(20), Pick(random, Accounts), Amount(random, "EUR")),
        5 => random.Next(2) == 0
            ? new LiftRestraint(Order(random.Next(20)), "paid")
            : new GrantOverdraft(Account(Pick(random, Accounts)), Stated(Amount(random))),
        6 => random.Next(3) switch
        {
            0 => new CloseAccount(Account(Pick(random, Accounts)), "any"),
            1 => new ReopenAccount(Account(Pick(random, Accounts)), "any"),
            _ => new SetLimits(Account(Pick(random, Accounts)), (AccountFlags)random.Next(3)),
        },
        7 => Reversal(random, book),
        8 => random.Next(2) == 0 ? new ClosePeriodSoftly(book.Today.AddDays(-random.Next(1, 5))) : new CloseYear(2025),
        _ => Asked(random, book),
    };

    private static Command Asked(Random random, SpecBook book) => random.Next(8) switch
    {
        0 or 1 => Pay(Pick(random, Accounts), Pick(random, Accounts), Amount(random), Dates(random, book), null, (Balancing)random.Next(4)),
        2 => Entry(Legs(random)) with { Particulars = Dates(random, book) },
        3 => Reserve(Name(random.Next(1_000)), Pick(random, Accounts), Pick(random, Accounts), Amount(random), random.Next(1, 50_000)),
        4 => OpenReservation(random, book) is { } id ? PostPart(id, Amount(random)) with { Particulars = Dates(random, book) } : Fund("alice", "1"),
        5 => OpenReservation(random, book) is { } id ? PostLast(id, Amount(random)) : Fund("bob", "1"),
        6 => OpenReservation(random, book) is { } id ? new CancelTransfer(id) : Pay("cash", "carol", "1"),
        _ => Exchange(Pick(random, Accounts), Amount(random, "EUR"), Amount(random, "USD")),
    };

    private static ReverseEntry Reversal(Random random, SpecBook book)
    {
        var position = random.Next(1, (int)book.Execution.Position + 1);
        var (_, recorded) = BankingEngine.Application.Journal.EventLine.Read(book.Lines[position - 1]);
        Leg[] legs = recorded.Event switch
        {
            TransferEvent.Made e => [new(e.Debit, Side.Debit, e.Amount), new(e.Credit, Side.Credit, e.Amount)],
            TransferEvent.Posted e => [new(e.Debit, Side.Debit, e.Amount), new(e.Credit, Side.Credit, e.Amount)],
            _ => [.. recorded.Legs],
        };
        return Reverse(position, legs);
    }

    private static TransferId? OpenReservation(Random random, SpecBook book)
    {
        var table = book.Bank.Ledger.Tables.Reservations;
        if (table.Count == 0) return null;
        var skip = random.Next(table.Count);
        foreach (var row in table)
        {
            if (skip-- == 0) return table[row].Id;
        }
        return null;
    }

    private static StatedLeg[] Legs(Random random)
    {
        var legs = new List<StatedLeg>();
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var amount = Amount(random);
            legs.Add(Debit(Pick(random, Accounts), amount));
            legs.Add(Credit(Pick(random, Accounts), amount));
        }
        return [.. legs];
    }

    private static Particulars Dates(Random random, SpecBook book) => random.Next(4) switch
    {
        0 => new(ValueOn: book.Today.AddDays(random.Next(-3, 4))),
        1 => new(BookedOn: random.Next(2) == 0 ? book.Today.AddDays(-random.Next(3)) : On("2025-10-10")),
        _ => Particulars.None,
    };

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];

    private static string Amount(Random random, string? asset = null) => $"{random.Next(1, 200)}.{random.Next(100):00} {asset ?? Pick(random, Assets)}";

    private static Command[] Stream(Random random, int stream)
    {
        string[] own = [$"a{stream}", $"b{stream}", $"c{stream}"];
        return
        [
            .. own.Select(name => Open(name, AccountClass.Liability, name[0] == 'c' ? Unlimited : Limited)),
            .. Enumerable.Range(0, 60).Select(i => i % 5 == 0
                ? Reserve(Name(stream * 100 + i), Pick(random, own), Pick(random, own), Amount(random, "EUR"))
                : i % 5 == 3 ? PostLast(Name(stream * 100 + i - 3), "1.00") : (Command)Pay(Pick(random, own), Pick(random, own), Amount(random, "EUR"))),
        ];
    }

    private static List<Command> Interleaved(Command[][] streams, Random random)
    {
        var next = new int[streams.Length];
        var all = new List<Command>();
        while (all.Count < streams.Sum(s => s.Length))
        {
            var s = random.Next(streams.Length);
            if (next[s] < streams[s].Length) all.Add(streams[s][next[s]++]);
        }
        return all;
    }

    private static Dictionary<string, (Int128, Int128, Int128, Int128)> Balances(List<Command> commands)
    {
        var book = new SpecBook();
        foreach (var command in commands) book.Send(command).Fault.Should().BeNull();
        var t = book.Bank.Ledger.Tables;
        var all = new Dictionary<string, (Int128, Int128, Int128, Int128)>();
        foreach (var row in t.Balances)
        {
            var b = t.Balances[row];
            all.Add(t.Accounts[b.Account].Id.ToString(), (b.DebitsPosted, b.CreditsPosted, b.DebitsPending, b.CreditsPending));
        }
        return all;
    }
}
