using System.Text.Json;

namespace BankingEngine.Specs.Api;

public sealed class ReadsSpecs
{
    private const string Alice = "/v1/accounts/customers:alice", Bob = "/v1/accounts/customers:bob";

    [Fact]
    public async Task An_account_says_what_it_is_and_what_is_available_on_it()
    {
        await using var bank = await ReadsHost.StartAsync();
        var account = await bank.Get(Alice);
        account.GetProperty("class").GetString().Should().Be("liability");
        account.GetProperty("flags")[0].GetString().Should().Be("debits_must_not_exceed_credits");
        account.GetProperty("assets").EnumerateArray().Select(a => a.GetString()).Should().Equal("EUR", "USD");
        await bank.Post("/v1/transfers",
            """{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"100"},"pending":true}""");
        var euros = BalanceIn(await bank.Get(Alice + "/balances"), "EUR");
        euros.GetProperty("posted").GetProperty("balance").GetString().Should().Be("923.30");
        euros.GetProperty("pending").GetProperty("debits").GetString().Should().Be("100.00");
        euros.GetProperty("available").GetString().Should().Be("823.30");
    }

    [Fact]
    public async Task Accounts_are_listed_by_class_chart_and_how_their_names_begin()
    {
        await using var bank = await ReadsHost.StartAsync();
        Ids(await bank.Get("/v1/accounts?prefix=customers:")).Should().Equal("customers:alice", "customers:bob");
        Ids(await bank.Get("/v1/accounts?class=income")).Should().Equal("bank:fees");
        Ids(await bank.Get("/v1/accounts?chart=1000")).Should().Equal("bank:cash");
        var first = await bank.Get("/v1/accounts?limit=2");
        var rest = await bank.Get($"/v1/accounts?limit=500&cursor={first.GetProperty("next").GetString()}");
        Ids(first).Concat(Ids(rest)).Should().Equal(Ids(await bank.Get("/v1/accounts")));
        (await bank.Refusal($"/v1/accounts?class=income&cursor={first.GetProperty("next").GetString()}"))
            .Should().Be((400, "cursor.foreign"));
    }

    [Fact]
    public async Task Balances_as_of_a_position_a_time_and_a_date_are_what_was_known_then()
    {
        await using var bank = await ReadsHost.StartAsync();
        var before = bank.Book.Engine.DurablePosition;
        var paid = await bank.Pay("23.30");
        Posted(await bank.Get($"{Alice}/balances?as-of={before}")).Should().Be("923.30");
        Posted(await bank.Get($"{Alice}/balances?as-of={paid.GetProperty("position")}")).Should().Be("900.00");
        Posted(await bank.Get($"{Alice}/balances?as-of={paid.GetProperty("recorded_at").GetString()}"))
            .Should().Be("900.00");
        Posted(await bank.Get($"{Alice}/balances?booked-on=1999-12-31")).Should().Be("0.00");
        (await bank.Refusal($"{Alice}/balances?as-of={bank.Book.Engine.DurablePosition + 1}"))
            .Should().Be((400, "position.beyond_end"));
        (await bank.Refusal($"{Alice}/balances?as-of=2999-01-01T00:00:00Z")).Should().Be((400, "position.beyond_end"));
    }

    [Fact]
    public async Task Cursor_pages_show_each_entry_once_and_only_to_their_own_query()
    {
        await using var bank = await ReadsHost.StartAsync();
        for (var i = 1; i <= 7; i++) await bank.Pay($"{i}.00", $"order-{i}");
        var last = await bank.Pay("8.00");
        var first = await bank.Get($"{Alice}/entries?limit=4&after={last.GetProperty("position")}");
        var cursor = first.GetProperty("next").GetString()!;
        last = await bank.Pay("9.00");
        var shown = Amounts(first).ToList();
        for (var next = cursor; next is not null;)
        {
            var page = await bank.Get($"{Alice}/entries?limit=4&cursor={next}");
            shown.AddRange(Amounts(page));
            next = page.GetProperty("next").GetString();
        }
        shown.Should().Equal("8.00", "7.00", "6.00", "5.00", "4.00", "3.00", "2.00", "1.00", "1.20", "75.50",
            "1000.00");
        (await bank.Refusal($"{Bob}/entries?cursor={cursor}")).Should().Be((400, "cursor.foreign"));
        (await bank.Refusal($"{Alice}/entries?side=debit&cursor={cursor}")).Should().Be((400, "cursor.foreign"));
        (await bank.Refusal($"{Alice}/entries?cursor={cursor[..^2]}xx")).Should().Be((400, "cursor.malformed"));
        Amounts(await bank.Get($"{Alice}/entries?order=oldest&limit=1")).Should().Equal("1000.00");
        Amounts(await bank.Get($"{Alice}/entries?reference=order-3")).Should().Equal("3.00");
        Amounts(await bank.Get(
            $"{Alice}/entries?asset=EUR&min-amount=8.00&max-amount=75.49&after={last.GetProperty("position")}"))
            .Should().Equal("9.00", "8.00");
    }

    [Fact]
    public async Task A_transfer_shows_its_whole_history()
    {
        await using var bank = await ReadsHost.StartAsync();
        var held = await bank.Post("/v1/transfers",
            """{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"10"},"pending":true,"reference":"hotel-12"}""");
        var id = held.GetProperty("id").GetString();
        var posted =
            await bank.Post($"/v1/transfers/{id}/post", """{"amount":{"asset":"EUR","amount":"4"},"final":false}""");
        var part = await bank.Get($"/v1/transfers/{id}");
        part.GetProperty("state").GetString().Should().Be("reserved");
        part.GetProperty("remaining").GetProperty("amount").GetString().Should().Be("6.00");
        await bank.Post($"/v1/transfers/{id}/cancel", "{}");
        var whole = await bank.Get($"/v1/transfers/{id}");
        whole.GetProperty("state").GetString().Should().Be("cancelled");
        whole.GetProperty("history").EnumerateArray().Select(e => e.GetProperty("type").GetString())
            .Should().Equal("transfer.reserved.v1", "transfer.posted.v1", "transfer.cancelled.v1");
        whole.GetProperty("history")[1].GetProperty("legs").GetArrayLength().Should().Be(2);
        var listed = await bank.Get($"/v1/transfers?reference=hotel-12&after={whole.GetProperty("position")}");
        listed.GetProperty("transfers")[0].GetProperty("id").GetString().Should().Be(id);
        var entry = await bank.Get($"/v1/entries/{posted.GetProperty("position")}");
        entry.GetProperty("entry").GetProperty("legs")[0].GetProperty("account").GetString()
            .Should().Be("customers:alice");
        (await bank.Refusal($"/v1/entries/{held.GetProperty("position")}")).Should().Be((404, "entry.not_found"));
        (await bank.Refusal("/v1/entries/99999")).Should().Be((400, "position.beyond_end"));
        (await bank.Refusal($"/v1/transfers/{Guid.CreateVersion7()}")).Should().Be((404, "transfer.not_found"));
    }

    [Fact]
    public async Task The_trial_balance_is_zero_as_json_and_as_csv()
    {
        await using var bank = await ReadsHost.StartAsync();
        foreach (var by in new[] { "class", "chart", "account" })
        {
            var trial = await bank.Get($"/v1/trial-balance?by={by}");
            trial.GetProperty("totals").EnumerateArray().Should().ContainSingle(t =>
                t.GetProperty("difference").GetString() == "0.00" && t.GetProperty("debits").GetString() == "1326.70");
        }
        var (status, csv) = await bank.Ask("/v1/trial-balance?by=account", accept: "text/csv");
        status.Should().Be(200);
        csv.Split("\r\n").Should().Contain("liability,liability,,2000,customers:bob,EUR,0.00,325.50,0.00,325.50");
    }

    [Fact]
    public async Task The_book_tells_its_dates_assets_reference_data_and_read_models()
    {
        await using var bank = await ReadsHost.StartAsync();
        var periods = await bank.Get("/v1/periods");
        periods.GetProperty("closed_through").ValueKind.Should().Be(JsonValueKind.Null);
        periods.GetProperty("years_with_result").GetArrayLength().Should().Be(1);
        var codes = new List<string?>();
        for (string? next = ""; next is not null;)
        {
            var page = await bank.Get($"/v1/assets?limit=100{(next.Length == 0 ? "" : "&cursor=" + next)}");
            codes.AddRange(page.GetProperty("assets").EnumerateArray().Select(a => a.GetProperty("code").GetString()));
            next = page.GetProperty("next").GetString();
        }
        codes.Should().OnlyHaveUniqueItems().And.Contain(["EUR", "JPY", "BHD"]).And.HaveCountGreaterThan(100);
        (await bank.Get("/v1/reference")).GetProperty("references")[0].GetProperty("name").GetString()
            .Should().Be("weekdays");
        (await bank.Get("/v1/reference/weekdays")).GetProperty("reference").GetProperty("version").GetInt32()
            .Should().Be(1);
        (await bank.Refusal("/v1/reference/weekdays?on=1999-01-01")).Should().Be((404, "reference.not_found"));
        (await bank.Get("/v1/projections")).GetProperty("projections").EnumerateArray()
            .Select(p => p.GetProperty("name").GetString())
            .Should().Equal("account_entries", "transfer_lives", "access_log", "key_uses", "account_acts",
                "issued_statements", "transfer_metadata", "account_holders", "carried_results", "operational_counters");
    }

    [Fact]
    public async Task A_restraints_note_is_opened_only_for_who_may_place_restraints()
    {
        await using var bank = await ReadsHost.StartAsync();
        await bank.Post(Alice + "/restraints",
            """{"reason":"garnishment","authority":"court","scope":"debits","note":"file 7"}""");
        NoteOf(JsonDocument.Parse((await bank.Ask(Alice + "/restraints")).Body).RootElement).Should().Be("file 7");
        var token = (await bank.Post("/v1/keys", """{"key":"reader","scopes":["read"]}"""))
            .GetProperty("token").GetString();
        NoteOf(JsonDocument.Parse((await bank.Ask(Alice + "/restraints", key: token)).Body).RootElement)
            .Should().BeNull();
        (await bank.Get(Alice)).GetProperty("restraints").GetInt32().Should().Be(1);
    }

    [Fact]
    public async Task What_cannot_be_answered_is_refused_by_name()
    {
        await using var bank = await ReadsHost.StartAsync();
        (string Address, int Status, string Code)[] refused =
        [
            ("/v1/accounts/nobody/balances", 404, "account.not_found"),
            ("/v1/accounts/nobody/entries", 404, "account.not_found"),
            (Alice + "?after=999999", 400, "position.beyond_end"),
            (Alice + "/entries?limit=501", 400, "request.query_malformed"),
            (Alice + "/entries?side=left", 400, "request.query_malformed"),
            (Alice + "/entries?colour=red", 400, "request.query_malformed"),
            (Alice + "/entries?limit=1&limit=2", 400, "request.query_malformed"),
            (Alice + "/entries?min-amount=1.00", 400, "request.query_malformed"),
            (Alice + "/entries?cursor=x", 400, "cursor.malformed"),
            ("/v1/transfers", 400, "request.query_malformed"),
            ("/v1/trial-balance?by=mood", 400, "request.query_malformed"),
        ];
        foreach (var (address, status, code) in refused)
            (await bank.Refusal(address)).Should().Be((status, code), address);
        (await bank.Ask(Alice, key: "bk.none.none")).Status.Should().Be(401);
    }

    private static string? NoteOf(JsonElement page) =>
        page.GetProperty("restraints")[0].GetProperty("note").GetString();

    private static string? Posted(JsonElement balances) =>
        BalanceIn(balances, "EUR").GetProperty("posted").GetProperty("balance").GetString();

    private static JsonElement BalanceIn(JsonElement balances, string asset) =>
        balances.GetProperty("balances").EnumerateArray().Single(b => b.GetProperty("asset").GetString() == asset);

    private static IEnumerable<string?> Ids(JsonElement page) =>
        page.GetProperty("accounts").EnumerateArray().Select(a => a.GetProperty("id").GetString());

    private static IEnumerable<string?> Amounts(JsonElement page) =>
        page.GetProperty("entries").EnumerateArray()
            .Select(e => e.GetProperty("amount").GetProperty("amount").GetString());
}
