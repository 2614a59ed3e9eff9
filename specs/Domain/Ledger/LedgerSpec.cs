using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Accounts;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>
/// Given, when, then. Every spec begins with <c>cash</c> (an asset, unlimited, EUR, USD and JPY) and the limited
/// deposits <c>alice</c> and <c>bob</c> in EUR, and ends with the proof that all assets sum to zero and that replay
/// gives the same state.
/// </summary>
public sealed class LedgerSpec
{
    private Ended _ended;
    private Dictionary<string, UInt128> _before = [];

    private LedgerSpec(SpecBook book) => Book = book;

    public SpecBook Book { get; }

    public static LedgerSpec Given(params Command[] commands) => From(new SpecBook(), commands);

    public static LedgerSpec From(SpecBook book, params Command[] commands) => new LedgerSpec(book).And(
        Words.Open("cash", AccountClass.Asset, Words.Unlimited, "EUR", "USD", "JPY"), Words.Open("alice"), Words.Open("bob")).And(commands);

    /// <summary>More that happened; all of it is accepted, and what it leaves due happens at once.</summary>
    public LedgerSpec And(params Command[] commands)
    {
        foreach (var command in commands)
        {
            var ended = Book.Send(command);
            ended.Fault.Should().BeNull();
            ended.Rejection.Should().BeNull($"{command} is given");
            if (command is CloseYear) Book.MoveTo(Book.Now);
        }
        return this;
    }

    /// <summary>Time passes, and what falls due happens.</summary>
    public LedgerSpec After(long seconds)
    {
        Book.MoveTo(Book.Now.AddSeconds(seconds));
        return this;
    }

    /// <summary>The business date comes, at noon in UTC.</summary>
    public LedgerSpec OnDay(string date)
    {
        Book.MoveTo(Instant.Parse(date + "T12:00:00Z"));
        return this;
    }

    public LedgerSpec When(Command command, CommandId? id = null, UInt128? print = null, int caller = SpecBook.FirstKey)
    {
        _before = Book.DigestsButMemory();
        _ended = Book.Send(command, id, caller, print);
        return this;
    }

    /// <summary>Signed by keys, each a letter, to run under levels; no API key carries it.</summary>
    public LedgerSpec WhenSigned(Command command, string levels, string keys, int seconds = 600)
    {
        _before = Book.DigestsButMemory();
        _ended = Book.Send(command, caller: Envelope.Signer, proof: Book.Signed(levels, keys, seconds));
        return this;
    }

    /// <summary>Signed so, and sent with an API key.</summary>
    public LedgerSpec WhenCarried(Command command, string levels, string keys, int caller = SpecBook.FirstKey)
    {
        _before = Book.DigestsButMemory();
        _ended = Book.Send(command, caller: caller, proof: Book.Signed(levels, keys));
        return this;
    }

    /// <summary>These events, in order; a transfer's id counts where the expectation names one.</summary>
    public LedgerSpec Then(params Event[] expected)
    {
        ShouldBeAccepted();
        Book.Execution.Events.Zip(expected.Append(null), (r, e) => Unnamed(r.Event, e)).Should().Equal(expected);
        return Sound();
    }

    public LedgerSpec ThenAccepted()
    {
        ShouldBeAccepted();
        return Sound();
    }

    /// <summary>It was so already: no event, and not even the id is used.</summary>
    public LedgerSpec ThenNothing()
    {
        ShouldBeAccepted();
        _ended.Parts.Should().Be(0);
        Book.DigestsButMemory().Should().Equal(_before);
        return Sound();
    }

    /// <summary>Refused by this code, and nothing else changed.</summary>
    public LedgerSpec ThenRefused(Rejection expected, int link = 0)
    {
        _ended.Fault.Should().BeNull();
        _ended.Rejection?.Code.Should().Be(expected.Code);
        _ended.Ending.Should().Be(Ending.Refused, $"{expected.Code} is expected");
        _ended.Rejection!.Link.Should().Be(link);
        Book.DigestsButMemory().Should().Equal(_before, "a refusal changes nothing but the memory of ids");
        return Sound();
    }

    /// <summary>The id itself is not acceptable; nothing is left, not even a record.</summary>
    public LedgerSpec ThenNotTaken(Rejection expected)
    {
        (_ended.Ending, _ended.Rejection?.Code).Should().Be((Ending.NotTaken, expected.Code));
        return Sound();
    }

    public LedgerSpec ThenRepeated(long position, int parts = 1)
    {
        (_ended.Ending, _ended.Position, _ended.Parts).Should().Be((Ending.Repeated, position, parts));
        return Sound();
    }

    public LedgerSpec ThenFaulted()
    {
        _ended.Ending.Should().Be(Ending.Faulted);
        return Sound();
    }

    /// <summary>The posted balance: positive when the bank owes.</summary>
    public LedgerSpec ThenBalance(string account, string expected) => Compare(account, expected, b => b.Net, "posted");

    public LedgerSpec ThenPendingDebits(string account, string expected) => Compare(account, expected, b => b.DebitsPending, "pending debits");

    public LedgerSpec ThenPendingCredits(string account, string expected) => Compare(account, expected, b => b.CreditsPending, "pending credits");

    public LedgerSpec ThenAvailable(string account, string expected)
    {
        var money = Words.Money(expected);
        new Amount(Book.AvailableOf(account, money.Asset.Code.ToString()), money.Asset).Should().Be(money, $"{account} has it available");
        return this;
    }

    /// <summary>The legs beside the event, in order.</summary>
    public LedgerSpec ThenLegs(params Leg[] expected)
    {
        Book.Execution.Events[^1].Legs.Should().Equal(expected);
        return this;
    }

    public LedgerSpec ThenThat(Action<SpecBook> holds)
    {
        holds(Book);
        return this;
    }

    private LedgerSpec Compare(string account, string expected, Func<BalanceRow, Int128> part, string what)
    {
        var money = Words.Money(expected);
        new Amount(part(Book.BalanceOf(account, money.Asset.Code.ToString())), money.Asset).Should().Be(money, $"{what} of {account}");
        return this;
    }

    private void ShouldBeAccepted()
    {
        _ended.Fault.Should().BeNull();
        _ended.Rejection?.Code.Should().BeNull("it is expected to be accepted");
        _ended.Ending.Should().Be(Ending.Accepted);
    }

    private LedgerSpec Sound()
    {
        Book.ShouldBalance();
        Book.ShouldReplay();
        return this;
    }

    private static Event Unnamed(Event happened, Event? expected) => (happened, expected) switch
    {
        (TransferEvent.Made e, TransferEvent.Made { Id.Value: var id }) when id == 0 => e with { Id = default },
        (TransferEvent.Reserved e, TransferEvent.Reserved { Id.Value: var id }) when id == 0 => e with { Id = default },
        (TransferEvent.Imported e, TransferEvent.Imported { Id.Value: var id }) when id == 0 => e with { Id = default },
        (EntryEvent.Posted e, EntryEvent.Posted { Id.Value: var id }) when id == 0 => e with { Id = default },
        (EntryEvent.Adjusted e, EntryEvent.Adjusted { Id.Value: var id }) when id == 0 => e with { Id = default },
        (EntryEvent.Exchanged e, EntryEvent.Exchanged { Id.Value: var id }) when id == 0 => e with { Id = default },
        _ => happened,
    };
}
