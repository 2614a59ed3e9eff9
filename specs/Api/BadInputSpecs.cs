using System.Net;
using System.Text;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api;

/// <summary>Each kind of bad input has its documented answer, and nothing changes.</summary>
public sealed class BadInputSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private const string Good =
        """{"debit":"bank:cash","credit":"customers:alice","amount":{"asset":"EUR","amount":"1.00"}}""";

    [Theory]
    [InlineData("", 400, "request.malformed_json")]
    [InlineData("{", 400, "request.malformed_json")]
    [InlineData("{} {}", 400, "request.malformed_json")]
    [InlineData("""{"debit":"\ud800"}""", 400, "request.malformed_json")]
    [InlineData("[]", 400, "request.not_an_object")]
    [InlineData("\"text\"", 400, "request.not_an_object")]
    [InlineData("{}", 400, "request.field_missing")]
    [InlineData("""{"debit":"a","debit":"b"}""", 400, "request.duplicate_field")]
    [InlineData("""{"debit":"a","\u0064ebit":"b"}""", 400, "request.duplicate_field")]
    [InlineData("""{"nonsense":1}""", 400, "request.unknown_field")]
    [InlineData("""{"debit":null}""", 400, "request.field_malformed")]
    [InlineData("""{"debit":"UPPER"}""", 400, "request.field_malformed")]
    [InlineData("""{"debit":"a\u0000b"}""", 400, "request.field_malformed")]
    [InlineData("""{"amount":12.5}""", 400, "request.amount_is_number")]
    [InlineData("""{"amount":{"asset":"EUR","amount":12.5}}""", 400, "request.amount_is_number")]
    [InlineData("""{"amount":{"asset":"EUR","amount":"1e3"}}""", 400, "amount.malformed")]
    [InlineData("""{"amount":{"asset":"EUR","amount":"01.00"}}""", 400, "amount.malformed")]
    [InlineData("""{"amount":{"asset":"EUR","amount":"1.0000000000000000001"}}""", 400, "amount.too_many_digits")]
    [InlineData(
        """{"amount":{"asset":"EUR","amount":"1111111111111111111111111111111111111111111111111"}}""", 400,
        "amount.too_many_digits")]
    [InlineData("""{"amount":{"asset":"EUR","amount":"1.00","scale":2}}""", 400, "request.unknown_field")]
    [InlineData("""{"metadata":{"a":1}}""", 400, "request.field_malformed")]
    [InlineData("""{"reference":"line\nbreak"}""", 400, "request.field_malformed")]
    [InlineData("""{"pending":"yes"}""", 400, "request.field_malformed")]
    public async Task A_malformed_body_leaves_nothing(string body, int status, string code)
    {
        var before = await served.State();
        var reply = await served.Post("/v1/transfers", body);
        (((int)reply.Status), reply.Code).Should().Be((status, code));
        reply.ContentType.Should().Be("application/problem+json");
        (await served.State()).Should().Be(before);
    }

    [Theory]
    [InlineData("1.001", "EUR", 422, "amount.too_many_decimals")]
    [InlineData("-1.00", "EUR", 422, "amount.not_positive")]
    [InlineData("0.00", "EUR", 422, "amount.not_positive")]
    [InlineData("99999999999999999999999999999999999999", "EUR", 422, "amount.out_of_range")]
    [InlineData("1.00", "XYZ", 404, "asset.unknown")]
    public async Task What_the_book_says_no_to_leaves_its_refusal_only(
        string amount, string asset, int status, string code)
    {
        var (_, before) = await served.State();
        var reply = await served.Post(
            "/v1/transfers", Good.Replace("1.00", amount, StringComparison.Ordinal)
            .Replace("EUR", asset, StringComparison.Ordinal));
        (((int)reply.Status), reply.Code).Should().Be((status, code));
        (await served.State()).Position.Should().Be(before + 1);
    }

    [Fact]
    public async Task A_retired_asset_takes_no_new_entry()
    {
        await served.Post("/v1/assets", """{"asset":"OLD","scale":0,"title":"Old points"}""");
        await served.Post("/v1/assets/OLD/retire", "{}");
        (await served.Post(
            "/v1/transfers", Good.Replace("EUR", "OLD", StringComparison.Ordinal)
            .Replace("1.00", "1", StringComparison.Ordinal))).Code
            .Should().Be("asset.retired");
    }

    [Theory]
    [InlineData(null, "request.id_missing")]
    [InlineData("", "request.id_malformed")]
    [InlineData("caf\u00e9", "request.id_malformed")]
    public async Task A_command_needs_an_id_that_is_one(string? id, string code) =>
        (await served.Send(HttpMethod.Post, "/v1/transfers", Encoding.UTF8.GetBytes(Good), id)).Code.Should().Be(code);

    [Fact]
    public async Task An_id_of_ten_thousand_bytes_is_refused() =>
        (await served.Post("/v1/transfers", Good, new string('x', 10_000))).Code.Should().Be("request.id_malformed");

    [Fact]
    public async Task An_id_from_the_future_is_refused()
    {
        var reply =
            await served.Post("/v1/transfers", Good, Guid.CreateVersion7(DateTimeOffset.UtcNow.AddYears(5)).ToString());
        (((int)reply.Status), reply.Code).Should().Be((422, "command.id_from_future"));
    }

    [Theory]
    [InlineData("/v1/events?types=transfer.made.v1", "types", "It is none of: from, type, account, consumer, takeover.")]
    [InlineData("/v1/transfers?metadata=a", "metadata",
        "It is none of: reference, metadata-key, metadata-value, after, limit, cursor.")]
    [InlineData("/v1/audit/keys?all=true", "all", "This address takes no parameters.")]
    public async Task A_parameter_that_is_not_known_is_answered_with_those_that_are(string path, string field, string detail)
    {
        var reply = await served.Get(path);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.BadRequest, "request.query_malformed"), reply.Text);
        reply.Json.GetProperty("field").GetString().Should().Be(field);
        reply.Json.GetProperty("detail").GetString().Should().Be(detail);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused()
    {
        var before = await served.State();
        var reply = await served.Post("/v1/transfers", "{\"reference\":\"" + new string('x', Limits.BodyBytes) + "\"}");
        (((int)reply.Status), reply.Code).Should().Be((413, "request.body_too_large"));
        (await served.State()).Should().Be(before);
    }

    [Theory]
    [InlineData("""{"metadata":{"a":{"b":NEST}}}""")]
    [InlineData("NEST")]
    public async Task A_body_that_nests_too_deep_is_refused(string body)
    {
        var nest = new string('[', 5_000) + new string(']', 5_000);
        (await served.Post("/v1/transfers", body.Replace("NEST", nest, StringComparison.Ordinal))).Code.Should()
            .Be("request.too_deep");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=latin1")]
    [InlineData(null)]
    public async Task Another_content_type_is_refused(string? type)
    {
        var reply = await served.Send(
            HttpMethod.Post, "/v1/transfers", Encoding.UTF8.GetBytes(Good), served.NewId(), contentType: type);
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.UnsupportedMediaType, "request.content_type"));
    }

    [Fact]
    public async Task A_body_that_says_its_charset_is_taken()
    {
        var body = Encoding.UTF8.GetBytes(Good);
        (await served.Send(
            HttpMethod.Post, "/v1/transfers", body, served.NewId(),
            contentType: "application/json; charset=utf-8")).Status
            .Should().Be(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("GET", "/v1/transfers/x/y/z", 404, "request.route_unknown")]
    [InlineData("DELETE", "/v1/transfers", 405, "request.method_not_allowed")]
    [InlineData("POST", "/v1/transfers/not-a-uuid/post", 400, "request.field_malformed")]
    [InlineData("POST", "/v1/accounts/%22%5c/close", 400, "request.field_malformed")]
    public async Task An_address_that_is_none_says_so(string method, string path, int status, string code)
    {
        var reply = await served.Send(new(method), path, "{}"u8.ToArray(), served.NewId());
        (((int)reply.Status), reply.Code).Should().Be((status, code));
    }

    [Fact]
    public async Task A_timeout_without_a_reservation_is_refused() =>
        (await served.Post("/v1/transfers", Good.TrimEnd('}') + "},\"timeout_seconds\":5}")).Code.Should()
            .Be("request.fields_exclude_each_other");

    [Fact]
    public async Task A_step_of_the_clock_holds_the_book_until_it_is_accepted()
    {
        served.Time.Advance(0);
        var reply = await served.Post("/v1/sandbox/clock", """{"seconds":60}""");
        reply.Status.Should().Be(HttpStatusCode.OK);
        (await served.Post("/v1/sandbox/clock", """{"seconds":-60}""")).Code.Should().Be("clock.step_out_of_range");
        (await served.Get("/health/ready")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Every_code_is_explained()
    {
        var all = (await served.Get("/problems", "")).Json;
        foreach (var problem in all.EnumerateArray())
        {
            var code = problem.GetProperty("code").GetString();
            var reply = await served.Get($"/problems/{code}", "");
            (reply.Status, reply.Code).Should().Be((HttpStatusCode.OK, code));
        }
        all.GetArrayLength().Should().BeGreaterThan(100);
        (await served.Get("/problems/none.such", "")).Code.Should().Be("problem.not_found");
    }
}
