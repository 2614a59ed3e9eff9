using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.PartyWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

public sealed class PartySpecs
{
    private static readonly RegisterParty Eve = new(Id(9), PartyKind.Person, Tag.Of("de"), "sealed.v1.p.x", default);

    [Fact]
    public void A_party_begins_unverified_under_the_name_it_was_given() =>
        Given().When(Eve).Then(new PartyEvent.Registered(Id(9), PartyKind.Person, Tag.Of("de"), "sealed.v1.p.x", default))
            .ThenThat(book => book.Bank.Parties.Rows[0].Standing.Should().Be(Standing.Unverified));

    [Fact]
    public void A_party_without_an_id_is_named_by_the_position() =>
        Given().When(Eve with { Id = null }).ThenAccepted().ThenThat(book => TransferId
            .FromPosition(book.Bank.Book.Hash, book.Execution.Position).Value.Should().Be(book.Bank.Parties.Rows[0].Id.Value));

    [Fact]
    public void An_id_names_one_party_for_ever() => Given(Eve).When(Eve).ThenRefused(Parties.AlreadyExists);

    [Theory]
    [InlineData("d"), InlineData("deu"), InlineData("d3"), InlineData("d-")]
    public void A_jurisdiction_is_two_letters(string jurisdiction) =>
        Given().When(Eve with { Jurisdiction = Tag.Of(jurisdiction) }).ThenRefused(Parties.JurisdictionMalformed);

    [Fact]
    public void A_kind_is_one_that_there_is()
    {
        Given().When(Eve with { Kind = 0 }).ThenRefused(Parties.KindUnknown);
        Given().When(Eve with { Kind = PartyKind.Agent }).ThenAccepted();
        Given().When(Eve with { Kind = PartyKind.Agent + 1 }).ThenRefused(Parties.KindUnknown);
    }

    [Fact]
    public void An_account_signs_for_one_party_at_most()
    {
        var eve = Eve with { Actor = Account("alice") };
        Given(eve).When(Eve with { Id = Id(10), Actor = Account("alice") }).ThenRefused(Parties.ActorTaken);
        Given().When(Eve with { Actor = Account("nobody") }).ThenRefused(LedgerRejections.AccountNotFound);
        Given(eve, Eve with { Id = Id(10) }).When(new SetActor(Id(10), Account("alice"))).ThenRefused(Parties.ActorTaken);
        Given(eve, new SetActor(Id(9), default)).When(Eve with { Id = Id(10), Actor = Account("alice") }).ThenAccepted();
        Given(eve).When(new SetActor(Id(9), Account("bob"))).Then(new PartyEvent.ActorSet(Id(9), Account("bob")));
        Given(eve).When(new SetActor(Id(9), Account("alice"))).ThenNothing();
        Given().When(new SetActor(Id(9), Account("alice"))).ThenRefused(Parties.NotFound);
    }

    [Fact]
    public void Standing_is_set_with_a_reason_and_once()
    {
        Given(Eve).When(Rate(Id(9), Standing.Limited)).Then(new PartyEvent.StandingSet(Id(9), Standing.Limited, "review"));
        Given(Eve, Rate(Id(9), Standing.Limited)).When(Rate(Id(9), Standing.Limited)).ThenNothing();
        Given(Eve).When(Rate(Id(9), 0)).ThenRefused(Parties.StandingUnknown);
        Given(Eve).When(Rate(Id(9), Standing.Blocked + 1)).ThenRefused(Parties.StandingUnknown);
        Given().When(Rate(Id(9), Standing.Verified)).ThenRefused(Parties.NotFound);
    }

    [Fact]
    public void A_death_is_recorded_once_with_one_date_not_ahead()
    {
        GivenPeople().When(Dies(Anna)).Then(new PartyEvent.Died(Anna, Today, Paper, SpecBook.Start));
        GivenPeople(Dies(Anna)).When(Dies(Anna)).ThenNothing();
        GivenPeople(Dies(Anna)).When(Dies(Anna) with { On = Today.AddDays(-1) }).ThenRefused(Parties.DeathRecorded);
        GivenPeople().When(Dies(Anna) with { On = Today.AddDays(1) }).ThenRefused(Parties.DateAhead);
        GivenPeople().When(Dies(Firm)).ThenRefused(Parties.NotPerson);
        GivenPeople().When(Dies(Id(99))).ThenRefused(Parties.NotFound);
    }

    [Fact]
    public void Incapacity_is_recorded_once_and_can_be_lifted()
    {
        var lift = new LiftIncapacity(Anna, "court order");
        GivenPeople().When(LosesCapacity(Anna)).Then(new PartyEvent.Incapacitated(Anna, Today, Paper, SpecBook.Start));
        GivenPeople(LosesCapacity(Anna)).When(LosesCapacity(Anna)).ThenNothing();
        GivenPeople(LosesCapacity(Anna)).When(LosesCapacity(Anna) with { On = Today.AddDays(-1) }).ThenRefused(Parties.IncapacityRecorded);
        GivenPeople().When(LosesCapacity(Anna) with { On = Today.AddDays(1) }).ThenRefused(Parties.DateAhead);
        GivenPeople().When(LosesCapacity(Firm)).ThenRefused(Parties.NotPerson);
        GivenPeople(Dies(Anna)).When(LosesCapacity(Anna)).ThenRefused(Parties.Deceased);
        GivenPeople(LosesCapacity(Anna)).When(lift).Then(new PartyEvent.IncapacityLifted(Anna, "court order"));
        GivenPeople().When(lift).ThenNothing();
        GivenPeople(LosesCapacity(Anna), Dies(Anna)).When(lift).ThenRefused(Parties.Deceased);
        GivenPeople().When(new LiftIncapacity(Id(99), "court order")).ThenRefused(Parties.NotFound);
    }

    [Theory]
    [InlineData(Standing.Verified, null, null)]
    [InlineData(Standing.Unverified, null, null)]
    [InlineData(Standing.Limited, null, null)]
    [InlineData(Standing.Suspended, "party.suspended", null)]
    [InlineData(Standing.Blocked, "party.blocked", "party.blocked")]
    public void What_leaves_and_what_comes_in_follows_the_strictest_of_holders_and_of_who_acts(
        Standing standing, string? leaving, string? coming)
    {
        var holder = GivenPeople(Hold("alice", Anna, Ben), Rate(Ben, standing));
        holder.Objection("alice", Anna).Should().Be(leaving);
        holder.Objection("alice", Anna, gives: false).Should().Be(coming);
        holder.Objection("alice", Nobody).Should().Be(leaving, "a channel acts for the bank");
        var actor = GivenPeople(Hold("alice", Anna), Rate(Carl, standing));
        actor.Objection("alice", Carl).Should().Be(leaving);
        actor.Objection("alice", Carl, gives: false).Should().Be(coming);
        actor.Objection("alice", Anna).Should().BeNull("Carl neither holds nor acts");
    }

    [Fact]
    public void A_wallet_meets_no_objection_but_that_of_who_acts()
    {
        var spec = GivenPeople(Hold("alice", Anna), Rate(Anna, Standing.Blocked));
        spec.Objection("bob", Nobody).Should().BeNull();
        spec.Objection("bob", Ben).Should().BeNull();
        spec.Objection("bob", Anna).Should().Be("party.blocked");
        Given().Book.Bank.Parties.Objects(Account("alice"), Account("alice"), gives: true, SpecBook.Start).Should().BeNull();
    }

    [Fact]
    public void Who_has_died_or_cannot_act_does_not_act_anywhere()
    {
        GivenPeople(Dies(Anna)).Objection("bob", Anna).Should().Be("party.deceased");
        GivenPeople(LosesCapacity(Anna)).Objection("bob", Anna, gives: false).Should().Be("party.incapacitated");
        GivenPeople(LosesCapacity(Anna), new LiftIncapacity(Anna, "order")).Objection("bob", Anna).Should().BeNull();
    }

    /// <summary>Anna and Ben hold; Anna dies. What each may still ask of the account.</summary>
    [Theory]
    [InlineData(false, "account.estate", "account.estate", "account.estate")]
    [InlineData(true, null, "account.estate", "account.estate")]
    public void After_a_death_only_survivors_by_survivorship_act(bool survivorship, string? ben, string? carl, string? channel)
    {
        var holders = Hold("alice", Anna, Ben) with { Survivorship = survivorship };
        foreach (var mode in new[] { HolderMode.Several, HolderMode.Joint })
        {
            var spec = GivenPeople(holders with { Mode = mode }, Dies(Anna));
            spec.Objection("alice", Ben).Should().Be(ben);
            spec.Objection("alice", Carl).Should().Be(carl);
            spec.Objection("alice", Nobody).Should().Be(channel);
            spec.Objection("alice", Nobody, gives: false).Should().BeNull("money still comes in");
            spec.Objection("alice", [Ben, Dora]).Should().Be(ben, "a co-signer takes nothing away");
            spec.Objection("alice", [Ben, Anna]).Should().Be("party.deceased");
            spec.Book.Bank.Parties.Objects(Account("alice"), Account("alice"), gives: true, spec.Book.Now).Should()
                .Be(Parties.Estate, "nobody knows whose the account's own keys are");
        }
    }

    [Fact]
    public void An_executor_acts_for_the_estate_while_in_force()
    {
        var spec = GivenPeople(Hold("alice", Anna), Dies(Anna), Grant("alice", Carl, RoleKind.Executor, Anna, until: Later(60)));
        spec.Objection("alice", Carl).Should().BeNull();
        spec.Objection("alice", Dora).Should().Be("account.estate");
        spec.After(60).Objection("alice", Carl).Should().Be("account.estate");
        var revoked = GivenPeople(Hold("alice", Anna), Dies(Anna), Grant("alice", Carl, RoleKind.Executor, Anna),
            Revoke("alice", Carl, RoleKind.Executor, Anna));
        revoked.Objection("alice", Carl).Should().Be("account.estate");
    }

    [Fact]
    public void With_all_holders_dead_survivorship_helps_nobody()
    {
        var spec = GivenPeople(Hold("alice", Anna, Ben).Surviving(), Dies(Anna), Dies(Ben));
        spec.Objection("alice", Ben).Should().Be("party.deceased");
        spec.Objection("alice", Nobody).Should().Be("account.estate");
    }

    [Fact]
    public void For_who_cannot_act_a_guardian_does_and_nobody_else()
    {
        var sole = GivenPeople(Hold("alice", Anna), Grant("alice", Carl, RoleKind.Guardian, Anna), LosesCapacity(Anna));
        sole.Objection("alice", Carl).Should().BeNull();
        sole.Objection("alice", Dora).Should().Be("account.holder_unable");
        sole.Objection("alice", [Dora, Carl]).Should().BeNull();
        sole.Objection("alice", Nobody).Should().Be("account.holder_unable");
        sole.Objection("alice", Nobody, gives: false).Should().BeNull();
        sole.And(new LiftIncapacity(Anna, "order")).Objection("alice", Anna).Should().BeNull();
    }

    [Fact]
    public void Beside_who_cannot_act_another_holder_acts_where_each_acts_alone()
    {
        GivenPeople(Hold("alice", Anna, Ben), LosesCapacity(Anna)).Objection("alice", Ben).Should().BeNull();
        GivenPeople(Hold("alice", Anna, Ben).Jointly(), LosesCapacity(Anna)).Objection("alice", Ben).Should().Be("account.holder_unable");
        GivenPeople(Hold("alice", Anna, Ben), LosesCapacity(Anna), LosesCapacity(Ben)).Objection("alice", Carl).Should()
            .Be("account.holder_unable");
    }

    [Fact]
    public void What_was_registered_comes_back_from_a_snapshot()
    {
        var spec = GivenPeople(Hold("alice", (Anna, 400_000), (Ben, 600_000)), Dies(Ben),
            Grant("alice", Carl, RoleKind.Attorney, Anna).UpTo("5.00"));
        using var snapshot = new MemoryStream();
        spec.Book.Bank.Tables.Save(snapshot);
        snapshot.Position = 0;
        var bank = new BankingEngine.Domain.Bank(seed: 5);
        bank.Tables.Load(snapshot);
        bank.Tables.Digest.Should().Be(spec.Book.Digest);
        bank.Parties.Objects(Account("alice"), ActorOf(Anna), gives: true, spec.Book.Now).Should().Be(Parties.Estate);
        bank.Parties.ScopeOf(Account("alice"), ActorOf(Carl), "transfer.make", Money("5.01"), spec.Book.Now).Should().Be(Parties.OverLimit);
    }
}
