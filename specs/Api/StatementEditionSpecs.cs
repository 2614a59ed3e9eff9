using System.Security.Cryptography;
using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Domain.Ledger;
using BankingEngine.Domain.Statements;
using BankingEngine.Host.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using static BankingEngine.Specs.Engine.Named;

namespace BankingEngine.Specs.Api;

/// <summary>
/// A form of a statement has editions: one writes the same bytes for ever, and what was issued in one that is no longer
/// printed is told from what was printed wrongly.
/// </summary>
public sealed class StatementEditionSpecs
{
    private const string Alice = "/v1/accounts/alice", January = "asset=EUR&from=2026-01-01&through=2026-01-05";

    private static readonly StatementPeriod OfJanuary = new(Account("alice"), AssetCode.Parse("EUR"),
        BusinessDate.Parse("2026-01-01"), BusinessDate.Parse("2026-01-05"), StatementDates.Booked);

    /// <summary>
    /// Where a hash differs, the form prints other bytes than it did when statements were issued in its edition: raise
    /// <c>Edition</c> in its renderer, and state the new one here with its hash.
    /// </summary>
    [Theory]
    [InlineData("json", 1, "788638d0866d0db1090afc12c7790df76a6afa111ab8ba8edabdc7339fe04fdd")]
    [InlineData("csv", 1, "0357fbf5ff93b7aa3d04bf8a19bcf37abf9dddab031bd9e4d82518597bb70d2c")]
    [InlineData("camt053", 1, "f3e202ac03d408f189fca3a78e4913e4d8aa36e530c5b593d7cf3129d97b19df")]
    [InlineData("html", 1, "a7df27432d9b3cd3bf3ee7d39b6f74f73b941013926c0dedc9a04e5dbbccae19")]
    public async Task A_form_prints_the_same_bytes_for_as_long_as_it_has_the_same_edition(
        string format, int edition, string sha256)
    {
        await using var bank = await AuditHost.StartAsync();
        await Activity(bank);
        await using var served = await Served.Of(bank);
        await served.IssueAsync();
        var copy = (await served.Get($"{Alice}/statements")).GetProperty("statements")[0].GetProperty("copies")
            .EnumerateArray().Single(copy => copy.GetProperty("format").GetString() == format);
        var printed = await served.Client.GetByteArrayAsync(new Uri($"{Alice}/statements/1?format={format}", UriKind.Relative));
        (copy.GetProperty("edition").GetInt32(), Convert.ToHexStringLower(SHA256.HashData(printed)))
            .Should().Be((edition, sha256));
        copy.GetProperty("sha256").GetString().Should().Be(sha256);
        (await served.Get($"{Alice}/statements/1")).GetProperty("entries").GetArrayLength().Should().Be(5);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(int.MaxValue)]
    public async Task What_was_issued_in_another_edition_is_said_to_be_so_with_its_hash(int edition)
    {
        await using var bank = await AuditHost.StartAsync(payments: 1);
        await using var served = await Served.Of(bank);
        var csv = Hash256.Of("bytes of a form that is no longer printed");
        var json = await served.HashAsync("json", number: 1);
        await bank.Send(new IssueStatement(OfJanuary, 1, bank.Book.Engine.DurablePosition,
            [new(StatementFormat.Json, json, 1), new(StatementFormat.Csv, csv, edition)], Anew: false));
        using var answer = await served.Client.GetAsync(new Uri($"{Alice}/statements/1?format=csv", UriKind.Relative));
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        ((int)answer.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("field").GetString())
            .Should().Be((410, "statement.edition_not_printed", "format"));
        (problem.GetProperty("edition").GetInt32(), problem.GetProperty("prints_edition").GetInt32(),
            problem.GetProperty("sha256").GetString()).Should().Be((edition, 1, csv.ToString()));
        answer.Headers.GetValues("Statement-Sha256").Should().Equal(csv.ToString());
        (await served.Get($"{Alice}/statements")).GetProperty("statements")[0].GetProperty("copies").EnumerateArray()
            .Select(copy => copy.GetProperty("edition").GetInt32()).Should().Equal(1, edition);
        (await served.Get($"{Alice}/statements/1")).GetProperty("number").GetInt32().Should().Be(1, "its other form is printed");
    }

    [Fact]
    public async Task Other_bytes_in_the_edition_that_is_printed_are_a_fault_and_not_shown()
    {
        await using var bank = await AuditHost.StartAsync(payments: 1);
        await using var served = await Served.Of(bank);
        var issued = Hash256.Of("other bytes");
        await bank.Send(new IssueStatement(OfJanuary, 1, bank.Book.Engine.DurablePosition,
            [new(StatementFormat.Json, issued, 1)], Anew: false));
        using var answer = await served.Client.GetAsync(new Uri($"{Alice}/statements/1", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        ((int)answer.StatusCode, JsonDocument.Parse(text).RootElement.GetProperty("code").GetString())
            .Should().Be((500, "statement.differs"));
        answer.Headers.GetValues("Statement-Sha256").Should().Equal(issued.ToString());
        text.Should().NotContain("12.34");
    }

    /// <summary>A little of all that a form has an own word for.</summary>
    private static async Task Activity(AuditHost bank)
    {
        await bank.Pay("12.34");
        await bank.Pay("0.01", new(Tag.Of("fee"), "=1+1, \"quoted\" <b>&</b> Grüße"));
        await bank.Pay("900.00", new(Reference: new string('x', 36), ValueOn: BusinessDate.Parse("2026-02-01")));
        var paid = await bank.Send(new MakeTransfer(
            Account("alice"), Account("cash"), Eur("2.30"), new(Tag.Of("card"), "order-1")));
        var two = new Amount(2_30, Asset.Of("EUR", 2));
        var back = await bank.Send(new ReverseEntry(paid.Ended.Position,
            [new(Account("alice"), Side.Credit, two), new(Account("cash"), Side.Debit, two)], "sent twice", Particulars.None));
        back.Ended.Rejection.Should().BeNull("{0}", back.Ended.Rejection);
    }

    /// <summary>The bank's whole API on its clock, which stands still: every run prints the same.</summary>
    private sealed record Served(AuditHost Bank, WebApplication App, HttpClient Client) : IAsyncDisposable
    {
        public static async Task<Served> Of(AuditHost bank)
        {
            var builder = ApiHost.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
            builder.Logging.ClearProviders();
            var app = ApiHost.Build(builder, bank.Book);
            await app.StartAsync();
            var client = await bank.Client();
            client.BaseAddress = new(app.Urls.First());
            return new(bank, app, client);
        }

        public async Task<JsonElement> Get(string address)
        {
            using var answer = await Client.GetAsync(new Uri(address, UriKind.Relative));
            var text = await answer.Content.ReadAsStringAsync();
            ((int)answer.StatusCode).Should().Be(200, text);
            return JsonDocument.Parse(text).RootElement;
        }

        /// <summary>Issues January in every form.</summary>
        public async Task IssueAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Alice}/statements");
            request.Content = new StringContent(
                """{"asset":"EUR","from":"2026-01-01","through":"2026-01-05","formats":["csv","camt053","html"]}""",
                new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
            request.Headers.Add("Idempotency-Key", "019b8df4-1000-7000-8000-000000000001");
            using var answer = await Client.SendAsync(request);
            ((int)answer.StatusCode).Should().Be(201, await answer.Content.ReadAsStringAsync());
        }

        /// <summary>The hash of what a form prints now under a number that was not issued yet.</summary>
        public async Task<Hash256> HashAsync(string format, int number)
        {
            var bytes = await Client.GetStringAsync(new Uri($"{Alice}/statement?{January}&format={format}", UriKind.Relative));
            return Hash256.Of(bytes.Replace("\"number\":null", $"\"number\":{number}", StringComparison.Ordinal));
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await App.DisposeAsync();
        }
    }
}
