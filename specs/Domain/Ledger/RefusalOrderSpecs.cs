using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using static BankingEngine.Specs.Domain.Ledger.LedgerSpec;
using static BankingEngine.Specs.Domain.Ledger.Words;

namespace BankingEngine.Specs.Domain.Ledger;

/// <summary>The order of <see cref="LedgerRejections"/>: each command meets its "no" and the next one of the table too.</summary>
public sealed class RefusalOrderSpecs
{
    private const string Greatest = "3323069989462289682259517650700861.44";
    private static readonly TransferId NotTimeOrdered = new(5);
    private static readonly Particulars Tomorrow = new(BookedOn: On("2026-03-11"));
    private static readonly Particulars January = new(BookedOn: On("2026-01-31"));
    private static readonly Particulars February = new(BookedOn: On("2026-02-28"));
    private static readonly Particulars Far = new(ValueOn: On("2027-06-01"));

    private static readonly Command[] World =
    [
        new IssueKey(Tag.Of("teller"), 3, 4, Scopes.Transfers, null),
        Open("closed"), new CloseAccount(Account("closed"), "moved"), Open("dollars", assets: "USD"), Fund("alice", "10"),
        Open("any", AccountClass.Asset, AccountFlags.AnyAsset), Open("custody", AccountClass.Memorandum, AccountFlags.AnyAsset),
        Open("full"), Open("drain", AccountClass.Asset, Unlimited), Pay("drain", "full", Greatest),
        Open("blocked"), Fund("blocked", "1"), Restrain(1, "blocked", RestraintScope.Debits),
        Reserve(Name(1), "cash", "alice", "1"), Pay("cash", "alice", "1", id: Name(2)),
        new RetireAsset(AssetCode.Parse("JPY")),
        new ClosePeriodSoftly(On("2026-02-28")), new ClosePeriod(On("2026-01-31")),
    ];

    public static TheoryData<string, int> Rows()
    {
        var rows = new TheoryData<string, int>();
        for (var i = 0; i < Table.Length; i++) rows.Add(Table[i].Code, i);
        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_first_no_of_the_documented_order_is_given(string code, int row) =>
        Given(World).When(Table[row].Command, caller: 1).ThenRefused(new(code, ""));

    private static readonly (string Code, Command Command)[] Table =
    [
        ("transfer.timeout_out_of_range", Reserve(NotTimeOrdered, "nobody", "nobody", "0 XAU", seconds: 0)),
        ("asset.unknown", Pay("nobody", "nobody", "0.001 XAU")),
        ("amount.too_many_decimals", Pay("nobody", "nobody", "-0.001")),
        ("amount.out_of_range", Pay("nobody", "nobody", "-99999999999999999999999999999999999.99")),
        ("amount.not_positive", Pay("nobody", "nobody", "0")),
        ("transfer.same_account", Pay("nobody", "nobody", "1", id: NotTimeOrdered)),
        ("transfer.id_not_uuidv7", Pay("nobody", "no-one", "1", Tomorrow, NotTimeOrdered)),
        ("transfer.already_exists", Pay("nobody", "no-one", "1", Tomorrow, Name(1))),
        ("transfer.debit_account_not_found", Pay("nobody", "no-one", "1", Tomorrow)),
        ("transfer.credit_account_not_found", Pay("cash", "no-one", "1", Tomorrow)),
        ("date.booked_in_future", Pay("cash", "bob", "1 JPY", Tomorrow with { ValueOn = On("2027-06-01") })),
        ("period.closed", Pay("cash", "bob", "1 JPY", January with { ValueOn = On("2027-06-01") })),
        ("period.closed_softly", Pay("cash", "bob", "1 JPY", February with { ValueOn = On("2027-06-01") })),
        ("date.value_too_far", Pay("cash", "bob", "1 JPY", Far)),
        ("asset.retired", Pay("cash", "custody", "1 JPY", id: Name(2))),
        ("transfer.already_exists", Pay("drain", "custody", "1", id: Name(2))),
        ("amount.out_of_range", Pay("drain", "custody", "1")),
        ("entry.memorandum_mixed", Pay("custody", "closed", "1")),
        ("account.closed", Pay("blocked", "closed", "1")),
        ("account.asset_not_opened", Pay("blocked", "dollars", "1")),
        ("restraint.debits", Pay("blocked", "bob", "5")),
        ("limit.insufficient_funds", Pay("alice", "bob", "500")),
        ("entry.too_few_legs", Entry(Debit("nobody", "0 XAU"))),
        ("asset.unknown", Entry(Debit("nobody", "0 XAU"), Credit("nobody", "0"))),
        ("amount.not_positive", Entry(Debit("nobody", "0"), Credit("nobody", "0")) with { Id = NotTimeOrdered }),
        ("transfer.id_not_uuidv7", Entry(Debit("nobody", "1"), Credit("nobody", "1")) with { Id = NotTimeOrdered }),
        ("account.not_found", Entry(Debit("nobody", "1 JPY"), Credit("any", "2 JPY")) with { Particulars = Tomorrow }),
        ("date.booked_in_future", Entry(Debit("cash", "1 JPY"), Credit("any", "2 JPY")) with { Particulars = Tomorrow }),
        ("asset.retired", Entry(Debit("cash", "1 JPY"), Credit("any", "2 JPY"))),
        ("amount.out_of_range", Entry(Debit("drain", "1"), Credit("any", "2"))),
        ("entry.unbalanced", Entry(Debit("custody", "1"), Credit("closed", "2"))),
        ("entry.memorandum_mixed", Entry(Debit("custody", "1"), Credit("closed", "1"))),
        ("account.closed", Entry(Debit("blocked", "5"), Credit("closed", "5"))),
        ("restraint.debits", Entry(Debit("alice", "500"), Debit("blocked", "5"), Credit("cash", "505"))),
        ("exchange.same_asset", Exchange("nobody", "1", "1", "5 USD", desk: "-")),
        ("exchange.equivalent_missing", Exchange("nobody", "1 USD", "1 CHF", desk: "-")),
        ("exchange.desk_unnameable", Exchange("nobody", "1", "1 USD", desk: "-") with { Id = NotTimeOrdered }),
        ("transfer.id_not_uuidv7", Exchange("nobody", "1", "1 USD") with { Id = NotTimeOrdered }),
        ("account.not_found", Exchange("nobody", "1", "1 JPY") with { Particulars = Tomorrow }),
        ("date.booked_in_future", Exchange("bob", "1", "1 JPY") with { Particulars = Tomorrow }),
        ("asset.retired", Exchange("bob", "1", "1 JPY")),
    ];
}
