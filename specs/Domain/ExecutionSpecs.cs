using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain;

public sealed class ExecutionSpecs
{
    private static readonly IssueKey Second = new(Tag.Of("second"), 3, 4, Scopes.All, null);

    [Fact]
    public void A_repeat_gets_the_first_answer_and_moves_nothing()
    {
        var spec = Given();
        var id = spec.Book.NextId();
        var first = spec.Book.Execution.Position + 1;
        spec.When(Fund("alice", "5"), id, print: 1).ThenAccepted();
        spec.When(Fund("alice", "5"), id, print: 1).ThenRepeated(first).ThenBalance("alice", "5.00");
    }

    [Fact]
    public void A_refusal_repeats_although_the_state_has_moved_on()
    {
        var spec = Given();
        var id = spec.Book.NextId();
        spec.When(Pay("alice", "bob", "5"), id, print: 1).ThenRefused(LedgerRejections.InsufficientFunds);
        var refused = spec.Book.Execution.Position;
        spec.And(Fund("alice", "5")).When(Pay("alice", "bob", "5"), id, print: 1).ThenRepeated(refused).ThenBalance("alice", "5.00");
    }

    [Fact]
    public void The_same_id_with_other_content_is_not_taken()
    {
        var spec = Given();
        var id = spec.Book.NextId();
        spec.When(Fund("alice", "5"), id, print: 1).ThenAccepted().When(Fund("alice", "6"), id, print: 2).ThenNotTaken(CommandMemory.Reused);
    }

    [Fact]
    public void The_same_id_of_another_caller_is_not_taken()
    {
        var spec = Given(Second);
        var id = spec.Book.NextId();
        spec.When(Fund("alice", "5"), id, print: 1).ThenAccepted().When(Fund("alice", "5"), id, print: 1, caller: 1).ThenNotTaken(CommandMemory.Taken);
    }

    [Fact]
    public void The_oldest_ids_are_forgotten_and_then_refused_as_too_old()
    {
        var spec = From(new SpecBook(idMemory: 2_000));
        var id = spec.Book.NextId();
        spec.When(Fund("alice", "1"), id, print: 1).ThenAccepted();
        for (var i = 0; i < 1_999; i++)
        {
            spec.Book.MoveTo(spec.Book.Now.AddMicroseconds(1_000));
            spec.Book.Send(Fund("bob", "1")).Ending.Should().Be(Ending.Accepted);
        }
        spec.Book.Bank.Memory.Count.Should().Be(2_000);
        spec.When(Fund("alice", "1"), id, print: 1).ThenRepeated(spec.Book.Execution.Position - 1_999);
        spec.And(Fund("bob", "1")).When(Fund("alice", "1"), id, print: 1).ThenNotTaken(CommandMemory.TooOld).ThenBalance("alice", "1.00");
        spec.When(Pay("cash", "alice", "1", id: new TransferId(id.Value))).ThenRefused(CommandMemory.TooOld);
    }

    [Fact]
    public void An_id_may_run_ahead_of_the_book_by_five_minutes()
    {
        Given().When(Fund("alice", "1"), id: new(TimeOrdered(Later(300), 1))).ThenAccepted();
        Given().When(Fund("alice", "1"), id: new(TimeOrdered(Later(300).AddMicroseconds(1_000), 1))).ThenNotTaken(CommandMemory.FromFuture);
    }

    [Fact]
    public void A_command_that_found_all_already_so_does_not_use_up_its_id()
    {
        var spec = Given(new AddAsset(Account("alice"), AssetCode.Parse("USD")));
        var id = spec.Book.NextId();
        spec.When(new AddAsset(Account("alice"), AssetCode.Parse("USD")), id, print: 1).ThenNothing();
        spec.When(Fund("alice", "1"), id, print: 2).ThenAccepted();
    }

    [Fact]
    public void A_key_without_the_scope_is_refused_on_record() =>
        Given(new IssueKey(Tag.Of("reader"), 3, 4, Scopes.Read, null)).When(Fund("alice", "1"), caller: 1).ThenRefused(Keys.ScopeMissing);

    [Fact]
    public void An_exception_undoes_the_command_is_recorded_and_the_bank_goes_on()
    {
        var spec = From(Faulty(), Fund("alice", "10"));
        var before = spec.Book.DigestsButMemory();
        spec.When(Entry(Debit("alice", "6.66"), Credit("bob", "6.66")), print: 9).ThenFaulted();
        var after = spec.Book.DigestsButMemory();
        after.Remove("kernel.faulty_content");
        before.Remove("kernel.faulty_content");
        after.Should().Equal(before);
        spec.Book.Execution.Events[0].Event.Should().BeOfType<CommandEvent.Faulted>();
        spec.When(Pay("alice", "bob", "10")).ThenAccepted();
    }

    [Fact]
    public void Content_that_made_the_engine_fail_is_refused_from_then_on()
    {
        var spec = From(Faulty(), Fund("alice", "10"));
        var id = spec.Book.NextId();
        spec.When(Entry(Debit("alice", "6.66"), Credit("bob", "6.66")), id, print: 9).ThenFaulted();
        spec.When(Entry(Debit("alice", "6.66"), Credit("bob", "6.66")), id, print: 9).ThenRepeated(spec.Book.Execution.Position);
        spec.When(Entry(Debit("alice", "6.66"), Credit("bob", "6.66")), print: 9).ThenNotTaken(Execution.FaultyContent);
    }

    [Fact]
    public void A_fault_in_a_later_link_undoes_the_earlier_ones() =>
        From(Faulty()).When(Linked(Fund("alice", "10"), Entry(Debit("cash", "6.66"), Credit("bob", "6.66")))).ThenFaulted()
            .ThenBalance("alice", "0.00").ThenBalance("bob", "0.00");

    [Fact]
    public void The_engines_own_faulty_command_condemns_no_other_content()
    {
        var book = Faulty();
        From(book);
        var ended = book.Execution.Run(
            new(default, Envelope.Engine, 0), book.Now, Entry(Debit("cash", "6.66"), Credit("bob", "6.66")), "spec");
        ended.Ending.Should().Be(Ending.Faulted);
        book.Bank.Memory.IsFaulty(0).Should().BeFalse();
    }

    [Fact]
    public void A_command_only_the_engine_gives_is_a_fault_when_a_caller_sends_it() => Given().When(new CarryYear(2025)).ThenFaulted();

    [Fact]
    public void An_event_out_of_order_is_not_applied()
    {
        var book = Given().Book;
        book.Invoking(b => b.Execution.Apply(new(book.Execution.Position + 2, book.Now, default, 1, 1), new BookEvent.ClockAccepted(1), []))
            .Should().Throw<StateCorruptException>();
    }

    /// <summary>Its postings fail on one amount.</summary>
    private static SpecBook Faulty() => new((bank, command, @event, legs) =>
        command is PostEntry { Legs: var stated } && stated[0].Amount.Digits == 6_66
            ? throw new InvalidOperationException("Planted.")
            : bank.Post(command, @event, legs));
}
