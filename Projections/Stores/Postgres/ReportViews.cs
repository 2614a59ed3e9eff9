using System.Collections.Immutable;

namespace BankingEngine.Projections.Stores.Postgres;

/// <summary>A view that whoever reads the database finds beside the tables.</summary>
/// <param name="Tables">What it is made of, if by way of other views: without them it cannot be made.</param>
/// <param name="Sql">The query, given where a table is, and the schema of all else.</param>
/// <param name="Columns">Names and comments in order. Types come from the query.</param>
internal sealed record ViewShape(
    string Name, string Comment, ImmutableArray<string> Tables, Func<Func<string, string>, string, string> Sql,
    ImmutableArray<(string Name, string Comment)> Columns)
{
    /// <summary>Makes it, or lets it read other tables of the same columns: what was granted on it, and what others
    /// have made of it, stays.</summary>
    /// <param name="at">Where a table is.</param>
    public string Create(string schema, Func<string, string> at) =>
        $"create or replace view {schema}.{Name} ({string.Join(", ", Columns.Select(column => column.Name))}) as "
        + Sql(at, schema);

    public IEnumerable<string> Comments(string schema) =>
        Columns.Select(c => $"comment on column {schema}.{Name}.{c.Name} is {StoreSchema.Literal(c.Comment)}")
            .Prepend($"comment on view {schema}.{Name} is {StoreSchema.Literal(Comment)}");
}

/// <summary>
/// The program's reports as views: the same figures, made of the tables by the database. Each row says at which position
/// it is true.
/// </summary>
/// <remarks>
/// Sums and products of <c>numeric</c> are exact. A quotient of two is not, so that minor units become units by a factor.
/// A change of what is here raises <see cref="Version"/>; columns may only be added, and at the end.
/// </remarks>
internal static class ReportViews
{
    /// <summary>Kept as <c>layout</c> with the book's row. 1 was the tables alone.</summary>
    public const int Version = 2;

    private const string Holdings = "a.class in ('asset', 'liability', 'memorandum') and b.balance_minor <> 0";

    private static readonly (string, string)
        Presented = ("presented", "The class it is shown under: by its sign, gross. A liability in debit is an asset."),
        Class = ("class", "Class of the accounts."),
        Chart = ("chart", "Code in the chart of accounts; null: none."),
        Asset = ("asset", "Code of the asset."),
        IsMemorandum = ("is_memorandum", "Client property, apart from what is the bank's own."),
        Holds = ("holds", "Sum of the balances in credit, in units of the asset: what others hold with the bank."),
        Owes = ("owes", "Sum of the balances in debit, in units of the asset: what others owe the bank."),
        Net = ("net", "Holds less owes."),
        Position = ("position", "The events that the row is true of: of account_entries."),
        PriceSet = ("price_set", "Name of the price set."),
        PriceVersion = ("price_version", "Version of the price set."),
        Currency = ("functional_currency", "What values are in."),
        Price = ("price", "Of one whole unit; null where the set has none: then there is no value, and no total has it."),
        Value = ("value", "In the functional currency, rounded half to even, once."),
        Exact = ("position", "The events that the row is true of: those that account_entries and report_facts both have.");

    /// <summary>All of them, each behind those that it is made of.</summary>
    public static ImmutableArray<ViewShape> All { get; } =
    [
        Balances(), Trial(), ByAsset(), CurrencyPositions(), ByParty(), Sheet(), SheetTotals(), IncomeByDay(), IncomeByMonth(),
    ];

    /// <summary>What the views need.</summary>
    public static string Before(string schema) =>
        $"""
        create or replace function {schema}.half_even(value numeric, places int) returns numeric
          language sql immutable strict parallel safe as $$
            select case when abs(value - trunc(value, places)) * ('1e' || places)::numeric = 0.5
                and mod(trunc(value, places) * ('1e' || places)::numeric, 2) = 0
              then trunc(value, places) else round(value, places) end $$;
        comment on function {schema}.half_even(numeric, int) is 'Rounds to so many places; a tie goes to the even one.'
        """;

    /// <summary>What needs the views.</summary>
    /// <remarks>Its text is looked at when it is called, so it hangs on no table.</remarks>
    public static string After(string schema) =>
        $"""
        create or replace function {schema}.income_statement(
            price_set text, price_version int, first_date date, last_date date)
          returns table (class text, chart text, asset text, amount numeric, price numeric, value numeric,
            functional_currency text, "position" bigint)
          language sql stable as $$ {PeriodSql(schema)} $$;
        comment on function {schema}.income_statement(text, int, date, date) is {StoreSchema.Literal(
            "Income and expense of a period, first and last date inclusive, closes of years left out, at the prices of a "
            + "version of a price set. No rows: no such set, or nothing was earned and spent.")}
        """;

    private static string PeriodSql(string schema) => Valued(
        schema,
        $"""
        select d.class, d.chart, d.asset, sum(d.amount) as amount, d.position from {schema}.income_by_day d
        where d.booked_on between $3 and $4 group by d.class, d.chart, d.asset, d.position having sum(d.amount) <> 0
        """,
        "l.class, l.chart, l.asset, l.amount", "k.functional_currency, l.position", "where p.name = $1 and p.version = $2");

    private static ViewShape Balances() => new(
        "account_balances", "Every balance as the trial balance by account shows it.", ["accounts", "balances"],
        (at, schema) =>
            $"""
            select b.account, {PresentedSql}, a.class, a.chart, a.branch, a.region, a.desk, b.asset, b.scale, b.debits,
              b.credits, greatest(-b.balance, 0), greatest(b.balance, 0), {PositionSql(schema)}
            from {at("balances")} b join {at("accounts")} a using (account)
            where b.debits_minor <> 0 or b.credits_minor <> 0
            """,
        [
            ("account", "The account's name."), Presented, Class, Chart, ("branch", "Dimension; null: none."),
            ("region", "Dimension; null: none."), ("desk", "Dimension; null: none."), Asset,
            ("scale", "Decimals of the asset."), ("debits", "Turnover: all debits posted, in units of the asset."),
            ("credits", "Turnover: all credits posted."), ("debit_balance", "What it is in debit; else zero."),
            ("credit_balance", "What it is in credit; else zero."), Position,
        ]);

    private static ViewShape Trial() => new(
        "trial_balance", "The trial balance by chart code: debits and credits of an asset are equal in sum.",
        ["accounts", "balances"],
        (_, schema) =>
            $"""
            select presented, class, chart, asset, case when class = 'liability' and presented = 'asset' then
                'overdrawn customers' when class = 'asset' and presented = 'liability' then 'assets in credit' end,
              sum(debits), sum(credits), sum(debit_balance), sum(credit_balance), position
            from {schema}.account_balances group by presented, class, chart, asset, credit_balance > 0, position
            """,
        [
            Presented, Class, Chart, Asset,
            ("heading", "What a line is called that stands under another class than its own; else null."),
            ("debits", "Turnover: all debits posted, in units of the asset."), ("credits", "Turnover: all credits posted."),
            ("debit_balance", "Sum of the balances in debit; one of the two balances is zero."),
            ("credit_balance", "Sum of the balances in credit."), Position,
        ]);

    private static ViewShape ByAsset() => new(
        "exposures", "What others hold with the bank and owe it, by asset.", ["accounts", "balances"],
        (at, schema) =>
            $"""
            select b.asset, a.class = 'memorandum', sum(greatest(b.balance, 0)), sum(greatest(-b.balance, 0)),
              sum(b.balance), {PositionSql(schema)}
            from ({Minor(at)}) b join {at("accounts")} a using (account) where {Holdings}
            group by b.asset, a.class = 'memorandum'
            """,
        [Asset, IsMemorandum, Holds, Owes, Net, Position]);

    private static ViewShape CurrencyPositions() => new(
        "currency_positions", "Open currency positions by desk and asset, and what they cost.", ["balances"],
        (at, schema) =>
            $"""
            select desk, max(asset) filter (where is_position), coalesce(sum(balance) filter (where is_position), 0),
              coalesce(-sum(balance) filter (where not is_position), 0), {PositionSql(schema)}
            from (select split_part(b.account, ':', 2) as desk, b.asset, b.balance, b.account like 'pos:%' as is_position,
                case when b.account like 'pos:%' then lower(b.asset) else split_part(b.account, ':', 3) end as key
              from {at("balances")} b where (b.account like 'pos:%' or b.account like 'eqv:%'
                and b.asset = (select functional_currency from {schema}.book)) and b.account ~ '^...:[^:]+:[^:]+$') p
            group by desk, key having bool_or(is_position)
            """,
        [
            ("desk", "Whose exchanges it comes from."), Asset,
            ("open", "What the bank holds more of the asset than it owes, in units of it: positive is long."),
            ("cost", "What that cost, in the functional currency: positive was paid."), Position,
        ]);

    private static ViewShape ByParty() => new(
        "party_exposures", "What parties hold and owe through the accounts they are holders of, by their shares.",
        ["accounts", "balances", "account_holders"],
        (at, schema) =>
            $"""
            select party, asset, is_memorandum, sum(greatest(part, 0) * unit), sum(greatest(-part, 0) * unit),
              sum(part * unit), {PositionSql(schema)}, {PositionSql(schema, "report_facts")}
            from (select party, asset, is_memorandum, unit, part + case when holder_no < abs(balance_minor
                - sum(part) over (partition by account, asset)) then sign(balance_minor) else 0 end as part
              from (select h.party, h.holder_no, b.account, b.asset, a.class = 'memorandum' as is_memorandum,
                  b.balance_minor, ('1e-' || b.scale)::numeric as unit,
                  case when sum(h.share_ppm) over each = 0 then div(b.balance_minor, count(*) over each)
                    else div(b.balance_minor * h.share_ppm, sum(h.share_ppm) over each) end as part
                from ({Minor(at)}) b join {at("accounts")} a using (account)
                join {at("account_holders")} h using (account) where {Holdings}
                window each as (partition by b.account, b.asset)) shared) parts
            group by party, asset, is_memorandum
            """,
        [
            ("party", "The party's id; what is known of it is sealed and not here."), Asset, IsMemorandum, Holds, Owes, Net,
            ("position", "The events that the balances are true of: of account_entries."),
            ("holders_position", "The events that the shares are true of: of report_facts."),
        ]);

    private static ViewShape Sheet() => new(
        "balance_sheet", "The balance sheet in the functional currency, by version of a price set: name one.",
        ["accounts", "balances", "price_sets", "prices"],
        (at, schema) => Valued(
            schema,
            $"""
            select presented, class, chart, asset, sum(case when presented in ('asset', 'expense', 'memorandum')
                then debit_balance - credit_balance else credit_balance - debit_balance end) as amount, position
            from {schema}.account_balances where debit_balance <> credit_balance
            group by presented, class, chart, asset, credit_balance > 0, position
            """,
            "p.name, p.version, l.presented, l.class, l.chart, l.asset, l.amount", "k.functional_currency, l.position",
            at: at),
        [
            PriceSet, PriceVersion, Presented, Class, Chart, Asset,
            ("amount", "In units of the asset; positive on the section's own side. Memorandum accounts: positive in debit."),
            Price, Value, Currency, Position,
        ]);

    private static ViewShape SheetTotals() => new(
        "balance_sheet_totals", "Assets equal liabilities, equity, result and what rounding left. Client property is apart.",
        ["accounts", "balances", "price_sets", "prices"],
        (_, schema) =>
            $"""
            select price_set, price_version, functional_currency, assets, liabilities, equity, result,
              assets - liabilities - equity - result, without_price, position
            from (select price_set, price_version, functional_currency, position,
                {TotalSql("asset")} as assets, {TotalSql("liability")} as liabilities, {TotalSql("equity")} as equity,
                {TotalSql("income")} - {TotalSql("expense")} as result,
                count(distinct asset) filter (where price is null) as without_price
              from {schema}.balance_sheet group by price_set, price_version, functional_currency, position) t
            """,
        [
            PriceSet, PriceVersion, Currency, ("assets", "Total of the values."), ("liabilities", "Total of the values."),
            ("equity", "Total of the values."), ("result", "Income less expense, not yet carried to equity."),
            ("rounding_remainder", "What rounding line by line left."),
            ("assets_without_price", "How many assets have no price in the set: they are in no total."), Position,
        ]);

    private static ViewShape IncomeByDay() => new(
        "income_by_day", "Income and expense by accounting date, closes of years left out.",
        ["accounts", "entries", "carried_results"],
        (at, schema) =>
            $"""
            select e.booked_on, a.class, a.chart, e.asset,
              sum(case when (e.side = 'debit') = (a.class = 'expense') then e.amount else -e.amount end), n.position
            from {at("entries")} e join {at("accounts")} a using (account)
            join (select min(position) as position from {schema}.projections
              where name in ('account_entries', 'report_facts')) n on e.position <= n.position
            where a.class in ('income', 'expense')
              and not exists (select from {at("carried_results")} c where c.position = e.position)
            group by e.booked_on, a.class, a.chart, e.asset, n.position
            """,
        [
            ("booked_on", "Accounting date."), Class, Chart, Asset,
            ("amount", "What was earned, or of an expense spent, in units of the asset."), Exact,
        ]);

    private static ViewShape IncomeByMonth() => new(
        "income_by_month", "The income statement of each calendar month, by version of a price set: name one.",
        ["accounts", "entries", "carried_results", "price_sets", "prices"],
        (at, schema) => Valued(
            schema,
            $"""
            select date_trunc('month', booked_on)::date as month, class, chart, asset, sum(amount) as amount, position
            from {schema}.income_by_day group by 1, class, chart, asset, position having sum(amount) <> 0
            """,
            "p.name, p.version, l.month, l.class, l.chart, l.asset, l.amount", "k.functional_currency, l.position",
            at: at),
        [
            PriceSet, PriceVersion, ("month", "Its first day."), Class, Chart, Asset,
            ("amount", "What was earned, or of an expense spent, in units of the asset."), Price, Value, Currency, Exact,
        ]);

    private const string PresentedSql =
        """
        case when a.class = 'liability' and b.balance < 0 then 'asset' when a.class = 'asset' and b.balance > 0
          then 'liability' else a.class end
        """;

    private static string Minor(Func<string, string> at) =>
        $"select account, asset, scale, balance, credits_minor - debits_minor as balance_minor from {at("balances")}";

    private static string PositionSql(string schema, string model = "account_entries") =>
        $"(select position from {schema}.projections where name = '{model}')";

    private static string TotalSql(string section) => $"coalesce(sum(value) filter (where presented = '{section}'), 0)";

    /// <summary>Puts price and value between the columns of lines.</summary>
    private static string Valued(
        string schema, string lines, string before, string after, string where = "", Func<string, string>? at = null)
    {
        at ??= table => $"{schema}.{table}";
        const string price = "case when l.asset = k.functional_currency then 1 else v.price end";
        return $"""
            select {before}, {price}, {schema}.half_even(l.amount * {price}, k.functional_scale), {after}
            from ({lines}) l cross join {schema}.book k cross join {at("price_sets")} p
            left join {at("prices")} v on v.price_set = p.name and v.version = p.version and v.asset = l.asset {where}
            """;
    }
}
