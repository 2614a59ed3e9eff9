using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Accounts.LimitWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>alice's owner is key o, her active a; her partners for recovery are p and q together.</summary>
public sealed class RecoverySpecs
{
    private const int Day = 86_400;

    private static readonly AllowRecovery InADay = new(Account("alice"), Day);
    private static readonly StartRecovery Start = new(Account("alice"), Rule("1: n*1"), "sealed.v1");
    private static readonly VetoRecovery Veto = new(Account("alice"));
    private static readonly CompleteRecovery Complete = new(Account("alice"));

    private static LedgerSpec Owned() => Given(Fund("alice", "1000"), Own("alice", "1: o*1", "1: a*1"))
        .WhenSigned(Set("alice", "recovery", "owner", "2: p*1 q*1"), "alice@owner", "o").ThenAccepted();

    private static LedgerSpec Allowed() => Owned().WhenSigned(InADay, "alice@owner", "o").ThenAccepted();

    private static LedgerSpec Started() => Allowed().WhenSigned(Start, "alice@recovery", "pq").ThenAccepted();

    [Fact]
    public void Partners_replace_owner_and_active_after_the_delay() =>
        Allowed().WhenSigned(Start, "alice@recovery", "pq")
            .Then(new RecoveryEvent.Started(Account("alice"), Rule("1: n*1"), "sealed.v1", Later(Day)))
            .After(Day).WhenSigned(Complete, "alice@recovery", "pq")
            .Then(new RecoveryEvent.Completed(Account("alice")),
                new PermissionEvent.Set(Account("alice"), Owner, default, Rule("1: n*1")),
                new PermissionEvent.Set(Account("alice"), Active, Owner, Rule("1: n*1")),
                new ProposalEvent.ApprovalsInvalidated(Account("alice")))
            .WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenRefused(AuthorityRejections.NotSatisfied)
            .WhenSigned(Pay("alice", "bob", "1"), "alice@active", "n").ThenAccepted();

    [Theory]
    [InlineData(-1, "recovery.not_yet")]
    [InlineData(0, null)]
    public void The_delay_has_to_pass(int microseconds, string? code) =>
        Started().ThenThat(book => book.MoveTo(Later(Day).AddMicroseconds(microseconds)))
            .WhenSigned(Complete, "alice@recovery", "pq").ThenAnswered(code);

    [Theory]
    [InlineData("alice@owner", "o")]
    [InlineData("alice@active", "a")]
    public void Owner_and_active_veto_until_it_is_complete(string level, string key) =>
        Started().After(5 * Day).WhenSigned(Veto, level, key).Then(new RecoveryEvent.Vetoed(Account("alice")))
            .WhenSigned(Complete, "alice@recovery", "pq").ThenRefused(RecoveryRejections.NotRunning);

    [Fact]
    public void Partners_do_not_veto_and_the_account_may_begin_anew() =>
        Started().WhenSigned(Veto, "alice@recovery", "pq").ThenRefused(AuthorityRejections.Irrelevant)
            .WhenSigned(Veto, "alice@active", "a").ThenAccepted()
            .WhenSigned(Start, "alice@recovery", "pq").ThenAccepted();

    [Theory]
    [InlineData(Day - 1, "recovery.delay_out_of_range")]
    [InlineData(Day, null)]
    [InlineData(45 * Day, null)]
    [InlineData(45 * Day + 1, "recovery.delay_out_of_range")]
    public void A_recovery_takes_a_day_to_45(int seconds, string? code) =>
        Owned().WhenSigned(new AllowRecovery(Account("alice"), seconds), "alice@owner", "o").ThenAnswered(code);

    [Fact]
    public void Only_owner_allows_it_and_partners_have_to_be_named() =>
        Given(Own("alice", "1: o*1", "1: a*1"))
            .WhenSigned(InADay, "alice@owner", "o").ThenRefused(RecoveryRejections.PermissionMissing)
            .WhenSigned(Set("alice", "recovery", "owner", "1: p*1"), "alice@owner", "o").ThenAccepted()
            .WhenSigned(InADay, "alice@active", "a").ThenRefused(AuthorityRejections.Irrelevant)
            .WhenSigned(InADay, "alice@owner", "o").Then(new RecoveryEvent.Allowed(Account("alice"), Day))
            .WhenSigned(InADay, "alice@owner", "o").ThenNothing();

    [Fact]
    public void What_is_not_allowed_does_not_start() =>
        Owned().WhenSigned(Start, "alice@recovery", "pq").ThenRefused(RecoveryRejections.NotAllowed);

    [Theory]
    [InlineData("alice@recovery", "p", "authority.not_satisfied")]
    [InlineData("alice@active", "a", "authority.irrelevant")]
    [InlineData("alice@owner", "o", null)]
    public void Partners_or_who_stands_above_them_start_it(string level, string keys, string? code) =>
        Allowed().WhenSigned(Start, level, keys).ThenAnswered(code);

    [Fact]
    public void One_runs_at_a_time() =>
        Started().WhenSigned(Start, "alice@recovery", "pq").ThenRefused(RecoveryRejections.Running);

    [Fact]
    public void While_one_runs_nothing_about_it_changes() =>
        Started()
            .WhenSigned(Set("alice", "recovery", "owner", "1: o*1"), "alice@owner", "o").ThenRefused(RecoveryRejections.Running)
            .WhenSigned(new RemovePermission(Account("alice"), Recovery.Permission), "alice@owner", "o")
            .ThenRefused(RecoveryRejections.Running)
            .WhenSigned(new AllowRecovery(Account("alice"), 45 * Day), "alice@owner", "o").ThenRefused(RecoveryRejections.Running)
            .WhenSigned(Set("alice", "payroll", "active", "1: p*1"), "alice@active", "a").ThenAccepted();

    [Fact]
    public void A_new_authority_is_checked_as_any() =>
        Allowed().WhenSigned(Start with { NewOwner = Rule("2: n*1") }, "alice@recovery", "pq").ThenRefused(Authority.Unsatisfiable)
            .WhenSigned(Start with { NewOwner = Rule("1: nobody@active*1") }, "alice@recovery", "pq")
            .ThenRefused(AuthorityRejections.FactorUnknown)
            .WhenSigned(Start with { NewOwner = Rule("1: alice@active*1") }, "alice@recovery", "pq").ThenAnswered("authority.cyclic");

    [Fact]
    public void The_bank_is_a_partner_where_it_stands_among_them() =>
        Given(new IssueKey(Tag.Of("desk"), 5, 6, Scopes.Authority, null), Own("alice", "1: o*1", "1: a*1"),
                new BindKey(Tag.Of("desk"), Permissions.BankChannel, Recovery.Permission))
            .WhenSigned(Set("alice", "recovery", "owner", "1: bank@channel*1"), "alice@owner", "o").ThenAccepted()
            .WhenSigned(InADay, "alice@owner", "o").ThenAccepted()
            .When(Start).ThenRefused(AuthorityRejections.NotFound)
            .When(Start, caller: 1).ThenAccepted()
            .When(Veto, caller: 1).ThenRefused(AuthorityRejections.Irrelevant)
            .After(Day).When(Complete, caller: 1).ThenAccepted();

    [Fact]
    public void Nothing_that_does_not_run_is_vetoed_or_completed() =>
        Allowed().WhenSigned(Veto, "alice@owner", "o").ThenRefused(RecoveryRejections.NotRunning)
            .WhenSigned(Complete, "alice@owner", "o").ThenRefused(RecoveryRejections.NotRunning);
}
