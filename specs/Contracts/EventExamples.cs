using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Domain.Webhooks;

namespace BankingEngine.Specs.Contracts;

/// <summary>
/// One event of every wire name, as events.ndjson beside this file stores it, line by line. What is there was shipped:
/// lines are added, never changed.
/// </summary>
internal static class EventExamples
{
    private static readonly Asset Eur = Asset.Of("EUR", 2), Btc = Asset.Of("BTC", 8);
    private static readonly AccountId Alice = AccountId.Parse("alice"), Bob = AccountId.Parse("bob:savings.1"),
        Cash = AccountId.Parse("bank:cash");
    private static readonly PartyId Anna = PartyId.Parse("019b8e2c-7a00-7000-8000-0000000000a1"),
        Carl = PartyId.Parse("019b8e2c-7a00-7000-8000-0000000000c3");
    private static readonly TransferId Id = TransferId.Parse("019b8e2c-7a00-7000-8000-00000000002a");
    private static readonly RestraintId Restraint = new(TransferId.Parse("019b8e2c-7a00-7000-8000-00000000002c").Value);
    private static readonly CommandId Command = new(Id.Value),
        Other = CommandId.Parse("019b8e2c-7a00-7000-8000-00000000002d");
    private static readonly Instant Noon = Instant.Parse("2026-01-05T12:00:00.000000Z");
    private static readonly BusinessDate Today = BusinessDate.Parse("2026-01-05");
    private static readonly Tag Teller = Tag.Of("teller-1");
    private static readonly UInt128 Print =
        UInt128.Parse("0123456789abcdef0123456789abcdef", System.Globalization.NumberStyles.HexNumber);
    private static readonly Particulars Dated = new(BookedOn: Today);

    private static readonly Particulars Full = new(
        Tag.Of("salary"), "RF18 5390 0754", "sealed.v1.bob:savings.1.cGF5ZWU",
            new("{\"channel\":\"branch\",\"note\":\"Grüße, \\\"Zoë\\\" €\"}"), Today, Today.AddDays(1));

    private static readonly Genesis Genesis = new(
        Tag.Of("main"), BookMode.Live, "529900TESTBANK00TE42", AssetCode.Parse("EUR"), Tag.Of("europe.berlin"),
        Tag.Of("de.target"), Tag.Of("de"), 64_800, Genesis.DefaultIdMemory);

    private static readonly RestraintTerms Garnishment = new(
        Tag.Of("garnishment"), Tag.Of("court.b-mitte"), 2, RestraintScope.Amount, new(500_00, Eur), new(1_402_28, Eur),
        Noon, Noon.AddSeconds(86_400), "sealed.v1.bob:savings.1.b3JkZXI");

    private static readonly SigningKey
        First = SigningKey.Parse("k1:Anm-Zn753LusVaBilc6HCwcCm_zbLc4o2VnygVsW-BeY"),
        Second = SigningKey.Parse("r1:A2sX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW");

    private static readonly Authority Custody =
        new(2, [new(First, 1), new(Second, 1)], [new(Level.Parse("ann@active"), 1)], [new(86_400, 1)]);

    private static readonly Leg[] Pair =
        [new(Alice, Side.Debit, new(12_34, Eur)), new(Bob, Side.Credit, new(12_34, Eur))];

    private static readonly Leg[] Diverted =
    [
        new(Cash, Side.Debit, new(12_34, Eur), "limit.insufficient_funds"),
        new(AccountId.Parse("book:suspense"), Side.Credit, new(12_34, Eur), "account.closed", Bob),
    ];

    public static IReadOnlyList<(LineHead Head, Recorded Recorded)> All { get; } = [.. Events().Select(Lined)];

    private static IEnumerable<(Event Event, Leg[] Legs)> Events() => Transfers().Concat(Accounts()).Concat(Books())
        .Concat(Permissioned()).Concat(Parties()).Concat(Limited()).Concat(Proposed());

    private static IEnumerable<(Event Event, Leg[] Legs)> Transfers() =>
    [
        (new TransferEvent.Made(Id, Alice, Bob, new(12_34, Eur), Full), []),
        (new TransferEvent.Imported(Id, Cash, Bob, new(12_34, Eur), Noon.AddSeconds(-86_400), Dated), Diverted),
        (new TransferEvent.Reserved(Id, Alice, Bob, new(12_34, Eur), Noon.AddSeconds(3_600), Dated), []),
        (new TransferEvent.Posted(Id, Alice, Bob, new(10_00, Eur), new(2_34, Eur), Amount.Zero(Eur), Dated), []),
        (new TransferEvent.Cancelled(Id, Alice, Bob, new(2_34, Eur)), []),
        (new TransferEvent.Expired(Id, Alice, Bob, new(1, Btc)), []),
        (new TransferEvent.Reversed(17, "Paid twice.", Dated), Pair),
        (new EntryEvent.Posted(Id, Full), Pair),
        (new EntryEvent.Adjusted(Id, "Order of 5 January.", Dated), Pair),
        (new EntryEvent.Exchanged(Id, Alice, new(90_000_00, Eur), new(1_0000_0000, Btc), new(90_000_00, Eur),
            Tag.Of("fx"), Dated), Pair),
        (new EntryEvent.YearCarried(2025, new(2025, 12, 31)), Pair),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Accounts() =>
    [
        (new AssetEvent.Registered(Btc, "Bitcoin"), []),
        (new AssetEvent.Retired(AssetCode.Parse("DEM")), []),
        (new AccountEvent.Opened(Bob, AccountClass.Liability, Tag.Of("2100"),
            new(Tag.Of("mitte"), Tag.Of("east"), default),
            AccountFlags.DebitsMustNotExceedCredits, [AssetCode.Parse("EUR"), AssetCode.Parse("BTC")]), []),
        (new AccountEvent.AssetAdded(Bob, AssetCode.Parse("USD")), []),
        (new AccountEvent.LimitsSet(Bob,
            AccountFlags.DebitsMustNotExceedCredits | AccountFlags.CreditsMustNotExceedDebits), []),
        (new AccountEvent.OverdraftGranted(Bob, new(500_00, Eur)), []),
        (new AccountEvent.Closed(Bob, "By the holder."), []),
        (new AccountEvent.Reopened(Bob, "Closed in error."), []),
        (new RestraintEvent.Placed(Restraint, Bob, Garnishment), []),
        (new RestraintEvent.Lifted(Restraint, Bob, "Order withdrawn."), []),
        (new RestraintEvent.Lapsed(Restraint, Bob), []),
        (new RestraintEvent.Seized(Restraint, Bob, Cash, new(500_00, Eur), Dated), Pair),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Books() =>
    [
        (new BookEvent.Opened(Genesis, Today, [Eur, Asset.Of("JPY", 0)]), []),
        (new BookEvent.DayAdvanced(Today, Today.AddDays(1), Noon.AddSeconds(86_400)), []),
        (new BookEvent.PeriodClosedSoftly(Today), []),
        (new BookEvent.PeriodReopened(Today), []),
        (new BookEvent.PeriodClosed(Today), []),
        (new BookEvent.YearClosed(2025), []),
        (new BookEvent.ClockAdvanced(3_600), []),
        (new BookEvent.ClockAccepted(-90_000_000), []),
        (new BookEvent.CheckpointKeyAnnounced("book-main", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"), []),
        (new BookEvent.TimerParked(TimerKinds.Reservation, Id.ToString(), "engine.fault"), []),
        (new ReferenceEvent.Published(Tag.Of("de.target"), 2, Today,
            new ReferenceContent.Calendar([6, 7], [new(2026, 12, 25), new(2026, 12, 26)]), Teller, Tag.Of("head-ops")),
                []),
        (new KeyEvent.Issued(Teller, 1, UInt128.MaxValue, Scopes.Transfers | Scopes.Read, Noon.AddSeconds(86_400)), []),
        (new KeyEvent.Revoked(Teller, "Left the bank."), []),
        (new CommandEvent.Refused("transfer.make", "limit.insufficient_funds", "The account has not enough.",
            RejectionKind.Refused, 2), []),
        (new CommandEvent.Faulted("transfer.make", "fault-43"), []),
        (new BookEvent.YearClosing(2025), []),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Permissioned() =>
    [
        (new PermissionEvent.Created(Bob, Authority.Of(First), Custody, Channel: true), []),
        (new PermissionEvent.Set(Bob, Tag.Of("payroll"), Tag.Of("active"), Authority.Of(Level.Parse("ann@active"))), []),
        (new PermissionEvent.Removed(Bob, Tag.Of("payroll")), []),
        (new PermissionEvent.Linked(Bob, "transfer.make", Eur.Code, Tag.Of("payroll")), []),
        (new PermissionEvent.Unlinked(Bob, "transfer.make", default), []),
        (new PermissionEvent.ChangesLimited(Bob, [Tag.Of("owner")], []), []),
        (new PermissionEvent.KeyBound(Teller, Level.Parse("bank@mobile"), Tag.Of("channel")), []),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Parties() =>
    [
        (new PartyEvent.Registered(Anna, PartyKind.Person, Tag.Of("de"), "sealed.v1.p:anna.TmFtZQ", Alice), []),
        (new PartyEvent.StandingSet(Anna, Standing.Verified, "Papers seen."), []),
        (new PartyEvent.ActorSet(Anna, Bob), []),
        (new PartyEvent.Died(Anna, Today, new(1, UInt128.MaxValue), Noon), []),
        (new PartyEvent.Incapacitated(Anna, Today, new(1, UInt128.MaxValue), Noon), []),
        (new PartyEvent.IncapacityLifted(Anna, "By order of the court."), []),
        (new RoleEvent.HoldersSet(Bob, HolderMode.Joint, true, [new(Anna, 1_000_000), new(Carl, 0)], Noon), []),
        (new RoleEvent.Granted(Bob, Carl, RoleKind.Attorney, Anna, Noon, Noon.AddSeconds(86_400),
            new(["transfer.make", "transfer.reserve"], new(500_00, Eur))), []),
        (new RoleEvent.Revoked(Bob, Carl, RoleKind.Attorney, Anna, Noon, "By the holder."), []),
        (new IdentifierEvent.Added(Bob, IdentifierKind.VirtualIban, "sealed.v1.bob:savings.1.SUJBTg", Print, "rent",
            Noon, Noon.AddSeconds(86_400)), []),
        (new IdentifierEvent.Ended(Bob, Print, Noon, "Moved away."), []),
        (new AccessEvent.Recorded(Teller, "party.read", Anna, Bob, "Call of the customer."), []),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Limited() =>
    [
        (new SpendingEvent.LimitSet(Bob, Tag.Of("payroll"), Eur.Code, new(new(500_00, Eur), new(2_000_00, Eur), 86_400,
            [Counterparty.Parse("alice"), Counterparty.Parse("shop:")])), []),
        (new SpendingEvent.LimitRemoved(Bob, Tag.Of("payroll"), Eur.Code), []),
        (new SpendingEvent.Spent(Bob, Tag.Of("payroll"), new(12_34, Eur), Noon.AddSeconds(5_400), Noon.AddSeconds(-86_400)),
            []),
        (new WalletEvent.Opened(Wallets.NameOf(First)), []),
        (new WalletEvent.VerificationRequested(Wallets.NameOf(First), "sealed.v1.bob:savings.1.cGF5ZWU"), []),
        (new WalletEvent.Closed(Wallets.NameOf(First)), []),
        (new RecoveryEvent.Allowed(Bob, 604_800), []),
        (new RecoveryEvent.Started(Bob, Custody, "sealed.v1.bob:savings.1.cGF5ZWU", Noon.AddSeconds(604_800)), []),
        (new RecoveryEvent.Vetoed(Bob), []),
        (new RecoveryEvent.Completed(Bob), []),
    ];

    private static IEnumerable<(Event Event, Leg[] Legs)> Proposed()
    {
        const string Content = "[{\"command\":\"account.close\",\"fields\":{\"account\":\"bob:savings.1\"}}]";
        Level ann = Level.Parse("ann@active"), head = Level.Parse("bank@head");
        var hash = Hash256.Of(Content);
        yield return (new ProposalEvent.Made(
            Other, new(ann, Teller, [First], [Alice]), [head], [ann, head], Content, hash, Scopes.Accounts,
            FourEyes: true, 3_600, 604_800, Noon, Noon.AddSeconds(86_400)), []);
        yield return (new ProposalEvent.Approved(Other, head, hash, Noon, Noon.AddSeconds(3_600)), []);
        yield return (new ProposalEvent.ApprovalWithdrawn(Other, head, null), []);
        yield return (new ProposalEvent.Cancelled(Other, ann), []);
        yield return (new ProposalEvent.Executed(Other, ann, hash, [head]), []);
        yield return (new ProposalEvent.Expired(Other), []);
        yield return (new ProposalEvent.ApprovalsInvalidated(Bob), []);
        yield return (new ReviewEvent.Used(
            Other, new(Level.Parse("bank@breakglass"), Teller, [], []), "Fire in the branch.", Content, hash,
            Noon.AddSeconds(86_400)), []);
        yield return (new ReviewEvent.Closed(Other, head, Justified: true, "As agreed."), []);
        yield return (new ReviewEvent.Overdue(Other), []);
        yield return (new BookEvent.Led(3, "bank-2.example"), []);
        yield return (new WebhookEvent.Subscribed(
            Tag.Of("reporting"), "https://hooks.example/bank", ["transfer.made.v1"], [Alice],
            "sealed.v1.webhook:reporting.c2VjcmV0", Teller, 80), []);
        yield return (new WebhookEvent.SecretRotated(
            Tag.Of("reporting"), "sealed.v1.webhook:reporting.bmV4dA", Noon.AddSeconds(86_400)), []);
        yield return (new WebhookEvent.Replayed(Tag.Of("reporting"), 1), []);
        yield return (new WebhookEvent.Disabled(Tag.Of("reporting"), Tag.Of("gone"), 82), []);
        yield return (new WebhookEvent.Enabled(Tag.Of("reporting"), Teller), []);
        yield return (new WebhookEvent.Removed(Tag.Of("reporting")), []);
        yield return (new StatementEvent.Issued(
            Alice, 12, Eur.Code, BusinessDate.Parse("2025-12-01"), BusinessDate.Parse("2025-12-31"),
            StatementDates.Booked, 78,
            [new(StatementFormat.Json, Hash256.Of("json")), new(StatementFormat.Html, Hash256.Of("html"))]), []);
        yield return (new StatementEvent.Issued(
            Alice, 13, Eur.Code, BusinessDate.Parse("2026-01-01"), BusinessDate.Parse("2026-01-31"),
            StatementDates.Value, 86,
            [new(StatementFormat.Json, Hash256.Of("json"), 1), new(StatementFormat.Csv, Hash256.Of("csv"), 2)]), []);
    }

    /// <summary>Heads of every form: of the engine, of a caller, alone, the first of several, a later one.</summary>
    private static (LineHead, Recorded) Lined((Event Event, Leg[] Legs) example, int index)
    {
        var own = example.Event is TransferEvent.Made or TransferEvent.Imported or TransferEvent.Reserved
            or EntryEvent.Posted;
        var head = new LineHead(index + 1, Noon.AddMicroseconds(index), Teller, own ? Command : Other, Print, 1, 1);
        if (example.Event is TransferEvent.Expired or RestraintEvent.Lapsed or BookEvent or AccessEvent)
            head = head with { By = Bank.EngineName, Command = default, Print = default };
        if (index == 1) head = head with { Parts = 3 };
        if (index == 2) head = head with { Part = 3, Print = default };
        return (head, new(example.Event, [.. example.Legs]));
    }
}
