using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;

namespace BankingEngine.Specs.Api.Signing;

/// <summary>Commands that their signatures authorise, over the wire.</summary>
public sealed class SignedSpecs(ServedBook served) : IClassFixture<ServedBook>
{
    [Theory]
    [InlineData(KeyKind.Secp256k1)]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Passkey)]
    public async Task A_transfer_that_its_owner_signed_needs_no_key_and_says_who_signed(KeyKind kind)
    {
        using var owner = new Signer(kind);
        var account = await Owned(owner);
        var reply = await Pay(owner, account).Send();
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
        var line = Line(reply);
        line.GetProperty("by").GetString().Should().Be("signed");
        var given = line.GetProperty("auth").GetProperty("signatures")[0];
        given.GetProperty("key").GetString().Should().Be(owner.Key.ToString());
        given.TryGetProperty("client_data", out _).Should().Be(kind == KeyKind.Passkey);
    }

    [Fact]
    public async Task The_same_bytes_are_answered_the_same_and_move_nothing()
    {
        using var owner = new Signer(KeyKind.P256);
        var call = Pay(owner, await Owned(owner));
        var request = call.Request().ToJsonString();
        var first = await call.Send(request, "");
        var before = await served.State();
        var again = await call.Send(request, "");
        (again.Status, again.Text, again.IsReplay).Should().Be((first.Status, first.Text, true));
        (await served.State()).Should().Be(before);
    }

    [Fact]
    public async Task An_id_stands_for_one_content_only()
    {
        using var owner = new Signer(KeyKind.P256);
        var call = Pay(owner, await Owned(owner));
        call = call with { Id = call.NewId() };
        (await call.Send()).Status.Should().Be(HttpStatusCode.Created);
        var other = await (call with { Fields = call.Fields.Replace("1.00", "2.00", StringComparison.Ordinal) }).Send();
        other.Code.Should().Be("command.id_reused");
    }

    [Fact]
    public async Task A_channel_may_forward_a_customers_signature_and_stands_in_the_record()
    {
        using var owner = new Signer(KeyKind.P256);
        var call = Pay(owner, await Owned(owner));
        var reply = await call.Send(await served.KeyWith("read"));
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
        var line = Line(reply);
        line.GetProperty("by").GetString().Should().StartWith("k");
        line.TryGetProperty("auth", out _).Should().BeTrue();
        (await Pay(owner, call.As[0][..^7]).Send("bk.nobody.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).Code
            .Should().Be("key.not_recognised");
    }

    [Fact]
    public async Task Links_that_were_signed_together_happen_all_or_not_at_all()
    {
        using var owner = new Signer(KeyKind.Secp256k1);
        var account = await Owned(owner);
        string Chain(string second) => $$"""
            [{"command":"transfer.make","fields":{{Fields(account, "1.00")}}},
             {"command":"transfer.make","fields":{{Fields(account, second)}}}]
            """;
        var both = await (Pay(owner, account) with { Chain = Chain("2.00") }).Send();
        both.Status.Should().Be(HttpStatusCode.Created, both.Text);
        both.Json.GetProperty("events").GetArrayLength().Should().Be(2);
        var none = await (Pay(owner, account) with { Chain = Chain("9999.00") }).Send();
        (none.Code, none.Json.GetProperty("link").GetInt32()).Should().Be(("limit.insufficient_funds", 2));
    }

    [Fact]
    public async Task Two_who_have_to_sign_together_sign_the_same_bytes()
    {
        using var one = new Signer(KeyKind.P256);
        using var two = new Signer(KeyKind.Passkey);
        var both = $$"""{"threshold":2,"keys":[{{string.Join(",", new[] { one, two }.OrderBy(s => s.Key)
            .Select(s => $$"""{"key":"{{s.Key}}","weight":1}"""))}}]}""";
        var account = await Owned(both);
        (await Pay(one, account).Send()).Code.Should().Be("authority.not_satisfied");
        (await (Pay(one, account) with { Signers = [one, two] }).Send()).Status.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_the_book_refuses_is_kept_with_what_was_signed()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        var call = Pay(owner, account) with { Fields = Fields(account, "5000.00") };
        var request = call.Request().ToJsonString();
        var refused = await call.Send(request, "");
        (refused.Code, refused.IsRecorded).Should().Be(("limit.insufficient_funds", true));
        Line(refused).TryGetProperty("auth", out _).Should().BeTrue();
        (await call.Send(request, "")).Text.Should().Be(refused.Text);
    }

    [Fact]
    public async Task A_stranger_may_not_pay_from_anothers_account()
    {
        using var owner = new Signer(KeyKind.P256);
        using var stranger = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        await Owned(stranger);
        (await Pay(stranger, account).Send()).Code.Should().Be("authority.not_satisfied");
    }

    [Fact]
    public async Task A_path_of_the_address_is_a_field_of_what_is_signed()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        var reply = await (Pay(owner, account) with
        {
            As = [$"{account}@owner"],
            Command = "permission.set",
            Fields = $$"""{"account":"{{account}}","permission":"payroll","parent":"active","authority":{{owner.Authority}}}""",
        }).Send();
        reply.Json.GetProperty("type").GetString().Should().StartWith("permission.", reply.Text);
    }

    [Fact]
    public async Task A_personal_text_is_signed_by_its_hash_and_sealed_with_its_salt()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        var (call, salt) = Said(owner, account, "Rent for May");
        var reply = await call.Send();
        reply.Status.Should().Be(HttpStatusCode.Created, reply.Text);
        reply.Text.Should().NotContain("Rent");
        var line = Line(reply);
        line.GetRawText().Should().NotContain("Rent").And.NotContain(salt);
        var sealedSalt = line.GetProperty("auth").GetProperty("personal").GetProperty("remittance").GetString()!;
        served.Book.KeyStore.TryOpen(PersonalParts.SaltOf("remittance"), sealedSalt, out var opened).Should().BeTrue();
        opened.Should().Be(salt);
        served.Book.KeyStore.Destroy(account);
        served.Book.KeyStore.TryOpen(PersonalParts.SaltOf("remittance"), sealedSalt, out _).Should().BeFalse();
    }

    [Theory]
    [InlineData("personal.missing", "none")]
    [InlineData("personal.differs", "text")]
    [InlineData("personal.differs", "salt")]
    [InlineData("personal.malformed", "short salt")]
    [InlineData("personal.malformed", "another field")]
    [InlineData("personal.not_hashed", "in the clear")]
    public async Task A_personal_text_that_was_not_signed_so_is_refused(string code, string how)
    {
        using var owner = new Signer(KeyKind.P256);
        var (call, _) = Said(owner, await Owned(owner), "Rent for May");
        var part = (JsonObject)call.Personal!["remittance"]!;
        var changed = how switch
        {
            "none" => call with { Personal = null },
            "text" => call with { Personal = With(part, "text", "Rent for June") },
            "salt" => call with { Personal = With(part, "salt", new string('B', 22)[..21] + "A") },
            "short salt" => call with { Personal = With(part, "salt", "AAAA") },
            "another field" => call with
            {
                Personal = new() { ["remittance"] = part.DeepClone(), ["note"] = part.DeepClone() },
            },
            _ => call with
            {
                Fields = Fields(call.As[0][..^7], "1.00").TrimEnd('}') + "},\"remittance\":\"Rent for May\"}",
            },
        };
        await Refused(changed, code);
    }

    /// <summary>The rule table: what is changed, the code, and that nothing is left in the book.</summary>
    public static TheoryData<string, string> Refusals => new()
    {
        { "request.malformed_json", "cut" },
        { "request.field_missing", "no signed" },
        { "request.field_missing", "no signatures" },
        { "request.unknown_field", "another member" },
        { "request.field_malformed", "padded base64" },
        { "signature.missing", "no signature" },
        { "signature.too_many", "seventeen" },
        { "signature.duplicate_key", "twice" },
        { "signature.malformed", "no key" },
        { "signature.malformed", "zero r" },
        { "signature.malformed", "short" },
        { "signature.malformed", "der" },
        { "signature.high_s", "high" },
        { "request.unknown_field", "client data of no passkey" },
        { "signed.not_canonical", "blank" },
        { "signed.not_canonical", "unsorted" },
        { "signed.not_canonical", "float" },
        { "signed.not_canonical", "repeated member" },
        { "signed.malformed", "member more" },
        { "signed.malformed", "member less" },
        { "signed.levels_malformed", "two of one account" },
        { "signed.levels_malformed", "nobody" },
        { "signed.id_malformed", "own id" },
        { "signed.other_book", "other book" },
        { "signed.expired", "now" },
        { "signed.expires_too_late", "too late" },
        { "signature.key_unknown", "stranger" },
        { "signature.not_valid", "other bytes" },
        { "request.command_unknown", "no such command" },
        { "request.not_in_batch", "secret" },
        { "request.not_in_batch", "statement" },
        { "request.field_missing", "no amount" },
        { "request.amount_is_number", "number" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_is_not_as_documented_is_refused_with_its_code_and_leaves_nothing(string code, string how)
    {
        using var owner = new Signer(KeyKind.P256);
        using var other = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        await Refused(Broken(Pay(owner, account), how, other), code);
    }

    [Theory]
    [InlineData("passkey.origin_unknown", "origin")]
    [InlineData("passkey.challenge_differs", "challenge")]
    [InlineData("passkey.client_data_malformed", "client data")]
    [InlineData("passkey.authenticator_data_malformed", "authenticator data")]
    [InlineData("request.field_missing", "no client data")]
    [InlineData("signature.malformed", "numbers")]
    public async Task A_passkeys_assertion_is_of_this_command_on_a_page_of_the_bank(string code, string how)
    {
        using var owner = new Signer(KeyKind.Passkey);
        var call = Pay(owner, await Owned(owner));
        void Set(JsonObject request, string name, JsonNode? value)
        {
            var given = (JsonObject)request["signatures"]![0]!;
            if (value is null) given.Remove(name);
            else given[name] = value;
        }

        await Refused(call with
        {
            After = request =>
            {
                var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(request["signed"]!.GetValue<string>());
                if (how == "origin") request["signatures"]![0] = owner.Sign(bytes, "https://evil.example");
                else if (how == "challenge") request["signatures"]![0] = owner.Sign([.. bytes, 1]);
                else if (how == "client data") Set(request, "client_data", "e30");
                else if (how == "authenticator data") Set(request, "authenticator_data", "AAAA");
                else if (how == "no client data") Set(request, "client_data", null);
                else Set(request, "signature", System.Buffers.Text.Base64Url.EncodeToString(owner.Numbers(bytes)));
            },
        }, code);
    }

    [Fact]
    public async Task An_expiry_is_taken_up_to_its_bounds()
    {
        using var owner = new Signer(KeyKind.P256);
        var account = await Owned(owner);
        (await (Pay(owner, account) with { ExpiresIn = 1 }).Send()).Status.Should().Be(HttpStatusCode.Created);
        (await (Pay(owner, account) with { ExpiresIn = Proof.MaxLifetimeSeconds }).Send()).Status.Should()
            .Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_key_off_its_curve_gets_no_weight()
    {
        var off = new SigningKey(KeyKind.P256, [2, .. new byte[31], 1]);
        var reply = await served.Post(
            "/v1/accounts/customers:bob/permissions",
            $$$"""{"owner":{"threshold":1,"keys":[{"key":"{{{off}}}","weight":1}]},"active":{"threshold":1,"keys":[]}}""");
        (reply.Status, reply.Code).Should().Be((HttpStatusCode.BadRequest, "signature.wrong_curve"));
    }

    [Fact]
    public async Task The_book_says_what_to_sign_for_without_a_key()
    {
        var book = (await served.Get("/v1/book", "")).Json;
        var first = new ArrayBufferWriter<byte>();
        served.Book.Engine.Journal.TryReadEvent(1, first);
        book.GetProperty("signing_id").GetString().Should().Be(Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData([0, .. first.WrittenSpan])));
        Instant.TryParse(book.GetProperty("time").GetString(), out _).Should().BeTrue();
    }

    private static SignedCall Broken(SignedCall call, string how, Signer other)
    {
        SignedCall Given(string name, JsonNode value) =>
            call with { After = request => ((JsonObject)request["signatures"]![0]!)[name] = value };
        SignedCall Numbers(Func<byte[], byte[]> change) => call with
        {
            After = request =>
            {
                var given = (JsonObject)request["signatures"]![0]!;
                given["signature"] = System.Buffers.Text.Base64Url.EncodeToString(
                    change(System.Buffers.Text.Base64Url.DecodeFromChars(given["signature"]!.GetValue<string>())));
            },
        };
        return how switch
        {
            "no signed" => call with { After = request => request.Remove("signed") },
            "no signatures" => call with { After = request => request.Remove("signatures") },
            "another member" => call with { After = request => request["colour"] = "red" },
            "padded base64" => call with { After = request => request["signed"] = request["signed"]!.GetValue<string>() + "=" },
            "no signature" => call with { Signers = [] },
            "seventeen" => call with { Signers = [.. Enumerable.Repeat(other, 17)] },
            "twice" => call with { Signers = [call.Signers[0], call.Signers[0]] },
            "no key" => Given("key", "r1:nonsense"),
            "zero r" => Numbers(numbers => [.. new byte[32], .. numbers[32..]]),
            "short" => Numbers(numbers => numbers[..63]),
            "der" => Numbers(numbers => [0x30, 0x06, 2, 1, 1, 2, 1, 1]),
            "high" => Numbers(numbers =>
            {
                Curve.P256.Negate(numbers.AsSpan(32));
                return numbers;
            }),
            "client data of no passkey" => Given("client_data", "e30"),
            "blank" => call with { Before = json => json.Replace("\"id\":", "\"id\": ", StringComparison.Ordinal) },
            "unsorted" => call with { Before = json => $$"""{"z":1,{{json[1..]}}""" },
            "float" => call with { Before = json => json.Replace("\"1.00\"", "1.5", StringComparison.Ordinal) },
            "repeated member" => call with { Before = json => $$"""{"as":[],{{json[1..]}}""" },
            "member more" => call with { Before = json => json[..^1] + ",\"zero\":0}" },
            "member less" => call with { Before = json => json[..json.IndexOf(",\"id\":", StringComparison.Ordinal)] + "}" },
            "two of one account" => call with { As = [call.As[0], call.As[0][..^7] + "@owner"] },
            "nobody" => call with { As = [] },
            "own id" => call with { Id = "my-own" },
            "other book" => call with { Book = new string('0', 64) },
            "now" => call with { ExpiresIn = 0 },
            "too late" => call with { ExpiresIn = Proof.MaxLifetimeSeconds + 60 },
            "stranger" => call with { Signers = [other] },
            "other bytes" => Numbers(_ => call.Signers[0].Numbers("other"u8.ToArray())),
            "no such command" => call with { Command = "transfer.undo" },
            "secret" => call with { Command = "key.issue", Fields = """{"key":"mine","scopes":["read"]}""" },
            "statement" => call with
            {
                Command = "statement.issue",
                Fields = """{"account":"customers:alice","asset":"EUR","from":"2026-01-01","through":"2026-01-05"}""",
            },
            "no amount" => call with { Fields = """{"debit":"a","credit":"b"}""" },
            "number" => call with { Fields = """{"debit":"a","credit":"b","amount":{"asset":"EUR","amount":1}}""" },
            _ => call,
        };
    }

    private async Task Refused(SignedCall call, string code)
    {
        var request = call.Request().ToJsonString();
        if (code == "request.malformed_json") request = request[..^3];
        var before = await served.State();
        var reply = await call.Send(request, "");
        reply.Code.Should().Be(code, reply.Text);
        (await served.State()).Should().Be(before);
    }

    private SignedCall Pay(Signer signer, string account) => served.Pay(signer, account);

    private (SignedCall Call, string Salt) Said(Signer owner, string account, string text)
    {
        byte[] salt = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
        var encoded = System.Buffers.Text.Base64Url.EncodeToString(salt);
        var fields = Fields(account, "1.00").TrimEnd('}') + $$"""},"remittance":"{{PersonalParts.HashOf(salt, text)}}"}""";
        return (Pay(owner, account) with
        {
            Fields = fields,
            Personal = new() { ["remittance"] = new JsonObject { ["text"] = text, ["salt"] = encoded } },
        }, encoded);
    }

    private static JsonObject With(JsonObject part, string name, string value)
    {
        var changed = (JsonObject)part.DeepClone();
        changed[name] = value;
        return new() { ["remittance"] = changed };
    }

    private static string Fields(string account, string amount) => SignedAccounts.Fields(account, amount);

    private Task<string> Owned(Signer owner) => served.Owned(owner.Authority);

    private Task<string> Owned(string authority) => served.Owned(authority);

    private JsonElement Line(Reply reply)
    {
        var line = new ArrayBufferWriter<byte>();
        served.Book.Engine.Journal.TryReadEvent(reply.Json.GetProperty("position").GetInt64(), line).Should().BeTrue();
        return JsonDocument.Parse(Encoding.UTF8.GetString(line.WrittenSpan)).RootElement;
    }
}
