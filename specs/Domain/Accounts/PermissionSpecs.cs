using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Domain.Accounts.AuthorityRejections;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>What permissions may be, who may change them, and which one a command needs.</summary>
public sealed class PermissionSpecs
{
    private static readonly CreatePermissions AliceOwns = Own("alice", "1: o*1", "1: a*1");
    private static readonly CreatePermissions AliceShares = Own("alice", "1: o*1", "1: a*1", channel: true);

    public static TheoryData<string, string> Malformed => new()
    {
        { "0: a*1", "authority.threshold_zero" },
        { "2: a*1", "authority.unsatisfiable" },
        { "3: a*1 60s*1", "authority.unsatisfiable" },
        { "1: b*1 a*1", "authority.unsorted" },
        { "1: a*1 a*1", "authority.unsorted" },
        { "1: a*1 ben@active*1 ann@active*1", "authority.unsorted" },
        { "1: a*1 60s*1 60s*1", "authority.unsorted" },
        { "2: a*1 120s*1 60s*1", "authority.unsorted" },
        { "1: a*1 b*0", "authority.weight_zero" },
        { "2: a*1 0s*1", "authority.wait_out_of_range" },
        { "2: a*1 3888001s*1", "authority.wait_out_of_range" },
        { "1: a*1 60s*1", "authority.waits_suffice" },
        { "1: nobody@active*1", "authority.factor_unknown" },
        { "1: bob@active*1", "authority.factor_unknown" },
        { "1: alice@active*1", "authority.cyclic" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void An_authority_that_could_not_work_is_refused(string rule, string code) =>
        Given().When(Own("alice", "1: o*1", rule)).ThenRefused(new Rejection(code, ""));

    [Theory]
    [InlineData("2: a*1 3888000s*1")]
    [InlineData("4294967295: a*65535")]
    [InlineData("1: bank@anything*1")]
    public void The_bounds_themselves_are_allowed(string rule)
    {
        var authority = Rule(rule);
        if (authority.Threshold == uint.MaxValue) authority.Check().Should().Be(Authority.Unsatisfiable, "no sum overflows");
        else Given().When(Own("alice", "1: o*1", rule)).ThenAccepted();
    }

    [Fact]
    public void An_authority_has_256_factors_at_most()
    {
        KeyFactor[] many = [.. Enumerable.Range(0, 257).Select(i => new KeyFactor(Numbered(i), 1)).OrderBy(f => f.Key)];
        new Authority(1, [.. many[..256]], [], []).Check().Should().BeNull();
        new Authority(1, [.. many], [], []).Check().Should().Be(Authority.TooWide);
    }

    [Fact]
    public void Permissions_are_created_once_and_for_an_account_that_exists()
    {
        Given().When(AliceOwns).Then(new PermissionEvent.Created(Account("alice"), AliceOwns.Owner, AliceOwns.Active, false));
        Given(AliceOwns).WhenSigned(AliceOwns, "alice@owner", "o").ThenRefused(Exists);
        Given().When(Own("nobody", "1: o*1")).ThenRefused(LedgerRejections.AccountNotFound);
    }

    [Fact]
    public void An_authority_that_leads_back_to_itself_is_refused_however_long_the_way()
    {
        var spec = Given(Open("ann"), Open("ben"), Own("ann", "1: a*1"), Own("ben", "1: ann@active*1"), Own("alice", "1: ben@active*1"));
        spec.WhenSigned(new SetPermission(Account("ann"), Active, default, Rule("1: alice@active*1")), "ann@owner", "a").ThenRefused(Cyclic);
        spec.WhenSigned(new SetPermission(Account("ann"), Active, default, Rule("1: ann@active*1")), "ann@owner", "a").ThenRefused(Cyclic);
    }

    [Fact]
    public void A_permission_hangs_below_one_that_exists_and_stays_there()
    {
        var spec = Given(AliceOwns);
        spec.WhenSigned(Set("alice", "till", "nothing", "1: t*1"), "alice@owner", "o").ThenRefused(Irrelevant);
        spec.WhenSigned(Set("alice", "till", "", "1: t*1"), "alice@owner", "o").ThenRefused(Irrelevant);
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Set("alice", "till", "owner", "1: t*1"), "alice@owner", "o").ThenRefused(ParentWrong);
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@active", "a").ThenNothing();
        spec.WhenSigned(Set("alice", "till", "", "1: u*1"), "alice@till", "t").ThenAccepted();
        spec.WhenSigned(Set("alice", "bank.till", "active", "1: t*1"), "alice@active", "a").ThenRefused(NameReserved);
        spec.WhenSigned(Set("alice", "any", "active", "1: t*1"), "alice@active", "a").ThenRefused(NameReserved);
    }

    [Fact]
    public void Who_stands_at_or_above_a_permission_may_change_it_and_nobody_else()
    {
        var spec = Given(AliceOwns);
        spec.WhenSigned(Set("alice", "active", "owner", "1: b*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Set("alice", "owner", "", "1: b*1"), "alice@active", "b").ThenRefused(Irrelevant);
        spec.WhenSigned(Set("alice", "owner", "", "1: p*1"), "alice@owner", "o").ThenAccepted();
        spec.When(Set("alice", "owner", "", "1: x*1")).ThenRefused(AuthorityRejections.NotFound);
        Given(AliceShares).When(Set("alice", "owner", "", "1: x*1")).ThenRefused(Irrelevant);
    }

    [Fact]
    public void Owner_active_and_what_is_in_use_cannot_be_removed()
    {
        var spec = Given(AliceOwns);
        spec.WhenSigned(new RemovePermission(Account("alice"), Owner), "alice@owner", "o").ThenRefused(LastWayIn);
        spec.WhenSigned(new RemovePermission(Account("alice"), Active), "alice@owner", "o").ThenRefused(LastWayIn);
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Set("alice", "drawer", "till", "1: d*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(new RemovePermission(Account("alice"), Tag.Of("till")), "alice@active", "a").ThenRefused(InUse);
        spec.WhenSigned(Link("alice", "transfer.make", "drawer"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(new RemovePermission(Account("alice"), Tag.Of("drawer")), "alice@active", "a").ThenRefused(InUse);
        spec.WhenSigned(new UnlinkPermission(Account("alice"), "transfer.make", default), "alice@drawer", "d").ThenAccepted();
        spec.WhenSigned(new RemovePermission(Account("alice"), Tag.Of("drawer")), "alice@drawer", "d").ThenAccepted();
        spec.WhenSigned(new RemovePermission(Account("alice"), Tag.Of("till")), "alice@active", "a").ThenAccepted();
    }

    [Fact]
    public void A_link_states_the_least_permission_for_a_command_or_for_a_command_with_an_asset()
    {
        var spec = Given(AliceOwns, Fund("alice", "100")).ThenThat(b => { });
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@till", "t").ThenRefused(Irrelevant);
        spec.WhenSigned(Link("alice", "transfer.make", "till", "EUR"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@till", "t").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1 USD"), "alice@till", "t").ThenRefused(Irrelevant);
        spec.WhenSigned(Reserve(null, "alice", "bob", "1"), "alice@till", "t").ThenRefused(Irrelevant);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Link("alice", "transfer.make", "owner"), "alice@active", "a").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "1 USD"), "alice@active", "a").ThenRefused(Irrelevant);
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@till", "t").ThenAccepted();
        spec.WhenSigned(Link("alice", "transfer.make", "till"), "alice@active", "a").ThenRefused(Irrelevant);
    }

    [Theory]
    [InlineData("transfer.lose", "link.command_unknown")]
    [InlineData("permission.set", "link.command_fixed")]
    [InlineData("permissions.create", "link.command_fixed")]
    public void Some_commands_cannot_be_linked(string command, string code) =>
        Given(AliceOwns).WhenSigned(Link("alice", command, "active"), "alice@owner", "o").ThenRefused(new Rejection(code, ""));

    [Fact]
    public void The_account_itself_limits_who_may_change_its_permissions()
    {
        var alice = Account("alice");
        var spec = Given(AliceOwns);
        spec.WhenSigned(new LimitChanges(alice, [Active], []), "alice@owner", "o").ThenRefused(ChangesMalformed);
        spec.WhenSigned(new LimitChanges(alice, [], [Owner]), "alice@owner", "o").ThenRefused(ChangesMalformed);
        spec.WhenSigned(new LimitChanges(alice, [Owner], [Active]), "alice@owner", "o").ThenRefused(ChangesMalformed);
        spec.WhenSigned(new LimitChanges(alice, [], [Active]), "alice@active", "a").ThenRefused(Irrelevant);
        spec.WhenSigned(new LimitChanges(alice, [], [Active]), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@active", "a").ThenRefused(ChangeNotAllowed);
        spec.WhenSigned(Set("alice", "till", "active", "1: t*1"), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(new LimitChanges(alice, [Owner], []), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Set("alice", "till", "active", "1: u*1"), "alice@active", "a").ThenRefused(ChangeNotAllowed);
        spec.WhenSigned(new LimitChanges(alice, [], []), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Set("alice", "till", "active", "1: u*1"), "alice@active", "a").ThenAccepted();
    }

    [Fact]
    public void Keys_that_stand_in_an_authority_are_known_until_they_stand_in_none()
    {
        var spec = Given(AliceOwns).ThenThat(b => b.Bank.Knows(Key('a')).Should().BeTrue());
        spec.ThenThat(b => b.Bank.Knows(Key('b')).Should().BeFalse());
        spec.WhenSigned(Set("alice", "active", "", "1: b*1"), "alice@owner", "o").ThenAccepted()
            .ThenThat(b => (b.Bank.Knows(Key('a')), b.Bank.Knows(Key('b'))).Should().Be((false, true)));
    }

    private static SigningKey Numbered(int number)
    {
        Span<byte> point = stackalloc byte[SigningKey.PointBytes];
        point[0] = 3;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(point[^4..], number);
        return new(KeyKind.Secp256k1, point);
    }
}
