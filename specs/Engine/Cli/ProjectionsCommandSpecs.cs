using BankingEngine.Specs.Engine.Journal;
using BankingEngine.Specs.Engine.Projections;

namespace BankingEngine.Specs.Engine.Cli;

public sealed class ProjectionsCommandSpecs
{
    [Fact]
    public async Task Read_models_are_built_from_the_journal_alone_and_agree_with_those_of_the_program_that_runs()
    {
        using var shell = new Shell();
        using var book = await Activity.FoundAsync();
        using var models = new BankingEngine.Projections.ReadModels(book.Engine.Feed);
        await new Activity(book, seed: 41).RunAsync(60);
        var entries = await AccountEntriesSpecs.Level(book, models);
        var listed = await shell.RunAsync("projections", "list", "--data", book.Folder, "--json");
        listed.Exit.Should().Be(0, listed.Error);
        listed.Json.GetProperty("projections").GetArrayLength().Should().Be(models.Lag().Count);
        var rebuilt = await shell.RunAsync("projections", "rebuild", "--data", book.Folder, "--json");
        rebuilt.Exit.Should().Be(0, rebuilt.Error);
        var of = rebuilt.Json.GetProperty("projections").EnumerateArray()
            .Single(p => p.GetProperty("name").GetString() == entries.Name);
        of.GetProperty("position").GetInt64().Should().Be(entries.Position);
        of.GetProperty("digest").GetString().Should().Be(entries.Digest().ToString("x32"));
        var part = await shell.RunAsync("projections", "rebuild", "--data", book.Folder, "--through", "20", "--json");
        part.Json.GetProperty("projections")[0].GetProperty("position").GetInt64().Should().Be(20);
        var verified = await shell.RunAsync("projections", "verify", "--data", book.Folder, "--json");
        verified.Exit.Should().Be(0, verified.Error);
        verified.Json.GetProperty("differ").GetInt32().Should().Be(0);
        (await shell.RunAsync("projections", "verify", "--data", book.Folder, "--server", "nowhere", "--json"))
            .Text("code").Should().Be("usage");
        (await shell.RunAsync("projections", "rebuild", "--data", "nowhere", "--json"))
            .Text("code").Should().Be("journal.not_found");
    }

    [PostgresFact]
    public async Task Tables_are_built_and_compared_and_a_row_that_was_changed_by_hand_is_named_and_mended()
    {
        using var shell = new Shell();
        using var book = await Activity.FoundAsync();
        await new Activity(book, seed: 42).RunAsync(60);
        var database = PostgresFixture.Cluster.NewDatabase();
        string[] place = ["--data", book.Folder, "--read-models", $"postgres:{database}", "--json"];
        (await shell.RunAsync(["projections", "list", .. place])).Json.GetProperty("projections").EnumerateArray()
            .Where(model => model.GetProperty("kept_in").GetString() == "PostgreSQL")
            .Select(model => model.GetProperty("name").GetString())
            .Should().Equal("account_entries", "transfer_lives", "report_facts");
        (await shell.RunAsync(["projections", "rebuild", .. place])).Json.GetProperty("tables").GetArrayLength()
            .Should().Be(3);
        var verified = await shell.RunAsync(["projections", "verify", .. place]);
        verified.Exit.Should().Be(0, verified.Error);

        PostgresFixture.Cluster.Sql(
            new Npgsql.NpgsqlConnectionStringBuilder(database).Database!,
            "update bank_test.entries set balance = balance + 1 where position = (select max(position) from bank_test.entries);"
            + "update bank_test.event_counts set count = count + 1 where type = 'transfer.made.v1'");
        var spoilt = await shell.RunAsync(["projections", "verify", .. place]);
        spoilt.Exit.Should().Be(3);
        spoilt.Json.GetProperty("differ").GetInt32().Should().Be(2);

        (await shell.RunAsync(["projections", "rebuild", .. place])).Exit.Should().Be(0);
        (await shell.RunAsync(["projections", "verify", .. place])).Exit.Should().Be(0);
        (await shell.RunAsync("projections", "verify", "--data", book.Folder, "--read-models", "paper", "--json"))
            .Text("code").Should().Be("usage");
    }

    [PostgresFact]
    public async Task A_rebuild_names_its_tables_and_is_refused_with_the_name_of_a_view_that_hangs_on_one()
    {
        using var shell = new Shell();
        using var book = await Activity.FoundAsync();
        await new Activity(book, seed: 43).RunAsync(20);
        var database = PostgresFixture.Cluster.NewDatabase();
        string[] rebuild =
            ["projections", "rebuild", "--data", book.Folder, "--read-models", $"postgres:{database}"];
        var position = book.Engine.DurablePosition;
        var told = await shell.RunAsync(rebuild);
        told.Exit.Should().Be(0, told.Error);
        foreach (var name in new[] { "account_entries", "transfer_lives", "report_facts" })
            told.Output.Should().MatchRegex($@"(?m)^{name} +{position} +\d+\.\d\d$");

        Sql("create schema analyst; create view analyst.mine as select position from bank_test.entries; "
            + "create view public.theirs as select position from bank_test.entries");
        var refused = await shell.RunAsync([.. rebuild, "--json"]);
        (refused.Exit, refused.Text("code")).Should().Be((2, "projections.in_use"), refused.Error);
        refused.Text("why").Should().Contain("view analyst.mine depends on table bank_test.entries")
            .And.Contain("view public.theirs depends on table bank_test.entries");
        Sql("drop view analyst.mine, public.theirs");
        (await shell.RunAsync([.. rebuild, "--json"])).Exit.Should().Be(0);

        void Sql(string sql) =>
            PostgresFixture.Cluster.Sql(new Npgsql.NpgsqlConnectionStringBuilder(database).Database!, sql);
    }
}
