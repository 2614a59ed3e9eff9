using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BankingEngine.Application.Signing;
using BankingEngine.Domain.Accounts;
using BankingEngine.Domain.Kernel;
using BankingEngine.Host.Api;
using BankingEngine.Host.Journals;

namespace BankingEngine.Host.Cli;

/// <summary><c>sign</c>: what <c>POST /v1/signed</c> takes, made with keys in files. Needs no book and no server.</summary>
internal static class SignCommand
{
    private const string About = """
        Signs a command, and prints the body for POST /v1/signed. Needs no server; the book's signing_id is of GET /v1/book.

          BOOK=$(curl -s $URL/v1/book | jq -r .signing_id)
          sign --key alice.pem --book $BOOK --as customers:alice@active --command transfer.make \
               --fields '{"debit":"customers:alice","credit":"customers:bob","amount":{"asset":"EUR","amount":"1.00"}}' \
            | curl -s $URL/v1/signed -H "Content-Type: application/json" -d @-

        Who signs for a book whose clock is another says --at. Fields that stand in a command's address are fields here too. Personal texts, as remittance, are given in the clear
        and signed by a salted hash. What was printed can be sent again: it happens once.

        Exit codes: 1 the fields are no JSON object, or a key file holds no key; 5 a file is missing.
        """;

    private const string NewAbout = """
        Makes a key that signs commands, and prints the public key and the name of its wallet. The file is PKCS #8 in PEM,
        unencrypted, readable by its owner only: whoever has it can sign.

          keys new --kind r1 --out alice.pem

        Exit codes: 2 the file exists.
        """;

    private static readonly Option<string>
        Kind = Common.Required<string>("--kind", "k1 (secp256k1) or r1 (P-256)."),
        Out = Common.Required<string>("--out", "File to write; it must not exist."),
        Book = Common.Required<string>("--book", "The book's signing_id, 64 figures."),
        Command = Common.Required<string>("--command", "The command's wire name, as in /v1/batch."),
        Fields = Common.Required<string>("--fields", "Its fields as a JSON object, or @ and the name of a file of them.");
    private static readonly Option<string[]>
        Keys = Common.Required<string[]>("--key", "Key file; state it again for each that signs."),
        As = Common.Required<string[]>("--as", "Permission that it runs under, account@permission; again for more.");
    private static readonly Option<int?> ExpiresIn = Common.Optional<int?>(
        "--expires-in", $"Seconds for which it may be sent, at most {Proof.MaxLifetimeSeconds}; default 300.");
    private static readonly Option<string?>
        Id = Common.Optional<string?>("--id", "A UUIDv7; default: a new one."),
        At = Common.Optional<string?>("--at", "The book's time, as /v1/book states it; default: this machine's clock.");

    public static System.CommandLine.Command Build() =>
        new TaughtCommand("sign", About) { Keys, Book, As, Command, Fields, ExpiresIn, Id, At }.Does(Run);

    /// <summary>Stands below <c>keys</c>.</summary>
    public static System.CommandLine.Command BuildNew() => new TaughtCommand("new", NewAbout) { Kind, Out }.Does(MakeKey);

    private static int MakeKey(ParseResult parsed, Terminal terminal)
    {
        KeyKind kind = parsed.GetValue(Kind) switch
        {
            "k1" => KeyKind.Secp256k1,
            "r1" => KeyKind.P256,
            _ => throw Usage("Say --kind k1 or --kind r1."),
        };
        var path = parsed.GetValue(Out)!;
        if (File.Exists(path)) throw new CommandFailure(ExitCodes.Refused, "key.file_exists", $"{path} exists.");
        using var made = ECDsa.Create(Curve.Of(kind).Named);
        using (var file = FileKeyStore.CreateForOwner(path))
        {
            file.Write(Encoding.ASCII.GetBytes(made.ExportPkcs8PrivateKeyPem() + "\n"));
            file.Flush(flushToDisk: true);
        }
        var key = Curve.KeyOf(made, kind);
        terminal.Say($"Key    {key}");
        terminal.Say($"Wallet {Wallets.NameOf(key)}");
        return terminal.Done(new()
        {
            ["key"] = key.ToString(),
            ["wallet"] = Wallets.NameOf(key).ToString(),
            ["file"] = path,
        });
    }

    private static int Run(ParseResult parsed, Terminal terminal)
    {
        var (fields, personal) = Hidden(parsed.GetValue(Command)!, FieldsOf(parsed.GetValue(Fields)!));
        var now = parsed.GetValue(At) is not { } at ? new Instant(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000)
            : Instant.TryParse(at, out var stated) ? stated
            : throw Usage($"{at} is no instant.");
        var bytes = Canonical(new()
        {
            ["as"] = new JsonArray([.. parsed.GetValue(As)!.Order(StringComparer.Ordinal).Select(level => (JsonNode)level)]),
            ["book"] = parsed.GetValue(Book),
            ["command"] = parsed.GetValue(Command),
            ["expires"] = now.AddSeconds(parsed.GetValue(ExpiresIn) ?? 300).ToString(),
            ["fields"] = fields,
            ["id"] = parsed.GetValue(Id) ?? NewId(now),
        });
        if (SignedCommand.TryRead(bytes, out _) is { IsNone: false } flaw)
            throw Usage($"--{flaw.Member ?? "fields"}: {SigningProblems.Of(flaw).Problem.Title}");
        var body = new JsonObject
        {
            ["signed"] = Base64Url.EncodeToString(bytes),
            ["signatures"] = new JsonArray([.. parsed.GetValue(Keys)!.Select(path => (JsonNode)SignatureOf(path, bytes))]),
        };
        if (personal.Count > 0) body["personal"] = personal;

        // The body is the product, so that it can be handed on as it stands.
        if (terminal.IsJson) return terminal.Done(body);
        terminal.Say(body.ToJsonString());
        return ExitCodes.Done;
    }

    private static JsonObject SignatureOf(string path, byte[] bytes)
    {
        using var key = KeyIn(path, out var kind);
        var signature =
            key.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        EcSignature.MakeLow(kind, signature);
        return new()
        {
            ["key"] = Curve.KeyOf(key, kind).ToString(),
            ["signature"] = Base64Url.EncodeToString(signature),
        };
    }

    private static ECDsa KeyIn(string path, out KeyKind kind)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            kind = IsOn(key, KeyKind.P256) ? KeyKind.P256 : KeyKind.Secp256k1;
            if (kind == KeyKind.P256 || IsOn(key, kind)) return key;
        }
        catch (Exception malformed) when (malformed is ArgumentException or CryptographicException)
        {
            // Said below, with the file's name.
        }
        key.Dispose();
        throw Usage($"{path} holds no private key on secp256k1 or P-256.");
    }

    private static bool IsOn(ECDsa key, KeyKind kind)
    {
        try
        {
            Curve.KeyOf(key, kind);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Puts a salted hash in place of each personal text.</summary>
    private static (JsonObject Fields, JsonObject Personal) Hidden(string command, JsonObject fields)
    {
        var personal = new JsonObject();
        if (CommandCatalogue.Named(command) is not { } spec) throw Usage($"There is no command {command}.");
        foreach (var field in spec.Fields.Where(field => field.Sensitivity == Sensitivity.Personal))
        {
            if (fields[field.Name]?.GetValueKind() != JsonValueKind.String) continue;
            var (text, salt) =
                (fields[field.Name]!.GetValue<string>(), RandomNumberGenerator.GetBytes(PersonalParts.SaltBytes));
            fields[field.Name] = PersonalParts.HashOf(salt, text);
            personal[field.Name] = new JsonObject { ["text"] = text, ["salt"] = Base64Url.EncodeToString(salt) };
        }
        return (fields, personal);
    }

    private static JsonObject FieldsOf(string stated)
    {
        try
        {
            var json = stated.StartsWith('@') ? File.ReadAllText(stated[1..]) : stated;
            return JsonNode.Parse(json) as JsonObject ?? throw Usage("--fields is a JSON object.");
        }
        catch (JsonException)
        {
            throw Usage("--fields is a JSON object.");
        }
    }

    private static byte[] Canonical(JsonObject value)
    {
        try
        {
            return CanonicalJson.Write(value);
        }
        catch (FormatException cannot)
        {
            throw Usage($"--fields: {cannot.Message}");
        }
    }

    private static string NewId(Instant now) =>
        Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(now.Microseconds / 1_000)).ToString();

    private static CommandFailure Usage(string why) => new(ExitCodes.Usage, "usage", why);
}
