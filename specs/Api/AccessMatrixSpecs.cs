using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Specs.Contracts;
using Microsoft.AspNetCore.Routing;

namespace BankingEngine.Specs.Api;

/// <summary>
/// Which scope every endpoint asks for, approved as a text, and that each opens to that scope and to no other: every
/// endpoint against every scope, against no key, and against a key that has them all.
/// </summary>
public sealed class AccessMatrixSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    private const string Nothing = "nothing", AnyKey = "any key";

    private static readonly string File_ =
        Path.Combine(EventContractSpecs.Repository(), "specs", "Api", "access-matrix.txt");

    private static readonly Scopes[] Each = [.. Enum.GetValues<Scopes>().Where(scope => uint.IsPow2((uint)scope))];

    [Fact]
    public async Task Every_endpoint_asks_for_what_is_approved()
    {
        var now = (await Endpoints()).Select(e => $"{e.Method} {e.Route} {e.Asks}").ToList();
        now.Should().HaveCountGreaterThan(60);
        var found = Path.Combine(AppContext.BaseDirectory, "access-matrix.txt");
        await File.WriteAllTextAsync(found, string.Join("\n", now) + "\n");
        var approved = await File.ReadAllLinesAsync(File_);
        now.Except(approved).Should().BeEmpty("it is not approved: compare {0} with specs/Api/access-matrix.txt", found);
        now.Should().Equal(approved, "access-matrix.txt stands in the order of routes; {0} does", found);
    }

    [Fact]
    public async Task Every_endpoint_opens_to_its_scope_and_to_no_other()
    {
        var keys = new List<(string Token, Scopes Scopes)> { ("", Scopes.None) };
        foreach (var scope in Each) keys.Add((await served.KeyWith(NameOf(scope)), scope));
        keys.Add((await served.KeyWith([.. Each.Select(NameOf)]), Scopes.All));
        using var client = new HttpClient { BaseAddress = new(served.Address) };
        var before = (await served.State()).Digest;
        var wrong = new List<string>();
        foreach (var line in await File.ReadAllLinesAsync(File_))
        {
            var words = line.Split(' ', 3);
            foreach (var (token, scopes) in keys)
            {
                var answer = await Ask(client, words[0], words[1], token);
                if (answer != Expected(words[2], token, scopes)) wrong.Add($"{line}: with {scopes} it {answer}");
            }
        }
        wrong.Should().BeEmpty();
        (await served.State()).Digest.Should().Be(before, "none of these requests says anything");
    }

    private static string Expected(string asks, string token, Scopes scopes)
    {
        if (asks == Nothing) return "opens";
        if (token.Length == 0) return "wants a key";
        var needed = asks == AnyKey ? Scopes.None : Each.Single(scope => NameOf(scope) == asks);
        return (needed & ~scopes) == 0 ? "opens" : "wants another scope";
    }

    /// <summary>Asks with nothing in it, so that what opens then says what is missing; streams are left at once.</summary>
    private static async Task<string> Ask(HttpClient client, string method, string route, string token)
    {
        using var request = new HttpRequestMessage(new(method), PathOf(route));
        if (token.Length > 0) request.Headers.Authorization = new("Bearer", token);
        if (method == "POST")
            request.Content = new ByteArrayContent("{}"u8.ToArray())
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)) return "opens";
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return problem.RootElement.GetProperty("code").GetString() switch
        {
            "key.missing" => "wants a key",
            "key.scope_missing" => "wants another scope",
            var other => $"answers {other}",
        };
    }

    private static string PathOf(string route)
    {
        foreach (var name in ReadSpec.NamesIn(route))
        {
            var value = name switch
            {
                "account" => "customers:alice",
                "position" => "1",
                "documentName" => "v1",
                "asset" => "EUR",
                _ => "0198a1b2-0000-7000-8000-000000000000",
            };
            route = route.Replace($"{{{name}}}", value, StringComparison.Ordinal);
        }
        return route;
    }

    private async Task<List<(string Method, string Route, string Asks)>> Endpoints()
    {
        await using var app = ApiHost.Build(ApiHost.CreateBuilder([]), served.Book);
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method =>
                (method, endpoint.RoutePattern.RawText!, AskedBy(endpoint.Metadata.GetMetadata<Access>()!))))
            .OrderBy(e => e.Item2, StringComparer.Ordinal).ThenBy(e => e.method, StringComparer.Ordinal)];
    }

    private static string AskedBy(Access access) =>
        !access.Key ? Nothing : access.Scopes == Scopes.None ? AnyKey
        : string.Join("+", Each.Where(scope => (access.Scopes & scope) != 0).Select(NameOf));

    private static string NameOf(Scopes scope) => JsonNamingPolicy.SnakeCaseLower.ConvertName(scope.ToString());
}
