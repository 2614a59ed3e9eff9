using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

public sealed class ChainSpecs
{
    [Fact]
    public void A_link_sees_what_those_before_it_did() =>
        Given().When(Linked(Fund("alice", "10"), Pay("alice", "bob", "10"), Pay("bob", "cash", "10")))
            .Then(Made("cash", "alice", "10.00"), Made("alice", "bob", "10.00"), Made("bob", "cash", "10.00"));

    [Fact]
    public void One_link_that_breaks_undoes_all_and_is_named() =>
        Given().When(Linked(Fund("alice", "10"), Pay("alice", "bob", "10.01"), Pay("bob", "cash", "10")))
            .ThenRefused(LedgerRejections.InsufficientFunds, link: 2);

    [Fact]
    public void The_refusal_on_record_names_the_link() =>
        Given().When(Linked(Fund("alice", "1"), Pay("alice", "alice", "1"))).ThenRefused(LedgerRejections.SameAccount, link: 2)
            .ThenThat(book => book.Execution.Events[0].Event.Should().BeOfType<CommandEvent.Refused>().Which.Link.Should().Be(2));

    [Fact]
    public void Names_of_links_in_a_broken_chain_are_not_used_up() =>
        Given().When(Linked(Pay("cash", "alice", "1", id: Name(1)), Pay("alice", "bob", "2"))).ThenRefused(LedgerRejections.InsufficientFunds, link: 2)
            .When(Pay("cash", "alice", "1", id: Name(1))).ThenAccepted();

    [Fact]
    public void Links_without_a_name_are_named_one_by_one()
    {
        var spec = Given().When(Linked(Reserve(null, "cash", "alice", "1"), Reserve(null, "cash", "alice", "1"), Fund("alice", "1"))).ThenAccepted();
        spec.Book.Execution.Events.Select(e => e.Event switch
        {
            TransferEvent.Reserved r => r.Id,
            TransferEvent.Made m => m.Id,
            _ => default,
        }).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Two_links_cannot_have_one_name()
    {
        Given().When(Linked(Pay("cash", "alice", "1", id: Name(1)), Pay("cash", "alice", "1", id: Name(1))))
            .ThenRefused(TransferRejections.AlreadyExists, link: 2);
        Given().When(Linked(Pay("cash", "alice", "1", id: Name(7)), Pay("cash", "alice", "1", id: Name(7))), id: new(Name(7).Value))
            .ThenRefused(TransferRejections.AlreadyExists, link: 2);
    }

    [Fact]
    public void A_reservation_is_made_and_posted_in_one_chain() =>
        Given(Fund("alice", "10")).When(Linked(Reserve(Name(1), "alice", "bob", "10"), PostWhole(Name(1)))).ThenAccepted().ThenBalance("bob", "10.00");

    [Fact]
    public void An_account_opened_by_a_link_takes_part_in_the_next() =>
        Given().When(Linked(Open("new"), Fund("new", "10"))).ThenAccepted().ThenBalance("new", "10.00");

    [Fact]
    public void A_thousand_links_are_one_chain_and_one_more_is_none()
    {
        Command[] links = [.. Enumerable.Range(0, 1_000).Select(i => Pay("cash", "alice", "0.01", id: Name(i)))];
        Given().When(Linked(links)).ThenAccepted().ThenBalance("alice", "10.00");
        Given().When(Linked([.. links, Fund("alice", "0.01")])).ThenRefused(Execution.ChainTooLong);
    }

    [Fact]
    public void A_thousand_named_links_fit_the_smallest_memory()
    {
        var book = new SpecBook(idMemory: BankingEngine.Domain.Ledger.Genesis.MinIdMemory);
        Command[] links = [.. Enumerable.Range(0, 1_000).Select(i => Pay("cash", "alice", "0.01", id: Name(i)))];
        var id = book.NextId();
        From(book).When(Linked(links), id, print: 5).ThenAccepted().When(Linked(links), id, print: 5)
            .ThenRepeated(book.Execution.Position - 999, parts: 1_000);
    }

    [Fact]
    public void A_chain_has_links_and_no_chains_in_it()
    {
        Given().When(Linked()).ThenRefused(Execution.ChainEmpty);
        Given().When(Linked(Linked(Fund("alice", "1")))).ThenRefused(Execution.ChainNested);
    }

    [Fact]
    public void A_chain_needs_the_scopes_of_all_its_links() =>
        Given(new IssueKey(Tag.Of("teller"), 3, 4, Scopes.Transfers, null))
            .When(Linked(Fund("alice", "1"), Restrain(1, "alice", RestraintScope.Debits)), caller: 1).ThenRefused(Keys.ScopeMissing);

    [Fact]
    public void Links_that_find_all_already_so_leave_the_others() =>
        Given(new AddAsset(Account("alice"), AssetCode.Parse("USD")))
            .When(Linked(new AddAsset(Account("alice"), AssetCode.Parse("USD")), Fund("alice", "1"))).Then(Made("cash", "alice", "1.00"));

    [Fact]
    public void A_repeated_chain_gets_its_first_answer_and_all_its_parts()
    {
        var spec = Given();
        var id = spec.Book.NextId();
        var first = spec.Book.Execution.Position + 1;
        spec.When(Linked(Fund("alice", "1"), Fund("bob", "1")), id, print: 5).ThenAccepted();
        spec.When(Linked(Fund("alice", "1"), Fund("bob", "1")), id, print: 5).ThenRepeated(first, parts: 2).ThenBalance("alice", "1.00");
    }
}
