using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BankingEngine.Application.Ports;
using BankingEngine.Application.Signing;

namespace BankingEngine.Host.Api;

/// <summary>
/// The personal texts of a signed command: signed by salted hashes, opened beside, and put in place of the hashes
/// before the command is read. The salts are sealed with the texts, so that erasing a person leaves the signature
/// verifiable and the text unguessable.
/// </summary>
/// <param name="given">By field; in a chain by link and field, <c>2.remittance</c>.</param>
public sealed class PersonalParts(IReadOnlyDictionary<string, (string Text, byte[] Salt)> given)
{
    public const int SaltBytes = 16, MaxTextBytes = 4 * 1024;

    private const string Prefix = "sha256:";

    private readonly SortedDictionary<string, string> _sealed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private int _link;

    /// <summary>The salts, sealed for whose texts they are; ascending by field.</summary>
    public IEnumerable<(string Field, string SealedSalt)> Sealed => _sealed.Select(pair => (pair.Key, pair.Value));

    /// <summary>A part that belongs to no field; null where there is none.</summary>
    public Flaw? Unused() => given.Keys.FirstOrDefault(name => !_used.Contains(name)) is { } name
        ? new Flaw(SigningProblems.PersonalMalformed, $"personal.{name}")
        : null;

    /// <summary>Puts the texts in place of the hashes.</summary>
    /// <param name="fields">Canonical, as signed.</param>
    /// <param name="link">The link of a chain, from 1; 0 where the command stands alone.</param>
    /// <param name="opened">The fields as they would have been sent.</param>
    public Flaw? Open(CommandSpec spec, ReadOnlyMemory<byte> fields, int link, out ReadOnlyMemory<byte> opened)
    {
        (_link, opened) = (link, fields);
        if (!spec.Fields.Any(field => field.Sensitivity == Sensitivity.Personal)) return null;
        var to = new ArrayBufferWriter<byte>(fields.Length + 64);
        var reader = new Utf8JsonReader(fields.Span);
        reader.Read();
        var copied = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = spec.Find(ref reader);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (field is not { Sensitivity: Sensitivity.Personal }) continue;
            if (Check(field, fields.Span[start..(int)reader.BytesConsumed], out var text) is { } flaw) return flaw;
            to.Write(fields.Span[copied..start]);
            to.Write("\""u8);
            to.Write(JsonEncodedText.Encode(text).EncodedUtf8Bytes);
            to.Write("\""u8);
            copied = (int)reader.BytesConsumed;
        }
        to.Write(fields.Span[copied..]);
        opened = to.WrittenMemory;
        return null;
    }

    /// <summary>Seals the salt of a field whose text is being sealed.</summary>
    public void Seal(IKeyStore keys, string subject, string field)
    {
        var name = NameOf(field);
        if (given.TryGetValue(name, out var part))
            _sealed[name] = keys.Seal(subject, SaltOf(field), System.Buffers.Text.Base64Url.EncodeToString(part.Salt));
    }

    /// <summary>What kind of text the salt of a field is sealed as.</summary>
    public static string SaltOf(string field) => field + ".salt";

    /// <summary>What is signed in place of a text.</summary>
    public static string HashOf(ReadOnlySpan<byte> salt, string text) => Prefix
        + System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(text)]));

    private Flaw? Check(Field field, ReadOnlySpan<byte> value, out string text)
    {
        text = "";
        var name = NameOf(field.Name);
        if (value.Length < 2 || value[0] != (byte)'"' || !value[1..^1].StartsWith("sha256:"u8)
            || !SignedText.TryBytes(Encoding.UTF8.GetString(value[(1 + Prefix.Length)..^1]), SHA256.HashSizeInBytes, out var hash)
            || hash.Length != SHA256.HashSizeInBytes)
            return new Flaw(SigningProblems.PersonalNotHashed, field.Name, _link);
        if (!given.TryGetValue(name, out var part)) return new Flaw(SigningProblems.PersonalMissing, $"personal.{name}", _link);
        _used.Add(name);
        var signed = Encoding.UTF8.GetString(value[1..^1]);
        if (HashOf(part.Salt, part.Text) != signed) return new Flaw(SigningProblems.PersonalDiffers, $"personal.{name}", _link);
        text = part.Text;
        return null;
    }

    private string NameOf(string field) => _link == 0 ? field : FormattableString.Invariant($"{_link}.{field}");
}
