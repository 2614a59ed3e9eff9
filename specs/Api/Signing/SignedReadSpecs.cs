using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>Who holds an account's key reads the account without an API key, and nothing else.</summary>
public sealed class SignedReadSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Theory]
    [InlineData("")]
    [InlineData("/balances")]
    [InlineData("/balances?asset=EUR")]
    [InlineData("/entries?limit=1")]
    [InlineData("/permissions")]
    [InlineData("/authorisations")]
    public async Task The_account_that_is_named_is_read(string below)
    {
        using var owner = new Signer(KeyKind.Secp256k1);
        var account = await served.Owned(owner.Authority);
        var (_, next) = await served.State();
        (await served.Get($"/v1/accounts/{account}/entries?after={next - 1}")).Status.Should().Be(HttpStatusCode.OK);
        var path = $"/v1/accounts/{account}{below}";
        var (status, text) = await Get(path, Header(owner, $"{account}@active", path.Split('?')[0]));
        status.Should().Be(HttpStatusCode.OK, text);
    }

    [Theory]
    [InlineData("/v1/accounts", "signed.read_not_offered")]
    [InlineData("/v1/accounts/ACCOUNT/restraints", "signed.read_not_offered")]
    [InlineData("/v1/trial-balance", "signed.read_not_offered")]
    [InlineData("/v1/events", "signed.read_not_offered")]
    [InlineData("/v1/accounts/customers:bob", "signed.read_elsewhere")]
    public async Task Nothing_else_is(string path, string code)
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        path = path.Replace("ACCOUNT", account, StringComparison.Ordinal);
        (await Get(path, Header(owner, $"{account}@active", path))).Text.Should().Contain($"\"code\":\"{code}\"");
    }

    [Theory]
    [InlineData("signed.read_elsewhere", "other path")]
    [InlineData("signed.expired", "expired")]
    [InlineData("signed.expires_too_late", "late")]
    [InlineData("signed.other_book", "book")]
    [InlineData("signed.malformed", "member")]
    [InlineData("signed.not_canonical", "blank")]
    [InlineData("signature.not_valid", "signature")]
    [InlineData("signature.malformed", "parts")]
    [InlineData("signature.key_unknown", "stranger")]
    [InlineData("signed.read_not_allowed", "neighbour")]
    public async Task What_was_not_signed_so_is_refused(string code, string how)
    {
        using var owner = new Signer(KeyKind.P256);
        using var other = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        if (how == "neighbour") await served.Owned(other.Authority);
        var path = $"/v1/accounts/{account}";
        var header = how switch
        {
            "other path" => Header(owner, $"{account}@active", path + "/balances"),
            "expired" => Header(owner, $"{account}@active", path, expiresIn: 0),
            "late" => Header(owner, $"{account}@active", path, expiresIn: Proof.MaxLifetimeSeconds + 60),
            "book" => Header(owner, $"{account}@active", path, book: new string('0', 64)),
            "member" => Header(owner, $"{account}@active", path, change: json => json[..^1] + ",\"zero\":0}"),
            "blank" => Header(owner, $"{account}@active", path, change: json => json + " "),
            "signature" => Header(owner, $"{account}@active", path)[..^5] + "AAAAA",
            "parts" => Header(owner, $"{account}@active", path) + ".x",
            _ => Header(other, $"{account}@active", path),
        };
        var (status, text) = await Get(path, header);
        text.Should().Contain($"\"code\":\"{code}\"");
        ((int)status).Should().BeInRange(400, 403);
    }

    [Fact]
    public async Task Nothing_is_written_by_such_a_signature()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await served.Owned(owner.Authority);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(served.Address + $"/v1/accounts/{account}/close"));
        request.Headers.TryAddWithoutValidation(
            "Authorization", "Signed " + Header(owner, $"{account}@active", $"/v1/accounts/{account}/close"));
        request.Content = new StringContent("""{"reason":"x"}""", MediaTypeHeaderValue.Parse("application/json"));
        using var client = new HttpClient();
        using var response = await client.SendAsync(request);
        (await response.Content.ReadAsStringAsync()).Should().Contain("signed.read_not_offered");
    }

    private string Header(
        Signer signer, string level, string path, int expiresIn = 60, string? book = null,
        Func<string, string>? change = null)
    {
        var json = Encoding.UTF8.GetString(CanonicalJson.Write(new JsonObject
        {
            ["as"] = new JsonArray(level),
            ["book"] = book ?? served.Book.SigningId,
            ["expires"] = served.Book.Engine.RoughNow.AddSeconds(expiresIn).ToString(),
            ["read"] = path,
        }));
        var bytes = Encoding.UTF8.GetBytes(change?.Invoke(json) ?? json);
        return $"{Base64Url.EncodeToString(bytes)}.{signer.Key}.{Base64Url.EncodeToString(signer.Numbers(bytes))}";
    }

    private async Task<(HttpStatusCode Status, string Text)> Get(string path, string header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(served.Address + path));
        request.Headers.TryAddWithoutValidation("Authorization", "Signed " + header);
        using var client = new HttpClient();
        using var response = await client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
