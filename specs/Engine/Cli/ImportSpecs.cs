namespace BankingEngine.Specs.Engine.Cli;

public sealed class ImportSpecs
{
    [Fact]
    public async Task What_happened_is_booked_and_what_cannot_have_happened_is_refused_by_name()
    {
        using var shell = new Shell();
        shell.WriteSource();
        (await shell.FoundAsync()).Exit.Should().Be(0);
        var first = await shell.ImportAsync();
        first.Exit.Should().Be(0, first.Error);
        first.Json.GetProperty("accounts_opened").GetInt32().Should().Be(3);
        first.Text("opening_sum").Should().Be("150.50");
        first.Json.GetProperty("transfers_booked").GetInt32().Should().Be(3);
        first.Json.GetProperty("beyond_limits").GetInt32().Should().Be(1, "node 3 had nothing when it paid");
        first.Json.GetProperty("overdrawn_accounts").GetInt32().Should().Be(1);
        first.Text("overdrawn_sum").Should().Be("2.50");
        first.Json.GetProperty("trial_balance_is_zero").GetBoolean().Should().BeTrue();
        first.Json.GetProperty("refused").EnumerateArray()
            .Select(row => $"{row.GetProperty("row")}: {row.GetProperty("code")}")
            .Should().BeEquivalentTo(
                "transactions.csv line 4 (2,2,5.00,2): transfer.same_account",
                "transactions.csv line 5 (1,3,0.005,2): amount.too_many_decimals",
                "transactions.csv line 6 (1,9,1.00,3): transfer.credit_account_not_found",
                "transactions.csv line 7 (1,3,ten,3): amount.malformed");
    }

    [Fact]
    public async Task The_second_import_changes_nothing_and_replay_gives_the_live_digest()
    {
        using var shell = new Shell();
        shell.WriteSource();
        await shell.FoundAsync();
        var first = await shell.ImportAsync();
        var second = await shell.ImportAsync();
        second.Json.GetProperty("changed").GetBoolean().Should().BeFalse();
        second.Text("digest").Should().Be(first.Text("digest"));
        second.Text("position").Should().Be(first.Text("position"));
        foreach (var same in new[] { "accounts_opened", "transfers_booked", "transfer_sum", "beyond_limits" })
            second.Text(same).Should().Be(first.Text(same));
        var replayed = await shell.RunAsync("replay", "--data", shell.Book, "--verify", "--json");
        replayed.Text("digest").Should().Be(first.Text("digest"));
    }

    [Fact]
    public async Task An_account_that_is_there_already_stops_the_import_before_any_payment()
    {
        using var shell = new Shell();
        shell.WriteSource();
        await shell.FoundAsync();
        var first = await shell.ImportAsync();
        File.AppendAllText(Path.Combine(shell.Folder, "nodes.csv"), "4,0,1.00,-1\n");
        File.AppendAllText(Path.Combine(shell.Folder, "transactions.csv"), "1,2,1.00,9\r\n");
        var other = await shell.ImportAsync();
        other.Exit.Should().Be(2);
        other.Text("code").Should().Be("import.account_taken");
        var legs = await shell.RunAsync(
            "journal", "export", "--data", shell.Book, "--format", "csv", "--out",
            Path.Combine(shell.Folder, "legs.csv"), "--json");
        legs.Exit.Should().Be(0, legs.Error);
        File.ReadAllLines(Path.Combine(shell.Folder, "legs.csv"))
            .Count(leg => leg.Contains(",payment,", StringComparison.Ordinal))
            .Should().Be(2 * first.Json.GetProperty("transfers_booked").GetInt32());
    }

    [HledgerFact]
    public async Task Hledger_computes_the_same_balances_from_the_export()
    {
        using var shell = new Shell();
        shell.WriteSource();
        await shell.FoundAsync();
        await shell.ImportAsync();
        var path = Path.Combine(shell.Folder, "book.journal");
        var exported = await shell.RunAsync(
            "journal", "export", "--data", shell.Book, "--format", "hledger", "--out", path, "--assert", "--json");
        exported.Exit.Should().Be(0, exported.Error);
        var checkedBooks = await Shell.RunAsync("hledger", ["-f", path, "check", "--strict"], shell.Folder);
        checkedBooks.Exit.Should().Be(0, checkedBooks.Error);
        var balances = await Shell.RunAsync(
            "hledger", ["-f", path, "balance", "--flat", "--no-total", "--output-format", "csv"], shell.Folder);
        balances.Output.Split('\n').Skip(1).Where(line => line.Length > 0).Should().BeEquivalentTo(
            "\"assets:1990:bank:migration\",\"150.50 USD\"",
            "\"liabilities:2100:aml:1\",\"-82.25 USD\"",
            "\"liabilities:2100:aml:2\",\"-70.75 USD\"",
            "\"liabilities:2100:aml:3\",\"2.50 USD\"");
    }

    /// <summary>The expected figures come from a few lines of Python with exact decimals over the same files.</summary>
    [DataFact]
    public async Task Twenty_thousand_customers_and_their_payments_are_imported_in_seconds()
    {
        using var shell = new Shell();
        var init = await shell.RunAsync(
            "init", "--data", shell.Book, "--name", "aml", "--entity", "529900T8BM49AURSDO55", "--functional", "USD",
            "--jurisdiction", "us", "--mode", "sandbox", "--json");
        init.Exit.Should().Be(0, init.Error);
        var import = await shell.ImportAsync(Path.Combine(DataFactAttribute.Folder, "aml", "20K_cycle200"));
        import.Exit.Should().Be(0, import.Error);
        import.Json.GetProperty("seconds").GetDouble().Should().BeLessThan(20);
        import.Json.GetProperty("accounts_opened").GetInt32().Should().Be(20_000);
        import.Json.GetProperty("transfers_booked").GetInt32().Should().Be(117_791);
        import.Json.GetProperty("beyond_limits").GetInt32().Should().Be(54_619);
        import.Json.GetProperty("overdrawn_accounts").GetInt32().Should().Be(8_550);
        import.Text("overdrawn_sum").Should().Be("7423813.13");
        import.Json.GetProperty("refused").EnumerateArray().Select(row => row.GetProperty("code").GetString())
            .Should().HaveCount(14).And.OnlyContain(code => code == "transfer.same_account");
        var replayed = await shell.RunAsync("replay", "--data", shell.Book, "--verify", "--json");
        replayed.Text("digest").Should().Be(import.Text("digest"));
        replayed.Json.GetProperty("digests_compared").GetInt32().Should().BePositive();
    }
}
