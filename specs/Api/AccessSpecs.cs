using System.Net;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace BankingEngine.Specs.Api;

public sealed class AccessSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Theory]
    [InlineData("", "key.missing")]
    [InlineData("nonsense", "key.not_recognised")]
    [InlineData("bk.demo.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key.not_recognised")]
    [InlineData("bk.nobody.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "key.not_recognised")]
    public async Task Without_a_key_that_works_nothing_is_answered(string token, string code)
    {
        foreach (var path in CommandCatalogue.All.Select(spec => spec.Route).Append("/v1/batch"))
        {
            var reply = await served.Send(HttpMethod.Post, path, "{}"u8.ToArray(), "x", token);
            (reply.Status, reply.Code).Should().Be((HttpStatusCode.Unauthorized, code), path);
        }
    }

    [Fact]
    public async Task A_key_opens_what_its_scope_says_and_nothing_else()
    {
        foreach (var spec in CommandCatalogue.All)
        {
            foreach (var scope in new[] { "read", "transfers", "accounts", "keys" })
            {
                var token = await KeyOnce(scope);
                var reply = await served.Post(spec.Route, "{}", token: token);
                var allowed = spec.Needs.ToString().Equals(scope, StringComparison.OrdinalIgnoreCase);
                (reply.Status == HttpStatusCode.Forbidden).Should().Be(!allowed, $"{spec.Name} under {scope}");
            }
        }
    }

    [Fact]
    public async Task What_a_field_asks_for_needs_its_own_scope()
    {
        var token = await KeyOnce("transfers");
        const string Body = """{"legs":[],"adjust":"correction"}""";
        (await served.Post("/v1/entries", Body, token: token)).Code.Should().Be("key.scope_missing");
        var item = (await served.Post(
            "/v1/batch", """[{"id":"a","command":"account.close","account":"customers:bob","reason":"x"}]""",
            token: token)).Json[0];
        item.GetProperty("problem").GetProperty("code").GetString().Should().Be("key.scope_missing");
    }

    [Fact]
    public async Task A_revoked_key_works_no_more_and_cannot_give_what_it_lacks()
    {
        var token = await served.KeyWith("keys", "read");
        (await served.Post("/v1/keys", """{"key":"greedy","scopes":["transfers"]}""", token: token)).Code.Should()
            .Be("key.scopes_exceed");
        var issued = await served.Post("/v1/keys", """{"key":"brief","scopes":["read","keys"]}""", "issue-brief");
        var brief = issued.Json.GetProperty("token").GetString()!;
        (await served.Get("/v1/keys", brief)).Status.Should().Be(HttpStatusCode.OK);
        await served.Post("/v1/keys/brief/revoke", """{"reason":"done"}""");
        (await served.Get("/v1/keys", brief)).Code.Should().Be("key.not_recognised");

        var again = await served.Post("/v1/keys", """{"key":"brief","scopes":["read","keys"]}""", "issue-brief");
        again.IsReplay.Should().BeTrue();
        again.Json.TryGetProperty("token", out _).Should().BeFalse("a token is shown once");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(served.Folder, "journal")))
        {
            using var reader =
                new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            (await reader.ReadToEndAsync()).Should().NotContain(brief[^43..]);
        }
    }

    [Fact]
    public async Task Every_endpoint_states_what_it_needs()
    {
        await using var app = ApiHost.Build(ApiHost.CreateBuilder([]), served.Book);
        var endpoints = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).ToList();
        endpoints.Should().HaveCountGreaterThan(30);
        endpoints.Should().OnlyContain(endpoint => endpoint.Metadata.GetMetadata<Access>() != null);
        var open = endpoints.Where(e => !e.Metadata.GetMetadata<Access>()!.Key).Select(e => e.DisplayName!).ToList();
        open.Should().OnlyContain(
            name => name.Contains("/health/") || name.Contains("/problems") || name.Contains("/openapi/")
                || name.Contains(" /v1/signed ") || name.Contains(" /v1/book "));
        app.MapPost("/v1/forgotten", () => "");
        var starting = () => Door.Verify(app);
        starting.Should().Throw<InvalidOperationException>().WithMessage("*forgotten*");
    }

    [Fact]
    public async Task The_description_shows_every_command_with_an_example()
    {
        var document = (await served.Get("/openapi/v1.json", "")).Json;
        document.GetProperty("openapi").GetString().Should().StartWith("3.1");
        foreach (var spec in CommandCatalogue.All)
        {
            var post = document.GetProperty("paths").GetProperty(spec.Route).GetProperty("post");
            post.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").TryGetProperty(
                "example", out _).Should().Be(spec.Example != "{}", spec.Name);
            post.GetProperty("responses").TryGetProperty("422", out _).Should().BeTrue();
        }
        (await served.Send(HttpMethod.Get, "/docs/index.html", null, null, "")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_live_book_has_no_sandbox_endpoints()
    {
        CommandCatalogue.All.Where(spec => spec.InSandboxOnly).Select(spec => spec.Needs)
            .Should().Equal(Scopes.Sandbox);
        (await served.Post("/v1/sandbox/clock", """{"seconds":1}""")).Status.Should()
            .Be(HttpStatusCode.OK, "this one is a sandbox");
    }

    private async Task<string> KeyOnce(string scope)
    {
        var id = $"only-{scope}";
        var reply = await served.Post("/v1/keys", $$"""{"key":"{{id}}","scopes":["{{scope}}"]}""");
        if (reply.Status == HttpStatusCode.Created) _tokens[scope] = reply.Json.GetProperty("token").GetString()!;
        return _tokens[scope];
    }

    private static readonly Dictionary<string, string> _tokens = [];
}
