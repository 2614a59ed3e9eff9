using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Specs.Domain.Ledger;
using static BankingEngine.Specs.Domain.Accounts.AuthorityWords;
using static BankingEngine.Specs.Domain.Accounts.LimitWords;
using static BankingEngine.Specs.Domain.Accounts.PartyWords;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Accounts;

/// <summary>Ways around authority, people, limits and the rules of wallets that were tried and are closed.</summary>
public sealed class AttackSpecs
{
    private const int Day = 86_400;

    private static readonly string W = WalletOf('w');

    private static readonly BindKey ToAcme = new(Tag.Of("partner"), At("acme@active"), Tag.Of("channel"));

    /// <summary>Caller 1: a key of all scopes that stands for acme, whose key is x.</summary>
    private static LedgerSpec WithPartner(params Command[] more) => Given(
    [
        new IssueKey(Tag.Of("partner"), 3, 4, Scopes.All, null), Open("acme"), Own("acme", "1: x*1"),
        Fund("acme", "5"), Fund("alice", "9"), .. more,
    ]).WhenCarried(ToAcme, "acme@active", "x").ThenAccepted();

    private static LedgerSpec Ruled(params Command[] more) => Given(
    [
        new RegisterAsset(AssetCode.Parse("PTS"), 2, "Points"),
        Open("vault", AccountClass.Memorandum, Unlimited, "PTS", "EUR"),
        Rule(Day, 2 * Day, "PTS 1.00 100.00 200.00 1000.00"), .. more,
    ]);

    [Fact]
    public void A_partners_key_gives_the_banks_word_for_nobodys_account_whatever_was_signed_beside_it()
    {
        var held = Name(1);
        var spec = WithPartner(Reserve(held, "alice", "bob", "5"));
        spec.When(new CancelTransfer(held), caller: 1).ThenRefused(AuthorityRejections.Missing);
        spec.WhenCarried(Linked(Pay("acme", "bob", "1"), new CancelTransfer(held)), "acme@active", "x", caller: 1)
            .ThenRefused(AuthorityRejections.Missing, link: 2);
        spec.WhenCarried(Linked(Pay("acme", "bob", "1"), new CloseAccount(Account("bob"), "gone")), "acme@active", "x", caller: 1)
            .ThenRefused(AuthorityRejections.Missing, link: 2);
    }

    [Fact]
    public void A_partners_key_does_not_become_the_banks_by_issuing_or_binding_keys()
    {
        var spec = WithPartner();
        spec.When(new IssueKey(Tag.Of("second"), 5, 6, Scopes.All, null), caller: 1).ThenRefused(AuthorityRejections.Missing);
        spec.When(new BindKey(Tag.Of("partner"), Permissions.BankChannel, Permissions.Channel), caller: 1)
            .ThenRefused(AuthorityRejections.Missing);
        spec.When(new BindKey(Tag.Of("partner"), Permissions.BankChannel, Permissions.Channel)).ThenAccepted();
    }

    [Fact]
    public void A_key_whose_permission_was_removed_stands_for_nothing()
    {
        var spec = Given(new IssueKey(Tag.Of("partner"), 3, 4, Scopes.All, null), Open("acme"), Own("acme", "1: x*1"), Fund("alice", "9"));
        spec.WhenSigned(Set("acme", "app", "active", "1: y*1"), "acme@active", "x").ThenAccepted();
        spec.WhenCarried(new BindKey(Tag.Of("partner"), At("acme@app"), Permissions.Channel), "acme@active", "x").ThenAccepted();
        spec.And(Own("alice", "1: a*1")).WhenSigned(Set("alice", "channel", "active", "1: acme@app*1"), "alice@active", "a").ThenAccepted();
        spec.When(Pay("alice", "bob", "1"), caller: 1).ThenAccepted();
        spec.WhenSigned(new RemovePermission(Account("acme"), Tag.Of("app")), "acme@active", "x").ThenAccepted();
        spec.When(Pay("alice", "bob", "1"), caller: 1).ThenRefused(AuthorityRejections.NotSatisfied);
    }

    [Fact]
    public void A_channel_does_not_hand_on_the_payments_that_it_was_let()
    {
        var spec = Given(Own("alice", "1: o*1", "1: a*1", channel: true));
        spec.When(Link("alice", "transfer.make", "any")).ThenRefused(AuthorityRejections.Irrelevant);
        spec.When(Link("alice", "transfer.make", "owner")).ThenRefused(AuthorityRejections.Irrelevant);
        spec.WhenSigned(Link("alice", "transfer.make", "owner"), "alice@active", "a").ThenAccepted();
    }

    [Fact]
    public void A_key_without_the_scope_lets_nothing_happen_for_accounts_that_let_the_channel_pay_either()
    {
        var spec = ProposalBook.Given().And(Fund("alice", "9"), Own("alice", "1: a*1", channel: true),
            new IssueKey(Tag.Of("clerk"), 3, 4, Scopes.Proposals, null));
        const int Clerk = ProposalBook.StrangerKey + 1;
        var channel = At("alice@channel");
        spec.When(Pay("alice", "bob", "1"), caller: Clerk).ThenRefused(Keys.ScopeMissing);
        var id = spec.Proposed(
            ProposalBook.Propose(Pay("alice", "bob", "1")) with { Level = channel, Declared = [channel], Requested = [channel] }, Clerk);
        spec.When(ProposalBook.Approve(spec, id) with { Level = channel }, caller: Clerk).ThenRefused(Keys.ScopeMissing);
        spec.When(ProposalBook.Approve(spec, id) with { Level = channel }).ThenAccepted();
    }

    [Fact]
    public void Break_glass_gives_a_key_no_scope()
    {
        var spec = ProposalBook.Given().And(new IssueKey(Tag.Of("night"), 3, 4, Scopes.Proposals, null),
            new BindKey(Tag.Of("night"), ProposalBook.Glass, Permissions.Channel));
        var use = new BreakGlass(default, "branch system down", "[]", Restrain(1, "alice", RestraintScope.Debits));
        spec.When(use, caller: ProposalBook.StrangerKey + 1).ThenRefused(Keys.ScopeMissing);
        spec.When(use, caller: ProposalBook.GlassKey).ThenAccepted();
    }

    [Fact]
    public void Staff_who_may_do_something_else_give_no_banks_word_for_another_link()
    {
        var open = new OpenAccount(Account("x.acme"), AccountClass.Liability, Tag.Of("2100"), default, default, [AssetCode.Parse("EUR")]);
        var spec = Given(Open("acme"), Own("acme", "1: x*1"), Own("bank", "1: h*1"));
        spec.WhenSigned(Set("bank", "clerk", "active", "1: c*1"), "bank@active", "h").ThenAccepted();
        spec.WhenSigned(Link("bank", "restraint.place", "clerk"), "bank@active", "h").ThenAccepted();
        spec.WhenSigned(open, "acme@active", "x").ThenRefused(AccountNames.NotAsAbove);
        spec.WhenSigned(Linked(Restrain(1, "bob", RestraintScope.Debits), open), "acme@active bank@clerk", "cx")
            .ThenRefused(AccountNames.NotAsAbove, link: 2);
    }

    [Fact]
    public void What_is_asked_comes_to_no_holder_who_is_blocked()
    {
        var spec = GivenPeople(Fund("alice", "9"), Hold("bob", Ben));
        spec.And(Reserve(Name(1), "alice", "bob", "2"), Rate(Ben, Standing.Blocked));
        spec.When(Pay("alice", "bob", "1")).ThenRefused(Parties.Blocked);
        spec.When(Entry(Debit("alice", "1"), Credit("bob", "1"))).ThenRefused(Parties.Blocked);
        spec.When(PostPart(Name(1), "1")).ThenRefused(Parties.Blocked);
        spec.When(new CancelTransfer(Name(1))).ThenAccepted();
        spec.And(Rate(Ben, Standing.Verified)).When(Pay("alice", "bob", "1")).ThenAccepted();
    }

    [Fact]
    public void Staff_pay_for_no_holder_who_may_not()
    {
        var spec = GivenPeople(Fund("bob", "5"), Hold("bob", Ben), Own("bank", "1: h*1"), Rate(Ben, Standing.Suspended));
        spec.When(Pay("bob", "alice", "1")).ThenRefused(Parties.Suspended);
        spec.WhenSigned(Pay("bob", "alice", "1"), "bank@active", "h").ThenRefused(Parties.Suspended);
        spec.And(Rate(Ben, Standing.Verified), Dies(Ben));
        spec.WhenSigned(Pay("bob", "alice", "1"), "bank@active", "h").ThenRefused(Parties.Estate);
    }

    [Fact]
    public void Break_glass_pays_for_no_holder_who_may_not()
    {
        var spec = ProposalBook.Given().And(Fund("bob", "5"), new RegisterParty(Ben, PartyKind.Person, Tag.Of("de"), "sealed.v1.p.x", default),
            Hold("bob", Ben), Rate(Ben, Standing.Suspended));
        spec.When(new BreakGlass(default, "branch system down", "[]", Pay("bob", "alice", "1")), caller: ProposalBook.GlassKey)
            .ThenRefused(Parties.Suspended, link: 1);
    }

    [Fact]
    public void A_mandate_covers_no_more_where_its_giver_signs_by_the_account_itself()
    {
        var spec = GivenPeople(Fund("alice", "100"), Own("carl.id", "1: c*1"), Own("alice", "1: a*1 carl.id@active*1"),
            new SetActor(Anna, Account("alice")), Hold("alice", Anna), Grant("alice", Carl, RoleKind.Attorney, Anna).UpTo("10"));
        spec.WhenSigned(Pay("alice", "bob", "10"), "alice@active", "c").ThenAccepted();
        spec.WhenSigned(Pay("alice", "bob", "11"), "alice@active", "c").ThenRefused(Parties.OverLimit);
        spec.WhenSigned(Pay("alice", "bob", "11"), "alice@active", "a").ThenAccepted();
    }

    [Fact]
    public void An_entry_opens_as_many_wallets_as_it_credits()
    {
        var legs = Enumerable.Range(0, 12).Select(i => Credit(WalletOf((char)('a' + i)), "1.00 PTS")).Append(Debit("vault", "12.00 PTS"));
        Ruled().When(Entry([.. legs])).ThenAccepted().ThenBalance(WalletOf('l'), "1.00 PTS");
    }

    [Fact]
    public void A_wallet_weighs_little()
    {
        var spec = Ruled(Pay("vault", W, "5.00 PTS"));
        var own = Own(W, "1: w*1");
        spec.WhenSigned(own with { Owner = AnyOf("abcdefghijklmnopq") }, $"{W}@owner", "w").ThenRefused(Authority.TooWide);
        spec.WhenSigned(own with { Owner = AnyOf("abcdefghijklmnop") }, $"{W}@owner", "w").ThenAccepted();
        for (var i = 3; i <= Permissions.MaxPermissionsOfWallet; i++)
            spec.WhenSigned(Set(W, $"p{i}", "active", "1: p*1"), $"{W}@active", "w").ThenAccepted();
        spec.WhenSigned(Set(W, "more", "active", "1: p*1"), $"{W}@active", "w").ThenRefused(AuthorityRejections.TooMany);
    }

    private static Authority AnyOf(string keys) =>
        new(1, [.. KeysOf(keys).Order().Select(key => new KeyFactor(key, 1))], [], []);

    [Fact]
    public void A_wallet_has_no_accounts_below_it()
    {
        var spec = Ruled(Pay("vault", W, "10.00 PTS")).WhenSigned(Own(W, "1: w*1"), $"{W}@owner", "w").ThenAccepted();
        var below = new OpenAccount(
            Account("x." + W), AccountClass.Memorandum, Wallets.Chart, default, AccountFlags.DebitsMustNotExceedCredits, [AssetCode.Parse("EUR")]);
        spec.WhenSigned(below, $"{W}@active", "w").ThenRefused(AuthorityRejections.Missing);
    }

    [Fact]
    public void A_wallet_whose_account_was_closed_before_is_removed_in_its_time_and_opened_again_by_a_credit()
    {
        var spec = Ruled(Open("merchant", AccountClass.Memorandum, Limited, "PTS"), Pay("vault", W, "10.00 PTS"))
            .WhenSigned(Pay(W, "merchant", "10.00 PTS"), $"{W}@active", "w").ThenAccepted()
            .WhenSigned(new CloseAccount(Account(W), "done"), $"{W}@active", "w").ThenAccepted().After(2 * Day);
        spec.Book.Bank.Wallets.Rows.Count.Should().Be(0);
        spec.When(Pay("vault", W, "1.00 PTS")).ThenAccepted();
    }

    [Fact]
    public void Strangers_do_not_fill_the_book_with_proposals()
    {
        var spec = Ruled(Pay("vault", W, "10.00 PTS"));
        spec.Book.Bank.Proposals.Reader = _ => null;
        var level = At($"{W}@active");
        var command = Pay(W, "vault", "0.01 PTS");
        var make = new MakeProposal(level, [level], [level], "[]", [command], spec.Book.Now.AddSeconds(Day));
        for (var i = 0; i < Proposals.MaxOpenOfWallet; i++) spec.WhenSigned(make, $"{W}@active", "w");
        spec.ThenAccepted().WhenSigned(make, $"{W}@active", "w").ThenRefused(ProposalRejections.TooManyOfAccount);
    }

    [Fact]
    public void People_of_one_link_are_asked_once()
    {
        var names = Enumerable.Range(0, 64).Select(i => $"m{i:00}").ToArray();
        var all = new Authority(64, [], [.. names.Select(n => new AccountFactor(At($"{n}@active"), 1))], []);
        var spec = GivenPeople([Fund("alice", "100"), .. names.SelectMany(n => (Command[])[Open(n), Own(n, "1: k*1")]),
            new CreatePermissions(Account("alice"), all, all, false)]);
        var chain = new Chain([.. Enumerable.Repeat(Pay("alice", "bob", "0.01"), 1_000)]);
        spec.WhenSigned(chain, "alice@active", "k");
        spec.ThenAccepted();
        spec.Book.Bank.Satisfaction.Counted.Count.Should().BeLessThanOrEqualTo(65);
    }

    [Fact]
    public void A_tree_that_grew_wider_than_allowed_after_it_was_checked_is_not_weighed_to_its_end()
    {
        var spec = Given(Fund("alice", "100"));
        var bank = spec.Book.Bank;
        // Widened from the top down: each authority was narrow when it was named.
        var key = Authority.Of(Key('k'));
        var tops = Enumerable.Range(0, 64).Select(i => $"t{i:00}").ToArray();
        foreach (var name in tops) spec.And(Open(name), new CreatePermissions(Account(name), key, key, false));
        var wide = new Authority(1, [], [.. tops.Select(n => new AccountFactor(At($"{n}@active"), 1))], []);
        spec.And(new CreatePermissions(Account("alice"), key, wide, false));
        foreach (var name in tops)
        {
            var leaves = new List<AccountFactor>();
            for (var i = 0; i < 40; i++)
            {
                var leaf = $"l{i:00}-{name}";
                spec.And(Open(leaf), new CreatePermissions(Account(leaf), key, Rule("1: z*1"), false));
                leaves.Add(new(At($"{leaf}@active"), 1));
            }
            spec.Book.Engine(new SetPermission(Account(name), Permissions.Active, default, new(1, [], [.. leaves], [])));
        }
        spec.WhenSigned(Pay("alice", "bob", "1"), "alice@active", "y").ThenRefused(AuthorityRejections.NotSatisfied);
        bank.Satisfaction.Weighed.Should().BeLessThanOrEqualTo(Satisfaction.MaxWeighed);
    }

    [Fact]
    public void A_strangers_passkey_does_not_stand_for_that_of_the_account() =>
        Given(Fund("alice", "100"), Fund("bob", "5"), Own("alice", "1: o*1", "1: a*1 A*1"), Own("bob", "1: B*1"))
            .WhenSigned(Limit("alice", "active") with { PasskeyAbove = Stated("10") }, "alice@owner", "o").ThenAccepted()
            .WhenSigned(Linked(Pay("bob", "cash", "1"), Pay("alice", "bob", "11")), "alice@active bob@active", "aB")
            .ThenRefused(SpendingRejections.PasskeyMissing, link: 2)
            .WhenSigned(Linked(Pay("bob", "cash", "1"), Pay("alice", "bob", "11")), "alice@active bob@active", "AB").ThenAccepted();

    [Fact]
    public void The_book_comes_back_from_a_snapshot_with_all_that_accounts_allow()
    {
        var spec = ProposalBook.Given().And(new RegisterAsset(AssetCode.Parse("PTS"), 2, "Points"), Fund("bob", "5"),
            Open("vault", AccountClass.Memorandum, Unlimited, "PTS"), Rule(Day, 2 * Day, "PTS 1.00 100.00 200.00 1000.00"),
            Pay("vault", W, "10.00 PTS"), Own("alice", "1: o*1", "1: a*1 A*1", channel: true));
        spec.WhenSigned(Pay(W, "vault", "1.00 PTS"), $"{W}@active", "w").ThenAccepted();
        spec.WhenSigned(Limit("alice", "channel", "5", "9", Day, "bob") with { PasskeyAbove = Stated("3") }, "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Set("alice", "recovery", "owner", "1: r*1 60s*1 bank@head*1"), "alice@owner", "o");
        spec.WhenSigned(Set("alice", "recovery", "owner", "2: r*1 bank@head*1 60s*1"), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(new AllowRecovery(Account("alice"), Day), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(new LimitChanges(Account("alice"), [], [Tag.Of("channel")]), "alice@owner", "o").ThenAccepted();
        spec.WhenSigned(Link("alice", "entry.post", "owner"), "alice@owner", "o").ThenAccepted();
        spec.Approved(spec.Proposed(ProposalBook.Propose(Pay("treasury", "alice", "1"))), ProposalBook.BenKey);
        spec.When(new InvalidateApprovals(Account("cleo")), caller: ProposalBook.CleoKey).ThenAccepted();
        spec.When(new BreakGlass(default, "branch system down", "[]", Restrain(1, "bob", RestraintScope.Debits)), caller: ProposalBook.GlassKey).ThenAccepted();
        using var snapshot = new MemoryStream();
        spec.Book.Bank.Tables.Save(snapshot);
        snapshot.Position = 0;
        var bank = new Bank(seed: 3);
        bank.Tables.Load(snapshot);
        bank.Tables.Digest.Should().Be(spec.Book.Digest);
        bank.Tables.DigestOfRows().Should().Be(spec.Book.Digest);
        bank.Permissions.TryFind(At("alice@recovery"), out var recovery).Should().BeTrue();
        recovery.Should().Be(Rule("2: r*1 bank@head*1 60s*1"));
        bank.SpendingLimits.Of(Account("alice")).Single().Terms.Should().Be(spec.Book.Bank.SpendingLimits.Of(Account("alice")).Single().Terms);
    }

    [Fact]
    public void What_a_lost_key_approved_counts_no_more_after_a_recovery()
    {
        var spec = ProposalBook.Given();
        spec.Signed(new SetPermission(Account("ann"), Recovery.Permission, Owner, Rule("1: p*1")), [At("ann@owner")], ProposalBook.KeyOf('a'))
            .Rejection.Should().BeNull();
        spec.Signed(new AllowRecovery(Account("ann"), Day), [At("ann@owner")], ProposalBook.KeyOf('a')).Rejection.Should().BeNull();
        var id = spec.Proposed(ProposalBook.Propose(Pay("treasury", "bob", "1")));
        spec.Approved(id, ProposalBook.AnnKey, ProposalBook.BenKey);
        spec.WhenSigned(new StartRecovery(Account("ann"), Rule("1: n*1"), "sealed.v1"), "ann@recovery", "p").ThenAccepted().After(Day);
        spec.WhenSigned(new CompleteRecovery(Account("ann")), "ann@recovery", "p").ThenAccepted();
        spec.Book.Bank.Proposals.Rows.TryGet(id, out var row).Should().BeTrue();
        spec.Book.Bank.Proposals.Counting(row, spec.Book.Now, spec.Book.Now).Should().Equal(ProposalBook.Ben);
    }

    [Fact]
    public void What_happened_elsewhere_reaches_no_wallet_in_money_that_it_may_not_hold()
    {
        var spec = Ruled(Pay("vault", W, "10.00 PTS"));
        spec.When(Import("vault", W, "5.00 EUR")).ThenAccepted().ThenBalance(W, "0.00 EUR");
        spec.When(Import("vault", WalletOf('v'), "5.00 PTS"));
        spec.Book.Bank.Wallets.Rows.Count.Should().Be(1);
        spec.When(Adjust(Debit("vault", "5.00 EUR"), Credit(W, "5.00 EUR"))).ThenRefused(LedgerRejections.AssetNotOpened);
    }

    [Fact]
    public void The_widest_tree_is_weighed_no_further_than_takes_milliseconds()
    {
        var many = Enumerable.Range(0, 255).Select(i =>
        {
            Span<byte> point = stackalloc byte[SigningKey.PointBytes];
            (point[0], point[^2], point[^1]) = (2, 1, (byte)i);
            return new KeyFactor(new(KeyKind.P256, point), 1);
        }).ToArray();
        var spec = Given(Fund("alice", "100"));
        var leaves = new List<AccountFactor>();
        var last = new Authority(256, [.. many.Append(new(Key('z'), 1)).OrderBy(f => f.Key)], [], []);
        for (var i = 0; i < 2; i++)
        {
            var inner = new List<AccountFactor>();
            for (var j = 0; j < 100; j++)
            {
                var leaf = $"l{i}-{j:000}";
                spec.And(Open(leaf), new CreatePermissions(Account(leaf), last, last, false));
                inner.Add(new(At($"{leaf}@active"), 1));
            }
            spec.And(Open($"t{i}"), new CreatePermissions(Account($"t{i}"), last, new(1, [], [.. inner], []), false));
            leaves.Add(new(At($"t{i}@active"), 1));
        }
        spec.And(new CreatePermissions(Account("alice"), last, new(1, [], [.. leaves], []), false));
        var proof = new Proof([At("alice@active")], [.. KeysOf("abcdefghijklmnop")], spec.Book.Now.AddSeconds(60), "{}");
        spec.Book.Send(Pay("alice", "bob", "1"), caller: Envelope.Signer, proof: proof).Rejection!.Code.Should().Be(AuthorityRejections.NotSatisfied.Code);
        spec.Book.Bank.Satisfaction.Weighed.Should().BeLessThan(Satisfaction.MaxWeighed + Authority.MaxFactors);
    }
}
