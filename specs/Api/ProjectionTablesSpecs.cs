using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Engine.Journal;
using Npgsql;

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
