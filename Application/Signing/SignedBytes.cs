using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using BankingEngine.Domain.Kernel;

namespace BankingEngine.Application.Signing;

/// <summary>One command as it was signed.</summary>
/// <param name="Command">Its wire name.</param>
/// <param name="Fields">The object of its fields, canonical: a part of the signed bytes.</param>
public readonly record struct SignedLink(string Command, ReadOnlyMemory<byte> Fields);

/// <summary>What every kind of signed bytes says.</summary>
/// <param name="As">The permissions it is to run under, in their text's order; at most one an account.</param>
/// <param name="Book">64 figures: the leaf hash of the book's first event.</param>
/// <param name="Expires">First instant at which it is no longer taken.</param>
public sealed record SignedHead(ImmutableArray<Level> As, string Book, Instant Expires);

/// <summary>A command, or a chain of them, as it was signed.</summary>
/// <param name="Links">One, or the links of a chain.</param>
public sealed record SignedCommand(
    SignedHead Head, CommandId Id, ImmutableArray<SignedLink> Links, bool IsChain)
{
    /// <summary>What is signed stands in the event line, which has to fit a block.</summary>
    public const int MaxBytes = 128 * 1024;

    public const int MaxLinks = Domain.Execution.MaxLinks;

    /// <summary>
    /// Reads canonical bytes: <c>as</c>, <c>book</c>, <c>command</c> and <c>fields</c> or <c>chain</c>, <c>expires</c>,
    /// <c>id</c>, and nothing else.
    /// </summary>
    public static SigningFlaw TryRead(ReadOnlyMemory<byte> bytes, out SignedCommand command)
    {
        command = null!;
        if (SignedReader.Open(bytes, MaxBytes, out var reading) is { IsNone: false } flaw) return flaw;
        var links = ImmutableArray.CreateBuilder<SignedLink>(1);
        var isChain = false;
        if (reading.Head() is { IsNone: false } head) return head;
        if (reading.TryName("chain"))
        {
            isChain = true;
            if (reading.Chain(links) is { IsNone: false } chain) return chain;
        }
        else if (reading.Link(links, throughExpires: true) is { IsNone: false } link)
        {
            return link;
        }
        if (isChain && !reading.TryExpires()) return new(SigningFault.SignedMalformed, "expires");
        if (!isChain && !reading.TryFields(links)) return new(SigningFault.SignedMalformed, "fields");
        if (reading.Id(out var id) is { IsNone: false } wrong) return wrong;
        if (!reading.TryEnd()) return new(SigningFault.SignedMalformed);
        command = new(reading.Said, id, links.ToImmutable(), isChain);
        return default;
    }

    /// <summary>The fingerprint of a signed command: the first half of the SHA-256 of its bytes.</summary>
    public static UInt128 PrintOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}

/// <summary>A question to the book as it was signed: whoever holds a wallet's key may read the wallet.</summary>
/// <param name="Read">The path of the address that is asked, without its query.</param>
public sealed record SignedRead(SignedHead Head, string Read)
{
    public const int MaxBytes = 1024;

    /// <summary>Reads canonical bytes: <c>as</c> with one permission, <c>book</c>, <c>expires</c>, <c>read</c>.</summary>
    public static SigningFlaw TryRead(ReadOnlyMemory<byte> bytes, out SignedRead read)
    {
        read = null!;
        if (SignedReader.Open(bytes, MaxBytes, out var reading) is { IsNone: false } flaw) return flaw;
        if (reading.Head() is { IsNone: false } head) return head;
        if (reading.Levels > 1) return new(SigningFault.LevelsMalformed, "as");
        if (!reading.TryExpires()) return new(SigningFault.SignedMalformed, "expires");
        if (!reading.TryName("read") || reading.Text() is not { } path) return new(SigningFault.SignedMalformed, "read");
        if (!reading.TryEnd()) return new(SigningFault.SignedMalformed);
        read = new(reading.Said, path);
        return default;
    }
}

/// <summary>Goes through bytes that were found canonical, member by member in the one order they can have.</summary>
internal ref struct SignedReader
{
    private readonly ReadOnlyMemory<byte> _signed;
    private Utf8JsonReader _json;
    private ImmutableArray<Level> _as;
    private string? _book;
    private Instant _expires;

    private SignedReader(ReadOnlyMemory<byte> signed)
    {
        _signed = signed;
        _json = new(signed.Span, new() { MaxDepth = CanonicalJson.MaxDepth + 1 });
        _as = [];
    }

    public readonly int Levels => _as.Length;

    public readonly SignedHead Said => new(_as, _book!, _expires);

    public static SigningFlaw Open(ReadOnlyMemory<byte> signed, int most, out SignedReader reader)
    {
        reader = default;
        if (signed.Length > most) return new(SigningFault.SignedMalformed);
        if (!CanonicalJson.IsCanonical(signed.Span)) return new(SigningFault.NotCanonical);
        reader = new(signed);
        reader._json.Read();
        if (reader._json.TokenType != JsonTokenType.StartObject) return new(SigningFault.SignedMalformed);
        reader._json.Read();
        return default;
    }

    /// <summary><c>as</c> and <c>book</c>.</summary>
    public SigningFlaw Head()
    {
        if (!TryName("as") || _json.TokenType != JsonTokenType.StartArray) return new(SigningFault.LevelsMalformed, "as");
        var levels = ImmutableArray.CreateBuilder<Level>();
        string? before = null;
        while (_json.Read() && _json.TokenType == JsonTokenType.String)
        {
            var text = _json.GetString()!;
            if (levels.Count == Proof.MaxDeclared || !Level.TryParse(text, out var level) || level.ToString() != text
                || (before is not null && string.CompareOrdinal(before, text) >= 0)
                || levels.Any(other => other.Account == level.Account))
                return new(SigningFault.LevelsMalformed, "as");
            levels.Add(level);
            before = text;
        }
        if (_json.TokenType != JsonTokenType.EndArray || levels.Count == 0)
            return new(SigningFault.LevelsMalformed, "as");
        _as = levels.ToImmutable();
        _json.Read();
        if (!TryName("book") || Text() is not { Length: 64 } book || book.Any(c => !char.IsAsciiHexDigitLower(c)))
            return new(SigningFault.SignedMalformed, "book");
        _book = book;
        return default;
    }

    public bool TryName(string name)
    {
        if (_json.TokenType != JsonTokenType.PropertyName || !_json.ValueTextEquals(name)) return false;
        return _json.Read();
    }

    /// <summary>Takes a text; null where another value stands.</summary>
    public string? Text()
    {
        if (_json.TokenType != JsonTokenType.String) return null;
        var text = _json.GetString();
        _json.Read();
        return text;
    }

    public bool TryExpires()
    {
        if (!TryName("expires") || Text() is not { } text) return false;
        return Instant.TryParse(text, out _expires) && _expires.ToString() == text;
    }

    /// <summary><c>command</c>, and <c>expires</c>, which stands between it and its fields.</summary>
    public SigningFlaw Link(ImmutableArray<SignedLink>.Builder links, bool throughExpires)
    {
        if (!TryName("command") || Text() is not { } command) return new(SigningFault.SignedMalformed, "command");
        links.Add(new(command, default));
        return throughExpires && !TryExpires() ? new(SigningFault.SignedMalformed, "expires") : default;
    }

    /// <summary>The fields of the last link.</summary>
    public bool TryFields(ImmutableArray<SignedLink>.Builder links)
    {
        if (!TryName("fields") || _json.TokenType != JsonTokenType.StartObject) return false;
        var start = (int)_json.TokenStartIndex;
        _json.Skip();
        links[^1] = links[^1] with { Fields = _signed[start..(int)_json.BytesConsumed] };
        return _json.Read();
    }

    public SigningFlaw Chain(ImmutableArray<SignedLink>.Builder links)
    {
        if (_json.TokenType != JsonTokenType.StartArray) return new(SigningFault.SignedMalformed, "chain");
        while (_json.Read() && _json.TokenType == JsonTokenType.StartObject)
        {
            var number = links.Count + 1;
            if (number > SignedCommand.MaxLinks) return new(SigningFault.SignedMalformed, "chain");
            _json.Read();
            if (Link(links, throughExpires: false) is { IsNone: false } flaw) return flaw with { Link = number };
            if (!TryFields(links) || _json.TokenType != JsonTokenType.EndObject)
                return new(SigningFault.SignedMalformed, "fields", number);
        }
        if (_json.TokenType != JsonTokenType.EndArray || links.Count == 0)
            return new(SigningFault.SignedMalformed, "chain");
        _json.Read();
        return default;
    }

    public SigningFlaw Id(out CommandId id)
    {
        id = default;
        if (!TryName("id") || Text() is not { } text) return new(SigningFault.SignedMalformed, "id");
        return CommandId.TryParse(text, out id) && id is { Version: 7, UnixMilliseconds: >= 0 } && id.ToString() == text
            ? default
            : new(SigningFault.IdMalformed, "id");
    }

    /// <summary>Whether nothing stands behind.</summary>
    public bool TryEnd() => _json.TokenType == JsonTokenType.EndObject && !_json.Read();
}
