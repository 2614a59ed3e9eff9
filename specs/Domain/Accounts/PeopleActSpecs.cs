using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Accounts.PartyWords;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>
/// People and permissions together, command by command. Anna, Ben, Carl and Dora sign with keys a, b, c and d for
/// accounts of their own; the account <c>alice</c> lets each of them act.
/// </summary>
public sealed class PeopleActSpecs
{
    [Fact]
    public void A_holder_pays_until_she_is_suspended_and_receives_until_she_is_blocked()
    {
        var spec = Shared(Hold("alice", Anna));
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenAccepted();
        spec.And(Rate(Anna, Standing.Suspended)).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenRefused(Parties.Suspended);
        spec.When(Fund("alice", "1")).ThenAccepted();
        spec.And(Rate(Anna, Standing.Blocked)).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenRefused(AuthorityRejections.NotSatisfied);
    }

    [Fact]
    public void The_banks_channel_pays_for_no_holder_who_may_not()
    {
        var spec = GivenPeople(Fund("bob", "5"), Hold("bob", Ben));
        spec.When(Pay("bob", "alice", "1")).ThenAccepted();
        spec.And(Rate(Ben, Standing.Suspended)).When(Pay("bob", "alice", "1")).ThenRefused(Parties.Suspended);
    }

    [Fact]
    public void A_mandate_covers_its_commands_up_to_its_limit_and_not_leg_by_leg()
    {
        var spec = Shared(Hold("alice", Anna),
            Grant("alice", Carl, RoleKind.Attorney, Anna).Covering("entry.post", "transfer.make").UpTo("10"));
        spec.WhenSigned(Pay("alice", "bob", "10"), "alice@active", "c").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "10.01"), "alice@active", "c").ThenRefused(Parties.OverLimit);
        spec.WhenSigned(Reserve(null, "alice", "bob", "1"), "alice@active", "c").ThenRefused(Parties.OutOfScope);
        spec.WhenSigned(Entry(Debit("alice", "6"), Debit("alice", "5"), Credit("bob", "11")), "alice@active", "c").ThenRefused(Parties.OverLimit);
        spec.WhenSigned(Entry(Debit("alice", "6"), Debit("alice", "4"), Credit("bob", "10")), "alice@active", "c").ThenAccepted();
    }

    [Fact]
    public void A_mandate_ends_with_the_death_of_who_gave_it()
    {
        var spec = Shared(Hold("alice", Anna, Ben).Surviving(), Grant("alice", Carl, RoleKind.Attorney, Anna));
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "c").ThenAccepted();
        spec.And(Dies(Anna)).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "c").ThenRefused(AuthorityRejections.NotSatisfied);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenRefused(AuthorityRejections.NotSatisfied);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "b").ThenAccepted();
    }

    [Fact]
    public void After_the_death_of_the_only_holder_only_an_executor_pays()
    {
        var spec = Shared(Hold("alice", Anna), Dies(Anna));
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "d").ThenRefused(Parties.Estate);
        spec.And(Grant("alice", Dora, RoleKind.Executor, Anna)).WhenSigned(Pay("alice", "bob", "1"), "alice@active", "d").ThenAccepted();
        spec.When(Fund("alice", "1")).ThenAccepted();
    }

    [Fact]
    public void The_dead_do_not_act_for_their_own_account_either()
    {
        var spec = Shared(Fund("anna.id", "5"));
        spec.WhenSigned(Pay("anna.id", "bob", "1"), "anna.id@active", "a").ThenAccepted();
        spec.And(Dies(Anna)).WhenSigned(Pay("anna.id", "bob", "1"), "anna.id@active", "a").ThenRefused(Parties.Deceased);
    }

    private static LedgerSpec Shared(params Command[] more) => GivenPeople(
    [
        Own("anna.id", "1: a*1"), Own("ben.id", "1: b*1"), Own("carl.id", "1: c*1"), Own("dora.id", "1: d*1"),
        Fund("alice", "100"),
        Own("alice", "1: anna.id@active*1 ben.id@active*1 carl.id@active*1 dora.id@active*1"), .. more,
    ]);
}
