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
    public async Task What_a_field_asks_for_needs_its_own_scope()
    {
        var token = await served.KeyWith("transfers");
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
    public async Task An_endpoint_that_does_not_state_what_it_needs_stops_the_start()
    {
        await using var app = ApiHost.Build(ApiHost.CreateBuilder([]), served.Book);
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
}
