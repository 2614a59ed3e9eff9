using System.Text.Json;
using BankingEngine.Application.Journal;
using BankingEngine.Domain;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Host.Journals;
using BankingEngine.Projections.Stores.Postgres;
using BankingEngine.Specs.Engine.Cli;
using BankingEngine.Specs.Engine.Journal;
using Npgsql;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Api;

/// <summary>What operators see of read models that are tables in PostgreSQL.</summary>
public sealed class ProjectionTablesSpecs
{
    [PostgresFact]
    public async Task A_rebuild_that_failed_is_told_with_its_reason_until_one_succeeds()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var bank = await ReadsHost.StartAsync($"postgres:{database}");
        var before = await bank.Get("/v1/accounts/customers:alice/balances");
        var level = await Until(bank, model => model.GetProperty("behind_by").GetInt64() == 0);
        Failure(level).Should().BeNull();
        Sql(database, "create schema analyst; "
            + "create view analyst.lines as select account, amount from bank_sandbox.entries");

        await bank.Post("/v1/projections/account_entries/rebuild", "{}");
        var failure = Failure(await Until(bank, model => Failure(model) is not null))!.Value;
        failure.GetProperty("reason").GetString().Should()
            .Contain("bank_sandbox.entries").And.Contain("view analyst.lines", "what is in the way is named");
        Instant.Parse(failure.GetProperty("at").GetString()!).Should().BeGreaterThan(Instant.First);
        Failure(await Model(bank, "transfer_lives")).Should().BeNull("it is of the one model");
        (await bank.Get("/v1/accounts/customers:alice/balances")).ToString().Should().Be(
            before.ToString(), "the old tables go on answering");

        Sql(database, "drop view analyst.lines");
        await bank.Post("/v1/projections/account_entries/rebuild", "{}");
        await Until(bank, model => Failure(model) is null);
        Sql(database, "select generation from bank_sandbox.projections where name = 'account_entries'").Should().Be(2L);
    }

    [PostgresFact]
    public async Task Beside_a_host_that_writes_to_postgresql_the_command_line_rebuilds_and_verifies()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var host = await Hosted.StartAsync(database, "writes");
        await RebuildsAndVerifiesBeside(host.Book, shell =>
            ["--journal", $"postgres:{database}", "--book", "sandbox", "--data", Path.Combine(shell.Folder, "caches")]);
    }

    [PostgresFact]
    public async Task Beside_a_host_that_writes_to_files_the_command_line_rebuilds_and_verifies_its_tables()
    {
        var models = $"postgres:{PostgresFixture.Cluster.NewDatabase()}";
        await using var bank = await ReadsHost.StartAsync(models);
        await RebuildsAndVerifiesBeside(bank.Book, _ => ["--data", bank.Book.Folder, "--read-models", models]);
    }

    [PostgresFact]
    public async Task A_rebuild_to_which_the_events_of_the_live_tables_do_not_come_ends_and_lets_go_of_these()
    {
        var database = PostgresFixture.Cluster.NewDatabase();
        await using var bank = await ReadsHost.StartAsync($"postgres:{database}");
        using var deaf = FileJournal.OpenReadOnly(bank.Book.Folder, DiskFileLayer.Instance);
        using var tables = new PostgresReadModels(new(deaf), database, "sandbox");
        await bank.Pay("1.00");
        (await bank.Book.ReadModels.AccountsAsync(bank.Book.Engine.DurablePosition)).Should().NotBeNull();

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        (await FluentActions.Awaiting(() => tables.RebuildAsync(0, null, limit.Token))
            .Should().ThrowAsync<StoreMismatchException>()).WithMessage("*nothing beyond*");
        (await FluentActions.Awaiting(() => tables.VerifyAsync(0, null, limit.Token))
            .Should().ThrowAsync<StoreMismatchException>()).WithMessage("*nothing beyond*");
        await bank.Pay("1.00");
        await Until(bank, model => model.GetProperty("behind_by").GetInt64() == 0);
    }

    private static async Task RebuildsAndVerifiesBeside(RunningBook book, Func<Shell, string[]> placeOf)
    {
        using var shell = new Shell();
        string[] place = [.. placeOf(shell), "--json"];
        using var enough = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            var paid = 0;
            while (!enough.IsCancellationRequested)
            {
                string[] names = ["customers:alice", "customers:bob"];
                var pay = new MakeTransfer(
                    Account(names[paid % 2]), Account(names[(paid + 1) % 2]), Eur("0.01"), Particulars.None);
                var id = CommandId.Parse(Guid.CreateVersion7().ToString());
                (await book.Engine.SendAsync(new(id, 0, 1), pay, "transfer.make")).Ended.Ending.Should().Be(Ending.Accepted);
                paid++;
                await Task.Delay(1);
            }
            return paid;
        });
        try
        {
            var rebuilt = await shell.RunAsync(["projections", "rebuild", .. place]);
            rebuilt.Exit.Should().Be(0, rebuilt.Error);
            rebuilt.Json.GetProperty("tables").GetArrayLength().Should().Be(3);
            var verified = await shell.RunAsync(["projections", "verify", .. place]);
            verified.Exit.Should().Be(0, verified.Error);
            verified.Json.GetProperty("differ").GetInt32().Should().Be(0);
        }
        finally
        {
            await enough.CancelAsync();
        }
        (await writing).Should().BePositive();
        var position = book.Engine.DurablePosition;
        (await book.ReadModels.AccountsAsync(position)).Should().NotBeNull("the live tables go on");
        (await book.ReadModels.LivesAsync(position)).Should().NotBeNull();
    }

    private static JsonElement? Failure(JsonElement model) =>
        model.TryGetProperty("rebuild_failed", out var failure) ? failure : null;

    private static async Task<JsonElement> Model(ReadsHost bank, string name) =>
        (await bank.Get("/v1/projections")).GetProperty("projections").EnumerateArray()
            .Single(model => model.GetProperty("name").GetString() == name);

    private static async Task<JsonElement> Until(ReadsHost bank, Func<JsonElement, bool> isSo)
    {
        for (var i = 0; i < 3_000; i++)
        {
            var model = await Model(bank, "account_entries");
            if (isSo(model)) return model;
            await Task.Delay(10);
        }
        throw new TimeoutException();
    }

    private static object? Sql(string database, string sql)
    {
        using var connection = new NpgsqlConnection(database + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }
}
