using BankingEngine.Application.Engine;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Host.Api.Fields;

namespace BankingEngine.Host.Api;

/// <summary>
/// Every command of the channel, in one table: routes, batches and the API's description are made from it.
/// </summary>
public static partial class CommandCatalogue
{
    /// <summary>The command whose legs come from the journal.</summary>
    public const string Reversal = "transfer.reverse";

    private static Field[] Said { get; } = [Code, Reference, Fields.Metadata, BookedOn, ValueOn];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<CommandSpec> All { get; } =
        [.. OfLedger(), .. OfAuthority(), .. OfParties(), .. OfLimits(), .. OfWallets(), .. OfProposals(),
            .. OfWebhooks(), .. OfStatements()];

    private static CommandSpec[] OfLedger() =>
    [
        new("transfer.make", "transfers", Scopes.Transfers, "Move money at once, or reserve it",
            [Debit, Credit, Fields.Amount],
            [.. Said, Remittance, Pending, TimeoutSeconds, Fields.Balancing, Fields.Transfer],
            MakeTransfer,
            """
            {"debit":"bank:cash","credit":"customers:alice","amount":{"asset":"EUR","amount":"25.00"},
             "reference":"inv-4711"}
            """) { Creates = true },
        new("transfer.post", "transfers/{transfer}/post", Scopes.Transfers, "Post a reservation, whole or in part",
            [Fields.Transfer], [Fields.Amount, Final, .. Said],
            static (f, _) =>
                new PostTransfer(f.Transfer, f.Has(Fields.Amount) ? f.Amount : null, f.Final, Particulars(f)),
            """{"amount":{"asset":"EUR","amount":"10.00"},"final":true}"""),
        new("transfer.cancel", "transfers/{transfer}/cancel", Scopes.Transfers, "Release a reservation",
            [Fields.Transfer], [],
            static (f, _) => new CancelTransfer(f.Transfer),
            "{}"),
        new(Reversal, "transfers/{transfer}/reverse", Scopes.Adjust, "Correct a posting by its mirror",
            [Fields.Transfer, Reason], [.. Said, Position],
            ReverseTransfer,
            """{"reason":"booked twice"}""") { Creates = true },
        new("transfer.import", "imports/transfers", Scopes.Import, "Book what already happened elsewhere",
            [Debit, Credit, Fields.Amount, Originated], [.. Said, Remittance, Fields.Transfer],
            ImportTransfer,
            """
            {"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"5.00"},
             "originated":"2025-12-31T10:00:00.000000Z"}
            """) { Creates = true },
        new("entry.post", "entries", Scopes.Transfers, "Post an entry of any number of legs",
            [Fields.Legs], [.. Said, Remittance, Adjust, Fields.Transfer],
            PostEntry,
            """
            {"legs":[{"account":"customers:alice","side":"debit","amount":{"asset":"EUR","amount":"3.00"}},
                     {"account":"bank:fees","side":"credit","amount":{"asset":"EUR","amount":"3.00"}}]}
            """) { Creates = true },
        new("exchange.make", "exchanges", Scopes.Transfers, "Exchange assets through a desk's currency positions",
            [Account, Sold, Bought, Desk], [.. Said, Remittance, Equivalent, Fields.Transfer],
            Exchange,
            """
            {"account":"customers:alice","sold":{"asset":"EUR","amount":"10.00"},
             "bought":{"asset":"USD","amount":"11.50"},"desk":"fx"}
            """) { Creates = true },

        new("account.open", "accounts", Scopes.Accounts, "Open an account",
            [Account, Class, Chart], [Assets, AnyAsset, LimitsSet, Branch, Region, Desk],
            OpenAccount,
            """
            {"account":"customers:carol","class":"liability","chart":"2000","assets":["EUR"],
             "limits":["debits_must_not_exceed_credits"]}
            """) { Creates = true },
        new("account.add_asset", "accounts/{account}/assets", Scopes.Accounts, "Open an account for one more asset",
            [Account, Fields.Asset], [],
            static (f, _) => new AddAsset(f.Account, f.Asset),
            """{"asset":"USD"}"""),
        new("account.set_limits", "accounts/{account}/limits", Scopes.Accounts, "Replace an account's limits",
            [Account, LimitsSet], [],
            static (f, _) => new SetLimits(f.Account, f.SetFlags),
            """{"limits":[]}"""),
        new("account.grant_overdraft", "accounts/{account}/overdraft", Scopes.Accounts, "Grant or end an overdraft",
            [Account, Limit], [],
            static (f, _) => new GrantOverdraft(f.Account, f.Limit),
            """{"limit":{"asset":"EUR","amount":"500.00"}}"""),
        new("account.close", "accounts/{account}/close", Scopes.Accounts, "Close an empty account",
            [Account, Reason], [],
            static (f, _) => new CloseAccount(f.Account, f.Why!),
            """{"reason":"customer asked"}"""),
        new("account.reopen", "accounts/{account}/reopen", Scopes.Accounts, "Reopen a closed account",
            [Account, Reason], [],
            static (f, _) => new ReopenAccount(f.Account, f.Why!),
            """{"reason":"closed by mistake"}"""),

        new("restraint.place", "accounts/{account}/restraints", Scopes.Restraints, "Hold back all, or an amount",
            [Account, ReasonCode, Fields.Authority, Scope],
            [Fields.Restraint, Rank, Fields.Amount, ProtectedMinimum, From, Until, Note],
            PlaceRestraint,
            """
            {"reason":"garnishment","authority":"court.b-mitte","scope":"amount",
             "amount":{"asset":"EUR","amount":"10.00"}}
            """) { Creates = true },
        new("restraint.lift", "restraints/{restraint}/lift", Scopes.Restraints, "Lift one restraint",
            [Fields.Restraint, Reason], [],
            static (f, _) => new LiftRestraint(new(f.Restraint.Value), f.Why!),
            """{"reason":"order withdrawn"}"""),
        new("restraint.seize", "restraints/{restraint}/seize", Scopes.Restraints, "Take restrained money, by law",
            [Fields.Restraint, To, Fields.Amount], Said,
            static (f, _) => new Seize(new(f.Restraint.Value), f.To, f.Amount, Particulars(f)),
            """{"to":"bank:blocked-funds","amount":{"asset":"EUR","amount":"5.00"}}""") { Creates = true },

        new("asset.register", "assets", Scopes.Reference, "Make an asset known",
            [Fields.Asset, Scale, Title], [],
            static (f, _) => new RegisterAsset(f.Asset, (byte)f.Number, f.Title!),
            """{"asset":"BTC","scale":8,"title":"Bitcoin"}""") { Creates = true },
        new("asset.retire", "assets/{asset}/retire", Scopes.Reference, "Retire an asset",
            [Fields.Asset], [],
            static (f, _) => new RetireAsset(f.Asset),
            "{}"),
        new("period.close", "periods/close", Scopes.Periods, "Close a period, softly or for good",
            [Through], [ForGood],
            ClosePeriod,
            """{"through":"2025-12-31"}"""),
        new("period.reopen", "periods/reopen", Scopes.Periods, "Reopen what is softly closed, from a date on",
            [ReopenFrom], [],
            static (f, _) => new ReopenPeriod(f.Through),
            """{"from":"2025-12-01"}"""),
        new("year.close", "years/{year}/close", Scopes.Periods, "Carry a year's result to retained earnings",
            [Year], [],
            static (f, _) => new CloseYear((int)f.Number),
            "{}"),
        new("reference.publish", "reference", Scopes.Reference, "Publish the next version of reference data",
            [Name, InForceFrom, Content], [Approver],
            static (f, _) => new PublishReference(f.Name, f.InForceFrom, f.Content!, f.Approver),
            """
            {"name":"tariff","in_force_from":"2030-01-01","content":{"document":{"text":"Transfers are free."}}}
            """) { Creates = true },
        new("key.issue", "keys", Scopes.Keys, "Issue a key; its token is shown once",
            [Key, ScopesGiven], [Expires],
            IssueKey,
            """{"key":"channel-app","scopes":["transfers","read"]}""") { Creates = true, InBatch = false },
        new("key.revoke", "keys/{key}/revoke", Scopes.Keys, "Revoke a key",
            [Key, Reason], [],
            static (f, _) => new RevokeKey(f.Key, f.Why!),
            """{"reason":"no longer used"}"""),
        new("clock.advance", "sandbox/clock", Scopes.Sandbox, "Advance a sandbox book's clock",
            [Seconds], [],
            static (f, _) => new AdvanceClock(f.Number),
            """{"seconds":86400}""") { InSandboxOnly = true },
        new("clock.accept", "clock/accept", Scopes.Operate, "Accept a step of the machine's clock",
            [StepMicroseconds], [],
            static (f, _) => new AcceptClock(f.Number),
            """{"step_microseconds":3600000000}"""),
    ];

    private static readonly Dictionary<string, CommandSpec> ByName =
        All.ToDictionary(spec => spec.Name, StringComparer.Ordinal);

    public static CommandSpec? Named(string name) => ByName.GetValueOrDefault(name);

    private static Built MakeTransfer(CommandFields f, Sealing sealing)
    {
        var particulars = Particulars(f, sealing, f.Debit);
        if (f.Pending)
        {
            int? timeout = f.Has(TimeoutSeconds) ? f.TimeoutSeconds : null;
            return new(
                new ReserveTransfer(f.Debit, f.Credit, f.Amount, timeout, particulars, NameOf(f), f.Balancing),
                "transfer.reserve");
        }
        if (f.Has(TimeoutSeconds)) return new Flaw(EdgeProblems.FieldsExclude, TimeoutSeconds.Name);
        return new MakeTransfer(f.Debit, f.Credit, f.Amount, particulars, NameOf(f), f.Balancing);
    }

    private static Built ReverseTransfer(CommandFields f, Sealing sealing) => new(
        new ReverseEntry(f.Has(Position) ? f.Number : 0, [], f.Why!, Particulars(f)), Reverses: f.Transfer);

    private static Built ImportTransfer(CommandFields f, Sealing sealing) => new ImportTransfer(
        f.Debit, f.Credit, f.Amount, f.Originated, Particulars(f, sealing, f.Debit), NameOf(f));

    /// <summary>Whose text the remittance of an entry is: of the first account that is debited.</summary>
    private static Built PostEntry(CommandFields f, Sealing sealing)
    {
        var subject = f.Legs.FirstOrDefault(leg => leg.Side == Side.Debit).Account;
        if (f.Has(Remittance) && subject.IsNone) return new Flaw(EdgeProblems.FieldMissing, Fields.Legs.Name);
        var particulars = Particulars(f, sealing, subject);
        if (f.Has(Adjust)) return new(new AdjustEntry(f.Legs, f.Why!, particulars, NameOf(f)), "entry.adjust");
        return new PostEntry(f.Legs, particulars, NameOf(f));
    }

    private static Built Exchange(CommandFields f, Sealing sealing) => new ExchangeAssets(
        f.Account, f.Sold, f.Bought, f.Has(Equivalent) ? f.Equivalent : null, f.Desk,
        Particulars(f, sealing, f.Account), NameOf(f));

    private static Built OpenAccount(CommandFields f, Sealing sealing)
    {
        var flags = f.SetFlags | (f.AnyAsset ? AccountFlags.AnyAsset : AccountFlags.None);
        return new OpenAccount(f.Account, f.Class, f.Chart, new(f.Branch, f.Region, f.Desk), flags, f.Assets);
    }

    private static Built PlaceRestraint(CommandFields f, Sealing sealing) => new PlaceRestraint(
        f.Has(Fields.Restraint) ? new RestraintId(f.Restraint.Value) : null, f.Account, f.Reason, f.Authority, f.Rank,
        f.Scope, f.Has(Fields.Amount) ? f.Amount : null, f.Has(ProtectedMinimum) ? f.ProtectedMinimum : null,
        f.Has(From) ? f.From : null, f.Has(Until) ? f.Until : null,
        f.Note is null ? null : sealing.Seal(f, Note, f.Account, f.Note));

    private static Built ClosePeriod(CommandFields f, Sealing sealing) =>
        f.Has(ForGood) && f.Final ? new ClosePeriod(f.Through) : new ClosePeriodSoftly(f.Through);

    private static Built IssueKey(CommandFields f, Sealing sealing)
    {
        var token = ApiKeys.NewToken(f.Key, out var high, out var low);
        return new(new IssueKey(f.Key, high, low, f.Scopes, f.Has(Expires) ? f.Expires : null), Secret: new("token", token));
    }

    private static TransferId? NameOf(CommandFields f) => f.Has(Fields.Transfer) ? f.Transfer : null;

    private static Particulars Particulars(CommandFields f, Sealing sealing, AccountId subject)
    {
        if (f.Remittance is null) return Particulars(f);
        return Particulars(f) with { Remittance = sealing.Seal(f, Remittance, subject, f.Remittance) };
    }

    private static Particulars Particulars(CommandFields f)
    {
        BusinessDate? booked = f.Has(BookedOn) ? f.BookedOn : null, value = f.Has(ValueOn) ? f.ValueOn : null;
        return f.Code.IsNone && f.Reference is null && f.Metadata is null && booked is null && value is null
            ? Domain.Ledger.Particulars.None
            : new(f.Code, f.Reference, null, f.Metadata, booked, value);
    }
}
