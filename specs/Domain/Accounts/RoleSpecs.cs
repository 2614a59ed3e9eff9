using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.PartyWords;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

public sealed class RoleSpecs
{
    [Fact]
    public void Holders_are_set_all_at_once()
    {
        var set = Hold("alice", (Anna, 400_000), (Ben, 600_000)).Jointly().Surviving();
        GivenPeople().When(set).Then(new RoleEvent.HoldersSet(
            Account("alice"), HolderMode.Joint, true, [new(Anna, 400_000), new(Ben, 600_000)], SpecBook.Start));
        GivenPeople(set).When(set).ThenNothing();
        GivenPeople(set).When(set with { Holders = [new(Ben, 600_000), new(Anna, 400_000)] }).ThenNothing();
        GivenPeople(set).When(set with { Survivorship = false }).ThenAccepted();
        GivenPeople(set).When(set with { Mode = HolderMode.Several }).ThenAccepted();
        GivenPeople(set).When(Hold("alice", (Anna, 500_000), (Ben, 500_000))).ThenAccepted();
    }

    [Theory]
    [InlineData(400_000, 600_000, null)]
    [InlineData(400_000, 600_001, "role.shares_do_not_add_up")]
    [InlineData(400_000, 599_999, "role.shares_do_not_add_up")]
    [InlineData(1_000_000, 0, null)]
    [InlineData(999_999, 0, "role.shares_do_not_add_up")]
    [InlineData(0, 0, null)]
    [InlineData(-1, 1_000_000, "role.share_out_of_range")]
    [InlineData(1_000_001, 0, "role.share_out_of_range")]
    public void Shares_that_are_stated_add_up_to_the_whole(int anna, int ben, string? refusal)
    {
        var spec = GivenPeople().When(Hold("alice", (Anna, anna), (Ben, ben)));
        if (refusal is null) spec.ThenAccepted();
        else spec.ThenRefused(new Rejection(refusal, "."));
    }

    [Fact]
    public void Holders_are_known_persons_or_firms_named_once()
    {
        GivenPeople().When(Hold("alice", Anna, Anna)).ThenRefused(Parties.HolderTwice);
        GivenPeople().When(Hold("alice", Anna, Id(99))).ThenRefused(Parties.NotFound);
        GivenPeople().When(Hold("nobody", Anna)).ThenRefused(LedgerRejections.AccountNotFound);
        GivenPeople().When(Hold("alice", Array.Empty<PartyId>())).ThenRefused(Parties.HoldersMissing);
        GivenPeople().When(Hold("alice", Anna) with { Mode = 0 }).ThenRefused(Parties.ModeUnknown);
        GivenPeople(Dies(Anna)).When(Hold("alice", Anna)).ThenRefused(Parties.Deceased);
        GivenPeople(Hold("alice", Anna, Ben), Dies(Anna)).When(Hold("alice", (Anna, 500_000), (Ben, 500_000))).ThenAccepted();
    }

    [Fact]
    public void An_account_has_sixteen_holders_at_most()
    {
        PartyId[] many = [.. Enumerable.Range(100, Parties.MaxHolders + 1).Select(Id)];
        Command[] made = [.. many.Select(id => new RegisterParty(id, PartyKind.Firm, Tag.Of("de"), null, default))];
        GivenPeople(made).When(Hold("alice", many[1..])).ThenAccepted();
        GivenPeople(made).When(Hold("alice", many)).ThenRefused(Parties.HoldersMissing);
    }

    [Fact]
    public void Who_is_left_out_is_holder_no_more_and_nobody_acts_for_them()
    {
        var spec = GivenPeople(Hold("alice", Anna, Ben), Grant("alice", Carl, RoleKind.Attorney, Anna));
        (spec.Counts("alice", Anna), spec.Counts("alice", Carl)).Should().Be((true, true));
        spec.When(Hold("alice", Ben)).ThenAccepted();
        (spec.Counts("alice", Anna), spec.Counts("alice", Carl), spec.Counts("alice", Ben)).Should().Be((false, false, true));
        spec.Scope("alice", Carl, "transfer.make").Should().Be("role.ended");
        spec.Scope("alice", Anna, "transfer.make").Should().Be("role.ended");
        spec.When(Hold("alice", Anna, Ben)).ThenAccepted();
        spec.Counts("alice", Anna).Should().BeTrue("she is holder again");
        spec.Counts("alice", Carl).Should().BeFalse("her mandate stays ended");
    }

    [Fact]
    public void A_role_is_granted_once_and_revoked_once()
    {
        var grant = Grant("alice", Carl, RoleKind.Signatory);
        GivenPeople().When(grant).Then(new RoleEvent.Granted(
            Account("alice"), Carl, RoleKind.Signatory, default, SpecBook.Start, null, null));
        GivenPeople(grant).When(grant).ThenNothing();
        GivenPeople(grant).When(grant with { Until = Later(60) }).ThenRefused(Parties.AlreadyGranted);
        GivenPeople(grant).When(grant with { From = Later(60) }).ThenRefused(Parties.AlreadyGranted);
        GivenPeople(grant).When(Revoke("alice", Carl, RoleKind.Signatory)).Then(new RoleEvent.Revoked(
            Account("alice"), Carl, RoleKind.Signatory, default, SpecBook.Start, "no longer wanted"));
        GivenPeople(grant, Revoke("alice", Carl, RoleKind.Signatory)).When(Revoke("alice", Carl, RoleKind.Signatory)).ThenNothing();
        GivenPeople(grant, Revoke("alice", Carl, RoleKind.Signatory)).When(grant with { Until = Later(60) }).ThenAccepted();
        GivenPeople().When(Revoke("alice", Carl, RoleKind.Signatory)).ThenRefused(Parties.RoleNotFound);
        GivenPeople(grant).When(grant with { Role = RoleKind.Trustee }).ThenAccepted();
    }

    [Fact]
    public void Holders_come_and_go_by_their_own_command_only()
    {
        GivenPeople().When(Grant("alice", Anna, RoleKind.Holder)).ThenRefused(Parties.HoldersAreSet);
        GivenPeople(Hold("alice", Anna)).When(Revoke("alice", Anna, RoleKind.Holder)).ThenRefused(Parties.HoldersAreSet);
    }

    [Fact]
    public void A_role_counts_from_its_first_instant_until_its_last()
    {
        var spec = GivenPeople(Grant("alice", Carl, RoleKind.Signatory, from: Later(10), until: Later(20)));
        spec.Counts("alice", Carl).Should().BeFalse("it has not begun");
        spec.ThenThat(book => book.MoveTo(Later(10).AddMicroseconds(-1))).Counts("alice", Carl).Should().BeFalse();
        spec.ThenThat(book => book.MoveTo(Later(10))).Counts("alice", Carl).Should().BeTrue();
        spec.ThenThat(book => book.MoveTo(Later(20).AddMicroseconds(-1))).Counts("alice", Carl).Should().BeTrue();
        spec.ThenThat(book => book.MoveTo(Later(20))).Counts("alice", Carl).Should().BeFalse();
        spec.Scope("alice", Carl, "transfer.make").Should().Be("role.ended");
    }

    [Fact]
    public void A_role_ends_after_it_begins_and_later_than_now()
    {
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory, until: SpecBook.Start)).ThenRefused(Parties.EndBeforeStart);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory, from: Later(9), until: Later(9))).ThenRefused(Parties.EndBeforeStart);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory, from: Later(-9), until: Later(-1))).ThenRefused(Parties.EndBeforeStart);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory, from: Later(-9), until: Later(1))).ThenAccepted();
    }

    [Fact]
    public void Who_acts_for_another_says_for_whom_and_that_is_a_holder()
    {
        GivenPeople().When(Grant("alice", Carl, RoleKind.Attorney)).ThenRefused(Parties.PrincipalMissing);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Guardian)).ThenRefused(Parties.PrincipalMissing);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Executor)).ThenRefused(Parties.PrincipalMissing);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Attorney, Anna)).ThenRefused(Parties.PrincipalNotHolder);
        GivenPeople(Hold("alice", Anna), Hold("alice", Ben)).When(Grant("alice", Carl, RoleKind.Attorney, Anna))
            .ThenRefused(Parties.PrincipalNotHolder);
        GivenPeople(Hold("alice", Anna)).When(Grant("alice", Carl, RoleKind.Attorney, Anna)).ThenAccepted();
        GivenPeople(Hold("alice", Anna)).When(Grant("alice", Anna, RoleKind.Attorney, Anna)).ThenRefused(Parties.PrincipalSelf);
        GivenPeople(Hold("alice", Anna)).When(Grant("alice", Carl, RoleKind.Attorney, Id(99))).ThenRefused(Parties.NotFound);
        GivenPeople(Hold("alice", Anna)).When(Grant("alice", Carl, RoleKind.Signatory, Anna)).ThenRefused(Parties.PrincipalUnneeded);
        GivenPeople().When(Grant("nobody", Carl, RoleKind.Signatory)).ThenRefused(LedgerRejections.AccountNotFound);
        GivenPeople().When(Grant("alice", Id(99), RoleKind.Signatory)).ThenRefused(Parties.NotFound);
        GivenPeople().When(Grant("alice", Carl, 0)).ThenRefused(Parties.RoleUnknown);
    }

    [Fact]
    public void Each_role_begins_while_it_makes_sense()
    {
        GivenPeople(Hold("alice", Anna)).When(Grant("alice", Carl, RoleKind.Executor, Anna)).ThenRefused(Parties.PrincipalAlive);
        GivenPeople(Hold("alice", Anna), Dies(Anna)).When(Grant("alice", Carl, RoleKind.Executor, Anna)).ThenAccepted();
        GivenPeople(Hold("alice", Anna), Dies(Anna)).When(Grant("alice", Carl, RoleKind.Guardian, Anna)).ThenRefused(Parties.GuardianNotForPerson);
        GivenPeople(Hold("alice", Firm)).When(Grant("alice", Carl, RoleKind.Guardian, Firm)).ThenRefused(Parties.GuardianNotForPerson);
        GivenPeople(Hold("alice", Anna), Dies(Anna)).When(Grant("alice", Carl, RoleKind.Attorney, Anna)).ThenRefused(Parties.Deceased);
        GivenPeople(Hold("alice", Anna), LosesCapacity(Anna)).When(Grant("alice", Carl, RoleKind.Attorney, Anna)).ThenRefused(Parties.Incapacitated);
        GivenPeople(Hold("alice", Anna), Dies(Carl)).When(Grant("alice", Carl, RoleKind.Signatory)).ThenRefused(Parties.Deceased);
        GivenPeople(LosesCapacity(Carl)).When(Grant("alice", Carl, RoleKind.Signatory)).ThenRefused(Parties.Incapacitated);
        GivenPeople(LosesCapacity(Carl)).When(Grant("alice", Carl, RoleKind.Beneficiary)).ThenAccepted();
        GivenPeople(Rate(Carl, Standing.Suspended)).When(Grant("alice", Carl, RoleKind.Signatory)).ThenRefused(Parties.Suspended);
        GivenPeople(Rate(Carl, Standing.Blocked)).When(Grant("alice", Carl, RoleKind.Signatory)).ThenRefused(Parties.Blocked);
    }

    [Theory]
    [InlineData(Standing.Verified, true), InlineData(Standing.Unverified, false), InlineData(Standing.Limited, false)]
    public void A_mandate_is_given_by_and_to_verified_parties(Standing standing, bool taken)
    {
        foreach (var party in new[] { Anna, Carl })
        {
            var spec = GivenPeople(Hold("alice", Anna), Rate(party, standing)).When(Grant("alice", Carl, RoleKind.Attorney, Anna));
            if (taken) spec.ThenAccepted();
            else spec.ThenRefused(Parties.NotVerified);
        }
    }

    [Fact]
    public void A_mandate_covers_named_commands_up_to_a_limit()
    {
        var mandate = Grant("alice", Carl, RoleKind.Attorney, Anna).Covering("transfer.reserve", "transfer.make").UpTo("100.00");
        var spec = GivenPeople(Hold("alice", Anna)).When(mandate).Then(new RoleEvent.Granted(
            Account("alice"), Carl, RoleKind.Attorney, Anna, SpecBook.Start, null,
            new(["transfer.make", "transfer.reserve"], Money("100.00"))));
        spec.Scope("alice", Carl, "transfer.make", "100.00").Should().BeNull();
        spec.Scope("alice", Carl, "transfer.reserve", "0.01").Should().BeNull();
        spec.Scope("alice", Carl, "transfer.make").Should().BeNull("it moves nothing");
        spec.Scope("alice", Carl, "transfer.make", "100.01").Should().Be("role.limit");
        spec.Scope("alice", Carl, "transfer.make", "1.00 USD").Should().Be("role.limit", "another asset");
        spec.Scope("alice", Carl, "entry.post", "1.00").Should().Be("role.out_of_scope");
        spec.Scope("alice", Anna, "entry.post", "999.00").Should().BeNull("a holder needs no mandate");
        spec.Scope("bob", Carl, "entry.post", "999.00").Should().BeNull("he has no role there: permissions decide");
        spec.When(mandate).ThenNothing();
        spec.When(mandate.UpTo("100.01")).ThenRefused(Parties.AlreadyGranted);
        spec.When(mandate.Covering("transfer.make")).ThenRefused(Parties.AlreadyGranted);
    }

    [Fact]
    public void Of_several_roles_the_one_that_covers_it_is_enough()
    {
        var spec = GivenPeople(Hold("alice", Anna, Ben), Grant("alice", Carl, RoleKind.Attorney, Anna).UpTo("10.00"),
            Grant("alice", Carl, RoleKind.Attorney, Ben).Covering("entry.post"));
        spec.Scope("alice", Carl, "transfer.make", "10.00").Should().BeNull();
        spec.Scope("alice", Carl, "transfer.make", "10.01").Should().Be("role.limit");
        spec.Scope("alice", Carl, "entry.post", "99.00").Should().BeNull();
        spec.Scope("alice", Carl, "exchange.make", "1.00").Should().Be("role.out_of_scope");
        spec.And(Grant("alice", Carl, RoleKind.Signatory)).Scope("alice", Carl, "exchange.make", "1.00").Should().BeNull();
    }

    [Fact]
    public void A_mandate_is_well_formed()
    {
        var mandate = Grant("alice", Carl, RoleKind.Attorney, Anna);
        GivenPeople(Hold("alice", Anna)).When(mandate.Covering()).ThenRefused(Parties.ScopeMissing);
        foreach (var name in new[] { "", "transfer", ".make", "transfer.", "transfer.make.v1", "Transfer.make", "transfer.made" })
            GivenPeople(Hold("alice", Anna)).When(mandate.Covering(name)).ThenRefused(Parties.ScopeUnknown);
        GivenPeople(Hold("alice", Anna)).When(mandate.Covering("transfer.make", "transfer.make")).ThenRefused(Parties.ScopeTwice);
        string[] many = [.. BankingEngine.Domain.CommandNames.All.Select(name => name.Text).Take(33)];
        GivenPeople(Hold("alice", Anna)).When(mandate.Covering(many[1..])).ThenAccepted();
        GivenPeople(Hold("alice", Anna)).When(mandate.Covering(many)).ThenRefused(Parties.ScopeTooLong);
        GivenPeople(Hold("alice", Anna)).When(mandate.UpTo("0.00")).ThenRefused(Parties.LimitNotPositive);
        GivenPeople(Hold("alice", Anna)).When(mandate.UpTo("0.01")).ThenAccepted();
        GivenPeople(Hold("alice", Anna)).When(mandate.UpTo("1.00 XYZ")).ThenRefused(LedgerRejections.AssetUnknown);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory).Covering("entry.post")).ThenRefused(Parties.ScopeUnneeded);
        GivenPeople().When(Grant("alice", Carl, RoleKind.Signatory).UpTo("1.00")).ThenRefused(Parties.ScopeUnneeded);
    }

    [Fact]
    public void A_mandate_stops_with_the_death_or_incapacity_of_who_gave_it_and_stays_stopped()
    {
        var given = Grant("alice", Carl, RoleKind.Attorney, Anna);
        var other = Grant("alice", Dora, RoleKind.Attorney, Ben);
        foreach (var stop in new Command[] { Dies(Anna), LosesCapacity(Anna) })
        {
            var spec = GivenPeople(Hold("alice", Anna, Ben), given, other, stop);
            (spec.Counts("alice", Carl), spec.Counts("alice", Dora)).Should().Be((false, true));
            spec.Scope("alice", Carl, "transfer.make", "1.00").Should().Be("role.ended");
        }
        var lifted = GivenPeople(Hold("alice", Anna, Ben), given, LosesCapacity(Anna), new LiftIncapacity(Anna, "order"));
        lifted.Counts("alice", Carl).Should().BeFalse();
        lifted.When(given).ThenAccepted();
        lifted.Counts("alice", Carl).Should().BeTrue("it was given anew");
    }

    [Fact]
    public void A_factor_counts_unless_its_party_cannot_act_or_its_roles_have_ended()
    {
        var spec = GivenPeople(Hold("alice", Anna), Grant("alice", Carl, RoleKind.Signatory), Grant("alice", Dora, RoleKind.Beneficiary));
        spec.Counts("alice", Anna).Should().BeTrue();
        spec.Counts("alice", Carl).Should().BeTrue();
        spec.Counts("alice", Dora).Should().BeTrue("a beneficiary that the authority names is a plain factor");
        spec.Counts("alice", Ben).Should().BeTrue("no role at all: a plain factor");
        spec.Book.Bank.Parties.Counts(Account("alice"), new(Account("bob"), Tag.Of("active")), spec.Book.Now).Should().BeTrue();
        spec.And(Rate(Ben, Standing.Suspended)).Counts("alice", Ben).Should().BeTrue("what leaves is refused, not the factor");
        spec.And(Rate(Ben, Standing.Blocked)).Counts("alice", Ben).Should().BeFalse();
        spec.And(Revoke("alice", Carl, RoleKind.Signatory)).Counts("alice", Carl).Should().BeFalse();
        spec.And(Revoke("alice", Dora, RoleKind.Beneficiary)).Counts("alice", Dora).Should().BeTrue();
        spec.And(Dies(Anna)).Counts("alice", Anna).Should().BeFalse();
        spec.And(LosesCapacity(Dora)).Counts("alice", Dora).Should().BeFalse();
    }
}
