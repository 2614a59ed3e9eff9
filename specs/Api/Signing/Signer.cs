using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Specs.Engine.Signing;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>Somebody with a key, who signs as a wallet does.</summary>
internal sealed class Signer : IDisposable
{
    private readonly ECDsa _key;

    public Signer(KeyKind kind, string relyingParty = "localhost")
    {
        _key = ECDsa.Create(Curve.Of(kind).Named);
        Key = Curve.KeyOf(_key, kind, kind == KeyKind.Passkey ? relyingParty : null);
    }

    public SigningKey Key { get; }

    public AccountId Wallet => Wallets.NameOf(Key);

    /// <summary>An authority that this key satisfies alone.</summary>
    public string Authority => $$"""{"threshold":1,"keys":[{"key":"{{Key}}","weight":1}]}""";

    /// <summary>Signs as documented; of a passkey, what its authenticator and a browser would give.</summary>
    public JsonObject Sign(byte[] bytes, string origin = "http://localhost:5080")
    {
        if (Key.Kind != KeyKind.Passkey)
            return new() { ["key"] = Key.ToString(), ["signature"] = Base64Url.EncodeToString(Numbers(bytes)) };
        var client = Encoding.UTF8.GetBytes(Samples.ClientData(SHA256.HashData(bytes), origin: origin));
        var data = Samples.AuthenticatorData();
        return new()
        {
            ["key"] = Key.ToString(),
            ["signature"] = Base64Url.EncodeToString(_key.SignData(
                [.. data, .. SHA256.HashData(client)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
            ["authenticator_data"] = Base64Url.EncodeToString(data),
            ["client_data"] = Base64Url.EncodeToString(client),
        };
    }

    /// <summary>64 bytes, the second number in the lower half.</summary>
    public byte[] Numbers(byte[] bytes)
    {
        var signature =
            _key.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        EcSignature.MakeLow(Key.Kind, signature);
        return signature;
    }

    public void Dispose() => _key.Dispose();
}

/// <summary>What a spec sends to <c>/v1/signed</c>, every part of it open to change.</summary>
internal sealed record SignedCall(ServedBook Served)
{
    public string[] As { get; init; } = [];
    public string Command { get; init; } = "transfer.make";
    public string Fields { get; init; } = "{}";
    public string? Chain { get; init; }
    public string? Book { get; init; }
    public int ExpiresIn { get; init; } = 300;
    public string? Id { get; init; }
    public Signer[] Signers { get; init; } = [];
    public JsonObject? Personal { get; init; }

    /// <summary>Changes the signed bytes before they are signed.</summary>
    public Func<string, string> Before { get; init; } = json => json;

    /// <summary>Changes the request after it is signed.</summary>
    public Action<JsonObject> After { get; init; } = _ => { };

    private Instant Now => Served.Book.Engine.RoughNow;

    public string NewId() =>
        Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddMilliseconds(Now.Microseconds / 1_000)).ToString();

    public byte[] Bytes()
    {
        var said = new JsonObject
        {
            ["as"] = new JsonArray([.. As.Select(level => (JsonNode)level)]),
            ["book"] = Book ?? Served.Book.SigningId,
            ["expires"] = Now.AddSeconds(ExpiresIn).ToString(),
            ["id"] = Id ?? NewId(),
        };
        if (Chain is not null) said["chain"] = JsonNode.Parse(Chain);
        else (said["command"], said["fields"]) = (Command, JsonNode.Parse(Fields));
        return Encoding.UTF8.GetBytes(Before(Encoding.UTF8.GetString(CanonicalJson.Write(said))));
    }

    public JsonObject Request()
    {
        var bytes = Bytes();
        var request = new JsonObject
        {
            ["signed"] = Base64Url.EncodeToString(bytes),
            ["signatures"] = new JsonArray([.. Signers.Select(signer => (JsonNode)signer.Sign(bytes))]),
        };
        if (Personal is not null) request["personal"] = Personal.DeepClone();
        After(request);
        return request;
    }

    /// <param name="token">Of a channel that forwards it; none where the signature is all there is.</param>
    public Task<Reply> Send(string token = "") => Send(Request().ToJsonString(), token);

    public Task<Reply> Send(string request, string token) =>
        Served.Send(HttpMethod.Post, "/v1/signed", Encoding.UTF8.GetBytes(request), id: null, token);
}

/// <summary>Accounts of people with keys, in a served book.</summary>
internal static class SignedAccounts
{
    private static int _next;

    /// <summary>An account with 100.00 EUR that only this authority may act for.</summary>
    public static async Task<string> Owned(this ServedBook served, string authority)
    {
        var account = string.Create(CultureInfo.InvariantCulture, $"signers:s{Interlocked.Increment(ref _next)}");
        var opened = await served.Post("/v1/accounts",
            $$"""
            {"account":"{{account}}","class":"liability","chart":"2000","assets":["EUR"],
             "limits":["debits_must_not_exceed_credits"]}
            """);
        opened.Status.Should().Be(HttpStatusCode.Created, opened.Text);
        await served.Transfer("bank:cash", account, "100.00");
        var given = await served.Post(
            $"/v1/accounts/{account}/permissions", $$"""{"owner":{{authority}},"active":{{authority}},"channel":false}""");
        given.Status.Should().Be(HttpStatusCode.Created, given.Text);
        return account;
    }

    /// <summary>A payment of 1.00 EUR to bob, ready to send.</summary>
    public static SignedCall Pay(this ServedBook served, Signer signer, string account) =>
        new(served) { As = [$"{account}@active"], Fields = Fields(account, "1.00"), Signers = [signer] };

    public static string Fields(string account, string amount) =>
        $$$"""{"debit":"{{{account}}}","credit":"customers:bob","amount":{"asset":"EUR","amount":"{{{amount}}}"}}""";
}
